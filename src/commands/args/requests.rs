//! Arguments of `tamarin requests`.

use super::counting::CountingArgs;
use super::values::source;

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
