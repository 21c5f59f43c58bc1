//! Prints filters as text that [`Filter::parse`] reads as the same filter.

use std::fmt;

use ipnet::IpNet;

use super::invisible::is_invisible;
use super::names::{Spelling, name_of};
use super::quote::{escape, escape_into, quote, quote_regex};
use super::value::{self, Literal, NumberKind, number_kind};
use super::{Filter, Subject, Test, glob, number, period};
use crate::log::Field;
use crate::query::{Dimension, Value};

/// Prints with canonical names; `{:#}` prints the shorter aliases, as filter chips show them.
///
/// Values are quoted and escaped where necessary: invisible characters are never printed as they are. If a filter was
/// parsed or built by [`Filter::term_for`] and is [simplified](Filter::simplified), parsing its text returns an equal filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filter = self.simplified();
        let spelling = if f.alternate() { Spelling::Short } else { Spelling::Canonical };
        let text = match &filter {
            Filter::All(terms) => joined(terms, " ", spelling),
            Filter::Any(terms) if list(terms, spelling).is_none() => joined(terms, " or ", spelling),
            other => operand(other, spelling),
        };
        f.write_str(&text)
    }
}

fn joined(terms: &[Filter], between: &str, spelling: Spelling) -> String {
    terms.iter().map(|term| operand(term, spelling)).collect::<Vec<_>>().join(between)
}

/// Prints a filter that is an operand of another filter.
fn operand(filter: &Filter, spelling: Spelling) -> String {
    match filter {
        Filter::All(terms) => format!("({})", joined(terms, " ", spelling)),
        Filter::Any(terms) => {
            list(terms, spelling).unwrap_or_else(|| format!("({})", joined(terms, " or ", spelling)))
        }
        Filter::Not(inner) => format!("-{}", operand(inner, spelling)),
        Filter::Term(subject, test) => {
            let (operator, value) = condition(subject, test);
            match (subject, operator) {
                (Subject::Anywhere, "") => value,
                _ => format!("{}{operator}{value}", name_of(subject, spelling)),
            }
        }
    }
}

/// Prints alternatives as one term, if they are a list of values or what one value means.
fn list(terms: &[Filter], spelling: Spelling) -> Option<String> {
    value_list(terms, spelling).or_else(|| one_value(terms, spelling))
}

/// Prints `name:value` if the language reads that as all these alternatives: `operation:expire` means the operation, or a
/// component of it.
fn one_value(terms: &[Filter], spelling: Spelling) -> Option<String> {
    let Some(Filter::Term(subject, Test::Equals(bytes))) = terms.first() else { return None };
    let text = std::str::from_utf8(bytes).ok().filter(|text| is_bare(text))?;
    let meaning = value::interpret(subject, &Literal::bare(text), 0.into());
    (meaning == Ok(Filter::Any(terms.to_vec()))).then(|| format!("{}:{text}", name_of(subject, spelling)))
}

