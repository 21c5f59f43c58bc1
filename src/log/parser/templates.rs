//! Line templates: what consecutive lines have in common.
//!
//! In millions of lines, the head (bucket owner and bucket) and the tail (the fields from the signature version on) are
//! a few texts in a few combinations. A combination is parsed once. In later lines it is enough to compare bytes, and
//! code that uses the records can handle ten fields at once by the number of the template.

use std::sync::atomic::{AtomicU64, Ordering};
use std::{hash::BuildHasher, num::NonZeroU64};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::super::time::MinuteCache;
use super::super::{Field, Record};

/// Limit of the templates. Clients choose some of the fields (the host header), which must not fill the memory. Frequent
/// templates are among the first.
const TEMPLATES_MAX: usize = 4096;
/// Limit of the heads. A log file has one, and few log files are read at a time.
const HEADS_MAX: usize = 64;
/// Slots for templates that are found without a hash of the whole tail.
const RECENT_SLOTS: usize = 1024;
/// Longer heads and tails are not remembered.
const BYTES_MAX: usize = 1024;

const FIRST_OF_TAIL: usize = Field::SignatureVersion as usize;
const TAIL_FIELDS: usize = Field::LOGGED - FIRST_OF_TAIL;

/// Whether a field is part of the line template.
pub const fn is_in_template(field: Field) -> bool {
    matches!(field, Field::BucketOwner | Field::Bucket)
        || field as usize >= FIRST_OF_TAIL && (field as usize) < Field::LOGGED
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u16,
    length: u16,
}

impl Span {
    /// The span of a part that borrows the text.
    fn of(part: &[u8], text: &[u8]) -> Span {
        let start = if part.is_empty() { 0 } else { part.as_ptr().addr() - text.as_ptr().addr() };
        Span { start: start as u16, length: part.len() as u16 }
    }

    #[inline]
    fn of_text(self, text: &[u8]) -> Option<&[u8]> {
        text.get(usize::from(self.start)..)?.get(..usize::from(self.length))
    }
}

#[derive(Debug)]
struct Head {
    /// Owner and bucket, with the spaces after them.
    text: Box<[u8]>,
    fields: [Span; 2],
}

#[derive(Debug)]
struct LineTemplate {
    head: u32,
    /// All bytes after the host id and its space.
    tail: Box<[u8]>,
    fields: [Span; TAIL_FIELDS],
    extra: Span,
}

#[derive(Debug, Default)]
pub(super) struct Templates {
    hasher: DefaultHashBuilder,
    /// Indices of templates, by the hash of the tail.
    by_tail: HashTable<u32>,
    templates: Vec<LineTemplate>,
    /// Numbers of templates by [`slot_of`] their tail; 0 if there is none.
    recent: Vec<u32>,
    heads: Vec<Head>,
    /// Index of the head of the current line, if it is remembered.
    current_head: Option<u32>,
    is_for_one_line: bool,
    /// The minute is not part of a template, but it is nearly always that of the previous line, too.
    pub(super) minutes: MinuteCache,
}

impl Templates {
    /// Templates for the parser of a single line: they remember nothing.
    pub(super) fn for_one_line() -> Templates {
        Templates { is_for_one_line: true, ..Templates::default() }
    }

