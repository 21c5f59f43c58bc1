//! The segment at the end of a source: requests that are not packed yet, and may not be committed yet.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::log::parser::templates::is_in_frame;
use crate::log::{Field, Kind};

use super::batch::{Batch, KEY, NEW};
use super::codec::text::{self, OpenPage, PAGE, PAGE_BYTES, Page, PageBuilder};
use super::codec::{Damage, integers};
use super::known::Values;
use super::layout::{DETAIL_FIELDS, DETAILS, DIMENSION_FIELDS, DIMENSIONS, MEASURES, hint, slot};
use super::presence::Presence;

/// Rows that a segment is meant to have.
pub const SEGMENT_ROWS: usize = 131_072;

/// Bytes of text, as it is stored, from which on a segment has no more rows: the last one is in memory, and is written
/// anew until it is full. SQLite holds up to 1 GB in one place. Ordinary segments have a fifth of it.
pub const SEGMENT_BYTES: usize = 64 << 20;

/// Whether a dimension stands in the frame of a line.
const fn is_framed(slot: usize) -> bool {
    is_in_frame(DIMENSION_FIELDS[slot])
}

/// How many dimensions do.
const FRAMED: usize = {
    let (mut count, mut slot) = (0, 0);
    while slot < DIMENSIONS {
        count += is_framed(slot) as usize;
        slot += 1;
    }
    count
};

/// One of them.
const A_FRAMED: usize = slot(Field::Bucket);

/// A column ready for the file.
pub struct PackedColumn<'a> {
    pub field: Field,
    pub low: i64,
    pub high: i64,
    /// Of dimensions only, and only if it says more than the bounds.
    pub presence: Option<Presence>,
    /// Its bytes, of text the directory only.
    pub bytes: &'a [u8],
    /// Of text only: the pages, whose bytes follow.
    pub pages: &'a [Page],
}

/// Requests in columns, codes being those of the cache's dictionaries.
#[derive(Default)]
pub struct OpenSegment {
    pub times: Vec<i64>,
    /// Per row; of a field [in the frame](is_in_frame) per frame.
    pub codes: [Vec<u32>; DIMENSIONS],
    /// Per row its frame. Several may be the same, and some the frame of no row any more.
    frames: Vec<u32>,
    pub measures: [Vec<u64>; MEASURES],
    pub details: [Vec<Page>; DETAILS],
    /// The pages of each detail that were read last, the latest at the end.
    opened: RefCell<[OpenPages; DETAILS]>,
    /// Memory of the pages of segments before, and what columns are packed in.
    spare: [Vec<Vec<u8>>; DETAILS],
    packer: integers::Packer,
    /// What pages are made anew with, once one was.
    renewal: [Option<Box<Renewal>>; DETAILS],
}

/// A page that is taken apart, and the one that is made of it: their memory serves many.
struct Renewal {
    open: OpenPage,
    builder: PageBuilder,
}

impl Renewal {
    fn of(slot: usize) -> Box<Renewal> {
        Box::new(Renewal { open: OpenPage::default(), builder: PageBuilder::new(hint(DETAIL_FIELDS[slot])) })
    }
}

/// Pages of one detail with their numbers.
type OpenPages = Vec<(usize, Arc<OpenPage>)>;

/// Pages kept open per detail. Repeats come in a row, often several log files side by side: each is
/// compared with a page far from its own, and to open two pages for every row would take a hundred times as
/// long as to read it.
const PAGES_OPEN: usize = 8;

/// Bytes of memory that pages kept open may take per detail, if they are more than one.
const OPEN_BYTES: usize = 32 << 20;

/// Memory of a page is kept for another up to this size.
const SPARE_PAGE_BYTES: usize = 1 << 20;

impl OpenSegment {
    /// How many requests.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Bytes of text, as they are stored.
    pub fn bytes(&self) -> usize {
        self.details.iter().flatten().map(|page| page.bytes.len()).sum()
    }

