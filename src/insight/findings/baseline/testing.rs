//! Grids and series for the tests of findings.

use super::Grid;

/// 2026-03-30, a Monday.
pub(in crate::insight::findings) const MONDAY: i64 = 1_774_828_800;

/// A grid of whole days in hours, from a Monday on, without gaps.
pub(in crate::insight::findings) fn hourly(days: usize) -> Grid {
    Grid::new(MONDAY, 3600, &vec![9; 24 * days])
}

/// A value for each hour of the days, from the number of the day and the hour of the day.
pub(in crate::insight::findings) fn hours(days: usize, value: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..24 * days).map(|index| value(index / 24, index % 24)).collect()
}
