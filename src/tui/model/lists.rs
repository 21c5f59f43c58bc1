//! Lists to choose from in a popup: their entries, and which entry is where on the screen.

use std::borrow::Cow;

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::tui::model::{Overlay, State, axis, layout};
use crate::{query::BucketWidth, query::Dimension, tui::format};

pub(crate) struct Entry {
    pub(crate) text: String,
    pub(crate) about: String,
    /// `false`: the entry is switched off, or its column is hidden.
    pub(crate) is_on: bool,
}

pub(crate) struct List {
    pub(crate) title: Cow<'static, str>,
    /// Index of the entry under the cursor.
    pub(crate) cursor: usize,
    pub(crate) entries: Vec<Entry>,
}

pub(crate) fn dimensions() -> Vec<Dimension> {
    let mut all = Dimension::choices();
    // The second level of folders is a common choice too.
    if let Some(at) = all.iter().position(|by| *by == Dimension::Prefix { depth: 1 }) {
        all.insert(at + 1, Dimension::Prefix { depth: 2 });
    }
    all
}

/// The dimensions that can be the second one of a table of pairs.
pub(crate) fn second_dimensions(first: &Dimension) -> Vec<Dimension> {
    dimensions().into_iter().filter(|by| by != first).collect()
}

/// The widths of buckets in the table of times; `None`: chosen to fit.
pub(crate) fn bucket_widths() -> Vec<Option<BucketWidth>> {
    let seconds = axis::ROUND_WIDTHS.into_iter().map(BucketWidth::Seconds);
    std::iter::once(None).chain(seconds.chain([BucketWidth::Month]).map(Some)).collect()
}

impl List {
    /// The list in front; `None` if the popup is not a list.
    pub(crate) fn in_front(state: &State) -> Option<List> {
        let check = |is_on: bool| if is_on { "[x]" } else { "[ ]" };
        let layer = state.layer();
        let (title, cursor, entries) = match state.overlay.as_ref()? {
            Overlay::Filters(cursor) => {
                let on = layer.filter.terms().iter().map(|term| (true, term));
                let off = layer.disabled.iter().map(|term| (false, term));
                let entries = on.chain(off).map(|(is_on, term)| Entry {
                    text: format!("{} {}", check(is_on), format::visible(&term.to_string())),
                    about: String::new(),
                    is_on,
                });
                ("Filters".into(), *cursor, entries.collect())
            }
            Overlay::Columns(cursor) => {
                let table = layer.table();
                let title = table.title();
                let entries = table.columns.iter().map(|choice| {
                    let fits = table.placed.iter().any(|placed| placed.column == choice.column);
                    let is_constant = table.is_hidden_as_constant(choice.column);
                    let is_on = choice.is_shown && !is_constant;
                    let hint = match is_on {
                        _ if choice.is_shown && is_constant => "  (the same in every row)",
                        true if !fits => "  (no room)",
                        _ => "",
                    };
                    Entry {
                        text: format!("{} {}", check(is_on), choice.column.title(&title)),
                        about: format!("{}{hint}", choice.column.about()),
                        is_on,
                    }
                });
                ("Columns".into(), *cursor, entries.collect())
            }
            Overlay::Dimensions(cursor) => {
                let second = Entry {
                    text: "and then by …".to_owned(),
                    about: "A second dimension: a row per pair of values.".to_owned(),
                    is_on: true,
                };
                let entries = dimensions().into_iter().map(|by| Entry {
                    text: by.name(),
                    about: about_dimension(&by).to_owned(),
                    is_on: true,
                });
                let has_first = layer.table().dimension().is_some();
                let entries = entries.chain(has_first.then_some(second));
                ("Group by".into(), *cursor, entries.collect())
            }
            Overlay::SecondDimensions(first, cursor) => {
                let entries = second_dimensions(first).into_iter().map(|by| Entry {
                    text: by.name(),
                    about: about_dimension(&by).to_owned(),
                    is_on: true,
                });
                (format!("Group by {}, and then by", first.name()).into(), *cursor, entries.collect())
            }
            Overlay::BucketWidths(cursor) => {
                let entries = bucket_widths().into_iter().map(|width| Entry {
                    text: width.map_or("automatic".to_owned(), format::bucket_width),
                    about: about_bucket(width).to_owned(),
                    is_on: true,
                });
                ("Rows per".into(), *cursor, entries.collect())
            }
            Overlay::Help(_) | Overlay::Failures(_) => return None,
        };
        Some(List { title, cursor, entries })
    }

    /// The part of the screen that the list covers, its frame included.
    pub(crate) fn area(&self, state: &State) -> Rect {
        let text_width = self.text_width();
        let width = self.entries.iter().map(|entry| text_width + 2 + entry.about.width()).max().unwrap_or(0);
        layout::popup(state, u16::try_from(width + 6).unwrap_or(u16::MAX).max(34), self.entries.len())
    }

    /// Width of the longest text, in terminal columns.
    pub(crate) fn text_width(&self) -> usize {
        self.entries.iter().map(|entry| entry.text.width()).max().unwrap_or(0)
    }

    /// Index of the first entry on a page of `page` entries: the cursor is in the middle if possible.
    pub(crate) fn top(&self, page: usize) -> usize {
        self.cursor.saturating_sub(page / 2).min(self.entries.len().saturating_sub(page))
    }

    /// Index of the entry in row `y` of the screen.
    pub(crate) fn entry_at(&self, state: &State, y: u16) -> Option<usize> {
        let area = self.area(state);
        let page = usize::from(area.height.saturating_sub(2));
        let line = usize::from(y.checked_sub(area.y + 1)?);
        let index = self.top(page) + line;
        (line < page && index < self.entries.len()).then_some(index)
    }
}

fn about_bucket(width: Option<BucketWidth>) -> &'static str {
    match width {
        None => "As wide as 200 rows need.",
        Some(BucketWidth::Seconds(604_800)) => "From Monday to Sunday, UTC.",
        Some(BucketWidth::Seconds(86_400)) => "From 00:00 to 24:00, UTC.",
        Some(BucketWidth::Month) => "Months of the calendar, UTC.",
        Some(BucketWidth::Seconds(_)) => "",
    }
}

fn about_dimension(by: &Dimension) -> &'static str {
    match by {
        Dimension::Field(field) => field.spec().about,
        Dimension::Network { .. } => "Networks of the addresses: /24 and /48.",
        Dimension::Role => "Requesters, with all sessions of a role as one.",
        Dimension::Prefix { depth: 1 } => "First folder of the key.",
        Dimension::Prefix { .. } => "First folders of the key.",
        Dimension::Extension => "File extension of the key.",
        Dimension::Country => "Country of the address; needs a database.",
        Dimension::Asn => "Autonomous system of the address; needs a database.",
        Dimension::Aws => "AWS service and region of the address; needs ip-ranges.json.",
        Dimension::RefererHost => "Host of the referer.",
        Dimension::AgentFamily => "Program, browser or crawler of the user agent.",
        Dimension::Method => "HTTP method: GET, PUT, …",
        Dimension::StatusClass => "2xx, 3xx, 4xx, 5xx.",
        Dimension::HourOfDay => "Hour of the day, UTC.",
        Dimension::Weekday => "Day of the week, UTC.",
        Dimension::Bucket(_) => "Time.",
        Dimension::QueryParam { .. } => "Values of a parameter of the request URI.",
    }
}
