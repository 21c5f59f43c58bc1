//! The codecs as fuzz targets reach them: their input has no checksum there, so that damaged bytes get to them.
//! Never here: anything that other modules need.

use super::column::integers::{BLOCK, Integers};
use super::column::text::{OpenPage, Page};

/// Reads all blocks of a chunk of packed integers, unless it is refused.
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

/// Reads all rows of a page of texts, unless it is refused. The first byte is the number of rows.
pub fn read_text_page(page: &[u8]) {
    let Some((rows, bytes)) = page.split_first() else { return };
    let rows = usize::from(*rows);
    let Ok(page) = OpenPage::open(&Page { rows, bytes: bytes.to_vec() }) else { return };
    for row in 0..rows {
        let _ = page.get(row, || Some(b"key"));
    }
}
