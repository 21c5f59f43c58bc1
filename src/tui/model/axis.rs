//! The time axis: how wide a bar is, so that the bars just fit, and which instant stands where.

use crate::query::origin;

/// Widths of bars to choose from, in seconds: each divides a day or is a number of days.
const WIDTHS: [u32; 35] = [
    1, 2, 3, 5, 6, 10, 15, 20, 30, 60, 120, 180, 300, 360, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800,
    14_400, 21_600, 28_800, 43_200, 86_400, 172_800, 259_200, 345_600, 432_000, 604_800, 1_209_600,
    1_814_400, 2_592_000, 5_184_000,
];

/// Widths of the rows of the table of times: those that people speak of.
pub(crate) const ROUND: [u32; 9] = [1, 10, 60, 300, 900, 3_600, 21_600, 86_400, 604_800];

/// A stretch of time cut into buckets of equal width, counted from [`origin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Start of the first bucket.
    pub(crate) start: i64,
    /// Seconds per bucket.
    pub(crate) bucket: u32,
    /// How many buckets.
    pub(crate) count: usize,
}

impl Axis {
    /// The finest of the usual buckets that cut `start..end` into at most `most` pieces.
    pub(crate) fn of(start: i64, end: i64, most: usize) -> Axis {
        Axis::among(&WIDTHS, start, end, most)
    }

    /// As [`Axis::of`], with buckets that people speak of: a minute, an hour, a day.
    pub(crate) fn round(start: i64, end: i64, most: usize) -> Axis {
        Axis::among(&ROUND, start, end, most)
    }

    fn among(widths: &[u32], start: i64, end: i64, most: usize) -> Axis {
        let end = end.max(start.saturating_add(1));
        let mut last = Axis::with(86_400, start, end);
        for &bucket in widths {
            last = Axis::with(bucket, start, end);
            if last.count <= most.max(1) {
                return last;
            }
        }
        // Centuries: whole multiples of the widest.
        let widest = widths.last().copied().unwrap_or(86_400);
        let times = last.count.div_ceil(most.max(1)) as u64 + 1;
        Axis::with(u32::try_from(u64::from(widest) * times).unwrap_or(u32::MAX), start, end)
    }

    /// With a given width of buckets.
    pub(crate) fn with(bucket: u32, start: i64, end: i64) -> Axis {
        let width = i64::from(bucket.max(1));
        let origin = origin(bucket);
        let first =
            start.saturating_sub(origin).div_euclid(width).saturating_mul(width).saturating_add(origin);
        let length = end.saturating_sub(first).max(1);
        let count = usize::try_from(length / width + i64::from(length % width > 0)).unwrap_or(1);
        Axis { start: first, bucket: bucket.max(1), count }
    }

    /// First second after the last bucket.
    pub(crate) fn end(&self) -> i64 {
        self.start.saturating_add(i64::from(self.bucket).saturating_mul(self.count as i64))
    }

    /// Start of a bucket.
    pub(crate) fn at(&self, index: usize) -> i64 {
        self.start.saturating_add(i64::from(self.bucket).saturating_mul(index as i64))
    }

    /// The bucket that holds an instant; the nearest one for instants outside.
    pub(crate) fn index(&self, instant: i64) -> usize {
        let index = instant.saturating_sub(self.start).div_euclid(i64::from(self.bucket));
        usize::try_from(index).unwrap_or(0).min(self.count.saturating_sub(1))
    }

    /// How many columns of a chart of this width a bucket has: all the same number.
    pub(crate) fn cells(&self, width: usize) -> usize {
        (width / self.count.max(1)).max(1)
    }

    /// The bucket drawn in a column of a chart of this width; `None` right of the last one.
    pub(crate) fn of_column(&self, column: usize, width: usize) -> Option<usize> {
        Some(column / self.cells(width)).filter(|index| *index < self.count)
    }

    /// The first column in which a bucket is drawn.
    pub(crate) fn column(&self, index: usize, width: usize) -> usize {
        (index * self.cells(width)).min(width.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_at_least_a_third_of_any_width_and_never_more_than_all_of_it() {
        for days in [1, 2, 5, 30, 90, 365, 3_000] {
            for width in [58, 78, 98, 128, 198] {
                let axis = Axis::of(1_775_001_234, 1_775_001_234 + days * 86_400, width);
                assert!(axis.count <= width, "{axis:?}");
                assert!(axis.count * axis.cells(width) * 3 >= width, "{axis:?} in {width}");
                assert!(axis.start <= 1_775_001_234 && axis.end() >= 1_775_001_234 + days * 86_400);
            }
        }
    }

    #[test]
    fn a_column_shows_the_bucket_that_is_drawn_there() {
        let axis = Axis { start: 0, bucket: 60, count: 37 };
        for index in 0..37 {
            assert_eq!(axis.of_column(axis.column(index, 80), 80), Some(index));
        }
        assert_eq!(axis.of_column(79, 80), None);
    }

    #[test]
    fn every_bar_is_as_wide_as_the_others() {
        for count in [1, 7, 37, 60, 78] {
            let axis = Axis { start: 0, bucket: 60, count };
            let mut columns = vec![0; count];
            (0..78).filter_map(|column| axis.of_column(column, 78)).for_each(|index| columns[index] += 1);
            assert!(columns.iter().all(|width| *width == axis.cells(78)), "{count}: {columns:?}");
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        // From Wednesday 2026-04-01 on.
        let week = Axis::with(604_800, 1_775_001_600, 1_775_001_600 + 20 * 86_400);
        assert_eq!(week.start, 1_775_001_600 - 2 * 86_400, "2026-03-30");
        assert_eq!(
            Axis::with(2 * 604_800, 1_775_001_600, 1_775_088_000).start.rem_euclid(604_800),
            4 * 86_400
        );
    }

    #[test]
    fn a_thousand_years_still_fit() {
        let axis = Axis::of(-30_000_000_000, 30_000_000_000, 60);
        assert!(axis.count <= 60);
        assert!(axis.end() >= 30_000_000_000);
    }
}
