//! Fits texts into a width, in terminal columns.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::human;

/// Shortens a text in the middle: both ends of a key matter.
pub(crate) fn middle(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    if width < 2 {
        return "…".repeat(width);
    }
    let left = (width - 1).div_ceil(2);
    let (start, used) = take_width(text.graphemes(true), left);
    let (end, _) = take_width(text.graphemes(true).rev(), width - 1 - used);
    let mut fitted = start.concat();
    fitted.push('…');
    fitted.extend(end.into_iter().rev());
    fitted
}

/// Shortens a text at its end.
pub(crate) fn end(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    if width == 0 {
        return String::new();
    }
    let (start, _) = take_width(text.graphemes(true), width - 1);
    start.concat() + "…"
}

/// The first of these texts that fits into a width; otherwise the last.
pub(crate) fn first_that_fits<'a>(texts: impl IntoIterator<Item = &'a str>, width: usize) -> String {
    let mut last = "";
    for text in texts {
        last = text;
        if text.width() <= width {
            break;
        }
    }
    last.to_owned()
}

/// Pads a text with spaces on the right.
pub(crate) fn left(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
}

/// Pads a text with spaces on the left.
pub(crate) fn right(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.width());
    format!("{}{text}", " ".repeat(missing))
}

/// Breaks a text into lines: after a space or a separator if there is one in the second half of the line, otherwise
/// anywhere. A number stays with its unit. The lines together are the text.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(4);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in unbroken(text) {
        let length = word.width();
        if used + length <= width {
            line.push_str(word);
            used += length;
            continue;
        }
        if used > 0 && (length <= width || used > width / 2) {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for grapheme in word.graphemes(true) {
            let length = grapheme.width();
            if used + length > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push_str(grapheme);
            used += length;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// The parts of a text between which lines may be broken.
fn unbroken(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, separator) in text.match_indices([' ', '&', '/', ',', ';']) {
        let end = at + separator.len();
        if separator != " " || !human::is_before_unit(&text[start..at], &text[end..]) {
            parts.push(&text[start..end]);
            start = end;
        }
    }
    if start < text.len() {
        parts.push(&text[start..]);
    }
    parts
}

/// The first graphemes that fit, and their width.
fn take_width<'a>(graphemes: impl Iterator<Item = &'a str>, width: usize) -> (Vec<&'a str>, usize) {
    let mut used = 0;
    let mut taken = Vec::new();
    for grapheme in graphemes {
        let length = grapheme.width();
        if used + length > width {
            break;
        }
        used += length;
        taken.push(grapheme);
    }
    (taken, used)
}

/// As [`wrap`], but at most `count` lines: the last one is shortened at its end.
pub(crate) fn wrap_into(text: &str, width: usize, count: usize) -> Vec<String> {
    let mut lines = wrap(text, width);
    if lines.len() > count.max(1) {
        let rest = lines.split_off(count.max(1) - 1).concat();
        lines.push(end(&rest, width));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_both_ends() {
        assert_eq!(middle("media/2026/04/film.mp4", 11), "media…m.mp4");
        assert_eq!(middle("short", 11), "short");
        assert_eq!(middle("ab", 1), "…");
        assert_eq!(middle("ab", 0), "");
    }

    #[test]
    fn wide_characters_never_overflow() {
        for width in 0..20 {
            for text in [
                "日本語のとても長いキー/файл.mp4",
                "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦 family",
                "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}",
            ] {
                assert!(middle(text, width).width() <= width, "{width}");
                assert!(end(text, width).width() <= width, "{width}");
            }
        }
    }

    #[test]
    fn a_number_was_on_another_line_than_its_unit() {
        let text = "198.51.100.23 took 242 GiB in 30 days, 38.1 % of all bytes";
        for width in 20..60 {
            for line in wrap(text, width) {
                assert!(
                    !line.trim_end().ends_with(|c: char| c.is_ascii_digit()) || line.ends_with(".23 "),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn wrapped_text_loses_nothing() {
        let text = "GET /media/film.mp4?X-Amz-Signature=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&b=c HTTP/1.1";
        for width in 4..60 {
            let lines = wrap(text, width);
            assert_eq!(lines.concat(), text);
            assert!(lines.iter().all(|line| line.width() <= width));
        }
        assert_eq!(wrap("", 10), [""]);
    }

    #[test]
    fn text_that_does_not_fit_into_its_lines_ends_with_an_ellipsis() {
        let text = "501 MiB of requests without a value are left out.";
        assert_eq!(wrap_into(text, 20, 3), ["501 MiB of requests ", "without a value are ", "left out."]);
        assert_eq!(wrap_into(text, 20, 2), ["501 MiB of requests ", "without a value are…"]);
        assert_eq!(wrap_into(text, 80, 1), [text]);
    }
}
