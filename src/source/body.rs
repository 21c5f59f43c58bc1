//! The content of a log file on its way to the parser.

use std::io::Read;

/// The content of a log file, compressed or not.
pub enum Body {
    /// All of it in memory.
    Bytes(Vec<u8>),
    /// To be read bit by bit: large or endless content.
    Reader(Box<dyn Read + Send>),
}
