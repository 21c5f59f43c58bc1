//! What happens to the explorer ([`Action`]) and what `update` wants done outside the model ([`Effect`]).

use std::{net::IpAddr, path::PathBuf, time::Duration};

use crossterm::event::{KeyEvent, MouseEvent};

use crate::config::{Investigation, NamedInvestigation};
use crate::export::FindingRow;
use crate::identity::resolver::Found;
use crate::ingest::Progress;
use crate::insight::concentration::Concentration;
use crate::insight::contrast::Contrast;
use crate::insight::findings::mute::Mute;
use crate::query::{Answer, BucketWidth, Dimension, Measure, Query, Sort, Statistics};
use crate::tui::model::{AnalysisJob, AnalysisResult, AnalysisSlot, Column, RowId};
use crate::tui::{LogCounts, settings::Settings};

/// When an action happened. Passed with every action, so that `update` reads no clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ActionTime {
    /// Seconds since the epoch. Relative times in filters (`time:-6h`) refer to it.
    pub(crate) unix_seconds: i64,
    /// Milliseconds since the session began. Never decreases.
    pub(crate) session_millis: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Begin,
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// The engine returned an answer or an error.
    Answered(Box<QueryResult>),
    /// A background analysis returned a result or an error.
    Analysed(Box<AnalysisResult>),
    /// The engine returned values that complete the word in the prompt.
    Completed {
        /// Number of the [`Effect::Complete`].
        number: u64,
        /// Values of the dimension, best match first: those that begin with the text before those that contain it, frequent
        /// ones before rare ones.
        values: Vec<String>,
    },
    Progress(Box<Progress>),
    /// The numbers of rejected lines and of repeats have changed.
    LogsCounted(LogCounts),
    /// The data has this generation now.
    DataChanged(u64),
    /// All queries are answered from the snapshot of this generation now, or the snapshot could not be pinned.
    SnapshotPinned(Result<u64, String>),
    /// The timer with this number of [`Effect::StartTimer`] ended.
    TimerFired(u64),
    /// The mutes of [`Effect::Mute`] that were stored, with their numbers, and the first error.
    Muted {
        mutes: Vec<Mute>,
        error: Option<String>,
    },
    /// The mute of [`Effect::Unmute`] was removed, or not.
    Unmuted {
        mute: Box<Mute>,
        result: Result<(), String>,
    },
    /// The mutes of [`Effect::ListMutes`], or why they could not be read.
    MutesListed(Result<Vec<Mute>, String>),
    /// The file of [`Effect::WriteFile`] was written or not.
    FileWritten {
        path: PathBuf,
        result: Result<(), String>,
    },
    /// The investigation of [`Effect::SaveInvestigation`] was saved in the file with this path, or not.
    InvestigationSaved {
        named: Box<NamedInvestigation>,
        result: Result<String, String>,
    },
    /// The theme with this name fits the terminal now.
    TerminalChanged(&'static str),
    /// The configuration file changed: its settings, or what is wrong with it.
    SettingsChanged(Result<Box<Settings>, String>),
    Exporting {
        rows: u64,
        /// Rows of the whole export; 0: unknown.
        total: u64,
    },
    Exported(Exported),
    /// What [`Effect::LookUpName`] found out.
    NameFound(IpAddr, Found),
    /// The text of [`Effect::CopyTable`], or why there is none.
    TableCopied(CopiedForm, Result<CopiedTable, String>),
}

/// The form in which rows are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopiedForm {
    /// A line per row.
    Lines,
    Csv,
    Json,
    Markdown,
}

impl CopiedForm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            CopiedForm::Lines => "text",
            CopiedForm::Csv => "CSV",
            CopiedForm::Json => "JSON",
            CopiedForm::Markdown => "Markdown",
        }
    }
}

/// Rows as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CopiedTable {
    pub(crate) text: String,
    pub(crate) rows: u64,
    /// Whether the table has more rows.
    pub(crate) is_cut: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exported {
    Written {
        path: PathBuf,
        rows: u64,
        /// Columns with estimates, if the file itself does not mark them.
        approximate: Vec<&'static str>,
    },
    /// The file exists, and the user has not agreed to replace it.
    Exists(Box<Export>),
    /// The user stopped the export; there is no file.
    Cancelled,
    Failed(String),
}

