//! The connection to S3: options, credentials, time limits, and the region of the bucket.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, IdentityCache, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::endpoint::Endpoint;
use super::response_limit::LimitResponses;

/// Region of the first request if none is configured. S3 returns the right one.
const FIRST_REGION: &str = "us-east-1";
/// Default time limit for the first byte of a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);
/// Default time limit for a log file whose transfer has stalled.
const STALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Limit for a complete response such as a page of a listing, as a multiple of the response timeout: a server may send
/// single bytes forever.
const COMPLETE_RESPONSE_FACTOR: u32 = 5;
/// Limit for a complete log file, as a multiple of the stall timeout. Large ones may take longer.
const COMPLETE_FILE_FACTOR: u32 = 12;
/// The lowest transfer rate of a large log file that is not given up.
const MIN_BYTES_PER_SECOND: u64 = 1 << 10;
/// Response timeout until S3 has answered for the first time.
pub(in crate::source) const FIRST_RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Stall timeout until S3 has answered for the first time.
const FIRST_STALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit of all attempts until S3 has answered for the first time.
pub(in crate::source) const FIRST_OPERATION_TIMEOUT: Duration = Duration::from_secs(14);
/// Minimum time between two attempts to load other credentials.
pub(in crate::source) const CREDENTIALS_RETRY_INTERVAL: Duration = Duration::from_secs(60);
/// Attempts of a request, unless `AWS_MAX_ATTEMPTS` is set.
const DEFAULT_ATTEMPTS: u32 = 6;

/// How to reach S3 and CloudWatch Logs: the options of the command line. The defaults come from the AWS configuration: environment, profile,
/// SSO, container or instance role.
#[derive(Clone, Default)]
pub struct S3Options {
    /// The URL of an S3-compatible server, `http://…` or `https://…`. Requests to it have the bucket in the path.
    pub endpoint_url: Option<String>,
    /// Region of the bucket or log group. If it is wrong or missing, S3 returns the right one; CloudWatch Logs does not.
    pub region: Option<String>,
    /// Profile of the AWS configuration. It takes precedence over credentials in the environment.
    pub profile: Option<String>,
    /// Sends anonymous requests.
    pub no_sign_request: bool,
    /// Time without data after which a request is sent again. `None`: 20 seconds before a response, 10 seconds within
    /// a log file.
    pub timeout: Option<Duration>,
    /// Credentials instead of those of the AWS configuration, for callers of the library. The command line has no option
    /// for them, because other users can see it.
    pub credentials: Option<Credentials>,
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Options")
            .field("endpoint_url", &self.endpoint_url.as_ref().map(|_| shown_endpoint(self, "s3", "")))
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("no_sign_request", &self.no_sign_request)
            .field("timeout", &self.timeout)
            .field("credentials", &self.credentials)
            .finish()
    }
}

/// A key pair. `Debug` does not show it.
#[derive(Clone)]
pub struct Credentials {
    /// `AKIA…` or `ASIA…`.
    pub access_key_id: String,
    /// The secret key of the access key.
    pub secret_access_key: String,
    /// The session token of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// The connection to a bucket. It is configured when a client is requested for the first time.
#[derive(Debug)]
pub(in crate::source) struct Connection {
    pub(in crate::source) options: S3Options,
    configured: OnceCell<()>,
    client: Mutex<Option<Client>>,
    /// Whether S3 has answered. Then requests have longer time limits and more attempts.
    has_answered: AtomicBool,
    /// Whether ETags of this server are not MD5s.
    has_other_etags: AtomicBool,
    /// Attempts of a request or of a log file.
    pub(in crate::source) attempts: u32,
    /// When credentials were loaded again.
    credentials_renewed: tokio::sync::Mutex<Option<Instant>>,
    /// When S3 refused all available credentials, and the error message.
    credentials_error: Mutex<Option<(Instant, String)>>,
}

impl Connection {
    pub(in crate::source) fn new(options: S3Options) -> Connection {
        Connection {
            options,
            configured: OnceCell::new(),
            client: Mutex::new(None),
            has_answered: AtomicBool::new(false),
            has_other_etags: AtomicBool::new(false),
            attempts: attempts_from(std::env::var("AWS_MAX_ATTEMPTS").ok().as_deref()),
            credentials_renewed: tokio::sync::Mutex::default(),
            credentials_error: Mutex::default(),
        }
    }

