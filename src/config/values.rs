//! The values of a configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Investigation;

/// The configuration file. Every entry is optional; options of the command line take precedence. `schema` describes the
/// entries.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub cache: Option<PathBuf>,
    pub endpoint_url: Option<String>,
    pub region: Option<String>,
    pub profile: Option<String>,
    pub ip_databases: Vec<PathBuf>,
    pub aws_ip_ranges: Option<PathBuf>,
    pub resolve: bool,
    pub sources: Vec<String>,
    pub theme: Option<String>,
    pub links: Option<bool>,
    pub prices: PricesConfig,
    /// By context: by command.
    pub keys: BTreeMap<String, BTreeMap<String, KeyNames>>,
    /// By table or dimension.
    pub columns: BTreeMap<String, ColumnsConfig>,
    /// By name: by role, and `base`.
    pub themes: BTreeMap<String, BTreeMap<String, String>>,
    pub investigations: BTreeMap<String, Investigation>,
}

/// The section `[prices]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PricesConfig {
    pub region: Option<String>,
    pub accounts: Vec<String>,
    pub internet_volume: Option<usize>,
    pub file: Option<PathBuf>,
    pub tier_1: Option<f64>,
    pub tier_2: Option<f64>,
    pub internet: Option<f64>,
    pub other_regions: Option<f64>,
}

/// A key, or a list of keys.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub(crate) enum KeyNames {
    One(String),
    Several(Vec<String>),
}

impl KeyNames {
    /// The names of the keys; an empty name is no key.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let names = match self {
            KeyNames::One(name) => std::slice::from_ref(name),
            KeyNames::Several(names) => names.as_slice(),
        };
        names.iter().map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// The columns of a table when it is opened.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ColumnsConfig {
    /// Names of columns, in this order.
    pub show: Option<Vec<String>>,
    /// `COLUMN`, `COLUMN:asc` or `COLUMN:desc`.
    pub sort: Option<String>,
}

/// Parses the number of an AWS account.
pub(crate) fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("expected the number of an AWS account: 12 digits, such as 123456789012".to_owned())
    }
}
