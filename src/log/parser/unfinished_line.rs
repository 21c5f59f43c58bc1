//! Whether the last line of a file that is still being written is whole.

use super::super::Field;
use super::records;

/// Fields that a record has at least: those up to the user agent.
const FIELDS_MIN: usize = Field::UserAgent as usize + 1;

/// Whether a line without a line end looks like a whole record, and not like the beginning of one.
///
/// It has as many fields as the line before it, and its last field, which may be cut off, is absent or the same as in
/// that line. The first line of a file must have all fields that can hold a number. A wrong answer is possible only for
/// texts at the end of a record, never for a number.
pub fn looks_whole(line: &[u8], previous: &[u8]) -> bool {
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

/// How many fields a line has: words, and what is between quotes or brackets. An unpaired quote spoils the count, so
/// that the line looks different from others.
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

    #[test]
    fn of_all_places_to_cut_a_line_only_the_end_of_it_looks_whole() {
        let whole: Vec<usize> =
            (1..=LINE.len()).filter(|end| looks_whole(&LINE.as_bytes()[..*end], LINE.as_bytes())).collect();
        assert_eq!(whole, [LINE.len()]);
    }

    #[test]
    fn a_first_line_that_was_cut_has_all_its_numbers() {
        for end in 1..=LINE.len() {
            let line = &LINE.as_bytes()[..end];
            if looks_whole(line, b"") {
                let record = super::super::parse_line(line).unwrap();
                assert_eq!(record.integer(Field::TurnAroundTime), Some(5), "{}", &LINE[..end]);
                assert_eq!(record.logged(Field::UserAgent), Some(b"S3 Console/0.4".as_slice()), "{end}");
            }
        }
        assert!(looks_whole(LINE.as_bytes(), b""));
    }

    #[test]
    fn the_last_field_may_differ_if_it_is_absent() {
        let shorter = LINE.replace("us-east-1", "-");
        assert!(looks_whole(shorter.as_bytes(), LINE.as_bytes()));
        let other = LINE.replace("us-east-1", "us-west-2");
        assert!(!looks_whole(other.as_bytes(), LINE.as_bytes()));
    }
}
