//! The fuzz targets, which the tests run too: `tests/it/fuzz.rs`.

#![allow(clippy::unwrap_used, reason = "a target that meets the unexpected fails")]

#[path = "../../tests/it/support/fuzz_targets.rs"]
pub mod targets;
