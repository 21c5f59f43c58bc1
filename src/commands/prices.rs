//! The prices that costs are estimated with: the price table, the section `[prices]` of the configuration file, and the
//! region.

use anyhow::{Context as _, bail};

use super::context::Context;
use crate::query::cost::prices::DEFAULT_REGION;
use crate::query::cost::{PriceTable, Prices};

impl Context {
    /// The prices for a command that prints costs: [`Context::prices`].
    ///
    /// # Errors
    /// Also if the price table does not have the region of `--region`.
    pub(super) fn prices_of_costs(&self) -> anyhow::Result<Prices> {
        let prices = self.prices()?;
        // With an endpoint, the region is that of another product, which has no prices in the table.
        let is_aws = self.s3().endpoint_url.is_none()
            && ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]
                .iter()
                .all(|name| std::env::var_os(name).is_none());
        if let (None, true, Some(region)) = (&self.config.prices.region, is_aws, &self.options.region) {
            self.price_table()?.as_ref().unwrap_or(PriceTable::built_in()).of_region(region)?;
        }
        Ok(prices)
    }

    /// The price table that the configuration names.
    fn price_table(&self) -> anyhow::Result<Option<PriceTable>> {
        let Some(path) = &self.config.prices.file else { return Ok(None) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{}: cannot be read; it is `file` in [prices]", path.display()))?;
        Ok(Some(PriceTable::parse(&text).with_context(|| path.display().to_string())?))
    }

    /// The prices of the region of the buckets.
    pub(super) fn prices(&self) -> anyhow::Result<Prices> {
        let config = &self.config.prices;
        let own = self.price_table()?;
        let table = own.as_ref().unwrap_or(PriceTable::built_in());
        // Another product than Amazon S3 may call its region as it likes: only the region in [prices] must be known.
        let s3_region = self.s3().region.filter(|region| table.regions.contains_key(region));
        let region =
            config.region.clone().or(s3_region).unwrap_or_else(|| match table.regions.keys().next() {
                Some(only) if table.regions.len() == 1 => only.clone(),
                _ => DEFAULT_REGION.to_owned(),
            });
        let mut prices = table.of_region(&region)?;
        if let Some(volume) = config.internet_volume {
            let volumes = table.internet_volumes_tb.len() + 1;
            if volume == 0 || volume > volumes {
                bail!(
                    "internet_volume in [prices]: expected 1 to {volumes}, not {volume}; see tamarin help cost"
                );
            }
            prices.internet = table.internet(&region, volume).unwrap_or(prices.internet);
        }
        for (price, name, own) in [
            (&mut prices.tier_1, "tier_1", config.tier_1),
            (&mut prices.tier_2, "tier_2", config.tier_2),
            (&mut prices.internet, "internet", config.internet),
            (&mut prices.other_regions, "other_regions", config.other_regions),
        ] {
            let Some(own) = own else { continue };
            if !own.is_finite() || own < 0.0 {
                bail!("{name} in [prices]: expected US dollars, 0 or more, not {own}");
            }
            *price = own;
        }
        prices.accounts.clone_from(&config.accounts);
        Ok(prices)
    }
}

/// The line on stderr about the prices of an estimate.
pub(super) fn note(prices: &Prices) -> String {
    format!(
        "cost is an estimate with the S3 prices of {} of {}; see tamarin help cost",
        prices.region, prices.date
    )
}

/// The price table of the program as text, for `tamarin help cost`.
pub(super) fn table_text(table: &PriceTable) -> String {
    let mut text = format!("## The price table of {}\n\n", table.date);
    let bounds = table.internet_volumes_tb.iter().map(|bound| format!("up to {bound} TB"));
    let volumes = bounds.chain(["more".to_owned()]).collect::<Vec<_>>().join(", ");
    text.push_str(&format!(
        "US dollars per 1,000 requests, and per GB. Volumes of transfer to the internet per month: {volumes}.\n\n"
    ));
    text.push_str(
        "| region | tier 1 | tier 2 | internet | other regions | source |\n|---|---|---|---|---|---|\n",
    );
    for (code, region) in &table.regions {
        let internet = region.internet.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        let nearby =
            region.nearby.iter().map(|(code, price)| format!("; {code}: {price}")).collect::<String>();
        text.push_str(&format!(
            "| {code} | {} | {} | {internet} | {}{nearby} | {} |\n",
            region.tier_1, region.tier_2, region.other_regions, region.source
        ));
    }
    text.push('\n');
    for (name, about) in &table.sources {
        text.push_str(&format!("- {name}: {about}\n"));
    }
    text
}
