//! Block lists: clients that a bucket should no longer serve, as a bucket policy, AWS WAF IP sets, nftables sets or plain
//! networks.
//!
//! - [`target`]: the client that a user or a finding names. [`networks`]: addresses merged into few networks that contain
//!   no other known address. [`impact`]: the other clients that the list would block, and what is doubtful about it.
//! - [`plan()`] looks all of this up in the logs. [`Plan::write`] writes it: [`policy`], `waf`, `nft`.
//!
//! A list is only written, never applied. docs/block.md describes the formats. Never here: files, network I/O, text
//! escaped for a terminal.

pub mod impact;
pub mod networks;
mod nft;
pub mod policy;
pub mod target;
mod waf;

use std::net::IpAddr;

use ipnet::IpNet;
use tokio_util::sync::CancellationToken;

use super::Scope;
use crate::human::{count, counted};
use crate::query::filter::is_invisible;
use crate::query::{Engine, QueryError};
use impact::Neighbour;
pub use policy::MAX_POLICY_BYTES;
pub use target::{Target, TargetError};

/// Notes of one kind that are given one by one; the others are counted.
const MAX_NOTES: usize = 10;

/// A format of block lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An S3 bucket policy.
    Policy,
    /// AWS WAF IP sets, as the input of `aws wafv2 create-ip-set`.
    Waf,
    /// A table of nftables with a set for IPv4 and one for IPv6.
    Nft,
    /// A network per line.
    Cidr,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 4] = [Format::Policy, Format::Waf, Format::Nft, Format::Cidr];

    /// Name in `--format`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Policy => "policy",
            Format::Waf => "waf",
            Format::Nft => "nft",
            Format::Cidr => "cidr",
        }
    }
}

/// What a plan depends on besides the logs.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Addresses are merged into networks that are not wider than this: prefix lengths for IPv4 and IPv6.
    pub widest: (u8, u8),
    /// The buckets that a policy is for; empty: those of the logs.
    pub buckets: Vec<String>,
    /// Numbers of the accounts that a policy never blocks by address or referer: those of the bucket owner.
    pub accounts: Vec<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { widest: (24, 48), buckets: Vec::new(), accounts: Vec::new() }
    }
}

/// Whom to block, looked up in the logs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Public networks, IPv4 first, in ascending order.
    pub networks: Vec<IpNet>,
    /// Private networks: addresses of a VPC.
    pub private: Vec<IpNet>,
    /// Patterns of hosts of referers: `*.example.com`.
    pub referers: Vec<String>,
    /// Patterns of ARNs of users and roles.
    pub principals: Vec<String>,
    /// The requesters that are sessions of a role: the patterns hit all sessions of the role.
    pub sessions: Vec<String>,
    /// Canonical ids of accounts.
    pub canonical_ids: Vec<String>,
    /// The buckets that a policy is for.
    pub buckets: Vec<String>,
    /// Numbers of the bucket owner's accounts.
    pub accounts: Vec<String>,
    /// Who else is in the networks.
    pub neighbours: Vec<Neighbour>,
    /// What is doubtful. They can have text from logs: escape it before printing.
    pub warnings: Vec<Warnings>,
}

/// Sentences about what is doubtful, of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Warnings {
    /// What they are about, in the plural: `requesters that are left out`.
    pub about: &'static str,
    /// One sentence each, the most important first.
    pub sentences: Vec<String>,
}

/// How many notes of a kind are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notes {
    /// The first ones, and how many more there are.
    First,
    /// All.
    All,
}

/// Why there is no block list.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The logs cannot be queried.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// No target is left.
    #[error("nothing to block: {0}")]
    Nothing(String),
    /// The format cannot express any target.
    #[error(
        "the format {format} is for addresses only, and there are none; referers and requesters need the format policy"
    )]
    AddressesOnly {
        /// The format.
        format: &'static str,
    },
    /// A policy is for one bucket.
    #[error(
        "the logs are about several buckets ({names}), and a policy is for one: choose it with --bucket NAME"
    )]
    SeveralBuckets {
        /// The first ones, with `…` if there are more.
        names: String,
    },
    /// The bucket has no valid name.
    #[error("\"{0}\" is not the name of a bucket; name it with --bucket NAME")]
    NotABucket(String),
    /// No bucket is known.
    #[error("no bucket for the policy: the logs have none; name it with --bucket NAME")]
    NoBucket,
    /// The policy is larger than S3 allows.
    #[error(
        "the policy would have {bytes} bytes, and S3 allows {limit}: block fewer values, block whole networks (--widest 16, or \
         name networks), or put AWS WAF in front (--format waf)",
        limit = MAX_POLICY_BYTES
    )]
    PolicyTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A set of AWS WAF has too many addresses, or one that it does not accept.
    #[error("{0}")]
    Waf(String),
}

