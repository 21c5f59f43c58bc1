//! `--counting`: which records count as requests.

use clap::ValueEnum;

use crate::query::Counting;

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
