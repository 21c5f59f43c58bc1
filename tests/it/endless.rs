//! Servers whose responses or listings never end: a pull ends with an error, in bounded memory, and keeps what it has
//! read.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::home::{Home, line, stderr};
use crate::support::contents::contents;
use crate::support::faulty::{Fault, FaultyProxy, ProxiedRequest};
use crate::support::peak_memory;
use crate::support::s3_server::S3Server;

const SOURCE: &str = "s3://acme-logs/p/";
const FILES: u32 = 20;
const LINES: u64 = 12;
/// More than a pull takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(240);
/// Bytes of memory that the process may use whatever a server sends.
const MAX_MEMORY_BYTES: u64 = 512 << 20;

/// A bucket with log files behind a proxy, and a home folder for the cache.
struct Scene {
    home: Home,
    server: S3Server,
    proxy: FaultyProxy,
}

fn name(n: u32) -> String {
    format!("p/2026-04-{:02}-00-00-00-{n:016X}", n + 1)
}

impl Scene {
    fn new() -> Scene {
        let server = S3Server::start(&["acme-logs"]);
        for n in 0..FILES {
            let lines = (0..LINES as u32).map(|i| {
                line(n * 20 + i, "203.0.113.9", "-", "REST.GET.OBJECT", "k", 200, &(n * 1000 + i).to_string())
            });
            server.put("acme-logs", &name(n), lines.collect::<String>());
        }
        Scene { home: Home::new(), proxy: FaultyProxy::before(&server), server }
    }

