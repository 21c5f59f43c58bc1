//! Lists to choose from in a popup: what typing narrows them to, where the cursor can go, and which entry is where on the
//! screen.

use ratatui::layout::Rect;
use tui_input::Input;
use unicode_width::UnicodeWidthStr;

use crate::query::{BucketWidth, Dimension};
use crate::tui::model::list_entries;
use crate::tui::model::matching::{Errors, Match, Searched, search};
use crate::tui::model::{Column, Command, Overlay, State, layout};

/// What a list is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ListKind {
    /// All keys and commands.
    Help,
    /// The terms of the filter.
    Filters,
    Columns,
    Dimensions,
    /// The dimensions for a table of pairs; the first dimension is chosen.
    SecondDimensions(Dimension),
    /// The widths of rows of the table of times.
    BucketWidths,
    Investigations,
    Themes,
    /// The layers of the drill-down.
    Layers,
    /// The mutes of findings.
    Mutes,
}

/// A list in front of the tables.
#[derive(Clone, Debug)]
pub(crate) struct OpenList {
    pub(crate) kind: ListKind,
    /// What the user typed to narrow it.
    pub(crate) typed: Input,
    /// Index of the entry under the cursor, among those that match.
    pub(crate) cursor: usize,
}

impl OpenList {
    pub(crate) fn new(kind: ListKind, cursor: usize) -> OpenList {
        OpenList { kind, typed: Input::default(), cursor }
    }
}

/// What choosing an entry does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Choice {
    /// Performs a command of the screen below.
    Perform(Command),
    /// Says where keys work that do nothing on the screen below.
    Elsewhere {
        keys: String,
        places: String,
    },
    /// Types the beginning of a command line.
    BeginLine(String),
    /// Runs a command line.
    RunLine(String),
    /// A term of the filter, the disabled ones after the others.
    Term(usize),
    /// A column of the table, and its index.
    Column(usize, Column),
    GroupBy(Dimension),
    /// Asks for a second dimension.
    ThenBy(Dimension),
    GroupByTwo([Dimension; 2]),
    SortBy(Column),
    RowsPer(Option<BucketWidth>),
    Investigation(String),
    Theme(String),
    /// Returns to the layer at this index.
    Layer(usize),
    /// A mute of findings, by its number.
    Mute(i64),
    /// Filters as the user did before.
    Filter(String),
    /// Edits the filter with this text added.
    EditFilter(String),
}

