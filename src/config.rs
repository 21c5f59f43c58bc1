//! The configuration file, and the directories of the program.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::{Deserialize, Deserializer};

/// The configuration file. Every entry is optional; options of the command line take precedence.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Path of the cache, like `--cache`.
    pub cache: Option<PathBuf>,
    /// Like `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// Like `--region`.
    pub region: Option<String>,
    /// Like `--profile`.
    pub profile: Option<String>,
    /// Databases of addresses, like `--ip-database`.
    #[serde(default)]
    pub ip_databases: Vec<PathBuf>,
    /// The address ranges of AWS, like `--aws-ip-ranges`.
    pub aws_ip_ranges: Option<PathBuf>,
    /// Look up the names of addresses, like `--resolve`.
    #[serde(default)]
    pub resolve: bool,
    /// The sources to pull if the command line names none.
    #[serde(default)]
    pub sources: Vec<String>,
    /// How costs are estimated: see `docs/cost.md`.
    #[serde(default)]
    pub prices: PricesConfig,
}

/// The section `[prices]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct PricesConfig {
    /// The region of the buckets.
    pub region: Option<String>,
    /// The accounts of the bucket owner.
    #[serde(default, deserialize_with = "accounts")]
    pub accounts: Vec<String>,
    /// The volume of transfer to the internet whose price is used, counted from 1.
    pub internet_volume: Option<usize>,
    /// A price table, instead of that of the program.
    pub file: Option<PathBuf>,
    /// Price per 1,000 requests of tier 1.
    pub tier_1: Option<f64>,
    /// Price per 1,000 requests of tier 2.
    pub tier_2: Option<f64>,
    /// Price per GB to the internet.
    pub internet: Option<f64>,
    /// Price per GB to other regions.
    pub other_regions: Option<f64>,
}

/// Parses the number of an AWS account.
pub(crate) fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("expected the number of an AWS account: 12 digits, such as 123456789012".to_owned())
    }
}

fn accounts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let accounts = Vec::<String>::deserialize(deserializer)?;
    for text in &accounts {
        account(text)
            .map_err(|error| serde::de::Error::custom(format!("accounts: {error}, not {text:?}")))?;
    }
    Ok(accounts)
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {reason}; name another file with --config FILE", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        reason: String,
    },
    /// The file contains an error.
    #[error("{}: line {line}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// The key and what is wrong with it.
        reason: String,
    },
    /// The home directory is unknown.
    #[error("the home directory is unknown: set HOME, or name the files with --config FILE and --cache FILE")]
    NoHome,
}

impl Config {
    /// Reads the file at `path`; `None`: `tamarin/config.toml` in the configuration directory (`$XDG_CONFIG_HOME`, by
    /// default `~/.config`), if it exists.
    ///
    /// # Errors
    /// If the file cannot be read or has an unknown key or a wrong value.
    pub(crate) fn load(path: Option<&Path>) -> Result<Config, ConfigError> {
        let is_named = path.is_some();
        let path = match path {
            Some(path) => path.to_owned(),
            None => match etcetera::choose_base_strategy() {
                Ok(strategy) => strategy.config_dir().join("tamarin").join("config.toml"),
                Err(_) => return Ok(Config::default()),
            },
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Config::parse(&text, &path),
            Err(error) if error.kind() == ErrorKind::NotFound && !is_named => Ok(Config::default()),
            Err(error) => Err(ConfigError::Unreadable { path, reason: error.to_string() }),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let line = text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
            let reason = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            ConfigError::Invalid { path: path.to_owned(), line, reason }
        })
    }
}

/// The default directory of caches: `tamarin` in the data directory (`$XDG_DATA_HOME`, by default `~/.local/share`).
pub(crate) fn data_directory() -> Result<PathBuf, ConfigError> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| ConfigError::NoHome)?;
    Ok(strategy.data_dir().join("tamarin"))
}

/// The directory of the program's own log: `tamarin` in the state directory (`$XDG_STATE_HOME`, by default
/// `~/.local/state`; where the system has none, the data directory).
pub(crate) fn state_directory() -> Result<PathBuf, ConfigError> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| ConfigError::NoHome)?;
    Ok(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("tamarin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("config.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn every_entry_is_optional() {
        assert_eq!(parse(""), Ok(Config::default()));
        let config = parse("region = \"eu-west-1\"\nsources = [\"s3://acme-logs/media/\"]\n").unwrap();
        assert_eq!(config.region.as_deref(), Some("eu-west-1"));
        assert_eq!(config.sources, ["s3://acme-logs/media/"]);
    }

    #[test]
    fn errors_name_the_key_and_the_line() {
        let error = parse("region = \"eu-west-1\"\n\nregoin = \"x\"\n").unwrap_err();
        assert!(error.starts_with("config.toml: line 3: unknown field `regoin`"), "{error}");
        let error = parse("cache = 5\n").unwrap_err();
        assert!(error.starts_with("config.toml: line 1: "), "{error}");
        assert!(parse("region = ").unwrap_err().starts_with("config.toml: line 1: "));
    }

    #[test]
    fn prices_are_a_section() {
        let config =
            parse("[prices]\nregion = \"eu-central-1\"\naccounts = [\"123456789012\"]\ninternet = 0.05\n");
        let prices = config.unwrap().prices;
        assert_eq!(prices.region.as_deref(), Some("eu-central-1"));
        assert_eq!(prices.accounts, ["123456789012"]);
        assert_eq!((prices.internet, prices.tier_1), (Some(0.05), None));
        let error = parse("[prices]\nprice = 3\n").unwrap_err();
        assert!(error.starts_with("config.toml: line 2: unknown field `price`"), "{error}");
    }

    #[test]
    fn accounts_have_12_digits() {
        for wrong in ["", "12", "1234567890123", "12345678901x"] {
            let error = parse(&format!("[prices]\ninternet = 1\naccounts = [\"{wrong}\"]\n")).unwrap_err();
            assert!(error.starts_with("config.toml: line 3: accounts: expected "), "{error}");
            assert!(error.contains("12 digits") && error.ends_with(&format!("not \"{wrong}\"")), "{error}");
        }
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = Config::load(Some(Path::new("/no/such/config.toml"))).unwrap_err().to_string();
        assert!(error.contains("/no/such/config.toml") && error.contains("--config"), "{error}");
    }
}
