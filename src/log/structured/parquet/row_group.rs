//! Reads a row group, block by block.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type, Int96,
    Int96Type,
};
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::ChunkReader;
use ::parquet::file::serialized_reader::SerializedPageReader;

use super::columns::{FileColumn, Role, Storage};
use super::texts::{self, TextReader};
use super::{ParquetError, damaged, page_sizes};
use crate::log::Field;
use crate::log::structured::templates::{Codes, FIELDS, TEMPLATE_FIELDS};

/// Rows of a block: few enough that the values of all columns stay in the processor's cache.
pub(super) const BLOCK_ROWS: usize = 512;
/// In the index of a column: the value is null.
pub(super) const NULL: u32 = u32::MAX;

/// A row group. Its current block has the values of some rows.
pub struct RowGroup {
    pub(super) columns: Vec<ColumnBlock>,
    rows_left: usize,
    /// The number of the first row of the block, from 1 in the whole file.
    first_row: u64,
    rows: usize,
    /// Identifies the row group in this process.
    pub(super) id: u64,
    /// The columns of the fields of a template; `None` if one of them has no codes.
    template_columns: Option<[Option<usize>; FIELDS]>,
}

/// The id of the next row group.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// The values of a column in the current block.
pub(super) struct ColumnBlock {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) storage: Storage,
    max_level: i16,
    levels: Vec<i16>,
    /// The index among the values of the value of each row, or [`NULL`].
    pub(super) index: Vec<u32>,
    pub(super) values: Values,
}

/// A column and the values of it in the current block, without nulls.
pub(super) enum Values {
    Texts(TextReader),
    /// Texts in encodings that [`TextReader`] does not read.
    Bytes(ColumnReaderImpl<ByteArrayType>, Vec<ByteArray>),
    Int32(ColumnReaderImpl<Int32Type>, Vec<i32>),
    Int64(ColumnReaderImpl<Int64Type>, Vec<i64>),
    Boolean(ColumnReaderImpl<BoolType>, Vec<bool>),
    Float(ColumnReaderImpl<FloatType>, Vec<f32>),
    Double(ColumnReaderImpl<DoubleType>, Vec<f64>),
    Int96(ColumnReaderImpl<Int96Type>, Vec<Int96>),
}

impl RowGroup {
    pub(super) fn open<R: ChunkReader + 'static>(
        content: &Arc<R>,
        metadata: &RowGroupMetaData,
        columns: &[FileColumn],
        first_row: u64,
    ) -> Result<RowGroup, ParquetError> {
        let rows_left =
            usize::try_from(metadata.num_rows()).map_err(|_| damaged("the number of rows is negative"))?;
        let open = |column: &FileColumn| -> Result<ColumnBlock, ParquetError> {
            let chunk =
                metadata.columns().get(column.index).ok_or_else(|| damaged("a row group lacks a column"))?;
            page_sizes::check(content.as_ref(), chunk, &column.name)?;
            let pages = SerializedPageReader::new(Arc::clone(content), chunk, rows_left, None)?;
            if column.storage == Storage::Bytes && column.max_level <= 1 && texts::is_known(chunk) {
                let reader = TextReader::new(Box::new(pages), column.max_level == 1);
                return Ok(ColumnBlock::new(column, Values::Texts(reader)));
            }
            let reader = get_column_reader(chunk.column_descr_ptr(), Box::new(pages));
            let values = match reader {
                ColumnReader::ByteArrayColumnReader(reader) => Values::Bytes(reader, Vec::new()),
                ColumnReader::Int32ColumnReader(reader) => Values::Int32(reader, Vec::new()),
                ColumnReader::Int64ColumnReader(reader) => Values::Int64(reader, Vec::new()),
                ColumnReader::BoolColumnReader(reader) => Values::Boolean(reader, Vec::new()),
                ColumnReader::FloatColumnReader(reader) => Values::Float(reader, Vec::new()),
                ColumnReader::DoubleColumnReader(reader) => Values::Double(reader, Vec::new()),
                ColumnReader::Int96ColumnReader(reader) => Values::Int96(reader, Vec::new()),
                ColumnReader::FixedLenByteArrayColumnReader(_) => {
                    return Err(damaged(format!("a row group has another type of column {}", column.name)));
                }
            };
            Ok(ColumnBlock::new(column, values))
        };
        let columns: Vec<ColumnBlock> = columns.iter().map(open).collect::<Result<_, _>>()?;
        let template_columns = template_columns(&columns);
        let id = NEXT_ID.fetch_add(1, Relaxed);
        Ok(RowGroup { columns, rows_left, first_row, rows: 0, id, template_columns })
    }

    /// Codes of the values of the template of a row. They are valid for this row group. `None` if a value has no code, or
    /// if the bucket is null.
    #[inline]
    pub(super) fn codes(&self, row: usize) -> Option<Codes> {
        let columns = self.template_columns.as_ref()?;
        let mut codes = Codes::default();
        for (code, column) in codes.iter_mut().zip(columns) {
            let Some(column) = column else { continue };
            let column = self.columns.get(*column)?;
            let index = *column.index.get(row)?;
            if index != NULL {
                *code = column.values.code(index as usize)?;
            } else if column.role == Role::Text(Field::Bucket) {
                return None;
            }
        }
        Some(codes)
    }

    /// Reads the next block. Returns `false` at the end.
    pub fn next_block(&mut self) -> Result<bool, ParquetError> {
        self.first_row += self.rows as u64;
        self.rows = self.rows_left.min(BLOCK_ROWS);
        self.rows_left -= self.rows;
        if self.rows == 0 {
            return Ok(false);
        }
        for column in &mut self.columns {
            column.read(self.rows)?;
        }
        Ok(true)
    }

    /// The number of rows of the block.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of its first row, from 1 in the whole file.
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// Approximate bytes of its texts.
    pub fn bytes(&self) -> usize {
        let bytes = |column: &ColumnBlock| match &column.values {
            Values::Texts(reader) => reader.bytes(),
            Values::Bytes(_, values) => values.iter().map(ByteArray::len).sum(),
            _ => 0,
        };
        self.columns.iter().map(bytes).sum()
    }
}

