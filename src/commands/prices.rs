//! The prices that costs are estimated with: the price table, the section `[prices]` of the configuration file, and the
//! region.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::interrupt;
use crate::config::PricesConfig;
use crate::log::Field;
use crate::query::cost::prices::DEFAULT_REGION;
use crate::query::cost::{PriceError, PriceTable, Prices, region_of_host};
use crate::query::filter::{Subject, Test};
use crate::query::{
    Answer, Ask, Counting, Dimension, Engine, Filter, LocalEngine, Measure, Query, QueryError, Reply, Sort,
    TimeRange, Wrapper,
};

/// The prices of an estimate, and where its region comes from.
pub(super) struct ChosenPrices {
    pub(super) prices: Prices,
    /// The region is that of the hosts of the requests.
    pub(super) is_region_of_hosts: bool,
    /// Nothing names the region so far: there are no requests whose hosts do.
    pub(super) is_region_unknown: bool,
    /// Why the prices are not those of the region that the options or the configuration name.
    pub(super) unknown_region: Option<PriceError>,
}

impl ChosenPrices {
    /// The line on stderr about the prices of an estimate.
    pub(super) fn note(&self) -> String {
        let Prices { region, date, .. } = &self.prices;
        let from = if self.is_region_of_hosts { " (the region in the host headers)" } else { "" };
        format!("cost is an estimate with the S3 prices of {region}{from} of {date}; see tamarin help cost")
    }

    /// A line about a region without prices, if one is named.
    pub(super) fn warning(&self) -> Option<String> {
        let error = self.unknown_region.as_ref()?;
        Some(format!("costs are estimated with the prices of {}: {error}", self.prices.region))
    }
}

impl Context {
    /// The prices for a command that prints costs: [`Context::prices`].
    ///
    /// # Errors
    /// Also if the price table does not have the region that the options or the configuration name.
    pub(super) fn prices_of_costs(
        &self,
        engine: &LocalEngine,
        sources: &[String],
    ) -> anyhow::Result<ChosenPrices> {
        let mut chosen = self.prices(engine, sources)?;
        match chosen.unknown_region.take() {
            Some(error) => Err(error.into()),
            None => Ok(chosen),
        }
    }

    /// The engine with the prices for a command in which costs are secondary. Prints a note if the price table does not
    /// have the region that the options or the configuration name.
    pub(super) fn with_prices(&self, engine: LocalEngine, sources: &[String]) -> anyhow::Result<LocalEngine> {
        let chosen = self.prices(&engine, sources)?;
        if let Some(warning) = chosen.warning() {
            self.note(&warning);
        }
        Ok(engine.with_prices(chosen.prices))
    }

    /// Checks whether the price table can be read and has the region and the volume of `[prices]`.
    pub(super) fn check_prices(&self) -> anyhow::Result<()> {
        let config = &self.config.prices;
        let table = price_table(config)?;
        if let Some(region) = &config.region {
            table.of_region(region).context("region in [prices]")?;
        }
        let volumes = table.internet_volumes_tb.len() + 1;
        match config.internet_volume {
            Some(volume) if volume > volumes => {
                bail!("internet_volume in [prices]: expected 1 to {volumes}, not {volume}")
            }
            _ => Ok(()),
        }
    }

    /// The prices of the region of the buckets: see [`PriceChoice::choose`].
    pub(super) fn prices(&self, engine: &LocalEngine, sources: &[String]) -> anyhow::Result<ChosenPrices> {
        self.price_choice()?.choose(engine, sources)
    }

    /// What the options and the configuration say about prices.
    pub(super) fn price_choice(&self) -> anyhow::Result<PriceChoice> {
        let config = self.config.prices.clone();
        let s3 = self.s3();
        // With an endpoint, the region is that of another product, which may call it as it likes.
        let is_aws = s3.endpoint_url.is_none()
            && ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]
                .iter()
                .all(|name| std::env::var_os(name).is_none());
        Ok(PriceChoice { table: price_table(&config)?, config, s3_region: s3.region, is_aws })
    }
}

