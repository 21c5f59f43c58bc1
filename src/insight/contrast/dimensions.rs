//! Which dimensions a contrast is about, and how they are related.

use std::collections::HashSet;

use super::times::Times;
use super::{Against, LeftOut, Reason};
use crate::insight::Scope;
use crate::log::Field;
use crate::query::filter::Subject;
use crate::query::{ComparedDimension, Dimension, Filter, Value};

/// A dimension with more values than this share of the requests has ids, not values.
const MAX_VALUES_PER_REQUEST: f64 = 0.8;

/// The fields that the filters of both sets are about.
pub(super) struct Fixed {
    fields: HashSet<Field>,
    dimensions: HashSet<Dimension>,
    /// Whether the times of the sets decide the hours of the day, and the days of the week.
    hours: bool,
    weekdays: bool,
}

impl Fixed {
    /// `b` is the filter of the other set. `seen` is the first second of all requests, and the second after the last.
    pub(super) fn new(a: &Scope, against: &Against, b: &Filter, seen: (i64, i64)) -> Fixed {
        let (mut fields, mut dimensions) = (HashSet::new(), HashSet::new());
        for filter in [&a.filter, b] {
            add_subjects(filter, &mut fields, &mut dimensions);
        }
        let times = Times::of(a, against, seen);
        let differ = |by: Dimension, parts: fn(&Times) -> bool| dimensions.contains(&by) || !parts(&times);
        let hours = differ(Dimension::HourOfDay, Times::have_the_same_hours);
        let weekdays = differ(Dimension::Weekday, Times::have_the_same_weekdays);
        Fixed { fields, dimensions, hours, weekdays }
    }

    /// Whether the filters decide what values of the dimension the sets have.
    fn fixes(&self, compared: &ComparedDimension) -> bool {
        match &compared.by {
            Dimension::HourOfDay => self.hours,
            Dimension::Weekday => self.weekdays,
            // A filter by folder leaves the file name extension open.
            Dimension::Extension => {
                self.dimensions.contains(&Dimension::Extension)
                    || self.fields.contains(&Field::Key) && compared.value_counts[0] < 2
            }
            by => by.base() != Field::Time && self.fields.contains(&by.base()),
        }
    }
}

fn add_subjects(filter: &Filter, fields: &mut HashSet<Field>, dimensions: &mut HashSet<Dimension>) {
    match filter {
        Filter::All(filters) | Filter::Any(filters) => {
            filters.iter().for_each(|filter| add_subjects(filter, fields, dimensions));
        }
        Filter::Not(filter) => add_subjects(filter, fields, dimensions),
        Filter::Term(Subject::Field(field), _) => {
            fields.insert(*field);
        }
        Filter::Term(Subject::Derived(by), _) => {
            fields.insert(by.base());
            dimensions.insert(by.clone());
        }
        // A word may be in any of several fields.
        Filter::Term(Subject::Anywhere, _) => {}
    }
}

/// The dimensions that are compared. The method is left out: the operation says more, and some operations name none. So are
/// the source and the log file: the former says which bucket, the latter is another word for the time.
pub(super) fn all() -> Vec<Dimension> {
    let left_out = [Dimension::Method, Dimension::Field(Field::Source), Dimension::Field(Field::LogFile)];
    let usual = Dimension::all().into_iter().filter(|by| !left_out.contains(by));
    usual.chain([Dimension::Prefix { depth: 2 }]).collect()
}

/// Why a dimension says nothing about the difference between the sets; `None` if it may.
pub(super) fn left_out(compared: &ComparedDimension, requests: [u64; 2], fixed: &Fixed) -> Option<LeftOut> {
    let all = requests[0] + requests[1];
    let reason = if compared.all_value_count < 2 {
        Reason::SingleValue
    } else if fixed.fixes(compared) {
        Reason::Filter
    } else if compared.all_value_count as f64 > all as f64 * MAX_VALUES_PER_REQUEST {
        Reason::Ids
    } else {
        return None;
    };
    Some(LeftOut { dimension: compared.by.clone(), reason })
}

/// Whether all requests with one value have the other value too, because of how the dimension is derived: an address
/// and its network, a key and its folder.
pub(super) fn is_within(fine: (&Dimension, &Value), coarse: (&Dimension, &Value)) -> bool {
    let is_finer = match (fine.0, coarse.0) {
        (Dimension::Field(_), Dimension::Field(_)) => false,
        (Dimension::Field(field), derived) => derived.base() == *field,
        (Dimension::Prefix { depth: fine }, Dimension::Prefix { depth: coarse }) => fine > coarse,
        _ => false,
    };
    if !is_finer {
        return false;
    }
    let text = match fine.1 {
        Value::Absent => None,
        value => Some(bytes(value)),
    };
    match (coarse.0.derive(text.as_deref()), coarse.1) {
        (None, Value::Absent) => true,
        (Some(derived), value) => *value != Value::Absent && *derived == *bytes(value),
        (None, _) => false,
    }
}

/// Whether a value of a prefix dimension has fewer folders than the dimension may have: then a shorter prefix has the
/// same value.
pub(super) fn repeats_a_shorter_prefix(by: &Dimension, value: &Value) -> bool {
    match by {
        Dimension::Prefix { depth } => {
            memchr::memchr_iter(b'/', &bytes(value)).count() < usize::from(*depth) && *depth > 1
        }
        _ => false,
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.to_vec(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Absent => Vec::new(),
    }
}

/// Whether two dimensions describe the same property of a connection or of a signature: values that the same requests
/// have say the same.
pub(super) fn is_same_fact(one: &Dimension, other: &Dimension) -> bool {
    const TLS: [Field; 2] = [Field::TlsVersion, Field::CipherSuite];
    const SIGNATURE: [Field; 2] = [Field::SignatureVersion, Field::AuthenticationType];
    let (one, other) = (one.base(), other.base());
    [TLS, SIGNATURE].iter().any(|fact| fact.contains(&one) && fact.contains(&other))
}

/// How specific a dimension is: of two values that select nearly the same requests, the more specific one says more.
pub(super) fn specificity(by: &Dimension) -> u8 {
    match by {
        Dimension::Field(_) => u8::MAX,
        Dimension::Prefix { depth } => *depth,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_within_its_network_and_a_key_within_its_folders() {
        let (ip, key) = (Dimension::Field(Field::RemoteIp), Dimension::Field(Field::Key));
        let address = Value::from("203.0.113.7");
        let within = |fine: (&Dimension, &str), coarse: (&Dimension, &str)| {
            is_within((fine.0, &Value::from(fine.1)), (coarse.0, &Value::from(coarse.1)))
        };
        assert!(is_within((&ip, &address), (&Dimension::NETWORK, &Value::from("203.0.113.0/24"))));
        assert!(!is_within((&ip, &address), (&Dimension::NETWORK, &Value::from("198.51.100.0/24"))));
        let [one, two] = [1, 2].map(|depth| Dimension::Prefix { depth });
        assert!(within((&key, "a/b/c.mp4"), (&one, "a/")));
        assert!(within((&two, "a/b/"), (&one, "a/")));
        assert!(!within((&one, "a/"), (&two, "a/b/")));
        // A file name extension is not a key.
        assert!(!within((&Dimension::Extension, "mp4"), (&one, "")));
        let status = (&Dimension::Field(Field::HttpStatus), &Value::Integer(404));
        assert!(is_within(status, (&Dimension::StatusClass, &Value::from("4xx"))));
        let requester = Dimension::Field(Field::Requester);
        assert!(is_within((&requester, &Value::Absent), (&Dimension::Role, &Value::Absent)));
    }
}
