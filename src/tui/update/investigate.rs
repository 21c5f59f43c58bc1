//! Opens investigations, and saves the view in front as one.

use crate::config::{NamedInvestigation, did_you_mean, investigation};
use crate::tui::format;
use crate::tui::model::investigations::{self, Resolved};
use crate::tui::model::{Command, Effect, State};
use crate::tui::update::drill;

/// Opens the investigation with this name as a layer. Returns an error message.
pub(super) fn open(state: &mut State, name: &str) -> Result<(), String> {
    let Some(named) = state.settings.investigation_named(name).cloned() else {
        let known = || investigations::list(state).iter().map(|named| named.name.as_str());
        if name.is_empty() {
            return Err("expected the name of an investigation; Tab lists them".to_owned());
        }
        let hint = did_you_mean(name.trim_start_matches('@'), known());
        return Err(format!("there is no investigation \"{name}\"{hint}; Tab lists them"));
    };
    let resolved =
        investigations::resolve(&named.investigation, state.now.unix_seconds).map_err(|wrong| {
            let of =
                |(key, reason): &(&str, String)| format!("investigations.{}.{key}: {reason}", named.name);
            wrong.first().map(of).unwrap_or_default()
        })?;
    if state.layer().detail.is_some() {
        state.pop();
    }
    let time = resolved.time.within(state.session_time);
    let layer = resolved.layer(time).titled(title_of(&named), true);
    drill::push(state, layer);
    let about = format::visible(&named.investigation.about);
    let back = state.table_key(Command::Back);
    state.notify(format!("{}: {about} {back} goes back", named.name));
    Ok(())
}

fn title_of(named: &NamedInvestigation) -> String {
    format!("@{}", format::visible(&named.name))
}

/// Shows an investigation as the first layer. `resolved`: its texts were read already.
pub(in crate::tui) fn begin(state: &mut State, named: &NamedInvestigation, resolved: Resolved) {
    let time = resolved.time.within(state.session_time);
    let filter = state.layer().filter.clone().and(resolved.filter.clone());
    let mut layer = resolved.layer(time);
    layer.filter = filter;
    *state.layer_mut() = layer.titled(title_of(named), false);
    let about = format::visible(&named.investigation.about);
    state.notify(format!("{}: {about}", named.name));
}

/// Saves the view in front: `NAME`, or `NAME!` to replace one, and a description. Returns an error message.
pub(super) fn save(state: &mut State, argument: &str, effects: &mut Vec<Effect>) -> Result<(), String> {
    let (name, about) = argument.split_once(char::is_whitespace).unwrap_or((argument, ""));
    let (name, replaces) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
    let name = name.strip_prefix('@').unwrap_or(name);
    if !investigation::is_name(name) {
        return Err("expected a name of letters, digits, - and _, and a description if you like".to_owned());
    }
    if !replaces && state.settings.investigation_named(name).is_some() {
        return Err(format!("there is an investigation {name} already; {name}! replaces it"));
    }
    let layer = state.layer();
    if layer.detail.is_some() {
        return Err("a single request cannot be saved; go back to the table".to_owned());
    }
    let investigation = investigations::of_view(state, about.trim());
    effects.push(Effect::SaveInvestigation { name: name.to_owned(), investigation: Box::new(investigation) });
    Ok(())
}

/// Notes that an investigation was saved, or not. `result`: the file.
pub(super) fn saved(state: &mut State, named: NamedInvestigation, result: Result<String, String>) {
    match result {
        Ok(path) => {
            let name = named.name.clone();
            // A name of two words is a name and a description.
            let about = match named.investigation.about.as_str() {
                "" => String::new(),
                about => format!(" with the description \"{}\"", format::visible(about)),
            };
            state.settings.investigations.retain(|other| other.name != name);
            state.settings.investigations.insert(0, named);
            let path = format::visible(&path);
            state.notify(format!("saved as {name}{about}; tamarin @{name} opens it; file: {path}"));
        }
        Err(reason) => state.warn(format!("not saved: {}", format::visible(&reason))),
    }
}
