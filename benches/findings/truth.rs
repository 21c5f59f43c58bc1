//! Planted incidents: what a finding must say about them.

/// What an incident is; the names are those of `tamarin findings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Scraping,
    KeyGuessing,
    BandwidthHog,
    HotLinking,
    RetryStorm,
    CredentialMisuse,
    MassDeletion,
    ConfigChange,
    NewAgent,
    RangeAbuse,
    InsecureAccess,
    Silence,
    LevelShift,
    Burst,
}

impl Kind {
    pub(crate) const ALL: [Kind; 14] = [
        Kind::Scraping,
        Kind::KeyGuessing,
        Kind::BandwidthHog,
        Kind::HotLinking,
        Kind::RetryStorm,
        Kind::CredentialMisuse,
        Kind::MassDeletion,
        Kind::ConfigChange,
        Kind::NewAgent,
        Kind::RangeAbuse,
        Kind::InsecureAccess,
        Kind::Silence,
        Kind::LevelShift,
        Kind::Burst,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Scraping => "scraping",
            Kind::KeyGuessing => "key-guessing",
            Kind::BandwidthHog => "bandwidth-hog",
            Kind::HotLinking => "hot-linking",
            Kind::RetryStorm => "retry-storm",
            Kind::CredentialMisuse => "credential-misuse",
            Kind::MassDeletion => "mass-deletion",
            Kind::ConfigChange => "config-change",
            Kind::NewAgent => "new-agent",
            Kind::RangeAbuse => "range-abuse",
            Kind::InsecureAccess => "insecure-access",
            Kind::Silence => "silence",
            Kind::LevelShift => "level-shift",
            Kind::Burst => "burst",
        }
    }
}

/// How easily an expert sees an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// Only after a while.
    Weak,
    /// Clearly.
    Medium,
    /// At once.
    Strong,
}

impl Strength {
    pub(crate) const ALL: [Strength; 3] = [Strength::Weak, Strength::Medium, Strength::Strong];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Strength::Weak => "weak",
            Strength::Medium => "medium",
            Strength::Strong => "strong",
        }
    }

    /// The value for this strength.
    pub(crate) fn of<T: Copy>(self, values: [T; 3]) -> T {
        values[self as usize]
    }
}

/// A planted incident.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    pub(crate) kind: Kind,
    /// Other kinds that a person would accept as well.
    pub(crate) also: Vec<Kind>,
    pub(crate) strength: Strength,
    /// Seconds since the start of the month.
    pub(crate) start: u32,
    /// First second after the incident.
    pub(crate) end: u32,
    /// What it is about: names of dimensions with values.
    pub(crate) subjects: Vec<(&'static str, String)>,
    /// Whether a finding about all requests is about it, because it is a large part of them.
    pub(crate) is_of_all: bool,
    /// The traffic that is missing, for silence.
    pub(crate) missing: Option<u16>,
    /// What was planted.
    pub(crate) about: String,
    /// Number of its records.
    pub(crate) requests: u64,
}

impl Incident {
    pub(crate) fn new(kind: Kind, strength: Strength, about: String) -> Incident {
        Incident {
            kind,
            also: Vec::new(),
            strength,
            start: u32::MAX,
            end: 0,
            subjects: Vec::new(),
            is_of_all: false,
            missing: None,
            about,
            requests: 0,
        }
    }
}
