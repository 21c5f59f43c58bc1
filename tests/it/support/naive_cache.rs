//! A naive cache: the records of log lines in memory, without repeats, and the naive reference engine over them. It
//! uses Tamarin's parser, which has tests of its own.

use std::collections::HashMap;

use tamarin::log::{Field, Kind, Record, ValueType, records};
use tamarin::query::{Answer, Ask, Query, RequestRow, Value};

use super::naive;

/// A source, its requests, and their indexes by their fields, to find repeats.
#[derive(Debug)]
struct Source {
    id: u32,
    uri: String,
    requests: Vec<RequestRow>,
    seen: HashMap<Vec<Value>, usize>,
}

/// The requests of all sources.
#[derive(Debug, Default)]
pub(crate) struct NaiveCache {
    sources: Vec<Source>,
}

/// Every field of a record, as answers have it.
pub(crate) fn fields_of(record: &Record<'_>) -> Vec<Value> {
    let text = |bytes: Option<&[u8]>| bytes.map_or(Value::Absent, |bytes| Value::Text(bytes.into()));
    let key = record.key();
    let logged_key = record.logged(Field::Key);
    // The parts of the line in its order; the rest of the line may have a number already.
    let rest = record.logged(Field::Extra).unwrap_or_default();
    let mut extra: Vec<&[u8]> = Vec::from_iter(record.logged(Field::Extra));
    for field in Field::all() {
        let is_in_rest = |text: &[u8]| rest.as_ptr_range().contains(&text.as_ptr());
        if record.integer(field).is_some_and(|number| number > i64::MAX as u64) {
            extra.extend(record.logged(field).filter(|text| !is_in_rest(text)));
        }
    }
    extra.sort_by_key(|text| text.as_ptr());
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

impl NaiveCache {
    /// Adds a source with its id in the cache.
    pub(crate) fn add_source(&mut self, id: u32, uri: &str) {
        let (requests, seen) = (Vec::new(), HashMap::new());
        self.sources.push(Source { id, uri: uri.to_owned(), requests, seen });
    }

    /// Adds the records of the lines of a log file. Returns the numbers of new requests and of repeats.
    pub(crate) fn push_lines<L: AsRef<[u8]>>(&mut self, source: u32, file: &str, lines: &[L]) -> (u64, u64) {
        let counts = (1..).zip(lines).map(|(number, line)| self.push(source, (file, number), line.as_ref()));
        counts.fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1))
    }

    fn push(&mut self, source: u32, (file, number): (&str, i64), line: &[u8]) -> (u64, u64) {
        let source = self.sources.iter_mut().find(|known| known.id == source).unwrap();
        let mut counts = (0, 0);
        for (_, record) in records(line) {
            let Ok(record) = record else { continue };
            let mut fields = fields_of(&record);
            // The spelling of the key does not distinguish records.
            let mut compared = fields.clone();
            compared[Field::KeyLogged as usize] = Value::Absent;
            let index = *source.seen.entry(compared).or_insert(source.requests.len());
            fields[Field::Source as usize] = Value::from(source.uri.as_str());
            if index == source.requests.len() {
                fields[Field::LogFile as usize] = Value::from(file);
                fields[Field::Line as usize] = Value::Integer(number);
                let number = source.requests.len() as u64;
                source.requests.push(RequestRow { id: (source.id, number), time: record.time, fields });
                counts.0 += 1;
            } else {
                let known = &mut source.requests[index].fields;
                // The log file whose name is first has the request.
                if known[Field::LogFile as usize] > Value::from(file) {
                    known[Field::LogFile as usize] = Value::from(file);
                    known[Field::Line as usize] = Value::Integer(number);
                }
                counts.1 += 1;
            }
        }
        counts
    }

    /// The answer to a query.
    pub(crate) fn answer(&self, query: &Query) -> Answer {
        let is_queried = |source: &&Source| {
            matches!(query.ask, Ask::RequestsById(_))
                || query.sources.is_empty()
                || query.sources.contains(&source.uri)
        };
        naive::answer(self.sources.iter().filter(is_queried).flat_map(|source| &source.requests), query)
    }
}
