//! What the options come to, together with the configuration file.

use std::path::PathBuf;

use super::args::Options;
use super::usage;
use crate::config::{Config, data_directory};
use crate::export::Format;
use crate::query::filter::period;
use crate::query::{Ask, Counting, Filter, Query, TimeRange};
use crate::source::Window;
use crate::source::s3::S3Options;

/// Rows of a table if nobody says otherwise.
const TABLE_ROWS: usize = 20;

/// What the options come to.
pub(super) struct Setting {
    /// As typed.
    pub(super) options: Options,
    /// The configuration file.
    pub(super) config: Config,
    /// `--filter`.
    pub(super) filter: Filter,
    /// `--since` and `--until`.
    pub(super) time: TimeRange,
    /// `--format`.
    pub(super) format: Format,
}

impl Setting {
    pub(super) fn new(options: Options) -> anyhow::Result<Setting> {
        let now = jiff::Timestamp::now().as_second();
        let config = Config::load(options.config.as_deref())?;
        let filter = match Filter::parse(options.filter.as_deref().unwrap_or(""), now) {
            Ok(filter) => filter,
            Err(error) => return usage(format!("--filter: {error}; see tamarin help filter")),
        };
        let read = |option: &str, text: Option<&String>| match text {
            None => Ok(None),
            Some(text) => match period::parse(text, now) {
                Some(instant) => Ok(Some(instant.first)),
                None => usage(format!("{option}: expected {}, not \"{text}\"", period::EXPECTED)),
            },
        };
        let start = read("--since", options.since.as_ref())?;
        let end = read("--until", options.until.as_ref())?;
        if let (Some(start), Some(end)) = (start, end)
            && start >= end
        {
            return usage("--until is not after --since: no time is left between them");
        }
        let format = options.format.map_or(Format::Table, Format::from);
        Ok(Setting { options, config, filter, time: TimeRange { start, end }, format })
    }

    /// The cache that is named, if one is.
    pub(super) fn named_cache(&self) -> Option<PathBuf> {
        self.options.cache.clone().or_else(|| self.config.cache.clone())
    }

    /// The cache to use.
    pub(super) fn cache_path(&self) -> anyhow::Result<PathBuf> {
        match self.named_cache() {
            Some(path) => Ok(path),
            None => Ok(data_directory()?.join("cache.db")),
        }
    }

    /// How to reach S3.
    pub(super) fn s3(&self) -> S3Options {
        let (options, config) = (&self.options, &self.config);
        let either = |one: &Option<String>, other: &Option<String>| one.clone().or_else(|| other.clone());
        S3Options {
            endpoint_url: either(&options.endpoint_url, &config.endpoint_url),
            region: either(&options.region, &config.region),
            profile: either(&options.profile, &config.profile),
            no_sign_request: options.no_sign_request,
            timeout: options.timeout.map(|seconds| std::time::Duration::from_secs(seconds.into())),
            credentials: None,
        }
    }

    /// The time whose log files are wanted.
    pub(super) fn window(&self) -> Window {
        Window { since: self.time.start, until: self.time.end }
    }

    /// How many rows are wanted; 0: all.
    pub(super) fn top(&self) -> usize {
        let default = if self.format == Format::Table { TABLE_ROWS } else { 0 };
        self.options.top.unwrap_or(default)
    }

    /// `--sort`: the column, and whether largest first was said.
    pub(super) fn sort(&self) -> Option<(&str, Option<bool>)> {
        let text = self.options.sort.as_deref()?;
        Some(match text.rsplit_once(':') {
            Some((column, "asc")) => (column, Some(false)),
            Some((column, "desc")) => (column, Some(true)),
            _ => (text, None),
        })
    }

    /// A question about these sources.
    pub(super) fn query(&self, sources: &[String], counting: Counting, ask: Ask) -> Query {
        Query { sources: sources.to_vec(), time: self.time, filter: self.filter.clone(), counting, ask }
    }

    /// Tells a person something on stderr, unless they want quiet.
    pub(super) fn note(&self, text: &str) {
        if !self.options.quiet {
            super::output::tell(text);
        }
    }
}
