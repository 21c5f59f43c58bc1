//! The options and subcommands of the command line.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::config::account;
use crate::demo;
use crate::export::Format;
use crate::insight::block;
use crate::insight::findings::Kind;
use crate::query::{Counting, Measure};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "tamarin",
    version,
    about = "Explore Amazon S3 server access logs: which clients request what from a bucket, and when",
    disable_help_subcommand = true,
    subcommand_precedence_over_arg = true,
    after_help = "Write a file or folder that is named like a subcommand as ./NAME.\n\
                  Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but some log files could not be read; \
                  4 findings --fail-on found something."
)]
pub struct Args {
    /// s3://bucket[/prefix], a file, a folder or `-` (standard input); none: those of the configuration file and
    /// the monitored ones, else all sources of the cache
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Pull new log files again and again while exploring, with this pause: 30s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = seconds, allow_hyphen_values = true)]
    pub every: Option<u32>,
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
    /// Print what tells two sets of requests apart: the values whose share differs most
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
    /// Print this help, the help of a subcommand, the filter language, or how costs are estimated
    Help {
        /// A subcommand, `filter` for the filter language, or `cost` for the estimate of costs
        topic: Option<String>,
    },
}

/// `tamarin demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Number of requests to generate
    #[arg(long, value_name = "N", default_value_t = 400_000, value_parser = demo_requests, allow_negative_numbers = true)]
    pub requests: u64,
    /// Seed of the generator: another seed gives other requests
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = zero_or_more, allow_negative_numbers = true)]
    pub seed: u64,
    /// Write the log files into this new or empty folder instead of exploring them
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

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

/// The help on the columns that `report --columns` and `--sort` accept.
fn columns_help() -> String {
    let mut text = "Columns:\n".to_owned();
    for measure in Measure::ALL.into_iter().filter(|measure| *measure != Measure::Value) {
        text.push_str(&format!("  {:<22} {}\n", measure.name(), measure.spec().about));
    }
    text.push_str(
        "≈: an estimate. Percentiles are exact up to 255 ms; longer times are off by less than 0.4 %.\n\
         The cost depends on prices and assumptions: see tamarin help cost.\n\
         Counts of distinct values are exact in tables of a few dozen rows. In tables of hundreds of\n\
         rows (--top) with more than 875,000 pairs of a group and a value in total, they are\n\
         estimates: a count of 10,000 is off by a few percent. A table that is sorted by an estimate\n\
         may lack a row at its end.\n\
         Tables mark estimated columns with ≈. JSON rows name them in the array \"approximate\". With\n\
         CSV they are named on stderr.",
    );
    text
}

/// `tamarin report`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = columns_help())]
pub struct ReportArgs {
    /// A dimension (remote_ip, key, requester, query_param:x-user, …), two dimensions (http_status,error_code),
    /// `time`, or `total` (also: `none`)
    pub dimension: String,
    /// Sources to pull first; the answer is about them only. None: all sources of the cache, without a pull
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Time range of a row of `report time`: 1m, 5m, 1h, 1d
    #[arg(long, value_name = "TIME", value_parser = seconds, allow_hyphen_values = true)]
    pub bucket: Option<u32>,
    /// Additional columns, separated by commas; `tamarin help report` lists them. `total` may have only `cost`
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// In a report by remote_ip, look up the names of the addresses (reverse DNS) and print them as the column
    /// host_name. This sends a DNS query for each address
    #[arg(long)]
    pub resolve: bool,
    /// Print how concentrated requests and bytes are on few values, instead of a row per value: mean, median,
    /// shares of the largest values, Gini coefficient
    #[arg(long, conflicts_with_all = ["columns", "bucket"])]
    pub summary: bool,
    /// Which records count as requests
    #[command(flatten)]
    pub counting: CountingArgs,
}

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

/// The help on the kinds of findings and their fields.
fn findings_help() -> String {
    let mut text = "Kinds:\n".to_owned();
    for kind in Kind::ALL {
        text.push_str(&format!("  {:<18} {}\n", kind.name(), kind.about()));
    }
    text.push_str(
        "Ordinary traffic that looks suspicious, such as that of known crawlers, is listed only with --benign.\n\
         JSON and CSV have the fields kind, dimension, value, start, end, requests, bytes_sent, errors, cost\n\
         (estimated, in US dollars), score (0 to 100), filter and explanation; with --benign, --muted or --all\n\
         also label.\n\
         Exit code 4: --fail-on found something. In a cron job:\n  \
         tamarin findings s3://acme-logs/ --since 1h --fail-on scraping,key-guessing -q",
    );
    text
}

