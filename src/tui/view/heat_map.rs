//! The heat map of a week: a row per weekday, a column per hour of the day.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use crate::tui::model::heat_map::{self, HeatMap, Shades, WeekHour};
use crate::tui::model::{Areas, State, TimelineMeasure};
use crate::tui::view::{no_rows, put, put_right};
use crate::tui::{cell_text, format, widgets::fit};

/// Shades, from nothing to the busiest quarter of the hours.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

pub(super) fn draw(state: &State, areas: &Areas, buffer: &mut Buffer) {
    let theme = state.theme;
    let has_requests = state.matched().is_some_and(|(stats, _)| stats.requests > 0);
    let Some(map) = HeatMap::of(state).filter(|_| has_requests) else {
        let area = Rect { height: areas.rows.height + areas.head.height, y: areas.head.y, ..areas.rows };
        return match state.layer().heat_map.error() {
            Some(error) => no_rows::failed(state, error, area, buffer),
            None => no_rows::draw(state, area, buffer),
        };
    };
    let measure = state.timeline_measure();
    let ((width, height), area) = heat_map::cells(areas);
    let (shades, busiest) = (map.shades(measure), map.busiest(measure));
    // Hours above the cells, as many as fit.
    let every = if width >= 3 { 1 } else { 3 };
    for hour in (0..24u16).step_by(every) {
        put(buffer, areas.head, area.x + hour * width, areas.head.y, &format!("{hour:02}"), theme.heading());
    }
    // Sums are beside the cells, not at the edge of a wide screen.
    let sums = area.right().saturating_add(heat_map::SUMS_WIDTH).min(areas.head.right()).saturating_sub(1);
    let until = |area: Rect| Rect { width: sums.saturating_sub(area.x), ..area };
    put_right(buffer, until(areas.head), areas.head.y, "ALL", theme.heading());
    let cursor = state.layer().heat_cursor;
    let first_day = heat_map::first_day(areas, cursor);
    for day in first_day..7 {
        let y = area.y + u16::try_from(day - first_day).unwrap_or(0) * height;
        if y >= area.bottom() {
            break;
        }
        let line = Rect { y, height: 1, ..areas.rows };
        let name = cell_text::weekday(day as i64 + 1).unwrap_or_default();
        put(buffer, line, line.x + 2, y, &fit::left(name.get(..3).unwrap_or(name), 3), theme.text());
        for hour in 0..24 {
            let at = WeekHour { day, hour };
            let symbol = SHADES[shades.level(map.mean(at, measure)).min(4)];
            let style = match () {
                // The colour of the busiest hour must be another one.
                () if at == cursor => theme.selected(theme.mark()),
                () if Some(at) == busiest => theme.block(theme.warning()),
                () => theme.bar(),
            };
            let x = area.x + u16::try_from(hour).unwrap_or(0) * width;
            // A blank between cells where there is room.
            let filled = if width > 2 { width - 1 } else { width };
            for (column, row) in (0..filled).flat_map(|column| (0..height).map(move |row| (column, row))) {
                let (x, y) = (x + column, y + row);
                if x < area.right() && y < area.bottom() {
                    buffer[(x, y)].set_char(symbol).set_style(style);
                }
            }
            // A reversed shade looks like another shade.
            if at == cursor && !theme.has_colours() {
                for y in (y..y + height).take_while(|y| *y < area.bottom()) {
                    for (edge, symbol) in [(x, '['), (x + filled - 1, ']')] {
                        buffer[(edge.min(area.right() - 1), y)].set_char(symbol).set_style(theme.text());
                    }
                }
            }
        }
        let sum = map.stats[day].iter().map(|stats| measure.of(stats)).fold(0u64, u64::saturating_add);
        put_right(buffer, until(line), y, &measure.amount(sum), theme.text());
    }
    legend(state, areas, shades, busiest, buffer);
    under_cursor(state, areas, &map, buffer);
}

/// A mean in the unit of a measure.
fn amount(measure: TimelineMeasure, mean: f64) -> String {
    match measure {
        TimelineMeasure::BytesSent => format::bytes(mean.round() as u64),
        _ => crate::human::ratio(mean),
    }
}

/// What the shades mean: up to which mean of an hour each goes, and which hour is the busiest.
fn legend(state: &State, areas: &Areas, shades: Shades, busiest: Option<WeekHour>, buffer: &mut Buffer) {
    let Some(busiest) = busiest else { return };
    let measure = state.timeline_measure();
    let area = Rect { x: areas.totals.x + 2, width: areas.totals.width.saturating_sub(3), ..areas.totals };
    let theme = state.theme;
    let day = cell_text::weekday(busiest.day as i64 + 1).and_then(|day| day.get(..3)).unwrap_or_default();
    let busiest = format!("busiest {day} {:02}:00", busiest.hour);
    let shades: Vec<String> = shades
        .highest()
        .map(|(level, mean)| format!("{} {}", SHADES[level], amount(measure, mean)))
        .collect();
    let [apart, close] = ["  ", " "].map(|between| shades.join(between));
    let name = measure.name();
    let texts = [
        format!("mean {name} per hour, UTC, a shade per quarter of the hours, up to:  {apart}  "),
        format!("mean {name} per hour, by quarters up to {close}  "),
        format!("{name}/h by quarters: {close}  "),
        format!("{name}/h: {close}  "),
        format!("{close}  "),
    ];
    let room = usize::from(area.width).saturating_sub(busiest.width());
    let text = fit::first_that_fits(texts.iter().map(String::as_str), room);
    let x = put(buffer, area, area.x, area.y, &fit::end(&text, usize::from(area.width)), theme.quiet());
    put(buffer, area, x, area.y, &busiest, theme.warning());
}

fn under_cursor(state: &State, areas: &Areas, map: &HeatMap, buffer: &mut Buffer) {
    let at = state.layer().heat_cursor;
    let stats = map.stats[at.day][at.hour];
    let day = cell_text::weekday(at.day as i64 + 1).unwrap_or_default();
    let days = map.occurrences[at.day][at.hour];
    let on_days = format!("on {}", format::counted(days, "day"));
    let what = match stats.requests {
        _ if days == 0 => "not in the time range".to_owned(),
        0 => format!("no requests {on_days}"),
        requests => {
            let (requests, bytes) = (format::counted(requests, "request"), format::bytes(stats.bytes_sent));
            let errors = format::percent(crate::human::share(stats.errors, stats.requests));
            format!("{requests} · {bytes} · {errors} errors {on_days}")
        }
    };
    let text = format!("{day} {:02}:00–{:02}:59  {what}", at.hour, at.hour);
    let area = Rect { x: areas.value.x + 2, width: areas.value.width.saturating_sub(3), ..areas.value };
    put(buffer, area, area.x, area.y, &text, state.theme.text());
}
