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
    /// Requests with `http_status` 400–499.
    Errors4xx,
    /// Requests with `http_status` 500–599.
    Errors5xx,
    /// Part of all `bytes_sent`, 0–1.
    Share,
    /// Part of all `bytes_sent` of this group and those shown before it, 0–1.
    CumulativeShare,
    /// Median of `total_time` in ms over the requests that have one; ≈.
    TotalTimeP50,
    /// `total_time` in ms that 95 % do not exceed; ≈.
    TotalTimeP95,
    /// `total_time` in ms that 99 % do not exceed; ≈.
    TotalTimeP99,
    /// Median of `turn_around_time` in ms over the requests that have one; ≈.
    TurnAroundTimeP50,
    /// `turn_around_time` in ms that 95 % do not exceed; ≈.
    TurnAroundTimeP95,
    /// `turn_around_time` in ms that 99 % do not exceed; ≈.
    TurnAroundTimeP99,
    /// Requests per second in the busiest minute (UTC) of the group.
    PeakRate,
    /// Requests, as a multiple of the mean over all groups.
    ToAverage,
    /// Requests, as a multiple of the median over all groups.
    ToMedian,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 27] = [
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
        Measure::Errors4xx,
        Measure::Errors5xx,
        Measure::Share,
        Measure::CumulativeShare,
        Measure::TotalTimeP50,
        Measure::TotalTimeP95,
        Measure::TotalTimeP99,
        Measure::TurnAroundTimeP50,
        Measure::TurnAroundTimeP95,
        Measure::TurnAroundTimeP99,
        Measure::PeakRate,
        Measure::ToAverage,
        Measure::ToMedian,
    ];

    /// Name in `--sort`, `--columns`, JSON and CSV.
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
            Measure::Errors4xx => "errors_4xx",
            Measure::Errors5xx => "errors_5xx",
            Measure::Share => "share",
            Measure::CumulativeShare => "cumulative_share",
            Measure::TotalTimeP50 => "total_time_p50",
            Measure::TotalTimeP95 => "total_time_p95",
            Measure::TotalTimeP99 => "total_time_p99",
            Measure::TurnAroundTimeP50 => "turn_around_time_p50",
            Measure::TurnAroundTimeP95 => "turn_around_time_p95",
            Measure::TurnAroundTimeP99 => "turn_around_time_p99",
            Measure::PeakRate => "peak_rate",
            Measure::ToAverage => "to_average",
            Measure::ToMedian => "to_median",
        }
    }

    /// What it says, in one sentence.
    pub fn about(self) -> &'static str {
        match self {
            Measure::Value => "What the rows are about.",
            Measure::Requests => "How many requests.",
            Measure::BytesSent => "Bytes of response bodies sent: the egress.",
            Measure::Errors => "Requests with a status of 400 or more.",
            Measure::ErrorRate => "Part of the requests with a status of 400 or more.",
            Measure::FirstSeen => "Time of the first request.",
            Measure::LastSeen => "Time of the last request.",
            Measure::Objects => "How many different keys.",
            Measure::Addresses => "How many different remote addresses.",
            Measure::UserAgents => "How many different user agents.",
            Measure::TotalTimeMean => "Mean total time.",
            Measure::TotalTimeMax => "Longest total time.",
            Measure::TurnAroundTimeMean => "Mean turn-around time: what S3 itself took.",
            Measure::ObjectSizeMax => "Size of the largest object.",
            Measure::Errors4xx => "Requests with a status of 400 to 499.",
            Measure::Errors5xx => "Requests with a status of 500 to 599.",
            Measure::Share => "Part of all bytes sent.",
            Measure::CumulativeShare => "Part of all bytes sent, with the rows above.",
            Measure::TotalTimeP50 => "Total time that half of them do not exceed; ≈.",
            Measure::TotalTimeP95 => "Total time that 95 % of them do not exceed; ≈.",
            Measure::TotalTimeP99 => "Total time that 99 % of them do not exceed; ≈.",
            Measure::TurnAroundTimeP50 => "Turn-around time that half of them do not exceed; ≈.",
            Measure::TurnAroundTimeP95 => "Turn-around time that 95 % of them do not exceed; ≈.",
            Measure::TurnAroundTimeP99 => "Turn-around time that 99 % of them do not exceed; ≈.",
            Measure::PeakRate => "Requests per second in the busiest minute.",
            Measure::ToAverage => "Requests, as a multiple of the mean over all rows.",
            Measure::ToMedian => "Requests, as a multiple of the median over all rows.",
        }
    }

    /// Whether it is off by up to 0.4 %: beyond 255 ms, percentiles are. All else is exact, save what
    /// [`Groups::approximate`](super::Groups::approximate) names.
    pub fn is_approximate(self) -> bool {
        matches!(
            self,
            Measure::TotalTimeP50
                | Measure::TotalTimeP95
                | Measure::TotalTimeP99
                | Measure::TurnAroundTimeP50
                | Measure::TurnAroundTimeP95
                | Measure::TurnAroundTimeP99
        )
    }

    /// What rows are ranked by when they are sorted by this measure: measures of a group against the
    /// others have the order of what they are taken of.
    pub fn ranked_by(self) -> Measure {
        match self {
            Measure::Share | Measure::CumulativeShare => Measure::BytesSent,
            Measure::ToAverage | Measure::ToMedian => Measure::Requests,
            other => other,
        }
    }

    /// The measure of this name.
    pub fn by_name(name: &str) -> Option<Measure> {
        Measure::ALL.into_iter().find(|measure| measure.name() == name)
    }
}
