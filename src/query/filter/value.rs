//! What a value means for the thing it is asked of: `404` is a number for a status, `4xx` a range,
//! `role/etl` a part of a requester, `203.0.113.0/24` a network for an address.

use std::net::IpAddr;

use ipnet::IpNet;

use super::number::{self, Unit, shorten};
use super::{Filter, Subject, Test, instant};
use crate::log::{FIELDS, Field, Kind, ValueType, method};
use crate::query::Dimension;

/// A value as typed, with quotes and escapes undone.
#[derive(Debug)]
pub(super) struct Word {
    /// What it says.
    pub(super) bytes: Vec<u8>,
    /// The pattern, if unquoted `*`, `?` or `[` make it one.
    pub(super) glob: Option<String>,
    /// Whether any of it was quoted.
    pub(super) quoted: bool,
}

impl Word {
    /// A word without quotes.
    pub(super) fn bare(text: &str) -> Word {
        Word {
            bytes: text.as_bytes().to_vec(),
            glob: text.contains(super::glob::is_meta).then(|| text.to_owned()),
            quoted: false,
        }
    }

    /// A word in quotes.
    pub(super) fn quoted(bytes: &[u8]) -> Word {
        Word { bytes: bytes.to_vec(), glob: None, quoted: true }
    }

    pub(super) fn is_absent(&self) -> bool {
        self.bytes == b"-" && !self.quoted
    }

    /// The word as text.
    pub(super) fn text(&self) -> Result<&str, String> {
        std::str::from_utf8(&self.bytes).map_err(|_| {
            "expected text in UTF-8; bytes beyond it can stand only in an exact value".to_owned()
        })
    }
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What is compared by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Number(Unit),
    Instant,
    Weekday,
}

/// How the numbers of a subject are read; `None` if it has none.
pub(super) fn scale(subject: &Subject) -> Option<Scale> {
    match subject {
        Subject::Field(field) => match (field.spec().value, field.kind()) {
            (ValueType::Instant, _) => Some(Scale::Instant),
            // Measures are sums of bytes, or of milliseconds where the name says time.
            (ValueType::Integer, Kind::Measure) if field.name().ends_with("_time") => {
                Some(Scale::Number(Unit::Milliseconds))
            }
            (ValueType::Integer, Kind::Measure) => Some(Scale::Number(Unit::Bytes)),
            (ValueType::Integer, _) => Some(Scale::Number(Unit::Plain)),
            (ValueType::Text | ValueType::Ip, _) => None,
        },
        Subject::Derived(Dimension::HourOfDay) => Some(Scale::Number(Unit::Plain)),
        Subject::Derived(Dimension::Weekday) => Some(Scale::Weekday),
        Subject::Derived(_) | Subject::Anywhere => None,
    }
}

/// `field:value`.
pub(super) fn meaning(subject: &Subject, word: &Word, now: i64) -> Result<Filter, String> {
    let term = |test| Ok(Filter::Term(subject.clone(), test));
    if word.is_absent() {
        return term(Test::Absent);
    }
    if *subject == Subject::Field(Field::Time) {
        return term(instants(word.text()?, now)?);
    }
    if let Some(pattern) = &word.glob {
        return term(Test::Glob(pattern_of(subject, pattern)));
    }
    if let Some(scale) = scale(subject) {
        return term(numbers(subject, scale, word.text()?, now)?);
    }
    match subject {
        Subject::Anywhere => term(Test::Contains(word.text()?.to_owned())),
        Subject::Field(Field::RemoteIp) => term(address(word.text()?)?),
        Subject::Field(Field::Requester) => term(requester(word)?),
        Subject::Field(Field::Operation) => match std::str::from_utf8(&word.bytes) {
            // GET for any request of this method.
            Ok(method) if !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                let upper = method.to_ascii_uppercase();
                if method::named(upper.as_bytes()).is_some() {
                    let test = Test::Equals(upper.into_bytes());
                    return Ok(Filter::Term(Subject::Derived(Dimension::Method), test));
                }
                // A part of other operations: EXPIRE of S3.EXPIRE.OBJECT.
                let is_lower = method.bytes().all(|byte| !byte.is_ascii_uppercase());
                let part = if is_lower { upper.as_str() } else { method };
                let tests = [
                    Test::Equals(method.as_bytes().to_vec()),
                    Test::Glob(format!("*.{part}")),
                    Test::Glob(format!("*.{part}.*")),
                ];
                Ok(Filter::any(tests.map(|test| Filter::Term(subject.clone(), test))))
            }
            _ => term(Test::Equals(word.bytes.clone())),
        },
        Subject::Derived(dimension) => derived(dimension, word),
        Subject::Field(_) => term(Test::Equals(word.bytes.clone())),
    }
}

