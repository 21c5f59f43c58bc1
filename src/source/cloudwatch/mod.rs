//! Log events of a log group of Amazon CloudWatch Logs.
//!
//! Contains the names of log groups, the connection, the plan of what to read, the pages of events, and the search for the
//! destinations of a bucket's logs. Never here: the content of events.
//!
//! A log group has no log files. Its events are read in ranges of time ([`reading`]), and each range counts as a log
//! file, whose content are the messages of the events, one per line. Which ranges are read depends on what the
//! catalogue has ([`plan`]). Requests are for FilterLogEvents, whose pages have 1 MB or 10,000 events, within the quota of
//! the service ([`pace`]).

mod client;
mod deliveries;
mod error;
mod events;
mod list;
mod log_group;
mod pace;
mod plan;
mod reading;

use std::sync::Arc;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::s3::endpoint::Endpoint;
use super::{Body, KnownFile, Located, LogFile, S3Options, Source, SourceError, Window};
use client::Connection;
pub(super) use deliveries::{Destination, destinations};
use list::FirstPages;
use log_group::LogGroup;
use reading::Reading;

/// The scheme of a source.
const SCHEME: &str = "cloudwatch:";
/// Log files read at a time. The quota of the service allows no more requests than a few tasks send.
const CONCURRENCY: usize = 8;

/// A log group.
#[derive(Debug)]
pub struct CloudWatchSource {
    group: LogGroup,
    uri: String,
    connection: Connection,
    /// Log files whose only page was received when they were listed.
    first_pages: Mutex<FirstPages>,
}

/// A logged bucket, whose log group [`Source::locate`] finds.
#[derive(Debug)]
pub struct LoggedBucket {
    bucket: String,
    uri: String,
    options: S3Options,
}

/// Whether a SOURCE argument names a log group, or a bucket that is logged to one.
pub(super) fn is_spec(spec: &str) -> bool {
    spec.starts_with(SCHEME) || (spec.starts_with("arn:") && spec.split(':').nth(2) == Some("logs"))
}

/// Opens `cloudwatch:LOG-GROUP`, `cloudwatch:ARN`, `cloudwatch:s3://BUCKET` or the ARN of a log group. Sends no request.
///
/// # Errors
/// [`SourceError::NotASource`] if there is no valid name, ARN or bucket, or the endpoint is not a URL.
pub(super) fn open(spec: &str, options: S3Options) -> Result<Arc<dyn Source>, SourceError> {
    let name = spec.strip_prefix(SCHEME).unwrap_or(spec);
    if let Some(url) = &options.endpoint_url {
        Endpoint::parse(url, "--endpoint-url").map_err(SourceError::NotASource)?;
    }
    let Some(bucket) = name.strip_prefix("s3://") else {
        return Ok(Arc::new(CloudWatchSource::new(name, options)?));
    };
    let bucket = bucket.trim_end_matches('/');
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if bucket.is_empty() || !bucket.bytes().all(is_allowed) {
        return Err(SourceError::NotASource(format!(
            "`{}` names no bucket; write cloudwatch:s3://BUCKET with the logged bucket",
            super::shown(spec)
        )));
    }
    let uri = format!("{SCHEME}s3://{bucket}");
    Ok(Arc::new(LoggedBucket { bucket: bucket.to_owned(), uri, options }))
}

impl CloudWatchSource {
    /// The source of a log group, given by name or ARN. Sends no request.
    ///
    /// # Errors
    /// [`SourceError::NotASource`] if `name` is neither.
    pub fn new(name: &str, options: S3Options) -> Result<CloudWatchSource, SourceError> {
        let group = LogGroup::parse(name).map_err(|reason| {
            SourceError::NotASource(format!("`{SCHEME}{}` {reason}", super::shown(name)))
        })?;
        let region = group.arn.as_ref().map(|(_, region)| region.clone());
        Ok(CloudWatchSource {
            uri: group.uri(),
            group,
            connection: Connection::new(options, region),
            first_pages: Mutex::default(),
        })
    }

    /// The log file of this name, for messages.
    fn uri_of(&self, name: &str) -> String {
        format!("{}/{name}", self.uri)
    }
}

impl Source for CloudWatchSource {
    fn uri(&self) -> &str {
        &self.uri
    }

