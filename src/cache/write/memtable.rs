//! The memtable: the segment being filled at the end of a source. Its requests are not packed yet, and some
//! may be uncommitted.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::log::{self, Field, Kind};

use super::{batch::Batch, encoded_column::NEW_VALUE};
use crate::cache::column::layout::{
    DETAIL_FIELDS, DETAILS, DIMENSION_FIELDS, DIMENSIONS, KEY_SLOT, MEASURES, hint, slot,
};
use crate::cache::column::text::{self, PAGE_BYTES, PAGE_ROWS, Page, PageBuilder, TextPage};
use crate::cache::column::{Damage, integers};
use crate::cache::{column::value_set::ValueSet, dictionary::published::GrowingDictionary};

/// Rows of a full segment.
pub(crate) const SEGMENT_ROWS: usize = 131_072;
/// Bytes of stored text of a full segment. The last segment is in memory and is rewritten until it is full,
/// and SQLite stores up to 1 GB in one value. An ordinary segment has a fifth as many.
pub(crate) const SEGMENT_BYTES: usize = 64 << 20;

/// Whether a dimension is part of the template of a line.
const fn is_in_template(slot: usize) -> bool {
    log::is_in_template(DIMENSION_FIELDS[slot])
}

/// Number of template dimensions.
const TEMPLATE_DIMENSIONS: usize = {
    let (mut count, mut slot) = (0, 0);
    while slot < DIMENSIONS {
        count += is_in_template(slot) as usize;
        slot += 1;
    }
    count
};

/// One of the template dimensions, which all have one code per template.
const TEMPLATE_SLOT: usize = slot(Field::Bucket);

/// A column ready to be written.
pub(crate) struct PackedColumn<'a> {
    pub field: Field,
    pub low: i64,
    pub high: i64,
    /// Only for dimensions, and only if some ids between the bounds do not occur.
    pub value_set: Option<ValueSet>,
    /// The packed integers; for text the directory of its pages.
    pub bytes: &'a [u8],
    /// For text the pages, whose bytes follow the directory.
    pub pages: &'a [Page],
}

/// Requests in columns, with the value ids of the cache.
#[derive(Default)]
pub(crate) struct Memtable {
    pub times: Vec<i64>,
    /// One value id per row, or one per template for a field [of the template](log::is_in_template).
    pub codes: [Vec<u32>; DIMENSIONS],
    /// The template of each row. Templates may be equal, and some have no rows any more.
    templates: Vec<u32>,
    pub measures: [Vec<u64>; MEASURES],
    pub details: [Vec<Page>; DETAILS],
    /// The last opened pages of each detail, the most recently used at the end.
    open_pages: RefCell<[OpenPages; DETAILS]>,
    /// Page buffers of earlier segments, to be reused.
    page_buffers: [Vec<Vec<u8>>; DETAILS],
    packer: integers::Packer,
    /// Rewrites pages; created when first needed.
    rewriters: [Option<Box<PageRewriter>>; DETAILS],
}

/// The buffers for rewriting a page: it is decoded into `open` and built again by `builder`.
struct PageRewriter {
    open: TextPage,
    builder: PageBuilder,
}

/// Pages of one detail with their indices.
type OpenPages = Vec<(usize, Arc<TextPage>)>;

/// Open pages per detail. Repeats follow each other, often from several log files alternately. Each is compared with a
/// page far from its own, and opening two pages for every row would take a hundred times as long as parsing it.
const MAX_OPEN_PAGES: usize = 8;
/// Bytes of memory of the open pages of a detail, unless it is a single page.
const MAX_OPEN_BYTES: usize = 32 << 20;
/// Larger page buffers are freed, not reused.
const MAX_REUSED_PAGE_BYTES: usize = 1 << 20;

impl Memtable {
    /// Number of requests.
    pub(crate) fn rows(&self) -> usize {
        self.times.len()
    }

    /// Bytes of text as stored.
    pub(crate) fn bytes(&self) -> usize {
        self.details.iter().flatten().map(|page| page.bytes.len()).sum()
    }

    /// Bytes of memory of text, open pages included.
    pub(crate) fn text_memory(&self) -> usize {
        let open_pages = self.open_pages.borrow();
        self.bytes() + open_pages.iter().flatten().map(|(_, page)| page.memory()).sum::<usize>()
    }

    /// Adds all columns of a batch except its dimensions, which [`Memtable::extend_codes`] adds.
    pub(crate) fn extend(&mut self, batch: &mut Batch) {
        let first = self.codes[TEMPLATE_SLOT].len() as u32;
        self.templates.extend(batch.templates.iter().map(|template| first + template));
        self.times.extend_from_slice(&batch.times);
        for (all, more) in self.measures.iter_mut().zip(&batch.measures) {
            all.extend_from_slice(more);
        }
        for (slot, (all, more)) in self.details.iter_mut().zip(&mut batch.details).enumerate() {
            // Return one buffer for each page received.
            let buffers = &mut self.page_buffers[slot];
            batch.page_buffers[slot].extend(buffers.drain(buffers.len().saturating_sub(more.len())..));
            all.append(more);
        }
    }

