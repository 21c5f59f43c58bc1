//! The tables `[keys.CONTEXT]`.

use crate::config::{Config, Problem, did_you_mean};
use crate::tui::model::keymap::{ALL, Command, KEYMAP};
use crate::tui::model::keys::{Keymap, Rebinding, command_name, context_name, parse_key};

/// The name for all contexts.
pub(crate) const ALL_CONTEXTS: &str = "all";

/// The keys with the changes of the file; the default keys if it has a problem.
pub(super) fn read(config: &Config, problems: &mut Vec<Problem>) -> Keymap {
    let before = problems.len();
    let contexts: Vec<String> = ALL.iter().copied().map(context_name).collect();
    let mut commands: Vec<(String, Command)> =
        KEYMAP.iter().map(|binding| (command_name(binding.command), binding.command)).collect();
    commands.dedup();
    let (mut rebindings, mut places) = (Vec::new(), Vec::new());
    for (context_name, keys) in &config.keys {
        let context = match contexts.iter().position(|name| name == context_name) {
            Some(at) => ALL.get(at).copied(),
            None if context_name == ALL_CONTEXTS => None,
            None => {
                let known = || contexts.iter().map(String::as_str).chain([ALL_CONTEXTS]);
                let hint = did_you_mean(context_name, known());
                let known: Vec<&str> = known().collect();
                let reason = format!("there is no such context{hint}; the contexts are {}", known.join(", "));
                problems.push(Problem::new(["keys", context_name], reason));
                continue;
            }
        };
        for (name, names) in keys {
            let place = ["keys", context_name, name].map(str::to_owned);
            let Some((_, command)) = commands.iter().find(|(known, _)| known == name) else {
                let hint = did_you_mean(name, commands.iter().map(|(known, _)| known.as_str()));
                let reason =
                    format!("there is no such command{hint}; tamarin config show lists the commands");
                problems.push(Problem::new(place, reason));
                continue;
            };
            let mut keys = Vec::new();
            for key in names.names() {
                match parse_key(key) {
                    Ok(key) if !keys.contains(&key) => keys.push(key),
                    Ok(_) => {}
                    Err(reason) => problems.push(Problem::new(place.clone(), reason)),
                }
            }
            rebindings.push(Rebinding { context, command: *command, keys });
            places.push(place);
        }
    }
    if problems.len() > before {
        return Keymap::default();
    }
    Keymap::with(&rebindings).unwrap_or_else(|errors| {
        for (index, reason) in errors {
            problems.push(Problem::new(places.get(index).cloned().into_iter().flatten(), reason));
        }
        Keymap::default()
    })
}
