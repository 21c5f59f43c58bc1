//! The configuration file, and the directories of the program.
//!
//! `schema` lists every key. `check` compares a file with it and reports every problem with its key and line; `document`
//! finds the line of a key. [`Config`] has the values, `investigation` those under `investigations`. `edit` adds an
//! investigation to the text of a file. `directories` are those of the program; `atomic` replaces files.
//!
//! Never here: what the values mean to other modules. `tui::settings` reads keys, columns, themes and investigations.

pub(crate) mod atomic;
mod check;
mod directories;
pub(crate) mod document;
pub(crate) mod edit;
pub(crate) mod investigation;
mod problem;
pub(crate) mod schema;
mod suggest;
mod values;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub(crate) use directories::{config_path, data_directory, state_directory};
pub(crate) use document::Document;
pub(crate) use investigation::{Investigation, NamedInvestigation};
pub(crate) use problem::{ConfigError, Located, Problem};
pub(crate) use suggest::did_you_mean;
pub(crate) use values::{Config, PricesConfig, account};

/// A configuration file that was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConfigFile {
    /// Its path; `None`: there is no file.
    pub(crate) path: Option<PathBuf>,
    pub(crate) document: Document,
    pub(crate) config: Config,
}

impl ConfigFile {
    /// Reads the file at `path`; `None`: that in the configuration directory, if it exists.
    ///
    /// # Errors
    /// If the file cannot be read, or every problem that [`check`] finds.
    pub(crate) fn read(path: Option<&Path>) -> Result<ConfigFile, ConfigError> {
        let named = match path {
            Some(path) => path.to_owned(),
            None => match config_path() {
                Ok(path) => path,
                Err(_) => return Ok(ConfigFile::default()),
            },
        };
        match std::fs::read_to_string(&named) {
            Ok(text) => ConfigFile::parse(text, named),
            Err(error) if error.kind() == ErrorKind::NotFound && path.is_none() => Ok(ConfigFile::default()),
            Err(error) => Err(ConfigError::Unreadable { path: named, reason: error.to_string() }),
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// Every problem that [`check`] finds.
    pub(crate) fn parse(text: String, path: PathBuf) -> Result<ConfigFile, ConfigError> {
        let (file, problems) = ConfigFile::parse_rest(text, path.clone())?;
        if problems.is_empty() { Ok(file) } else { Err(ConfigError::Invalid { path, problems }) }
    }

    /// Reads the text of a file without what has problems. Also returns these.
    ///
    /// # Errors
    /// If the text is not TOML.
    pub(crate) fn parse_rest(text: String, path: PathBuf) -> Result<(ConfigFile, Vec<Located>), ConfigError> {
        let invalid = |problem| ConfigError::Invalid { path: path.clone(), problems: vec![problem] };
        let document = Document::parse(text).map_err(invalid)?;
        let (problems, values) = check::check(&document);
        let config = document.values(values).map_err(invalid)?;
        Ok((ConfigFile { path: Some(path), document, config }, problems))
    }

    /// The error for problems that other modules found in the values.
    pub(crate) fn error(&self, problems: Vec<Problem>) -> ConfigError {
        let located = problems.into_iter().map(|problem| self.document.locate(problem)).collect();
        ConfigError::Invalid { path: self.path.clone().unwrap_or_default(), problems: located }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let file = ConfigFile::parse(text.to_owned(), "config.toml".into());
        file.map(|file| file.config).map_err(|error| error.to_string())
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
        assert!(
            error.starts_with("config.toml: line 3: regoin: there is no such key; did you mean region?"),
            "{error}"
        );
        let error = parse("cache = 5\n").unwrap_err();
        assert!(
            error.starts_with("config.toml: line 1: cache: expected a path, in quotes, not 5"),
            "{error}"
        );
        assert!(parse("region = ").unwrap_err().starts_with("config.toml: line 1: "));
    }

    #[test]
    fn an_error_names_how_many_others_there_are() {
        let error = parse("regoin = \"x\"\ncache = 5\n").unwrap_err();
        assert!(error.ends_with("(and 1 more: tamarin config check)"), "{error}");
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
        assert!(error.starts_with("config.toml: line 2: prices.price: there is no such key"), "{error}");
    }

    #[test]
    fn accounts_have_12_digits() {
        for wrong in ["", "12", "1234567890123", "12345678901x"] {
            let error = parse(&format!("[prices]\ninternet = 1\naccounts = [\"{wrong}\"]\n")).unwrap_err();
            assert!(error.starts_with("config.toml: line 3: prices.accounts: expected "), "{error}");
            assert!(error.contains("12 digits") && error.ends_with(&format!("not \"{wrong}\"")), "{error}");
        }
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = ConfigFile::read(Some(Path::new("/no/such/config.toml"))).unwrap_err().to_string();
        assert!(error.contains("/no/such/config.toml") && error.contains("--config"), "{error}");
    }

    #[test]
    fn other_modules_report_problems_by_key() {
        let text = "[keys.table]\n\nsort = \"s\"\n";
        let file = ConfigFile::parse(text.to_owned(), "config.toml".into()).unwrap();
        let error = file.error(vec![Problem::new(["keys", "table", "sort"], "is taken")]).to_string();
        assert_eq!(error, "config.toml: line 3: keys.table.sort: is taken");
    }
}
