//! Exporting tables to files.

use tokio_util::sync::CancellationToken;

use crate::tui::app::export_file;
use crate::tui::journeys::start;
use crate::tui::model::Action;
use crate::tui::testing::{APRIL, Explorer, get};

#[test]
fn an_export_has_all_rows_and_replaces_a_file_only_after_confirmation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("addresses.csv");
    let mut explorer = start(130, 34);
    let export = format!("export {}", path.display());
    explorer.press(":").types(&export).press("Enter");
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written.starts_with("remote_ip,requests,bytes_sent"), "{written}");
    assert_eq!(written.lines().count(), 6);
    #[cfg(unix)]
    let is_private = || {
        let found = std::fs::metadata(&path).unwrap();
        std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777 == 0o600
    };
    #[cfg(unix)]
    assert!(is_private(), "logs contain names and secrets");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    explorer.press(":").types(&export).press("Enter");
    assert!(explorer.screen().contains("exists. Replace it?"), "{}", explorer.screen());
    explorer.press("n");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    // An incomplete file of a killed process with the same id does no harm.
    let left = folder.path().join(format!("addresses.csv.{}.part", std::process::id()));
    std::fs::write(&left, "half").unwrap();
    explorer.press(":").types(&export).press("Enter y");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "there are no other files");
    #[cfg(unix)]
    assert!(is_private(), "also if it replaces another file");
    explorer.press("e").types(".txt").press("Enter");
    assert!(explorer.screen().contains("must end in .csv"));
}

#[test]
fn an_export_has_the_chosen_columns_and_rows() {
    let folder = tempfile::tempdir().unwrap();
    let export = |explorer: &mut Explorer, name: &str| {
        let path = folder.path().join(name);
        explorer.press(":").types(&format!("export {}", path.display())).press("Enter");
        std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", explorer.screen()))
    };
    let hide = |explorer: &mut Explorer, name: &str| {
        let columns = &explorer.state.layer().table().columns;
        let at = columns.iter().position(|choice| choice.column.name() == name).unwrap();
        explorer.press("c").press(&"Down ".repeat(at)).press("Space Esc");
    };
    // Initially: all columns except the sparkline.
    let mut explorer = start(130, 34);
    let written = export(&mut explorer, "all.csv");
    assert!(
        written.starts_with(
            "remote_ip,requests,bytes_sent,share,error_rate,objects,last_seen\n203.0.113.7,120,"
        ),
        "{written}"
    );
    assert_eq!(written.lines().count(), 6);
    // Other columns, and only marked rows, in the order of the table.
    hide(&mut explorer, "share");
    hide(&mut explorer, "user_agents");
    explorer.press("g j j m k k m");
    let ips: Vec<String> = explorer
        .screen()
        .lines()
        .filter_map(|line| line.strip_prefix('●').or(line.strip_prefix(" ●")))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    assert_eq!(ips.len(), 2, "{}", explorer.screen());
    let written = export(&mut explorer, "some.csv");
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines[0], "remote_ip,requests,bytes_sent,error_rate,objects,user_agents,last_seen");
    assert_eq!(lines.len(), 3, "{written}");
    assert!(lines[1].starts_with(&ips[0]) && lines[2].starts_with(&ips[1]), "{written} {ips:?}");
    let json = export(&mut explorer, "some.json");
    assert!(json.contains("\"user_agents\":") && !json.contains("share"), "{json}");
    // Times, in the order of the table.
    explorer.press("3 l s m j m");
    let written = export(&mut explorer, "times.csv");
    assert!(
        written.starts_with("time,requests,bytes_sent,error_rate,errors,share\n2026-04-02T03:00:00Z,125,"),
        "{written}"
    );
    assert_eq!(written.lines().count(), 3);
    // Requests: all fields, unless the user chose columns.
    explorer.press("4");
    let written = export(&mut explorer, "requests.csv");
    assert_eq!(written.lines().next().unwrap().split(',').count(), crate::log::FIELDS.len());
    assert_eq!(written.lines().count(), 373);
    explorer.press("j j m G m");
    let written = export(&mut explorer, "marked.csv");
    assert_eq!(written.lines().count(), 3);
    hide(&mut explorer, "user_agent");
    let written = export(&mut explorer, "fields.csv");
    let names = "time,remote_ip,http_status,operation,key,bytes_sent,total_time,error_code,requester";
    assert_eq!(written.lines().next().unwrap(), names);
    explorer.press("M");
    let written = export(&mut explorer, "all-fields.csv");
    assert_eq!((written.lines().next().unwrap(), written.lines().count()), (names, 373));
}

