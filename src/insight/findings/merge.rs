//! One finding per incident: findings that select the same requests are merged.

use super::{Finding, Kind};
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{Dimension, Filter, QueryError, Stats};

/// A finding is dropped if this share of its requests belongs to another finding that comes before it.
const SAME_INCIDENT_SHARE: f64 = 0.5;

/// What lasts this many times as long as another finding, and as a day, is another incident.
const TIMES_LONGER: i64 = 4;

/// At least this many findings of one kind with most requests of another one are parts of it. Each has this share of its
/// requests in common with it.
const MIN_PARTS: usize = 3;
const PART: f64 = 0.9;
/// The kinds that several clients can have together.
const OF_CLIENTS: [Kind; 5] =
    [Kind::KeyGuessing, Kind::RetryStorm, Kind::RangeAbuse, Kind::Scraping, Kind::BandwidthHog];

/// A program is blamed for what some networks did with it if they have this part of its requests, and others use it, too: with
/// at least this many requests.
const BLAMED: f64 = 0.5;
const MIN_OTHERS: u64 = 40;

/// The responses of a finding are large if their mean size is this multiple of that of all responses.
const LARGE_RESPONSE: f64 = 2.0;

/// Keeps one of the findings that select mostly the same requests: the one whose kind is first in [`Kind::ALL`], then
/// the one with more requests (of bandwidth hogs, bytes), then the one with the narrower subject.
pub(super) fn one_per_incident(
    survey: &Survey<'_>,
    mut found: Vec<Finding>,
) -> Result<Vec<Finding>, QueryError> {
    found.sort_by(|a, b| {
        (a.label.is_some().cmp(&b.label.is_some()))
            .then_with(|| precedence(survey, a).cmp(&precedence(survey, b)))
            .then(b.kind.cmp(&a.kind))
            .then(amount(b).cmp(&amount(a)))
            .then(width(a).cmp(&width(b)))
            .then(b.score.total_cmp(&a.score))
            .then(a.start.cmp(&b.start))
            .then_with(|| a.explanation.cmp(&b.explanation))
    });
    let mut kept: Vec<Finding> = Vec::new();
    let are_blamed = blamed_programs(survey, &found)?;
    for (finding, _) in found.into_iter().zip(are_blamed).filter(|(_, is_blamed)| !is_blamed) {
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
    let is_part = parts(survey, &kept)?;
    let mut kept: Vec<Finding> =
        kept.into_iter().zip(is_part).filter(|(_, is_part)| !is_part).map(|(finding, _)| finding).collect();
    rank_silences(survey, &mut kept)?;
    Ok(kept)
}

/// Which findings are about a program although one or two clients did it, and others use the program, too: a scraper is
/// not found by the name of a browser.
fn blamed_programs(survey: &Survey<'_>, found: &[Finding]) -> Result<Vec<bool>, QueryError> {
    let mut are_blamed = vec![false; found.len()];
    for (at, program) in found.iter().enumerate() {
        let Some((Dimension::Field(Field::UserAgent) | Dimension::AgentFamily, _)) = &program.subject else {
            continue;
        };
        let is_who = |finding: &&Finding| {
            finding.kind == program.kind
                && matches!(
                    finding.subject,
                    Some((Dimension::Field(Field::RemoteIp) | Dimension::Network { .. }, _))
                )
                && can_be_one_incident(finding, program)
        };
        let clients: Vec<&Finding> = found.iter().filter(is_who).collect();
        // Several clients with a program of their own are one incident: see `parts`.
        if clients.is_empty() || clients.len() >= MIN_PARTS {
            continue;
        }
        let theirs = Filter::any(clients.iter().map(|client| client.filter.clone()));
        let both = survey.totals(&program.filter.clone().and(theirs))?.requests;
        if (both as f64) < BLAMED * program.stats.requests as f64 {
            continue;
        }
        let subjects = clients.iter().filter_map(|client| client.subject.as_ref());
        let by_them = Filter::any(subjects.map(|(dimension, value)| Filter::term_for(dimension, value)));
        let Some((dimension, value)) = &program.subject else { continue };
        let by_others = Filter::term_for(dimension, value).and(by_them.negated());
        are_blamed[at] = survey.totals(&by_others)?.requests >= MIN_OTHERS;
    }
    Ok(are_blamed)
}

/// Ranks the silence of a client after what it did before: that a scraper stopped is the smaller news.
fn rank_silences(survey: &Survey<'_>, found: &mut [Finding]) -> Result<(), QueryError> {
    const STEP: f64 = 0.1;
    for at in 0..found.len() {
        if found[at].kind != Kind::Silence {
            continue;
        }
        let mut score = found[at].score;
        for did in found.iter().filter(|did| OF_CLIENTS.contains(&did.kind) && did.start < found[at].end) {
            let Some((dimension, value)) = &did.subject else { continue };
            if did.score - STEP >= score {
                continue;
            }
            let by_it = found[at].filter.clone().and(Filter::term_for(dimension, value));
            let least = SAME_INCIDENT_SHARE * found[at].stats.requests as f64;
            if survey.totals(&by_it)?.requests as f64 >= least.max(1.0) {
                score = did.score - STEP;
            }
        }
        found[at].score = score;
    }
    Ok(())
}

/// Which findings are about one of several clients that another finding joins.
fn parts(survey: &Survey<'_>, found: &[Finding]) -> Result<Vec<bool>, QueryError> {
    let mut is_part = vec![false; found.len()];
    let candidates = |whole: &Finding, kind: Kind| -> Vec<usize> {
        let is_smaller = |finding: &Finding| {
            finding.kind == kind
                && finding.label.is_none()
                && finding.filter != whole.filter
                && finding.stats.requests < whole.stats.requests
                && can_be_one_incident(whole, finding)
        };
        (0..found.len()).filter(|at| is_smaller(&found[*at])).collect()
    };
    for whole in found.iter().filter(|finding| OF_CLIENTS.contains(&finding.kind) && finding.label.is_none())
    {
        for kind in OF_CLIENTS {
            let smaller = candidates(whole, kind);
            let requests: u64 = smaller.iter().map(|at| found[*at].stats.requests).sum();
            if smaller.len() < MIN_PARTS
                || (requests as f64) < SAME_INCIDENT_SHARE * whole.stats.requests as f64
            {
                continue;
            }
            for at in smaller {
                let both = survey.totals(&whole.filter.clone().and(found[at].filter.clone()))?;
                is_part[at] |= both.requests as f64 >= PART * found[at].stats.requests as f64;
            }
        }
    }
    Ok(is_part)
}

/// The place of a finding among those that select the same requests: that of its kind. A hog whose responses are not
/// larger than others is one because of the number of its requests: then the kinds about numbers of requests say more.
fn precedence(survey: &Survey<'_>, finding: &Finding) -> Kind {
    let mean = |stats: &Stats| stats.bytes_sent as f64 / stats.requests.max(1) as f64;
    let is_ordinary = mean(&finding.stats) < LARGE_RESPONSE * mean(&survey.whole);
    match finding.kind {
        Kind::BandwidthHog if is_ordinary => Kind::NewAgent,
        kind => kind,
    }
}

/// How much a finding has of what its kind is about: requests, or bytes to a twelfth. A network has a little more bytes than the
/// address in it that takes nearly all of them, and many more requests if another address in it sends many small ones.
fn amount(finding: &Finding) -> u64 {
    const STEPS_PER_DOUBLING: f64 = 8.0;
    match finding.kind {
        Kind::BandwidthHog => {
            (finding.stats.bytes_sent.max(1) as f64).log2().mul_add(STEPS_PER_DOUBLING, 0.5) as u64
        }
        _ => finding.stats.requests,
    }
}

/// How wide the subject of a finding is: of equal requests, the address says more than its network.
fn width(finding: &Finding) -> u8 {
    match &finding.subject {
        Some((Dimension::Field(Field::RemoteIp | Field::Requester), _)) => 0,
        Some((Dimension::Role, _)) => 1,
        Some((Dimension::Network { .. }, _)) => 2,
        Some(_) => 3,
        None => 4,
    }
}

fn can_be_one_incident(a: &Finding, b: &Finding) -> bool {
    // What stopped, and what changed for good, has no requests of its own to share.
    let is_change = |finding: &Finding| matches!(finding.kind, Kind::Silence | Kind::LevelShift);
    a.start < b.end && b.start < a.end && (is_change(a) == is_change(b))
}

/// Whether the requests of both are at least half of the requests of `finding`. If `other` lasts far longer, they must be
/// half of its requests, too: a client that is always there has short incidents of other kinds.
fn shared(survey: &Survey<'_>, other: &Finding, finding: &Finding) -> Result<bool, QueryError> {
    // A deletion of which the log only has the records of the objects has no requests to share.
    if finding.stats.requests == 0 || other.stats.requests == 0 {
        return Ok(false);
    }
    let seconds = (finding.end - finding.start).max(SECONDS_PER_DAY);
    let is_far_longer = other.end - other.start > TIMES_LONGER.saturating_mul(seconds);
    let is_shared = |both: u64| {
        let is_most = |of: &Finding| both as f64 >= SAME_INCIDENT_SHARE * of.stats.requests as f64;
        is_most(finding) && (!is_far_longer || is_most(other))
    };
    // Both have no more requests than the smaller one: often no query is needed.
    if !is_shared(finding.stats.requests.min(other.stats.requests)) {
        return Ok(false);
    }
    Ok(is_shared(survey.totals(&other.filter.clone().and(finding.filter.clone()))?.requests))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_was_named_for_the_bytes_of_one_of_its_addresses() {
        let hog = |requests: u64, bytes_sent: u64| Finding {
            kind: Kind::BandwidthHog,
            subject: None,
            start: 0,
            end: 1,
            stats: Stats { requests, bytes_sent, ..Stats::default() },
            cost: None,
            score: 70.0,
            filter: Filter::everything(),
            explanation: String::new(),
            label: None,
        };
        let (address, network) = (hog(29_000, 2 << 40), hog(41_000, (2 << 40) + 300_000));
        assert_eq!(amount(&address), amount(&network));
        assert!(amount(&hog(29_000, 6 << 40)) > amount(&address));
    }
}
