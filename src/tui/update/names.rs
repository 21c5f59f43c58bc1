//! Has the names of addresses looked up that the layer in front is about, or the name of one address.

use std::net::IpAddr;

use crate::identity::resolver::Found;
use crate::insight::Scope;
use crate::insight::host_names::MAX_LOOKUPS;
use crate::log::address;
use crate::query::{Ask, Dimension};
use crate::tui::format;
use crate::tui::model::{
    AnalysisAnswer, AnalysisAsk, AnalysisJob, AnalysisResult, AnalysisSlot, Effect, State, names,
};
use crate::tui::update::queries;

/// Starts the lookups that the layer in front needs. Stops those that it does not need: each sends DNS queries.
pub(super) fn reconcile(state: &mut State, effects: &mut Vec<Effect>) {
    if !state.names.is_enabled || state.is_too_small() {
        return;
    }
    if !names::is_needed(state) {
        stop(state, effects);
        return;
    }
    // A filter that is being typed may not be what the user wants to know.
    if state.prompt.is_some() {
        return;
    }
    let query = queries::layer_query(state, Ask::Totals);
    let filter = query.filter.for_any(&Dimension::HostName);
    let scope = Scope { filter, ..Scope::of(&query) };
    if let Some((of, generation)) = &state.names.of
        && *of == scope
    {
        // Addresses that are new are looked up when all requests are there.
        let is_outdated = *generation < state.generation && !state.is_growing();
        if !is_outdated || state.names.running.is_some() {
            return;
        }
    }
    let number = state.next_number();
    let known = state.names.of.as_ref().is_some_and(|(of, _)| *of == scope);
    if !known {
        state.names.lookups = Default::default();
    }
    state.names.of = Some((scope.clone(), state.generation));
    state.names.running = Some(number);
    let ask = AnalysisAsk::HostNames(scope, state.names.limit);
    effects.push(Effect::Analyse(Box::new(AnalysisJob { number, ask })));
}

fn stop(state: &mut State, effects: &mut Vec<Effect>) {
    if state.names.running.take().is_some() {
        effects.push(Effect::StopAnalysis(AnalysisSlot::HostNames));
    }
    // They are continued when they are needed again.
    state.names.of = None;
}

/// Stores how far the lookups are. Returns whether it is a result of theirs.
pub(super) fn store(state: &mut State, result: &AnalysisResult) -> bool {
    if state.names.running != Some(result.number) {
        return false;
    }
    if result.share.is_none() {
        state.names.running = None;
    }
    match &result.answer {
        Ok(AnalysisAnswer::HostNames(lookups)) => {
            if *lookups != state.names.lookups {
                state.names.lookups = *lookups;
                state.names.changed();
            }
            if result.share.is_none() && lookups.unanswered > 0 && state.message.is_none() {
                let (unanswered, all) = (lookups.unanswered as u64, lookups.addresses as u64);
                let (unanswered, all) = (format::count(unanswered), format::count(all));
                state.warn(format!("no name server answered for {unanswered} of {all} addresses"));
            }
        }
        Ok(_) => state.warn("internal error: another analysis answered; please report this"),
        Err(message) => state.warn(format!("names were not looked up: {}", format::visible(message))),
    }
    true
}

/// Has the name of an address looked up: of the one that `argument` names, else of the one under the cursor. In a table of
/// names, more addresses are looked up. An error is a message.
pub(super) fn resolve(state: &mut State, argument: &str, effects: &mut Vec<Effect>) -> Result<(), String> {
    let address = match argument {
        "" => names::address_under_cursor(state),
        text => match address::parse(text.as_bytes()) {
            Some(address) => Some(address),
            None => return Err("expected an address, or nothing for the one under the cursor".to_owned()),
        },
    };
    match address {
        Some(address) => {
            effects.push(Effect::LookUpName(address));
            state.notify(format!("looking up the name of {address} …"));
        }
        None if state.names.is_enabled && names::is_needed(state) => {
            state.names.limit += MAX_LOOKUPS;
            state.names.of = None;
            let limit = format::count(state.names.limit as u64);
            state.notify(format!("the names of the {limit} addresses with the most requests are looked up"));
        }
        None => return Err("no address is under the cursor; expected an address".to_owned()),
    }
    Ok(())
}

/// Shows what a lookup found out about an address.
pub(super) fn found(state: &mut State, address: IpAddr, found: &Found) {
    state.names.changed();
    match found {
        Found::Name(name) if name.is_confirmed => {
            state.notify(format!("{address} is {}", format::visible(&name.name)));
        }
        Found::Name(name) => {
            let name = format::visible(&name.name);
            state.notify(format!(
                "{address} calls itself {name} (unconfirmed: the name does not lead back to it)"
            ));
        }
        Found::NoName => state.notify(format!("{address} has no name")),
        Found::NoAnswer => state.warn(format!("no name server answered for {address}")),
    }
}
