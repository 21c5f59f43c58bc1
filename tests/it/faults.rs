//! Requests to S3 fail in all the ways they can, and nothing is lost and nothing counted twice.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::home::{Home, line, stderr};
use crate::support::contents::{Contents, contents};
use crate::support::faulty::{Asked, Fault, FaultyProxy};
use crate::support::s3_server::{ACCESS_KEY, S3Server, SECRET_KEY};

const SOURCE: &str = "s3://acme-logs/p/";
const FILES: u32 = 150;
/// Longer than any pull takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// A bucket of log files behind a proxy, and a home to pull them to.
struct Scene {
    home: Home,
    server: S3Server,
    proxy: FaultyProxy,
}

fn name(n: u32) -> String {
    format!("p/2026-04-{:02}-{:02}-{:02}-00-{n:016X}", n % 20 + 1, n / 60 % 24, n % 60)
}

/// Some requests; here and there a line that is no record, and one that S3 delivered before.
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
    packed(&text)
}

fn packed(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
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

    /// Runs `tamarin pull` through the proxy; that it ends at all is a part of what is tested.
    fn pull(&self, source: &str, cache: &Path, more: &[&str], environment: &[(&str, &str)]) -> Output {
        let (endpoint, cache) = (self.proxy.endpoint(), cache.to_str().unwrap());
        let arguments = ["pull", source, "--cache", cache, "--endpoint-url", &endpoint];
        // Where nothing stands still there is time: a busy machine is no fault.
        let patience: &[&str] = if more.contains(&"--timeout") { &[] } else { &["--timeout", "30s"] };
        let mut child = self
            .home
            .command(&[&arguments[..], patience, more].concat())
            .envs(self.server.environment())
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("it did not end: {}", stderr(&child.wait_with_output().unwrap()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        child.wait_with_output().unwrap()
    }

    /// The same with credentials from files named by these variables, and from nowhere else.
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

    /// After credentials were refused nothing was asked but what was on its way: sixty-four log files, each
    /// once more with those that were found when looking again.
    fn given_up_early(&self) {
        let seen = self.proxy.take_seen();
        let refused: Vec<&str> = seen
            .iter()
            .filter(|(asked, fault)| asked.is_object() && fault.is_some())
            .map(|(asked, _)| asked.target.as_str())
            .collect();
        let files = refused.iter().collect::<BTreeSet<_>>().len();
        assert!((1..=64).contains(&files), "{files} log files were asked for in vain");
        assert!(refused.len() <= 2 * 64, "{} requests were made in vain", refused.len());
    }

    /// What is in a cache after a pull in which nothing fails.
    fn undisturbed(&self, source: &str, cache: &Path) -> Contents {
        self.proxy.heal();
        let output = self.pull(source, cache, &[], &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        contents(cache)
    }

    /// What a pull of all log files brings.
    fn whole(&self) -> Contents {
        self.undisturbed(SOURCE, &self.cache("whole.db"))
    }

    /// More log files than a page of a list holds.
    fn put_more_than_a_page(&self) {
        for n in FILES..1010 {
            let text = line(n, "203.0.113.9", "-", "REST.GET.OBJECT", "k", 200, "1");
            self.server.put("acme-logs", &name(n), text);
        }
    }

    /// What was deleted is there again.
    fn put_back(&self) {
        for n in 0..FILES {
            if !self.server.path("acme-logs", &name(n)).exists() {
                self.server.put("acme-logs", &name(n), content(n));
            }
        }
    }

    /// Keys of the log files that were asked for; of those only whose requests were spoiled.
    fn spoiled(&self) -> BTreeSet<String> {
        let seen = self.proxy.take_seen().into_iter();
        seen.filter(|(asked, fault)| asked.is_object() && fault.is_some())
            .map(|(asked, _)| key_of(&asked.target))
            .collect()
    }

    /// The next pull, of a server in good health, brings what is missing and nothing else.
    fn made_good(&self, cache: &Path, missing: usize, expected: &Contents) {
        self.proxy.take_seen();
        assert_eq!(self.undisturbed(SOURCE, cache), *expected);
        let fetched = self.proxy.take_seen().iter().filter(|(asked, _)| asked.is_object()).count();
        assert_eq!(fetched, missing, "log files fetched");
    }
}

fn key_of(target: &str) -> String {
    target.split('?').next().unwrap().trim_start_matches("/acme-logs/").to_owned()
}

/// Once or twice, three of ten requests for log files and all for a list fail in one of these ways; then
/// they work.
fn passing(seed: u64, faults: &'static [Fault]) -> impl Fn(&Asked) -> Option<Fault> + Send + Sync + 'static {
    move |asked| {
        let dice = asked.dice(seed);
        let is_hit = asked.is_list() || dice % 100 < 30;
        let times = 1 + dice / 100 % 2;
        let fault = faults[(dice / 1000) as usize % faults.len()];
        (is_hit && (asked.before as u64) < times).then_some(fault)
    }
}

fn passes(faults: &'static [Fault]) {
    let scene = Scene::new();
    let expected = scene.whole();
    assert_eq!(expected.rejected.len(), 15);
    let (mut objects, mut lists) = (0, 0);
    for seed in 1..=2 {
        let cache = scene.cache(&format!("{seed}.db"));
        scene.proxy.take_seen();
        scene.proxy.spoil(passing(seed, faults));
        let patience: &[&str] = if faults.contains(&Fault::Stall) { &["--timeout", "3s"] } else { &[] };
        let output = scene.pull(SOURCE, &cache, patience, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(!stderr(&output).contains("could not be read"), "{}", stderr(&output));
        assert_eq!(contents(&cache), expected);
        let seen = scene.proxy.take_seen();
        lists += seen.iter().filter(|(asked, fault)| asked.is_list() && fault.is_some()).count();
        objects += seen.iter().filter(|(asked, fault)| asked.is_object() && fault.is_some()).count();
    }
    assert!(objects >= FILES as usize / 2, "only {objects} requests for log files failed");
    assert!(lists >= 1, "no request for a list failed");
}

#[test]
fn a_server_with_faults_of_its_own_for_a_while_costs_nothing() {
    passes(&[Fault::InternalError]);
}

#[test]
fn a_server_that_asks_to_slow_down_for_a_while_costs_nothing() {
    passes(&[Fault::SlowDown]);
}

#[test]
fn connections_that_are_reset_cost_nothing() {
    passes(&[Fault::Reset]);
}

#[test]
fn contents_that_are_cut_short_cost_nothing() {
    passes(&[Fault::CutShort]);
}

#[test]
fn contents_that_stand_still_on_their_way_cost_nothing() {
    passes(&[Fault::Stall]);
}

#[test]
fn contents_that_are_cut_by_a_proxy_that_hides_it_cost_nothing() {
    let scene = Scene::new();
    let expected = scene.whole();
    let cache = scene.cache("cut.db");
    // Half of a list is no list: only contents can be cut unseen.
    let plan = passing(3, &[Fault::CutAndDenied]);
    scene.proxy.spoil(move |asked| plan(asked).filter(|_| asked.is_object()));
    let output = scene.pull(SOURCE, &cache, &[], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(contents(&cache), expected);
    assert!(scene.spoiled().len() > 20);
}

#[test]
fn log_files_that_cannot_be_had_are_named_and_the_rest_is_exact() {
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
    let expected = scene.whole();
    scene.proxy.take_seen();
    scene.proxy.spoil(|asked| {
        let dice = asked.dice(7);
        (asked.is_object() && dice % 100 < 30).then(|| FAULTS[(dice / 100) as usize % FAULTS.len()])
    });
    let cache = scene.cache("cache.db");
    let output = scene.pull(SOURCE, &cache, &["-v", "--timeout", "8s"], &[("AWS_MAX_ATTEMPTS", "2")]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    let seen = scene.proxy.take_seen();
    for fault in FAULTS {
        assert!(seen.iter().any(|(_, done)| done == &Some(*fault)), "{fault:?} did not happen");
    }
    let spoiled: BTreeSet<String> = seen
        .iter()
        .filter(|(asked, fault)| asked.is_object() && fault.is_some())
        .map(|(asked, _)| key_of(&asked.target))
        .collect();
    assert!(spoiled.len() as u32 > FILES / 5, "{}", spoiled.len());
    for n in 0..FILES {
        assert_eq!(told.contains(&name(n)), spoiled.contains(&name(n)), "{}: {told}", name(n));
        if !spoiled.contains(&name(n)) {
            scene.server.put("acme-others", &name(n), content(n));
        }
    }
    assert!(told.contains(&format!("{} could not be read", spoiled.len())), "{told}");
    assert_eq!(contents(&cache), scene.undisturbed("s3://acme-others/p/", &scene.cache("others.db")));

    scene.put_back();
    scene.made_good(&cache, spoiled.len(), &expected);
    scene.made_good(&cache, 0, &expected);
}

#[test]
fn without_being_asked_for_all_each_reason_is_told_once() {
    let scene = Scene::new();
    scene.proxy.spoil(|asked| {
        let dice = asked.dice(11);
        (asked.is_object() && dice % 100 < 30).then_some(if dice / 100 % 2 == 0 {
            Fault::InternalError
        } else {
            Fault::SlowDown
        })
    });
    let cache = scene.cache("cache.db");
    let output = scene.pull(SOURCE, &cache, &[], &[("AWS_MAX_ATTEMPTS", "1")]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    for reason in ["has an internal error (HTTP 500)", "keeps asking to slow down"] {
        assert_eq!(told.matches(reason).count(), 1, "{told}");
    }
    assert_eq!(told.lines().count(), 3, "two reasons and the sum of it: {told}");
    assert!(told.contains("(-v names all)"), "{told}");
}

/// Whatever is told, it is no secret.
fn no_secrets(told: &str) {
    for secret in [ACCESS_KEY, SECRET_KEY, "Signature", "a-session-token"] {
        assert!(!told.contains(secret), "{told}");
    }
}

/// From the twentieth log file on, the credentials of some requests are refused in this way, lists aside.
fn refused_later(
    fault: Fault,
    of: impl Fn(&Asked) -> bool + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Option<Fault> + Send + Sync + 'static {
    let fetched = Mutex::new(BTreeSet::new());
    move |asked| {
        let mut fetched = fetched.lock().unwrap();
        if asked.is_object() && fetched.len() < 20 {
            fetched.insert(asked.target.clone());
        }
        (asked.is_object() && of(asked) && !fetched.contains(&asked.target)).then_some(fault)
    }
}

#[test]
fn credentials_that_expire_on_the_way_are_one_matter() {
    let scene = Scene::new();
    let expected = scene.whole();
    let token = [("AWS_SESSION_TOKEN", "a-session-token")];
    for (index, (fault, why)) in [
        (Fault::Expired(400), "the credentials have expired; log in again"),
        (Fault::Expired(403), "the credentials have expired; log in again"),
        (Fault::UnknownKey, "does not know the access key; check AWS_ACCESS_KEY_ID"),
    ]
    .into_iter()
    .enumerate()
    {
        scene.proxy.spoil(refused_later(fault, |_| true));
        scene.proxy.take_seen();
        let cache = scene.cache(&format!("{index}.db"));
        let output = scene.pull(SOURCE, &cache, &[], &token);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{told}");
        assert_eq!(told.matches(why).count(), 1, "{told}");
        assert!(told.contains("130 log files could not be read"), "{told}");
        assert!(told.lines().count() <= 2, "{told}");
        no_secrets(&told);
        scene.given_up_early();
        scene.made_good(&cache, 130, &expected);
    }
}

#[test]
fn credentials_that_cannot_be_had_again_end_the_pull() {
    let scene = Scene::new();
    let expected = scene.whole();
    // They are made by a program that works only once.
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
    scene.proxy.spoil(refused_later(Fault::Expired(400), |_| true));
    scene.proxy.take_seen();
    let cache = scene.cache("cache.db");
    let output = scene.pull_as_configured(&cache, &[("AWS_CONFIG_FILE", &config)]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert_eq!(told.matches("the credentials cannot be loaded").count(), 1, "{told}");
    assert!(told.contains("130 log files could not be read"), "{told}");
    no_secrets(&told);
    scene.given_up_early();
    scene.made_good(&cache, 130, &expected);
}

#[test]
fn credentials_that_expire_while_log_files_are_listed_are_one_matter_too() {
    let scene = Scene::new();
    scene.put_more_than_a_page();
    let plan = refused_later(Fault::Expired(400), |_| true);
    let refused = AtomicBool::new(false);
    // The list goes on only after that.
    let lists = AtomicUsize::new(0);
    scene.proxy.spoil(move |asked| {
        if asked.is_list() && lists.fetch_add(1, Ordering::Relaxed) > 0 {
            while !refused.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            return Some(Fault::Expired(400));
        }
        let fault = plan(asked);
        refused.fetch_or(fault.is_some(), Ordering::Relaxed);
        fault
    });
    let cache = scene.cache("cache.db");
    let output = scene.pull(SOURCE, &cache, &[], &[]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert_eq!(told.matches("the credentials have expired; log in again").count(), 1, "{told}");
    assert!(told.lines().count() <= 2, "{told}");
    scene.given_up_early();
    assert_eq!(scene.undisturbed(SOURCE, &cache), scene.whole());
}

#[test]
fn credentials_that_had_expired_before_are_told_in_one_line() {
    let scene = Scene::new();
    let cache = scene.cache("cache.db");
    let everything: fn(&Asked) -> Option<Fault> = |_| Some(Fault::Expired(400));
    let contents_only: fn(&Asked) -> Option<Fault> = |asked| asked.is_object().then_some(Fault::Expired(403));
    for plan in [everything, contents_only] {
        scene.proxy.spoil(plan);
        let output = scene.pull(SOURCE, &cache, &[], &[("AWS_SESSION_TOKEN", "a-session-token")]);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.contains("the credentials have expired; log in again (aws sso login)"), "{told}");
        no_secrets(&told);
        assert!(!cache.exists(), "no empty cache is left behind");
    }
}

#[test]
fn credentials_that_are_renewed_meanwhile_are_found() {
    let scene = Scene::new();
    let expected = scene.whole();
    let file = scene.home.path("credentials");
    let log_in = move |token: &str| {
        let text = format!(
            "[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n\
             aws_session_token = {token}\n"
        );
        // Whole at every moment.
        std::fs::write(file.with_extension("new"), text).unwrap();
        std::fs::rename(file.with_extension("new"), &file).unwrap();
    };
    log_in("morning");
    let logged_in = AtomicBool::new(false);
    scene.proxy.spoil(move |asked| {
        // They are too old for half of the log files; somebody logs in again at that moment.
        let is_old = asked.is_object() && asked.head.contains("x-amz-security-token: morning");
        if !is_old || asked.dice(1) % 2 == 0 {
            return None;
        }
        if !logged_in.swap(true, Ordering::Relaxed) {
            log_in("noon");
        }
        Some(Fault::Expired(400))
    });
    scene.proxy.take_seen();
    let cache = scene.cache("cache.db");
    let file = scene.home.path("credentials");
    let output = scene.pull_as_configured(&cache, &[("AWS_SHARED_CREDENTIALS_FILE", &file)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(contents(&cache), expected);
    assert!(!scene.spoiled().is_empty());
}

#[test]
fn a_list_that_breaks_down_on_the_way_loses_nothing() {
    let scene = Scene::new();
    scene.put_more_than_a_page();
    let expected = scene.whole();
    let cache = scene.cache("cache.db");
    // The first look works, the rest of the list does not.
    let lists = AtomicUsize::new(0);
    scene.proxy.spoil(move |asked| {
        let is_later = asked.is_list() && lists.fetch_add(1, Ordering::Relaxed) > 0;
        is_later.then_some(Fault::InternalError)
    });
    let output = scene.pull(SOURCE, &cache, &[], &[("AWS_MAX_ATTEMPTS", "1")]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("s3://acme-logs/p/: ") && told.contains("HTTP 500"), "{told}");
    assert_eq!(scene.undisturbed(SOURCE, &cache), expected);
}

/// Three of ten requests fail in any of the ways there are, for a while or for good.
#[test]
fn all_faults_at_once_lose_nothing_and_double_nothing() {
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
    let expected = scene.whole();
    for seed in 20..22 {
        let cache = scene.cache(&format!("{seed}.db"));
        scene.proxy.take_seen();
        scene.proxy.spoil(move |asked| {
            let dice = asked.dice(seed);
            let fault = FAULTS[(dice / 1000) as usize % FAULTS.len()];
            let is_for_good = asked.is_object() && dice / 100 % 3 == 0;
            let is_hit = dice % 100 < 30 && (is_for_good || asked.before < 2);
            // What a list cannot get over is another test.
            let is_fair = asked.is_object()
                || matches!(fault, Fault::InternalError | Fault::SlowDown | Fault::Reset | Fault::CutShort);
            (is_hit && is_fair).then_some(fault)
        });
        let output = scene.pull(SOURCE, &cache, &["--timeout", "4s"], &[("AWS_MAX_ATTEMPTS", "3")]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let first = contents(&cache);
        assert!(first.totals.stats.requests < expected.totals.stats.requests);
        // Again under the same faults: no further than it can get, and nothing twice.
        let output = scene.pull(SOURCE, &cache, &["-q", "--timeout", "4s"], &[("AWS_MAX_ATTEMPTS", "3")]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(scene.spoiled().len() as u32 > FILES / 5);
        scene.put_back();
        assert_eq!(scene.undisturbed(SOURCE, &cache), expected);
        scene.made_good(&cache, 0, &expected);
    }
}

/// Somebody put half of a compressed log file there, and later all of it.
#[test]
fn half_a_log_file_is_made_good_by_the_whole_one() {
    let scene = Scene::new();
    let text: String = (0..4000)
        .map(|n| line(n, "198.51.100.1", "-", "REST.GET.OBJECT", &format!("k{}", n % 50), 200, "1"))
        .collect();
    let packed = packed(&text);
    let (source, name) = ("s3://acme-others/p/", "p/2026-04-01-00-00-00-PACKED.gz");
    scene.server.put("acme-others", name, &packed);
    let expected = scene.undisturbed(source, &scene.cache("whole.db"));
    assert_eq!(expected.totals.stats.requests, 4000);

    let cache = scene.cache("cache.db");
    scene.server.put("acme-others", name, &packed[..packed.len() * 6 / 10]);
    for round in 0..2 {
        let output = scene.pull(source, &cache, &[], &[]);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{told}");
        assert!(told.contains(name) && told.contains("gzip"), "{told}");
        let requests = contents(&cache).totals.stats.requests;
        assert!((500..4000).contains(&requests), "round {round}: {requests}");
    }
    scene.server.put("acme-others", name, &packed);
    let output = scene.pull(source, &cache, &[], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let made_good = contents(&cache);
    assert_eq!(made_good.totals, expected.totals);
    assert_eq!((made_good.by_address, made_good.by_key), (expected.by_address, expected.by_key));
}