    /// Adds the codes of a dimension. `ids` has the value id for each [`NEW_VALUE`] code of the batch.
    pub(crate) fn extend_codes(&mut self, slot: usize, codes: &[u32], ids: &[u32]) {
        if ids.len() > 1 {
            self.codes[slot].extend(codes.iter().map(|code| value_id(*code, ids)));
        } else {
            self.codes[slot].extend_from_slice(codes);
        }
    }

    /// The value id of a dimension of a row.
    pub(crate) fn code(&self, slot: usize, row: usize) -> u32 {
        let index = if is_in_template(slot) { self.templates[row] as usize } else { row };
        self.codes[slot][index]
    }

    /// Replaces the codes of all dimensions. `columns` have one value id per row.
    pub(crate) fn set_codes(&mut self, columns: [Vec<u32>; DIMENSIONS]) {
        let rows = columns[KEY_SLOT].len();
        let template_columns = || columns.iter().enumerate().filter(|(slot, _)| is_in_template(*slot));
        let mut numbers: HashMap<[u32; TEMPLATE_DIMENSIONS], u32> = HashMap::new();
        self.templates.clear();
        for row in 0..rows {
            let mut template = [0; TEMPLATE_DIMENSIONS];
            template.iter_mut().zip(template_columns()).for_each(|(code, (_, column))| *code = column[row]);
            let next = numbers.len() as u32;
            self.templates.push(*numbers.entry(template).or_insert(next));
        }
        let mut templates: Vec<([u32; TEMPLATE_DIMENSIONS], u32)> = numbers.into_iter().collect();
        templates.sort_unstable_by_key(|(_, number)| *number);
        let mut position = 0;
        for (slot, column) in columns.into_iter().enumerate() {
            if is_in_template(slot) {
                self.codes[slot] = templates.iter().map(|(codes, _)| codes[position]).collect();
                position += 1;
            } else {
                self.codes[slot] = column;
            }
        }
    }

