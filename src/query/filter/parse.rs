//! The grammar of the filter language.
//!
//! ```text
//! any    = all (("or" | "||") all)*
//! all    = factor (("and" | "&&")? factor)*
//! factor = ("-" | "not") factor | "!" (group | term with a name) | group | term
//! group  = "(" any? ")"
//! term   = name operator value ("," value)*  |  param (operator value ("," value)*)?  |  word
//! param  = "query_param:" name
//! ```

use winnow::combinator::{alt, fail, opt, peek, separated, terminated};
use winnow::error::{ErrMode, ModalResult, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};
use winnow::token::{any, one_of, take_while};

use super::error::{NO_PARAM, unknown_name};
use super::value::{self, Comparison, Word};
use super::{Filter, FilterError, Matcher, Subject, Test, escape, glob};
use crate::log::Field;
use crate::query::Dimension;
use crate::query::dimension::QUERY_PARAM;

/// The name that stands for no field in particular, where an operator is wanted: `any~bot`.
pub(super) const ANYWHERE: &str = "any";

/// How deep parentheses and negations may nest.
const DEPTH: usize = 100;
/// How long a filter may be, in bytes.
const LENGTH: usize = 1 << 20;

impl Filter {
    /// Reads a filter; `now`, in seconds since the epoch, is what times such as `-6h` count from.
    /// Text without a term lets every request through.
    ///
    /// # Errors
    /// Where it cannot be read, and what was expected there.
    pub fn parse(text: &str, now: i64) -> Result<Filter, FilterError> {
        if text.len() > LENGTH {
            return Err(FilterError { column: 1, message: "a filter may have 1 MiB at most".to_owned() });
        }
        let input = Input { input: LocatingSlice::new(text), state: State { now, depth: 0 } };
        whole.parse(input).map_err(|error| {
            let at = error.inner().at.min(text.len());
            let before = text.get(..at).unwrap_or(text);
            FilterError { column: before.chars().count() + 1, message: error.into_inner().message }
        })
    }
}

#[derive(Clone, Debug)]
struct State {
    now: i64,
    depth: usize,
}

type Input<'i> = Stateful<LocatingSlice<&'i str>, State>;

/// What went wrong at which byte.
#[derive(Debug)]
struct Wrong {
    at: usize,
    message: String,
}

impl<'i> ParserError<Input<'i>> for Wrong {
    type Inner = Wrong;

    fn from_input(input: &Input<'i>) -> Wrong {
        Wrong { at: input.current_token_start(), message: "unexpected text".to_owned() }
    }

    fn into_inner(self) -> Result<Wrong, Wrong> {
        Ok(self)
    }
}

type Parsed<O> = ModalResult<O, Wrong>;

/// An error that no alternative makes good.
fn wrong<O>(at: usize, message: impl Into<String>) -> Parsed<O> {
    Err(ErrMode::Cut(Wrong { at, message: message.into() }))
}

fn at(input: &Input<'_>) -> usize {
    input.current_token_start()
}

fn next(input: &Input<'_>) -> Option<char> {
    input.peek_token()
}

/// White space of any kind, the same that ends a word.
fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

fn whole(input: &mut Input<'_>) -> Parsed<Filter> {
    space(input)?;
    if next(input).is_none() {
        return Ok(Filter::everything());
    }
    let filter = any_of(input)?;
    match next(input) {
        None => Ok(filter),
        Some(')') => wrong(at(input), "\")\" without \"(\" before it"),
        Some(c) => wrong(at(input), format!("expected a term, not \"{c}\"")),
    }
}

fn any_of(input: &mut Input<'_>) -> Parsed<Filter> {
    let terms: Vec<Filter> = separated(1.., all_of, or).parse_next(input)?;
    Ok(Filter::any(terms))
}

fn all_of(input: &mut Input<'_>) -> Parsed<Filter> {
    let mut terms = Vec::new();
    loop {
        space(input)?;
        let joined = !terms.is_empty() && opt(and).parse_next(input)?.is_some();
        space(input)?;
        let ends = matches!(next(input), None | Some(')')) || opt(peek(or)).parse_next(input)?.is_some();
        if !ends {
            terms.push(factor(input)?);
        } else if terms.is_empty() || joined {
            return wrong(at(input), "expected a term, such as status:404");
        } else {
            return Ok(Filter::all(terms));
        }
    }
}

