//! A naive reference: every record of a log in memory, every question answered by going through all of
//! them. Slow and simple on purpose. It shares with Tamarin the reading of a line, the test of one value and
//! the derivation of one value, which are proved elsewhere, and nothing of how questions are answered.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use tamarin::log::{Field, Kind, Record, ValueType, records};
use tamarin::query::answer::{Groups, Requests, Series, Stats, Totals};
use tamarin::query::filter::{Filter, Matcher, Subject, Test};
use tamarin::query::{
    Answer, Ask, Counting, Dimension, GroupRow, Measure, Query, RequestRow, Sort, TimeRange, Value,
};

/// One record.
#[derive(Clone, Debug)]
struct Row {
    source: u32,
    /// Its number within the source.
    arrival: u64,
    time: i64,
    fields: Vec<Value>,
}

/// A source: number, name, what it has, and the same to find repeats.
#[derive(Debug)]
struct Source {
    number: u32,
    uri: String,
    rows: Vec<Row>,
    seen: HashSet<Vec<Value>>,
}

/// All records.
#[derive(Debug, Default)]
pub(crate) struct Naive {
    sources: Vec<Source>,
}

/// Every field of a record, as an answer is to have it.
pub(crate) fn fields_of(record: &Record<'_>) -> Vec<Value> {
    let text = |bytes: Option<&[u8]>| bytes.map_or(Value::Absent, |bytes| Value::Text(bytes.into()));
    let key = record.key();
    let logged_key = record.logged(Field::Key);
    let mut extra: Vec<Vec<u8>> = record.logged(Field::Extra).map(<[u8]>::to_vec).into_iter().collect();
    for field in Field::of_kind(Kind::Measure) {
        if record.integer(field).is_some_and(|number| number > i64::MAX as u64) {
            extra.push(record.logged(field).unwrap().to_vec());
        }
    }
    Field::all()
        .map(|field| match (field, field.kind()) {
            (Field::Time, _) => Value::Integer(record.time),
            (Field::Key, _) => text(key.as_deref()),
            (Field::RemoteIp, _) => text(record.remote_ip().as_deref()),
            (Field::KeyLogged, _) => text(logged_key.filter(|logged| Some(*logged) != key.as_deref())),
            (Field::Extra, _) if extra.is_empty() => Value::Absent,
            (Field::Extra, _) => text(Some(&extra.join(&b' '))),
            (_, Kind::Measure) => match record.integer(field).map(i64::try_from) {
                Some(Ok(number)) => Value::Integer(number),
                _ => Value::Absent,
            },
            _ => match (field.spec().value, record.logged(field)) {
                (ValueType::Integer, Some(digits)) => match String::from_utf8_lossy(digits).parse::<i64>() {
                    Ok(number) if number.to_string().as_bytes() == digits => Value::Integer(number),
                    _ => text(Some(digits)),
                },
                (_, logged) => text(logged),
            },
        })
        .collect()
}

fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Integer(number) => Some(number.to_string().into_bytes()),
        Value::Text(text) => Some(text.to_vec()),
        Value::Absent => None,
    }
}

impl Row {
    fn get(&self, field: Field) -> &Value {
        &self.fields[field as usize]
    }

    fn number(&self, field: Field) -> Option<u64> {
        match self.get(field) {
            Value::Integer(number) => Some(*number as u64),
            _ => None,
        }
    }

    fn is_error(&self) -> bool {
        let status = bytes_of(self.get(Field::HttpStatus));
        status
            .is_some_and(|status| String::from_utf8_lossy(&status).parse().is_ok_and(|code: u64| code >= 400))
    }

    /// A record that somebody asked for by itself.
    fn is_request(&self) -> bool {
        let operation = self.get(Field::Operation).to_text();
        let copied = operation.contains(".COPY.") && operation.ends_with("_GET");
        !copied && operation != "BATCH.DELETE.OBJECT" && !operation.starts_with("S3.")
    }

