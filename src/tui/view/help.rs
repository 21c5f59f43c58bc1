//! All keys, from the table of keys, and what the filter language looks like.

use ratatui::text::{Line, Span};

use crate::tui::model::keymap::{Group, KEYMAP};
use crate::tui::model::state::State;
use crate::tui::update::COMMANDS;
use crate::tui::widgets::fit;

/// Columns for keys.
const KEYS: usize = 18;

/// What filters look like, for those who do not know yet.
const EXAMPLES: [(&str, &str); 8] = [
    ("ip:203.0.113.7", "or ip:203.0.113.0/24"),
    ("key:media/*.mp4", "a pattern; key~\"^a/.*\" is a regular expression"),
    ("status:4xx", "or status>=500"),
    ("bytes>10MB", "a measure"),
    ("time:-6h", "or time:2026-04-01..2026-04-03"),
    ("-ua~bot", "a minus negates"),
    ("(a:1 or b:2) c:3", "terms side by side are all required"),
    ("word", "found in key, remote_ip, requester or user_agent"),
];

/// The lines of the help.
pub(crate) fn lines(state: &State) -> Vec<Line<'static>> {
    let theme = state.theme;
    let mut lines = Vec::new();
    // Inside the frame, beside the keys.
    let room = usize::from(state.size.0).saturating_sub(KEYS + 8);
    let entry = |lines: &mut Vec<Line<'static>>, keys: String, about: &str| {
        let width = fit::left(&keys, KEYS).chars().count();
        for (index, text) in fit::wrap(about, room + KEYS - width).into_iter().enumerate() {
            let keys = if index == 0 { fit::left(&keys, KEYS) } else { " ".repeat(width) };
            lines
                .push(Line::from(vec![Span::styled(keys, theme.accent()), Span::styled(text, theme.text())]));
        }
    };
    let heading = |title: &'static str| Line::styled(title, theme.heading());
    for group in Group::ALL {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(heading(group.title()));
        for binding in KEYMAP.iter().filter(|binding| binding.group == group && !binding.about.is_empty()) {
            let keys: Vec<String> = binding.keys.iter().map(|key| key.label()).collect();
            entry(&mut lines, keys.join(" "), binding.about);
        }
    }
    lines.push(Line::default());
    lines.push(heading("Commands, after :"));
    for spec in &COMMANDS {
        entry(&mut lines, format!("{} {} ", spec.name, spec.takes), spec.about);
    }
    lines.push(Line::default());
    lines.push(heading("What a filter looks like"));
    for (example, about) in EXAMPLES {
        entry(&mut lines, format!("{example} "), about);
    }
    lines
}