/// Between terms of which one is enough.
fn or(input: &mut Input<'_>) -> Parsed<()> {
    alt((keyword("or"), "||".void())).parse_next(input)
}

/// Between terms that are all required; it may be left out.
fn and(input: &mut Input<'_>) -> Parsed<()> {
    alt((keyword("and"), "&&".void())).parse_next(input)
}

/// A word of the language, in any case, that ends where a word can end.
fn keyword<'i>(word: &'static str) -> impl Parser<Input<'i>, (), ErrMode<Wrong>> {
    move |input: &mut Input<'i>| {
        let letters = take_while(1.., |c: char| c.is_ascii_alphabetic())
            .verify(|text: &str| text.eq_ignore_ascii_case(word));
        terminated(letters, peek(word_end)).void().parse_next(input)
    }
}

fn word_end(input: &mut Input<'_>) -> Parsed<()> {
    match next(input) {
        None | Some('(' | ')') => Ok(()),
        Some(c) if c.is_whitespace() => Ok(()),
        Some(_) => fail.parse_next(input),
    }
}

fn factor(input: &mut Input<'_>) -> Parsed<Filter> {
    let start = at(input);
    if input.state.depth >= DEPTH {
        return wrong(start, format!("nested deeper than {DEPTH} levels"));
    }
    input.state.depth += 1;
    let filter = match next(input) {
        Some('(') => group(input),
        Some('-') => {
            any.parse_next(input)?;
            match next(input) {
                None | Some(')') => wrong(start, "expected a term right after \"-\""),
                Some(c) if c.is_whitespace() => wrong(start, "expected a term right after \"-\""),
                Some(_) => factor(input).map(Filter::negated),
            }
        }
        _ if opt(keyword("not")).parse_next(input)?.is_some() => {
            space(input)?;
            if matches!(next(input), None | Some(')')) {
                wrong(at(input), "expected a term after \"not\"")
            } else {
                factor(input).map(Filter::negated)
            }
        }
        _ if opt(peek(alt((and, or)))).parse_next(input)?.is_some() => {
            wrong(start, "expected a term; to look for the word itself, put it in quotes")
        }
        Some('!') if opt(('!', peek(negatable))).parse_next(input)?.is_some() => {
            factor(input).map(Filter::negated)
        }
        _ => term(input),
    };
    input.state.depth -= 1;
    filter
}

/// What `!` negates: other text after it is a word that begins with `!`.
fn negatable(input: &mut Input<'_>) -> Parsed<()> {
    let named = (name, operator).verify(|(name, _): &(&str, Operator)| subject(name).is_some()).void();
    let param = (query_param.verify(Option::is_some)).void();
    alt((one_of(['(', '"']).void(), named, param)).parse_next(input)
}

fn group(input: &mut Input<'_>) -> Parsed<Filter> {
    let start = at(input);
    ('(', space).parse_next(input)?;
    if opt(')').parse_next(input)?.is_some() {
        return Ok(Filter::everything());
    }
    let filter = any_of(input)?;
    match opt(')').parse_next(input)? {
        Some(_) => Ok(filter),
        None => wrong(start, "\"(\" is never closed: expected \")\""),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    Exactly,
    Matches,
    MatchesNot,
    Contains,
    HasPart,
    Compares(Comparison),
}

fn operator(input: &mut Input<'_>) -> Parsed<Operator> {
    let negated =
        alt(("!=".value(Operator::IsNot), "!:".value(Operator::IsNot), "!~".value(Operator::MatchesNot)));
    // As other languages write them.
    let doubled = alt(("==".value(Operator::Exactly), "=~".value(Operator::Matches)));
    let compares = alt((
        ">=".value(Operator::Compares(Comparison::GreaterOrEqual)),
        "<=".value(Operator::Compares(Comparison::LessOrEqual)),
        '>'.value(Operator::Compares(Comparison::Greater)),
        '<'.value(Operator::Compares(Comparison::Less)),
    ));
    let others = alt((
        "*=".value(Operator::Contains),
        "/=".value(Operator::HasPart),
        '='.value(Operator::Exactly),
        '~'.value(Operator::Matches),
        ':'.value(Operator::Is),
    ));
    alt((negated, doubled, compares, others)).parse_next(input)
}

/// The name of a field or of something derived, `prefix/2` included.
fn name<'i>(input: &mut Input<'i>) -> Parsed<&'i str> {
    (
        one_of(|c: char| c.is_ascii_alphabetic()),
        take_while(0.., |c: char| c.is_ascii_alphanumeric() || c == '_'),
        opt(('/', take_while(1.., |c: char| c.is_ascii_digit()))),
    )
        .take()
        .parse_next(input)
}

