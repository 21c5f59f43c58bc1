//! What can be typed: subcommands and options.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};

use crate::export::Format;
use crate::query::{Counting, Measure};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "tamarin",
    version,
    about = "Explore Amazon S3 server access logs: who takes what from a bucket, and when",
    disable_help_subcommand = true,
    subcommand_precedence_over_arg = true,
    after_help = "A file or folder named like a subcommand is written ./NAME.\n\
                  Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but some log files could not be read."
)]
pub struct Args {
    /// s3://bucket[/prefix], a file, a folder or `-`; none: the sources monitored, else all the cache has
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Stay up to date: pull what is new every so often while exploring: 30s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = stretch)]
    pub every: Option<u32>,
    /// What to do rather than explore.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What every subcommand understands.
    #[command(flatten)]
    pub options: Options,
}

/// What to do rather than explore.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Explore a synthetic bucket, made up on the spot, with some trouble hidden in it
    Demo(DemoArgs),
    /// Fill the cache without a screen
    Pull(PullArgs),
    /// The tables, headless: what shares a value, per value
    Report(ReportArgs),
    /// Single requests, every field
    Requests(RequestsArgs),
    /// One SELECT over the table `requests`, which has a column per field
    Sql(SqlArgs),
    /// What the cache holds
    Sources(SourcesArgs),
    /// Drop old requests from the cache and give the space back
    Prune(PruneArgs),
    /// This help, or more about a subcommand or `filter`
    Help {
        /// A subcommand, or `filter`: the filter language
        topic: Option<String>,
    },
}

/// `tamarin demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// How many requests to make up
    #[arg(long, value_name = "N", default_value_t = 400_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: u64,
    /// Another seed, other requests
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Write the log files into a new or empty folder instead
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `tamarin pull`.
#[derive(Debug, clap::Args)]
pub struct PullArgs {
    /// What to pull; none: those of the configuration file and those monitored (tamarin sources add),
    /// else all that the cache has
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Keep on, pulling what is new every so often: 30s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = stretch)]
    pub every: Option<u32>,
    /// Then delete from S3 the log files that are wholly in the cache, once it is durable and verified.
    /// The cache is their only copy from then on
    #[arg(long)]
    pub purge: bool,
    /// Do not ask before deleting
    #[arg(long, requires = "purge")]
    pub yes: bool,
}

/// The columns that `report --columns` and `--sort` know, for help.
fn columns_help() -> String {
    let mut text = "Columns:\n".to_owned();
    for measure in Measure::ALL.into_iter().filter(|measure| *measure != Measure::Value) {
        text.push_str(&format!("  {:<22} {}\n", measure.name(), measure.spec().about));
    }
    text.push_str(
        "≈: percentiles are exact up to 255 ms, beyond that off by less than 0.4 %.\n\
         Counts of different things are exact in a table of some dozen rows. In one of\n\
         hundreds (--top), of more than 875,000 pairs of a group and a thing in all,\n\
         they are estimates: a count of 10,000 is off by a few percent.\n\
         Sorted by such an estimate, a row may be missing from the end of a table.\n\
         Tables mark such columns; in JSON their names are in the array \"approximate\" of\n\
         every row, with CSV they are told on stderr.",
    );
    text
}

/// `tamarin report`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = columns_help())]
pub struct ReportArgs {
    /// A dimension (remote_ip, key, requester, query_param:x-user, …), `time`, or `total` (also `none`)
    pub dimension: String,
    /// Sources to pull before, and the only ones asked; none: all that the cache has, as it is
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Width of a row of `report time`: 1m, 5m, 1h, 1d
    #[arg(long, value_name = "TIME", value_parser = stretch)]
    pub bucket: Option<u32>,
    /// Further columns by name, separated by commas; see below
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Which records count
    #[command(flatten)]
    pub counting: CountingArgs,
}

/// `tamarin prune`.
#[derive(Debug, clap::Args)]
pub struct PruneArgs {
    /// Requests before then go: 2026-04-01, 2026-04-01T03:00, -90d. Their log files stay known: they are
    /// not pulled again, and --purge never deletes them
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub before: String,
    /// Sources that the cache has; none: all
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Only tell what would go
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask before dropping requests of a source from which pull --purge deleted log files: the cache may
    /// be their only copy
    #[arg(long)]
    pub yes: bool,
}

