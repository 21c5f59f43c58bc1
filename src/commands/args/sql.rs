//! Arguments of `tamarin sql`.

use super::counting::CountingArgs;
use super::values::source;

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
