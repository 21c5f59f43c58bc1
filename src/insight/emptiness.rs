//! Why no request passes a filter: a value that does not occur, with the nearest values that do; terms that exclude each
//! other; a time range without requests.

use std::fmt;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Scope;
use crate::human;
use crate::log::{Field, Kind};
use crate::query::filter::complete::value_text;
use crate::query::filter::{Subject, Test};
use crate::query::{
    Answer, Ask, Dimension, Engine, Filter, Groups, Measure, Query, QueryError, Sort, Stats, TimeRange, Value,
};

/// Terms that are looked at.
const MAX_TERMS: usize = 8;
/// Frequent values that are compared with the one that does not occur.
const MAX_COMPARED: usize = 5_000;
/// Rare values that begin like the one that does not occur, and are compared with it.
const MAX_BEGINNING: usize = 500;
/// Values that are named.
const MAX_NEAR: usize = 3;
/// Characters of values that are compared.
const MAX_COMPARED_CHARS: usize = 80;
/// The largest distance of a near value: edits per character.
const MAX_DISTANCE: f64 = 0.4;

/// Why no request passes a filter. Its text is one sentence, with invisible characters escaped as in filters.
#[derive(Clone, Debug, PartialEq)]
pub enum Emptiness {
    /// There are no requests in the time range, whatever the filter.
    NoRequests {
        /// The first and the last second with requests, in all times; `None`: there are no requests at all.
        all: Option<(i64, i64)>,
    },
    /// No request in the time range passes this term.
    NoMatch {
        /// The term.
        term: Filter,
        /// Similar values that occur, as a filter names them, the most similar first, with their numbers of requests.
        near: Vec<(String, u64)>,
        /// Without similar values: the most frequent ones, with their numbers of requests.
        frequent: Vec<(String, u64)>,
        /// Requests outside the time range that pass the whole filter.
        elsewhere: u64,
    },
    /// Every term matches some requests of the time range, but no request all of them.
    NotTogether {
        /// Terms without which there are requests, with their number; the largest first.
        without: Vec<(Filter, u64)>,
        /// Requests outside the time range that pass the whole filter.
        elsewhere: u64,
    },
}

/// Finds out why no request of `scope` passes its filter. `None`: some do, or the filter has no terms.
///
/// # Errors
/// Those of the engine.
pub fn explain(
    engine: &dyn Engine,
    scope: &Scope,
    cancel: &CancellationToken,
) -> Result<Option<Emptiness>, QueryError> {
    let count = |filter: Filter, time: TimeRange| totals(engine, scope, filter, time, cancel);
    if count(scope.filter.clone(), scope.time)?.requests > 0 {
        return Ok(None);
    }
    if count(Filter::everything(), scope.time)?.requests == 0 {
        let all = count(Filter::everything(), TimeRange::default())?;
        let all = (all.requests > 0).then_some((all.first_seen, all.last_seen));
        return Ok(Some(Emptiness::NoRequests { all }));
    }
    let terms = scope.filter.terms();
    if terms.is_empty() {
        return Ok(None);
    }
    let elsewhere = match scope.time == TimeRange::default() {
        true => 0,
        false => count(scope.filter.clone(), TimeRange::default())?.requests,
    };
    for term in terms.iter().take(MAX_TERMS) {
        if count(term.clone(), scope.time)?.requests == 0 {
            let (near, frequent) = values_near(engine, scope, term, cancel)?;
            return Ok(Some(Emptiness::NoMatch { term: term.clone(), near, frequent, elsewhere }));
        }
    }
    let mut without = Vec::new();
    for (index, term) in terms.iter().enumerate().take(MAX_TERMS) {
        let others = terms.iter().enumerate().filter(|(other, _)| *other != index);
        let rest = Filter::all(others.map(|(_, term)| term.clone()));
        let requests = count(rest, scope.time)?.requests;
        if requests > 0 {
            without.push((term.clone(), requests));
        }
    }
    without.sort_by_key(|(_, requests)| std::cmp::Reverse(*requests));
    Ok(Some(Emptiness::NotTogether { without, elsewhere }))
}

fn query(scope: &Scope, filter: Filter, time: TimeRange, ask: Ask) -> Query {
    Query { sources: scope.sources.clone(), time, filter, counting: scope.counting, ask }
}

