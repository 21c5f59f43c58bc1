//! A second pass that counts distinct values exactly for the wanted rows, where the first pass estimated them for all
//! groups: few rows need few sets, of one bit per value.

use fixedbitset::FixedBitSet;
use hashbrown::HashMap;

use super::keys::GroupKeys;
use super::rows::WantedRows;
use crate::cache::{BLOCK, CacheError, SegmentInfo, code};
use crate::log::Field;
use crate::query::engine::predicate::mask::for_each_row;
use crate::query::engine::{QueryContext, parallel};
use crate::query::measure::Aggregate;
use crate::query::{GroupRow, Measure, QueryError, answer};

/// Rows that are counted per wanted row, if estimates decide the order.
pub(super) const CANDIDATES_PER_ROW: usize = 4;
/// Bytes that the sets of one thread may take. If they need more, the estimates remain.
const MAX_SET_BYTES: usize = 16 << 20;

struct ValueSets {
    /// A set per row, one after another: value ids from 0 to `width - 1`.
    bits: FixedBitSet,
    width: usize,
}

impl ValueSets {
    fn count(&self, row: usize) -> u64 {
        self.bits.count_ones(row * self.width..(row + 1) * self.width) as u64
    }
}

impl QueryContext<'_> {
    /// Replaces the estimated counts of an answer with exact counts. `groups` has the group number of each row.
    ///
    /// If estimates decided the order, the answer has more rows than wanted. They are sorted again, and the wanted
    /// rows remain. The estimates may have left out a wanted row, so the measure of the order stays marked.
    pub(super) fn count_distinct_exactly(
        &self,
        answer: &mut answer::Groups,
        groups: &[u32],
        keys: &GroupKeys,
        WantedRows { more, sort, limit, .. }: WantedRows<'_>,
    ) -> Result<(), QueryError> {
        let measures = std::mem::take(&mut answer.approximate);
        let field = |measure: &Measure| match measure.spec().aggregate {
            Aggregate::Distinct(field) => Some(field),
            _ => None,
        };
        let fields: Vec<Field> = measures.iter().filter_map(field).collect();
        let widths: Vec<usize> =
            fields.iter().map(|field| self.snapshot.dictionary_len(*field) as usize + 1).collect();
        let set_bytes = widths.iter().map(|width| width.div_ceil(8)).sum::<usize>() * groups.len();
        if fields.len() != measures.len() || set_bytes > MAX_SET_BYTES {
            answer.rows.truncate(limit);
            answer.approximate = measures;
            return Ok(());
        }
        let rows: HashMap<u32, u32> = groups.iter().copied().zip(0..).collect();
        let begin = || {
            let sets = |width: &usize| ValueSets {
                bits: FixedBitSet::with_capacity(width * groups.len()),
                width: *width,
            };
            widths.iter().map(sets).collect::<Vec<ValueSets>>()
        };
        let states = parallel::scan_segments(&self.segments, self.scan, begin, |sets, segment| {
            self.add_values(sets, segment, keys, &rows, &fields)
        })?;
        let mut states = states.into_iter();
        let mut sets = states.next().unwrap_or_else(begin);
        for other in states {
            sets.iter_mut().zip(other).for_each(|(ours, theirs)| ours.bits.union_with(&theirs.bits));
        }

        let mut counted: Vec<(GroupRow, u64)> = Vec::with_capacity(groups.len());
        for (index, mut row) in std::mem::take(&mut answer.rows).into_iter().enumerate() {
            let count = |measure: Measure| {
                measures.iter().position(|other| *other == measure).map(|set| sets[set].count(index))
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

    fn add_values(
        &self,
        sets: &mut [ValueSets],
        segment: &SegmentInfo,
        keys: &GroupKeys,
        rows: &HashMap<u32, u32>,
        fields: &[Field],
    ) -> Result<(), QueryError> {
        let Some(selected) = self.predicate.selected(segment, self.snapshot)? else { return Ok(()) };
        let open_keys = keys.open(segment, self.snapshot)?;
        let column = |field: &Field| self.snapshot.int_column(segment, *field);
        let columns = fields.iter().map(column).collect::<Result<Vec<_>, CacheError>>()?;
        let (mut groups, mut ids) = ([0u32; BLOCK], [0u32; BLOCK]);
        for selected in selected {
            let (block, mask) = selected?;
            open_keys.block(block, &mut groups);
            let mut of_rows = 0;
            for_each_row(mask, |row| {
                if let Some(index) = rows.get(&groups[row]) {
                    groups[row] = *index;
                    of_rows |= 1 << row;
                }
            });
            if of_rows == 0 {
                continue;
            }
            for (column, ValueSets { bits, width }) in columns.iter().zip(&mut *sets) {
                column.ids(block, &mut ids);
                for_each_row(of_rows, |row| {
                    let (index, id) = (groups[row] as usize, ids[row] as usize);
                    // A damaged column may have impossible value ids: they are ignored.
                    if id as u64 != code::ABSENT && id < *width {
                        bits.insert(index * *width + id);
                    }
                });
            }
        }
        Ok(())
    }
}
