//! Comments and other lines between records that are not meant to be records.

/// The text that versitygw writes at the start of a log file, before the time.
const START: &[u8] = b"log starts ";

/// Whether a line marks the start of a log, as versitygw writes it.
pub fn is_start_of_log(line: &[u8]) -> bool {
    line.strip_prefix(START).is_some_and(|rest| !rest.starts_with(b"["))
}

/// Whether a line is a comment (`# …`) or marks the start of a log.
#[inline]
pub fn is_comment(line: &[u8]) -> bool {
    match line {
        [b'#', ..] => true,
        [b'l', ..] => is_start_of_log(line),
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.first() == Some(&b'#'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_comment;

    #[test]
    fn a_record_of_a_bucket_named_starts_is_not_a_comment() {
        for comment in
            ["#", "# a comment", "#Fields: a b", "\u{feff}# x", "log starts 2026-02-06 09:30:25 UTC"]
        {
            assert!(is_comment(comment.as_bytes()), "{comment}");
        }
        for line in
            ["", "owner # [x]", "log starts [06/Feb/2019:00:00:38 +0000]", "login media", "\u{feff}owner"]
        {
            assert!(!is_comment(line.as_bytes()), "{line}");
        }
    }
}
