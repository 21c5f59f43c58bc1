//! Reads one object.

use std::borrow::Cow;

use sonic_rs::{JsonType, JsonValueTrait, LazyValue};

use super::super::draft::{Draft, bad_text, bad_time, bad_type};
use super::super::framing::{ObjectEnd, next_start, object_end};
use super::super::request_time::RequestTime;
use super::super::schema::{COLUMNS, Column, index_of, is_integer};
use super::super::{ColumnSet, GroupBuilder};
use super::{flat, wrapped};
use crate::log::{Field, Record, Rejection, number};

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// A record, which was read.
    Record,
    /// A message of CloudWatch Logs, which may have records.
    Message,
    Rejected(Rejection),
}

/// Reads the object that a text begins with, as the record with this index in a group. Returns the length of the object;
/// that of a broken one is up to the next possible object.
#[inline]
pub(super) fn read<'a>(
    text: &'a [u8],
    record: &mut Record<'a>,
    index: usize,
    builder: &mut GroupBuilder,
) -> (usize, Object) {
    let GroupBuilder { templates, minute, arena, members, .. } = builder;
    let mut draft = Draft::new(record, index, arena, members);
    if let Some(length) = flat::read(text, &mut draft, minute)
        && draft.finish(templates).is_ok()
    {
        return (length, Object::Record);
    }
    draft.reject();
    read_any(text, record, index, builder)
}

/// Like [`read`], for objects of any form.
#[cold]
fn read_any<'a>(
    text: &'a [u8],
    record: &mut Record<'a>,
    index: usize,
    builder: &mut GroupBuilder,
) -> (usize, Object) {
    let length = match object_end(text) {
        ObjectEnd::At(length) => length,
        ObjectEnd::Missing => {
            let length = next_start(text);
            return (length, Object::Rejected(Rejection::NotJson(length)));
        }
        ObjectEnd::Broken(at) => {
            return (next_start(text), Object::Rejected(Rejection::NotJson(at)));
        }
        ObjectEnd::TooDeep => return (next_start(text), Object::Rejected(Rejection::TooDeep)),
    };
    let GroupBuilder { templates, arena, members, .. } = builder;
    let mut draft = Draft::new(record, index, arena, members);
    let object = match read_members(&text[..length], &mut draft) {
        Ok(true) => Object::Message,
        Ok(false) => match draft.finish(templates) {
            Ok(()) => Object::Record,
            Err(reason) => Object::Rejected(reason),
        },
        Err(reason) => Object::Rejected(reason),
    };
    if object != Object::Record {
        draft.reject();
    }
    (length, object)
}

/// Sets the values of a record. Returns `true` if the object is a message instead.
fn read_members(object: &[u8], draft: &mut Draft<'_, '_>) -> Result<bool, Rejection> {
    let mut columns = ColumnSet::default();
    let mut expected = 0;
    let (mut is_message, mut names, mut repeated) = (false, Vec::new(), None);
    for member in sonic_rs::to_object_iter(object) {
        let (name, value) = member.map_err(|error| Rejection::NotJson(error.offset()))?;
        match index_of(name.as_bytes(), expected) {
            Some(column) => {
                columns.add(column)?;
                expected = column + 1;
                set(draft, column, &value)?;
            }
            None => {
                if let Some(name) = wrapped::message_name(&name) {
                    is_message = true;
                    repeated = repeated.or(names.contains(&name).then_some(name));
                    names.push(name);
                }
                draft.member(&name, value.as_raw_str().as_bytes());
            }
        }
    }
    match repeated {
        Some(name) if columns.is_empty() => Err(Rejection::Repeated(name)),
        _ => Ok(is_message && columns.is_empty()),
    }
}

/// Sets the value of a column.
fn set(draft: &mut Draft<'_, '_>, column: usize, value: &LazyValue<'_>) -> Result<(), Rejection> {
    let field = match COLUMNS[column].1 {
        Column::Field(field) => field,
        Column::SchemaVersion => {
            match value.as_str() {
                Some(version) => draft.schema_version(version.as_bytes()),
                None if value.is_null() => {}
                None => draft.member(COLUMNS[column].0, value.as_raw_str().as_bytes()),
            }
            return Ok(());
        }
        Column::BucketArn => {
            match value.as_str() {
                Some(arn) => draft.bucket_arn(Cow::Owned(arn.as_bytes().to_vec())),
                None if value.is_null() => {}
                None => return Err(bad_text(COLUMNS[column].0, value.as_raw_str())),
            }
            return Ok(());
        }
    };
    match value.get_type() {
        JsonType::Null => Ok(()),
        JsonType::String => {
            let text = value.as_str().ok_or_else(|| bad_text(COLUMNS[column].0, value.as_raw_str()))?;
            draft.any_text(field, text.as_bytes())
        }
        JsonType::Number => match value.as_i64() {
            Some(number) => draft.any_number(field, number),
            None => Err(bad_type(field)),
        },
        JsonType::Boolean if field == Field::AclRequired => {
            draft.acl_required(value.as_bool() == Some(true));
            Ok(())
        }
        _ => Err(bad_type(field)),
    }
}

impl Draft<'_, '_> {
    /// Sets any field to a text: a number or a time as digits.
    fn any_text(&mut self, field: Field, text: &[u8]) -> Result<(), Rejection> {
        match field {
            _ if matches!(text, b"" | b"-") => Ok(()),
            Field::Time => {
                let time = RequestTime::parse(text).ok_or_else(bad_time)?;
                self.time(time, &[]);
                Ok(())
            }
            Field::AclRequired => self.acl_required_text(text),
            field if is_integer(field) => {
                let number = number::parse(text).and_then(|number| i64::try_from(number).ok());
                let number = number.filter(|_| field != Field::HttpStatus || number::is_status(text));
                self.number(field, number.ok_or_else(|| bad_type(field))?)
            }
            field => {
                self.owned_text(field, text);
                Ok(())
            }
        }
    }

    /// Sets a field that is an integer to a number.
    fn any_number(&mut self, field: Field, number: i64) -> Result<(), Rejection> {
        if is_integer(field) { self.number(field, number) } else { Err(bad_type(field)) }
    }
}
