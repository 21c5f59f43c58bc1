//! A home directory with a folder of logs, and the binary run in it.

use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A temporary home directory with two log files in `logs/`: three requests and a line that is not a record.
pub(crate) struct Home {
    folder: TempDir,
}

/// A log line of a request at `second` of 2026-04-01.
pub(crate) fn line(
    second: u32,
    ip: &str,
    requester: &str,
    operation: &str,
    key: &str,
    status: u32,
    bytes: &str,
) -> String {
    format!(
        "3f9c1e0d7a5b48c2966e1f0b7d3a5c84e2109fb6d8c74a3150e6b92f7d1c8a43 acme-media \
         [01/Apr/2026:{:02}:{:02}:{:02} +0000] {ip} {requester} 3E57427F3EXAMPLE{second} {operation} {key} \
         \"GET /{key} HTTP/1.1\" {status} - {bytes} 5000 12 7 \"-\" \"aws-cli/2.15\" - \
         s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 \
         ECDHE-RSA-AES128-GCM-SHA256 AuthHeader acme-media.s3.eu-west-1.amazonaws.com TLSv1.2 - -\n",
        second / 3600,
        second / 60 % 60,
        second % 60,
    )
}

/// The requester of some requests.
const ETL: &str = "arn:aws:sts::123456789012:assumed-role/etl/session-1";

impl Home {
    pub(crate) fn new() -> Home {
        let home = Home { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(home.path("logs")).unwrap();
        let one = line(60, "203.0.113.7", "-", "REST.GET.OBJECT", "a%2520b.mp4", 200, "1000")
            + &line(3700, "203.0.113.7", ETL, "REST.GET.OBJECT", "c.mp4", 404, "-")
            + "not a log line at all\n";
        let two = line(7300, "198.51.100.9", ETL, "REST.PUT.OBJECT", "c.mp4", 200, "3000");
        std::fs::write(home.path("logs/2026-04-01-00-30-00-AAAA"), one).unwrap();
        std::fs::write(home.path("logs/2026-04-01-03-00-00-BBBB"), two).unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// A command that runs the binary in the home directory.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tamarin"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env_remove("TAMARIN_LOG")
            .env_remove("AWS_PROFILE")
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs the binary, which must exit with 0. Returns stdout.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the binary with `--format ndjson`. Returns the rows.
    pub(crate) fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.succeeds(&[arguments, &["--format", "ndjson"]].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs the binary, which must exit with `code` and print nothing on stdout. Returns stderr.
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        text
    }

    /// Runs the binary, which must exit with `code` and print one line on stderr. Returns the line.
    pub(crate) fn fails_in_one_line(&self, code: i32, arguments: &[&str]) -> String {
        let text = self.fails(code, arguments);
        assert_eq!(text.trim_end().lines().count(), 1, "{text}");
        assert!(text.starts_with("tamarin: "), "{text}");
        text
    }
}

/// The standard error of a command.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
