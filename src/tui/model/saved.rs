//! What a session leaves for the next one: the history of filters, the last choices of the palette, columns, the time zone, the
//! theme; and for each cache its last view and the orders of its tables. An order answers a question about one log: another
//! log is shown in the order of the table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::query::{Filter, TimeRange};
use crate::tui::model::arrangement::{self, Arrangement};
use crate::tui::model::{Layer, State};

/// The version of the format. A file of another version is not read.
pub(crate) const VERSION: u32 = 1;
/// Caches whose last view is kept.
const MAX_VIEWS: usize = 50;
/// Filters that are kept.
const MAX_HISTORY: usize = 200;

/// What a session leaves.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Saved {
    pub(crate) version: u32,
    /// Filters entered before, the latest last.
    pub(crate) history: Vec<String>,
    /// Entries of the palette that the user chose, the latest first.
    pub(crate) choices: Vec<String>,
    pub(crate) local_time: bool,
    /// The theme that the user chose in the explorer.
    pub(crate) theme: Option<String>,
    /// By name of the table.
    pub(crate) tables: BTreeMap<String, SavedTable>,
    /// The last view of each cache, the latest last.
    pub(crate) views: Vec<SavedView>,
}

/// The columns of a table.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct SavedTable {
    pub(crate) columns: Vec<String>,
}

/// The last view of a cache.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct SavedView {
    /// Path of the cache.
    pub(crate) cache: String,
    /// URIs of the queried sources; empty: all.
    pub(crate) sources: Vec<String>,
    /// The drill-down stack; the last layer is in front.
    pub(crate) layers: Vec<SavedLayer>,
    /// By name of the table.
    pub(crate) orders: BTreeMap<String, String>,
}

/// A layer of a view.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct SavedLayer {
    pub(crate) filter: String,
    /// Terms that are switched off.
    pub(crate) disabled: Vec<String>,
    /// Seconds since the epoch.
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
    /// What the layer was opened for; empty: a row of the layer below.
    pub(crate) title: String,
    /// Whether it replaces the filter of the layer below.
    pub(crate) begins_way: bool,
    /// The table in front.
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
    pub(crate) sort: String,
}

/// `None` if the program does not know the table or a column: another version wrote it.
fn arrangement_of(table: &str, columns: &[String], sort: &str) -> Option<Arrangement> {
    let kind = arrangement::kind_by_name(table)?;
    Arrangement::parse(&kind, Some(columns), Some(sort)).ok()
}

impl SavedLayer {
    fn of(layer: &Layer) -> SavedLayer {
        let table = layer.table();
        let arrangement = Arrangement::of(table);
        let (columns, sort) = (arrangement.column_names(), arrangement.sort_text());
        SavedLayer {
            filter: layer.filter.to_string(),
            disabled: layer.disabled.iter().map(ToString::to_string).collect(),
            start: layer.time.start,
            end: layer.time.end,
            title: layer.title().unwrap_or_default().to_owned(),
            begins_way: layer.begins_way(),
            table: arrangement::table_name(&table.kind),
            columns,
            sort,
        }
    }

    fn layer(&self, now: i64) -> Option<Layer> {
        let filter = Filter::parse(&self.filter, now).ok()?;
        let mut layer = Layer::new(filter, TimeRange { start: self.start, end: self.end });
        if self.begins_way || !self.title.is_empty() {
            let title = self.title.chars().filter(|c| !c.is_control()).collect();
            layer = layer.titled(title, self.begins_way);
        }
        layer.disabled = self.disabled.iter().filter_map(|term| Filter::parse(term, now).ok()).collect();
        layer.show(arrangement::kind_by_name(&self.table)?);
        let table = layer.table_mut();
        if let Some(arrangement) = arrangement_of(&self.table, &self.columns, &self.sort) {
            arrangement.apply(table);
            table.arranged = Some(Arrangement::of(table));
        }
        Some(layer)
    }
}

impl Saved {
    /// What this session leaves, together with what earlier ones left. `cache` is the path of its cache.
    pub(crate) fn with(mut self, state: &State, cache: &str) -> Saved {
        self.version = VERSION;
        // Another session may have added to the history meanwhile.
        self.history.retain(|entry| !state.history.contains(entry));
        self.history.extend(state.history.iter().cloned());
        let surplus = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..surplus);
        self.choices.clone_from(&state.recent_choices);
        self.local_time = state.shows_local_time;
        if state.chosen_theme.is_some() {
            self.theme.clone_from(&state.chosen_theme);
        }
        for (name, arrangement) in &state.changed_tables {
            self.tables.insert(name.clone(), SavedTable { columns: arrangement.column_names() });
        }
        let known = self.views.iter().find(|view| view.cache == cache);
        let mut orders = known.map(|view| view.orders.clone()).unwrap_or_default();
        let changed = state.changed_tables.iter();
        orders.extend(changed.map(|(name, arrangement)| (name.clone(), arrangement.sort_text())));
        let layers = state.layers().iter().filter(|layer| layer.detail.is_none()).map(SavedLayer::of);
        let (cache_name, sources) = (cache.to_owned(), state.sources.clone());
        let view = SavedView { cache: cache_name, sources, layers: layers.collect(), orders };
        self.views.retain(|view| view.cache != cache);
        self.views.push(view);
        let surplus = self.views.len().saturating_sub(MAX_VIEWS);
        self.views.drain(..surplus);
        self
    }
}

impl State {
    /// Takes over what earlier sessions left, without their view. `cache` is the path of the cache.
    pub(crate) fn take_over(&mut self, saved: &Saved, cache: &str) {
        self.history.clone_from(&saved.history);
        self.recent_choices.clone_from(&saved.choices);
        self.shows_local_time = saved.local_time;
        let view = saved.views.iter().find(|view| view.cache == cache);
        let order = |name: &String| view.and_then(|view| view.orders.get(name)).map_or("", String::as_str);
        let remembered = |(name, table): (&String, &SavedTable)| {
            Some((name.clone(), arrangement_of(name, &table.columns, order(name))?))
        };
        self.remembered = saved.tables.iter().filter_map(remembered).collect();
    }

    /// Keeps the last view of the cache for later.
    pub(crate) fn keep_last_view(&mut self, saved: &Saved, cache: &str) {
        self.last_view = saved.views.iter().find(|view| view.cache == cache).cloned();
    }

    /// Shows the last view of the cache. Returns whether there is one.
    pub(crate) fn resume(&mut self, saved: &Saved, cache: &str, now: i64) -> bool {
        self.keep_last_view(saved, cache);
        self.show_last_view(now)
    }

    /// Shows the last view that was kept. Returns whether there is one.
    pub(crate) fn show_last_view(&mut self, now: i64) -> bool {
        let Some(view) = self.last_view.take() else { return false };
        let layers: Vec<Layer> = view.layers.iter().filter_map(|layer| layer.layer(now)).collect();
        if layers.is_empty() {
            return false;
        }
        if self.sources.is_empty() && !view.sources.is_empty() {
            self.sources.clone_from(&view.sources);
            self.title = view.sources.join("  ");
        }
        self.replace_layers(layers);
        true
    }
}
