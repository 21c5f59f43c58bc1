//! The times that two sets of requests cover, and whether these decide the hours of the day and the days of the week that
//! the requests have.

use super::Against;
use crate::insight::Scope;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY as DAY;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, TimeRange};

const HOUR: i64 = 3_600;
const WEEK: i64 = 7 * DAY;
/// The parts of the time that two sets spend in an hour of the day, or a day of the week, may differ by this factor.
const SAME_PART: f64 = 1.1;

/// Time ranges, as first second and the second after the last.
type Ranges = Vec<(i64, i64)>;

/// The times that both sets cover; `None` if the filters say more about time than one range.
pub(super) struct Times(Option<[Ranges; 2]>);

impl Times {
    /// `seen` limits the times: first second of all requests, and the second after the last.
    pub(super) fn of(a: &Scope, against: &Against, seen: (i64, i64)) -> Times {
        let clip = |range: TimeRange| {
            (range.start.unwrap_or(seen.0).max(seen.0), range.end.unwrap_or(seen.1).min(seen.1))
        };
        let (time, filter) = match against {
            Against::RestOf(time, filter) | Against::Selected(time, filter) => (time, filter),
        };
        let (Some(of_a), Some(of_b)) = (range_of(&a.time, &a.filter), range_of(time, filter)) else {
            return Times(None);
        };
        let (of_a, of_b) = (clip(of_a), clip(of_b));
        let others = match against {
            // The rest has other times only if nothing but the time tells it apart.
            Against::RestOf(_, rest) if is_selected_by_time(&a.filter, rest) => {
                vec![(of_b.0, of_b.1.min(of_a.0)), (of_b.0.max(of_a.1), of_b.1)]
            }
            _ => vec![of_b],
        };
        Times(Some([vec![of_a], others]))
    }

    pub(super) fn have_the_same_hours(&self) -> bool {
        // Requests are counted by the hours of UTC, from the epoch.
        self.have_the_same_parts(&Dimension::HourOfDay, DAY, HOUR)
    }

    pub(super) fn have_the_same_weekdays(&self) -> bool {
        self.have_the_same_parts(&Dimension::Weekday, WEEK, DAY)
    }

    /// Whether both sets spend nearly the same part of their time in each value of `by`, which repeats after `period` and
    /// has values of `part` seconds.
    fn have_the_same_parts(&self, by: &Dimension, period: i64, part: i64) -> bool {
        let Some(sets) = &self.0 else { return false };
        let [a, b] = sets.each_ref().map(|ranges| shares(ranges, by, period, part));
        let is_same = |(a, b): (&f64, &f64)| *a <= b * SAME_PART && *b <= a * SAME_PART;
        a.iter().zip(&b).all(is_same)
    }
}

/// The parts of the time in each value of `by`, 0–1, by value.
fn shares(ranges: &Ranges, by: &Dimension, period: i64, part: i64) -> [f64; 24] {
    let mut seconds = [0.0; 24];
    let mut add = |at: i64, length: i64| {
        let value = by.of_time(at).and_then(|value| usize::try_from(value).ok());
        if let Some(seconds) = value.and_then(|value| seconds.get_mut(value)) {
            *seconds += length as f64;
        }
    };
    for (start, end) in ranges.iter().filter(|(start, end)| start < end) {
        let whole = end.saturating_sub(*start) / period;
        for value in 0..period / part {
            add(value * part, whole * part);
        }
        let mut at = start + whole * period;
        while at < *end {
            let next = (at - at.rem_euclid(part) + part).min(*end);
            add(at, next - at);
            at = next;
        }
    }
    let all: f64 = seconds.iter().sum();
    seconds.map(|of| if all > 0.0 { of / all } else { 0.0 })
}

