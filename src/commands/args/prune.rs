//! Arguments of `tamarin prune`.

use super::values::source;

/// `tamarin prune`.
#[derive(Debug, clap::Args)]
pub struct PruneArgs {
    /// Drop the requests before this time: 2026-04-01, 2026-04-01T03:00, -90d. The cache still knows their log
    /// files: they are not pulled again, and --purge does not delete them
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub before: String,
    /// Sources of the cache; none: all
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Only print what would be dropped
    #[arg(long)]
    pub dry_run: bool,
    /// Drop without asking, also requests of a source from which pull --purge deleted log files: the cache may
    /// be their only copy
    #[arg(long)]
    pub yes: bool,
}
