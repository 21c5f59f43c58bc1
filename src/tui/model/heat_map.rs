//! The heat map of a week: requests by weekday and hour of the day (UTC), and where its cells are on the screen.

use ratatui::layout::Rect;

use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Stats, Value};
use crate::tui::cell_text;
use crate::tui::model::{Areas, Layer, State, Tab, TimelineMeasure};

/// Hours of a week.
const HOURS: usize = 7 * 24;
/// Terminal columns before the cells, for the names of the weekdays.
pub(crate) const NAMES_WIDTH: u16 = 6;
/// Terminal columns after the cells, for the sums of the weekdays.
pub(crate) const SUMS_WIDTH: u16 = 12;
/// The largest size of a cell.
const MAX_CELL: (u16, u16) = (12, 7);

/// An hour of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WeekHour {
    /// 0 (Monday) – 6.
    pub(crate) day: usize,
    pub(crate) hour: usize,
}

/// The numbers of the heat map.
#[derive(Clone, Debug)]
pub(crate) struct HeatMap {
    /// By weekday and hour: the stats of all requests.
    pub(crate) stats: [[Stats; 24]; 7],
    /// By weekday and hour: how often this hour occurs in the time range.
    pub(crate) occurrences: [[u64; 24]; 7],
}

impl HeatMap {
    /// The heat map of the layer in front, when it is known.
    pub(crate) fn of(state: &State) -> Option<HeatMap> {
        let pairs = state.layer().heat_map.data.as_ref()?;
        let (start, end) = state.visible_range()?;
        let mut stats = [[Stats::default(); 24]; 7];
        for row in &pairs.rows {
            let [Value::Integer(day), Value::Integer(hour)] = &row.values else { continue };
            let at = |number: i64| usize::try_from(number).ok();
            if let (Some(day), Some(hour)) = (at(day - 1), at(*hour))
                && let Some(cell) = stats.get_mut(day).and_then(|hours| hours.get_mut(hour))
            {
                *cell = row.stats;
            }
        }
        Some(HeatMap { stats, occurrences: occurrences(start, end) })
    }

    /// The mean of a measure over the occurrences of an hour, so that a fifth Monday in a month does not look busy.
    pub(crate) fn mean(&self, at: WeekHour, measure: TimelineMeasure) -> f64 {
        let sum = measure.of(&self.stats[at.day][at.hour]);
        sum as f64 / self.occurrences[at.day][at.hour].max(1) as f64
    }

    /// The shades of the means of a measure.
    pub(crate) fn shades(&self, measure: TimelineMeasure) -> Shades {
        Shades::of(hours().map(|at| self.mean(at, measure)))
    }

    /// The hour with the highest mean; `None`: all are 0.
    pub(crate) fn busiest(&self, measure: TimelineMeasure) -> Option<WeekHour> {
        let mean = |at: &WeekHour| self.mean(*at, measure);
        // The first of equal ones.
        let busiest = hours().rev().max_by(|one, other| mean(one).total_cmp(&mean(other)))?;
        (mean(&busiest) > 0.0).then_some(busiest)
    }
}

/// The highest mean of each shade. The shades divide the hours with requests into quarters, so that one very busy hour does not
/// make all others look alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shades([f64; 4]);

impl Shades {
    /// The shades for these means. Means of 0 have no shade.
    fn of(means: impl Iterator<Item = f64>) -> Shades {
        let mut means: Vec<f64> = means.filter(|mean| *mean > 0.0).collect();
        means.sort_by(f64::total_cmp);
        let last_of = |quarter: usize| (means.len() * quarter).div_ceil(4).checked_sub(1);
        Shades(
            [1, 2, 3, 4]
                .map(|quarter| last_of(quarter).and_then(|last| means.get(last)).copied().unwrap_or(0.0)),
        )
    }

    /// The shade of a mean, 1 – 4; 0: there are no requests. The highest mean always has the last shade, however few there are.
    pub(crate) fn level(&self, mean: f64) -> usize {
        let [.., max] = self.0;
        match self.0.iter().position(|highest| mean <= *highest) {
            _ if mean <= 0.0 => 0,
            Some(level) if mean < max => level + 1,
            _ => 4,
        }
    }

    /// The shades that occur, each with its highest mean.
    pub(crate) fn highest(&self) -> impl Iterator<Item = (usize, f64)> {
        let [.., max] = self.0;
        let before = |level: usize| level.checked_sub(1).map_or(0.0, |before| self.0[before]);
        let occurs = move |level: &usize| match *level {
            3 => max > 0.0,
            level => self.0[level] > before(level) && self.0[level] < max,
        };
        (0..4).filter(occurs).map(|level| (level + 1, self.0[level]))
    }
}

fn hours() -> impl DoubleEndedIterator<Item = WeekHour> {
    (0..HOURS).map(|index| WeekHour { day: index / 24, hour: index % 24 })
}

