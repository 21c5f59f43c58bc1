//! Findings: what is suspicious in the requests of a scope, best first, each with the filter that selects exactly its
//! requests and a sentence that explains it.
//!
//! - `kind`: the kinds. `ordinary`: the reasons for which a finding is none. `evidence`: makes findings from what a detector saw, with exact stats.
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
mod recurrence;
mod retry_storms;
mod silence;
mod timeline;
mod volume;
mod words;

use tokio_util::sync::CancellationToken;

use super::Scope;
use super::survey::Survey;
use crate::human;
use crate::query::{Dimension, Engine, Filter, QueryError, Stats, Value};

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

/// Finds the incidents of some kinds. The findings so far are given.
type Detector<'a> = &'a dyn Fn(&Survey<'_>, &[Finding]) -> Result<Vec<Finding>, QueryError>;

/// Analyses the requests of `scope`. Calls `on_partial` after each step with the findings so far and the share of the
/// steps that are done, 0–1.
pub fn find(
    engine: &dyn Engine,
    scope: &Scope,
    cancel: &CancellationToken,
    on_partial: &mut dyn FnMut(&Findings, f64),
) -> Result<Findings, QueryError> {
    let survey = Survey::new(engine, scope, cancel)?;
    if survey.whole.requests == 0 {
        return Ok(Findings::default());
    }
    let populations = clients::Populations::default();
    // Those about one client or resource, then those about what the findings so far do not explain.
    let detectors: [Detector<'_>; 11] = [
        &|survey, _| config_changes::detect(survey),
        &|survey, _| deletions::detect(survey),
        &|survey, _| credentials::detect(survey),
        &|survey, _| retry_storms::detect(survey),
        &|survey, _| clients::detect(survey, &populations),
        &|survey, _| hot_linking::detect(survey),
        &|survey, _| insecure_access::detect(survey),
        &|survey, _| new_agent::detect(survey),
        &|survey, _| silence::detect(survey),
        &volume::detect,
        &|survey, found| clients::look_again(survey, found, &populations),
    ];
    let mut found: Vec<Finding> = Vec::new();
    for (step, detect) in detectors.iter().enumerate() {
        let mut more = detect(&survey, &found)?;
        benign::label_clients(&survey, &mut more)?;
        found.extend(more);
        found = merge::one_per_incident(&survey, found)?;
        on_partial(&ranked(found.clone()), (step + 1) as f64 / detectors.len() as f64);
    }
    add_costs(&survey, &mut found)?;
    Ok(ranked(found))
}

/// Adds the estimated cost to each finding and to its sentence. Findings about what did not happen have no cost.
fn add_costs(survey: &Survey<'_>, found: &mut [Finding]) -> Result<(), QueryError> {
    for finding in found.iter_mut().filter(|finding| finding.kind != Kind::Silence) {
        let dollars = survey.cost(&finding.filter)?;
        finding.cost = Some(dollars);
        /// Less is printed as 0 by a price with two digits.
        const CENT: f64 = 0.005;
        if dollars >= CENT {
            finding.explanation += &format!(" About {}.", human::dollars(dollars));
        }
    }
    Ok(())
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
