//! Log files in Amazon S3, or on an S3-compatible server.
//!
//! Contains the connection, parallel listing, verified fetching, deletion, and explanations of S3 errors. Never here:
//! the content of log files.

pub(in crate::source) mod client;
pub(in crate::source) mod endpoint;
pub(in crate::source) mod error;
mod fetch;
mod key_range;
mod list;
mod logging;
pub(in crate::source) mod pagination;
mod remove;
pub(in crate::source) mod response_limit;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use futures::future::BoxFuture;
use tokio::sync::mpsc;

pub use client::{Credentials, S3Options};

use super::{Body, Located, LogFile, Removed, Source, SourceError, Window};
use client::Connection;
use endpoint::Endpoint;
use error::Request;

/// A bucket, or the objects in it whose keys begin with a prefix.
#[derive(Debug)]
pub struct S3Source {
    location: Arc<Location>,
    /// Whether the source was named without a prefix or slash, so that it may be the logged bucket.
    is_bucket_only: bool,
}

/// A bucket with a prefix, and the connection to it.
#[derive(Debug)]
struct Location {
    bucket: String,
    prefix: String,
    uri: String,
    connection: Connection,
}

impl S3Source {
    /// The source `s3://bucket[/prefix]`. Sends no request.
    ///
    /// # Errors
    /// [`SourceError::NotASource`] if `uri` names no bucket or the endpoint is not a URL.
    pub fn new(uri: &str, options: S3Options) -> Result<S3Source, SourceError> {
        let invalid = SourceError::NotASource;
        let path = uri.strip_prefix("s3://").unwrap_or(uri);
        let is_bucket_only = !path.contains('/');
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            return Err(invalid(format!("`{uri}` names no bucket; write s3://bucket or s3://bucket/prefix")));
        }
        if path.contains('@') && bucket.contains([':', '@']) {
            return Err(invalid(
                "a source must not contain a user or password; write s3://bucket or s3://bucket/prefix, and give keys in \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile"
                    .to_owned(),
            ));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if !bucket.bytes().all(allowed) {
            return Err(invalid(format!(
                "`{bucket}` in `{uri}` is not a valid bucket name; write s3://bucket or s3://bucket/prefix"
            )));
        }
        if let Some(url) = &options.endpoint_url {
            Endpoint::parse(url, "--endpoint-url").map_err(invalid)?;
        }
        let uri = match prefix {
            "" => format!("s3://{bucket}"),
            prefix => format!("s3://{bucket}/{prefix}"),
        };
        Ok(S3Source {
            location: Arc::new(Location {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
                uri,
                connection: Connection::new(options),
            }),
            is_bucket_only,
        })
    }
}

/// Fetches of small log files at a time. Nearly all of their time is the wait for a response, often 100 ms, and S3 accepts
/// 5,500 requests per second and prefix.
const SMALL_FETCHES: usize = 256;
/// A log file of at most this many bytes is small, as nearly all that S3 delivers are.
const SMALL_FILE: u64 = 64 << 10;
/// Larger log files take long themselves: 64 at a time.
const WEIGHT_OF_LARGE: u32 = 4;

impl Source for S3Source {
    fn uri(&self) -> &str {
        &self.location.uri
    }

    fn list(
        &self,
        window: Window,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>> {
        Box::pin(list::list(&self.location, window, pages))
    }

    fn fetch<'a>(&'a self, file: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>> {
        Box::pin(fetch::fetch(&self.location, file))
    }

    fn concurrency(&self) -> usize {
        SMALL_FETCHES
    }

    fn weight(&self, size: Option<u64>) -> u32 {
        if size.is_some_and(|size| size <= SMALL_FILE) { 1 } else { WEIGHT_OF_LARGE }
    }

    fn can_remove(&self) -> bool {
        true
    }

    fn remove<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Removed, SourceError>> {
        Box::pin(remove::remove(&self.location, names))
    }

    fn locate(&self) -> BoxFuture<'_, Result<Option<Located>, SourceError>> {
        Box::pin(async {
            if !self.is_bucket_only {
                return Ok(None);
            }
            // A new connection: the runtime that creates a connection must outlive it.
            let Location { bucket, prefix, uri, connection } = self.location.as_ref();
            let location = Location {
                bucket: bucket.clone(),
                prefix: prefix.clone(),
                uri: uri.clone(),
                connection: Connection::new(connection.options.clone()),
            };
            logging::locate(&location).await
        })
    }
}

