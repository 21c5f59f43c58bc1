//! The naive reference engine: it answers a query by a loop over all requests in memory. It shares only
//! the tests, the order and the derivation of values with Tamarin, which have tests of their own.
//!
//! Tests of the local engine compare answers with it; tests of the explorer use it as their engine.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use tamarin::log::{Field, Kind, method};
use tamarin::query::answer::{Cost, Groups, Requests, Series, Stats, Totals};
use tamarin::query::cost::rules::{self, ErrorRule, OperationRule, RequesterRule};
use tamarin::query::cost::{Billed, Charges, Prices};
use tamarin::query::filter::{Filter, Matcher, Subject, Test};
use tamarin::query::measure::Aggregate;
use tamarin::query::model::value_order::ValueKey;
use tamarin::query::{
    Activity, Answer, Ask, ComparedDimension, ComparedValue, Comparison, Counting, Dimension, Distribution,
    GroupRow, Measure, PairRow, Pairs, Profile, Query, RequestRow, Sort, TimeRange, Value,
};

/// The answer to a query about these requests. The sources of the query are ignored.
pub(crate) fn answer<'r>(requests: impl IntoIterator<Item = &'r RequestRow>, query: &Query) -> Answer {
    let all: Vec<&RequestRow> = requests.into_iter().collect();
    let selected = select(&all, query);
    match &query.ask {
        Ask::Totals => Answer::Totals(Totals { stats: stats(selected) }),
        Ask::Cost => {
            let charges = charges(&selected);
            Answer::Cost(Cost::new(stats(selected), charges, &Prices::default()))
        }
        Ask::Groups { by, more, sort, limit } => Answer::Groups(groups(&selected, by, more, *sort, *limit)),
        Ask::GroupsOfEach { by, sort, limit } => {
            Answer::GroupsOfEach(by.iter().map(|by| groups(&selected, by, &[], *sort, *limit)).collect())
        }
        Ask::Pairs { by, sort, limit } => Answer::Pairs(pairs(&selected, by, *sort, *limit)),
        Ask::Compare { by, with, at_least, limit } => {
            let (time, filter) = with;
            let other = Query { time: *time, filter: filter.clone(), ask: Ask::Totals, ..query.clone() };
            let others = select(&all, &other);
            Answer::Comparison(Comparison {
                requests: [selected.len() as u64, others.len() as u64],
                dimensions: by
                    .iter()
                    .map(|by| compare(by, [&selected, &others], *at_least, *limit))
                    .collect(),
            })
        }
        Ask::Distribution { by, of } => {
            let groups = groups(&selected, by, &[], Sort { by: *of, descending: true }, 0).rows;
            let size = |stats: Stats| match of {
                Measure::Requests => stats.requests,
                Measure::BytesSent => stats.bytes_sent,
                _ => stats.errors,
            };
            Answer::Distribution(Distribution { sizes: groups.iter().map(|row| size(row.stats)).collect() })
        }
        Ask::Profiles { of } => Answer::Profiles(
            of.iter().map(|(by, value, time)| profile(&selected, by, value, *time)).collect(),
        ),
        Ask::Activity { bucket, of } => {
            let activity = |(by, values): &(Dimension, Vec<Value>)| {
                let Series { start, lines, .. } =
                    series(&selected, *bucket, Some(&(by.clone(), values.clone())));
                let counts = |line: &Vec<Stats>| line.iter().map(|stats| stats.requests).collect();
                Activity { bucket: *bucket, start, lines: lines.iter().map(counts).collect() }
            };
            Answer::Activity(of.iter().map(activity).collect())
        }
        Ask::Series { bucket, each } => Answer::Series(series(&selected, *bucket, each.as_ref())),
        Ask::Requests { sort, offset, limit, fields } => {
            let mut answer = sorted_requests(&selected, *sort, *offset, *limit);
            for row in answer.rows.iter_mut().filter(|_| !fields.is_empty()) {
                for field in Field::all().filter(|field| *field != Field::Time && !fields.contains(field)) {
                    row.fields[field as usize] = Value::Absent;
                }
            }
            Answer::Requests(answer)
        }
        Ask::RequestsById(ids) => {
            let request = |id: &(u32, u64)| all.iter().find(|row| row.id == *id);
            let rows: Vec<RequestRow> =
                ids.iter().filter_map(request).map(|row| RequestRow::clone(row)).collect();
            Answer::Requests(Requests { matched: rows.len() as u64, rows })
        }
    }
}

