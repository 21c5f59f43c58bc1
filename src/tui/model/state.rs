//! The whole state of the explorer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::ingest::{Failure, Phase, Progress};
use crate::insight::emptiness::Emptiness;
use crate::insight::findings::mute::Mute;
use crate::log::Field;
use crate::query::filter::Reference;
use crate::query::{Filter, Measure, Query, Stats, TimeRange, Totals};
use crate::tui::model::arrangement::{self, Arrangement};
use crate::tui::model::brush::{Brush, Place, TimelineMeasure};
use crate::tui::model::link::Links;
use crate::tui::model::names::Names;
use crate::tui::model::pane::Pane;
use crate::tui::model::saved::SavedView;
use crate::tui::model::undo::Undo;
use crate::tui::model::{
    ActionTime, Column, Command, Context, Export, Found, Layer, ListKind, OpenList, Prompt, Purpose, Slot,
    Tab, Table, answer_state::AnswerState, heat_map, list_entries,
};
use crate::tui::settings::Settings;
use crate::tui::theme::{Theme, themes};
use crate::tui::{LogCounts, format};

/// The smallest terminal, in columns and rows, on which the explorer draws its screen.
pub(crate) const MIN_SIZE: (u16, u16) = (40, 10);

/// Whether a terminal of this many columns and rows is too small for the screen.
pub(crate) fn is_too_small(size: (u16, u16)) -> bool {
    size.0 < MIN_SIZE.0 || size.1 < MIN_SIZE.1
}

/// A popup in front of the tables.
#[derive(Clone, Debug)]
pub(crate) enum Overlay {
    List(OpenList),
    /// What could not be read, from this line on.
    Failures(usize),
}

/// A message in the footer until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) is_error: bool,
    /// The file that the text names, as it is there but with control characters: the text has it made visible.
    pub(crate) file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunningExport {
    /// Name of the file, with control characters made visible.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
    /// Rows of the whole export; 0: unknown.
    pub(crate) total: u64,
}

pub(crate) struct State {
    /// The title in the header.
    pub(crate) title: String,
    /// URIs of the queried sources; empty: all in the cache.
    pub(crate) sources: Vec<String>,
    /// Lines of the logs that are not requests of their own.
    pub(crate) log_counts: LogCounts,
    /// Sources that should be pulled but could not be opened.
    pub(crate) unopened: Vec<Failure>,
    /// The time range of the session. No layer shows requests outside it.
    pub(crate) session_time: TimeRange,
    pub(crate) theme: Theme,
    /// The name of `theme`.
    pub(crate) theme_name: String,
    /// The name of the theme that fits the terminal.
    pub(crate) fitting_theme: &'static str,
    /// Whether `theme` is the one that fits the terminal, and changes with it.
    pub(crate) follows_terminal: bool,
    /// The name of the theme that the user chose in the explorer.
    pub(crate) chosen_theme: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) links: Links,
    /// By name: how tables were arranged in earlier sessions.
    pub(crate) remembered: Vec<(String, Arrangement)>,
    /// By name: how the user arranged tables in this session.
    pub(crate) changed_tables: BTreeMap<String, Arrangement>,
    pub(crate) local_zone: TimeZone,
    /// Whether times are shown in the time zone of the user instead of UTC.
    pub(crate) shows_local_time: bool,
    /// Columns and rows of the terminal.
    pub(crate) size: (u16, u16),
    pub(crate) now: ActionTime,
    /// The drill-down stack; the last layer is in front. Never empty.
    layers: Vec<Layer>,
    /// Totals of all requests in the session's time range.
    pub(crate) totals: AnswerState<Totals>,
    /// What the analyses found.
    pub(crate) found: Found,
    /// The names of addresses.
    pub(crate) names: Names,
    /// The stored mutes of findings, as they were when they were last listed.
    pub(crate) mutes: Vec<Mute>,
    /// The generation of the data that the screen shows.
    pub(crate) generation: u64,
    pub(crate) newest_generation: u64,
    /// Whether the screen stays at its generation.
    pub(crate) paused: bool,
    /// Requests that the ingest added since the pause.
    pub(crate) added_since_pause: u64,
    /// The last number given to a query, a completion or a timer.
    last_number: u64,
    /// The number of the last analysis why nothing matches.
    pub(crate) latest_emptiness: u64,
    /// By slot: the number of the last query.
    pub(crate) latest_queries: [u64; Slot::COUNT],
    /// Progress of the ingest; `None`: there is no ingest.
    pub(crate) progress: Option<Progress>,
    /// The pause between two pulls in follow mode.
    pub(crate) follow_interval: Option<Duration>,
    /// Whether an open request shows its absent fields.
    pub(crate) shows_absent_fields: bool,
    /// Whether the terminal has the mouse, to select text.
    pub(crate) mouse_is_released: bool,
    /// Whether the next key may copy something else than the value that was copied.
    pub(crate) has_copy_menu: bool,
    /// The cache, if the command line has to name it.
    pub(crate) cache_option: Option<PathBuf>,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) pane: Option<Pane>,
    pub(crate) prompt: Option<Prompt>,
    /// The prompt to return to after the question whether to stop the export.
    pub(crate) prompt_below: Option<Prompt>,
    /// Exports to existing files, whose questions wait until there is no prompt.
    pub(crate) overwrite_questions: Vec<Export>,
    pub(crate) brush: Option<Brush>,
    /// Where the cursor was before a range was selected.
    pub(crate) place_before_range: Option<Place>,
    /// What the timeline measures if the user chose it; otherwise it follows the order of the table.
    pub(crate) chosen_measure: Option<TimelineMeasure>,
    pub(crate) export: Option<RunningExport>,
    pub(crate) message: Option<Message>,
    /// Filters entered before, the latest last.
    pub(crate) history: Vec<String>,
    /// What the session before showed, until it is shown again.
    pub(crate) last_view: Option<SavedView>,
    pub(crate) undo: Undo,
    /// Texts of the entries of the palette that the user chose, the latest first.
    pub(crate) recent_choices: Vec<String>,
    /// Session milliseconds, column and row of the last mouse click.
    pub(crate) last_click: Option<(u64, u16, u16)>,
}

