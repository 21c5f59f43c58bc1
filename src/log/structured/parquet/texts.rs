//! Reads a column of byte arrays. A text stays where it is in its page, whereas the reader of the library makes a counted
//! reference to the page for each text. Texts of a dictionary have a code, so equal texts need not be compared.
//!
//! This reader knows the encodings that writers use for texts by default. `is_known` says whether a column has others.

use ::parquet::basic::Encoding;
use ::parquet::column::page::{Page, PageReader};
use ::parquet::file::metadata::ColumnChunkMetaData;
use tokio_util::bytes::{Buf, Bytes};

use super::hybrid::{Hybrid, MAX_WIDTH};
use super::row_group::NULL;
use super::{ParquetError, damaged};

/// Whether all pages of a column have encodings that [`TextReader`] reads.
pub(super) fn is_known(chunk: &ColumnChunkMetaData) -> bool {
    #[expect(deprecated, reason = "writers name the encoding of levels that take no bits")]
    let is_known = |encoding: Encoding| {
        matches!(
            encoding,
            Encoding::PLAIN
                | Encoding::RLE
                | Encoding::BIT_PACKED
                | Encoding::PLAIN_DICTIONARY
                | Encoding::RLE_DICTIONARY
        )
    };
    chunk.encodings().all(is_known)
}

/// Where a text is.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// The index of its page in [`TextReader::pages`].
    page: u32,
    start: u32,
    length: u32,
}

/// Reads a column, some rows at a time.
pub(super) struct TextReader {
    source: Box<dyn PageReader>,
    is_optional: bool,
    /// The dictionary, and the pages that the current texts are in. The last one is being read.
    pages: Vec<Bytes>,
    dictionary: Vec<Span>,
    /// Rows of the last page that are left.
    rows_left: usize,
    levels: Levels,
    values: Encoded,
    /// The texts that were read last, without nulls.
    texts: Vec<Span>,
}

/// Which rows of a page have a text.
enum Levels {
    All,
    Hybrid(Hybrid),
    /// One bit per row, highest first: the deprecated encoding. The index of the next bit.
    Packed(Bytes, usize),
}

/// The texts of a page that are left.
enum Encoded {
    Plain {
        /// The position of the next text in the last page.
        at: usize,
    },
    Dictionary(Hybrid),
}

impl TextReader {
    /// A reader of a column that is flat, optional or not.
    pub(super) fn new(source: Box<dyn PageReader>, is_optional: bool) -> TextReader {
        TextReader {
            source,
            is_optional,
            pages: vec![Bytes::new()],
            dictionary: Vec::new(),
            rows_left: 0,
            levels: Levels::All,
            values: Encoded::Plain { at: 0 },
            texts: Vec::new(),
        }
    }

    /// Reads the texts of `rows` rows. Sets `index` to the index of the text of each row, or [`NULL`].
    pub(super) fn read(&mut self, rows: usize, index: &mut Vec<u32>) -> Result<(), ParquetError> {
        self.texts.clear();
        // Of the pages of the rows before, the dictionary and the last page are still needed.
        if self.pages.len() > 2 {
            self.pages.drain(1..self.pages.len() - 1);
        }
        while index.len() < rows {
            if self.rows_left == 0 {
                self.next_page()?;
            }
            let count = self.rows_left.min(rows - index.len());
            let first = self.texts.len() as u32;
            let present = self.read_levels(count, first, index).ok_or_else(too_short)?;
            self.read_values(present).ok_or_else(too_short)?;
            self.rows_left -= count;
        }
        Ok(())
    }

    /// Adds `count` rows to `index`. Texts are numbered from `first` on. Returns the number of texts.
    fn read_levels(&mut self, count: usize, first: u32, index: &mut Vec<u32>) -> Option<usize> {
        let mut next = first;
        let mut add = |level: u32| {
            index.push(if level == 0 { NULL } else { next });
            next += u32::from(level != 0);
        };
        match &mut self.levels {
            Levels::All => (0..count).for_each(|_| add(1)),
            Levels::Hybrid(levels) => levels.decode(count, add)?,
            Levels::Packed(bits, at) => {
                for bit in *at..*at + count {
                    add(u32::from(bits.get(bit / 8)? >> (7 - bit % 8) & 1));
                }
                *at += count;
            }
        }
        Some((next - first) as usize)
    }

    fn read_values(&mut self, count: usize) -> Option<()> {
        let TextReader { pages, dictionary, texts, values, .. } = self;
        match values {
            Encoded::Plain { at } => {
                let (page, bytes) = (pages.len() as u32 - 1, pages.last()?);
                for _ in 0..count {
                    let span = plain(bytes, page, at)?;
                    texts.push(span);
                }
            }
            Encoded::Dictionary(indices) => {
                let mut is_valid = true;
                indices.decode(count, |index| match dictionary.get(index as usize) {
                    Some(span) => texts.push(*span),
                    None => is_valid = false,
                })?;
                is_valid.then_some(())?;
            }
        }
        Some(())
    }

