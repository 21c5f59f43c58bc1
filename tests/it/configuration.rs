//! The configuration file, investigations and sessions, with the real program.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use super::home::{Home, stderr};
use super::support::terminal::Terminal;

fn write(home: &Home, text: &str) {
    std::fs::create_dir_all(home.path("config/tamarin")).unwrap();
    std::fs::write(home.path("config/tamarin/config.toml"), text).unwrap();
}

#[test]
fn config_check_prints_every_error_and_exits_with_1() {
    let home = Home::new();
    assert_eq!(home.run(&["config", "check"]).status.code(), Some(0));
    write(
        &home,
        "theme = \"drak\"\nregoin = \"x\"\n[keys.table]\nsort = \"c\"\n[investigations.a]\nfilter = \"(\"\n",
    );
    let output = home.run(&["config", "check"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    for (number, expected) in [
        "line 1: theme: ",
        "line 2: regoin: ",
        "line 4: keys.table.sort: ",
        "line 6: investigations.a.filter: ",
    ]
    .iter()
    .enumerate()
    {
        assert!(text.lines().nth(number).is_some_and(|line| line.contains(expected)), "{text}");
    }
    assert!(stderr(&output).contains("4 errors"), "{}", stderr(&output));
    let output = home.run(&["config", "check", "--format", "ndjson"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 4);
    write(&home, "theme = \"dark\"\n");
    assert_eq!(home.run(&["config", "check"]).status.code(), Some(0));
}

#[test]
fn config_path_show_and_schema() {
    let home = Home::new();
    let path = home.succeeds(&["config", "path"]);
    assert_eq!(path.trim_end(), home.path("config/tamarin/config.toml").to_string_lossy());
    write(&home, "region = \"eu-west-1\"\n\n[keys.table]\nsort = [\"o\"]\n[themes.mine]\nbase = \"light\"\n");
    let shown = home.succeeds(&["config", "show", "--cache", "mine.db"]);
    for (start, end) in [
        ("cache = \"mine.db\"", "# --cache"),
        ("region = \"eu-west-1\"", "# line 1"),
        ("# profile", "# default: that of the AWS configuration"),
        ("sort = [\"o\"]", "# line 4"),
        ("base = \"light\"", "# line 6"),
        ("edit_filter = [\"/\"]", "# default"),
    ] {
        assert!(shown.lines().any(|line| line.starts_with(start) && line.ends_with(end)), "{start}\n{shown}");
    }
    // What is shown is a configuration file itself.
    std::fs::write(home.path("shown.toml"), &shown).unwrap();
    home.succeeds(&["config", "check", "--config", "shown.toml"]);
    let schema: serde_json::Value = serde_json::from_str(&home.succeeds(&["config", "schema"])).unwrap();
    assert_eq!(schema["properties"]["resolve"]["type"], "boolean");
    let template = home.succeeds(&["config", "show", "--default"]);
    assert!(template.contains("#theme = \"light\""), "{template}");
}

#[test]
fn every_investigation_of_the_program_has_rows_on_the_demo() {
    let home = Home::new();
    home.succeeds(&["demo", "--requests", "20000", "--out", "demo"]);
    home.succeeds(&["pull", "demo", "-q"]);
    let all = home.rows(&["investigations"]);
    assert!(all.len() > 30);
    let topics: BTreeSet<&str> = all.iter().map(|row| row["topic"].as_str().unwrap()).collect();
    assert_eq!(topics, BTreeSet::from(["access", "cost", "errors", "latency", "security", "traffic"]));
    for row in &all {
        let name = format!("@{}", row["name"].as_str().unwrap());
        let text = home.succeeds(&["report", &name, "-q", "--top", "5"]);
        assert!(text.lines().count() > 1, "{name}:\n{text}");
    }
    let rows = home.rows(&["report", "@deleted-objects", "--top", "3"]);
    assert_eq!(rows.len(), 3);
    assert!(rows[0]["time"].as_str() >= rows[1]["time"].as_str(), "the latest is the first");
}

#[test]
fn an_investigation_of_the_user_is_printed_and_refined() {
    let home = Home::new();
    write(
        &home,
        "[investigations.mine]\nabout = \"Mine.\"\ntable = \"key\"\nfilter = \"status:200\"\nsort = \"value:desc\"\n",
    );
    home.succeeds(&["pull", "logs", "-q"]);
    let rows = home.rows(&["report", "@mine"]);
    assert_eq!(rows.iter().map(|row| row["key"].as_str().unwrap()).collect::<Vec<_>>(), ["c.mp4", "a b.mp4"]);
    let rows = home.rows(&["report", "@mine", "--filter", "op:PUT"]);
    assert_eq!((rows.len(), &rows[0]["key"]), (1, &"c.mp4".into()));
    let error = home.fails_in_one_line(2, &["report", "@mien"]);
    assert!(error.contains("did you mean mine?") && error.contains("./@mien"), "{error}");
    assert!(home.rows(&["investigations"])[0]["name"] == "mine");
}

/// Starts the explorer in a home directory.
fn explore(home: &Home, arguments: &[&str]) -> Terminal {
    let folder = |name: &str| home.path(name).to_string_lossy().into_owned();
    let environment = [
        ("HOME", folder("")),
        ("XDG_DATA_HOME", folder("data")),
        ("XDG_CONFIG_HOME", folder("config")),
        ("XDG_STATE_HOME", folder("state")),
    ];
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    Terminal::start_in(Path::new(env!("CARGO_BIN_EXE_tamarin")), &arguments, &environment, (130, 34)).unwrap()
}

#[test]
fn a_view_is_saved_reloaded_and_resumed() {
    let home = Home::new();
    write(&home, "# keep this\n");
    home.succeeds(&["pull", "logs", "-q"]);
    let mut terminal = explore(&home, &["@requesters"]);
    terminal.wait_for("by role ▾").unwrap();
    terminal.press("/status:404\r").unwrap();
    terminal.wait_for("▸ http_status:404").unwrap();
    terminal.press(":save mine what failed\r").unwrap();
    terminal.wait_for("tamarin @mine opens it").unwrap();
    let text = std::fs::read_to_string(home.path("config/tamarin/config.toml")).unwrap();
    assert!(text.contains("# keep this") && text.contains("[investigations.mine]"), "{text}");
    // The file changes while the explorer runs.
    let path = home.path("config/tamarin/config.toml");
    std::fs::write(&path, format!("theme = \"lihgt\"\n{text}")).unwrap();
    terminal.wait_for("line 1: theme: there is no theme \"lihgt\"").unwrap();
    std::fs::write(&path, format!("theme = \"light\"\n{text}")).unwrap();
    terminal.wait_for("the configuration file changed").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());

    let mut terminal = explore(&home, &["--resume"]);
    terminal.wait_for("▸ http_status:404").unwrap();
    terminal.wait_for("by role ▾").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
    let mut terminal = explore(&home, &["@mine"]);
    terminal.wait_for("mine: what failed").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
    // A damaged session is ignored.
    std::fs::write(home.path("state/tamarin/session.json"), "{").unwrap();
    let mut terminal = explore(&home, &[]);
    terminal.wait_for("is ignored: it is damaged").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}

#[test]
fn wrong_themes_and_investigations_are_refused_before_anything_is_opened() {
    let home = Home::new();
    let mut terminal = explore(&home, &["--theme", "drak"]);
    terminal.wait_for("did you mean dark?").unwrap();
    assert_eq!(terminal.wait_for_end().unwrap().exit_code(), 2);
    let mut terminal = explore(&home, &["@srcaping"]);
    terminal.wait_for("did you mean scraping?").unwrap();
    assert_eq!(terminal.wait_for_end().unwrap().exit_code(), 2);
    assert!(!home.path("data").exists());
}
