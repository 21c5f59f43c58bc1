//! Behaviour tests: the binary and the library with real files, real S3 servers and terminals.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap fails the test")]

mod arrival_order;
mod bad_cache;
mod block;
mod cache_format;
mod cli;
mod cloudwatch;
#[cfg(unix)]
mod colours;
mod configuration;
mod contrast;
mod cost;
mod crash;
mod culprits;
mod damage;
mod endless;
mod explorer;
mod export;
mod faults;
mod filter;
mod findings;
mod first_pull;
mod foreign;
#[cfg(unix)]
mod full_disk;
mod fuzz;
mod growing;
mod home;
mod host_names;
mod identity;
mod imports;
mod ingest;
#[cfg(unix)]
mod job_control;
#[cfg(unix)]
mod links;
mod origins;
mod processes;
mod program_log;
mod purge;
mod queries;
mod reports;
mod round_trip;
mod s3_source;
mod s3_upkeep;
mod sql;
mod sql_command;
#[cfg(unix)]
mod stopping;
mod strangers;
mod structured;
mod support;
mod tasks;
mod together;
mod upkeep;
mod versions;
