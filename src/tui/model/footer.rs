//! The keys in the last line: which of them are shown, and where. The view draws them, the mouse clicks on them.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::log::Field;
use crate::tui::model::{
    Command, Context, FindingRow, ListKind, Overlay, Purpose, Rows, RunningExport, State, TableKind, folders,
    found, heat_map, heat_map::WeekHour, names, pane::Pane, time_axes, undo,
};
use crate::tui::widgets::fit;
use crate::tui::{cell_text, format};

/// On a terminal with fewer columns, the position of an open request is short.
const NARROW: u16 = 100;
/// On a terminal with fewer columns, the way back comes before other keys.
const SMALLEST: u16 = 60;
/// The narrowest room for what was copied, in front of the menu.
const MIN_COPIED_WIDTH: usize = 8;

/// A text in the footer, such as a key with its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FooterKey {
    /// Its first terminal column.
    pub(crate) x: u16,
    pub(crate) label: String,
    pub(crate) word: &'static str,
    /// What a click does.
    pub(crate) command: Command,
}

impl FooterKey {
    /// The terminal column after the text.
    fn end(&self) -> u16 {
        let width = self.label.width() + 1 + self.word.width();
        self.x.saturating_add(u16::try_from(width).unwrap_or(u16::MAX))
    }
}

/// What the footer shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Footer {
    /// At the left edge: what was copied, or the progress of an export or of lookups; empty: nothing.
    pub(crate) text: String,
    pub(crate) keys: Vec<FooterKey>,
    /// At the right edge: where the cursor is.
    pub(crate) position: String,
}

impl Footer {
    /// The footer in `area`, which has no margins. A message covers its keys.
    pub(crate) fn of(state: &State, area: Rect) -> Footer {
        let position = match state.context() {
            // The menu needs the room.
            Context::CopyMenu => String::new(),
            _ => position(state),
        };
        let width = u16::try_from(position.width()).unwrap_or(u16::MAX).min(area.width);
        let right = area.right().saturating_sub(width + 2);
        let mut x = area.x;
        let mut text = String::new();
        let mut keys = Vec::new();
        let context = state.context();
        let columns = |text: &str| u16::try_from(text.width()).unwrap_or(u16::MAX);
        if context == Context::CopyMenu {
            // What was copied, and then what else can be copied.
            let message = state.message.as_ref().map_or("", |message| &message.text);
            let keys = shown(state, u16::MAX);
            let needed: usize = keys.iter().map(|(_, label, word)| label.width() + word.width() + 3).sum();
            let room = usize::from(area.width).saturating_sub(needed);
            if room >= MIN_COPIED_WIDTH {
                text = fit::end(message, room);
                x += columns(&text) + 2;
            }
        } else if let Some(RunningExport { name, rows, total, .. }) = &state.export
            && context != Context::Confirm
        {
            let progress = match total {
                0 => String::new(),
                total => format!(" {} of {}", format::count(*rows), format::counted(*total, "row")),
            };
            text = format!("writing {}{progress}", fit::middle(name, 24));
            x += columns(&text) + 2;
            let label = state.table_key(Command::Export);
            let key = FooterKey { x, label, word: "stop", command: Command::Export };
            x = key.end() + 2;
            keys.push(key);
        } else if context != Context::Confirm
            && let Some(progress) = names::progress(state)
        {
            x += columns(&progress) + 2;
            text = progress;
        }
        for (command, label, word) in shown(state, right.saturating_sub(x)) {
            let key = FooterKey { x, label, word, command };
            x = key.end() + 2;
            keys.push(key);
        }
        Footer { text, keys, position }
    }

    /// The command of the key at terminal column `x`.
    pub(crate) fn command_at(&self, x: u16) -> Option<Command> {
        self.keys.iter().find(|key| (key.x..key.end()).contains(&x)).map(|key| key.command)
    }
}

