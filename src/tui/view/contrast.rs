//! The pane with what tells two sets of requests apart.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, widgets::Clear, widgets::Widget};
use unicode_width::UnicodeWidthStr;

use crate::insight::contrast::ContrastRow;
use crate::tui::format;
use crate::tui::model::{State, layout, pane::ContrastPane};
use crate::tui::view::{no_rows, put, put_right};
use crate::tui::widgets::{bars, fit};

/// Width of a percentage.
const PERCENT: u16 = 7;
/// The narrowest pane with bars, in terminal columns.
const MIN_WIDTH_WITH_BARS: u16 = 60;

/// The columns after the value: their headings, widths and terminal columns.
struct Columns {
    value: u16,
    /// Width of the bar of a share; 0: there is no bar.
    bar: u16,
    share_a: u16,
    share_b: u16,
    lift: u16,
    count_a: Option<u16>,
    count_b: Option<u16>,
}

impl Columns {
    fn of(area: Rect) -> Columns {
        let bar = match area.width {
            240.. => 30,
            160.. => 20,
            110.. => 10,
            MIN_WIDTH_WITH_BARS.. => 6,
            _ => 0,
        };
        let share = share_width(bar);
        let counts = if area.width >= 100 { 2 } else { 0 };
        let right = area.right() - 1;
        let lift = right - counts * 13 - 9;
        let share_b = lift - 2 - share;
        let share_a = share_b - 2 - share;
        let count = |at: u16| (counts > 0).then(|| right - at * 13 + 2);
        Columns {
            value: share_a.saturating_sub(area.x + 4),
            bar,
            share_a,
            share_b,
            lift,
            count_a: count(2),
            count_b: count(1),
        }
    }
}

/// Width of a share with its bar.
fn share_width(bar: u16) -> u16 {
    if bar == 0 { PERCENT } else { bar + 1 + PERCENT }
}

pub(super) fn draw(state: &State, pane: &ContrastPane, buffer: &mut Buffer) {
    let theme = state.theme;
    let area = layout::pane(state);
    Clear.render(area, buffer);
    let line = Rect { x: area.x + 1, width: area.width.saturating_sub(2), height: area.height, ..area };
    let progress = match (pane.answer.share, &pane.answer.error) {
        (Some(share), None) => format!("≈ {:.0} % compared", share * 100.0),
        _ => String::new(),
    };
    let right = put_right(buffer, line, area.y, &progress, theme.quiet());
    let room = Rect { width: right.saturating_sub(line.x).saturating_sub(2), ..line };
    let x = put(buffer, room, line.x, area.y, "Contrast", theme.heading()) + 1;
    let half = usize::from(room.width.saturating_sub(20)) / 2;
    let x = put(buffer, room, x, area.y, &fit::middle(&pane.of, half), theme.chip());
    let x = put(buffer, room, x, area.y, " against ", theme.quiet());
    put(
        buffer,
        room,
        x,
        area.y,
        &fit::end(&pane.against, usize::from(room.right().saturating_sub(x))),
        theme.chip(),
    );
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if let Some(error) = &pane.answer.error {
        return no_rows::failed(state, error, below, buffer);
    }
    let Some(contrast) = &pane.answer.data else {
        return no_rows::text(state, &["Comparing …"], below, buffer);
    };
    let sizes = format!(
        "{} against {}",
        format::counted(contrast.a.requests, "request"),
        format::count(contrast.b.requests)
    );
    put(buffer, line, line.x, area.y + 1, &sizes, theme.quiet());
    if contrast.rows.is_empty() {
        if pane.answer.share.is_some() {
            return;
        }
        let lines: &[&str] = match (contrast.a.requests, contrast.b.requests) {
            (0, _) => &["No requests to compare"],
            (_, 0) => &["These are all requests", "There are no others to compare them with."],
            _ => &["No difference", "No value is more or less frequent than chance explains."],
        };
        return no_rows::text(state, lines, below, buffer);
    }
    let columns = Columns::of(area);
    headings(state, &columns, line, area.y + 2, buffer);
    let page = layout::pane_page(state);
    for (index, row) in contrast.rows.iter().enumerate().skip(pane.top).take(page) {
        let y = area.y + layout::PANE_HEAD + u16::try_from(index - pane.top).unwrap_or(0);
        let is_selected = index == pane.cursor;
        if is_selected {
            buffer.set_style(Rect { y, height: 1, ..area }, theme.selection());
            put(buffer, area, area.x, y, "▌", theme.accent());
        }
        draw_row(state, row, &columns, Rect { y, height: 1, ..line }, is_selected, buffer);
    }
    // The rows cut long values.
    if let Some(text) = contrast.rows.get(pane.cursor).map(value_text)
        && text.width() > usize::from(columns.value)
    {
        let text = fit::middle(&text, usize::from(line.width.saturating_sub(1)));
        put(buffer, line, line.x + 1, area.bottom().saturating_sub(1), &text, theme.chip());
    }
}

