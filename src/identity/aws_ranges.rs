//! The address ranges of AWS: `ip-ranges.json`, described in the Amazon VPC User Guide, "AWS IP address ranges".

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::{Files, IdentityError};

/// Name of the file as AWS publishes it.
const FILE_NAME: &str = "ip-ranges.json";
/// Largest file that is read; that of AWS has about 2 MB.
const MAX_BYTES: u64 = 64 << 20;

#[derive(Deserialize)]
struct Document {
    prefixes: Vec<Prefix>,
    #[serde(default)]
    ipv6_prefixes: Vec<Prefix>,
}

#[derive(Deserialize)]
struct Prefix {
    #[serde(alias = "ip_prefix", alias = "ipv6_prefix")]
    prefix: IpNet,
    region: String,
    service: String,
}

/// The ranges with their services.
#[derive(Debug)]
pub struct AwsRanges {
    services: HashMap<IpNet, (u8, String)>,
    /// The lengths of the prefixes of IPv4 and of IPv6.
    lengths: [BTreeSet<u8>; 2],
}

/// How much a service says. The ranges of `AMAZON` contain those of all services, and many services are within `EC2`.
fn rank(service: &str) -> u8 {
    match service {
        "AMAZON" => 0,
        "EC2" => 1,
        _ => 2,
    }
}

impl AwsRanges {
    /// Reads the file that the user named, else `ip-ranges.json` in the folder.
    pub(super) fn find(files: &Files) -> Result<AwsRanges, IdentityError> {
        let missing = || IdentityError::NoAwsRanges { folder: files.folder.clone() };
        let path = match (&files.aws_ranges, &files.folder) {
            (Some(path), _) => path.clone(),
            (None, Some(folder)) => folder.join(FILE_NAME),
            (None, None) => return Err(missing()),
        };
        let unreadable = |reason| IdentityError::Unreadable { path: path.clone(), reason };
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && files.aws_ranges.is_none() => {
                return Err(missing());
            }
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let mut text = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut text).map_err(|error| unreadable(error.to_string()))?;
        let document: Document = serde_json::from_slice(&text)
            .map_err(|error| unreadable(format!("not the ip-ranges.json of AWS: {error}")))?;
        Ok(AwsRanges::new(document))
    }

    fn new(document: Document) -> AwsRanges {
        let mut ranges = AwsRanges { services: HashMap::new(), lengths: Default::default() };
        for prefix in document.prefixes.into_iter().chain(document.ipv6_prefixes) {
            let network = prefix.prefix.trunc();
            ranges.lengths[usize::from(network.addr().is_ipv6())].insert(network.prefix_len());
            let service = (rank(&prefix.service), format!("{} {}", prefix.service, prefix.region));
            match ranges.services.entry(network) {
                std::collections::hash_map::Entry::Occupied(mut known) => {
                    // Of two services with the same range, the order of the file does not matter.
                    if (known.get().0, &service.1) < (service.0, &known.get().1) {
                        known.insert(service);
                    }
                }
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(service);
                }
            }
        }
        ranges
    }

    /// The service and region of an address: the most specific service, of the smallest range.
    pub(super) fn service(&self, address: IpAddr) -> Option<String> {
        let lengths = &self.lengths[usize::from(address.is_ipv6())];
        let found = lengths.iter().filter_map(|length| {
            let network = IpNet::new(address, *length).ok()?.trunc();
            self.services.get(&network).map(|(rank, service)| (*rank, *length, service))
        });
        found.max().map(|(_, _, service)| service.clone())
    }
}
