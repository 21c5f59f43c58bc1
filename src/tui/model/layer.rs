//! A layer of the drill-down stack: its filter, its time range, and its tables as the user left them.

use crate::insight::emptiness::Emptiness;
use crate::log::Field;
use crate::query::{Dimension, Filter, Pairs, Series, Stats, TimeRange};
use crate::tui::model::{
    Axis, Command, Detail, Table, TableKind, answer_state::AnswerState, heat_map::WeekHour, undo::Scope,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    /// By address, network, requester or role.
    Addresses,
    /// By key or part of the key.
    Objects,
    Time,
    Requests,
    /// What is suspicious.
    Findings,
    /// By any other dimension.
    Other,
}

impl Tab {
    /// In the order of their keys, `1` to `6`.
    pub(crate) const ALL: [Tab; 6] =
        [Tab::Addresses, Tab::Objects, Tab::Time, Tab::Requests, Tab::Findings, Tab::Other];

    /// The tab that shows groups by `by`.
    pub(crate) fn of(by: &Dimension) -> Tab {
        match by.base() {
            Field::RemoteIp | Field::Requester => Tab::Addresses,
            Field::Key => Tab::Objects,
            _ => Tab::Other,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// A series with one line.
    pub(crate) series: Series,
    pub(crate) totals: Stats,
}

impl Timeline {
    pub(crate) fn from_series(series: Series) -> Timeline {
        let totals = series.lines.iter().flatten().fold(Stats::default(), |sum, stats| sum.merged(*stats));
        Timeline { series, totals }
    }

    /// The buckets of `axis`. Buckets outside the series are empty. The series may be that of an earlier axis, so that the
    /// bars stay while the answer for this one is awaited: buckets of a finer series are added up, those of a coarser one
    /// are divided, see [`Timeline::is_estimate_on`].
    pub(crate) fn on_axis(&self, axis: &Axis) -> Vec<Stats> {
        let mut buckets = vec![Stats::default(); axis.count];
        let Some(line) = self.series.lines.first() else { return buckets };
        let (width, series_width) = (i64::from(axis.bucket.max(1)), i64::from(self.series.bucket.max(1)));
        if self.is_estimate_on(axis) {
            for (index, bucket) in buckets.iter_mut().enumerate() {
                let at = (axis.at(index) - self.series.start).div_euclid(series_width);
                if let Some(stats) = usize::try_from(at).ok().and_then(|at| line.get(at)) {
                    *bucket = part_of(stats, u64::from(axis.bucket), u64::from(self.series.bucket));
                }
            }
            return buckets;
        }
        for (index, stats) in line.iter().enumerate() {
            let start = self.series.start + index as i64 * series_width;
            if let Ok(at) = usize::try_from((start - axis.start).div_euclid(width))
                && let Some(bucket) = buckets.get_mut(at)
            {
                *bucket = bucket.merged(*stats);
            }
        }
        buckets
    }

    /// Whether the buckets of `axis` are finer than those of the series, so that what is in them is only an estimate.
    pub(crate) fn is_estimate_on(&self, axis: &Axis) -> bool {
        self.series.bucket > axis.bucket
    }
}

/// `seconds` of a bucket of `all` seconds, if its requests are spread evenly. A bucket with requests has no empty part.
fn part_of(stats: &Stats, seconds: u64, all: u64) -> Stats {
    let part = |number: u64| {
        u64::try_from((u128::from(number) * u128::from(seconds)).div_ceil(u128::from(all.max(1))))
            .unwrap_or(u64::MAX)
    };
    Stats {
        requests: part(stats.requests),
        errors: part(stats.errors),
        bytes_sent: part(stats.bytes_sent),
        ..*stats
    }
}

/// What a layer was opened for, if not for a row of the layer below.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Title {
    /// A few words: the name of an investigation, a finding, `same object`. Control characters are visible.
    pub(crate) text: String,
    /// The filter that it was opened with. Without one of its terms, the layer shows something else.
    pub(crate) filter: Filter,
    /// Whether the layer replaces the filter of the layer below instead of narrowing it.
    pub(crate) begins_way: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) tab: Tab,
    /// `None`: it was opened for a row of the layer below, or it is the first.
    pub(crate) title: Option<Title>,
    pub(crate) filter: Filter,
    /// Terms that are switched off.
    pub(crate) disabled: Vec<Filter>,
    pub(crate) time: TimeRange,
    /// The time ranges that zooming out returns to, the next one last.
    pub(crate) zoom_history: Vec<TimeRange>,
    /// Its filters and time ranges before, the latest last: what Esc returns to if there is no layer below.
    pub(crate) earlier: Vec<Scope>,
    pub(crate) timeline: AnswerState<Timeline>,
    /// The requests with a status of 500 or more, in the buckets of the timeline.
    pub(crate) server_errors: AnswerState<Timeline>,
    /// The estimated cost of its requests in US dollars.
    pub(crate) cost: AnswerState<f64>,
    /// Why nothing matches; only asked if nothing does.
    pub(crate) emptiness: AnswerState<Option<Emptiness>>,
    /// A series whose buckets do not depend on the size of the terminal, to find bursts in the time range of the layer.
    pub(crate) burst_series: AnswerState<Timeline>,
    /// The same over the time range of the session: its bursts are marked however far the layer is zoomed in.
    pub(crate) session_bursts: AnswerState<Timeline>,
    /// The command to repeat when the series for bursts arrives.
    pub(crate) pending_burst: Option<Command>,
    /// Requests by weekday and hour.
    pub(crate) heat_map: AnswerState<Pairs>,
    pub(crate) shows_heat_map: bool,
    pub(crate) heat_cursor: WeekHour,
    /// The open request, in front of the tables.
    pub(crate) detail: Option<Detail>,
    /// The findings in the table of findings: their version, the time range, and whether those
    /// that are set aside are listed.
    pub(crate) listed_findings: Option<(u64, TimeRange, bool)>,
    pub(crate) shows_set_aside: bool,
    tables: [Table; 6],
}