fn totals(
    engine: &dyn Engine,
    scope: &Scope,
    filter: Filter,
    time: TimeRange,
    cancel: &CancellationToken,
) -> Result<Stats, QueryError> {
    let query = query(scope, filter, time, Ask::Totals);
    match engine.ask_once(&query, cancel)?.answer {
        Answer::Totals(totals) => Ok(totals.stats),
        _ => Ok(Stats::default()),
    }
}

/// The most frequent values of a dimension among the requests that pass `filter`, with their numbers of requests.
fn frequent_values(
    engine: &dyn Engine,
    scope: &Scope,
    by: &Dimension,
    filter: Filter,
    limit: usize,
    cancel: &CancellationToken,
) -> Result<Vec<(Value, u64)>, QueryError> {
    let sort = Sort { by: Measure::Requests, descending: true };
    let ask = Ask::Groups { by: by.clone(), more: Vec::new(), sort, limit };
    let answer = engine.ask_once(&query(scope, filter, scope.time, ask), cancel)?.answer;
    let Answer::Groups(Groups { rows, .. }) = answer else { return Ok(Vec::new()) };
    Ok(rows.into_iter().map(|row| (row.value, row.stats.requests)).collect())
}

/// Values as a filter names them, with their numbers of requests.
type Counted = Vec<(String, u64)>;

/// Values similar to that of `term`; if there are none, the most frequent ones. Both are empty if the term has no single
/// value, or its field has no values to choose from.
fn values_near(
    engine: &dyn Engine,
    scope: &Scope,
    term: &Filter,
    cancel: &CancellationToken,
) -> Result<(Counted, Counted), QueryError> {
    let Some((by, wanted)) = wanted_value(term) else { return Ok((Vec::new(), Vec::new())) };
    let everything = Filter::everything;
    let mut known = frequent_values(engine, scope, &by, everything(), MAX_COMPARED, cancel)?;
    let named = |(value, requests): &(Value, u64)| (value_text(&by, value), *requests);
    let present = known.iter().filter(|(value, _)| *value != Value::Absent);
    let frequent: Counted = present.take(MAX_NEAR).map(named).collect();
    let half: String = wanted.text.chars().take(wanted.text.chars().count().div_ceil(2)).collect();
    if known.len() == MAX_COMPARED {
        for text in engine.complete(&by, &half, MAX_BEGINNING)? {
            known.push((Value::from(text.as_str()), 0));
        }
    }
    let mut near: Vec<(f64, Value)> = known
        .into_iter()
        .filter_map(|(value, _)| wanted.distance(&value).map(|distance| (distance, value)))
        .collect();
    // Equally similar values stay in the order of their frequency.
    near.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    near.dedup_by(|(_, one), (_, other)| one == other);
    let best: Vec<Value> = near.into_iter().take(MAX_NEAR).map(|(_, value)| value).collect();
    if best.is_empty() {
        return Ok((Vec::new(), frequent));
    }
    let those = Filter::any(best.iter().map(|value| Filter::term_for(&by, value)));
    let counted = frequent_values(engine, scope, &by, those, 0, cancel)?;
    let near = best.iter().filter_map(|value| counted.iter().find(|(other, _)| other == value)).map(named);
    Ok((near.collect(), Vec::new()))
}

/// A value that does not occur.
struct Wanted {
    text: String,
    /// `Some`: values are compared as numbers.
    number: Option<i64>,
    /// Whether parts of values between `:` and `/` are compared, too.
    has_parts: bool,
}

/// The dimension and the value of a term; of a list of values, the first one.
fn wanted_value(term: &Filter) -> Option<(Dimension, Wanted)> {
    let (subject, test) = match term {
        Filter::Term(subject, test) => (subject, test),
        Filter::Any(terms) => return terms.first().and_then(wanted_value),
        Filter::All(_) | Filter::Not(_) => return None,
    };
    let by = match subject {
        Subject::Field(field) if field.kind() == Kind::Dimension => Dimension::Field(*field),
        Subject::Derived(derived) => derived.clone(),
        Subject::Field(_) | Subject::Anywhere => return None,
    };
    let (text, number, has_parts) = match test {
        Test::Equals(bytes) => (String::from_utf8_lossy(bytes).into_owned(), None, false),
        Test::PathPart(part) => (part.clone(), None, true),
        Test::Contains(text) => (text.clone(), None, false),
        Test::Network(network) if network.prefix_len() == network.max_prefix_len() => {
            (network.addr().to_string(), None, false)
        }
        Test::Range(Some(from), Some(to)) if from == to => (from.to_string(), Some(*from), false),
        _ => return None,
    };
    (!text.is_empty()).then_some((by, Wanted { text: text.to_lowercase(), number, has_parts }))
}

