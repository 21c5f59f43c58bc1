//! The options and subcommands of the command line, a file per subcommand.
//!
//! `options`: what all subcommands accept. `counting`: an option of several. `values`: how values are parsed. Never here:
//! what a subcommand does.

mod block;
mod config;
mod contrast;
mod counting;
mod demo;
mod findings;
mod options;
mod prune;
mod pull;
mod report;
mod requests;
mod screen;
mod sources;
mod sql;
mod values;

use clap::{Parser, Subcommand};

pub use block::BlockArgs;
pub use config::{ConfigArgs, ConfigCommand};
pub use contrast::ContrastArgs;
pub use counting::{CountingArgs, CountingName};
pub use demo::DemoArgs;
pub use findings::{FindingsArgs, FindingsCommand, KindList, MuteArgs};
pub use options::{FormatName, Options};
pub use prune::PruneArgs;
pub use pull::PullArgs;
pub use report::ReportArgs;
pub use requests::RequestsArgs;
pub use screen::ScreenArgs;
pub use sources::{SourcesArgs, SourcesCommand};
pub use sql::SqlArgs;
use values::{seconds, source};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "tamarin",
    version,
    about = "Explore Amazon S3 server access logs: which clients request what from a bucket, and when",
    disable_help_subcommand = true,
    subcommand_precedence_over_arg = true,
    after_help = "Log files are lines of text, JSON or Parquet, also compressed or in archives; their content shows which.\n\
                  Write a file or folder that is named like a subcommand as ./NAME.\n\
                  Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but some log files could not be read; \
                  4 findings --fail-on found something."
)]
pub struct Args {
    /// s3://bucket[/prefix], cloudwatch:LOG-GROUP, cloudwatch:s3://bucket, a file, a folder or `-` (standard input);
    /// none: those of the configuration file and the monitored ones, else all sources of the cache. @NAME opens an investigation:
    /// see tamarin investigations
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Pull new log files again and again while exploring, with this pause: 30s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = seconds, allow_hyphen_values = true)]
    pub every: Option<u32>,
    /// How the explorer looks.
    #[command(flatten)]
    pub screen: ScreenArgs,
    /// The subcommand; `None`: the explorer.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of all subcommands.
    #[command(flatten)]
    pub options: Options,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Explore a synthetic bucket with incidents to find, generated on the spot
    Demo(DemoArgs),
    /// Fill the cache without a screen
    Pull(PullArgs),
    /// Print a table: requests grouped by a dimension or by time, or the total
    Report(ReportArgs),
    /// Print how two sets of requests differ: the values whose share differs most
    Contrast(ContrastArgs),
    /// Print what looks suspicious, best first: who, when, how much, and the filter that shows the requests
    Findings(FindingsArgs),
    /// Print single requests with every field
    Requests(RequestsArgs),
    /// Run one SELECT statement over the table `requests`, which has a column per field
    Sql(SqlArgs),
    /// List the sources of the cache; see their rejected lines, check the cache, monitor sources
    Sources(SourcesArgs),
    /// Drop old requests from the cache and shrink its file
    Prune(PruneArgs),
    /// Write a block list: a bucket policy, AWS WAF IP sets, nftables sets or networks. Nothing is applied
    Block(BlockArgs),
    /// List investigations: a filter, a table, an order and columns under a name
    Investigations,
    /// Check, show and describe the configuration file
    Config(ConfigArgs),
    /// Print this help, the help of a subcommand, the filter language, how costs are estimated, or the keys of the
    /// configuration file
    Help {
        /// A subcommand such as `findings`, `findings mute` or `mute`, `filter` for the filter language, `cost` for the
        /// estimate of costs, or `configuration` for the configuration file
        topic: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_may_precede_or_follow_the_subcommand() {
        for line in [
            &["tamarin", "--cache", "c.db", "report", "remote_ip", "logs", "--filter", "-status:404"][..],
            &["tamarin", "report", "--filter", "-status:404", "remote_ip", "--cache", "c.db", "logs"],
        ] {
            let args = Args::try_parse_from(line).unwrap();
            assert_eq!(args.options.cache, Some("c.db".into()));
            assert_eq!(args.options.filter.as_deref(), Some("-status:404"));
            let Some(Command::Report(report)) = args.command else { panic!("{line:?}") };
            assert_eq!((report.dimension.as_str(), report.sources), ("remote_ip", vec!["logs".to_owned()]));
        }
    }

    #[test]
    fn without_a_subcommand_arguments_are_sources() {
        let args = Args::try_parse_from(["tamarin", "s3://acme-logs/", "./report", "-"]).unwrap();
        assert!(args.command.is_none());
        assert_eq!(args.sources, ["s3://acme-logs/", "./report", "-"]);
    }

    #[test]
    fn the_explorer_accepts_a_pause_between_pulls() {
        for line in [&["tamarin", "--every", "5m"][..], &["tamarin", "logs", "--every", "5m"]] {
            let args = Args::try_parse_from(line).unwrap();
            assert_eq!((args.every, args.command.is_none()), (Some(300), true), "{line:?}");
        }
    }

    #[test]
    fn a_wrong_number_was_refused_in_words_of_the_library() {
        for (line, expected) in [
            (
                &["report", "key", "--top", "abc"][..],
                "'abc' for '--top <N>': expected a whole number, 0 or more",
            ),
            (
                &["report", "key", "--top", "-1"],
                "'-1' for '--top <N>': expected a whole number, 0 or more (0: all",
            ),
            (&["report", "key", "--top", "99999999999999999999"], "expected at most 18446744073709551615"),
            (&["demo", "--requests", "abc"], "'--requests <N>': expected a whole number, 1 or more"),
            (&["demo", "--requests", "0"], "'0' for '--requests <N>': expected a whole number, 1 or more"),
            (&["demo", "--requests", "1000000001"], "for '--requests <N>': expected at most 1000000000"),
            (&["demo", "--seed", "-1"], "'-1' for '--seed <S>': expected a whole number, 0 or more"),
            (&["pull", "--every", "0s"], "'0s' for '--every <TIME>': expected at least 1s"),
            (&["pull", "--every", "-5m"], "'-5m' for '--every <TIME>': expected a duration such as 30s"),
            (&["pull", "--every", "99999d"], "expected at most 49710d"),
            (&["--timeout", "0s"], "'0s' for '--timeout <TIME>': expected at least 1s"),
            (
                &["report", "time", "--bucket", "x"],
                "'x' for '--bucket <TIME>': expected a duration such as 5m",
            ),
        ] {
            let line = std::iter::once(&"tamarin").chain(line);
            let error = Args::try_parse_from(line).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("tip:"), "{error}");
        }
    }
}
