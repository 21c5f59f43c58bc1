//! The connection to S3: options, credentials, time limits, and the region where the bucket is.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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
use tokio::sync::OnceCell;

use super::endpoint::Endpoint;
use super::response_limit::BoundAnswers;

/// Region asked first when none is configured; S3 answers with the right one.
const FIRST_REGION: &str = "us-east-1";
/// How long S3 may be silent before it answers, if nobody says otherwise.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How long a content may stand still on its way, if nobody says otherwise.
const STALLED_AFTER: Duration = Duration::from_secs(10);
/// A whole answer, such as a page of a list, may take five times the time of silence, 100 seconds: a server may
/// send a byte now and then for ever.
const ANSWER_TIMES: u32 = 5;
/// A content may take twelve times the time that it may stand still, 2 minutes, and more if it is large.
const CONTENT_TIMES: u32 = 12;
/// Bytes a second of a large content that is slow but not given up: 1 KiB.
const SLOWEST_CONTENT: u64 = 1 << 10;
/// The same two until S3 has answered for the first time, and how long it is tried.
const FIRST_ANSWER_WITHIN: Duration = Duration::from_secs(10);
const FIRST_STALLED_AFTER: Duration = Duration::from_secs(5);
const FIRST_TRIED_FOR: Duration = Duration::from_secs(14);
/// Expired credentials are not looked for again sooner than this.
const RENEW_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// How often a request is sent in all, if `AWS_MAX_ATTEMPTS` does not say.
const ATTEMPTS: u32 = 6;

/// How to reach S3: what the command line can say. By default all is as the AWS configuration
/// (environment, profile, SSO, container or machine role) has it.
#[derive(Clone, Default)]
pub struct S3Options {
    /// Another S3-compatible server, `http://…` or `https://…`; buckets are then named in the path.
    pub endpoint_url: Option<String>,
    /// Region of the bucket. Wrong or missing: found out from S3's answer.
    pub region: Option<String>,
    /// Profile of the AWS configuration. Goes before credentials in the environment.
    pub profile: Option<String>,
    /// Send anonymous requests.
    pub no_sign_request: bool,
    /// How long S3 may be silent, before an answer or in the middle of one, until the request is sent
    /// again. `None`: 20 seconds before an answer, 10 in one.
    pub timeout: Option<Duration>,
    /// Credentials to use rather than those of the AWS configuration, for programs that have their own;
    /// the command line has no option for them, as others can see it.
    pub credentials: Option<Credentials>,
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Options")
            .field("endpoint_url", &self.endpoint_url.as_ref().map(|_| shown_endpoint(self, "")))
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("no_sign_request", &self.no_sign_request)
            .field("timeout", &self.timeout)
            .field("credentials", &self.credentials)
            .finish()
    }
}

/// A key pair. Never shown: not even by `Debug`.
#[derive(Clone)]
pub struct Credentials {
    /// `AKIA…` or `ASIA…`.
    pub access_key_id: String,
    /// The secret that belongs to it.
    pub secret_access_key: String,
    /// Temporary credentials have one.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Clients for one bucket. Connects when first asked for a client.
#[derive(Debug)]
pub(super) struct Connection {
    options: S3Options,
    configured: OnceCell<()>,
    client: Mutex<Option<Client>>,
    /// S3 has answered something: from now on, patience.
    answered: AtomicBool,
    /// ETags here are something else than MD5s.
    without_sums: AtomicBool,
    /// How often a request is sent in all.
    attempts: u32,
    /// When credentials were looked for again.
    renewed: tokio::sync::Mutex<Option<Instant>>,
    /// When it was found that there are no credentials that S3 takes, and what was told of it.
    given_up: Mutex<Option<(Instant, String)>>,
}

impl Connection {
    pub(super) fn new(options: S3Options) -> Connection {
        Connection {
            options,
            configured: OnceCell::new(),
            client: Mutex::new(None),
            answered: AtomicBool::new(false),
            without_sums: AtomicBool::new(false),
            attempts: attempts_wanted(std::env::var("AWS_MAX_ATTEMPTS").ok().as_deref()),
            renewed: tokio::sync::Mutex::default(),
            given_up: Mutex::default(),
        }
    }

    pub(super) fn options(&self) -> &S3Options {
        &self.options
    }

    /// A client for the region known by now.
    ///
    /// # Errors
    /// One line: the profile does not exist or cannot be read.
    pub(super) async fn client(&self) -> Result<Client, String> {
        self.configured
            .get_or_try_init(|| async {
                let client = Client::from_conf(configure(&self.options, self.attempts).await?);
                self.set(client);
                Ok::<(), String>(())
            })
            .await?;
        let guard = self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        guard.clone().ok_or_else(|| "not connected".to_owned())
    }

    fn set(&self, client: Client) {
        *self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(client);
    }

