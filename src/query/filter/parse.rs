//! The grammar of the filter language.
//!
//! ```text
//! any    = all (("or" | "||") all)*
//! all    = factor (("and" | "&&")? factor)*
//! factor = ("-" | "not") factor | "!" (group | term with a name) | group | term
//! group  = "(" any? ")"
//! term   = name operator value ("," value)*  |  param (operator value ("," value)*)?  |  times  |  word
//! param  = "query_param:" name
//! ```

use winnow::combinator::{alt, fail, opt, peek, separated, terminated};
use winnow::prelude::*;
use winnow::stream::LocatingSlice;
use winnow::token::{any, one_of, take_while};

use super::names::{subject_by_name, unknown_name};
use super::tokens::{
    Input, Operator, Parsed, State, and, date_ahead, fail_at, fail_with, has_no_value, keyword, literal,
    name, next, offset, operator, or, query_param, regex, skip_space, value_of, word_end,
};
use super::{Filter, FilterError, Matcher, Reference, Subject, Test, quote, value};
use crate::log::Field;

/// Deepest nesting of parentheses and negations.
const MAX_DEPTH: usize = 100;
/// Longest filter, in bytes.
const MAX_LENGTH: usize = 1 << 20;

impl Filter {
    /// Parses a filter. Relative times such as `-6h` and dates without a year refer to `at`: the current time in seconds
    /// since the epoch, or a [`Reference`].
    /// An empty text passes every request. The error has the column, and what was expected there.
    pub fn parse(text: &str, at: impl Into<Reference>) -> Result<Filter, FilterError> {
        if text.len() > MAX_LENGTH {
            return Err(FilterError {
                column: 1,
                message: "a filter must not exceed 1 MiB".to_owned(),
                short: None,
            });
        }
        let input = Input { input: LocatingSlice::new(text), state: State { at: at.into(), depth: 0 } };
        filter.parse(input).map_err(|error| {
            let offset = error.inner().offset.min(text.len());
            let before = text.get(..offset).unwrap_or(text);
            let error = error.into_inner();
            FilterError { column: before.chars().count() + 1, message: error.message, short: error.short }
        })
    }
}

fn filter(input: &mut Input<'_>) -> Parsed<Filter> {
    skip_space(input)?;
    if next(input).is_none() {
        return Ok(Filter::everything());
    }
    let filter = any_of(input)?;
    match next(input) {
        None => Ok(filter),
        Some(')') => fail_at(offset(input), "\")\" without a \"(\" before it"),
        Some(c) => fail_at(offset(input), format!("expected a term, not \"{c}\"")),
    }
}

fn any_of(input: &mut Input<'_>) -> Parsed<Filter> {
    let terms: Vec<Filter> = separated(1.., all_of, or).parse_next(input)?;
    Ok(Filter::any(terms))
}

fn all_of(input: &mut Input<'_>) -> Parsed<Filter> {
    let mut terms = Vec::new();
    loop {
        skip_space(input)?;
        let has_and = !terms.is_empty() && opt(and).parse_next(input)?.is_some();
        skip_space(input)?;
        let ends = matches!(next(input), None | Some(')')) || opt(peek(or)).parse_next(input)?.is_some();
        if !ends {
            terms.push(factor(input)?);
        } else if terms.is_empty() || has_and {
            return fail_at(offset(input), "expected a term, such as status:404");
        } else {
            return Ok(Filter::all(terms));
        }
    }
}

fn factor(input: &mut Input<'_>) -> Parsed<Filter> {
    let start = offset(input);
    if input.state.depth >= MAX_DEPTH {
        return fail_at(start, format!("nested deeper than {MAX_DEPTH} levels"));
    }
    input.state.depth += 1;
    let filter = match next(input) {
        Some('(') => group(input),
        Some('-') => {
            any.parse_next(input)?;
            match next(input) {
                Some(c) if c != ')' && !c.is_whitespace() => factor(input).map(Filter::negated),
                _ => fail_at(start, "expected a term directly after \"-\""),
            }
        }
        _ if opt(keyword("not")).parse_next(input)?.is_some() => {
            skip_space(input)?;
            if matches!(next(input), None | Some(')')) {
                fail_at(offset(input), "expected a term after \"not\"")
            } else {
                factor(input).map(Filter::negated)
            }
        }
        _ if opt(peek(alt((and, or)))).parse_next(input)?.is_some() => {
            fail_at(start, "expected a term; to search for this word, quote it")
        }
        Some('!') if opt(('!', peek(can_follow_exclamation_mark))).parse_next(input)?.is_some() => {
            factor(input).map(Filter::negated)
        }
        _ => term(input),
    };
    input.state.depth -= 1;
    filter
}

/// Succeeds before text that `!` negates. Before any other text, `!` is the first character of a word.
fn can_follow_exclamation_mark(input: &mut Input<'_>) -> Parsed<()> {
    let named =
        (name, operator).verify(|(name, _): &(&str, Operator)| subject_by_name(name).is_some()).void();
    let param = (query_param.verify(Option::is_some)).void();
    alt((one_of(['(', '"']).void(), named, param)).parse_next(input)
}

fn group(input: &mut Input<'_>) -> Parsed<Filter> {
    let start = offset(input);
    ('(', skip_space).parse_next(input)?;
    if opt(')').parse_next(input)?.is_some() {
        return Ok(Filter::everything());
    }
    let filter = any_of(input)?;
    match opt(')').parse_next(input)? {
        Some(_) => Ok(filter),
        None => fail_at(start, "\"(\" is never closed: expected \")\""),
    }
}

