//! Arguments of `tamarin sources` and its subcommands.

use clap::Subcommand;

use super::values::source;

/// `tamarin sources`.
#[derive(Debug, clap::Args)]
pub struct SourcesArgs {
    /// The subcommand; `None`: list the sources.
    #[command(subcommand)]
    pub what: Option<SourcesCommand>,
}

/// The subcommands of `tamarin sources`.
#[derive(Debug, Subcommand)]
pub enum SourcesCommand {
    /// Print the rejected lines: log file, line number, reason and content
    Rejected {
        /// Print only the lines of this source
        #[arg(value_parser = source())]
        source: Option<String>,
    },
    /// Check the cache for damage: every segment, column and dictionary
    Check,
    /// Monitor a source: `tamarin` and `tamarin pull` pull it if no source is named
    Add {
        /// s3://bucket[/prefix], cloudwatch:LOG-GROUP, a file or a folder
        #[arg(value_name = "SOURCE", required = true, value_parser = source())]
        sources: Vec<String>,
    },
    /// Stop monitoring a source; its requests stay in the cache, unless --with-requests
    Remove {
        /// Sources of the cache
        #[arg(value_name = "SOURCE", required = true, value_parser = source())]
        sources: Vec<String>,
        /// Also delete its requests, log file entries and rejected lines from the cache
        #[arg(long)]
        with_requests: bool,
        /// Delete without asking, also requests of a source from which pull --purge deleted log files
        #[arg(long, requires = "with_requests")]
        yes: bool,
    },
    /// Pause a source: it is pulled only if it is named
    Pause {
        /// Sources of the cache
        #[arg(value_name = "SOURCE", required = true, value_parser = source())]
        sources: Vec<String>,
    },
    /// Resume a paused source
    Resume {
        /// Sources of the cache
        #[arg(value_name = "SOURCE", required = true, value_parser = source())]
        sources: Vec<String>,
    },
}
