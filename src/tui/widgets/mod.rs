//! Texts and bars that views are made of. Contains nothing about requests or the state.

pub(crate) mod bars;
pub(crate) mod fit;
