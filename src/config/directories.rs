//! The directories of the program.

use std::path::PathBuf;

use etcetera::BaseStrategy;

use super::ConfigError;

/// The configuration file without `--config`: `tamarin/config.toml` in the configuration directory (`$XDG_CONFIG_HOME`, by
/// default `~/.config`). It need not exist.
pub(crate) fn config_path() -> Result<PathBuf, ConfigError> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| ConfigError::NoHome)?;
    Ok(strategy.config_dir().join("tamarin").join("config.toml"))
}

/// The default directory of caches: `tamarin` in the data directory (`$XDG_DATA_HOME`, by default `~/.local/share`).
pub(crate) fn data_directory() -> Result<PathBuf, ConfigError> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| ConfigError::NoHome)?;
    Ok(strategy.data_dir().join("tamarin"))
}

/// The directory of the program's own log and of the session: `tamarin` in the state directory (`$XDG_STATE_HOME`, by
/// default `~/.local/state`; where the system has none, the data directory).
pub(crate) fn state_directory() -> Result<PathBuf, ConfigError> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| ConfigError::NoHome)?;
    Ok(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("tamarin"))
}