/// An explorer of `count` requests.
fn many(count: i64) -> Explorer {
    let log: Vec<_> = (0..count)
        .map(|n| {
            let mut row = get(APRIL + n, "192.0.2.1", &n.to_string(), 200, 5);
            row.id = (1, n as u64);
            row
        })
        .collect();
    Explorer::with(100, 24, log)
}

#[test]
fn an_export_that_is_stopped_or_fails_leaves_no_file() {
    use crate::tui::model::action::Exported;
    let folder = tempfile::tempdir().unwrap();
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    for tab in ["2", "4"] {
        let mut explorer = many(500);
        explorer.holds_exports = true;
        let path = folder.path().join("many.csv");
        explorer.press(tab).press(":").types(&format!("export {}", path.display())).press("Enter");
        let export = explorer.exports.remove(0);
        let cancel = CancellationToken::new();
        let mut progress = Vec::new();
        let exported = export_file::export(&*explorer.engine, export.clone(), &cancel, &mut |rows, total| {
            assert!(!path.exists(), "an incomplete file does not have its final name");
            progress.push((rows, total));
            if rows == 400 {
                cancel.cancel();
            }
        });
        assert_eq!((exported, files()), (Exported::Cancelled, 0));
        assert_eq!(progress, [(200, 500), (400, 500)], "one report per page");
        // The file cannot replace a folder.
        std::fs::create_dir(&path).unwrap();
        let export = crate::tui::model::action::Export { overwrite: true, ..export };
        let exported =
            export_file::export(&*explorer.engine, export, &CancellationToken::new(), &mut |_, _| {});
        assert!(matches!(exported, Exported::Failed(_)), "{exported:?}");
        assert_eq!(files(), 1, "only the folder");
        std::fs::remove_dir(&path).unwrap();
    }
}

#[test]
fn an_export_shows_its_progress_and_can_be_stopped() {
    let mut explorer = many(10);
    explorer.holds_exports = true;
    explorer.press(":").types("export /nowhere/some.csv").press("Enter");
    explorer.handle(Action::Exporting { rows: 20_000, total: 3_000_000 });
    assert!(
        explorer.screen().contains("writing some.csv 20,000 of 3,000,000 rows  e stop"),
        "{}",
        explorer.screen()
    );
    // During an export everything works except another export.
    explorer.press("j 4 :").types("export other.csv").press("Enter");
    assert!(explorer.screen().contains("another export is running"), "{}", explorer.screen());
    explorer.press("Esc e");
    assert!(explorer.screen().contains("some.csv is still being written. Stop it?"), "{}", explorer.screen());
    explorer.press("n");
    assert!(explorer.screen().contains("writing some.csv"), "{}", explorer.screen());
    explorer.press("e y");
    assert!(explorer.exports.is_empty());
    assert!(explorer.screen().contains("no file was written"), "{}", explorer.screen());
}

#[test]
fn quitting_during_an_export_asks_for_confirmation() {
    for keys in ["q", "Ctrl-c", ": q Enter"] {
        let mut explorer = many(10);
        explorer.holds_exports = true;
        explorer.press(":").types("export /nowhere/some.csv").press("Enter").press(keys);
        assert!(!explorer.has_quit, "{keys}");
        let screen = explorer.screen();
        assert!(screen.contains("some.csv is still being written. Stop it and quit?"), "{screen}");
        assert!(screen.lines().last().unwrap().contains("y yes"), "{screen}");
        explorer.press("n");
        assert!(!explorer.has_quit && explorer.exports.len() == 1);
        explorer.press(keys).press("y");
        assert!(explorer.has_quit);
    }
    // Ctrl-C twice quits, and so does q when the file is complete.
    let mut explorer = many(10);
    explorer.holds_exports = true;
    explorer.press(":").types("export /nowhere/some.csv").press("Enter Ctrl-c Ctrl-c");
    assert!(explorer.has_quit);
    let mut explorer = many(10);
    explorer.holds_exports = true;
    explorer.press(":").types("export /nowhere/some.csv").press("Enter q");
    let exported = crate::tui::model::action::Exported::Written {
        path: "/nowhere/some.csv".into(),
        rows: 1,
        approximate: Vec::new(),
    };
    explorer.handle(Action::Exported(exported));
    assert!(explorer.screen().contains("1 row written to /nowhere/some.csv"), "{}", explorer.screen());
    explorer.press("q");
    assert!(explorer.has_quit);
}

