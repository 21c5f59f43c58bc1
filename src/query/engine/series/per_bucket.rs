//! Sums or counts per series and bucket of time.

use tokio_util::sync::CancellationToken;

use crate::query::QueryError;
use crate::query::engine::cancel::check_cancelled;
use crate::query::engine::groups::sums::Sums;
use crate::query::engine::partials_cache::Partial;

/// What a bucket has.
pub(in crate::query::engine) trait InBucket: Clone + Default + Send + Sync {
    fn merge(&mut self, other: &Self);
    fn is_empty(&self) -> bool;
}

impl InBucket for Sums {
    fn merge(&mut self, other: &Sums) {
        Sums::merge(self, other);
    }

    fn is_empty(&self) -> bool {
        self.requests == 0
    }
}

/// A number of requests.
impl InBucket for u32 {
    fn merge(&mut self, other: &u32) {
        *self += other;
    }

    fn is_empty(&self) -> bool {
        *self == 0
    }
}

/// Sums or counts per series and bucket.
#[derive(Clone, Debug, Default)]
pub(in crate::query::engine) struct PerBucket<B> {
    /// Number of the first bucket.
    pub(super) first: i64,
    /// All series have the same length.
    pub(super) series: Vec<Vec<B>>,
}

impl<B: InBucket> PerBucket<B> {
    pub(super) fn new(series: usize) -> PerBucket<B> {
        PerBucket { first: 0, series: vec![Vec::new(); series] }
    }

    fn len(&self) -> usize {
        self.series.first().map_or(0, Vec::len)
    }

    /// Makes space for the buckets from `first` to `last`.
    pub(super) fn cover(&mut self, first: i64, last: i64) {
        if self.len() == 0 {
            self.first = first;
        }
        let before = (self.first - first).max(0) as usize;
        let end = (self.first + self.len() as i64 - 1).max(last);
        let start = self.first.min(first);
        let length = (end - start + 1) as usize;
        for buckets in &mut self.series {
            if before > 0 {
                buckets.splice(0..0, std::iter::repeat_n(B::default(), before));
            }
            buckets.resize(length, B::default());
        }
        self.first = start;
    }

    /// The number of the first bucket with requests, and the series from there to the last one. `repeats`: series that are
    /// copies of another series.
    pub(super) fn lines<T: Clone>(
        &self,
        repeats: &[(usize, usize)],
        number: impl Fn(&B) -> T,
    ) -> (Option<i64>, Vec<Vec<T>>) {
        let is_empty = |bucket: &usize| self.series.iter().all(|buckets| buckets[*bucket].is_empty());
        let length = self.len();
        let start = (0..length).find(|bucket| !is_empty(bucket)).unwrap_or(length);
        let end = (start..length).rev().find(|bucket| !is_empty(bucket)).map_or(start, |last| last + 1);
        let numbers = |buckets: &Vec<B>| buckets[start..end].iter().map(&number).collect();
        let mut lines: Vec<Vec<T>> = self.series.iter().map(numbers).collect();
        for (copy, original) in repeats {
            lines[*copy] = lines[*original].clone();
        }
        ((start < end).then_some(self.first + start as i64), lines)
    }
}

impl<B: InBucket> Partial for PerBucket<B> {
    fn merge(&mut self, other: &Self, cancel: &CancellationToken) -> Result<(), QueryError> {
        if other.len() == 0 {
            return Ok(());
        }
        self.cover(other.first, other.first + other.len() as i64 - 1);
        let offset = (other.first - self.first) as usize;
        for (ours, theirs) in self.series.iter_mut().zip(&other.series) {
            check_cancelled(cancel)?;
            ours[offset..].iter_mut().zip(theirs).for_each(|(ours, theirs)| ours.merge(theirs));
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.series.len() * self.len() * size_of::<B>()
    }
}