/// Which records count.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct CountingArgs {
    /// Which records count as requests
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    pub counting: CountingName,
}

/// Names of ways of counting on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CountingName {
    /// Every record as logged
    #[default]
    Logged,
    /// Without what no request stands for by itself: the read side of copies (REST.COPY.OBJECT_GET and
    /// the like), the keys of a multi-delete (BATCH.DELETE.OBJECT), and lifecycle (S3.…)
    Requests,
}

impl From<CountingArgs> for Counting {
    fn from(args: CountingArgs) -> Counting {
        match args.counting {
            CountingName::Logged => Counting::AsLogged,
            CountingName::Requests => Counting::Requests,
        }
    }
}

/// `tamarin requests`.
#[derive(Debug, clap::Args)]
pub struct RequestsArgs {
    /// Sources to pull before, and the only ones asked; none: all that the cache has, as it is
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Which records count
    #[command(flatten)]
    pub counting: CountingArgs,
}

/// `tamarin sql`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = SQL_HELP)]
pub struct SqlArgs {
    /// The statement: SELECT remote_ip, sum(bytes_sent) FROM requests GROUP BY 1 ORDER BY 2 DESC
    #[arg(value_name = "SELECT")]
    pub statement: String,
    /// Sources to pull before, and the only ones asked; none: all that the cache has, as it is
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Which records count
    #[command(flatten)]
    pub counting: CountingArgs,
}

/// What there is to ask.
const SQL_HELP: &str = "\
The table is called requests. Its columns are the fields by the names that `tamarin requests` has; what \
is absent is NULL. time is text, 2026-04-01T12:30:00Z: it sorts and compares as time does, and SQLite's \
date functions take it. Not in SELECT *: time_unix (seconds since 1970) and source.
What WHERE asks of time, dimensions and measures by =, <, <=, >, >=, IN and IS NULL is answered without \
reading the rest; if it asks nothing else, ORDER BY one of those columns with a LIMIT reads only the rows \
that it shows. --filter, --since, --until and --counting choose requests beforehand.
query_param(request_uri, 'x-user') is the value of a parameter in the query, as report query_param:x-user \
has it.

  tamarin sql \"SELECT key, count(*) n FROM requests WHERE http_status = 403 GROUP BY key ORDER BY n DESC\"
  tamarin sql \"SELECT substr(time, 1, 10) day, sum(bytes_sent) FROM requests GROUP BY day\"
  tamarin sql \"SELECT * FROM requests WHERE http_status = 403 ORDER BY time DESC LIMIT 10\"
  tamarin sql \"SELECT query_param(request_uri, 'x-user') user, count(*) FROM requests GROUP BY user\"

SQLite runs the statement, so all its functions are there too. Nothing can be written.
In JSON a value that is not UTF-8 has U+FFFD in place of what is not, and a member NAME_base64 after it has \
its bytes; CSV and tables spell such bytes \\xff and unseen characters \\u{1b}, and a backslash that seems to \
begin either \\u{5c}. An infinite number is null in JSON and inf or -inf in CSV.";

/// `tamarin sources`.
#[derive(Debug, clap::Args)]
pub struct SourcesArgs {
    /// What to show rather than the list of sources.
    #[command(subcommand)]
    pub what: Option<SourcesCommand>,
}

/// What to show rather than the list of sources.
#[derive(Debug, Subcommand)]
pub enum SourcesCommand {
    /// The lines that are no record: where they stand, and why
    Rejected {
        /// Only of this source
        #[arg(value_parser = source())]
        source: Option<String>,
    },
    /// Verify that the cache is whole: every segment, column and dictionary
    Check,
    /// Monitor a source: `tamarin` and `tamarin pull` pull it when no source is named
    Add {
        /// s3://bucket[/prefix], a file or a folder
        #[arg(value_name = "SOURCE", required = true, value_parser = source())]
        sources: Vec<String>,
    },
    /// Stop monitoring a source; what was pulled of it stays, unless --with-requests
    Remove {
        /// Sources that the cache has
        #[arg(value_name = "SOURCE", required = true, value_parser = source())]
        sources: Vec<String>,
        /// Delete its requests, log file marks and rejected lines from the cache too
        #[arg(long)]
        with_requests: bool,
        /// Do not ask before deleting requests of a source from which pull --purge deleted log files
        #[arg(long, requires = "with_requests")]
        yes: bool,
    },
    /// Do not pull a source for the time being, unless it is named
    Pause {
        /// Sources that the cache has
        #[arg(value_name = "SOURCE", required = true, value_parser = source())]
        sources: Vec<String>,
    },
    /// Pull a source again after a pause
    Resume {
        /// Sources that the cache has
        #[arg(value_name = "SOURCE", required = true, value_parser = source())]
        sources: Vec<String>,
    },
}

