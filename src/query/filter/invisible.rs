//! Characters that a terminal does not show, or shows as something else.

/// Whether a character is invisible, looks like an ordinary space, or changes the appearance of its neighbours: control
/// characters (C0, DEL, C1), format characters of Unicode (bidirectional marks, joiners, tags), default ignorable
/// characters (fillers, variation selectors), blank letters, spaces and separators other than the ordinary space,
/// private use characters and noncharacters. Values must be shown with these characters escaped.
pub fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let at = INVISIBLE.partition_point(|&(_, last)| last < c);
    INVISIBLE.get(at).is_some_and(|&(first, _)| first <= c)
}

/// Ranges of invisible characters beyond ASCII, ascending. A test compares them with the tables of Unicode.
const INVISIBLE: &[(char, char)] = &[
    ('\u{80}', '\u{a0}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2000}', '\u{200f}'),
    ('\u{2028}', '\u{202f}'),
    ('\u{205f}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'), // a Braille pattern without dots
    ('\u{3000}', '\u{3000}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{e000}', '\u{f8ff}'),
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{fffe}', '\u{ffff}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{16fe4}', '\u{16fe4}'), // a filler of the Khitan script
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'), // a note without a head
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{1fffe}', '\u{1ffff}'),
    ('\u{2fffe}', '\u{2ffff}'),
    ('\u{3fffe}', '\u{3ffff}'),
    // Beyond this, only tags and variation selectors are assigned.
    ('\u{40000}', '\u{10ffff}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// All characters in one of these classes of regular expressions.
    fn characters(classes: &[&str]) -> impl Iterator<Item = char> {
        let any = regex::RegexSet::new(classes.iter().map(|class| format!("^{class}$"))).unwrap();
        ('\0'..=char::MAX).filter(move |c| any.is_match(c.encode_utf8(&mut [0; 4])))
    }

    #[test]
    fn control_and_format_characters_blank_letters_and_unusual_spaces_are_invisible() {
        let classes = [
            r"\p{Cc}",
            r"\p{Cf}",
            r"\p{Z}",
            r"\p{Co}",
            r"\p{DI}",
            r"\p{VS}",
            r"\p{NChar}",
            r"\p{Bidi_C}",
            r"\p{White_Space}",
        ];
        for c in characters(&classes) {
            assert!(is_invisible(c) || c == ' ', "{:x}", u32::from(c));
        }
        for c in
            ['\u{1d173}', '\u{3164}', '\u{2800}', '\u{ffa0}', '\u{fe0f}', '\u{e0100}', '\u{a0}', '\u{16fe4}']
        {
            assert!(is_invisible(c), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn letters_marks_digits_punctuation_and_symbols_are_visible() {
        let blank = [
            '\u{34f}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{17b5}',
            '\u{2800}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{16fe4}',
            '\u{1d159}',
        ];
        let [letters, others] = [[r"\p{L}", r"\p{N}"], [r"[\p{M}&&\P{VS}]", r"[\p{P}\p{S}]"]];
        for c in characters(&letters).chain(characters(&others)) {
            assert_eq!(is_invisible(c), blank.contains(&c), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn the_ranges_of_invisible_characters_ascend() {
        assert!(INVISIBLE.iter().all(|(first, last)| first <= last));
        assert!(INVISIBLE.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}
