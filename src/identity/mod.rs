//! Who sends requests: what user agents and addresses say about it.
//!
//! - [`agent_family()`]: a short name for the program that a user agent names.
//! - [`crawlers`]: the crawlers of a maintained list.
//! - [`Identity`]: countries and autonomous systems of addresses, from databases in MaxMind format (`databases`), and the
//!   services of AWS, from the file that AWS publishes (`aws_ranges`).
//! - [`resolver`]: names of addresses by reverse DNS, only where the user asked for them. [`host_names`]: those that are
//!   known so far.
//!
//! Never here: queries, requests, network I/O that the user did not enable.

pub mod agent_family;
mod aws_ranges;
pub mod crawlers;
mod databases;
pub mod host_names;
pub mod resolver;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

pub use agent_family::agent_family;
pub use crawlers::is_crawler;

use crate::log::address;
use aws_ranges::AwsRanges;
use databases::Database;
use host_names::{HostNames, KnownNames};

/// What is known about an address, from files that the user provides or from name servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum About {
    /// The ISO 3166-1 code of its country, such as `DE`.
    Country,
    /// Number and owner of its autonomous system, such as `AS14618 Amazon.com, Inc.`.
    Asn,
    /// The service and region of an AWS address, such as `EC2 us-east-1`.
    Aws,
    /// Its name by reverse DNS, such as `crawl-66-249-66-1.googlebot.com`. A name of which DNS does not return the
    /// address ends with ` (unconfirmed)`; an address that was not looked up has [`host_names::NOT_LOOKED_UP`].
    HostName,
}

/// The files that describe addresses.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Databases in MaxMind format (`.mmdb`) that the user named.
    pub databases: Vec<PathBuf>,
    /// The `ip-ranges.json` of AWS that the user named.
    pub aws_ranges: Option<PathBuf>,
    /// The folder where databases and `ip-ranges.json` are looked for if the user named none.
    pub folder: Option<PathBuf>,
}

/// Why nothing can be said about addresses. The message has what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// There is no database.
    #[error(
        "{name} needs a database of addresses in MaxMind format (.mmdb): {}; then name it with --ip-database FILE or \
         ip_databases = [\"FILE\"] in the configuration file{}",
        sources(*.about),
        or_folder(.folder)
    )]
    NoDatabase {
        /// What is asked for.
        about: About,
        /// The name of its dimension.
        name: &'static str,
        /// The folder where databases are looked for.
        folder: Option<PathBuf>,
    },
    /// There are databases, but none has what is asked for.
    #[error("{name}: {} in {found}; {} has it: name it with --ip-database FILE", missing(*.about), sources(*.about))]
    NotInDatabases {
        /// What is asked for.
        about: About,
        /// The name of its dimension.
        name: &'static str,
        /// The databases.
        found: String,
    },
    /// There are no address ranges of AWS.
    #[error(
        "aws needs the address ranges of AWS: download https://ip-ranges.amazonaws.com/ip-ranges.json; then name the \
         file with --aws-ip-ranges FILE or aws_ip_ranges = \"FILE\" in the configuration file{}",
        or_folder(.folder)
    )]
    NoAwsRanges {
        /// The folder where the file is looked for.
        folder: Option<PathBuf>,
    },
    /// The user did not enable names.
    #[error(
        "host_name needs the names of addresses, which name servers are asked for: a DNS query for each address; to send \
         them, add --resolve, or resolve = true to the configuration file"
    )]
    NoHostNames,
    /// A file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

fn sources(about: About) -> &'static str {
    match about {
        About::Country => {
            "DB-IP Country Lite (db-ip.com, no account), GeoLite2 Country (maxmind.com) or IPinfo Lite (ipinfo.io)"
        }
        About::Asn => {
            "DB-IP ASN Lite (db-ip.com, no account), GeoLite2 ASN (maxmind.com) or IPinfo Lite (ipinfo.io)"
        }
        About::Aws => "the ip-ranges.json of AWS",
        About::HostName => "a name server",
    }
}

