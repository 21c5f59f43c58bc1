//! Arguments of `tamarin block`.

use std::path::PathBuf;

use crate::config::account;

/// `tamarin block`.
#[derive(Debug, clap::Args)]
pub struct BlockArgs {
    /// Whom to block: addresses, networks, referers (referer:*.example.com), requesters (arn:…, role/NAME)
    #[arg(value_name = "VALUE")]
    pub values: Vec<String>,
    /// Block the subjects of the findings; --filter, --since and --until choose the requests that are analysed
    #[arg(long)]
    pub from_findings: bool,
    /// Write the list into this new file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print all notes on stderr; without it, the first ten of each kind and the number of all
    #[arg(long)]
    pub all_notes: bool,
    /// The bucket of a policy; needed if the logs are about several buckets
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// An account of the bucket owner: a policy does not block its users by address or referer. May be repeated
    /// [default: `accounts` under `prices` in the configuration file]
    #[arg(long, value_name = "NUMBER", value_parser = account, allow_negative_numbers = true)]
    pub account: Vec<String>,
    /// Merge IPv4 addresses into networks of up to this size [default: 24]
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(1..=32))]
    pub widest: Option<u8>,
    /// Merge IPv6 addresses into networks of up to this size [default: 48]
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(1..=128))]
    pub widest_v6: Option<u8>,
}