    /// Turns to another region after S3 said to `asked` that the bucket is there. `false`: that is
    /// where it was asked already.
    pub(super) fn turn_to(&self, asked: &Client, region: String) -> bool {
        if region_of(asked) == region {
            return false;
        }
        let conf = asked.config().to_builder().region(Region::new(region)).build();
        self.set(Client::from_conf(conf));
        true
    }

    /// Looks for other credentials after S3 said that those of a request sent at `asked` have expired:
    /// whoever keeps on pulling for days logs in again meanwhile. `false`: there is nowhere to look,
    /// or that was done just now.
    pub(super) async fn renew(&self, asked: Instant) -> bool {
        if self.options.credentials.is_some() {
            return false;
        }
        // Many fetches hear of it at once; the first of them renews for all.
        let mut renewed = self.renewed.lock().await;
        match *renewed {
            Some(at) if at >= asked => return true,
            Some(at) if at.elapsed() < RENEW_AGAIN_AFTER => return false,
            _ => {}
        }
        let fresh = configure(&self.options, self.attempts).await;
        if let (Ok(fresh), Ok(old)) = (&fresh, self.client().await) {
            let region = Region::new(region_of(&old).to_owned());
            self.set(Client::from_conf(fresh.to_builder().region(region).build()));
        }
        // Not before the client is there: what is asked from now on is asked with it.
        *renewed = Some(Instant::now());
        fresh.is_ok()
    }

    /// Notes that S3 takes none of the credentials that there are: whatever else is asked soon ends with this
    /// reason, unasked. Thousands of log files may be waiting, and each would be refused.
    pub(super) fn give_up(&self, reason: &str) {
        let mut given_up = self.given_up.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *given_up = Some((Instant::now(), reason.to_owned()));
    }

    /// Why nothing is asked for the time being. Whoever keeps on pulling tries again when it pays to look for
    /// credentials again.
    pub(super) fn given_up(&self) -> Option<String> {
        let given_up = self.given_up.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (at, reason) = given_up.as_ref()?;
        (at.elapsed() < RENEW_AGAIN_AFTER).then(|| reason.clone())
    }

    /// Notes that S3 can be reached.
    pub(super) fn has_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Whether ETags may be MD5s here.
    pub(super) fn has_sums(&self) -> bool {
        !self.without_sums.load(Ordering::Relaxed)
    }

    /// Notes that ETags are something else here: no other content is compared with one.
    pub(super) fn has_no_sums(&self) {
        self.without_sums.store(true, Ordering::Relaxed);
    }

    /// What differs for requests before S3 has answered anything: whoever waits for the first sign of
    /// life is told soon what is wrong. Later ones are worth many attempts.
    pub(super) fn first_contact(&self) -> Option<Builder> {
        if self.answered.load(Ordering::Relaxed) {
            return None;
        }
        // Who asks for more patience has it from the beginning.
        let given = self.options.timeout;
        let limits = time_limits(&self.options)
            .read_timeout(given.unwrap_or(FIRST_ANSWER_WITHIN))
            .operation_timeout(given.map_or(FIRST_TRIED_FOR, |given| FIRST_TRIED_FOR.max(given * 5)));
        Some(
            aws_sdk_s3::Config::builder()
                .retry_config(RetryConfig::standard().with_max_attempts(3.min(self.attempts)))
                .timeout_config(limits.build())
                .stalled_stream_protection(stalled_after(given.unwrap_or(FIRST_STALLED_AFTER))),
        )
    }

    /// How long a content of this length may take in all.
    pub(super) fn content_within(&self, length: u64) -> Duration {
        let still = self.options.timeout.unwrap_or(STALLED_AFTER);
        still * CONTENT_TIMES + Duration::from_secs(length / SLOWEST_CONTENT)
    }

