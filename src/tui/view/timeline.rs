//! The timeline above the table: the requests of the layer over time.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier, style::Style};
use unicode_width::UnicodeWidthStr;

use crate::query;
use crate::tui::model::{Areas, Axis, State, Tab, TimelineMeasure, found, heat_map, time_axes};
use crate::tui::view::{put, put_right};
use crate::tui::{format, widgets::bars};

/// The mark of a finding below the timeline.
const MARK: &str = "▲";
/// The mark of a burst that is no finding.
const BURST_MARK: &str = "△";

pub(super) fn draw(state: &State, areas: &Areas, buffer: &mut Buffer) {
    let Some(axis) = time_axes::timeline(state) else { return };
    // On a low terminal there is no room for it.
    if state.layer().timeline.data.is_none() || areas.axis.is_empty() {
        return;
    }
    let line = time_axes::timeline_bars(state, &axis);
    let highest = line.iter().copied().max().unwrap_or(0);
    let parts = match state.theme.has_colours() {
        true => time_axes::timeline_parts(state, &axis),
        false => None,
    };
    let marks = marks(state, &axis, areas.bars.width);
    title(state, areas.timeline_title, &axis, (&line, parts.as_deref()), &marks, buffer);
    let highlight = highlighted(state, &axis);
    // If nearly all bars had the colour of highlighted ones, it would say nothing, and hide their parts.
    let is_part = |(first, last): &(usize, usize)| (last - first + 1) * 10 < axis.count * 9;
    let coloured = highlight.filter(|range| state.brush.is_some() || is_part(range));
    let area = areas.bars;
    let width = usize::from(area.width);
    let colours = [state.theme.error(), state.theme.warning(), state.theme.bar()];
    let plain = match state.timeline_measure() {
        TimelineMeasure::Errors => state.theme.block(state.theme.error()),
        _ => state.theme.bar(),
    };
    for column in 0..area.width {
        let Some(index) = axis.bucket_at(usize::from(column), width) else { break };
        let number = line.get(index).copied().unwrap_or(0);
        let is_highlighted = coloured.map(|(first, last)| (first..=last).contains(&index));
        let is_partial = time_axes::is_partial(state, &axis, index);
        let stack = parts.as_ref().and_then(|parts| parts.get(index));
        for row in 0..area.height {
            let cell = &mut buffer[(area.x + column, area.bottom() - 1 - row)];
            let (mut symbol, mut style) = match stack {
                Some(stack) if is_highlighted != Some(true) => {
                    let stacked = bars::stacked(stack, highest, row, area.height);
                    let mut style = colours[stacked.part.min(2)];
                    if let Some(behind) = stacked.behind {
                        style.bg = colours[behind.min(2)].fg;
                    }
                    (stacked.symbol, style)
                }
                _ => (bars::cell(number, highest, row, area.height), plain),
            };
            if is_partial {
                symbol = bars::hatched(number, highest, row, area.height);
                style.bg = None;
            }
            // Empty buckets of the brush are visible too.
            if is_highlighted == Some(true) && symbol == ' ' && row == 0 {
                symbol = '▁';
            }
            cell.set_char(symbol).set_style(state.theme.timeline(style, is_highlighted));
        }
    }
    labels(state, areas.axis, &axis, highlight, &marks, buffer);
    draw_marks(areas.axis, &marks, buffer);
}

/// First and last bucket to highlight: the brush, or the row under the cursor of the table of times.
fn highlighted(state: &State, axis: &Axis) -> Option<(usize, usize)> {
    if let Some(brush) = &state.brush {
        return Some(brush.buckets(axis));
    }
    if state.layer().tab == Tab::Findings {
        let table = state.layer().table();
        let finding = table.rows.data.as_ref()?.finding(table.cursor)?;
        return Some((
            axis.index(finding.start),
            axis.index(finding.end.saturating_sub(1).max(finding.start)),
        ));
    }
    let table = state.layer().table();
    if state.layer().tab != Tab::Time || heat_map::is_shown(state) {
        return None;
    }
    let rows = table.rows.data.as_ref()?;
    let row = rows.time(table.cursor)?;
    Some((axis.index(row.start), axis.index(row.end - 1)))
}

