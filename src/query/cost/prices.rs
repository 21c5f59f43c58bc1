//! Prices: the table of regions (`assets/prices.toml`), and the prices that an estimate uses.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The table that is part of the program.
const BUILT_IN: &str = include_str!("../../../assets/prices.toml");
/// The region whose prices are used if none is known.
pub const DEFAULT_REGION: &str = "us-east-1";

/// The prices of regions, in US dollars. `assets/prices.toml` describes the format.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    /// The date of the prices: `2026-09-18`.
    pub date: String,
    /// Upper bounds in TB per month of all volumes of transfer to the internet except the last.
    pub internet_volumes_tb: Vec<u32>,
    /// What the prices of regions were checked against, by the name that [`Region::source`] has.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// The regions by their code, such as `eu-central-1`.
    pub regions: BTreeMap<String, Region>,
}

/// The prices of a region, in US dollars.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Name for people: `Europe (Frankfurt)`.
    #[serde(default)]
    pub name: String,
    /// Per 1,000 PUT, COPY, POST and LIST requests.
    pub tier_1: f64,
    /// Per 1,000 GET and all other requests.
    pub tier_2: f64,
    /// Per GB to the internet, by volume: the first price is that of the smallest volume.
    pub internet: Vec<f64>,
    /// Per GB to other regions.
    pub other_regions: f64,
    /// Per GB to single regions where it differs from `other_regions`; all of them have the same price.
    #[serde(default)]
    pub nearby: BTreeMap<String, f64>,
    /// Name of the source of the prices.
    #[serde(default)]
    pub source: String,
}

/// Why prices cannot be used.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum PriceError {
    /// The text is not a price table.
    #[error("line {line}: {reason}")]
    Invalid {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A price is negative or not a number, or missing.
    #[error("the price {price} of {region}: expected US dollars, 0 or more, such as 0.005")]
    NotAPrice {
        /// The region.
        region: String,
        /// Name of the price.
        price: &'static str,
    },
    /// The table has no such region.
    #[error(
        "the price table of {date} has no region {region:?}; it has {known}. Add the region to a copy of the table, and name \
         the copy as `file` in [prices]"
    )]
    UnknownRegion {
        /// The region.
        region: String,
        /// The date of the table.
        date: String,
        /// The regions of the table.
        known: String,
    },
}

impl PriceTable {
    /// The table that is part of the program.
    pub fn built_in() -> &'static PriceTable {
        static TABLE: LazyLock<PriceTable> =
            LazyLock::new(|| PriceTable::parse(BUILT_IN).unwrap_or_default());
        &TABLE
    }

    /// Reads a table.
    ///
    /// # Errors
    /// If the text is not TOML, lacks an entry, has an unknown one, or a price is negative.
    pub fn parse(text: &str) -> Result<PriceTable, PriceError> {
        let table: PriceTable = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let line = text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
            let reason = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            PriceError::Invalid { line, reason }
        })?;
        for (code, region) in &table.regions {
            let wrong = |price| PriceError::NotAPrice { region: code.clone(), price };
            let is_price = |price: &f64| price.is_finite() && *price >= 0.0;
            let checks = [
                ("tier_1", is_price(&region.tier_1)),
                ("tier_2", is_price(&region.tier_2)),
                ("internet", !region.internet.is_empty() && region.internet.iter().all(is_price)),
                ("other_regions", is_price(&region.other_regions)),
                ("nearby", region.nearby.values().all(is_price)),
            ];
            if let Some((price, _)) = checks.into_iter().find(|(_, is_valid)| !is_valid) {
                return Err(wrong(price));
            }
        }
        Ok(table)
    }

    /// The prices of a region, with the price of the first volume of transfer to the internet.
    ///
    /// # Errors
    /// If the table does not have the region.
    pub fn of_region(&self, code: &str) -> Result<Prices, PriceError> {
        let Some(region) = self.regions.get(code) else {
            let known = self.regions.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(PriceError::UnknownRegion {
                region: code.to_owned(),
                date: self.date.clone(),
                known,
            });
        };
        Ok(Prices {
            region: code.to_owned(),
            date: self.date.clone(),
            tier_1: region.tier_1,
            tier_2: region.tier_2,
            internet: region.internet.first().copied().unwrap_or(0.0),
            other_regions: region.other_regions,
            nearby: region.nearby.values().next().copied().unwrap_or(region.other_regions),
            nearby_regions: region.nearby.keys().cloned().collect(),
            accounts: Vec::new(),
        })
    }

    /// The price per GB to the internet of a volume, counted from 1. A region with fewer prices has the last one for all
    /// larger volumes. `None` without the region.
    pub fn internet(&self, code: &str, volume: usize) -> Option<f64> {
        let prices = &self.regions.get(code)?.internet;
        prices.get(volume.max(1) - 1).or(prices.last()).copied()
    }
}

