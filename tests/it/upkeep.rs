//! Sources that are monitored, paused and removed; checks and pruning of the cache.

use serde_json::Value;
use tamarin::cache::{Cache, Writer};

use crate::home::{Home, line, stderr};
use crate::support::filling::Filling;

/// A second folder of logs, with one request.
fn second_folder(home: &Home) {
    std::fs::create_dir(home.path("more")).unwrap();
    let one = line(9000, "192.0.2.5", "-", "REST.GET.OBJECT", "d.mp4", 200, "7");
    std::fs::write(home.path("more/2026-04-01-04-00-00-EEEE"), one).unwrap();
}

fn states(home: &Home) -> Vec<Value> {
    home.rows(&["sources"]).iter().map(|source| source["state"].clone()).collect()
}

fn requests(home: &Home) -> u64 {
    home.rows(&["report", "total"])[0]["requests"].as_u64().unwrap()
}

#[test]
fn monitored_sources_are_pulled_when_none_is_named() {
    let home = Home::new();
    second_folder(&home);
    home.succeeds(&["sources", "add", "logs", "-q"]);
    assert_eq!(states(&home), ["monitored"]);
    assert!(stderr(&home.run(&["pull"])).contains("3 requests added"));
    home.succeeds(&["pull", "more", "-q"]);
    assert_eq!(states(&home), [Value::from("monitored"), Value::Null]);
    let table = home.succeeds(&["sources"]);
    assert!(table.contains("STATE") && table.contains("monitored"), "{table}");

    // Only the monitored source is pulled.
    let late = line(9100, "192.0.2.5", "-", "REST.GET.OBJECT", "e.mp4", 200, "7");
    std::fs::write(home.path("more/2026-04-01-05-00-00-FFFF"), &late).unwrap();
    assert!(stderr(&home.run(&["pull"])).contains("0 requests added, "));
    home.succeeds(&["sources", "add", "more", "-q"]);
    assert!(stderr(&home.run(&["pull"])).contains("1 request added"));
}

#[test]
fn a_paused_source_is_pulled_only_by_name() {
    let home = Home::new();
    home.succeeds(&["sources", "add", "logs", "-q"]);
    home.succeeds(&["sources", "pause", "logs", "-q"]);
    assert_eq!(states(&home), ["paused"]);
    assert!(home.fails_in_one_line(2, &["pull"]).contains("tamarin sources resume"));
    assert!(stderr(&home.run(&["pull", "logs"])).contains("3 requests added"));
    assert_eq!(states(&home), ["paused"]);
    home.succeeds(&["sources", "resume", "logs", "-q"]);
    assert_eq!(states(&home), ["monitored"]);
    assert!(stderr(&home.run(&["pull"])).contains("2 already in the cache"));
    assert!(
        home.fails_in_one_line(2, &["sources", "pause", "elsewhere"]).contains("has no source elsewhere")
    );
    assert!(home.fails_in_one_line(2, &["sources", "add", "-"]).contains("standard input"));
    assert!(home.fails(2, &["sources", "add"]).contains("SOURCE"));
}

#[test]
fn a_source_of_the_configuration_file_can_be_paused_and_others_monitored() {
    let home = Home::new();
    second_folder(&home);
    std::fs::create_dir_all(home.path("config/tamarin")).unwrap();
    std::fs::write(home.path("config/tamarin/config.toml"), "sources = [\"logs\"]\n").unwrap();
    home.succeeds(&["sources", "add", "more", "-q"]);
    assert!(stderr(&home.run(&["pull"])).contains("4 requests added"));
    home.succeeds(&["sources", "pause", "logs", "-q"]);
    assert!(stderr(&home.run(&["pull"])).contains("1 already in the cache"));
}

#[test]
fn a_removed_source_keeps_its_requests_unless_asked_to_delete_them() {
    let home = Home::new();
    second_folder(&home);
    home.succeeds(&["pull", "logs", "more", "-q"]);
    home.succeeds(&["sources", "remove", "logs", "-q"]);
    assert_eq!(states(&home), [Value::Null, Value::Null]);
    assert_eq!(requests(&home), 4);
    assert!(stderr(&home.run(&["pull"])).contains("1 already in the cache"));

    let output = home.run(&["sources", "remove", "logs", "--with-requests"]);
    assert!(stderr(&output).contains("3 requests of 2 log files"), "{}", stderr(&output));
    assert_eq!(requests(&home), 1);
    assert_eq!(home.rows(&["sources", "rejected"]), Vec::<Value>::new());
    assert_eq!(home.rows(&["sources"]).len(), 1);
    // The source can be added again as if it were new.
    assert!(stderr(&home.run(&["pull", "logs"])).contains("3 requests added"));
    assert_eq!(requests(&home), 4);
}

