//! The list of measures: the only one in the project. The engine, help, `--sort`, `--columns`, the columns of the
//! explorer, JSON, CSV and tables read it. A new percentile is one more entry.

use crate::log::Field;

/// The names, the computation and the column of a measure.
#[derive(Debug)]
pub struct MeasureSpec {
    /// Name in `--sort`, `--columns`, JSON and CSV.
    pub name: &'static str,
    /// Heading of the column in the explorer.
    pub title: &'static str,
    /// Unit of the number.
    pub unit: Unit,
    /// How the number is computed.
    pub aggregate: Aggregate,
    /// The column in the explorer.
    pub column: ColumnSpec,
    /// One sentence for help.
    pub about: &'static str,
}

/// Unit of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A whole number.
    Count,
    /// A number of bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
    /// A part of a whole, 0–1.
    Share,
    /// A multiple, or a number per second.
    Ratio,
    /// US dollars.
    Dollars,
    /// Seconds since the epoch.
    Instant,
    /// The unit of the dimension.
    Value,
}

/// How a measure is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// The value of the group itself.
    Value,
    /// Part of [`Stats`](super::Stats), which every row has, or computed from it.
    Stats,
    /// Compares the row with the other rows of the table. Rows are sorted by the measure that is compared.
    Relative(Measure),
    /// Number of distinct values of a dimension.
    Distinct(Field),
    /// Mean of a numeric field over the requests that have it.
    Mean(Field),
    /// Largest value of a numeric field.
    Max(Field),
    /// The value of a numeric field that this percentage of the requests that have it do not exceed.
    Percentile(Field, u8),
    /// Number of requests with a status of this class; 4 for 4xx.
    StatusClass(u8),
    /// Largest number of requests in a minute (UTC), per second.
    PeakRate,
    /// What the requests cost: [`cost`](crate::query::cost).
    Cost,
}

/// The column of a measure in the explorer.
#[derive(Clone, Copy, Debug)]
pub struct ColumnSpec {
    /// Width in terminal cells.
    pub width: u16,
    /// Columns with a larger rank are the first to be left out of a narrow terminal.
    pub rank: u8,
    /// Whether tables of groups show the column by default.
    pub is_shown: bool,
}

const fn shown(width: u16, rank: u8) -> ColumnSpec {
    ColumnSpec { width, rank, is_shown: true }
}

const fn hidden(width: u16, rank: u8) -> ColumnSpec {
    ColumnSpec { width, rank, is_shown: false }
}

macro_rules! measures {
    ($($measure:ident: $name:literal, $title:literal, $unit:ident, $aggregate:expr, $column:expr, $about:literal;)*) => {
        /// A number that is computed per group; a column of a table of groups.
        ///
        /// All measures are exact, with three exceptions. Percentiles above 255 ms deviate by up to 0.4 %, and the cost is
        /// an estimate ([`Measure::is_approximate`]). Numbers of distinct values are estimates if an answer lists them in
        /// [`Groups::approximate`](super::Groups::approximate).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Measure {
            $(#[doc = $about] $measure,)*
        }

        impl Measure {
            /// All measures, in the order of the columns of the explorer.
            pub const ALL: [Measure; [$($name),*].len()] = [$(Measure::$measure),*];
        }

        /// Every measure, indexed by `Measure as usize`.
        static MEASURES: [MeasureSpec; Measure::ALL.len()] = {
            use Aggregate::*;
            [$(MeasureSpec {
                name: $name,
                title: $title,
                unit: Unit::$unit,
                aggregate: $aggregate,
                column: $column,
                about: $about,
            }),*]
        };
    };
}