    fn list(
        &self,
        window: Window,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>> {
        self.list_unread(window, Vec::new(), pages)
    }

    fn depends_on_known_files(&self) -> bool {
        true
    }

    fn list_unread(
        &self,
        window: Window,
        known: Vec<KnownFile>,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>> {
        Box::pin(async move { list::list(self, window, &known, pages).await })
    }

    fn fetch<'a>(&'a self, file: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>> {
        Box::pin(async {
            if let Some(lines) = self.first_pages.lock().take(&file.name) {
                return Ok(Body::Bytes(lines));
            }
            let uri = self.uri_of(&file.name);
            match Reading::parse(&file.name) {
                Some(reading) => self.content(&uri, &reading).await,
                None => {
                    let message = "not a range of time, such as 2026-09-10T13:00:00Z..2026-09-10T14:00:00Z";
                    Err(SourceError::CloudWatch { uri, message: message.to_owned() })
                }
            }
        })
    }

    fn concurrency(&self) -> usize {
        CONCURRENCY
    }
}

impl Source for LoggedBucket {
    fn uri(&self) -> &str {
        &self.uri
    }

    fn list(&self, _: Window, _: mpsc::Sender<Vec<LogFile>>) -> BoxFuture<'_, Result<(), SourceError>> {
        Box::pin(async { Err(self.not_located()) })
    }

    fn fetch<'a>(&'a self, _: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>> {
        Box::pin(async { Err(self.not_located()) })
    }

    fn locate(&self) -> BoxFuture<'_, Result<Option<Located>, SourceError>> {
        Box::pin(async {
            let destinations = destinations(&self.bucket, self.options.clone(), None).await?;
            let group = destinations.iter().position(|found| matches!(found, Destination::LogGroup(_)));
            match group {
                Some(group) => Ok(Some(Located::among(destinations, group))),
                None => Err(self.no_log_group(&destinations).await),
            }
        })
    }
}

impl LoggedBucket {
    fn not_located(&self) -> SourceError {
        let message = "a bucket has no log events; read the log group that it is logged to".to_owned();
        SourceError::CloudWatch { uri: self.uri.clone(), message }
    }

    async fn no_log_group(&self, destinations: &[Destination]) -> SourceError {
        let bucket = &self.bucket;
        let message = match destinations.first() {
            Some(other) => format!(
                "the access logs of the bucket are not delivered to a log group, but to {}",
                other.shown()
            ),
            None => format!(
                "no delivery of the access logs of this bucket is configured in region {}; check the region \
                 (--region: that of the bucket) and the account (--profile), or name the log group, \
                 cloudwatch:LOG-GROUP. To deliver them: aws logs put-delivery-source --name {bucket} \
                 --resource-arn arn:aws:s3:::{bucket} --log-type S3_SERVER_ACCESS_LOGS, then \
                 put-delivery-destination and create-delivery",
                deliveries::region(self.options.clone()).await
            ),
        };
        SourceError::CloudWatch { uri: self.uri.clone(), message }
    }
}

impl Destination {
    /// The source, or the ARN of what is not one.
    pub(super) fn shown(&self) -> &str {
        match self {
            Destination::LogGroup(text) | Destination::Bucket(text) | Destination::Other(text) => text,
        }
    }
}

impl Located {
    /// The destination with this index. The others are the other places.
    pub(super) fn among(mut destinations: Vec<Destination>, index: usize) -> Located {
        let uri = destinations.remove(index).shown().to_owned();
        Located { uri, also: destinations.iter().map(|other| other.shown().to_owned()).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_reason_why_an_unsigned_request_was_not_sent_was_cut_at_both_ends() {
        let options = S3Options {
            no_sign_request: true,
            region: Some("eu-west-1".to_owned()),
            endpoint_url: Some("http://127.0.0.1:9".to_owned()),
            ..S3Options::default()
        };
        let source = CloudWatchSource::new("/aws/x", options).unwrap();
        let (pages, _received) = mpsc::channel(1);
        let error = source.list(Window::default(), pages).await.unwrap_err();
        assert_eq!(error.message(), "CloudWatch Logs cannot be read anonymously; omit --no-sign-request");
    }
}
