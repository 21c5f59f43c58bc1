//! Merges addresses into the fewest networks that contain no other known address.

use std::net::IpAddr;

use ipnet::IpNet;

/// Merges networks into the fewest that contain none of the `others`, in ascending order. The result has no network wider
/// than `widest` (prefix lengths for IPv4 and IPv6) that is not among `targets`, and each is as narrow as its targets
/// allow. `others` are addresses outside of the targets.
pub fn merge(targets: &[IpNet], others: &[IpAddr], widest: (u8, u8)) -> Vec<IpNet> {
    // Neighbours are not joined here: the result may be wider than `widest`.
    let mut targets = targets.to_vec();
    targets.sort_unstable_by_key(|network| (network.network(), network.prefix_len()));
    targets.dedup_by(|inner, outer| outer.contains(&*inner));
    let mut others = others.to_vec();
    others.sort_unstable();
    let bits = |network: &IpNet| if network.addr().is_ipv4() { widest.0 } else { widest.1 };
    let within = |network: &IpNet| {
        let bits = bits(network).min(network.prefix_len());
        IpNet::new(network.network(), bits).map_or(*network, |network| network.trunc())
    };
    let mut merged = Vec::new();
    for group in targets.chunk_by(|one, next| within(one) == within(next)) {
        cover(group, &others, &mut merged);
    }
    merged.sort_unstable();
    merged
}

/// Adds the networks that cover sorted targets. In the tree of all networks this is optimal: a subtree with targets and
/// without others needs one network, any other subtree needs those of its halves.
fn cover(targets: &[IpNet], others: &[IpAddr], merged: &mut Vec<IpNet>) {
    let (Some(first), Some(last)) = (targets.first(), targets.last()) else { return };
    let whole = common(first, last);
    let from = others.partition_point(|other| *other < whole.network());
    let to = others.partition_point(|other| *other <= whole.broadcast());
    let others = &others[from..to];
    if targets.len() == 1 || others.is_empty() {
        merged.push(if targets.len() == 1 { *first } else { whole });
        return;
    }
    let half = IpNet::new(whole.network(), whole.prefix_len() + 1);
    let in_first_half = half.map_or(targets.len(), |half| targets.partition_point(|one| half.contains(one)));
    let (one, other) = targets.split_at(in_first_half);
    cover(one, others, merged);
    cover(other, others, merged);
}

/// The one of sorted networks that do not overlap that contains an address.
pub(super) fn network_of<'n>(networks: &'n [IpNet], address: &IpAddr) -> Option<&'n IpNet> {
    let after = networks.partition_point(|network| network.network() <= *address);
    after.checked_sub(1).and_then(|last| networks.get(last)).filter(|network| network.contains(address))
}

/// Whether one of sorted networks that do not overlap contains an address.
pub(super) fn contain(networks: &[IpNet], address: &IpAddr) -> bool {
    network_of(networks, address).is_some()
}

/// The narrowest network that contains two networks.
fn common(one: &IpNet, other: &IpNet) -> IpNet {
    let mut network = *one;
    while !network.contains(other) {
        match network.supernet() {
            Some(wider) => network = wider,
            None => break,
        }
    }
    network
}

/// Whether a network is part of a private range: its addresses are those of a VPC.
pub(super) fn is_private(network: IpNet) -> bool {
    let is = |range: &str| range.parse::<IpNet>().is_ok_and(|range| range.contains(&network));
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"].iter().any(|range| is(range))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn networks(text: &str) -> Vec<IpNet> {
        let network = |word: &str| word.parse().or_else(|_| word.parse::<IpAddr>().map(IpNet::from)).unwrap();
        text.split_whitespace().map(network).collect()
    }

    fn merged(targets: &str, others: &str) -> String {
        let others: Vec<IpAddr> = others.split_whitespace().map(|address| address.parse().unwrap()).collect();
        let merged = merge(&networks(targets), &others, (24, 48));
        merged.iter().map(IpNet::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn neighbours_of_one_network_become_one_network() {
        assert_eq!(merged("203.0.113.8 203.0.113.9", ""), "203.0.113.8/31");
        assert_eq!(merged("203.0.113.1 203.0.113.200", ""), "203.0.113.0/24");
        assert_eq!(merged("2001:db8::1 2001:db8::ffff", ""), "2001:db8::/112");
        // Not wider than a /24, and an address alone stays alone.
        assert_eq!(merged("203.0.112.1 203.0.113.1", ""), "203.0.112.1/32 203.0.113.1/32");
        assert_eq!(merged("203.0.113.7 2001:db8::1", ""), "203.0.113.7/32 2001:db8::1/128");
    }

    #[test]
    fn another_address_in_between_splits_a_network() {
        assert_eq!(
            merged("203.0.113.1 203.0.113.2 203.0.113.6 203.0.113.7", "203.0.113.4"),
            "203.0.113.0/30 203.0.113.6/31"
        );
        assert_eq!(merged("203.0.113.8 203.0.113.10", "203.0.113.9"), "203.0.113.8/32 203.0.113.10/32");
    }

    #[test]
    fn neighbours_were_joined_to_a_network_wider_than_the_widest() {
        let merged = |targets: &str, widest| {
            let merged = merge(&networks(targets), &[], widest);
            merged.iter().map(IpNet::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(merged("203.0.113.8 203.0.113.9", (32, 128)), "203.0.113.8/32 203.0.113.9/32");
        assert_eq!(merged("203.0.112.0/24 203.0.113.0/24", (24, 48)), "203.0.112.0/24 203.0.113.0/24");
        assert_eq!(merged("203.0.113.9 203.0.113.8/31 203.0.113.8", (32, 128)), "203.0.113.8/31");
    }

    #[test]
    fn networks_of_the_user_stay_whatever_is_in_them() {
        assert_eq!(merged("203.0.0.0/16 203.0.113.7", "198.51.100.1"), "203.0.0.0/16");
        assert_eq!(merged("203.0.113.0/28 203.0.113.16/28", "203.0.113.40"), "203.0.113.0/27");
    }

    /// The fewest networks that cover the targets, found by trying every network of the tree.
    fn fewest(network: IpNet, targets: &[IpAddr], others: &[IpAddr]) -> usize {
        let has = |list: &[IpAddr]| list.iter().any(|one| network.contains(one));
        if !has(targets) {
            return 0;
        }
        if !has(others) {
            return 1;
        }
        let halves = network.subnets(network.prefix_len() + 1).unwrap();
        halves.map(|half| fewest(half, targets, others)).sum()
    }

    proptest! {
        #[test]
        fn merged_networks_have_all_targets_no_other_address_and_are_the_fewest(
            targets in prop::collection::btree_set(any::<u8>(), 1..40),
            others in prop::collection::btree_set(any::<u8>(), 0..40),
        ) {
            let address = |byte: &u8| IpAddr::from([203, 0, 113, *byte]);
            let others: Vec<IpAddr> = others.difference(&targets).map(address).collect();
            let targets: Vec<IpAddr> = targets.iter().map(address).collect();
            let nets: Vec<IpNet> = targets.iter().copied().map(IpNet::from).collect();
            let merged = merge(&nets, &others, (24, 48));
            prop_assert!(targets.iter().all(|one| merged.iter().any(|net| net.contains(one))));
            prop_assert!(others.iter().all(|one| !merged.iter().any(|net| net.contains(one))));
            prop_assert_eq!(merged.len(), fewest("203.0.113.0/24".parse().unwrap(), &targets, &others));
            prop_assert!(merged.is_sorted());
        }
    }
}