/// The price table that the configuration names, or that of the program.
fn price_table(config: &PricesConfig) -> anyhow::Result<PriceTable> {
    let Some(path) = &config.file else { return Ok(PriceTable::built_in().clone()) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{}: cannot be read; it is `file` in [prices]", path.display()))?;
    PriceTable::parse(&text).with_context(|| path.display().to_string())
}

/// What the options and the configuration say about prices.
pub(super) struct PriceChoice {
    table: PriceTable,
    config: PricesConfig,
    s3_region: Option<String>,
    is_aws: bool,
}

impl PriceChoice {
    /// The prices of the region of the buckets: that of `[prices]`, of the options or the configuration, of the only region
    /// of the price table, of the hosts of the requests, otherwise [`DEFAULT_REGION`].
    pub(super) fn choose(&self, engine: &LocalEngine, sources: &[String]) -> anyhow::Result<ChosenPrices> {
        let PriceChoice { table, config, s3_region, is_aws } = self;
        let (mut is_region_of_hosts, mut is_region_unknown, mut unknown_region) = (false, false, None);
        let region = match (&config.region, s3_region) {
            (Some(region), _) => region.clone(),
            (None, Some(region)) if table.regions.contains_key(region) => region.clone(),
            (None, named) => {
                unknown_region =
                    named.as_ref().filter(|_| *is_aws).and_then(|region| table.of_region(region).err());
                let only = table.regions.keys().next().filter(|_| table.regions.len() == 1);
                let of_hosts = match (only, &unknown_region) {
                    (None, None) => region_of_hosts(engine, sources)?,
                    _ => None,
                };
                is_region_unknown = only.is_none() && unknown_region.is_none() && of_hosts.is_none();
                let of_hosts = of_hosts.filter(|region| table.regions.contains_key(region));
                is_region_of_hosts = of_hosts.is_some();
                only.cloned().or(of_hosts).unwrap_or_else(|| DEFAULT_REGION.to_owned())
            }
        };
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
        Ok(ChosenPrices { prices, is_region_of_hosts, is_region_unknown, unknown_region })
    }
}

/// An engine whose cache names no region yet: the first requests tell the region, and with it the prices.
pub(super) struct LateRegion {
    engine: Arc<LocalEngine>,
    choice: PriceChoice,
    sources: Vec<String>,
    /// The generation of the data without a region; `None`: the region is known.
    unknown_at: Mutex<Option<u64>>,
}

impl LateRegion {
    pub(super) fn new(engine: Arc<LocalEngine>, choice: PriceChoice, sources: Vec<String>) -> LateRegion {
        let unknown_at = Mutex::new(Some(engine.generation()));
        LateRegion { engine, choice, sources, unknown_at }
    }

    /// Looks for the region if there are new requests.
    fn look(&self) {
        // Another query may be looking: then this one waits for the prices.
        let mut unknown_at = self.unknown_at.lock();
        let generation = self.engine.generation();
        if unknown_at.is_none_or(|looked_at| looked_at == generation) {
            return;
        }
        *unknown_at = Some(generation);
        // The prices so far could be read; a cancelled or failed query is repeated with the next data.
        if let Ok(chosen) = self.choice.choose(&self.engine, &self.sources)
            && !chosen.is_region_unknown
        {
            self.engine.use_prices(chosen.prices);
            *unknown_at = None;
        }
    }
}

impl Wrapper for LateRegion {
    fn inner(&self) -> &dyn Engine {
        &*self.engine
    }

    fn ask_inner(
        &self,
        query: &Query,
        cancel: &CancellationToken,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Reply, QueryError> {
        self.look();
        self.engine.ask(query, cancel, on_partial)
    }

    fn ask_once_inner(&self, query: &Query, cancel: &CancellationToken) -> Result<Reply, QueryError> {
        self.look();
        self.engine.ask_once(query, cancel)
    }
}

/// Hosts that are looked at.
const MAX_HOSTS: usize = 1_000;

/// The region that the hosts of most requests name; `None` if they name none.
fn region_of_hosts(engine: &LocalEngine, sources: &[String]) -> anyhow::Result<Option<String>> {
    let by = Dimension::Field(Field::HostHeader);
    // Usually all hosts name one region: then no request is read.
    let hosts = engine.complete(&by, ".amazonaws.com", MAX_HOSTS)?;
    let regions: BTreeSet<String> = hosts.iter().filter_map(|host| region_of_host(host)).collect();
    if regions.len() < 2 {
        return Ok(regions.into_iter().next());
    }
    // A client can name any host, but a wrong one is not served.
    let status = Subject::Field(Field::HttpStatus);
    let query = Query {
        sources: sources.to_vec(),
        time: TimeRange::default(),
        filter: Filter::Term(status, Test::Range(Some(200), Some(299))),
        counting: Counting::AsLogged,
        ask: Ask::Groups {
            by,
            more: Vec::new(),
            sort: Sort { by: Measure::Requests, descending: true },
            limit: MAX_HOSTS,
        },
    };
    let (cancel, _hook) = interrupt::query_cancellation();
    let Answer::Groups(groups) = engine.ask_once(&query, &cancel)?.answer else { return Ok(None) };
    let mut requests: BTreeMap<String, u64> = BTreeMap::new();
    for row in &groups.rows {
        if let Some(region) = region_of_host(&row.value.to_text()) {
            *requests.entry(region).or_default() += row.stats.requests;
        }
    }
    let most = requests.into_iter().rev().max_by_key(|(_, requests)| *requests);
    Ok(most.map(|(region, _)| region))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::testing::{Request, batch};
    use crate::cache::{Cache, Writer};

    fn ask_totals(engine: &dyn Engine) {
        let query = Query {
            sources: Vec::new(),
            time: TimeRange::default(),
            filter: Filter::everything(),
            counting: Counting::AsLogged,
            ask: Ask::Totals,
        };
        engine.ask_once(&query, &CancellationToken::new()).unwrap();
    }

    #[test]
    fn the_first_session_on_an_empty_cache_kept_the_prices_of_us_east_1() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = Writer::open(&path).unwrap();
        writer.commit().unwrap();
        let engine = Arc::new(LocalEngine::new(Arc::new(Cache::open(&path).unwrap())));
        let choice = |region: Option<&str>| PriceChoice {
            table: PriceTable::built_in().clone(),
            config: PricesConfig { region: region.map(str::to_owned), ..PricesConfig::default() },
            s3_region: None,
            is_aws: true,
        };
        let chosen = choice(None).choose(&engine, &[]).unwrap();
        assert_eq!((chosen.prices.region.as_str(), chosen.is_region_unknown), (DEFAULT_REGION, true));
        assert!(!choice(Some("eu-west-2")).choose(&engine, &[]).unwrap().is_region_unknown);

        let explored = LateRegion::new(Arc::clone(&engine), choice(None), Vec::new());
        ask_totals(&explored);
        assert_eq!(engine.prices().region, DEFAULT_REGION);
        let source = writer.source("one").unwrap();
        writer.append(source, &mut batch("a", &[Request::at(1)], 1, true)).unwrap();
        writer.commit().unwrap();
        ask_totals(&explored);
        assert_eq!(engine.prices().region, "eu-west-1");
    }
}
