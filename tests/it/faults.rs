//! Requests to S3 fail in all possible ways: no request is lost, and none is counted twice.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::home::{Home, line, stderr};
use crate::support::contents::{Contents, contents};
use crate::support::faulty::{Fault, FaultyProxy, ProxiedRequest};
use crate::support::s3_server::{ACCESS_KEY, S3Server, SECRET_KEY};

const SOURCE: &str = "s3://acme-logs/p/";
const FILES: u32 = 150;
/// More than a pull takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(240);

/// A bucket with log files behind a proxy, and a home folder for the cache.
struct Scene {
    home: Home,
    server: S3Server,
    proxy: FaultyProxy,
}

fn name(n: u32) -> String {
    format!("p/2026-04-{:02}-{:02}-{:02}-00-{n:016X}", n % 20 + 1, n / 60 % 24, n % 60)
}

/// Some requests; in some files also a line that is not a record, or a repeat of another file.
fn content(n: u32) -> Vec<u8> {
    let request = |n: u32, i: u32| {
        let (ip, key) = (format!("203.0.113.{}", n % 40), format!("films/{}.mp4", n % 13));
        line(n * 20 + i, &ip, "-", "REST.GET.OBJECT", &key, 200, &(n * 1000 + i).to_string())
    };
    let mut text: String = (0..3 + n % 9).map(|i| request(n, i)).collect();
    if n % 10 == 4 {
        text.push_str(&format!("torn in file {n}\n"));
    }
    if n % 10 == 6 {
        text.push_str(&request(n - 1, 0));
    }
    if n % 10 != 9 {
        return text.into_bytes();
    }
    gzip(&text)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

impl Scene {
    fn new() -> Scene {
        let server = S3Server::start(&["acme-logs", "acme-others"]);
        for n in 0..FILES {
            server.put("acme-logs", &name(n), content(n));
        }
        Scene { home: Home::new(), proxy: FaultyProxy::before(&server), server }
    }

    fn cache(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }

    /// Runs `tamarin pull` through the proxy, and checks that it ends.
    fn pull(&self, source: &str, cache: &Path, more: &[&str], environment: &[(&str, &str)]) -> Output {
        let (endpoint, cache) = (self.proxy.endpoint(), cache.to_str().unwrap());
        let arguments = ["pull", source, "--cache", cache, "--endpoint-url", &endpoint];
        // Without stalls the limit may be high, so that a busy machine does not fail the test.
        let timeout: &[&str] = if more.contains(&"--timeout") { &[] } else { &["--timeout", "30s"] };
        let mut child = self
            .home
            .command(&[&arguments[..], timeout, more].concat())
            .envs(self.server.environment())
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > TIMEOUT {
                child.kill().unwrap();
                panic!("the pull did not end: {}", stderr(&child.wait_with_output().unwrap()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        child.wait_with_output().unwrap()
    }

    /// Runs `tamarin pull` with credentials only from the files that these variables name.
    fn pull_as_configured(&self, cache: &Path, files: &[(&str, &Path)]) -> Output {
        let endpoint = self.proxy.endpoint();
        let arguments = ["pull", SOURCE, "--cache", cache.to_str().unwrap(), "--endpoint-url", &endpoint];
        self.home
            .command(&arguments)
            .envs(self.server.environment())
            .envs(files.iter().copied())
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .output()
            .unwrap()
    }

    /// Checks that a pull has ended early: after the credentials were refused, it only sent the requests that had
    /// begun, for 256 small log files, and each again with credentials that were loaded again.
    fn assert_given_up_early(&self) {
        let seen = self.proxy.take_requests();
        let refused: Vec<&str> = seen
            .iter()
            .filter(|(request, fault)| request.is_object() && fault.is_some())
            .map(|(request, _)| request.target.as_str())
            .collect();
        let files = refused.iter().collect::<BTreeSet<_>>().len();
        assert!((1..=256).contains(&files), "{files} log files were requested in vain");
        assert!(refused.len() <= 2 * 256, "{} requests were made in vain", refused.len());
    }

    /// The contents of a cache after a pull without faults.
    fn undisturbed(&self, source: &str, cache: &Path) -> Contents {
        self.proxy.stop_faults();
        let output = self.pull(source, cache, &[], &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        contents(cache)
    }

    /// The contents of a cache with all log files.
    fn expected(&self) -> Contents {
        self.undisturbed(SOURCE, &self.cache("whole.db"))
    }

    /// Adds log files: more than a page of a listing has.
    fn put_more_than_a_page(&self) {
        for n in FILES..1010 {
            let text = line(n, "203.0.113.9", "-", "REST.GET.OBJECT", "k", 200, "1");
            self.server.put("acme-logs", &name(n), text);
        }
    }

    /// Puts deleted log files back.
    fn put_back(&self) {
        for n in 0..FILES {
            if !self.server.path("acme-logs", &name(n)).exists() {
                self.server.put("acme-logs", &name(n), content(n));
            }
        }
    }

    /// Keys of the log files whose requests failed.
    fn failed(&self) -> BTreeSet<String> {
        let seen = self.proxy.take_requests().into_iter();
        seen.filter(|(request, fault)| request.is_object() && fault.is_some())
            .map(|(request, _)| key_of(&request.target))
            .collect()
    }

    /// Checks that a pull without faults fetches the missing log files and no others.
    fn assert_repaired(&self, cache: &Path, missing: usize, expected: &Contents) {
        self.proxy.take_requests();
        assert_eq!(self.undisturbed(SOURCE, cache), *expected);
        let fetched = self.proxy.take_requests().iter().filter(|(request, _)| request.is_object()).count();
        assert_eq!(fetched, missing, "log files fetched");
    }
}

fn key_of(target: &str) -> String {
    target.split('?').next().unwrap().trim_start_matches("/acme-logs/").to_owned()
}

/// 30 % of the requests for log files and all list requests fail once or twice in one of these ways, then succeed.
fn temporary(
    seed: u64,
    faults: &'static [Fault],
) -> impl Fn(&ProxiedRequest) -> Option<Fault> + Send + Sync + 'static {
    move |request| {
        let random = request.random(seed);
        let fails = request.is_list() || random % 100 < 30;
        let times = 1 + random / 100 % 2;
        let fault = faults[(random / 1000) as usize % faults.len()];
        (fails && (request.before as u64) < times).then_some(fault)
    }
}

fn survives(faults: &'static [Fault]) {
    let scene = Scene::new();
    let expected = scene.expected();
    assert_eq!(expected.rejected.len(), 15);
    let (mut objects, mut lists) = (0, 0);
    for seed in 1..=2 {
        let cache = scene.cache(&format!("{seed}.db"));
        scene.proxy.take_requests();
        scene.proxy.inject(temporary(seed, faults));
        let timeout: &[&str] = if faults.contains(&Fault::Stall) { &["--timeout", "3s"] } else { &[] };
        let output = scene.pull(SOURCE, &cache, timeout, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(!stderr(&output).contains("could not be read"), "{}", stderr(&output));
        assert_eq!(contents(&cache), expected);
        let seen = scene.proxy.take_requests();
        lists += seen.iter().filter(|(request, fault)| request.is_list() && fault.is_some()).count();
        objects += seen.iter().filter(|(request, fault)| request.is_object() && fault.is_some()).count();
    }
    assert!(objects >= FILES as usize / 2, "only {objects} requests for log files failed");
    assert!(lists >= 1, "no request for a list failed");
}

#[test]
fn temporary_internal_errors_lose_nothing() {
    survives(&[Fault::InternalError]);
}

#[test]
fn temporary_requests_to_slow_down_lose_nothing() {
    survives(&[Fault::SlowDown]);
}

#[test]
fn reset_connections_lose_nothing() {
    survives(&[Fault::Reset]);
}

#[test]
fn contents_that_are_cut_off_lose_nothing() {
    survives(&[Fault::CutShort]);
}

#[test]
fn contents_that_stall_lose_nothing() {
    survives(&[Fault::Stall]);
}

#[test]
fn contents_that_a_proxy_cuts_off_unnoticeably_lose_nothing() {
    let scene = Scene::new();
    let expected = scene.expected();
    let cache = scene.cache("cut.db");
    // Half of a listing is invalid XML, so only contents can be cut off unnoticeably.
    let plan = temporary(3, &[Fault::CutAndDenied]);
    scene.proxy.inject(move |request| plan(request).filter(|_| request.is_object()));
    let output = scene.pull(SOURCE, &cache, &[], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(contents(&cache), expected);
    assert!(scene.failed().len() > 20);
}

#[test]
fn log_files_that_cannot_be_fetched_are_named_and_the_others_are_complete() {
    const FAULTS: &[Fault] = &[
        Fault::InternalError,
        Fault::SlowDown,
        Fault::Reset,
        Fault::CutShort,
        Fault::CutAndDenied,
        Fault::Stall,
        Fault::Deleted,
        Fault::Swallowed,
    ];
    let scene = Scene::new();
    let expected = scene.expected();
    scene.proxy.take_requests();
    scene.proxy.inject(|request| {
        let random = request.random(7);
        (request.is_object() && random % 100 < 30).then(|| FAULTS[(random / 100) as usize % FAULTS.len()])
    });
    let cache = scene.cache("cache.db");
    let output = scene.pull(SOURCE, &cache, &["-v", "--timeout", "8s"], &[("AWS_MAX_ATTEMPTS", "2")]);
    let output_text = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{output_text}");
    let seen = scene.proxy.take_requests();
    for fault in FAULTS {
        assert!(seen.iter().any(|(_, done)| done == &Some(*fault)), "{fault:?} did not happen");
    }
    let failed: BTreeSet<String> = seen
        .iter()
        .filter(|(request, fault)| request.is_object() && fault.is_some())
        .map(|(request, _)| key_of(&request.target))
        .collect();
    assert!(failed.len() as u32 > FILES / 5, "{}", failed.len());
    for n in 0..FILES {
        assert_eq!(output_text.contains(&name(n)), failed.contains(&name(n)), "{}: {output_text}", name(n));
        if !failed.contains(&name(n)) {
            scene.server.put("acme-others", &name(n), content(n));
        }
    }
    assert!(output_text.contains(&format!("{} could not be read", failed.len())), "{output_text}");
    assert_eq!(contents(&cache), scene.undisturbed("s3://acme-others/p/", &scene.cache("others.db")));

    scene.put_back();
    scene.assert_repaired(&cache, failed.len(), &expected);
    scene.assert_repaired(&cache, 0, &expected);
}

#[test]
fn each_reason_is_reported_once_unless_verbose() {
    let scene = Scene::new();
    scene.proxy.inject(|request| {
        let random = request.random(11);
        (request.is_object() && random % 100 < 30).then_some(if random / 100 % 2 == 0 {
            Fault::InternalError
        } else {
            Fault::SlowDown
        })
    });
    let cache = scene.cache("cache.db");
    let output = scene.pull(SOURCE, &cache, &[], &[("AWS_MAX_ATTEMPTS", "1")]);
    let output_text = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{output_text}");
    for reason in ["has an internal error (HTTP 500)", "keeps asking to slow down"] {
        assert_eq!(output_text.matches(reason).count(), 1, "{output_text}");
    }
    assert_eq!(output_text.lines().count(), 3, "two reasons and the summary: {output_text}");
    assert!(output_text.contains("(-v names all)"), "{output_text}");
}

/// Checks that a text has no secrets.
fn assert_no_secrets(output_text: &str) {
    for secret in [ACCESS_KEY, SECRET_KEY, "Signature", "a-session-token"] {
        assert!(!output_text.contains(secret), "{output_text}");
    }
}

/// From the twentieth log file on, requests for log files that `of` selects are refused with this fault.
fn refused_later(
    fault: Fault,
    of: impl Fn(&ProxiedRequest) -> bool + Send + Sync + 'static,
) -> impl Fn(&ProxiedRequest) -> Option<Fault> + Send + Sync + 'static {
    let fetched = Mutex::new(BTreeSet::new());
    move |request| {
        let mut fetched = fetched.lock().unwrap();
        if request.is_object() && fetched.len() < 20 {
            fetched.insert(request.target.clone());
        }
        (request.is_object() && of(request) && !fetched.contains(&request.target)).then_some(fault)
    }
}

#[test]
fn credentials_that_expire_during_a_pull_are_reported_once() {
    let scene = Scene::new();
    let expected = scene.expected();
    let token = [("AWS_SESSION_TOKEN", "a-session-token")];
    for (index, (fault, why)) in [
        (Fault::Expired(400), "the credentials have expired; log in again"),
        (Fault::Expired(403), "the credentials have expired; log in again"),
        (Fault::UnknownKey, "does not know the access key; check AWS_ACCESS_KEY_ID"),
    ]
    .into_iter()
    .enumerate()
    {
        scene.proxy.inject(refused_later(fault, |_| true));
        scene.proxy.take_requests();
        let cache = scene.cache(&format!("{index}.db"));
        let output = scene.pull(SOURCE, &cache, &[], &token);
        let output_text = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{output_text}");
        assert_eq!(output_text.matches(why).count(), 1, "{output_text}");
        assert!(output_text.contains("130 log files could not be read"), "{output_text}");
        assert!(output_text.lines().count() <= 2, "{output_text}");
        assert_no_secrets(&output_text);
        scene.assert_given_up_early();
        scene.assert_repaired(&cache, 130, &expected);
    }
}

#[test]
fn credentials_that_cannot_be_loaded_again_end_the_pull() {
    let scene = Scene::new();
    let expected = scene.expected();
    // The credentials come from a program that works only once.
    let (once, program) = (scene.home.path("once"), scene.home.path("credentials.sh"));
    std::fs::write(
        &program,
        format!(
            "mkdir '{}' || exit 1\necho '{{\"Version\": 1, \"AccessKeyId\": \"{ACCESS_KEY}\", \
             \"SecretAccessKey\": \"{SECRET_KEY}\", \"SessionToken\": \"a-session-token\"}}'\n",
            once.display()
        ),
    )
    .unwrap();
    let config = scene.home.path("aws-config");
    std::fs::write(&config, format!("[default]\ncredential_process = sh {}\n", program.display())).unwrap();
    scene.proxy.inject(refused_later(Fault::Expired(400), |_| true));
    scene.proxy.take_requests();
    let cache = scene.cache("cache.db");
    let output = scene.pull_as_configured(&cache, &[("AWS_CONFIG_FILE", &config)]);
    let output_text = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{output_text}");
    assert_eq!(output_text.matches("the credentials cannot be loaded").count(), 1, "{output_text}");
    assert!(output_text.contains("130 log files could not be read"), "{output_text}");
    assert_no_secrets(&output_text);
    scene.assert_given_up_early();
    scene.assert_repaired(&cache, 130, &expected);
}

#[test]
fn credentials_that_expire_during_a_listing_are_reported_once() {
    let scene = Scene::new();
    scene.put_more_than_a_page();
    let plan = refused_later(Fault::Expired(400), |_| true);
    let refused = AtomicBool::new(false);
    // The listing continues only after the first refusal.
    let lists = AtomicUsize::new(0);
    scene.proxy.inject(move |request| {
        if request.is_list() && lists.fetch_add(1, Ordering::Relaxed) > 0 {
            while !refused.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            return Some(Fault::Expired(400));
        }
        let fault = plan(request);
        refused.fetch_or(fault.is_some(), Ordering::Relaxed);
        fault
    });
    let cache = scene.cache("cache.db");
    let output = scene.pull(SOURCE, &cache, &[], &[]);
    let output_text = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{output_text}");
    assert_eq!(output_text.matches("the credentials have expired; log in again").count(), 1, "{output_text}");
    assert!(output_text.lines().count() <= 2, "{output_text}");
    scene.assert_given_up_early();
    assert_eq!(scene.undisturbed(SOURCE, &cache), scene.expected());
}

#[test]
fn credentials_that_had_expired_before_are_reported_in_one_line() {
    let scene = Scene::new();
    let cache = scene.cache("cache.db");
    let everything: fn(&ProxiedRequest) -> Option<Fault> = |_| Some(Fault::Expired(400));
    let contents_only: fn(&ProxiedRequest) -> Option<Fault> =
        |request| request.is_object().then_some(Fault::Expired(403));
    for plan in [everything, contents_only] {
        scene.proxy.inject(plan);
        let output = scene.pull(SOURCE, &cache, &[], &[("AWS_SESSION_TOKEN", "a-session-token")]);
        let output_text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{output_text}");
        assert_eq!(output_text.lines().count(), 1, "{output_text}");
        assert!(
            output_text.contains("the credentials have expired; log in again (aws sso login)"),
            "{output_text}"
        );
        assert_no_secrets(&output_text);
        assert!(!cache.exists(), "no empty cache remains");
    }
}

#[test]
fn credentials_that_are_renewed_during_a_pull_are_used() {
    let scene = Scene::new();
    let expected = scene.expected();
    let file = scene.home.path("credentials");
    let log_in = move |token: &str| {
        let text = format!(
            "[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n\
             aws_session_token = {token}\n"
        );
        // Replaced atomically.
        std::fs::write(file.with_extension("new"), text).unwrap();
        std::fs::rename(file.with_extension("new"), &file).unwrap();
    };
    log_in("morning");
    let logged_in = AtomicBool::new(false);
    scene.proxy.inject(move |request| {
        // The old credentials are refused for half of the log files. The first refusal renews them.
        let is_old = request.is_object() && request.head.contains("x-amz-security-token: morning");
        if !is_old || request.random(1) % 2 == 0 {
            return None;
        }
        if !logged_in.swap(true, Ordering::Relaxed) {
            log_in("noon");
        }
        Some(Fault::Expired(400))
    });
    scene.proxy.take_requests();
    let cache = scene.cache("cache.db");
    let file = scene.home.path("credentials");
    let output = scene.pull_as_configured(&cache, &[("AWS_SHARED_CREDENTIALS_FILE", &file)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(contents(&cache), expected);
    assert!(!scene.failed().is_empty());
}

#[test]
fn a_listing_that_fails_after_its_first_page_loses_nothing() {
    let scene = Scene::new();
    scene.put_more_than_a_page();
    let expected = scene.expected();
    let cache = scene.cache("cache.db");
    // The first page succeeds, all later ones fail.
    let lists = AtomicUsize::new(0);
    scene.proxy.inject(move |request| {
        let is_later = request.is_list() && lists.fetch_add(1, Ordering::Relaxed) > 0;
        is_later.then_some(Fault::InternalError)
    });
    let output = scene.pull(SOURCE, &cache, &[], &[("AWS_MAX_ATTEMPTS", "1")]);
    let output_text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{output_text}");
    assert!(output_text.contains("s3://acme-logs/p/: ") && output_text.contains("HTTP 500"), "{output_text}");
    assert_eq!(scene.undisturbed(SOURCE, &cache), expected);
}

/// 30 % of the requests fail in any way, temporarily or permanently.
#[test]
fn all_faults_together_lose_nothing_and_duplicate_nothing() {
    const FAULTS: &[Fault] = &[
        Fault::InternalError,
        Fault::SlowDown,
        Fault::Reset,
        Fault::CutShort,
        Fault::CutAndDenied,
        Fault::Stall,
        Fault::Deleted,
    ];
    let scene = Scene::new();
    let expected = scene.expected();
    for seed in 20..22 {
        let cache = scene.cache(&format!("{seed}.db"));
        scene.proxy.take_requests();
        scene.proxy.inject(move |request| {
            let random = request.random(seed);
            let fault = FAULTS[(random / 1000) as usize % FAULTS.len()];
            let is_permanent = request.is_object() && random / 100 % 3 == 0;
            let fails = random % 100 < 30 && (is_permanent || request.before < 2);
            // Another test has the faults that a listing does not survive.
            let is_survivable = request.is_object()
                || matches!(fault, Fault::InternalError | Fault::SlowDown | Fault::Reset | Fault::CutShort);
            (fails && is_survivable).then_some(fault)
        });
        let output = scene.pull(SOURCE, &cache, &["--timeout", "4s"], &[("AWS_MAX_ATTEMPTS", "3")]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let first = contents(&cache);
        assert!(first.totals.stats.requests < expected.totals.stats.requests);
        // The same faults again: the permanent ones stay, and nothing is counted twice.
        let output = scene.pull(SOURCE, &cache, &["-q", "--timeout", "4s"], &[("AWS_MAX_ATTEMPTS", "3")]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(scene.failed().len() as u32 > FILES / 5);
        scene.put_back();
        assert_eq!(scene.undisturbed(SOURCE, &cache), expected);
        scene.assert_repaired(&cache, 0, &expected);
    }
}

/// A bucket has half of a compressed log file, and later all of it.
#[test]
fn half_a_log_file_is_replaced_by_the_complete_one() {
    let scene = Scene::new();
    let text: String = (0..4000)
        .map(|n| line(n, "198.51.100.1", "-", "REST.GET.OBJECT", &format!("k{}", n % 50), 200, "1"))
        .collect();
    let compressed = gzip(&text);
    let (source, name) = ("s3://acme-others/p/", "p/2026-04-01-00-00-00-COMPRESSED.gz");
    scene.server.put("acme-others", name, &compressed);
    let expected = scene.undisturbed(source, &scene.cache("whole.db"));
    assert_eq!(expected.totals.stats.requests, 4000);

    let cache = scene.cache("cache.db");
    scene.server.put("acme-others", name, &compressed[..compressed.len() * 6 / 10]);
    for round in 0..2 {
        let output = scene.pull(source, &cache, &[], &[]);
        let output_text = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{output_text}");
        assert!(output_text.contains(name) && output_text.contains("gzip"), "{output_text}");
        let requests = contents(&cache).totals.stats.requests;
        assert!((500..4000).contains(&requests), "round {round}: {requests}");
    }
    scene.server.put("acme-others", name, &compressed);
    let output = scene.pull(source, &cache, &[], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let repaired = contents(&cache);
    assert_eq!(repaired.totals, expected.totals);
    assert_eq!((repaired.by_address, repaired.by_key), (expected.by_address, expected.by_key));
}
