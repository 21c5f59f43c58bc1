//! Completion: what the user is typing at the cursor, so that the prompt can offer names and values.

use std::ops::Range;

use super::Subject;
use super::names::{all_names, is_param_name_char, is_query_param, subject_by_name};
pub use super::print::value_text;
use crate::log::{FIELDS, Kind};
use crate::query::Dimension;

/// What the user is typing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// The name of a field, or a word without a field.
    Name {
        /// The byte range of the text that a choice replaces.
        span: Range<usize>,
        /// Names that match the typed text, best first. An operator must follow the chosen name.
        candidates: Vec<String>,
    },
    /// The value of a field.
    Value {
        /// The dimension whose values are candidates; `None` if the field has no values to choose from.
        dimension: Option<Dimension>,
        /// The typed part of the value, without quotes and escapes.
        partial: String,
        /// The byte range of the text that a choice replaces; see [`value_text`].
        span: Range<usize>,
    },
    /// Text without completions.
    Nothing,
}

/// Returns what the user is typing at the byte offset `cursor` of `text`.
pub fn complete(text: &str, cursor: usize) -> Completion {
    let mut cursor = cursor.min(text.len());
    while !text.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let (start, is_quoted) = word_start(&text[..cursor]);
    let word = &text[start..cursor];
    if is_param_name(word) {
        return Completion::Nothing;
    }
    let Some((name, value_at)) = split_name(word) else {
        if is_quoted || !word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '/') {
            return Completion::Nothing;
        }
        return Completion::Name { span: start..cursor, candidates: candidates(word) };
    };
    let dimension = match subject_by_name(name) {
        None => return Completion::Nothing,
        Some(Subject::Field(field)) if field.kind() == Kind::Dimension => Some(Dimension::Field(field)),
        Some(Subject::Derived(dimension)) => Some(dimension),
        Some(Subject::Field(_) | Subject::Anywhere) => None,
    };
    let value_at = value_at + last_item(&word[value_at..]);
    let typed = &word[value_at..];
    let inside = typed.strip_prefix('"').unwrap_or(typed);
    let partial = String::from_utf8_lossy(&super::quote::unquote(inside)).into_owned();
    Completion::Value { dimension, partial, span: start + value_at..cursor }
}

/// Calls `each` with every character outside of quotes and its byte offset. Returns whether a quote is open at the end.
fn for_each_unquoted(text: &str, mut each: impl FnMut(usize, char)) -> bool {
    let (mut is_open, mut is_escaped) = (false, false);
    for (offset, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_open => is_escaped = true,
            '"' => is_open = !is_open,
            _ if is_open => {}
            c => each(offset, c),
        }
    }
    is_open
}

/// The byte offset of the last word of `text`, without leading `-`, `!` and `(`, and whether the word has an open quote.
fn word_start(text: &str) -> (usize, bool) {
    let mut start = 0;
    let is_open = for_each_unquoted(text, |offset, c| match c {
        c if c.is_whitespace() => start = offset + c.len_utf8(),
        '(' | '-' | '!' if start == offset => start = offset + 1,
        _ => {}
    });
    (start, is_open)
}

/// The name before the operator, and the byte offset of the value.
pub(super) fn split_name(word: &str) -> Option<(&str, usize)> {
    let operators = [':', '=', '~', '<', '>'];
    let mut at = word.find(operators)?;
    if word[at..].starts_with(':') && is_query_param(&word[..at]) {
        // The name includes the name of the parameter, up to the next operator.
        let begin = at + 1;
        at = begin + word[begin..].find(operators)?;
        let name = word[..at].trim_end_matches(['*', '/', '!']);
        let value = at + operator_length(&word[at..]);
        return word[begin..name.len()].chars().all(is_param_name_char).then_some((name, value));
    }
    let name = word[..at].trim_end_matches(['*', '!']);
    let name = name.strip_suffix('/').unwrap_or(name);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '/');
    let value = at + operator_length(&word[at..]);
    is_name.then_some((name, value))
}

/// The length of the operator at the beginning of `text`, without a first `*`, `/` or `!`.
fn operator_length(text: &str) -> usize {
    1 + usize::from([">=", "<=", "==", "=~"].iter().any(|long| text.starts_with(long)))
}

/// Whether the user is typing the name of a query parameter, for which there are no candidates.
fn is_param_name(word: &str) -> bool {
    word.split_once(':')
        .is_some_and(|(before, name)| is_query_param(before) && !name.contains([':', '=', '~', '<', '>']))
}

