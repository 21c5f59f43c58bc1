//! The pane with the concentration of a table: a sentence, numbers, and the Lorenz curve.

use ratatui::layout::Rect;
use ratatui::symbols::Marker;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line};
use ratatui::{buffer::Buffer, style::Style};

use crate::insight::concentration::Concentration;
use crate::query::Measure;
use crate::tui::format;
use crate::tui::model::{State, layout, pane::ConcentrationPane};
use crate::tui::view::{no_rows, popup, put};
use crate::tui::widgets::{bars, fit};

/// Terminal columns between the curve and the numbers.
const CHART_GAP: u16 = 3;
/// The narrowest curve.
const MIN_CHART_WIDTH: u16 = 16;
/// Room for the numbers with their names.
const MIN_NUMBERS_WIDTH: u16 = 30;

pub(super) fn draw(state: &State, pane: &ConcentrationPane, buffer: &mut Buffer) {
    let theme = state.theme;
    let area = layout::concentration(state);
    let what = match pane.of {
        Measure::BytesSent => "bytes sent",
        Measure::Errors => "errors",
        _ => "requests",
    };
    let title = format!("Concentration of {what} by {}", pane.by.name());
    let inner = popup::frame(state, &format::visible(&title), area, buffer);
    if let Some(error) = &pane.answer.error {
        return no_rows::failed(state, error, inner, buffer);
    }
    let Some(data) = &pane.answer.data else {
        return no_rows::text(state, &["Counting …"], inner, buffer);
    };
    let sentence = format::visible(&data.sentence(&pane.by, pane.of));
    let mut y = inner.y;
    // Numbers come before the curve.
    let chart_width = inner.width.saturating_sub(CHART_GAP + MIN_NUMBERS_WIDTH).min(layout::CHART.0);
    let has_chart = chart_width >= MIN_CHART_WIDTH;
    let sentence_lines = if has_chart { 3 } else { usize::from(inner.height / 3).clamp(1, 4) };
    for line in fit::wrap_into(&sentence, usize::from(inner.width), sentence_lines) {
        put(buffer, inner, inner.x, y, &line, theme.heading());
        y += 1;
    }
    let chart_height = layout::CHART.1.min(inner.bottom().saturating_sub(y + 2));
    let chart = Rect { x: inner.x, y: y + 1, width: chart_width, height: chart_height };
    if has_chart {
        curve(state, data, chart, buffer);
    }
    let x = if has_chart { chart.right() + CHART_GAP } else { inner.x };
    let numbers = Rect {
        x,
        y: y + 1,
        width: inner.right().saturating_sub(x),
        height: inner.bottom().saturating_sub(y + 1),
    };
    draw_numbers(state, pane, data, numbers, buffer);
}

/// The Lorenz curve with the diagonal of equal shares.
fn curve(state: &State, data: &Concentration, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    if area.height < 4 {
        return;
    }
    let colour = |style: Style| style.fg.unwrap_or_default();
    let plot = Rect { height: area.height - 1, ..area };
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, 100.0])
        .y_bounds([0.0, 1.0])
        .paint(|context| {
            let mut line = |x1: f64, y1: f64, x2: f64, y2: f64, style: Style| {
                context.draw(&Line { x1, y1, x2, y2, color: colour(style) });
            };
            line(0.0, 0.0, 100.0, 1.0, theme.faint());
            for (x, pair) in data.lorenz.windows(2).enumerate() {
                if let [from, to] = pair {
                    line(x as f64, *from, x as f64 + 1.0, *to, theme.accent());
                }
            }
        })
        .render(plot, buffer);
    let caption = "values, smallest to largest →";
    put(buffer, area, area.x, area.bottom() - 1, caption, theme.faint());
}

fn draw_numbers(
    state: &State,
    pane: &ConcentrationPane,
    data: &Concentration,
    area: Rect,
    buffer: &mut Buffer,
) {
    let theme = state.theme;
    let amount = |number: f64| match pane.of {
        Measure::BytesSent => format::bytes(number.max(0.0) as u64),
        _ => crate::human::ratio(number),
    };
    let whole = |number: u64| match pane.of {
        Measure::BytesSent => format::bytes(number),
        _ => format::count(number),
    };
    let mut lines: Vec<(&str, String)> = vec![
        ("values", format::count(data.values)),
        ("total", whole(data.total)),
        ("largest", whole(data.largest)),
        ("average", amount(data.mean)),
        ("median", amount(data.median)),
        ("Gini coefficient", format!("{:.2}", data.gini)),
    ];
    if data.left_out > 0 {
        lines.push(("without a value", whole(data.left_out)));
    }
    let mut y = area.y;
    for (name, value) in &lines {
        put(buffer, area, area.x, y, name, theme.quiet());
        put(buffer, area, area.x + 18, y, value, theme.text());
        y += 1;
    }
    y += 1;
    let room = usize::from(area.width).saturating_sub(10 + 2 + 8);
    for (top, y) in data.tops.iter().zip(y..) {
        put(buffer, area, area.x, y, &format!("top {}", format::count(top.values)), theme.quiet());
        let bar = fit::left(&bars::horizontal(top.share, room), room);
        let x = put(buffer, area, area.x + 10, y, &bar, theme.bar()) + 1;
        put(buffer, area, x, y, &fit::right(&format::percent(top.share), 7), theme.text());
    }
}