measures! {
    Value: "value", "VALUE", Value, Value, shown(16, 0),
        "Value that the row is about.";
    Rank: "rank", "RANK", Count, Relative(Measure::BytesSent), hidden(6, 9),
        "Place of the row in the order of the table, from 1.";
    Requests: "requests", "REQUESTS", Count, Stats, shown(11, 1),
        "Number of requests.";
    BytesSent: "bytes_sent", "BYTES SENT", Bytes, Stats, shown(12, 1),
        "Bytes of response bodies sent: the egress.";
    Share: "share", "BYTES %", Share, Relative(Measure::BytesSent), shown(11, 3),
        "Share of all bytes sent.";
    CumulativeShare: "cumulative_share", "CUMULATIVE", Share, Relative(Measure::BytesSent), hidden(12, 9),
        "Share of bytes or of the sorted count, with rows above.";
    ToAverage: "to_average", "× AVERAGE", Ratio, Relative(Measure::Requests), hidden(10, 9),
        "Requests, as a multiple of the mean over all rows.";
    ToMedian: "to_median", "× MEDIAN", Ratio, Relative(Measure::Requests), hidden(10, 9),
        "Requests, as a multiple of the median over all rows.";
    ErrorRate: "error_rate", "ERROR %", Share, Stats, shown(8, 4),
        "Share of requests with a status of 400 or more.";
    Errors: "errors", "ERRORS", Count, Stats, hidden(10, 9),
        "Requests with a status of 400 or more.";
    Objects: "objects", "OBJECTS", Count, Distinct(Field::Key), shown(9, 7),
        "Number of distinct keys.";
    Addresses: "addresses", "ADDRESSES", Count, Distinct(Field::RemoteIp), hidden(9, 7),
        "Number of distinct remote addresses.";
    UserAgents: "user_agents", "USER AGENTS", Count, Distinct(Field::UserAgent), hidden(9, 7),
        "Number of distinct user agents.";
    TotalTimeMean: "total_time_mean", "TIME MEAN", Milliseconds, Mean(Field::TotalTime), hidden(10, 9),
        "Mean total time.";
    TotalTimeMax: "total_time_max", "TIME MAX", Milliseconds, Max(Field::TotalTime), hidden(10, 9),
        "Longest total time.";
    TurnAroundTimeMean: "turn_around_time_mean", "S3 TIME MEAN", Milliseconds, Mean(Field::TurnAroundTime), hidden(11, 10),
        "Mean turn-around time: the time that S3 itself took.";
    ObjectSizeMax: "object_size_max", "LARGEST", Bytes, Max(Field::ObjectSize), hidden(10, 9),
        "Size of the largest object.";
    Errors4xx: "errors_4xx", "4XX", Count, StatusClass(4), hidden(10, 9),
        "Requests with a status of 400 to 499.";
    Errors5xx: "errors_5xx", "5XX", Count, StatusClass(5), hidden(10, 9),
        "Requests with a status of 500 to 599.";
    TotalTimeP50: "total_time_p50", "≈ TIME P50", Milliseconds, Percentile(Field::TotalTime, 50), hidden(10, 9),
        "Total time that 50 % of requests do not exceed.";
    TotalTimeP95: "total_time_p95", "≈ TIME P95", Milliseconds, Percentile(Field::TotalTime, 95), hidden(10, 9),
        "Total time that 95 % of requests do not exceed.";
    TotalTimeP99: "total_time_p99", "≈ TIME P99", Milliseconds, Percentile(Field::TotalTime, 99), hidden(10, 9),
        "Total time that 99 % of requests do not exceed.";
    TurnAroundTimeP50: "turn_around_time_p50", "≈ S3 TIME P50", Milliseconds, Percentile(Field::TurnAroundTime, 50), hidden(10, 9),
        "Turn-around time that 50 % of requests do not exceed.";
    TurnAroundTimeP95: "turn_around_time_p95", "≈ S3 TIME P95", Milliseconds, Percentile(Field::TurnAroundTime, 95), hidden(10, 9),
        "Turn-around time that 95 % of requests do not exceed.";
    TurnAroundTimeP99: "turn_around_time_p99", "≈ S3 TIME P99", Milliseconds, Percentile(Field::TurnAroundTime, 99), hidden(10, 9),
        "Turn-around time that 99 % of requests do not exceed.";
    PeakRate: "peak_rate", "PEAK/S", Ratio, PeakRate, hidden(10, 9),
        "Requests per second in the busiest minute.";
    Cost: "cost", "≈ COST", Dollars, Cost, hidden(10, 8),
        "Estimated cost in US dollars: see tamarin help cost.";
    FirstSeen: "first_seen", "FIRST SEEN", Instant, Stats, hidden(14, 9),
        "Time of the first request.";
    LastSeen: "last_seen", "LAST SEEN", Instant, Stats, shown(14, 5),
        "Time of the last request.";
}

impl Measure {
    /// The columns after the value that every report has, in this order.
    pub const STANDARD: [Measure; 6] =
        [Self::Requests, Self::BytesSent, Self::Errors, Self::FirstSeen, Self::LastSeen, Self::Share];

    /// The entry of this measure in the list.
    pub fn spec(self) -> &'static MeasureSpec {
        &MEASURES[self as usize]
    }

    /// Name in `--sort`, `--columns`, JSON and CSV.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Whether every report has this column: the value itself or one of [`Measure::STANDARD`].
    pub fn is_standard(self) -> bool {
        self == Measure::Value || Measure::STANDARD.contains(&self)
    }

    /// Whether the number compares the row with the other rows of the table.
    pub fn is_relative(self) -> bool {
        matches!(self.spec().aggregate, Aggregate::Relative(_))
    }

    /// Whether the number has an accumulator of its own, beyond [`Stats`](super::Stats).
    pub fn is_extra(self) -> bool {
        !matches!(self.spec().aggregate, Aggregate::Value | Aggregate::Stats | Aggregate::Relative(_))
    }

    /// Whether the number is an estimate: the cost is, and percentiles deviate by up to 0.4 % above 255.
    pub fn is_approximate(self) -> bool {
        matches!(self.spec().aggregate, Aggregate::Percentile(..) | Aggregate::Cost)
    }

    /// The measure that decides the order of rows that are sorted by this measure.
    pub fn ranked_by(self) -> Measure {
        match self.spec().aggregate {
            Aggregate::Relative(compared) => compared,
            _ => self,
        }
    }

    /// The measure with this name.
    pub fn by_name(name: &str) -> Option<Measure> {
        Measure::ALL.into_iter().find(|measure| measure.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_specs_are_in_the_order_of_the_measures() {
        for (index, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(measure as usize, index);
            assert_eq!(Measure::by_name(measure.name()), Some(measure));
        }
    }
}