fn missing(about: About) -> &'static str {
    match about {
        About::Country => "there are no countries",
        About::Asn => "there are no autonomous systems",
        About::Aws => "there are no ranges of AWS",
        About::HostName => "there are no names",
    }
}

fn or_folder(folder: &Option<PathBuf>) -> String {
    folder.as_ref().map_or(String::new(), |folder| format!(", or put it into {}", folder.display()))
}

/// What the files of the user say about addresses, and their names as far as they are known. A file is read when it is
/// first needed.
#[derive(Debug, Default)]
pub struct Identity {
    files: Files,
    host_names: Option<Arc<HostNames>>,
    loaded: Mutex<Loaded>,
}

#[derive(Debug, Default)]
struct Loaded {
    country: Option<Arc<Database>>,
    asn: Option<Arc<Database>>,
    aws: Option<Arc<AwsRanges>>,
}

impl Identity {
    /// Says what `files` say. Nothing is read yet.
    pub fn new(files: Files) -> Identity {
        Identity { files, ..Identity::default() }
    }

    /// Says the names of addresses, too: those in `host_names` at the time of a query.
    #[must_use]
    pub fn with_host_names(self, host_names: Arc<HostNames>) -> Identity {
        Identity { host_names: Some(host_names), ..self }
    }

    /// The names that are known at this moment.
    pub(crate) fn known_names(&self) -> KnownNames {
        self.host_names.as_ref().map(|names| names.known()).unwrap_or_default()
    }

    /// Reads the files that are needed to say this about addresses, if they are not read yet.
    ///
    /// # Errors
    /// If there is no such file or it cannot be read. The next call tries again.
    pub fn lookup(&self, about: About) -> Result<Lookup, IdentityError> {
        let mut loaded = self.loaded.lock();
        let loaded = &mut *loaded;
        Ok(match about {
            About::Country => Lookup::Country(get_or_load(&mut loaded.country, || {
                Database::find(&self.files, About::Country, "country")
            })?),
            About::Asn => {
                Lookup::Asn(get_or_load(&mut loaded.asn, || Database::find(&self.files, About::Asn, "asn"))?)
            }
            About::Aws => Lookup::Aws(get_or_load(&mut loaded.aws, || AwsRanges::find(&self.files))?),
            About::HostName => self.known_names().lookup()?,
        })
    }
}

fn get_or_load<T>(
    slot: &mut Option<Arc<T>>,
    load: impl FnOnce() -> Result<T, IdentityError>,
) -> Result<Arc<T>, IdentityError> {
    match slot {
        Some(loaded) => Ok(loaded.clone()),
        None => Ok(slot.insert(Arc::new(load()?)).clone()),
    }
}

/// Says one thing about addresses.
#[derive(Clone, Debug)]
pub enum Lookup {
    #[doc(hidden)]
    Country(Arc<Database>),
    #[doc(hidden)]
    Asn(Arc<Database>),
    #[doc(hidden)]
    Aws(Arc<AwsRanges>),
    #[doc(hidden)]
    HostName(KnownNames),
}

impl Lookup {
    /// The value for an address as logged; `None` if the files do not know it, or if it has no name.
    pub fn value(&self, text: &[u8]) -> Option<Cow<'_, [u8]>> {
        let address = address::parse(text)?;
        let text = match self {
            Lookup::Country(database) => database.country(address)?,
            Lookup::Asn(database) => database.asn(address)?,
            Lookup::Aws(ranges) => ranges.service(address)?,
            Lookup::HostName(names) => {
                return names.value(address).map(|name| Cow::Borrowed(name.as_bytes()));
            }
        };
        Some(Cow::Owned(text.into_bytes()))
    }
}

/// The writer of databases for tests.
#[cfg(test)]
#[path = "../../tests/it/support/mmdb.rs"]
mod mmdb;

#[cfg(test)]
mod tests {
    use super::mmdb::{Data, database};
    use super::*;

    fn value(identity: &Identity, about: About, address: &str) -> Option<String> {
        let lookup = identity.lookup(about).unwrap();
        Some(String::from_utf8(lookup.value(address.as_bytes())?.into_owned()).unwrap())
    }

