//! The background task that fills the cache: list → fetch → parse → append.

pub mod progress;

pub use progress::{Failure, Phase, Progress};
