//! Answers depend on which log files there are, and not on the order in which they or their parts are read.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tamarin::cache::Cache;
use tamarin::demo::LogFormat;
use tamarin::log::Field;
use tamarin::query::{Answer, Ask, Dimension, LocalEngine, Measure, Sort};

use crate::home::{Home, stderr};
use crate::support::log_files::{as_format, demo, gzip, put};
use crate::support::log_folder::ask_engine;

const ROUNDS: usize = 9;

/// Log files of all formats with their names. Neighbours have some requests in common.
fn files() -> Vec<(String, Vec<u8>)> {
    let text = demo(1_500);
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    (0..)
        .zip(lines.chunks(150))
        .map(|(index, chunk)| {
            let next = lines[(index + 1) * 150 % lines.len()..].iter().take(20).copied();
            let text: Vec<u8> = chunk.iter().copied().chain(next).collect::<Vec<_>>().concat();
            let (ending, content) = match index % 4 {
                0 => ("log", text),
                1 => ("json", as_format(LogFormat::Json, &text)),
                2 => ("parquet", as_format(LogFormat::Parquet, &text)),
                _ => ("json.gz", gzip(&as_format(LogFormat::Json, &text))),
            };
            (format!("{index:02}.{ending}"), content)
        })
        .collect()
}

/// The answers to all reports, with all measures.
fn answers(cache: &Path) -> Vec<(String, Answer)> {
    let engine = LocalEngine::new(Arc::new(Cache::open(cache).unwrap()));
    let mut dimensions = Dimension::all();
    dimensions.retain(|by| *by != Dimension::Field(Field::Source));
    dimensions
        .extend([Dimension::Prefix { depth: 2 }, Dimension::QueryParam { name: "versionId".to_owned() }]);
    let ask = |ask| ask_engine(&engine, ask);
    let more: Vec<Measure> = Measure::ALL.into_iter().filter(|measure| measure.is_extra()).collect();
    let mut answers = vec![("total".to_owned(), ask(Ask::Totals)), ("cost".to_owned(), ask(Ask::Cost))];
    for by in dimensions {
        for (measure, limit) in [(Measure::Requests, 0), (Measure::BytesSent, 5), (Measure::Requests, 7)] {
            let sort = Sort { by: measure, descending: true };
            let ask = ask(Ask::Groups { by: by.clone(), more: more.clone(), sort, limit });
            answers.push((format!("{} {limit}", by.name()), ask));
        }
    }
    answers
}

/// Where each request is from, and all its values.
fn origins(home: &Home) -> Vec<Vec<String>> {
    let rows = home.rows(&["requests", "--top", "0", "--cache", "cache"]);
    let text = |row: &serde_json::Value, field: Field| row[field.name()].to_string();
    // The same request may have been delivered with milliseconds and without, and spelled in another way.
    let varies = [Field::Source, Field::Extra, Field::KeyLogged];
    let fields: Vec<Field> = Field::all().filter(|field| !varies.contains(field)).collect();
    let mut rows: Vec<Vec<String>> =
        rows.iter().map(|row| fields.iter().map(|field| text(row, *field)).collect()).collect();
    rows.sort_unstable();
    rows
}

/// Runs a command on one processor, where it has one parser.
fn on_one_processor(command: Command) -> Command {
    if Command::new("taskset").arg("--version").output().is_err() {
        return command;
    }
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", "0"]).arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    pinned.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => pinned.env(name, value),
            None => pinned.env_remove(name),
        };
    }
    pinned
}

#[test]
fn answers_do_not_depend_on_the_order_in_which_log_files_are_read() {
    let mut files = files();
    let mut first = None;
    for round in 0..ROUNDS {
        let home = Home::new();
        files.sort_by_key(|(name, _)| {
            let mut hasher = DefaultHasher::new();
            (round, name).hash(&mut hasher);
            hasher.finish()
        });
        // One file after another, some at a time, or all at once.
        let files_per_pull = [1, 3, files.len()][round % 3];
        for some in files.chunks(files_per_pull) {
            some.iter().for_each(|(name, content)| put(&home, name, content));
            let pull = home.command(&["pull", "in", "-q", "--cache", "cache"]);
            let output = match round % 2 {
                0 => on_one_processor(pull),
                _ => pull,
            }
            .output()
            .unwrap();
            assert!(output.status.success(), "{}", stderr(&output));
        }
        let found = (answers(&home.path("cache")), origins(&home));
        let (expected_answers, expected_origins) = first.get_or_insert_with(|| found.clone());
        for (found, expected) in found.0.iter().zip(expected_answers.iter()) {
            assert_eq!(found, expected, "round {round}");
        }
        assert!(found.1 == *expected_origins, "round {round}: other origins");
        assert_eq!(found.1.len(), 1_500);
    }
    let reports = first.unwrap().0;
    let groups = |answer: &Answer| matches!(answer, Answer::Groups(groups) if groups.rows.len() > 7);
    assert!(reports.iter().filter(|(_, answer)| groups(answer)).count() > 10);
}
