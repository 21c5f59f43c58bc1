//! Comparing values of a page with a text, most of them without making them: to find the first thousand of ten
//! million in an order, all but a few have to be passed over.

use std::cmp::Ordering;

use super::text::{BASE36, BASE36_BYTES, BASE64_PACKED, KEY_CUT_OUT, OpenPage, PLAIN, REQUEST_ID};
use super::{Damage, take_varint};

/// The first characters of a packed id, of which that many are made first.
const FIRST: usize = 4;

impl OpenPage {
    /// How a value compares with a text, byte by byte; `None` if it is absent. `key` gives the key of the row,
    /// which is asked for only if the value needs it.
    ///
    /// # Errors
    /// If the stored form makes no sense.
    pub fn compare<'k>(
        &self,
        row: usize,
        key: impl FnOnce() -> Option<&'k [u8]>,
        text: &[u8],
    ) -> Result<Option<Ordering>, Damage> {
        let Some((mut stored, form)) = self.stored(row) else { return Ok(None) };
        let first = match form {
            PLAIN => return Ok(Some(stored.cmp(text))),
            KEY_CUT_OUT => {
                let at = take_varint(&mut stored)? as usize;
                let (before, after) = stored
                    .split_at_checked(at)
                    .ok_or(Damage("a key is cut out beyond the end of a value"))?;
                let mut rest = text;
                if let Some(order) = compare_beginning(before, &mut rest) {
                    return Ok(Some(order));
                }
                let key = key().ok_or(Damage("a key is cut out of a value, but the row has none"))?;
                let order = compare_beginning(key, &mut rest);
                return Ok(Some(order.unwrap_or_else(|| after.cmp(rest))));
            }
            REQUEST_ID => first_of_request_id(stored),
            BASE64_PACKED => first_of_base64(stored),
            _ => None,
        };
        if let (Some(first), Some(begin)) = (first, text.first_chunk::<FIRST>())
            && first != *begin
        {
            return Ok(Some(first.cmp(begin)));
        }
        Ok(self.get(row, key)?.map(|value| value.as_ref().cmp(text)))
    }
}

/// How a text that begins with `part` compares with `rest`, if that is certain; if not, what is left of `rest`
/// is to be compared with what follows.
fn compare_beginning(part: &[u8], rest: &mut &[u8]) -> Option<Ordering> {
    let (begin, behind) = rest.split_at(part.len().min(rest.len()));
    *rest = behind;
    Some(part.cmp(begin)).filter(|order| order.is_ne())
}

fn first_of_request_id(stored: &[u8]) -> Option<[u8; FIRST]> {
    if stored.len() != BASE36_BYTES {
        let [one, other]: [u8; 2] = *stored.first_chunk()?;
        return Some([one >> 4, one & 15, other >> 4, other & 15].map(|digit| BASE36[usize::from(digit)]));
    }
    let mut bytes = [0; 16];
    bytes[..BASE36_BYTES].copy_from_slice(stored);
    let mut number = u128::from_le_bytes(bytes) / u128::from(36u64.pow(12));
    let mut first = [0; FIRST];
    for digit in first.iter_mut().rev() {
        *digit = BASE36[(number as u64 % 36) as usize];
        number = u128::from(number as u64 / 36);
    }
    (number == 0).then_some(first)
}

fn first_of_base64(stored: &[u8]) -> Option<[u8; FIRST]> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let [one, two, three]: [u8; 3] = *stored.first_chunk()?;
    let number = u32::from_be_bytes([0, one, two, three]);
    Some([18, 12, 6, 0].map(|shift| DIGITS[(number >> shift & 63) as usize]))
}

#[cfg(test)]
mod tests {
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

    proptest! {
        #[test]
        fn values_compare_as_their_texts_do(
            hint in prop::sample::select(vec![Hint::Text, Hint::RequestId, Hint::Base64]),
            values in prop::collection::vec(prop::option::of(id()), 1..20),
            text in id(),
        ) {
            let mut builder = PageBuilder::new(hint);
            values.iter().for_each(|value| builder.push(value.as_deref()));
            let open = OpenPage::open(&builder.finish().unwrap()).unwrap();
            for (row, value) in values.iter().enumerate() {
                for text in values.iter().flatten().chain([&text]) {
                    let expected = value.as_ref().map(|value| value.cmp(text));
                    prop_assert_eq!(open.compare(row, || None, text).unwrap(), expected);
                }
            }
        }

        #[test]
        fn a_value_around_its_key_compares_as_the_whole(
            before in "[a-b]{0,3}", key in "[a-b]{0,3}", after in "[a-b]{0,3}", text in "[a-b]{0,10}",
        ) {
            let whole = format!("{before}{key}{after}");
            let mut builder = PageBuilder::new(Hint::Text);
            builder.push_around_key(whole.as_bytes(), before.len(), key.len());
            let open = OpenPage::open(&builder.finish().unwrap()).unwrap();
            let compared = open.compare(0, || Some(key.as_bytes()), text.as_bytes()).unwrap();
            prop_assert_eq!(compared, Some(whole.as_bytes().cmp(text.as_bytes())));
        }
    }
}
