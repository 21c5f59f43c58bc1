//! Builds a record from the values of a structured record, column by column.

use std::borrow::Cow;

use super::request_time::RequestTime;
use super::schema::{SCHEMA, column_of};
use super::templates::{Codes, Templates};
use super::{extra, key_spelling};
use crate::log::record::MEASURES;
use crate::log::{Field, Record, Rejection, address, is_in_template, number, parser::is_anonymous};

/// The largest number that a column may have: schema `V_1_0` has signed integers.
const MAX_NUMBER: u64 = i64::MAX as u64;

const A_NUMBER: &str = "a number from 0 to 9223372036854775807, or null";
const A_STATUS: &str = "a status from 100 to 999, or null";
const A_TEXT: &str = "a text or null";
const VALID_UNICODE: &str = "valid Unicode: an escape such as \\ud800 is half of a character";
const A_TIME: &str = "a time in ISO 8601, such as 2026-08-06T09:30:25.123Z";
const A_BOOLEAN: &str = "true, false or null";

/// Texts of the records of a group that are not texts of the input: their escapes were replaced, or they were derived.
#[derive(Debug, Default)]
pub(super) struct Arena {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// Where the text of a field is.
#[derive(Clone, Copy, Debug)]
struct Place {
    record: usize,
    field: Field,
    start: usize,
    end: usize,
}

impl Arena {
    /// Removes all texts.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
    }

    /// Number of bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Sets the fields of the records of the group whose texts are here.
    pub(super) fn apply<'s>(&'s self, records: &mut [Record<'s>]) {
        for Place { record, field, start, end } in &self.places {
            let text = &self.bytes[*start..*end];
            match field {
                Field::Extra => records[*record].extra = text,
                field => records[*record].logged[*field as usize] = text,
            }
        }
    }

    /// Adds a text that `append` appends to all texts.
    fn add(&mut self, record: usize, field: Field, append: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        append(&mut self.bytes);
        self.places.push(Place { record, field, start, end: self.bytes.len() });
    }
}

/// A record that gets its values. All fields are absent at first.
pub(super) struct Draft<'r, 'a> {
    record: &'r mut Record<'a>,
    arena: &'r mut Arena,
    /// The index of the record in its group.
    index: usize,
    /// The first place of the record in the arena.
    first_place: usize,
    bucket_arn: Cow<'a, [u8]>,
    time: Option<RequestTime>,
    /// The members of the object in `extra`, after the milliseconds.
    members: &'r mut Vec<u8>,
    /// Codes of the values of its template, if known.
    codes: Option<Codes>,
}

impl<'r, 'a> Draft<'r, 'a> {
    /// Begins the record with this index in a group. `members` is a buffer whose content is replaced.
    pub(super) fn new(
        record: &'r mut Record<'a>,
        index: usize,
        arena: &'r mut Arena,
        members: &'r mut Vec<u8>,
    ) -> Draft<'r, 'a> {
        *record = Record::default();
        members.clear();
        let first_place = arena.places.len();
        let (bucket_arn, time, codes) = (Cow::Borrowed([].as_slice()), None, None);
        Draft { record, arena, index, first_place, bucket_arn, time, members, codes }
    }

    /// Notes codes of the values that are set to the fields of its template. The bucket must be one of them: otherwise its ARN
    /// decides.
    #[inline]
    pub(super) fn codes(&mut self, codes: Option<Codes>) {
        self.codes = codes;
    }

    /// Sets a field to a text. Empty texts and `-` are absent, as in the text format.
    #[inline]
    pub(super) fn text(&mut self, field: Field, text: &'a [u8]) {
        self.record.logged[field as usize] = if text == b"-" { &[] } else { text };
    }

    /// Sets a field to a text that the input does not have as it is.
    pub(super) fn owned_text(&mut self, field: Field, text: &[u8]) {
        self.record.logged[field as usize] = &[];
        if text != b"-" {
            self.arena.add(self.index, field, |bytes| bytes.extend_from_slice(text));
        }
    }

    /// Sets the status or a measure to a decimal number.
    #[inline]
    pub(super) fn digits(&mut self, field: Field, text: &'a [u8]) -> Result<(), Rejection> {
        if matches!(text, b"" | b"-") {
            return Ok(());
        }
        if field == Field::HttpStatus {
            if !number::is_status(text) {
                return Err(bad(field, A_STATUS));
            }
        } else {
            let number = number::parse(text).filter(|number| *number <= MAX_NUMBER);
            self.set_measure(field, number.ok_or(bad(field, A_NUMBER))?);
        }
        self.record.logged[field as usize] = text;
        Ok(())
    }