impl Wanted {
    /// How much a value differs, 0–[`MAX_DISTANCE`] for text; `None`: too much.
    fn distance(&self, value: &Value) -> Option<f64> {
        if let Some(number) = self.number {
            let Value::Integer(other) = value else { return None };
            return Some(number.abs_diff(*other) as f64);
        }
        let text = match value {
            Value::Absent => return None,
            Value::Integer(number) => number.to_string(),
            Value::Text(bytes) => String::from_utf8_lossy(bytes).to_lowercase(),
        };
        let parts = text.split([':', '/']).filter(|_| self.has_parts);
        let least = std::iter::once(text.as_str()).chain(parts).map(|part| self.distance_of_text(part));
        least.min_by(f64::total_cmp).filter(|distance| *distance <= MAX_DISTANCE)
    }

    fn distance_of_text(&self, text: &str) -> f64 {
        if text == self.text {
            return 0.0;
        }
        if self.text.chars().count() > 2 && text.contains(&self.text) {
            return 0.1;
        }
        let short = |text: &str| text.chars().take(MAX_COMPARED_CHARS).collect::<String>();
        let (one, other) = (short(&self.text), short(text));
        let length = one.chars().count().max(other.chars().count()).max(1);
        strsim::osa_distance(&one, &other) as f64 / length as f64
    }
}

impl fmt::Display for Emptiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Emptiness::NoRequests { all: None } => f.write_str("There are no requests"),
            Emptiness::NoRequests { all: Some((first, last)) } => {
                write!(
                    f,
                    "No request in this time range; requests are from {} to {} UTC",
                    time(*first),
                    time(*last)
                )
            }
            Emptiness::NoMatch { term, near, frequent, elsewhere } => {
                f.write_str(&subject_of(term))?;
                if !near.is_empty() {
                    write!(f, "; near: {}", values(near))?;
                } else if !frequent.is_empty() {
                    write!(f, "; most frequent: {}", values(frequent))?;
                }
                self::elsewhere(f, *elsewhere)
            }
            Emptiness::NotTogether { without, elsewhere } => {
                f.write_str("Every term matches requests, but no request matches all of them")?;
                for (index, (term, requests)) in without.iter().take(MAX_NEAR).enumerate() {
                    let between = if index == 0 { "; without" } else { ", without" };
                    let requests = human::count(*requests);
                    write!(f, "{between} {} {requests}", term)?;
                }
                self::elsewhere(f, *elsewhere)
            }
        }
    }
}

/// `No request has error_code AccesDenied`, `No request matches key~"^a"`.
fn subject_of(term: &Filter) -> String {
    let text = term.to_string();
    let named = match term {
        Filter::Term(_, Test::Equals(_) | Test::PathPart(_) | Test::Network(_)) => {
            text.split_once([':', '='])
        }
        Filter::Term(Subject::Field(Field::HttpStatus), Test::Range(..)) => text.split_once(':'),
        // Several values, or what one value means.
        Filter::Any(_) if !text.contains(" or ") => text.split_once(':'),
        _ => None,
    };
    match named {
        Some((name, value)) => format!("No request has {} {}", name.trim_end_matches('/'), value),
        None => format!("No request matches {}", text),
    }
}

fn values(values: &[(String, u64)]) -> String {
    let named = values.iter().map(|(value, requests)| format!("{value} ({})", human::count(*requests)));
    named.collect::<Vec<_>>().join(", ")
}

fn elsewhere(f: &mut fmt::Formatter<'_>, requests: u64) -> fmt::Result {
    match requests {
        0 => Ok(()),
        1 => f.write_str("; 1 request at other times matches"),
        requests => write!(f, "; {} requests at other times match", human::count(requests)),
    }
}

fn time(second: i64) -> String {
    Timestamp::from_second(second)
        .map_or_else(|_| second.to_string(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}