impl State {
    pub(crate) fn new(
        title: String,
        sources: Vec<String>,
        filter: Filter,
        session_time: TimeRange,
        theme: Theme,
        local_zone: TimeZone,
    ) -> State {
        State {
            title,
            sources,
            log_counts: LogCounts::default(),
            unopened: Vec::new(),
            session_time,
            theme,
            theme_name: themes::DARK.to_owned(),
            fitting_theme: themes::DARK,
            follows_terminal: false,
            chosen_theme: None,
            settings: Settings::default(),
            links: Links::default(),
            remembered: Vec::new(),
            changed_tables: BTreeMap::new(),
            local_zone,
            shows_local_time: false,
            size: (80, 24),
            now: ActionTime::default(),
            layers: vec![Layer::new(filter, session_time)],
            totals: AnswerState::default(),
            found: Found::default(),
            names: Names::default(),
            mutes: Vec::new(),
            generation: 0,
            newest_generation: 0,
            paused: false,
            added_since_pause: 0,
            last_number: 0,
            latest_emptiness: 0,
            latest_queries: [0; Slot::COUNT],
            progress: None,
            follow_interval: None,
            shows_absent_fields: false,
            mouse_is_released: false,
            has_copy_menu: false,
            cache_option: None,
            overlay: None,
            pane: None,
            prompt: None,
            prompt_below: None,
            overwrite_questions: Vec::new(),
            brush: None,
            place_before_range: None,
            chosen_measure: None,
            export: None,
            message: None,
            history: Vec::new(),
            last_view: None,
            undo: Undo::default(),
            recent_choices: Vec::new(),
            last_click: None,
        }
    }

    /// The layer in front.
    #[allow(clippy::indexing_slicing)] // never empty: `push` adds, `pop` leaves the last
    pub(crate) fn layer(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }

    pub(crate) fn layer_mut(&mut self) -> &mut Layer {
        let last = self.layers.len() - 1;
        &mut self.layers[last]
    }

    pub(crate) fn depth(&self) -> usize {
        self.layers.len()
    }

    pub(crate) fn push(&mut self, layer: Layer) {
        self.layers.push(layer);
        self.forget_running_queries();
    }

    /// Returns to the layer at this index.
    pub(crate) fn return_to(&mut self, layer: usize) {
        if layer + 1 < self.layers.len() {
            self.layers.truncate(layer + 1);
            self.forget_running_queries();
        }
    }

