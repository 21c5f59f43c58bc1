//! Who sends requests: the families of user agents and the crawlers among them.
//!
//! - [`agent_family`]: a short name for the program that a user agent names.
//! - [`crawlers`]: the crawlers of a maintained list.
//!
//! Never here: queries, requests, network I/O that the user did not enable.

pub mod agent_family;
pub mod crawlers;

pub use agent_family::agent_family;
pub use crawlers::is_crawler;
