//! A table of nftables with a set of IPv4 networks and one of IPv6 networks, for `nft -f` (nft(8), "SETS"). It has no
//! rules: where packets are dropped is for the user to decide.

use ipnet::IpNet;

use super::Plan;

/// The table as text, with a line end.
pub(super) fn write(plan: &Plan) -> String {
    let mut text = "# Drop packets of these networks with a rule such as\n\
                    #   ip saddr @blocked_v4 drop; ip6 saddr @blocked_v6 drop\n\
                    table inet tamarin_block_list {\n"
        .to_owned();
    for (name, kind, is_v4) in [("blocked_v4", "ipv4_addr", true), ("blocked_v6", "ipv6_addr", false)] {
        text.push_str(&format!("    set {name} {{\n        type {kind}\n        flags interval\n"));
        let networks: Vec<IpNet> =
            plan.all_networks().filter(|network| network.addr().is_ipv4() == is_v4).collect();
        if !networks.is_empty() {
            let elements = networks.iter().map(IpNet::to_string).collect::<Vec<_>>().join(",\n            ");
            text.push_str(&format!("        elements = {{\n            {elements}\n        }}\n"));
        }
        text.push_str("    }\n");
    }
    text.push_str("}\n");
    text
}
