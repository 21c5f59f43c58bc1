//! Tamarin: a terminal explorer for Amazon S3 server access logs.
//!
//! ```text
//! source ──► ingest ──► cache ──► query ──► insight ──► tui
//! (S3, files) (parse)  (SQLite)  (scan)                (screens)   and  commands (the same answers without a screen)
//! ```
//!
//! The arrows show the path of the data. Imports have no cycles (tests/it/imports.rs); [`log`], the log format, imports
//! no other module. docs/architecture.md describes the data flow, docs/glossary.md the terms.
//!
//! | module | contents |
//! |---|---|
//! | [`log`] | the log format: fields, records, times, keys, names of log files, the parser |
//! | [`source`] | where log files are: S3, files, folders, standard input |
//! | [`demo`] | the synthetic bucket, a source |
//! | [`ingest`] | the background task that fetches, parses and writes log files |
//! | [`cache`] | the SQLite file: catalogue, dictionaries, segments of packed columns |
//! | [`identity`] | who sends requests: families of user agents, crawlers |
//! | [`query`] | queries and answers, the filter language, the local engine, SQL |
//! | [`insight`] | analyses that need several queries: findings, block lists |
//! | [`human`] | numbers, durations and times as people read them |
//! | [`export`] | answers as text table, CSV, JSON |
//! | [`tui`] | the explorer |
//! | [`commands`] | the command line: one file per subcommand |
//! | [`config`] | the configuration file and the directories of the program |

// The naive reference engine of the tests names this crate as other crates do.
#[cfg(test)]
extern crate self as tamarin;

pub mod cache;
pub mod commands;
mod config;
pub mod demo;
pub mod export;
pub mod human;
pub mod identity;
pub mod ingest;
pub mod insight;
pub mod log;
pub mod query;
pub mod source;
mod tui;

#[doc(hidden)]
pub use tui::{FrameTimes, frame_times};
