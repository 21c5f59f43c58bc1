//! Templates of structured records: combinations of the values that consecutive records have in common. They are those of
//! the text format ([`is_in_template`]), which finds them by the bytes of the line; here they are found by the values.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::log::{Field, Record, is_in_template};

/// Limit of the templates: clients choose some of the values.
const TEMPLATES_MAX: usize = 4096;
/// Slots for templates that are found without a hash of all values.
const RECENT_SLOTS: usize = 1024;
/// Longer values are not remembered.
const BYTES_MAX: usize = 1024;

/// Number of fields of a template.
pub(super) const FIELDS: usize = {
    let (mut count, mut field) = (0, 0);
    while field < Field::LOGGED {
        count += is_in_template(crate::log::FIELDS[field].field) as usize;
        field += 1;
    }
    count
};

/// The fields of a template.
pub(super) const TEMPLATE_FIELDS: [Field; FIELDS] = {
    let mut fields = [Field::Bucket; FIELDS];
    let (mut next, mut index) = (0, 0);
    while index < Field::LOGGED {
        let field = crate::log::FIELDS[index].field;
        if is_in_template(field) {
            fields[next] = field;
            next += 1;
        }
        index += 1;
    }
    fields
};

#[derive(Debug)]
struct Template {
    /// The values, one after another.
    text: Box<[u8]>,
    lengths: [u16; FIELDS],
}

impl Template {
    /// Whether the record has these values.
    #[inline]
    fn is_of(&self, record: &Record<'_>) -> bool {
        let mut rest = &*self.text;
        TEMPLATE_FIELDS.iter().zip(&self.lengths).all(|(field, length)| {
            let value = record.logged[*field as usize];
            let (start, after) = rest.split_at(usize::from(*length));
            rest = after;
            value == start
        })
    }
}

/// A code for each value of a template: equal codes mean equal values. 0: the value is absent.
pub(super) type Codes = [u32; FIELDS];

#[derive(Debug, Default)]
pub(super) struct Templates {
    hasher: DefaultHashBuilder,
    /// Indices of templates, by the hash of their values.
    by_values: HashTable<u32>,
    templates: Vec<Template>,
    /// Numbers of templates by [`slot_of`] their values; 0 if there is none.
    recent: Vec<u32>,
    /// Numbers of templates by [`slot_of_codes`].
    by_codes: Vec<(Codes, u32)>,
}

impl Templates {
    /// Sets the number of the template of a record whose values are all set and have these codes.
    #[inline]
    pub(super) fn number_by_codes(&mut self, record: &mut Record<'_>, codes: &Codes) {
        let slot = slot_of_codes(codes);
        match self.by_codes.get(slot) {
            Some((known, number)) if known == codes && *number > 0 => record.template = *number,
            _ => {
                self.number(record);
                self.by_codes.resize(RECENT_SLOTS, Default::default());
                self.by_codes[slot] = (*codes, record.template);
            }
        }
    }

    /// Forgets all codes: the next ones are codes of other values.
    pub(super) fn forget_codes(&mut self) {
        self.by_codes.clear();
    }

    /// Sets the number of the template of a record whose values are all set.
    #[inline]
    pub(super) fn number(&mut self, record: &mut Record<'_>) {
        let slot = slot_of(record);
        let recent = self.recent.get(slot).copied().unwrap_or_default();
        let template = recent.checked_sub(1).and_then(|index| self.templates.get(index as usize));
        record.template = match template {
            Some(template) if template.is_of(record) => recent,
            _ => self.find_or_add(record, slot),
        };
    }

    #[cold]
    fn find_or_add(&mut self, record: &Record<'_>, slot: usize) -> u32 {
        let values = || TEMPLATE_FIELDS.iter().map(|field| record.logged[*field as usize]);
        let length: usize = values().map(<[u8]>::len).sum();
        if length > BYTES_MAX {
            return 0;
        }
        let hash = hash(&self.hasher, values());
        let Templates { hasher, by_values, templates, recent, .. } = self;
        let found = by_values.find(hash, |index| templates[*index as usize].is_of(record)).copied();
        let index = match found {
            Some(index) => index,
            None if templates.len() == TEMPLATES_MAX => return 0,
            None => {
                let index = templates.len() as u32;
                let lengths = TEMPLATE_FIELDS.map(|field| record.logged[field as usize].len() as u16);
                let text = values().collect::<Vec<&[u8]>>().concat().into();
                templates.push(Template { text, lengths });
                by_values.insert_unique(hash, index, |index| {
                    let Template { text, lengths } = &templates[*index as usize];
                    let mut rest = &**text;
                    let values = lengths.iter().map(|length| {
                        let (value, after) = rest.split_at(usize::from(*length));
                        rest = after;
                        value
                    });
                    self::hash(hasher, values)
                });
                index
            }
        };
        recent.resize(RECENT_SLOTS, 0);
        recent[slot] = index + 1;
        index + 1
    }
}