    fn group(&self, by: &Dimension) -> Value {
        if let Some(number) = by.of_time(self.time) {
            return Value::Integer(number);
        }
        match by {
            Dimension::Field(field) => self.get(*field).clone(),
            Dimension::Method => {
                let [operation, uri] =
                    [Field::Operation, Field::RequestUri].map(|field| bytes_of(self.get(field)));
                let method = Dimension::method(operation.as_deref(), uri.as_deref());
                method.map_or(Value::Absent, |method| Value::Text(method.into()))
            }
            derived => match derived.derive(bytes_of(self.get(derived.base())).as_deref()) {
                Some(text) => Value::Text(text.as_ref().into()),
                None => Value::Absent,
            },
        }
    }
}

/// A condition with its tests compiled.
type Condition = Box<dyn Fn(&Row) -> bool>;

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
                Subject::Derived(by) => Box::new(move |row| passes(&row.group(&by))),
                Subject::Anywhere => Box::new(move |row| {
                    let fields = [Field::Key, Field::RemoteIp, Field::Requester, Field::UserAgent];
                    fields.into_iter().any(|field| passes(row.get(field)))
                }),
            }
        }
    }
}

fn stats<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Stats {
    let mut stats = Stats::default();
    for row in rows {
        stats.first_seen = if stats.requests == 0 { row.time } else { stats.first_seen.min(row.time) };
        stats.last_seen = if stats.requests == 0 { row.time } else { stats.last_seen.max(row.time) };
        stats.requests += 1;
        stats.bytes_sent = stats.bytes_sent.saturating_add(row.number(Field::BytesSent).unwrap_or(0));
        stats.errors += u64::from(row.is_error());
    }
    stats
}

/// What groups are sorted by.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Rank {
    Whole(u64),
    Instant(i64),
    Broken(f64),
    Of(Value),
}

fn rank(measure: Measure, value: &Value, rows: &[&Row]) -> Option<Rank> {
    let numbers = |field| rows.iter().filter_map(|row| row.number(field)).collect::<Vec<u64>>();
    let distinct = |field| {
        let values: BTreeSet<&Value> =
            rows.iter().map(|row| row.get(field)).filter(|value| **value != Value::Absent).collect();
        Some(Rank::Whole(values.len() as u64))
    };
    let mean = |numbers: Vec<u64>| {
        let count = numbers.len() as f64;
        (!numbers.is_empty())
            .then(|| Rank::Broken(numbers.iter().copied().fold(0, u64::saturating_add) as f64 / count))
    };
    let stats = stats(rows.iter().copied());
    match measure {
        Measure::Value => (*value != Value::Absent).then(|| Rank::Of(value.clone())),
        Measure::Requests => Some(Rank::Whole(stats.requests)),
        Measure::BytesSent => Some(Rank::Whole(stats.bytes_sent)),
        Measure::Errors => Some(Rank::Whole(stats.errors)),
        Measure::ErrorRate => Some(Rank::Broken(stats.errors as f64 / stats.requests as f64)),
        Measure::FirstSeen => Some(Rank::Instant(stats.first_seen)),
        Measure::LastSeen => Some(Rank::Instant(stats.last_seen)),
        Measure::Objects => distinct(Field::Key),
        Measure::Addresses => distinct(Field::RemoteIp),
        Measure::UserAgents => distinct(Field::UserAgent),
        Measure::TotalTimeMean => mean(numbers(Field::TotalTime)),
        Measure::TotalTimeMax => numbers(Field::TotalTime).into_iter().max().map(Rank::Whole),
        Measure::TurnAroundTimeMean => mean(numbers(Field::TurnAroundTime)),
        Measure::ObjectSizeMax => numbers(Field::ObjectSize).into_iter().max().map(Rank::Whole),
        Measure::Errors4xx => Some(Rank::Whole(of_class(rows, 4))),
        Measure::Errors5xx => Some(Rank::Whole(of_class(rows, 5))),
        Measure::PeakRate => {
            let mut minutes = std::collections::BTreeMap::<i64, u64>::new();
            rows.iter().for_each(|row| *minutes.entry(row.time.div_euclid(60)).or_default() += 1);
            minutes.into_values().max().map(|most| Rank::Broken(most as f64 / 60.0))
        }
        // What is approximate, or told by the other rows, is not asked of this engine.
        other => panic!("{}", other.name()),
    }
}