/// `tamarin findings`.
#[derive(Debug, clap::Args)]
#[command(subcommand_precedence_over_arg = true, after_long_help = findings_help())]
pub struct FindingsArgs {
    /// The subcommand; `None`: list the findings.
    #[command(subcommand)]
    pub what: Option<FindingsCommand>,
    /// Sources to pull first; the findings are about them only. None: all sources of the cache, without a pull
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Only findings of these kinds, separated by commas
    #[arg(long, value_name = "KINDS", value_parser = kinds)]
    pub kinds: Option<KindList>,
    /// Print one line per finding of these kinds (or `any`) and nothing else; if there are any, the exit code is 4
    #[arg(long, value_name = "KINDS", value_parser = kinds)]
    pub fail_on: Option<KindList>,
    /// List ordinary traffic that looks suspicious, with the reason why it is ordinary, instead of the findings
    #[arg(long)]
    pub benign: bool,
    /// List the muted findings instead
    #[arg(long)]
    pub muted: bool,
    /// List all: findings, ordinary traffic that looks suspicious, muted findings
    #[arg(long)]
    pub all: bool,
    /// Which records count as requests
    #[command(flatten)]
    pub counting: CountingArgs,
}

/// The subcommands of `tamarin findings`.
#[derive(Debug, Subcommand)]
pub enum FindingsCommand {
    /// Mute findings: of a kind, about a value, or all of whose requests match --filter. Several conditions must
    /// all be met. --until says when the mute ends
    Mute(MuteArgs),
    /// List what is muted
    Muted,
    /// End mutes
    Unmute {
        /// Numbers of `tamarin findings muted`
        #[arg(value_name = "NUMBER", required = true)]
        numbers: Vec<i64>,
    },
}

/// `tamarin findings mute`.
#[derive(Debug, clap::Args)]
pub struct MuteArgs {
    /// A kind, a value (an address, a requester, …), or both
    #[arg(value_name = "KIND|VALUE")]
    pub what: Vec<String>,
    /// Why, to be shown with the muted findings
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Kinds of findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindList(pub Vec<Kind>);

/// Parses kinds that are separated by commas; `any` is all of them.
fn kinds(text: &str) -> Result<KindList, String> {
    let known = || Kind::ALL.map(Kind::name).join(", ");
    let mut kinds = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match Kind::by_name(name) {
            Some(kind) => kinds.push(kind),
            None if name.eq_ignore_ascii_case("any") => kinds.extend(Kind::ALL),
            None => {
                return Err(format!(
                    "\"{name}\" is not a kind of findings; the kinds are {}, or any",
                    known()
                ));
            }
        }
    }
    if kinds.is_empty() {
        return Err(format!("expected kinds of findings: {}, or any", known()));
    }
    Ok(KindList(kinds))
}

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

/// Which records count as requests.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct CountingArgs {
    /// Which records count as requests
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    pub counting: CountingName,
}

/// The values of `--counting`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CountingName {
    /// Every record of the log
    #[default]
    Logged,
    /// One record per request of a client: without the read side of copies (REST.COPY.OBJECT_GET and the
    /// like), the keys of a multi-delete (BATCH.DELETE.OBJECT), and lifecycle (S3.…)
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
    /// Sources to pull first; the answer is about them only. None: all sources of the cache, without a pull
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Which records count as requests
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
    /// Sources to pull first; the answer is about them only. None: all sources of the cache, without a pull
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Which records count as requests
    #[command(flatten)]
    pub counting: CountingArgs,
}

