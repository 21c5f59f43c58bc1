//! Changes of the settings while the explorer runs: another theme, another configuration file.

use crate::config::did_you_mean;
use crate::tui::format;
use crate::tui::model::State;
use crate::tui::settings::Settings;
use crate::tui::theme::themes::AUTO;

/// The names of the themes, and `auto`.
pub(super) fn theme_names(state: &State) -> Vec<String> {
    let names = state.settings.themes.iter().map(|theme| theme.name.clone());
    names.chain([AUTO.to_owned()]).collect()
}

/// Shows the theme with this name, and remembers it. Returns an error message.
pub(super) fn theme(state: &mut State, name: &str) -> Result<(), String> {
    if !set_theme(state, name) {
        let names = theme_names(state);
        let hint = did_you_mean(name, names.iter().map(String::as_str));
        return Err(format!("there is no theme \"{name}\"{hint}; the themes are {}", names.join(", ")));
    }
    state.chosen_theme = Some(name.to_owned());
    let shown = state.theme_name.clone();
    let about = state.settings.theme_named(&shown).map_or("", |theme| theme.about.as_str());
    let about = format::visible(about);
    state.notify(format!("theme {}: {about}", format::visible(&shown)));
    Ok(())
}

/// Shows a theme. Returns whether it exists.
fn set_theme(state: &mut State, name: &str) -> bool {
    let follows_terminal = name == AUTO;
    let name = if follows_terminal { state.fitting_theme } else { name };
    let Some(named) = state.settings.theme_named(name) else { return false };
    (state.theme, state.theme_name) = (named.theme, named.name.clone());
    state.follows_terminal = follows_terminal;
    true
}

/// Another theme fits the terminal, which has other colours.
pub(super) fn terminal_changed(state: &mut State, fitting: &'static str) {
    state.fitting_theme = fitting;
    if state.follows_terminal {
        set_theme(state, AUTO);
    }
}

/// The configuration file changed. A file with an error changes nothing.
pub(super) fn reloaded(state: &mut State, settings: Result<Settings, String>) {
    let settings = match settings {
        Ok(settings) => settings,
        Err(reason) => {
            let reason = format::visible(&reason);
            return state.warn(format!("the configuration stays as it was: {reason}"));
        }
    };
    let before = std::mem::replace(&mut state.settings, settings);
    let configured = state.settings.theme.clone();
    let present = if state.follows_terminal { AUTO.to_owned() } else { state.theme_name.clone() };
    let wanted = if configured == before.theme { present } else { configured };
    if !set_theme(state, &wanted) {
        // The theme was one of the file before.
        set_theme(state, AUTO);
    }
    state.rearrange();
    state.notify("the configuration file changed and was read again");
}
