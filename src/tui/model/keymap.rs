//! Keys and what they do: the one table that the keyboard, the footer and the help read.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Where the keyboard is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Context {
    /// A table.
    Table,
    /// One request in full.
    Detail,
    /// A stretch of time is being chosen.
    Brush,
    /// The list of filters is in front.
    Filters,
    /// The list of columns is in front.
    Columns,
    /// A list to choose one thing from is in front.
    Pick,
    /// Something to read is in front.
    Reading,
    /// A line is being typed.
    Prompt,
    /// A question to be answered with yes or no.
    Question,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is described where its key is
pub(crate) enum Command {
    Up,
    Down,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    First,
    Last,
    Left,
    Right,
    Open,
    Back,
    Tab(u8),
    NextTab,
    PreviousTab,
    GroupBy,
    Sort,
    EditFilter,
    Only,
    Not,
    Filters,
    DropLast,
    ClearFilter,
    Columns,
    Brush,
    ZoomIn,
    ZoomOut,
    Bars,
    NextBurst,
    PreviousBurst,
    SwapEdges,
    ShiftLeft,
    ShiftRight,
    Mark,
    Unmark,
    Copy,
    Export,
    Zone,
    Pause,
    Failures,
    Help,
    Colon,
    Toggle,
    Drop,
    Accept,
    Cancel,
    Complete,
    CompleteBack,
    Older,
    Newer,
    Yes,
    No,
    Redraw,
    Suspend,
    Quit,
}

/// Under which heading of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Group {
    /// Getting about.
    Move,
    /// Tables.
    Tables,
    /// Filters.
    Filter,
    /// The timeline.
    Time,
    /// The line being typed.
    Typing,
    /// All else.
    Rest,
}

impl Group {
    /// In the order of the help.
    pub(crate) const ALL: [Group; 6] =
        [Group::Move, Group::Tables, Group::Filter, Group::Time, Group::Typing, Group::Rest];

    /// Heading in the help.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Group::Move => "Getting about",
            Group::Tables => "Tables",
            Group::Filter => "Filters",
            Group::Time => "Timeline",
            Group::Typing => "While typing",
            Group::Rest => "And",
        }
    }
}

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) KeyCode, pub(crate) KeyModifiers);

impl Key {
    /// As it is written: `Ctrl-d`, `PgUp`, `←`.
    pub(crate) fn label(self) -> String {
        let name = match self.0 {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            other => format!("{other:?}"),
        };
        if self.1.contains(KeyModifiers::CONTROL) {
            format!("Ctrl-{name}")
        } else if self.1.contains(KeyModifiers::SHIFT)
            && !matches!(self.0, KeyCode::Char(_) | KeyCode::BackTab)
        {
            format!("Shift-{name}")
        } else {
            name
        }
    }
}

const fn k(c: char) -> Key {
    Key(KeyCode::Char(c), KeyModifiers::NONE)
}
const fn ctrl(c: char) -> Key {
    Key(KeyCode::Char(c), KeyModifiers::CONTROL)
}
const fn code(code: KeyCode) -> Key {
    Key(code, KeyModifiers::NONE)
}
const fn shift(code: KeyCode) -> Key {
    Key(code, KeyModifiers::SHIFT)
}

/// Some keys that do the same thing in some places.
pub(crate) struct Binding {
    /// Where.
    pub(crate) contexts: &'static [Context],
    /// The keys; the first is the one the footer shows.
    pub(crate) keys: &'static [Key],
    /// What they do.
    pub(crate) command: Command,
    /// A word or two for the footer; empty: not shown there.
    pub(crate) footer: &'static str,
    /// Heading in the help.
    pub(crate) group: Group,
    /// A sentence for the help; empty: the key is said together with another.
    pub(crate) about: &'static str,
}

use Context::{Brush, Columns, Detail, Filters, Pick, Prompt, Question, Reading, Table};

const fn bind(
    contexts: &'static [Context],
    keys: &'static [Key],
    command: Command,
    footer: &'static str,
    group: Group,
    about: &'static str,
) -> Binding {
    Binding { contexts, keys, command, footer, group, about }
}

