//! Interprets values by the subject of their term: for a status, `404` is a number and `4xx` a range; for
//! a requester, `role/etl` is a part; for an address, `203.0.113.0/24` is a network.

use std::net::IpAddr;

use ipnet::IpNet;

use super::names::{Spelling, name_of};
use super::number::{self, Unit, shorten};
use super::period::{self, Reference};
use super::{Filter, Subject, Test};
use crate::identity::agent_family;
use crate::log::{FIELDS, Field, Kind, ValueType, error_code, method};
use crate::query::Dimension;

/// A value as typed, without its quotes and escapes.
#[derive(Debug)]
pub(super) struct Literal {
    pub(super) bytes: Vec<u8>,
    /// The pattern, if the value has an unquoted `*`, `?` or `[`.
    pub(super) pattern: Option<String>,
    /// Whether the value or a part of it was quoted.
    pub(super) is_quoted: bool,
}

impl Literal {
    /// A value without quotes.
    pub(super) fn bare(text: &str) -> Literal {
        Literal {
            bytes: text.as_bytes().to_vec(),
            pattern: text.contains(super::glob::is_meta).then(|| text.to_owned()),
            is_quoted: false,
        }
    }

    /// A value in quotes.
    pub(super) fn quoted(bytes: &[u8]) -> Literal {
        Literal { bytes: bytes.to_vec(), pattern: None, is_quoted: true }
    }

    pub(super) fn is_absent(&self) -> bool {
        self.bytes == b"-" && !self.is_quoted
    }

