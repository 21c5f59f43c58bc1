//! The parts of a filter that is being typed, for colours in the prompt. Unlike the parser, it accepts any text.

use std::ops::Range;

use super::complete::split_name;
use super::names::{is_query_param, subject_by_name};

/// What a part of a filter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The name of a field, derived dimension or query parameter.
    Name,
    /// A comparison, negation, conjunction or parenthesis.
    Operator,
    /// A value, or a word to search for.
    Value,
}

/// The parts of `text` in their order, with their byte ranges. White space outside of values belongs to no part.
pub fn highlight(text: &str) -> Vec<(Range<usize>, Part)> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| !c.is_whitespace()).map(|skipped| at + skipped) {
        let end = word_end(text, start);
        word(text, start..end, &mut parts);
        at = end;
    }
    parts
}

/// The byte offset of the end of the word that begins at `start`: white space outside of quotes.
fn word_end(text: &str, start: usize) -> usize {
    let (mut is_open, mut is_escaped) = (false, false);
    for (offset, c) in text[start..].char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_open => is_escaped = true,
            '"' => is_open = !is_open,
            c if c.is_whitespace() && !is_open => return start + offset,
            _ => {}
        }
    }
    text.len()
}

fn word(text: &str, range: Range<usize>, parts: &mut Vec<(Range<usize>, Part)>) {
    let mut start = range.start;
    let whole = &text[range.clone()];
    let is_keyword = ["or", "and", "not", "&&", "||"].iter().any(|word| whole.eq_ignore_ascii_case(word));
    if is_keyword {
        return parts.push((range, Part::Operator));
    }
    let before = whole.bytes().take_while(|byte| matches!(byte, b'(' | b'-' | b'!')).count();
    // A word of these characters alone is a value: `-` is an absent value, for example.
    if before > 0 && before < whole.len() {
        parts.push((start..start + before, Part::Operator));
        start += before;
    }
    let rest = &text[start..range.end];
    let is_param = rest.split_once(':').is_some_and(|(name, _)| is_query_param(name));
    let known = split_name(rest).filter(|(name, _)| is_param || subject_by_name(name).is_some());
    // The name of a parameter may be without a value.
    if let Some((name, value)) = known.or_else(|| is_param.then_some((rest, rest.len()))) {
        parts.push((start..start + name.len(), Part::Name));
        if value > name.len() {
            parts.push((start + name.len()..start + value, Part::Operator));
        }
        start += value;
    }
    let rest = &text[start..range.end];
    // Parentheses that close a group, not those of the value itself.
    let closing = rest.bytes().rev().take_while(|byte| *byte == b')').count();
    let closing = closing.saturating_sub(rest.bytes().filter(|byte| *byte == b'(').count());
    let end = range.end - closing;
    if end > start {
        parts.push((start..end, Part::Value));
    }
    if closing > 0 {
        parts.push((end..range.end, Part::Operator));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts_of(text: &str) -> Vec<(&str, Part)> {
        highlight(text).into_iter().map(|(range, part)| (&text[range], part)).collect()
    }

    #[test]
    fn names_operators_and_values_are_told_apart() {
        use Part::{Name, Operator, Value};
        let expected =
            [("status", Name), (":", Operator), ("403,404", Value), ("or", Operator), ("bot", Value)];
        assert_eq!(parts_of("status:403,404  or bot"), expected);
        let expected = [
            ("-(", Operator),
            ("key", Name),
            ("~", Operator),
            ("\"a b\"", Value),
            ("bytes", Name),
            (">=", Operator),
            ("1k", Value),
            (")", Operator),
        ];
        assert_eq!(parts_of("-(key~\"a b\" bytes>=1k)"), expected);
        assert_eq!(parts_of("status!=403")[1], ("!=", Operator));
        assert_eq!(parts_of("key:a(1)"), [("key", Name), (":", Operator), ("a(1)", Value)]);
        assert_eq!(parts_of("query_param:x-user=ann")[0], ("query_param:x-user", Name));
        assert_eq!(parts_of("https://x"), [("https://x", Value)], "an unknown name is no name");
    }

    #[test]
    fn any_text_has_parts_in_order_within_the_text() {
        for text in
            ["", " ", "-", "((", "\"ä ö", "a:\"\\", "key:", "ü:ä=", "param:", "param:ä=x", "!!=", "or)"]
        {
            let mut at = 0;
            for (range, _) in highlight(text) {
                assert!(range.start >= at && range.end > range.start, "{text}: {range:?}");
                at = range.end;
            }
            assert!(at <= text.len());
        }
    }
}
