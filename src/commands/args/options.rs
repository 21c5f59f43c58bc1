//! The options of all subcommands.

use std::path::PathBuf;

use clap::{ArgAction, ValueEnum};

use super::values::{rows, seconds};
use crate::export::Format;
use crate::insight::block;

/// The options of all subcommands.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// The cache file, instead of the one in the data directory
    #[arg(long, global = true, value_name = "FILE")]
    pub cache: Option<PathBuf>,
    /// Only requests that match this filter; see `tamarin help filter`
    #[arg(long, global = true, value_name = "EXPR", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// Only requests at or after this time: 2026-04-01, 2026-04-01T03:00, 6h (ago), yesterday
    #[arg(long, global = true, value_name = "T", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Only requests before this time; a date means its beginning
    #[arg(long, global = true, value_name = "T", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Column to sort by; numbers are sorted descending; append :asc or :desc for another order
    #[arg(long, global = true, value_name = "COLUMN")]
    pub sort: Option<String>,
    /// Number of rows, 0: all [default: 20 in a table, else all]
    #[arg(long, global = true, value_name = "N", value_parser = rows, allow_negative_numbers = true)]
    pub top: Option<usize>,
    /// Output format [default: table]. policy, waf, nft and cidr are for `block`, where cidr is the default
    #[arg(long, global = true, value_name = "FORMAT", value_enum)]
    pub format: Option<FormatName>,
    /// A database of addresses in MaxMind format (.mmdb), for the dimensions country and asn; may be repeated
    /// [default: *.mmdb in the data directory]
    #[arg(long, global = true, value_name = "FILE")]
    pub ip_database: Vec<PathBuf>,
    /// The ip-ranges.json of AWS, for the dimension aws [default: that in the data directory]
    #[arg(long, global = true, value_name = "FILE")]
    pub aws_ip_ranges: Option<PathBuf>,
    /// Look up the names of addresses (reverse DNS): for the dimension host_name, in reports, filters and the explorer, and
    /// as a column of report remote_ip. This sends DNS queries for at most 1,000 addresses at a time
    #[arg(long, global = true)]
    pub resolve: bool,
    /// Print the duration of the query and the number of rows read on stderr
    #[arg(long, global = true)]
    pub stats: bool,
    /// URL of an S3-compatible server
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Region of the bucket; detected if it is not given
    #[arg(long, global = true, value_name = "R")]
    pub region: Option<String>,
    /// Profile of the AWS configuration
    #[arg(long, global = true, value_name = "P")]
    pub profile: Option<String>,
    /// Send unsigned requests, for public buckets
    #[arg(long, global = true)]
    pub no_sign_request: bool,
    /// How long S3 may send nothing before a request is repeated: 10s, 2m [default: 20s before a response, 10s
    /// within one]
    #[arg(long, global = true, value_name = "TIME", value_parser = seconds, allow_hyphen_values = true)]
    pub timeout: Option<u32>,
    /// The configuration file, instead of the one in the configuration directory
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print only errors, and log files that could not be read
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Name every log file that could not be read, and write a log of the program itself to
    /// $XDG_STATE_HOME/tamarin/tamarin.log (by default in ~/.local/state); -vv writes more. The environment
    /// variable TAMARIN_LOG=error|warn|info|debug writes it too
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// The values of `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // documented in export::Format
pub enum FormatName {
    Table,
    Csv,
    Json,
    Ndjson,
    Markdown,
    Policy,
    Waf,
    Nft,
    Cidr,
}

impl FormatName {
    /// The format of a block list; `None` for the formats of tables.
    pub fn of_block_list(self) -> Option<block::Format> {
        match self {
            FormatName::Policy => Some(block::Format::Policy),
            FormatName::Waf => Some(block::Format::Waf),
            FormatName::Nft => Some(block::Format::Nft),
            FormatName::Cidr => Some(block::Format::Cidr),
            FormatName::Table
            | FormatName::Csv
            | FormatName::Json
            | FormatName::Ndjson
            | FormatName::Markdown => None,
        }
    }
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Format {
        match name {
            // Block lists are not tables: they have formats of their own.
            FormatName::Policy | FormatName::Waf | FormatName::Nft | FormatName::Cidr => Format::Table,
            FormatName::Table => Format::Table,
            FormatName::Csv => Format::Csv,
            FormatName::Json => Format::Json,
            FormatName::Ndjson => Format::Ndjson,
            FormatName::Markdown => Format::Markdown,
        }
    }
}