    /// A client for the region that is known so far.
    /// The error is one line: the configuration is invalid or cannot be read.
    pub(in crate::source) async fn client(&self) -> Result<Client, String> {
        self.configured
            .get_or_try_init(|| async {
                let client = Client::from_conf(configure(&self.options, self.attempts).await?);
                self.set(client);
                Ok::<(), String>(())
            })
            .await?;
        self.client.lock().clone().ok_or_else(|| "not connected".to_owned())
    }

    fn set(&self, client: Client) {
        *self.client.lock() = Some(client);
    }

    /// Changes to `region`, which S3 returned to a request of `client`. Returns `false` if that is the region of the
    /// client already.
    pub(in crate::source) fn change_region(&self, client: &Client, region: String) -> bool {
        if region_of(client) == region {
            return false;
        }
        let conf = client.config().to_builder().region(Region::new(region)).build();
        self.set(Client::from_conf(conf));
        true
    }

    /// Loads credentials again after S3 refused those of a request sent at `sent`: during a long pull, the user may log in
    /// again. Returns `false` if there is no other place to load them from, or they were loaded less than a minute ago.
    pub(in crate::source) async fn renew_credentials(&self, sent: Instant) -> bool {
        if self.options.credentials.is_some() {
            return false;
        }
        // Many fetches fail at the same time. The first of them renews the credentials for all.
        let mut renewed = self.credentials_renewed.lock().await;
        match *renewed {
            Some(at) if at >= sent => return true,
            Some(at) if at.elapsed() < CREDENTIALS_RETRY_INTERVAL => return false,
            _ => {}
        }
        let fresh = configure(&self.options, self.attempts).await;
        if let (Ok(fresh), Ok(old)) = (&fresh, self.client().await) {
            let region = Region::new(region_of(&old).to_owned());
            self.set(Client::from_conf(fresh.to_builder().region(region).build()));
        }
        // After the client was set, so that later requests use it.
        *renewed = Some(Instant::now());
        fresh.is_ok()
    }

    /// Notes that S3 refuses all available credentials. For some time, requests fail with this message without being
    /// sent: thousands of log files may be waiting, and S3 would refuse each.
    pub(in crate::source) fn set_credentials_error(&self, message: &str) {
        *self.credentials_error.lock() = Some((Instant::now(), message.to_owned()));
    }

    /// The message of a recent [`set_credentials_error`](Self::set_credentials_error).
    pub(in crate::source) fn credentials_error(&self) -> Option<String> {
        let error = self.credentials_error.lock();
        let (at, reason) = error.as_ref()?;
        (at.elapsed() < CREDENTIALS_RETRY_INTERVAL).then(|| reason.clone())
    }

    /// Notes that S3 can be reached.
    pub(in crate::source) fn set_answered(&self) {
        self.has_answered.store(true, Ordering::Relaxed);
    }

    /// Whether ETags of this server may be MD5s.
    pub(in crate::source) fn may_have_md5_etags(&self) -> bool {
        !self.has_other_etags.load(Ordering::Relaxed)
    }

    /// Notes that ETags of this server are not MD5s. No further content is compared with its ETag.
    pub(in crate::source) fn set_other_etags(&self) {
        self.has_other_etags.store(true, Ordering::Relaxed);
    }

    /// The configuration override of requests before S3 has answered for the first time: they fail early, so that the
    /// user soon learns what is wrong. Later requests have longer limits and more attempts.
    pub(in crate::source) fn first_request_override(&self) -> Option<Builder> {
        if self.has_answered.load(Ordering::Relaxed) {
            return None;
        }
        // A longer timeout of the user applies to the first request too.
        let given = self.options.timeout;
        let limits = time_limits(&self.options)
            .read_timeout(given.unwrap_or(FIRST_RESPONSE_TIMEOUT))
            .operation_timeout(
                given.map_or(FIRST_OPERATION_TIMEOUT, |given| FIRST_OPERATION_TIMEOUT.max(given * 5)),
            );
        Some(
            aws_sdk_s3::Config::builder()
                .retry_config(RetryConfig::standard().with_max_attempts(3.min(self.attempts)))
                .timeout_config(limits.build())
                .stalled_stream_protection(stall_protection(given.unwrap_or(FIRST_STALL_TIMEOUT))),
        )
    }