impl Location {
    /// Sends a request, and repeats it in another region if S3 responds that the bucket is there.
    ///
    /// `build` makes the request from a client and a configuration override, which is empty once S3 has answered.
    async fn request<T, E, F, Sent>(
        &self,
        action: &'static str,
        key: Option<&str>,
        build: F,
    ) -> Result<T, SourceError>
    where
        F: Fn(Client, Builder) -> Sent,
        Sent: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let mut redirects_left = 3;
        let failed = |message: String| SourceError::S3 { uri: self.uri(key), message };
        loop {
            if let Some(reason) = self.connection.credentials_error() {
                return Err(failed(reason));
            }
            let sent_at = Instant::now();
            let client = self.connection.client().await.map_err(failed)?;
            let first_override = self.connection.first_request_override();
            let was_first = first_override.is_some();
            let error = match build(client.clone(), first_override.unwrap_or_default()).await {
                Ok(output) => {
                    self.connection.set_answered();
                    return Ok(output);
                }
                Err(error) => error,
            };
            if error::is_answer(&error) {
                self.connection.set_answered();
                if was_first && error::is_temporary(&error) {
                    continue;
                }
            }
            if redirects_left > 0
                && let Some(region) = error::region_in(&error)
                && self.connection.change_region(&client, region)
            {
                redirects_left -= 1;
                continue;
            }
            // The first request has just loaded the credentials. They are loaded again only if they have expired.
            let is_about_credentials = error::is_about_credentials(&error);
            if is_about_credentials
                && (!was_first || error::is_expired(&error))
                && self.connection.renew_credentials(sent_at).await
            {
                continue;
            }
            let options = &self.connection.options;
            let region = client::region_of(&client);
            let request = Request {
                service: "S3",
                action,
                bucket: &self.bucket,
                key,
                endpoint: &client::shown_endpoint(options, "s3", region),
                region,
                profile: options.profile.as_deref(),
                is_anonymous: options.no_sign_request,
            };
            let message = error::explain(&error, &request);
            if is_about_credentials {
                self.connection.set_credentials_error(&message);
            }
            return Err(failed(message));
        }
    }

    fn uri(&self, key: Option<&str>) -> String {
        match key {
            Some(key) => format!("s3://{}/{key}", self.bucket),
            None => self.uri.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_and_prefix() {
        let of = |uri: &str| S3Source::new(uri, S3Options::default()).map(|source| source.location);
        let location = of("s3://acme-logs/media/2026").unwrap();
        assert_eq!((location.bucket.as_str(), location.prefix.as_str()), ("acme-logs", "media/2026"));
        assert_eq!(location.uri, "s3://acme-logs/media/2026");
        assert_eq!(of("s3://acme-logs/").unwrap().uri, "s3://acme-logs");
        assert_eq!(of("s3://acme-logs//x").unwrap().prefix, "/x");
        for uri in ["s3://", "s3:///prefix", "s3://acme logs", "s3://user:secret@host/x"] {
            assert!(matches!(of(uri), Err(SourceError::NotASource(_))), "{uri}");
        }
    }

    #[test]
    fn an_endpoint_without_a_scheme_is_an_error() {
        let options = S3Options { endpoint_url: Some("localhost:9000".to_owned()), ..S3Options::default() };
        let error = S3Source::new("s3://acme-logs", options).unwrap_err().to_string();
        assert_eq!(error, "--endpoint-url is not a URL of the form http(s)://host[:port]");
    }

    #[test]
    fn a_secret_key_in_a_source_is_never_shown() {
        for uri in [
            "s3://AKIA:HUNTER2@bucket",
            "s3://AKIA:HUNTER2@bucket/x",
            "s3://AKIA:HUN/TER2@bucket",
            "s3://HUNTER2@b",
        ] {
            let error = S3Source::new(uri, S3Options::default()).unwrap_err().to_string();
            assert!(!error.contains("HUN") && error.contains("s3://bucket/prefix"), "{error}");
        }
    }

    #[test]
    fn credentials_are_never_shown() {
        let options = S3Options {
            endpoint_url: Some("http://user:hunter2@127.0.0.1:9000/x".to_owned()),
            credentials: Some(Credentials {
                access_key_id: "AKIAEXAMPLE".to_owned(),
                secret_access_key: "hunter2".to_owned(),
                session_token: Some("hunter2".to_owned()),
            }),
            ..S3Options::default()
        };
        assert!(!format!("{options:?}").contains("hunter2"));
        assert!(!client::shown_endpoint(&options, "s3", "").contains("hunter2"));
    }
}
