//! Arguments of `tamarin pull`.

use super::values::{seconds, source};

/// `tamarin pull`.
#[derive(Debug, clap::Args)]
pub struct PullArgs {
    /// Sources to pull; none: those of the configuration file and the monitored ones (tamarin sources add),
    /// else all sources of the cache
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Pull new log files again and again, with this pause: 30s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = seconds, allow_hyphen_values = true)]
    pub every: Option<u32>,
    /// After the pull, delete from S3 the log files that the cache has completely. The cache is written to
    /// disk and verified first. From then on it is the only copy
    #[arg(long)]
    pub purge: bool,
    /// Delete without asking
    #[arg(long, requires = "purge")]
    pub yes: bool,
}
