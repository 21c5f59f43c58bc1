//! Analyses of answers: pure functions over the data that an engine returned. `bursts` finds bursts in a series.
//!
//! Never here: queries to the cache, widgets, network I/O.

pub(crate) mod bursts;
