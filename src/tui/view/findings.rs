//! Cells of the table of findings, and the text shown while there are none.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::insight::findings::Finding;
use crate::query::Stats;
use crate::tui::format;
use crate::tui::model::{Column, FindingColumn, FindingRow, FindingRows, Placed, State, found};
use crate::tui::view::{groups, no_rows, table::Cell};
use crate::tui::widgets::{bars, fit};

pub(super) fn cell(state: &State, rows: &FindingRows, index: usize, placed: &Placed) -> Cell {
    let (finding, is_set_aside) = match rows.get(index) {
        Some(FindingRow::Finding(finding)) => (finding, finding.label.is_some()),
        Some(FindingRow::Muted(finding, _)) => (finding, true),
        Some(FindingRow::Heading { .. }) | None => return Cell::plain(""),
    };
    let mut cell = match placed.column {
        Column::Finding(FindingColumn::Subject) => Cell::plain(rows.subject(index).unwrap_or_default()),
        column => cell_of(state, finding, column, placed),
    };
    if is_set_aside {
        cell.style = state.theme.quiet();
    }
    cell
}

/// The text of the heading row, which has no columns.
pub(super) fn heading(rows: &FindingRows, index: usize) -> Option<String> {
    match rows.get(index)? {
        FindingRow::Heading { ordinary, muted } => {
            let fold = if rows.shows_set_aside { '▾' } else { '▸' };
            let parts = [
                (ordinary > 0).then(|| format::counted(ordinary as u64, "ordinary look-alike")),
                (muted > 0).then(|| format!("{} muted", format::count(muted as u64))),
            ];
            Some(format!("{fold} {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", ")))
        }
        FindingRow::Finding(_) | FindingRow::Muted(..) => None,
    }
}

fn cell_of(state: &State, finding: &Finding, column: Column, placed: &Placed) -> Cell {
    let style = state.theme.severity(found::severity(finding));
    match column {
        Column::Finding(FindingColumn::Kind) => Cell::new(finding.kind.name(), style),
        Column::Finding(FindingColumn::When) => {
            Cell::plain(format::period(finding.start, finding.end, state.zone()))
        }
        Column::Finding(FindingColumn::Cost) => match finding.cost {
            Some(cost) => Cell::plain(format::dollars(cost)),
            None => Cell::faint(state, "-"),
        },
        Column::Finding(FindingColumn::Score) => {
            let width = usize::from(placed.width).saturating_sub(4);
            let bar = fit::left(&bars::horizontal(finding.score / 100.0, width), width);
            Cell::new(format!("{bar} {:>3.0}", finding.score), style)
        }
        _ => groups::stats(state, &finding.stats, &Stats::default(), 0, placed),
    }
}

/// Explains an empty table of findings.
pub(super) fn draw_none(state: &State, area: Rect, buffer: &mut Buffer) {
    let analysed = found::analysed(state);
    let answer = analysed.map(|analysed| &analysed.answer);
    let has_requests = state.totals.data.as_ref().is_some_and(|totals| totals.stats.requests > 0);
    match answer {
        Some(answer) if answer.error().is_some() => {
            no_rows::failed(state, answer.error().unwrap_or(""), area, buffer)
        }
        _ if !has_requests => no_rows::draw(state, area, buffer),
        Some(answer) if answer.is_complete() => no_rows::no_findings(state, area, buffer),
        _ => {
            let share = analysed.and_then(|analysed| analysed.progress).unwrap_or(0.0);
            no_rows::analysing(state, share, area, buffer);
        }
    }
}