/// What the requests of one value did in a time range.
fn profile(selected: &[&RequestRow], by: &Dimension, value: &Value, time: TimeRange) -> Profile {
    let rows: Vec<&RequestRow> = (selected.iter().copied())
        .filter(|row| time.start.is_none_or(|start| start <= row.time))
        .filter(|row| time.end.is_none_or(|end| row.time < end))
        .filter(|row| group_of(row, by) == *value)
        .collect();
    let status = |row: &RequestRow| match row.get(Field::HttpStatus) {
        Value::Integer(status) => *status,
        _ => 0,
    };
    let counts = |field: Field| {
        let mut counts: BTreeMap<Value, u64> = BTreeMap::new();
        for value in rows.iter().map(|row| row.get(field)).filter(|value| **value != Value::Absent) {
            *counts.entry(value.clone()).or_default() += 1;
        }
        counts
    };
    let most = |field: Field| {
        counts(field).into_iter().min_by_key(|(value, count)| (u64::MAX - count, value.clone()))
    };
    let count =
        |is_counted: &dyn Fn(&RequestRow) -> bool| rows.iter().filter(|row| is_counted(row)).count() as u64;
    let distinct = |field: Field, is_counted: &dyn Fn(&RequestRow) -> bool| {
        let values = rows.iter().filter(|row| is_counted(row)).map(|row| row.get(field));
        values.collect::<BTreeSet<_>>()
    };
    let is_missed =
        |row: &RequestRow| matches!(status(row), 401 | 403 | 404) && *row.get(Field::Key) != Value::Absent;
    let is_read = |row: &RequestRow| {
        let operation = bytes_of(row.get(Field::Operation)).unwrap_or_default();
        matches!(method::of_operation(&operation), Some(b"GET" | b"HEAD"))
    };
    let partial: Vec<&&RequestRow> = rows.iter().filter(|row| status(row) == 206).collect();
    let mut sizes: BTreeMap<&Value, u64> = BTreeMap::new();
    for row in &partial {
        let size = number(row, Field::ObjectSize).max(number(row, Field::BytesSent)).unwrap_or(0);
        let known = sizes.entry(row.get(Field::Key)).or_default();
        *known = size.max(*known);
    }
    let mut in_order: Vec<&&RequestRow> = rows.iter().collect();
    in_order.sort_by_key(|row| (row.time, row.id));
    let keys: Vec<Vec<u8>> = in_order.iter().filter_map(|row| bytes_of(row.get(Field::Key))).collect();
    let steps =
        |order: Ordering| keys.windows(2).filter(|pair| pair[1].cmp(&pair[0]) == order).count() as u64;
    let mut folder = keys.first().cloned().unwrap_or_default();
    while !folder.is_empty() && (!folder.ends_with(b"/") || !keys.iter().all(|key| key.starts_with(&folder)))
    {
        folder.pop();
    }
    Profile {
        stats: stats(rows.iter().copied()),
        keys: counts(Field::Key).len() as u64,
        addresses: counts(Field::RemoteIp).len() as u64,
        agents: counts(Field::UserAgent).len() as u64,
        missed_keys: distinct(Field::Key, &is_missed).len() as u64,
        denied_operations: distinct(Field::Operation, &|row| status(row) == 403).len() as u64,
        errors_4xx: count(&|row| status(row) / 100 == 4),
        errors_5xx: count(&|row| status(row) / 100 == 5),
        reads: count(&is_read),
        with_agent: count(&|row| *row.get(Field::UserAgent) != Value::Absent),
        without_referer: count(&|row| *row.get(Field::Referer) == Value::Absent),
        anonymous: count(&|row| *row.get(Field::Requester) == Value::Absent),
        partial: partial.len() as u64,
        partial_bytes: partial
            .iter()
            .filter_map(|row| number(row, Field::BytesSent))
            .fold(0, u64::saturating_add),
        partial_object_bytes: Some(sizes.into_values().fold(0, u64::saturating_add)),
        later_keys: steps(Ordering::Greater),
        earlier_keys: steps(Ordering::Less),
        folder,
        address: most(Field::RemoteIp),
        agent: most(Field::UserAgent),
        only_key: Some(counts(Field::Key))
            .filter(|keys| keys.len() == 1)
            .and_then(|keys| keys.into_keys().next()),
        operation: most(Field::Operation),
        error: most(Field::ErrorCode),
    }
}