/// Every key there is. The order is that of the footer and of the help.
#[rustfmt::skip]
pub(crate) static KEYMAP: &[Binding] = &[
    // What the footer shows comes first, the most useful before the rest.
    bind(&[Table], &[code(KeyCode::Enter)], Command::Open, "open", Group::Move, "open the row: requester → objects → requests → one request; a time: its requests"),
    bind(&[Table, Detail], &[code(KeyCode::Esc)], Command::Back, "back", Group::Move, "one layer back, everything as it was left"),
    bind(&[Table, Detail], &[k('/')], Command::EditFilter, "filter", Group::Filter, "edit the filter; the table follows while you type"),
    bind(&[Table, Detail], &[k('=')], Command::Only, "only", Group::Filter, "only this row or cell; only the marked rows"),
    bind(&[Table, Detail], &[k('-')], Command::Not, "not", Group::Filter, "not this row or cell; not the marked rows"),
    bind(&[Table], &[k('s')], Command::Sort, "sort", Group::Tables, "sort by the column under the cursor; again: the other way round"),
    bind(&[Table], &[k('b')], Command::GroupBy, "by…", Group::Tables, "group by another dimension; for times: by longer or shorter rows"),
    bind(&[Table], &[k('z')], Command::ZoomIn, "zoom", Group::Time, "zoom in: on the time under the cursor, else on the middle half"),
    bind(&[Table], &[k('Z')], Command::ZoomOut, "", Group::Time, "zoom out again"),
    bind(&[Table], &[k('v')], Command::Brush, "brush", Group::Time, "choose a stretch of time; with the mouse: drag over the timeline"),
    bind(&[Table], &[k('n')], Command::NextBurst, "burst", Group::Time, "to the next burst: far more than the usual"),
    bind(&[Table], &[k('N')], Command::PreviousBurst, "", Group::Time, "to the burst before"),
    bind(&[Table], &[k('u')], Command::Bars, "", Group::Time, "timeline of requests, bytes sent or errors"),

    bind(&[Brush], &[code(KeyCode::Left), k('h')], Command::Left, "→ move", Group::Time, ""),
    bind(&[Brush], &[k('l'), code(KeyCode::Right)], Command::Right, "", Group::Time, ""),
    bind(&[Brush], &[k('v'), code(KeyCode::Enter), k('z')], Command::Accept, "zoom in", Group::Time, ""),
    bind(&[Brush], &[k('o')], Command::SwapEdges, "other edge", Group::Time, "while choosing: move the other edge"),
    bind(&[Brush], &[k('H'), shift(KeyCode::Left)], Command::ShiftLeft, "", Group::Time, "while choosing: move the whole stretch"),
    bind(&[Brush], &[k('L'), shift(KeyCode::Right)], Command::ShiftRight, "", Group::Time, ""),
    bind(&[Brush], &[k('n')], Command::NextBurst, "burst", Group::Time, ""),
    bind(&[Brush], &[k('N')], Command::PreviousBurst, "", Group::Time, ""),
    bind(&[Brush], &[k('g'), code(KeyCode::Home)], Command::First, "", Group::Time, ""),
    bind(&[Brush], &[k('G'), code(KeyCode::End)], Command::Last, "", Group::Time, ""),
    bind(&[Brush], &[code(KeyCode::PageUp), ctrl('u')], Command::PageUp, "", Group::Time, ""),
    bind(&[Brush], &[code(KeyCode::PageDown), ctrl('d')], Command::PageDown, "", Group::Time, ""),
    bind(&[Brush], &[k('u')], Command::Bars, "", Group::Time, ""),
    bind(&[Brush], &[k('t')], Command::Zone, "", Group::Time, ""),
    bind(&[Brush], &[code(KeyCode::Esc)], Command::Cancel, "cancel", Group::Time, ""),

    bind(&[Table, Detail, Filters, Columns, Pick, Reading], &[k('k'), code(KeyCode::Up), ctrl('p')], Command::Up, "", Group::Move, "up"),
    bind(&[Table, Detail, Filters, Columns, Pick, Reading], &[k('j'), code(KeyCode::Down), ctrl('n')], Command::Down, "", Group::Move, "down"),
    bind(&[Table], &[k('h'), code(KeyCode::Left)], Command::Left, "", Group::Move, "column to the left"),
    bind(&[Table], &[k('l'), code(KeyCode::Right)], Command::Right, "", Group::Move, "column to the right"),
    bind(&[Table, Detail, Filters, Columns, Pick, Reading], &[code(KeyCode::PageUp), ctrl('b')], Command::PageUp, "", Group::Move, "a page up"),
    bind(&[Table, Detail, Filters, Columns, Pick, Reading], &[code(KeyCode::PageDown), ctrl('f')], Command::PageDown, "", Group::Move, "a page down"),
    bind(&[Table, Detail, Filters, Columns, Pick, Reading], &[ctrl('u')], Command::HalfUp, "", Group::Move, "half a page up"),
    bind(&[Table, Detail, Filters, Columns, Pick, Reading], &[ctrl('d')], Command::HalfDown, "", Group::Move, "half a page down"),
    bind(&[Table, Detail, Filters, Columns, Pick, Reading], &[k('g'), code(KeyCode::Home)], Command::First, "", Group::Move, "first row"),
    bind(&[Table, Detail, Filters, Columns, Pick, Reading], &[k('G'), code(KeyCode::End)], Command::Last, "", Group::Move, "last row"),

    bind(&[Table, Detail], &[k('1')], Command::Tab(0), "", Group::Tables, "requesters"),
    bind(&[Table, Detail], &[k('2')], Command::Tab(1), "", Group::Tables, "objects"),
    bind(&[Table, Detail], &[k('3')], Command::Tab(2), "", Group::Tables, "times"),
    bind(&[Table, Detail], &[k('4')], Command::Tab(3), "", Group::Tables, "single requests"),
    bind(&[Table, Detail], &[k('5')], Command::Tab(4), "", Group::Tables, "by another dimension, chosen with b"),
    bind(&[Table], &[code(KeyCode::Tab)], Command::NextTab, "", Group::Tables, "next table"),
    bind(&[Table], &[code(KeyCode::BackTab)], Command::PreviousTab, "", Group::Tables, "table before"),
    bind(&[Table], &[k('c')], Command::Columns, "", Group::Tables, "choose the columns"),
    bind(&[Table], &[k('m'), k(' ')], Command::Mark, "", Group::Tables, "mark the row, or take the mark off"),
    bind(&[Table], &[k('M')], Command::Unmark, "", Group::Tables, "take all marks off"),

    bind(&[Table, Detail], &[k('f')], Command::Filters, "", Group::Filter, "list the filters, switch them off and on, drop them"),
    bind(&[Table], &[code(KeyCode::Backspace)], Command::DropLast, "", Group::Filter, "drop the last filter"),
    bind(&[Table], &[k('x')], Command::ClearFilter, "", Group::Filter, "drop all filters of this layer"),

    bind(&[Prompt], &[code(KeyCode::Enter)], Command::Accept, "keep", Group::Typing, "keep it"),
    bind(&[Prompt], &[code(KeyCode::Esc), ctrl('g')], Command::Cancel, "as it was", Group::Typing, "leave everything as it was"),
    bind(&[Prompt], &[code(KeyCode::Tab)], Command::Complete, "complete", Group::Typing, "complete the name or value; again: the next one"),
    bind(&[Prompt], &[code(KeyCode::BackTab)], Command::CompleteBack, "", Group::Typing, "the completion before"),
    bind(&[Prompt], &[code(KeyCode::Up), ctrl('p')], Command::Older, "history", Group::Typing, "what was entered before"),
    bind(&[Prompt], &[code(KeyCode::Down), ctrl('n')], Command::Newer, "", Group::Typing, "what was entered after that"),

    bind(&[Question], &[k('y')], Command::Yes, "yes", Group::Typing, ""),
    bind(&[Question], &[k('n'), code(KeyCode::Esc)], Command::No, "no", Group::Typing, ""),

    bind(&[Pick], &[code(KeyCode::Enter)], Command::Accept, "choose", Group::Typing, ""),
    bind(&[Filters, Columns], &[k(' ')], Command::Toggle, "on/off", Group::Typing, ""),
    bind(&[Filters], &[k('d'), code(KeyCode::Delete), code(KeyCode::Backspace)], Command::Drop, "drop", Group::Typing, ""),
    bind(&[Filters, Columns], &[code(KeyCode::Enter)], Command::Accept, "done", Group::Typing, ""),
    bind(&[Filters, Columns, Pick, Reading], &[code(KeyCode::Esc), k('q')], Command::Cancel, "close", Group::Typing, ""),

    bind(&[Table, Detail], &[k('y')], Command::Copy, "", Group::Rest, "copy the value to the clipboard"),
    bind(&[Table], &[k('e')], Command::Export, "", Group::Rest, "write the table to a CSV or JSON file"),
    bind(&[Table, Detail], &[k('t')], Command::Zone, "", Group::Rest, "times in UTC or in your own zone"),
    bind(&[Table, Detail], &[k('p')], Command::Pause, "", Group::Rest, "hold the numbers still while logs come in"),
    bind(&[Table, Detail], &[k('!')], Command::Failures, "", Group::Rest, "log files that could not be read"),
    bind(&[Table, Detail], &[k(':')], Command::Colon, "", Group::Rest, "commands: quit, sort, by, filter, clear, export, zone, columns"),
    bind(&[Table, Detail], &[k('?')], Command::Help, "keys", Group::Rest, "these keys"),
    bind(&[Reading], &[k('?')], Command::Help, "", Group::Rest, ""),
    bind(&[Table, Detail, Brush, Filters, Columns, Pick, Reading, Prompt, Question], &[ctrl('l')], Command::Redraw, "", Group::Rest, "draw the screen anew"),
    bind(&[Table, Detail, Brush, Filters, Columns, Pick, Reading, Prompt, Question], &[ctrl('z')], Command::Suspend, "", Group::Rest, "back to the shell for a while; fg comes back"),
    bind(&[Table, Detail], &[k('q')], Command::Quit, "quit", Group::Rest, "quit; so does Ctrl-C"),
    bind(&[Table, Detail, Brush, Filters, Columns, Pick, Reading, Prompt, Question], &[ctrl('c')], Command::Quit, "", Group::Rest, ""),
];

