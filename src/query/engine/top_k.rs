//! The first k items of an order, out of many. Once k items are known, items after the last of them are rejected by
//! one comparison.

/// Minimum number of collected items before the best k are selected.
const MIN_ITEMS_TO_SELECT: usize = 4096;

/// The smallest `k` of the offered items, and those that compare equal to the last of them, in no order.
///
/// Items are collected, and from time to time the best k are selected, which costs less than a heap.
pub(super) struct TopK<T> {
    k: usize,
    items: Vec<T>,
    select_at: usize,
    /// Larger items are not among the first k; `None` if it is not known yet.
    bound: Option<T>,
}

impl<T: Ord + Clone> TopK<T> {
    pub(super) fn new(k: usize) -> TopK<T> {
        let select_at = k.saturating_mul(2).max(MIN_ITEMS_TO_SELECT);
        TopK { k, items: Vec::new(), select_at, bound: None }
    }

    /// The item after which all others are rejected; `None`: every item is accepted.
    #[inline]
    pub(super) fn bound(&self) -> Option<&T> {
        self.bound.as_ref()
    }

    /// Adds an item, unless it is rejected.
    #[inline]
    pub(super) fn offer(&mut self, item: T) {
        if self.bound.as_ref().is_none_or(|bound| item <= *bound) {
            self.items.push(item);
            if self.items.len() >= self.select_at {
                self.select();
                // If many items equal the bound, they are not moved again and again.
                self.select_at = self.select_at.max(self.items.len() * 2);
            }
        }
    }

    fn select(&mut self) {
        if self.items.len() <= self.k {
            return;
        }
        let Some(last) = self.k.checked_sub(1) else {
            // No item is wanted, but the bound lets the caller skip items.
            self.bound = self.items.drain(..).min();
            return;
        };
        let (_, bound, _) = self.items.select_nth_unstable(last);
        let bound = bound.clone();
        let mut kept = self.k;
        for index in self.k..self.items.len() {
            if self.items[index] <= bound {
                self.items.swap(kept, index);
                kept += 1;
            }
        }
        self.items.truncate(kept);
        self.bound = Some(bound);
    }

    /// The first k items and those that equal the last of them, in no order.
    pub(super) fn into_items(mut self) -> Vec<T> {
        self.select();
        self.items
    }

    /// Merges the items of several threads, which have the same `k`. Returns the items from place `from` up to `k`
    /// in the order of all, sorted.
    pub(super) fn merge_sorted(all: Vec<TopK<T>>, from: usize) -> Vec<T> {
        let mut all = all.into_iter();
        let Some(mut merged) = all.next() else { return Vec::new() };
        all.for_each(|other| merged.items.extend(other.items));
        merged.select();
        let TopK { k, mut items, .. } = merged;
        items.truncate(k);
        if from >= items.len() {
            return Vec::new();
        }
        if from > 0 {
            items.select_nth_unstable(from);
            items.drain(..from);
        }
        items.sort_unstable();
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_k_of_any_numbers_are_found_and_sorted(
            numbers in prop::collection::vec(0..5000u32, 0..20_000),
            threads in 1..4usize,
            k in prop::sample::select(vec![0, 1, 5, 100, 6000, usize::MAX]),
            from in prop::sample::select(vec![0, 1, 99, 3000, 100_000]),
        ) {
            let mut all: Vec<TopK<u32>> = (0..threads).map(|_| TopK::new(k)).collect();
            for (index, number) in numbers.iter().enumerate() {
                all[index % threads].offer(*number);
            }
            let mut sorted = numbers;
            sorted.sort_unstable();
            sorted.truncate(k);
            prop_assert_eq!(TopK::merge_sorted(all, from), sorted.get(from..).unwrap_or_default());
        }

        #[test]
        fn items_that_equal_the_last_of_the_first_k_are_kept(
            numbers in prop::collection::vec(0..9u32, 0..20_000),
            k in prop::sample::select(vec![1, 5, 6000]),
        ) {
            let mut top = TopK::new(k);
            numbers.iter().for_each(|number| top.offer(*number));
            let mut sorted = numbers;
            sorted.sort_unstable();
            let last = sorted.get(k - 1).copied().unwrap_or(u32::MAX);
            sorted.retain(|number| *number <= last);
            let mut items = top.into_items();
            items.sort_unstable();
            prop_assert_eq!(items, sorted);
        }
    }
}