    /// Sets owner and bucket if the line begins with a known head. Returns the length of the head.
    #[inline]
    pub(super) fn read_head<'a>(&mut self, line: &'a [u8], record: &mut Record<'a>) -> Option<usize> {
        let is_it = |head: &Head| line.starts_with(&head.text);
        let index = match self.current_head {
            Some(last) if is_it(&self.heads[last as usize]) => last as usize,
            _ => self.heads.iter().position(is_it)?,
        };
        self.current_head = Some(index as u32);
        let Head { text, fields } = &self.heads[index];
        record.logged[Field::BucketOwner as usize] = fields[0].of_text(line)?;
        record.logged[Field::Bucket as usize] = fields[1].of_text(line)?;
        Some(text.len())
    }

    /// Adds the head of a line: the first `length` bytes, with the owner and bucket of the record.
    pub(super) fn add_head(&mut self, line: &[u8], length: usize, record: &Record<'_>) {
        self.current_head = None;
        let text = &line[..length];
        // Without the space, a line that ends here would be the head of lines with a longer name of the bucket.
        let is_whole = text.ends_with(b" ");
        if self.is_for_one_line || !is_whole || length > BYTES_MAX || self.heads.len() == HEADS_MAX {
            return;
        }
        let fields = [Field::BucketOwner, Field::Bucket];
        let fields = fields.map(|field| Span::of(record.logged[field as usize], line));
        self.current_head = Some(self.heads.len() as u32);
        self.heads.push(Head { text: text.into(), fields });
    }

    /// Sets the fields of the tail and `extra` if the line, whose head was read or added, has a known template.
    #[inline]
    pub(super) fn read_tail<'a>(&mut self, tail: &'a [u8], record: &mut Record<'a>) -> Option<()> {
        record.template = 0;
        let head = self.current_head?;
        let is_it = |index: u32| {
            let template = self.templates.get(index as usize);
            template.is_some_and(|template| template.head == head && *template.tail == *tail)
        };
        let slot = slot_of(tail);
        let recent = self.recent.get(slot)?.wrapping_sub(1);
        let index = if is_it(recent) {
            recent
        } else {
            let index = *self.by_tail.find(self.hasher.hash_one(tail), |index| is_it(*index))?;
            self.recent[slot] = index + 1;
            index
        };
        let LineTemplate { fields, extra, .. } = &self.templates[index as usize];
        for (field, span) in record.logged[FIRST_OF_TAIL..].iter_mut().zip(fields) {
            *field = span.of_text(tail)?;
        }
        record.extra = extra.of_text(tail)?;
        record.template = index + 1;
        Some(())
    }

    /// Adds the template of a line whose fields have all been read, and sets its number in the record.
    pub(super) fn add(&mut self, tail: &[u8], record: &mut Record<'_>) {
        let Some(head) = self.current_head else { return };
        if self.templates.len() == TEMPLATES_MAX || tail.len() > BYTES_MAX {
            return;
        }
        let fields = std::array::from_fn(|index| Span::of(record.logged[FIRST_OF_TAIL + index], tail));
        let extra = Span::of(record.extra, tail);
        let index = self.templates.len() as u32;
        self.templates.push(LineTemplate { head, tail: tail.into(), fields, extra });
        let Templates { hasher, by_tail, templates, .. } = self;
        let hash = |tail: &[u8]| hasher.hash_one(tail);
        by_tail.insert_unique(hash(tail), index, |index| hash(&templates[*index as usize].tail));
        record.template = index + 1;
        self.recent.resize(RECENT_SLOTS, 0);
    }
}

/// The slot in `recent` of a tail, by its length and four of its words: much cheaper than a hash of all its bytes.
/// Tails that share a slot only take longer to find.
#[inline]
fn slot_of(tail: &[u8]) -> usize {
    const FACTORS: [u64; 3] = [0xD6E8_FEB8_6659_FD93, 0xBF58_476D_1CE4_E5B9, 0x9E37_79B9_7F4A_7C15];
    let word = |at: usize| {
        tail.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word))
    };
    let length = tail.len();
    let outer = word(0).wrapping_mul(FACTORS[0]) ^ word(length.saturating_sub(8));
    let inner = word(length / 3).wrapping_mul(FACTORS[1]) ^ word(length / 2);
    let mixed = outer ^ inner ^ inner >> 32 ^ length as u64;
    ((mixed ^ mixed >> 29).wrapping_mul(FACTORS[2]) >> 32) as usize % RECENT_SLOTS
}

/// Identifies the parser whose templates the records of a [`RecordGroup`] have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::log) struct ParserId(NonZeroU64);