    /// Bytes of memory that its text takes, with the pages that are open.
    pub fn text_memory(&self) -> usize {
        let opened = self.opened.borrow();
        self.bytes() + opened.iter().flatten().map(|(_, page)| page.memory()).sum::<usize>()
    }

    /// Adds all of a batch but its dimensions, whose codes are added by [`OpenSegment::extend_codes`].
    pub fn extend(&mut self, batch: &mut Batch) {
        let first = self.codes[A_FRAMED].len() as u32;
        self.frames.extend(batch.frames.iter().map(|frame| first + frame));
        self.times.extend_from_slice(&batch.times);
        for (all, more) in self.measures.iter_mut().zip(&batch.measures) {
            all.extend_from_slice(more);
        }
        for (slot, (all, more)) in self.details.iter_mut().zip(&mut batch.details).enumerate() {
            // One page's memory back for each that came.
            let spare = &mut self.spare[slot];
            batch.spare[slot].extend(spare.drain(spare.len().saturating_sub(more.len())..));
            all.append(more);
        }
    }

    /// Adds the codes of a dimension; `ids` has that of the cache for each [`NEW`] value of the batch.
    pub fn extend_codes(&mut self, slot: usize, codes: &[u32], ids: &[u32]) {
        if ids.len() > 1 {
            self.codes[slot].extend(codes.iter().map(|code| final_code(*code, ids)));
        } else {
            self.codes[slot].extend_from_slice(codes);
        }
    }

    /// The code of a row.
    pub fn code(&self, slot: usize, row: usize) -> u32 {
        let index = if is_framed(slot) { self.frames[row] as usize } else { row };
        self.codes[slot][index]
    }

    /// Takes over columns of all dimensions, per row.
    pub fn set_codes(&mut self, columns: [Vec<u32>; DIMENSIONS]) {
        let rows = columns[KEY].len();
        let framed = || columns.iter().enumerate().filter(|(slot, _)| is_framed(*slot));
        let mut numbers: HashMap<[u32; FRAMED], u32> = HashMap::new();
        self.frames.clear();
        for row in 0..rows {
            let mut frame = [0; FRAMED];
            frame.iter_mut().zip(framed()).for_each(|(code, (_, column))| *code = column[row]);
            let next = numbers.len() as u32;
            self.frames.push(*numbers.entry(frame).or_insert(next));
        }
        let mut frames: Vec<([u32; FRAMED], u32)> = numbers.into_iter().collect();
        frames.sort_unstable_by_key(|(_, number)| *number);
        let mut place = 0;
        for (slot, column) in columns.into_iter().enumerate() {
            if is_framed(slot) {
                self.codes[slot] = frames.iter().map(|(codes, _)| codes[place]).collect();
                place += 1;
            } else {
                self.codes[slot] = column;
            }
        }
    }

    /// Empties it, keeping memory.
    pub fn clear(&mut self) {
        self.times.clear();
        self.codes.iter_mut().for_each(Vec::clear);
        self.frames.clear();
        self.measures.iter_mut().for_each(Vec::clear);
        *self.opened.get_mut() = Default::default();
        for (pages, spare) in self.details.iter_mut().zip(&mut self.spare) {
            // What no batch came for since the segment before is not needed.
            spare.clear();
            let bytes = pages.drain(..).map(|page| page.bytes);
            spare.extend(bytes.filter(|bytes| bytes.len() > 1 && bytes.capacity() <= SPARE_PAGE_BYTES));
        }
    }

