//! Ctrl-C, SIGTERM and `q` end Tamarin in any state.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tamarin::cache::Cache;
use tamarin::demo::{Demo, DemoOptions};

use crate::home::{Home, line};
use crate::support::faulty::{Fault, FaultyProxy, ProxiedRequest};
use crate::support::s3_server::S3Server;
use crate::support::terminal::Terminal;

/// The time within which a process must end. One second is usual, but a busy machine takes longer. A process that waits for
/// its server takes longer than this.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than any step takes on a busy machine.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// A statement that never ends and returns nothing.
const ENDLESS: &str =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c, requests";
/// A statement that returns rows without end.
const ENDLESS_ROWS: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";

fn send(process: u32, signal: i32) {
    let sent = std::process::Command::new("kill").args([format!("-{signal}"), process.to_string()]).status();
    assert!(sent.unwrap().success());
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < STEP_TIMEOUT, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for a process that received a signal. Returns its status and stderr.
fn wait_for_end_of(mut child: Child) -> (ExitStatus, String) {
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > END_TIMEOUT {
            child.kill().unwrap();
            panic!("the process did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut message = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut message).unwrap();
    }
    (status, message)
}

fn start(home: &Home, arguments: &[&str]) -> Child {
    let mut command = home.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Whether a pull into this cache has ended and added requests.
fn is_pulled(cache: &Path) -> bool {
    let has_some = Cache::open(cache).and_then(|cache| cache.sources()).is_ok_and(|all| {
        !all.is_empty() && all.iter().all(|source| source.requests > 0 && source.last_pull.is_some())
    });
    has_some && !cache.with_extension("db.lock").exists()
}

#[test]
fn ctrl_c_and_sigterm_end_a_statement_after_a_pull_in_the_same_process() {
    let home = Home::new();
    for (signal, cache) in [(SIGINT, "a.db"), (SIGTERM, "b.db")] {
        let child = start(&home, &["sql", ENDLESS, "logs", "--cache", cache]);
        wait_until("the pull", || is_pulled(&home.path(cache)));
        // The statement starts after the pull has closed the cache.
        std::thread::sleep(Duration::from_millis(300));
        send(child.id(), signal);
        let (status, message) = wait_for_end_of(child);
        assert_eq!(status.signal(), Some(signal), "{status} {message}");
        assert_eq!(message, "");
        assert_eq!(home.rows(&["report", "total", "--cache", cache])[0]["requests"], 3);
        assert!(!home.path(&format!("{cache}-wal")).exists());
    }
}

#[test]
fn a_query_after_a_pull_ends_although_its_output_is_not_read() {
    let home = Home::new();
    let demo = Demo::new(DemoOptions { requests: 3000, seed: 1 });
    demo.write_to_file(&mut std::fs::File::create(home.path("demo.log")).unwrap()).unwrap();
    let commands: [&[&str]; 3] = [
        &["sql", ENDLESS_ROWS, "demo.log", "--top", "0", "--format", "ndjson"],
        &["requests", "demo.log", "--top", "0", "--format", "ndjson"],
        &["requests", "demo.log", "--top", "0", "--format", "csv"],
    ];
    for (command, cache) in commands.iter().zip(["a.db", "b.db", "c.db"]) {
        let mut child = start(&home, &[command, &["--cache", cache][..]].concat());
        // Output has begun. The pipe is full before the command can end.
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 100]).unwrap();
        send(child.id(), SIGINT);
        let (status, message) = wait_for_end_of(child);
        assert_eq!(status.signal(), Some(SIGINT), "{command:?}: {status} {message}");
    }
}

#[test]
fn a_cancelled_query_about_standard_input_leaves_no_cache() {
    let home = Home::new();
    let text = line(1, "203.0.113.9", "-", "REST.GET.OBJECT", "k", 200, "1");
    // After the signal, the first statement ends by itself; the second waits for the reader of its rows.
    for statement in [ENDLESS, ENDLESS_ROWS] {
        let mut child = start(&home, &["sql", statement, "-", "--top", "0", "--format", "ndjson"]);
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let data = home.path("data/tamarin");
        let folders =
            || std::fs::read_dir(&data).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        wait_until("the pull", || folders().any(|folder| is_pulled(&folder.join("cache.db"))));
        std::thread::sleep(Duration::from_millis(300));
        send(child.id(), SIGTERM);
        let (status, message) = wait_for_end_of(child);
        assert_eq!(status.signal(), Some(SIGTERM), "{status} {message}");
        assert_eq!(folders().count(), 0);
    }
}

#[test]
fn a_pull_of_a_silent_pipe_ends() {
    let home = Home::new();
    for arguments in [&["pull", "-", "--cache", "a.db"][..], &["report", "total", "-"]] {
        let mut child = start(&home, arguments);
        let mut stdin = child.stdin.take().unwrap();
        let text = line(1, "203.0.113.9", "-", "REST.GET.OBJECT", "k", 200, "1");
        stdin.write_all(text.as_bytes()).unwrap();
        wait_until("the beginning", || is_reading(child.id()));
        send(child.id(), SIGTERM);
        let (status, message) = wait_for_end_of(child);
        assert_eq!(status.code(), Some(1), "{status} {message}");
        assert!(message.contains("stopped before all log files were read"), "{message}");
        drop(stdin);
    }
    assert_eq!(std::fs::read_dir(home.path("data/tamarin")).map_or(0, Iterator::count), 0);
}

/// Whether a process handles signals, which it does during a pull.
fn is_reading(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << (SIGTERM - 1)) != 0
}

