//! Patterns of `*`, `?` and `[…]` as regular expressions over bytes.
//!
//! Keys are no paths: `*` passes over `/`, and `{`, `\` and a `[` that is never closed stand for
//! themselves. That is why this is not a library for file names.

/// Whether a character of a bare value makes it a pattern.
pub(super) fn is_meta(c: char) -> bool {
    matches!(c, '*' | '?' | '[')
}

/// The regular expression (for bytes) of the whole value.
pub(super) fn to_regex(pattern: &str) -> String {
    let mut out = String::from(r"\A(?s:");
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            // A byte that is no UTF-8 is a character of its own.
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

/// A class and what stands behind it; `None` if it is never closed. A `]` right behind the opening
/// stands for itself.
fn class(rest: &str) -> Option<(String, &str)> {
    let (inside, negated) = match rest.strip_prefix(['!', '^']) {
        Some(inside) => (inside, true),
        None => (rest, false),
    };
    let first = inside.chars().next()?.len_utf8();
    let close = first + inside.get(first..)?.find(']')?;
    let mut out = String::from(if negated { "[^" } else { "[" });
    let letters: Vec<char> = inside[..close].chars().collect();
    let mut at = 0;
    while at < letters.len() {
        push_escaped(letters[at], &mut out);
        if letters.get(at + 1) == Some(&'-') && at + 2 < letters.len() {
            out.push('-');
            push_escaped(letters[at + 2], &mut out);
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
    fn a_star_is_any_text_with_slashes_and_any_bytes() {
        assert!(matches("media/*.mp4", b"media/2026/a.mp4"));
        assert!(!matches("media/*.mp4", b"media/a.mp4.part"));
        assert!(!matches("media/*.mp4", b"x/media/a.mp4"));
        assert!(matches("*", b""));
        assert!(matches("a*", b"a\xff\n\xfe"));
    }

    #[test]
    fn a_question_mark_is_one_character() {
        assert!(matches("a?c", "aäc".as_bytes()));
        assert!(matches("a?c", b"a\xffc"));
        assert!(!matches("a?c", b"ac"));
    }

    #[test]
    fn classes_are_those_of_a_shell() {
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
    fn everything_else_stands_for_itself() {
        assert!(matches("a{b,c}*", b"a{b,c}d"));
        assert!(matches(r"a\*", br"a\b"));
        assert!(matches("a[b*", b"a[bc"));
        assert!(matches("(a+)*", b"(a+)"));
    }
}
