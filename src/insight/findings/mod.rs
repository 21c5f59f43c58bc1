//! Findings: what is suspicious in the requests of a scope, best first, each with the filter that selects exactly its
//! requests and a sentence that explains it.
//!
//! - `kind`: the kinds. `own_site`: the sites that the bucket belongs to. `ordinary`: the reasons for which a finding is none. `evidence`: makes findings from what a detector saw, with exact stats.
//! - `timeline`: the whole log over time. `history`: the past of a part of it. `recurrence`: whether something comes again.
//!   `baseline`: what to expect of a series of counts.
//! - A file per detector: each asks a few queries and returns the findings of its kinds.
//! - `merge`: one finding per incident, and the order.
//! - [`mute`]: what the user does not want to see again.
//!
//! docs/findings.md describes the methods with their parameters. Never here: text escaped for a terminal.

mod baseline;
mod benign;
mod burst;
mod client;
mod clients;
mod config_changes;
mod credentials;
mod deletions;
mod evidence;
mod gaps;
mod history;
mod hot_linking;
mod insecure_access;
mod judge;
mod kind;
mod level_shift;
mod merge;
pub mod mute;
mod new_agent;
mod ordinary;
mod own_site;
mod recurrence;
mod retry_storms;
mod silence;
mod timeline;
mod volume;
mod words;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;

use tokio_util::sync::CancellationToken;

use super::Scope;
use super::survey::Survey;
use crate::human;
use crate::log::Field;
use crate::query::{Dimension, Engine, Filter, GroupRow, Measure, QueryError, Stats, Value};

pub use kind::Kind;
pub use ordinary::Ordinary;

/// Something suspicious: an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What has happened.
    pub kind: Kind,
    /// The value that the requests have in common; `None` if the finding is about all requests of a time.
    pub subject: Option<(Dimension, Value)>,
    /// First second of the incident, since the epoch.
    pub start: i64,
    /// First second after the incident.
    pub end: i64,
    /// The stats of the requests that [`Finding::filter`] selects.
    pub stats: Stats,
    /// The estimated cost of these requests in US dollars; `None` if it is unknown.
    pub cost: Option<f64>,
    /// How serious the incident and how strong the evidence is, 0–100.
    pub score: f64,
    /// Selects exactly the requests of the incident, including the filter of the scope.
    pub filter: Filter,
    /// One sentence for people, as in a ticket. It can have text from logs: escape it before printing.
    pub explanation: String,
    /// Why this is probably ordinary traffic that only looks suspicious.
    pub label: Option<Ordinary>,
}

/// The findings of a scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// The findings, best first.
    pub findings: Vec<Finding>,
    /// Ordinary traffic that looks suspicious, with labels, best first.
    pub benign: Vec<Finding>,
}

impl Findings {
    /// Sets the findings aside that `ordinary` explains: those of the same kind about the same subject, with their labels. What
    /// is ordinary beside all requests can look like an incident in a part of them.
    pub(crate) fn set_aside(&mut self, ordinary: &[Finding]) {
        let explains = |finding: &Finding, known: &&Finding| {
            known.kind == finding.kind && known.subject.is_some() && known.subject == finding.subject
        };
        let label = |finding: &Finding| ordinary.iter().find(|known| explains(finding, known))?.label;
        let explained = self.findings.extract_if(.., |finding| {
            finding.label = label(finding);
            finding.label.is_some()
        });
        self.benign.extend(explained);
        self.benign.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.start.cmp(&other.start)));
    }
}