    /// How often something is asked for in all until it is given up.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }
}

pub(super) fn region_of(client: &Client) -> &str {
    client.config().region().map_or("", Region::as_ref)
}

/// The endpoint as it may be shown.
pub(super) fn shown_endpoint(options: &S3Options, region: &str) -> String {
    match &options.endpoint_url {
        None => format!("https://s3.{region}.amazonaws.com"),
        Some(url) => match Endpoint::parse(url, "") {
            Ok(endpoint) => endpoint.to_string(),
            Err(_) => "the server of --endpoint-url".to_owned(),
        },
    }
}

/// What the AWS tools take from `AWS_MAX_ATTEMPTS`, if it is a number they would take.
fn attempts_wanted(said: Option<&str>) -> u32 {
    said.and_then(|said| said.trim().parse().ok()).filter(|attempts| *attempts > 0).unwrap_or(ATTEMPTS)
}

fn time_limits(options: &S3Options) -> aws_sdk_s3::config::timeout::TimeoutConfigBuilder {
    let silence = options.timeout.unwrap_or(ANSWER_WITHIN);
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(silence)
        .operation_attempt_timeout(silence * ANSWER_TIMES)
}

fn stalled_after(time: Duration) -> StalledStreamProtectionConfig {
    StalledStreamProtectionConfig::enabled().grace_period(time).build()
}

async fn configure(options: &S3Options, attempts: u32) -> Result<aws_sdk_s3::Config, String> {
    // What the SDK says of a URL that makes no sense repeats it.
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
        if options.endpoint_url.is_none()
            && let Some(url) = std::env::var_os(name).filter(|url| !url.is_empty())
        {
            Endpoint::parse(&url.to_string_lossy(), name)?;
        }
    }
    if let Some(profile) = wanted_profile(options) {
        check_profile(&profile).await?;
    }
    // A machine that is no EC2 instance has nobody at the metadata address: do not wait for it.
    let machine = imds::Client::builder()
        .max_attempts(1)
        .connect_timeout(Duration::from_secs(1))
        .read_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(1))
        .operation_timeout(Duration::from_secs(2))
        .build();
    let region = region(options, &machine).await;

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
        loader.credentials_provider(credentials(options, region, machine).await)
    };
    let retries = RetryConfig::standard().with_max_attempts(attempts);
    let shared = loader
        // Given here, the environment is not asked: what makes no sense in it would end in a panic.
        .retry_config(retries.clone())
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
    let own_server = shared.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    Ok(aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(own_server)
        .retry_config(retries)
        // Many fetches share a client: if S3 asks all of them to slow down, each must be free to try again.
        .retry_partition(RetryPartition::custom("tamarin").token_bucket(TokenBucket::unlimited()).build())
        .timeout_config(time_limits(options).build())
        .interceptor(BoundAnswers)
        .retry_classifier(BoundAnswers)
        .stalled_stream_protection(stalled_after(options.timeout.unwrap_or(STALLED_AFTER)))
        .build())
}

async fn region(options: &S3Options, machine: &imds::Client) -> Region {
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
        chain =
            chain.or_else(imds::region::ImdsRegionProvider::builder().imds_client(machine.clone()).build());
    }
    chain.region().await.unwrap_or(Region::from_static(FIRST_REGION))
}

async fn credentials(
    options: &S3Options,
    region: Region,
    machine: imds::Client,
) -> SharedCredentialsProvider {
    let config = ProviderConfig::without_region().with_region(Some(region.clone()));
    let mut usual = DefaultCredentialsChain::builder().region(region).imds_client(machine);
    let Some(name) = &options.profile else {
        return SharedCredentialsProvider::new(usual.build().await);
    };
    // Who names a profile means it, whatever the environment says.
    usual = usual.profile_name(name);
    let named = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(name).build();
    SharedCredentialsProvider::new(
        CredentialsProviderChain::first_try("NamedProfile", named).or_else("Default", usual.build().await),
    )
}

/// The profile that somebody counts on, so that a wrong name is worth an error of its own.
fn wanted_profile(options: &S3Options) -> Option<String> {
    // Nothing is taken from it that a request without a signature, or with keys of its own, could not do without.
    let needs_none = options.no_sign_request || options.credentials.is_some();
    let elsewhere = needs_none || std::env::var_os("AWS_ACCESS_KEY_ID").is_some();
    match &options.profile {
        Some(_) if needs_none => None,
        Some(profile) => Some(profile.clone()),
        None if elsewhere => None,
        None => std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty()),
    }
}

async fn check_profile(name: &str) -> Result<(), String> {
    let loaded = aws_config::profile::load(
        &Default::default(),
        &Default::default(),
        &Default::default(),
        Some(name.to_owned().into()),
    )
    .await;
    match loaded {
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
            "the AWS configuration cannot be read: {}; mend ~/.aws/config or ~/.aws/credentials",
            super::error::chain(&error)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_that_does_not_exist_does_not_matter_where_nothing_is_signed() {
        let named = |no_sign_request| S3Options {
            profile: Some("nosuch".to_owned()),
            no_sign_request,
            ..S3Options::default()
        };
        assert_eq!(wanted_profile(&named(true)), None);
        assert_eq!(wanted_profile(&named(false)).as_deref(), Some("nosuch"));
    }

    #[test]
    fn a_large_content_may_take_longer_but_not_for_ever() {
        let connection = Connection::new(S3Options::default());
        assert_eq!(connection.content_within(1000), Duration::from_secs(120));
        assert_eq!(connection.content_within(100 << 20), Duration::from_secs(120 + 102_400));
        let timeout = Some(Duration::from_secs(60));
        let patient = Connection::new(S3Options { timeout, ..S3Options::default() });
        assert_eq!(patient.content_within(1000), Duration::from_secs(720));
    }

    #[test]
    fn attempts_are_those_of_the_aws_tools_where_they_make_sense() {
        assert_eq!(attempts_wanted(Some("2")), 2);
        assert_eq!(attempts_wanted(Some(" 10 ")), 10);
        for said in [None, Some("0"), Some("many"), Some("-1"), Some("")] {
            assert_eq!(attempts_wanted(said), ATTEMPTS, "{said:?}");
        }
    }
}
