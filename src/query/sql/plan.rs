//! How a table is walked over, as SQLite carries it from where it is chosen to where it is done: as text.

use std::fmt;

use super::condition::{self, Compared};
use crate::log::Field;
use crate::query::Sort;

/// How the table is walked over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What is asked of columns; an argument each.
    pub conditions: Vec<(usize, Compared)>,
    /// If the rows are wanted in an order and only the first of them.
    pub first: Option<First>,
}

/// The first rows of an order. How many is an argument behind those of the conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct First {
    /// The order.
    pub sort: Sort<Field>,
    /// Whether there is another argument: how many of them are passed over.
    pub has_offset: bool,
    /// Columns that are read, a bit each.
    pub columns: u64,
}

impl First {
    /// The fields that are read.
    pub fn fields(&self) -> Vec<Field> {
        // The time is there in any case, and no field at all would be every one.
        let is_used = |field: &Field| self.columns >> (*field as usize) & 1 != 0 || *field == Field::Time;
        Field::all().filter(is_used).collect()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (column, compared) in &self.conditions {
            write!(f, "{column}{} ", compared.letter())?;
        }
        if let Some(First { sort, has_offset, columns }) = &self.first {
            let direction = if sort.descending { 'd' } else { 'a' };
            let offset = if *has_offset { 'o' } else { '-' };
            write!(f, "first{direction}{offset} {} {columns:x}", sort.by as usize)?;
        }
        Ok(())
    }
}

impl Plan {
    /// The plan that is written so; `None`: none is.
    pub fn of_text(text: &str) -> Option<Plan> {
        let mut plan = Plan::default();
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            if let Some(how) = word.strip_prefix("first") {
                plan.first = Some(First {
                    sort: Sort {
                        by: condition::field(words.next()?.parse().ok()?)?,
                        descending: how.starts_with('d'),
                    },
                    has_offset: how.ends_with('o'),
                    columns: u64::from_str_radix(words.next()?, 16).ok()?,
                });
            } else {
                let letter = word.chars().next_back()?;
                let column = word.strip_suffix(letter)?.parse().ok()?;
                plan.conditions.push((column, Compared::of_letter(letter)?));
            }
        }
        Some(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let first = |descending, has_offset| {
            let sort = Sort { by: Field::BytesSent, descending };
            Some(First { sort, has_offset, columns: u64::MAX >> 1 })
        };
        for conditions in [vec![], vec![(7, Compared::In), (27, Compared::GreaterOrEqual)]] {
            for first in [None, first(true, false), first(false, true)] {
                let plan = Plan { conditions: conditions.clone(), first };
                assert_eq!(Plan::of_text(&plan.to_string()), Some(plan));
            }
        }
        assert_eq!(Plan::of_text("7? "), None);
        assert_eq!(Plan::of_text("first"), None);
    }
}
