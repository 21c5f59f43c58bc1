//! The tokens of the filter language: keywords, operators, names, values, quoted text, regular expressions.

use winnow::combinator::{alt, fail, opt, peek, terminated};
use winnow::error::{ErrMode, ModalResult, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};
use winnow::token::{any, one_of, rest, take, take_while};

use super::names::{EXPECTED_PARAM, is_param_name_char, is_query_param};
use super::value::{Comparison, Literal};
use super::{Reference, Subject, glob, period, quote};
use crate::log::Field;
use crate::query::Dimension;

/// The state of the parser besides its position in the text.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// What relative times refer to.
    pub(super) at: Reference,
    /// Current nesting depth of parentheses and negations.
    pub(super) depth: usize,
}

pub(super) type Input<'i> = Stateful<LocatingSlice<&'i str>, State>;

/// An error at a byte offset.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) offset: usize,
    pub(super) message: String,
    /// See [`FilterError::short`](super::FilterError::short).
    pub(super) short: Option<String>,
}

impl<'i> ParserError<Input<'i>> for SyntaxError {
    type Inner = SyntaxError;

    fn from_input(input: &Input<'i>) -> SyntaxError {
        SyntaxError {
            offset: input.current_token_start(),
            message: "unexpected text".to_owned(),
            short: None,
        }
    }

    fn into_inner(self) -> Result<SyntaxError, SyntaxError> {
        Ok(self)
    }
}

pub(super) type Parsed<O> = ModalResult<O, SyntaxError>;

/// Fails at `offset`; the parser tries no alternatives.
pub(super) fn fail_at<O>(offset: usize, message: impl Into<String>) -> Parsed<O> {
    fail_with(SyntaxError { offset, message: message.into(), short: None })
}

/// Fails with `error`; the parser tries no alternatives.
pub(super) fn fail_with<O>(error: SyntaxError) -> Parsed<O> {
    Err(ErrMode::Cut(error))
}

/// The byte offset of the next character.
pub(super) fn offset(input: &Input<'_>) -> usize {
    input.current_token_start()
}

/// The next character.
pub(super) fn next(input: &Input<'_>) -> Option<char> {
    input.peek_token()
}

/// Skips white space (any Unicode white space: it also ends a word).
pub(super) fn skip_space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

/// `or` or `||`.
pub(super) fn or(input: &mut Input<'_>) -> Parsed<()> {
    alt((keyword("or"), "||".void())).parse_next(input)
}

/// `and` or `&&`.
pub(super) fn and(input: &mut Input<'_>) -> Parsed<()> {
    alt((keyword("and"), "&&".void())).parse_next(input)
}

/// A keyword in any case, up to the end of the word.
pub(super) fn keyword<'i>(keyword: &'static str) -> impl Parser<Input<'i>, (), ErrMode<SyntaxError>> {
    move |input: &mut Input<'i>| {
        let letters = take_while(1.., |c: char| c.is_ascii_alphabetic())
            .verify(|text: &str| text.eq_ignore_ascii_case(keyword));
        terminated(letters, peek(word_end)).void().parse_next(input)
    }
}

/// Succeeds where a word can end: at white space, at a parenthesis and at the end of the text.
pub(super) fn word_end(input: &mut Input<'_>) -> Parsed<()> {
    match next(input) {
        None | Some('(' | ')') => Ok(()),
        Some(c) if c.is_whitespace() => Ok(()),
        Some(_) => fail.parse_next(input),
    }
}

/// Whether a term ends here without a value.
pub(super) fn has_no_value(input: &mut Input<'_>) -> bool {
    word_end(input).is_ok() && next(input) != Some('(')
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `:`
    Is,
    /// `!=`, `!:`
    IsNot,
    /// `=`
    Equals,
    /// `~`
    Matches,
    /// `!~`
    MatchesNot,
    /// `*=`
    Contains,
    /// `/=`
    HasPathPart,
    /// `<`, `<=`, `>`, `>=`
    Compares(Comparison),
}

