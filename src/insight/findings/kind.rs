//! The kinds of findings: the only list of them. Help, `--fail-on`, the explorer and the documentation read it.

use std::fmt;

macro_rules! kinds {
    ($($kind:ident: $name:literal, $weight:literal to $most:literal, $about:literal;)*) => {
        /// What a finding says has happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $(#[doc = $about] $kind,)*
        }

        impl Kind {
            /// All kinds. If two findings select the same requests, the kind that is first in this list is kept.
            pub const ALL: [Kind; [$($name),*].len()] = [$(Kind::$kind),*];

            /// The name in options, JSON and CSV.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name),* }
            }

            /// One sentence for help.
            pub fn about(self) -> &'static str {
                match self { $(Kind::$kind => $about),* }
            }

            /// How serious the kind is if its evidence is just sufficient, 0–1.
            pub(crate) fn weight(self) -> f64 {
                match self { $(Kind::$kind => $weight),* }
            }

            /// How serious the kind is whatever the evidence, 0–1. What is a trend, or a habit, is never more urgent than a
            /// clear attack.
            pub(crate) fn most(self) -> f64 {
                match self { $(Kind::$kind => $most),* }
            }
        }
    };
}

kinds! {
    ConfigChange: "config-change", 0.75 to 1.0,
        "A requester changed the policy, ACL, logging, lifecycle, public access or replication of the bucket.";
    MassDeletion: "mass-deletion", 0.8 to 1.0,
        "A requester deleted many more objects than it usually does.";
    CredentialMisuse: "credential-misuse", 0.75 to 1.0,
        "A requester was denied on many operations, or a known requester came from a new network with a new agent.";
    KeyGuessing: "key-guessing", 0.65 to 0.95,
        "An address asked for many keys that do not exist or that it may not read.";
    RetryStorm: "retry-storm", 0.5 to 0.95,
        "A client repeated the same failing request again and again.";
    RangeAbuse: "range-abuse", 0.5 to 0.95,
        "A client read ranges of the same objects again and again.";
    Scraping: "scraping", 0.6 to 0.95,
        "A client fetched many different keys, each about once.";
    HotLinking: "hot-linking", 0.5 to 0.95,
        "Another site shows objects of the bucket: one referer, many addresses.";
    InsecureAccess: "insecure-access", 0.4 to 0.8,
        "A client used an old TLS version, an old signature, or wrote anonymously.";
    BandwidthHog: "bandwidth-hog", 0.55 to 0.95,
        "A client took a far larger part of the bytes than other clients.";
    Silence: "silence", 0.55 to 0.9,
        "Requests that came every day stopped.";
    NewAgent: "new-agent", 0.35 to 0.75,
        "A user agent that was never seen before sends a large part of the requests.";
    LevelShift: "level-shift", 0.4 to 0.75,
        "The number of requests changed permanently.";
    Burst: "burst", 0.4 to 0.85,
        "More requests than usual, for no other known reason.";
}

impl Kind {
    /// The kind with this name.
    pub fn by_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
