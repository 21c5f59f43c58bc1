//! Analyses that run in the background: what is asked, and what comes back.

use crate::identity::host_names::Lookups;
use crate::insight::Scope;
use crate::insight::block::{Plan, Target};
use crate::insight::concentration::Concentration;
use crate::insight::contrast::{Against, Contrast};
use crate::insight::emptiness::Emptiness;
use crate::query::{Dimension, Measure};
use crate::tui::model::found::AllFindings;

/// The kind of an analysis. A new one cancels the running one of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AnalysisSlot {
    Findings,
    /// The pane in front.
    Pane,
    /// Why nothing matches.
    Emptiness,
    /// Lookups of names.
    HostNames,
}

impl AnalysisSlot {
    pub(crate) const COUNT: usize = 4;
}

/// What an analysis is to find out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AnalysisAsk {
    /// What is suspicious in these requests.
    Findings(Scope),
    /// What tells these requests apart from others.
    Contrast(Scope, Against),
    /// How unevenly a measure is distributed over the values of a dimension.
    Concentration(Scope, Dimension, Measure),
    /// Whom a block list of these targets hits.
    Block(Scope, Vec<Target>),
    /// Why no request passes this filter.
    Emptiness(Scope),
    /// Look up the names of at most this many addresses of these requests: those with the most.
    HostNames(Scope, usize),
}

impl AnalysisAsk {
    pub(crate) fn slot(&self) -> AnalysisSlot {
        match self {
            AnalysisAsk::Findings(_) => AnalysisSlot::Findings,
            AnalysisAsk::Emptiness(_) => AnalysisSlot::Emptiness,
            AnalysisAsk::HostNames(..) => AnalysisSlot::HostNames,
            AnalysisAsk::Contrast(..) | AnalysisAsk::Concentration(..) | AnalysisAsk::Block(..) => {
                AnalysisSlot::Pane
            }
        }
    }
}

/// An analysis to be run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AnalysisJob {
    /// Identifies the job; its results carry the same number.
    pub(crate) number: u64,
    pub(crate) ask: AnalysisAsk,
}

#[derive(Clone, Debug)]
pub(crate) enum AnalysisAnswer {
    Findings(AllFindings),
    Contrast(Contrast),
    Concentration(Concentration),
    Block(Plan),
    /// `None`: some requests pass the filter by now.
    Emptiness(Option<Emptiness>),
    HostNames(Lookups),
}

/// A result of an [`AnalysisJob`]: any number of partial results, then a complete result or an error.
#[derive(Clone, Debug)]
pub(crate) struct AnalysisResult {
    pub(crate) number: u64,
    /// The data had this generation or a later one.
    pub(crate) generation: u64,
    /// The share of the work that is done, 0–1; `None`: the result is complete.
    pub(crate) share: Option<f64>,
    pub(crate) answer: Result<AnalysisAnswer, String>,
}

/// The answer of an analysis that was started once.
#[derive(Clone, Debug)]
pub(crate) struct Pending<T> {
    /// Number of the analysis.
    pub(crate) number: u64,
    pub(crate) data: Option<T>,
    /// The share of the work that is done, 0–1; `None`: the analysis has ended.
    pub(crate) share: Option<f64>,
    pub(crate) error: Option<String>,
}

impl<T> Pending<T> {
    pub(crate) fn new(number: u64) -> Pending<T> {
        Pending { number, data: None, share: Some(0.0), error: None }
    }

    pub(crate) fn store(&mut self, share: Option<f64>, answer: Result<T, String>) {
        self.share = share;
        match answer {
            Ok(data) => self.data = Some(data),
            Err(error) => self.error = Some(error),
        }
    }
}
