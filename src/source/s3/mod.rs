//! Log files in Amazon S3, or on a server that speaks its protocol.
//!
//! Here live the connection, listing side by side, fetching with verification, and what to tell the
//! user when S3 refuses. Never here: what is in a log file.

mod client;
mod endpoint;
mod error;
mod fetch;
mod key_range;
mod list;
mod logging;
mod pagination;
mod remove;
mod response_limit;

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

use super::{Body, LogFile, Removed, Source, SourceError, Window};
use client::Connection;
use endpoint::Endpoint;
use error::Asked;

/// A bucket, or the part of it whose keys begin with a prefix.
#[derive(Debug)]
pub struct S3Source {
    place: Arc<Place>,
    /// Named without a prefix or a slash: perhaps the bucket that is logged is meant.
    bucket_only: bool,
}

/// Where to look and how to get there.
#[derive(Debug)]
struct Place {
    bucket: String,
    prefix: String,
    uri: String,
    connection: Connection,
}

impl S3Source {
    /// A source from `s3://bucket[/prefix]`. Asks nothing of S3 yet: the first list or fetch does.
    ///
    /// # Errors
    /// [`SourceError::NotASource`] if there is no bucket in it, or the endpoint is no URL.
    pub fn new(uri: &str, options: S3Options) -> Result<S3Source, SourceError> {
        let wrong = |message: String| SourceError::NotASource(message);
        let path = uri.strip_prefix("s3://").unwrap_or(uri);
        let bucket_only = !path.contains('/');
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            return Err(wrong(format!("`{uri}` names no bucket; write s3://bucket or s3://bucket/prefix")));
        }
        if path.contains('@') && bucket.contains([':', '@']) {
            return Err(wrong(
                "a source has no user or password in it; write s3://bucket or s3://bucket/prefix, and give keys in \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile"
                    .to_owned(),
            ));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if !bucket.bytes().all(allowed) {
            return Err(wrong(format!(
                "`{bucket}` in `{uri}` cannot be the name of a bucket; write s3://bucket or s3://bucket/prefix"
            )));
        }
        if let Some(url) = &options.endpoint_url {
            Endpoint::parse(url, "--endpoint-url").map_err(wrong)?;
        }
        let uri = match prefix {
            "" => format!("s3://{bucket}"),
            prefix => format!("s3://{bucket}/{prefix}"),
        };
        Ok(S3Source {
            place: Arc::new(Place {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
                uri,
                connection: Connection::new(options),
            }),
            bucket_only,
        })
    }
}

impl Source for S3Source {
    fn uri(&self) -> &str {
        &self.place.uri
    }

    fn list(
        &self,
        window: Window,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>> {
        Box::pin(list::list(&self.place, window, pages))
    }

    fn fetch<'a>(&'a self, file: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>> {
        Box::pin(fetch::fetch(&self.place, file))
    }

    fn can_remove(&self) -> bool {
        true
    }

    fn remove<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Removed, SourceError>> {
        Box::pin(remove::remove(&self.place, names))
    }

    fn locate(&self) -> BoxFuture<'_, Result<Option<String>, SourceError>> {
        Box::pin(async {
            if !self.bucket_only {
                return Ok(None);
            }
            // A connection of its own: it belongs to the threads that it is made on.
            let Place { bucket, prefix, uri, connection } = self.place.as_ref();
            let place = Place {
                bucket: bucket.clone(),
                prefix: prefix.clone(),
                uri: uri.clone(),
                connection: Connection::new(connection.options().clone()),
            };
            logging::locate(&place).await
        })
    }
}

impl Place {
    /// Sends a request, to another region if S3 says so.
    ///
    /// `request` is given a client and, until S3 has answered for the first time, what to do
    /// differently then.
    async fn ask<T, E, F, Sent>(
        &self,
        action: &'static str,
        key: Option<&str>,
        request: F,
    ) -> Result<T, SourceError>
    where
        F: Fn(Client, Option<Builder>) -> Sent,
        Sent: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let mut turns_left = 3;
        let wrong = |message: String| SourceError::S3 { uri: self.uri(key), message };
        loop {
            if let Some(reason) = self.connection.given_up() {
                return Err(wrong(reason));
            }
            let asked_at = Instant::now();
            let client = self.connection.client().await.map_err(wrong)?;
            let first_contact = self.connection.first_contact();
            let was_first = first_contact.is_some();
            let error = match request(client.clone(), first_contact).await {
                Ok(answer) => {
                    self.connection.has_answered();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if error::is_answer(&error) {
                self.connection.has_answered();
                if was_first && error::is_passing(&error) {
                    continue;
                }
            }
            if turns_left > 0
                && let Some(region) = error::right_region(&error)
                && self.connection.turn_to(&client, region)
            {
                turns_left -= 1;
                continue;
            }
            // Those that were found a moment ago are not looked for again, unless they were kept for too long.
            let is_about_credentials = error::is_about_credentials(&error);
            if is_about_credentials
                && (!was_first || error::is_expired(&error))
                && self.connection.renew(asked_at).await
            {
                continue;
            }
            let options = self.connection.options();
            let region = client::region_of(&client);
            let asked = Asked {
                action,
                bucket: &self.bucket,
                key,
                endpoint: &client::shown_endpoint(options, region),
                region,
                profile: options.profile.as_deref(),
                anonymous: options.no_sign_request,
            };
            let message = error::explain(&error, &asked);
            if is_about_credentials {
                self.connection.give_up(&message);
            }
            return Err(wrong(message));
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
        let of = |uri: &str| S3Source::new(uri, S3Options::default()).map(|source| source.place);
        let place = of("s3://acme-logs/media/2026").unwrap();
        assert_eq!((place.bucket.as_str(), place.prefix.as_str()), ("acme-logs", "media/2026"));
        assert_eq!(place.uri, "s3://acme-logs/media/2026");
        assert_eq!(of("s3://acme-logs/").unwrap().uri, "s3://acme-logs");
        assert_eq!(of("s3://acme-logs//x").unwrap().prefix, "/x");
        for uri in ["s3://", "s3:///prefix", "s3://acme logs", "s3://user:secret@host/x"] {
            assert!(matches!(of(uri), Err(SourceError::NotASource(_))), "{uri}");
        }
    }

    #[test]
    fn an_endpoint_needs_a_scheme() {
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
        assert!(!client::shown_endpoint(&options, "").contains("hunter2"));
    }
}
