//! Databases of addresses in MaxMind format (`.mmdb`): GeoLite2, DB-IP, IPinfo and others.
//!
//! The format defines how records are stored, not what they contain, so the first records of a database show which fields
//! it has.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use maxminddb::{PathElement, Reader, WithinOptions, path};

use super::{About, Files, IdentityError};

/// Number of records that are read to find out which fields a database has. The first networks often have none.
const RECORDS_TO_PROBE: usize = 1000;
/// Fields with the owner of an autonomous system.
const OWNERS: &[&str] =
    &["autonomous_system_organization", "as_name", "as_organization", "organization", "name", "org"];

/// A database, and the fields where it has countries or autonomous systems.
#[derive(Debug)]
pub struct Database {
    reader: Reader<Vec<u8>>,
    country: Option<CountryField>,
    asn: Option<AsnField>,
}

/// Where a record has the code of the country.
#[derive(Clone, Copy, Debug)]
enum CountryField {
    /// `country.iso_code`, else `registered_country.iso_code`: MaxMind, DB-IP.
    IsoCode,
    /// `country_code`: IPinfo Lite.
    CountryCode,
    /// `country` is the code: IPinfo.
    Country,
}

/// Where a record has the number of the autonomous system.
#[derive(Clone, Copy, Debug)]
enum AsnField {
    /// `autonomous_system_number`, a number: MaxMind, DB-IP.
    Number,
    /// `asn`, a text such as `AS3320`: IPinfo.
    Text,
}

type Record<'r> = maxminddb::LookupResult<'r, Vec<u8>>;

impl Database {
    /// The first database that has what is asked for: of those that the user named, else of those in the folder, the
    /// smallest first. `name` is the name of the dimension, for errors.
    pub(super) fn find(files: &Files, about: About, name: &'static str) -> Result<Database, IdentityError> {
        let is_named = !files.databases.is_empty();
        let paths = if is_named { files.databases.clone() } else { databases_in(files.folder.as_deref()) };
        if paths.is_empty() {
            return Err(IdentityError::NoDatabase { about, name, folder: files.folder.clone() });
        }
        let mut unreadable = None;
        for path in &paths {
            match Database::open(path) {
                Ok(database) if database.has(about) => return Ok(database),
                Ok(_) => {}
                Err(error) if is_named => return Err(error),
                Err(error) => unreadable = Some(error),
            }
        }
        let found: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        Err(unreadable.unwrap_or(IdentityError::NotInDatabases { about, name, found: found.join(", ") }))
    }

    fn open(path: &Path) -> Result<Database, IdentityError> {
        let unreadable = |reason| IdentityError::Unreadable { path: path.to_owned(), reason };
        let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        let reader = Reader::from_source(bytes)
            .map_err(|error| unreadable(format!("not a database in MaxMind format: {error}")))?;
        let mut database = Database { reader, country: None, asn: None };
        (database.country, database.asn) = database.probe();
        Ok(database)
    }

    /// Finds the fields in the first records.
    fn probe(&self) -> (Option<CountryField>, Option<AsnField>) {
        let (mut country, mut asn) = (None, None);
        let Ok(records) = self.reader.networks(WithinOptions::default().skip_empty_values()) else {
            return (None, None);
        };
        for record in records.take(RECORDS_TO_PROBE).flatten() {
            let text = |field| text_at(&record, &[PathElement::Key(field)]);
            if country.is_none() {
                country = if text_at(&record, &path!["country", "iso_code"]).is_some()
                    || text_at(&record, &path!["registered_country", "iso_code"]).is_some()
                {
                    Some(CountryField::IsoCode)
                } else if text("country_code").is_some() {
                    Some(CountryField::CountryCode)
                } else {
                    text("country").filter(|code| code.len() == 2).map(|_| CountryField::Country)
                };
            }
            if asn.is_none() {
                asn = if number_at(&record, "autonomous_system_number").is_some() {
                    Some(AsnField::Number)
                } else {
                    text("asn").map(|_| AsnField::Text)
                };
            }
            if country.is_some() && asn.is_some() {
                break;
            }
        }
        (country, asn)
    }

    fn has(&self, about: About) -> bool {
        match about {
            About::Country => self.country.is_some(),
            About::Asn => self.asn.is_some(),
            About::Aws | About::HostName => false,
        }
    }

    /// The code of the country of an address.
    pub(super) fn country(&self, address: IpAddr) -> Option<String> {
        let record = self.record(address)?;
        let code = match self.country? {
            CountryField::IsoCode => text_at(&record, &path!["country", "iso_code"])
                .or_else(|| text_at(&record, &path!["registered_country", "iso_code"])),
            CountryField::CountryCode => text_at(&record, &path!["country_code"]),
            CountryField::Country => text_at(&record, &path!["country"]),
        };
        code.map(str::to_owned)
    }

    /// Number and owner of the autonomous system of an address: `AS3320 Deutsche Telekom AG`.
    pub(super) fn asn(&self, address: IpAddr) -> Option<String> {
        let record = self.record(address)?;
        let number = match self.asn? {
            AsnField::Number => format!("AS{}", number_at(&record, "autonomous_system_number")?),
            AsnField::Text => text_at(&record, &path!["asn"])?.to_owned(),
        };
        let owner = OWNERS.iter().find_map(|field| text_at(&record, &[PathElement::Key(field)]));
        Some(match owner {
            Some(owner) => format!("{number} {owner}"),
            None => number,
        })
    }

    fn record(&self, address: IpAddr) -> Option<Record<'_>> {
        // A database of IPv4 addresses fails for others.
        self.reader.lookup(address).ok()
    }
}

/// A text that is not empty. A field of another type is no text.
fn text_at<'r>(record: &Record<'r>, path: &[PathElement<'_>]) -> Option<&'r str> {
    record.decode_path::<&str>(path).ok().flatten().filter(|text| !text.is_empty())
}

fn number_at(record: &Record<'_>, field: &str) -> Option<u32> {
    record.decode_path::<u32>(&[PathElement::Key(field)]).ok().flatten()
}

/// The databases in a folder, the smallest first: a database of countries has them without the rest of one of cities.
fn databases_in(folder: Option<&Path>) -> Vec<PathBuf> {
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    let mut found: Vec<(u64, PathBuf)> = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mmdb")))
        .filter_map(|path| {
            Some((std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?.len(), path))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}
