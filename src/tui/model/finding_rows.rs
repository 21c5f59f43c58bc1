//! The rows of the table of findings: the findings, then a heading with the ordinary look-alikes below it.

use crate::insight::findings::{Finding, Findings};
use crate::query::{Measure, Sort};
use crate::tui::model::columns::{Column, FindingColumn};
use crate::tui::model::found::{FindingId, subject_text};
use crate::tui::model::rows::RowId;

#[derive(Clone, Debug, Default)]
pub(crate) struct FindingRows {
    found: Findings,
    /// Whether the ordinary look-alikes are listed below their heading.
    pub(crate) shows_benign: bool,
}

/// A row of the table of findings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FindingRow<'a> {
    Finding(&'a Finding),
    /// The heading of this many ordinary look-alikes.
    Heading(usize),
}

impl FindingRows {
    pub(crate) fn new(found: Findings, shows_benign: bool, sort: Sort<Column>) -> FindingRows {
        let mut rows = FindingRows { found, shows_benign };
        rows.sort(sort);
        rows
    }

    pub(crate) fn count(&self) -> usize {
        let Findings { findings, benign } = &self.found;
        let listed = if self.shows_benign { benign.len() } else { 0 };
        findings.len() + listed + usize::from(!benign.is_empty())
    }

    pub(crate) fn get(&self, index: usize) -> Option<FindingRow<'_>> {
        let Findings { findings, benign } = &self.found;
        match index.checked_sub(findings.len()) {
            None => findings.get(index).map(FindingRow::Finding),
            Some(0) if !benign.is_empty() => Some(FindingRow::Heading(benign.len())),
            Some(after) if self.shows_benign => benign.get(after.wrapping_sub(1)).map(FindingRow::Finding),
            Some(_) => None,
        }
    }

    pub(crate) fn finding(&self, index: usize) -> Option<&Finding> {
        match self.get(index) {
            Some(FindingRow::Finding(finding)) => Some(finding),
            _ => None,
        }
    }

    pub(crate) fn id(&self, index: usize) -> Option<RowId> {
        Some(match self.get(index)? {
            FindingRow::Finding(finding) => RowId::Finding(FindingId::of(finding)),
            FindingRow::Heading(_) => RowId::OrdinaryHeading,
        })
    }

    /// The index of a row, or of the finding that took its place when more requests arrived.
    pub(crate) fn position(&self, id: &RowId) -> Option<usize> {
        let position = |is_row: &dyn Fn(&Finding) -> bool| {
            (0..self.count()).find(|index| self.finding(*index).is_some_and(is_row))
        };
        match id {
            RowId::Finding(id) => {
                position(&|finding| id.is(finding)).or_else(|| position(&|finding| id.is_about_same(finding)))
            }
            RowId::OrdinaryHeading => (!self.found.benign.is_empty()).then_some(self.found.findings.len()),
            _ => None,
        }
    }

    /// Sorts both lists; ties keep the order by score.
    pub(crate) fn sort(&mut self, sort: Sort<Column>) {
        for list in [&mut self.found.findings, &mut self.found.benign] {
            list.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.start.cmp(&other.start)));
            list.sort_by(|one, other| {
                let order = compare(sort.by, one, other);
                if sort.descending { order.reverse() } else { order }
            });
        }
    }
}

fn compare(by: Column, one: &Finding, other: &Finding) -> std::cmp::Ordering {
    match by {
        Column::Finding(FindingColumn::Kind) => one.kind.name().cmp(other.kind.name()),
        Column::Finding(FindingColumn::Subject) => subject_text(one).cmp(&subject_text(other)),
        Column::Finding(FindingColumn::When) => one.start.cmp(&other.start),
        Column::Finding(FindingColumn::Cost) => {
            one.cost.unwrap_or(-1.0).total_cmp(&other.cost.unwrap_or(-1.0))
        }
        Column::Measure(Measure::Requests) => one.stats.requests.cmp(&other.stats.requests),
        Column::Measure(Measure::BytesSent) => one.stats.bytes_sent.cmp(&other.stats.bytes_sent),
        Column::Measure(Measure::Errors) => one.stats.errors.cmp(&other.stats.errors),
        Column::Measure(Measure::ErrorRate) => {
            let rate = |of: &Finding| of.stats.errors as f64 / of.stats.requests.max(1) as f64;
            rate(one).total_cmp(&rate(other))
        }
        _ => one.score.total_cmp(&other.score),
    }
}