pub(super) fn operator(input: &mut Input<'_>) -> Parsed<Operator> {
    let negated =
        alt(("!=".value(Operator::IsNot), "!:".value(Operator::IsNot), "!~".value(Operator::MatchesNot)));
    // Spellings of other languages.
    let foreign = alt(("==".value(Operator::Equals), "=~".value(Operator::Matches)));
    let compares = alt((
        ">=".value(Operator::Compares(Comparison::GreaterOrEqual)),
        "<=".value(Operator::Compares(Comparison::LessOrEqual)),
        '>'.value(Operator::Compares(Comparison::Greater)),
        '<'.value(Operator::Compares(Comparison::Less)),
    ));
    let others = alt((
        "*=".value(Operator::Contains),
        "/=".value(Operator::HasPathPart),
        '='.value(Operator::Equals),
        '~'.value(Operator::Matches),
        ':'.value(Operator::Is),
    ));
    alt((negated, foreign, compares, others)).parse_next(input)
}

/// A name of a field or of a derived dimension, such as `prefix/2`. It need not exist.
pub(super) fn name<'i>(input: &mut Input<'i>) -> Parsed<&'i str> {
    (
        one_of(|c: char| c.is_ascii_alphabetic()),
        take_while(0.., |c: char| c.is_ascii_alphanumeric() || c == '_'),
        opt(('/', take_while(1.., |c: char| c.is_ascii_digit()))),
    )
        .take()
        .parse_next(input)
}

/// `query_param:NAME`, with quotes around a name that has other characters than letters, digits, `-`, `_` and `.`.
pub(super) fn query_param(input: &mut Input<'_>) -> Parsed<Option<Dimension>> {
    let word = take_while(1.., |c: char| c.is_ascii_alphabetic() || c == '_')
        .verify(|text: &str| is_query_param(text));
    if opt((word, ':')).parse_next(input)?.is_none() {
        return Ok(None);
    }
    let start = offset(input);
    let name = match next(input) {
        Some('"') => String::from_utf8(quote::unquote(quoted(input)?)).unwrap_or_default(),
        _ => take_while(0.., is_param_name_char).parse_next(input)?.to_owned(),
    };
    if name.is_empty() {
        return fail_at(start, EXPECTED_PARAM);
    }
    Ok(Some(Dimension::QueryParam { name }))
}

/// The value of a term about `subject`. That of `time` may be written as the screen shows it: with a space between date
/// and time of day, and a dash with or without spaces in a range.
pub(super) fn value_of(input: &mut Input<'_>, subject: &Subject, in_list: bool) -> Parsed<Literal> {
    let mut value = literal(input, in_list)?;
    if *subject != Subject::Field(Field::Time) || value.is_quoted {
        return Ok(value);
    }
    loop {
        let text = String::from_utf8_lossy(&value.bytes).replace('–', "..");
        let last = text.rsplit("..").next().unwrap_or("");
        value.bytes = text.as_bytes().to_vec();
        let clock = last.split_once([' ', 'T', 't']).map(|(_, clock)| clock);
        let is_date = period::is_date(last);
        if is_date && opt(space_before_time_of_day).parse_next(input)?.is_some() {
            value.bytes.push(b' ');
        } else if (is_date || clock.is_some_and(period::is_time_of_day))
            && !text.contains("..")
            && opt(spaced_dash).parse_next(input)?.is_some()
        {
            value.bytes.extend(b"..");
        } else {
            break;
        }
        value.bytes.extend(literal(input, in_list)?.bytes);
    }
    let end = offset(input);
    if opt(space_before_time_of_day).parse_next(input)?.is_some() {
        return fail_at(end + 1, "a time of day needs a date before it, as in time:2026-04-09T12:00");
    }
    Ok(value)
}

/// White space that is followed by a time of day such as 12:00.
fn space_before_time_of_day(input: &mut Input<'_>) -> Parsed<()> {
    let digit = |c: char| c.is_ascii_digit();
    let clock = (take_while(1..=2, digit), ':', take_while(2, digit));
    (take_while(1.., char::is_whitespace), peek(clock)).void().parse_next(input)
}

/// A dash between the ends of a range, with white space around it.
fn spaced_dash(input: &mut Input<'_>) -> Parsed<()> {
    let space = || take_while(1.., char::is_whitespace);
    (space(), alt(("–", "..")), space(), peek(one_of(|c: char| c.is_ascii_digit()))).void().parse_next(input)
}

/// Succeeds before a date as the screen shows it, such as 04-09, that ends a word or begins a time or a range.
pub(super) fn date_ahead(input: &mut Input<'_>) -> Parsed<()> {
    let text: &str = peek(take_while(0.., |c: char| !c.is_whitespace() && c != ')')).parse_next(input)?;
    if period::begins_with_date(text) { Ok(()) } else { fail.parse_next(input) }
}

