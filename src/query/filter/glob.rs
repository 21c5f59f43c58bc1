//! Translates patterns of `*`, `?` and `[…]` to regular expressions over bytes.
//!
//! Libraries for file name patterns do not fit, because keys are not paths: `*` matches `/`, and `{`, `\` and an unclosed
//! `[` are ordinary characters.

/// Whether a bare value with this character is a pattern.
pub(super) fn is_meta(c: char) -> bool {
    matches!(c, '*' | '?' | '[')
}

/// A regular expression, for [`regex::bytes`], that matches whole values.
pub(super) fn to_regex(pattern: &str) -> String {
    let mut out = String::from(r"\A(?s:");
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            // A byte that is not UTF-8 counts as one character.
            '*' => out.push_str(r"(?-u:.)*"),
            '?' => out.push_str(r"(?:.|(?-u:[\x80-\xff]))"),
            '[' => match class(rest) {
                Some((class, after)) => {
                    out.push_str(&class);
                    rest = after;
                }
                None => out.push_str(r"\["),
            },
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push_str(r")\z");
    out
}

/// Translates the class that `rest` begins with, after its `[`. Returns the class and the text after it, or `None` if
/// the class is never closed. A `]` at its beginning is an ordinary character.
fn class(rest: &str) -> Option<(String, &str)> {
    let inside = rest.strip_prefix(['!', '^']).unwrap_or(rest);
    let negated = inside.len() < rest.len();
    let first = inside.chars().next()?.len_utf8();
    let close = first + inside.get(first..)?.find(']')?;
    let mut out = String::from(if negated { "[^" } else { "[" });
    let chars: Vec<char> = inside[..close].chars().collect();
    let mut at = 0;
    while at < chars.len() {
        push_escaped(chars[at], &mut out);
        if chars.get(at + 1) == Some(&'-') && at + 2 < chars.len() {
            out.push('-');
            push_escaped(chars[at + 2], &mut out);
            at += 3;
        } else {
            at += 1;
        }
    }
    out.push(']');
    Some((out, &inside[close + 1..]))
}

fn push_escaped(c: char, out: &mut String) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, value: &[u8]) -> bool {
        regex::bytes::Regex::new(&to_regex(pattern)).unwrap().is_match(value)
    }

    #[test]
    fn a_star_matches_any_text_slashes_and_invalid_utf8_included() {
        assert!(matches("media/*.mp4", b"media/2026/a.mp4"));
        assert!(!matches("media/*.mp4", b"media/a.mp4.part"));
        assert!(!matches("media/*.mp4", b"x/media/a.mp4"));
        assert!(matches("*", b""));
        assert!(matches("a*", b"a\xff\n\xfe"));
    }

    #[test]
    fn a_question_mark_matches_one_character() {
        assert!(matches("a?c", "aäc".as_bytes()));
        assert!(matches("a?c", b"a\xffc"));
        assert!(!matches("a?c", b"ac"));
    }

    #[test]
    fn classes_have_the_syntax_of_a_shell() {
        assert!(matches("v[0-9].txt", b"v7.txt"));
        assert!(!matches("v[!0-9].txt", b"v7.txt"));
        assert!(matches("v[^0-9].txt", b"vx.txt"));
        assert!(matches("[]]", b"]"));
        assert!(matches("[*]", b"*"));
        assert!(!matches("[*]", b"x"));
        assert!(matches(r"[a\d]", br"\"));
        assert!(matches("[a-]", b"-"));
    }

    #[test]
    fn other_characters_match_themselves() {
        assert!(matches("a{b,c}*", b"a{b,c}d"));
        assert!(matches(r"a\*", br"a\b"));
        assert!(matches("a[b*", b"a[bc"));
        assert!(matches("(a+)*", b"(a+)"));
    }
}
