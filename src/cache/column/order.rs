//! Comparing values of a page with a text, most of them without making them: to find the first thousand of ten
//! million in an order, all but a few have to be passed over.

use std::cmp::Ordering;

use super::key_elision::{Beginnings, Told};
use super::text::{
    BASE36, BASE36_BYTES, BASE64_PACKED, KEY_CUT_OUT, OpenPage, PLAIN, REQUEST_ID, pack_base36,
};

/// The first characters of a value, of which that many are looked at first.
const FIRST: usize = 4;

/// A text, and that others come behind it that are larger, or smaller if the order is descending.
#[derive(Clone, Debug)]
pub struct Bound {
    text: Vec<u8>,
    descending: bool,
    /// Its first characters, if it has as many.
    first: Option<u32>,
    /// The highest bytes of its number, if it is a request id.
    number: Option<u64>,
}

impl Bound {
    /// A text.
    pub fn new(text: &[u8], descending: bool) -> Bound {
        let mut packed = Vec::new();
        let is_id = pack_base36(text, &mut packed);
        Bound {
            text: text.to_vec(),
            descending,
            first: text.first_chunk().map(|first: &[u8; FIRST]| u32::from_be_bytes(*first)),
            number: is_id.then(|| high_bytes(&packed)).flatten(),
        }
    }

    /// The text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether what compares with the text like this comes behind it.
    pub fn is_behind(&self, order: Ordering) -> bool {
        if self.descending { order.is_lt() } else { order.is_gt() }
    }
}

/// A row whose value may come in front of a bound.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Its number in the page.
    pub row: usize,
    /// The beginning of its value, if that depends on its key: see [`Beginnings::hopeless`].
    pub beginning: Option<usize>,
}

impl OpenPage {
    /// Finds the rows that pass, all but those of which their beginnings tell that they come behind a text, and those
    /// without a value. `keys` has the numbers of the keys of all rows, if values of the column stand around keys.
    pub fn not_behind(
        &self,
        bound: &Bound,
        beginnings: &mut Beginnings<'_>,
        keys: &[u32],
        passes: impl Fn(usize) -> bool,
        found: &mut Vec<Candidate>,
    ) {
        found.clear();
        // In the opposite order all is turned round.
        let turn = if bound.descending { u64::MAX } else { 0 };
        let first = bound.first.map(|first| u64::from(first) ^ turn);
        let number = bound.number.map(|number| number ^ turn);
        match (self.same(), first, number) {
            (Some((text, length, BASE64_PACKED)), Some(first), _) if length >= 3 => {
                for (row, stored) in text.chunks_exact(length).take(self.rows()).enumerate() {
                    if first_of_base64(stored).is_none_or(|value| u64::from(value) ^ turn <= first)
                        && passes(row)
                    {
                        found.push(Candidate { row, beginning: None });
                    }
                }
                return;
            }
            (Some((text, BASE36_BYTES, REQUEST_ID)), _, Some(number)) => {
                for (row, stored) in text.chunks_exact(BASE36_BYTES).take(self.rows()).enumerate() {
                    if high_bytes(stored).is_none_or(|value| value ^ turn <= number) && passes(row) {
                        found.push(Candidate { row, beginning: None });
                    }
                }
                return;
            }
            _ => {}
        }
        let (each, text) = self.each().unwrap_or_default();
        // One loop for all forms: what is in it is done ten million times.
        let common = beginnings.common();
        let key_of = |row: usize| keys.get(row).copied().unwrap_or(0);
        let mut start = 0;
        for row in 0..self.rows() {
            let is_passing = passes(row);
            let (stored, form) = match each.get(row) {
                Some(&(end, form)) => {
                    let from = std::mem::replace(&mut start, end as usize);
                    if !is_passing {
                        continue;
                    }
                    let (Some(stored), Some(form)) = (text.get(from..start), form) else { continue };
                    (stored, form.into())
                }
                None => match self.stored(row) {
                    Some(stored) if is_passing => stored,
                    _ => continue,
                },
            };
            if form == KEY_CUT_OUT && common.is_behind(stored, || key_of(row)) {
                continue;
            }
            let (value, most) = match form {
                KEY_CUT_OUT => {
                    let beginning = match beginnings.look_up(stored, key_of(row), bound) {
                        Told::Behind => continue,
                        Told::Open(beginning) => Some(beginning),
                        Told::Unknown => None,
                    };
                    found.push(Candidate { row, beginning });
                    continue;
                }
                REQUEST_ID if stored.len() == BASE36_BYTES => (high_bytes(stored), number),
                _ => (first_of(stored, form).map(u64::from), first),
            };
            if value.zip(most).is_none_or(|(value, most)| value ^ turn <= most) {
                found.push(Candidate { row, beginning: None });
            }
        }
    }
}

