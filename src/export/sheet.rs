//! Sheets: rows of typed cells under named columns, the input of every format.

use std::borrow::Cow;

use super::visible::{visible_bytes, visible_filter};
use crate::human::rfc3339;

/// A value, before it is formatted.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Text, possibly with invisible characters or invalid UTF-8.
    Text(&'a [u8]),
    /// Text that the cell owns.
    Owned(Vec<u8>),
    /// A filter as it is printed: invisible characters are escaped as the filter language does it.
    Filter(String),
    /// An integer.
    Number(i128),
    /// A number of bytes.
    Bytes(i128),
    /// A duration in milliseconds.
    Milliseconds(f64),
    /// A share, 0–1.
    Share(f64),
    /// Another number.
    Ratio(f64),
    /// An amount in US dollars.
    Dollars(f64),
    /// A time in seconds since the epoch.
    Instant(i64),
    /// No value.
    Absent,
}

impl Cell<'_> {
    /// The bytes of a text; `None` for other cells.
    pub(super) fn text(&self) -> Option<&[u8]> {
        match self {
            Cell::Text(text) => Some(text),
            Cell::Owned(text) => Some(text),
            Cell::Filter(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// Whether JSON can represent the number of this cell: it has no infinities and no NaN.
    pub(super) fn is_finite(&self) -> bool {
        match self {
            Cell::Milliseconds(number)
            | Cell::Share(number)
            | Cell::Ratio(number)
            | Cell::Dollars(number) => number.is_finite(),
            _ => true,
        }
    }

    /// The text with visible characters only; `None` for other cells.
    pub(super) fn visible_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Cell::Filter(text) => Some(visible_filter(text)),
            other => other.text().map(visible_bytes),
        }
    }

    /// The spelling in JSON and CSV of a number or time; `None` for text and absent values.
    pub(super) fn plain(&self) -> Option<String> {
        match self {
            Cell::Text(_) | Cell::Owned(_) | Cell::Filter(_) | Cell::Absent => None,
            Cell::Number(number) | Cell::Bytes(number) => Some(number.to_string()),
            // `Debug` prints the shortest spelling that parses to the same number, with a decimal point.
            Cell::Milliseconds(number) | Cell::Share(number) | Cell::Ratio(number) => {
                Some(format!("{number:?}"))
            }
            // A billionth of a dollar is less than the price of any request.
            Cell::Dollars(amount) => Some(format!("{:?}", (amount * 1e9).round() / 1e9)),
            Cell::Instant(second) => Some(rfc3339(*second)),
        }
    }
}

/// An iterator over rows, which are computed when they are needed.
pub(super) type Rows<'a> = Box<dyn Iterator<Item = Vec<Cell<'a>>> + 'a>;

/// Rows under named columns.
pub struct Sheet<'a> {
    /// Column names in JSON and CSV.
    pub(super) names: Vec<Cow<'static, str>>,
    /// Column headings in tables.
    pub(super) titles: Vec<String>,
    pub(super) rows: Rows<'a>,
    /// A line below a table.
    pub(super) note: Option<String>,
    pub(super) approximate: Vec<&'static str>,
}

impl<'a> Sheet<'a> {
    /// A sheet with known column names, which are also the headings.
    pub fn new(names: &[&'static str], rows: Rows<'a>, note: Option<String>) -> Sheet<'a> {
        let titles = names.iter().map(|name| name.replace('_', " ")).collect();
        let names = names.iter().map(|name| Cow::Borrowed(*name)).collect();
        Sheet { names, titles, rows, note, approximate: Vec::new() }
    }

    /// A sheet whose column names the user has chosen.
    pub fn named(names: Vec<String>, rows: Rows<'a>, note: Option<String>) -> Sheet<'a> {
        let titles = names.iter().map(|name| super::visible(name).into_owned()).collect();
        let names = names.into_iter().map(Cow::Owned).collect();
        Sheet { names, titles, rows, note, approximate: Vec::new() }
    }

    /// The sheet with one more column at `index`. Rows without a cell in `cells` have none.
    #[must_use]
    pub fn with_column(mut self, index: usize, name: &'static str, cells: Vec<Cell<'a>>) -> Sheet<'a> {
        let title = name.replace('_', " ");
        let (first, rest) = title.split_at(usize::from(!title.is_empty()));
        self.titles.insert(index.min(self.titles.len()), first.to_uppercase() + rest);
        self.names.insert(index.min(self.names.len()), Cow::Borrowed(name));
        let mut cells = cells.into_iter();
        self.rows = Box::new(self.rows.map(move |mut row| {
            row.insert(index.min(row.len()), cells.next().unwrap_or(Cell::Absent));
            row
        }));
        self
    }

    /// The rows as lines of text: visible characters only, two spaces between cells.
    pub(crate) fn into_lines(self) -> impl Iterator<Item = String> + 'a {
        self.rows.map(|row| {
            let text = |cell: &Cell<'_>| match cell.visible_text() {
                Some(text) => text.into_owned(),
                None => cell.plain().unwrap_or_else(|| "-".to_owned()),
            };
            row.iter().map(text).collect::<Vec<_>>().join("  ")
        })
    }

    /// The sheet with one more column of estimates at its end. Rows without a cell in `cells` have none.
    #[must_use]
    pub fn with_estimate(mut self, name: &'static str, cells: Vec<Cell<'a>>) -> Sheet<'a> {
        let end = self.names.len();
        self = self.with_column(end, name, cells);
        if let Some(title) = self.titles.last_mut() {
            *title = format!("≈ {name}");
        }
        self.approximate.push(name);
        self
    }

    /// The sheet without a line below the table.
    #[must_use]
    pub fn without_note(self) -> Sheet<'a> {
        Sheet { note: None, ..self }
    }

    /// The sheet with only the columns `names`, in this order. Unknown names are ignored.
    #[must_use]
    pub fn only(self, names: &[&str]) -> Sheet<'a> {
        let indexes: Vec<usize> =
            names.iter().filter_map(|name| self.names.iter().position(|known| known == name)).collect();
        Sheet {
            names: indexes.iter().filter_map(|index| self.names.get(*index).cloned()).collect(),
            titles: indexes.iter().filter_map(|index| self.titles.get(*index).cloned()).collect(),
            rows: Box::new(self.rows.map(move |mut row| {
                let mut cell = |index: &usize| {
                    row.get_mut(*index).map_or(Cell::Absent, |cell| std::mem::replace(cell, Cell::Absent))
                };
                indexes.iter().map(&mut cell).collect()
            })),
            note: self.note,
            approximate: self.approximate,
        }
    }
}
