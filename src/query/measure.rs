//! What can be computed per group, and sorted by.

/// A column of a table of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// The value of the group itself (for sorting).
    Value,
    /// How many requests.
    Requests,
    /// Sum of `bytes_sent`: egress.
    BytesSent,
    /// Requests with `http_status` ≥ 400.
    Errors,
    /// Errors per request, 0–1.
    ErrorRate,
    /// Time of the first request.
    FirstSeen,
    /// Time of the last request.
    LastSeen,
    /// How many different keys; exact.
    Objects,
    /// How many different remote addresses; exact.
    Addresses,
    /// How many different user agents; exact.
    UserAgents,
    /// Mean of `total_time` in ms over the requests that have one.
    TotalTimeMean,
    /// Largest `total_time` in ms.
    TotalTimeMax,
    /// Mean of `turn_around_time` in ms over the requests that have one.
    TurnAroundTimeMean,
    /// Largest `object_size` in bytes.
    ObjectSizeMax,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 14] = [
        Measure::Value,
        Measure::Requests,
        Measure::BytesSent,
        Measure::Errors,
        Measure::ErrorRate,
        Measure::FirstSeen,
        Measure::LastSeen,
        Measure::Objects,
        Measure::Addresses,
        Measure::UserAgents,
        Measure::TotalTimeMean,
        Measure::TotalTimeMax,
        Measure::TurnAroundTimeMean,
        Measure::ObjectSizeMax,
    ];

    /// Name in `--sort`, JSON and CSV.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Value => "value",
            Measure::Requests => "requests",
            Measure::BytesSent => "bytes_sent",
            Measure::Errors => "errors",
            Measure::ErrorRate => "error_rate",
            Measure::FirstSeen => "first_seen",
            Measure::LastSeen => "last_seen",
            Measure::Objects => "objects",
            Measure::Addresses => "addresses",
            Measure::UserAgents => "user_agents",
            Measure::TotalTimeMean => "total_time_mean",
            Measure::TotalTimeMax => "total_time_max",
            Measure::TurnAroundTimeMean => "turn_around_time_mean",
            Measure::ObjectSizeMax => "object_size_max",
        }
    }

    /// The measure of this name.
    pub fn by_name(name: &str) -> Option<Measure> {
        Measure::ALL.into_iter().find(|measure| measure.name() == name)
    }
}
