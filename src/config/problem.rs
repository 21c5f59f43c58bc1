//! What is wrong with a configuration file.

use std::fmt;
use std::path::PathBuf;

/// A problem with the value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The key and the tables that it is in, from the outside.
    pub(crate) key: Vec<String>,
    /// What is wrong, what is expected, and what to do.
    pub(crate) reason: String,
}

impl Problem {
    pub(crate) fn new<S: Into<String>>(
        key: impl IntoIterator<Item = S>,
        reason: impl Into<String>,
    ) -> Problem {
        Problem { key: key.into_iter().map(Into::into).collect(), reason: reason.into() }
    }
}

/// A problem and where it is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    /// Number of the line, from 1.
    pub(crate) line: usize,
    /// The key with its tables, such as `prices.region`; empty: the text is not TOML.
    pub(crate) key: String,
    pub(crate) reason: String,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "line {}: {}", self.line, self.reason),
            key => write!(f, "line {}: {key}: {}", self.line, self.reason),
        }
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {reason}; name another file with --config FILE", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        reason: String,
    },
    /// The file contains errors.
    #[error("{}: {}", path.display(), first(problems))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// All of them, in the order of the file.
        problems: Vec<Located>,
    },
    /// The home directory is unknown.
    #[error("the home directory is unknown: set HOME, or name the files with --config FILE and --cache FILE")]
    NoHome,
}

/// The first problem in one line, and how many others there are.
fn first(problems: &[Located]) -> String {
    let Some(first) = problems.first() else { return String::new() };
    match problems.len() - 1 {
        0 => first.to_string(),
        more => format!("{first} (and {more} more: tamarin config check)"),
    }
}
