//! The options of the command line combined with the configuration file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::args::Options;
use super::{output, usage};
use crate::cache::Cache;
use crate::config::{Config, ConfigFile, data_directory};
use crate::export::Format;
use crate::identity::host_names::NameService;
use crate::identity::{Files, Identity};
use crate::query::filter::period;
use crate::query::{Ask, Counting, Filter, LocalEngine, Query, TimeRange};
use crate::source::{S3Options, Window};

/// Rows of a printed table without `--top`.
const DEFAULT_TABLE_ROWS: usize = 20;

/// What every subcommand runs with: the checked options and the configuration file.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) options: Options,
    pub(super) config: Config,
    /// The file from which `config` was read.
    pub(super) config_file: ConfigFile,
    pub(super) filter: Filter,
    /// `--since` and `--until`.
    pub(super) time: TimeRange,
    pub(super) format: Format,
    /// What looks up the names of addresses; `None`: the user did not enable it.
    pub(super) names: Option<Arc<NameService>>,
}

impl Context {
    /// Checks the options and reads the configuration file.
    pub(super) fn new(options: Options) -> anyhow::Result<Context> {
        let now = jiff::Timestamp::now().as_second();
        let config_file = ConfigFile::read(options.config.as_deref())?;
        let filter = match Filter::parse(options.filter.as_deref().unwrap_or(""), now) {
            Ok(filter) => filter,
            Err(error) => return usage(format!("--filter: {error}; see tamarin help filter")),
        };
        let parse_time = |option: &str, text: Option<&String>| match text {
            None => Ok(None),
            Some(text) => match period::parse(text, now) {
                Ok(instant) => Ok(Some(instant.first)),
                Err(message) => usage(format!("{option}: {message}")),
            },
        };
        // `--since 1h` can only mean an hour ago.
        let ago = options.since.as_deref().and_then(period::parse_duration);
        let ago = ago.and_then(|seconds| now.checked_sub(seconds));
        let start = match ago {
            Some(start) => Some(start),
            None => parse_time("--since", options.since.as_ref())?,
        };
        let end = parse_time("--until", options.until.as_ref())?;
        if let (Some(start), Some(end)) = (start, end)
            && start >= end
        {
            return usage("--until is not after --since: the time range is empty");
        }
        let format = options.format.map_or(Format::Table, Format::from);
        let config = config_file.config.clone();
        let resolves = options.resolve || config.resolve;
        let names = resolves.then(|| Arc::new(NameService::of_system()));
        Ok(Context { options, config, config_file, filter, time: TimeRange { start, end }, format, names })
    }

    /// The cache named by `--cache` or the configuration file.
    pub(super) fn named_cache(&self) -> Option<PathBuf> {
        self.options.cache.clone().or_else(|| self.config.cache.clone())
    }

    /// The path of the cache: [`Context::named_cache`], else `cache.db` in the data directory.
    pub(super) fn cache_path(&self) -> anyhow::Result<PathBuf> {
        self.cache_named("cache.db")
    }

    /// The path of the cache: [`Context::named_cache`], else the file `default` in the data directory.
    pub(super) fn cache_named(&self, default: &str) -> anyhow::Result<PathBuf> {
        self.named_cache().map_or_else(|| Ok(data_directory()?.join(default)), Ok)
    }

    /// What is known about addresses: from the files of the options, else of the configuration file, else of the data
    /// directory, and their names if the user enabled them.
    pub(super) fn identity(&self) -> Arc<Identity> {
        let (options, config) = (&self.options, &self.config);
        let named = if options.ip_database.is_empty() { &config.ip_databases } else { &options.ip_database };
        let identity = Identity::new(Files {
            databases: named.clone(),
            aws_ranges: options.aws_ip_ranges.clone().or_else(|| config.aws_ip_ranges.clone()),
            folder: data_directory().ok(),
        });
        Arc::new(match &self.names {
            Some(names) => identity.with_host_names(Arc::clone(names.names())),
            None => identity,
        })
    }

    /// The engine that answers queries from a cache.
    pub(super) fn engine(&self, cache: Arc<Cache>) -> LocalEngine {
        LocalEngine::new(cache).with_identity(self.identity())
    }

    /// How to reach S3 and CloudWatch Logs. Options of the command line take precedence over the configuration file.
    pub(super) fn s3(&self) -> S3Options {
        let (options, config) = (&self.options, &self.config);
        let either = |option: &Option<String>, configured: &Option<String>| {
            option.clone().or_else(|| configured.clone())
        };
        S3Options {
            endpoint_url: either(&options.endpoint_url, &config.endpoint_url),
            region: either(&options.region, &config.region),
            profile: either(&options.profile, &config.profile),
            no_sign_request: options.no_sign_request,
            timeout: options.timeout.map(|seconds| Duration::from_secs(seconds.into())),
            credentials: None,
        }
    }

    /// The time range whose log files are pulled.
    pub(super) fn window(&self) -> Window {
        Window { since: self.time.start, until: self.time.end }
    }

    /// The number of rows to print; 0: all.
    pub(super) fn top(&self) -> usize {
        let default = if self.format == Format::Table { DEFAULT_TABLE_ROWS } else { 0 };
        self.options.top.unwrap_or(default)
    }

    /// [`Context::top`] as a limit.
    pub(super) fn max_rows(&self) -> usize {
        if self.top() == 0 { usize::MAX } else { self.top() }
    }

    /// `--sort`: the column, and whether the order is descending (`None` without `:asc` and `:desc`).
    pub(super) fn sort(&self) -> Option<(&str, Option<bool>)> {
        let text = self.options.sort.as_deref()?;
        Some(match text.rsplit_once(':') {
            Some((column, "asc")) => (column, Some(false)),
            Some((column, "desc")) => (column, Some(true)),
            _ => (text, None),
        })
    }

    /// The error for a `--sort` whose column is unknown. `is_column`: whether a column has this name.
    pub(super) fn wrong_sort<T>(
        column: &str,
        is_column: impl Fn(&str) -> bool,
        names: &str,
    ) -> anyhow::Result<T> {
        match column.rsplit_once(':') {
            Some((name, order)) if is_column(name) => {
                usage(format!("--sort {name}: expected asc or desc after the colon, not \"{order}\""))
            }
            _ => usage(format!("--sort: no column \"{column}\"; sort by {names}")),
        }
    }

    /// A query about `sources` with the filter and the time range of the options.
    pub(super) fn query(&self, sources: &[String], counting: Counting, ask: Ask) -> Query {
        Query { sources: sources.to_vec(), time: self.time, filter: self.filter.clone(), counting, ask }
    }

    /// Prints a message on stderr, unless `--quiet` is set.
    pub(super) fn note(&self, message: &str) {
        if !self.options.quiet {
            output::message(message);
        }
    }

    /// Like [`Context::note`], for a text whose invisible characters are escaped.
    pub(super) fn escaped_note(&self, message: &str) {
        if !self.options.quiet {
            output::escaped_message(message);
        }
    }
}
