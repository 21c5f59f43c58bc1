//! Every key of the configuration file. The check, the documentation, the commented file and the JSON Schema read this
//! list.

/// What the value of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Path,
    Flag,
    /// US dollars, 0 or more.
    Dollars,
    /// A whole number, 1 or more.
    Count,
    Texts,
    Paths,
    /// Numbers of AWS accounts.
    Accounts,
    /// The name of a key of the keyboard, or a list of them.
    Keys,
    /// A style of a theme.
    Style,
    /// A filter.
    Filter,
    /// A table of the explorer.
    Table,
    /// A column and an order.
    Sort,
    /// Names of columns.
    Columns,
    /// A time.
    Time,
    /// The name of a theme.
    Theme,
}

impl Kind {
    /// What is expected, for errors and documentation.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Kind::Text => "a text, in quotes",
            Kind::Path => "a path, in quotes",
            Kind::Flag => "true or false",
            Kind::Dollars => "US dollars, a number of 0 or more",
            Kind::Count => "a whole number, 1 or more",
            Kind::Texts => "a list of texts, such as [\"a\", \"b\"]",
            Kind::Paths => "a list of paths, such as [\"/a\", \"/b\"]",
            Kind::Accounts => "a list of account numbers, such as [\"123456789012\"]",
            Kind::Keys => "a key or a list of keys, such as \"s\" or [\"s\", \"Ctrl-s\"]; \"\" for no key",
            Kind::Style => "a style, in quotes, such as \"bold #ff8700\"",
            Kind::Filter => "a filter, in quotes",
            Kind::Table => "a dimension, two dimensions, time, requests or findings, in quotes",
            Kind::Sort => "a column, in quotes, with :asc or :desc",
            Kind::Columns => "a list of columns, such as [\"requests\", \"bytes_sent\"]",
            Kind::Time => "a time, in quotes, such as \"2026-04-01\" or \"7d\" (ago)",
            Kind::Theme => "the name of a theme, in quotes",
        }
    }
}

/// A key. A segment `*` of its path matches any name.
#[derive(Debug)]
pub(crate) struct KeySpec {
    /// The tables that it is in, and its name.
    pub(crate) path: &'static [&'static str],
    pub(crate) kind: Kind,
    /// One or two sentences.
    pub(crate) about: &'static str,
    /// A value in TOML.
    pub(crate) example: &'static str,
    /// What applies without the key.
    pub(crate) default: &'static str,
    /// The option of the command line that takes precedence; empty: none.
    pub(crate) option: &'static str,
}

const fn key(
    path: &'static [&'static str],
    kind: Kind,
    about: &'static str,
    example: &'static str,
    default: &'static str,
    option: &'static str,
) -> KeySpec {
    KeySpec { path, kind, about, example, default, option }
}

/// A table of keys.
#[derive(Debug)]
pub(crate) struct SectionSpec {
    /// Empty: keys outside of a table.
    pub(crate) path: &'static [&'static str],
    pub(crate) title: &'static str,
    pub(crate) about: &'static str,
    /// The name in examples, where the path has a `*`.
    pub(crate) example_name: &'static str,
}

/// Every section, in the order of the documentation.
pub(crate) static SECTIONS: [SectionSpec; 6] = [
    SectionSpec {
        path: &[],
        title: "Sources, cache and addresses",
        about: "Keys outside of a table must come first in the file.",
        example_name: "",
    },
    SectionSpec {
        path: &["prices"],
        title: "Prices",
        about: "How costs are estimated: see `tamarin help cost`.",
        example_name: "",
    },
    SectionSpec {
        path: &["keys", "*"],
        title: "Keys",
        about: "Other keys for commands of the explorer. A table `[keys.CONTEXT]` changes keys in one context, `[keys.all]` in \
                all contexts in which the command has keys. A key has one command per context: to exchange two keys, bind both.",
        example_name: "table",
    },
    SectionSpec {
        path: &["columns", "*"],
        title: "Columns",
        about: "The columns and the order with which a table of the explorer opens. The name is a dimension, two \
                dimensions such as `http_status,error_code`, `time`, `requests` or `findings`, or `groups` for all dimensions without \
                a table of their own. What you change in the explorer is \
                remembered, the columns for all caches, the order for the same cache, and takes precedence.",
        example_name: "remote_ip",
    },
    SectionSpec {
        path: &["themes", "*"],
        title: "Themes",
        about: "A theme of your own: a style for each role. Roles without a style have that of the theme `base`. A theme with the \
                name of one of the program changes that one.",
        example_name: "solarized",
    },
    SectionSpec {
        path: &["investigations", "*"],
        title: "Investigations",
        about: "A filter, a table, an order, columns and a time range under a name: `tamarin @NAME` opens it, `tamarin report @NAME` \
                prints its table, `:investigate NAME` opens it in the explorer, and `:save NAME` there writes it. An investigation \
                with the name of one of the program replaces it.",
        example_name: "admin-errors",
    },
];

