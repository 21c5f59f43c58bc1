//! `pull --purge` deletes only log files that the cache has completely and durably, and only with consent.

use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use crate::home::{Home, line, stderr};
use crate::support::contents::contents;
use crate::support::faulty::{Fault, FaultyProxy, ProxiedRequest};
use crate::support::s3_server::S3Server;
use crate::support::terminal::Terminal;

const SOURCE: &str = "s3://acme-logs/p/";

struct Scene {
    home: Home,
    server: S3Server,
    proxy: FaultyProxy,
    cache: PathBuf,
}

impl Scene {
    /// A server with log files of two requests each. Every tenth has a line that is not a record.
    fn new(files: u32) -> Scene {
        let server = S3Server::start(&["acme-logs"]);
        for n in 0..files {
            let request = |i| line(n * 2 + i, "203.0.113.7", "-", "REST.GET.OBJECT", "a.mp4", 200, "10");
            let torn = if n % 10 == 0 { format!("torn in file {n}\n") } else { String::new() };
            let name = format!("p/2026-04-01-08-{:02}-{:02}-{n:016X}", n / 60 % 60, n % 60);
            server.put("acme-logs", &name, request(0) + &request(1) + &torn);
        }
        let home = Home::new();
        let cache = home.path("cache.db");
        Scene { proxy: FaultyProxy::before(&server), server, home, cache }
    }

    /// The number of log files on the server.
    fn left(&self) -> usize {
        std::fs::read_dir(self.server.path("acme-logs", "p")).unwrap().count()
    }

    fn arguments(&self) -> Vec<String> {
        let endpoint = self.proxy.endpoint();
        let cache = self.cache.to_str().unwrap();
        ["pull", SOURCE, "--purge", "--cache", cache, "--endpoint-url", &endpoint].map(str::to_owned).to_vec()
    }

