//! What requests cost: an estimate in US dollars.
//!
//! [`PriceTable`] has the prices of regions, [`Prices`] those of one region ([`prices`]). [`rules`] tell from the fields
//! of a request how it is billed, as a [`Charge`]; [`region_of_host`] which region its host names. [`Charges`] add them up ([`charges`]), and have a price: counts and
//! bytes are exact and their sums do not depend on the order, so the cost of groups adds up to the total.
//! `docs/cost.md` has the assumptions, see [`HELP`].
//!
//! Never here: how a request is stored; the configuration file.

pub mod charges;
mod host_region;
pub mod prices;
pub mod rules;

pub use charges::{Charge, Charges};
pub use host_region::region_of_host;
pub use prices::{PriceError, PriceTable, Prices};
pub use rules::Billed;

/// The description of the estimate that `tamarin help cost` prints.
pub const HELP: &str = include_str!("../../../docs/cost.md");
