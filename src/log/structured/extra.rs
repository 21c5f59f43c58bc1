//! What a structured record has beyond the fields of the text format: an object in [`Field::Extra`](crate::log::Field).
//!
//! `{"milliseconds":123}` has the part of the time below a second, if there is one, and then the columns that are no fields. The text
//! format has none of this, so it does not count when records are compared: a request is the same request however it was
//! delivered.

/// What the object of a time with a fraction begins with.
const START: &[u8] = b"{\"milliseconds\":";

const NANOSECONDS_PER_MILLISECOND: u32 = 1_000_000;

/// The part of [`Field::Extra`](crate::log::Field) that distinguishes records: the text, unless it is that of a
/// structured record.
pub fn comparable_extra(extra: Option<&[u8]>) -> Option<&[u8]> {
    extra.filter(|text| !is_object(text))
}

/// Whether a text is the object of a structured record.
fn is_object(text: &[u8]) -> bool {
    let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
    text.starts_with(START) || text.starts_with(b"{\"") && text.ends_with(b"}") && is_json()
}

/// Appends a column and its value as JSON to the members of an object.
pub(super) fn append_member(members: &mut Vec<u8>, name: &str, json: &[u8]) {
    // Writing a text as JSON cannot fail.
    let name = serde_json::to_string(name).unwrap_or_default();
    for part in [b",", name.as_bytes(), b":", json] {
        members.extend_from_slice(part);
    }
}

/// Appends the object: the nanoseconds of the time, as milliseconds, and other members. One of the two is needed.
pub(super) fn append(nanoseconds: u32, members: &[u8], out: &mut Vec<u8>) {
    if nanoseconds == 0 {
        out.push(b'{');
        out.extend_from_slice(members.strip_prefix(b",").unwrap_or(members));
        out.push(b'}');
        return;
    }
    out.extend_from_slice(START);
    push_number(nanoseconds / NANOSECONDS_PER_MILLISECOND, out);
    let mut fraction = nanoseconds % NANOSECONDS_PER_MILLISECOND;
    if fraction > 0 {
        out.push(b'.');
        let mut unit = NANOSECONDS_PER_MILLISECOND / 10;
        while fraction > 0 {
            out.push(b'0' + (fraction / unit) as u8);
            fraction %= unit;
            unit /= 10;
        }
    }
    out.extend_from_slice(members);
    out.push(b'}');
}

/// Appends a number below 1000.
fn push_number(number: u32, out: &mut Vec<u8>) {
    let digits = [number / 100, number / 10 % 10, number % 10].map(|digit| b'0' + digit as u8);
    let first = digits.iter().position(|digit| *digit != b'0').unwrap_or(2);
    out.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extra(nanoseconds: u32, members: &[u8]) -> String {
        let mut out = Vec::new();
        append(nanoseconds, members, &mut out);
        assert_eq!(comparable_extra(Some(&out)), None);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_milliseconds_are_a_number_in_an_object() {
        for (nanoseconds, milliseconds) in [
            (123_000_000, "123"),
            (7_000_000, "7"),
            (70_000_000, "70"),
            (999_999_999, "999.999999"),
            (1_000, "0.001"),
            (10_500_000, "10.5"),
        ] {
            assert_eq!(extra(nanoseconds, b""), format!("{{\"milliseconds\":{milliseconds}}}"));
        }
        let mut members = Vec::new();
        append_member(&mut members, "edge \"x\"", b"[1, 2]");
        append_member(&mut members, "b", b"null");
        let text = extra(5_000_000, &members);
        assert_eq!(text, r#"{"milliseconds":5,"edge \"x\"":[1, 2],"b":null}"#);
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        assert_eq!(extra(0, &members), r#"{"edge \"x\"":[1, 2],"b":null}"#);
    }

    #[test]
    fn the_extra_text_of_a_log_line_is_compared() {
        assert_eq!(comparable_extra(Some(b"new-field -")), Some(b"new-field -".as_slice()));
        assert_eq!(comparable_extra(None), None);
        let text = Some(b"{\"a\" b}".as_slice());
        assert_eq!(comparable_extra(text), text);
    }
}