impl Default for ParserId {
    /// An id that no other parser of the process has.
    fn default() -> ParserId {
        static LAST: AtomicU64 = AtomicU64::new(0);
        ParserId(NonZeroU64::MIN.saturating_add(LAST.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Records, and the parser that read them if they have templates.
#[derive(Clone, Copy, Debug)]
pub struct RecordGroup<'r, 'l> {
    pub(in crate::log) records: &'r [Record<'l>],
    pub(in crate::log) parser: Option<ParserId>,
}

impl<'r, 'l> RecordGroup<'r, 'l> {
    /// The records, in the order of their lines.
    pub fn records(&self) -> &'r [Record<'l>] {
        self.records
    }

    /// Groups of at most `length` of the records.
    pub fn chunks(self, length: usize) -> impl Iterator<Item = RecordGroup<'r, 'l>> {
        self.records.chunks(length).map(move |records| RecordGroup { records, parser: self.parser })
    }
}

/// Records without templates, in any order.
impl<'r, 'l, const N: usize> From<&'r [Record<'l>; N]> for RecordGroup<'r, 'l> {
    fn from(records: &'r [Record<'l>; N]) -> RecordGroup<'r, 'l> {
        RecordGroup { records, parser: None }
    }
}

/// Maps the template of a record to a number. All records with the same template have equal values in the
/// [fields of the template](is_in_template).
///
/// The map has the templates of one parser: templates of another parser replace them.
#[derive(Debug, Default)]
pub struct TemplateMap {
    parser: Option<ParserId>,
    /// Indexed by the number of the template minus 1; 0 if there is none.
    numbers: Vec<u32>,
}

impl TemplateMap {
    /// The number of the template of a record of a group, by the index of the record.
    #[inline]
    pub fn get(&self, group: &RecordGroup<'_, '_>, record: usize) -> Option<u32> {
        let template = group.records[record].template.checked_sub(1)?;
        let number = *self.numbers.get(template as usize)?;
        (number != 0 && group.parser.is_some() && group.parser == self.parser).then(|| number - 1)
    }

    /// Sets the number of the template of a record of a group. Does nothing if the record has no template.
    pub fn insert(&mut self, group: &RecordGroup<'_, '_>, record: usize, number: u32) {
        let template = group.records[record].template as usize;
        if template == 0 || group.parser.is_none() {
            return;
        }
        if group.parser != self.parser {
            self.clear();
            self.parser = group.parser;
        }
        if self.numbers.len() < template {
            self.numbers.resize(template, 0);
        }
        self.numbers[template - 1] = number + 1;
    }

    /// Removes all templates.
    pub fn clear(&mut self) {
        self.numbers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Parser, Sink};
    use super::*;
    use crate::log::Rejection;

    /// Maps the templates of all records to the index of their first record; checks each mapping.
    struct Mapper<'m> {
        map: &'m mut TemplateMap,
        buckets: Vec<Vec<u8>>,
    }

    impl Sink for Mapper<'_> {
        fn records(&mut self, group: &RecordGroup<'_, '_>) {
            for (index, record) in group.records().iter().enumerate() {
                let bucket = record.logged(Field::Bucket).unwrap().to_vec();
                match self.map.get(group, index) {
                    Some(number) => assert_eq!(self.buckets[number as usize], bucket),
                    None => self.map.insert(group, index, self.buckets.len() as u32),
                }
                self.buckets.push(bucket);
            }
        }

        fn rejected(&mut self, _: u64, text: &[u8], _: Rejection) {
            panic!("{}", String::from_utf8_lossy(text));
        }

        fn record_count(&mut self, _: u64, _: usize) {}
    }

    #[test]
    fn templates_of_another_parser_are_not_confused_with_those_of_the_first() {
        let line = |bucket: &str| {
            format!(
                "owner {bucket} [06/Feb/2019:00:00:38 +0000] - - - REST.GET.OBJECT a - - - - - - - - - - - SigV4\n"
            )
        };
        let mut map = TemplateMap::default();
        let mut parsers = [Parser::new(), Parser::new()];
        for (parser, bucket) in [(0, "a"), (1, "b"), (0, "a"), (0, "c"), (1, "d")] {
            let mut mapper = Mapper { map: &mut map, buckets: Vec::new() };
            parsers[parser].parse_block(line(bucket).repeat(40).as_bytes(), &mut mapper);
            assert_eq!(mapper.buckets.len(), 40);
        }
    }
}