#[test]
fn a_repeated_pull_ends_at_the_first_signal_between_rounds() {
    let home = Home::new();
    for (signal, cache) in [(SIGINT, "a.db"), (SIGTERM, "b.db")] {
        let child = start(&home, &["pull", "logs", "--cache", cache, "--every", "1h"]);
        wait_until("the pull", || is_pulled(&home.path(cache)));
        send(child.id(), signal);
        let (status, message) = wait_for_end_of(child);
        assert_eq!(status.code(), Some(0), "{message}");
    }
}

/// A server with faults that make clients wait.
struct Scene {
    home: Home,
    server: S3Server,
    proxy: FaultyProxy,
}

/// A fault of the server, and the requests that it applies to.
type Plan = (&'static str, Fault, fn(&ProxiedRequest) -> bool);

/// Whether a request lists the second or a later page.
fn is_later_list(request: &ProxiedRequest) -> bool {
    request.is_list()
        && (request.target.contains("continuation-token") || request.target.contains("start-after"))
}

const PLANS: [Plan; 9] = [
    ("the first page hangs", Fault::Swallowed, ProxiedRequest::is_list),
    ("a later page hangs", Fault::Swallowed, is_later_list),
    ("a page stalls", Fault::Stall, ProxiedRequest::is_list),
    ("a page trickles in", Fault::Trickle, ProxiedRequest::is_list),
    ("the server asks to slow down", Fault::SlowDown, ProxiedRequest::is_list),
    ("pages are empty without end", Fault::EmptyPage, ProxiedRequest::is_list),
    ("contents hang", Fault::Swallowed, ProxiedRequest::is_object),
    ("contents stall", Fault::Stall, ProxiedRequest::is_object),
    ("contents trickle in", Fault::Trickle, ProxiedRequest::is_object),
];

impl Scene {
    fn new() -> Scene {
        let server = S3Server::start(&["acme-logs"]);
        for n in 0..1010 {
            let text = line(n, "203.0.113.9", "-", "REST.GET.OBJECT", "k", 200, "1");
            server.put("acme-logs", &format!("p/2026-04-{:02}-00-00-00-{n:016X}", n % 20 + 1), text);
        }
        Scene { home: Home::new(), proxy: FaultyProxy::before(&server), server }
    }

    /// Applies a fault to the server, calls `begin`, and waits until the fault has occurred.
    fn begin<T>(&self, (_, fault, is_spoiled): Plan, begin: impl FnOnce() -> T) -> T {
        self.proxy.take_requests();
        self.proxy.inject(move |request| is_spoiled(request).then_some(fault));
        let begun = begin();
        self.proxy.wait_for(is_spoiled);
        // Gives the client time to receive the response.
        std::thread::sleep(Duration::from_millis(100));
        begun
    }
}

#[test]
fn a_pull_stops_during_any_fault_of_the_server() {
    let scene = Scene::new();
    for (number, plan) in PLANS.into_iter().enumerate() {
        let (cache, endpoint) = (format!("{number}.db"), scene.proxy.endpoint());
        let child = scene.begin(plan, || {
            scene
                .home
                .command(&["pull", "s3://acme-logs/p/", "--cache", &cache, "--endpoint-url", &endpoint])
                .envs(scene.server.environment())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        });
        send(child.id(), SIGTERM);
        let (status, message) = wait_for_end_of(child);
        assert_eq!(status.code(), Some(1), "{}: {status} {message}", plan.0);
        assert!(message.contains("stopped before all log files were read"), "{}: {message}", plan.0);
    }
}

#[test]
fn a_purge_stops_while_the_server_lists_or_deletes() {
    let scene = Scene::new();
    let endpoint = scene.proxy.endpoint();
    let arguments = ["pull", "s3://acme-logs/p/", "--purge", "--yes", "--cache", "a.db"];
    let pull = || {
        let mut command = scene.home.command(&[&arguments[..], &["--endpoint-url", &endpoint]].concat());
        command.envs(scene.server.environment()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let child = scene.begin(("deleting hangs", Fault::Swallowed, ProxiedRequest::is_delete), pull);
    send(child.id(), SIGTERM);
    let (status, message) = wait_for_end_of(child);
    assert_eq!(status.code(), Some(1), "{status} {message}");
    assert!(message.contains("stopped before all log files were deleted"), "{message}");

    // All log files are pulled: the first list is that of the pull, the second that of the purge.
    scene.proxy.take_requests();
    let first = std::sync::Mutex::new(None);
    scene.proxy.inject(move |request| {
        let is_first_page = request.is_list() && !is_later_list(request);
        let mut first = first.lock().unwrap();
        let is_again = is_first_page && first.is_some();
        if is_first_page {
            *first = Some(());
        }
        is_again.then_some(Fault::Swallowed)
    });
    let child = pull();
    scene.proxy.wait_for(|request| request.is_list() && !is_later_list(request) && request.before == 1);
    send(child.id(), SIGTERM);
    let (status, message) = wait_for_end_of(child);
    assert_eq!(status.code(), Some(1), "{status} {message}");
    assert!(message.contains("stopped before all log files were deleted"), "{message}");
}

#[test]
fn the_explorer_quits_during_any_fault_of_the_server() {
    let scene = Scene::new();
    for (number, plan) in PLANS.into_iter().enumerate() {
        for by_signal in [false, true] {
            let cache = scene.home.path(&format!("{number}-{by_signal}.db"));
            let endpoint = scene.proxy.endpoint();
            let arguments: [&OsStr; 5] = [
                "s3://acme-logs/p/".as_ref(),
                "--endpoint-url".as_ref(),
                endpoint.as_ref(),
                "--cache".as_ref(),
                cache.as_os_str(),
            ];
            let program = Path::new(env!("CARGO_BIN_EXE_tamarin"));
            let environment = scene.server.environment();
            let mut terminal = scene
                .begin(plan, || Terminal::start_in(program, &arguments, &environment, (100, 30)).unwrap());
            let begun = Instant::now();
            match by_signal {
                true => send(terminal.process().unwrap(), SIGTERM),
                false => terminal.press("q").unwrap(),
            }
            let status = terminal.wait_for_end().unwrap();
            let took = begun.elapsed();
            assert!(took < END_TIMEOUT, "{}, by a signal {by_signal}: {took:?}", plan.0);
            assert!(status.success(), "{}: {status}", plan.0);
            assert!(!terminal.screen().screen().alternate_screen(), "{}", plan.0);
        }
    }
}
