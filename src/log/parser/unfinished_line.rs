//! Whether the last line of a log file that is still being written is complete.

use super::super::{Field, structured};
use super::{is_comment, records};

/// Fields of the shortest complete record: up to the user agent.
const FIELDS_MIN: usize = Field::UserAgent as usize + 1;

/// Number of lines before the last one that are searched for a record to compare it with.
const LINES_BACK: usize = 100;

/// The last line of a text, if it has no line end and looks like the start of a record; else empty.
///
/// The line looks complete if it has as many fields as the record before it, and its last field, which may be cut off,
/// is absent or equal to that of the other record. A line with JSON looks complete if its last object is. If there is no record before it, it needs all fields up to the user
/// agent. So only texts at the end of a record can be cut off unnoticed, never numbers.
pub fn unfinished_line(text: &[u8]) -> &[u8] {
    let start = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
    let (before, last) = text.split_at(start);
    if last.is_empty() || is_comment(last) {
        return &[];
    }
    if structured::is_object_line(last) {
        return if structured::is_complete(last) { &[] } else { last };
    }
    let is_record = |line: &&[u8]| records(line).next().is_some_and(|(_, record)| record.is_ok());
    let previous = before.rsplit(|byte| *byte == b'\n').take(LINES_BACK).find(is_record);
    if looks_complete(last, previous.unwrap_or_default()) { &[] } else { last }
}

/// Whether a line looks complete in comparison with the record before it, if there is one.
fn looks_complete(line: &[u8], previous: &[u8]) -> bool {
    if !records(line).all(|(_, record)| record.is_ok()) {
        return false;
    }
    let fields = count_fields(line);
    if previous.is_empty() {
        return fields >= FIELDS_MIN;
    }
    let last = last_field(line);
    fields == count_fields(previous) && (last == b"-" || last == last_field(previous))
}

fn last_field(line: &[u8]) -> &[u8] {
    line.trim_ascii_end().rsplit(|byte| *byte == b' ').next().unwrap_or_default()
}

/// Number of fields of a line: words, and texts in quotes or brackets. An unpaired quote makes the number wrong, so
/// that the line differs from others.
fn count_fields(line: &[u8]) -> usize {
    let (mut count, mut rest) = (0, line.trim_ascii());
    while let Some(first) = rest.first() {
        let end = match first {
            b'"' => rest[1..].iter().position(|byte| *byte == b'"').map(|at| at + 2),
            b'[' => rest.iter().position(|byte| *byte == b']').map(|at| at + 1),
            _ => rest.iter().position(|byte| *byte == b' '),
        };
        let Some(end) = end else { return count + usize::from(!matches!(first, b'"' | b'[')) };
        count += 1;
        rest = rest[end..].trim_ascii_start();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "owner acme [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F3EXAMPLE REST.GET.OBJECT a%20b \
        \"GET /a HTTP/1.1\" 200 - 113 2048 7 5 \"-\" \"S3 Console/0.4\" - h0stId= SigV4 ECDHE AuthHeader \
        acme.s3.amazonaws.com TLSv1.2 - - us-east-1";

    /// Whether a line at the end of a log file looks complete.
    fn is_complete(before: &str, line: &str) -> bool {
        let text = format!("{before}{line}");
        let unfinished = unfinished_line(text.as_bytes());
        assert!(unfinished.is_empty() || unfinished == line.as_bytes());
        unfinished.is_empty()
    }

    #[test]
    fn a_line_cut_off_anywhere_looks_unfinished() {
        for before in [format!("{LINE}\n"), format!("{LINE}\n# a comment\nno record\n")] {
            let complete: Vec<usize> =
                (1..=LINE.len()).filter(|end| is_complete(&before, &LINE[..*end])).collect();
            assert_eq!(complete, [LINE.len()]);
        }
        assert!(is_complete(LINE, "\n"));
    }

    #[test]
    fn a_first_line_that_is_cut_off_has_all_its_numbers() {
        for end in 1..=LINE.len() {
            let line = &LINE[..end];
            if is_complete("", line) {
                let record = records(line.as_bytes()).next().unwrap().1.unwrap();
                assert_eq!(record.integer(Field::TurnAroundTime), Some(5), "{line}");
                assert_eq!(record.logged(Field::UserAgent), Some(b"S3 Console/0.4".as_slice()), "{end}");
            }
        }
        assert!(is_complete("", LINE));
    }

    #[test]
    fn the_last_field_may_differ_if_it_is_absent() {
        let before = format!("{LINE}\n");
        assert!(is_complete(&before, &LINE.replace("us-east-1", "-")));
        assert!(!is_complete(&before, &LINE.replace("us-east-1", "us-west-2")));
    }
}