    pub(super) fn text(&self) -> Result<&str, String> {
        std::str::from_utf8(&self.bytes)
            .map_err(|_| "expected text in UTF-8; only an exact value can have other bytes".to_owned())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How the text of a number is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKind {
    Number(Unit),
    Time,
    Weekday,
}

/// The kind of numbers that a subject has; `None` if its values are text.
pub(super) fn number_kind(subject: &Subject) -> Option<NumberKind> {
    match subject {
        Subject::Field(field) => match (field.spec().value, field.kind()) {
            (ValueType::Instant, _) => Some(NumberKind::Time),
            // Measures are bytes, except for those named `…_time`, which are milliseconds.
            (ValueType::Integer, Kind::Measure) if field.name().ends_with("_time") => {
                Some(NumberKind::Number(Unit::Milliseconds))
            }
            (ValueType::Integer, Kind::Measure) if field.is_stored() => Some(NumberKind::Number(Unit::Bytes)),
            (ValueType::Integer, _) => Some(NumberKind::Number(Unit::Plain)),
            (ValueType::Text | ValueType::Ip, _) => None,
        },
        Subject::Derived(Dimension::HourOfDay) => Some(NumberKind::Number(Unit::Plain)),
        Subject::Derived(Dimension::Weekday) => Some(NumberKind::Weekday),
        Subject::Derived(_) | Subject::Anywhere => None,
    }
}

/// The filter for `subject:value`.
pub(super) fn interpret(subject: &Subject, literal: &Literal, at: Reference) -> Result<Filter, String> {
    let term = |test| Ok(Filter::Term(subject.clone(), test));
    if literal.is_absent() {
        return term(Test::Absent);
    }
    if *subject == Subject::Field(Field::Time) {
        return term(times(literal.text()?, at)?);
    }
    if let Some(pattern) = &literal.pattern {
        return term(Test::Glob(pattern_of(subject, pattern)));
    }
    if let Some(kind) = number_kind(subject) {
        return term(numbers(subject, kind, literal.text()?, at)?);
    }
    match subject {
        Subject::Anywhere => term(Test::Contains(literal.text()?.to_owned())),
        Subject::Field(Field::RemoteIp) => term(address(literal.text()?)?),
        Subject::Field(Field::Requester) => term(requester(literal)?),
        Subject::Field(Field::Operation) => Ok(operation(literal)),
        Subject::Field(field) => term(Test::Equals(match known_spelling(*field, literal) {
            Some(known) => known.as_bytes().to_vec(),
            None => literal.bytes.clone(),
        })),
        Subject::Derived(dimension) => derived(dimension, literal),
    }
}

/// The requests with this operation, method (`GET`), or component of an operation (`expire` for S3.EXPIRE.OBJECT), in any
/// case.
fn operation(literal: &Literal) -> Filter {
    let term = |test| Filter::Term(Subject::Field(Field::Operation), test);
    let exactly = || term(Test::Equals(literal.bytes.clone()));
    let Ok(text) = std::str::from_utf8(&literal.bytes) else { return exactly() };
    let upper = text.to_ascii_uppercase();
    if !literal.is_quoted && begins_operation(&upper) {
        return term(Test::Equals(upper.into_bytes()));
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return exactly();
    }
    if method::named(upper.as_bytes()).is_some() {
        return Filter::Term(Subject::Derived(Dimension::Method), Test::Equals(upper.into_bytes()));
    }
    let parts = [format!("*.{upper}"), format!("*.{upper}.*")].map(|pattern| term(Test::Glob(pattern)));
    Filter::any(std::iter::once(exactly()).chain(parts))
}

/// Whether a text in capital letters begins as the operations that S3 logs.
fn begins_operation(text: &str) -> bool {
    ["REST.", "WEBSITE.", "BATCH.", "SOAP.", "S3."].iter().any(|first| text.starts_with(first))
}

/// The spelling in the logs of a value that S3 itself chooses, typed in any case.
fn known_spelling(field: Field, literal: &Literal) -> Option<&'static str> {
    let text = literal.text().ok().filter(|_| !literal.is_quoted)?;
    let among = |known: &[&'static str]| known.iter().find(|known| known.eq_ignore_ascii_case(text)).copied();
    match field {
        Field::ErrorCode => error_code::known(text).map(|(code, _)| code),
        Field::SignatureVersion => among(&["SigV2", "SigV4"]),
        Field::AuthenticationType => among(&["AuthHeader", "QueryString"]),
        Field::AclRequired => among(&["Yes", "No"]),
        _ => None,
    }
}

/// The filter for `subject=value`: this text or number, never a pattern.
pub(super) fn interpret_exact(subject: &Subject, literal: &Literal, at: Reference) -> Result<Filter, String> {
    let is_time = *subject == Subject::Field(Field::Time);
    let test = match number_kind(subject) {
        _ if literal.is_absent() => Test::Absent,
        Some(kind) if !literal.is_quoted || is_time => numbers(subject, kind, literal.text()?, at)?,
        _ => Test::Equals(literal.bytes.clone()),
    };
    Ok(Filter::Term(subject.clone(), test))
}

/// The filter for `subject>value` and the other comparisons.
pub(super) fn interpret_comparison(
    subject: &Subject,
    comparison: Comparison,
    literal: &Literal,
    at: Reference,
) -> Result<Filter, String> {
    let Some(kind) = number_kind(subject) else { return Err(not_comparable(subject)) };
    let text = literal.text()?;
    let (first, last) = if kind == NumberKind::Time {
        let period = period::parse(text, at)?;
        (period.first, period.end_of_range())
    } else {
        let number = within_limits(subject, number_of(kind, text)?)?;
        (number, number)
    };
    let too_large = || format!("\"{}\" is too large", shorten(text));
    let (from, to) = match comparison {
        Comparison::Less => (None, Some(first.checked_sub(1).ok_or_else(too_large)?)),
        Comparison::LessOrEqual => (None, Some(last)),
        Comparison::Greater => (Some(last.checked_add(1).ok_or_else(too_large)?), None),
        Comparison::GreaterOrEqual => (Some(first), None),
    };
    Ok(Filter::Term(subject.clone(), possible_range(subject, from, to)?))
}

fn not_comparable(subject: &Subject) -> String {
    let name = name_of(subject, Spelling::Canonical);
    let fields = FIELDS.iter().filter(|spec| number_kind(&Subject::Field(spec.field)).is_some());
    let derived = Dimension::all().into_iter().filter(|dimension| {
        !matches!(dimension, Dimension::Field(_))
            && number_kind(&Subject::Derived(dimension.clone())).is_some()
    });
    let names: Vec<String> =
        fields.map(|spec| spec.name.to_owned()).chain(derived.map(|dimension| dimension.name())).collect();
    format!("\"{name}\" is text; only numbers and times can be compared: {}", names.join(", "))
}

/// A number, a range `a..b`, or, for a status, a class such as `4xx`.
fn numbers(subject: &Subject, kind: NumberKind, text: &str, at: Reference) -> Result<Test, String> {
    if kind == NumberKind::Time {
        return times(text, at);
    }
    if *subject == Subject::Field(Field::HttpStatus)
        && let Some(class) = status_class(text)
    {
        return Ok(Test::Range(Some(class * 100), Some(class * 100 + 99)));
    }
    let number_of = |text: &str| number_of(kind, text).and_then(|number| within_limits(subject, number));
    let Some((from, to)) = text.split_once("..") else {
        let number = number_of(text)?;
        return possible_range(subject, Some(number), Some(number));
    };
    let bound = |text: &str| match text {
        "" => Ok(None),
        text => number_of(text).map(Some),
    };
    let (from, to) = (bound(from)?, bound(to)?);
    range(from, to, text).and_then(|_| possible_range(subject, from, to))
}

fn number_of(kind: NumberKind, text: &str) -> Result<i64, String> {
    match kind {
        NumberKind::Number(unit) => number::parse(text, unit),
        NumberKind::Time => Err(format!("expected {}, not \"{}\"", period::EXPECTED, shorten(text))),
        NumberKind::Weekday => weekday(text).or_else(|| text.parse().ok()).ok_or_else(|| {
            format!("expected a day from 1 (Monday) to 7, or mon to sun, not \"{}\"", shorten(text))
        }),
    }
}

/// The least and the greatest value of a subject whose values are limited.
fn limits(subject: &Subject) -> Option<(i64, i64)> {
    match subject {
        Subject::Derived(Dimension::HourOfDay) => Some((0, 23)),
        Subject::Derived(Dimension::Weekday) => Some((1, 7)),
        Subject::Field(Field::HttpStatus) => Some((100, 999)),
        _ => None,
    }
}

/// The number, if it is an hour, a day of the week, or of a subject without limits. (A status outside of its limits can be
/// the end of a range: `status>0`.)
fn within_limits(subject: &Subject, number: i64) -> Result<i64, String> {
    let limits = limits(subject).filter(|_| matches!(subject, Subject::Derived(_)));
    match limits {
        Some((least, greatest)) if !(least..=greatest).contains(&number) => {
            Err(beyond_limits(subject, (least, greatest)))
        }
        _ => Ok(number),
    }
}

/// The test for a range, if the subject can have a number in it.
fn possible_range(subject: &Subject, from: Option<i64>, to: Option<i64>) -> Result<Test, String> {
    match limits(subject) {
        Some((least, greatest))
            if from.is_some_and(|from| from > greatest) || to.is_some_and(|to| to < least) =>
        {
            Err(beyond_limits(subject, (least, greatest)))
        }
        _ => Ok(Test::Range(from, to)),
    }
}

fn beyond_limits(subject: &Subject, (least, greatest): (i64, i64)) -> String {
    let name = name_of(subject, Spelling::Canonical);
    format!("{name} is a number from {least} to {greatest}: no request matches")
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

/// A period, or a range `a..b` of two. After a date, the end may be a time of the same day: `04-09 12:00..18:00`.
fn times(text: &str, at: Reference) -> Result<Test, String> {
    let Some((from, to)) = text.split_once("..") else {
        let period = period::parse(text, at)?;
        let last = (!period.is_relative).then_some(period.last);
        return Ok(Test::Range(Some(period.first), last));
    };
    let date = from.split(['T', 't', ' ']).next().unwrap_or("");
    let first = if from.is_empty() { None } else { Some(period::parse(from, at)?.first) };
    let last = match to {
        "" => None,
        "24:00" if period::is_date(date) => Some(period::parse(date, at)?.last),
        to if period::is_date(date) && period::is_time_of_day(to) => {
            Some(period::parse(&format!("{date}T{to}"), at)?.end_of_range())
        }
        to => Some(period::parse(to, at)?.end_of_range()),
    };
    range(first, last, text)
}

fn range(from: Option<i64>, to: Option<i64>, text: &str) -> Result<Test, String> {
    if let (Some(first), Some(last)) = (from, to)
        && first > last
    {
        return Err(format!("the range \"{}\" ends before it begins", shorten(text)));
    }
    Ok(Test::Range(from, to))
}

/// An address or a network. An IPv4 address has one spelling, so it is compared as text. An IPv6 address has several,
/// so it is compared as a network of one address.
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

/// A whole requester if the value contains `:` (an ARN) or is a canonical id; otherwise a path component, such as
/// `role/etl`, `user/ann`, an account or a service.
fn requester(literal: &Literal) -> Result<Test, String> {
    let bytes = &literal.bytes;
    let is_id = matches!(bytes.len(), 64 | 96) && bytes.iter().all(u8::is_ascii_hexdigit);
    match std::str::from_utf8(bytes) {
        Ok(part) if !is_id && !part.is_empty() && !part.contains(':') => Ok(Test::PathPart(part.to_owned())),
        _ => Ok(Test::Equals(bytes.clone())),
    }
}

/// The pattern of a term. For a requester, `role/etl-*` matches the end of the value. Operations are in capital letters.
fn pattern_of(subject: &Subject, pattern: &str) -> String {
    if *subject == Subject::Field(Field::Operation) && begins_operation(&pattern.to_ascii_uppercase()) {
        return pattern.to_ascii_uppercase();
    }
    let is_tail = *subject == Subject::Field(Field::Requester)
        && pattern.contains('/')
        && !pattern.contains(':')
        && !pattern.starts_with('*');
    if is_tail { format!("*{pattern}") } else { pattern.to_owned() }
}

fn derived(dimension: &Dimension, literal: &Literal) -> Result<Filter, String> {
    let mut dimension = dimension.clone();
    let mut bytes = literal.bytes.clone();
    match &mut dimension {
        Dimension::Network { v4, v6 } => {
            let text = literal.text()?;
            let expected = || format!("expected a network such as 203.0.113.0/24, not \"{}\"", shorten(text));
            let network: IpNet = match text.parse::<IpAddr>() {
                Ok(address) => {
                    let bits = if address.is_ipv4() { *v4 } else { *v6 };
                    IpNet::new(address, bits).map_err(|_| expected())?
                }
                Err(_) => text.parse().map_err(|_| expected())?,
            };
            let network = network.trunc();
            let bits = if network.addr().is_ipv4() { *v4 } else { *v6 };
            if network.prefix_len() != bits {
                return Ok(Filter::Term(Subject::Derived(dimension), Test::Network(network)));
            }
            bytes = network.to_string().into_bytes();
        }
        // `role:etl`: as for a requester. `role:role/etl`: the whole value.
        Dimension::Role if !literal.is_quoted => {
            if let Test::PathPart(part) = requester(literal)?
                && !part.contains('/')
            {
                return Ok(Filter::Term(Subject::Derived(dimension), Test::PathPart(part)));
            }
        }
        Dimension::Prefix { depth } if !bytes.is_empty() => {
            if bytes.last() != Some(&b'/') && !literal.is_quoted {
                bytes.push(b'/');
            }
            let folders = bytes.iter().filter(|byte| **byte == b'/').count();
            // `prefix:media/2026/` has two folders, so it is `prefix/2:media/2026/`.
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
        Dimension::Country => bytes.make_ascii_uppercase(),
        // `asn:AS14618`, `asn:14618`: whoever owns it. `asn:"AS14618 Amazon.com"`: the whole value.
        Dimension::Asn if !literal.is_quoted => {
            let text = literal.text()?.to_ascii_uppercase();
            let number = text.strip_prefix("AS").unwrap_or(&text);
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!(
                    "expected a number such as AS14618, not \"{}\"; asn*=text searches for the name of the owner",
                    shorten(&text)
                ));
            }
            let test = Test::Regex(format!("^AS{number}( |$)"));
            return Ok(Filter::Term(Subject::Derived(dimension), test));
        }
        // `aws:EC2`, `aws:us-east-1`: a service or a region. `aws:"EC2 us-east-1"`: both.
        Dimension::Aws if !literal.is_quoted => {
            let word = regex::escape(literal.text()?);
            let test = Test::Regex(format!("(?i)(^| ){word}( |$)"));
            return Ok(Filter::Term(Subject::Derived(dimension), test));
        }
        Dimension::RefererHost | Dimension::HostName => bytes.make_ascii_lowercase(),
        Dimension::AgentFamily => {
            if let Some(known) = literal.text().ok().and_then(agent_family::known_family) {
                bytes = known.as_bytes().to_vec();
            }
        }
        Dimension::Method => bytes.make_ascii_uppercase(),
        Dimension::StatusClass => {
            let text = literal.text()?.to_ascii_lowercase();
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