/// What warnings are about.
const SPECIAL_NETWORKS: &str = "networks that are not on the internet";
const OWN_REQUESTERS: &str = "requesters at these addresses that may be your own";

/// Looks up in the logs of `scope.sources` (of all times, whatever the filter) whom blocking the targets would hit.
pub fn plan(
    engine: &dyn Engine,
    scope: &Scope,
    targets: &[Target],
    settings: &Settings,
    cancel: &CancellationToken,
) -> Result<Plan, BlockError> {
    let logs = impact::Logs::new(engine, scope, cancel);
    let mut plan = Plan { accounts: settings.accounts.clone(), ..Plan::default() };
    let owners = logs.owners()?;
    let mut networks = Vec::new();
    let targets = &logs.with_addresses(targets)?;
    for target in targets {
        match target {
            Target::Network(network) => networks.push(network.trunc()),
            // These are addresses now.
            Target::AddressesOf(_) => {}
            Target::Referer(host) => plan.referers.push(host.clone()),
            Target::Requester(requester) => plan.add_requester(requester, &owners),
            Target::Role(role) => {
                let requesters = logs.requesters_of_role(role)?;
                if requesters.is_empty() {
                    plan.leave_out(format!("{role} is not in the logs, so its account is unknown: left out"));
                }
                requesters.iter().for_each(|requester| plan.add_requester(requester, &owners));
            }
        }
    }
    for list in [&mut plan.referers, &mut plan.principals, &mut plan.sessions, &mut plan.canonical_ids] {
        list.sort_unstable();
        list.dedup();
    }
    if !networks.is_empty() {
        let named = networks;
        let mut networks = IpNet::aggregate(&named);
        networks.sort_unstable();
        let seen = logs.addresses()?;
        let others = seen.iter().map(|(address, _)| *address);
        let others: Vec<IpAddr> = others.filter(|address| !networks::contain(&networks, address)).collect();
        let merged = networks::merge(&named, &others, settings.widest);
        plan.warn(SPECIAL_NETWORKS, impact::doubtful_networks(&networks));
        plan.neighbours = logs.neighbours(&networks, targets, &seen)?;
        plan.warn(OWN_REQUESTERS, logs.doubtful_requesters(&networks, &owners, &settings.accounts)?);
        (plan.private, plan.networks) =
            merged.into_iter().partition(|network| networks::is_private(*network));
    }
    if plan.is_empty() {
        return Err(BlockError::Nothing(match plan.warnings.first().and_then(|all| all.sentences.first()) {
            Some(warning) => warning.clone(),
            None => "name addresses, networks, referers (referer:HOST) or requesters (arn:…)".to_owned(),
        }));
    }
    plan.buckets = if settings.buckets.is_empty() { logs.buckets()? } else { settings.buckets.clone() };
    Ok(plan)
}

impl Plan {
    fn is_empty(&self) -> bool {
        let Plan { networks, private, referers, principals, canonical_ids, .. } = self;
        networks.is_empty()
            && private.is_empty()
            && [referers, principals, canonical_ids].iter().all(|list| list.is_empty())
    }

    fn leave_out(&mut self, sentence: String) {
        self.warn("requesters that are left out", vec![sentence]);
    }

    /// Adds what is doubtful to the warnings of its kind.
    fn warn(&mut self, about: &'static str, sentences: Vec<String>) {
        match self.warnings.iter_mut().find(|warnings| warnings.about == about) {
            Some(warnings) => warnings.sentences.extend(sentences),
            None if sentences.is_empty() => {}
            None => self.warnings.push(Warnings { about, sentences }),
        }
    }

    fn add_requester(&mut self, requester: &str, owners: &[String]) {
        if owners.iter().any(|owner| owner == requester) {
            self.leave_out(format!("{requester} is the bucket owner: left out"));
            return;
        }
        match target::principal(requester) {
            target::Principal::Arns(arns) => self.principals.extend(arns),
            target::Principal::Session(arns) => {
                self.principals.extend(arns);
                self.sessions.push(requester.to_owned());
            }
            target::Principal::CanonicalId => self.canonical_ids.push(requester.to_owned()),
            target::Principal::Service => {
                self.leave_out(format!("{requester} is a service of AWS: left out"));
            }
            target::Principal::Unknown => {
                self.leave_out(format!("{requester} is not an ARN or a canonical id: left out"));
            }
        }
    }

