//! All that the explorer knows. Changed by `update` only; drawn by `views`.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::ingest::{Phase, Progress};
use crate::query::{Filter, Stats, TimeRange, Totals};
use crate::tui::model::action::{Moment, Slot};
use crate::tui::model::answer_state::Held;
use crate::tui::model::axis::Axis;
use crate::tui::model::layer::Layer;
use crate::tui::model::layout;
use crate::tui::model::prompt::Prompt;
use crate::tui::theme::Theme;

/// What the bars of the timeline measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bars {
    /// Requests.
    Requests,
    /// Bytes sent.
    Bytes,
    /// Requests with a status of 400 or more.
    Errors,
}

impl Bars {
    /// The number of a bucket.
    pub(crate) fn of(self, stats: &Stats) -> u64 {
        match self {
            Bars::Requests => stats.requests,
            Bars::Bytes => stats.bytes_sent,
            Bars::Errors => stats.errors,
        }
    }

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Bars::Requests => "requests",
            Bars::Bytes => "bytes sent",
            Bars::Errors => "errors",
        }
    }

    /// The next one.
    pub(crate) fn next(self) -> Bars {
        match self {
            Bars::Requests => Bars::Bytes,
            Bars::Bytes => Bars::Errors,
            Bars::Errors => Bars::Requests,
        }
    }
}

/// A stretch of time being chosen on the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Brush {
    /// The edge that stays: start of a bucket.
    pub(crate) fixed: i64,
    /// The edge that moves: start of a bucket.
    pub(crate) moving: i64,
    /// The burst that it lies on, first second and the one after the last, until an edge is moved.
    pub(crate) burst: Option<(i64, i64)>,
}

impl Brush {
    /// The buckets that it covers, first and last included.
    pub(crate) fn covers(&self, axis: &Axis) -> (usize, usize) {
        let (one, other) = (axis.index(self.fixed), axis.index(self.moving));
        (one.min(other), one.max(other))
    }

    /// First second that it covers and the one after the last.
    pub(crate) fn stretch(&self, axis: &Axis) -> (i64, i64) {
        let (first, last) = self.covers(axis);
        self.burst.unwrap_or((axis.at(first), axis.at(last + 1)))
    }

    /// The time that it covers.
    pub(crate) fn time(&self, axis: &Axis) -> TimeRange {
        let (start, end) = self.stretch(axis);
        TimeRange { start: Some(start), end: Some(end) }
    }
}

/// A list in front of the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// All keys; the first line on the screen.
    Help(usize),
    /// The filters, on and off.
    Filters(usize),
    /// The columns of the table in front.
    Columns(usize),
    /// The dimensions to group by.
    Dimensions(usize),
    /// How long a row of the table of times is.
    Widths(usize),
    /// What could not be read; the first line on the screen.
    Failures(usize),
}

/// A word to the user, until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// What.
    pub(crate) text: String,
    /// Whether something went wrong.
    pub(crate) wrong: bool,
}

/// All that the explorer knows.
pub(crate) struct State {
    /// What the header calls the data.
    pub(crate) title: String,
    /// URIs of the sources asked about.
    pub(crate) sources: Vec<String>,
    /// The time that the session was opened for; no zoom goes beyond it.
    pub(crate) base: TimeRange,
    /// Colours.
    pub(crate) theme: Theme,
    /// The zone of the user.
    pub(crate) home: TimeZone,
    /// Whether instants are shown in it, rather than in UTC.
    pub(crate) local: bool,
    /// Columns and rows of the terminal.
    pub(crate) size: (u16, u16),
    /// When the last thing happened.
    pub(crate) now: Moment,
    /// The stack; the last is in front. Never empty.
    layers: Vec<Layer>,
    /// Over all requests of the sources.
    pub(crate) totals: Held<Totals>,
    /// The data as far as the screen follows it.
    pub(crate) generation: u64,
    /// The newest data there is.
    pub(crate) newest: u64,
    /// Whether the screen stays with the data it has.
    pub(crate) paused: bool,
    /// The last number given to a question or a wish to be woken.
    numbers: u64,
    /// The number of the last question in each slot.
    pub(crate) latest: [u64; Slot::COUNT],
    /// How far the ingest is; `None`: there is none.
    pub(crate) progress: Option<Progress>,
    /// The time between two ingests, if one follows another.
    pub(crate) every: Option<Duration>,
    /// A list in front.
    pub(crate) overlay: Option<Overlay>,
    /// A line being typed.
    pub(crate) prompt: Option<Prompt>,
    /// A stretch of time being chosen.
    pub(crate) brush: Option<Brush>,
    /// What the timeline measures.
    pub(crate) bars: Bars,
    /// The export that is being written: the name of the file, the rows written, and of how many (0: unknown).
    pub(crate) export: Option<(String, u64, u64)>,
    /// A word to the user.
    pub(crate) message: Option<Message>,
    /// Filters entered before, the last one last.
    pub(crate) history: Vec<String>,
    /// When and where the mouse was pressed last.
    pub(crate) click: Option<(u64, u16, u16)>,
}

