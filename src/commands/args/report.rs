//! Arguments of `tamarin report`.

use super::counting::CountingArgs;
use super::values::{bucket_width, source};
use crate::query::{BucketWidth, Measure};

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
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = columns_help())]
pub struct ReportArgs {
    /// A dimension (remote_ip, key, requester, query_param:x-user, …), two dimensions (http_status,error_code),
    /// `time`, or `total` (also: `none`)
    pub dimension: String,
    /// Sources to pull first; the answer is about them only. None: all sources of the cache, without a pull
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Time range of a row of `report time`: 1m, 5m, 1h, 1d, 1w (from Monday), 1mo (calendar months)
    #[arg(long, value_name = "TIME", value_parser = bucket_width, allow_hyphen_values = true)]
    pub bucket: Option<BucketWidth>,
    /// Additional columns, separated by commas; `tamarin help report` lists them. `total` and reports by two dimensions
    /// may have only `cost`, `time` all that do not compare rows
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Print how concentrated requests and bytes are on few values, instead of a row per value: mean, median,
    /// shares of the largest values, Gini coefficient
    #[arg(long, conflicts_with_all = ["columns", "bucket"])]
    pub summary: bool,
    /// Which records count as requests
    #[command(flatten)]
    pub counting: CountingArgs,
}