    fn start(&self, more: &[&str]) -> Child {
        let arguments = self.arguments();
        let all: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let mut command = self.home.command(&all);
        command.envs(self.server.environment()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn run(&self, more: &[&str]) -> Output {
        self.start(more).wait_with_output().unwrap()
    }

    /// Starts the command on a terminal, where it can ask.
    fn on_a_terminal(&self, more: &[&str]) -> Terminal {
        let arguments = self.arguments();
        let all: Vec<&std::ffi::OsStr> =
            arguments.iter().map(String::as_str).chain(more.iter().copied()).map(AsRef::as_ref).collect();
        let mut environment = self.server.environment();
        environment.push(("HOME", self.home.path("").to_str().unwrap().to_owned()));
        Terminal::start_in(Path::new(env!("CARGO_BIN_EXE_tamarin")), &all, &environment, (200, 50)).unwrap()
    }
}

#[test]
fn on_a_terminal_purge_asks_once_and_the_answer_no_deletes_nothing() {
    let scene = Scene::new(12);
    for no in ["n\r", "no\r", "\r", "yesterday\r", "\u{4}"] {
        let mut terminal = scene.on_a_terminal(&[]);
        terminal.wait_for("delete 12 log files").unwrap();
        terminal.wait_for("The cache will be their only copy. Type yes or no:").unwrap();
        assert_eq!(scene.left(), 12);
        terminal.press(no).unwrap();
        terminal.wait_for("nothing was deleted").unwrap();
        assert!(terminal.wait_for_end().unwrap().success());
        assert_eq!(terminal.contents().matches("Type yes or no").count(), 1, "{}", terminal.contents());
        assert_eq!(scene.left(), 12, "{no:?}");
    }
    assert!(!scene.proxy.take_requests().iter().any(|(request, _)| request.is_delete()));
    assert_eq!(contents(&scene.cache).totals.stats.requests, 24);
}

#[test]
fn on_a_terminal_the_answer_yes_deletes() {
    for yes in ["y\r", "Yes\r"] {
        let scene = Scene::new(12);
        let mut terminal = scene.on_a_terminal(&[]);
        terminal.wait_for("Type yes or no:").unwrap();
        terminal.press(yes).unwrap();
        terminal.wait_for("12 log files deleted from s3://acme-logs/p/").unwrap();
        assert!(terminal.wait_for_end().unwrap().success());
        assert_eq!(terminal.contents().matches("Type yes or no").count(), 1, "{}", terminal.contents());
        assert_eq!(scene.left(), 0);
        assert_eq!(contents(&scene.cache).rejected.len(), 2, "rejected lines are kept too");
    }
}

#[test]
fn a_signal_answers_the_question_with_no() {
    let scene = Scene::new(3);
    let mut terminal = scene.on_a_terminal(&[]);
    terminal.wait_for("Type yes or no:").unwrap();
    terminal.press("\u{3}").unwrap();
    terminal.wait_for("nothing was deleted").unwrap();
    terminal.wait_for_end().unwrap();
    assert_eq!(scene.left(), 3);
}

#[test]
fn a_repeated_pull_asks_only_in_the_first_round() {
    for (answer, left) in [("n\r", 4), ("y\r", 0)] {
        let scene = Scene::new(3);
        let mut terminal = scene.on_a_terminal(&["--every", "1s"]);
        terminal.wait_for("and later each log file that was pulled?").unwrap();
        terminal.press(answer).unwrap();
        terminal.wait_for(if left == 0 { "3 log files deleted" } else { "nothing was deleted" }).unwrap();
        let request = line(5000, "203.0.113.8", "-", "REST.GET.OBJECT", "late.mp4", 200, "10");
        scene.server.put("acme-logs", "p/2026-04-01-10-00-00-LATE", request);
        terminal.wait_for("1 log file read, 1 request added").unwrap();
        scene.proxy.take_requests();
        if left == 0 {
            terminal.wait_for("1 log file deleted").unwrap();
        }
        // After two rounds.
        for _ in 0..2 {
            scene.proxy.take_requests();
            scene.proxy.wait_for(ProxiedRequest::is_list);
        }
        terminal.press("\u{3}").unwrap();
        terminal.wait_for_end().unwrap();
        assert_eq!(terminal.contents().matches("Type yes or no").count(), 1, "{}", terminal.contents());
        assert_eq!(scene.left(), left, "{answer:?}");
    }
}

#[test]
fn without_a_terminal_consent_must_be_on_the_command_line() {
    let scene = Scene::new(3);
    let output = scene.run(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("confirm with --yes"), "{}", stderr(&output));
    assert!(scene.proxy.take_requests().is_empty(), "no request is sent before");
    assert_eq!(scene.left(), 3);
    let output = scene.run(&["--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(scene.left(), 0);
}

/// The process is killed after the commit, before the first deletion or before the response to it.
#[test]
fn the_next_pull_deletes_what_a_killed_one_did_not() {
    for fault in [Fault::Swallowed, Fault::LostResponse] {
        let scene = Scene::new(30);
        scene.proxy.inject(move |request| request.is_delete().then_some(fault));
        let mut child = scene.start(&["--yes"]);
        scene.proxy.wait_for(ProxiedRequest::is_delete);
        // Before the first deletion, the cache has everything, including rejected lines.
        let kept = contents(&scene.cache);
        assert_eq!((kept.totals.stats.requests, kept.rejected.len(), kept.lines), (60, 3, 63));
        if fault == Fault::LostResponse {
            while scene.left() > 0 {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(scene.left(), if fault == Fault::Swallowed { 30 } else { 0 });
        scene.proxy.stop_faults();
        scene.proxy.take_requests();
        let output = scene.run(&["--yes"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let message = stderr(&output);
        assert!(message.contains("0 log files read, 0 requests added"), "{message}");
        assert_eq!(message.contains("30 log files deleted"), fault == Fault::Swallowed, "{message}");
        assert_eq!(scene.left(), 0);
        assert_eq!(contents(&scene.cache), kept);
        assert!(
            !scene.proxy.take_requests().iter().any(|(request, _)| request.is_object()),
            "nothing is read again"
        );
    }
}

#[test]
fn deletions_that_fail_temporarily_are_repeated() {
    for fault in [Fault::InternalError, Fault::SlowDown, Fault::Reset, Fault::LostResponse, Fault::Stall] {
        let scene = Scene::new(12);
        scene.proxy.inject(move |request| (request.is_delete() && request.before == 0).then_some(fault));
        let output = scene.run(&["--yes", "--timeout", "4s"]);
        assert_eq!(output.status.code(), Some(0), "{fault:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("12 log files deleted"), "{fault:?}: {}", stderr(&output));
        assert_eq!(scene.left(), 0);
        assert_eq!(contents(&scene.cache).totals.stats.requests, 24);
    }
}

#[test]
fn a_request_deletes_at_most_1_000_log_files() {
    let scene = Scene::new(1050);
    let output = scene.run(&["--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let batches: Vec<usize> = scene
        .proxy
        .take_requests()
        .iter()
        .filter(|(request, _)| request.is_delete())
        .map(|(request, _)| request.body.matches("<Key>").count())
        .collect();
    assert_eq!(batches, [1000, 50]);
    assert_eq!(scene.left(), 0);
    let kept = contents(&scene.cache);
    assert_eq!((kept.totals.stats.requests, kept.rejected.len()), (2100, 105));
}

/// The commands that drop requests whose only copy is the cache.
fn dropping(scene: &Scene, yes: bool) -> [Vec<String>; 2] {
    let cache = scene.cache.to_str().unwrap();
    let yes = if yes { &["--yes"][..] } else { &[] };
    [&["prune", "--before", "2026-04-02"][..], &["sources", "remove", SOURCE, "--with-requests"]].map(
        |command| {
            [command, &["--cache", cache], yes].concat().iter().map(|word| (*word).to_owned()).collect()
        },
    )
}

#[test]
fn requests_of_purged_log_files_are_not_dropped_without_consent() {
    let scene = Scene::new(3);
    let output = scene.run(&["--yes"]);
    assert_eq!((output.status.code(), scene.left()), (Some(0), 0), "{}", stderr(&output));
    let requests = || contents(&scene.cache).totals.stats.requests;
    for arguments in dropping(&scene, false) {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let message = scene.home.fails_in_one_line(2, &words);
        assert!(
            message.contains("pull --purge") && message.contains("--yes") && message.contains(SOURCE),
            "{message}"
        );
        assert_eq!(requests(), 6);
        // On a terminal the command asks, and the answer no drops nothing.
        for no in ["n\r", "\r", "\u{4}"] {
            let words: Vec<&std::ffi::OsStr> = arguments.iter().map(AsRef::as_ref).collect();
            let environment = [("HOME", scene.home.path("").to_str().unwrap().to_owned())];
            let program = Path::new(env!("CARGO_BIN_EXE_tamarin"));
            let mut terminal = Terminal::start_in(program, &words, &environment, (200, 50)).unwrap();
            terminal.wait_for("only copy. Type yes or no:").unwrap();
            terminal.press(no).unwrap();
            terminal.wait_for("nothing was dropped").unwrap();
            assert!(terminal.wait_for_end().unwrap().success());
            assert_eq!(requests(), 6);
        }
    }
    // A command that would drop nothing does not ask, nor does --dry-run.
    let cache = scene.cache.to_str().unwrap();
    scene.home.succeeds(&["prune", "--before", "2020-01-01", "--cache", cache]);
    scene.home.succeeds(&["prune", "--before", "2026-04-02", "--dry-run", "--cache", cache]);
    let [prune, _] = dropping(&scene, true);
    scene.home.succeeds(&prune.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(requests(), 0);
}

#[test]
fn requests_of_other_log_files_are_dropped_without_asking() {
    let scene = Scene::new(3);
    let cache = scene.cache.to_str().unwrap();
    let mut pull =
        scene.home.command(&["pull", SOURCE, "--cache", cache, "--endpoint-url", &scene.proxy.endpoint()]);
    assert!(pull.envs(scene.server.environment()).output().unwrap().status.success());
    let [prune, remove] = dropping(&scene, false);
    for arguments in [prune, remove] {
        scene.home.succeeds(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }
    assert_eq!(contents(&scene.cache).totals.stats.requests, 0);
}