/// A table to be written to a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Export {
    /// The file; its extension determines the format.
    pub(crate) path: PathBuf,
    /// Whether an existing file may be replaced.
    pub(crate) overwrite: bool,
    /// The query whose complete answer is written.
    pub(crate) query: Query,
    /// The columns to write, in this order; empty: all columns of the answer.
    pub(crate) columns: Vec<Column>,
    /// The rows to write; empty: all.
    pub(crate) marks: Vec<RowId>,
    /// The order of the rows of the table of times.
    pub(crate) sort: Sort<Column>,
    /// The buckets of the table of times.
    pub(crate) bucket_width: BucketWidth,
    /// The result of an analysis, which is written instead of an answer to the query.
    pub(crate) analysed: Option<AnalysedTable>,
}

/// A table of an analysis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AnalysedTable {
    Findings(Vec<FindingRow>),
    Contrast(Box<Contrast>),
    Concentration(Dimension, Vec<(Measure, Concentration)>),
}

impl Eq for Export {}

/// The purpose of a query. A new query cancels the running query of the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    /// All requests of the sources, for the header.
    Totals,
    Timeline,
    /// The part of the timeline with a status of 500 or more.
    ServerErrors,
    /// The estimated cost of the requests of the layer.
    Cost,
    /// The series in which bursts are looked for.
    Bursts,
    /// The same over the time range of the session.
    SessionBursts,
    Table,
    /// The heat map of a week, in the place of the table.
    HeatMap,
    Activity,
    /// The lazy measures of the visible rows.
    LazyMeasures,
    Detail,
}

impl Slot {
    pub(crate) const COUNT: usize = 11;

    /// The slots whose answers belong to a layer.
    pub(crate) const OF_LAYERS: [Slot; 10] = [
        Slot::Timeline,
        Slot::ServerErrors,
        Slot::Cost,
        Slot::Bursts,
        Slot::SessionBursts,
        Slot::Table,
        Slot::HeatMap,
        Slot::Activity,
        Slot::LazyMeasures,
        Slot::Detail,
    ];
}

/// A query to be sent to the engine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QueryJob {
    pub(crate) slot: Slot,
    /// Identifies the job; its results carry the same number.
    pub(crate) number: u64,
    pub(crate) query: Query,
}

/// A result of a [`QueryJob`]: any number of partial answers, then a complete answer or an error.
#[derive(Clone, Debug)]
pub(crate) struct QueryResult {
    pub(crate) slot: Slot,
    pub(crate) number: u64,
    /// The data had this generation or a later one.
    pub(crate) generation: u64,
    /// The share of the requests that a partial answer covers, 0–1; `None`: the answer is complete.
    pub(crate) share: Option<f64>,
    pub(crate) answer: Result<Answer, String>,
    pub(crate) statistics: Statistics,
}

/// Something that `app` has to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    RunQuery(Box<QueryJob>),
    /// Start an analysis in the background; it cancels the running one of its slot.
    Analyse(Box<AnalysisJob>),
    /// Cancel the running analysis of a slot.
    StopAnalysis(AnalysisSlot),
    /// Look for values that complete the word in the prompt.
    Complete {
        /// Identifies the [`Action::Completed`].
        number: u64,
        /// A query for the sources and the time range of the values.
        query: Box<Query>,
        by: Dimension,
        /// The beginning of the value.
        text: String,
    },
    /// Copy text to the clipboard of the terminal.
    Copy(String),
    /// Prepare rows of the table in front as text to copy.
    CopyTable(Box<Export>, CopiedForm),
    Export(Box<Export>),
    /// Store what the user does not want to see again.
    Mute(Vec<Mute>),
    /// Remove a stored mute.
    Unmute(Box<Mute>),
    /// Read all stored mutes.
    ListMutes,
    /// Write a text to a new file.
    WriteFile {
        path: PathBuf,
        text: String,
    },
    /// Write an investigation into the configuration file.
    SaveInvestigation {
        name: String,
        investigation: Box<Investigation>,
    },
    /// Look up the name of an address: send a DNS query.
    LookUpName(IpAddr),
    /// Pull again.
    Retry,
    /// Stop the export and remove its incomplete file.
    StopExport,
    /// Send [`Action::TimerFired`] with this number after a delay.
    StartTimer {
        after: Duration,
        number: u64,
    },
    /// `true`: answer all queries from the current snapshot; `false`: from the newest data again.
    PinSnapshot(bool),
    /// Receive events of the mouse, or leave them to the terminal.
    CaptureMouse(bool),
    /// Clear the terminal and draw everything: another process wrote on it.
    Redraw,
    /// Return to the shell until the process is continued.
    Suspend,
    Quit,
}