/// A value: bare text, quoted text, or a sequence of both (`media/"my file"*`). It ends at white space, at a
/// `)` without a `(` inside the value, and, `in_list`, at a comma. Escapes mean the same with and without quotes.
pub(super) fn literal(input: &mut Input<'_>, in_list: bool) -> Parsed<Literal> {
    let mut literal = Literal { bytes: Vec::new(), pattern: None, is_quoted: false };
    let mut pattern = Vec::new();
    let mut is_pattern = false;
    let mut open_parens = 0_usize;
    loop {
        match next(input) {
            Some('"') => {
                let bytes = quote::unquote(quoted(input)?);
                literal.is_quoted = true;
                push_ordinary(&bytes, &mut pattern);
                literal.bytes.extend(bytes);
                continue;
            }
            Some('\\') => {
                let rest: &str = peek(rest).parse_next(input)?;
                if let Some((bytes, length)) = quote::escape(rest) {
                    take(length).void().parse_next(input)?;
                    push_ordinary(&bytes, &mut pattern);
                    literal.bytes.extend(bytes);
                    continue;
                }
            }
            None => break,
            Some(',') if in_list => break,
            Some(')') if open_parens == 0 => break,
            Some(c) if c.is_whitespace() => break,
            Some('&' | '|') if opt(peek(alt(("&&", "||")))).parse_next(input)?.is_some() => {
                let message = "expected spaces around && and ||; quote a value that contains them";
                return fail_at(offset(input), message);
            }
            Some('(') => open_parens += 1,
            Some(')') => open_parens -= 1,
            Some(c) => is_pattern |= glob::is_meta(c),
        }
        let text = any.take().parse_next(input)?;
        literal.bytes.extend(text.as_bytes());
        pattern.extend(text.as_bytes());
    }
    if is_pattern {
        match String::from_utf8(pattern) {
            Ok(pattern) => literal.pattern = Some(pattern),
            Err(_) => {
                return fail_at(offset(input), "a pattern must be UTF-8; use an exact value for other bytes");
            }
        }
    }
    Ok(literal)
}

/// Appends characters to a pattern in which they mean themselves.
fn push_ordinary(bytes: &[u8], pattern: &mut Vec<u8>) {
    for &byte in bytes {
        if glob::is_meta(char::from(byte)) {
            pattern.extend([b'[', byte, b']']);
        } else {
            pattern.push(byte);
        }
    }
}

/// The text between two quotes, with its escapes.
fn quoted<'i>(input: &mut Input<'i>) -> Parsed<&'i str> {
    let start = offset(input);
    let inside = take_while(0.., is_before_closing_quote());
    match opt(('"', inside, '"')).parse_next(input)? {
        Some((_, inside, _)) => Ok(inside),
        None => fail_at(start, "the quotes are never closed: expected \""),
    }
}

/// Accepts characters up to the first quote that is not escaped by a backslash.
fn is_before_closing_quote() -> impl Fn(char) -> bool {
    let is_escaped = std::cell::Cell::new(false);
    move |c| {
        let was_escaped = is_escaped.get();
        is_escaped.set(c == '\\' && !was_escaped);
        was_escaped || c != '"'
    }
}

/// A regular expression: quoted, or bare up to white space or a `)` without a `(` inside the expression.
pub(super) fn regex(input: &mut Input<'_>) -> Parsed<String> {
    if next(input) == Some('"') {
        let pattern = quote::unquote_regex(quoted(input)?);
        if !has_no_value(input) {
            return fail_at(offset(input), "expected a space after the closing quote");
        }
        return Ok(pattern);
    }
    let start = offset(input);
    let mut pattern = String::new();
    let (mut open_parens, mut in_class) = (0_usize, false);
    loop {
        match next(input) {
            None => break,
            Some(c) if c.is_whitespace() => break,
            Some(')') if open_parens == 0 && !in_class => break,
            Some('\\') => pattern.push(any.parse_next(input)?),
            Some('[') => in_class = true,
            Some(']') => in_class = false,
            Some('(') if !in_class => open_parens += 1,
            Some(')') if !in_class => open_parens -= 1,
            Some(_) => {}
        }
        match next(input) {
            Some(c) if !c.is_whitespace() => pattern.push(any.parse_next(input)?),
            _ => break,
        }
    }
    if let Some(before) = pattern.strip_suffix("&&").or_else(|| pattern.strip_suffix("||")) {
        let message = "expected a space before && and ||; quote an expression that contains them";
        return fail_at(start + before.len(), message);
    }
    Ok(pattern)
}
