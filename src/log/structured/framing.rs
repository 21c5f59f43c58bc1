//! Where the JSON objects of a text begin and end, also between broken ones.
//!
//! This decides only about boundaries. Whether an object is valid and a record is decided when it is parsed.

use memchr::{memchr, memchr2, memmem};

/// Objects and arrays within each other. A record has none, and a message of CloudWatch Logs has two.
pub(in crate::log) const MAX_DEPTH: u32 = 64;

/// The end of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectEnd {
    /// The object has this many bytes.
    At(usize),
    /// The text ends within the object.
    Missing,
    /// The object is broken at this byte: nothing that follows there can be a part of it.
    Broken(usize),
    /// The object has too many objects and arrays within each other.
    TooDeep,
}

/// Finds the end of the object that a text begins with.
pub fn object_end(text: &[u8]) -> ObjectEnd {
    // A bit for each open container: 1 for an array. The innermost is the lowest.
    let (mut arrays, mut depth) = (0u64, 0u32);
    let mut at = 0;
    // The last byte that is no white space; `"` after a text.
    let mut last = b':';
    while let Some(&byte) = text.get(at) {
        let in_array = arrays & 1 == 1;
        let can_begin_value = last == b':' || in_array && matches!(last, b'[' | b',');
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'{' | b'[' => {
                let begins_line = at > 0 && byte == b'{' && text[at - 1] == b'\n';
                if !can_begin_value || begins_line && is_indented(text) {
                    return ObjectEnd::Broken(at);
                }
                if depth == MAX_DEPTH {
                    return ObjectEnd::TooDeep;
                }
                arrays = arrays << 1 | u64::from(byte == b'[');
                depth += 1;
            }
            b'}' | b']' => {
                if depth == 0 || in_array != (byte == b']') {
                    return ObjectEnd::Broken(at);
                }
                arrays >>= 1;
                depth -= 1;
                if depth == 0 {
                    return ObjectEnd::At(at + 1);
                }
            }
            b'"' => {
                if !(can_begin_value || !in_array && matches!(last, b'{' | b',')) {
                    return ObjectEnd::Broken(at);
                }
                match text_end(text, at + 1) {
                    ObjectEnd::At(end) => at = end - 1,
                    other => return other,
                }
            }
            b':' | b',' if last == b'"' || byte == b',' && !matches!(last, b':' | b',' | b'{' | b'[') => {}
            // A number, `true`, `false` or `null`.
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.') => {
                let continues = last.is_ascii_alphanumeric() || matches!(last, b'-' | b'+' | b'.');
                if depth == 0 || !(can_begin_value || continues) {
                    return ObjectEnd::Broken(at);
                }
            }
            _ => return ObjectEnd::Broken(at),
        }
        last = byte;
        at += 1;
    }
    ObjectEnd::Missing
}

/// The end of a text whose opening quote is before `start`: after its closing quote.
fn text_end(text: &[u8], start: usize) -> ObjectEnd {
    let mut at = start;
    while let Some(length) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        // A text has no line ends, so the quotes are not those of one text.
        if let Some(line_end) = memchr(b'\n', &text[at..at + length]) {
            return ObjectEnd::Broken(at + line_end);
        }
        at += length;
        if text[at] == b'"' {
            return ObjectEnd::At(at + 1);
        }
        at += 2;
    }
    match text.get(at..).and_then(|rest| memchr(b'\n', rest)) {
        Some(line_end) => ObjectEnd::Broken(at + line_end),
        None => ObjectEnd::Missing,
    }
}

/// Whether the members of the object that a text begins with are on lines of their own. All objects within it are indented
/// then.
pub fn is_indented(text: &[u8]) -> bool {
    let rest = text.get(1..).unwrap_or_default();
    rest.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')) == Some(&b'\n')
}

/// Where the next object after a broken one may begin: at `{"`, or at `{` at the beginning of a line. The end of the text
/// if there is none.
pub fn next_start(text: &[u8]) -> usize {
    if object_end(text) == ObjectEnd::TooDeep {
        return deep_end(text);
    }
    let rest = text.get(1..).unwrap_or_default();
    let next = memmem::find(rest, b"{\"").unwrap_or(rest.len());
    let next = memmem::find(&rest[..next], b"\n{").map_or(next, |line_end| line_end + 1);
    (next + 1).min(text.len())
}

