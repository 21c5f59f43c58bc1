//! The table of all keys. [`Keymap`](super::keys::Keymap) has the keys in effect: those of this table with the changes of
//! the configuration file.

use crossterm::event::{KeyCode, KeyModifiers};

/// The context of a key press. It decides which command the key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Context {
    Table,
    /// The table of findings. Keys without a command of their own have that of other tables.
    Findings,
    Detail,
    /// The heat map of a week. Keys without a command of their own have that of tables.
    HeatMap,
    /// A time range is being selected on the timeline.
    Brush,
    /// A value was copied; the next key may copy something else. Other keys are those of the context below.
    CopyMenu,
    /// What tells two sets of requests apart.
    Contrast,
    /// How unevenly a measure is distributed.
    Concentration,
    /// A block list.
    Block,
    Filters,
    Columns,
    /// A list to choose one entry from.
    Pick,
    Reading,
    /// The command line with the list of everything that can be done.
    Palette,
    Prompt,
    /// A question to confirm with yes or no.
    Confirm,
}

/// What a key does; described where the key is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    NextRequest,
    PreviousRequest,
    /// The requests around the open one.
    Around,
    SameObject,
    CopyForSupport,
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
    Widen,
    HeatMap,
    ScrollLeft,
    ScrollRight,
    Brush,
    ZoomIn,
    ZoomOut,
    TimelineMeasure,
    NextFinding,
    PreviousFinding,
    SwapEdges,
    ShiftLeft,
    ShiftRight,
    Mark,
    Unmark,
    Copy,
    CopyRow,
    CopyMarked,
    CopyCsv,
    CopyJson,
    CopyMarkdown,
    CopyFilter,
    CopyShellLine,
    CopyBlock,
    Export,
    Contrast,
    Concentration,
    Block,
    /// Lists or hides the findings that are set aside: ordinary look-alikes, muted ones.
    SetAside,
    Mute,
    /// Lists the mutes of findings.
    Mutes,
    Zone,
    Pause,
    Retry,
    Failures,
    Help,
    Palette,
    Investigations,
    Undo,
    Redo,
    Layers,
    Folders,
    Resume,
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
    /// Leaves the mouse to the terminal, or takes it again.
    Mouse,
    Redraw,
    Suspend,
    Quit,
}

