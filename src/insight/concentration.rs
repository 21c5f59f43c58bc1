//! Concentration: how unevenly requests or bytes are distributed over the values of a dimension. docs/contrast.md
//! describes the numbers.

use tokio_util::sync::CancellationToken;

use super::Scope;
use crate::human;
use crate::log::Field;
use crate::query::{
    Answer, Ask, Dimension, Engine, Filter, Measure, Query, QueryError, Statistics, Totals, Value,
};

/// The numbers of largest values whose share is computed.
const TOPS: [u64; 4] = [1, 10, 100, 1000];
/// Number of sections of a Lorenz curve.
const SECTIONS: usize = 100;

/// How unevenly a measure is distributed over values. All numbers are exact, over all values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Concentration {
    /// Number of values.
    pub values: u64,
    /// The sum over all values.
    pub total: u64,
    /// The sum divided by the number of values; 0 without values.
    pub mean: f64,
    /// The number of the value in the middle; of an even number of values, the mean of the two in the middle.
    pub median: f64,
    /// The largest number.
    pub largest: u64,
    /// The shares of the 1, 10, 100 and 1,000 largest values, as far as there are more values than that.
    pub tops: Vec<TopShare>,
    /// The Gini coefficient: 0 if all values have the same number, nearly 1 if one value of many has everything.
    pub gini: f64,
    /// The Lorenz curve: item `i` is the share of the sum that the smallest `i` % of the values have. 101 numbers from 0 to
    /// 1, or none without a sum.
    pub lorenz: Vec<f64>,
    /// The sum over the requests without a value, which are not part of the other numbers; 0 if their absence is a value
    /// ([`is_absence_a_value`]).
    pub left_out: u64,
}

/// The share of the largest values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TopShare {
    /// Number of values.
    pub values: u64,
    /// Their part of the sum, 0–1.
    pub share: f64,
}

/// How unevenly `of` (requests, bytes sent or errors) is distributed over the values of `by`, among the requests of
/// `scope`. Calls `on_partial` with what is known so far and the share of the work done, 0–1.
pub fn concentration(
    engine: &dyn Engine,
    scope: &Scope,
    by: &Dimension,
    of: Measure,
    cancel: &CancellationToken,
    on_partial: &mut dyn FnMut(&Concentration, f64),
) -> Result<(Concentration, Statistics), QueryError> {
    let query = |filter: Filter, ask: Ask| Query {
        sources: scope.sources.clone(),
        time: scope.time,
        filter: scope.filter.clone().and(filter),
        counting: scope.counting,
        ask,
    };
    let absent = Filter::term_for(by, &Value::Absent);
    let (with_value, left_out) = match is_absence_a_value(by) {
        true => (Filter::everything(), 0),
        false => {
            let reply = engine.ask(&query(absent.clone(), Ask::Totals), cancel, &mut |_, _| {})?;
            let Answer::Totals(Totals { stats, .. }) = reply.answer else {
                return Err(QueryError::Invalid("the engine did not answer with totals".to_owned()));
            };
            match stats.requests {
                0 => (Filter::everything(), 0),
                requests => (
                    absent.negated(),
                    match of {
                        Measure::BytesSent => stats.bytes_sent,
                        Measure::Errors => stats.errors,
                        _ => requests,
                    },
                ),
            }
        }
    };
    let of_sizes = |sizes: &[u64]| Concentration { left_out, ..Concentration::of(sizes) };
    let ask = Ask::Distribution { by: by.clone(), of };
    let reply = engine.ask(&query(with_value, ask), cancel, &mut |answer, share| {
        if let Answer::Distribution(distribution) = &answer {
            on_partial(&of_sizes(&distribution.sizes), share);
        }
    })?;
    let concentration = match &reply.answer {
        Answer::Distribution(distribution) => of_sizes(&distribution.sizes),
        _ => Concentration { left_out, ..Concentration::default() },
    };
    Ok((concentration, reply.statistics))
}

/// Whether requests without a value of a dimension belong together as those with the same value do.
///
/// They do if the absence says how a client comes: without credentials, without a signature, without TLS. They do not if
/// the value is just unknown or there is none, as without a referer, a key or an error: then they are left out.
pub fn is_absence_a_value(by: &Dimension) -> bool {
    match by {
        Dimension::Role
        | Dimension::Field(
            Field::Requester
            | Field::SignatureVersion
            | Field::AuthenticationType
            | Field::CipherSuite
            | Field::TlsVersion,
        ) => true,
        // These are never absent.
        Dimension::HourOfDay | Dimension::Weekday | Dimension::Bucket(_) => true,
        _ => false,
    }
}