    /// Runs `tamarin pull` through the proxy, and checks that it ends in bounded memory.
    fn pull(&self, cache: &Path, more: &[&str]) -> Output {
        let endpoint = self.proxy.endpoint();
        let arguments = ["pull", SOURCE, "--cache", cache.to_str().unwrap(), "--endpoint-url", &endpoint];
        let mut child = self
            .home
            .command(&[&arguments[..], more].concat())
            .envs(self.server.environment())
            .env("AWS_MAX_ATTEMPTS", "2")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            peak = peak.max(peak_memory(child.id()).unwrap_or(0));
            if begun.elapsed() > TIMEOUT || peak > MAX_MEMORY_BYTES {
                child.kill().unwrap();
                let output_text = stderr(&child.wait_with_output().unwrap());
                panic!("{peak} bytes of memory after {:?}: {output_text}", begun.elapsed());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        child.wait_with_output().unwrap()
    }

    fn cache(&self) -> PathBuf {
        self.home.path("cache.db")
    }

    /// Makes list requests fail from request number `from` on, and checks the error of the pull.
    fn list_ends(&self, fault: Fault, from: usize, reason: &str) {
        let lists = std::sync::atomic::AtomicUsize::new(0);
        self.proxy.inject(move |request| {
            let before =
                lists.fetch_add(usize::from(request.is_list()), std::sync::atomic::Ordering::Relaxed);
            (request.is_list() && before >= from).then_some(fault)
        });
        let output = self.pull(&self.cache(), &[]);
        let output_text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{output_text}");
        assert!(output_text.trim_end().lines().last().unwrap().contains(reason), "{output_text}");
    }

    /// Makes two log files fail, and checks the error and that all others are read.
    fn contents_end(&self, fault: Fault, more: &[&str], reason: &str) {
        self.proxy.inject(move |request| is_failing(request).then_some(fault));
        let output = self.pull(&self.cache(), more);
        let output_text = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{output_text}");
        assert!(output_text.contains(reason), "{output_text}");
        assert!(output_text.contains("2 log files could not be read"), "{output_text}");
        assert_eq!(contents(&self.cache()).totals.stats.requests, u64::from(FILES - 2) * LINES);
        // The next pull reads the missing ones.
        self.proxy.stop_faults();
        let output = self.pull(&self.cache(), &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(contents(&self.cache()).totals.stats.requests, u64::from(FILES) * LINES);
    }
}

fn is_failing(request: &ProxiedRequest) -> bool {
    request.is_object() && [name(3), name(7)].iter().any(|name| request.target.contains(name))
}

#[test]
fn a_listing_that_repeats_a_continuation_token_ends() {
    Scene::new().list_ends(Fault::SameToken, 0, "the listing repeats a continuation token");
}

#[test]
fn an_endless_listing_of_empty_pages_ends() {
    Scene::new().list_ends(Fault::EmptyPage, 0, "5000 consecutive pages of the listing have no new name");
}

#[test]
fn an_endless_listing_of_the_same_names_ends() {
    Scene::new().list_ends(Fault::SamePage, 0, "5000 consecutive pages of the listing have no new name");
}

#[test]
fn a_page_of_a_million_names_is_refused() {
    Scene::new().list_ends(Fault::MillionNames, 0, "does not respond like S3: the response has more than");
}

#[test]
fn an_endless_page_is_refused() {
    Scene::new().list_ends(Fault::Endless, 0, "does not respond like S3: the response has more than");
}

#[test]
fn an_endless_error_response_is_cut_off() {
    Scene::new().list_ends(
        Fault::EndlessRefusal,
        0,
        "does not respond like S3: the response has more than 8 MiB",
    );
}

#[test]
fn a_listing_that_fails_after_some_pages_keeps_their_log_files() {
    let scene = Scene::new();
    // More than a page has.
    for n in FILES..1010 {
        let name = format!("p/2026-04-25-00-00-00-{n:016X}");
        scene.server.put("acme-logs", &name, line(n, "203.0.113.9", "-", "REST.GET.OBJECT", "k", 200, "1"));
    }
    for (fault, reason) in [
        (Fault::SameToken, "the listing repeats a continuation token"),
        (Fault::MillionNames, "the response has more than"),
        (Fault::Endless, "the response has more than"),
    ] {
        scene.list_ends(fault, 1, reason);
        assert!(contents(&scene.cache()).totals.stats.requests >= u64::from(FILES) * LINES, "{fault:?}");
    }
}

#[test]
fn a_page_at_a_byte_per_second_is_abandoned() {
    let scene = Scene::new();
    scene.proxy.inject(|request| request.is_list().then_some(Fault::Trickle));
    let output = scene.pull(&scene.cache(), &["--timeout", "1s"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("in time"), "{}", stderr(&output));
}

#[test]
fn an_endless_content_without_a_length_is_cut_off() {
    Scene::new().contents_end(Fault::Endless, &[], "longer than in the listing");
}

#[test]
fn a_content_longer_than_in_the_listing_is_refused() {
    Scene::new().contents_end(Fault::Longer, &[], "longer than in the listing");
}

#[test]
fn an_endless_error_response_for_a_content_does_not_stop_the_others() {
    Scene::new().contents_end(Fault::EndlessRefusal, &[], "the response has more than 8 MiB");
}

#[test]
fn connections_reset_within_contents_do_not_stop_the_others() {
    Scene::new().contents_end(Fault::ResetInBody, &[], "not received completely in 2 attempts");
}

#[test]
fn a_content_at_a_byte_per_second_is_abandoned() {
    Scene::new().contents_end(Fault::Trickle, &["--timeout", "1s"], "the transfer is too slow");
}

#[test]
fn a_content_that_is_damaged_in_transfer_is_refused_and_the_others_are_read() {
    Scene::new().contents_end(Fault::Damaged, &[], "damaged: its MD5 differs from its ETag");
}

#[test]
fn a_content_that_is_damaged_once_is_fetched_again() {
    let scene = Scene::new();
    scene.proxy.inject(|request| (is_failing(request) && request.before == 0).then_some(Fault::Damaged));
    let output = scene.pull(&scene.cache(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let contents = contents(&scene.cache());
    assert_eq!(contents.totals.stats.requests, u64::from(FILES) * LINES);
    assert!(contents.rejected.is_empty());
}

#[test]
fn a_server_whose_etags_look_like_md5s_but_are_not_is_read() {
    for attempts in ["1", "3"] {
        let scene = Scene::new();
        scene.proxy.inject(|request| request.is_object().then_some(Fault::OtherEtag));
        let endpoint = scene.proxy.endpoint();
        let arguments = ["pull", SOURCE, "--cache", "cache.db", "--endpoint-url", &endpoint];
        let mut command = scene.home.command(&arguments);
        command.envs(scene.server.environment()).env("AWS_MAX_ATTEMPTS", attempts);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(contents(&scene.cache()).totals.stats.requests, u64::from(FILES) * LINES);
    }
}

/// Large log files are fetched 64 at a time. 64 of these do not fit into memory.
#[test]
fn many_large_log_files_at_a_time_do_not_fill_the_memory() {
    let scene = Scene::new();
    for n in 0..48 {
        let name = format!("p/2026-04-25-00-00-00-{n:016X}");
        scene.server.put("acme-logs", &name, "");
        let file = std::fs::File::options().write(true).open(scene.server.path("acme-logs", &name)).unwrap();
        file.set_len(16 << 20).unwrap();
    }
    // They are not logs, so they are skipped after they were fetched.
    let is_large = |request: &ProxiedRequest| request.is_object() && request.target.contains("2026-04-25");
    scene.proxy.inject(move |request| is_large(request).then_some(Fault::Picture));
    let output = scene.pull(&scene.cache(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(contents(&scene.cache()).totals.stats.requests, u64::from(FILES) * LINES);
}
