//! Muted findings: what the user does not want to see again. Where mutes are stored is up to the program ([`MuteStore`]).

use std::net::IpAddr;

use ipnet::IpNet;
use tokio_util::sync::CancellationToken;

use super::Finding;
use crate::insight::Scope;
use crate::log::Field;
use crate::query::{Answer, Ask, Dimension, Engine, Filter, Query, QueryError, Value};

/// Conditions that a finding must meet to be muted, all of them. An absent condition is always met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mute {
    /// Its number; a new one has 0.
    pub id: i64,
    /// The name of a kind of findings.
    pub kind: Option<String>,
    /// The value that a finding is about, as logged. A network also matches the addresses and networks in it.
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

    /// Whether a finding has the kind and the value of the mute. Its filter is not looked at: only an engine knows which
    /// requests match it.
    pub fn is_about(&self, finding: &Finding) -> bool {
        let has_kind = |kind: &String| kind.eq_ignore_ascii_case(finding.kind.name());
        let has_value = |value: &Vec<u8>| {
            let Some((dimension, subject)) = &finding.subject else { return false };
            let subject = bytes_of(subject);
            let is_of_addresses =
                matches!(dimension, Dimension::Field(Field::RemoteIp) | Dimension::Network { .. });
            *value == subject
                || is_of_addresses
                    && network(value).zip(network(&subject)).is_some_and(|(all, one)| all.contains(&one))
        };
        self.kind.as_ref().is_none_or(has_kind) && self.value.as_ref().is_none_or(has_value)
    }
}

/// The network that a text denotes; an address is a network of one.
fn network(text: &[u8]) -> Option<IpNet> {
    let text = std::str::from_utf8(text).ok()?;
    let address = || text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
    text.parse::<IpNet>().ok().map(|network| network.trunc()).or_else(address)
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
        let mut by = None;
        for (mute, filter) in &active {
            if mute.is_about(&finding) && is_within(engine, scope, &finding, filter.as_ref(), cancel)? {
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
    let reply = engine.ask_once(&query, cancel)?;
    Ok(matches!(reply.answer, Answer::Totals(totals) if totals.stats.requests == 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::findings::Kind;

    #[test]
    fn a_mute_ends() {
        let mute = Mute { until: Some(100), ..Mute::default() };
        assert!(mute.is_active(99) && !mute.is_active(100));
        assert!(Mute::default().is_active(i64::MAX));
    }

    fn finding(subject: Option<(Dimension, Value)>) -> Finding {
        Finding {
            kind: Kind::Scraping,
            subject,
            start: 0,
            end: 60,
            stats: Default::default(),
            cost: None,
            score: 50.0,
            filter: Filter::default(),
            explanation: String::new(),
            label: None,
        }
    }

    #[test]
    fn a_mute_like_a_finding_has_its_kind_and_value() {
        let finding = finding(Some((Dimension::NETWORK, Value::from("203.0.113.0/24"))));
        let mute = Mute::like(&finding);
        assert_eq!(mute.kind.as_deref(), Some("scraping"));
        assert_eq!(mute.value.as_deref(), Some(&b"203.0.113.0/24"[..]));
        assert!(mute.is_about(&finding));
    }

    #[test]
    fn a_muted_network_did_not_mute_the_addresses_in_it() {
        let address = |text: &str| finding(Some((Dimension::Field(Field::RemoteIp), Value::from(text))));
        let mute = |value: &str| Mute { value: Some(value.as_bytes().to_vec()), ..Mute::default() };
        assert!(mute("203.0.113.0/24").is_about(&address("203.0.113.7")));
        assert!(mute("203.0.113.9/24").is_about(&address("203.0.113.7")));
        assert!(mute("2001:DB8::7").is_about(&address("2001:db8::7")));
        assert!(
            mute("203.0.0.0/16")
                .is_about(&finding(Some((Dimension::NETWORK, Value::from("203.0.113.0/24")))))
        );
        for (value, other) in [
            ("203.0.113.0/24", address("198.51.100.7")),
            ("203.0.113.7", finding(Some((Dimension::NETWORK, Value::from("203.0.113.0/24"))))),
            ("203.0.113.0/24", finding(None)),
            ("203.0.113.0/24", finding(Some((Dimension::Field(Field::Key), Value::from("203.0.113.7"))))),
        ] {
            assert!(!mute(value).is_about(&other), "{value} {other:?}");
        }
    }
}
