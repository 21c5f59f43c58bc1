//! The last line: a message or the keys, and the position of the cursor.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use crate::tui::model::{
    Command, Context, FindingRow, Overlay, Rows, RunningExport, State, found, heat_map, pane::Pane, time_axes,
};
use crate::tui::view::{put, put_right};
use crate::tui::{format, widgets::fit};

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let x = put_right(buffer, area, area.y, &position(state), theme.quiet());
    let left = Rect { width: x.saturating_sub(area.x).saturating_sub(2), ..area };
    if let Some(message) = &state.message {
        let style = if message.is_error { theme.error() } else { theme.accent() };
        // A long message covers the position.
        let room = if message.text.width() > usize::from(left.width) { area } else { left };
        if room == area {
            put(buffer, area, area.x, area.y, &" ".repeat(usize::from(area.width)), theme.text());
        }
        put(buffer, room, room.x, room.y, &fit::end(&message.text, usize::from(room.width)), style);
        return;
    }
    let mut left = left;
    if let Some(RunningExport { name, rows, total }) = &state.export
        && state.context() != Context::Confirm
    {
        let progress = match total {
            0 => String::new(),
            total => format!(" {} of {}", format::count(*rows), format::counted(*total, "row")),
        };
        let text = format!("writing {}{progress}", fit::middle(name, 24));
        let x = put(buffer, left, left.x, left.y, &text, theme.accent()) + 2;
        let key = state.table_key(Command::Export);
        let x = put(buffer, left, x, left.y, &key, theme.accent()) + 1;
        let x = put(buffer, left, x, left.y, "stop", theme.quiet()) + 2;
        left = Rect { x, width: left.right().saturating_sub(x), ..left };
    }
    let context = state.context();
    let finding_row = match &state.layer().table().rows.data {
        Some(Rows::Findings(rows)) if context == Context::Findings => rows.get(state.layer().table().cursor),
        _ => None,
    };
    let is_heading = matches!(finding_row, Some(FindingRow::Heading { .. }));
    let has_marks = !state.layer().table().marks.is_empty();
    let has_rows = state.layer().table().reachable() > 0;
    // Keys without an effect are not shown.
    let has_effect = |command: &Command| match command {
        Command::Back => state.depth() > 1 || context == Context::HeatMap,
        Command::Open if context == Context::Brush => {
            state.brush.as_ref().is_some_and(|brush| brush.finding.is_some())
        }
        Command::Mute => {
            let is_ordinary =
                matches!(finding_row, Some(FindingRow::Finding(finding)) if finding.label.is_some());
            has_rows && (has_marks || !is_heading && !is_ordinary)
        }
        Command::SetAside => found::has_set_aside(state) && !is_heading,
        Command::Only | Command::Not if is_heading => has_marks,
        Command::GroupBy if context == Context::Findings => false,
        Command::Sort | Command::Not | Command::GroupBy | Command::ZoomIn if context == Context::HeatMap => {
            false
        }
        Command::GroupBy if context == Context::Pick => matches!(
            &state.overlay,
            Some(Overlay::Dimensions(_)) if state.layer().table().dimension().is_some()
        ),
        Command::Open | Command::Only | Command::Not | Command::Sort
            if matches!(context, Context::Table | Context::Findings) =>
        {
            has_rows
        }
        Command::ZoomIn | Command::Brush | Command::NextFinding => time_axes::timeline(state).is_some(),
        _ => true,
    };
    let (all, keys): (Vec<_>, Vec<_>) = state
        .settings
        .keys
        .footer(context)
        .filter(|(command, ..)| has_effect(command))
        .partition(|(command, ..)| *command == Command::Help);
    // The key for help is always shown, the others only if they fit.
    let name = |(command, label, word): (Command, String, &'static str)| match (command, finding_row) {
        (Command::Open, Some(FindingRow::Heading { .. })) => (label, "list or hide"),
        (Command::Mute, Some(FindingRow::Muted(..))) if !has_marks => (label, "unmute"),
        _ => (label, word),
    };
    let all = all.into_iter().next().map(name);
    let keys: Vec<(String, &str)> = keys.into_iter().map(name).collect();
    let length = |(label, word): &(String, &str)| label.width() + word.width() + 3;
    let mut room = usize::from(left.width).saturating_sub(all.as_ref().map_or(0, length));
    let mut x = left.x;
    let shown: Vec<(String, &str)> = keys
        .into_iter()
        .take_while(|key| {
            let fits = length(key) <= room;
            room = room.saturating_sub(length(key));
            fits
        })
        .chain(all)
        .collect();
    for (label, word) in shown {
        x = put(buffer, left, x, area.y, &label, theme.accent());
        x = put(buffer, left, x + 1, area.y, word, theme.quiet()) + 2;
    }
}

fn position(state: &State) -> String {
    match &state.pane {
        Some(Pane::Contrast(pane)) if pane.row_count() > 0 => {
            let (at, total) = (format::count(pane.cursor as u64 + 1), format::count(pane.row_count() as u64));
            return format!("row {at} of {total}");
        }
        Some(_) => return String::new(),
        None => {}
    }
    let layer = state.layer();
    if let Some(detail) = &layer.detail {
        let fields = detail.fields(state.shows_absent_fields);
        let at = fields.iter().position(|field| *field == detail.cursor).unwrap_or(0);
        let table = layer.table();
        let total = table.rows.data.as_ref().map_or(0, Rows::total);
        let field = format!("field {} of {}", at + 1, fields.len());
        return match total {
            0 => field,
            total => {
                let (at, total) = (format::count(table.cursor as u64 + 1), format::count(total));
                format!("{field}  request {at} of {total}")
            }
        };
    }
    if heat_map::is_shown(state) {
        return String::new();
    }
    let table = layer.table();
    let Some(rows) = &table.rows.data else { return String::new() };
    if rows.total() == 0 {
        return String::new();
    }
    let growing = if table.rows.share.is_some() || state.is_growing() { "+" } else { "" };
    let marks = match table.marks.len() {
        0 => String::new(),
        count => format!("{count} marked  "),
    };
    let what = match rows {
        Rows::Requests { .. } => "request",
        Rows::Findings(rows) => {
            let (at, count) = (table.cursor, rows.finding_count());
            let text = match at.checked_sub(count) {
                None => {
                    format!("finding {} of {}", format::count(at as u64 + 1), format::count(count as u64))
                }
                Some(0) => format::counted(count as u64, "finding"),
                Some(after) => {
                    format!("{after} of {} set aside", format::count(rows.set_aside_count() as u64))
                }
            };
            return format!("{marks}{text}{growing}");
        }
        _ => "row",
    };
    let (at, total) = (format::count(table.cursor as u64 + 1), format::count(rows.total()));
    format!("{marks}{what} {at} of {total}{growing}")
}