/// The prices of an estimate, in US dollars, and what else it depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    /// The region of the buckets.
    pub region: String,
    /// The date of the prices: `2026-09-18`.
    pub date: String,
    /// Per 1,000 PUT, COPY, POST and LIST requests.
    pub tier_1: f64,
    /// Per 1,000 GET and all other requests.
    pub tier_2: f64,
    /// Per GB (2³⁰ bytes) to the internet.
    pub internet: f64,
    /// Per GB to other regions.
    pub other_regions: f64,
    /// Per GB to `nearby_regions`.
    pub nearby: f64,
    /// Regions that are billed as `nearby`.
    pub nearby_regions: Vec<String>,
    /// Numbers of the accounts that count as the bucket owner's: the own one and those of the organisation. Empty: all
    /// accounts count as the owner's.
    pub accounts: Vec<String>,
}

impl Default for Prices {
    /// The prices of us-east-1 in the table of the program.
    fn default() -> Prices {
        PriceTable::built_in().of_region(DEFAULT_REGION).unwrap_or(Prices {
            region: DEFAULT_REGION.to_owned(),
            date: String::new(),
            tier_1: 0.0,
            tier_2: 0.0,
            internet: 0.0,
            other_regions: 0.0,
            nearby: 0.0,
            nearby_regions: Vec::new(),
            accounts: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_of_the_built_in_table_names_its_source_and_has_falling_prices() {
        let table = PriceTable::parse(BUILT_IN).unwrap();
        assert!(table.date.parse::<jiff::civil::Date>().is_ok());
        assert!(table.regions.len() >= 17);
        for (code, region) in &table.regions {
            assert!(table.sources.contains_key(&region.source), "{code}");
            assert!(region.tier_2 * 10.0 < region.tier_1, "{code}");
            assert!(region.internet.is_sorted_by(|one, next| one >= next), "{code}");
            assert!(region.internet.len() <= table.internet_volumes_tb.len() + 1, "{code}");
            assert!(region.nearby.keys().all(|nearby| table.regions.contains_key(nearby)), "{code}");
        }
        assert_eq!(Prices::default().tier_1, 0.005);
        assert_eq!(table.internet("sa-east-1", 2), Some(0.138));
        assert_eq!(table.internet("ap-southeast-3", 4), Some(0.132));
    }

    #[test]
    fn errors_name_the_line_the_region_and_what_is_known() {
        let unknown = PriceTable::built_in().of_region("mars-1").unwrap_err().to_string();
        assert!(unknown.contains("\"mars-1\"") && unknown.contains("eu-central-1"), "{unknown}");
        let error = PriceTable::parse("date = \"2026-01-01\"\nprices = 3\n").unwrap_err().to_string();
        assert!(error.starts_with("line 2: unknown field `prices`"), "{error}");
        let negative = BUILT_IN.replacen("tier_1 = 0.0055", "tier_1 = -1.0", 1);
        let error = PriceTable::parse(&negative).unwrap_err().to_string();
        assert!(error.contains("tier_1 of us-west-1"), "{error}");
    }
}
