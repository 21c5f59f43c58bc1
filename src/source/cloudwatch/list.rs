//! Lists the readings of a log group that are due.

use std::collections::HashMap;
use std::ops::Range;

use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::CloudWatchSource;
use super::events::{Page, add_lines};
use super::plan::{days, parts_by_rate, plan};
use super::reading::{Known, Reading, version};
use crate::log::time::SECONDS_PER_DAY;
use crate::source::s3::pagination::{ProgressDetector, TokenCycleDetector};
use crate::source::{KnownFile, LogFile, SourceError, Window};

/// Days whose first page is requested at a time.
const PARALLEL_DAYS: usize = 4;
/// Ranges up to this length are read without a look at their first page.
const SHORT: i64 = 60 * 60;
/// Empty pages at the beginning of a day after which its rate is taken as unknown.
const MAX_EMPTY_PAGES: usize = 8;
/// Whether events have the time of their request or of their delivery is undocumented. So events up to this much later than
/// `--until` are read.
const TIMESTAMP_DELAY: i64 = SECONDS_PER_DAY;

pub(super) async fn list(
    source: &CloudWatchSource,
    window: Window,
    known: &[KnownFile],
    pages: mpsc::Sender<Vec<LogFile>>,
) -> Result<(), SourceError> {
    source.first_pages.lock().clear();
    let now_ms = Timestamp::now().as_millisecond();
    let Some(version) = version(now_ms) else { return Ok(()) };
    let now = now_ms.div_euclid(1000);
    // Up to the current second: later events belong to the next pull.
    let end = window.until.map_or(now, |until| until.saturating_add(TIMESTAMP_DELAY).min(now));
    let since = window.since.unwrap_or(0).max(0);
    // Also if the window is empty, this request shows whether the log group exists and may be read.
    let Some(first) = first_event(source, since..end.max(since + 1)).await? else { return Ok(()) };
    let start_of_day = first - first.rem_euclid(SECONDS_PER_DAY);
    let range = since.max(start_of_day)..end;
    let known: Vec<Known> = known.iter().filter_map(Known::of).collect();
    let plan = plan(&known, &range, now);

    let again: Vec<LogFile> = plan.again.iter().filter_map(|reading| log_file(reading, &version)).collect();
    if !again.is_empty() && pages.send(again).await.is_err() {
        return Ok(());
    }
    let days: Vec<Range<i64>> = plan.unread.iter().flat_map(days).collect();
    let mut parts =
        futures::stream::iter(days).map(|day| parts_of(source, day, &version)).buffered(PARALLEL_DAYS);
    while let Some(files) = parts.next().await {
        if pages.send(files).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn log_file(reading: &Reading, version: &str) -> Option<LogFile> {
    Some(LogFile { name: reading.name()?, size: None, version: Some(version.to_owned()) })
}

/// The second of the first event in a range.
async fn first_event(source: &CloudWatchSource, events: Range<i64>) -> Result<Option<i64>, SourceError> {
    let uri = &source.uri;
    let reading = Reading { events, ingested_from: None };
    let (mut tokens, mut progress) = (TokenCycleDetector::default(), ProgressDetector::default());
    let mut token = None;
    loop {
        let page = source.page(uri, &reading, token.as_deref(), Some(1)).await?;
        if let Some(event) = page.events.first() {
            let time = event.timestamp.map_or(reading.events.start, |time| time.div_euclid(1000));
            return Ok(Some(time.clamp(reading.events.start, reading.events.end - 1)));
        }
        token = page.next;
        let Some(next) = &token else { return Ok(None) };
        let endless = |reason: &dyn std::fmt::Display| SourceError::CloudWatch {
            uri: uri.clone(),
            message: format!("CloudWatch Logs does not end the events: {reason}; try again later"),
        };
        progress.count_page(false).map_err(|reason| endless(&reason))?;
        tokens = tokens.next(next).map_err(|reason| endless(&reason))?;
    }
}

/// The log files of a range within a day: one, or several if it has many events. An error leaves it to the fetch of the log
/// file to report it.
async fn parts_of(source: &CloudWatchSource, day: Range<i64>, version: &str) -> Vec<LogFile> {
    let whole = Reading { events: day.clone(), ingested_from: None };
    let parts = match day.end - day.start > SHORT {
        false => vec![day],
        true => match first_page(source, &whole).await {
            Some(page_ms) => parts_by_rate(&day, page_ms),
            None => vec![day],
        },
    };
    let readings = parts.into_iter().map(|events| Reading { events, ingested_from: None });
    readings.filter_map(|reading| log_file(&reading, version)).collect()
}

/// Requests the first page of a reading. Returns the milliseconds of time that the events of a page cover, or `None` if there
/// is only one page, which is kept for the fetch, or if nothing is known.
async fn first_page(source: &CloudWatchSource, reading: &Reading) -> Option<i64> {
    let name = reading.name()?;
    let uri = source.uri_of(&name);
    let mut token: Option<String> = None;
    for _ in 0..MAX_EMPTY_PAGES {
        let Page { events, next } = source.page(&uri, reading, token.as_deref(), None).await.ok()?;
        match (next, time_span(&events, reading)) {
            (None, _) => {
                let mut lines = Vec::new();
                add_lines(&mut lines, &events, None);
                source.first_pages.lock().keep(name, lines);
                return None;
            }
            (Some(_), Some(span)) => return Some(span),
            (next, None) => token = next,
        }
    }
    None
}

/// Milliseconds from the beginning of a reading to the last of these events.
fn time_span(events: &[FilteredLogEvent], reading: &Reading) -> Option<i64> {
    let last = events.iter().filter_map(|event| event.timestamp).max()?;
    let first = events.iter().filter_map(|event| event.timestamp).min()?;
    // An idle time before the first event says nothing about the rate, if the page is full of events.
    let from = if events.len() > 1 { first } else { reading.events.start.saturating_mul(1000) };
    Some((last - from).max(1))
}

/// Contents of one page that were received when a log file was listed, until it is fetched.
#[derive(Debug, Default)]
pub(super) struct FirstPages {
    contents: HashMap<String, Vec<u8>>,
    bytes: usize,
}

/// Bytes of the contents that are kept. Others are requested again.
const MAX_KEPT_BYTES: usize = 16 << 20;

impl FirstPages {
    fn keep(&mut self, name: String, lines: Vec<u8>) {
        if self.bytes + lines.len() <= MAX_KEPT_BYTES {
            self.bytes += lines.len();
            self.contents.insert(name, lines);
        }
    }

    /// Removes the content of a log file.
    pub(super) fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        let lines = self.contents.remove(name)?;
        self.bytes -= lines.len();
        Some(lines)
    }

    fn clear(&mut self) {
        *self = FirstPages::default();
    }
}
