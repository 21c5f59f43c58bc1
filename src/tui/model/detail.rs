//! One request with all its fields, in sections. Absent fields are folded into one line.

use ratatui::layout::Rect;

use crate::log::{FIELDS, Field, error_code};
use crate::query::{Dimension, RequestRow, Value};
use crate::tui::{cell_text, format, model::state::State, widgets::fit};

#[derive(Clone, Debug)]
pub(crate) struct Detail {
    /// The request. Until it is complete, it has only the fields that the table had.
    pub(crate) row: RequestRow,
    /// Whether all its fields were read.
    pub(crate) is_complete: bool,
    /// Number of the query that reads all its fields.
    pub(crate) query_number: Option<u64>,
    /// Whether the request under the cursor of the table opens as soon as it is loaded.
    pub(crate) awaits_row: bool,
    /// Index in `FIELDS` of the field under the cursor.
    pub(crate) cursor: usize,
    /// Index of the first line on the screen.
    pub(crate) top: usize,
}

/// The fields by what they say about the request. All others are in the last section.
const SECTIONS: [(&str, &[Field]); 5] = [
    ("Who", &[Field::RemoteIp, Field::Requester, Field::UserAgent, Field::Referer, Field::SourceRegion]),
    (
        "What",
        &[
            Field::Operation,
            Field::Key,
            Field::KeyLogged,
            Field::VersionId,
            Field::Bucket,
            Field::RequestUri,
            Field::HostHeader,
            Field::AccessPointArn,
        ],
    ),
    ("Outcome", &[Field::HttpStatus, Field::ErrorCode, Field::AclRequired]),
    (
        "Size and time",
        &[Field::Time, Field::BytesSent, Field::ObjectSize, Field::TotalTime, Field::TurnAroundTime],
    ),
    (
        "Security",
        &[Field::AuthenticationType, Field::SignatureVersion, Field::TlsVersion, Field::CipherSuite],
    ),
];
/// The section of all other fields.
const ORIGIN: &str = "Origin";

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineOf {
    /// The title of a section, or the blank line above it.
    Section,
    /// A field, as its index in `FIELDS`.
    Field(usize),
    /// The absent fields.
    Absent,
}

pub(crate) struct DetailLine {
    pub(crate) of: LineOf,
    /// In front of the text: the name of the field, in its first line.
    pub(crate) name: &'static str,
    pub(crate) text: String,
    /// What the value means, behind it.
    pub(crate) note: String,
}

/// The lowest area with blank lines between the sections: all fields fit, whether folded or not.
const MIN_HEIGHT_WITH_BLANKS: u16 = 45;

/// Width of the names of fields, in terminal columns.
pub(crate) const NAMES_WIDTH: u16 = 22;

impl Detail {
    /// A request of which only some fields are known.
    pub(crate) fn new(row: RequestRow) -> Detail {
        let cursor = Field::RemoteIp as usize;
        Detail { row, is_complete: false, query_number: None, awaits_row: false, cursor, top: 0 }
    }

    /// Shows another request. The cursor stays on its field.
    pub(crate) fn replace(&mut self, row: RequestRow) {
        *self = Detail { cursor: self.cursor, top: self.top, ..Detail::new(row) };
    }

    fn is_absent(&self, field: Field) -> bool {
        self.is_complete && matches!(self.row.get(field), Value::Absent)
    }

    /// The sections with their fields, as indexes in `FIELDS`. Absent fields are left out unless `with_absent`, except for
    /// the one under the cursor.
    fn sections(&self, with_absent: bool) -> Vec<(&'static str, Vec<usize>)> {
        let is_shown = |field: Field| with_absent || !self.is_absent(field) || field as usize == self.cursor;
        let in_section = |field: Field| SECTIONS.iter().any(|(_, fields)| fields.contains(&field));
        let others = FIELDS.iter().map(|spec| spec.field).filter(|field| !in_section(*field));
        let named = SECTIONS.iter().map(|(title, fields)| (*title, fields.to_vec()));
        named
            .chain([(ORIGIN, others.collect())])
            .map(|(title, fields)| {
                let shown = fields.into_iter().filter(|field| is_shown(*field));
                (title, shown.map(|field| field as usize).collect::<Vec<usize>>())
            })
            .filter(|(_, fields)| !fields.is_empty())
            .collect()
    }

    /// The fields in their order on the screen, as indexes in `FIELDS`.
    pub(crate) fn fields(&self, with_absent: bool) -> Vec<usize> {
        self.sections(with_absent).into_iter().flat_map(|(_, fields)| fields).collect()
    }