    /// Opens the next page of data.
    fn next_page(&mut self) -> Result<(), ParquetError> {
        loop {
            let page = self.source.get_next_page()?.ok_or_else(too_short)?;
            let rows = page.num_values() as usize;
            match page {
                Page::DictionaryPage { buf, num_values, .. } => {
                    self.dictionary.clear();
                    let mut at = 0;
                    for _ in 0..num_values {
                        self.dictionary.push(plain(&buf, 0, &mut at).ok_or_else(too_short)?);
                    }
                    self.pages[0] = buf;
                    continue;
                }
                Page::DataPage { mut buf, encoding, def_level_encoding, .. } => {
                    self.levels = Levels::All;
                    if self.is_optional {
                        self.levels =
                            first_levels(&mut buf, def_level_encoding, rows).ok_or_else(too_short)?;
                    }
                    self.begin_values(buf, encoding)?;
                }
                Page::DataPageV2 { mut buf, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                    let (repetition, definition) =
                        (rep_levels_byte_len as usize, def_levels_byte_len as usize);
                    if repetition.saturating_add(definition) > buf.len() {
                        return Err(too_short());
                    }
                    buf.advance(repetition);
                    let levels = buf.split_to(definition);
                    let is_optional = self.is_optional;
                    self.levels =
                        if is_optional { Levels::Hybrid(Hybrid::new(levels, 1)) } else { Levels::All };
                    self.begin_values(buf, encoding)?;
                }
            }
            if rows > 0 {
                self.rows_left = rows;
                return Ok(());
            }
        }
    }

    /// Begins to read the texts of a page, which are all of its bytes after the levels.
    fn begin_values(&mut self, bytes: Bytes, encoding: Encoding) -> Result<(), ParquetError> {
        self.values = match encoding {
            Encoding::PLAIN => Encoded::Plain { at: 0 },
            Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY => {
                // A page without texts may lack the width.
                let width = bytes.first().copied().map_or(0, u32::from);
                if width > MAX_WIDTH {
                    return Err(damaged("the indices of a dictionary have more than 32 bits"));
                }
                Encoded::Dictionary(Hybrid::new(bytes.slice(bytes.len().min(1)..), width))
            }
            other => {
                return Err(damaged(format!(
                    "a page has the encoding {other}, which its column does not name"
                )));
            }
        };
        self.pages.push(bytes);
        Ok(())
    }

    /// A text of the rows that were read last.
    #[inline]
    pub(super) fn get(&self, index: usize) -> &[u8] {
        let Some(Span { page, start, length }) = self.texts.get(index).copied() else { return &[] };
        let bytes = self.pages.get(page as usize).map_or([].as_slice(), |page| page);
        bytes.get(start as usize..).and_then(|rest| rest.get(..length as usize)).unwrap_or_default()
    }

    /// A code of a text of the rows that were read last, not 0: the texts of a column that have the same code are equal.
    /// `None` if the text is not in the dictionary.
    #[inline]
    pub(super) fn code(&self, index: usize) -> Option<u32> {
        let Span { page, start, .. } = *self.texts.get(index)?;
        (page == 0).then_some(start)
    }

    /// The number of texts that were read last.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The bytes of the texts that were read last.
    pub(super) fn bytes(&self) -> usize {
        self.texts.iter().map(|span| span.length as usize).sum()
    }
}

/// Splits the definition levels off the start of a page of version 1.
fn first_levels(bytes: &mut Bytes, encoding: Encoding, rows: usize) -> Option<Levels> {
    if encoding == Encoding::RLE {
        let length = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        bytes.advance(4);
        return (length <= bytes.len()).then(|| Levels::Hybrid(Hybrid::new(bytes.split_to(length), 1)));
    }
    let length = rows.div_ceil(8);
    (length <= bytes.len()).then(|| Levels::Packed(bytes.split_to(length), 0))
}

/// The text at a position: its length in four bytes, and its bytes. Moves the position behind it.
#[inline]
fn plain(bytes: &[u8], page: u32, at: &mut usize) -> Option<Span> {
    let length = u32::from_le_bytes(*bytes.get(*at..)?.first_chunk()?);
    let start = *at + 4;
    let end = start.checked_add(length as usize).filter(|end| *end <= bytes.len())?;
    *at = end;
    Some(Span { page, start: u32::try_from(start).ok()?, length })
}