/// The first characters of a value as a number, if the stored form has as many, whatever its key may be.
#[inline]
fn first_of(stored: &[u8], form: u64) -> Option<u32> {
    let first = match form {
        PLAIN => stored.first_chunk(),
        KEY_CUT_OUT => None,
        BASE64_PACKED => return first_of_base64(stored),
        _ => return first_of_request_id(stored),
    };
    first.map(|first: &[u8; FIRST]| u32::from_be_bytes(*first))
}

/// The highest bytes of the number that a request id is: its order is that of the ids.
#[inline]
fn high_bytes(packed: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*packed.last_chunk()?))
}

/// Of the hexadecimal ones.
fn first_of_request_id(stored: &[u8]) -> Option<u32> {
    let [one, other]: [u8; 2] = *stored.first_chunk()?;
    let digits = [one >> 4, one & 15, other >> 4, other & 15];
    Some(u32::from_be_bytes(digits.map(|digit| BASE36[usize::from(digit)])))
}

#[inline]
fn first_of_base64(stored: &[u8]) -> Option<u32> {
    /// Two characters by their 12 bits.
    const PAIRS: [u16; 1 << 12] = {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut pairs = [0; 1 << 12];
        let mut bits = 0;
        while bits < pairs.len() {
            pairs[bits] = u16::from_be_bytes([DIGITS[bits >> 6], DIGITS[bits & 63]]);
            bits += 1;
        }
        pairs
    };
    let [one, two, three]: [u8; 3] = *stored.first_chunk()?;
    let number = u32::from_be_bytes([0, one, two, three]) as usize;
    Some(u32::from(PAIRS[number >> 12]) << 16 | u32::from(PAIRS[number & 0xfff]))
}

#[cfg(test)]
mod tests {
    use super::super::key_elision::AllHopeless;
    use super::super::text::{Hint, PageBuilder};
    use super::*;
    use proptest::prelude::*;

    fn id() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..9),
            "[0-9A-C]{2,4}".prop_map(String::into_bytes),
            "[0-9A-F]{16}".prop_map(String::into_bytes),
            "A[0-1A-B][Y-Z]{14}|[0-9A-Z]{16}".prop_map(String::into_bytes),
            "A[a-b]+/".prop_map(String::into_bytes),
            "[0-9A-Za-z+/]{20}".prop_map(String::into_bytes),
        ]
    }

    fn not_behind(open: &OpenPage, bound: &Bound) -> Vec<usize> {
        let all = AllHopeless::new(0);
        let mut found = Vec::new();
        open.not_behind(bound, &mut Beginnings::new(&all), &[], |_| true, &mut found);
        found.into_iter().map(|found| found.row).collect()
    }

    proptest! {
        #[test]
        fn no_value_is_passed_over_that_is_not_behind(
            hint in prop::sample::select(vec![Hint::Text, Hint::RequestId, Hint::Base64]),
            values in prop_oneof![
                prop::collection::vec(prop::option::of(id()), 1..20),
                prop::collection::vec("[0-9A-Z]{16}".prop_map(|id| Some(id.into_bytes())), 1..20),
                prop::collection::vec("[0-9A-Za-z+/]{8}".prop_map(|id| Some(id.into_bytes())), 1..20),
            ],
            text in id(),
            descending: bool,
        ) {
            let mut builder = PageBuilder::new(hint);
            values.iter().for_each(|value| builder.push(value.as_deref()));
            let open = OpenPage::open(&builder.finish().unwrap()).unwrap();
            for text in values.iter().flatten().chain([&text]) {
                let bound = Bound::new(text, descending);
                let rows = not_behind(&open, &bound);
                for (row, value) in values.iter().enumerate() {
                    let is_behind = value.as_ref().is_none_or(|value| {
                        if descending { value < text } else { value > text }
                    });
                    prop_assert!(is_behind || rows.contains(&row), "{:?} {:?}", text, value);
                }
            }
        }

    }

    #[test]
    fn most_ids_are_passed_over_by_their_beginnings() {
        for (hint, ids) in [
            (Hint::Base64, ["AAAB", "AAAC", "abcd"]),
            (Hint::RequestId, ["0123456789ABCDEG", "012345678ZABCDEF", "Z123456789ABCDEF"]),
            (Hint::RequestId, ["0123456789ABCDEF", "1123456789ABCDEF", "2123456789ABCDEF"]),
            (Hint::Text, ["GET /", "HEAD /", "PUT /"]),
        ] {
            let mut builder = PageBuilder::new(hint);
            ids.iter().for_each(|id| builder.push(Some(id.as_bytes())));
            let open = OpenPage::open(&builder.finish().unwrap()).unwrap();
            for (index, id) in ids.iter().enumerate() {
                let rows = not_behind(&open, &Bound::new(id.as_bytes(), false));
                assert_eq!(rows, (0..=index).collect::<Vec<_>>());
                let rows = not_behind(&open, &Bound::new(id.as_bytes(), true));
                assert_eq!(rows, (index..ids.len()).collect::<Vec<_>>());
            }
        }
    }
}
