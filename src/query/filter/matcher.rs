//! A test of values, compiled to be run many times.

use std::net::IpAddr;

use ipnet::IpNet;
use regex::bytes::{Regex, RegexBuilder};

use super::{Test, glob};

/// Largest size of a compiled regular expression, in bytes, so that `(a{1000}){1000}` does not exhaust memory.
const MAX_REGEX_BYTES: usize = 4 << 20;

/// A compiled [`Test`].
#[derive(Clone, Debug)]
pub struct Matcher(Compiled);

#[derive(Clone, Debug)]
enum Compiled {
    Equals(Vec<u8>),
    Regex(Regex),
    PathPart(Vec<u8>),
    Network(IpNet),
    Range(i64, i64),
    Absent,
}

impl Matcher {
    /// Compiles a test. The error, if a pattern is invalid or too large, is a message of one line.
    pub fn new(test: &Test) -> Result<Matcher, String> {
        let kind = match test {
            Test::Equals(text) => Compiled::Equals(text.clone()),
            Test::Glob(pattern) => Compiled::Regex(compile(&glob::to_regex(pattern), false)?),
            Test::Regex(pattern) => Compiled::Regex(compile(pattern, false)?),
            Test::Contains(text) => Compiled::Regex(compile(&regex::escape(text), true)?),
            Test::PathPart(part) => Compiled::PathPart(part.to_ascii_lowercase().into_bytes()),
            Test::Network(network) => Compiled::Network(*network),
            Test::Range(from, to) => Compiled::Range(from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX)),
            Test::Absent => Compiled::Absent,
        };
        Ok(Matcher(kind))
    }

    /// Whether the text of a value passes the test; `None` is an absent value.
    ///
    /// [`Test::Range`] reads a number (or a time, in seconds) from the text, [`Test::Network`] an address or network.
    /// Other text does not pass.
    pub fn is_match(&self, value: Option<&[u8]>) -> bool {
        let Some(value) = value else { return matches!(self.0, Compiled::Absent) };
        match &self.0 {
            Compiled::Equals(text) => value == text.as_slice(),
            Compiled::Regex(regex) => regex.is_match(value),
            Compiled::PathPart(part) => has_path_part(value, part),
            Compiled::Network(network) => is_within(value, network),
            Compiled::Range(from, to) => number(value).is_some_and(|number| (*from..=*to).contains(&number)),
            Compiled::Absent => false,
        }
    }
}

fn compile(pattern: &str, any_case: bool) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(any_case)
        .size_limit(MAX_REGEX_BYTES)
        .dfa_size_limit(MAX_REGEX_BYTES)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
            error => {
                // The message of a syntax error has several lines: a drawing, then the reason.
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or("").trim().trim_start_matches("error: ");
                format!("invalid regular expression: {reason}")
            }
        })
}

/// Whether `value` contains `part`, in any case, between `:`, `/` or an end of the value. `role/NAME` also matches all
/// sessions of a role: `assumed-role/NAME/SESSION`. `part` is in small letters.
fn has_path_part(value: &[u8], part: &[u8]) -> bool {
    if part.is_empty() {
        return value.is_empty();
    }
    let value = value.to_ascii_lowercase();
    memchr::memmem::find_iter(&value, part).any(|at| {
        let before = &value[..at];
        let after = &value[at + part.len()..];
        let is_start = matches!(before.last(), None | Some(b':' | b'/'))
            || (part.starts_with(b"role/") && before.ends_with(b":assumed-"));
        is_start && matches!(after.first(), None | Some(b':' | b'/'))
    })
}

fn is_within(value: &[u8], network: &IpNet) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    if let Ok(address) = text.parse::<IpAddr>() {
        return network.contains(&address) || network.contains(&address.to_canonical());
    }
    text.parse::<IpNet>().is_ok_and(|inner| network.contains(&inner))
}

