//! What the user configured, chose on the command line and left in earlier sessions, for the explorer.

use std::path::Path;

use super::args::ScreenArgs;
use super::{context::Context, usage};
use crate::config::{ConfigError, NamedInvestigation, config_path, did_you_mean, state_directory};
use crate::tui::theme::themes::AUTO;
use crate::tui::{ConfigStore, SessionFile, Settings, UserOptions};

impl Context {
    /// The settings of the explorer.
    ///
    /// # Errors
    /// Every problem with the configuration file.
    pub(super) fn settings(&self) -> Result<Settings, ConfigError> {
        let (settings, problems) = Settings::of(&self.config, jiff::Timestamp::now().as_second());
        if problems.is_empty() { Ok(settings) } else { Err(self.config_file.error(problems)) }
    }

    /// The options of the explorer on the cache at `cache`.
    pub(super) fn user_options(
        &self,
        screen: &ScreenArgs,
        investigation: Option<NamedInvestigation>,
        cache: &Path,
    ) -> anyhow::Result<UserOptions> {
        let settings = self.settings()?;
        if let Some(name) = screen.theme.as_deref().filter(|name| *name != AUTO)
            && settings.theme_named(name).is_none()
        {
            let names = || settings.themes.iter().map(|theme| theme.name.as_str()).chain([AUTO]);
            let (hint, known) = (did_you_mean(name, names()), names().collect::<Vec<_>>().join(", "));
            return usage(format!("--theme: there is no theme \"{name}\"{hint}; the themes are {known}"));
        }
        if let (true, Some(named)) = (screen.resume, &investigation) {
            return usage(format!("--resume opens the last view, @{} another one; choose one", named.name));
        }
        let config = self.options.config.clone().or_else(|| config_path().ok());
        let session = state_directory()
            .ok()
            .map(|folder| SessionFile { path: folder.join("session.json"), cache: cache.to_owned() });
        Ok(UserOptions {
            settings,
            config: config.map(ConfigStore::new),
            theme: screen.theme.clone(),
            session,
            resume: screen.resume,
            investigation,
            cache_option: (self.cache_path().ok().as_deref() != Some(cache) || self.options.cache.is_some())
                .then(|| cache.to_owned()),
            ..UserOptions::default()
        })
    }
}