impl Concentration {
    /// The concentration of these numbers, which are in descending order.
    pub fn of(sizes: &[u64]) -> Concentration {
        let count = sizes.len();
        let sum: u128 = sizes.iter().map(|size| u128::from(*size)).sum();
        let share = |part: u128| if sum == 0 { 0.0 } else { part as f64 / sum as f64 };
        let at = |index: usize| sizes.get(index).copied().unwrap_or(0);
        let (mut tops, mut part) = (Vec::new(), 0u128);
        for (rank, size) in (1..).zip(sizes) {
            part += u128::from(*size);
            if TOPS.contains(&rank) && rank < count as u64 {
                tops.push(TopShare { values: rank, share: share(part) });
            }
        }
        Concentration {
            values: count as u64,
            total: u64::try_from(sum).unwrap_or(u64::MAX),
            mean: if count == 0 { 0.0 } else { sum as f64 / count as f64 },
            median: if count.is_multiple_of(2) && count > 0 {
                at(count / 2 - 1) as f64 / 2.0 + at(count / 2) as f64 / 2.0
            } else {
                at(count / 2) as f64
            },
            largest: at(0),
            tops,
            gini: gini(sizes, sum),
            lorenz: if sum == 0 { Vec::new() } else { lorenz(sizes, sum) },
            left_out: 0,
        }
    }

    /// The concentration in a sentence: "The top 10 addresses take 81 % of bytes; the median address takes 1.2 MiB."
    pub fn sentence(&self, by: &Dimension, of: Measure) -> String {
        let (one, many) = noun(by);
        let (what, number): (&str, fn(u64) -> String) = match of {
            Measure::BytesSent => ("bytes", human::bytes),
            Measure::Errors => ("errors", |errors| human::counted(errors, "error")),
            _ => ("requests", |requests| human::counted(requests, "request")),
        };
        let article = if one.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
        let left_out = match (self.left_out, of) {
            (0, _) => String::new(),
            (bytes, Measure::BytesSent) => {
                format!(" {} of requests without {article} {one} are left out.", human::bytes(bytes))
            }
            (left_out, _) => format!(" {} without {article} {one} are left out.", number(left_out)),
        };
        if self.total == 0 {
            return format!("There are no {what}.{left_out}");
        }
        let top = self.tops.iter().rev().find(|top| top.values <= 10);
        let Some(top) = top else { return format!("One {one} takes all {what}.{left_out}") };
        let (count, verb) = match top.values {
            1 => (format!("top {one}"), "takes"),
            values => (format!("top {values} {many}"), "take"),
        };
        let (percent, median) = (human::percent(top.share), number(self.median.round() as u64));
        format!("The {count} {verb} {percent} of {what}; the median {one} takes {median}.{left_out}")
    }
}

/// The Gini coefficient of numbers in descending order: Σ (n + 1 − 2 r) x / (n Σ x), where r is the rank of x from 1.
fn gini(sizes: &[u64], sum: u128) -> f64 {
    let count = sizes.len() as f64;
    if sum == 0 {
        return 0.0;
    }
    let weighted: f64 =
        (1u64..).zip(sizes).map(|(rank, size)| (count + 1.0 - 2.0 * rank as f64) * *size as f64).sum();
    (weighted / (count * sum as f64)).clamp(0.0, 1.0)
}

/// The Lorenz curve. Between two values it is a straight line.
fn lorenz(sizes: &[u64], sum: u128) -> Vec<f64> {
    let count = sizes.len();
    let ascending = |index: usize| sizes.iter().rev().nth(index).map_or(0, |size| u128::from(*size));
    let (mut added, mut part) = (0, 0u128);
    (0..=SECTIONS)
        .map(|section| {
            let whole = section * count / SECTIONS;
            part += (added..whole).map(ascending).sum::<u128>();
            added = whole;
            let fraction = (section * count % SECTIONS) as f64 / SECTIONS as f64;
            (part as f64 + fraction * ascending(whole) as f64) / sum as f64
        })
        .collect()
}

