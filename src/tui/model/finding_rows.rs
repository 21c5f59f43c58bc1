//! The rows of the table of findings: the findings, then a heading with those that are set aside below it: ordinary
//! look-alikes, and muted findings.

use crate::insight::findings::Finding;
use crate::insight::findings::mute::Mute;
use crate::query::model::value_order::ValueKey;
use crate::query::{Measure, Sort, Value};
use crate::tui::model::columns::{Column, FindingColumn};
use crate::tui::model::found::{AllFindings, FindingId, subject_text};
use crate::tui::model::rows::RowId;

#[derive(Clone, Debug, Default)]
pub(crate) struct FindingRows {
    all: AllFindings,
    /// Whether the findings that are set aside are listed below their heading.
    pub(crate) shows_set_aside: bool,
}

/// A row of the table of findings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FindingRow<'a> {
    Finding(&'a Finding),
    /// The heading of this many ordinary look-alikes and muted findings.
    Heading {
        ordinary: usize,
        muted: usize,
    },
    Muted(&'a Finding, &'a Mute),
}

impl FindingRows {
    pub(crate) fn new(all: AllFindings, shows_set_aside: bool, sort: Sort<Column>) -> FindingRows {
        let mut rows = FindingRows { all, shows_set_aside };
        rows.sort(sort);
        rows
    }

    /// The number of findings that need attention.
    pub(crate) fn finding_count(&self) -> usize {
        self.all.found.findings.len()
    }

    /// The number of findings that are set aside.
    pub(crate) fn set_aside_count(&self) -> usize {
        self.all.found.benign.len() + self.all.muted.len()
    }

    pub(crate) fn count(&self) -> usize {
        let aside = self.set_aside_count();
        let listed = if self.shows_set_aside { aside } else { 0 };
        self.finding_count() + listed + usize::from(aside > 0)
    }

    pub(crate) fn get(&self, index: usize) -> Option<FindingRow<'_>> {
        let AllFindings { found, muted } = &self.all;
        let (ordinary, aside) = (found.benign.len(), self.set_aside_count());
        match index.checked_sub(found.findings.len()) {
            None => found.findings.get(index).map(FindingRow::Finding),
            Some(0) if aside > 0 => Some(FindingRow::Heading { ordinary, muted: muted.len() }),
            Some(after) if self.shows_set_aside && after > 0 => match (after - 1).checked_sub(ordinary) {
                None => found.benign.get(after - 1).map(FindingRow::Finding),
                Some(after) => muted.get(after).map(|muted| FindingRow::Muted(&muted.finding, &muted.by)),
            },
            Some(_) => None,
        }
    }

    pub(crate) fn finding(&self, index: usize) -> Option<&Finding> {
        match self.get(index)? {
            FindingRow::Finding(finding) | FindingRow::Muted(finding, _) => Some(finding),
            FindingRow::Heading { .. } => None,
        }
    }

    /// The subject of a finding, and why it is set aside; control characters are visible.
    pub(crate) fn subject(&self, index: usize) -> Option<String> {
        let (finding, why) = match self.get(index)? {
            FindingRow::Finding(finding) => (finding, finding.label.map(|label| label.to_string())),
            FindingRow::Muted(finding, by) => (finding, Some(format!("muted {}", by.id))),
            FindingRow::Heading { .. } => return None,
        };
        let subject = subject_text(finding);
        Some(why.map_or(subject.clone(), |why| format!("{subject} ({})", crate::tui::format::visible(&why))))
    }

    pub(crate) fn id(&self, index: usize) -> Option<RowId> {
        Some(match self.get(index)? {
            FindingRow::Finding(finding) | FindingRow::Muted(finding, _) => {
                RowId::Finding(FindingId::of(finding))
            }
            FindingRow::Heading { .. } => RowId::SetAsideHeading,
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
            RowId::SetAsideHeading => (self.set_aside_count() > 0).then_some(self.finding_count()),
            _ => None,
        }
    }

    /// Sorts the lists; ties keep the order by score.
    pub(crate) fn sort(&mut self, sort: Sort<Column>) {
        let order = |one: &Finding, other: &Finding| {
            let order = compare(sort.by, one, other);
            let order = if sort.descending { order.reverse() } else { order };
            order.then_with(|| other.score.total_cmp(&one.score)).then(one.start.cmp(&other.start))
        };
        self.all.found.findings.sort_by(order);
        self.all.found.benign.sort_by(order);
        self.all.muted.sort_by(|one, other| order(&one.finding, &other.finding));
    }
}

/// Findings about all requests are last.
fn subject_key(finding: &Finding) -> ValueKey {
    let subject = finding.subject.as_ref();
    let value = subject.map_or(Value::Absent, |(_, value)| value.clone());
    ValueKey::new(subject.map(|(by, _)| by), &value, false)
}

fn compare(by: Column, one: &Finding, other: &Finding) -> std::cmp::Ordering {
    match by {
        Column::Finding(FindingColumn::Kind) => one.kind.name().cmp(other.kind.name()),
        Column::Finding(FindingColumn::Subject) => subject_key(one).cmp(&subject_key(other)),
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
