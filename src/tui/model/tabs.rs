//! The line with the names of the tables: their texts and positions.

use unicode_width::UnicodeWidthStr;

use crate::tui::format;
use crate::tui::model::{Areas, State, Tab, TableKind, crumbs, found, heat_map, time_axes};

/// The name of a table on the screen.
pub(crate) struct TabLabel {
    pub(crate) tab: Tab,
    pub(crate) text: String,
    /// Its first terminal column.
    pub(crate) start: u16,
    /// The terminal column after its last.
    pub(crate) end: u16,
}

pub(crate) fn labels(state: &State) -> Vec<TabLabel> {
    let right = u16::try_from(grouping(state).width()).unwrap_or(0);
    // On a narrow terminal, first the gaps between the names are left out, then the grouping, then the name of the last table.
    let fits =
        |labels: &[TabLabel], right: u16| labels.last().is_some_and(|last| last.end + right < state.size.0);
    let is_in_front = state.layer().tab == Tab::Other;
    [
        (1, true, right + 2),
        (0, true, right + 2),
        (1, true, 0),
        (0, true, 0),
        (1, is_in_front, 0),
        (0, is_in_front, 0),
    ]
    .into_iter()
    .map(|(gap, is_named, right)| (labels_with(state, gap, is_named, false), right))
    .find(|(labels, right)| fits(labels, *right))
    // Narrower still, only the table in front has a name.
    .map_or_else(|| labels_with(state, 0, false, true), |(labels, _)| labels)
}

fn labels_with(state: &State, gap: u16, is_other_named: bool, is_short: bool) -> Vec<TabLabel> {
    let mut x = 1;
    Tab::ALL
        .into_iter()
        .map(|tab| {
            let name = match tab {
                tab if is_short && tab != state.layer().tab => String::new(),
                Tab::Time => "Time".to_owned(),
                Tab::Requests => "Requests".to_owned(),
                Tab::Findings => findings_name(state),
                Tab::Other if !is_other_named => "…".to_owned(),
                // A table of addresses may be grouped by something else, too.
                Tab::Addresses | Tab::Objects | Tab::Other => match &state.layer().table_of(tab).kind {
                    TableKind::Groups(by) | TableKind::Pairs([by, _]) => crumbs::name_of(by),
                    _ => state.layer().table_of(tab).title(),
                },
            };
            let text = match name.as_str() {
                "" => format!(" {} ", tab as usize + 1),
                name => format!(" {} {name} ", tab as usize + 1),
            };
            let start = x;
            let end = start + u16::try_from(text.width()).unwrap_or(0);
            x = end + gap;
            TabLabel { tab, text, start, end }
        })
        .collect()
}

/// The name of the table of findings, with their number.
fn findings_name(state: &State) -> String {
    let analysed = found::analysed(state);
    let is_partial = analysed.is_some_and(|analysed| analysed.answer.share.is_some());
    let is_running = analysed.is_some_and(|analysed| analysed.progress.is_some());
    match (found::visible(state).count(), is_partial) {
        (0, _) if is_running => "Findings …".to_owned(),
        (0, _) => "Findings".to_owned(),
        (count, false) => format!("Findings ({count})"),
        (count, true) => format!("Findings ({count}+)"),
    }
}

/// The grouping of the table in front, shown at the right end of the line.
pub(crate) fn grouping(state: &State) -> String {
    match &state.layer().table().kind {
        TableKind::Groups(by) if state.size.0 < 100 => format!("{} ▾", by.name()),
        TableKind::Groups(by) => format!("by {} ▾", by.name()),
        TableKind::Pairs([first, second]) => format!("by {}, {} ▾", first.name(), second.name()),
        TableKind::Times(_) if heat_map::is_shown(state) => "weekday × hour ▾".to_owned(),
        TableKind::Times(_) => match time_axes::times_bucket(state) {
            Some(width) => format!("{} ▾", format::per_bucket(width)),
            None => String::new(),
        },
        TableKind::Requests | TableKind::Findings => String::new(),
    }
}

/// The index of the table whose name is at terminal column `x`.
pub(crate) fn tab_at(state: &State, x: u16) -> Option<u8> {
    let label = labels(state).into_iter().find(|label| (label.start..label.end).contains(&x))?;
    u8::try_from(label.tab as usize).ok()
}

/// Whether the grouping is at terminal column `x`.
pub(crate) fn is_grouping_at(state: &State, x: u16) -> bool {
    let area = Areas::of(state).tabs;
    let width = u16::try_from(grouping(state).width()).unwrap_or(0);
    width > 0 && x + width + 1 >= area.right()
}
