//! The findings of each filter that was analysed, and the part of them that the layer in front shows.
//!
//! An analysis covers the whole time range of the session: what is unusual in an hour shows only beside the other hours, and
//! what comes every day looks like an incident beside no other day. So neither the zoom nor the terms about time of a filter
//! narrow it: a layer shows those of the findings that overlap its time, and zooming needs no new analysis.

use crate::insight::findings::mute::{Mute, Muted};
use crate::insight::findings::{Finding, Findings, Kind};
use crate::query::{Dimension, Filter, TimeRange, Value};
use crate::tui::model::{Layer, State, answer_state::AnswerState};

/// Filters whose findings are kept.
const MAX_FILTERS: usize = 32;

/// The identity of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FindingId {
    pub(crate) kind: Kind,
    pub(crate) subject: Option<(Dimension, Value)>,
    pub(crate) start: i64,
}

impl FindingId {
    pub(crate) fn of(finding: &Finding) -> FindingId {
        FindingId { kind: finding.kind, subject: finding.subject.clone(), start: finding.start }
    }

    /// Whether `finding` has this identity.
    pub(crate) fn is(&self, finding: &Finding) -> bool {
        self.start == finding.start && self.is_about_same(finding)
    }

    /// Whether `finding` has the same kind and subject. More requests may have moved its start.
    pub(crate) fn is_about_same(&self, finding: &Finding) -> bool {
        self.kind == finding.kind && self.subject == finding.subject
    }
}

/// What an analysis found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AllFindings {
    pub(crate) found: Findings,
    /// Those that the user muted, best first.
    pub(crate) muted: Vec<Muted>,
}

/// The analysis of a filter.
pub(crate) struct Analysed {
    filter: Filter,
    pub(crate) answer: AnswerState<AllFindings>,
    /// When the last analysis began, in session milliseconds.
    pub(crate) started: u64,
    /// Whether requests were still being added then.
    pub(crate) was_growing: bool,
    /// The generation of the data then.
    pub(crate) generation: u64,
    /// The share of the running analysis that is done, 0–1; `None`: none is running.
    pub(crate) progress: Option<f64>,
    /// Changes whenever the findings change.
    pub(crate) version: u64,
}

/// The analyses of the session.
#[derive(Default)]
pub(crate) struct Found {
    /// By filter, the latest last.
    analysed: Vec<Analysed>,
    /// Number of the last analysis that was started, unless it was stopped.
    pub(crate) latest: u64,
    /// Number of the timer that ends when an analysis is due again.
    pub(crate) timer: Option<u64>,
    versions: u64,
}

impl Found {
    pub(crate) fn of(&self, filter: &Filter) -> Option<&Analysed> {
        self.analysed.iter().find(|analysed| analysed.filter == *filter)
    }

    /// The analysis of `filter`, which is added if it is new.
    #[allow(clippy::indexing_slicing)] // it was just added
    pub(crate) fn entry(&mut self, filter: &Filter) -> &mut Analysed {
        let at = match self.analysed.iter().position(|analysed| analysed.filter == *filter) {
            Some(at) => at,
            None => {
                if self.analysed.len() >= MAX_FILTERS {
                    self.analysed.remove(0);
                }
                let answer = AnswerState::default();
                self.analysed.push(Analysed {
                    filter: filter.clone(),
                    answer,
                    started: 0,
                    was_growing: false,
                    generation: 0,
                    progress: None,
                    version: 0,
                });
                self.analysed.len() - 1
            }
        };
        &mut self.analysed[at]
    }

    /// The analysis whose result has this number.
    pub(crate) fn awaiting(&mut self, number: u64) -> Option<&mut Analysed> {
        self.analysed.iter_mut().find(|analysed| number == self.latest && analysed.answer.awaits(number))
    }

    /// Ordinary look-alikes among all requests, as far as they are known.
    pub(crate) fn ordinary_in_whole_log(&self) -> Vec<Finding> {
        let whole = self.of(&Filter::everything()).and_then(|analysed| analysed.answer.data.as_ref());
        whole.map(|all| all.found.benign.clone()).unwrap_or_default()
    }

    /// The filter that is being analysed.
    pub(crate) fn running(&self) -> Option<&Filter> {
        let latest = self.latest;
        self.analysed.iter().find(|analysed| analysed.answer.awaits(latest)).map(|analysed| &analysed.filter)
    }

    /// Sets the findings aside that meet a new mute, in all analyses.
    pub(crate) fn set_aside(&mut self, mute: &Mute) {
        let version = self.next_version();
        for analysed in &mut self.analysed {
            let Some(AllFindings { found, muted }) = &mut analysed.answer.data else { continue };
            let is_muted = |finding: &mut Finding| {
                mute.is_about(finding)
                    && mute.filter.as_ref().is_none_or(|filter| *filter == finding.filter.to_string())
            };
            let more = found.findings.extract_if(.., is_muted);
            muted.extend(more.map(|finding| Muted { finding, by: mute.clone() }));
            analysed.version = version;
        }
    }

    /// Puts the findings back that a removed mute set aside.
    pub(crate) fn put_back(&mut self, mute: &Mute) {
        let version = self.next_version();
        for analysed in &mut self.analysed {
            let Some(AllFindings { found, muted }) = &mut analysed.answer.data else { continue };
            found
                .findings
                .extend(muted.extract_if(.., |muted| muted.by.id == mute.id).map(|muted| muted.finding));
            found
                .findings
                .sort_by(|one, other| other.score.total_cmp(&one.score).then(one.start.cmp(&other.start)));
            analysed.version = version;
        }
    }

    pub(crate) fn next_version(&mut self) -> u64 {
        self.versions += 1;
        self.versions
    }
}