    /// Removes the layer in front unless it is the only one. Returns whether it did.
    pub(crate) fn pop(&mut self) -> bool {
        let has_more = self.layers.len() > 1;
        if has_more {
            self.layers.pop();
            self.forget_running_queries();
        }
        has_more
    }

    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The drill-down stack. It must be replaced at once.
    pub(crate) fn take_layers(&mut self) -> Vec<Layer> {
        let first = Layer::new(Filter::everything(), self.session_time);
        std::mem::replace(&mut self.layers, vec![first])
    }

    /// Replaces the drill-down stack. An empty one changes nothing.
    pub(crate) fn replace_layers(&mut self, layers: Vec<Layer>) {
        if !layers.is_empty() {
            self.layers = layers;
            self.forget_running_queries();
        }
    }

    /// Arranges the tables again that the user did not arrange: the settings changed.
    pub(crate) fn rearrange(&mut self) {
        for table in self.layers.iter_mut().flat_map(Layer::tables_mut) {
            let name = arrangement::table_name(&table.kind);
            if table.keeps_arrangement && !self.changed_tables.contains_key(&name) {
                // Columns and order of a new table, with the rows, the cursor and the marks of this one.
                let new = Table::new(table.kind.clone());
                if table.arranged.as_ref() != Some(&Arrangement::of(&new)) {
                    table.columns = new.columns;
                    table.sort_by(new.sort);
                }
                table.arranged = None;
            }
        }
    }

    /// The running queries belong to a layer that is no longer in front: the layer in front sends its own.
    fn forget_running_queries(&mut self) {
        for slot in Slot::OF_LAYERS {
            self.latest_queries[slot as usize] = 0;
        }
    }

    pub(crate) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// What the timeline measures.
    pub(crate) fn timeline_measure(&self) -> TimelineMeasure {
        self.chosen_measure.unwrap_or_else(|| self.measure_of_order())
    }

    /// Shows the next measure on the timeline. It follows the order of the table again when both are the same.
    pub(crate) fn next_timeline_measure(&mut self) {
        let next = self.timeline_measure().next();
        self.chosen_measure = (next != self.measure_of_order()).then_some(next);
    }

    /// The measure of the column that the table in front is sorted by; requests for other columns, and if no request sent
    /// bytes: a chart of nothing does not say when they were.
    fn measure_of_order(&self) -> TimelineMeasure {
        let sends_nothing =
            matches!(self.matched(), Some((stats, true)) if stats.requests > 0 && stats.bytes_sent == 0);
        match self.layer().table().sort.by {
            _ if sends_nothing => TimelineMeasure::Requests,
            Column::Share | Column::Measure(Measure::BytesSent) | Column::Field(Field::BytesSent) => {
                TimelineMeasure::BytesSent
            }
            Column::Measure(Measure::Errors | Measure::ErrorRate) => TimelineMeasure::Errors,
            _ => TimelineMeasure::Requests,
        }
    }

    /// What relative times and dates without a year in a filter refer to.
    pub(crate) fn time_reference(&self) -> Reference {
        let stats = self.totals.data.as_ref().map(|totals| totals.stats);
        let data = stats.filter(|stats| stats.requests > 0).map(|stats| (stats.first_seen, stats.last_seen));
        Reference { now: self.now.unix_seconds, data }
    }

    /// Whether there are requests, but none matches the filter and the time range of the layer in front.
    pub(crate) fn is_empty_by_filter(&self) -> bool {
        let has_requests = self.totals.data.as_ref().is_some_and(|totals| totals.stats.requests > 0);
        let is_empty = matches!(self.matched(), Some((stats, true)) if stats.requests == 0);
        has_requests && is_empty && !self.layer().filter.is_everything()
    }

    /// Why nothing matches the filter of the layer in front, if that is known.
    pub(crate) fn emptiness(&self) -> Option<&Emptiness> {
        let emptiness = &self.layer().emptiness;
        let is_current = self.is_empty_by_filter() && emptiness.is_complete() && !emptiness.is_stale();
        emptiness.data.as_ref().filter(|_| is_current).and_then(Option::as_ref)
    }

    /// Whether a source or a log file could not be read, and no pull is running that tries it again.
    pub(crate) fn has_failures(&self) -> bool {
        let of_pull = self.progress.as_ref().is_some_and(|progress| {
            progress.is_over()
                && (progress.phase == Phase::Failed
                    || progress.files_failed > 0
                    || !progress.failures.is_empty())
        });
        of_pull || !self.unopened.is_empty()
    }

