//! The styles of the text in the prompt: the parts of a filter, and an error in it.

use std::ops::Range;

use ratatui::style::Style;

use crate::query::filter::{Part, highlight};
use crate::tui::model::{Prompt, Purpose, State};

/// A part of the text with its style.
pub(super) struct Span {
    /// The byte range in the text.
    pub(super) range: Range<usize>,
    pub(super) style: Style,
}

/// The whole text in parts.
pub(super) fn spans(state: &State, prompt: &Prompt) -> Vec<Span> {
    let theme = state.theme;
    let text = prompt.input.value();
    let plain = |range: Range<usize>| Span { range, style: theme.text() };
    let filter_at = match prompt.purpose {
        Purpose::Filter { .. } => Some(0),
        Purpose::Command => {
            ["filter ", "and "].iter().find(|name| text.starts_with(**name)).map(|name| name.len())
        }
        _ => None,
    };
    let Some(begin) = filter_at else {
        let style = if prompt.is_proposal { theme.selection() } else { theme.text() };
        return vec![Span { range: 0..text.len(), style }];
    };
    let mut spans = Vec::new();
    let mut at = 0;
    for (range, part) in highlight(&text[begin..]) {
        let range = range.start + begin..range.end + begin;
        if range.start > at {
            spans.push(plain(at..range.start));
        }
        at = range.end;
        let style = match part {
            Part::Name => theme.filter_name(),
            Part::Operator => theme.filter_operator(),
            Part::Value => theme.filter_value(),
        };
        spans.push(Span { range, style });
    }
    if at < text.len() {
        spans.push(plain(at..text.len()));
    }
    match &prompt.problem {
        Some(problem) => with_error(spans, error_range(text, problem.column), theme.filter_error()),
        None => spans,
    }
}

/// The wrong text: from the place of the error to the end of the word.
fn error_range(text: &str, column: usize) -> Range<usize> {
    let start = text.char_indices().nth(column).map_or(text.len(), |(at, _)| at);
    let length = text[start..].find(char::is_whitespace).unwrap_or(text.len() - start);
    start..start + length
}

fn with_error(spans: Vec<Span>, wrong: Range<usize>, error: Style) -> Vec<Span> {
    let mut parts = Vec::with_capacity(spans.len() + 2);
    for Span { range, style } in spans {
        let start = wrong.start.clamp(range.start, range.end);
        let end = wrong.end.clamp(range.start, range.end);
        for (range, style) in [(range.start..start, style), (start..end, error), (end..range.end, style)] {
            if !range.is_empty() {
                parts.push(Span { range, style });
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use crate::tui::testing::{Explorer, three_days};

    #[test]
    fn the_spans_of_any_text_are_the_text() {
        let mut explorer = Explorer::with(80, 24, three_days());
        for typed in ["", "status:4 or (ä~\"", "statsu:4 ü", "key:\"a b\" -x", ")"] {
            explorer.press("/").types(typed);
            let prompt = explorer.state.prompt.as_ref().unwrap();
            let text = prompt.input.value();
            let joined: String =
                super::spans(&explorer.state, prompt).iter().map(|span| &text[span.range.clone()]).collect();
            assert_eq!(joined, text);
            explorer.screen();
            explorer.press("Esc");
        }
    }
}
