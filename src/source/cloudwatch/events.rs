//! Pages of log events, and the contents that are made of them.

use std::io::SeekFrom;

use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::CloudWatchSource;
use super::reading::Reading;
use crate::source::s3::pagination::{ProgressDetector, TokenCycleDetector};
use crate::source::{Body, SourceError};

/// Bytes of the largest content that waits for the parser in memory. Larger ones wait on disk.
const MAX_IN_MEMORY_BYTES: usize = 2 << 20;
/// Bytes of the largest content.
const MAX_CONTENT_BYTES: u64 = 1 << 30;

/// A page of events. A page may be empty although others follow.
pub(super) struct Page {
    pub(super) events: Vec<FilteredLogEvent>,
    /// The token of the next page.
    pub(super) next: Option<String>,
}

impl CloudWatchSource {
    /// Requests a page of the events with timestamps of `reading`. At most `limit` events, if given.
    pub(super) async fn page(
        &self,
        uri: &str,
        reading: &Reading,
        token: Option<&str>,
        limit: Option<i32>,
    ) -> Result<Page, SourceError> {
        let milliseconds = |second: i64| second.saturating_mul(1000);
        let (name, arn) = (&self.group.name, self.group.arn.as_ref().map(|(arn, _)| arn.clone()));
        let output = self
            .connection
            .request("logs:FilterLogEvents", uri, Some(name), |client, config| {
                client
                    .filter_log_events()
                    .set_log_group_name(arn.is_none().then(|| name.clone()))
                    .set_log_group_identifier(arn.clone())
                    .start_time(milliseconds(reading.events.start))
                    // The end is included.
                    .end_time(milliseconds(reading.events.end) - 1)
                    .set_next_token(token.map(str::to_owned))
                    .set_limit(limit)
                    .customize()
                    .config_override(config)
                    .send()
            })
            .await?;
        Ok(Page { events: output.events.unwrap_or_default(), next: output.next_token })
    }

    /// The content of a log file: the messages of its events, one per line.
    pub(super) async fn content(&self, uri: &str, reading: &Reading) -> Result<Body, SourceError> {
        let failed = |message: String| SourceError::CloudWatch { uri: uri.to_owned(), message };
        let mut content = Content::default();
        let (mut tokens, mut progress) = (TokenCycleDetector::default(), ProgressDetector::default());
        let mut token = None;
        loop {
            let page = self.page(uri, reading, token.as_deref(), None).await?;
            let has_progress = !page.events.is_empty() || page.next.is_none();
            content.add(&page.events, reading.ingested_from).await.map_err(failed)?;
            token = page.next;
            let Some(next) = &token else { break };
            let endless = |reason: &dyn std::fmt::Display| {
                failed(format!("CloudWatch Logs does not end the events: {reason}; try again later"))
            };
            progress.count_page(has_progress).map_err(|reason| endless(&reason))?;
            tokens = tokens.next(next).map_err(|reason| endless(&reason))?;
        }
        content.into_body().await.map_err(failed)
    }
}

/// Lines in memory, or on disk if there are many.
#[derive(Default)]
struct Content {
    lines: Vec<u8>,
    file: Option<tokio::fs::File>,
    written: u64,
}

impl Content {
    async fn add(&mut self, events: &[FilteredLogEvent], ingested_from: Option<i64>) -> Result<(), String> {
        add_lines(&mut self.lines, events, ingested_from);
        if self.lines.len() <= MAX_IN_MEMORY_BYTES {
            return Ok(());
        }
        self.written += self.lines.len() as u64;
        if self.written > MAX_CONTENT_BYTES {
            return Err(format!(
                "has more than {} MiB of events; read a shorter time with --since and --until",
                MAX_CONTENT_BYTES >> 20
            ));
        }
        if self.file.is_none() {
            self.file = Some(tokio::fs::File::from_std(tempfile::tempfile().map_err(|error| local(&error))?));
        }
        if let Some(file) = &mut self.file {
            file.write_all(&self.lines).await.map_err(|error| local(&error))?;
        }
        self.lines.clear();
        Ok(())
    }

    async fn into_body(mut self) -> Result<Body, String> {
        let Some(mut file) = self.file.take() else { return Ok(Body::Bytes(self.lines)) };
        file.write_all(&self.lines).await.map_err(|error| local(&error))?;
        file.flush().await.map_err(|error| local(&error))?;
        file.seek(SeekFrom::Start(0)).await.map_err(|error| local(&error))?;
        Ok(Body::File(file.into_std().await))
    }
}

fn local(error: &std::io::Error) -> String {
    let folder = std::env::temp_dir();
    format!(
        "the events cannot be written to {}: {error}; free space there, or set TMPDIR to another folder",
        folder.display()
    )
}

/// Appends the messages of `events`, each as a line. A late reading has only those that were ingested from a certain second
/// on; an event without a time of ingestion may be late.
pub(super) fn add_lines(lines: &mut Vec<u8>, events: &[FilteredLogEvent], ingested_from: Option<i64>) {
    let from = ingested_from.map_or(i64::MIN, |second| second.saturating_mul(1000));
    for event in events.iter().filter(|event| event.ingestion_time.is_none_or(|time| time >= from)) {
        let Some(message) = &event.message else { continue };
        lines.extend_from_slice(message.as_bytes());
        if !message.ends_with('\n') {
            lines.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &str, ingestion: i64) -> FilteredLogEvent {
        FilteredLogEvent::builder().message(message).ingestion_time(ingestion).build()
    }

    #[test]
    fn each_message_is_a_line() {
        let mut lines = Vec::new();
        add_lines(&mut lines, &[event("{\"a\": 1}", 1), event("b\n", 2), event("c", 3)], None);
        assert_eq!(lines, b"{\"a\": 1}\nb\nc\n");
    }

    #[test]
    fn a_late_reading_has_only_events_ingested_since() {
        let mut lines = Vec::new();
        let unknown = FilteredLogEvent::builder().message("unknown").build();
        add_lines(&mut lines, &[event("early", 9_999), event("late", 10_000), unknown], Some(10));
        assert_eq!(lines, b"late\nunknown\n");
    }
}
