//! The rows of a page whose values may be before a bound, found with few values decoded: to find the first thousand
//! of ten million values in an order, nearly all have to be rejected.

use std::cmp::Ordering;

use super::pruned_keys::{PrefixVerdict, Prefixes, compare_part};
use crate::cache::TextPage;
use crate::cache::stored_text::{
    ElidedText, Form, REQUEST_ID_BYTES, StoredValues, base64_prefix, prefix, prefix_of, request_id_rank,
    request_id_rank_of,
};

/// The last text of an order that is accepted: texts after it are rejected.
#[derive(Clone, Debug)]
pub(crate) struct TextBound {
    text: Vec<u8>,
    descending: bool,
    prefix: Option<u32>,
    request_id_rank: Option<u64>,
}

impl TextBound {
    pub(crate) fn new(text: &[u8], descending: bool) -> TextBound {
        let (prefix, request_id_rank) = (prefix_of(text), request_id_rank_of(text));
        TextBound { text: text.to_vec(), descending, prefix, request_id_rank }
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether a value that compares as `order` with the text is after it.
    pub(crate) fn is_after(&self, order: Ordering) -> bool {
        if self.descending { order.is_lt() } else { order.is_gt() }
    }

    /// How a value whose key is elided compares with the text, and whether prefix and key decided it.
    pub(crate) fn compare_elided(&self, value: ElidedText<'_>, key: &[u8]) -> (Ordering, bool) {
        let mut rest = self.text();
        match compare_part(value.before, &mut rest).or_else(|| compare_part(key, &mut rest)) {
            Some(order) => (order, true),
            None => (value.after.cmp(rest), false),
        }
    }

    /// Replaces `found` with the rows that pass and whose values may be before the bound. Absent values are not found.
    /// `keys` has the value ids of the keys of all rows, if keys are elided in this column.
    pub(crate) fn candidates(
        &self,
        page: &TextPage,
        prefixes: &mut Prefixes<'_>,
        keys: &[u32],
        passes: impl Fn(usize) -> bool,
        found: &mut Vec<Candidate>,
    ) {
        found.clear();
        // Inverted numbers compare in the opposite order.
        let invert = if self.descending { u64::MAX } else { 0 };
        let bound_prefix = self.prefix.map(|prefix| u64::from(prefix) ^ invert);
        let bound_rank = self.request_id_rank.map(|rank| rank ^ invert);
        let values = page.stored_values();
        match (&values, bound_prefix, bound_rank) {
            (&StoredValues::Uniform { text, length, form: Form::Base64 }, Some(bound), _) if length >= 3 => {
                for (row, stored) in text.chunks_exact(length).take(page.rows()).enumerate() {
                    if base64_prefix(stored).is_none_or(|value| u64::from(value) ^ invert <= bound)
                        && passes(row)
                    {
                        found.push(Candidate { row, prefix: None });
                    }
                }
                return;
            }
            (
                &StoredValues::Uniform { text, length: REQUEST_ID_BYTES, form: Form::RequestId },
                _,
                Some(bound),
            ) => {
                for (row, stored) in text.chunks_exact(REQUEST_ID_BYTES).take(page.rows()).enumerate() {
                    if request_id_rank(stored).is_none_or(|value| value ^ invert <= bound) && passes(row) {
                        found.push(Candidate { row, prefix: None });
                    }
                }
                return;
            }
            _ => {}
        }
        let (tags, text) = match values {
            StoredValues::Tagged { tags, text } => (tags, text),
            StoredValues::Absent | StoredValues::Uniform { .. } => Default::default(),
        };
        // One loop for all forms: it runs for each of ten million values.
        let first_prefix = prefixes.first();
        let key_of = |row: usize| keys.get(row).copied().unwrap_or(0);
        let mut start = 0;
        for row in 0..page.rows() {
            let is_passing = passes(row);
            let (stored, form) = match tags.get(row) {
                Some(&(end, form)) => {
                    let from = std::mem::replace(&mut start, end as usize);
                    if !is_passing {
                        continue;
                    }
                    let (Some(stored), Some(form)) = (text.get(from..start), form) else { continue };
                    (stored, form)
                }
                None => match page.stored(row) {
                    Some(stored) if is_passing => stored,
                    _ => continue,
                },
            };
            if form == Form::KeyElided && first_prefix.is_after_bound(stored, || key_of(row)) {
                continue;
            }
            let (value, bound) = match form {
                Form::KeyElided => {
                    let prefix = match prefixes.verdict(stored, key_of(row), self) {
                        PrefixVerdict::AfterBound => continue,
                        PrefixVerdict::DependsOnKey(prefix) => Some(prefix),
                        PrefixVerdict::Unknown => None,
                    };
                    found.push(Candidate { row, prefix });
                    continue;
                }
                Form::RequestId if stored.len() == REQUEST_ID_BYTES => (request_id_rank(stored), bound_rank),
                _ => (prefix(stored, form).map(u64::from), bound_prefix),
            };
            if value.zip(bound).is_none_or(|(value, bound)| value ^ invert <= bound) {
                found.push(Candidate { row, prefix: None });
            }
        }
    }
}

/// A row whose value may be before the bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub row: usize,
    /// Index of the prefix of the value, if the key decides: see [`Prefixes::pruned_keys`].
    pub prefix: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::super::pruned_keys::PrunedKeysByPrefix;
    use super::*;
    use crate::cache::{Hint, PageBuilder};
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