    /// The block list in a format, with a line end at the end.
    ///
    /// # Errors
    /// If the format cannot express the targets, or a limit of AWS is exceeded. The message says what to do.
    pub fn write(&self, format: Format) -> Result<String, BlockError> {
        match format {
            Format::Policy => policy::write(self),
            other if !self.has_addresses() => Err(BlockError::AddressesOnly { format: other.name() }),
            Format::Waf => waf::write(self),
            Format::Nft => Ok(nft::write(self)),
            Format::Cidr => Ok(self.all_networks().map(|network| format!("{network}\n")).collect()),
        }
    }

    /// The numbers of referers and requesters in words; `None` if there are none.
    fn others(&self) -> Option<String> {
        // A session has two patterns: of its role without and with a path.
        let principals = self.principals.iter().filter(|arn| !arn.contains(":role/*/")).count();
        let requesters = principals + self.canonical_ids.len();
        let parts: Vec<String> = [(self.referers.len(), "referer"), (requesters, "requester")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, noun)| counted(number as u64, noun))
            .collect();
        (!parts.is_empty()).then(|| parts.join(" and "))
    }

    fn has_addresses(&self) -> bool {
        !self.networks.is_empty() || !self.private.is_empty()
    }

    /// Public and private networks, IPv4 first.
    fn all_networks(&self) -> impl Iterator<Item = IpNet> {
        let mut all: Vec<IpNet> = self.networks.iter().chain(&self.private).copied().collect();
        all.sort_unstable();
        all.into_iter()
    }

    /// What a person should know before using the list in a format: warnings, who else is hit, and what the format leaves
    /// out. The texts can have text from logs: escape them before printing.
    pub fn notes(&self, format: Format, number: Notes) -> Vec<String> {
        let mut notes = Vec::new();
        let is_policy = format == Format::Policy;
        if is_policy && self.accounts.is_empty() && self.has_addresses() {
            notes.push(
                "the policy also blocks your own users at these addresses; exempt your account with --account NUMBER"
                    .to_owned(),
            );
        }
        if !is_policy && let Some(others) = self.others() {
            notes.push(format!(
                "not in this list, as --format {} is for addresses only: {others}",
                format.name()
            ));
        }
        notes.extend(impact::sentences(&self.neighbours, number));
        for Warnings { about, sentences } in &self.warnings {
            notes.extend(first(sentences.iter().cloned(), about, number));
        }
        if is_policy {
            let sessions = self.sessions.iter();
            let sessions = sessions
                .map(|session| format!("{session} is a session: the policy blocks all sessions of its role"));
            notes.extend(first(sessions, "sessions whose roles the policy blocks", number));
            notes.push(
                "a bucket has one policy: add these statements to it, then put it yourself; nothing has been changed"
                    .to_owned(),
            );
        }
        notes
    }
}

/// The first sentences of a kind, and a last one with the number of all if there are more.
fn first(sentences: impl ExactSizeIterator<Item = String>, about: &str, number: Notes) -> Vec<String> {
    let all = sentences.len();
    if number == Notes::All || all <= MAX_NOTES {
        return sentences.collect();
    }
    let more = count((all - MAX_NOTES) as u64);
    let rest = format!("{more} more of {} {about}; tamarin block --all-notes names all", count(all as u64));
    sentences.take(MAX_NOTES).chain([rest]).collect()
}

/// JSON text whose invisible characters are escaped: hosts of referers and names of requesters come from logs.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        // Line ends are outside of strings.
        if c == '\n' || !is_invisible(c) {
            text.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_about_the_format_and_name_few_sessions() {
        let session = |n: u32| format!("arn:aws:sts::123456789012:assumed-role/etl/session-{n:02}");
        let mut plan = Plan { referers: vec!["example.com".to_owned()], ..Plan::default() };
        for n in 0..12 {
            plan.add_requester(&session(n), &[]);
        }
        plan.principals.sort_unstable();
        plan.principals.dedup();
        let notes = plan.notes(Format::Policy, Notes::First);
        let about = |text: &str| notes.iter().filter(|note| note.contains(text)).count();
        assert_eq!((about("is a session"), about("2 more of 12 sessions ")), (10, 1), "{notes:#?}");
        assert_eq!(plan.notes(Format::Policy, Notes::All).len(), 13);
        // No client is blocked by address.
        assert_eq!(about("your own users"), 0, "{notes:#?}");
        let notes = plan.notes(Format::Cidr, Notes::First);
        assert_eq!(
            notes,
            ["not in this list, as --format cidr is for addresses only: 1 referer and 1 requester"]
        );
        plan.networks = vec!["198.18.7.8/32".parse().unwrap()];
        assert!(
            plan.notes(Format::Policy, Notes::First)
                .iter()
                .any(|note| note.contains("your own users at these addresses"))
        );
    }
}
