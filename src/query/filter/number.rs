//! Numbers with units: `404`, `10MB`, `1.5GiB`, `500ms`.

use winnow::Parser;
use winnow::ascii::digit1;
use winnow::combinator::{opt, preceded};
use winnow::token::rest;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Plain,
    Bytes,
    Milliseconds,
}

/// Suffixes and their factors.
const BYTE_UNITS: [(&str, i64); 8] = [
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];
const TIME_UNITS: [(&str, i64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// Parses a number with an optional unit in any case. Sizes have decimal (`MB`) or binary (`MiB`) units; the `B` may be
/// left out (`10k`, `10Mi`). The error is a message.
pub(super) fn parse(text: &str, unit: Unit) -> Result<i64, String> {
    let unexpected = || format!("expected {}, not \"{}\"", expected(unit), shorten(text));
    let mut number = (opt('-'), digit1::<_, ()>, opt(preceded('.', digit1::<_, ()>)), rest::<_, ()>);
    let mut input = text;
    let Ok((minus, whole, fraction, suffix)) = number.parse_next(&mut input) else {
        return Err(unexpected());
    };
    let factor = factor(suffix, unit).ok_or_else(unexpected)?;
    let fraction: &str = fraction.unwrap_or("");
    if !fraction.is_empty() && suffix.is_empty() {
        return Err(format!("expected a whole number, not \"{}\"", shorten(text)));
    }
    let fraction = &fraction[..fraction.len().min(15)];
    let too_large = || format!("\"{}\" is too large", shorten(text));
    let scale = 10_i128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let whole: i128 = whole.parse::<u64>().map_err(|_| too_large())?.into();
    let part: i128 = fraction.parse::<u64>().unwrap_or(0).into();
    let value = (whole * scale + part).checked_mul(factor.into()).ok_or_else(too_large)? / scale;
    let value = if minus.is_some() { -value } else { value };
    i64::try_from(value).map_err(|_| too_large())
}

fn factor(suffix: &str, unit: Unit) -> Option<i64> {
    if suffix.is_empty() {
        return Some(1);
    }
    match unit {
        Unit::Plain => None,
        Unit::Bytes if suffix.eq_ignore_ascii_case("b") => Some(1),
        Unit::Bytes => BYTE_UNITS
            .iter()
            .find(|(name, _)| {
                name.eq_ignore_ascii_case(suffix) || name[..name.len() - 1].eq_ignore_ascii_case(suffix)
            })
            .map(|(_, factor)| *factor),
        Unit::Milliseconds => {
            let suffix = if suffix.eq_ignore_ascii_case("min") { "m" } else { suffix };
            TIME_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(suffix)).map(|(_, factor)| *factor)
        }
    }
}

fn expected(unit: Unit) -> &'static str {
    match unit {
        Unit::Plain => "a number such as 404",
        Unit::Bytes => "a size such as 500, 10MB or 1.5GiB",
        Unit::Milliseconds => "a time such as 500ms or 2s (a bare number is milliseconds)",
    }
}

/// The shortest spelling that [`parse`] reads as exactly this number.
pub(super) fn print(number: i64, unit: Unit) -> String {
    let units: &[(&str, i64)] = match unit {
        Unit::Plain => &[],
        Unit::Bytes => &BYTE_UNITS,
        Unit::Milliseconds => &TIME_UNITS[1..],
    };
    let mut best = number.to_string();
    for (name, factor) in units.iter().filter(|(_, factor)| number != 0 && number % factor == 0) {
        let text = format!("{}{name}", number / factor);
        if text.len() <= best.len() {
            best = text;
        }
    }
    best
}

/// At most 40 visible characters of a text, for messages.
pub(super) fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().filter(|c| !super::is_invisible(*c)).take(40).collect();
    if text.chars().count() > 40 {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_decimal_or_binary_units() {
        for (text, bytes) in [
            ("0", 0),
            ("500", 500),
            ("500B", 500),
            ("10k", 10_000),
            ("10kb", 10_000),
            ("10KiB", 10_240),
            ("10MB", 10_000_000),
            ("1Mi", 1 << 20),
            ("1.5GiB", 3 << 29),
            ("0.5tb", 500_000_000_000),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(parse(text, Unit::Bytes), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn durations_are_milliseconds() {
        assert_eq!(parse("500", Unit::Milliseconds), Ok(500));
        assert_eq!(parse("500ms", Unit::Milliseconds), Ok(500));
        assert_eq!(parse("1.5s", Unit::Milliseconds), Ok(1_500));
        assert_eq!(parse("2min", Unit::Milliseconds), Ok(120_000));
    }

    #[test]
    fn an_invalid_number_is_rejected_with_an_example() {
        assert_eq!(parse("abc", Unit::Plain).unwrap_err(), "expected a number such as 404, not \"abc\"");
        assert!(parse("10XB", Unit::Bytes).unwrap_err().contains("10MB"));
        assert!(parse("", Unit::Plain).is_err());
        assert!(parse("1.5", Unit::Plain).unwrap_err().contains("whole number"));
        assert!(parse("99999999999TB", Unit::Bytes).unwrap_err().contains("too large"));
        assert!(parse("99999999999999999999999999999", Unit::Bytes).unwrap_err().contains("too large"));
    }

    #[test]
    fn numbers_are_printed_in_their_shortest_spelling() {
        assert_eq!(print(10_000_000, Unit::Bytes), "10MB");
        assert_eq!(print(1 << 30, Unit::Bytes), "1GiB");
        assert_eq!(print(12_345, Unit::Bytes), "12345");
        assert_eq!(print(2_000, Unit::Milliseconds), "2s");
        for number in [0, 1, -5, 1_000, 1_024, 1_536, i64::MAX, i64::MIN + 1, 7_200_000] {
            for unit in [Unit::Plain, Unit::Bytes, Unit::Milliseconds] {
                assert_eq!(parse(&print(number, unit), unit), Ok(number), "{number}");
            }
        }
    }
}