fn too_short() -> ParquetError {
    damaged("a page has fewer values than it says, or others than its dictionary")
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use ::parquet::column::page::PageMetadata;
    use ::parquet::errors::Result as ReadResult;

    use super::*;

    struct Pages(VecDeque<Page>);

    impl Iterator for Pages {
        type Item = ReadResult<Page>;

        fn next(&mut self) -> Option<Self::Item> {
            self.0.pop_front().map(Ok)
        }
    }

    impl PageReader for Pages {
        fn get_next_page(&mut self) -> ReadResult<Option<Page>> {
            Ok(self.0.pop_front())
        }

        fn peek_next_page(&mut self) -> ReadResult<Option<PageMetadata>> {
            Ok(None)
        }

        fn skip_next_page(&mut self) -> ReadResult<()> {
            Ok(())
        }
    }

    fn texts(texts: &[&str]) -> Vec<u8> {
        texts.iter().flat_map(|text| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()).collect()
    }

    fn page(bytes: Vec<u8>, num_values: u32, encoding: Encoding, def_level_encoding: Encoding) -> Page {
        let (buf, rep_level_encoding, statistics) = (bytes.into(), Encoding::RLE, None);
        Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, statistics }
    }

    /// The texts of all rows, read `step` rows at a time.
    fn read(
        pages: Vec<Page>,
        is_optional: bool,
        rows: usize,
        step: usize,
    ) -> Result<Vec<String>, ParquetError> {
        let mut reader = TextReader::new(Box::new(Pages(pages.into())), is_optional);
        let mut all = Vec::new();
        while all.len() < rows {
            let mut index = Vec::new();
            reader.read(step.min(rows - all.len()), &mut index)?;
            let text = |index: u32| match index {
                NULL => "-".to_owned(),
                index => String::from_utf8(reader.get(index as usize).to_vec()).unwrap(),
            };
            all.extend(index.into_iter().map(text));
        }
        Ok(all)
    }

    fn pages() -> Vec<Page> {
        #[expect(deprecated, reason = "files of older writers have it")]
        let packed = Encoding::BIT_PACKED;
        let dictionary = Page::DictionaryPage {
            buf: texts(&["media", "logs"]).into(),
            num_values: 2,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        vec![
            dictionary,
            // Levels: a run of three. Indices of one bit: a pack.
            page(vec![2, 0, 0, 0, 6, 1, 1, 3, 0b010], 3, Encoding::RLE_DICTIONARY, Encoding::RLE),
            // The second and the tenth of ten rows are present.
            page([vec![0b0100_0000, 0b0100_0000], texts(&["a", "b"])].concat(), 10, Encoding::PLAIN, packed),
            // All rows are null.
            page(vec![2, 0, 0, 0, 4, 0], 2, Encoding::PLAIN_DICTIONARY, Encoding::RLE),
            page(vec![2, 0, 0, 0, 2, 1, 0, 2], 1, Encoding::PLAIN_DICTIONARY, Encoding::RLE),
        ]
    }

    #[test]
    fn pages_of_several_encodings_are_read_in_any_steps() {
        let expected = "media logs media - a - - - - - - - b - - media";
        for step in 1..17 {
            assert_eq!(read(pages(), true, 16, step).unwrap().join(" "), expected, "{step}");
        }
        let required = vec![page(texts(&["x", "", "z"]), 3, Encoding::PLAIN, Encoding::RLE)];
        assert_eq!(read(required, false, 3, 2).unwrap(), ["x", "", "z"]);
    }

    #[test]
    fn a_page_that_says_what_it_does_not_have_is_damaged() {
        let of = |bytes: Vec<u8>, encoding| vec![page(bytes, 3, encoding, Encoding::RLE)];
        for (what, pages) in [
            (
                "a text that is cut off",
                of([texts(&["x", "y"]), vec![9, 0, 0, 0, b'z']].concat(), Encoding::PLAIN),
            ),
            ("too few texts", of(texts(&["x", "y"]), Encoding::PLAIN)),
            ("no dictionary", of(vec![1, 3, 0b010], Encoding::RLE_DICTIONARY)),
            ("indices of 33 bits", of(vec![33, 3, 0b010], Encoding::RLE_DICTIONARY)),
            ("another encoding", of(texts(&["x", "y", "z"]), Encoding::DELTA_BYTE_ARRAY)),
            ("no page", Vec::new()),
        ] {
            assert!(read(pages, false, 3, 3).is_err(), "{what}");
        }
        let levels = vec![page(vec![200, 0, 0, 0, 1], 3, Encoding::PLAIN, Encoding::RLE)];
        assert!(read(levels, true, 3, 3).is_err());
        let all: Vec<Page> = pages().into_iter().skip(1).collect();
        assert!(read(all, true, 16, 4).is_err(), "indices without a dictionary");
    }
}
