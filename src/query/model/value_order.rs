//! The order of the values of a dimension: addresses, networks and numbers are in numerical order, other values in that of
//! their bytes.

use std::cmp::Reverse;
use std::net::IpAddr;

use super::{Dimension, Value};
use crate::log::ValueType;

/// The place of a value among those of its dimension. Values in the same place are in the order of their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// A number, or a value that begins with one.
    Number(u64),
    /// An IPv4 address, or a network with its prefix length.
    V4(u32, u8),
    /// An IPv6 address, or a network with its prefix length.
    V6(u128, u8),
    /// Any other value.
    Other,
}

/// What values of a dimension are sorted by. Absent values are last in either direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueKey(Key);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Ascending(Place, Value),
    Descending(Reverse<(Place, Value)>),
    Absent,
}

impl ValueKey {
    /// The key of a value of `by`; `None`: the order of the bytes.
    pub fn new(by: Option<&Dimension>, value: &Value, descending: bool) -> ValueKey {
        let place = by.map_or(Place::Other, |by| Place::of(by, value));
        ValueKey(match value {
            Value::Absent => Key::Absent,
            value if descending => Key::Descending(Reverse((place, value.clone()))),
            value => Key::Ascending(place, value.clone()),
        })
    }
}

impl Place {
    fn of(by: &Dimension, value: &Value) -> Place {
        let Value::Text(text) = value else { return Place::Other };
        let place = match by {
            Dimension::Network { .. } => address(text),
            Dimension::Field(field) if field.spec().value == ValueType::Ip => address(text),
            // `AS16509 Amazon.com`
            Dimension::Asn => text.strip_prefix(b"AS").and_then(number),
            Dimension::QueryParam { .. } => number(text),
            _ => None,
        };
        place.unwrap_or(Place::Other)
    }
}

/// An address, or a network: `203.0.113.7`, `203.0.113.0/24`.
fn address(text: &[u8]) -> Option<Place> {
    let text = std::str::from_utf8(text).ok()?;
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let bits = bits.map_or(Some(u8::MAX), |bits| bits.parse().ok())?;
    Some(match address.parse().ok()? {
        IpAddr::V4(address) => Place::V4(address.to_bits(), bits),
        IpAddr::V6(address) => Place::V6(address.to_bits(), bits),
    })
}

/// A whole number that is the first word of a text.
fn number(text: &[u8]) -> Option<Place> {
    let first = text.split(|byte| *byte == b' ').next()?;
    let number =
        std::str::from_utf8(first).ok().filter(|text| text.bytes().all(|digit| digit.is_ascii_digit()))?;
    number.parse().ok().map(Place::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Field;

    fn sorted(by: &Dimension, values: &[&str]) -> Vec<String> {
        let mut values: Vec<Value> = values.iter().map(|text| Value::from(*text)).collect();
        values.push(Value::Absent);
        values.sort_by_key(|value| ValueKey::new(Some(by), value, false));
        values.iter().map(Value::to_text).collect()
    }

    #[test]
    fn addresses_were_sorted_as_text() {
        let by = Dimension::Field(Field::RemoteIp);
        let values = ["2001:db8::10", "100.64.0.1", "9.1.1.1", "2001:db8::9", "odd", "10.0.0.1"];
        let expected = ["9.1.1.1", "10.0.0.1", "100.64.0.1", "2001:db8::9", "2001:db8::10", "odd", "-"];
        assert_eq!(sorted(&by, &values), expected);
    }

    #[test]
    fn networks_were_sorted_as_text() {
        let values = ["100.64.2.0/24", "9.0.0.0/24", "2001:db8:10::/48", "2001:db8:9::/48", "9.0.0.0/8"];
        let expected =
            ["9.0.0.0/8", "9.0.0.0/24", "100.64.2.0/24", "2001:db8:9::/48", "2001:db8:10::/48", "-"];
        assert_eq!(sorted(&Dimension::NETWORK, &values), expected);
    }

    #[test]
    fn numbers_in_texts_were_sorted_as_text() {
        let by = Dimension::QueryParam { name: "x-part".to_owned() };
        assert_eq!(sorted(&by, &["10", "9", "all", "1"]), ["1", "9", "10", "all", "-"]);
        assert_eq!(
            sorted(&Dimension::Asn, &["AS14618 Amazon.com", "AS701 Verizon"]),
            ["AS701 Verizon", "AS14618 Amazon.com", "-"]
        );
        let keys = Dimension::Field(Field::Key);
        assert_eq!(sorted(&keys, &["10", "9"]), ["10", "9", "-"], "as S3 lists them");
    }
}