/// The requests that a query selects.
fn select<'r>(all: &[&'r RequestRow], query: &Query) -> Vec<&'r RequestRow> {
    let TimeRange { start, end } = query.time;
    let passes = condition(&query.filter);
    (all.iter().copied())
        .filter(|row| start.is_none_or(|start| start <= row.time))
        .filter(|row| end.is_none_or(|end| row.time < end))
        .filter(|row| query.counting == Counting::AsLogged || is_client_request(row))
        .filter(|row| passes(row))
        .collect()
}

/// The text of a value.
fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Integer(number) => Some(number.to_string().into_bytes()),
        Value::Text(text) => Some(text.to_vec()),
        Value::Absent => None,
    }
}

fn number(row: &RequestRow, field: Field) -> Option<u64> {
    match row.get(field) {
        Value::Integer(number) => Some(*number as u64),
        _ => None,
    }
}

fn is_error(row: &RequestRow) -> bool {
    let status = bytes_of(row.get(Field::HttpStatus));
    status.is_some_and(|status| String::from_utf8_lossy(&status).parse().is_ok_and(|code: u64| code >= 400))
}

/// Whether a client made the request.
fn is_client_request(row: &RequestRow) -> bool {
    let operation = row.get(Field::Operation).to_text();
    let is_copied = operation.contains(".COPY.") && operation.ends_with("_GET");
    !is_copied && operation != "BATCH.DELETE.OBJECT" && !operation.starts_with("S3.")
}

/// The value of a request in a dimension.
pub(crate) fn group_of(row: &RequestRow, by: &Dimension) -> Value {
    if let Some(number) = by.of_time(row.time) {
        return Value::Integer(number);
    }
    match by {
        Dimension::Field(field) => row.get(*field).clone(),
        Dimension::Method => {
            let [operation, uri] =
                [Field::Operation, Field::RequestUri].map(|field| bytes_of(row.get(field)));
            let method = Dimension::method(operation.as_deref(), uri.as_deref());
            method.map_or(Value::Absent, |method| Value::Text(method.into()))
        }
        derived => match derived.derive(bytes_of(row.get(derived.base())).as_deref()) {
            Some(text) => Value::Text(text.as_ref().into()),
            None => Value::Absent,
        },
    }
}

/// A filter with compiled tests.
type Condition = Box<dyn Fn(&RequestRow) -> bool>;

fn condition(filter: &Filter) -> Condition {
    match filter {
        Filter::All(all) => {
            let all: Vec<Condition> = all.iter().map(condition).collect();
            Box::new(move |row| all.iter().all(|passes| passes(row)))
        }
        Filter::Any(any) => {
            let any: Vec<Condition> = any.iter().map(condition).collect();
            Box::new(move |row| any.iter().any(|passes| passes(row)))
        }
        Filter::Not(not) => {
            let not = condition(not);
            Box::new(move |row| !not(row))
        }
        Filter::Term(Subject::Field(field), Test::Equals(text))
            if matches!(field.kind(), Kind::Measure | Kind::Time) =>
        {
            let (field, number) = (*field, String::from_utf8_lossy(text).parse().unwrap());
            Box::new(move |row| *row.get(field) == Value::Integer(number))
        }
        Filter::Term(subject, test) => {
            let matcher = Matcher::new(test).unwrap();
            let passes = move |value: &Value| matcher.is_match(bytes_of(value).as_deref());
            match subject.clone() {
                Subject::Field(field) => Box::new(move |row| passes(row.get(field))),
                Subject::Derived(by) => Box::new(move |row| passes(&group_of(row, &by))),
                Subject::Anywhere => Box::new(move |row| {
                    let fields = [Field::Key, Field::RemoteIp, Field::Requester, Field::UserAgent];
                    fields.into_iter().any(|field| passes(row.get(field)))
                }),
            }
        }
    }
}

