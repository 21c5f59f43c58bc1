//! What takes more than one question: bursts, concentration.

pub mod bursts;