/// The help on the table of `tamarin sql`.
const SQL_HELP: &str = "\
The table is called requests. It has a column for each field, named as in `tamarin requests`. Absent fields \
are NULL. time is text (2026-04-01T12:30:00Z): it sorts and compares in the order of time, and SQLite's date \
functions accept it. Two more columns are not in SELECT *: time_unix (seconds since 1970) and source.
Conditions on time, dimensions and measures with =, <, <=, >, >=, IN and IS NULL are evaluated before other \
columns are read. If there are no other conditions, ORDER BY one of those columns with a LIMIT reads only the \
rows that it returns. --filter, --since, --until and --counting select requests before the statement runs.
query_param(request_uri, 'x-user') is the value of a parameter in the query of the request, as in report \
query_param:x-user.

  tamarin sql \"SELECT key, count(*) n FROM requests WHERE http_status = 403 GROUP BY key ORDER BY n DESC\"
  tamarin sql \"SELECT substr(time, 1, 10) day, sum(bytes_sent) FROM requests GROUP BY day\"
  tamarin sql \"SELECT * FROM requests WHERE http_status = 403 ORDER BY time DESC LIMIT 10\"
  tamarin sql \"SELECT query_param(request_uri, 'x-user') user, count(*) FROM requests GROUP BY user\"

SQLite runs the statement: all its functions are available. The statement cannot change anything.
In JSON, a value that is not UTF-8 has U+FFFD in place of the invalid bytes, and a member NAME_base64 follows \
with its bytes. CSV and tables write such bytes as \\xff, invisible characters as \\u{1b}, and a backslash that \
looks like the start of either as \\u{5c}. An infinite number is null in JSON and inf or -inf in CSV.";

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
        /// s3://bucket[/prefix], a file or a folder
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

/// Parses a SOURCE. Paths need not be UTF-8.
fn source() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|argument| crate::source::text_of(&argument))
}

/// Parses a duration such as `30s`, `5m`, `1h` or `1d`; returns seconds.
fn seconds(text: &str) -> Result<u32, String> {
    const SECONDS_PER_DAY: u32 = 86_400;
    match crate::query::filter::period::parse_duration(text) {
        Some(0) => Err("expected at least 1s".to_owned()),
        Some(seconds) if seconds > 0 => {
            u32::try_from(seconds).map_err(|_| format!("expected at most {}d", u32::MAX / SECONDS_PER_DAY))
        }
        _ => Err("expected a duration such as 30s, 5m, 1h or 1d".to_owned()),
    }
}

/// Parses a whole number of at least `min`.
fn whole_number(text: &str, min: u64) -> Result<u64, String> {
    let expected = || Err(format!("expected a whole number, {min} or more"));
    match text.parse() {
        Ok(number) if number >= min => Ok(number),
        Ok(_) => expected(),
        // A whole number that does not fit.
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(format!("expected at most {}", u64::MAX))
        }
        Err(_) => expected(),
    }
}

fn zero_or_more(text: &str) -> Result<u64, String> {
    whole_number(text, 0)
}

/// Parses a number of requests of the demo.
fn demo_requests(text: &str) -> Result<u64, String> {
    match whole_number(text, 1)? {
        requests if requests > demo::MAX_REQUESTS => Err(format!("expected at most {}", demo::MAX_REQUESTS)),
        requests => Ok(requests),
    }
}

/// Parses a number of rows.
fn rows(text: &str) -> Result<usize, String> {
    let rows = whole_number(text, 0).map_err(|error| format!("{error} (0: all rows)"))?;
    Ok(usize::try_from(rows).unwrap_or(usize::MAX))
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
                "'x' for '--bucket <TIME>': expected a duration such as 30s",
            ),
        ] {
            let line = std::iter::once(&"tamarin").chain(line);
            let error = Args::try_parse_from(line).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("tip:"), "{error}");
        }
    }

    #[test]
    fn no_kinds_were_accepted_and_any_among_others_was_not() {
        for empty in ["", ",", " , "] {
            let error = kinds(empty).unwrap_err();
            assert!(error.contains("expected kinds of findings: ") && error.contains("scraping"), "{error}");
        }
        assert_eq!(kinds("scraping,").unwrap(), KindList(vec![Kind::Scraping]));
        let any = kinds("any,scraping").unwrap();
        assert!(Kind::ALL.iter().all(|kind| any.0.contains(kind)));
    }

    #[test]
    fn durations_are_seconds() {
        assert_eq!(seconds("5m"), Ok(300));
        assert!(seconds("0s").is_err() && seconds("5").is_err() && seconds("").is_err());
    }
}