impl State {
    /// At the beginning of a session.
    pub(crate) fn new(
        title: String,
        sources: Vec<String>,
        filter: Filter,
        time: TimeRange,
        theme: Theme,
        home: TimeZone,
    ) -> State {
        State {
            title,
            sources,
            base: time,
            theme,
            home,
            local: false,
            size: (80, 24),
            now: Moment::default(),
            layers: vec![Layer::new(filter, time)],
            totals: Held::default(),
            generation: 0,
            newest: 0,
            paused: false,
            numbers: 0,
            latest: [0; Slot::COUNT],
            progress: None,
            every: None,
            overlay: None,
            prompt: None,
            brush: None,
            bars: Bars::Requests,
            export: None,
            message: None,
            history: Vec::new(),
            click: None,
        }
    }

    /// The layer in front.
    #[allow(clippy::indexing_slicing)] // never empty: `push` adds, `pop` leaves the last
    pub(crate) fn layer(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }

    /// The layer in front.
    pub(crate) fn layer_mut(&mut self) -> &mut Layer {
        let last = self.layers.len() - 1;
        &mut self.layers[last]
    }

    /// How many layers there are.
    pub(crate) fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Puts a layer in front.
    pub(crate) fn push(&mut self, layer: Layer) {
        self.layers.push(layer);
        self.forget_questions();
    }

    /// Answers on their way are for another layer than the one in front now: whoever waits for them asks anew.
    fn forget_questions(&mut self) {
        for slot in Slot::OF_LAYERS {
            self.latest[slot as usize] = 0;
        }
    }

    /// Takes the layer in front off, unless it is the last; returns whether it did.
    pub(crate) fn pop(&mut self) -> bool {
        let more = self.layers.len() > 1;
        if more {
            self.layers.pop();
            self.forget_questions();
        }
        more
    }

    /// A new number for a question.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// The zone in which instants are shown.
    pub(crate) fn zone(&self) -> &TimeZone {
        static UTC: TimeZone = TimeZone::UTC;
        if self.local { &self.home } else { &UTC }
    }

    /// Name of that zone.
    pub(crate) fn zone_name(&self) -> String {
        match (self.local, self.home.iana_name()) {
            (false, _) => "UTC".to_owned(),
            (true, Some(name)) => name.to_owned(),
            (true, None) => "local".to_owned(),
        }
    }

    /// Says something until the next key.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), wrong: false });
    }

    /// Says that something is wrong until the next key.
    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), wrong: true });
    }

    /// First and one after the last second that the layer in front shows: its time, as far as there
    /// are requests at all. `None` as long as that is not known.
    pub(crate) fn span(&self) -> Option<(i64, i64)> {
        let stats = self.totals.data.as_ref()?.stats;
        let time = self.layer().time;
        let (first, end) = match stats.requests {
            0 => (time.start?, time.end?),
            _ => (stats.first_seen, stats.last_seen.saturating_add(1)),
        };
        let start = time.start.map_or(first, |start| start.max(first));
        let end = time.end.map_or(end, |until| until.min(end));
        // A time without any request: shown as it was asked for.
        if start < end { Some((start, end)) } else { Some((time.start?, time.end?)) }
    }

    /// The axis of the timeline.
    pub(crate) fn axis(&self) -> Option<Axis> {
        let (start, end) = self.span()?;
        Some(Axis::of(start, end, usize::from(self.size.0.saturating_sub(2))))
    }

    /// Whether requests are still coming in.
    pub(crate) fn is_growing(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| !progress.is_over() && progress.phase != Phase::Idle)
    }

    /// Whether the screen has what it is to show: the table and the timeline are answered, or cannot be.
    pub(crate) fn stands(&self) -> bool {
        let (rows, timeline) = (&self.layer().table().rows, &self.layer().timeline);
        let is_empty = self.totals.data.as_ref().is_some_and(|totals| totals.stats.requests == 0);
        layout::is_too_small(self.size)
            || rows.error().or(self.totals.error()).or(timeline.error()).is_some()
            || (rows.is_settled() && (timeline.is_settled() || is_empty))
    }

    /// What the layer in front matches, as far as it is known: requests and more, and whether
    /// that is the whole answer to the present question.
    pub(crate) fn matched(&self) -> Option<(Stats, bool)> {
        let timeline = &self.layer().timeline;
        let whole = timeline.is_whole() && !timeline.is_stale();
        timeline.data.as_ref().map(|timeline_data| (timeline_data.totals, whole))
    }
}
