//! The commands that can be typed after `:`. The prompt, its completion and the help read this table.

pub(crate) struct CommandSpec {
    pub(crate) name: &'static str,
    /// The argument as the help shows it; empty: none.
    pub(crate) argument: &'static str,
    pub(crate) about: &'static str,
}

pub(crate) static COMMANDS: [CommandSpec; 11] = [
    CommandSpec {
        name: "by",
        argument: "DIMENSION",
        about: "group by a dimension, also network/16, prefix/2, query_param:x-user",
    },
    CommandSpec { name: "sort", argument: "COLUMN [asc|desc]", about: "sort the table" },
    CommandSpec { name: "filter", argument: "EXPRESSION", about: "replace the filter; empty: all requests" },
    CommandSpec { name: "and", argument: "EXPRESSION", about: "add to the filter" },
    CommandSpec { name: "clear", argument: "", about: "clear the filter" },
    CommandSpec { name: "row", argument: "NUMBER", about: "go to a row" },
    CommandSpec { name: "columns", argument: "", about: "choose the columns" },
    CommandSpec {
        name: "export",
        argument: "FILE",
        about: "write the table to a .csv, .json or .ndjson file",
    },
    CommandSpec { name: "zone", argument: "utc|local", about: "show times in UTC or in the local time zone" },
    CommandSpec { name: "help", argument: "", about: "show all keys" },
    CommandSpec { name: "quit", argument: "", about: "quit; also q" },
];