    fn candidates(page: &TextPage, bound: &TextBound) -> Vec<usize> {
        let pruned = PrunedKeysByPrefix::new(0);
        let mut found = Vec::new();
        bound.candidates(page, &mut Prefixes::new(&pruned), &[], |_| true, &mut found);
        found.into_iter().map(|found| found.row).collect()
    }

    proptest! {
        #[test]
        fn a_value_before_the_bound_is_never_rejected(
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
            let page = TextPage::open(&builder.finish().unwrap()).unwrap();
            for text in values.iter().flatten().chain([&text]) {
                let rows = candidates(&page, &TextBound::new(text, descending));
                for (row, value) in values.iter().enumerate() {
                    let is_after = value.as_ref().is_none_or(|value| {
                        if descending { value < text } else { value > text }
                    });
                    prop_assert!(is_after || rows.contains(&row), "{:?} {:?}", text, value);
                }
            }
        }

        #[test]
        fn a_value_whose_key_is_elided_compares_as_the_complete_value(
            before in "[a-b]{0,6}", key in "[a-b]{0,3}", after in "[a-b]{0,3}", text in "[a-b]{0,10}",
            descending: bool,
        ) {
            let mut builder = PageBuilder::new(Hint::Text);
            builder.push_elided(before.as_bytes(), after.as_bytes());
            let page = TextPage::open(&builder.finish().unwrap()).unwrap();
            let value = page.elided(0).unwrap().unwrap();
            let bound = TextBound::new(text.as_bytes(), descending);
            let complete = format!("{before}{key}{after}");
            let expected = complete.as_bytes().cmp(text.as_bytes());
            let (order, is_decided_by_key) = bound.compare_elided(value, key.as_bytes());
            prop_assert_eq!(order, expected);
            if is_decided_by_key {
                let other = ElidedText { after: b"ab", ..value };
                prop_assert_eq!(bound.compare_elided(other, key.as_bytes()).0, expected);
            }
            let pruned = PrunedKeysByPrefix::new(9);
            let mut found = Vec::new();
            bound.candidates(&page, &mut Prefixes::new(&pruned), &[1], |_| true, &mut found);
            let is_after = if descending { expected.is_lt() } else { expected.is_gt() };
            prop_assert!(is_after || found.len() == 1);
        }
    }

    #[test]
    fn most_ids_are_rejected_by_their_prefix() {
        for (hint, ids) in [
            (Hint::Base64, ["AAAB", "AAAC", "abcd"]),
            (Hint::RequestId, ["0123456789ABCDEG", "012345678ZABCDEF", "Z123456789ABCDEF"]),
            (Hint::RequestId, ["0123456789ABCDEF", "1123456789ABCDEF", "2123456789ABCDEF"]),
            (Hint::Text, ["GET /", "HEAD /", "PUT /"]),
        ] {
            let mut builder = PageBuilder::new(hint);
            ids.iter().for_each(|id| builder.push(Some(id.as_bytes())));
            let page = TextPage::open(&builder.finish().unwrap()).unwrap();
            for (index, id) in ids.iter().enumerate() {
                let rows = candidates(&page, &TextBound::new(id.as_bytes(), false));
                assert_eq!(rows, (0..=index).collect::<Vec<_>>());
                let rows = candidates(&page, &TextBound::new(id.as_bytes(), true));
                assert_eq!(rows, (index..ids.len()).collect::<Vec<_>>());
            }
        }
    }
}
