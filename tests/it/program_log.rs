//! The log that the program writes about itself.

use crate::home::{Home, stderr};

/// The log of the program itself.
fn program_log(home: &Home) -> String {
    std::fs::read_to_string(home.path("state/tamarin/tamarin.log")).unwrap_or_default()
}

#[test]
fn verbose_writes_a_log_of_the_program_and_changes_no_output() {
    let home = Home::new();
    let report = ["report", "total", "logs", "--format", "ndjson"];
    let output = home.run(&report);
    assert!(!home.path("state").exists(), "the log is off by default");
    let verbose = home.run(&[&report[..], &["-v"]].concat());
    assert_eq!((&verbose.stdout, stderr(&verbose)), (&output.stdout, stderr(&output)));
    let log = program_log(&home);
    for event in ["INFO", "start", "source opened", "pull ended", "known=2", "end code=0"] {
        assert!(log.contains(event), "{event}: {log}");
    }
    assert!(!log.contains("DEBUG"), "{log}");
    home.succeeds(&["report", "total", "-vv"]);
    assert!(program_log(&home).contains("DEBUG"), "{}", program_log(&home));
    #[cfg(unix)]
    for (path, mode) in [("state/tamarin", 0o700), ("state/tamarin/tamarin.log", 0o600)] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(home.path(path)).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
}

#[test]
fn the_log_of_the_program_has_no_credentials() {
    let home = Home::new();
    let name = "2026-04-01-04-00-00-\u{1b}[2J.gz";
    std::fs::write(home.path("logs").join(name), b"\x1f\x8b\x08\x00broken").unwrap();
    let presigned = "https://acme.example/log?X-Amz-Credential=AKIAHIDDEN1&X-Amz-Signature=hidden2";
    for arguments in [
        &["pull", presigned][..],
        &["pull", "s3://AKIAHIDDEN1:hidden2@acme-logs/"],
        &["pull", "s3://acme-logs/", "--endpoint-url", "http://127.0.0.1:1", "--region", "eu-west-1"],
        &["pull", "s3://acme-logs/", "--endpoint-url", "http://user:hidden2@127.0.0.1:1"],
        &["pull", "logs"],
    ] {
        let output = home
            .command(arguments)
            .env("AWS_ACCESS_KEY_ID", "AKIAHIDDEN1")
            .env("AWS_SECRET_ACCESS_KEY", "hidden2")
            .env("AWS_SESSION_TOKEN", "hidden3")
            .env("AWS_MAX_ATTEMPTS", "2")
            .env("TAMARIN_LOG", "trace")
            .output()
            .unwrap();
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
    }
    let log = program_log(&home);
    assert!(!log.contains("HIDDEN") && !log.contains("hidden"), "{log}");
    for event in ["command failed", "end code=2", "end code=1", "end code=3", "a request to AWS failed"] {
        assert!(log.contains(event), "{event}: {log}");
    }
    assert!(log.contains("a log file could not be read") && !log.contains('\u{1b}'), "{log}");
}

#[test]
fn a_wrong_level_of_the_program_log_is_named() {
    let home = Home::new();
    let output = home.command(&["sources"]).env("TAMARIN_LOG", "loud").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("TAMARIN_LOG: expected off, error, warn"), "{}", stderr(&output));
}

#[test]
fn the_path_of_a_program_log_that_cannot_be_written_was_not_named() {
    let home = Home::new();
    let run = || stderr(&home.run(&["report", "total", "logs", "-v"]));
    let start = "tamarin: the log of the program cannot be written: ";
    std::fs::create_dir_all(home.path("state/tamarin/tamarin.log")).unwrap();
    assert!(run().contains(start) && run().contains("state/tamarin/tamarin.log: "), "{}", run());
    std::fs::remove_dir_all(home.path("state")).unwrap();
    std::fs::write(home.path("state"), "a file").unwrap();
    assert!(run().contains(start) && run().contains("state/tamarin: "), "{}", run());
}