    /// Whether all sources of the session are files or folders.
    pub(crate) fn has_only_local_sources(&self) -> bool {
        let is_remote = |uri: &String| ["s3://", "cloudwatch:"].iter().any(|start| uri.starts_with(start));
        !self.sources.is_empty() && !self.sources.iter().any(is_remote)
    }

    /// The time zone in which times are shown.
    pub(crate) fn zone(&self) -> &TimeZone {
        static UTC: TimeZone = TimeZone::UTC;
        if self.shows_local_time { &self.local_zone } else { &UTC }
    }

    /// The time zone in which times are shown, with its offset: `UTC`, `Europe/Berlin (UTC+2)`, `UTC+5:30`.
    pub(crate) fn zone_name(&self) -> String {
        if !self.shows_local_time {
            return "UTC".to_owned();
        }
        let (first, last) = match self.visible_range() {
            Some((start, end)) => (start, end.saturating_sub(1).max(start)),
            None => (self.now.unix_seconds, self.now.unix_seconds),
        };
        let [first, last] = [first, last].map(|at| format::offset(at, &self.local_zone));
        let offset = if first == last { first } else { format!("{first}, {last}") };
        match self.local_zone.iana_name() {
            Some("UTC" | "Etc/UTC") => "UTC".to_owned(),
            Some(name) => format!("{name} ({offset})"),
            None => offset,
        }
    }

    /// Whether times are shown with their year: unless all requests of the session are of the current year.
    pub(crate) fn shows_year(&self) -> bool {
        let Some(Totals { stats, .. }) = &self.totals.data else { return false };
        let year = |at| format::instant(at, self.zone(), "%Y");
        let now = year(self.now.unix_seconds);
        stats.requests > 0 && (year(stats.first_seen) != now || year(stats.last_seen) != now)
    }

    /// Date and time of a request or a bucket: `04-30 23:59:58`, with the year if [`State::shows_year`].
    pub(crate) fn short_instant(&self, seconds: i64) -> String {
        let format = if self.shows_year() { format::FULL_INSTANT } else { format::SHORT_INSTANT };
        format::instant(seconds, self.zone(), format)
    }

    /// First or last time of a group, as [`State::short_instant`]. Seconds are left out unless the layer shows only some
    /// hours.
    pub(crate) fn seen_instant(&self, seconds: i64) -> String {
        const SOME_HOURS: i64 = 6 * 3_600;
        if self.visible_range().is_some_and(|(start, end)| end - start <= SOME_HOURS) {
            return self.short_instant(seconds);
        }
        let format = if self.shows_year() { "%Y-%m-%d %H:%M" } else { "%m-%d %H:%M" };
        format::instant(seconds, self.zone(), format)
    }