/// Whether a character can stand in the name of a parameter without quotes.
pub(super) fn is_in_param_name(c: char) -> bool {
    c.is_alphanumeric() && !escape::is_unseen(c) || matches!(c, '-' | '_' | '.')
}

/// `query_param:NAME`, with quotes around a name of unusual characters.
fn query_param(input: &mut Input<'_>) -> Parsed<Option<Dimension>> {
    let keyword = take_while(1.., |c: char| c.is_ascii_alphabetic() || c == '_')
        .verify(|text: &str| QUERY_PARAM.iter().any(|known| text.eq_ignore_ascii_case(known)));
    if opt((keyword, ':')).parse_next(input)?.is_none() {
        return Ok(None);
    }
    let start = at(input);
    let name = match next(input) {
        Some('"') => String::from_utf8(escape::unquote(quoted(input)?)).unwrap_or_default(),
        _ => take_while(0.., is_in_param_name).parse_next(input)?.to_owned(),
    };
    if name.is_empty() {
        return wrong(start, NO_PARAM);
    }
    Ok(Some(Dimension::QueryParam { name }))
}

/// The subject of this name.
pub(super) fn subject(name: &str) -> Option<Subject> {
    if name.eq_ignore_ascii_case(ANYWHERE) {
        return Some(Subject::Anywhere);
    }
    match (Field::by_name(name), Dimension::by_name(name)) {
        (Some(field), _) | (None, Some(Dimension::Field(field))) => Some(Subject::Field(field)),
        (None, Some(derived)) => Some(Subject::Derived(derived)),
        (None, None) => None,
    }
}

fn term(input: &mut Input<'_>) -> Parsed<Filter> {
    let start = at(input);
    if let Some(filter) = opt(address).parse_next(input)? {
        return Ok(filter);
    }
    let (name, subject, operator) = if let Some(dimension) = query_param(input)? {
        let subject = Subject::Derived(dimension.clone());
        if word_end(input).is_ok() && next(input) != Some('(') {
            // The name alone asks for requests that have the parameter.
            return Ok(Filter::Term(subject, Test::Glob("*".to_owned())));
        }
        let expected = at(input);
        match opt(operator).parse_next(input)? {
            Some(operator) => (dimension.name(), subject, operator),
            None => {
                let message = "expected an operator behind the name of the parameter, as in \
                               query_param:x-user=ann; put a name with other characters in quotes";
                return wrong(expected, message);
            }
        }
    } else if let Some((name, operator)) = opt((name, operator)).parse_next(input)? {
        let Some(subject) = subject(name) else { return wrong(start, unknown_name(name)) };
        (name.to_owned(), subject, operator)
    } else {
        let word = word(input, false)?;
        if !word.quoted {
            let text = String::from_utf8_lossy(&word.bytes);
            if text.chars().all(|c| matches!(c, '&' | '|' | '!' | '=' | '<' | '>' | '~' | ':')) {
                let message = format!(
                    "expected a term, such as status:404 or status>=500 (no spaces inside), not \"{text}\"; to \
                     look for the text itself, put it in quotes"
                );
                return wrong(start, message);
            }
            no_operator_after(input, &text)?;
        }
        return value::meaning(&Subject::Anywhere, &word, input.state.now)
            .and_then(checked)
            .or_else(|message| wrong(start, message));
    };
    let now = input.state.now;
    let value_start = at(input);
    if word_end(input).is_ok() && next(input) != Some('(') {
        return wrong(
            value_start,
            format!("expected a value right after \"{name}\" and its operator (- for none)"),
        );
    }
    let filter = match operator {
        Operator::Is => return list(input, &subject),
        Operator::IsNot => return list(input, &subject).map(Filter::negated),
        Operator::Matches | Operator::MatchesNot if subject == Subject::Field(Field::Time) => {
            Err(not_for_time("~"))
        }
        Operator::Contains | Operator::HasPart if subject == Subject::Field(Field::Time) => {
            Err(not_for_time("*= or /="))
        }
        Operator::Matches | Operator::MatchesNot => {
            let pattern = escape::seen_regex(&expression(input)?);
            let filter = checked(Filter::Term(subject, Test::Regex(pattern)));
            filter.map(|filter| if operator == Operator::Matches { filter } else { filter.negated() })
        }
        Operator::Exactly => value::exact(&subject, &value_of(input, &subject, false)?, now),
        Operator::Contains => {
            let word = word(input, false)?;
            word.text().map(|text| Filter::Term(subject, Test::Contains(text.to_owned())))
        }
        Operator::HasPart => {
            let word = word(input, false)?;
            word.text().map(|text| Filter::Term(subject, Test::PathPart(text.to_owned())))
        }
        Operator::Compares(comparison) => {
            value::compare(&subject, comparison, &value_of(input, &subject, false)?, now)
        }
    };
    filter.and_then(checked).or_else(|message| wrong(value_start, message))
}

