//! Stores, lists and removes mutes of findings.

use crate::insight::findings::mute::{Mute, MuteStore};
use crate::tui::model::Action;

const NO_STORE: &str = "findings cannot be muted here";

/// Adds mutes, up to the first that cannot be stored.
pub(in crate::tui) fn add(store: Option<&dyn MuteStore>, mutes: Vec<Mute>) -> Action {
    let mut added = Vec::new();
    let mut error = None;
    for mute in mutes {
        let result = match store {
            Some(store) => store.add(&mute).map_err(|error| error.to_string()),
            None => Err(NO_STORE.to_owned()),
        };
        match result {
            Ok(id) => added.push(Mute { id, ..mute }),
            Err(message) => {
                error = Some(message);
                break;
            }
        }
    }
    Action::Muted { mutes: added, error }
}

/// All mutes, also those that have ended.
pub(in crate::tui) fn list(store: Option<&dyn MuteStore>) -> Action {
    Action::MutesListed(match store {
        Some(store) => store.mutes().map_err(|error| error.to_string()),
        None => Err(NO_STORE.to_owned()),
    })
}

/// Removes a mute. It is no error if it is gone.
pub(in crate::tui) fn remove(store: Option<&dyn MuteStore>, mute: &Mute) -> Result<(), String> {
    match store {
        Some(store) => store.remove(mute.id).map(|_| ()).map_err(|error| error.to_string()),
        None => Err(NO_STORE.to_owned()),
    }
}