    pub(crate) fn notify(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_error: false, file: None });
    }

    /// Shows a message that names a file.
    pub(crate) fn notify_of_file(&mut self, text: String, file: PathBuf) {
        self.message = Some(Message { text, is_error: false, file: Some(file) });
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_error: true, file: None });
    }

    /// Whether the screen has links: as the configuration says, otherwise if the terminal is known to show them.
    pub(crate) fn shows_links(&self) -> bool {
        self.settings.links.unwrap_or(self.links.are_supported)
    }

    pub(crate) fn context(&self) -> Context {
        match (&self.prompt, &self.overlay) {
            (Some(Prompt { purpose: Purpose::Overwrite(_) | Purpose::StopExport { .. }, .. }), _) => {
                Context::Confirm
            }
            (Some(Prompt { purpose: Purpose::Command, .. }), _) => Context::Palette,
            (Some(_), _) => Context::Prompt,
            (None, Some(Overlay::Failures(_))) => Context::Reading,
            (None, Some(Overlay::List(list))) => match list.kind {
                ListKind::Filters | ListKind::Mutes => Context::Filters,
                ListKind::Columns => Context::Columns,
                _ => Context::Pick,
            },
            (None, None) if self.has_copy_menu && self.pane.is_none() => Context::CopyMenu,
            (None, None) => self.context_below(),
        }
    }

    /// The context of the screen without prompts and popups.
    pub(crate) fn context_below(&self) -> Context {
        match () {
            () if self.pane.is_some() => self.pane_context(),
            () if self.layer().detail.is_some() => Context::Detail,
            () if self.brush.is_some() => Context::Brush,
            () if self.layer().tab == Tab::Findings => Context::Findings,
            () if heat_map::is_shown(self) => Context::HeatMap,
            () => Context::Table,
        }
    }

    /// Opens a list with the cursor on the present choice.
    pub(crate) fn open_list(&mut self, kind: ListKind) {
        let cursor = list_entries::present(self, &kind);
        self.overlay = Some(Overlay::List(OpenList::new(kind, cursor)));
    }

    fn pane_context(&self) -> Context {
        match &self.pane {
            Some(Pane::Concentration(_)) => Context::Concentration,
            Some(Pane::Block(_)) => Context::Block,
            _ => Context::Contrast,
        }
    }

    /// First second that the layer in front shows, and the second after its last: the part of its time range
    /// that has requests. `None` while that is unknown.
    pub(crate) fn visible_range(&self) -> Option<(i64, i64)> {
        self.range_of(self.layer())
    }

    /// [`State::visible_range`] of a layer.
    pub(crate) fn range_of(&self, layer: &Layer) -> Option<(i64, i64)> {
        let stats = self.totals.data.as_ref()?.stats;
        let time = layer.time;
        let (first, end) = match stats.requests {
            0 => (time.start?, time.end?),
            _ => (stats.first_seen, stats.last_seen.saturating_add(1)),
        };
        let start = time.start.map_or(first, |start| start.max(first));
        let end = time.end.map_or(end, |until| until.min(end));
        // A time range without requests is shown as a whole.
        if start < end { Some((start, end)) } else { Some((time.start?, time.end?)) }
    }

    /// The time range of a layer as it was chosen; where it has no limit, its first or last request.
    pub(crate) fn chosen_range(&self, layer: &Layer) -> Option<(i64, i64)> {
        let (start, end) = self.range_of(layer)?;
        Some((layer.time.start.unwrap_or(start), layer.time.end.unwrap_or(end)))
    }

    /// The first key of a command in a table, for hints in texts.
    pub(crate) fn table_key(&self, command: Command) -> String {
        self.settings.keys.key_of(Context::Table, command)
    }

    pub(crate) fn is_too_small(&self) -> bool {
        is_too_small(self.size)
    }

    /// Whether the ingest is still adding requests.
    pub(crate) fn is_growing(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| !progress.is_over() && progress.phase != Phase::Idle)
    }

    /// Whether the numbers on the screen are still those of fewer requests than are stored.
    pub(crate) fn is_catching_up(&self) -> bool {
        let layer = self.layer();
        let (rows, timeline) = (&layer.table().rows, &layer.timeline);
        !self.paused
            && (self.generation < self.newest_generation
                || self.totals.is_running()
                || rows.is_being_updated()
                || timeline.is_being_updated())
    }

    /// Whether the table and the timeline have their answers, or cannot have any.
    pub(crate) fn is_screen_complete(&self) -> bool {
        let (rows, timeline) = (&self.layer().table().rows, &self.layer().timeline);
        let is_empty = self.totals.data.as_ref().is_some_and(|totals| totals.stats.requests == 0);
        self.is_too_small()
            || rows.error().or(self.totals.error()).or(timeline.error()).is_some()
            || ((rows.is_final() || self.layer().tab == Tab::Findings) && (timeline.is_final() || is_empty))
    }

    /// The estimated cost in US dollars of the requests of the layer in front, if it is known.
    pub(crate) fn cost(&self) -> Option<f64> {
        let layer = self.layer();
        // Until it is asked for, the cost is still that of the filter before.
        let is_of_layer = |query: &Query| query.filter == layer.filter && query.time == layer.time;
        layer
            .cost
            .data
            .filter(|_| !layer.cost.is_stale() && layer.cost.query.as_ref().is_some_and(is_of_layer))
    }

    /// The known totals of the requests that match the filter of the layer in front, and whether they are
    /// a complete answer to the current query.
    pub(crate) fn matched(&self) -> Option<(Stats, bool)> {
        let timeline = &self.layer().timeline;
        let is_current = timeline.is_complete() && !timeline.is_stale();
        timeline.data.as_ref().map(|data| (data.totals, is_current))
    }
}
