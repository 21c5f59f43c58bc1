//! Dimensions: what requests can be grouped and filtered by.

use std::fmt;

use super::BucketWidth;
use crate::identity::About;
use crate::log::{Field, Kind};

/// The prefix of the name of a [`Dimension::QueryParam`], and its alias.
pub const QUERY_PARAM: [&str; 2] = ["query_param", "param"];

/// A field, or a value derived from one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// A field whose kind is [`Kind::Dimension`].
    Field(Field),
    /// The network of `remote_ip`.
    Network {
        /// Prefix length for IPv4, 0–32.
        v4: u8,
        /// Prefix length for IPv6, 0–128.
        v6: u8,
    },
    /// `requester`, reduced to `role/NAME` for all sessions of an assumed role and to `user/NAME` for users. Services
    /// and canonical ids are unchanged.
    Role,
    /// The first `depth` folders of `key` with a `/` at the end; all folders if the key has fewer.
    Prefix {
        /// Number of folders, at least 1.
        depth: u8,
    },
    /// The first `depth` parts of `key`: folders, with a `/` at the end, and the rest of a key that has fewer folders. Among
    /// the keys of a folder these are its subfolders and its files.
    Path {
        /// Number of parts, at least 1.
        depth: u8,
    },
    /// The file name extension of `key`, in lower case.
    Extension,
    /// The host of `referer`, in lower case, without port.
    RefererHost,
    /// The family of `user_agent`: the name of the program, browser or crawler, without version. See
    /// [`agent_family`](crate::identity::agent_family()).
    AgentFamily,
    /// The country of `remote_ip`. The values of this dimension and the next three are not in the log, but in files that the
    /// user provides, or looked up: see [`Dimension::about`].
    Country,
    /// The autonomous system of `remote_ip`.
    Asn,
    /// The AWS service and region of `remote_ip`.
    Aws,
    /// The name of `remote_ip` by reverse DNS, as far as it was looked up.
    HostName,
    /// The HTTP method: of `operation` (GET in REST.GET.OBJECT), or of `request_uri` if the operation has none.
    Method,
    /// The class of `http_status`: `2xx`, `3xx`, `4xx`, `5xx`.
    StatusClass,
    /// Hour of the day (UTC), 0–23.
    HourOfDay,
    /// Day of the week (UTC), 1 (Monday) – 7.
    Weekday,
    /// The time bucket of the request: its first second. Only for the rows of a report; it has no name in filters.
    Bucket(BucketWidth),
    /// The percent-decoded value of a parameter in the query of `request_uri`. Clients can add information to the logs with
    /// parameters whose names begin with `x-`, which S3 ignores; other names work, too.
    QueryParam {
        /// The decoded, case-sensitive name.
        name: String,
    },
}

impl Dimension {
    /// Networks of the usual size: `/24` and `/48`.
    pub const NETWORK: Dimension = Dimension::Network { v4: 24, v6: 48 };

    /// The dimensions whose values are not in the log, but in files that the user provides, or looked up. Without such a file
    /// queries by them fail, with a message that says how to get one; so do queries by names that the user did not enable.
    pub const LOOKED_UP: [Dimension; 4] =
        [Dimension::Country, Dimension::Asn, Dimension::Aws, Dimension::HostName];

    /// All dimensions that every cache can answer, with their usual parameters: all but [`Dimension::Path`],
    /// [`Dimension::QueryParam`] and [`Dimension::LOOKED_UP`]. Fields are first, in the order of the log.
    pub fn all() -> Vec<Dimension> {
        Field::of_kind(Kind::Dimension)
            .map(Dimension::Field)
            .chain([
                Dimension::NETWORK,
                Dimension::Role,
                Dimension::Prefix { depth: 1 },
                Dimension::Extension,
                Dimension::RefererHost,
                Dimension::AgentFamily,
                Dimension::Method,
                Dimension::StatusClass,
                Dimension::HourOfDay,
                Dimension::Weekday,
            ])
            .collect()
    }

    /// All dimensions to choose from: those of [`Dimension::all`] and [`Dimension::LOOKED_UP`].
    pub fn choices() -> Vec<Dimension> {
        let mut all = Dimension::all();
        let after_networks = all.iter().position(|by| *by == Dimension::Role).unwrap_or(all.len());
        all.splice(after_networks..after_networks, Dimension::LOOKED_UP);
        all
    }

    /// What [`Identity`](crate::identity::Identity) must say about an address for its value in this dimension; `None` for
    /// dimensions that follow from the log.
    pub fn about(&self) -> Option<About> {
        match self {
            Dimension::Country => Some(About::Country),
            Dimension::Asn => Some(About::Asn),
            Dimension::Aws => Some(About::Aws),
            Dimension::HostName => Some(About::HostName),
            _ => None,
        }
    }

