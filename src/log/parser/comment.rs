//! Lines between records that are not meant to be records.

/// What versitygw writes first when it begins a log file, before the time.
const START: &[u8] = b"log starts ";

/// Whether a line says that a log begins.
pub fn is_start(line: &[u8]) -> bool {
    line.strip_prefix(START).is_some_and(|rest| !rest.starts_with(b"["))
}

/// Whether a line is a comment (`# …`), or says that a log begins.
#[inline]
pub fn is_comment(line: &[u8]) -> bool {
    match line {
        [b'#', ..] => true,
        [b'l', ..] => is_start(line),
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.first() == Some(&b'#'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_comment;

    #[test]
    fn comments_are_told_from_records_of_a_bucket_called_starts() {
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
