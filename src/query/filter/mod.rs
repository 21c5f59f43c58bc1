//! The filter language: which requests a query is about.
//!
//! A [`Filter`] is plain data. [`Filter::parse`] reads it from text (`tokens`, `parse`: the grammar; `value`, `number`,
//! [`period`]: the meaning of values) and its `Display` writes it back (`print`). [`Matcher`] tests a single value,
//! [`mod@complete`] offers completions while a filter is typed, [`mod@contradiction`] finds terms that exclude each other,
//! [`mod@highlight`] finds its parts for colouring. `docs/filter.md` describes the language, see [`HELP`].
//!
//! Never here: where values are stored (segments, dictionaries), widgets.

mod build;
pub mod complete;
pub mod contradiction;
mod glob;
pub mod highlight;
mod invisible;
mod matcher;
mod names;
mod number;
mod parse;
pub mod period;
mod print;
mod quote;
mod tokens;
mod value;
mod word;

pub use complete::{Completion, complete};
pub use contradiction::{Contradiction, contradiction};
pub use highlight::{Part, highlight};
pub use invisible::is_invisible;
pub use matcher::Matcher;
pub use period::Reference;
pub use word::term_for_word;

use crate::log::Field;
use crate::query::Dimension;

/// The description of the filter language that `tamarin help filter` prints.
pub const HELP: &str = include_str!("../../../docs/filter.md");

/// Why a text is not a valid filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct FilterError {
    /// Position of the error, counted in characters from 1.
    pub column: usize,
    /// What is wrong and what was expected; one line.
    pub message: String,
    /// The same for a place with little room, if the message lists all names.
    pub short: Option<String>,
}

/// A condition on requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All conditions hold. Without conditions: every request passes.
    All(Vec<Filter>),
    /// At least one condition holds. Without conditions: no request passes.
    Any(Vec<Filter>),
    /// The condition does not hold.
    Not(Box<Filter>),
    /// A test of one subject.
    Term(Subject, Test),
}

/// The value of a request that a term tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A field of any kind: dimension, measure, detail or time.
    Field(Field),
    /// A value derived from a field; never [`Dimension::Field`].
    Derived(Dimension),
    /// No particular field: the term holds if `key`, `remote_ip`, `requester` or `user_agent` passes the test.
    Anywhere,
}

/// The test of a term. Text is compared byte by byte and case-sensitively unless stated otherwise. An absent
/// value passes [`Test::Absent`] only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// The value equals this text or, if the field has numbers, this number.
    Equals(Vec<u8>),
    /// The whole value matches this pattern of `*` (any text, `/` included), `?` and `[…]`.
    Glob(String),
    /// A part of the value matches this regular expression.
    Regex(String),
    /// The value contains this text, in any case.
    Contains(String),
    /// The value contains this text, in any case, as whole path components: between `:`, `/` or an end of the value.
    PathPart(String),
    /// The value is an address in this network.
    Network(ipnet::IpNet),
    /// The value is a number (or a time in seconds since the epoch) in this inclusive range; `None` is unbounded.
    Range(Option<i64>, Option<i64>),
    /// The value is absent (`-` in the log).
    Absent,
}
