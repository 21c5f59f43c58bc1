//! How the table is scanned. SQLite passes the plan as text from the choice of an index to the scan.

use std::fmt;

use super::condition::{self, Comparison};
use crate::log::Field;
use crate::query::Sort;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Conditions on columns that the engine evaluates. Each has one argument, in this order.
    pub(super) conditions: Vec<(usize, Comparison)>,
    /// The first rows of an order, if the engine selects them. Its arguments follow those of the conditions: LIMIT,
    /// then OFFSET if the statement has one.
    pub(super) top: Option<TopPlan>,
}

/// The first rows of an order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TopPlan {
    pub(super) sort: Sort<Field>,
    pub(super) has_offset: bool,
    /// The columns that the statement uses, one bit each, as SQLite reports them.
    pub(super) columns: u64,
}

impl TopPlan {
    /// The fields that the statement uses, and the time: without any field, the engine would read all.
    pub(super) fn fields(&self) -> Vec<Field> {
        let is_used = |field: &Field| self.columns >> (*field as usize) & 1 != 0 || *field == Field::Time;
        Field::all().filter(is_used).collect()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (column, comparison) in &self.conditions {
            write!(f, "{column}{} ", comparison.letter())?;
        }
        if let Some(TopPlan { sort, has_offset, columns }) = &self.top {
            let direction = if sort.descending { 'd' } else { 'a' };
            let offset = if *has_offset { 'o' } else { '-' };
            write!(f, "top{direction}{offset} {} {columns:x}", sort.by as usize)?;
        }
        Ok(())
    }
}

impl Plan {
    /// Parses the text of a plan; `None` if it is invalid.
    pub(super) fn parse(text: &str) -> Option<Plan> {
        let mut plan = Plan::default();
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            if let Some(options) = word.strip_prefix("top") {
                plan.top = Some(TopPlan {
                    sort: Sort {
                        by: condition::field(words.next()?.parse().ok()?)?,
                        descending: options.starts_with('d'),
                    },
                    has_offset: options.ends_with('o'),
                    columns: u64::from_str_radix(words.next()?, 16).ok()?,
                });
            } else {
                let letter = word.chars().next_back()?;
                let column = word.strip_suffix(letter)?.parse().ok()?;
                plan.conditions.push((column, Comparison::of_letter(letter)?));
            }
        }
        Some(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_plan_parses_to_itself() {
        let top = |descending, has_offset| {
            let sort = Sort { by: Field::BytesSent, descending };
            Some(TopPlan { sort, has_offset, columns: u64::MAX >> 1 })
        };
        for conditions in [vec![], vec![(7, Comparison::In), (27, Comparison::GreaterOrEqual)]] {
            for top in [None, top(true, false), top(false, true)] {
                let plan = Plan { conditions: conditions.clone(), top };
                assert_eq!(Plan::parse(&plan.to_string()), Some(plan));
            }
        }
        assert_eq!(Plan::parse("7? "), None);
        assert_eq!(Plan::parse("top"), None);
    }
}
