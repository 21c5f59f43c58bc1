//! What a session begins with: settings, theme, and the view that the user asked for.

use crate::config::NamedInvestigation;
use crate::tui::model::State;
use crate::tui::model::{investigations::resolve, saved::Saved};
use crate::tui::theme::choice::ThemeChoice;
use crate::tui::update::begin_investigation;
use crate::tui::{SessionFile, UserOptions, format};

/// Gives the state what the user configured, chose and left in earlier sessions. Takes the settings out of `user`.
pub(super) fn take_over(state: &mut State, user: &mut UserOptions) {
    state.settings = std::mem::take(&mut user.settings);
    state.cache_option = user.cache_option.take();
    state.links = std::mem::take(&mut user.links);
    state.fitting_theme = user.terminal.theme_name;
    let (saved, note) = user.session.as_ref().map(SessionFile::read).unwrap_or_default();
    let cache = user.session.as_ref().map(SessionFile::cache_name).unwrap_or_default();
    state.take_over(&saved, &cache);
    let choice = ThemeChoice {
        option: user.theme.as_deref(),
        configured: &state.settings.theme,
        remembered: saved.theme.as_deref().filter(|name| state.settings.theme_named(name).is_some()),
        fitting: state.fitting_theme,
    };
    state.follows_terminal = choice.follows_terminal();
    let name = choice.name().to_owned();
    state.theme = state.settings.theme_named(&name).map(|named| named.theme).unwrap_or_default();
    state.theme_name = name;
    begin_view(state, user.resume, user.investigation.as_ref(), user.session.as_ref(), &saved);
    if let Some(note) = note {
        state.warn(format::visible(&note));
    }
}

/// Shows the last view of the cache, or an investigation, if the user asked for it.
fn begin_view(
    state: &mut State,
    resume: bool,
    investigation: Option<&NamedInvestigation>,
    session: Option<&SessionFile>,
    saved: &Saved,
) {
    let now = state.now.unix_seconds;
    if let Some(named) = investigation {
        match resolve(&named.investigation, now) {
            Ok(resolved) => begin_investigation(state, named, resolved),
            Err(wrong) => wrong.iter().take(1).for_each(|(key, reason)| {
                state.warn(format!("investigations.{}.{key}: {}", named.name, format::visible(reason)));
            }),
        }
    }
    if !resume && let Some(file) = session {
        state.keep_last_view(saved, &file.cache_name());
    }
    if resume && !session.is_some_and(|file| state.resume(saved, &file.cache_name(), now)) {
        state.notify("there is no earlier view of this cache");
    }
}
