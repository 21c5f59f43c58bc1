//! Tamarin: an explorer of Amazon S3 server access logs.
//!
//! The way of a log line:
//!
//! ```text
//! source ──► ingest ──► cache ──► query ──► tui
//! (S3, files) (parse)  (SQLite)  (scan)    (tables)     and  commands (the same answers, headless)
//! ```
//!
//! One direction: a room knows the rooms to its left and none to its right. [`log`], the format,
//! stands under all of them and knows nobody.
//!
//! | room | what lives there |
//! |---|---|
//! | [`log`] | the format: a line → [`log::Record`], the list of fields, key decoding, timestamps, names of log files |
//! | [`source`] | where log files are: S3, files, standard input, the demo |
//! | [`ingest`] | the background task: list → fetch → parse → append |
//! | [`cache`] | the SQLite file: catalogue, dictionaries, segments of packed columns |
//! | [`query`] | questions and answers: the filter language, group-by, series, request lists |
//! | [`insight`] | analyses of answers: bursts |
//! | [`tui`] | the explorer: state, update, keymap, views |
//! | [`export`] | answers as table, CSV, JSON |
//! | [`commands`] | one file per subcommand: glue only |

pub mod cache;
pub mod commands;
pub mod config;
pub mod demo;
pub mod export;
pub mod ingest;
pub mod insight;
pub mod log;
pub mod query;
pub mod source;
pub mod tui;