    /// Time limit for a complete log file of `bytes` bytes.
    pub(in crate::source) fn file_timeout(&self, bytes: u64) -> Duration {
        let stall = self.options.timeout.unwrap_or(STALL_TIMEOUT);
        stall * COMPLETE_FILE_FACTOR + Duration::from_secs(bytes / MIN_BYTES_PER_SECOND)
    }
}

pub(in crate::source) fn region_of(client: &Client) -> &str {
    client.config().region().map_or("", Region::as_ref)
}

/// The endpoint of `s3` or another service without secrets, for messages.
pub(in crate::source) fn shown_endpoint(options: &S3Options, service: &str, region: &str) -> String {
    let Some(url) = &options.endpoint_url else { return format!("https://{service}.{region}.amazonaws.com") };
    Endpoint::parse(url, "")
        .map_or_else(|_| "the server of --endpoint-url".to_owned(), |endpoint| endpoint.to_string())
}

/// The number of attempts from the value of `AWS_MAX_ATTEMPTS`, if the AWS tools would accept it.
pub(in crate::source) fn attempts_from(variable: Option<&str>) -> u32 {
    variable
        .and_then(|text| text.trim().parse().ok())
        .filter(|attempts| *attempts > 0)
        .unwrap_or(DEFAULT_ATTEMPTS)
}

pub(in crate::source) fn time_limits(
    options: &S3Options,
) -> aws_sdk_s3::config::timeout::TimeoutConfigBuilder {
    let timeout = options.timeout.unwrap_or(RESPONSE_TIMEOUT);
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(timeout)
        .operation_attempt_timeout(timeout * COMPLETE_RESPONSE_FACTOR)
}

fn stall_protection(time: Duration) -> StalledStreamProtectionConfig {
    StalledStreamProtectionConfig::enabled().grace_period(time).build()
}

async fn configure(options: &S3Options, attempts: u32) -> Result<aws_sdk_s3::Config, String> {
    let shared = shared_config(options, attempts, "AWS_ENDPOINT_URL_S3").await?;
    let is_other_server =
        shared.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    Ok(aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(is_other_server)
        .retry_config(RetryConfig::standard().with_max_attempts(attempts))
        // Many fetches share a client. If S3 asks all of them to slow down, each must be allowed to retry.
        .retry_partition(RetryPartition::custom("tamarin").token_bucket(TokenBucket::unlimited()).build())
        .timeout_config(time_limits(options).build())
        .interceptor(LimitResponses::S3)
        .retry_classifier(LimitResponses::S3)
        .stalled_stream_protection(stall_protection(options.timeout.unwrap_or(STALL_TIMEOUT)))
        .build())
}

/// The configuration that the clients of all AWS services share: region, credentials, endpoint. `endpoint_variable` is the
/// environment variable with the endpoint of the service.
/// The error is one line: the configuration is invalid or cannot be read.
pub(in crate::source) async fn shared_config(
    options: &S3Options,
    attempts: u32,
    endpoint_variable: &str,
) -> Result<SdkConfig, String> {
    // Checked first, because the SDK's error for an invalid URL contains the URL.
    for name in ["AWS_ENDPOINT_URL", endpoint_variable] {
        if options.endpoint_url.is_none()
            && let Some(url) = std::env::var_os(name).filter(|url| !url.is_empty())
        {
            Endpoint::parse(&url.to_string_lossy(), name)?;
        }
    }
    if let Some(profile) = named_profile(options) {
        check_profile(&profile).await?;
    }
    // Only EC2 instances have a metadata service. Other machines must not wait for it.
    let instance_metadata = imds::Client::builder()
        .max_attempts(1)
        .connect_timeout(Duration::from_secs(1))
        .read_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(1))
        .operation_timeout(Duration::from_secs(2))
        .build();
    let region = region(options, &instance_metadata).await;

    let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(region.clone());
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    loader = if options.no_sign_request {
        loader.no_credentials()
    } else if let Some(given) = &options.credentials {
        loader.credentials_provider(aws_sdk_s3::config::Credentials::new(
            given.access_key_id.clone(),
            given.secret_access_key.clone(),
            given.session_token.clone(),
            None,
            "given",
        ))
    } else {
        loader.credentials_provider(credentials(options, region, instance_metadata).await)
    };
    let shared = loader
        // Set explicitly, because an invalid value in the environment would panic.
        .retry_config(RetryConfig::standard().with_max_attempts(attempts))
        .identity_cache(IdentityCache::lazy().load_timeout(Duration::from_secs(12)).build())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .load()
        .await;

