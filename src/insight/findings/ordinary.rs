//! The reasons for which traffic that looks suspicious is ordinary: the only list of them.

use std::fmt;

/// Why a finding is probably about ordinary traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ordinary {
    /// The user agent is that of a known crawler.
    Crawler,
    /// A client that always takes about the same.
    SteadyPace,
    /// The same comes on other days or weeks, too.
    RecurringJob,
    /// Many people fetch something new.
    ReleaseDay,
    /// Many people are behind one address.
    SharedAddress,
    /// The site shows links to everything.
    LinkingSite,
    /// S3 expires objects or moves them to another storage class by itself.
    Lifecycle,
}

impl Ordinary {
    /// The reason in a few words, without a full stop.
    pub fn name(self) -> &'static str {
        match self {
            Ordinary::Crawler => "known crawler",
            Ordinary::SteadyPace => "steady pace",
            Ordinary::RecurringJob => "recurring job",
            Ordinary::ReleaseDay => "release day",
            Ordinary::SharedAddress => "many clients behind one address",
            Ordinary::LinkingSite => "search engine or social network",
            Ordinary::Lifecycle => "lifecycle rule",
        }
    }
}

impl fmt::Display for Ordinary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