/// What every subcommand understands.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// The cache to use rather than the one in the data directory
    #[arg(long, global = true, value_name = "FILE")]
    pub cache: Option<PathBuf>,
    /// Only requests that pass; see `tamarin help filter`
    #[arg(long, global = true, value_name = "EXPR", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// Only requests from then on: 2026-04-01, 2026-04-01T03:00, -6h, yesterday
    #[arg(long, global = true, value_name = "T", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Only requests before then; a day ends the time where it begins
    #[arg(long, global = true, value_name = "T", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Column to sort by; numbers largest first, unless it ends in :asc or :desc
    #[arg(long, global = true, value_name = "COLUMN")]
    pub sort: Option<String>,
    /// Rows to show, 0: all; by default 20 in a table, else all
    #[arg(long, global = true, value_name = "N")]
    pub top: Option<usize>,
    /// How answers are written
    #[arg(long, global = true, value_name = "FORMAT", value_enum)]
    pub format: Option<FormatName>,
    /// Say on stderr how long it took and how many rows were read
    #[arg(long, global = true)]
    pub stats: bool,
    /// Another S3-compatible server
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Region of the bucket; found out if it is not given
    #[arg(long, global = true, value_name = "R")]
    pub region: Option<String>,
    /// Profile of the AWS configuration
    #[arg(long, global = true, value_name = "P")]
    pub profile: Option<String>,
    /// Send anonymous requests, for public buckets
    #[arg(long, global = true)]
    pub no_sign_request: bool,
    /// How long S3 may be silent until a request is sent again: 10s, 2m; by default 20s before an answer,
    /// 10s in the middle of one
    #[arg(long, global = true, value_name = "TIME", value_parser = stretch)]
    pub timeout: Option<u32>,
    /// The configuration file to use rather than the one in the configuration directory
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Say nothing but errors, and what could not be read
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Name every log file that could not be read
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// Names of formats on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // described in export::Format
pub enum FormatName {
    Table,
    Csv,
    Json,
    Ndjson,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Format {
        match name {
            FormatName::Table => Format::Table,
            FormatName::Csv => Format::Csv,
            FormatName::Json => Format::Json,
            FormatName::Ndjson => Format::Ndjson,
        }
    }
}

/// A SOURCE: paths need not be text.
fn source() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|argument| crate::source::text_of(&argument))
}

/// Seconds from `30s`, `5m`, `1h`, `1d`.
fn stretch(text: &str) -> Result<u32, String> {
    crate::query::filter::period::parse_duration(text)
        .and_then(|seconds| u32::try_from(seconds).ok())
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| "expected a stretch of time such as 30s, 5m, 1h or 1d".to_owned())
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
    fn options_stand_before_or_behind_the_subcommand() {
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
    fn without_a_subcommand_words_are_sources() {
        let args = Args::try_parse_from(["tamarin", "s3://acme-logs/", "./report", "-"]).unwrap();
        assert!(args.command.is_none());
        assert_eq!(args.sources, ["s3://acme-logs/", "./report", "-"]);
    }

    #[test]
    fn the_explorer_stays_up_to_date_if_it_is_told_how_often() {
        for line in [&["tamarin", "--every", "5m"][..], &["tamarin", "logs", "--every", "5m"]] {
            let args = Args::try_parse_from(line).unwrap();
            assert_eq!((args.every, args.command.is_none()), (Some(300), true), "{line:?}");
        }
    }

    #[test]
    fn stretches_of_time_are_seconds() {
        assert_eq!(stretch("5m"), Ok(300));
        assert!(stretch("0s").is_err() && stretch("5").is_err() && stretch("").is_err());
    }
}
