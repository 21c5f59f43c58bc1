//! The state of the explorer and everything that is derived from it: tables, popups, the layout of the screen.
//! Only `update` changes the state, `view` draws it. Contains no I/O and no clock.

pub(super) mod action;
pub(super) mod analysis;
pub(super) mod answer_state;
pub(super) mod arrangement;
pub(super) mod axis;
pub(super) mod brush;
pub(super) mod cell_filter;
pub(super) mod column_placement;
pub(super) mod column_shape;
pub(super) mod columns;
pub(super) mod commands;
pub(super) mod crumbs;
pub(super) mod detail;
pub(super) mod finding_rows;
pub(super) mod folders;
pub(super) mod footer;
pub(super) mod found;
pub(super) mod headless;
pub(super) mod heat_map;
pub(crate) mod investigations;
pub(super) mod keymap;
pub(super) mod keys;
pub(super) mod layer;
pub(super) mod layout;
pub(super) mod lazy_columns;
pub(crate) mod link;
pub(super) mod list_entries;
pub(super) mod lists;
pub(super) mod matching;
pub(super) mod names;
pub(super) mod palette;
pub(super) mod pane;
pub(super) mod prompt;
pub(super) mod reading;
pub(super) mod rows;
pub(super) mod saved;
pub(super) mod state;
pub(super) mod table;
pub(super) mod tabs;
pub(super) mod text_widths;
pub(super) mod time_axes;
pub(super) mod undo;

pub(super) use action::{
    Action, ActionTime, AnalysedTable, CopiedForm, CopiedTable, Effect, Export, Exported, QueryJob,
    QueryResult, Slot,
};
pub(super) use analysis::{AnalysisAnswer, AnalysisAsk, AnalysisJob, AnalysisResult, AnalysisSlot};
pub(super) use axis::Axis;
pub(super) use brush::{Brush, Place, TimelineMeasure};
pub(super) use column_placement::Placed;
pub(super) use columns::{Column, FindingColumn};
pub(super) use commands::{COMMANDS, CommandSpec};
pub(super) use detail::{Detail, DetailLine, LineOf, NAMES_WIDTH};
pub(super) use finding_rows::{FindingRow, FindingRows};
pub(super) use footer::Footer;
pub(super) use found::{AllFindings, FindingId, Found};
pub(super) use keymap::{Command, Context};
pub(super) use layer::{Layer, Tab, Timeline, Title};
pub(super) use layout::Areas;
pub(super) use lists::{Choice, Entry, List, ListKind, OpenList};
pub(super) use prompt::{Completion, Problem, Prompt, Purpose};
pub(super) use reading::{TextLine, Tone};
pub(super) use rows::{RowId, Rows, TimeRow};
pub(super) use state::{MIN_SIZE, Overlay, RunningExport, State};
pub(super) use table::{INITIAL_ROWS, LazyMeasure, MAX_GROUPS, Table, TableKind};
