//! Analyses that run in the background: what is asked, and what comes back.

use crate::insight::Scope;
use crate::insight::findings::Findings;

/// The kind of an analysis. A new one cancels the running one of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AnalysisSlot {
    Findings,
}

impl AnalysisSlot {
    pub(crate) const COUNT: usize = 1;
}

/// What an analysis is to find out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AnalysisAsk {
    /// What is suspicious in these requests.
    Findings(Scope),
}

impl AnalysisAsk {
    pub(crate) fn slot(&self) -> AnalysisSlot {
        match self {
            AnalysisAsk::Findings(_) => AnalysisSlot::Findings,
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
    Findings(Findings),
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