fn stats<'r>(rows: impl IntoIterator<Item = &'r RequestRow>) -> Stats {
    let mut stats = Stats::default();
    for row in rows {
        stats.first_seen = if stats.requests == 0 { row.time } else { stats.first_seen.min(row.time) };
        stats.last_seen = if stats.requests == 0 { row.time } else { stats.last_seen.max(row.time) };
        stats.requests += 1;
        stats.bytes_sent = stats.bytes_sent.saturating_add(number(row, Field::BytesSent).unwrap_or(0));
        stats.errors += u64::from(is_error(row));
    }
    stats
}

/// What some requests are charged, with the default prices.
fn charges(rows: &[&RequestRow]) -> Charges {
    let prices = Prices::default();
    let mut charges = Charges::default();
    for row in rows {
        let field = |field| bytes_of(row.get(field));
        let requester = field(Field::Requester);
        let billed = Billed {
            operation: OperationRule::of(field(Field::Operation).as_deref()),
            is_server_error: rules::is_server_error(field(Field::HttpStatus).as_deref()),
            error: ErrorRule::of(field(Field::ErrorCode).as_deref()),
            requester: RequesterRule::of(requester.as_deref(), &prices.accounts),
            is_owner: requester == field(Field::BucketOwner),
            transfer: rules::transfer(field(Field::SourceRegion).as_deref(), &prices),
            is_private: field(Field::RemoteIp).is_some_and(|address| rules::is_private(&address)),
        };
        charges.add(billed.charge(), number(row, Field::BytesSent).unwrap_or(0));
    }
    charges
}

/// A number or value that groups are sorted by.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum SortValue {
    Count(u64),
    Instant(i64),
    Fraction(f64),
    Value(Value),
}

/// What groups are sorted by; `None` if a group has no value.
fn sort_value(measure: Measure, value: &Value, rows: &[&RequestRow]) -> Option<SortValue> {
    let numbers = |field| rows.iter().filter_map(|row| number(row, field)).collect::<Vec<u64>>();
    let stats = stats(rows.iter().copied());
    match measure.spec().aggregate {
        Aggregate::Value => (*value != Value::Absent).then(|| SortValue::Value(value.clone())),
        Aggregate::Stats => Some(match measure {
            Measure::Requests => SortValue::Count(stats.requests),
            Measure::BytesSent => SortValue::Count(stats.bytes_sent),
            Measure::Errors => SortValue::Count(stats.errors),
            Measure::ErrorRate => SortValue::Fraction(stats.errors as f64 / stats.requests as f64),
            Measure::FirstSeen => SortValue::Instant(stats.first_seen),
            Measure::LastSeen => SortValue::Instant(stats.last_seen),
            other => panic!("{} is not part of the stats", other.name()),
        }),
        Aggregate::Relative(compared) => sort_value(compared, value, rows),
        Aggregate::Distinct(field) => {
            let values: BTreeSet<&Value> =
                rows.iter().map(|row| row.get(field)).filter(|value| **value != Value::Absent).collect();
            Some(SortValue::Count(values.len() as u64))
        }
        Aggregate::Mean(field) => {
            let numbers = numbers(field);
            let sum = numbers.iter().copied().fold(0, u64::saturating_add);
            (!numbers.is_empty()).then(|| SortValue::Fraction(sum as f64 / numbers.len() as f64))
        }
        Aggregate::Max(field) => numbers(field).into_iter().max().map(SortValue::Count),
        Aggregate::Percentile(field, percent) => {
            let mut numbers = numbers(field);
            numbers.sort_unstable();
            let rank = (numbers.len() * usize::from(percent)).div_ceil(100).max(1);
            numbers.get(rank - 1).map(|number| SortValue::Fraction(*number as f64))
        }
        Aggregate::StatusClass(class) => {
            let first = i64::from(class) * 100;
            let is_of_class = |row: &&&RequestRow| match row.get(Field::HttpStatus) {
                Value::Integer(status) => (first..first + 100).contains(status),
                _ => false,
            };
            Some(SortValue::Count(rows.iter().filter(is_of_class).count() as u64))
        }
        Aggregate::Cost => Some(SortValue::Fraction(charges(rows).dollars(&Prices::default()))),
        Aggregate::PeakRate => {
            let mut minutes = BTreeMap::<i64, u64>::new();
            rows.iter().for_each(|row| *minutes.entry(row.time.div_euclid(60)).or_default() += 1);
            minutes.into_values().max().map(|requests| SortValue::Fraction(requests as f64 / 60.0))
        }
    }
}

