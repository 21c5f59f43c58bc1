//! Time axes: a time range divided into buckets of equal width, and the terminal columns of their bars.

use crate::query::origin;

/// Widths of buckets in seconds: each divides a day or is a number of days.
const FINE_WIDTHS: [u32; 35] = [
    1, 2, 3, 5, 6, 10, 15, 20, 30, 60, 120, 180, 300, 360, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800,
    14_400, 21_600, 28_800, 43_200, 86_400, 172_800, 259_200, 345_600, 432_000, 604_800, 1_209_600,
    1_814_400, 2_592_000, 5_184_000,
];

/// Widths of buckets in seconds that are units of time or common multiples of them: a minute, an hour, a day.
pub(crate) const ROUND_WIDTHS: [u32; 9] = [1, 10, 60, 300, 900, 3_600, 21_600, 86_400, 604_800];

/// A time range divided into buckets of equal width, aligned to [`origin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// First second of the first bucket.
    pub(crate) start: i64,
    pub(crate) bucket: u32,
    pub(crate) count: usize,
}

impl Axis {
    /// The axis over `start..end` with the smallest width that gives at most `max_count` buckets.
    pub(crate) fn of(start: i64, end: i64, max_count: usize) -> Axis {
        Axis::among(&FINE_WIDTHS, start, end, max_count)
    }

    /// As [`Axis::of`], with the widths of [`ROUND_WIDTHS`].
    pub(crate) fn round(start: i64, end: i64, max_count: usize) -> Axis {
        Axis::among(&ROUND_WIDTHS, start, end, max_count)
    }

    /// As [`Axis::of`], with widths that are multiples of `of`.
    pub(crate) fn of_multiples(of: u32, start: i64, end: i64, max_count: usize) -> Axis {
        let widths: Vec<u32> =
            FINE_WIDTHS.into_iter().filter(|width| width.is_multiple_of(of.max(1))).collect();
        Axis::among(&widths, start, end, max_count)
    }

    fn among(widths: &[u32], start: i64, end: i64, max_count: usize) -> Axis {
        let end = end.max(start.saturating_add(1));
        let mut last = Axis::with(86_400, start, end);
        for &bucket in widths {
            last = Axis::with(bucket, start, end);
            if last.count <= max_count.max(1) {
                return last;
            }
        }
        // Centuries: a multiple of the largest width.
        let widest = widths.last().copied().unwrap_or(86_400);
        let times = last.count.div_ceil(max_count.max(1)) as u64 + 1;
        Axis::with(u32::try_from(u64::from(widest) * times).unwrap_or(u32::MAX), start, end)
    }

    /// The axis over `start..end` with buckets of `bucket` seconds.
    pub(crate) fn with(bucket: u32, start: i64, end: i64) -> Axis {
        let width = i64::from(bucket.max(1));
        let origin = origin(bucket);
        let first =
            start.saturating_sub(origin).div_euclid(width).saturating_mul(width).saturating_add(origin);
        let length = end.saturating_sub(first).max(1);
        let count = usize::try_from(length / width + i64::from(length % width > 0)).unwrap_or(1);
        Axis { start: first, bucket: bucket.max(1), count }
    }

    /// The second after the last bucket.
    pub(crate) fn end(&self) -> i64 {
        self.start.saturating_add(i64::from(self.bucket).saturating_mul(self.count as i64))
    }

    /// First second of the bucket at `index`.
    pub(crate) fn at(&self, index: usize) -> i64 {
        self.start.saturating_add(i64::from(self.bucket).saturating_mul(index as i64))
    }

    /// Index of the bucket that contains `instant`, or of the nearest bucket.
    pub(crate) fn index(&self, instant: i64) -> usize {
        let index = instant.saturating_sub(self.start).div_euclid(i64::from(self.bucket));
        usize::try_from(index).unwrap_or(0).min(self.count.saturating_sub(1))
    }

    /// Width of each bar in a chart of `width` terminal columns.
    pub(crate) fn bar_width(&self, width: usize) -> usize {
        (width / self.count.max(1)).max(1)
    }

    /// Index of the bucket whose bar covers `column` in a chart of `width` terminal columns; `None` after the last bar.
    pub(crate) fn bucket_at(&self, column: usize, width: usize) -> Option<usize> {
        Some(column / self.bar_width(width)).filter(|index| *index < self.count)
    }

    /// First terminal column of the bar of the bucket at `index`.
    pub(crate) fn column(&self, index: usize, width: usize) -> usize {
        (index * self.bar_width(width)).min(width.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_between_a_third_and_all_of_the_width() {
        for days in [1, 2, 5, 30, 90, 365, 3_000] {
            for width in [58, 78, 98, 128, 198] {
                let axis = Axis::of(1_775_001_234, 1_775_001_234 + days * 86_400, width);
                assert!(axis.count <= width, "{axis:?}");
                assert!(axis.count * axis.bar_width(width) * 3 >= width, "{axis:?} in {width}");
                assert!(axis.start <= 1_775_001_234 && axis.end() >= 1_775_001_234 + days * 86_400);
            }
        }
    }

    #[test]
    fn columns_and_buckets_correspond() {
        let axis = Axis { start: 0, bucket: 60, count: 37 };
        for index in 0..37 {
            assert_eq!(axis.bucket_at(axis.column(index, 80), 80), Some(index));
        }
        assert_eq!(axis.bucket_at(79, 80), None);
    }

    #[test]
    fn all_bars_have_the_same_width() {
        for count in [1, 7, 37, 60, 78] {
            let axis = Axis { start: 0, bucket: 60, count };
            let mut columns = vec![0; count];
            (0..78).filter_map(|column| axis.bucket_at(column, 78)).for_each(|index| columns[index] += 1);
            assert!(columns.iter().all(|width| *width == axis.bar_width(78)), "{count}: {columns:?}");
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        // Wednesday 2026-04-01.
        let week = Axis::with(604_800, 1_775_001_600, 1_775_001_600 + 20 * 86_400);
        assert_eq!(week.start, 1_775_001_600 - 2 * 86_400, "2026-03-30");
        assert_eq!(
            Axis::with(2 * 604_800, 1_775_001_600, 1_775_088_000).start.rem_euclid(604_800),
            4 * 86_400
        );
    }

    #[test]
    fn thousands_of_years_fit() {
        let axis = Axis::of(-30_000_000_000, 30_000_000_000, 60);
        assert!(axis.count <= 60);
        assert!(axis.end() >= 30_000_000_000);
    }
}