impl Choice {
    /// Whether `name` is the name or an alias of what is chosen, as the command line reads it.
    fn is_called(&self, name: &str) -> bool {
        match self {
            Choice::GroupBy(by) | Choice::GroupByTwo([_, by]) => {
                Dimension::by_name(name).as_ref() == Some(by)
            }
            Choice::Column(_, column) | Choice::SortBy(column) => column.is_called(name),
            _ => false,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// What is in front of the text: keys, a check box.
    pub(crate) lead: String,
    pub(crate) text: String,
    pub(crate) about: String,
    /// The key that does the same, at the right edge.
    pub(crate) key: String,
    /// `false`: the entry is switched off, its column is hidden, or it does nothing here.
    pub(crate) is_on: bool,
    /// `None`: a heading, which cannot be chosen.
    pub(crate) choice: Option<Choice>,
    /// Indices of the characters of text and description that match the typed text.
    pub(crate) in_text: Vec<usize>,
    pub(crate) in_about: Vec<usize>,
}

impl Entry {
    pub(crate) fn new(text: impl Into<String>, about: impl Into<String>, choice: Choice) -> Entry {
        Entry {
            lead: String::new(),
            text: text.into(),
            about: about.into(),
            key: String::new(),
            is_on: true,
            choice: Some(choice),
            in_text: Vec::new(),
            in_about: Vec::new(),
        }
    }

    pub(crate) fn heading(text: impl Into<String>) -> Entry {
        Entry { choice: None, ..Entry::new(text, "", Choice::Term(0)) }
    }

    /// The text that may be cut in the list.
    pub(crate) fn whole(&self) -> &str {
        if self.about.is_empty() { &self.text } else { &self.about }
    }

    /// Its width in terminal columns, if texts with descriptions are `text_width` wide.
    fn width(&self, lead_width: usize, text_width: usize) -> usize {
        let key = if self.key.is_empty() { 0 } else { self.key.width() + 2 };
        let text =
            if self.about.is_empty() { self.text.width() } else { text_width + 2 + self.about.width() };
        lead_width + text + key
    }
}

pub(crate) struct List {
    pub(crate) title: String,
    /// What the user typed.
    pub(crate) typed: String,
    /// Index of the entry under the cursor.
    pub(crate) cursor: usize,
    /// The entries that match, best first; in their own order if nothing is typed.
    pub(crate) entries: Vec<Entry>,
    /// The number of entries to choose from, whether they match or not.
    pub(crate) total: usize,
    pub(crate) lead_width: usize,
    pub(crate) text_width: usize,
    /// Width and number of all entries.
    size: (usize, usize),
    /// Lines below the entries for the whole text of the one under the cursor.
    pub(crate) whole_lines: u16,
    /// Whether keys are in front of the entries.
    pub(crate) has_keys_in_front: bool,
}

/// Lines below the entries of a list with long texts: a rule and two lines of text.
const WHOLE_LINES: u16 = 3;

/// The dimensions to choose from.
pub(crate) fn dimensions() -> Vec<Dimension> {
    let mut all = Dimension::choices();
    // The second level of folders is a common choice too, and so are folders beside files.
    if let Some(at) = all.iter().position(|by| *by == Dimension::Prefix { depth: 1 }) {
        all.splice(at + 1..at + 1, [Dimension::Prefix { depth: 2 }, Dimension::Path { depth: 1 }]);
    }
    all
}

/// The dimensions that can be the second one of a table of pairs.
pub(crate) fn second_dimensions(first: &Dimension) -> Vec<Dimension> {
    dimensions().into_iter().filter(|by| by != first).collect()
}

impl List {
    /// The list in front; `None` if there is none.
    pub(crate) fn in_front(state: &State) -> Option<List> {
        let Some(Overlay::List(open)) = &state.overlay else { return None };
        let (title, entries) = list_entries::of(state, &open.kind);
        let mut list = List::narrowed(title, entries, open.typed.value(), Errors::Forgiven, open.cursor);
        list.has_keys_in_front = open.kind == ListKind::Help;
        // The widest entry does not fit.
        let is_cut = list.size.0 + 8 > usize::from(state.size.0);
        let is_long = open.kind == ListKind::Help || list.entries.iter().any(|entry| !entry.about.is_empty());
        if is_cut && is_long {
            list.whole_lines = WHOLE_LINES;
        }
        Some(list)
    }

    /// The list of those entries that match `typed`.
    pub(crate) fn narrowed(
        title: String,
        entries: Vec<Entry>,
        typed: &str,
        errors: Errors,
        cursor: usize,
    ) -> List {
        let total = entries.iter().filter(|entry| entry.choice.is_some()).count();
        let lead_width = entries.iter().map(|entry| entry.lead.width()).max().unwrap_or(0);
        let described = entries.iter().filter(|entry| !entry.about.is_empty());
        let text_width = described.map(|entry| entry.text.width()).max().unwrap_or(0);
        let width = entries.iter().map(|entry| entry.width(lead_width, text_width)).max().unwrap_or(0);
        let size = (width, entries.len());
        let mut list = List {
            title,
            typed: typed.to_owned(),
            cursor: 0,
            entries,
            total,
            lead_width,
            text_width,
            size,
            whole_lines: 0,
            has_keys_in_front: false,
        };
        if !typed.trim().is_empty() {
            list.narrow(typed, errors);
        }
        list.cursor = list.nearest_choice(cursor, true);
        list
    }

    fn narrow(&mut self, typed: &str, errors: Errors) {
        let mut entries: Vec<Option<Entry>> = std::mem::take(&mut self.entries)
            .into_iter()
            .filter(|entry| entry.choice.is_some())
            .map(Some)
            .collect();
        let searched =
            |entry: &Option<Entry>| entry.as_ref().map(|entry| (entry.text.clone(), entry.about.clone()));
        let texts: Vec<(String, String)> = entries.iter().filter_map(searched).collect();
        let texts: Vec<Searched<'_>> = texts.iter().map(|(text, about)| Searched { text, about }).collect();
        let is_called = |entry: &Entry| entry.choice.as_ref().is_some_and(|of| of.is_called(typed.trim()));
        let called: Vec<bool> = entries.iter().map(|entry| entry.as_ref().is_some_and(is_called)).collect();
        let mut all = search(typed, &texts, errors);
        // A whole name finds what the command line takes it for, before what has these letters.
        for (index, _) in called.iter().enumerate().filter(|(_, is_called)| **is_called) {
            if !all.iter().any(|found| found.index == index) {
                all.push(Match { index, ..Match::default() });
            }
        }
        all.sort_by_key(|found| !called.get(found.index).copied().unwrap_or(false));
        for found in all {
            if let Some(entry) = entries.get_mut(found.index).and_then(Option::take) {
                self.entries.push(Entry { in_text: found.in_text, in_about: found.in_about, ..entry });
            }
        }
    }

    /// The entry under the cursor.
    pub(crate) fn chosen(&self) -> Option<&Entry> {
        self.entries.get(self.cursor).filter(|entry| entry.choice.is_some())
    }

    /// The index of the entry nearest to index `at` that is no heading: that after it, or that before it, first.
    pub(crate) fn nearest_choice(&self, at: usize, after: bool) -> usize {
        let at = at.min(self.entries.len().saturating_sub(1));
        let is_choice = |index: &usize| self.entries.get(*index).is_some_and(|entry| entry.choice.is_some());
        let next = (at..self.entries.len()).find(is_choice);
        let previous = (0..=at).rev().find(is_choice);
        let found = if after { next.or(previous) } else { previous.or(next) };
        found.unwrap_or(0)
    }

    /// The part of the screen that the list covers, its frame included.
    pub(crate) fn area(&self, state: &State) -> Rect {
        let (width, lines) = self.size;
        let width = u16::try_from(width + 4).unwrap_or(u16::MAX).max(44);
        layout::popup(state, width, lines + usize::from(self.whole_lines))
    }

    /// Entries that fit into `area`.
    pub(crate) fn page(&self, area: Rect) -> usize {
        usize::from(area.height.saturating_sub(2 + self.whole_lines)).max(1)
    }

    /// Index of the first entry on a page of `page` entries: the cursor is in the middle if possible.
    pub(crate) fn top(&self, page: usize) -> usize {
        self.cursor.saturating_sub(page / 2).min(self.entries.len().saturating_sub(page))
    }

    /// Index of the entry in row `y` of the screen, if the list is in `area`.
    pub(crate) fn entry_at(&self, area: Rect, y: u16) -> Option<usize> {
        let page = self.page(area);
        let line = usize::from(y.checked_sub(area.y + 1)?);
        let index = self.top(page) + line;
        let is_choice = self.entries.get(index).is_some_and(|entry| entry.choice.is_some());
        (line < page && is_choice).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(typed: &str, cursor: usize) -> List {
        let entries = vec![
            Entry::heading("Fruit"),
            Entry::new("apple", "red", Choice::Term(0)),
            Entry::new("banana", "yellow", Choice::Term(1)),
            Entry::heading("Other"),
            Entry::new("stone", "", Choice::Term(2)),
        ];
        List::narrowed("Things".to_owned(), entries, typed, Errors::Forgiven, cursor)
    }

    #[test]
    fn the_cursor_is_never_on_a_heading() {
        assert_eq!(list("", 0).cursor, 1);
        assert_eq!(list("", 3).cursor, 4);
        assert_eq!(list("", 99).cursor, 4);
        assert_eq!(list("", 3).nearest_choice(3, false), 2);
        assert_eq!(list("nothing like it", 2).chosen().map(|entry| entry.text.clone()), None);
    }

    #[test]
    fn typing_narrows_a_list_and_leaves_its_headings_out() {
        let narrowed = list("yel", 0);
        let texts: Vec<&str> = narrowed.entries.iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!((texts, narrowed.total), (vec!["banana"], 3));
        assert_eq!(list("an", 0).chosen().map(|entry| entry.in_text.clone()), Some(vec![1, 2]));
    }
}
