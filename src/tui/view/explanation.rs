//! The explanation of the finding under the cursor, below the table of findings.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::insight::findings::Finding;
use crate::tui::model::{Command, Context, FindingRow, Rows, State, found};
use crate::tui::view::put;
use crate::tui::{format, widgets::fit};

/// What the time range of the layer has to do with a finding and the list.
fn about_time(state: &State, finding: Option<&Finding>) -> Option<String> {
    let others = found::count_of_all_time(state).saturating_sub(found::visible(state).count());
    let is_cut = finding.is_some_and(|finding| found::is_cut(state, finding));
    let numbers =
        is_cut.then(|| "The numbers are of its whole time, not only of the time on the screen.".to_owned());
    let others =
        (others > 0).then(|| format!("{} at other times.", format::counted(others as u64, "finding")));
    let notes: Vec<String> = numbers.into_iter().chain(others).collect();
    (!notes.is_empty()).then(|| notes.join(" "))
}

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = state.theme;
    let table = state.layer().table();
    let Some(Rows::Findings(rows)) = &table.rows.data else { return };
    let Some(row) = rows.get(table.cursor) else { return };
    put(buffer, area, area.x, area.y, &"─".repeat(usize::from(area.width)), theme.faint());
    let area = Rect { x: area.x + 2, width: area.width.saturating_sub(4), ..area };
    let mut lines: Vec<(String, Style)> = Vec::new();
    let mut add = |text: &str, style: Style| {
        lines.extend(fit::wrap(text, usize::from(area.width)).into_iter().map(|line| (line, style)));
    };
    let mut wrapped = |text: &str, style: Style| add(&format::visible(text), style);
    let key = state.settings.keys.key_of(Context::Findings, Command::Mute);
    match row {
        FindingRow::Finding(finding) | FindingRow::Muted(finding, _) => {
            let style = theme.severity(found::severity(finding));
            put(buffer, area, area.x, area.y, &format!(" {} ", finding.kind.name()), style);
            wrapped(&finding.explanation, theme.text());
            match (row, &finding.label) {
                (FindingRow::Muted(_, by), _) => {
                    let why = by.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
                    wrapped(&format!("Muted {}{why}. {key} ends the mute.", by.id), theme.quiet());
                }
                (_, Some(label)) => wrapped(&format!("Probably ordinary: {label}."), theme.quiet()),
                (_, None) => wrapped(finding.kind.about(), theme.quiet()),
            }
            if !found::split_time(&state.layer().filter).0.is_everything() {
                add("Only requests that match the filter are counted.", theme.quiet());
            }
            if let Some(note) = about_time(state, Some(finding)) {
                add(&note, theme.quiet());
            }
            add(&format::filter(&finding.filter), theme.chip());
        }
        FindingRow::Heading { ordinary, muted } => {
            if table.cursor == 0 {
                let others = about_time(state, None).map_or(String::new(), |others| format!(" {others}"));
                wrapped(&format!("No findings, only some that are set aside.{others}"), theme.text());
            }
            if ordinary > 0 {
                wrapped(
                    "Traffic that looks suspicious but is ordinary: known crawlers, recurring jobs, …",
                    theme.quiet(),
                );
            }
            if muted > 0 {
                let list = state.settings.keys.key_of(Context::Table, Command::Mutes);
                let text =
                    format!("Muted findings: {key} on one of them ends its mute, {list} lists all mutes.");
                wrapped(&text, theme.quiet());
            }
        }
    }
    for ((text, style), y) in lines.iter().zip(area.y + 1..area.bottom()) {
        put(buffer, area, area.x, y, text, *style);
    }
}
