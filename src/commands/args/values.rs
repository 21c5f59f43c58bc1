//! How the values of arguments are parsed: sources, durations, numbers.

use crate::query::BucketWidth;
use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::demo::MAX_REQUESTS;

/// Parses a SOURCE. Paths need not be UTF-8.
pub(super) fn source() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|argument| crate::source::text_of(&argument))
}

/// Parses a duration such as `30s`, `5m`, `1h` or `1d`; returns seconds.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    const SECONDS_PER_DAY: u32 = 86_400;
    match crate::query::filter::period::parse_duration(text) {
        Some(0) => Err("expected at least 1s".to_owned()),
        Some(seconds) if seconds > 0 => {
            u32::try_from(seconds).map_err(|_| format!("expected at most {}d", u32::MAX / SECONDS_PER_DAY))
        }
        _ => Err("expected a duration such as 30s, 5m, 1h or 1d".to_owned()),
    }
}

/// Parses the width of time buckets: a duration such as `5m`, `1d` or `1w`, or `1mo` for calendar months.
pub(super) fn bucket_width(text: &str) -> Result<BucketWidth, String> {
    if matches!(text, "1mo" | "mo" | "month") {
        return Ok(BucketWidth::Month);
    }
    seconds(text).map(BucketWidth::Seconds).map_err(|error| match error.strip_prefix("expected a duration") {
        Some(_) => "expected a duration such as 5m, 1h, 1d or 1w, or 1mo for calendar months".to_owned(),
        None => error,
    })
}

/// Parses a whole number of at least `min`.
fn whole_number(text: &str, min: u64) -> Result<u64, String> {
    let expected = || Err(format!("expected a whole number, {min} or more"));
    match text.parse() {
        Ok(number) if number >= min => Ok(number),
        Ok(_) => expected(),
        // A whole number that does not fit.
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(format!("expected at most {}", u64::MAX))
        }
        Err(_) => expected(),
    }
}

pub(super) fn zero_or_more(text: &str) -> Result<u64, String> {
    whole_number(text, 0)
}

/// Parses a number of requests of the demo.
pub(super) fn demo_requests(text: &str) -> Result<u64, String> {
    match whole_number(text, 1)? {
        requests if requests > MAX_REQUESTS => Err(format!("expected at most {MAX_REQUESTS}")),
        requests => Ok(requests),
    }
}

/// Parses a number of rows.
pub(super) fn rows(text: &str) -> Result<usize, String> {
    let rows = whole_number(text, 0).map_err(|error| format!("{error} (0: all rows)"))?;
    Ok(usize::try_from(rows).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds() {
        assert_eq!(seconds("5m"), Ok(300));
        assert_eq!(bucket_width("1w"), Ok(BucketWidth::Seconds(604_800)));
        assert_eq!(bucket_width("1mo"), Ok(BucketWidth::Month));
        assert!(bucket_width("2mo").unwrap_err().contains("1mo for calendar months"));
        assert!(seconds("0s").is_err() && seconds("5").is_err() && seconds("").is_err());
    }
}