/// Prints `name:a,b,c` if all terms have the same subject and their values can be in a list.
fn value_list(terms: &[Filter], spelling: Spelling) -> Option<String> {
    let Some(Filter::Term(first, _)) = terms.first() else { return None };
    let mut values = Vec::new();
    for term in terms {
        match term {
            Filter::Term(subject, test) if subject == first => match condition(subject, test) {
                (":", value) => values.push(value),
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(format!("{}:{}", name_of(first, spelling), values.join(",")))
}

/// The operator and the value that express a test.
fn condition(subject: &Subject, test: &Test) -> (&'static str, String) {
    match test {
        Test::Absent => (":", "-".to_owned()),
        Test::Equals(bytes) => match value_after_colon(subject, test, bytes) {
            Some(value) => (":", value),
            None => ("=", quote(bytes)),
        },
        Test::Contains(text) if *subject == Subject::Anywhere => {
            ("", if is_plain_word(text) { text.clone() } else { quote(text.as_bytes()) })
        }
        Test::Contains(text) => ("*=", if is_bare(text) { text.clone() } else { quote(text.as_bytes()) }),
        Test::PathPart(part) => match value_after_colon(subject, test, part.as_bytes()) {
            Some(value) => (":", value),
            None => ("/=", quote(part.as_bytes())),
        },
        Test::Glob(pattern) => (":", bare_pattern(pattern)),
        Test::Regex(pattern) => ("~", quote_regex(pattern)),
        Test::Network(network) => (":", address(subject, network)),
        Test::Range(from, to) => range(subject, *from, *to),
    }
}

/// The value, bare or otherwise quoted, if the language interprets it after `:` as exactly this test.
fn value_after_colon(subject: &Subject, test: &Test, bytes: &[u8]) -> Option<String> {
    let expected = Ok(Filter::Term(subject.clone(), test.clone()));
    let means_test = |literal: &Literal| value::interpret(subject, literal, 0.into()) == expected;
    if let Ok(text) = std::str::from_utf8(bytes)
        && is_bare(text)
        && means_test(&Literal::bare(text))
    {
        return Some(text.to_owned());
    }
    means_test(&Literal::quoted(bytes)).then(|| quote(bytes))
}

/// Whether a text is a valid value without quotes.
fn is_bare(text: &str) -> bool {
    let has_keyword = text.contains("&&") || text.contains("||");
    !text.is_empty() && text != "-" && !has_keyword && !text.chars().any(needs_quotes)
}

fn needs_quotes(c: char) -> bool {
    c.is_whitespace() || is_invisible(c) || matches!(c, '"' | '(' | ')' | ',' | '\\')
}

/// Whether a text is a valid term on its own without quotes: not a name with an operator, a pattern, a keyword, a
/// network or a time.
fn is_plain_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric())
        && text.chars().all(|c| c.is_alphanumeric() && !is_invisible(c) || matches!(c, '.' | '_' | '-'))
        && !period::begins_with_date(text)
        && !["or", "and", "not"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Prints a pattern with quotes around the characters that would end it.
fn bare_pattern(pattern: &str) -> String {
    if !pattern.contains(glob::is_meta) {
        return quote(pattern.as_bytes());
    }
    let mut out = String::new();
    let mut is_quoted = false;
    for (at, c) in pattern.char_indices() {
        let is_ordinary = c == '\\' && escape(&pattern[at..]).is_none();
        if needs_quotes(c) && !is_ordinary || matches!(c, '&' | '|') {
            if !is_quoted {
                out.push('"');
            }
            escape_into(c.encode_utf8(&mut [0; 4]).as_bytes(), &mut out);
            is_quoted = true;
        } else {
            if is_quoted {
                out.push('"');
            }
            out.push(c);
            is_quoted = false;
        }
    }
    if is_quoted {
        out.push('"');
    }
    out
}

/// Prints a network. A network of one IPv6 address is printed as the address.
fn address(subject: &Subject, network: &IpNet) -> String {
    match network {
        IpNet::V6(net) if net.prefix_len() == 128 && *subject == Subject::Field(Field::RemoteIp) => {
            net.addr().to_string()
        }
        _ => network.to_string(),
    }
}

fn range(subject: &Subject, from: Option<i64>, to: Option<i64>) -> (&'static str, String) {
    match number_kind(subject) {
        Some(NumberKind::Time) => times(from, to),
        Some(NumberKind::Number(unit)) => {
            let is_status = subject == &Subject::Field(Field::HttpStatus);
            numbers(from, to, is_status, &|number| number::print(number, unit))
        }
        Some(NumberKind::Weekday) | None => numbers(from, to, false, &|number| number.to_string()),
    }
}

fn times(from: Option<i64>, to: Option<i64>) -> (&'static str, String) {
    match (from, to) {
        (Some(first), Some(last)) => {
            let text = period::print_period(first, last)
                .unwrap_or_else(|| format!("{}..{}", period::print_start(first), period::print_end(last)));
            (":", text)
        }
        (Some(first), None) => (">=", period::print_start(first)),
        (None, Some(last)) => ("<=", period::print_end(last)),
        (None, None) => (":", "..".to_owned()),
    }
}

fn numbers(
    from: Option<i64>,
    to: Option<i64>,
    is_status: bool,
    print: &dyn Fn(i64) -> String,
) -> (&'static str, String) {
    match (from, to) {
        (Some(from), Some(to)) if from == to => (":", print(from)),
        (Some(from), Some(to))
            if is_status && (100..1000).contains(&from) && from % 100 == 0 && to == from + 99 =>
        {
            (":", format!("{}xx", from / 100))
        }
        (Some(from), Some(to)) => (":", format!("{}..{}", print(from), print(to))),
        // `bytes>10MB` is shorter than `bytes>=10000001`.
        (Some(from), None) => match from.checked_sub(1).map(print) {
            Some(below) if below.len() < print(from).len() => (">", below),
            _ => (">=", print(from)),
        },
        (None, Some(to)) => match to.checked_add(1).map(print) {
            Some(above) if above.len() < print(to).len() => ("<", above),
            _ => ("<=", print(to)),
        },
        (None, None) => (":", "..".to_owned()),
    }
}

/// The text that replaces the span of a [`Completion::Value`](super::Completion::Value): the value, quoted if
/// necessary. If no text after `:` means exactly this value, the text means a test that the value passes: it finds a
/// requester without `:` as a path component.
pub fn value_text(dimension: &Dimension, value: &Value) -> String {
    match Filter::term_for(dimension, value) {
        Filter::Term(subject, test) => match (condition(&subject, &test), test) {
            ((":", text), _) => text,
            (_, Test::Equals(bytes)) => match std::str::from_utf8(&bytes) {
                Ok(text) if is_bare(text) && !text.contains(glob::is_meta) => text.to_owned(),
                _ => quote(&bytes),
            },
            ((_, text), _) => text,
        },
        other => other.to_string(),
    }
}