impl Layer {
    pub(crate) fn new(filter: Filter, time: TimeRange) -> Layer {
        let groups = |field| Table::new(TableKind::Groups(Dimension::Field(field)));
        Layer {
            tab: Tab::Addresses,
            title: None,
            filter,
            disabled: Vec::new(),
            time,
            zoom_history: Vec::new(),
            earlier: Vec::new(),
            timeline: AnswerState::default(),
            server_errors: AnswerState::default(),
            cost: AnswerState::default(),
            emptiness: AnswerState::default(),
            burst_series: AnswerState::default(),
            session_bursts: AnswerState::default(),
            pending_burst: None,
            heat_map: AnswerState::default(),
            shows_heat_map: false,
            heat_cursor: WeekHour { day: 0, hour: 12 },
            detail: None,
            listed_findings: None,
            shows_set_aside: false,
            tables: [
                groups(Field::RemoteIp),
                groups(Field::Key),
                Table::new(TableKind::Times(None)),
                Table::new(TableKind::Requests),
                Table::new(TableKind::Findings),
                groups(Field::HttpStatus),
            ],
        }
    }

    /// The layer, opened for what `text` says. `begins_way`: see [`Title`].
    pub(crate) fn titled(mut self, text: String, begins_way: bool) -> Layer {
        self.title = Some(Title { text, filter: self.filter.clone(), begins_way });
        self
    }

    /// What the layer was opened for, as long as it shows that.
    pub(crate) fn title(&self) -> Option<&str> {
        let title = self.title.as_ref()?;
        let terms = self.filter.terms();
        let shows_it = title.filter.terms().iter().all(|term| terms.contains(term));
        (shows_it && !title.text.is_empty()).then_some(title.text.as_str())
    }

    /// Whether the layer replaces the filter of the layer below.
    pub(crate) fn begins_way(&self) -> bool {
        self.title.as_ref().is_some_and(|title| title.begins_way)
    }

    pub(crate) fn table(&self) -> &Table {
        &self.tables[self.tab as usize]
    }

    pub(crate) fn table_mut(&mut self) -> &mut Table {
        &mut self.tables[self.tab as usize]
    }

    pub(crate) fn table_of(&self, tab: Tab) -> &Table {
        &self.tables[tab as usize]
    }

    /// Puts a table of pairs in front: where the groups of its first dimension are.
    pub(crate) fn group_by_two(&mut self, by: [Dimension; 2]) {
        self.tab = Tab::of(&by[0]);
        let kind = TableKind::Pairs(by);
        if self.table().kind != kind {
            *self.table_mut() = Table::new(kind);
        }
    }

    /// Puts a table of groups by `by` in front.
    pub(crate) fn group_by(&mut self, by: Dimension) {
        self.tab = Tab::of(&by);
        let table = self.table_mut();
        if table.dimension() != Some(&by) {
            *table = Table::new(TableKind::Groups(by));
        }
    }

    /// Puts a table of this kind in front.
    pub(crate) fn show(&mut self, kind: TableKind) {
        self.tab = match &kind {
            TableKind::Groups(by) => return self.group_by(by.clone()),
            TableKind::Pairs(by) => return self.group_by_two(by.clone()),
            TableKind::Times(_) => Tab::Time,
            TableKind::Requests => Tab::Requests,
            TableKind::Findings => Tab::Findings,
        };
    }

    pub(crate) fn tables_mut(&mut self) -> impl Iterator<Item = &mut Table> {
        self.tables.iter_mut()
    }

    /// Whether the layer shows all requests of the session's time range.
    pub(crate) fn is_unfiltered(&self, session_time: TimeRange) -> bool {
        self.filter.is_everything() && self.time == session_time
    }
}
