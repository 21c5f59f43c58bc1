//! The text of a filter: what [`Filter::parse`] reads back as the same filter.

use std::fmt;

use ipnet::IpNet;

use super::number;
use super::parse::is_in_param_name;
use super::value::{self, Scale, Word, scale};
use super::{Filter, Subject, Test, escape, glob, instant};
use crate::log::Field;
use crate::query::Dimension;
use crate::query::dimension::QUERY_PARAM;

/// Canonical names; with `{:#}` the shorter aliases that people type, as in a chip.
///
/// Values are quoted and escaped where they must be: no control character is printed as it is. For a
/// filter in simple form (see [`Filter::simplified`]) that the language can express, which is every one
/// that was parsed or built by [`Filter::term_for`], `parse` gives back the same.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filter = self.simplified();
        let names = if f.alternate() { Names::Short } else { Names::Canonical };
        let text = match &filter {
            Filter::All(terms) => joined(terms, " ", names),
            Filter::Any(terms) if one_list(terms, names).is_none() => joined(terms, " or ", names),
            other => part(other, names),
        };
        f.write_str(&text)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Canonical,
    Short,
}

fn joined(terms: &[Filter], between: &str, names: Names) -> String {
    terms.iter().map(|term| part(term, names)).collect::<Vec<_>>().join(between)
}

/// A filter as a part of another one.
fn part(filter: &Filter, names: Names) -> String {
    match filter {
        Filter::All(terms) => format!("({})", joined(terms, " ", names)),
        Filter::Any(terms) => {
            one_list(terms, names).unwrap_or_else(|| format!("({})", joined(terms, " or ", names)))
        }
        Filter::Not(inner) => format!("-{}", part(inner, names)),
        Filter::Term(subject, test) => {
            let (operator, value) = condition(subject, test);
            match (subject, operator) {
                (Subject::Anywhere, "") => value,
                _ => format!("{}{operator}{value}", name(subject, names)),
            }
        }
    }
}

/// `name:a,b,c` where all terms are of one subject and can stand in a list.
fn one_list(terms: &[Filter], names: Names) -> Option<String> {
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
    Some(format!("{}:{}", name(first, names), values.join(",")))
}

/// The canonical name of what a term is about.
pub(super) fn name_of(subject: &Subject) -> String {
    name(subject, Names::Canonical)
}

fn name(subject: &Subject, names: Names) -> String {
    match subject {
        Subject::Field(field) if names == Names::Short => {
            let short = field.spec().aliases.first().filter(|alias| alias.len() < field.name().len());
            (*short.unwrap_or(&field.name())).to_owned()
        }
        Subject::Field(field) => field.name().to_owned(),
        Subject::Derived(Dimension::QueryParam { name }) => {
            let word = QUERY_PARAM[usize::from(names == Names::Short)];
            if !name.is_empty() && name.chars().all(is_in_param_name) {
                format!("{word}:{name}")
            } else {
                format!("{word}:{}", escape::quote(name.as_bytes()))
            }
        }
        Subject::Derived(dimension) => dimension.name(),
        Subject::Anywhere => super::parse::ANYWHERE.to_owned(),
    }
}

/// The operator and the value that say this test.
fn condition(subject: &Subject, test: &Test) -> (&'static str, String) {
    match test {
        Test::Absent => (":", "-".to_owned()),
        Test::Equals(bytes) => match plain(subject, test, bytes) {
            Some(value) => (":", value),
            None => ("=", escape::quote(bytes)),
        },
        Test::Contains(text) if *subject == Subject::Anywhere => {
            ("", if is_plain_word(text) { text.clone() } else { escape::quote(text.as_bytes()) })
        }
        Test::Contains(text) => {
            ("*=", if is_bare(text) { text.clone() } else { escape::quote(text.as_bytes()) })
        }
        Test::PathPart(part) => match plain(subject, test, part.as_bytes()) {
            Some(value) => (":", value),
            None => ("/=", escape::quote(part.as_bytes())),
        },
        Test::Glob(pattern) => (":", bare_pattern(pattern)),
        Test::Regex(pattern) => ("~", escape::quote_regex(pattern)),
        Test::Network(network) => (":", address(subject, network)),
        Test::Range(from, to) => range(subject, *from, *to),
    }
}

