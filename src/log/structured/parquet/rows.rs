//! Makes records of the rows of a block.

use std::ops::Range;

use super::columns::{Role, Storage};
use super::row_group::{ColumnBlock, NULL, RowGroup, Values};
use crate::log::structured::draft::{Draft, bad_time, bad_type};
use crate::log::structured::request_time::{LastMinute, RequestTime};
use crate::log::structured::{GROUP, GroupBuilder};
use crate::log::{Field, Record, Rejection, Sink};

/// The years 0 to 9999, as times in texts have them.
const TIMES: Range<i64> = -62_167_219_200..253_402_300_800;

/// Makes records. It remembers templates from one block to the next.
#[derive(Debug, Default)]
pub struct RowParser {
    builder: GroupBuilder,
    /// The row group of the last rows.
    group: u64,
}

impl RowParser {
    /// Gives the records of some rows of the block of a row group. Rows are numbered from 0 at the first of them. Of a row
    /// that is rejected, the text is the row as JSON.
    pub fn parse(&mut self, group: &RowGroup, rows: Range<usize>, sink: &mut impl Sink) {
        if self.group != group.id {
            self.group = group.id;
            self.builder.templates.forget_codes();
        }
        let mut next = rows.start;
        while next < rows.end {
            let mut records: [Record<'_>; GROUP] = std::array::from_fn(|_| Record::default());
            let mut count = 0;
            self.builder.begin();
            while count < GROUP && next < rows.end {
                let GroupBuilder { templates, minute, arena, members, .. } = &mut self.builder;
                let mut draft = Draft::new(&mut records[count], count, arena, members);
                draft.codes(group.codes(next));
                let read = group.columns.iter().try_for_each(|column| column.set(next, &mut draft, minute));
                match read.and_then(|()| draft.finish(templates)) {
                    Ok(()) => count += 1,
                    Err(reason) => {
                        draft.reject();
                        let line = (next - rows.start) as u64;
                        sink.rejected(line, &row_as_json(group, next), reason);
                        sink.record_count(line, 0);
                    }
                }
                next += 1;
            }
            self.builder.end(&mut records[..count], sink);
        }
    }
}

impl ColumnBlock {
    /// Sets the value of a row.
    #[inline]
    fn set<'b>(
        &'b self,
        row: usize,
        draft: &mut Draft<'_, 'b>,
        minute: &mut LastMinute,
    ) -> Result<(), Rejection> {
        let index = self.index[row];
        if index == NULL {
            return Ok(());
        }
        let index = index as usize;
        match (self.role, &self.values) {
            (Role::Number(field), Values::Int64(_, values)) => {
                draft.number(field, self.signed(field, values[index])?)?
            }
            (Role::Number(field), Values::Int32(_, values)) => {
                draft.number(field, self.widened(values[index]))?
            }
            (Role::Time, _) => self.set_time(index, draft, minute)?,
            (Role::AclRequired, Values::Boolean(_, values)) => draft.acl_required(values[index]),
            (Role::Member, _) => draft.member(&self.name, &self.as_json(index)),
            (role, values) => match (role, values.text(index)) {
                (Role::Text(field), Some(text)) => draft.text(field, text),
                (Role::Number(field), Some(text)) => draft.digits(field, text)?,
                (Role::AclRequired, Some(text)) => draft.acl_required_text(text)?,
                (Role::SchemaVersion, Some(text)) => draft.schema_version(text),
                (Role::BucketArn, Some(text)) => draft.bucket_arn(text.into()),
                // The types were checked when the file was opened.
                (Role::Text(field) | Role::Number(field), None) => return Err(bad_type(field)),
                _ => {}
            },
        }
        Ok(())
    }

    fn set_time<'b>(
        &'b self,
        index: usize,
        draft: &mut Draft<'_, 'b>,
        minute: &mut LastMinute,
    ) -> Result<(), Rejection> {
        if let Some(text) = self.values.text(index) {
            if !matches!(text, b"" | b"-") {
                draft.time(minute.parse(text).ok_or_else(bad_time)?, text);
            }
            return Ok(());
        }
        let time = match (&self.values, self.storage) {
            (Values::Int64(_, values), Storage::Timestamp { per_second }) => {
                RequestTime::of_units(values[index], per_second)
            }
            (Values::Int96(_, values), _) => {
                let nanoseconds = values[index].to_nanos().rem_euclid(1_000_000_000);
                RequestTime { seconds: values[index].to_seconds(), nanoseconds: nanoseconds as u32 }
            }
            _ => return Err(bad_time()),
        };
        if !TIMES.contains(&time.seconds) {
            return Err(bad_time());
        }
        draft.time(time, &[]);
        Ok(())
    }

    /// The number of a column of 64 bits.
    #[inline]
    fn signed(&self, field: Field, number: i64) -> Result<i64, Rejection> {
        match self.storage {
            Storage::Int64 { is_unsigned: true } if number < 0 => Err(bad_type(field)),
            _ => Ok(number),
        }
    }

    /// The number of a column of 32 bits.
    fn widened(&self, number: i32) -> i64 {
        match self.storage {
            Storage::Int32 { is_unsigned: true } => i64::from(number.cast_unsigned()),
            _ => i64::from(number),
        }
    }

    /// A value as JSON.
    fn as_json(&self, index: usize) -> Vec<u8> {
        // Writing a value as JSON cannot fail.
        let json = match &self.values {
            Values::Texts(_) | Values::Bytes(..) => {
                let text = self.values.text(index).unwrap_or_default();
                serde_json::to_vec(&String::from_utf8_lossy(text))
            }
            Values::Int32(_, values) => serde_json::to_vec(&self.widened(values[index])),
            Values::Int64(_, values) => match self.storage {
                Storage::Int64 { is_unsigned: true } => serde_json::to_vec(&values[index].cast_unsigned()),
                _ => serde_json::to_vec(&values[index]),
            },
            Values::Boolean(_, values) => serde_json::to_vec(&values[index]),
            Values::Float(_, values) => serde_json::to_vec(&values[index]),
            Values::Double(_, values) => serde_json::to_vec(&values[index]),
            Values::Int96(_, values) => serde_json::to_vec(&values[index].to_nanos()),
        };
        json.unwrap_or_default()
    }
}

/// A row as an object. Columns that are null are missing.
fn row_as_json(group: &RowGroup, row: usize) -> Vec<u8> {
    let mut members = Vec::new();
    for column in &group.columns {
        let index = column.index[row];
        if index != NULL {
            let json = column.as_json(index as usize);
            super::super::extra::append_member(&mut members, &column.name, &json);
        }
    }
    let members = members.strip_prefix(b",").unwrap_or_default();
    [b"{", members, b"}"].concat()
}
