//! Bursts: periods in which a series is far above its usual level.

use crate::log::time::SECONDS_PER_DAY;

/// Consecutive buckets of a series that are all far above the usual level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Burst {
    /// Index of the first bucket.
    pub first: usize,
    /// Index of the last bucket.
    pub last: usize,
    /// Value of the highest bucket.
    pub peak: u64,
    /// Sum of all buckets of the burst.
    pub total: u64,
    /// The usual value (the median) at the time of the peak.
    pub usual: u64,
}

/// A bucket belongs to a burst if it exceeds the median by more than this many spreads.
const BURST_SPREADS: f64 = 6.0;
/// Buckets between two of a burst belong to it, too, if they exceed the median by more than this many spreads.
const BETWEEN_SPREADS: f64 = 3.0;
/// A series with fewer buckets has no usual level, so no bursts.
const MIN_BUCKETS: usize = 8;
/// With fewer days, the usual level is not computed per time of day.
const MIN_DAYS_FOR_SEASON: usize = 5;

/// Finds the bursts in a series of buckets of `bucket` seconds, in ascending order.
///
/// A bucket belongs to a burst if it exceeds median + 6 × spread. The spread is the median absolute deviation
/// (MAD). Unlike mean and standard deviation, median and MAD hardly change when the series contains bursts.
/// If the series covers enough days, both are computed per time of day, so a busy noon is not a burst but
/// a busy night is.
///
/// A long rise is one burst, although some of its buckets may be just below that: all between two buckets of a burst
/// belong to it if they exceed median + 3 × spread.
///
/// The spread has three lower bounds, so that a quiet, even series is not full of bursts: the distance from the median
/// to the upper quartile (where many buckets are equal, most deviations are small), the square root of
/// the median (the scatter of random arrivals), and 1.
pub(crate) fn bursts(line: &[u64], bucket: u32) -> Vec<Burst> {
    if line.len() < MIN_BUCKETS {
        return Vec::new();
    }
    let per_day = match SECONDS_PER_DAY.checked_rem(bucket.into()) {
        Some(0) => (SECONDS_PER_DAY / i64::from(bucket)) as usize,
        _ => 1,
    };
    let season = if line.len() >= MIN_DAYS_FOR_SEASON * per_day { per_day } else { 1 };
    let usuals: Vec<(u64, f64)> = (0..season)
        .map(|phase| {
            let mut numbers: Vec<u64> = line.iter().skip(phase).step_by(season).copied().collect();
            median_and_spread(&mut numbers)
        })
        .collect();

    let mut found: Vec<Burst> = Vec::new();
    // The sum of the raised buckets since the last burst; `None`: there was one that is not raised.
    let mut between: Option<u64> = None;
    for (index, &number) in line.iter().enumerate() {
        let Some(&(usual, spread)) = usuals.get(index % season) else { continue };
        let exceeds = |spreads: f64| number as f64 > usual as f64 + spreads * spread;
        if !exceeds(BURST_SPREADS) {
            let is_raised = exceeds(BETWEEN_SPREADS);
            between = between.filter(|_| is_raised).map(|sum| sum.saturating_add(number));
            continue;
        }
        let sum = between.replace(0);
        match (found.last_mut(), sum) {
            (Some(burst), Some(sum)) => {
                burst.last = index;
                burst.total = burst.total.saturating_add(sum).saturating_add(number);
                if number > burst.peak {
                    (burst.peak, burst.usual) = (number, usual);
                }
            }
            _ => found.push(Burst { first: index, last: index, peak: number, total: number, usual }),
        }
    }
    found
}

/// The median and the spread of `numbers`, which are reordered.
fn median_and_spread(numbers: &mut [u64]) -> (u64, f64) {
    let median = quantile(numbers, 1, 2);
    let upper_quartile = quantile(numbers, 3, 4);
    let mut deviations: Vec<u64> = numbers.iter().map(|number| number.abs_diff(median)).collect();
    let spread = quantile(&mut deviations, 1, 2).max(upper_quartile.saturating_sub(median));
    (median, (spread as f64).max((median as f64).sqrt()).max(1.0))
}

/// The quantile `part / of`, rounded down to an element of `numbers`, which are reordered. 0 if there are none.
fn quantile(numbers: &mut [u64], part: usize, of: usize) -> u64 {
    let Some(last) = numbers.len().checked_sub(1) else { return 0 };
    *numbers.select_nth_unstable(last * part / of).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` days of hourly buckets, busy from 08:00 to 20:00.
    fn days(count: usize) -> Vec<u64> {
        (0..count * 24)
            .map(|hour| 400 + 300 * u64::from((8..20).contains(&(hour % 24))) + hour as u64 % 7)
            .collect()
    }

    #[test]
    fn a_daily_rhythm_has_no_bursts() {
        assert_eq!(bursts(&days(7), 3_600), []);
    }

    #[test]
    fn each_run_of_high_buckets_is_one_burst() {
        let mut line = days(7);
        line[51] = 9_000;
        line[52] = 12_000;
        line[120] = 5_000;
        let found = bursts(&line, 3_600);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].first, found[0].last, found[0].peak, found[0].total), (51, 52, 12_000, 21_000));
        assert_eq!((found[1].first, found[1].last), (120, 120));
        assert!((400..710).contains(&found[0].usual));
    }

    #[test]
    fn a_long_rise_that_is_partly_just_below_the_bound_was_many_bursts() {
        let mut line = vec![3; 700];
        // 3 + 6 × √3 = 13.4.
        line.extend([14, 13, 15, 12, 14].repeat(40));
        line.extend([3; 20]);
        let found = bursts(&line, 1);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].first, found[0].last, found[0].peak), (700, 899, 15));
        assert_eq!(found[0].total, (14 + 13 + 15 + 12 + 14) * 40);
    }

    #[test]
    fn a_busy_night_is_a_burst_even_if_every_noon_is_busier() {
        let mut line = days(14);
        line[9 * 24 + 3] = 650;
        let found = bursts(&line, 3_600);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].first, found[0].peak), (9 * 24 + 3, 650));
        assert!((400..407).contains(&found[0].usual));
    }

    #[test]
    fn an_even_series_has_no_bursts_and_a_single_spike_is_one() {
        assert_eq!(bursts(&[5; 30], 60), []);
        let mut line = vec![0; 30];
        line[29] = 40;
        assert_eq!(bursts(&line, 60), [Burst { first: 29, last: 29, peak: 40, total: 40, usual: 0 }]);
    }

    #[test]
    fn a_short_series_has_no_bursts() {
        assert_eq!(bursts(&[1, 1, 1_000], 60), []);
        assert_eq!(bursts(&[], 60), []);
    }
}
