//! The tables to choose from, the one in front, and what it is grouped by.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

use super::{put, put_right};
use crate::tui::format;
use crate::tui::model::layer::Tab;
use crate::tui::model::layout::Areas;
use crate::tui::model::state::State;
use crate::tui::model::table::About;
use crate::tui::update;

/// Names of the tables and the column where each begins and ends.
fn places(state: &State) -> Vec<(Tab, String, u16, u16)> {
    let wide = state.size.0 >= 76;
    let mut x = 1;
    Tab::ALL
        .into_iter()
        .map(|tab| {
            let name = match tab {
                Tab::Requesters => "Requesters".to_owned(),
                Tab::Objects => "Objects".to_owned(),
                Tab::Time => "Time".to_owned(),
                Tab::Requests => "Requests".to_owned(),
                Tab::Other => state.layer().table_of(Tab::Other).title(),
            };
            let text = format!(" {} {name} ", tab as usize + 1);
            let width = u16::try_from(text.width()).unwrap_or(0);
            let begin = x;
            x += width + u16::from(wide);
            (tab, text, begin, begin + width)
        })
        .collect()
}

/// What the table in front is grouped by, for the right edge.
fn by(state: &State) -> String {
    match &state.layer().table().about {
        About::Groups(by) => format!("by {} ▾", by.name()),
        About::Times(_) => match update::width_of_times(state) {
            Some(width) => format!("{} ▾", format::per(width)),
            None => String::new(),
        },
        About::Requests => String::new(),
    }
}

/// Draws it.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    if state.layer().detail.is_some() {
        put(buffer, area, area.x + 1, area.y, "One request, every field", theme.heading());
        return;
    }
    let mut end = area.x;
    for (tab, text, begin, until) in places(state) {
        let style = if tab == state.layer().tab {
            theme.accent().add_modifier(Modifier::BOLD | Modifier::REVERSED)
        } else {
            theme.text()
        };
        put(buffer, area, begin, area.y, &text, style);
        end = until;
    }
    let rows = &state.layer().table().rows;
    let mut right = by(state);
    if let Some(share) = rows.share {
        right = format!("≈ {:.0} % scanned  {right}", share * 100.0);
    } else if rows.is_stale() && rows.data.is_some() {
        right = format!("…  {right}");
    }
    let room = Rect { x: end + 1, width: area.right().saturating_sub(end + 2), ..area };
    if right.width() <= usize::from(room.width) {
        put_right(buffer, room, area.y, &right, theme.quiet());
    }
}

/// The table whose name stands at a column of the terminal.
pub(crate) fn at(state: &State, x: u16) -> Option<u8> {
    let hit = places(state).into_iter().find(|(_, _, begin, end)| (*begin..*end).contains(&x));
    hit.and_then(|(tab, ..)| u8::try_from(tab as usize).ok())
}

/// Whether what the table is grouped by stands at a column of the terminal.
pub(crate) fn is_by(state: &State, x: u16) -> bool {
    let area = Areas::of(state).tabs;
    let width = u16::try_from(by(state).width()).unwrap_or(0);
    width > 0 && x + width + 1 >= area.right()
}