/// The end of an object that has too many others within it: after its last brace, or before another object that cannot be
/// a part of it.
fn deep_end(text: &[u8]) -> usize {
    let (mut depth, mut at, mut last) = (0u64, 0, b':');
    while let Some(&byte) = text.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'{' if at > 0 && (text[at - 1] == b'\n' || !matches!(last, b':' | b'[' | b',')) => return at,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b'"' => match text_end(text, at + 1) {
                ObjectEnd::At(end) => at = end - 1,
                ObjectEnd::Broken(line_end) => at = line_end - 1,
                ObjectEnd::Missing | ObjectEnd::TooDeep => return text.len(),
            },
            _ => {}
        }
        last = byte;
        at += 1;
    }
    text.len()
}

/// Whether a text begins with an array of objects.
pub fn is_array(text: &[u8]) -> bool {
    array_start(text).is_some_and(|rest| rest.starts_with(b"{"))
}

/// What follows the `[` that a text begins with.
pub fn array_start(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii_start();
    text.strip_prefix(b"[").map(<[u8]>::trim_ascii_start)
}

/// The text without the white space, brackets and commas before its next object.
#[inline]
pub fn trim_separators(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_between_objects(*byte)).unwrap_or(text.len());
    &text[start..]
}

/// Whether a text looks like a part of a JSON object or array.
pub fn is_part_of_json(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    match text.first() {
        Some(b'{' | b'}' | b'[' | b']' | b',') => true,
        Some(b'"') => memmem::find(text, b"\":").is_some(),
        _ => {
            let value = text.trim_ascii_end();
            matches!(value.strip_suffix(b",").unwrap_or(value), b"null" | b"true" | b"false")
        }
    }
}

/// Whether a byte may be between the objects of an array.
pub fn is_between_objects(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'[' | b',' | b']')
}

/// The text from its first object on, if only white space, a byte order mark, or the time of a CloudWatch Logs export
/// (`2026-08-06T09:30:25.123Z`) is before it. `None` if something else is.
#[inline]
pub fn skip_to_object(text: &[u8]) -> Option<&[u8]> {
    match text.first()? {
        b'{' => Some(text),
        b'0'..=b'9' | b' ' | b'\t' | 0xEF => skip_prefix(text),
        _ => None,
    }
}

#[cold]
fn skip_prefix(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii_start();
    if text.first()? == &b'{' {
        return Some(text);
    }
    let rest = after_time(text)?;
    (rest.first()? == &b'{').then_some(rest)
}

fn after_time(text: &[u8]) -> Option<&[u8]> {
    // Bucket owners, which lines of the text format begin with, have no such form.
    if !matches!(text, [_, _, _, _, b'-', _, _, b'-', _, _, b'T', ..]) {
        return None;
    }
    let end = memchr(b' ', text)?;
    super::request_time::RequestTime::parse(&text[..end])?;
    Some(text[end..].trim_ascii_start())
}