/// Requests with a status of three digits, this one first.
fn of_class(rows: &[&Row], class: i64) -> u64 {
    let is_of_class = |row: &&&Row| match row.get(Field::HttpStatus) {
        Value::Integer(status) => (class * 100..class * 100 + 100).contains(status),
        _ => false,
    };
    rows.iter().filter(is_of_class).count() as u64
}

/// The column of a measure in a table: what it is sorted by, as a number.
fn column(measure: Measure, value: &Value, rows: &[&Row]) -> Option<f64> {
    match rank(measure, value, rows)? {
        Rank::Whole(number) => Some(number as f64),
        Rank::Instant(second) => Some(second as f64),
        Rank::Broken(number) => Some(number),
        Rank::Of(_) => None,
    }
}

/// Absent last in either direction.
fn in_order<T: PartialOrd>(one: &Option<T>, other: &Option<T>, descending: bool) -> std::cmp::Ordering {
    match (one, other) {
        (None, None) => std::cmp::Ordering::Equal,
        (None, _) => std::cmp::Ordering::Greater,
        (_, None) => std::cmp::Ordering::Less,
        (Some(one), Some(other)) => {
            let order = one.partial_cmp(other).unwrap();
            if descending { order.reverse() } else { order }
        }
    }
}

impl Naive {
    /// A further source, with its number in the cache.
    pub(crate) fn source(&mut self, number: u32, uri: &str) {
        let seen = HashSet::new();
        self.sources.push(Source { number, uri: uri.to_owned(), rows: Vec::new(), seen });
    }

    /// Adds what a line of a source says; tells how many records were new, and how many exact repeats.
    pub(crate) fn push(&mut self, number: u32, line: &[u8]) -> (u64, u64) {
        let source = self.sources.iter_mut().find(|source| source.number == number).unwrap();
        let mut counts = (0, 0);
        for (_, record) in records(line) {
            let Ok(record) = record else { continue };
            let fields = fields_of(&record);
            if source.seen.insert(fields.clone()) {
                let arrival = source.rows.len() as u64;
                source.rows.push(Row { source: number, arrival, time: record.time, fields });
                counts.0 += 1;
            } else {
                counts.1 += 1;
            }
        }
        counts
    }

    fn rows(&self, query: &Query) -> Vec<&Row> {
        let TimeRange { start, end } = query.time;
        let passes = condition(&query.filter);
        self.sources
            .iter()
            .filter(|source| query.sources.is_empty() || query.sources.contains(&source.uri))
            .flat_map(|source| &source.rows)
            .filter(|row| start.is_none_or(|start| start <= row.time))
            .filter(|row| end.is_none_or(|end| row.time < end))
            .filter(|row| query.counting == Counting::AsLogged || row.is_request())
            .filter(|row| passes(row))
            .collect()
    }

