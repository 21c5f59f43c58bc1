//! `tamarin help`: help on the program, a subcommand, the filter language, costs, or the configuration file.

use std::io::Write;

use clap::CommandFactory;

use super::args::Args;
use super::{Outcome, config, output, prices, usage};
use crate::query::cost::{self, PriceTable};
use crate::query::filter;

pub(super) fn run(topic: Option<&str>) -> anyhow::Result<Outcome> {
    let mut command = Args::command();
    command.build();
    let text = match topic {
        None => command.render_long_help().to_string(),
        Some("filter") => filter::HELP.to_owned(),
        Some("configuration") => config::reference(),
        Some("cost") => format!("{}\n{}", cost::HELP, prices::table_text(PriceTable::built_in())),
        Some(name) => match command.find_subcommand_mut(name) {
            Some(subcommand) => subcommand.render_long_help().to_string(),
            None => {
                let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
                let names = names.join(", ");
                return usage(format!(
                    "there is no help on \"{name}\"; the topics are filter, cost, configuration, {names}"
                ));
            }
        },
    };
    let mut out = output::data();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Outcome::Done)
}