/// `field=value`: exactly this text, or this number.
pub(super) fn exact(subject: &Subject, word: &Word, now: i64) -> Result<Filter, String> {
    let is_time = *subject == Subject::Field(Field::Time);
    let test = match scale(subject) {
        _ if word.is_absent() => Test::Absent,
        Some(scale) if !word.quoted || is_time => numbers(subject, scale, word.text()?, now)?,
        _ => Test::Equals(word.bytes.clone()),
    };
    Ok(Filter::Term(subject.clone(), test))
}

/// `field>value` and its like.
pub(super) fn compare(
    subject: &Subject,
    comparison: Comparison,
    word: &Word,
    now: i64,
) -> Result<Filter, String> {
    let Some(scale) = scale(subject) else { return Err(not_a_number(subject)) };
    let text = word.text()?;
    let (first, last) = if scale == Scale::Instant {
        let instant = instant::parse(text, now).ok_or_else(|| no_instant(text))?;
        (instant.first, instant.end())
    } else {
        let number = number_of(scale, text)?;
        (number, number)
    };
    let too_large = || format!("\"{}\" is too large", shorten(text));
    let test = match comparison {
        Comparison::Less => Test::Range(None, Some(first.checked_sub(1).ok_or_else(too_large)?)),
        Comparison::LessOrEqual => Test::Range(None, Some(last)),
        Comparison::Greater => Test::Range(Some(last.checked_add(1).ok_or_else(too_large)?), None),
        Comparison::GreaterOrEqual => Test::Range(Some(first), None),
    };
    Ok(Filter::Term(subject.clone(), test))
}

fn not_a_number(subject: &Subject) -> String {
    let name = super::print::name_of(subject);
    let fields = FIELDS.iter().filter(|spec| scale(&Subject::Field(spec.field)).is_some());
    let derived = Dimension::all().into_iter().filter(|dimension| {
        !matches!(dimension, Dimension::Field(_)) && scale(&Subject::Derived(dimension.clone())).is_some()
    });
    let names: Vec<String> =
        fields.map(|spec| spec.name.to_owned()).chain(derived.map(|dimension| dimension.name())).collect();
    format!("\"{name}\" is text; only numbers and times can be compared: {}", names.join(", "))
}

fn no_instant(text: &str) -> String {
    format!("expected {}, not \"{}\"", instant::EXPECTED, shorten(text))
}

/// A number, `a..b`, or `4xx` for a status.
fn numbers(subject: &Subject, scale: Scale, text: &str, now: i64) -> Result<Test, String> {
    if scale == Scale::Instant {
        return instants(text, now);
    }
    if *subject == Subject::Field(Field::HttpStatus)
        && let Some(class) = status_class(text)
    {
        return Ok(Test::Range(Some(class * 100), Some(class * 100 + 99)));
    }
    let Some((from, to)) = text.split_once("..") else {
        let number = number_of(scale, text)?;
        return Ok(Test::Range(Some(number), Some(number)));
    };
    let bound = |text: &str| match text {
        "" => Ok(None),
        text => number_of(scale, text).map(Some),
    };
    range(bound(from)?, bound(to)?, text)
}

fn number_of(scale: Scale, text: &str) -> Result<i64, String> {
    match scale {
        Scale::Number(unit) => number::parse(text, unit),
        Scale::Instant => Err(no_instant(text)),
        Scale::Weekday => weekday(text).or_else(|| text.parse().ok()).ok_or_else(|| {
            format!("expected a day from 1 (Monday) to 7, or mon to sun, not \"{}\"", shorten(text))
        }),
    }
}

fn weekday(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let at = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        .into_iter()
        .position(|day| lower.len() >= 2 && day.starts_with(&lower))?;
    i64::try_from(at + 1).ok()
}

fn status_class(text: &str) -> Option<i64> {
    match text.as_bytes() {
        [class @ b'1'..=b'9', b'x' | b'X', b'x' | b'X'] => Some(i64::from(class - b'0')),
        _ => None,
    }
}

/// An instant, or `a..b`.
fn instants(text: &str, now: i64) -> Result<Test, String> {
    let read = |text: &str| instant::parse(text, now).ok_or_else(|| no_instant(text));
    let Some((from, to)) = text.split_once("..") else {
        let instant = read(text)?;
        let last = (!instant.relative).then_some(instant.last);
        return Ok(Test::Range(Some(instant.first), last));
    };
    let from = if from.is_empty() { None } else { Some(read(from)?.first) };
    let to = if to.is_empty() { None } else { Some(read(to)?.end()) };
    range(from, to, text)
}

