//! The configuration file: defaults for what the command line says otherwise.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::Deserialize;

/// What the file may say; all of it may be left out.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The cache to use, as `--cache`.
    pub cache: Option<PathBuf>,
    /// As `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// As `--region`.
    pub region: Option<String>,
    /// As `--profile`.
    pub profile: Option<String>,
    /// What is pulled when no SOURCE is named.
    #[serde(default)]
    pub sources: Vec<String>,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {reason}; name another with --config FILE", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file makes no sense.
    #[error("{}: line {line}: {reason}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key and what is wrong with it.
        reason: String,
    },
    /// There is no home directory to keep things in.
    #[error("no home directory is known: set HOME, or name the files with --config FILE and --cache FILE")]
    Homeless,
}

impl Config {
    /// Reads the file named, or else `tamarin/config.toml` in the configuration directory
    /// (`$XDG_CONFIG_HOME`, by default `~/.config`), which need not exist.
    ///
    /// # Errors
    /// If it cannot be read or says what Tamarin does not understand.
    pub fn load(named: Option<&Path>) -> Result<Config, ConfigError> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => match etcetera::choose_base_strategy() {
                Ok(strategy) => strategy.config_dir().join("tamarin").join("config.toml"),
                Err(_) => return Ok(Config::default()),
            },
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Config::parse(&text, &path),
            Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => Ok(Config::default()),
            Err(error) => Err(ConfigError::Unreadable { path, reason: error.to_string() }),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
            let reason = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            ConfigError::Wrong { path: path.to_owned(), line, reason }
        })
    }
}

/// The directory in which the cache lies if nobody says otherwise: `tamarin` in the data directory
/// (`$XDG_DATA_HOME`, by default `~/.local/share`).
///
/// # Errors
/// If there is no home directory.
pub fn data_directory() -> Result<PathBuf, ConfigError> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| ConfigError::Homeless)?;
    Ok(strategy.data_dir().join("tamarin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("config.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn everything_may_be_left_out() {
        assert_eq!(parse(""), Ok(Config::default()));
        let config = parse("region = \"eu-west-1\"\nsources = [\"s3://acme-logs/media/\"]\n").unwrap();
        assert_eq!(config.region.as_deref(), Some("eu-west-1"));
        assert_eq!(config.sources, ["s3://acme-logs/media/"]);
    }

    #[test]
    fn a_mistake_names_key_and_line() {
        let error = parse("region = \"eu-west-1\"\n\nregoin = \"x\"\n").unwrap_err();
        assert!(error.starts_with("config.toml: line 3: unknown field `regoin`"), "{error}");
        let error = parse("cache = 5\n").unwrap_err();
        assert!(error.starts_with("config.toml: line 1: "), "{error}");
        assert!(parse("region = ").unwrap_err().starts_with("config.toml: line 1: "));
    }

    #[test]
    fn a_file_that_is_named_must_exist() {
        let error = Config::load(Some(Path::new("/no/such/config.toml"))).unwrap_err().to_string();
        assert!(error.contains("/no/such/config.toml") && error.contains("--config"), "{error}");
    }
}
