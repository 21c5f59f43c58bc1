//! The column `cost` of reports by two dimensions: the engine estimates the costs of the groups of one dimension, so this
//! asks several times.

use std::collections::{BTreeSet, HashMap};

use super::report::Report;
use super::{interrupt, usage};
use crate::export::Cell;
use crate::human::count;
use crate::query::{Answer, Ask, Dimension, Engine, Filter, Measure, Pairs, Query, QueryError, Sort, Value};

/// Queries for one table.
const MAX_QUERIES: usize = 10_000;

impl Report<'_> {
    /// The costs of the rows of a report by two dimensions.
    pub(super) fn costs_of_pairs(
        &self,
        by: &[Dimension; 2],
        pairs: &Pairs,
    ) -> anyhow::Result<Vec<Cell<'static>>> {
        // For each value of the dimension with fewer values, the groups of the other one.
        let values = [0, 1].map(|place: usize| {
            pairs.rows.iter().map(|row| &row.values[place]).collect::<BTreeSet<&Value>>()
        });
        let outer = usize::from(values[1].len() < values[0].len());
        let inner = 1 - outer;
        if values[outer].len() > MAX_QUERIES {
            return usage(format!(
                "--columns cost: {} rows are too many; name fewer with --top",
                count(pairs.rows.len() as u64)
            ));
        }
        let mut dollars: HashMap<(&Value, Value), f64> = HashMap::new();
        for value in &values[outer] {
            let ask = Ask::Groups {
                by: by[inner].clone(),
                more: vec![Measure::Cost],
                sort: Sort { by: Measure::Requests, descending: true },
                limit: 0,
            };
            if let Answer::Groups(groups) = self.ask(Filter::term_for(&by[outer], value), ask)? {
                for row in groups.rows {
                    if let Some(Some(cost)) = row.more.first() {
                        dollars.insert((*value, row.value), *cost);
                    }
                }
            }
        }
        let cost = |values: &[Value; 2]| dollars.get(&(&values[outer], values[inner].clone())).copied();
        Ok(pairs.rows.iter().map(|row| cost(&row.values).map_or(Cell::Absent, Cell::Dollars)).collect())
    }

    /// Asks about the requests of the report that also pass `filter`.
    fn ask(&self, filter: Filter, ask: Ask) -> Result<Answer, QueryError> {
        let query = self.context.query(&self.open.sources, self.args.counting.into(), ask);
        let query = Query { filter: query.filter.clone().and(filter), ..query };
        let (cancel, _hook) = interrupt::query_cancellation();
        Ok(self.engine.ask_once(&query, &cancel)?.answer)
    }
}