#[test]
fn a_check_names_the_damage() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q", "--cache", "c.db"]);
    let output = home.run(&["sources", "check", "--cache", "c.db"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("no damage found: 1 segment, 3 requests"), "{}", stderr(&output));
    assert_eq!(home.succeeds(&["sources", "check", "--cache", "c.db", "--format", "ndjson"]), "");

    // A value of a dictionary that differs from its index.
    let bytes = std::fs::read(home.path("c.db")).unwrap();
    let mut damaged = bytes.clone();
    let last = damaged.len() - 32_768;
    damaged[last..].fill(0xff);
    std::fs::write(home.path("c.db"), damaged).unwrap();
    let output = home.run(&["sources", "check", "--cache", "c.db", "--format", "ndjson"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is damaged: "), "{}", stderr(&output));
    let first: Value =
        serde_json::from_slice(output.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert!(first["problem"].is_string() && first["place"].is_string(), "{first}");
    assert!(home.fails_in_one_line(1, &["sources", "check"]).contains("nothing is cached yet"));

    // SQLite cannot even open this damage. The message of a check must not recommend a check.
    let mut damaged = bytes;
    damaged[100..4000].iter_mut().for_each(|byte| *byte ^= 0xff);
    std::fs::write(home.path("c.db"), damaged).unwrap();
    let message = home.fails_in_one_line(1, &["sources", "check", "--cache", "c.db"]);
    assert!(message.contains("damaged too much") && message.contains("move it away"), "{message}");
    assert!(!message.contains("sources check"), "{message}");
    let message = home.fails_in_one_line(1, &["sources", "--cache", "c.db"]);
    assert!(message.contains("`tamarin sources check` lists all problems"), "{message}");

    // An empty file is not a foreign cache: pull fills it.
    std::fs::write(home.path("empty.db"), "").unwrap();
    let message = home.fails_in_one_line(1, &["sources", "--cache", "empty.db"]);
    assert!(message.contains("nothing is cached yet in empty.db"), "{message}");
    home.succeeds(&["pull", "logs", "-q", "--cache", "empty.db"]);
}

#[test]
fn old_requests_are_pruned_and_not_pulled_again() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    let output = home.run(&["prune", "--before", "2026-04-01T01:00", "--dry-run"]);
    assert!(stderr(&output).contains("1 request before "), "{}", stderr(&output));
    assert!(stderr(&output).contains("would be dropped"), "{}", stderr(&output));
    assert_eq!(requests(&home), 3);
    let output = home.run(&["prune", "--before", "2026-04-01T01:00", "logs"]);
    assert!(stderr(&output).contains(" dropped (about ") && stderr(&output).contains(" freed"));
    assert_eq!(requests(&home), 2);
    assert_eq!(home.rows(&["requests"])[0]["key"], "c.mp4");
    assert!(stderr(&home.run(&["pull"])).contains("0 requests added"));
    assert_eq!(requests(&home), 2);
    home.succeeds(&["sources", "check"]);

    assert!(home.fails(2, &["prune"]).contains("--before"));
    assert!(home.fails_in_one_line(2, &["prune", "--before", "soon"]).contains("--before: expected"));
    let text = home.fails_in_one_line(2, &["prune", "--before", "-1d", "--filter", "status:404"]);
    assert!(text.contains("takes no --filter"), "{text}");
    assert!(home.fails_in_one_line(2, &["prune", "--before", "-1d", "x"]).contains("no source x"));
}

#[test]
fn every_command_leaves_the_cache_as_one_file() {
    let home = Home::new();
    std::fs::create_dir(home.path("kept")).unwrap();
    let commands: [&[&str]; 9] = [
        &["pull", "logs"],
        &["report", "key"],
        &["requests", "--top", "0"],
        &["sql", "SELECT count(*) FROM requests"],
        &["sql", "SELECT nonsense"],
        &["sources"],
        &["sources", "check"],
        &["prune", "--before", "2026-04-01T01:00"],
        &["report", "total", "logs"],
    ];
    for command in commands {
        home.run(&[command, &["--cache", "kept/cache.db"]].concat());
        let left: Vec<_> = std::fs::read_dir(home.path("kept"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(left, ["cache.db"], "{command:?}");
    }
}

#[test]
fn a_reader_that_ends_leaves_the_log_of_a_writer_alone() {
    let home = Home::new();
    let cache = home.path("cache.db");
    let log = home.path("cache.db-wal");
    let mut filling = Filling::new(&cache, 1000);
    let source = filling.writer.source("/var/log/acme").unwrap();
    let mut second = 0;
    let mut add = |filling: &mut Filling| {
        second += 1;
        let one = line(second, "192.0.2.5", "-", "REST.GET.OBJECT", "d.mp4", 200, "7");
        filling.append(source, &[one.trim_end()]);
        filling.writer.commit().unwrap();
        u64::from(second)
    };
    let read = || {
        let total = home.rows(&["report", "total", "--cache", cache.to_str().unwrap()]);
        total[0]["requests"].as_u64().unwrap()
    };
    for _ in 0..3 {
        assert_eq!(add(&mut filling), read());
        assert!(log.exists(), "it is in use");
        filling.writer.make_durable().unwrap();
        assert_eq!(add(&mut filling), read());
        assert!(log.exists(), "it is in use");
    }
    drop(filling);
    assert!(!log.exists());
    assert_eq!(read(), 6);
    home.succeeds(&["sources", "check", "--cache", cache.to_str().unwrap()]);
}

#[cfg(unix)]
#[test]
fn pull_every_waits_while_another_process_writes() {
    let home = Home::new();
    let cache = home.path("cache.db");
    let mut pull = home.command(&["pull", "logs", "--every", "1s", "--cache", "cache.db", "-q"]);
    let message = std::fs::File::create(home.path("messages")).unwrap();
    let mut pull = pull.stderr(message).spawn().unwrap();
    let wait_for = |what: &str, is_so: &dyn Fn() -> bool| {
        let begun = std::time::Instant::now();
        while !is_so() {
            assert!(begun.elapsed().as_secs() < 60, "{what}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    let has = |requests: u64| {
        let sources = Cache::open(&cache).and_then(|cache| cache.sources()).unwrap_or_default();
        sources.iter().map(|source| source.requests).sum::<u64>() == requests
    };
    wait_for("the first round", &|| has(3));
    let mut writer = None;
    while writer.is_none() {
        writer = Writer::open(&cache).ok();
    }
    let late = line(10_800, "192.0.2.5", "-", "REST.GET.OBJECT", "d.mp4", 200, "7");
    std::fs::write(home.path("logs/2026-04-01-04-00-00-CCCC"), late).unwrap();
    let messages = || std::fs::read_to_string(home.path("messages")).unwrap();
    wait_for("a message about the other process", &|| {
        messages().contains("is being written by another Tamarin")
    });
    assert!(has(3));
    drop(writer);
    wait_for("the next round", &|| has(4));
    let stopped = std::process::Command::new("kill").args(["-TERM", &pull.id().to_string()]).status();
    assert!(stopped.unwrap().success());
    assert_eq!(pull.wait().unwrap().code(), Some(0));
}

#[test]
fn a_source_that_was_not_monitored_was_reported_as_removed() {
    let home = Home::new();
    home.succeeds(&["sources", "add", "logs", "-q"]);
    let run = |what: &str| stderr(&home.run(&["sources", what, "logs"]));
    assert!(run("resume").contains("logs is not paused: nothing to resume"));
    assert!(run("pause").contains("logs is paused: it is pulled only if it is named"));
    assert!(run("pause").contains("logs is paused already"));
    assert!(run("remove").contains("logs is no longer monitored"));
    assert!(run("remove").contains("logs is not monitored: nothing to remove"));
    let output_text = home.fails_in_one_line(2, &["sources", "remove", "nosuch"]);
    assert!(output_text.contains("the cache has no source nosuch"), "{output_text}");
}