    /// The answer to a question.
    pub(crate) fn answer(&self, query: &Query) -> Answer {
        let rows = self.rows(query);
        match &query.ask {
            Ask::Totals => Answer::Totals(Totals { stats: stats(rows) }),
            Ask::Groups { by, more, sort, limit } => Answer::Groups(groups(&rows, by, more, *sort, *limit)),
            Ask::Series { bucket, each } => Answer::Series(series(&rows, *bucket, each.as_ref())),
            Ask::Requests { sort, offset, limit, fields } => {
                let mut answer = requests(&rows, *sort, *offset, *limit);
                for row in answer.rows.iter_mut().filter(|_| !fields.is_empty()) {
                    for field in Field::all().filter(|field| *field != Field::Time && !fields.contains(field))
                    {
                        row.fields[field as usize] = Value::Absent;
                    }
                }
                Answer::Requests(answer)
            }
            Ask::RequestsById(ids) => {
                let all = self.sources.iter().flat_map(|source| &source.rows);
                let all: Vec<&Row> = all.collect();
                let rows: Vec<RequestRow> = ids
                    .iter()
                    .filter_map(|id| all.iter().find(|row| (row.source, row.arrival) == *id))
                    .map(|row| RequestRow {
                        id: (row.source, row.arrival),
                        time: row.time,
                        fields: row.fields.clone(),
                    })
                    .collect();
                Answer::Requests(Requests { matched: rows.len() as u64, rows })
            }
        }
    }
}

fn groups(rows: &[&Row], by: &Dimension, more: &[Measure], sort: Sort<Measure>, limit: usize) -> Groups {
    let mut groups: BTreeMap<Value, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(row.group(by)).or_default().push(row);
    }
    let group_count = groups.len() as u64;
    // In the order of values, so that a stable sort breaks ties by them.
    let mut ranked: Vec<_> =
        groups.into_iter().map(|(value, rows)| (rank(sort.by, &value, &rows), value, rows)).collect();
    ranked.sort_by(|(one, ..), (other, ..)| in_order(one, other, sort.descending));
    if limit > 0 {
        ranked.truncate(limit);
    }
    let rows_of = ranked.into_iter().map(|(_, value, rows)| GroupRow {
        stats: stats(rows.iter().copied()),
        more: more.iter().map(|measure| column(*measure, &value, &rows)).collect(),
        value,
    });
    Groups {
        rows: rows_of.collect(),
        group_count,
        totals: stats(rows.iter().copied()),
        approximate: Vec::new(),
    }
}

fn series(rows: &[&Row], bucket: u32, each: Option<&(Dimension, Vec<Value>)>) -> Series {
    let width = i64::from(bucket);
    // 1970-01-05 was a Monday.
    let origin = if bucket.is_multiple_of(7 * 86_400) { 4 * 86_400 } else { 0 };
    let lines: Vec<Vec<&Row>> = match each {
        None => vec![rows.to_vec()],
        Some((by, values)) => values
            .iter()
            .map(|value| rows.iter().copied().filter(|row| row.group(by) == *value).collect())
            .collect(),
    };
    let numbers = || lines.iter().flatten().map(|row| (row.time - origin).div_euclid(width));
    let (Some(first), Some(last)) = (numbers().min(), numbers().max()) else {
        return Series { bucket, start: 0, lines: vec![Vec::new(); lines.len()] };
    };
    let line = |rows: &Vec<&Row>| {
        let mut buckets: BTreeMap<i64, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            buckets.entry((row.time - origin).div_euclid(width)).or_default().push(row);
        }
        (first..=last).map(|number| stats(buckets.get(&number).into_iter().flatten().copied())).collect()
    };
    Series { bucket, start: first * width + origin, lines: lines.iter().map(line).collect() }
}

fn requests(rows: &[&Row], sort: Sort<Field>, offset: usize, limit: usize) -> Requests {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| (row.time, row.source, row.arrival));
    let key = |row: &Row| Some(row.get(sort.by).clone()).filter(|value| *value != Value::Absent);
    sorted.sort_by(|one, other| in_order(&key(one), &key(other), sort.descending));
    let wanted = if limit == 0 { usize::MAX } else { limit };
    let matched = sorted.len() as u64;
    let rows = sorted.into_iter().skip(offset).take(wanted).map(|row| RequestRow {
        id: (row.source, row.arrival),
        time: row.time,
        fields: row.fields.clone(),
    });
    Requests { rows: rows.collect(), matched }
}
