//! Arguments of `tamarin demo`.

use std::path::PathBuf;

use super::screen::ScreenArgs;
use super::values::{demo_requests, zero_or_more};
use crate::demo::LogFormat;

/// `tamarin demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// An investigation to open, with an @ in front of its name
    #[arg(value_name = "@NAME")]
    pub investigation: Option<String>,
    /// Number of requests to generate
    #[arg(long, value_name = "N", default_value_t = 400_000, value_parser = demo_requests, allow_negative_numbers = true)]
    pub requests: u64,
    /// Seed of the generator: another seed gives other requests
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = zero_or_more, allow_negative_numbers = true)]
    pub seed: u64,
    /// Write the log files into this new or empty folder instead of exploring them
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How to write them: as lines of text, or as Amazon delivers them through CloudWatch Logs
    #[arg(long = "as", value_name = "FORMAT", requires = "out", default_value = "text")]
    pub log_format: LogFormat,
    /// How the explorer looks.
    #[command(flatten)]
    pub screen: ScreenArgs,
}