    if options.endpoint_url.is_none()
        && let Some(url) = shared.endpoint_url()
    {
        Endpoint::parse(url, "endpoint_url of the profile in ~/.aws/config")?;
    }
    Ok(shared)
}

async fn region(options: &S3Options, instance_metadata: &imds::Client) -> Region {
    if let Some(region) = &options.region {
        return Region::new(region.clone());
    }
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &options.profile {
        profile = profile.profile_name(name);
    }
    let mut chain =
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile.build());
    let on_aws = options.endpoint_url.is_none() && !options.no_sign_request && options.credentials.is_none();
    if on_aws {
        chain = chain.or_else(
            imds::region::ImdsRegionProvider::builder().imds_client(instance_metadata.clone()).build(),
        );
    }
    chain.region().await.unwrap_or(Region::from_static(FIRST_REGION))
}

async fn credentials(
    options: &S3Options,
    region: Region,
    instance_metadata: imds::Client,
) -> SharedCredentialsProvider {
    let config = ProviderConfig::without_region().with_region(Some(region.clone()));
    let mut default_chain = DefaultCredentialsChain::builder().region(region).imds_client(instance_metadata);
    let Some(name) = &options.profile else {
        return SharedCredentialsProvider::new(default_chain.build().await);
    };
    // A profile that the user names takes precedence over the environment.
    default_chain = default_chain.profile_name(name);
    let named = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(name).build();
    SharedCredentialsProvider::new(
        CredentialsProviderChain::first_try("NamedProfile", named)
            .or_else("Default", default_chain.build().await),
    )
}

/// The profile that the user has named and that has to exist.
fn named_profile(options: &S3Options) -> Option<String> {
    // Unsigned requests, and requests with given credentials, need no profile.
    let needs_none = options.no_sign_request || options.credentials.is_some();
    let has_other_credentials = needs_none || std::env::var_os("AWS_ACCESS_KEY_ID").is_some();
    match &options.profile {
        Some(_) if needs_none => None,
        Some(profile) => Some(profile.clone()),
        None if has_other_credentials => None,
        None => std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty()),
    }
}

async fn check_profile(name: &str) -> Result<(), String> {
    let (fs, env, files) = Default::default();
    match aws_config::profile::load(&fs, &env, &files, Some(name.to_owned().into())).await {
        Ok(profiles) if profiles.get_profile(name).is_some() => Ok(()),
        Ok(profiles) => {
            let mut known: Vec<&str> = profiles.profiles().collect();
            known.sort_unstable();
            let known = match known.is_empty() {
                true => "there are none in ~/.aws/config and ~/.aws/credentials".to_owned(),
                false => format!("there are: {}", known.join(", ")),
            };
            Err(format!("profile `{name}` not found; {known}"))
        }
        Err(error) => Err(format!(
            "the AWS configuration cannot be read: {}; fix ~/.aws/config or ~/.aws/credentials",
            super::error::chain(&error)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_profile_is_no_error_for_unsigned_requests() {
        let named = |no_sign_request| S3Options {
            profile: Some("nosuch".to_owned()),
            no_sign_request,
            ..S3Options::default()
        };
        assert_eq!(named_profile(&named(true)), None);
        assert_eq!(named_profile(&named(false)).as_deref(), Some("nosuch"));
    }

    #[test]
    fn a_large_file_may_take_longer_but_not_forever() {
        let connection = Connection::new(S3Options::default());
        assert_eq!(connection.file_timeout(1000), Duration::from_secs(120));
        assert_eq!(connection.file_timeout(100 << 20), Duration::from_secs(120 + 102_400));
        let timeout = Some(Duration::from_secs(60));
        let patient = Connection::new(S3Options { timeout, ..S3Options::default() });
        assert_eq!(patient.file_timeout(1000), Duration::from_secs(720));
    }

    #[test]
    fn attempts_are_those_of_the_aws_tools_if_they_are_valid() {
        assert_eq!(attempts_from(Some("2")), 2);
        assert_eq!(attempts_from(Some(" 10 ")), 10);
        for variable in [None, Some("0"), Some("many"), Some("-1"), Some("")] {
            assert_eq!(attempts_from(variable), DEFAULT_ATTEMPTS, "{variable:?}");
        }
    }
}