fn not_for_time(operator: &str) -> String {
    format!("time has no text for {operator}: expected time:FROM..TO, time>= or time<")
}

/// Refuses `status >= 500`: the name alone would be a word to look for.
fn no_operator_after(input: &mut Input<'_>, word: &str) -> Parsed<()> {
    if subject(word).is_none() {
        return Ok(());
    }
    let ahead = (take_while(1.., char::is_whitespace), operator.take());
    let Some((space, operator)) = opt(peek(ahead)).parse_next(input)? else { return Ok(()) };
    let message = format!(
        "expected {word}{operator} without a space before \"{operator}\"; to look for the text itself, put it in quotes"
    );
    wrong(at(input) + space.len(), message)
}

/// Refuses a term that no matcher can be made of.
fn checked(filter: Filter) -> Result<Filter, String> {
    match &filter {
        Filter::Term(_, test @ (Test::Regex(_) | Test::Glob(_) | Test::Contains(_))) => {
            Matcher::new(test).map(|_| filter)
        }
        _ => Ok(filter),
    }
}

/// Values with commas between them: any of them.
fn list(input: &mut Input<'_>, subject: &Subject) -> Parsed<Filter> {
    let mut terms = Vec::new();
    loop {
        let start = at(input);
        let word = value_of(input, subject, true)?;
        if word.bytes.is_empty() && !word.quoted {
            return wrong(
                start,
                "expected a value between the commas (a comma that is meant itself needs quotes)",
            );
        }
        let term = value::meaning(subject, &word, input.state.now).and_then(checked);
        terms.push(term.or_else(|message| wrong(start, message))?);
        if opt(',').parse_next(input)?.is_none() {
            return Ok(Filter::any(terms));
        }
    }
}

/// An IPv6 address or a network on its own: not to be taken for the name of a field.
fn address(input: &mut Input<'_>) -> Parsed<Filter> {
    let text = terminated(
        take_while(2.., |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '/')),
        peek(word_end),
    )
    .parse_next(input)?;
    if text.contains('/')
        && let Ok(network) = text.parse::<ipnet::IpNet>()
    {
        return Ok(Filter::Term(Subject::Field(Field::RemoteIp), Test::Network(network.trunc())));
    }
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(Filter::Term(Subject::Anywhere, Test::Contains(text.to_owned())));
    }
    fail.parse_next(input)
}

/// The value of a field. For `time` a time of day may follow the date after a space.
fn value_of(input: &mut Input<'_>, subject: &Subject, in_list: bool) -> Parsed<Word> {
    let mut value = word(input, in_list)?;
    if *subject != Subject::Field(Field::Time) || value.quoted {
        return Ok(value);
    }
    while ends_with_date(&value.bytes) && opt(time_of_day_ahead).parse_next(input)?.is_some() {
        value.bytes.push(b' ');
        value.bytes.extend(word(input, in_list)?.bytes);
    }
    let rest = at(input);
    if opt(time_of_day_ahead).parse_next(input)?.is_some() {
        return wrong(rest + 1, "a time of day needs its date before it, as in time:2026-04-09T12:00");
    }
    Ok(value)
}

/// Whether a text is a day such as 2026-04-09, or a range that ends in one.
fn ends_with_date(text: &[u8]) -> bool {
    let (before, day) = text.split_at(text.len().saturating_sub(10));
    let is_day = day.len() == 10
        && day.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_day && (before.is_empty() || before.ends_with(b".."))
}