fn term(input: &mut Input<'_>) -> Parsed<Filter> {
    let start = offset(input);
    if let Some(filter) = opt(address).parse_next(input)? {
        return Ok(filter);
    }
    if opt(date_ahead).parse_next(input)?.is_some() {
        let time = Subject::Field(Field::Time);
        let value = value_of(input, &time, false)?;
        if !value.is_quoted {
            return value::interpret(&time, &value, input.state.at)
                .or_else(|message| fail_at(start, format!("{message}; to search for this text, quote it")));
        }
        return Ok(Filter::Term(
            Subject::Anywhere,
            Test::Contains(value.text().unwrap_or_default().to_owned()),
        ));
    }
    if let Some(dimension) = query_param(input)? {
        let (name, subject) = (dimension.name(), Subject::Derived(dimension));
        if has_no_value(input) {
            // The name alone: requests that have the parameter.
            return Ok(Filter::Term(subject, Test::Glob("*".to_owned())));
        }
        let expected = offset(input);
        return match opt(operator).parse_next(input)? {
            Some(operator) => rest_of_term(input, &name, subject, operator),
            None => {
                let message = "expected an operator after the name of the parameter, as in \
                               query_param:x-user=ann; quote a name with other characters";
                fail_at(expected, message)
            }
        };
    }
    match opt((name, operator)).parse_next(input)? {
        Some((name, operator)) => match subject_by_name(name) {
            Some(subject) => rest_of_term(input, name, subject, operator),
            None => fail_with(unknown_name(name, start)),
        },
        None => word(input),
    }
}

/// Parses the rest of a term, after its name and operator. `name` is the name as typed.
fn rest_of_term(input: &mut Input<'_>, name: &str, subject: Subject, operator: Operator) -> Parsed<Filter> {
    let at = input.state.at;
    let start = offset(input);
    if has_no_value(input) {
        return fail_at(
            start,
            format!("expected a value directly after \"{name}\" and its operator (- for absent)"),
        );
    }
    let is_time = subject == Subject::Field(Field::Time);
    let filter = match operator {
        Operator::Is => return list(input, &subject),
        Operator::IsNot => return list(input, &subject).map(Filter::negated),
        Operator::Matches | Operator::MatchesNot if is_time => Err(not_for_time("~")),
        Operator::Contains | Operator::HasPathPart if is_time => Err(not_for_time("*= or /=")),
        Operator::Matches | Operator::MatchesNot => {
            let pattern = quote::escape_invisible_in_regex(&regex(input)?);
            let filter = check_pattern(Filter::Term(subject, Test::Regex(pattern)));
            filter.map(|filter| if operator == Operator::Matches { filter } else { filter.negated() })
        }
        Operator::Equals => value::interpret_exact(&subject, &value_of(input, &subject, false)?, at),
        Operator::Contains => {
            literal(input, false)?.text().map(|text| Filter::Term(subject, Test::Contains(text.to_owned())))
        }
        Operator::HasPathPart => {
            literal(input, false)?.text().map(|text| Filter::Term(subject, Test::PathPart(text.to_owned())))
        }
        Operator::Compares(comparison) => {
            value::interpret_comparison(&subject, comparison, &value_of(input, &subject, false)?, at)
        }
    };
    filter.and_then(check_pattern).or_else(|message| fail_at(start, message))
}

fn not_for_time(operator: &str) -> String {
    format!("time is not text, so {operator} does not apply: expected time:FROM..TO, time>= or time<")
}

/// Values separated by commas: any of them.
fn list(input: &mut Input<'_>, subject: &Subject) -> Parsed<Filter> {
    let mut terms = Vec::new();
    loop {
        let start = offset(input);
        let value = value_of(input, subject, true)?;
        if value.bytes.is_empty() && !value.is_quoted {
            return fail_at(
                start,
                "expected a value between the commas (quote a value that contains a comma)",
            );
        }
        let term = value::interpret(subject, &value, input.state.at).and_then(check_pattern);
        terms.push(term.or_else(|message| fail_at(start, message))?);
        if opt(',').parse_next(input)?.is_none() {
            return Ok(Filter::any(terms));
        }
    }
}

/// A term without a name: text to search for.
fn word(input: &mut Input<'_>) -> Parsed<Filter> {
    let start = offset(input);
    let word = literal(input, false)?;
    if !word.is_quoted {
        let text = String::from_utf8_lossy(&word.bytes);
        if text.chars().all(|c| matches!(c, '&' | '|' | '!' | '=' | '<' | '>' | '~' | ':')) {
            let message = format!(
                "expected a term, such as status:404 or status>=500 (no spaces inside), not \"{text}\"; to search \
                 for this text, quote it"
            );
            return fail_at(start, message);
        }
        reject_space_before_operator(input, &text)?;
    }
    value::interpret(&Subject::Anywhere, &word, input.state.at)
        .and_then(check_pattern)
        .or_else(|message| fail_at(start, message))
}

/// Rejects `status >= 500`, which would search for the three words.
fn reject_space_before_operator(input: &mut Input<'_>, word: &str) -> Parsed<()> {
    if subject_by_name(word).is_none() {
        return Ok(());
    }
    let ahead = (take_while(1.., char::is_whitespace), operator.take());
    let Some((space, operator)) = opt(peek(ahead)).parse_next(input)? else { return Ok(()) };
    let message = format!(
        "expected {word}{operator} without a space before \"{operator}\"; to search for this text, quote it"
    );
    fail_at(offset(input) + space.len(), message)
}

/// An IPv6 address or a network without a field name. Without this rule, `2001:db8::1` would be a name and a value.
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

/// Returns `filter` unless its pattern or regular expression does not compile.
fn check_pattern(filter: Filter) -> Result<Filter, String> {
    match &filter {
        Filter::Term(_, test @ (Test::Regex(_) | Test::Glob(_) | Test::Contains(_))) => {
            Matcher::new(test).map(|_| filter)
        }
        _ => Ok(filter),
    }
}
