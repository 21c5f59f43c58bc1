//! Entry points of fuzz targets to the codecs, without the checksums that otherwise reject damaged bytes.
//! Never here: anything that other modules need.

use super::column::integers::{BLOCK, Integers, Packer};
use super::column::text::{Hint, Page, PageBuilder, TextPage};

/// Reads all blocks of a chunk of packed integers, unless it is damaged.
pub fn read_integers(chunk: &[u8]) {
    let Ok(integers) = Integers::open(chunk.to_vec()) else { return };
    let rows = integers.rows();
    // A constant column of any length has no bytes for its rows.
    let blocks = rows.div_ceil(BLOCK).min(chunk.len());
    for block in 0..blocks {
        let (least, most) = integers.block_range(block);
        assert!(least <= most);
        integers.unpack_u32(block, &mut [0; BLOCK]);
        integers.unpack_u64(block, &mut [0; BLOCK]);
        let _ = integers.get(block * BLOCK);
    }
    let _ = integers.into_rows(rows.min(chunk.len() * BLOCK));
}

/// Reads all rows of a page of texts, unless it is damaged. The first byte is the number of rows.
pub fn read_text_page(page: &[u8]) {
    let Some((rows, bytes)) = page.split_first() else { return };
    let rows = usize::from(*rows);
    let Ok(page) = TextPage::open(&Page { rows, bytes: bytes.to_vec() }) else { return };
    for row in 0..rows {
        let _ = page.get(row, || Some(b"key"));
    }
}

/// A chunk that [`read_integers`] reads.
pub fn packed_integers(numbers: &[u64]) -> Vec<u8> {
    let mut packer = Packer::default();
    packer.pack(numbers, |number| number);
    packer.bytes
}

/// A page of at most 255 texts that [`read_text_page`] reads. Empty texts are absent; the key of one-byte texts is elided.
pub fn packed_texts(texts: &[&[u8]]) -> Vec<u8> {
    let mut builder = PageBuilder::new(Hint::Text);
    for text in texts {
        match text {
            [_] => builder.push_elided(text, b"after"),
            text => builder.push((!text.is_empty()).then_some(text)),
        }
    }
    let page = builder.finish();
    page.map_or_else(Vec::new, |page| [&[page.rows as u8], page.bytes.as_slice()].concat())
}
