//! Decides whether a file is an S3 server access log: by its name, its first bytes and its first lines.

use super::lines_block::LinesBlock;
use crate::log::object_name::is_log_name;
use crate::log::structured::{self, schema};
use crate::log::{Rejection, has_impossible_time, is_comment, is_start_of_log, records};
use crate::source::foreign::{self, ForeignKind};

/// Bytes that are searched for a record, in a file that is not named as a log file.
pub(super) const MAX_SEARCHED_BYTES: usize = 4 << 20;
/// Lines that are searched for a record, in a file whose first line is of a foreign kind.
const MAX_FOREIGN_LINES: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The file is a log. Its lines that are not records are rejected.
    Log,
    /// The file is not a log, or is not read as one.
    NotALog(NotALog),
    Undecided,
}

/// Why a file is not read as a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotALog {
    Foreign(ForeignKind),
    /// It has no record.
    NoRecord,
    /// It is longer than [`MAX_SEARCHED_BYTES`], and has no record before that.
    NoRecordAtStart,
}

#[derive(Default)]
pub(super) struct LogDetector {
    is_named: bool,
    /// The foreign kind of the first line.
    kind: Option<ForeignKind>,
    has_content: bool,
    /// Whether there is a line that is neither a record nor empty.
    has_other_lines: bool,
    lines: usize,
    bytes: usize,
}

impl LogDetector {
    pub(super) fn new(name: &str) -> LogDetector {
        LogDetector { is_named: is_log_name(name), ..LogDetector::default() }
    }

    /// Inspects the next lines of the file. Call it until the verdict is final.
    pub(super) fn inspect(&mut self, block: &LinesBlock) -> Verdict {
        let text = block.text();
        let first = match &block.long {
            Some(long) if text.is_empty() => &long.prefix,
            _ => text,
        };
        if !self.has_content && !first.is_empty() {
            self.has_content = true;
            if let Some(kind) = foreign::by_bytes(first) {
                return Verdict::NotALog(NotALog::Foreign(kind));
            }
            self.kind = foreign::by_lines(first);
        }
        for line in text.split(|byte| *byte == b'\n') {
            if self.is_of_a_log(line) {
                return Verdict::Log;
            }
            if let Some(kind) = self.kind
                && self.lines >= MAX_FOREIGN_LINES
            {
                return Verdict::NotALog(NotALog::Foreign(kind));
            }
        }
        self.has_other_lines |= block.long.is_some();
        self.bytes += text.len();
        match self.kind {
            None if self.is_named && self.has_content => Verdict::Log,
            kind if block.is_last || self.bytes >= MAX_SEARCHED_BYTES => match kind {
                None if !self.has_other_lines => Verdict::Log,
                None if block.is_last => Verdict::NotALog(NotALog::NoRecord),
                None => Verdict::NotALog(NotALog::NoRecordAtStart),
                Some(kind) => Verdict::NotALog(NotALog::Foreign(kind)),
            },
            _ => Verdict::Undecided,
        }
    }