    /// Takes rows out again. `gone` is sorted.
    pub fn remove(&mut self, gone: &[usize], keys: &Values) -> Result<(), Damage> {
        let Some(&first) = gone.first() else { return Ok(()) };
        for slot in 0..DETAILS {
            self.remove_details(slot, gone, keys)?;
        }
        *self.opened.get_mut() = Default::default();
        let keep = |column_length: usize| {
            let mut next = gone.iter().peekable();
            (first..column_length).filter(move |row| next.next_if(|gone| **gone == *row).is_none())
        };
        fn compact<T: Copy>(column: &mut Vec<T>, first: usize, keep: impl Iterator<Item = usize>) {
            let mut to = first;
            for from in keep {
                column[to] = column[from];
                to += 1;
            }
            column.truncate(to);
        }
        let rows = self.rows();
        compact(&mut self.times, first, keep(rows));
        let by_row = self.codes.iter_mut().enumerate().filter(|(slot, _)| !is_framed(*slot));
        by_row.for_each(|(_, column)| compact(column, first, keep(rows)));
        compact(&mut self.frames, first, keep(rows));
        self.measures.iter_mut().for_each(|column| compact(column, first, keep(rows)));
        Ok(())
    }

    fn remove_details(&mut self, slot: usize, gone: &[usize], keys: &Values) -> Result<(), Damage> {
        let Renewal { open, builder } = &mut **self.renewal[slot].get_or_insert_with(|| Renewal::of(slot));
        let mut gone = gone.iter().peekable();
        let mut start = 0;
        for page in &mut self.details[slot] {
            let end = start + page.rows;
            if gone.peek().is_some_and(|row| **row < end) {
                open.fill(page.rows, &page.bytes)?;
                for row in start..end {
                    if gone.next_if(|gone| **gone == row).is_none() {
                        let key = || key_of(&self.codes, keys, row);
                        push_again(builder, open, row - start, key)?;
                    }
                }
                let memory = std::mem::take(&mut page.bytes);
                *page = builder.finish_in(&mut vec![memory]).unwrap_or(Page { rows: 0, bytes: vec![0] });
                if open.memory() > OPEN_BYTES {
                    *open = OpenPage::default();
                }
            }
            start = end;
        }
        self.details[slot].retain(|page| page.rows > 0);
        Ok(())
    }

    /// A detail of a row.
    pub fn detail(&self, slot: usize, row: usize, keys: &Values) -> Result<Option<Vec<u8>>, Damage> {
        let mut start = 0;
        for (index, page) in self.details[slot].iter().enumerate() {
            if row < start + page.rows {
                let mut opened = self.opened.borrow_mut();
                let opened = &mut opened[slot];
                let open = match opened.iter().position(|(number, _)| *number == index) {
                    Some(place) => {
                        opened[place..].rotate_left(1);
                        opened[opened.len() - 1].1.clone()
                    }
                    None => {
                        if opened.len() == PAGES_OPEN {
                            opened.remove(0);
                        }
                        let open = Arc::new(OpenPage::open(page)?);
                        let mut memory: usize = opened.iter().map(|(_, page)| page.memory()).sum();
                        while !opened.is_empty() && memory + open.memory() > OPEN_BYTES {
                            memory -= opened.remove(0).1.memory();
                        }
                        opened.push((index, open.clone()));
                        open
                    }
                };
                let key = || key_of(&self.codes, keys, row);
                return Ok(open.get(row - start, key)?.map(Cow::into_owned));
            }
            start += page.rows;
        }
        Err(Damage("a column of text has fewer rows than its segment"))
    }

    /// First and last instant.
    pub fn time_range(&self) -> Option<(i64, i64)> {
        Some((*self.times.iter().min()?, *self.times.iter().max()?))
    }

