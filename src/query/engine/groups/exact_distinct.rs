//! Counts of different values that were too many to remember for all groups, made exact for the rows that are
//! wanted: few rows take few sets, and a set is a bit a value.

use hashbrown::HashMap;

use crate::cache::{BLOCK, CacheError, SegmentInfo};
use crate::log::Field;
use crate::query::{Measure, QueryError, answer};

use crate::query::engine::groups::distinct_sketch::counted_field;
use crate::query::engine::groups::for_each;
use crate::query::engine::groups::keys::GroupKeys;
use crate::query::engine::groups::rows::Wanted;
use crate::query::engine::predicate::{OpenPredicate, Passes};
use crate::query::engine::requests::rows_of_block;
use crate::query::engine::{Asking, parallel};

/// So many times the rows wanted are counted, if their order is made by estimates.
pub const CANDIDATES: usize = 4;
/// Memory that the sets of one thread may take: what would need more stays estimated.
const MOST_BYTES: usize = 16 << 20;

/// The values that rows have, of some dimensions.
struct Sets {
    /// Per dimension, row by row, a bit for each id.
    bits: Vec<Vec<u64>>,
    /// Words that a row takes in each.
    words: Vec<usize>,
}

impl Sets {
    fn merge(&mut self, other: &Sets) {
        for (ours, theirs) in self.bits.iter_mut().zip(&other.bits) {
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours |= theirs);
        }
    }

    fn count(&self, dimension: usize, row: usize) -> u64 {
        let words = self.words[dimension];
        self.bits[dimension][row * words..][..words].iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

impl Asking<'_> {
    /// Makes estimated counts of an answer exact. `groups` has the number of the group of each row.
    ///
    /// The order may have been made by estimates, of more rows than wanted: it is made anew, and only the rows
    /// wanted are left. Whether one that was left out belongs there nobody knows: that measure stays marked.
    pub(in crate::query::engine) fn count_exactly(
        &self,
        answer: &mut answer::Groups,
        groups: &[u32],
        keys: &GroupKeys,
        Wanted { more, sort, limit }: Wanted<'_>,
        segments: &[SegmentInfo],
    ) -> Result<(), QueryError> {
        let measures = std::mem::take(&mut answer.approximate);
        let fields: Vec<Field> = measures.iter().filter_map(|measure| counted_field(*measure)).collect();
        let lengths: Vec<u64> =
            fields.iter().map(|field| u64::from(self.snapshot.dictionary_len(*field))).collect();
        let words: Vec<usize> = lengths.iter().map(|length| (length / 64 + 1) as usize).collect();
        if fields.len() != measures.len() || words.iter().sum::<usize>() * groups.len() * 8 > MOST_BYTES {
            answer.rows.truncate(limit);
            answer.approximate = measures;
            return Ok(());
        }
        let rows: HashMap<u32, u32> = groups.iter().copied().zip(0..).collect();
        let begin = || Sets {
            bits: words.iter().map(|words| vec![0; words * groups.len()]).collect(),
            words: words.clone(),
        };
        let folded = parallel::fold(
            segments,
            self.cancel,
            begin,
            |sets, segment| self.collect(sets, segment, keys, &rows, &fields),
            |_, _| Ok(()),
        )?;
        let mut folded = folded.into_iter();
        let mut sets = folded.next().unwrap_or_else(begin);
        folded.for_each(|other| sets.merge(&other));

        let mut counted: Vec<(answer::GroupRow, u64)> = Vec::with_capacity(groups.len());
        for (index, mut row) in std::mem::take(&mut answer.rows).into_iter().enumerate() {
            let count = |measure: Measure| {
                measures.iter().position(|other| *other == measure).map(|place| sets.count(place, index))
            };
            for (number, measure) in row.more.iter_mut().zip(more) {
                if let Some(count) = count(*measure) {
                    *number = Some(count as f64);
                }
            }
            counted.push((row, count(sort.by).unwrap_or(0)));
        }
        if measures.contains(&sort.by) {
            counted.sort_by(|(one, one_count), (other, other_count)| {
                let order = one_count.cmp(other_count);
                let order = if sort.descending { order.reverse() } else { order };
                order.then_with(|| one.value.cmp(&other.value))
            });
            answer.approximate.push(sort.by);
        }
        answer.rows.extend(counted.into_iter().take(limit).map(|(row, _)| row));
        Ok(())
    }

    fn collect(
        &self,
        sets: &mut Sets,
        segment: &SegmentInfo,
        keys: &GroupKeys,
        rows: &HashMap<u32, u32>,
        fields: &[Field],
    ) -> Result<(), QueryError> {
        let open = match self.predicate.passes(segment, self.snapshot)? {
            Passes::None => return Ok(()),
            Passes::Some => self.predicate.open(segment, self.snapshot)?,
            Passes::All => OpenPredicate::Constant(true),
        };
        let open_keys = keys.open(segment, self.snapshot)?;
        let columns = fields
            .iter()
            .map(|field| self.snapshot.integers(segment, *field))
            .collect::<Result<Vec<_>, CacheError>>()?;
        let (mut groups, mut ids) = ([0u32; BLOCK], [0u32; BLOCK]);
        for block in 0..segment.rows.div_ceil(BLOCK) {
            self.predicate.look_at(block)?;
            let mask = open.block(block)? & rows_of_block(segment, block);
            if mask == 0 {
                continue;
            }
            open_keys.block(block, &mut groups);
            let mut of_rows = 0;
            for_each(mask, |row| {
                if let Some(index) = rows.get(&groups[row]) {
                    groups[row] = *index;
                    of_rows |= 1 << row;
                }
            });
            if of_rows == 0 {
                continue;
            }
            for ((column, bits), words) in columns.iter().zip(&mut sets.bits).zip(&sets.words) {
                column.unpack_u32(block, &mut ids);
                for_each(of_rows, |row| {
                    let (index, id) = (groups[row] as usize, ids[row] as usize);
                    // A damaged column can name ids that cannot be: they count nowhere.
                    if id != 0 && id < words * 64 {
                        bits[index * words + id / 64] |= 1 << (id % 64);
                    }
                });
            }
        }
        Ok(())
    }
}