fn range(from: Option<i64>, to: Option<i64>, text: &str) -> Result<Test, String> {
    if let (Some(first), Some(last)) = (from, to)
        && first > last
    {
        return Err(format!("the range \"{}\" ends before it begins", shorten(text)));
    }
    Ok(Test::Range(from, to))
}

/// An address or a network. S3 spells an IPv4 address in one way only; an IPv6 address has many
/// spellings, so it is compared by number: as a network of one address.
fn address(text: &str) -> Result<Test, String> {
    match text.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => return Ok(Test::Equals(address.to_string().into_bytes())),
        Ok(IpAddr::V6(address)) => return Ok(Test::Network(IpNet::from(IpAddr::V6(address)))),
        Err(_) => {}
    }
    text.parse::<IpNet>().map(|network| Test::Network(network.trunc())).map_err(|_| {
        format!(
            "expected an address, a network such as 203.0.113.0/24 or a pattern such as 203.0.113.*, not \"{}\"",
            shorten(text)
        )
    })
}

/// A whole requester where the value is one (an ARN, a service, a canonical id); else a part of it:
/// `role/etl`, `user/ann`, an account.
fn requester(word: &Word) -> Result<Test, String> {
    let bytes = &word.bytes;
    let is_id = matches!(bytes.len(), 64 | 96) && bytes.iter().all(u8::is_ascii_hexdigit);
    match std::str::from_utf8(bytes) {
        Ok(part) if !is_id && !part.is_empty() && !part.contains(':') => Ok(Test::PathPart(part.to_owned())),
        _ => Ok(Test::Equals(bytes.clone())),
    }
}

/// A pattern, made to fit what it is asked of: `role/etl-*` is the end of a requester, not all of it.
fn pattern_of(subject: &Subject, pattern: &str) -> String {
    let is_tail = *subject == Subject::Field(Field::Requester)
        && pattern.contains('/')
        && !pattern.contains(':')
        && !pattern.starts_with('*');
    if is_tail { format!("*{pattern}") } else { pattern.to_owned() }
}

fn derived(dimension: &Dimension, word: &Word) -> Result<Filter, String> {
    let mut dimension = dimension.clone();
    let mut bytes = word.bytes.clone();
    match &mut dimension {
        Dimension::Network { v4, v6 } => {
            let text = word.text()?;
            let wanted = || format!("expected a network such as 203.0.113.0/24, not \"{}\"", shorten(text));
            let network: IpNet = match text.parse::<IpAddr>() {
                Ok(address) => {
                    let bits = if address.is_ipv4() { *v4 } else { *v6 };
                    IpNet::new(address, bits).map_err(|_| wanted())?
                }
                Err(_) => text.parse().map_err(|_| wanted())?,
            };
            let network = network.trunc();
            let bits = if network.addr().is_ipv4() { *v4 } else { *v6 };
            if network.prefix_len() != bits {
                return Ok(Filter::Term(Subject::Derived(dimension), Test::Network(network)));
            }
            bytes = network.to_string().into_bytes();
        }
        Dimension::Prefix { depth } if !bytes.is_empty() => {
            if bytes.last() != Some(&b'/') && !word.quoted {
                bytes.push(b'/');
            }
            let folders = bytes.iter().filter(|byte| **byte == b'/').count();
            // `prefix:media/2026/` asks for two folders, whatever it says about depth.
            if *depth == 1 && folders > 1 {
                *depth = u8::try_from(folders).unwrap_or(u8::MAX);
            }
        }
        Dimension::Extension => {
            bytes.make_ascii_lowercase();
            if bytes.len() > 1 && bytes.first() == Some(&b'.') {
                bytes.remove(0);
            }
        }
        Dimension::Method => bytes.make_ascii_uppercase(),
        Dimension::StatusClass => {
            let text = word.text()?.to_ascii_lowercase();
            let class = text.strip_suffix("xx").unwrap_or(&text);
            if class.len() != 1 || !class.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!("expected 2xx, 3xx, 4xx or 5xx, not \"{}\"", shorten(&text)));
            }
            bytes = format!("{class}xx").into_bytes();
        }
        _ => {}
    }
    Ok(Filter::Term(Subject::Derived(dimension), Test::Equals(bytes)))
}
