//! The first rows of an order, out of many: those that cannot be among them are passed over.

/// Rows are sorted out when so many have come in, at least.
const AT_LEAST: usize = 4096;

/// The smallest `wanted` of what is offered, in no order.
pub struct Best<K> {
    found: Vec<K>,
    wanted: usize,
    /// The largest of the smallest so far: what is not smaller need not be offered.
    worst: Option<K>,
}

impl<K: Ord + Clone> Best<K> {
    /// None yet.
    pub fn new(wanted: usize) -> Best<K> {
        Best { found: Vec::new(), wanted, worst: None }
    }

    /// What is not smaller than this has no chance; `None`: everything has.
    #[inline]
    pub fn worst(&self) -> Option<&K> {
        self.worst.as_ref()
    }

    /// Takes one in, if it has a chance.
    #[inline]
    pub fn offer(&mut self, one: K) {
        if self.worst.as_ref().is_none_or(|worst| one < *worst) {
            self.found.push(one);
            if self.found.len() >= self.wanted.saturating_mul(2).max(AT_LEAST) {
                self.sort_out();
            }
        }
    }

    /// Keeps only the smallest: picking them now and then costs less than keeping them in order.
    fn sort_out(&mut self) {
        if self.found.len() <= self.wanted {
            return;
        }
        match self.wanted.checked_sub(1) {
            Some(last) => {
                let (_, worst, _) = self.found.select_nth_unstable(last);
                self.worst = Some(worst.clone());
            }
            // Nothing is wanted: the count is.
            None => self.worst = self.found.iter().min().cloned(),
        }
        self.found.truncate(self.wanted);
    }

    /// Those from place `from` on, in order.
    pub fn from(all: Vec<Best<K>>, from: usize) -> Vec<K> {
        let Some(wanted) = all.first().map(|best| best.wanted) else { return Vec::new() };
        let mut found: Vec<K> = Vec::new();
        for best in all {
            if found.is_empty() {
                found = best.found;
            } else {
                found.extend(best.found);
            }
        }
        let mut best = Best { found, wanted, worst: None };
        best.sort_out();
        let mut found = best.found;
        if from >= found.len() {
            return Vec::new();
        }
        if from > 0 {
            found.select_nth_unstable(from);
            found.drain(..from);
        }
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_of_any_numbers_come_in_order(
            numbers in prop::collection::vec(0..5000u32, 0..20_000),
            threads in 1..4usize,
            wanted in prop::sample::select(vec![0, 1, 5, 100, 6000, usize::MAX]),
            from in prop::sample::select(vec![0, 1, 99, 3000, 100_000]),
        ) {
            let mut all: Vec<Best<u32>> = (0..threads).map(|_| Best::new(wanted)).collect();
            for (index, number) in numbers.iter().enumerate() {
                all[index % threads].offer(*number);
            }
            let mut sorted = numbers;
            sorted.sort_unstable();
            sorted.truncate(wanted);
            prop_assert_eq!(Best::from(all, from), sorted.get(from..).unwrap_or_default());
        }
    }
}