impl Command {
    /// Whether it does nothing but move the cursor.
    pub(crate) fn moves_cursor(self) -> bool {
        matches!(
            self,
            Command::Up
                | Command::Down
                | Command::PageUp
                | Command::PageDown
                | Command::HalfUp
                | Command::HalfDown
                | Command::First
                | Command::Last
                | Command::Left
                | Command::Right
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Group {
    Navigation,
    Tables,
    Filter,
    Time,
    Typing,
    Other,
}

impl Group {
    pub(crate) const ALL: [Group; 6] =
        [Group::Navigation, Group::Tables, Group::Filter, Group::Time, Group::Typing, Group::Other];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Group::Navigation => "Navigation",
            Group::Tables => "Tables",
            Group::Filter => "Filters",
            Group::Time => "Timeline",
            Group::Typing => "While typing",
            Group::Other => "Other",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) KeyCode, pub(crate) KeyModifiers);

impl Key {
    /// The name of the key: `Ctrl-d`, `PgUp`, `←`.
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
            KeyCode::F(number) => format!("F{number}"),
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

/// Keys that have the same command in all of `contexts`.
pub(crate) struct Binding {
    pub(crate) contexts: &'static [Context],
    /// The keys; the footer shows the first.
    pub(crate) keys: &'static [Key],
    pub(crate) command: Command,
    /// A word or two for the footer; empty: not shown there.
    pub(crate) footer: &'static str,
    /// The section of the help.
    pub(crate) group: Group,
    /// A description for the help; empty: not shown there.
    pub(crate) about: &'static str,
}

use Context::{
    Block, Brush, Columns, Concentration, Confirm, Contrast, CopyMenu, Detail, Filters, Findings, HeatMap,
    Palette, Pick, Prompt, Reading, Table,
};

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

/// Every context.
pub(crate) const ALL: &[Context] = &[
    Table,
    Findings,
    HeatMap,
    Detail,
    Brush,
    CopyMenu,
    Contrast,
    Concentration,
    Block,
    Filters,
    Columns,
    Pick,
    Reading,
    Palette,
    Prompt,
    Confirm,
];

/// The contexts in which characters are typed.
pub(crate) const TYPING: [Context; 5] = [Filters, Columns, Pick, Palette, Prompt];

/// All keys, in the order of the footer and of the help.
#[rustfmt::skip]
pub(crate) static KEYMAP: &[Binding] = &[
    // The keys of the footer are first, the most useful ones before the others.
    bind(&[Table], &[code(KeyCode::Enter)], Command::Open, "open", Group::Navigation, "open the row: address → objects → requests → one request; a time: its requests"),
    bind(&[Table, Detail], &[code(KeyCode::Esc)], Command::Back, "back", Group::Navigation, "back to the previous layer with its cursor, order and filter; in the first one: undo the last zoom or filter"),
    bind(&[Detail], &[code(KeyCode::Right), k('l'), k('n')], Command::NextRequest, "next", Group::Navigation, "in a request: the next one of the list"),
    bind(&[Detail], &[code(KeyCode::Left), k('h'), k('N')], Command::PreviousRequest, "previous", Group::Navigation, "in a request: the one before it"),
    bind(&[Detail], &[k('a')], Command::Around, "around", Group::Navigation, "in a request: what the same requester did in the five minutes before and after"),
    bind(&[Detail], &[k('o')], Command::SameObject, "object", Group::Navigation, "in a request: everything about the same object"),
    bind(&[Detail], &[k(' ')], Command::Toggle, "", Group::Navigation, "in a request: show or fold the absent fields"),
    bind(&[Detail], &[k('S')], Command::CopyForSupport, "ids", Group::Other, "in a request: copy request id and host id for AWS Support"),
    bind(&[Table, Detail], &[k('/')], Command::EditFilter, "filter", Group::Filter, "edit the filter; the table follows while you type"),
    bind(&[Table, Detail], &[k('=')], Command::Only, "only", Group::Filter, "keep only this row or cell, or only the marked rows"),
    bind(&[Table, Detail], &[k('-')], Command::Not, "not", Group::Filter, "exclude this row or cell, or the marked rows"),
    bind(&[Table], &[k('s')], Command::Sort, "sort", Group::Tables, "sort by the column under the cursor; again: reverse the order"),
    bind(&[Table], &[k('b')], Command::GroupBy, "by…", Group::Tables, "group by another dimension, Tab: and then by a second one; for times: by longer or shorter rows"),
    bind(&[Table], &[k('z')], Command::ZoomIn, "zoom", Group::Time, "zoom in: to the time under the cursor, otherwise to the middle half"),
    bind(&[Table], &[k('Z')], Command::ZoomOut, "", Group::Time, "zoom out"),
    bind(&[Table], &[k('v')], Command::Brush, "range", Group::Time, "select a time range; with the mouse: drag over the timeline"),
    bind(&[Table], &[k('n')], Command::NextFinding, "finding", Group::Time, "next finding; if there are none, next burst: far more requests, bytes or errors than usual"),
    bind(&[Table], &[k('N')], Command::PreviousFinding, "", Group::Time, "previous finding or burst"),
    bind(&[Table], &[k('u')], Command::TimelineMeasure, "", Group::Time, "timeline: requests, bytes sent or errors; otherwise it shows what the table is sorted by"),

    bind(&[Table], &[k('d')], Command::Contrast, "contrast", Group::Filter, "contrast: compare the selected range, the marked rows, the filter or the row with the other requests"),
    bind(&[Table], &[k('C')], Command::Concentration, "", Group::Tables, "concentration: the share of the largest values, Gini coefficient, Lorenz curve"),

    bind(&[Table], &[k('B')], Command::Block, "", Group::Other, "block list of the marked rows, the finding or the row: bucket policy, AWS WAF, nftables, networks"),

    bind(&[CopyMenu], &[k('r')], Command::CopyRow, "row", Group::Other, "copy the row, of a request all its fields"),
    bind(&[CopyMenu], &[k('m')], Command::CopyMarked, "marked", Group::Other, "copy the marked rows"),
    bind(&[CopyMenu], &[k('c')], Command::CopyCsv, "CSV", Group::Other, "copy the table as CSV: the marked rows, or the first 1,000"),
    bind(&[CopyMenu], &[k('n')], Command::CopyJson, "JSON", Group::Other, "copy the table as JSON"),
    bind(&[CopyMenu], &[k('d')], Command::CopyMarkdown, "Markdown", Group::Other, "copy the table as Markdown"),
    bind(&[CopyMenu], &[k('f')], Command::CopyFilter, "filter", Group::Other, "copy the filter with its time range"),
    bind(&[CopyMenu], &[k('s')], Command::CopyShellLine, "command", Group::Other, "copy the shell command that prints this table"),
    bind(&[CopyMenu], &[k('b')], Command::CopyBlock, "block", Group::Other, "copy a block list of the marked rows, the finding or the row"),
    bind(&[CopyMenu], &[k('i')], Command::CopyForSupport, "ids", Group::Other, ""),
    bind(&[CopyMenu], &[k('y')], Command::Copy, "", Group::Other, ""),
    bind(&[CopyMenu], &[code(KeyCode::Esc), k('q')], Command::Cancel, "", Group::Other, ""),
    bind(&[Table], &[k('R')], Command::Resume, "last view", Group::Other, "show what the session before showed"),

    bind(&[Table], &[k('w')], Command::HeatMap, "", Group::Time, "heat map of the week: weekday × hour; again: the table of times"),
    bind(&[HeatMap], &[code(KeyCode::Enter)], Command::Open, "open", Group::Navigation, "in the heat map: the requests of this hour of the week"),
    bind(&[HeatMap], &[code(KeyCode::Esc)], Command::Back, "table", Group::Time, ""),
    bind(&[HeatMap], &[k('w')], Command::HeatMap, "", Group::Time, ""),

    bind(&[Findings], &[code(KeyCode::Enter)], Command::Open, "requests", Group::Navigation, "a finding: its requests"),
    bind(&[Findings], &[k('o')], Command::SetAside, "set aside", Group::Tables, "findings: list or hide those set aside: ordinary traffic that looks suspicious, and muted ones"),
    bind(&[Table], &[k('O')], Command::Mutes, "", Group::Tables, "list the mutes of findings: what each hides, until when and why; Delete removes one"),
    bind(&[Findings], &[k('X')], Command::Mute, "mute", Group::Tables, "findings: mute findings like this one, or like the marked ones; on a muted one: end the mute"),

    bind(&[Contrast], &[code(KeyCode::Enter), k('=')], Command::Accept, "add to the filter", Group::Filter, "in a contrast: add the value to the filter"),
    bind(&[Contrast], &[k('-')], Command::Not, "not", Group::Filter, "in a contrast: exclude the value"),
    bind(&[Concentration], &[k('u')], Command::TimelineMeasure, "requests, bytes, errors", Group::Tables, ""),
    bind(&[Block], &[code(KeyCode::Tab), k('l'), code(KeyCode::Right)], Command::NextTab, "format", Group::Other, ""),
    bind(&[Block], &[code(KeyCode::BackTab), k('h'), code(KeyCode::Left)], Command::PreviousTab, "", Group::Other, ""),
    bind(&[Block], &[k('w'), k('e')], Command::Export, "write to a file", Group::Other, ""),
    bind(&[Contrast, Concentration, Block], &[k('y')], Command::Copy, "copy", Group::Other, ""),
    bind(&[Contrast, Concentration], &[k('e')], Command::Export, "export", Group::Other, ""),
    bind(&[Contrast, Concentration, Block], &[code(KeyCode::Esc), k('q')], Command::Cancel, "close", Group::Typing, ""),
    bind(&[Contrast, Concentration, Block], &[k('?')], Command::Help, "keys", Group::Other, ""),

    bind(&[Brush], &[code(KeyCode::Enter)], Command::Open, "open", Group::Time, ""),
    bind(&[Brush], &[code(KeyCode::Left), k('h')], Command::Left, "left", Group::Time, ""),
    bind(&[Brush], &[code(KeyCode::Right), k('l')], Command::Right, "right", Group::Time, ""),
    bind(&[Brush], &[k('v'), k('z')], Command::Accept, "zoom in", Group::Time, ""),
    bind(&[Brush], &[code(KeyCode::Esc)], Command::Cancel, "cancel", Group::Time, ""),
    bind(&[Brush], &[k('o')], Command::SwapEdges, "other edge", Group::Time, "while selecting: move the other edge; keys of the table work too"),
    bind(&[Brush], &[k('H'), shift(KeyCode::Left)], Command::ShiftLeft, "", Group::Time, "while selecting: move the whole range"),
    bind(&[Brush], &[k('L'), shift(KeyCode::Right)], Command::ShiftRight, "", Group::Time, ""),
    bind(&[Brush], &[k('n')], Command::NextFinding, "finding", Group::Time, ""),
    bind(&[Brush], &[k('N')], Command::PreviousFinding, "", Group::Time, ""),
    bind(&[Brush], &[k('g'), code(KeyCode::Home)], Command::First, "", Group::Time, ""),
    bind(&[Brush], &[k('G'), code(KeyCode::End)], Command::Last, "", Group::Time, ""),
    bind(&[Brush], &[code(KeyCode::PageUp), ctrl('u')], Command::PageUp, "", Group::Time, ""),
    bind(&[Brush], &[code(KeyCode::PageDown), ctrl('d')], Command::PageDown, "", Group::Time, ""),
    bind(&[Brush], &[k('u')], Command::TimelineMeasure, "", Group::Time, ""),
    bind(&[Brush], &[k('t')], Command::Zone, "", Group::Time, ""),

    bind(&[Table, Detail], &[k('k'), code(KeyCode::Up)], Command::Up, "", Group::Navigation, "up"),
    bind(&[Table, Detail], &[k('j'), code(KeyCode::Down)], Command::Down, "", Group::Navigation, "down"),
    bind(&[Contrast, Block, Reading], &[k('k'), code(KeyCode::Up), ctrl('p')], Command::Up, "", Group::Navigation, ""),
    bind(&[Contrast, Block, Reading], &[k('j'), code(KeyCode::Down), ctrl('n')], Command::Down, "", Group::Navigation, ""),
    bind(&[Table], &[k('h'), code(KeyCode::Left)], Command::Left, "", Group::Navigation, "column to the left"),
    bind(&[Table], &[k('l'), code(KeyCode::Right)], Command::Right, "", Group::Navigation, "column to the right"),
    bind(&[Table, Detail, Contrast, Block, Reading], &[code(KeyCode::PageUp), ctrl('b')], Command::PageUp, "", Group::Navigation, "a page up"),
    bind(&[Table, Detail, Contrast, Block, Reading], &[code(KeyCode::PageDown), ctrl('f')], Command::PageDown, "", Group::Navigation, "a page down"),
    bind(&[Table, Detail, Contrast, Block, Reading], &[ctrl('u')], Command::HalfUp, "", Group::Navigation, "half a page up"),
    bind(&[Table, Detail, Contrast, Block, Reading], &[ctrl('d')], Command::HalfDown, "", Group::Navigation, "half a page down"),
    bind(&[Table, Detail, Contrast, Block, Reading], &[k('g'), code(KeyCode::Home)], Command::First, "", Group::Navigation, "first row"),
    bind(&[Table, Detail, Contrast, Block, Reading], &[k('G'), code(KeyCode::End)], Command::Last, "", Group::Navigation, "last row"),

    bind(&[Table, Detail], &[k('1')], Command::Tab(0), "", Group::Tables, "table of addresses"),
    bind(&[Table, Detail], &[k('2')], Command::Tab(1), "", Group::Tables, "table of objects"),
    bind(&[Table, Detail], &[k('3')], Command::Tab(2), "", Group::Tables, "table of times"),
    bind(&[Table, Detail], &[k('4')], Command::Tab(3), "", Group::Tables, "table of single requests"),
    bind(&[Table, Detail], &[k('5')], Command::Tab(4), "", Group::Tables, "table of findings: what is suspicious"),
    bind(&[Table, Detail], &[k('6')], Command::Tab(5), "", Group::Tables, "table by another dimension"),
    bind(&[Table, Detail], &[k('F')], Command::Folders, "", Group::Tables, "objects by folder, Enter opens a folder and Esc leaves it; again: all keys"),
    bind(&[Table], &[code(KeyCode::Tab)], Command::NextTab, "", Group::Tables, "next table"),
    bind(&[Table], &[code(KeyCode::BackTab)], Command::PreviousTab, "", Group::Tables, "previous table"),
    bind(&[Table], &[k('c')], Command::Columns, "", Group::Tables, "choose the columns"),
    bind(&[Table], &[k('_')], Command::Widen, "", Group::Tables, "widen the column to its content; again: as it was"),
    bind(&[Table], &[k('<')], Command::ScrollLeft, "", Group::Tables, "scroll the columns to the left"),
    bind(&[Table], &[k('>')], Command::ScrollRight, "", Group::Tables, "scroll the columns to the right; the first column stays"),
    bind(&[Table], &[k('m'), k(' ')], Command::Mark, "", Group::Tables, "mark or unmark the row"),
    bind(&[Table], &[k('M')], Command::Unmark, "", Group::Tables, "clear all marks"),

    bind(&[Table, Detail], &[k('f')], Command::Filters, "", Group::Filter, "list the filter terms, switch them off and on, remove them"),
    bind(&[Table, Detail], &[k('U')], Command::Undo, "", Group::Filter, "undo the last change of the view: filter, zoom, order, grouping, columns, table, drill-down"),
    bind(&[Table, Detail], &[k('L')], Command::Layers, "", Group::Navigation, "list the layers of the drill-down; Enter returns to one"),
    bind(&[Table, Detail], &[ctrl('r')], Command::Redo, "", Group::Filter, "redo what was undone"),
    bind(&[Table], &[code(KeyCode::Backspace)], Command::DropLast, "", Group::Filter, "remove the last filter term"),
    bind(&[Table], &[k('x')], Command::ClearFilter, "", Group::Filter, "clear the filter of this layer"),

    bind(&[Prompt], &[code(KeyCode::Enter)], Command::Accept, "apply", Group::Typing, "apply"),
    bind(&[Prompt], &[code(KeyCode::Esc), ctrl('g')], Command::Cancel, "cancel", Group::Typing, "cancel and restore the previous state"),
    bind(&[Prompt], &[code(KeyCode::Tab)], Command::Complete, "complete", Group::Typing, "complete the name or value; again: the next completion"),
    bind(&[Prompt], &[code(KeyCode::BackTab)], Command::CompleteBack, "", Group::Typing, "previous completion"),
    bind(&[Prompt], &[code(KeyCode::Up), ctrl('p')], Command::Older, "history", Group::Typing, "previous entry of the history"),
    bind(&[Prompt], &[code(KeyCode::Down), ctrl('n')], Command::Newer, "", Group::Typing, "next entry of the history"),

    bind(&[Confirm], &[k('y')], Command::Yes, "yes", Group::Typing, ""),
    bind(&[Confirm], &[k('n'), code(KeyCode::Esc)], Command::No, "no", Group::Typing, ""),

    bind(&[Pick], &[code(KeyCode::Enter)], Command::Accept, "choose", Group::Typing, ""),
    bind(&[Pick], &[code(KeyCode::Tab)], Command::GroupBy, "two dimensions", Group::Typing, "in the list of dimensions: choose two of them"),
    bind(&[Filters, Columns], &[k(' ')], Command::Toggle, "on/off", Group::Typing, "in a list: switch the entry on or off"),
    bind(&[Filters], &[code(KeyCode::Delete), ctrl('d')], Command::Drop, "remove", Group::Typing, "in the list of filters: remove the term"),
    bind(&[Filters, Columns], &[code(KeyCode::Enter)], Command::Accept, "", Group::Typing, "close the list of filters or columns: what was switched applies already"),
    bind(&[Filters, Columns, Pick], &[code(KeyCode::Esc), ctrl('g')], Command::Cancel, "close", Group::Typing, "close the list; any letters narrow it"),
    bind(&[Reading], &[code(KeyCode::Esc), k('q')], Command::Cancel, "close", Group::Typing, ""),
    bind(&[Palette], &[code(KeyCode::Enter)], Command::Accept, "run", Group::Typing, ""),
    bind(&[Palette], &[code(KeyCode::Tab)], Command::Complete, "complete", Group::Typing, ""),
    bind(&[Palette], &[code(KeyCode::BackTab)], Command::CompleteBack, "", Group::Typing, ""),
    bind(&[Palette], &[code(KeyCode::Esc), ctrl('g')], Command::Cancel, "close", Group::Typing, ""),
    bind(&[Filters, Columns, Pick, Palette], &[code(KeyCode::Up), ctrl('p')], Command::Up, "", Group::Typing, ""),
    bind(&[Filters, Columns, Pick, Palette], &[code(KeyCode::Down), ctrl('n')], Command::Down, "", Group::Typing, ""),
    bind(&[Filters, Columns, Pick, Palette], &[code(KeyCode::PageUp)], Command::PageUp, "", Group::Typing, ""),
    bind(&[Filters, Columns, Pick, Palette], &[code(KeyCode::PageDown)], Command::PageDown, "", Group::Typing, ""),
    bind(&[Filters, Columns, Pick], &[code(KeyCode::Home)], Command::First, "", Group::Typing, ""),
    bind(&[Filters, Columns, Pick], &[code(KeyCode::End)], Command::Last, "", Group::Typing, ""),

    bind(&[Table, Detail], &[k('y')], Command::Copy, "copy", Group::Other, "copy the value to the clipboard, or the marked values; a second key copies something else, see below"),
    bind(&[Table, Detail], &[k('e')], Command::Export, "", Group::Other, "export the table, or the open request, to a CSV, JSON or Markdown file"),
    bind(&[Table, Detail], &[k('t')], Command::Zone, "", Group::Other, "show times in UTC or in the local time zone"),
    bind(&[Table, Detail], &[k('p')], Command::Pause, "", Group::Other, "pause: keep the numbers while new logs are read"),
    bind(&[Table, Detail], &[k('r')], Command::Retry, "", Group::Other, "read the sources again: after a failure, or to look for new log files"),
    bind(&[Reading], &[k('r')], Command::Retry, "retry", Group::Other, ""),
    bind(&[Table, Detail], &[k('!')], Command::Failures, "", Group::Other, "list what could not be read, rejected lines and repeats"),
    bind(&[Table, Detail], &[k(':'), ctrl('p')], Command::Palette, "", Group::Other, "find and run anything: commands, dimensions, columns, investigations, themes, recent filters; or type a command line"),
    bind(&[Contrast, Concentration, Block], &[k(':')], Command::Palette, "", Group::Other, ""),
    bind(&[Table, Detail], &[k('I')], Command::Investigations, "", Group::Tables, "open an investigation: a filter, table, order and columns under a name"),
    bind(&[Table, Detail, Brush], &[k('?')], Command::Help, "keys", Group::Other, "list all keys; typing searches them, Enter runs one"),
    bind(&[Reading], &[k('?')], Command::Help, "", Group::Other, ""),
    bind(ALL, &[code(KeyCode::F(3))], Command::Mouse, "", Group::Other, "release the mouse, so that the terminal selects text; again: take it back"),
    bind(ALL, &[ctrl('l')], Command::Redraw, "", Group::Other, "redraw the screen"),
    bind(ALL, &[ctrl('z')], Command::Suspend, "", Group::Other, "suspend to the shell; fg returns"),
    bind(&[Table, Detail], &[k('q')], Command::Quit, "quit", Group::Other, "quit; so does Ctrl-C"),
    bind(ALL, &[ctrl('c')], Command::Quit, "", Group::Other, ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_commands_in_a_context() {
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
}
