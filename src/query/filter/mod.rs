//! Which requests count: the filter as plain data. One language for the prompt, `--filter` and saved
//! investigations.
//!
//! Here live the filter itself, its reader ([`parse`]: grammar; `value`, `number`, [`instant`]: what a
//! value means), its writer (`print`), the test of one value ([`matching`]) and what the prompt
//! needs while a filter is typed ([`mod@complete`]). The language is described in `docs/filter.md`, see
//! [`HELP`]. Never here: where values come from (segments, dictionaries), widgets.

mod build;
pub mod complete;
mod error;
mod escape;
mod glob;
pub mod instant;
pub mod matching;
mod number;
pub mod parse;
mod print;
#[cfg(test)]
mod tests;
mod value;

pub use complete::{Completion, complete};
pub use error::FilterError;
pub use escape::is_unseen;
pub use matching::Matcher;

use crate::log::Field;
use crate::query::Dimension;

/// The filter language, explained: what `tamarin help filter` prints.
pub const HELP: &str = include_str!("../../../docs/filter.md");

/// A condition on requests.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All hold. Empty: every request.
    All(Vec<Filter>),
    /// At least one holds. Empty: no request.
    Any(Vec<Filter>),
    /// Does not hold.
    Not(Box<Filter>),
    /// One condition on one thing.
    Term(Subject, Test),
}

/// What a term is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A field of any kind: dimension, measure, detail or time.
    Field(Field),
    /// What is derived from a field ([`Dimension::Field`] never stands here).
    Derived(Dimension),
    /// No field: holds if `key`, `remote_ip`, `requester` or `user_agent` passes.
    Anywhere,
}

/// What a term asks. Text is compared in bytes, case as it is, unless said otherwise; an absent value
/// passes [`Test::Absent`] only.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Is this text or, for a field of numbers, this number.
    Equals(Vec<u8>),
    /// The whole value matches this pattern of `*` (any text, `/` included), `?` and `[…]`.
    Glob(String),
    /// Some part of the value matches this regular expression.
    Regex(String),
    /// Some part of the value is this text, any case.
    Contains(String),
    /// `Equals` for `requester`-like paths: `role/etl` is a whole part of the value between `:` or `/`.
    PathPart(String),
    /// An address in this network.
    Network(ipnet::IpNet),
    /// A number (or an instant, in seconds) from … to …, both included; `None` open.
    Range(Option<i64>, Option<i64>),
    /// `-`.
    Absent,
}
