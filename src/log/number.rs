//! Numbers as logs spell them: decimal digits, and durations with a unit.

/// An unsigned decimal number; `None` if the text is not one, or is beyond 64 bits.
pub(super) fn parse(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// [`parse`] of the `length` bytes of a text before `end`. Up to 8 digits, which nearly all numbers have, are read
/// in one step that does not branch on their count, which a processor cannot predict.
#[inline(always)]
pub(super) fn parse_before(text: &[u8], end: usize, length: usize) -> Option<u64> {
    match (end.checked_sub(8).and_then(|start| text.get(start..)?.first_chunk()), length) {
        (Some(bytes), 1..=8) => {
            let unused_bits = 8 * (8 - length);
            parse_digits(u64::from_le_bytes(*bytes) >> unused_bits << unused_bits, unused_bits)
        }
        _ => parse(text.get(end.checked_sub(length)?..end)?),
    }
}

/// The number whose digits are the upper bytes of a word, the last digit in the highest byte; the lower
/// `unused_bits` are 0. The method is that of
/// <https://lemire.me/blog/2022/01/21/swar-explained-parsing-eight-digits/>.
#[inline]
fn parse_digits(bytes: u64, unused_bits: usize) -> Option<u64> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let digits = bytes ^ (ONES * u64::from(b'0')) << unused_bits;
    // The highest bit of each byte is set, or becomes set, unless the byte is 0 to 9.
    if (digits.wrapping_add(ONES * (0x7F - 9)) | digits) & (ONES * 0x80) != 0 {
        return None;
    }
    let pairs = (digits * 10 + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    Some((fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF)
}

/// Whole milliseconds of a duration with a unit, such as `12ms`, `12 ms`, `1.5s` or `850us`; `None` if the text is not
/// one, or is beyond 64 bits.
pub(super) fn parse_duration(text: &[u8]) -> Option<u64> {
    let Duration { whole, fraction, unit } = Duration::split(text)?;
    let whole = parse(whole)?;
    match unit {
        b"ms" => Some(whole),
        b"s" => {
            let thousandths = (0..3).fold(0, |sum, place| {
                sum * 10 + fraction.get(place).map_or(0, |digit| u64::from(digit - b'0'))
            });
            whole.checked_mul(1000)?.checked_add(thousandths)
        }
        b"ns" => Some(whole / 1_000_000),
        _ => Some(whole / 1000),
    }
}

/// Whether a text is a duration with a unit, of any length.
pub(super) fn is_duration(text: &[u8]) -> bool {
    Duration::split(text).is_some()
}

/// Whether a word is the unit of a duration.
pub(super) fn is_unit(word: &[u8]) -> bool {
    matches!(word, b"ms" | b"s" | b"us" | b"\xC2\xB5s" | b"\xCE\xBCs" | b"ns")
}

/// The parts of a duration with a unit.
struct Duration<'a> {
    /// Digits before the decimal point.
    whole: &'a [u8],
    /// Digits after it.
    fraction: &'a [u8],
    unit: &'a [u8],
}

impl<'a> Duration<'a> {
    fn split(text: &'a [u8]) -> Option<Duration<'a>> {
        let end_of_digits =
            |text: &[u8]| text.iter().position(|byte| !byte.is_ascii_digit()).filter(|digits| *digits > 0);
        let (whole, rest) = text.split_at(end_of_digits(text)?);
        let (fraction, rest) = match rest.strip_prefix(b".") {
            None => (&[][..], rest),
            Some(rest) => rest.split_at(end_of_digits(rest)?),
        };
        let unit = rest.trim_ascii_start();
        is_unit(unit).then_some(Duration { whole, fraction, unit })
    }
}

pub(super) fn is_digits(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(u8::is_ascii_digit)
}

/// Whether a word is an HTTP status: a number from 100 to 999.
pub(super) fn is_status(word: &[u8]) -> bool {
    word.len() == 3 && is_digits(word) && word[0] != b'0'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Parses a text alone and within other text, and checks that the results are equal.
    fn parse_anywhere(text: &[u8]) -> Option<u64> {
        let number = parse(text);
        for before in ["", "-", "123456789 ", "12345678"] {
            let line = [before.as_bytes(), text, b" 77"].concat();
            let end = before.len() + text.len();
            assert_eq!(parse_before(&line, end, text.len()), number, "{before:?}");
        }
        number
    }

    proptest! {
        #[test]
        fn digits_are_read_as_their_number(number: u64, digits in 1..21usize) {
            let number = number % 10u64.checked_pow(digits as u32).unwrap_or(u64::MAX);
            for text in [number.to_string(), format!("{number:0digits$}")] {
                prop_assert_eq!(parse_anywhere(text.as_bytes()), Some(number));
            }
        }

        #[test]
        fn text_with_another_character_is_not_a_number(
            digits in "[0-9]{0,12}",
            at in 0..13usize,
            other in any::<u8>().prop_filter("no digit", |byte| !byte.is_ascii_digit()),
        ) {
            let mut text = digits.into_bytes();
            text.insert(at.min(text.len()), other);
            prop_assert_eq!(parse_anywhere(&text), None);
        }
    }

    #[test]
    fn numbers_end_at_64_bits() {
        assert_eq!(parse(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse(b"18446744073709551616"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn durations_are_read_as_milliseconds() {
        for (text, milliseconds) in [
            ("12ms", Some(12)),
            ("0ms", Some(0)),
            ("12.9ms", Some(12)),
            ("3s", Some(3000)),
            ("1.5s", Some(1500)),
            ("1.2345s", Some(1234)),
            ("850us", Some(0)),
            ("1850µs", Some(1)),
            ("2000000ns", Some(2)),
            ("12", None),
            ("ms", None),
            (".5s", None),
            ("1.s", None),
            ("12 ms", Some(12)),
            ("1.5  s", Some(1500)),
            ("12 ms ", None),
            ("-12ms", None),
            ("12h", None),
            ("99999999999999999999ms", None),
            ("18446744073709551615s", None),
        ] {
            assert_eq!(parse_duration(text.as_bytes()), milliseconds, "{text}");
        }
        assert!(is_duration(b"99999999999999999999ms"));
        assert!(!is_duration(b"99999999999999999999"));
    }

    #[test]
    fn a_status_is_a_number_from_100_to_999() {
        for (word, expected) in [
            ("100", true),
            ("999", true),
            ("000", false),
            ("099", false),
            ("20", false),
            ("0200", false),
            ("2x0", false),
        ] {
            assert_eq!(is_status(word.as_bytes()), expected, "{word}");
        }
    }
}