/// What a value of a dimension is called: one, and many.
fn noun(by: &Dimension) -> (String, String) {
    let (one, many) = match by {
        Dimension::Field(Field::RemoteIp) => ("address", "addresses"),
        Dimension::Field(Field::Bucket) => ("bucket", "buckets"),
        Dimension::Field(Field::Requester) => ("requester", "requesters"),
        Dimension::Field(Field::Key) => ("key", "keys"),
        Dimension::Field(Field::UserAgent) => ("user agent", "user agents"),
        Dimension::Field(Field::Referer) => ("referer", "referers"),
        Dimension::Field(Field::Operation) => ("operation", "operations"),
        Dimension::Network { .. } => ("network", "networks"),
        Dimension::HostName => ("host name", "host names"),
        Dimension::Role => ("role", "roles"),
        Dimension::Prefix { .. } => ("prefix", "prefixes"),
        Dimension::HourOfDay => ("hour of the day", "hours of the day"),
        Dimension::Weekday => ("day of the week", "days of the week"),
        other => {
            let name = other.name();
            return (format!("value of {name}"), format!("values of {name}"));
        }
    };
    (one.to_owned(), many.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_four_values_has_everything() {
        let all = Concentration::of(&[100, 0, 0, 0]);
        assert_eq!((all.values, all.total, all.largest), (4, 100, 100));
        assert_eq!((all.mean, all.median, all.gini), (25.0, 0.0, 0.75));
        assert_eq!(all.tops, [TopShare { values: 1, share: 1.0 }]);
        assert_eq!((all.lorenz[75], all.lorenz[100]), (0.0, 1.0));
    }

    #[test]
    fn equal_values_are_not_concentrated() {
        let equal = Concentration::of(&[7; 250]);
        assert_eq!((equal.mean, equal.median, equal.gini), (7.0, 7.0, 0.0));
        assert_eq!(equal.tops.iter().map(|top| top.values).collect::<Vec<_>>(), [1, 10, 100]);
        assert_eq!(equal.lorenz.len(), 101);
        for (section, share) in equal.lorenz.iter().enumerate() {
            assert!((share - section as f64 / 100.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_lorenz_curve_is_a_line_between_values() {
        // The smaller of two values has a fifth of the sum.
        let two = Concentration::of(&[80, 20]);
        assert_eq!((two.lorenz[25], two.lorenz[50], two.lorenz[75]), (0.1, 0.2, 0.6));
        assert!((two.gini - 0.3).abs() < 1e-12);
        assert_eq!(two.median, 50.0);
    }

    #[test]
    fn sums_above_64_bits_have_shares() {
        let large = Concentration::of(&[u64::MAX, u64::MAX, 0]);
        assert_eq!((large.total, large.tops[0].share), (u64::MAX, 0.5));
        assert_eq!(large.median, u64::MAX as f64);
    }

    #[test]
    fn the_sentence_names_the_top_values_and_the_median() {
        let ip = Dimension::Field(Field::RemoteIp);
        let sizes: Vec<u64> =
            std::iter::repeat_n(81 << 20, 10).chain(std::iter::repeat_n(1 << 20, 190)).collect();
        assert_eq!(
            Concentration::of(&sizes).sentence(&ip, Measure::BytesSent),
            "The top 10 addresses take 81.0 % of bytes; the median address takes 1.00 MiB."
        );
        assert_eq!(
            Concentration::of(&[3, 1]).sentence(&Dimension::Field(Field::HttpStatus), Measure::Requests),
            "The top value of http_status takes 75.0 % of requests; the median value of http_status takes 2 requests."
        );
        assert_eq!(
            Concentration::of(&[3]).sentence(&ip, Measure::Requests),
            "One address takes all requests."
        );
        assert_eq!(Concentration::of(&[0]).sentence(&ip, Measure::BytesSent), "There are no bytes.");
        assert_eq!(Concentration::of(&[]), Concentration::default());
        let some = Concentration { left_out: 1_200, ..Concentration::of(&[3, 1]) };
        assert_eq!(
            some.sentence(&Dimension::Field(Field::Referer), Measure::Requests),
            "The top referer takes 75.0 % of requests; the median referer takes 2 requests. 1,200 requests without a referer \
             are left out."
        );
        assert!(
            some.sentence(&ip, Measure::BytesSent)
                .ends_with("1.17 KiB of requests without an address are left out.")
        );
    }

    #[test]
    fn an_anonymous_requester_is_a_value_and_no_referer_is_none() {
        for name in ["requester", "role", "tls_version", "signature_version", "weekday"] {
            assert!(is_absence_a_value(&Dimension::by_name(name).unwrap()), "{name}");
        }
        for name in [
            "remote_ip",
            "network",
            "referer",
            "referer_host",
            "user_agent",
            "key",
            "prefix",
            "error_code",
            "asn",
        ] {
            assert!(!is_absence_a_value(&Dimension::by_name(name).unwrap()), "{name}");
        }
    }
}