/// The byte offset of the last value of a list.
fn last_item(values: &str) -> usize {
    let mut start = 0;
    for_each_unquoted(values, |offset, c| {
        if c == ',' {
            start = offset + 1;
        }
    });
    start
}

/// Names that begin with `typed`, then names that contain it. Fields are before derived dimensions. A field of which only
/// an alias begins with `typed` is offered by this alias: the text that the user typed stays.
fn candidates(typed: &str) -> Vec<String> {
    let typed = typed.to_ascii_lowercase();
    let (mut beginning, mut containing) = (Vec::new(), Vec::new());
    for name in all_names() {
        let spec = FIELDS.iter().find(|spec| spec.name == name);
        let aliases = spec.map_or(&[][..], |spec| spec.aliases);
        if name.starts_with(&typed) {
            beginning.push(name);
        } else if let Some(alias) = aliases.iter().find(|alias| alias.starts_with(&typed)) {
            beginning.push((*alias).to_owned());
        } else if name.contains(&typed) {
            containing.push(name);
        }
    }
    beginning.append(&mut containing);
    beginning
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Field;
    use crate::query::Value;

    fn at_end(text: &str) -> Completion {
        complete(text, text.len())
    }

    fn names_at_end(text: &str) -> Vec<String> {
        match at_end(text) {
            Completion::Name { candidates, .. } => candidates,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn names_are_ranked_by_beginning_then_alias_then_part() {
        assert_eq!(names_at_end("rem"), ["remote_ip"]);
        assert_eq!(names_at_end("status:403 -(ua")[0], "ua");
        assert_eq!(names_at_end("sta"), ["status", "status_class"], "the field is before the class");
        assert_eq!(names_at_end("http")[0], "http_status");
        assert_eq!(names_at_end("stat")[0], "status");
        assert_eq!(names_at_end("").len(), all_names().len());
        assert_eq!(complete("sta foo", 3), at_end("sta"));
    }

    #[test]
    fn values_belong_to_the_field_before_the_operator() {
        let value = |text: &str, field, partial: &str, span| {
            let dimension = Some(Dimension::Field(field));
            assert_eq!(
                at_end(text),
                Completion::Value { dimension, partial: partial.into(), span },
                "{text}"
            );
        };
        value("ip:203", Field::RemoteIp, "203", 3..6);
        value("a -ua~bo", Field::UserAgent, "bo", 6..8);
        value("status:403,4", Field::HttpStatus, "4", 11..12);
        value("(key:\"my fi", Field::Key, "my fi", 5..11);
        value("key:\"a\\\"b", Field::Key, "a\"b", 4..9);
        value("ua*=mo", Field::UserAgent, "mo", 4..6);
        value("status>=4", Field::HttpStatus, "4", 8..9);
    }

    #[test]
    fn measures_and_unknown_names_have_no_completions() {
        assert!(matches!(at_end("bytes>1"), Completion::Value { dimension: None, .. }));
        assert_eq!(at_end("foo:b"), Completion::Nothing);
        assert_eq!(at_end("\"two wor"), Completion::Nothing);
        assert!(matches!(
            at_end("prefix/2:me"),
            Completion::Value { dimension: Some(Dimension::Prefix { depth: 2 }), .. }
        ));
    }

    #[test]
    fn the_value_of_a_query_parameter_is_completed_and_its_name_is_not() {
        assert_eq!(names_at_end("query"), ["query_param"]);
        assert_eq!(at_end("query_param:x-us"), Completion::Nothing);
        for text in ["status:403 -query_param:X-User=an", "param:X-User:bob,an"] {
            let dimension = Some(Dimension::QueryParam { name: "X-User".to_owned() });
            let span = text.len() - 2..text.len();
            assert_eq!(at_end(text), Completion::Value { dimension, partial: "an".to_owned(), span });
        }
    }

    #[test]
    fn no_cursor_position_panics() {
        for text in ["ä:ö", "\"ü\\", "(((-key:\"", "a,b:,,", "key:ä,\"ö"] {
            for cursor in 0..text.len() + 3 {
                complete(text, cursor);
            }
        }
    }

    #[test]
    fn a_chosen_value_is_quoted_if_necessary() {
        let key = Dimension::Field(Field::Key);
        assert_eq!(value_text(&key, &Value::from("media/a.mp4")), "media/a.mp4");
        assert_eq!(value_text(&key, &Value::from("my file*")), "\"my file*\"");
        assert_eq!(value_text(&key, &Value::Absent), "-");
        assert_eq!(value_text(&Dimension::Field(Field::HttpStatus), &Value::Integer(404)), "404");
    }
}
