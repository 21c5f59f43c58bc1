//! AWS WAF IP sets: an array with a set for IPv4 and one for IPv6, each the input of `aws wafv2 create-ip-set`
//! (<https://docs.aws.amazon.com/waf/latest/APIReference/API_CreateIPSet.html>).

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{BlockError, Plan};
use crate::human::count;

/// The largest number of networks in a set.
const MAX_NETWORKS: usize = 10_000;

/// The sets as text, with a line end.
pub(super) fn write(plan: &Plan) -> Result<String, BlockError> {
    let all: Vec<IpNet> = plan.all_networks().collect();
    if let Some(everything) = all.iter().find(|network| network.prefix_len() == 0) {
        return Err(BlockError::Waf(format!(
            "AWS WAF does not accept {everything}; block {}",
            halves(*everything)
        )));
    }
    let mut sets: Vec<Value> = Vec::new();
    let (v4, v6): (Vec<IpNet>, Vec<IpNet>) = all.iter().partition(|network| network.addr().is_ipv4());
    for (version, networks) in [("IPV4", v4), ("IPV6", v6)] {
        if networks.len() > MAX_NETWORKS {
            return Err(BlockError::Waf(format!(
                "{} {version} networks, and AWS WAF allows {} in a set: merge them with --widest 16, or block fewer",
                count(networks.len() as u64),
                count(MAX_NETWORKS as u64)
            )));
        }
        if !networks.is_empty() {
            sets.push(json!({
                "Name": format!("tamarin-block-list-{}", version.to_lowercase()),
                "Scope": "CLOUDFRONT",
                "Description": "Addresses to block, found in S3 access logs",
                "IPAddressVersion": version,
                "Addresses": networks.iter().map(IpNet::to_string).collect::<Vec<_>>(),
            }));
        }
    }
    Ok(format!("{:#}\n", Value::Array(sets)))
}

fn halves(network: IpNet) -> String {
    let halves = network.subnets(1).into_iter().flatten();
    halves.map(|half| half.to_string()).collect::<Vec<_>>().join(" and ")
}
