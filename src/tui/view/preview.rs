//! The pane beside the table on wide terminals: the whole value under the cursor, its numbers, its requests over time, and
//! what was found about it. Nothing is queried for it.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use crate::log::{FIELDS, Field};
use crate::query::{Stats, Value};
use crate::tui::model::{Rows, State, Table, TableKind, found, time_axes};
use crate::tui::view::{groups, put, put_right};
use crate::tui::{cell_text, format, widgets::bars, widgets::fit};

/// Terminal columns of the names of numbers.
const NAMES_WIDTH: u16 = 16;
/// Lines of the chart of the requests over time.
const CHART_ROWS: u16 = 4;

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.width < 20 || area.height < 3 {
        return;
    }
    let table = state.layer().table();
    // Without rows, their explanation has the whole width.
    let Some(rows) = table.rows.data.as_ref().filter(|rows| rows.total() > 0) else { return };
    for y in area.y..area.bottom() {
        put(buffer, area, area.x, y, "│", state.theme.faint());
    }
    let inside = Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area };
    let mut page = Page { state, buffer, area: inside, y: inside.y, names_width: NAMES_WIDTH };
    match (&table.kind, rows) {
        (TableKind::Groups(by), Rows::Groups(found)) => {
            let Some(row) = rows.group(table.cursor) else { return };
            page.title(&by.name());
            page.value(&cell_text::of_group(by, &row.value));
            page.stats(&row.stats, &found.totals);
            page.more_measures(&row.value);
            page.chart(table.activity.get(&row.value));
            page.findings(by, &row.value);
        }
        (TableKind::Pairs(by), Rows::Pairs(found)) => {
            let Some(row) = rows.pair(table.cursor) else { return };
            for (by, value) in by.iter().zip(&row.values) {
                page.title(&by.name());
                page.value(&cell_text::of_group(by, value));
            }
            page.stats(&row.stats, &found.totals);
        }
        (TableKind::Times(_), Rows::Times { totals, .. }) => {
            let Some(row) = rows.time(table.cursor) else { return };
            let zone = state.zone();
            page.title(&format!("time, {}", state.zone_name()));
            page.value(&format!(
                "{} – {}",
                format::full_instant(row.start, zone),
                format::full_instant(row.end, zone)
            ));
            page.stats(&row.stats, totals);
        }
        (TableKind::Requests, _) => {
            let Some(row) = rows.request(table.cursor) else { return };
            page.names_width = names_width(table);
            for spec in FIELDS.iter().filter(|spec| *row.get(spec.field) != Value::Absent) {
                let value = row.get(spec.field);
                let text = match spec.field {
                    Field::Time => {
                        format!("{} {}", format::full_instant(row.time, state.zone()), state.zone_name())
                    }
                    field => format::measure(field, value).unwrap_or_else(|| format::value(value)),
                };
                page.field(spec.name, &text);
            }
        }
        _ => {}
    }
}

/// The lines of the pane, from the top.
struct Page<'a> {
    state: &'a State,
    buffer: &'a mut Buffer,
    area: Rect,
    y: u16,
    /// Terminal columns of the names in front of values.
    names_width: u16,
}

/// Terminal columns of the names of the fields that the table has. It is the same for all rows.
fn names_width(table: &Table) -> u16 {
    let names = table.shown_columns().filter_map(|column| column.field()).map(|field| field.name().len());
    u16::try_from(names.max().unwrap_or(0)).unwrap_or(0) + 2
}