    fn text(text: &str) -> Data {
        Data::Text(text.to_owned())
    }

    fn map(entries: Vec<(&str, Data)>) -> Data {
        Data::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    #[test]
    fn countries_and_autonomous_systems_come_from_the_databases_of_several_vendors() {
        let folder = tempfile::tempdir().unwrap();
        let country = |code| map(vec![("country", map(vec![("iso_code", text(code))]))]);
        let asn = |number, name| {
            map(vec![
                ("autonomous_system_number", Data::Number(number)),
                ("autonomous_system_organization", text(name)),
            ])
        };
        let ipinfo = map(vec![
            ("asn", text("AS3320")),
            ("as_name", text("Deutsche Telekom AG")),
            ("country_code", text("DE")),
            ("country", text("Germany")),
        ]);
        for (name, kind, networks) in [
            (
                "country.mmdb",
                "GeoLite2-Country",
                vec![("203.0.113.0/24", country("DE")), ("2001:db8::/32", country("JP"))],
            ),
            ("asn.mmdb", "DBIP-ASN-Lite", vec![("203.0.113.0/25", asn(64500, "Example\u{1b}[2J GmbH"))]),
            ("lite.mmdb", "ipinfo bundle_location_lite", vec![("203.0.113.0/24", ipinfo)]),
        ] {
            std::fs::write(folder.path().join(name), database(kind, &networks)).unwrap();
        }
        let named = |names: &[&str]| {
            let databases = names.iter().map(|name| folder.path().join(name)).collect();
            Identity::new(Files { databases, ..Files::default() })
        };
        let identity = named(&["asn.mmdb", "country.mmdb"]);
        for (about, address, expected) in [
            (About::Country, "203.0.113.7", Some("DE")),
            (About::Country, "203.0.113.7:443", Some("DE")),
            (About::Country, "::ffff:203.0.113.7", Some("DE")),
            (About::Country, "2001:db8::1", Some("JP")),
            (About::Country, "198.51.100.1", None),
            (About::Country, "no address", None),
            (About::Asn, "203.0.113.7", Some("AS64500 Example\u{1b}[2J GmbH")),
            (About::Asn, "203.0.113.200", None),
        ] {
            assert_eq!(value(&identity, about, address).as_deref(), expected, "{about:?} of {address}");
        }
        let identity = named(&["lite.mmdb"]);
        assert_eq!(value(&identity, About::Country, "203.0.113.7").as_deref(), Some("DE"));
        assert_eq!(
            value(&identity, About::Asn, "203.0.113.7").as_deref(),
            Some("AS3320 Deutsche Telekom AG")
        );
        let error = named(&["asn.mmdb"]).lookup(About::Country).unwrap_err().to_string();
        assert!(
            error.starts_with("country: there are no countries in ") && error.contains("asn.mmdb"),
            "{error}"
        );
        // Databases in the data directory are found.
        let found = Identity::new(Files { folder: Some(folder.path().to_owned()), ..Files::default() });
        assert_eq!(value(&found, About::Country, "203.0.113.7").as_deref(), Some("DE"));
    }

    #[test]
    fn without_a_database_the_message_says_how_to_get_one() {
        let folder = Some(PathBuf::from("/home/ann/.local/share/tamarin"));
        let identity = Identity::new(Files { folder, ..Files::default() });
        let error = identity.lookup(About::Asn).unwrap_err().to_string();
        for part in
            ["asn needs a database", "db-ip.com", "--ip-database FILE", "/home/ann/.local/share/tamarin"]
        {
            assert!(error.contains(part), "{error}");
        }
        let error = identity.lookup(About::Aws).unwrap_err().to_string();
        assert!(error.contains("ip-ranges.json") && error.contains("--aws-ip-ranges FILE"), "{error}");
        assert!(!error.contains('\n'));
    }

    #[test]
    fn names_are_those_that_were_looked_up_so_far() {
        use super::resolver::{Found, HostName};
        let off = Identity::default().lookup(About::HostName).unwrap_err().to_string();
        assert!(off.contains("a DNS query for each address") && off.contains("--resolve"), "{off}");
        let names = Arc::new(HostNames::default());
        let identity = Identity::default().with_host_names(Arc::clone(&names));
        let before = identity.lookup(About::HostName).unwrap();
        let name = |name: &str, is_confirmed| Found::Name(HostName { name: name.to_owned(), is_confirmed });
        names.add(&[
            ("203.0.113.1".parse().unwrap(), name("a.example", true)),
            ("203.0.113.2".parse().unwrap(), name("crawler.search.example", false)),
            ("203.0.113.3".parse().unwrap(), Found::NoName),
            ("203.0.113.4".parse().unwrap(), Found::NoAnswer),
            ("2001:db8::1".parse().unwrap(), name("b\u{1b}[2J.example", true)),
        ]);
        for (address, expected) in [
            ("203.0.113.1", Some("a.example")),
            ("203.0.113.1:443", Some("a.example")),
            ("::ffff:203.0.113.1", Some("a.example")),
            ("203.0.113.2", Some("crawler.search.example (unconfirmed)")),
            ("203.0.113.3", None),
            ("203.0.113.4", Some("(not looked up)")),
            ("203.0.113.5", Some("(not looked up)")),
            ("2001:db8::1", Some("b\u{1b}[2J.example")),
            ("no address", None),
        ] {
            assert_eq!(value(&identity, About::HostName, address).as_deref(), expected, "{address}");
        }
        assert_eq!(before.value(b"203.0.113.1").as_deref(), Some("(not looked up)".as_bytes()));
    }

    #[test]
    fn a_damaged_database_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mmdb");
        let identity = Identity::new(Files { databases: vec![path.clone()], ..Files::default() });
        let error = identity.lookup(About::Country).unwrap_err().to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        std::fs::write(&path, b"not a database").unwrap();
        let error = identity.lookup(About::Country).unwrap_err().to_string();
        assert!(error.contains("a.mmdb: not a database in MaxMind format"), "{error}");
    }