/// The number of a measure. Relative measures have none here: see [`fill_relative`].
fn measure_number(measure: Measure, value: &Value, rows: &[&RequestRow]) -> Option<f64> {
    match sort_value(measure, value, rows).filter(|_| !measure.is_relative())? {
        SortValue::Count(number) => Some(number as f64),
        SortValue::Instant(second) => Some(second as f64),
        SortValue::Fraction(number) => Some(number),
        SortValue::Value(_) => None,
    }
}

/// Fills the relative measures of sorted rows. `requests` has the number of requests of every group, sorted.
fn fill_relative(rows: &mut [GroupRow], more: &[Measure], sort: Measure, requests: &[u64], totals: &Stats) {
    let bytes = totals.bytes_sent;
    let sorted = |stats: &Stats| match sort {
        Measure::Requests => stats.requests,
        Measure::Errors => stats.errors,
        _ => stats.bytes_sent,
    };
    let share = |part: u64| if bytes == 0 { 0.0 } else { part as f64 / bytes as f64 };
    let mean = requests.iter().sum::<u64>() as f64 / requests.len() as f64;
    let median = match requests.len() {
        0 => 1.0,
        odd if odd % 2 == 1 => requests[odd / 2] as f64,
        even => (requests[even / 2 - 1] + requests[even / 2]) as f64 / 2.0,
    };
    for (column, measure) in more.iter().enumerate() {
        let mut sum = 0u64;
        for (rank, row) in (1..).zip(rows.iter_mut()) {
            sum = sum.saturating_add(sorted(&row.stats));
            row.more[column] = match measure {
                Measure::Rank => Some(f64::from(rank)),
                Measure::Share => Some(share(row.stats.bytes_sent)),
                Measure::CumulativeShare if sorted(totals) == 0 => Some(0.0),
                Measure::CumulativeShare => Some(sum as f64 / sorted(totals) as f64),
                Measure::ToAverage => Some(row.stats.requests as f64 / mean),
                Measure::ToMedian => Some(row.stats.requests as f64 / median),
                _ => row.more[column],
            };
        }
    }
}

/// The order of two values; absent values are last in either direction.
fn order<T: PartialOrd>(one: &Option<T>, other: &Option<T>, descending: bool) -> Ordering {
    match (one, other) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Greater,
        (_, None) => Ordering::Less,
        (Some(one), Some(other)) => {
            let ascending = one.partial_cmp(other).unwrap();
            if descending { ascending.reverse() } else { ascending }
        }
    }
}

fn groups(
    rows: &[&RequestRow],
    by: &Dimension,
    more: &[Measure],
    sort: Sort<Measure>,
    limit: usize,
) -> Groups {
    let mut groups: BTreeMap<Value, Vec<&RequestRow>> = BTreeMap::new();
    for row in rows {
        groups.entry(group_of(row, by)).or_default().push(row);
    }
    let group_count = groups.len() as u64;
    let mut requests: Vec<u64> = groups.values().map(|rows| rows.len() as u64).collect();
    requests.sort_unstable();
    // Groups are in the order of their values, so a stable sort breaks ties by value.
    let mut sorted: Vec<_> =
        groups.into_iter().map(|(value, rows)| (sort_value(sort.by, &value, &rows), value, rows)).collect();
    match sort.by {
        Measure::Value => sorted.sort_by_key(|(_, value, _)| ValueKey::new(Some(by), value, sort.descending)),
        _ => sorted.sort_by(|(one, ..), (other, ..)| order(one, other, sort.descending)),
    }
    if limit > 0 {
        sorted.truncate(limit);
    }
    let rows_of = sorted.into_iter().map(|(_, value, rows)| GroupRow {
        stats: stats(rows.iter().copied()),
        more: more.iter().map(|measure| measure_number(*measure, &value, &rows)).collect(),
        value,
    });
    let mut rows_of: Vec<GroupRow> = rows_of.collect();
    let totals = stats(rows.iter().copied());
    fill_relative(&mut rows_of, more, sort.by, &requests, &totals);
    Groups { rows: rows_of, group_count, totals, approximate: Vec::new() }
}

