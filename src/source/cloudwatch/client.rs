//! The connection to CloudWatch Logs: the client of a region, the pace of requests, repetition, credentials.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_cloudwatchlogs::config::http::HttpResponse;
use aws_sdk_cloudwatchlogs::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_cloudwatchlogs::config::{Builder, Region};
use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatchlogs::{Client, Config};
use parking_lot::Mutex;

use super::error::{self, Request};
use super::pace::{LeaveThrottling, Pace};
use crate::source::s3::client::{
    CREDENTIALS_RETRY_INTERVAL, FIRST_OPERATION_TIMEOUT, FIRST_RESPONSE_TIMEOUT, attempts_from,
    shared_config, shown_endpoint, time_limits,
};
use crate::source::s3::error as common;
use crate::source::s3::response_limit::LimitResponses;
use crate::source::{S3Options, SourceError};

/// How often a throttled request is repeated.
const MAX_THROTTLED: u32 = 8;

/// A connection to CloudWatch Logs in a region. It is configured when it is used for the first time.
#[derive(Debug)]
pub(super) struct Connection {
    options: S3Options,
    client: tokio::sync::Mutex<Option<Connected>>,
    /// Whether the service has answered. Then requests have longer time limits and more attempts.
    has_answered: AtomicBool,
    attempts: u32,
    /// When the service refused all available credentials, and the error message.
    credentials_error: Mutex<Option<(Instant, String)>>,
}

#[derive(Clone, Debug)]
struct Connected {
    client: Client,
    region: String,
    pace: std::sync::Arc<Pace>,
    /// When credentials were loaded again.
    renewed_at: Option<Instant>,
}

impl Connection {
    /// A connection in `region`, else in that of the options.
    pub(super) fn new(mut options: S3Options, region: Option<String>) -> Connection {
        options.region = region.or(options.region);
        Connection {
            options,
            client: tokio::sync::Mutex::default(),
            has_answered: AtomicBool::new(false),
            attempts: attempts_from(std::env::var("AWS_MAX_ATTEMPTS").ok().as_deref()),
            credentials_error: Mutex::default(),
        }
    }