/// How often each hour of the week occurs from second `start` to before `end`, parts of an hour included.
fn occurrences(start: i64, end: i64) -> [[u64; 24]; 7] {
    const HOUR: i64 = 3_600;
    let (first, last) = (start.div_euclid(HOUR), end.saturating_sub(1).max(start).div_euclid(HOUR));
    let hours = u64::try_from(last - first + 1).unwrap_or(0);
    let mut all = [[hours / HOURS as u64; 24]; 7];
    for index in 0..(hours % HOURS as u64) as i64 {
        let second = (first + index).saturating_mul(HOUR);
        let (day, hour) = (Dimension::Weekday.of_time(second), Dimension::HourOfDay.of_time(second));
        if let (Some(day), Some(hour)) = (day, hour) {
            all[(day - 1).clamp(0, 6) as usize][hour.clamp(0, 23) as usize] += 1;
        }
    }
    all
}

/// Whether the heat map is in front instead of the rows of the table of times.
pub(crate) fn is_shown(state: &State) -> bool {
    is_shown_in(state.layer())
}

/// Whether the heat map of a layer is in front.
pub(crate) fn is_shown_in(layer: &Layer) -> bool {
    layer.shows_heat_map && layer.tab == Tab::Time && layer.detail.is_none()
}

/// Columns and rows of a cell, and the area of all cells.
pub(crate) fn cells(areas: &Areas) -> ((u16, u16), Rect) {
    let area = areas.rows;
    let width = (area.width.saturating_sub(NAMES_WIDTH + SUMS_WIDTH) / 24).clamp(1, MAX_CELL.0);
    let height = (area.height / 7).clamp(1, MAX_CELL.1);
    let cells = Rect { x: area.x + NAMES_WIDTH, y: area.y, width: width * 24, height: height * 7 };
    ((width, height), cells.intersection(area))
}

/// The first weekday on the screen. On a low terminal, the days scroll to the cursor.
pub(crate) fn first_day(areas: &Areas, cursor: WeekHour) -> usize {
    match usize::from(areas.rows.height) {
        rows @ ..7 => (cursor.day + 1).saturating_sub(rows),
        _ => 0,
    }
}

/// The hour of the week at a position of the screen.
pub(crate) fn at(areas: &Areas, cursor: WeekHour, x: u16, y: u16) -> Option<WeekHour> {
    let ((width, height), area) = cells(areas);
    area.contains((x, y).into()).then(|| WeekHour {
        day: (first_day(areas, cursor) + usize::from((y - area.y) / height)).min(6),
        hour: usize::from((x - area.x) / width).min(23),
    })
}

/// The filter for an hour of the week.
pub(crate) fn terms(at: WeekHour) -> [Filter; 2] {
    [
        Filter::term_for(&Dimension::Weekday, &Value::Integer(at.day as i64 + 1)),
        Filter::term_for(&Dimension::HourOfDay, &Value::Integer(at.hour as i64)),
    ]
}

/// What one of these terms says: `Thursday`, `03:00–03:59`.
pub(crate) fn name_of(term: &Filter) -> Option<String> {
    let Filter::Term(Subject::Derived(by), Test::Range(Some(number), Some(last))) = term else { return None };
    match by {
        _ if number != last => None,
        Dimension::Weekday => cell_text::weekday(*number).map(str::to_owned),
        Dimension::HourOfDay => Some(format!("{number:02}:00–{number:02}:59")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_very_busy_hour_leaves_the_shades_of_the_others() {
        let means = (1..=8).map(f64::from).chain([0.0, 1_000.0, 9.0, 10.0, 11.0]);
        let shades = Shades::of(means);
        let levels = [0.0, 1.0, 3.0, 4.0, 6.0, 7.0, 9.0, 10.0, 1_000.0].map(|mean| shades.level(mean));
        assert_eq!(levels, [0, 1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn equal_hours_have_one_shade_and_empty_ones_none() {
        let shades = Shades::of([0.0, 5.0, 5.0, 5.0].into_iter());
        assert_eq!((shades.level(0.0), shades.level(5.0)), (0, 4), "the only busy hour was the faintest");
        assert_eq!(shades.highest().collect::<Vec<_>>(), [(4, 5.0)]);
        assert_eq!(Shades::of([0.0].into_iter()).highest().count(), 0);
    }

    #[test]
    fn a_month_has_four_or_five_of_each_weekday() {
        // April 2026: 30 days from Wednesday.
        let april = 1_775_001_600;
        let days = occurrences(april, april + 30 * 86_400).map(|hours| hours[12]);
        assert_eq!(days, [4, 4, 5, 5, 4, 4, 4]);
        let hour = occurrences(april + 1_800, april + 3_601);
        assert_eq!((hour[2][0], hour[2][1], hour[2][2]), (1, 1, 0), "parts of two hours");
    }
}