/// Finds the incidents of some kinds.
type Detector<'a> = &'a (dyn Fn(&Survey<'_>) -> Result<Vec<Finding>, QueryError> + Sync);

/// Finds what the findings so far do not explain.
type Remainder<'a> = &'a dyn Fn(&Survey<'_>, &[Finding]) -> Result<Vec<Finding>, QueryError>;

/// Detectors that run at the same time. Their queries share the processors: see [`Engine::ask_once`]. More of them keep more
/// profiles in memory.
const CONCURRENT_DETECTORS: usize = 3;

/// The dimensions by which the detectors group all requests.
fn grouped() -> [Dimension; 9] {
    [
        Dimension::Field(Field::RemoteIp),
        Dimension::NETWORK,
        Dimension::Field(Field::Requester),
        Dimension::Role,
        Dimension::Field(Field::UserAgent),
        Dimension::AgentFamily,
        Dimension::Field(Field::Operation),
        Dimension::Prefix { depth: 1 },
        Dimension::RefererHost,
    ]
}

/// Analyses the requests of `scope`. Calls `on_partial` after each step with the findings so far and the share of the
/// steps that are done, 0–1.
pub fn find(
    engine: &dyn Engine,
    scope: &Scope,
    cancel: &CancellationToken,
    on_partial: &mut dyn FnMut(&Findings, f64),
) -> Result<Findings, QueryError> {
    let survey = Survey::new(engine, scope, cancel, &grouped())?;
    if survey.whole.requests == 0 {
        return Ok(Findings::default());
    }
    let populations = clients::Populations::default();
    // Each is about one client or resource. The first takes the most time.
    let detectors: [Detector<'_>; 9] = [
        &|survey| clients::detect(survey, &populations),
        &config_changes::detect,
        &deletions::detect,
        &credentials::detect,
        &retry_storms::detect,
        &hot_linking::detect,
        &insecure_access::detect,
        &new_agent::detect,
        &silence::detect,
    ];
    let remainders: [Remainder<'_>; 2] =
        [&volume::detect, &|survey, found| clients::look_again(survey, found, &populations)];
    let steps = detectors.len() + remainders.len();
    let mut step = 0;
    let mut report = |found: &[Finding]| {
        step += 1;
        on_partial(&ranked(found.to_vec()), step as f64 / steps as f64);
    };
    let mut found = find_concurrently(&survey, &detectors, &mut report)?;
    for detect in remainders {
        found.extend(detect(&survey, &found)?);
        found = merge::one_per_incident(&survey, found)?;
        report(&found);
    }
    add_costs(&survey, &mut found)?;
    Ok(ranked(found))
}

/// Runs the detectors, some of them at the same time. Calls `report` after each with the findings so far.
fn find_concurrently(
    survey: &Survey<'_>,
    detectors: &[Detector<'_>],
    report: &mut dyn FnMut(&[Finding]),
) -> Result<Vec<Finding>, QueryError> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (results, received) = mpsc::channel();
        for _ in 0..CONCURRENT_DETECTORS {
            let (results, next) = (results.clone(), &next);
            scope.spawn(move || {
                while let Some(detect) = detectors.get(next.fetch_add(1, Relaxed)) {
                    // Fails after the first error: then nothing receives results.
                    if results.send(detect(survey)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(results);
        let mut all: Vec<Finding> = Vec::new();
        let mut merged: Vec<Finding> = Vec::new();
        for found in received {
            all.extend(found?);
            // Of all findings again: the result does not depend on the order in which the detectors end.
            merged = merge::one_per_incident(survey, all.clone())?;
            report(&merged);
        }
        Ok(merged)
    })
}

/// Adds the estimated cost to each finding and to its sentence. Findings about what did not happen have no cost.
fn add_costs(survey: &Survey<'_>, found: &mut [Finding]) -> Result<(), QueryError> {
    let of_addresses = costs_of_addresses(survey, found)?;
    for finding in found.iter_mut().filter(|finding| finding.kind != Kind::Silence) {
        let known = of_addresses.iter().find(|row| is_all_of(row, finding));
        let dollars = match known.and_then(|row| row.more.first().copied().flatten()) {
            Some(dollars) => dollars,
            None => survey.cost(&finding.filter)?,
        };
        finding.cost = Some(dollars);
        /// Less is printed as 0 by a price with two digits.
        const CENT: f64 = 0.005;
        if dollars >= CENT {
            finding.explanation += &format!(" About {}.", human::dollars(dollars));
        }
    }
    Ok(())
}

/// The addresses that findings are about, with their costs: one scan instead of one for each.
fn costs_of_addresses(survey: &Survey<'_>, found: &[Finding]) -> Result<Vec<GroupRow>, QueryError> {
    let by = Dimension::Field(Field::RemoteIp);
    let of_addresses: Vec<Filter> = (found.iter().filter_map(|finding| finding.subject.as_ref()))
        .filter(|(dimension, _)| *dimension == by)
        .map(|(_, value)| Filter::term_for(&by, value))
        .collect();
    if of_addresses.len() < 2 {
        return Ok(Vec::new());
    }
    let groups = survey.groups(&Filter::any(of_addresses), &by, &[Measure::Cost], Measure::Requests, 0)?;
    Ok(groups.rows)
}

/// Whether a finding is about all requests of an address, whatever its filter.
fn is_all_of(row: &GroupRow, finding: &Finding) -> bool {
    let is_it = |(dimension, value): &(Dimension, Value)| {
        *dimension == Dimension::Field(Field::RemoteIp) && *value == row.value
    };
    finding.subject.as_ref().is_some_and(is_it) && finding.stats == row.stats
}

/// The findings in their order: by score, then by time and text, so that equal data gives equal lists.
fn ranked(mut found: Vec<Finding>) -> Findings {
    found.sort_by(|a, b| {
        (b.score.total_cmp(&a.score))
            .then(a.start.cmp(&b.start))
            .then(a.kind.cmp(&b.kind))
            .then_with(|| a.explanation.cmp(&b.explanation))
    });
    let (benign, findings) = found.into_iter().partition(|finding| finding.label.is_some());
    Findings { findings, benign }
}