/// Every key, in the order of the documentation.
#[rustfmt::skip]
pub(crate) static KEYS: [KeySpec; 30] = [
    key(&["sources"], Kind::Texts,
        "The sources to pull if the command line names none: s3://bucket[/prefix], a file or a folder.",
        "[\"s3://acme-logs/media/\"]", "the monitored sources, else all sources of the cache", "SOURCE"),
    key(&["cache"], Kind::Path, "The cache file.",
        "\"/var/cache/tamarin/cache.db\"", "cache.db in the data directory", "--cache"),
    key(&["endpoint_url"], Kind::Text, "URL of an S3-compatible server.",
        "\"https://s3.example.com\"", "Amazon S3", "--endpoint-url"),
    key(&["region"], Kind::Text, "Region of the bucket.",
        "\"eu-west-1\"", "detected", "--region"),
    key(&["profile"], Kind::Text, "Profile of the AWS configuration.",
        "\"logs\"", "that of the AWS configuration", "--profile"),
    key(&["ip_databases"], Kind::Paths, "Databases of addresses in MaxMind format, for the dimensions country and asn.",
        "[\"/var/lib/GeoIP/GeoLite2-Country.mmdb\"]", "*.mmdb in the data directory", "--ip-database"),
    key(&["aws_ip_ranges"], Kind::Path, "The ip-ranges.json of AWS, for the dimension aws.",
        "\"/var/lib/aws/ip-ranges.json\"", "that in the data directory", "--aws-ip-ranges"),
    key(&["resolve"], Kind::Flag, "Look up the names of addresses, for the dimension host_name and in `report remote_ip`. This sends DNS queries.",
        "true", "false", "--resolve"),
    key(&["theme"], Kind::Theme,
        "The theme of the explorer: auto, a theme of the program, or one of your own. With auto, it fits the background of the \
         terminal, which is asked again whenever it gets the focus.",
        "\"light\"", "auto", "--theme"),
    key(&["links"], Kind::Flag,
        "Links (OSC 8) in the explorer: the S3 console, the S3 API Reference, log files and written files.",
        "false", "true if the terminal is known to show links", ""),

    key(&["prices", "region"], Kind::Text, "The region of the buckets.",
        "\"eu-central-1\"", "that of --region or of the hosts of the requests, else us-east-1", ""),
    key(&["prices", "accounts"], Kind::Accounts, "The accounts of the bucket owner.",
        "[\"123456789012\"]", "none", "block --account"),
    key(&["prices", "internet_volume"], Kind::Count,
        "The volume of transfer to the internet whose price is used, counted from 1.", "2", "1", ""),
    key(&["prices", "file"], Kind::Path, "A price table, instead of that of the program.",
        "\"/etc/tamarin/prices.toml\"", "the table of the program", ""),
    key(&["prices", "tier_1"], Kind::Dollars, "Price per 1,000 requests of tier 1 (PUT, COPY, POST, LIST).",
        "0.005", "that of the region", ""),
    key(&["prices", "tier_2"], Kind::Dollars, "Price per 1,000 requests of tier 2 (GET and others).",
        "0.0004", "that of the region", ""),
    key(&["prices", "internet"], Kind::Dollars, "Price per GB to the internet.",
        "0.05", "that of the region", ""),
    key(&["prices", "other_regions"], Kind::Dollars, "Price per GB to other regions.",
        "0.02", "that of the region", ""),

    key(&["keys", "*", "*"], Kind::Keys, "The keys of a command. Ctrl-c always quits and cannot be changed.",
        "[\"o\", \"F5\"]", "see the list of commands", ""),

    key(&["columns", "*", "show"], Kind::Columns, "The columns, in this order; on a narrow terminal, the last ones are left out.",
        "[\"bytes_sent\", \"requests\", \"cost\", \"last_seen\"]", "those of the table", ""),
    key(&["columns", "*", "sort"], Kind::Sort, "The order of the rows.",
        "\"cost:desc\"", "that of the table", ""),

    key(&["themes", "*", "*"], Kind::Style, "The style of a role, or `base`: the theme whose styles the other roles have.",
        "\"bold #268bd2\"", "that of `base`, without it of the theme dark", ""),

    key(&["investigations", "*", "about"], Kind::Text, "A description in one line.",
        "\"What fails for the administrators.\"", "none", ""),
    key(&["investigations", "*", "table"], Kind::Table, "What the rows are.",
        "\"error_code\"", "remote_ip", ""),
    key(&["investigations", "*", "filter"], Kind::Filter, "The requests: see `tamarin help filter`.",
        "\"requester:role/admin status>=400\"", "all requests", ""),
    key(&["investigations", "*", "sort"], Kind::Sort, "The order of the rows.",
        "\"requests:desc\"", "that of the table", ""),
    key(&["investigations", "*", "columns"], Kind::Columns, "The columns, in this order; on a narrow terminal, the last ones are left out.",
        "[\"requests\", \"addresses\", \"last_seen\"]", "those of the table", ""),
    key(&["investigations", "*", "since"], Kind::Time, "Only requests at or after this time.",
        "\"2026-04-01\"", "all requests", ""),
    key(&["investigations", "*", "until"], Kind::Time, "Only requests before this time.",
        "\"2026-05-01\"", "all requests", ""),
    key(&["investigations", "*", "topic"], Kind::Text, "What it is listed under.",
        "\"errors\"", "own", ""),
];

impl SectionSpec {
    /// Its keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static KeySpec> + '_ {
        KEYS.iter().filter(|key| key.path.len() == self.path.len() + 1 && key.path.starts_with(self.path))
    }
}

impl KeySpec {
    pub(crate) fn name(&self) -> &'static str {
        self.path.last().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_a_section() {
        let count: usize = SECTIONS.iter().map(|section| section.keys().count()).sum();
        assert_eq!(count, KEYS.len());
        for key in &KEYS {
            assert!(key.about.ends_with('.'), "{:?}", key.path);
            assert!(!key.example.is_empty() && !key.default.is_empty(), "{:?}", key.path);
        }
    }
}