    #[test]
    fn the_most_specific_service_of_an_aws_address_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ip-ranges.json");
        let json = r#"{"syncToken": "1", "createDate": "2026-11-01-00-00-00", "prefixes": [
            {"ip_prefix": "203.0.113.0/24", "region": "us-east-1", "service": "AMAZON", "network_border_group": "us-east-1"},
            {"ip_prefix": "203.0.113.0/25", "region": "us-east-1", "service": "EC2", "network_border_group": "us-east-1"},
            {"ip_prefix": "203.0.113.0/24", "region": "GLOBAL", "service": "CLOUDFRONT", "network_border_group": "GLOBAL"}
          ], "ipv6_prefixes": [
            {"ipv6_prefix": "2001:db8::/32", "region": "eu-west-1", "service": "AMAZON", "network_border_group": "eu-west-1"},
            {"ipv6_prefix": "2001:db8:1::/48", "region": "eu-west-1", "service": "EC2", "network_border_group": "eu-west-1"}
          ]}"#;
        std::fs::write(&path, json).unwrap();
        let identity = Identity::new(Files { folder: Some(folder.path().to_owned()), ..Files::default() });
        for (address, expected) in [
            ("203.0.113.7", Some("CLOUDFRONT GLOBAL")),
            ("2001:db8::1", Some("AMAZON eu-west-1")),
            ("2001:db8:1::1", Some("EC2 eu-west-1")),
            ("198.51.100.1", None),
        ] {
            assert_eq!(value(&identity, About::Aws, address).as_deref(), expected, "{address}");
        }
        std::fs::write(&path, "{\"prefixes\": [").unwrap();
        let files = Files { aws_ranges: Some(path), ..Files::default() };
        let error = Identity::new(files).lookup(About::Aws).unwrap_err().to_string();
        assert!(error.contains("ip-ranges.json: not the ip-ranges.json of AWS: "), "{error}");
    }
}