fn overlaps(finding: &Finding, time: TimeRange) -> bool {
    time.start.is_none_or(|start| finding.end > start) && time.end.is_none_or(|end| finding.start < end)
}

/// The filter whose findings a layer shows, and the time within which: the terms of its filter about time narrow only what
/// is shown.
pub(crate) fn scope_of(layer: &Layer) -> (Filter, TimeRange) {
    let (filter, time) = split_time(&layer.filter);
    (filter, time.within(layer.time))
}

/// The analysis whose findings the layer in front shows.
pub(crate) fn analysed(state: &State) -> Option<&Analysed> {
    state.found.of(&scope_of(state.layer()).0)
}

/// Whether a finding has requests outside of the time that the layer in front shows.
pub(crate) fn is_cut(state: &State, finding: &Finding) -> bool {
    let time = scope_of(state.layer()).1;
    time.start.is_some_and(|start| finding.start < start) || time.end.is_some_and(|end| finding.end > end)
}

/// The number of findings of the filter in front, whatever time the layer shows.
pub(crate) fn count_of_all_time(state: &State) -> usize {
    all(state).map(|all| all.found.findings.len()).sum()
}

/// The findings of the layer in front, best first.
pub(crate) fn visible(state: &State) -> impl Iterator<Item = &Finding> {
    all(state).flat_map(|all| &all.found.findings).filter(within(state))
}

/// The ordinary look-alikes of the layer in front, best first.
pub(crate) fn visible_benign(state: &State) -> impl Iterator<Item = &Finding> {
    all(state).flat_map(|all| &all.found.benign).filter(within(state))
}

/// The muted findings of the layer in front, best first.
pub(crate) fn visible_muted(state: &State) -> impl Iterator<Item = &Muted> {
    let is_within = within(state);
    all(state).flat_map(|all| &all.muted).filter(move |muted| is_within(&&muted.finding))
}

/// The number of findings that a mute hides in the layer in front; `None` while they are not known.
pub(crate) fn hidden_by(state: &State, mute: i64) -> Option<usize> {
    let is_known = all(state).next().is_some();
    is_known.then(|| visible_muted(state).filter(|muted| muted.by.id == mute).count())
}

/// Whether findings of the layer in front are set aside: as ordinary, or muted.
pub(crate) fn has_set_aside(state: &State) -> bool {
    visible_benign(state).next().is_some() || visible_muted(state).next().is_some()
}

fn all(state: &State) -> impl Iterator<Item = &AllFindings> {
    analysed(state).and_then(|analysed| analysed.answer.data.as_ref()).into_iter()
}

fn within(state: &State) -> impl Fn(&&Finding) -> bool {
    let time = scope_of(state.layer()).1;
    move |finding| overlaps(finding, time)
}

/// The finding with this identity, in the layer in front.
pub(crate) fn by_id<'a>(state: &'a State, id: &FindingId) -> Option<&'a Finding> {
    let muted = visible_muted(state).map(|muted| &muted.finding);
    visible(state).chain(visible_benign(state)).chain(muted).find(|finding| id.is(finding))
}

/// The findings of the layer in front, in order of time.
pub(crate) fn in_order_of_time(state: &State) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = visible(state).collect();
    findings.sort_by_key(|finding| (finding.start, finding.end));
    findings
}

/// The line about a finding above the table: the finding under the brush, or the worst one.
pub(crate) struct Alert<'a> {
    pub(crate) finding: &'a Finding,
    /// Its place in order of time, from 1, if it is under the brush.
    pub(crate) place: Option<usize>,
    /// The number of findings.
    pub(crate) count: usize,
}

/// The alert of the layer in front; `None` without findings, and where they are listed.
pub(crate) fn alert(state: &State) -> Option<Alert<'_>> {
    let layer = state.layer();
    if layer.detail.is_some() || layer.tab == crate::tui::model::Tab::Findings {
        return None;
    }
    let count = visible(state).count();
    if let Some(id) = state.brush.as_ref().and_then(|brush| brush.finding.as_ref()) {
        let ordered = in_order_of_time(state);
        let at = ordered.iter().position(|finding| id.is(finding))?;
        return Some(Alert { finding: ordered.get(at)?, place: Some(at + 1), count });
    }
    visible(state).next().map(|finding| Alert { finding, place: None, count })
}

/// The subject for people: its value, or what the finding is about.
pub(crate) fn subject_text(finding: &Finding) -> String {
    match &finding.subject {
        Some((by, value)) => crate::tui::cell_text::of_group(by, value),
        None => "all requests".to_owned(),
    }
}

/// How a finding is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Serious,
    Notable,
    /// Ordinary traffic that looks suspicious.
    Ordinary,
}

pub(crate) fn severity(finding: &Finding) -> Severity {
    match finding.kind {
        _ if finding.label.is_some() => Severity::Ordinary,
        Kind::ConfigChange
        | Kind::MassDeletion
        | Kind::CredentialMisuse
        | Kind::KeyGuessing
        | Kind::Scraping => Severity::Serious,
        _ => Severity::Notable,
    }
}

/// `filter` without its terms about time, and the time range of these terms.
pub(crate) fn split_time(filter: &Filter) -> (Filter, TimeRange) {
    use crate::log::Field;
    use crate::query::filter::{Subject, Test};
    let mut time = TimeRange::default();
    let mut others = Vec::new();
    for term in filter.terms() {
        match term {
            Filter::Term(Subject::Field(Field::Time), Test::Range(first, last)) => {
                let end = last.map(|last| last.saturating_add(1));
                time.start = time.start.max(*first);
                time.end = time.end.into_iter().chain(end).min();
            }
            other => others.push(other.clone()),
        }
    }
    (Filter::all(others), time)
}