    /// The dimension with this name: the canonical name or an alias of a field, `network`, `network/N`, `role`, `prefix`,
    /// `prefix/N`, `path`, `path/N`, `extension`, `referer_host`, `agent_family`, `country`, `asn`, `aws`, `host_name`, `method`, `status_class`, `hour_of_day`, `weekday` or `query_param:NAME`.
    pub fn by_name(name: &str) -> Option<Dimension> {
        if let Some((base, parameter)) = name.split_once(':') {
            let is_param = QUERY_PARAM.iter().any(|known| base.eq_ignore_ascii_case(known));
            return (is_param && !parameter.is_empty())
                .then(|| Dimension::QueryParam { name: parameter.to_owned() });
        }
        let lower = name.to_ascii_lowercase();
        let (base, parameter) = match lower.split_once('/') {
            Some((base, parameter)) => (base, Some(parameter.parse::<u8>().ok()?)),
            None => (lower.as_str(), None),
        };
        match (base, parameter) {
            ("network", None) => Some(Dimension::NETWORK),
            ("network", Some(bits)) if bits <= 128 => {
                Some(Dimension::Network { v4: bits.min(32), v6: if bits <= 32 { 48 } else { bits } })
            }
            ("prefix", None) => Some(Dimension::Prefix { depth: 1 }),
            ("prefix", Some(depth)) if depth > 0 => Some(Dimension::Prefix { depth }),
            ("path", None) => Some(Dimension::Path { depth: 1 }),
            ("path", Some(depth)) if depth > 0 => Some(Dimension::Path { depth }),
            ("role", None) => Some(Dimension::Role),
            ("extension", None) => Some(Dimension::Extension),
            ("referer_host", None) => Some(Dimension::RefererHost),
            ("agent_family", None) => Some(Dimension::AgentFamily),
            ("country", None) => Some(Dimension::Country),
            ("asn", None) => Some(Dimension::Asn),
            ("aws", None) => Some(Dimension::Aws),
            ("host_name", None) => Some(Dimension::HostName),
            ("method", None) => Some(Dimension::Method),
            ("status_class", None) => Some(Dimension::StatusClass),
            ("hour_of_day", None) => Some(Dimension::HourOfDay),
            ("weekday", None) => Some(Dimension::Weekday),
            (_, None) => {
                Field::by_name(base).filter(|field| field.kind() == Kind::Dimension).map(Dimension::Field)
            }
            _ => None,
        }
    }

    /// The canonical name, which [`Dimension::by_name`] accepts. It is also the column name in JSON and CSV.
    pub fn name(&self) -> String {
        match self {
            Dimension::Field(field) => field.name().to_owned(),
            Dimension::Network { v4: 24, v6: 48 } => "network".to_owned(),
            Dimension::Network { v4, v6: 48 } => format!("network/{v4}"),
            Dimension::Network { v6, .. } => format!("network/{v6}"),
            Dimension::Role => "role".to_owned(),
            Dimension::Prefix { depth: 1 } => "prefix".to_owned(),
            Dimension::Prefix { depth } => format!("prefix/{depth}"),
            Dimension::Path { depth: 1 } => "path".to_owned(),
            Dimension::Path { depth } => format!("path/{depth}"),
            Dimension::Extension => "extension".to_owned(),
            Dimension::RefererHost => "referer_host".to_owned(),
            Dimension::AgentFamily => "agent_family".to_owned(),
            Dimension::Country => "country".to_owned(),
            Dimension::Asn => "asn".to_owned(),
            Dimension::Aws => "aws".to_owned(),
            Dimension::HostName => "host_name".to_owned(),
            Dimension::Method => "method".to_owned(),
            Dimension::StatusClass => "status_class".to_owned(),
            Dimension::HourOfDay => "hour_of_day".to_owned(),
            Dimension::Weekday => "weekday".to_owned(),
            Dimension::Bucket(_) => "time".to_owned(),
            Dimension::QueryParam { name } => format!("{}:{name}", QUERY_PARAM[0]),
        }
    }

    /// The column heading in tables.
    pub fn title(&self) -> String {
        match self {
            Dimension::Field(field) => field.title().to_owned(),
            Dimension::QueryParam { name } => name.clone(),
            Dimension::Asn => "ASN".to_owned(),
            Dimension::Aws => "AWS service".to_owned(),
            Dimension::Path { .. } => "Path".to_owned(),
            other => {
                let name = other.name().replace('_', " ");
                let mut chars = name.chars();
                chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
            }
        }
    }

    /// The field from which the value is derived, or the field itself.
    pub fn base(&self) -> Field {
        match self {
            Dimension::Field(field) => *field,
            Dimension::Network { .. }
            | Dimension::Country
            | Dimension::Asn
            | Dimension::Aws
            | Dimension::HostName => Field::RemoteIp,
            Dimension::Role => Field::Requester,
            Dimension::Prefix { .. } | Dimension::Path { .. } | Dimension::Extension => Field::Key,
            Dimension::RefererHost => Field::Referer,
            Dimension::AgentFamily => Field::UserAgent,
            Dimension::Method => Field::Operation,
            Dimension::StatusClass => Field::HttpStatus,
            Dimension::HourOfDay | Dimension::Weekday | Dimension::Bucket(_) => Field::Time,
            Dimension::QueryParam { .. } => Field::RequestUri,
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