/// The keys that have an effect, the most useful first, as many as fit into `room` terminal columns.
fn shown(state: &State, room: u16) -> Vec<(Command, String, &'static str)> {
    let context = state.context();
    let finding_row = match &state.layer().table().rows.data {
        Some(Rows::Findings(rows)) if context == Context::Findings => rows.get(state.layer().table().cursor),
        _ => None,
    };
    let is_heading = matches!(finding_row, Some(FindingRow::Heading { .. }));
    let has_marks = !state.layer().table().marks.is_empty();
    let has_rows = state.layer().table().reachable() > 0;
    let has_no_requests = state.totals.data.as_ref().is_some_and(|totals| totals.stats.requests == 0);
    // Keys without an effect are not shown.
    let has_effect = |command: &Command| match command {
        command if context == Context::Table && has_no_requests => {
            matches!(command, Command::Quit | Command::Help | Command::Retry | Command::Back)
                && (*command != Command::Back || taken_back(state).is_some())
        }
        command if context == Context::CopyMenu => can_copy(state, *command),
        Command::Back => state.depth() > 1 || context == Context::HeatMap || taken_back(state).is_some(),
        Command::Resume => state.last_view.is_some() && state.undo.is_empty(),
        Command::Open if context == Context::Brush => {
            state.brush.as_ref().is_some_and(|brush| brush.finding.is_some())
        }
        Command::Mute => {
            let is_ordinary =
                matches!(finding_row, Some(FindingRow::Finding(finding)) if finding.label.is_some());
            has_rows && (has_marks || !is_heading && !is_ordinary)
        }
        // Other texts have neither completions nor a history.
        Command::Complete | Command::Older if context == Context::Prompt => {
            state.prompt.as_ref().is_some_and(|prompt| matches!(prompt.purpose, Purpose::Filter { .. }))
        }
        Command::Toggle if context == Context::Filters => {
            !matches!(&state.overlay, Some(Overlay::List(list)) if list.kind == ListKind::Mutes)
        }
        Command::SetAside => found::has_set_aside(state) && !is_heading,
        Command::Only | Command::Not if is_heading => has_marks,
        Command::GroupBy if context == Context::Findings => false,
        Command::Sort | Command::Not | Command::GroupBy | Command::ZoomIn if context == Context::HeatMap => {
            false
        }
        Command::GroupBy if context == Context::Pick => matches!(
            &state.overlay,
            Some(Overlay::List(list)) if list.kind == ListKind::Dimensions && state.layer().table().dimension().is_some()
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
    let named = |(command, label, word): (Command, String, &'static str)| match (command, finding_row) {
        (Command::Open, Some(FindingRow::Heading { .. })) => (command, label, "list or hide"),
        (Command::Mute, Some(FindingRow::Muted(..))) if !has_marks => (command, label, "unmute"),
        (Command::Back, _) if state.depth() == 1 && context != Context::HeatMap => {
            (command, label, taken_back(state).unwrap_or(word))
        }
        (Command::Accept, _) if context == Context::Prompt => (command, label, done_by_enter(state)),
        _ => (command, label, word),
    };
    let all = all.into_iter().next().map(named);
    let mut keys: Vec<_> = keys.into_iter().map(named).collect();
    if state.size.0 < SMALLEST {
        keys.sort_by_key(|(command, ..)| *command != Command::Back);
    }
    let length = |(_, label, word): &(Command, String, &str)| label.width() + word.width() + 3;
    let mut room = usize::from(room).saturating_sub(all.as_ref().map_or(0, length));
    keys.into_iter()
        .take_while(|key| {
            let fits = length(key) <= room;
            room = room.saturating_sub(length(key));
            fits
        })
        .chain(all)
        .collect()
}

/// What Enter does with the text in the prompt.
fn done_by_enter(state: &State) -> &'static str {
    match state.prompt.as_ref().map(|prompt| &prompt.purpose) {
        Some(Purpose::Export | Purpose::BlockFile) => "write",
        Some(Purpose::Mute(_)) => "mute",
        _ => "apply",
    }
}

/// What the key for going back does in the first layer.
fn taken_back(state: &State) -> Option<&'static str> {
    let layer = state.layer();
    undo::taken_back(layer).or(folders::above(layer).map(|_| "folder above"))
}

/// Whether there is something to copy for a command of the copy menu.
pub(crate) fn can_copy(state: &State, command: Command) -> bool {
    let has_detail = state.layer().detail.is_some();
    match command {
        Command::CopyMarked => !has_detail && !state.layer().table().marks.is_empty(),
        Command::CopyForSupport => has_detail,
        Command::CopyBlock => !has_detail && can_block(state),
        Command::CopyShellLine => !has_detail,
        Command::CopyFilter => !state.layer().is_unfiltered(state.session_time),
        _ => true,
    }
}

/// Whether the rows of the table in front are clients, who can be blocked.
fn can_block(state: &State) -> bool {
    let table = state.layer().table();
    table.kind == TableKind::Findings
        || table
            .dimension()
            .is_some_and(|by| matches!(by.base(), Field::RemoteIp | Field::Requester | Field::Referer))
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
            total if state.size.0 < NARROW => {
                format!("request {} of {}", format::count(table.cursor as u64 + 1), format::count(total))
            }
            total => {
                let (at, total) = (format::count(table.cursor as u64 + 1), format::count(total));
                format!("{field}  request {at} of {total}")
            }
        };
    }
    if heat_map::is_shown(state) {
        let WeekHour { day, hour } = state.layer().heat_cursor;
        let day = cell_text::weekday(day as i64 + 1).and_then(|day| day.get(..3)).unwrap_or_default();
        return format!("{day} {hour:02}:00");
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
    // The keys need the room.
    let is_smallest = state.size.0 < SMALLEST;
    let what = match rows {
        Rows::Findings(rows) if is_smallest && table.cursor < rows.finding_count() => {
            let (at, count) = (table.cursor as u64 + 1, rows.finding_count() as u64);
            return format!("{marks}{} of {}{growing}", format::count(at), format::count(count));
        }
        _ if is_smallest => "",
        Rows::Requests { .. } => "request ",
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
        _ => "row ",
    };
    let (at, total) = (format::count(table.cursor as u64 + 1), format::count(rows.total()));
    format!("{marks}{what}{at} of {total}{growing}")
}