    /// Sets the status or a measure to a number. A measure then has no text.
    #[inline]
    pub(super) fn number(&mut self, field: Field, number: i64) -> Result<(), Rejection> {
        if field == Field::HttpStatus {
            self.record.logged[field as usize] = status_text(number).ok_or(bad(field, A_STATUS))?;
        } else {
            self.set_measure(field, u64::try_from(number).map_err(|_| bad(field, A_NUMBER))?);
        }
        Ok(())
    }

    #[inline]
    fn set_measure(&mut self, field: Field, number: u64) {
        if let Some(slot) = MEASURES.iter().position(|measure| *measure == field) {
            self.record.measures[slot] = Some(number);
        }
    }

    /// Sets whether an ACL was required. The text format writes `Yes` or `-`.
    pub(super) fn acl_required(&mut self, is_required: bool) {
        self.record.logged[Field::AclRequired as usize] = if is_required { b"Yes" } else { b"" };
    }

    /// Sets whether an ACL was required, from a text.
    pub(super) fn acl_required_text(&mut self, text: &[u8]) -> Result<(), Rejection> {
        match text {
            b"Yes" | b"yes" | b"true" | b"TRUE" | b"True" => self.acl_required(true),
            b"" | b"-" | b"No" | b"no" | b"false" | b"FALSE" | b"False" => self.acl_required(false),
            _ => return Err(bad(Field::AclRequired, A_BOOLEAN)),
        }
        Ok(())
    }

    /// Sets the time. `text` is the time as it is spelled, if it is.
    #[inline]
    pub(super) fn time(&mut self, time: RequestTime, text: &'a [u8]) {
        self.time = Some(time);
        self.record.time = time.seconds;
        self.record.logged[Field::Time as usize] = text;
    }

    /// Sets the ARN of the bucket.
    pub(super) fn bucket_arn(&mut self, arn: Cow<'a, [u8]>) {
        self.bucket_arn = if *arn == *b"-" { Cow::Borrowed(&[]) } else { arn };
    }

    /// Sets the version of the schema.
    pub(super) fn schema_version(&mut self, version: &[u8]) {
        if version != SCHEMA.as_bytes() && !matches!(version, b"" | b"-") {
            self.member_text("schema_version_id", version);
        }
    }

    /// Adds a column that is no field: its name and its value as JSON.
    pub(super) fn member(&mut self, name: &str, json: &[u8]) {
        extra::append_member(self.members, name, json);
    }

    fn member_text(&mut self, name: &str, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        // Writing a text as JSON cannot fail.
        let json = serde_json::to_string(&text).unwrap_or_default();
        extra::append_member(self.members, name, json.as_bytes());
    }

    /// The text of a field so far; empty if it is absent.
    fn get(&self, field: Field) -> &[u8] {
        let text = self.record.logged[field as usize];
        if text.is_empty() { self.owned(field).unwrap_or_default() } else { text }
    }

    /// The text of a field in the arena.
    fn owned(&self, field: Field) -> Option<&[u8]> {
        let places = &self.arena.places[self.first_place..];
        let place = places.iter().rfind(|place| place.field == field)?;
        Some(&self.arena.bytes[place.start..place.end])
    }

    /// Completes the record.
    ///
    /// # Errors
    /// A record without a bucket, a time or an operation is rejected, as in the text format.
    pub(super) fn finish(&mut self, templates: &mut Templates) -> Result<(), Rejection> {
        self.finish_bucket()?;
        let time = self.time.ok_or(Rejection::NoValue("request_time"))?;
        if self.get(Field::Operation).is_empty() {
            return Err(Rejection::NoValue("operation"));
        }
        self.finish_bytes_sent();
        self.finish_address();
        if is_anonymous(self.get(Field::Requester)) {
            let requester = self.get(Field::Requester).to_vec();
            self.member_text("requester", &requester);
            self.remove(Field::Requester);
        }
        if key_spelling::may_differ(self.get(Field::Key), self.get(Field::RequestUri)) {
            let fields = [Field::Key, Field::Operation, Field::RequestUri, Field::Bucket];
            let mut key = Vec::new();
            let [name, operation, request_uri, bucket] = fields.map(|field| self.get(field));
            key_spelling::append(name, operation, request_uri, bucket, &mut key);
            if key != name {
                self.remove(Field::Key);
                self.owned_text(Field::Key, &key);
            }
        }
        if time.nanoseconds > 0 || !self.members.is_empty() {
            let (nanoseconds, members) = (time.nanoseconds, &*self.members);
            self.arena.add(self.index, Field::Extra, |out| extra::append(nanoseconds, members, out));
        }
        // Texts in the arena are not in the record yet.
        let places = &self.arena.places[self.first_place..];
        if !places.iter().any(|place| is_in_template(place.field)) {
            match &self.codes {
                Some(codes) => templates.number_by_codes(self.record, codes),
                None => templates.number(self.record),
            }
        }
        Ok(())
    }

