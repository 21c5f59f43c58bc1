//! One finding per incident: findings that select the same requests are merged.

use super::{Finding, Kind};
use crate::insight::survey::Survey;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::QueryError;

/// A finding is dropped if this share of its requests belongs to another finding that comes before it.
const SAME_INCIDENT_SHARE: f64 = 0.5;

/// What lasts this many times as long as another finding, and as a day, is another incident.
const TIMES_LONGER: i64 = 4;

/// Keeps one of the findings that select mostly the same requests: the one whose kind is first in [`Kind::ALL`], then
/// the one with the higher score.
pub(super) fn one_per_incident(
    survey: &Survey<'_>,
    mut found: Vec<Finding>,
) -> Result<Vec<Finding>, QueryError> {
    found.sort_by(|a, b| {
        (a.label.is_some().cmp(&b.label.is_some()))
            .then(a.kind.cmp(&b.kind))
            .then(b.score.total_cmp(&a.score))
            .then(a.start.cmp(&b.start))
            .then_with(|| a.explanation.cmp(&b.explanation))
    });
    let mut kept: Vec<Finding> = Vec::new();
    for finding in found {
        let mut is_new = true;
        for other in kept.iter().filter(|other| can_be_one_incident(other, &finding)) {
            if other.filter == finding.filter || shared(survey, other, &finding)? {
                is_new = false;
                break;
            }
        }
        if is_new {
            kept.push(finding);
        }
    }
    Ok(kept)
}

fn can_be_one_incident(a: &Finding, b: &Finding) -> bool {
    // What stopped, and what changed for good, has no requests of its own to share.
    let is_change = |finding: &Finding| matches!(finding.kind, Kind::Silence | Kind::LevelShift);
    a.start < b.end && b.start < a.end && (is_change(a) == is_change(b))
}

/// Whether the requests of both are at least half of the requests of `finding`. If `other` lasts far longer, they must be
/// half of its requests, too: a client that is always there has short incidents of other kinds.
fn shared(survey: &Survey<'_>, other: &Finding, finding: &Finding) -> Result<bool, QueryError> {
    let both = survey.totals(&other.filter.clone().and(finding.filter.clone()))?;
    let is_most = |of: &Finding| both.requests as f64 >= SAME_INCIDENT_SHARE * of.stats.requests as f64;
    let seconds = (finding.end - finding.start).max(SECONDS_PER_DAY);
    let is_far_longer = other.end - other.start > TIMES_LONGER.saturating_mul(seconds);
    Ok(is_most(finding) && (!is_far_longer || is_most(other)))
}