fn title(
    state: &State,
    area: Rect,
    axis: &Axis,
    (line, parts): (&[u64], Option<&[[u64; 3]]>),
    marks: &[Mark],
    buffer: &mut Buffer,
) {
    let theme = state.theme;
    let highest = line.iter().copied().max().unwrap_or(0);
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let measure = state.timeline_measure();
    let mut text = format!("{} {}, {}", measure.name(), format::per(axis.bucket), state.zone_name());
    let is_known = time_axes::is_timeline_of_axis(state, axis);
    if let Some(share) = state.layer().timeline.share {
        text.push_str(&format!("  ≈ {:.0} % scanned", share * 100.0));
    }
    // The first that fits is shown.
    let mut right = Vec::new();
    if let Some(brush) = &state.brush {
        let (first, last) = brush.buckets(axis);
        let finding = brush.finding.as_ref().and_then(|id| found::by_id(state, id));
        // The time and the sum are those of the finding as a whole, also if the layer shows only a part of it.
        let (start, end) = finding.map_or_else(|| brush.seconds(axis), |found| (found.start, found.end));
        let sum = match (finding, brush.burst) {
            (Some(found), _) => Some(measure.of(&found.stats)),
            // A finding that is none with another filter.
            (None, Some(burst)) if brush.finding.is_none() => time_axes::sum_of_burst(state, burst),
            _ if !is_known => None,
            _ => Some(line.iter().skip(first).take(last - first + 1).sum()),
        };
        let sum = sum.map_or("…".to_owned(), |sum| measure.describe(sum));
        // The range has other requests, too.
        let sum = match finding {
            Some(found) if found::is_cut(state, found) => format!("{} as a whole: {sum}", found.kind.name()),
            Some(found) => format!("{}: {sum}", found.kind.name()),
            None => sum,
        };
        let length = format::length_of_time(end - start);
        let span = format::span(start, end, state.zone(), state.shows_year());
        right.push(format!("{span}  {length}  {sum}"));
        right.push(format!("{span}  {sum}"));
        right.push(span);
    } else if is_known
        && highest > 0
        && let Some(peak) = line.iter().position(|number| *number == highest)
    {
        let time = match axis.bucket {
            86_400.. => "",
            bucket if bucket.is_multiple_of(60) => " %H:%M",
            _ => " %H:%M:%S",
        };
        let day = if state.shows_year() { "%Y-%m-%d" } else { "%m-%d" };
        let at = format::instant(axis.at(peak), state.zone(), &format!("{day}{time}"));
        right.push(format!("peak {} at {at}", measure.amount(highest)));
    }
    let x = put(buffer, area, area.x, area.y, &text, theme.quiet());
    let mut left = usize::from(area.right().saturating_sub(x));
    if let Some(right) = right.iter().find(|right| right.width() + 2 <= left) {
        let style = if state.brush.is_some() { theme.brushed() } else { theme.quiet() };
        put_right(buffer, area, area.y, right, style);
        left -= right.width();
    }
    // What the colours and the marks mean.
    let has = |part: usize| parts.is_some_and(|parts| parts.iter().any(|bar| bar[part] > 0));
    let is_hatched =
        |(index, number): (usize, &u64)| *number > 0 && time_axes::is_partial(state, axis, index);
    let has_partial = line.iter().enumerate().any(is_hatched);
    let mark_of = |symbol: &str| marks.iter().rev().find(|mark| mark.symbol == symbol);
    let style_of = |symbol: &str| mark_of(symbol).map_or(theme.text(), |mark| mark.style);
    let mut x = x;
    for (is_shown, symbol, style, name) in [
        (has(1), "■", theme.warning(), "4xx"),
        (has(0), "■", theme.error(), "5xx"),
        (has_partial, "▒", theme.bar(), "incomplete"),
        (mark_of(BURST_MARK).is_some(), BURST_MARK, style_of(BURST_MARK), "burst"),
        (mark_of(MARK).is_some(), MARK, style_of(MARK), "finding"),
    ] {
        let needed = name.len() + 4;
        if is_shown && left >= needed + 2 {
            x = put(buffer, area, x + 2, area.y, symbol, style);
            x = put(buffer, area, x + 1, area.y, name, theme.quiet());
            left -= needed;
        }
    }
}

/// Draws times below the bars, at round times and without overlap, and a rule below the highlighted bars.
fn labels(
    state: &State,
    area: Rect,
    axis: &Axis,
    highlight: Option<(usize, usize)>,
    marks: &[Mark],
    buffer: &mut Buffer,
) {
    let width = usize::from(area.width);
    let column = |index: usize| area.x + u16::try_from(axis.column(index, width)).unwrap_or(0);
    if let Some((first, last)) = highlight {
        let cells = u16::try_from(axis.bar_width(width)).unwrap_or(1);
        for x in column(first)..column(last).max(column(first)).saturating_add(cells) {
            if x < area.right() {
                buffer[(x, area.y)].set_char('▔').set_style(state.theme.brushed());
            }
        }
    }
    let step = label_step(state, axis, width);
    // Round in the time zone that is shown; weeks begin on Monday.
    let origin = u32::try_from(step).map_or(0, query::origin);
    let offset = jiff::Timestamp::from_second(axis.start)
        .map_or(0, |start| i64::from(state.zone().to_offset(start).seconds()));
    let mut at = (axis.start + offset - origin).div_euclid(step) * step + origin - offset;
    let mut labels = Vec::new();
    while at < axis.end() {
        if at >= axis.start {
            labels.push((column(axis.index(at)), label(state, axis, step, at)));
        }
        at += step;
    }
    let columns: Vec<u16> = marks.iter().map(|mark| area.x + mark.column).collect();
    let mut placed = place_labels(&labels, area, &columns);
    if placed.is_empty() {
        // There are marks everywhere.
        placed = place_labels(&labels, area, &[]);
    }
    for (x, label) in placed {
        put(buffer, area, x, area.y, label, state.theme.faint());
    }
}

