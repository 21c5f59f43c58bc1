//! Arguments of the commands that open the explorer.

/// How the explorer looks.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ScreenArgs {
    /// The theme: auto, dark, light, high-contrast, 16-colours, 16-colours-light, none, or one of the configuration
    /// file [default: the theme that fits the terminal]
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// Open the last view of the same cache: its filters, time ranges and tables
    #[arg(long)]
    pub resume: bool,
}