/// A line without the time that CloudWatch Logs exports have before it.
#[inline]
pub fn skip_time(line: &[u8]) -> &[u8] {
    after_time(line).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn objects_end_at_their_last_brace() {
        for object in [
            r#"{}"#,
            r#"{ "a" : 1 , "b" : null }"#,
            r#"{"a":"}{\"}","b":[1,{"c":[]},"x"],"d":-1.5e+3,"e":true}"#,
            r#"{"a":"\\"}"#,
            "{\n \"a\": [\n 1,\n 2 ]\n}",
        ] {
            let length = object.len();
            assert_eq!(object_end(object.as_bytes()), ObjectEnd::At(length), "{object}");
            let more = format!("{object}{{\"x\":1}}");
            assert_eq!(object_end(more.as_bytes()), ObjectEnd::At(length), "{more}");
            for cut in 1..length {
                assert_eq!(object_end(&object.as_bytes()[..cut]), ObjectEnd::Missing, "{object} at {cut}");
            }
        }
    }

    #[test]
    fn an_object_that_was_cut_off_ends_before_the_next_one() {
        let next = r#"{"schema_version_id":"V_1_0","b":[{"c":1}]}"#;
        let whole = r#"{"a": "text","b":123,"c":null,"d":[1,2],"e":true}"#;
        for cut in 1..whole.len() {
            let text = format!("{}{next}", &whole[..cut]);
            let end = object_end(text.as_bytes());
            assert!(matches!(end, ObjectEnd::Broken(_) | ObjectEnd::Missing), "{text}: {end:?}");
            assert_eq!(next_start(text.as_bytes()), cut, "{text}");
        }
    }

    #[test]
    fn an_object_at_the_beginning_of_a_line_is_not_within_an_indented_one() {
        for broken in
            ["{\n  \"a\": 1", "{\n  \"a\":", "{\n  \"a\": \"x,\n  \"b\": 1\n}", "{\n  \"a\": [\n 1,"]
        {
            let text = format!("{broken}\n{{\n  \"a\": 2\n}}\n");
            assert!(matches!(object_end(text.as_bytes()), ObjectEnd::Broken(_)), "{text}");
            assert_eq!(next_start(text.as_bytes()), broken.len() + 1, "{text}");
        }
        let text = "{\"a\": [\n{\"b\":1}\n]}";
        assert_eq!(object_end(text.as_bytes()), ObjectEnd::At(text.len()));
    }

    #[test]
    fn objects_within_each_other_are_limited() {
        let text = r#"{"a":"#.repeat(100);
        assert_eq!(object_end(text.as_bytes()), ObjectEnd::TooDeep);
        let whole = format!("{text}1{}", "}".repeat(100));
        for next in ["", "{\"b\":1}", "\n{\n"] {
            assert_eq!(next_start(format!("{whole}{next}").as_bytes()), whole.len());
        }
        assert_eq!(next_start(text.as_bytes()), text.len());
        assert_eq!(next_start(format!("{text}\n{{\n").as_bytes()), text.len() + 1);
    }

    #[test]
    fn a_time_may_be_before_an_object() {
        for (text, object) in [
            ("{\"a\":1}", Some("{\"a\":1}")),
            ("  {\"a\":1}", Some("{\"a\":1}")),
            ("\u{feff}{}", Some("{}")),
            ("2026-08-06T09:30:25.123Z {\"a\":1}", Some("{\"a\":1}")),
            ("2026-08-06T09:30:25Z   {}", Some("{}")),
            ("2026-08-06T09:30:25.123Z text", None),
            ("2026-08-06T09:30:25.123Z", None),
            ("79a59df900b949e5 acme [06/Feb/2019:00:00:38 +0000] {", None),
            ("owner {", None),
            ("", None),
            ("   ", None),
        ] {
            assert_eq!(skip_to_object(text.as_bytes()), object.map(str::as_bytes), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(text in r#"[{}\[\]",:\\a1\n ]{0,40}"#) {
            match object_end(text.as_bytes()) {
                ObjectEnd::At(end) => prop_assert!(end <= text.len()),
                ObjectEnd::Broken(at) => prop_assert!(at < text.len()),
                ObjectEnd::Missing | ObjectEnd::TooDeep => {}
            }
            prop_assert!(next_start(text.as_bytes()) >= usize::from(!text.is_empty()));
        }

        #[test]
        fn valid_objects_are_never_broken(value in any_object()) {
            let text = value.to_string();
            prop_assert_eq!(object_end(text.as_bytes()), ObjectEnd::At(text.len()));
        }
    }

    fn any_object() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<f64>().prop_map(serde_json::Value::from),
            "\\PC{0,8}|[\"\\\\{}]{0,4}".prop_map(serde_json::Value::from),
        ];
        let value = leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::hash_map("[a-z\"]{1,4}", inner, 0..4)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        });
        prop::collection::hash_map("[a-z\"]{1,4}", value, 0..4)
            .prop_map(|members| serde_json::Value::Object(members.into_iter().collect()))
    }
}
