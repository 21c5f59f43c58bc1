//! Records as Parquet: a column of the file for each column of the schema, a row for each record.
//!
//! `columns` finds the columns in the schema of a file, `page_sizes` limits the size of their pages, `row_group` reads a row group block by block
//! (`texts` its columns of texts, with `hybrid` numbers), and `rows` makes records of a block. Memory is limited by the pages of a row group, not by the file. Never here: where the content
//! comes from.

mod columns;
mod hybrid;
mod page_sizes;
mod row_group;
mod rows;
#[cfg(test)]
mod tests;
mod texts;

use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::errors::ParquetError as ReadError;
use ::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use ::parquet::file::reader::ChunkReader;

use self::columns::FileColumn;

pub use row_group::RowGroup;
pub use rows::RowParser;

/// The largest uncompressed size of a page. Writers make pages of about 1 MiB.
pub(super) const MAX_PAGE_BYTES: u64 = 256 << 20;

/// The first bytes of every Parquet file.
pub const MAGIC: &[u8] = b"PAR1";

fn columns(names: &[&str]) -> &'static str {
    if names.len() == 1 { "column" } else { "columns" }
}

/// Why a Parquet file, or a part of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ParquetError {
    /// The content is damaged or incomplete.
    #[error("the Parquet file is damaged or incomplete: {0}; get it again")]
    Damaged(String),
    /// Reading the content failed.
    #[error("{0}")]
    Io(std::io::Error),
    /// The file has no server access logs: these columns are missing. Where one of several would do, it is the first.
    #[error("a Parquet file without the {} {}", columns(.0), .0.join(", "))]
    MissingColumns(Vec<&'static str>),
    /// A column has a type that the values of its field cannot have.
    #[error("the column {name} has the type {found}; expected {expected}")]
    ColumnType {
        /// The name of the column.
        name: String,
        /// The type in the file.
        found: String,
        /// The types that can be read.
        expected: &'static str,
    },
    /// The schema has a column of server access logs twice.
    #[error("the column {0} occurs twice")]
    RepeatedColumn(&'static str),
    /// A column is compressed in a form that is not supported.
    #[error(
        "the Parquet file is compressed with {0}, which is not supported: write it with Snappy, gzip or zstd, or without compression"
    )]
    Compression(&'static str),
    /// A page is too large.
    #[error(
        "the Parquet file has a page of {bytes} bytes in the column {name}: at most {MAX_PAGE_BYTES} are supported; write it with smaller pages"
    )]
    LargePage {
        /// The name of the column.
        name: String,
        /// Its uncompressed size.
        bytes: u64,
    },
}

impl From<ReadError> for ParquetError {
    fn from(error: ReadError) -> ParquetError {
        match error {
            ReadError::External(error) => match error.downcast::<std::io::Error>() {
                Ok(error) => ParquetError::Io(*error),
                Err(error) => ParquetError::Damaged(error.to_string()),
            },
            error => ParquetError::Damaged(error.to_string()),
        }
    }
}

/// Whether the columns of a row group can be decompressed.
fn check_compression(group: &RowGroupMetaData, columns: &[FileColumn]) -> Result<(), ParquetError> {
    for column in columns.iter().filter_map(|column| group.columns().get(column.index)) {
        let name = match column.compression() {
            Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) | Compression::ZSTD(_) => {
                continue;
            }
            Compression::LZO => "LZO",
            Compression::BROTLI(_) => "brotli",
            Compression::LZ4 | Compression::LZ4_RAW => "LZ4",
        };
        return Err(ParquetError::Compression(name));
    }
    Ok(())
}

fn damaged(message: impl Into<String>) -> ParquetError {
    ParquetError::Damaged(message.into())
}

/// A Parquet file with server access logs.
pub struct ParquetFile<R> {
    content: Arc<R>,
    metadata: Arc<ParquetMetaData>,
    columns: Vec<FileColumn>,
    /// The number of rows before each row group.
    rows_before: Vec<u64>,
    rows: u64,
}

impl<R: ChunkReader + 'static> ParquetFile<R> {
    /// Reads the metadata of a file.
    ///
    /// # Errors
    /// [`ParquetError::MissingColumns`] if the file has other columns than server access logs.
    pub fn open(content: R) -> Result<ParquetFile<R>, ParquetError> {
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&content)?;
        let columns = columns::find(metadata.file_metadata().schema_descr())?;
        let (mut rows_before, mut rows) = (Vec::new(), 0u64);
        for group in metadata.row_groups() {
            check_compression(group, &columns)?;
            rows_before.push(rows);
            let count = u64::try_from(group.num_rows());
            rows = count
                .ok()
                .and_then(|count| rows.checked_add(count))
                .ok_or_else(|| damaged("the number of rows is negative or too large"))?;
        }
        let metadata = Arc::new(metadata);
        Ok(ParquetFile { content: Arc::new(content), metadata, columns, rows_before, rows })
    }

    /// The number of row groups.
    pub fn row_groups(&self) -> usize {
        self.rows_before.len()
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Opens a row group. Its rows are numbered from 1 in the whole file.
    pub fn row_group(&self, index: usize) -> Result<RowGroup, ParquetError> {
        RowGroup::open(
            &self.content,
            self.metadata.row_group(index),
            &self.columns,
            self.rows_before[index] + 1,
        )
    }

    /// The compressed bytes of a row group.
    pub fn row_group_bytes(&self, index: usize) -> u64 {
        u64::try_from(self.metadata.row_group(index).compressed_size()).unwrap_or_default()
    }
}