#[test]
fn the_question_whether_to_replace_a_file_shows_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("addresses.csv");
    std::fs::write(&path, "precious").unwrap();
    let mut explorer = start(80, 24);
    explorer.press(":").types(&format!("export {}", path.display())).press("Enter");
    let screen = explorer.screen();
    let footer = screen.lines().last().unwrap();
    assert!(footer.contains("y yes") && footer.contains("n no"), "{screen}");
    assert!(!screen.contains("writing"), "{screen}");
}

#[test]
fn a_question_about_an_export_replaced_what_was_being_typed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "precious").unwrap();
    let mut explorer = many(10);
    explorer.holds_exports = true;
    explorer.press(":").types(&format!("export {}", path.display())).press("Enter /").types("ke");
    let filter = |explorer: &Explorer| explorer.state.prompt.as_ref().unwrap().input.value().to_owned();
    // Ctrl-C asks whether to stop the export; after "no" the filter is as it was.
    explorer.press("Ctrl-c n");
    assert_eq!(filter(&explorer), "ke");
    let export = explorer.exports.remove(0);
    explorer.handle(Action::Exported(crate::tui::model::action::Exported::Exists(Box::new(export))));
    assert!(
        explorer.screen().contains("a.csv exists: the export waits for an answer"),
        "{}",
        explorer.screen()
    );
    // The "y" is text, not an answer.
    explorer.types("y:1");
    assert_eq!(filter(&explorer), "key:1");
    assert!(explorer.exports.is_empty());
    explorer.press("Enter");
    let screen = explorer.screen();
    assert!(screen.lines().last().unwrap().contains("y yes"), "{screen}");
    explorer.press("y");
    assert!(explorer.exports.len() == 1 && explorer.state.layer().filter.to_string() == "key:1");
}

#[test]
fn a_typed_name_was_appended_to_the_default_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.csv");
    let mut explorer = start(130, 34);
    explorer.press("e");
    assert!(explorer.screen().contains("export to tamarin-remote_ip.csv"), "{}", explorer.screen());
    explorer.types(&path.display().to_string()).press("Enter");
    assert!(path.exists(), "{}", explorer.screen());
    // A key that moves the cursor keeps the name, to change it.
    explorer.press("e Left").types("x");
    assert!(explorer.screen().contains("export to tamarin-remote_ip.csxv"), "{}", explorer.screen());
}

#[test]
fn the_typed_name_was_lost_with_the_error() {
    let mut explorer = start(130, 34);
    explorer.press("e").types("/nowhere/else.csv").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("export to /nowhere/else.csv"), "{screen}");
    assert!(screen.contains("there is no folder /nowhere; create it or name another file"), "{screen}");
    explorer.press("Esc");
    assert!(explorer.state.export.is_none());
}

#[test]
fn an_open_request_could_not_be_exported() {
    let folder = tempfile::tempdir().unwrap();
    let mut explorer = start(80, 24);
    explorer.press("4 Enter e");
    let screen = explorer.screen();
    assert!(screen.contains("export to tamarin-request.json"), "{screen}");
    assert!(!screen.contains("history") && screen.contains("Enter write"), "{screen}");
    let path = folder.path().join("one.json");
    explorer.types(path.to_str().unwrap()).press("Enter");
    let text = std::fs::read_to_string(&path).unwrap();
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 1, "{text}");
    assert_eq!(rows[0]["key"], "photos/2026/01/img-0000.jpg", "{text}");
    assert!(rows[0].get("host_id").is_some(), "all fields, whatever the table shows: {text}");
}

#[test]
fn the_reason_why_a_file_cannot_be_written_was_cut_off() {
    let mut explorer = start(80, 24);
    let path = "/nonexistent/a-folder-that-is-not-there/another-one-below-it/addresses.csv";
    explorer.press("e").types(path).press("Enter");
    let screen = explorer.screen();
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("name another file"), "{screen}");
    assert!(screen.contains("export to ") && screen.contains("/addresses.csv"), "{screen}");
}

#[test]
fn which_rows_an_export_would_write_was_not_said() {
    let mut explorer = start(130, 34);
    explorer.press("e");
    assert!(
        explorer.screen().contains("all 5 rows; the name decides the format: .csv"),
        "{}",
        explorer.screen()
    );
    explorer.press("Esc m e");
    assert!(explorer.screen().contains("1 marked row; the name decides"), "{}", explorer.screen());
    explorer.press("Esc 4 Enter e");
    assert!(!explorer.screen().contains("row; "), "one request: {}", explorer.screen());
}
