//! Folding rows into stretches of time.

mod buckets;

use crate::cache::{BLOCK, SegmentInfo, Snapshot};
use crate::log::Field;
use crate::query::{Answer, Dimension, QueryError, Series, Statistics, Stats, Value, origin};
use tokio_util::sync::CancellationToken;

use crate::query::engine::Asking;
use crate::query::engine::cancel;
use crate::query::engine::groups::keys::GroupKeys;
use crate::query::engine::groups::{Sums, errors, for_each};
use crate::query::engine::partials_cache::Fold;
use crate::query::engine::predicate::{OpenPredicate, Passes};
use crate::query::engine::series::buckets::{Buckets, number};

/// More stretches than this, over all lines, nobody can look at, and they would fill the memory.
const MOST_BUCKETS: i128 = 4_000_000;

/// Sums per stretch of time, per line.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// Number of the first bucket, counted from [`origin`].
    first: i64,
    lines: Vec<Vec<Sums>>,
}

impl Lines {
    fn new(lines: usize) -> Lines {
        Lines { first: 0, lines: vec![Vec::new(); lines] }
    }

    fn len(&self) -> usize {
        self.lines.first().map_or(0, Vec::len)
    }

    /// Makes room for these buckets (both included).
    fn cover(&mut self, first: i64, last: i64) {
        if self.len() == 0 {
            self.first = first;
        }
        let before = (self.first - first).max(0) as usize;
        let end = (self.first + self.len() as i64 - 1).max(last);
        let start = self.first.min(first);
        let length = (end - start + 1) as usize;
        for line in &mut self.lines {
            if before > 0 {
                line.splice(0..0, std::iter::repeat_n(Sums::default(), before));
            }
            line.resize(length, Sums::default());
        }
        self.first = start;
    }

    /// As an answer has it: without empty buckets at the ends. `repeats`: lines that are those of others.
    fn answer(&self, bucket: u32, repeats: &[(usize, usize)]) -> Series {
        let is_empty = |index: &usize| self.lines.iter().all(|line| line[*index].requests == 0);
        let length = self.len();
        let start = (0..length).find(|index| !is_empty(index)).unwrap_or(length);
        let end = (start..length).rev().find(|index| !is_empty(index)).map_or(start, |last| last + 1);
        let first = if start == end { 0 } else { self.first + start as i64 };
        let mut lines: Vec<Vec<Stats>> =
            self.lines.iter().map(|line| line[start..end].iter().map(Sums::stats).collect()).collect();
        for (line, of) in repeats {
            lines[*line] = lines[*of].clone();
        }
        let from = if start == end { 0 } else { origin(bucket) };
        Series { bucket, start: first.saturating_mul(i64::from(bucket)).saturating_add(from), lines }
    }
}