/// The value bare, or else quoted, if the language reads that as this very test.
fn plain(subject: &Subject, test: &Test, bytes: &[u8]) -> Option<String> {
    let wanted = Ok(Filter::Term(subject.clone(), test.clone()));
    let means = |word: &Word| value::meaning(subject, word, 0) == wanted;
    if let Ok(text) = std::str::from_utf8(bytes)
        && is_bare(text)
        && means(&Word::bare(text))
    {
        return Some(text.to_owned());
    }
    means(&Word::quoted(bytes)).then(|| escape::quote(bytes))
}

/// Whether a text can stand as a value without quotes.
fn is_bare(text: &str) -> bool {
    let has_sign = text.contains("&&") || text.contains("||");
    !text.is_empty() && text != "-" && !has_sign && !text.chars().any(needs_quotes)
}

fn needs_quotes(c: char) -> bool {
    c.is_whitespace() || escape::is_unseen(c) || matches!(c, '"' | '(' | ')' | ',' | '\\')
}

/// Whether a text can stand as a term on its own without quotes: nothing in it that could be a name and
/// an operator, a pattern, a word of the language or a network.
fn is_plain_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric())
        && text.chars().all(|c| c.is_alphanumeric() && !escape::is_unseen(c) || matches!(c, '.' | '_' | '-'))
        && !["or", "and", "not"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A pattern with quotes around those characters that would end it.
fn bare_pattern(pattern: &str) -> String {
    if !pattern.contains(glob::is_meta) {
        return escape::quote(pattern.as_bytes());
    }
    let mut out = String::new();
    let mut is_quoted = false;
    for c in pattern.chars() {
        if (needs_quotes(c) && c != '\\') || matches!(c, '&' | '|') {
            if !is_quoted {
                out.push('"');
            }
            escape::quote_inside(c.encode_utf8(&mut [0; 4]).as_bytes(), &mut out);
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

/// A network; one IPv6 address, in any spelling, as the address.
fn address(subject: &Subject, network: &IpNet) -> String {
    match network {
        IpNet::V6(net) if net.prefix_len() == 128 && *subject == Subject::Field(Field::RemoteIp) => {
            net.addr().to_string()
        }
        _ => network.to_string(),
    }
}

fn range(subject: &Subject, from: Option<i64>, to: Option<i64>) -> (&'static str, String) {
    match scale(subject) {
        Some(Scale::Instant) => instants(from, to),
        Some(Scale::Number(unit)) => {
            numbers(from, to, subject == &Subject::Field(Field::HttpStatus), &|number| {
                number::print(number, unit)
            })
        }
        Some(Scale::Weekday) | None => numbers(from, to, false, &|number| number.to_string()),
    }
}

fn instants(from: Option<i64>, to: Option<i64>) -> (&'static str, String) {
    match (from, to) {
        (Some(first), Some(last)) => {
            let text = instant::print_stretch(first, last)
                .unwrap_or_else(|| format!("{}..{}", instant::print_start(first), instant::print_end(last)));
            (":", text)
        }
        (Some(first), None) => (">=", instant::print_start(first)),
        (None, Some(last)) => ("<=", instant::print_end(last)),
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
        // bytes>10MB rather than bytes>=10000001.
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

/// What stands after `name:` for a value of a dimension: to be put in by completion. Where only another
/// operator says exactly this value, `:` still finds it (a requester as a part of itself).
pub(super) fn value_text(dimension: &Dimension, value: &crate::query::Value) -> String {
    match Filter::term_for(dimension, value) {
        Filter::Term(subject, test) => match (condition(&subject, &test), test) {
            ((":", text), _) => text,
            (_, Test::Equals(bytes)) => match std::str::from_utf8(&bytes) {
                Ok(text) if is_bare(text) && !text.contains(glob::is_meta) => text.to_owned(),
                _ => escape::quote(&bytes),
            },
            ((_, text), _) => text,
        },
        other => other.to_string(),
    }
}