fn headings(state: &State, columns: &Columns, line: Rect, y: u16, buffer: &mut Buffer) {
    let style = state.theme.heading();
    let area = Rect { y, height: 1, ..line };
    put(buffer, area, line.x + 1, y, "VALUE", style);
    // Without bars there is no room for the percent signs, nor for the numbers of requests.
    let (names, width) = match columns.bar {
        0 => (["HERE", "OTHERS"], usize::from(PERCENT)),
        _ => (["% HERE", "% OTHERS"], 0),
    };
    // Blanks in front of a heading would be underlined, too.
    let mut heading = |x: u16, name: &str, width: usize| {
        let before = u16::try_from(width.saturating_sub(name.width())).unwrap_or(0);
        put(buffer, area, x + before, y, name, style);
    };
    for (x, name) in [columns.share_a, columns.share_b].into_iter().zip(names) {
        heading(x, name, width);
    }
    heading(columns.lift, "TIMES", 9);
    for (x, name) in [(columns.count_a, "REQ. HERE"), (columns.count_b, "REQ. OTHERS")] {
        if let Some(x) = x {
            heading(x, name, 11);
        }
    }
}

fn draw_row(
    state: &State,
    row: &ContrastRow,
    columns: &Columns,
    area: Rect,
    is_selected: bool,
    buffer: &mut Buffer,
) {
    let theme = state.theme;
    let styled = |style: Style| if is_selected { theme.selected(style) } else { style };
    let text = value_text(row);
    let more = if row.is_more() { theme.bar() } else { theme.faint() };
    put(
        buffer,
        area,
        area.x + 1,
        area.y,
        &fit::middle(&text, usize::from(columns.value)),
        styled(theme.text()),
    );
    for (x, share, of_bar, of_number) in [
        (columns.share_a, row.share_a, more, theme.text()),
        (columns.share_b, row.share_b, theme.faint(), theme.quiet()),
    ] {
        let bar = usize::from(columns.bar);
        let mut x = x;
        if bar > 0 {
            let text = fit::left(&bars::horizontal(share, bar), bar + 1);
            x = put(buffer, area, x, area.y, &text, styled(of_bar));
        }
        let percent = fit::right(&format::percent(share), usize::from(PERCENT));
        put(buffer, area, x, area.y, &percent, styled(of_number));
    }
    put(buffer, area, columns.lift, area.y, &fit::right(&lift_text(row), 9), styled(theme.text()));
    for (x, count) in [(columns.count_a, row.count_a), (columns.count_b, row.count_b)] {
        if let Some(x) = x {
            put(
                buffer,
                area,
                x,
                area.y,
                &fit::right(&format::count_within(count, 11), 11),
                styled(theme.quiet()),
            );
        }
    }
}

/// The values as a filter: `remote_ip:203.0.113.7`.
fn value_text(row: &ContrastRow) -> String {
    let one = |(by, value): &(crate::query::Dimension, crate::query::Value)| {
        format::filter(&crate::query::Filter::term_for(by, value))
    };
    row.values.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn lift_text(row: &ContrastRow) -> String {
    match (row.count_a, row.count_b) {
        (_, 0) => "only here".to_owned(),
        (0, _) => "not here".to_owned(),
        _ => format!("× {}", crate::human::ratio(row.lift)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_do_not_overlap_at_any_width() {
        for width in 40..300 {
            let area = Rect { x: 0, y: 0, width, height: 1 };
            let columns = Columns::of(area);
            let share = share_width(columns.bar);
            assert!(columns.value >= 8, "{width}");
            assert!(columns.share_a + share + 2 <= columns.share_b);
            assert!(columns.share_b + share + 2 <= columns.lift);
            for x in [columns.count_a, columns.count_b].into_iter().flatten() {
                assert!(columns.lift + 9 < x && x + 11 <= width, "{width}");
            }
            assert!("only here".len() <= 9);
        }
    }
}