fn number(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    text.parse::<i64>().ok().or_else(|| text.parse::<u64>().ok().map(|_| i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(test: Test, value: &str) -> bool {
        Matcher::new(&test).unwrap().is_match(Some(value.as_bytes()))
    }

    #[test]
    fn an_absent_value_passes_only_the_test_for_absent() {
        for test in [
            Test::Equals(b"".to_vec()),
            Test::Glob("*".into()),
            Test::Regex("".into()),
            Test::Contains("".into()),
            Test::Range(None, None),
        ] {
            assert!(!Matcher::new(&test).unwrap().is_match(None), "{test:?}");
        }
        assert!(Matcher::new(&Test::Absent).unwrap().is_match(None));
        assert!(!passes(Test::Absent, "-"));
    }

    #[test]
    fn sessions_belong_to_their_role() {
        let etl = || Test::PathPart("role/etl".into());
        assert!(passes(etl(), "arn:aws:sts::123456789012:assumed-role/etl/session-1"));
        assert!(passes(etl(), "arn:aws:iam::123456789012:role/etl"));
        assert!(passes(etl(), "role/etl"));
        assert!(passes(Test::PathPart("Role/ETL".into()), "arn:aws:iam::123456789012:role/etl"));
        assert!(passes(etl(), "arn:aws:sts::123456789012:assumed-role/ETL/session-1"));
        assert!(!passes(etl(), "arn:aws:sts::123456789012:assumed-role/etl-prod/session-1"));
        assert!(!passes(etl(), "arn:aws:sts::123456789012:my-role/etl/session-1"));
        let ann = || Test::PathPart("user/ann@example.com".into());
        assert!(passes(ann(), "arn:aws:iam::123456789012:user/ann@example.com"));
        assert!(!passes(ann(), "arn:aws:iam::123456789012:user/joann@example.com"));
        assert!(passes(Test::PathPart("123456789012".into()), "arn:aws:iam::123456789012:root"));
        assert!(passes(Test::PathPart("AmazonS3".into()), "AmazonS3"));
        // The first occurrence is not a whole component, the second is.
        assert!(passes(Test::PathPart("a".into()), "arn:ba/a"));
    }

    #[test]
    fn a_network_contains_addresses_in_any_spelling_and_smaller_networks() {
        let net = |text: &str| Test::Network(text.parse().unwrap());
        assert!(passes(net("203.0.113.0/24"), "203.0.113.7"));
        assert!(passes(net("203.0.113.0/24"), "::ffff:203.0.113.7"));
        assert!(!passes(net("203.0.113.0/24"), "198.51.100.7"));
        assert!(passes(net("2001:db8::1/128"), "2001:0db8:0:0:0:0:0:1"));
        assert!(passes(net("2001:db8::1/128"), "2001:DB8::1"));
        assert!(passes(net("203.0.0.0/16"), "203.0.113.0/24"));
        assert!(!passes(net("203.0.113.0/24"), "203.0.0.0/16"));
        assert!(!passes(net("203.0.113.0/24"), "not an address"));
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(passes(Test::Range(Some(400), Some(499)), "404"));
        assert!(!passes(Test::Range(Some(400), Some(499)), "4"));
        assert!(!passes(Test::Range(None, None), "abc"));
        assert!(passes(Test::Range(Some(1), None), "18446744073709551615"));
    }

    #[test]
    fn text_is_found_in_any_case_and_next_to_invalid_utf8() {
        assert!(passes(Test::Contains("BOT".into()), "Googlebot/2.1"));
        assert!(passes(Test::Contains("straße".into()), "STRAßE"));
        assert!(passes(Test::Contains(".".into()), "a.b"));
        assert!(!passes(Test::Contains(".".into()), "ab"));
        let matcher = Matcher::new(&Test::Contains("bot".into())).unwrap();
        assert!(matcher.is_match(Some(b"\xff\xfeBOT\xff")));
    }

    #[test]
    fn an_invalid_or_huge_expression_is_rejected_with_one_line() {
        let error = Matcher::new(&Test::Regex("a(b".into())).unwrap_err();
        assert_eq!(error, "invalid regular expression: unclosed group");
        let error = Matcher::new(&Test::Regex("((a{1000}){1000}){1000}".into())).unwrap_err();
        assert!(error.contains("too large"), "{error}");
    }
}