/// Places labels at their terminal columns, without overlap. A mark within a label makes it unreadable: such a label is beside
/// the marks, as near as possible, or left out.
fn place_labels<'a>(labels: &'a [(u16, String)], area: Rect, marks: &[u16]) -> Vec<(u16, &'a str)> {
    let mut placed = Vec::new();
    let mut free = area.x;
    for (x, label) in labels {
        let width = u16::try_from(label.width()).unwrap_or(u16::MAX);
        let fits = |x: &u16| {
            let end = x.saturating_add(width);
            *x >= free && end <= area.right() && !marks.iter().any(|mark| (*x..end).contains(mark))
        };
        let most = if marks.is_empty() { 0 } else { width };
        let near = (0..=most).flat_map(|by| [x.saturating_sub(by), x.saturating_add(by)]);
        if let Some(x) = near.into_iter().find(fits) {
            placed.push((x, label.as_str()));
            free = x + width + 2;
        }
    }
    placed
}

const DAY: i64 = 86_400;

/// Seconds between two labels.
fn label_step(state: &State, axis: &Axis, width: usize) -> i64 {
    let length = axis.end() - axis.start;
    let size = if has_years(state, axis) || length <= 600 { 10 } else { 5 };
    // The bars do not fill the width if there is no room for all of them at the next size.
    let used = axis.count * axis.bar_width(width);
    let count = used.min(width).div_ceil(size + 4).max(1);
    let step = i64::from(Axis::of(axis.start, axis.end(), count).bucket);
    // Of two weeks and more, only days.
    if length > 14 * DAY { step.max(DAY) } else { step }
}

fn has_years(state: &State, axis: &Axis) -> bool {
    let year = |at| format::instant(at, state.zone(), "%Y");
    axis.end() - axis.start > DAY && year(axis.start) != year(axis.end() - 1)
}

/// A time without what the other labels say: a day at its beginning, otherwise the time of the day.
fn label(state: &State, axis: &Axis, step: i64, at: i64) -> String {
    let of = |format| format::instant(at, state.zone(), format);
    let is_one_day = axis.end() - axis.start <= DAY;
    let starts_day = of("%H:%M:%S") == "00:00:00";
    if has_years(state, axis) {
        of("%Y-%m-%d")
    } else if step % DAY == 0 || (starts_day && !is_one_day) {
        of("%m-%d")
    } else if step % 60 == 0 {
        of("%H:%M")
    } else {
        of("%H:%M:%S")
    }
}

/// A mark below a bar.
struct Mark {
    /// Its terminal column, from the first of the axis.
    column: u16,
    symbol: &'static str,
    style: Style,
}

/// The marks at the start of each burst and of each finding. Later ones are drawn over earlier ones.
fn marks(state: &State, axis: &Axis, width: u16) -> Vec<Mark> {
    let column = |at: i64| u16::try_from(axis.column(axis.index(at), usize::from(width))).unwrap_or(0);
    let bursts = time_axes::found_bursts(state).into_iter().map(|burst| Mark {
        column: column(burst.start),
        symbol: BURST_MARK,
        style: state.theme.accent(),
    });
    // The worst finding of a bar gives the colour.
    let findings: Vec<_> = found::visible(state).collect();
    let on_axis =
        findings.into_iter().rev().filter(|finding| finding.end > axis.start && finding.start < axis.end());
    let findings = on_axis.map(|finding| Mark {
        column: column(finding.start),
        symbol: MARK,
        style: state.theme.severity(found::severity(finding)),
    });
    bursts.chain(findings).collect()
}

/// Draws marks. Within a label, a mark inverts the character, so that the label stays readable.
fn draw_marks(area: Rect, marks: &[Mark], buffer: &mut Buffer) {
    for mark in marks {
        let x = area.x + mark.column;
        if x >= area.right() {
            continue;
        }
        let cell = &mut buffer[(x, area.y)];
        if matches!(cell.symbol(), " " | "▔" | MARK | BURST_MARK) {
            cell.set_symbol(mark.symbol).set_style(mark.style);
        } else {
            cell.set_style(mark.style.add_modifier(Modifier::REVERSED));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_beside_marks_and_never_overlap() {
        let area = Rect { x: 1, y: 0, width: 40, height: 1 };
        let labels: Vec<(u16, String)> =
            (0..4).map(|day| (1 + day * 9, format!("04-{:02}", 1 + day * 3))).collect();
        let placed = |marks: &[u16]| {
            let columns: Vec<u16> = place_labels(&labels, area, marks).iter().map(|(x, _)| *x).collect();
            columns
        };
        assert_eq!(placed(&[]), [1, 10, 19, 28]);
        assert_eq!(placed(&[1, 12]), [2, 13, 20, 28], "there is no room before the second mark");
        assert_eq!(placed(&[23]), [1, 10, 18, 28]);
        assert_eq!(placed(&(0..50).collect::<Vec<_>>()), [0u16; 0]);
    }
}
