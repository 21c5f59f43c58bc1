//! What stands around the requests of a log: how their lines begin (bucket owner and bucket) and how they end
//! (from the signature version on). In millions of lines these are the same few words in the same few
//! combinations, so a combination is read once; after that it is enough to see that a line has the same bytes.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::super::Field;
use super::super::glance::glance;
use super::super::record::Record;
use super::super::time::MinuteCache;

/// Frames remembered at most. Some of their words are chosen by strangers (the host header): those must not
/// fill the memory. The frequent ones are among the first.
const MOST: usize = 4096;
/// Beginnings remembered at most: a log file has one, and few files are read at a time.
const MOST_BEGINNINGS: usize = 64;
/// Endings told by a glance: more than are common.
const RECENT: usize = 1024;
/// A longer beginning or ending is not remembered.
const LONGEST: usize = 1024;

/// Index of the first field of the ending.
const FIRST: usize = Field::SignatureVersion as usize;
/// How many fields the ending has.
pub(super) const ENDING: usize = Field::LOGGED - FIRST;

/// Whether a field stands in the frame of a line.
pub const fn is_in_frame(field: Field) -> bool {
    matches!(field, Field::BucketOwner | Field::Bucket)
        || field as usize >= FIRST && (field as usize) < Field::LOGGED
}

/// Where a part of a text stands in it.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    start: u16,
    length: u16,
}

impl Place {
    /// Of a part that borrows the text.
    fn of(part: &[u8], text: &[u8]) -> Place {
        let start = if part.is_empty() { 0 } else { part.as_ptr().addr() - text.as_ptr().addr() };
        Place { start: start as u16, length: part.len() as u16 }
    }

    #[inline]
    fn within(self, text: &[u8]) -> Option<&[u8]> {
        text.get(usize::from(self.start)..)?.get(..usize::from(self.length))
    }
}

#[derive(Debug)]
struct Beginning {
    /// Owner and bucket, with the spaces behind them.
    text: Box<[u8]>,
    fields: [Place; 2],
}

#[derive(Debug)]
struct Frame {
    beginning: u32,
    /// All behind the host id and its space.
    ending: Box<[u8]>,
    fields: [Place; ENDING],
    extra: Place,
}

/// The frames of lines read before. The numbers it gives mean something only together with it.
#[derive(Debug, Default)]
pub struct Frames {
    hasher: DefaultHashBuilder,
    /// Indices of frames.
    table: HashTable<u32>,
    frames: Vec<Frame>,
    /// For glances of endings the number of a frame, which is looked at before a hash is made; 0 if there is none.
    recent: Vec<u32>,
    beginnings: Vec<Beginning>,
    /// Index of the beginning of the line that is being read, unless it is not remembered.
    current: Option<u32>,
    remembers_nothing: bool,
    /// Not of a frame, but it too is nearly always as in the line before.
    pub(super) minute: MinuteCache,
}

impl Frames {
    /// For who reads a single line.
    pub(super) fn of_one_line() -> Frames {
        Frames { remembers_nothing: true, ..Frames::default() }
    }

    /// Fills in owner and bucket, if the line begins as one before; tells how many bytes they take.
    #[inline]
    pub(super) fn begin<'a>(&mut self, line: &'a [u8], record: &mut Record<'a>) -> Option<usize> {
        let is_it = |beginning: &Beginning| line.starts_with(&beginning.text);
        let index = match self.current {
            Some(last) if is_it(&self.beginnings[last as usize]) => last as usize,
            _ => self.beginnings.iter().position(is_it)?,
        };
        self.current = Some(index as u32);
        let Beginning { text, fields } = &self.beginnings[index];
        record.logged[Field::BucketOwner as usize] = fields[0].within(line)?;
        record.logged[Field::Bucket as usize] = fields[1].within(line)?;
        Some(text.len())
    }

    /// Remembers how a line begins: with these two fields, `length` bytes with the spaces behind them.
    pub(super) fn add_beginning(&mut self, line: &[u8], length: usize, record: &Record<'_>) {
        self.current = None;
        let text = &line[..length];
        // A line that ends here is the beginning of lines whose bucket is another.
        let is_whole = text.ends_with(b" ");
        if self.remembers_nothing || !is_whole || length > LONGEST || self.beginnings.len() == MOST_BEGINNINGS
        {
            return;
        }
        let fields = [Field::BucketOwner, Field::Bucket];
        let fields = fields.map(|field| Place::of(record.logged[field as usize], line));
        self.current = Some(self.beginnings.len() as u32);
        self.beginnings.push(Beginning { text: text.into(), fields });
    }

    /// Fills in the fields of the ending and what stands behind them, if the line that [`Frames::begin`] or
    /// [`Frames::add_beginning`] was told of ends as one of the same beginning did.
    #[inline]
    pub(super) fn end<'a>(&mut self, ending: &'a [u8], record: &mut Record<'a>) -> Option<()> {
        record.frame = 0;
        let beginning = self.current?;
        let is_it = |index: u32| {
            let frame = self.frames.get(index as usize);
            frame.is_some_and(|frame| frame.beginning == beginning && *frame.ending == *ending)
        };
        let place = glance(ending) as usize % RECENT;
        let recent = self.recent.get(place)?.wrapping_sub(1);
        let index = if is_it(recent) {
            recent
        } else {
            let index = *self.table.find(self.hash(ending), |index| is_it(*index))?;
            self.recent[place] = index + 1;
            index
        };
        let Frame { fields, extra, .. } = &self.frames[index as usize];
        for (field, place) in record.logged[FIRST..].iter_mut().zip(fields) {
            *field = place.within(ending)?;
        }
        record.extra = extra.within(ending)?;
        record.frame = index + 1;
        Some(())
    }

    /// Remembers the frame of a record that was read whole, and gives it its number.
    pub(super) fn add(&mut self, ending: &[u8], record: &mut Record<'_>) {
        let Some(beginning) = self.current else { return };
        if self.frames.len() == MOST || ending.len() > LONGEST {
            return;
        }
        let mut fields = [Place::default(); ENDING];
        for (place, field) in fields.iter_mut().zip(&record.logged[FIRST..]) {
            *place = Place::of(field, ending);
        }
        let hash = self.hash(ending);
        let Frames { hasher, table, frames, .. } = self;
        let index = frames.len() as u32;
        table.insert_unique(hash, index, |index| hasher.hash_one(&*frames[*index as usize].ending));
        frames.push(Frame {
            beginning,
            ending: ending.into(),
            fields,
            extra: Place::of(record.extra, ending),
        });
        record.frame = index + 1;
        self.recent.resize(RECENT, 0);
    }

    #[inline]
    fn hash(&self, ending: &[u8]) -> u64 {
        self.hasher.hash_one(ending)
    }
}
