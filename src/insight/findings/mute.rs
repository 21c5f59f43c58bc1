//! Muted findings: what the user does not want to see again. Where mutes are stored is up to the program ([`MuteStore`]).

use tokio_util::sync::CancellationToken;

use super::{Finding, Kind};
use crate::insight::Scope;
use crate::query::{Answer, Ask, Engine, Filter, Query, QueryError, Value};

/// Conditions that a finding must meet to be muted, all of them. An absent condition is always met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mute {
    /// Its number; a new one has 0.
    pub id: i64,
    /// The name of a kind of findings.
    pub kind: Option<String>,
    /// The value that a finding is about, as logged.
    pub value: Option<Vec<u8>>,
    /// A filter that all requests of a finding match.
    pub filter: Option<String>,
    /// The second from which on nothing is muted, since the epoch.
    pub until: Option<i64>,
    /// Why, in the words of the user.
    pub reason: Option<String>,
    /// When it was added, in seconds since the epoch.
    pub added: i64,
}

impl Mute {
    /// Mutes findings like this one: of the same kind, about the same value.
    pub fn like(finding: &Finding) -> Mute {
        let value = finding.subject.as_ref().map(|(_, value)| bytes_of(value));
        Mute { kind: Some(finding.kind.name().to_owned()), value, ..Mute::default() }
    }

    /// Mutes this finding alone: of the same kind, with the same requests.
    pub fn only(finding: &Finding) -> Mute {
        let filter = Some(finding.filter.to_string());
        Mute { kind: Some(finding.kind.name().to_owned()), filter, ..Mute::default() }
    }

    /// Whether it still mutes at this time, in seconds since the epoch.
    pub fn is_active(&self, now: i64) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// What it mutes, for people: `scraping about 203.0.113.7`. It can have text from logs: escape it before printing.
    pub fn describe(&self) -> String {
        let mut text = self.kind.clone().unwrap_or_else(|| "all findings".to_owned());
        if let Some(value) = &self.value {
            text.push_str(&format!(" about {}", String::from_utf8_lossy(value)));
        }
        if let Some(filter) = &self.filter {
            text.push_str(&format!(" within {filter}"));
        }
        text
    }
}

fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.to_vec(),
        other => other.to_text().into_bytes(),
    }
}

/// Why mutes could not be read or changed: one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MuteError(pub String);

/// Stores mutes.
pub trait MuteStore: Send + Sync {
    /// All mutes, in the order of their numbers, also those that have ended.
    fn mutes(&self) -> Result<Vec<Mute>, MuteError>;
    /// Adds a mute. Returns its number.
    fn add(&self, mute: &Mute) -> Result<i64, MuteError>;
    /// Removes a mute by its number. Returns whether there was one.
    fn remove(&self, id: i64) -> Result<bool, MuteError>;
}

/// A finding that is muted.
#[derive(Clone, Debug, PartialEq)]
pub struct Muted {
    /// The finding.
    pub finding: Finding,
    /// The first mute that it meets.
    pub by: Mute,
}

/// Takes the muted findings out of `findings`, in the order of their scores. `now` is in seconds since the epoch.
///
/// A finding is within the filter of a mute if all of its requests match it, so there is a query for each finding and
/// each such mute whose other conditions it meets.
pub fn separate(
    engine: &dyn Engine,
    scope: &Scope,
    mutes: &[Mute],
    now: i64,
    findings: &mut Vec<Finding>,
    cancel: &CancellationToken,
) -> Result<Vec<Muted>, QueryError> {
    let mut active = Vec::new();
    for mute in mutes.iter().filter(|mute| mute.is_active(now)) {
        let filter = match &mute.filter {
            None => None,
            Some(text) => Some(Filter::parse(text, now).map_err(|error| {
                QueryError::Invalid(format!(
                    "the filter of mute {} is invalid: {error}; tamarin findings unmute {} removes it",
                    mute.id, mute.id
                ))
            })?),
        };
        active.push((mute, filter));
    }
    let mut muted = Vec::new();
    if active.is_empty() {
        return Ok(muted);
    }
    let mut others = Vec::new();
    for finding in std::mem::take(findings) {
        let value = finding.subject.as_ref().map(|(_, value)| bytes_of(value));
        let mut by = None;
        for (mute, filter) in &active {
            let is_kind =
                mute.kind.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case(Kind::name(finding.kind)));
            let is_value = mute.value.is_none() || mute.value == value;
            if is_kind && is_value && is_within(engine, scope, &finding, filter.as_ref(), cancel)? {
                by = Some((*mute).clone());
                break;
            }
        }
        match by {
            Some(by) => muted.push(Muted { finding, by }),
            None => others.push(finding),
        }
    }
    *findings = others;
    Ok(muted)
}

/// Whether all requests of a finding match a filter.
fn is_within(
    engine: &dyn Engine,
    scope: &Scope,
    finding: &Finding,
    filter: Option<&Filter>,
    cancel: &CancellationToken,
) -> Result<bool, QueryError> {
    let Some(filter) = filter else { return Ok(true) };
    let query = Query {
        sources: scope.sources.clone(),
        time: scope.time,
        filter: finding.filter.clone().and(filter.clone().negated()),
        counting: scope.counting,
        ask: Ask::Totals,
    };
    let reply = engine.ask(&query, cancel, &mut |_, _| {})?;
    Ok(matches!(reply.answer, Answer::Totals(totals) if totals.stats.requests == 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Dimension;

    #[test]
    fn a_mute_is_described_by_its_conditions() {
        let mute = |kind: Option<&str>, value: Option<&str>, filter: Option<&str>| Mute {
            kind: kind.map(str::to_owned),
            value: value.map(|value| value.as_bytes().to_vec()),
            filter: filter.map(str::to_owned),
            ..Mute::default()
        };
        assert_eq!(mute(Some("scraping"), Some("192.0.2.1"), None).describe(), "scraping about 192.0.2.1");
        assert_eq!(mute(None, None, Some("key:a/*")).describe(), "all findings within key:a/*");
    }

    #[test]
    fn a_mute_ends() {
        let mute = Mute { until: Some(100), ..Mute::default() };
        assert!(mute.is_active(99) && !mute.is_active(100));
        assert!(Mute::default().is_active(i64::MAX));
    }

    #[test]
    fn a_mute_like_a_finding_has_its_kind_and_value() {
        let finding = Finding {
            kind: Kind::Scraping,
            subject: Some((Dimension::NETWORK, Value::from("203.0.113.0/24"))),
            start: 0,
            end: 60,
            stats: Default::default(),
            cost: None,
            score: 50.0,
            filter: Filter::default(),
            explanation: String::new(),
            label: None,
        };
        let mute = Mute::like(&finding);
        assert_eq!(mute.describe(), "scraping about 203.0.113.0/24");
    }
}
