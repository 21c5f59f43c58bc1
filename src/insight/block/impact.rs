//! Which clients a block list would block, according to the logs.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use tokio_util::sync::CancellationToken;

use super::target::{Principal, Target, principal};
use super::{Notes, networks};
use crate::human::{self, bytes, counted, instant};
use crate::insight::Scope;
use crate::log::{Field, address};
use crate::query::filter::{Filter, Subject, Test};
use crate::query::{
    Answer, Ask, Dimension, Engine, GroupRow, Groups, Measure, Query, QueryError, Sort, Stats, TimeRange,
    Value,
};

/// Neighbours that are described one by one, with their operation; the others are counted.
const DESCRIBED_NEIGHBOURS: usize = 10;
/// Requesters that are examined, those with the most requests first.
const EXAMINED_REQUESTERS: usize = 100;
/// Buckets that an error names.
const NAMED_BUCKETS: usize = 5;

/// Another client in the networks of a block list.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// The address.
    pub address: IpAddr,
    /// The network that contains it.
    pub network: IpNet,
    /// Its requests.
    pub stats: Stats,
    /// Its most frequent operation; `None` if it was not looked up.
    pub operation: Option<String>,
}

/// What requests did, as a part of a sentence.
fn did(stats: &Stats) -> String {
    format!(
        "{}, {} sent, {}",
        counted(stats.requests, "request"),
        bytes(stats.bytes_sent),
        counted(stats.errors, "error")
    )
}

fn last_seen(stats: &Stats) -> String {
    format!(", last seen {} UTC", instant(stats.last_seen))
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Neighbour { address, network, stats, operation } = self;
        write!(f, "{network} also blocks {address}: {}", did(stats))?;
        if let Some(operation) = operation {
            write!(f, ", mostly {operation}")?;
        }
        f.write_str(&last_seen(stats))
    }
}

/// A sentence about each neighbour, or about the first ones and all others together.
pub(super) fn sentences(neighbours: &[Neighbour], number: Notes) -> Vec<String> {
    let described = match number {
        Notes::First => neighbours.len().min(DESCRIBED_NEIGHBOURS),
        Notes::All => neighbours.len(),
    };
    let (described, rest) = neighbours.split_at(described);
    let mut sentences: Vec<String> = described.iter().map(Neighbour::to_string).collect();
    if !rest.is_empty() {
        let stats = rest.iter().fold(Stats::default(), |all, other| all.merged(other.stats));
        let noun = if rest.len() == 1 { "address" } else { "addresses" };
        sentences.push(format!(
            "the networks also block {} other {noun}: {}{}; tamarin block --all-notes names all",
            human::count(rest.len() as u64),
            did(&stats),
            last_seen(&stats)
        ));
    }
    sentences
}

/// The logs that a plan looks things up in: all requests of the sources.
pub(super) struct Logs<'a> {
    engine: &'a dyn Engine,
    scope: &'a Scope,
    cancel: &'a CancellationToken,
}

impl<'a> Logs<'a> {
    pub(super) fn new(engine: &'a dyn Engine, scope: &'a Scope, cancel: &'a CancellationToken) -> Logs<'a> {
        Logs { engine, scope, cancel }
    }

    fn groups(&self, by: Dimension, filter: Filter, limit: usize) -> Result<Vec<GroupRow>, QueryError> {
        let sort = Sort { by: Measure::Requests, descending: true };
        let query = Query {
            sources: self.scope.sources.clone(),
            time: TimeRange::default(),
            filter,
            counting: self.scope.counting,
            ask: Ask::Groups { by, more: Vec::new(), sort, limit },
        };
        match self.engine.ask_once(&query, self.cancel)?.answer {
            Answer::Groups(Groups { rows, .. }) => Ok(rows),
            _ => Err(QueryError::Invalid("the engine did not answer with groups".to_owned())),
        }
    }

    /// The values of a field, those with the most requests first.
    fn values(&self, field: Field, filter: Filter, limit: usize) -> Result<Vec<String>, QueryError> {
        let rows = self.groups(Dimension::Field(field), filter, limit)?;
        Ok(rows.iter().filter(|row| row.value != Value::Absent).map(|row| row.value.to_text()).collect())
    }

    /// The bucket owners.
    pub(super) fn owners(&self) -> Result<Vec<String>, QueryError> {
        self.values(Field::BucketOwner, Filter::everything(), 0)
    }

    /// The buckets, up to one more than an error names.
    pub(super) fn buckets(&self) -> Result<Vec<String>, QueryError> {
        self.values(Field::Bucket, self.scope.filter.clone(), NAMED_BUCKETS + 1)
    }

    pub(super) fn requesters_of_role(&self, role: &str) -> Result<Vec<String>, QueryError> {
        let filter = Filter::term_for(&Dimension::Role, &Value::from(role));
        self.values(Field::Requester, filter, EXAMINED_REQUESTERS)
    }

    /// The targets with the addresses of each [`Target::AddressesOf`] in place of it.
    pub(super) fn with_addresses(&self, targets: &[Target]) -> Result<Vec<Target>, QueryError> {
        let mut all = Vec::with_capacity(targets.len());
        for target in targets {
            let Target::AddressesOf(filter) = target else {
                all.push(target.clone());
                continue;
            };
            for row in self.groups(Dimension::Field(Field::RemoteIp), filter.clone(), 0)? {
                if let Value::Text(text) = &row.value
                    && let Some(address) = address::parse(text)
                {
                    all.push(Target::Network(IpNet::from(address)));
                }
            }
        }
        Ok(all)
    }

    /// All addresses and their requests, sorted by address.
    pub(super) fn addresses(&self) -> Result<Vec<(IpAddr, Stats)>, QueryError> {
        let rows = self.groups(Dimension::Field(Field::RemoteIp), Filter::everything(), 0)?;
        let address = |row: &GroupRow| match &row.value {
            Value::Text(text) => Some((address::parse(text)?, row.stats)),
            _ => None,
        };
        let mut addresses: Vec<(IpAddr, Stats)> = rows.iter().filter_map(address).collect();
        addresses.sort_unstable_by_key(|(address, _)| *address);
        Ok(addresses)
    }

    /// The addresses in the networks that no target names itself, those with the most requests first. `networks` are sorted and do not overlap.
    pub(super) fn neighbours(
        &self,
        networks: &[IpNet],
        targets: &[Target],
        seen: &[(IpAddr, Stats)],
    ) -> Result<Vec<Neighbour>, QueryError> {
        let named: HashSet<IpAddr> = targets
            .iter()
            .filter_map(|target| match target {
                Target::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                    Some(network.addr())
                }
                _ => None,
            })
            .collect();
        let mut others: Vec<&(IpAddr, Stats)> = seen
            .iter()
            .filter(|(address, _)| !named.contains(address) && networks::contain(networks, address))
            .collect();
        others.sort_by_key(|(address, stats)| (std::cmp::Reverse(stats.requests), *address));
        let mut neighbours = Vec::new();
        for (address, stats) in others {
            // A query each.
            let operation = match neighbours.len() < DESCRIBED_NEIGHBOURS {
                true => {
                    let by = Dimension::Field(Field::RemoteIp);
                    let filter = Filter::term_for(&by, &Value::from(address.to_string().as_str()));
                    self.values(Field::Operation, filter, 1)?.into_iter().next()
                }
                false => None,
            };
            let Some(network) = networks::network_of(networks, address) else { continue };
            neighbours.push(Neighbour { address: *address, network: *network, stats: *stats, operation });
        }
        Ok(neighbours)
    }

