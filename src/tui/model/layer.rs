//! A layer of the drill-down stack: what is asked, and how each of its tables was left.

use crate::log::Field;
use crate::query::{Dimension, Filter, RequestRow, Series, Stats, TimeRange};
use crate::tui::model::answer_state::Held;
use crate::tui::model::axis::Axis;
use crate::tui::model::keymap::Command;
use crate::tui::model::table::{About, Table};

/// The tables that every layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Who asks: by address, network, requester or role.
    Requesters,
    /// What is asked for: by key or parts of it.
    Objects,
    /// When.
    Time,
    /// Single requests.
    Requests,
    /// By any other dimension.
    Other,
}

impl Tab {
    /// In the order of their keys, `1` to `5`.
    pub(crate) const ALL: [Tab; 5] = [Tab::Requesters, Tab::Objects, Tab::Time, Tab::Requests, Tab::Other];

    /// The tab in which tables by a dimension are shown.
    pub(crate) fn of(by: &Dimension) -> Tab {
        match by.base() {
            Field::RemoteIp | Field::Requester => Tab::Requesters,
            Field::Key => Tab::Objects,
            _ => Tab::Other,
        }
    }
}

/// The timeline as it is held.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// One line of buckets.
    pub(crate) series: Series,
    /// Over all of them.
    pub(crate) totals: Stats,
}

impl Timeline {
    /// Sums up.
    pub(crate) fn of(series: Series) -> Timeline {
        let totals = series.lines.iter().flatten().fold(Stats::default(), |sum, stats| sum.merged(*stats));
        Timeline { series, totals }
    }

    /// The buckets laid on an axis of the same bucket width; what the answer does not reach is empty.
    pub(crate) fn on(&self, axis: &Axis) -> Vec<Stats> {
        let mut line = vec![Stats::default(); axis.count];
        if self.series.bucket != axis.bucket {
            return line;
        }
        let shift = (self.series.start - axis.start).div_euclid(i64::from(axis.bucket));
        for (index, stats) in self.series.lines.iter().flatten().enumerate() {
            if let Ok(at) = usize::try_from(shift + index as i64)
                && let Some(place) = line.get_mut(at)
            {
                *place = *stats;
            }
        }
        line
    }
}

/// One request in full.
#[derive(Clone, Debug)]
pub(crate) struct Detail {
    /// The request; until it is whole, with the fields that the table had.
    pub(crate) row: RequestRow,
    /// Whether every field of it was read.
    pub(crate) is_whole: bool,
    /// Number of the question about all its fields.
    pub(crate) asked: Option<u64>,
    /// The field under the cursor, as its place in the list of fields.
    pub(crate) cursor: usize,
    /// First line on the screen.
    pub(crate) top: usize,
}

/// A layer.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// The table in front.
    pub(crate) tab: Tab,
    /// Which requests count.
    pub(crate) filter: Filter,
    /// Filters switched off, kept to be switched on again.
    pub(crate) resting: Vec<Filter>,
    /// The time shown.
    pub(crate) time: TimeRange,
    /// What `Z` goes back to.
    pub(crate) zooms: Vec<TimeRange>,
    /// The timeline.
    pub(crate) timeline: Held<Timeline>,
    /// The same in buckets that do not depend on the terminal, to find bursts in.
    pub(crate) bursts: Held<Timeline>,
    /// The key that waits for them.
    pub(crate) burst_key: Option<Command>,
    /// One request in front of the tables.
    pub(crate) detail: Option<Detail>,
    tables: [Table; 5],
}

impl Layer {
    /// A layer with fresh tables.
    pub(crate) fn new(filter: Filter, time: TimeRange) -> Layer {
        let groups = |field| Table::new(About::Groups(Dimension::Field(field)));
        Layer {
            tab: Tab::Requesters,
            filter,
            resting: Vec::new(),
            time,
            zooms: Vec::new(),
            timeline: Held::default(),
            bursts: Held::default(),
            burst_key: None,
            detail: None,
            tables: [
                groups(Field::RemoteIp),
                groups(Field::Key),
                Table::new(About::Times(None)),
                Table::new(About::Requests),
                groups(Field::HttpStatus),
            ],
        }
    }

    /// The table in front.
    pub(crate) fn table(&self) -> &Table {
        &self.tables[self.tab as usize]
    }

    /// The table in front.
    pub(crate) fn table_mut(&mut self) -> &mut Table {
        &mut self.tables[self.tab as usize]
    }

    /// A table by its tab.
    pub(crate) fn table_of(&self, tab: Tab) -> &Table {
        &self.tables[tab as usize]
    }

    /// Puts a table by this dimension in front.
    pub(crate) fn group_by(&mut self, by: Dimension) {
        self.tab = Tab::of(&by);
        let table = self.table_mut();
        if table.dimension() != Some(&by) {
            *table = Table::new(About::Groups(by));
        }
    }

    /// Whether nothing is left out by filter or time.
    pub(crate) fn is_everything(&self, base: TimeRange) -> bool {
        self.filter.is_everything() && self.time == base
    }
}