fn hash<'v>(hasher: &DefaultHashBuilder, values: impl Iterator<Item = &'v [u8]>) -> u64 {
    let mut hasher = hasher.build_hasher();
    for value in values {
        hasher.write_usize(value.len());
        hasher.write(value);
    }
    hasher.finish()
}

/// The slot in `recent`, by the lengths and some bytes of the values. Templates that share a slot only take longer to
/// find.
#[inline]
fn slot_of(record: &Record<'_>) -> usize {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut mixed = 0u64;
    for field in TEMPLATE_FIELDS {
        let value = record.logged[field as usize];
        let (first, last) =
            (value.first().copied().unwrap_or_default(), value.last().copied().unwrap_or_default());
        let word = value.len() as u64 | u64::from(first) << 16 | u64::from(last) << 24;
        mixed = mixed.rotate_left(7) ^ word;
    }
    (mixed.wrapping_mul(FACTOR) >> 40) as usize % RECENT_SLOTS
}

/// The slot in `by_codes`.
#[inline]
fn slot_of_codes(codes: &Codes) -> usize {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mixed =
        codes.iter().fold(0u64, |mixed, code| (mixed.rotate_left(5) ^ u64::from(*code)).wrapping_mul(FACTOR));
    (mixed >> 40) as usize % RECENT_SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_template_and_other_values_another() {
        let mut templates = Templates::default();
        let mut number = |bucket: &'static [u8], host: &'static [u8], key: &'static [u8]| {
            let mut record = Record::default();
            record.logged[Field::Bucket as usize] = bucket;
            record.logged[Field::HostHeader as usize] = host;
            record.logged[Field::Key as usize] = key;
            templates.number(&mut record);
            record.template
        };
        let first = number(b"media", b"a.example", b"k");
        assert_ne!(first, 0);
        assert_eq!(number(b"media", b"a.example", b"other"), first);
        // The same lengths and ends, so the same slot.
        let second = number(b"media", b"a.exbmple", b"k");
        assert_ne!(second, first);
        assert_eq!(number(b"media", b"a.example", b"k"), first);
        assert_eq!(number(b"mediaa", b".example", b"k"), number(b"mediaa", b".example", b""));
        assert_ne!(number(b"mediaa", b".example", b"k"), first);
    }

    #[test]
    fn codes_have_the_template_of_their_values_until_they_are_forgotten() {
        let mut templates = Templates::default();
        let mut number = |bucket: &'static [u8], code: u32| {
            if code == 0 {
                templates.forget_codes();
                return 0;
            }
            let mut record = Record::default();
            record.logged[Field::Bucket as usize] = bucket;
            templates.number_by_codes(&mut record, &[code; FIELDS]);
            record.template
        };
        let media = number(b"media", 1);
        let logs = number(b"logs", 2);
        assert_ne!(media, logs);
        assert_eq!((number(b"media", 1), number(b"logs", 2)), (media, logs));
        number(b"", 0);
        assert_eq!((number(b"logs", 1), number(b"media", 2)), (logs, media));
    }

    #[test]
    fn clients_cannot_fill_the_memory_with_templates() {
        let mut templates = Templates::default();
        let hosts: Vec<String> = (0..2 * TEMPLATES_MAX).map(|number| format!("{number}.example")).collect();
        for host in &hosts {
            let mut record = Record::default();
            record.logged[Field::HostHeader as usize] = host.as_bytes();
            templates.number(&mut record);
        }
        assert_eq!(templates.templates.len(), TEMPLATES_MAX);
        let long = vec![b'x'; BYTES_MAX + 1];
        let mut record = Record::default();
        record.logged[Field::HostHeader as usize] = &long;
        templates.number(&mut record);
        assert_eq!(record.template, 0);
    }
}
