//! Makes findings from what a detector saw.

use super::{Finding, Kind, Ordinary};
use crate::insight::survey::Survey;
use crate::query::{Dimension, Filter, QueryError, Stats, TimeRange, Value};

/// What a detector saw.
pub(super) struct Evidence {
    /// What has happened.
    pub kind: Kind,
    /// The value that the requests have in common.
    pub subject: Option<(Dimension, Value)>,
    /// Selects the requests, without the time and the filter of the scope. The subject is added to it.
    pub filter: Filter,
    /// First second, and first second after the incident; it becomes part of the filter. `None`: all requests of the
    /// filter, whatever their time.
    pub period: Option<(i64, i64)>,
    /// The evidence as a multiple of what is just sufficient, at least 1.
    pub strength: f64,
    /// Why this is probably ordinary.
    pub label: Option<Ordinary>,
    /// The stats of exactly these requests, if they are known. Without a request, their times must be known all the same.
    pub stats: Option<Stats>,
}

/// Makes a finding with exact stats and times. `explain` returns the sentence. `None` if no request matches.
pub(super) fn finding(
    survey: &Survey<'_>,
    evidence: Evidence,
    explain: impl FnOnce(&Stats) -> Result<String, QueryError>,
) -> Result<Option<Finding>, QueryError> {
    let Evidence { kind, subject, filter, period, strength, label, stats } = evidence;
    let mut selected = match &subject {
        Some((dimension, value)) => Filter::term_for(dimension, value).and(filter),
        None => filter,
    };
    if let Some((start, end)) = period {
        selected = selected.and(Filter::within(TimeRange { start: Some(start), end: Some(end) }));
    }
    let stats = match stats {
        Some(stats) => stats,
        None => survey.totals(&selected)?,
    };
    if stats == Stats::default() {
        return Ok(None);
    }
    let (start, end) = match (subject.is_some(), period) {
        (false, Some(period)) => period,
        _ => (stats.first_seen, stats.last_seen.saturating_add(1)),
    };
    let explanation = explain(&stats)?;
    let filter = survey.within_scope(&selected);
    let score = score(kind, strength);
    Ok(Some(Finding { kind, subject, start, end, stats, cost: None, score, filter, explanation, label }))
}

/// 0–100: the weight of the kind, raised towards the most that the kind can have by each doubling of the evidence. Evidence
/// of 1 gives the weight, evidence of 16 halves the distance to the most.
fn score(kind: Kind, strength: f64) -> f64 {
    const DOUBLINGS_TO_HALVE: f64 = 4.0;
    let doublings = strength.max(1.0).log2();
    let distance = (kind.most() - kind.weight()) * 0.5_f64.powf(doublings / DOUBLINGS_TO_HALVE);
    let score = kind.most() - distance;
    (score * 1000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_habits_of_a_busy_client_were_ranked_above_a_clear_attack() {
        // 100,000 requests with an old version of TLS, and 200 guessed keys.
        assert!(score(Kind::InsecureAccess, 1e4) < score(Kind::KeyGuessing, 8.0));
        assert!(score(Kind::NewAgent, 60.0) < score(Kind::Scraping, 4.0));
        for kind in Kind::ALL {
            assert!(kind.weight() < kind.most() && kind.most() <= 1.0, "{kind}");
            assert!(score(kind, 1e12) <= 100.0 * kind.most(), "{kind}");
        }
    }

    #[test]
    fn more_evidence_gives_a_higher_score_and_never_more_than_100() {
        let scores = [1.0, 2.0, 16.0, 1e9].map(|strength| score(Kind::Scraping, strength));
        assert!(scores.is_sorted() && scores[0] >= 55.0 && scores[3] <= 100.0, "{scores:?}");
        assert_eq!(score(Kind::Burst, 0.0), score(Kind::Burst, 1.0));
    }
}
