//! The month of the demo, and how requests are distributed over it.
//!
//! Times inside the demo are seconds since the start of the month.

/// The start of the month, 2026-04-01T00:00:00Z (a Wednesday), in seconds since the epoch.
pub const MONTH_START: i64 = 1_775_001_600;
/// The end of the month, 2026-05-01T00:00:00Z, in seconds since the epoch.
pub const MONTH_END: i64 = MONTH_START + MONTH as i64;
/// Days of the month.
pub(super) const DAYS: u32 = 30;
/// Seconds of the month.
pub(super) const MONTH: u32 = DAYS * DAY;
/// Seconds of a day.
pub(super) const DAY: u32 = crate::log::time::SECONDS_PER_DAY as u32;

/// The time of a day (1–30), hour and minute.
pub(super) const fn at(day: u32, hour: u32, minute: u32) -> u32 {
    (day - 1) * DAY + hour * 3600 + minute * 60
}

/// Requests per hour (UTC) of 100,000 requests of an average day. The visitors of a European shop are fewest at three in
/// the morning and most in the evening.
const HOURS: [u32; 24] = [
    2100, 1500, 1150, 1000, 1050, 1450, 2300, 3300, 4000, 4400, 4700, 4900, 5200, 5000, 4800, 4900, 5300,
    6000, 6900, 7600, 7900, 7100, 5300, 3400,
];

/// Weights of weekdays, Monday first. More films are watched at the weekend.
const WEEKDAYS: [u32; 7] = [96, 94, 97, 100, 112, 128, 124];

/// The distribution of events over the month: a cumulative share from 0 to 1, linear between its points.
///
/// The number of events between two times, and the time of the n-th event, follow from the curve without a list of events.
/// So any log file can be generated without the others.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    points: Vec<(u32, f64)>,
}

impl Curve {
    /// Events in these time ranges (start, end, weight), which are in order and do not overlap.
    pub(super) fn of_ranges(ranges: &[(u32, u32, u32)]) -> Curve {
        let total: f64 = ranges.iter().map(|&(_, _, weight)| f64::from(weight)).sum();
        let mut points = vec![(0, 0.0)];
        let mut sum = 0.0;
        for &(start, end, weight) in ranges {
            points.push((start, sum / total));
            sum += f64::from(weight);
            points.push((end, sum / total));
        }
        points.push((MONTH, 1.0));
        Curve { points }
    }

    /// The daily and weekly pattern of visitors from `from` to the end of the month, with random variation.
    pub(super) fn visitors(seed: u64, from: u32) -> Curve {
        let ranges: Vec<_> = (from / 3600..DAYS * 24)
            .map(|hour| {
                let (day, of_day) = (hour / 24, (hour % 24) as usize);
                let weekday = WEEKDAYS[((day + 2) % 7) as usize];
                let day_factor = 90 + (super::random::mix(seed ^ 0xda1 ^ u64::from(day)) % 21) as u32;
                let hour_factor = 95 + (super::random::mix(seed ^ 0x40ff ^ u64::from(hour)) % 11) as u32;
                let weight =
                    u64::from(HOURS[of_day]) * u64::from(weekday * day_factor) * u64::from(hour_factor)
                        / 1_000_000;
                (hour * 3600, (hour + 1) * 3600, weight as u32)
            })
            .collect();
        Curve::of_ranges(&ranges)
    }

    /// The number of events before `time`, out of `units`.
    pub(super) fn before(&self, units: u64, time: u32) -> u64 {
        if time >= MONTH {
            return units;
        }
        let next = self.points.partition_point(|&(at, _)| at <= time);
        let share = match (self.points.get(next.wrapping_sub(1)), self.points.get(next)) {
            (Some(&(t0, s0)), Some(&(t1, s1))) => s0 + (s1 - s0) * f64::from(time - t0) / f64::from(t1 - t0),
            _ => 0.0,
        };
        (share * units as f64) as u64
    }

    /// The time of event `unit` of `units`. `within` (0–1) is its position between the neighbouring events.
    pub(super) fn time_of(&self, unit: u64, within: f64, units: u64) -> u32 {
        let share = (unit as f64 + within) / units as f64;
        let next = self.points.partition_point(|&(_, sum)| sum <= share);
        match (self.points.get(next.wrapping_sub(1)), self.points.get(next)) {
            (Some(&(t0, s0)), Some(&(t1, s1))) if s1 > s0 => {
                t0 + (f64::from(t1 - t0) * ((share - s0) / (s1 - s0))) as u32
            }
            _ => MONTH - 1,
        }
    }
}

/// Converts a time to year, month, day, hour, minute, second. Times up to some days after the month are valid, because log
/// files are delivered late.
pub(super) fn calendar(time: u32) -> [u32; 6] {
    let day = time / DAY + 1;
    let (month, day) = if day > DAYS { (5, day - DAYS) } else { (4, day) };
    [2026, month, day, time / 3600 % 24, time / 60 % 60, time % 60]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_is_april_2026() {
        let start = jiff::Timestamp::from_second(MONTH_START).unwrap();
        assert_eq!(start.to_string(), "2026-04-01T00:00:00Z");
        assert_eq!(jiff::Timestamp::from_second(MONTH_END).unwrap().to_string(), "2026-05-01T00:00:00Z");
        assert_eq!(calendar(at(17, 3, 15) + 2), [2026, 4, 17, 3, 15, 2]);
        assert_eq!(calendar(MONTH + 61), [2026, 5, 1, 0, 1, 1]);
    }

    #[test]
    fn a_curve_counts_every_event_once() {
        let curve = Curve::visitors(1, 0);
        let steps: Vec<u64> = (0..=96 * DAYS).map(|quarter| curve.before(400_000, quarter * 900)).collect();
        assert_eq!((steps[0], steps[steps.len() - 1]), (0, 400_000));
        assert!(steps.is_sorted());
    }

    #[test]
    fn event_times_agree_with_counts() {
        let curve = Curve::of_ranges(&[(100, 200, 1), (1000, 1100, 3)]);
        assert_eq!(curve.before(400, 200), 100);
        assert_eq!(curve.before(400, 999), 100);
        for unit in 0..400 {
            let time = curve.time_of(unit, 0.5, 400);
            assert!(if unit < 100 { (100..200).contains(&time) } else { (1000..1100).contains(&time) });
        }
    }

    #[test]
    fn evenings_are_busier_than_nights_and_saturdays_than_tuesdays() {
        let curve = Curve::visitors(1, 0);
        let count = |from, to| curve.before(1_000_000, to) - curve.before(1_000_000, from);
        assert!(count(at(8, 20, 0), at(8, 21, 0)) > 4 * count(at(8, 3, 0), at(8, 4, 0)));
        assert!(count(at(11, 0, 0), at(12, 0, 0)) > count(at(14, 0, 0), at(15, 0, 0)));
    }
}