    /// Whether a line shows that the file is a log: a record, a damaged record, or the header of a log. After a
    /// foreign first line only a record that is a whole line counts, because clients choose some texts of foreign
    /// logs and can put a record into them.
    fn is_of_a_log(&mut self, line: &[u8]) -> bool {
        if is_comment(line) {
            self.has_other_lines = true;
            return is_start_of_log(line);
        }
        self.lines += 1;
        let is_foreign = self.kind.is_some();
        if structured::is_object_line(line) {
            self.has_other_lines = true;
            return structured::has_record(line) || !is_foreign && schema::has_names(line);
        }
        let line = structured::framing::skip_time(line);
        let mut records = records(line).map(|(_, record)| record);
        match records.next() {
            Some(Ok(_)) => return true,
            Some(Err(
                Rejection::NoOperation
                | Rejection::NoRequestUri
                | Rejection::NoStatus
                | Rejection::NoErrorCode
                | Rejection::NotANumber(_)
                | Rejection::TooManyNumbers
                | Rejection::CutOff
                | Rejection::NoSize
                | Rejection::NoEtag
                | Rejection::Ambiguous
                | Rejection::SecondRequestLine,
            )) if !is_foreign => return true,
            Some(Err(Rejection::InvalidTime(_))) if !is_foreign && has_impossible_time(line) => return true,
            None | Some(Err(Rejection::Empty)) => return false,
            Some(Err(_)) => self.has_other_lines = true,
        }
        !is_foreign && records.any(|record| record.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines_block::tests::block;
    use super::*;

    const RECORD: &str = "owner bucket [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F3EXAMPLE REST.GET.OBJECT a - 200 - - - - -\n";
    const LOG_NAME: &str = "logs/2026-04-03-03-11-11-0123456789ABCDEF";

    fn verdict(name: &str, text: &str) -> Verdict {
        LogDetector::new(name).inspect(&block(1, text.as_bytes(), true))
    }

    #[test]
    fn a_file_without_records_is_a_log_only_if_it_is_named_as_one() {
        let junk = "junk\n".repeat(1000);
        assert_eq!(verdict(LOG_NAME, &junk), Verdict::Log);
        assert_eq!(verdict("README.txt", &junk), Verdict::NotALog(NotALog::NoRecord));
        assert_eq!(verdict("access.log", &(junk + RECORD)), Verdict::Log);
        assert_eq!(verdict("access.log", "log starts 2026-02-06 09:30:25 UTC\njunk\n"), Verdict::Log);
        for name in [LOG_NAME, "README.txt"] {
            assert_eq!(verdict(name, ""), Verdict::Log, "an empty file");
            assert!(matches!(verdict(name, "%PDF-1.7\nx"), Verdict::NotALog(NotALog::Foreign(_))));
            assert!(matches!(verdict(name, "{\"Records\":[]}\n"), Verdict::NotALog(NotALog::Foreign(_))));
        }
        assert_eq!(verdict(LOG_NAME, "# a comment\n"), Verdict::Log);
        assert_eq!(verdict("a.cfg", "# a comment\n"), Verdict::NotALog(NotALog::NoRecord));
    }

    #[test]
    fn records_of_dates_that_do_not_exist_are_a_log() {
        for time in ["31/Feb/2026:09:30:25 +0000", "06/Feb/2026:24:30:25 +0000", "06/Aux/2026:09:30:25 +0000"]
        {
            let lines = RECORD.replace("06/Feb/2019:00:00:38 +0000", time).repeat(20);
            assert_eq!(verdict("a.log", &lines), Verdict::Log);
            for other in [
                format!("192.0.2.3 - - [{time}] \"GET /a HTTP/1.1\" 200 12 \"-\" \"curl/8\"\n"),
                format!("192.0.2.3 - [{time}] \"GET /a HTTP/1.1\" 200 12 \"-\" \"curl/8\"\n"),
                format!("some notes [{time}] about a file that is no log\n"),
            ] {
                assert!(matches!(verdict("a.log", &other), Verdict::NotALog(_)), "{other}");
            }
        }
    }

    #[test]
    fn records_as_json_are_a_log_and_other_objects_are_none() {
        let record =
            r#"{"bucket_name":"media","request_time":"2026-08-06T09:30:25Z","operation":"REST.GET.OBJECT"}"#;
        let message = format!("{{\"message\":{}}}", serde_json::to_string(record).unwrap());
        for text in [
            record.to_owned(),
            format!("{record}\n{record}\n"),
            record.repeat(2),
            message,
            format!("{{\"a\":1}}\n{record}\n"),
            format!("{}\njunk", &record[..record.len() - 9]),
        ] {
            assert_eq!(verdict("a.json", &text), Verdict::Log, "{text}");
        }
        for text in ["{\"a\":1}\n{\"b\":2}\n", "{\"message\":\"hello\"}\n", "{\"message\":\"hello\"}"] {
            assert!(matches!(verdict("a.json", text), Verdict::NotALog(NotALog::Foreign(_))), "{text}");
        }
    }

    #[test]
    fn a_foreign_first_line_does_not_hide_records() {
        let json = "{\"a\": 1}\n";
        assert_eq!(verdict("a.log", &format!("{json}{RECORD}")), Verdict::Log);
        // A record that a client put into a field of a foreign log does not count.
        let forged = format!("{json}{{\"agent\": \"\r{RECORD}");
        assert!(matches!(verdict("a.log", &forged), Verdict::NotALog(NotALog::Foreign(_))));
    }

    #[test]
    fn a_file_with_many_other_lines_is_classified_by_its_first_megabytes() {
        let lines = b"junk\n".repeat(100_000);
        let mut detector = LogDetector::new("a.log");
        let mut blocks = 1;
        let verdict = loop {
            match detector.inspect(&block(1, &lines, false)) {
                Verdict::Undecided => blocks += 1,
                verdict => break verdict,
            }
        };
        assert_eq!(verdict, Verdict::NotALog(NotALog::NoRecordAtStart));
        assert_eq!(blocks, MAX_SEARCHED_BYTES.div_ceil(500_000));
    }
}
