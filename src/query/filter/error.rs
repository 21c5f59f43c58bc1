//! The error of the filter parser.

/// Why a text is not a valid filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct FilterError {
    /// Position of the error, counted in characters from 1.
    pub column: usize,
    /// What is wrong and what was expected; one line.
    pub message: String,
}
