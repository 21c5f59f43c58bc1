//! Whether the terminal shows links, and what links to files need.

use crate::tui::model::link::{Computer, Links};

/// What the environment says about links. Terminals are asked nothing: those that show links are known by their variables, and
/// `FORCE_HYPERLINK` takes precedence.
pub(in crate::tui) fn detect() -> Links {
    let name = dns_lookup::get_hostname().unwrap_or_default();
    let folder = std::env::current_dir().unwrap_or_default();
    let are_supported = supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout);
    Links { are_supported, computer: Computer { name, folder } }
}