    /// All lines, for an area of this size: wrapped to its width. There is a blank line above each section if it is tall.
    pub(crate) fn lines(&self, state: &State, Rect { width, height, .. }: Rect) -> Vec<DetailLine> {
        let text_width = usize::from(width.saturating_sub(NAMES_WIDTH + 2));
        let mut lines = Vec::new();
        let line = |of, name, text, note| DetailLine { of, name, text, note };
        let with_absent = state.shows_absent_fields;
        for (title, fields) in self.sections(with_absent) {
            if height >= MIN_HEIGHT_WITH_BLANKS {
                lines.push(line(LineOf::Section, "", String::new(), String::new()));
            }
            lines.push(line(LineOf::Section, title, String::new(), String::new()));
            for index in fields {
                let Some(spec) = FIELDS.get(index) else { continue };
                let text = self.text(state, spec.field);
                let note = self.note(spec.field);
                let texts = fit::wrap(&text, text_width);
                let last = texts.len() - 1;
                for (at, text) in texts.into_iter().enumerate() {
                    let name = if at == 0 { spec.name } else { "" };
                    lines.push(line(LineOf::Field(index), name, text, String::new()));
                    if at < last || note.is_empty() {
                        continue;
                    }
                    let used =
                        lines.last().map_or(0, |line| unicode_width::UnicodeWidthStr::width(&*line.text));
                    match lines.last_mut() {
                        Some(line)
                            if used + 2 + unicode_width::UnicodeWidthStr::width(&*note) <= text_width =>
                        {
                            line.note.clone_from(&note);
                        }
                        _ => {
                            let notes = fit::wrap(&note, text_width).into_iter();
                            lines.extend(
                                notes.map(|note| line(LineOf::Field(index), "", String::new(), note)),
                            );
                        }
                    }
                }
            }
        }
        let absent: Vec<&str> =
            FIELDS.iter().filter(|spec| self.is_absent(spec.field)).map(|spec| spec.name).collect();
        if !absent.is_empty() {
            let count = format::counted(absent.len() as u64, "absent field");
            let (what, names) = match with_absent {
                true => ("folds", String::new()),
                false => ("shows", format!(": {}", absent.join(", "))),
            };
            let key = state.settings.keys.key_of(super::Context::Detail, super::Command::Toggle);
            let text = format!("{key} {what} {count}{names}");
            lines.push(line(
                LineOf::Absent,
                "",
                fit::end(&text, usize::from(width.saturating_sub(2))),
                String::new(),
            ));
        }
        lines
    }

    /// The value of a field.
    fn text(&self, state: &State, field: Field) -> String {
        let value = self.row.get(field);
        if field == Field::Time {
            let day = format::instant(self.row.time, state.zone(), "%A");
            return format!(
                "{} {}, {day}",
                format::full_instant(self.row.time, state.zone()),
                state.zone_name()
            );
        }
        match (format::measure(field, value), value) {
            (Some(rounded), Value::Integer(number)) => {
                let exact = format::count(u64::try_from(*number).unwrap_or(0));
                let unit = if matches!(field, Field::BytesSent | Field::ObjectSize) { "bytes" } else { "ms" };
                // Below 1,000 ms and 1 KiB, the rounded form is no shorter.
                if *number < if unit == "bytes" { 1_024 } else { 1_000 } {
                    format!("{exact} {unit}")
                } else {
                    format!("{exact} {unit}  ({rounded})")
                }
            }
            (None, Value::Absent) if !self.is_complete => "…".to_owned(),
            (None, Value::Absent) => cell_text::absent(field).to_owned(),
            _ => format::value(value),
        }
    }

    /// What the value of a field means; empty if the value says it.
    fn note(&self, field: Field) -> String {
        let value = self.row.get(field);
        let note = match (field, value) {
            (Field::HttpStatus, Value::Integer(status)) => status_name(*status).to_owned(),
            (Field::ErrorCode, Value::Text(code)) => std::str::from_utf8(code)
                .ok()
                .and_then(error_code::known)
                .map_or("", |(_, about)| about)
                .to_owned(),
            (Field::Operation | Field::Requester, Value::Text(_)) => cell_text::of_field(field, value),
            (Field::UserAgent, Value::Text(agent)) => Dimension::AgentFamily
                .derive(Some(agent))
                // The family of agents that name no program.
                .filter(|family| **family != *b"other")
                .map_or(String::new(), |family| format::value(&Value::Text(family.into_owned().into()))),
            (Field::AuthenticationType, Value::Text(kind)) => match &**kind {
                b"AuthHeader" => "signed in a header".to_owned(),
                b"QueryString" => "a presigned URL".to_owned(),
                _ => String::new(),
            },
            (Field::BytesSent, Value::Integer(sent)) => match self.row.get(Field::ObjectSize) {
                Value::Integer(size) if *size > 0 && sent < size && *sent >= 0 => {
                    format!("{} of the object", format::percent(*sent as f64 / *size as f64))
                }
                _ => String::new(),
            },
            _ => String::new(),
        };
        if note == format::value(value) { String::new() } else { note }
    }
}

/// The reason phrase of a status (RFC 9110).
fn status_name(status: i64) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        412 => "Precondition Failed",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
