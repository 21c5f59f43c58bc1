//! Whether a file is a log, by its name, its first bytes and its first lines.

use super::cutter::Lines;
use crate::log::object_name::is_log_name;
use crate::log::{Rejection, is_comment, is_start_of_log, records};
use crate::source::foreign::{self, Foreign};

/// Bytes of a file among which a record is looked for, if its name does not say that it is a log file: 4 MiB.
const JUDGED_BYTES: usize = 4 << 20;

/// First lines among which a record is looked for, if the first of them is of something else.
const FOREIGN_LINES: usize = 100;

/// What the lines so far say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are of a log. All that is no record in it is rejected.
    Log,
    /// They are of something else, and of what if that is known.
    Other(Option<Foreign>),
    /// More of them are needed.
    NotYet,
}

/// Looks at the first lines of a file.
pub struct LogDetector {
    /// Whether the file is a log file by its name.
    is_named: bool,
    /// What the first line looks like.
    kind: Option<Foreign>,
    has_begun: bool,
    /// Whether there is a line that is neither a record nor empty.
    has_others: bool,
    lines: usize,
    bytes: usize,
}

impl LogDetector {
    /// For a file of this name.
    pub fn new(name: &str) -> LogDetector {
        let is_named = is_log_name(name);
        LogDetector { is_named, kind: None, has_begun: false, has_others: false, lines: 0, bytes: 0 }
    }

    /// Looks at further lines, until it can say.
    pub fn look(&mut self, lines: &Lines) -> Verdict {
        let Lines { bytes, long, is_last, .. } = lines;
        let beginning = match long {
            Some(long) if bytes.is_empty() => &long.beginning,
            _ => bytes,
        };
        if !self.has_begun && !beginning.is_empty() {
            self.has_begun = true;
            if let Some(kind) = foreign::by_bytes(beginning) {
                return Verdict::Other(Some(kind));
            }
            self.kind = foreign::by_lines(beginning);
        }
        for line in bytes.split(|byte| *byte == b'\n') {
            if self.has_record(line) {
                return Verdict::Log;
            }
            if self.kind.is_some() && self.lines >= FOREIGN_LINES {
                return Verdict::Other(self.kind);
            }
        }
        self.has_others |= long.is_some();
        self.bytes += bytes.len();
        match self.kind {
            None if self.is_named && self.has_begun => Verdict::Log,
            kind if *is_last || self.bytes >= JUDGED_BYTES => match kind {
                None if !self.has_others => Verdict::Log,
                kind => Verdict::Other(kind),
            },
            _ => Verdict::NotYet,
        }
    }

    /// Whether a line has a record, was to have one, or says that a log begins. In what looks like another log only a
    /// whole line counts: such logs have texts in them that strangers chose.
    fn has_record(&mut self, line: &[u8]) -> bool {
        if is_comment(line) {
            self.has_others = true;
            return is_start_of_log(line);
        }
        self.lines += 1;
        let is_foreign = self.kind.is_some();
        let mut parts = records(line).map(|(_, record)| record);
        match parts.next() {
            Some(Ok(_)) => return true,
            Some(Err(
                Rejection::NoOperation | Rejection::NoStatus | Rejection::NoNumber | Rejection::Ambiguous,
            )) if !is_foreign => return true,
            None | Some(Err(Rejection::Empty)) => return false,
            Some(Err(_)) => self.has_others = true,
        }
        !is_foreign && parts.any(|record| record.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "owner bucket [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F3EXAMPLE REST.GET.OBJECT a - 200 - - - - -\n";
    const NAMED: &str = "logs/2026-04-03-03-11-11-0123456789ABCDEF";

    fn judged(name: &str, text: &str) -> Verdict {
        LogDetector::new(name).look(&Lines { first: 1, bytes: text.into(), long: None, is_last: true })
    }

    #[test]
    fn a_file_without_a_record_is_a_log_if_its_name_says_so() {
        let junk = "junk\n".repeat(1000);
        assert_eq!(judged(NAMED, &junk), Verdict::Log);
        assert_eq!(judged("README.txt", &junk), Verdict::Other(None));
        assert_eq!(judged("access.log", &(junk + RECORD)), Verdict::Log);
        assert_eq!(judged("access.log", "log starts 2026-02-06 09:30:25 UTC\njunk\n"), Verdict::Log);
        for name in [NAMED, "README.txt"] {
            assert_eq!(judged(name, ""), Verdict::Log, "an empty file");
            assert!(matches!(judged(name, "%PDF-1.7\nx"), Verdict::Other(Some(_))));
            assert!(matches!(judged(name, "{\"Records\":[]}\n"), Verdict::Other(Some(_))));
        }
        assert_eq!(judged(NAMED, "# a comment\n"), Verdict::Log);
        assert_eq!(judged("a.cfg", "# a comment\n"), Verdict::Other(None));
    }

    #[test]
    fn a_foreign_first_line_takes_no_records_with_it() {
        let json = "{\"a\": 1}\n";
        assert_eq!(judged("a.log", &format!("{json}{RECORD}")), Verdict::Log);
        // But what a stranger wrote into another log is none.
        let forged = format!("{json}{{\"agent\": \"\r{RECORD}");
        assert!(matches!(judged("a.log", &forged), Verdict::Other(Some(_))));
    }

    #[test]
    fn a_file_of_which_much_is_no_record_is_judged_by_its_first_megabytes() {
        let lines = || Lines { first: 1, bytes: b"junk\n".repeat(100_000), long: None, is_last: false };
        let mut judge = LogDetector::new("a.log");
        let mut looks = 1;
        while judge.look(&lines()) == Verdict::NotYet {
            looks += 1;
        }
        assert_eq!(looks, JUDGED_BYTES.div_ceil(500_000));
    }
}