impl Fold for Lines {
    fn merge(&mut self, other: &Self, cancel: &CancellationToken) -> Result<(), QueryError> {
        if other.len() == 0 {
            return Ok(());
        }
        self.cover(other.first, other.first + other.len() as i64 - 1);
        let offset = (other.first - self.first) as usize;
        for (ours, theirs) in self.lines.iter_mut().zip(&other.lines) {
            cancel::go_on(cancel)?;
            for (ours, theirs) in ours[offset..].iter_mut().zip(theirs) {
                ours.merge(theirs);
            }
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.lines.len() * self.len() * size_of::<Sums>()
    }
}

impl Asking<'_> {
    /// Answers [`Ask::Series`](crate::query::Ask::Series).
    pub(super) fn series(
        &self,
        bucket: u32,
        each: Option<&(Dimension, Vec<Value>)>,
        wanted: &[SegmentInfo],
        statistics: &mut Statistics,
        partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Answer, QueryError> {
        if bucket == 0 {
            return Err(QueryError::Invalid("a time bucket of 0 seconds; ask for 1 s or more".to_owned()));
        }
        // What the time range and the filter say of time. One that is empty or reversed holds nothing; the
        // fold finds that out.
        let (from, to) = self.predicate.times();
        let earliest = |instant: i64| instant.max(from);
        let latest = |instant: i64| instant.min(to);
        let first = wanted.iter().map(|segment| number(bucket, earliest(segment.time_min))).min();
        let last = wanted.iter().map(|segment| number(bucket, latest(segment.time_max))).max();
        let lines = each.map_or(1, |(_, values)| values.len().max(1));
        if let (Some(first), Some(last)) = (first, last)
            && let buckets = i128::from(last) - i128::from(first) + 1
            && buckets.saturating_mul(lines as i128) > MOST_BUCKETS
        {
            let times = if lines == 1 { String::new() } else { format!("{lines} times ") };
            return Err(QueryError::Invalid(format!(
                "{times}{buckets} buckets of {bucket} s; ask for wider ones, or for a shorter time"
            )));
        }
        // Lines that are asked for more than once, and the one that has the numbers.
        let mut repeats: Vec<(usize, usize)> = Vec::new();
        let keys = each
            .map(|(by, values)| {
                let keys = self.keys(by)?;
                let groups = keys.groups_of(values, self.snapshot, self.cancel)?;
                keys.expect_many(self.snapshot, self.cancel)?;
                let most = groups.iter().flatten().max().map_or(0, |most| *most as usize + 1);
                let mut lines = vec![u32::MAX; most];
                for (line, group) in groups.into_iter().enumerate() {
                    match group.and_then(|group| lines.get_mut(group as usize)) {
                        Some(place) if *place == u32::MAX => *place = line as u32,
                        Some(place) => repeats.push((line, *place as usize)),
                        None => {}
                    }
                }
                Ok::<_, QueryError>((keys, lines, values.len()))
            })
            .transpose()?;
        let errors = errors(self.snapshot)?;
        let count = keys.as_ref().map_or(1, |(_, _, count)| *count);
        let folded = self.standing(
            &self.engine.series,
            format!("{bucket} {each:?}"),
            wanted,
            statistics,
            &|| Lines::new(count),
            &|lines: &mut Lines, segment| {
                self.fold_series(
                    lines,
                    segment,
                    bucket,
                    keys.as_ref().map(|(keys, of, _)| (keys, of.as_slice())),
                    &errors,
                )
            },
            &mut |lines: &Lines, share| {
                partial(Answer::Series(lines.answer(bucket, &repeats)), share);
                Ok(())
            },
        )?;
        Ok(Answer::Series(folded.answer(bucket, &repeats)))
    }

    fn fold_series(
        &self,
        lines: &mut Lines,
        segment: &SegmentInfo,
        width: u32,
        keys: Option<(&GroupKeys, &[u32])>,
        errors: &[bool],
    ) -> Result<(), QueryError> {
        let snapshot = self.snapshot;
        let open = match self.predicate.passes(segment, snapshot)? {
            Passes::None => return Ok(()),
            Passes::All => OpenPredicate::Constant(true),
            Passes::Some => self.predicate.open(segment, snapshot)?,
        };
        let times = snapshot.integers(segment, Field::Time)?;
        let bytes_sent = snapshot.integers(segment, Field::BytesSent)?;
        let statuses = snapshot.integers(segment, Field::HttpStatus)?;
        let open_keys =
            keys.map(|(keys, of)| Ok::<_, QueryError>((keys.open(segment, snapshot)?, of))).transpose()?;
        let (from, to) = self.predicate.times();
        let (low, high) = (segment.time_min.max(from), segment.time_max.min(to));
        if low > high {
            return Ok(());
        }
        let buckets = Buckets::new(width, low, high);
        lines.cover(number(width, low), number(width, high));
        let before = (buckets.first() - lines.first) as usize;
        let (mut codes, mut sent) = ([0u64; BLOCK], [0u64; BLOCK]);
        let (mut status, mut groups) = ([0u32; BLOCK], [0u32; BLOCK]);
        for block in 0..segment.rows.div_ceil(BLOCK) {
            self.predicate.look_at(block)?;
            let mut mask = open.block(block)?;
            let rows = segment.rows - block * BLOCK;
            if rows < BLOCK {
                mask &= (1 << rows) - 1;
            }
            if mask == 0 {
                continue;
            }
            if let Some((keys, of)) = &open_keys {
                keys.block(block, &mut groups);
                for group in &mut groups {
                    *group = of.get(*group as usize).copied().unwrap_or(u32::MAX);
                }
                if groups.iter().all(|line| *line == u32::MAX) {
                    continue;
                }
            }
            times.unpack_u64(block, &mut codes);
            bytes_sent.unpack_u64(block, &mut sent);
            statuses.unpack_u32(block, &mut status);
            for_each(mask, |row| {
                let time = Snapshot::time_of(codes[row]);
                let bucket = before.wrapping_add(buckets.of(time));
                let is_error = errors.get(status[row] as usize).copied().unwrap_or(false);
                if let Some(sums) =
                    lines.lines.get_mut(groups[row] as usize).and_then(|line| line.get_mut(bucket))
                {
                    sums.add(time, sent[row].saturating_sub(1), u32::from(is_error));
                }
            });
        }
        Ok(())
    }
}
