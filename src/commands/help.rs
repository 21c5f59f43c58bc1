//! `tamarin help`: help on the program, a subcommand, the filter language, costs, or the configuration file.

use std::io::Write;

use clap::CommandFactory;

use super::args::Args;
use super::{Outcome, config, output, prices, usage};
use crate::query::cost::{self, PriceTable};
use crate::query::filter;

pub(super) fn run(topic: &[String]) -> anyhow::Result<Outcome> {
    let mut command = Args::command();
    command.build();
    let names: Vec<&str> = topic.iter().map(String::as_str).collect();
    let text = match names.as_slice() {
        [] => command.render_long_help().to_string(),
        ["filter"] => filter::HELP.to_owned(),
        ["configuration"] => config::reference(),
        ["cost"] => format!("{}\n{}", cost::HELP, prices::table_text(PriceTable::built_in())),
        names => match subcommand(&mut command, names) {
            Some(subcommand) => subcommand.render_long_help().to_string(),
            None => {
                let known = command.get_subcommands().map(clap::Command::get_name);
                let known = known.collect::<Vec<_>>().join(", ");
                return usage(format!(
                    "there is no help on \"{}\"; the topics are filter, cost, configuration, {known}, and their \
                     subcommands, such as findings mute",
                    names.join(" ")
                ));
            }
        },
    };
    let mut out = output::data();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Outcome::Done)
}

/// The subcommand that names lead to from a command. A single name may be that of a subcommand of a subcommand, if only one
/// has it.
fn subcommand<'c>(command: &'c mut clap::Command, names: &[&str]) -> Option<&'c mut clap::Command> {
    let (first, rest) = names.split_first()?;
    if command.find_subcommand(first).is_none() {
        let mut parents =
            command.get_subcommands_mut().filter(|parent| parent.find_subcommand(first).is_some());
        let parent = parents.next().filter(|_| rest.is_empty())?;
        return if parents.next().is_none() { parent.find_subcommand_mut(first) } else { None };
    }
    let found = command.find_subcommand_mut(first)?;
    if rest.is_empty() { Some(found) } else { subcommand(found, rest) }
}