impl Values {
    /// A text of the block; `None` if the column has other values.
    #[inline]
    pub(super) fn text(&self, index: usize) -> Option<&[u8]> {
        match self {
            Values::Texts(reader) => Some(reader.get(index)),
            Values::Bytes(_, values) => values.get(index).map(ByteArray::data),
            _ => None,
        }
    }

    /// A code of a value of the block, not 0: equal codes mean equal values.
    #[inline]
    fn code(&self, index: usize) -> Option<u32> {
        match self {
            Values::Texts(reader) => reader.code(index),
            Values::Boolean(_, values) => values.get(index).map(|value| u32::from(*value) + 1),
            _ => None,
        }
    }
}

/// The columns of the fields of a template, if the bucket is among them and all of them can have codes.
fn template_columns(columns: &[ColumnBlock]) -> Option<[Option<usize>; FIELDS]> {
    let column_of = |field: Field| {
        columns.iter().position(|column| match column.role {
            Role::Text(of) => of == field,
            Role::AclRequired => field == Field::AclRequired,
            _ => false,
        })
    };
    let found = TEMPLATE_FIELDS.map(column_of);
    let has_codes =
        |column: &usize| matches!(columns[*column].values, Values::Texts(_) | Values::Boolean(..));
    (column_of(Field::Bucket).is_some() && found.iter().flatten().all(has_codes)).then_some(found)
}

impl ColumnBlock {
    fn new(column: &FileColumn, values: Values) -> ColumnBlock {
        let FileColumn { name, role, storage, max_level, .. } = column.clone();
        ColumnBlock { name, role, storage, max_level, levels: Vec::new(), index: Vec::new(), values }
    }

    fn read(&mut self, rows: usize) -> Result<(), ParquetError> {
        if let Values::Texts(reader) = &mut self.values {
            self.index.clear();
            return reader.read(rows, &mut self.index);
        }
        let levels = &mut self.levels;
        levels.clear();
        let values = match &mut self.values {
            Values::Texts(reader) => reader.len(),
            Values::Bytes(reader, values) => read(reader, rows, levels, values)?,
            Values::Int32(reader, values) => read(reader, rows, levels, values)?,
            Values::Int64(reader, values) => read(reader, rows, levels, values)?,
            Values::Boolean(reader, values) => read(reader, rows, levels, values)?,
            Values::Float(reader, values) => read(reader, rows, levels, values)?,
            Values::Double(reader, values) => read(reader, rows, levels, values)?,
            Values::Int96(reader, values) => read(reader, rows, levels, values)?,
        };
        self.index.clear();
        if self.max_level == 0 {
            self.index.extend(0..rows as u32);
        } else {
            let mut next = 0;
            self.index.extend(levels.iter().map(|level| {
                let is_present = *level == self.max_level;
                next += u32::from(is_present);
                if is_present { next - 1 } else { NULL }
            }));
        }
        let present = self.index.iter().filter(|index| **index != NULL).count();
        if self.index.len() != rows || present != values {
            return Err(damaged(format!(
                "the column {} has another number of rows than its row group",
                self.name
            )));
        }
        Ok(())
    }
}

/// Reads the values of `rows` rows. Returns the number of those that are not null.
fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    levels: &mut Vec<i16>,
    values: &mut Vec<T::T>,
) -> Result<usize, ParquetError> {
    values.clear();
    reader.read_records(rows, Some(levels), None, values)?;
    Ok(values.len())
}
