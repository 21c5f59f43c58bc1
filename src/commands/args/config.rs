//! Arguments of `tamarin config`.

use clap::Subcommand;

/// `tamarin config`.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// The subcommand.
    #[command(subcommand)]
    pub what: ConfigCommand,
}

/// The subcommands of `tamarin config`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration file: prints every error with its line, and exits with 1 if there is one
    Check,
    /// Print the configuration in effect, and where each value comes from
    Show {
        /// Print a configuration file that has every key, as a comment
        #[arg(long)]
        default: bool,
    },
    /// Print the path of the configuration file
    Path,
    /// Print a JSON Schema of the configuration file, for editors
    Schema,
}