    /// Removes all rows and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.times.clear();
        self.codes.iter_mut().for_each(Vec::clear);
        self.templates.clear();
        self.measures.iter_mut().for_each(Vec::clear);
        *self.open_pages.get_mut() = Default::default();
        for (pages, buffers) in self.details.iter_mut().zip(&mut self.page_buffers) {
            // Buffers that no batch needed since the last segment are surplus.
            buffers.clear();
            let bytes = pages.drain(..).map(|page| page.bytes);
            buffers
                .extend(bytes.filter(|bytes| bytes.len() > 1 && bytes.capacity() <= MAX_REUSED_PAGE_BYTES));
        }
    }

    /// Removes rows, given in ascending order.
    pub(crate) fn remove(&mut self, removed: &[usize], keys: &GrowingDictionary) -> Result<(), Damage> {
        let Some(&first) = removed.first() else { return Ok(()) };
        for slot in 0..DETAILS {
            self.remove_details(slot, removed, keys)?;
        }
        *self.open_pages.get_mut() = Default::default();
        let keep = |column_length: usize| {
            let mut next = removed.iter().peekable();
            (first..column_length).filter(move |row| next.next_if(|removed| **removed == *row).is_none())
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
        let by_row = self.codes.iter_mut().enumerate().filter(|(slot, _)| !is_in_template(*slot));
        by_row.for_each(|(_, column)| compact(column, first, keep(rows)));
        compact(&mut self.templates, first, keep(rows));
        self.measures.iter_mut().for_each(|column| compact(column, first, keep(rows)));
        Ok(())
    }

    fn remove_details(
        &mut self,
        slot: usize,
        removed: &[usize],
        keys: &GrowingDictionary,
    ) -> Result<(), Damage> {
        let PageRewriter { open, builder } = &mut **self.rewriters[slot].get_or_insert_with(|| {
            let builder = PageBuilder::new(hint(DETAIL_FIELDS[slot]));
            Box::new(PageRewriter { open: TextPage::default(), builder })
        });
        let mut removed = removed.iter().peekable();
        let mut start = 0;
        for page in &mut self.details[slot] {
            let end = start + page.rows;
            if removed.peek().is_some_and(|row| **row < end) {
                open.replace(page.rows, &page.bytes)?;
                for row in start..end {
                    if removed.next_if(|removed| **removed == row).is_none() {
                        let key = || key_of(&self.codes, keys, row);
                        copy_value(builder, open, row - start, key)?;
                    }
                }
                let memory = std::mem::take(&mut page.bytes);
                *page = builder.finish_in(&mut vec![memory]).unwrap_or(Page { rows: 0, bytes: vec![0] });
                if open.memory() > MAX_OPEN_BYTES {
                    *open = TextPage::default();
                }
            }
            start = end;
        }
        self.details[slot].retain(|page| page.rows > 0);
        Ok(())
    }

    /// The value of a detail of a row; `None` if it is absent.
    pub(crate) fn detail(
        &self,
        slot: usize,
        row: usize,
        keys: &GrowingDictionary,
    ) -> Result<Option<Vec<u8>>, Damage> {
        let mut start = 0;
        for (index, page) in self.details[slot].iter().enumerate() {
            if row < start + page.rows {
                let mut open_pages = self.open_pages.borrow_mut();
                let open_pages = &mut open_pages[slot];
                let open = match open_pages.iter().position(|(number, _)| *number == index) {
                    Some(index) => {
                        open_pages[index..].rotate_left(1);
                        open_pages[open_pages.len() - 1].1.clone()
                    }
                    None => {
                        if open_pages.len() == MAX_OPEN_PAGES {
                            open_pages.remove(0);
                        }
                        let open = Arc::new(TextPage::open(page)?);
                        let mut memory: usize = open_pages.iter().map(|(_, page)| page.memory()).sum();
                        while !open_pages.is_empty() && memory + open.memory() > MAX_OPEN_BYTES {
                            memory -= open_pages.remove(0).1.memory();
                        }
                        open_pages.push((index, open.clone()));
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

    /// The first and the last time.
    pub(crate) fn time_range(&self) -> Option<(i64, i64)> {
        Some((*self.times.iter().min()?, *self.times.iter().max()?))
    }

    /// Packs one column after another, in the order of the fields.
    pub(crate) fn pack<E: From<Damage>>(
        &mut self,
        keys: &GrowingDictionary,
        mut each: impl FnMut(PackedColumn<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.join_small_pages(keys)?;
        let used = self.used_templates();
        let packer = &mut self.packer;
        for field in Field::stored() {
            let slot = slot(field);
            let mut pages = [].as_slice();
            let (low, high) = match field.kind() {
                Kind::Time => {
                    let (low, high) = packer.pack(&self.times, time_to_code);
                    (code_to_time(low), code_to_time(high))
                }
                Kind::Dimension if is_in_template(slot) => {
                    let codes = &self.codes[slot];
                    as_bounds(packer.pack(&self.templates, |template| codes[template as usize]))
                }
                Kind::Dimension => as_bounds(packer.pack(&self.codes[slot], |code| code)),
                Kind::Measure => as_bounds(packer.pack(&self.measures[slot], |number| number)),
                Kind::Detail => {
                    pages = &self.details[slot];
                    text::put_directory(pages, &mut packer.bytes);
                    (0, 0)
                }
            };
            let value_set = match field.kind() {
                Kind::Dimension if is_in_template(slot) => {
                    let codes = used.iter().map(|template| self.codes[slot][*template as usize]);
                    ValueSet::of_ids(codes, low, high)
                }
                Kind::Dimension => ValueSet::of_ids(self.codes[slot].iter().copied(), low, high),
                _ => None,
            };
            each(PackedColumn { field, low, high, value_set, bytes: &packer.bytes, pages })?;
        }
        Ok(())
    }

    /// The templates that have rows, in ascending order.
    fn used_templates(&self) -> Vec<u32> {
        let mut is_used = vec![false; self.codes[TEMPLATE_SLOT].len()];
        self.templates.iter().for_each(|template| is_used[*template as usize] = true);
        (0..is_used.len() as u32).filter(|template| is_used[*template as usize]).collect()
    }

    /// Joins adjacent small pages: follow mode adds a few rows at a time, and a page of a single request
    /// compresses badly.
    fn join_small_pages(&mut self, keys: &GrowingDictionary) -> Result<(), Damage> {
        for (slot, field) in DETAIL_FIELDS.into_iter().enumerate() {
            let is_small = |page: &Page| -> Result<bool, Damage> {
                Ok(page.rows < PAGE_ROWS / 2 && page.text_bytes()? < PAGE_BYTES as u64 / 2)
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
                    let open = TextPage::open(&page)?;
                    for row in 0..rows {
                        let key = || key_of(&self.codes, keys, start + row);
                        copy_value(&mut builder, &open, row, key)?;
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
        *self.open_pages.get_mut() = Default::default();
        Ok(())
    }
}

/// Copies a value to another page. An elided key stays elided; otherwise each row would store its key again.
fn copy_value<'k>(
    builder: &mut PageBuilder,
    page: &TextPage,
    row: usize,
    key: impl FnOnce() -> Option<&'k [u8]>,
) -> Result<(), Damage> {
    match page.elided(row)? {
        Some(value) => builder.push_elided(value.before, value.after),
        None => builder.push(page.get(row, key)?.as_deref()),
    }
    Ok(())
}

/// The value id for the code of a batch.
fn value_id(code: u32, ids: &[u32]) -> u32 {
    if code & NEW_VALUE == 0 { code } else { ids[(code & !NEW_VALUE) as usize] }
}

fn key_of<'k>(codes: &[Vec<u32>; DIMENSIONS], keys: &'k GrowingDictionary, row: usize) -> Option<&'k [u8]> {
    keys.get(codes[KEY_SLOT].get(row).copied()?)
}

fn as_bounds((low, high): (u64, u64)) -> (i64, i64) {
    (low as i64, high as i64)
}

/// Maps times to unsigned numbers of the same order.
pub(crate) fn time_to_code(time: i64) -> u64 {
    (time as u64) ^ (1 << 63)
}

/// The inverse of [`time_to_code`].
pub(crate) fn code_to_time(code: u64) -> i64 {
    (code ^ (1 << 63)) as i64
}
