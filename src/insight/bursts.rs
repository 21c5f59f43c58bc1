//! Bursts: stretches of time with far more than the usual.

/// Neighbouring buckets of a series that all stand far above the usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// The first bucket of it.
    pub first: usize,
    /// The last bucket of it.
    pub last: usize,
    /// The highest of its buckets.
    pub peak: u64,
    /// All of its buckets together.
    pub total: u64,
    /// The usual: the median of all buckets of the series.
    pub usual: u64,
}

/// How many times the usual spread above the usual a bucket must stand.
const SPREADS: f64 = 6.0;
/// Fewer buckets than this have no usual.
const LEAST: usize = 8;

/// Finds the bursts in a series of equal stretches of time, in order.
///
/// A bucket belongs to a burst if it stands above median + 6 × MAD, the median absolute deviation:
/// both are moved little by the bursts themselves, unlike mean and standard deviation. The spread is
/// taken to be at least the way from the median up to the upper quartile (where nights are quiet and
/// days are busy, most deviations are small), at least the square root of the median (counts scatter
/// that much by chance) and at least 1, so that a quiet, even series is not full of bursts.
pub fn bursts(line: &[u64]) -> Vec<Burst> {
    if line.len() < LEAST {
        return Vec::new();
    }
    let mut sorted = line.to_vec();
    let usual = median(&mut sorted);
    let upper = *sorted.select_nth_unstable(line.len() * 3 / 4).1;
    let mut deviations: Vec<u64> = line.iter().map(|number| number.abs_diff(usual)).collect();
    let spread = median(&mut deviations).max(upper.saturating_sub(usual));
    let spread = (spread as f64).max((usual as f64).sqrt()).max(1.0);
    let threshold = usual as f64 + SPREADS * spread;

    let mut found: Vec<Burst> = Vec::new();
    for (index, &number) in line.iter().enumerate() {
        if (number as f64) <= threshold {
            continue;
        }
        match found.last_mut() {
            Some(burst) if burst.last + 1 == index => {
                burst.last = index;
                burst.peak = burst.peak.max(number);
                burst.total = burst.total.saturating_add(number);
            }
            _ => found.push(Burst { first: index, last: index, peak: number, total: number, usual }),
        }
    }
    found
}

/// The middle one, the lower of two. Reorders the numbers. 0 of nothing.
fn median(numbers: &mut [u64]) -> u64 {
    let Some(middle) = numbers.len().checked_sub(1).map(|last| last / 2) else { return 0 };
    *numbers.select_nth_unstable(middle).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days of 24 hours, busy by day and quiet by night.
    fn days(count: usize) -> Vec<u64> {
        (0..count * 24).map(|hour| 400 + 300 * u64::from((8..20).contains(&(hour % 24))) + hour as u64 % 7).collect()
    }

    #[test]
    fn day_and_night_are_no_bursts() {
        assert_eq!(bursts(&days(7)), []);
    }

    #[test]
    fn a_scrape_is_found_whole_and_told_from_the_usual() {
        let mut line = days(7);
        line[51] = 9_000;
        line[52] = 12_000;
        line[120] = 5_000;
        let found = bursts(&line);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].first, found[0].last, found[0].peak, found[0].total), (51, 52, 12_000, 21_000));
        assert_eq!((found[1].first, found[1].last), (120, 120));
        assert!((400..710).contains(&found[0].usual));
    }

    #[test]
    fn an_even_series_has_none_and_a_single_spike_is_one() {
        assert_eq!(bursts(&[5; 30]), []);
        let mut line = vec![0; 30];
        line[29] = 40;
        assert_eq!(bursts(&line), [Burst { first: 29, last: 29, peak: 40, total: 40, usual: 0 }]);
    }

    #[test]
    fn a_handful_of_buckets_has_no_usual() {
        assert_eq!(bursts(&[1, 1, 1_000]), []);
        assert_eq!(bursts(&[]), []);
    }
}
