//! The commands that can be typed after `:`. The prompt, its completion and the help read this table.

pub(crate) struct CommandSpec {
    pub(crate) name: &'static str,
    /// The argument as the help shows it; empty: none.
    pub(crate) argument: &'static str,
    pub(crate) about: &'static str,
}

const fn command(name: &'static str, argument: &'static str, about: &'static str) -> CommandSpec {
    CommandSpec { name, argument, about }
}

pub(crate) static COMMANDS: [CommandSpec; 16] = [
    command(
        "by",
        "DIMENSION[,DIMENSION]",
        "group by one or two dimensions, also network/16, prefix/2, query_param:x-user",
    ),
    command("heatmap", "", "requests by weekday and hour"),
    command("sort", "COLUMN [asc|desc]", "sort the table"),
    command("filter", "EXPRESSION", "replace the filter; empty: all requests"),
    command("and", "EXPRESSION", "add to the filter"),
    command("clear", "", "clear the filter"),
    command("row", "NUMBER", "go to a row"),
    command("columns", "", "choose the columns"),
    command("export", "FILE", "write the table to a .csv, .json, .ndjson or .md file"),
    command("zone", "[utc|local]", "show times in UTC or in the local time zone"),
    command("investigate", "NAME", "open an investigation: a filter, table, order and columns under a name"),
    command(
        "save",
        "NAME [DESCRIPTION]",
        "save this view as an investigation in the configuration file; NAME! replaces one",
    ),
    command("resolve", "[ADDRESS]", "look up the name of this address: sends a DNS query"),
    command("theme", "NAME|auto", "show another theme"),
    command("help", "", "show all keys"),
    command("quit", "", "quit; also q"),
];