impl Page<'_> {
    fn line(&mut self, text: &str, style: Style) {
        if self.y < self.area.bottom() {
            let text = fit::end(text, usize::from(self.area.width));
            put(self.buffer, self.area, self.area.x, self.y, &text, style);
            self.y += 1;
        }
    }

    fn title(&mut self, text: &str) {
        self.line(text, self.state.theme.quiet());
    }

    /// The whole value, in as many lines as it needs.
    fn value(&mut self, text: &str) {
        for line in fit::wrap(text, usize::from(self.area.width)) {
            self.line(&line, self.state.theme.text());
        }
    }

    /// A name with the whole value behind it.
    fn field(&mut self, name: &str, text: &str) {
        let room = Rect {
            x: self.area.x + self.names_width,
            width: self.area.width.saturating_sub(self.names_width),
            ..self.area
        };
        let theme = self.state.theme;
        for (index, line) in fit::wrap(text, usize::from(room.width)).iter().enumerate() {
            if self.y >= self.area.bottom() {
                return;
            }
            let name = if index == 0 { name } else { "" };
            put(self.buffer, self.area, self.area.x, self.y, name, theme.quiet());
            put(self.buffer, room, room.x, self.y, line, theme.text());
            self.y += 1;
        }
    }

    fn number(&mut self, name: &str, number: &str, more: &str) {
        if self.y >= self.area.bottom() {
            return;
        }
        let theme = self.state.theme;
        put(self.buffer, self.area, self.area.x, self.y, name, theme.quiet());
        let x = self.area.x + self.names_width;
        let x = put(self.buffer, self.area, x, self.y, number, theme.text());
        if self.area.right().saturating_sub(x) > u16::try_from(more.width()).unwrap_or(u16::MAX) {
            put_right(self.buffer, self.area, self.y, more, theme.quiet());
        }
        self.y += 1;
    }

    fn stats(&mut self, stats: &Stats, totals: &Stats) {
        self.y += 1;
        let share = |part, whole| match whole {
            0 => String::new(),
            whole => format!("{} of all", format::percent(crate::human::share(part, whole))),
        };
        let bytes = format!("{} bytes", format::count(stats.bytes_sent));
        self.number("requests", &format::count(stats.requests), &share(stats.requests, totals.requests));
        self.number(
            "bytes sent",
            &format::bytes(stats.bytes_sent),
            &share(stats.bytes_sent, totals.bytes_sent),
        );
        self.number("", &bytes, "");
        let rate = format::percent(crate::human::share(stats.errors, stats.requests));
        self.number("errors", &format::count(stats.errors), if stats.requests > 0 { &rate } else { "" });
        if stats.requests > 0 {
            let zone = self.state.zone();
            self.number("first seen", &format::full_instant(stats.first_seen, zone), "");
            self.number("last seen", &format::full_instant(stats.last_seen, zone), "");
            let length = stats.last_seen - stats.first_seen;
            if length > 0 {
                self.number("length", &format::length_of_time(length), "");
            }
        }
    }

    /// The measures that are computed for the rows on the screen.
    fn more_measures(&mut self, value: &Value) {
        let Some(measures) = self.state.layer().table().lazy_measures.get(value) else { return };
        for lazy in measures {
            let Some(number) = lazy.number else { continue };
            let text = groups::lazy_measure(lazy.measure, number, lazy.is_approximate, NAMES_WIDTH);
            let title = lazy.measure.name().replace('_', " ");
            self.number(&title, &text, "");
        }
    }

    /// The requests over time, as in the sparkline of the row.
    fn chart(&mut self, activity: Option<&Vec<u64>>) {
        let Some(numbers) = activity.filter(|numbers| !numbers.is_empty()) else { return };
        if self.y + CHART_ROWS + 2 > self.area.bottom() {
            return;
        }
        self.y += 1;
        let highest = numbers.iter().copied().max().unwrap_or(0);
        let is_partial = time_axes::partial_sparks(self.state, numbers.len());
        for row in (0..CHART_ROWS).rev() {
            let line = bars::chart(numbers, usize::from(self.area.width), (row, CHART_ROWS), &is_partial);
            put(self.buffer, self.area, self.area.x, self.y, &line, self.state.theme.bar());
            self.y += 1;
        }
        let per = time_axes::sparklines(self.state)
            .map_or(String::new(), |axis| format!(" {}", format::per(axis.bucket)));
        self.title(&format!("requests{per}, at most {}", format::count(highest)));
    }

    /// The findings about the value.
    fn findings(&mut self, by: &crate::query::Dimension, value: &Value) {
        let state = self.state;
        let is_about = |finding: &&crate::insight::findings::Finding| {
            finding.subject.as_ref().is_some_and(|(dimension, subject)| dimension == by && subject == value)
        };
        for finding in found::visible(state).filter(is_about) {
            self.y += 1;
            self.line(&format!("! {}", finding.kind.name()), state.theme.severity(found::severity(finding)));
            self.value(&format::visible(&finding.explanation));
        }
    }
}
