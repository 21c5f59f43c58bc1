//! Small pieces that views are made of; they know nothing of requests.

pub(crate) mod bars;
pub(crate) mod fit;