/// The white space before a time of day such as 12:00.
fn time_of_day_ahead(input: &mut Input<'_>) -> Parsed<()> {
    let digit = |c: char| c.is_ascii_digit();
    let clock = (take_while(1..=2, digit), ':', take_while(2, digit));
    (take_while(1.., char::is_whitespace), peek(clock)).void().parse_next(input)
}

/// A value: bare, quoted, or both side by side (`media/"my file"*`). Ends at white space, at a `)` that
/// it did not open, and at a comma if that separates values.
fn word(input: &mut Input<'_>, in_list: bool) -> Parsed<Word> {
    let mut word = Word { bytes: Vec::new(), glob: None, quoted: false };
    let mut pattern = Vec::new();
    let mut is_pattern = false;
    let mut open = 0_usize;
    loop {
        match next(input) {
            Some('"') => {
                let bytes = escape::unquote(quoted(input)?);
                word.quoted = true;
                for &byte in &bytes {
                    if glob::is_meta(char::from(byte)) {
                        pattern.extend([b'[', byte, b']']);
                    } else {
                        pattern.push(byte);
                    }
                }
                word.bytes.extend(bytes);
                continue;
            }
            None => break,
            Some(',') if in_list => break,
            Some(')') if open == 0 => break,
            Some(c) if c.is_whitespace() => break,
            Some('&' | '|') if opt(peek(alt(("&&", "||")))).parse_next(input)?.is_some() => {
                let message = "expected spaces around && and ||; put a value that has them in quotes";
                return wrong(at(input), message);
            }
            Some('(') => open += 1,
            Some(')') => open -= 1,
            Some(c) => is_pattern |= glob::is_meta(c),
        }
        let text = any.take().parse_next(input)?;
        word.bytes.extend(text.as_bytes());
        pattern.extend(text.as_bytes());
    }
    if is_pattern {
        match String::from_utf8(pattern) {
            Ok(pattern) => word.glob = Some(pattern),
            Err(_) => {
                return wrong(at(input), "a pattern is text in UTF-8; use an exact value for other bytes");
            }
        }
    }
    Ok(word)
}

/// The inside of a quoted text, escapes and all.
fn quoted<'i>(input: &mut Input<'i>) -> Parsed<&'i str> {
    let start = at(input);
    let inside = take_while(0.., not_special());
    match opt(('"', inside, '"')).parse_next(input)? {
        Some((_, inside, _)) => Ok(inside),
        None => wrong(start, "the quotes are never closed: expected \""),
    }
}

/// Accepts everything up to the first quote that no backslash stands before.
fn not_special() -> impl Fn(char) -> bool {
    let escaped = std::cell::Cell::new(false);
    move |c| {
        let was_escaped = escaped.get();
        escaped.set(c == '\\' && !was_escaped);
        was_escaped || c != '"'
    }
}

/// A regular expression: quoted, or bare up to white space or a `)` that it did not open.
fn expression(input: &mut Input<'_>) -> Parsed<String> {
    if next(input) == Some('"') {
        let pattern = escape::unquote_regex(quoted(input)?);
        if word_end(input).is_err() || next(input) == Some('(') {
            return wrong(at(input), "expected a space after the closing quote");
        }
        return Ok(pattern);
    }
    let start = at(input);
    let mut pattern = String::new();
    let (mut open, mut in_class) = (0_usize, false);
    loop {
        match next(input) {
            None => break,
            Some(c) if c.is_whitespace() => break,
            Some(')') if open == 0 && !in_class => break,
            Some('\\') => pattern.push(any.parse_next(input)?),
            Some('[') => in_class = true,
            Some(']') => in_class = false,
            Some('(') if !in_class => open += 1,
            Some(')') if !in_class => open -= 1,
            Some(_) => {}
        }
        match next(input) {
            Some(c) if !c.is_whitespace() => pattern.push(any.parse_next(input)?),
            _ => break,
        }
    }
    if let Some(before) = pattern.strip_suffix("&&").or_else(|| pattern.strip_suffix("||")) {
        let message = "expected a space before && and ||; put an expression that has them in quotes";
        return wrong(start + before.len(), message);
    }
    Ok(pattern)
}
