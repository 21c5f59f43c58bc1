//! Arguments of `tamarin contrast`.

use super::counting::CountingArgs;
use super::values::source;

/// The method, for help.
const CONTRAST_HELP: &str = "\
A is the set of requests that --filter selects, B those of --against. The rows are the values, of all
dimensions, whose share of the requests of A and of B differs most; lift is the share in A divided by
the share in B. Pairs of values are listed if they explain more than each value alone.
A value is listed if it occurs at least 5 times, if its share is larger by more than 5 %, and if its
p-value (G test, times the number of tested values) is at most 0.01. Of an address and its network, a
key and its prefix and the like, the one with more evidence is listed.
Examples:
  tamarin contrast --filter status:5xx
  tamarin contrast --filter 'time:2026-04-17T03' --against 'time:2026-04-16T03'
  tamarin contrast --filter ip:203.0.113.7 --since 2026-04-01 --format ndjson";

/// `tamarin contrast`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = CONTRAST_HELP)]
pub struct ContrastArgs {
    /// Sources to pull first; the answer is about them only. None: all sources of the cache, without a pull
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// The requests to compare with, as a filter; none: all requests that --filter does not select
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub against: Option<String>,
    /// Which records count as requests
    #[command(flatten)]
    pub counting: CountingArgs,
}
