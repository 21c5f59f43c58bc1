//! What Tamarin does as a whole: against real servers, real files, the real binary.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that meets the unexpected fails")]

mod bad_cache;
mod cache_format;
mod cli;
mod crash;
mod damage;
mod endless;
mod explorer;
mod faults;
mod filter;
mod first_pull;
mod foreign;
#[cfg(unix)]
mod full_disk;
mod home;
mod imports;
mod ingest;
#[cfg(unix)]
mod job_control;
mod processes;
mod purge;
mod questions;
mod round_trip;
mod s3_source;
mod s3_upkeep;
mod sql;
#[cfg(unix)]
mod stopping;
mod strangers;
mod support;
mod together;
mod upkeep;
mod versions;