    /// Takes the name of the bucket from its ARN if it is missing. An ARN that does not name the bucket goes to `extra`.
    fn finish_bucket(&mut self) -> Result<(), Rejection> {
        let arn = std::mem::take(&mut self.bucket_arn);
        if !self.get(Field::Bucket).is_empty() {
            if !arn.is_empty() && bucket_of_arn(&arn) != Some(self.get(Field::Bucket)) {
                self.member_text("bucket_arn", &arn);
            }
            return Ok(());
        }
        const MISSING: Rejection = Rejection::NoValue("bucket_name or bucket_arn");
        match arn {
            Cow::Borrowed(arn) => self.text(Field::Bucket, bucket_of_arn(arn).ok_or(MISSING)?),
            Cow::Owned(arn) => self.owned_text(Field::Bucket, bucket_of_arn(&arn).ok_or(MISSING)?),
        }
        Ok(())
    }

    /// Makes zero bytes sent absent: the text format writes `-` for them (User Guide, "Amazon S3 server access log format").
    #[inline]
    fn finish_bytes_sent(&mut self) {
        let slot = MEASURES.iter().position(|measure| *measure == Field::BytesSent);
        if let Some(measure) = slot.and_then(|slot| self.record.measures.get_mut(slot))
            && *measure == Some(0)
        {
            *measure = None;
            self.record.logged[Field::BytesSent as usize] = &[];
        }
    }

    /// Removes the texts of a record that is rejected.
    pub(super) fn reject(self) {
        self.arena.places.truncate(self.first_place);
    }

    /// Leaves the address of the client; the whole list that a proxy forwarded goes to `extra`.
    fn finish_address(&mut self) {
        let logged = self.get(Field::RemoteIp);
        if address::is_canonical(logged) {
            return;
        }
        if let Some(first) = address::first_of_list(logged) {
            let (list, first) = (logged.to_vec(), first.to_vec());
            self.member_text("remote_ip", &list);
            self.remove(Field::RemoteIp);
            self.owned_text(Field::RemoteIp, &first);
        }
        self.record.has_odd_address = true;
    }

    fn remove(&mut self, field: Field) {
        self.record.logged[field as usize] = &[];
        let mut number = 0;
        self.arena.places.retain(|place| {
            number += 1;
            number <= self.first_place || place.field != field
        });
    }
}

/// The rejection of a value that is no text. `json` is the value as JSON.
#[cold]
pub(super) fn bad_text(column: &'static str, json: &str) -> Rejection {
    let has_surrogate = json.match_indices("\\u").any(|(at, _)| {
        let digits = json.as_bytes().get(at + 2..at + 4);
        digits.is_some_and(|digits| matches!(digits, [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F']))
    });
    Rejection::BadValue { column, expected: if has_surrogate { VALID_UNICODE } else { A_TEXT } }
}

/// The rejection of a time that is none.
pub(super) fn bad_time() -> Rejection {
    bad(Field::Time, A_TIME)
}

/// The rejection of a value that is not of the type of its column.
#[cold]
pub(super) fn bad_type(field: Field) -> Rejection {
    let expected = match field {
        Field::Time => A_TIME,
        Field::HttpStatus => A_STATUS,
        Field::AclRequired => A_BOOLEAN,
        field if MEASURES.contains(&field) => A_NUMBER,
        _ => A_TEXT,
    };
    bad(field, expected)
}

#[cold]
fn bad(field: Field, expected: &'static str) -> Rejection {
    Rejection::BadValue { column: column_of(field).unwrap_or_default(), expected }
}

/// The name in the ARN of a bucket: `arn:aws:s3:::media`.
fn bucket_of_arn(arn: &[u8]) -> Option<&[u8]> {
    let rest = arn.strip_prefix(b"arn:aws")?;
    let partition = rest.iter().position(|byte| *byte == b':')?;
    rest[partition..].strip_prefix(b":s3:::").filter(|name| !name.is_empty())
}

/// The digits of a status.
fn status_text(status: i64) -> Option<&'static [u8]> {
    static DIGITS: [[u8; 3]; 900] = {
        let mut digits = [[0; 3]; 900];
        let mut index = 0;
        while index < 900 {
            let status = index + 100;
            digits[index] =
                [b'0' + (status / 100) as u8, b'0' + (status / 10 % 10) as u8, b'0' + (status % 10) as u8];
            index += 1;
        }
        digits
    };
    let index = usize::try_from(status.checked_sub(100)?).ok()?;
    DIGITS.get(index).map(<[u8; 3]>::as_slice)
}