    /// Sends a request at its time, again if it is throttled, and again after credentials have expired. `uri` names the
    /// source or log file, and `log_group` the log group that the request is about. `build` makes the request from a
    /// client and a configuration override, which is empty once the service has answered.
    pub(super) async fn request<T, E, F, Sent>(
        &self,
        action: &'static str,
        uri: &str,
        log_group: Option<&str>,
        build: F,
    ) -> Result<T, SourceError>
    where
        F: Fn(Client, Builder) -> Sent,
        Sent: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let failed = |message: String| SourceError::CloudWatch { uri: uri.to_owned(), message };
        let mut throttled = 0;
        loop {
            if let Some(reason) = self.recent_credentials_error() {
                return Err(failed(reason));
            }
            let sent_at = Instant::now();
            let Connected { client, region, pace, .. } = self.connected().await.map_err(failed)?;
            pace.wait().await;
            let is_first = !self.has_answered.load(Ordering::Relaxed);
            let limits = if is_first { self.first_request_override() } else { Config::builder() };
            let error = match build(client, limits).await {
                Ok(output) => {
                    self.has_answered.store(true, Ordering::Relaxed);
                    pace.answered();
                    return Ok(output);
                }
                Err(error) => error,
            };
            if common::is_answer(&error) {
                self.has_answered.store(true, Ordering::Relaxed);
            }
            if error::is_throttling(&error) {
                pace.throttled();
                if throttled < MAX_THROTTLED {
                    throttled += 1;
                    tokio::time::sleep(pause(throttled)).await;
                    continue;
                }
            } else if is_first && common::is_answer(&error) && common::is_temporary(&error) {
                continue;
            }
            let is_about_credentials = common::is_about_credentials(&error);
            if is_about_credentials
                && (!is_first || common::is_expired(&error))
                && self.renew_credentials(sent_at).await
            {
                continue;
            }
            let request = Request {
                action,
                log_group,
                endpoint: &shown_endpoint(&self.options, "logs", &region),
                region: &region,
                profile: self.options.profile.as_deref(),
                is_anonymous: self.options.no_sign_request,
            };
            let message = error::explain(&error, &request);
            if is_about_credentials {
                *self.credentials_error.lock() = Some((Instant::now(), message.clone()));
            }
            return Err(failed(message));
        }
    }

    /// The region that requests are sent to.
    pub(super) async fn region(&self) -> Result<String, String> {
        Ok(self.connected().await?.region)
    }

    async fn connected(&self) -> Result<Connected, String> {
        let mut connected = self.client.lock().await;
        if let Some(connected) = connected.as_ref() {
            return Ok(connected.clone());
        }
        Ok(connected.insert(self.connect().await?).clone())
    }

    async fn connect(&self) -> Result<Connected, String> {
        let shared = shared_config(&self.options, self.attempts, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS").await?;
        let is_other_server = shared.endpoint_url().is_some()
            || std::env::var_os("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS").is_some_and(|url| !url.is_empty());
        let region = shared.region().map(Region::as_ref).unwrap_or_default().to_owned();
        let config = Builder::from(&shared)
            .retry_config(RetryConfig::standard().with_max_attempts(self.attempts))
            // Many requests share a client, and each must be allowed to retry.
            .retry_partition(
                RetryPartition::custom("tamarin-logs").token_bucket(TokenBucket::unlimited()).build(),
            )
            .timeout_config(time_limits(&self.options).build())
            .interceptor(LimitResponses::LOGS)
            .retry_classifier(LimitResponses::LOGS)
            .retry_classifier(LeaveThrottling)
            .build();
        let pace = Pace::of_region((!is_other_server).then_some(region.as_str())).into();
        Ok(Connected { client: Client::from_conf(config), region, pace, renewed_at: None })
    }

    /// Loads credentials again after the service refused those of a request sent at `sent`: during a long pull, the user
    /// may log in again. Returns `false` if there is no other place to load them from, or they were loaded less than a
    /// minute ago.
    async fn renew_credentials(&self, sent: Instant) -> bool {
        if self.options.credentials.is_some() {
            return false;
        }
        // Many requests fail at the same time. The first of them renews the credentials for all.
        let mut connected = self.client.lock().await;
        let Some(old) = connected.as_ref() else { return false };
        match old.renewed_at {
            Some(at) if at >= sent => return true,
            Some(at) if at.elapsed() < CREDENTIALS_RETRY_INTERVAL => return false,
            _ => {}
        }
        let (pace, renewed_at) = (old.pace.clone(), Some(Instant::now()));
        let Ok(fresh) = self.connect().await else { return false };
        *connected = Some(Connected { pace, renewed_at, ..fresh });
        true
    }

    /// The message of a recent error about the credentials: for some time, requests fail with it without being sent.
    fn recent_credentials_error(&self) -> Option<String> {
        let error = self.credentials_error.lock();
        let (at, reason) = error.as_ref()?;
        (at.elapsed() < CREDENTIALS_RETRY_INTERVAL).then(|| reason.clone())
    }

    /// The configuration override of requests before the service has answered: they fail early, so that the user soon
    /// learns what is wrong.
    fn first_request_override(&self) -> Builder {
        let given = self.options.timeout;
        let limits = time_limits(&self.options)
            .read_timeout(given.unwrap_or(FIRST_RESPONSE_TIMEOUT))
            .operation_timeout(
                given.map_or(FIRST_OPERATION_TIMEOUT, |given| FIRST_OPERATION_TIMEOUT.max(given * 5)),
            );
        Config::builder()
            .retry_config(RetryConfig::standard().with_max_attempts(3.min(self.attempts)))
            .timeout_config(limits.build())
    }
}

/// The pause after a throttled request: 0.1–0.2 s at random, doubled for each further one, so that requests that were
/// throttled together are not repeated together.
fn pause(throttled: u32) -> Duration {
    let base = 100_u64 << throttled.min(7).saturating_sub(1);
    Duration::from_millis(base + RandomState::new().hash_one(throttled) % base)
}
