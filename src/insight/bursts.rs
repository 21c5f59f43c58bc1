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
    /// What is usual where the peak is: the median.
    pub usual: u64,
}

/// How many times the usual spread above the usual a bucket must stand.
const SPREADS: f64 = 6.0;
/// Fewer buckets than this have no usual.
const LEAST: usize = 8;
/// Fewer days than this do not show what is usual at an hour of the day.
const DAYS: usize = 5;

/// Finds the bursts in a series of equal stretches of time of `bucket` seconds, in order.
///
/// A bucket belongs to a burst if it stands above median + 6 × MAD, the median absolute deviation:
/// both are moved little by the bursts themselves, unlike mean and standard deviation. Where there are
/// days enough, the median and the MAD are those of the same time on all days, so that a busy noon is
/// no burst and a busy night is one. The spread is taken to be at least the way from the median up to
/// the upper quartile (where many buckets are alike, most deviations are small), at least the square
/// root of the median (counts scatter that much by chance) and at least 1, so that a quiet, even
/// series is not full of bursts.
pub fn bursts(line: &[u64], bucket: u32) -> Vec<Burst> {
    if line.len() < LEAST {
        return Vec::new();
    }
    let per_day =
        if bucket > 0 && 86_400_u32.is_multiple_of(bucket) { (86_400 / bucket) as usize } else { 1 };
    let season = if line.len() >= DAYS * per_day { per_day } else { 1 };
    let usuals: Vec<(u64, f64)> = (0..season)
        .map(|phase| usual(&mut line.iter().skip(phase).step_by(season).copied().collect::<Vec<u64>>()))
        .collect();

    let mut found: Vec<Burst> = Vec::new();
    for (index, &number) in line.iter().enumerate() {
        let Some(&(usual, spread)) = usuals.get(index % season) else { continue };
        if number as f64 <= usual as f64 + SPREADS * spread {
            continue;
        }
        match found.last_mut() {
            Some(burst) if burst.last + 1 == index => {
                burst.last = index;
                burst.total = burst.total.saturating_add(number);
                if number > burst.peak {
                    (burst.peak, burst.usual) = (number, usual);
                }
            }
            _ => found.push(Burst { first: index, last: index, peak: number, total: number, usual }),
        }
    }
    found
}

/// The median and how far numbers usually are from it. Reorders the numbers.
fn usual(numbers: &mut [u64]) -> (u64, f64) {
    let middle = nth(numbers, 1, 2);
    let upper = nth(numbers, 3, 4);
    let mut deviations: Vec<u64> = numbers.iter().map(|number| number.abs_diff(middle)).collect();
    let spread = nth(&mut deviations, 1, 2).max(upper.saturating_sub(middle));
    (middle, (spread as f64).max((middle as f64).sqrt()).max(1.0))
}

/// The number below which a part of all numbers is, the lower of two. 0 of nothing.
fn nth(numbers: &mut [u64], part: usize, of: usize) -> u64 {
    let Some(last) = numbers.len().checked_sub(1) else { return 0 };
    *numbers.select_nth_unstable(last * part / of).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days of 24 hours, busy by day and quiet by night.
    fn days(count: usize) -> Vec<u64> {
        (0..count * 24)
            .map(|hour| 400 + 300 * u64::from((8..20).contains(&(hour % 24))) + hour as u64 % 7)
            .collect()
    }

    #[test]
    fn day_and_night_are_no_bursts() {
        assert_eq!(bursts(&days(7), 3_600), []);
    }

    #[test]
    fn a_scrape_is_found_whole_and_told_from_the_usual() {
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
    fn a_busy_night_is_a_burst_though_every_noon_is_busier() {
        let mut line = days(14);
        line[9 * 24 + 3] = 650;
        let found = bursts(&line, 3_600);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].first, found[0].peak), (9 * 24 + 3, 650));
        assert!((400..407).contains(&found[0].usual));
    }

    #[test]
    fn an_even_series_has_none_and_a_single_spike_is_one() {
        assert_eq!(bursts(&[5; 30], 60), []);
        let mut line = vec![0; 30];
        line[29] = 40;
        assert_eq!(bursts(&line, 60), [Burst { first: 29, last: 29, peak: 40, total: 40, usual: 0 }]);
    }

    #[test]
    fn a_handful_of_buckets_has_no_usual() {
        assert_eq!(bursts(&[1, 1, 1_000], 60), []);
        assert_eq!(bursts(&[], 60), []);
    }
}