/// The time range of the requests of a time range that pass a filter; `None` if the filter tests the time in another way
/// than by ranges that all requests are in.
fn range_of(time: &TimeRange, filter: &Filter) -> Option<TimeRange> {
    let mut range = *time;
    for term in filter.terms() {
        match term {
            Filter::Term(Subject::Field(Field::Time), Test::Range(first, last)) => {
                range.start = range.start.max(*first);
                range.end = range.end.into_iter().chain(last.map(|last| last.saturating_add(1))).min();
            }
            other if tests_time(other) => return None,
            _ => {}
        }
    }
    Some(range)
}

fn tests_time(filter: &Filter) -> bool {
    match filter {
        Filter::All(filters) | Filter::Any(filters) => filters.iter().any(tests_time),
        Filter::Not(filter) => tests_time(filter),
        Filter::Term(Subject::Field(field), _) => *field == Field::Time,
        // Hours and weekdays are dimensions of their own.
        Filter::Term(..) => false,
    }
}

/// Whether the terms of `filter` that are not about time are also terms of `rest`.
fn is_selected_by_time(filter: &Filter, rest: &Filter) -> bool {
    filter.terms().iter().all(|term| tests_time(term) || rest.terms().contains(term))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hours and the weekdays are the same, for two filters or for a filter and the rest, in a log of April 2026.
    fn same(a: &str, b: Option<&str>) -> (bool, bool) {
        let filter = |text: &str| Filter::parse(text, 0).unwrap();
        let a = Scope { filter: filter(a), ..Scope::default() };
        let against = match b {
            Some(text) => Against::Selected(TimeRange::default(), filter(text)),
            None => Against::default(),
        };
        // From 2026-04-01T00:00:07 to 2026-04-29T00:00.
        let times = Times::of(&a, &against, (1_775_001_607, 1_777_420_800));
        (times.have_the_same_hours(), times.have_the_same_weekdays())
    }

    #[test]
    fn the_hours_were_left_out_when_one_day_was_compared_with_another() {
        assert_eq!(same("time:2026-04-17", Some("time:2026-04-16")), (true, false));
        // The log begins seven seconds after midnight.
        assert_eq!(same("time:2026-04-01", Some("time:2026-04-08")), (true, true));
        assert_eq!(same("time:2026-04-17", None), (true, false));
        assert_eq!(same("time:2026-04-06..2026-04-12", Some("time:2026-04-13..2026-04-19")), (true, true));
        assert_eq!(same("time:2026-04-06..2026-04-12", None), (true, true));
        assert_eq!(
            same("time:2026-04-17T10..2026-04-17T14", Some("time:2026-04-16T10..2026-04-16T14")),
            (true, false)
        );
        assert_eq!(same("status:403", None), (true, true));
    }

    #[test]
    fn times_that_decide_the_hours_are_recognised() {
        assert_eq!(same("time:2026-04-17T03", Some("time:2026-04-16T04")), (false, false));
        assert_eq!(same("time:2026-04-17T03", None), (false, false));
        assert_eq!(same("time:2026-04-17T03..2026-04-18T15", Some("time:2026-04-16")), (false, false));
        assert_eq!(
            same("time:2026-04-17T10:30..2026-04-17T11:30", Some("time:2026-04-16T10..2026-04-16T11")),
            (false, false)
        );
        assert_eq!(same("(time:2026-04-17T03 or time:2026-04-18T03)", None), (false, false));
    }

    #[test]
    fn the_parts_of_any_range_add_up_to_one_and_endless_ranges_end() {
        for range in [(i64::MIN / 2, i64::MAX / 2), (-5, 5), (0, 1), (1_775_001_607, 1_777_420_800)] {
            for (by, period, part) in [(Dimension::HourOfDay, DAY, HOUR), (Dimension::Weekday, WEEK, DAY)] {
                let sum: f64 = shares(&vec![range], &by, period, part).iter().sum();
                assert!((sum - 1.0).abs() < 1e-9, "{range:?} {sum}");
            }
        }
        assert_eq!(shares(&vec![(5, 5)], &Dimension::HourOfDay, DAY, HOUR), [0.0; 24]);
    }
}