    /// Sentences about services of AWS and users of the bucket owner that use the networks.
    pub(super) fn doubtful_requesters(
        &self,
        networks: &[IpNet],
        owners: &[String],
        accounts: &[String],
    ) -> Result<Vec<String>, QueryError> {
        let term = |network: &IpNet| Filter::Term(Subject::Field(Field::RemoteIp), Test::Network(*network));
        let filter = Filter::any(networks.iter().map(term));
        let mut warnings = Vec::new();
        for row in self.groups(Dimension::Field(Field::Requester), filter, EXAMINED_REQUESTERS)? {
            if row.value == Value::Absent {
                continue;
            }
            let requester = row.value.to_text();
            let requests = counted(row.stats.requests, "request");
            let account = requester.split(':').nth(4).unwrap_or("");
            if owners.contains(&requester) || accounts.iter().any(|own| own == account) {
                warnings
                    .push(format!("{requester} of the bucket owner sent {requests} from these addresses"));
            } else if principal(&requester) == Principal::Service {
                warnings.push(format!("{requester}, a service of AWS, sent {requests} from these addresses"));
            } else if accounts.is_empty() && requester.starts_with("arn:") {
                warnings.push(format!(
                    "{requester} sent {requests} from these addresses; if account {account} is yours, name it with --account"
                ));
            }
        }
        Ok(warnings)
    }
}

/// Address ranges that are not routed on the internet, with their purpose.
const SPECIAL: [(&str, &str); 18] = [
    ("0.0.0.0/8", "of this network only (RFC 791)"),
    ("10.0.0.0/8", "private: requests through a VPC endpoint have it"),
    ("100.64.0.0/10", "shared by the customers of a provider (RFC 6598)"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private: requests through a VPC endpoint have it"),
    ("192.0.2.0/24", "for documentation"),
    ("192.168.0.0/16", "private: requests through a VPC endpoint have it"),
    ("198.18.0.0/15", "for benchmarks (RFC 2544)"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/3", "multicast or reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("fc00::/7", "private: requests through a VPC endpoint have it"),
    ("fe80::/10", "link-local"),
    ("ff00::/8", "multicast"),
    ("2001:db8::/32", "for documentation"),
];

/// Sentences about networks that overlap ranges that are not routed on the internet.
pub(super) fn doubtful_networks(networks: &[IpNet]) -> Vec<String> {
    let special = SPECIAL.iter().filter_map(|(range, about)| Some((range.parse::<IpNet>().ok()?, *about)));
    let special: Vec<(IpNet, &str)> = special.collect();
    let mut warnings = Vec::new();
    for network in networks {
        for (range, about) in &special {
            if range.contains(network) {
                warnings.push(format!("{network} is {about} ({range})"));
            } else if network.contains(range) {
                warnings.push(format!("{network} contains {range}, which is {about}"));
            }
        }
    }
    warnings
}

/// The bucket of a policy.
pub(super) fn only_bucket(buckets: &[String]) -> Result<&str, super::BlockError> {
    match buckets {
        [] => Err(super::BlockError::NoBucket),
        [bucket] => Ok(bucket),
        several => {
            let more = (several.len() > NAMED_BUCKETS).then_some("…");
            let names = several.iter().take(NAMED_BUCKETS).map(String::as_str).chain(more);
            Err(super::BlockError::SeveralBuckets { names: names.collect::<Vec<_>>().join(", ") })
        }
    }
}
