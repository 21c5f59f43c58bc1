//! Queries and answers as plain data, the same for every engine.
//!
//! Never here: how answers are computed, where data is stored.

pub mod answer;
pub mod bucket;
mod derive;
pub mod dimension;
pub mod measure;
pub mod profile;
pub mod query;
pub mod value_order;

pub use answer::{
    Activity, Answer, ComparedDimension, ComparedValue, Comparison, Distribution, GroupRow, Groups, PairRow,
    Pairs, RequestRow, Requests, Series, Stats, Totals, Value,
};
pub use bucket::{Bucket, BucketWidth};
pub use dimension::Dimension;
pub use measure::Measure;
pub use profile::Profile;
pub use query::{Ask, Counting, Query, Sort, TimeRange, origin};
