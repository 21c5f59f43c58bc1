//! cache

/// Why the cache could not be opened, read or written. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// placeholder
    #[error("{0}")]
    Other(String),
}