fn pairs(rows: &[&RequestRow], by: &[Dimension; 2], sort: Sort<Measure>, limit: usize) -> Pairs {
    let mut pairs: BTreeMap<[Value; 2], Vec<&RequestRow>> = BTreeMap::new();
    for row in rows {
        pairs.entry([group_of(row, &by[0]), group_of(row, &by[1])]).or_default().push(row);
    }
    let pair_count = pairs.len() as u64;
    let mut sorted: Vec<_> = pairs.into_iter().collect();
    if sort.by == Measure::Value {
        sorted.sort_by_key(|([one, other], _)| {
            let key = |place: usize, value| ValueKey::new(Some(&by[place]), value, sort.descending);
            (key(0, one), key(1, other))
        });
    } else {
        sorted.sort_by(|(_, one), (_, other)| {
            let [one, other] = [one, other].map(|rows| sort_value(sort.by, &Value::Absent, rows));
            order(&one, &other, sort.descending)
        });
    }
    sorted.truncate(if limit == 0 { usize::MAX } else { limit });
    let row = |(values, rows): ([Value; 2], Vec<&RequestRow>)| PairRow { values, stats: stats(rows) };
    Pairs { rows: sorted.into_iter().map(row).collect(), pair_count, totals: stats(rows.iter().copied()) }
}

fn compare(by: &Dimension, sets: [&Vec<&RequestRow>; 2], at_least: u64, limit: usize) -> ComparedDimension {
    let mut counts: BTreeMap<Value, [u64; 2]> = BTreeMap::new();
    for (set, rows) in sets.iter().enumerate() {
        for row in rows.iter() {
            counts.entry(group_of(row, by)).or_default()[set] += 1;
        }
    }
    let value_counts = [0, 1].map(|set| counts.values().filter(|counts| counts[set] > 0).count() as u64);
    let all_value_count = counts.len() as u64;
    // The shares with a common denominator.
    let share = |counts: &[u64; 2], set: usize| i128::from(counts[set]) * sets[1 - set].len().max(1) as i128;
    let mut sorted: Vec<_> =
        counts.into_iter().filter(|(_, counts)| counts.iter().any(|count| *count >= at_least)).collect();
    sorted.sort_by_key(|(_, counts)| -(share(counts, 0) - share(counts, 1)).abs());
    sorted.truncate(if limit == 0 { usize::MAX } else { limit });
    let rows = sorted.into_iter().map(|(value, requests)| ComparedValue { value, requests }).collect();
    ComparedDimension { by: by.clone(), value_counts, all_value_count, rows }
}

fn series(rows: &[&RequestRow], bucket: u32, each: Option<&(Dimension, Vec<Value>)>) -> Series {
    let width = i64::from(bucket);
    // 1970-01-05 was a Monday.
    let origin = if bucket.is_multiple_of(7 * 86_400) { 4 * 86_400 } else { 0 };
    let lines: Vec<Vec<&RequestRow>> = match each {
        None => vec![rows.to_vec()],
        Some((by, values)) => values
            .iter()
            .map(|value| rows.iter().copied().filter(|row| group_of(row, by) == *value).collect())
            .collect(),
    };
    let numbers = || lines.iter().flatten().map(|row| (row.time - origin).div_euclid(width));
    let (Some(first), Some(last)) = (numbers().min(), numbers().max()) else {
        return Series { bucket, start: 0, lines: vec![Vec::new(); lines.len()] };
    };
    let line = |rows: &Vec<&RequestRow>| {
        let mut buckets: BTreeMap<i64, Vec<&RequestRow>> = BTreeMap::new();
        for row in rows {
            buckets.entry((row.time - origin).div_euclid(width)).or_default().push(row);
        }
        (first..=last).map(|number| stats(buckets.get(&number).into_iter().flatten().copied())).collect()
    };
    Series { bucket, start: first * width + origin, lines: lines.iter().map(line).collect() }
}

fn sorted_requests(rows: &[&RequestRow], sort: Sort<Field>, offset: usize, limit: usize) -> Requests {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| (row.time, row.id));
    let by = Dimension::Field(sort.by);
    sorted.sort_by_cached_key(|row| ValueKey::new(Some(&by), row.get(sort.by), sort.descending));
    let wanted = if limit == 0 { usize::MAX } else { limit };
    let matched = sorted.len() as u64;
    let rows = sorted.into_iter().skip(offset).take(wanted).cloned();
    Requests { rows: rows.collect(), matched }
}