/// What a key does in a place.
pub(crate) fn lookup(context: Context, event: KeyEvent) -> Option<Command> {
    let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
    // Whether Shift is told for a character depends on the terminal; the character tells it anyway.
    if matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab) {
        modifiers.remove(KeyModifiers::SHIFT);
    }
    let pressed = Key(event.code, modifiers);
    KEYMAP
        .iter()
        .find(|binding| binding.contexts.contains(&context) && binding.keys.contains(&pressed))
        .map(|binding| binding.command)
}

/// The keys that the footer shows in a place, as label and word, most useful first.
pub(crate) fn footer(context: Context) -> impl Iterator<Item = (Command, String, &'static str)> {
    KEYMAP
        .iter()
        .filter(move |binding| binding.contexts.contains(&context) && !binding.footer.is_empty())
        .map(|binding| {
            (binding.command, binding.keys.first().map_or(String::new(), |key| key.label()), binding.footer)
        })
}

/// The first key of a command, for hints in other texts.
pub(crate) fn key_of(context: Context, command: Command) -> String {
    KEYMAP
        .iter()
        .find(|binding| binding.contexts.contains(&context) && binding.command == command)
        .and_then(|binding| binding.keys.first())
        .map_or(String::new(), |key| key.label())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things_in_one_place() {
        let mut seen = Vec::new();
        for binding in KEYMAP {
            for context in binding.contexts {
                for key in binding.keys {
                    assert!(!seen.contains(&(*context, *key)), "{} in {context:?}", key.label());
                    seen.push((*context, *key));
                }
            }
        }
    }

    #[test]
    fn shift_with_a_letter_is_the_capital_letter() {
        let event = KeyEvent::new(KeyCode::Char('Z'), KeyModifiers::SHIFT);
        assert_eq!(lookup(Table, event), Some(Command::ZoomOut));
        let event = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(lookup(Prompt, event), Some(Command::Quit));
    }

    #[test]
    fn keys_are_labelled_as_they_are_written() {
        assert_eq!(ctrl('d').label(), "Ctrl-d");
        assert_eq!(shift(KeyCode::Left).label(), "Shift-←");
        assert_eq!(k(' ').label(), "Space");
        assert_eq!(key_of(Table, Command::ClearFilter), "x");
    }
}