    /// Packs one column after another, in the order of their numbers.
    pub fn pack<E: From<Damage>>(
        &mut self,
        keys: &Values,
        mut each: impl FnMut(PackedColumn<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.join_small_pages(keys)?;
        let used = self.used_frames();
        let packer = &mut self.packer;
        for field in Field::all() {
            let slot = slot(field);
            let mut pages = [].as_slice();
            let (low, high) = match field.kind() {
                Kind::Time => {
                    let (low, high) = packer.pack(&self.times, time_to_code);
                    (code_to_time(low), code_to_time(high))
                }
                Kind::Dimension if is_framed(slot) => {
                    let codes = &self.codes[slot];
                    as_bounds(packer.pack(&self.frames, |frame| codes[frame as usize]))
                }
                Kind::Dimension => as_bounds(packer.pack(&self.codes[slot], |code| code)),
                Kind::Measure => as_bounds(packer.pack(&self.measures[slot], |number| number)),
                Kind::Detail => {
                    pages = &self.details[slot];
                    text::put_directory(pages, &mut packer.bytes);
                    (0, 0)
                }
            };
            let presence = match field.kind() {
                Kind::Dimension if is_framed(slot) => {
                    let codes = used.iter().map(|frame| self.codes[slot][*frame as usize]);
                    Presence::of_ids(codes, low, high)
                }
                Kind::Dimension => Presence::of_ids(self.codes[slot].iter().copied(), low, high),
                _ => None,
            };
            each(PackedColumn { field, low, high, presence, bytes: &packer.bytes, pages })?;
        }
        Ok(())
    }

    /// The frames that rows have.
    fn used_frames(&self) -> Vec<u32> {
        let mut is_used = vec![false; self.codes[A_FRAMED].len()];
        self.frames.iter().for_each(|frame| is_used[*frame as usize] = true);
        (0..is_used.len() as u32).filter(|frame| is_used[*frame as usize]).collect()
    }

    /// Follow mode brings a few rows at a time: their pages are joined, or a page would be one request.
    fn join_small_pages(&mut self, keys: &Values) -> Result<(), Damage> {
        for (slot, field) in DETAIL_FIELDS.into_iter().enumerate() {
            let is_small = |page: &Page| -> Result<bool, Damage> {
                Ok(page.rows < PAGE / 2 && page.text_bytes()? < PAGE_BYTES as u64 / 2)
            };
            let are_small = self.details[slot].iter().map(is_small).collect::<Result<Vec<bool>, Damage>>()?;
            if !are_small.windows(2).any(|pair| pair[0] && pair[1]) {
                continue;
            }
            let mut builder = PageBuilder::new(hint(field));
            let mut joined = Vec::new();
            let mut start = 0;
            for (page, is_small) in std::mem::take(&mut self.details[slot]).into_iter().zip(are_small) {
                let rows = page.rows;
                if is_small {
                    let open = OpenPage::open(&page)?;
                    for row in 0..rows {
                        let key = || key_of(&self.codes, keys, start + row);
                        push_again(&mut builder, &open, row, key)?;
                        if builder.is_full() {
                            joined.extend(builder.finish());
                        }
                    }
                } else {
                    joined.extend(builder.finish());
                    joined.push(page);
                }
                start += rows;
            }
            joined.extend(builder.finish());
            self.details[slot] = joined;
        }
        *self.opened.get_mut() = Default::default();
        Ok(())
    }
}

/// Adds a value of a page to another page. A key that is cut out of it stays cut out: put back, it would be stored
/// once more for each row.
fn push_again<'k>(
    builder: &mut PageBuilder,
    page: &OpenPage,
    row: usize,
    key: impl FnOnce() -> Option<&'k [u8]>,
) -> Result<(), Damage> {
    match page.around_key(row)? {
        Some(around) => builder.push_without_key(around.before, around.after),
        None => builder.push(page.get(row, key)?.as_deref()),
    }
    Ok(())
}

/// The code that the cache has for one of a batch.
fn final_code(code: u32, ids: &[u32]) -> u32 {
    if code & NEW == 0 { code } else { ids[(code & !NEW) as usize] }
}

fn key_of<'k>(codes: &[Vec<u32>; DIMENSIONS], keys: &'k Values, row: usize) -> Option<&'k [u8]> {
    keys.get(codes[KEY].get(row).copied()?)
}

fn as_bounds((low, high): (u64, u64)) -> (i64, i64) {
    (low as i64, high as i64)
}

/// Instants as unsigned numbers in the same order.
pub fn time_to_code(time: i64) -> u64 {
    (time as u64) ^ (1 << 63)
}

/// The instant again.
pub fn code_to_time(code: u64) -> i64 {
    (code ^ (1 << 63)) as i64
}
