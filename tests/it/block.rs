//! Block lists as a person writes them: `tamarin block`.

use serde_json::Value;

use crate::home::{Home, line, stderr};

const ANN: &str = "arn:aws:iam::123456789012:user/ann";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/etl/session-1";

/// A home with a bucket and its visitors.
fn home() -> Home {
    let home = Home::new();
    let get = |second, address: &str, requester| {
        line(second, address, requester, "REST.GET.OBJECT", "a", 200, "1000")
    };
    let log: String = [
        get(1, "198.18.7.8", "-"),
        get(2, "198.18.7.9", "-"),
        get(3, "198.18.7.12", "-"),
        get(4, "198.18.7.12", "-"),
        get(5, "45.0.0.1", ANN),
        get(6, "45.0.0.2", SESSION),
        get(7, "45.0.0.3", "svc:delivery.logs.amazonaws.com"),
        get(8, "2a00:1::7", "-"),
        get(9, "10.1.2.3", ANN),
    ]
    .concat();
    std::fs::remove_dir_all(home.path("logs")).unwrap();
    std::fs::create_dir(home.path("logs")).unwrap();
    std::fs::write(home.path("logs/2026-04-01-00-30-00-AAAA"), log).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    home
}

fn policy(home: &Home, values: &[&str]) -> Value {
    let text = home.succeeds(&[&["block", "--format", "policy"], values].concat());
    let policy = serde_json::from_str(&text).unwrap();
    assert_valid_policy(&policy);
    policy
}

/// The member of an object; panics if the object lacks it.
fn member<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or_else(|| panic!("{name} is missing in {value}"))
}

/// Every element of a value that may be one string or a list of them.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(texts) => {
            assert!(!texts.is_empty(), "an empty list is not allowed");
            texts.iter().map(|text| text.as_str().unwrap()).collect()
        }
        other => panic!("{other} is not a string or a list of strings"),
    }
}

fn assert_members(value: &Value, allowed: &[&str]) {
    for name in value.as_object().unwrap().keys() {
        assert!(allowed.contains(&name.as_str()), "{name} is not allowed here");
    }
}

/// Checks a resource-based policy against the grammar of the IAM JSON policy language:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>, and against what S3 requires.
fn assert_valid_policy(policy: &Value) {
    assert_members(policy, &["Version", "Id", "Statement"]);
    assert_eq!(member(policy, "Version"), "2012-10-17");
    let statements = member(policy, "Statement").as_array().unwrap();
    assert!(!statements.is_empty());
    let mut sids = Vec::new();
    for statement in statements {
        assert_members(statement, &["Sid", "Effect", "Principal", "Action", "Resource", "Condition"]);
        let sid = member(statement, "Sid").as_str().unwrap();
        assert!(!sid.is_empty() && sid.chars().all(|c| c.is_ascii_alphanumeric()), "{sid}");
        assert!(!sids.contains(&sid), "{sid} twice");
        sids.push(sid);
        assert_eq!(member(statement, "Effect"), "Deny");
        match member(statement, "Principal") {
            Value::String(all) => assert_eq!(all, "*"),
            Value::Object(map) => {
                assert_eq!(map.keys().collect::<Vec<_>>(), ["CanonicalUser"]);
                for id in strings(&map["CanonicalUser"]) {
                    assert!(id.len() == 64 && id.chars().all(|c| c.is_ascii_hexdigit()), "{id}");
                }
            }
            other => panic!("{other} is not a principal"),
        }
        for action in strings(member(statement, "Action")) {
            let name = action.strip_prefix("s3:").unwrap();
            assert!(
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '*'),
                "{action}"
            );
        }
        for resource in strings(member(statement, "Resource")) {
            assert!(resource.starts_with("arn:aws:s3:::acme-media"), "{resource}");
        }
        let Some(condition) = statement.get("Condition") else { continue };
        for (operator, keys) in condition.as_object().unwrap() {
            let check: fn(&str) -> bool = match operator.as_str() {
                "IpAddress" | "NotIpAddress" => {
                    |value| value.parse::<ipnet::IpNet>().is_ok_and(|network| network.trunc() == network)
                }
                "Bool" | "BoolIfExists" => |value| value == "true" || value == "false",
                "ArnLike" | "ArnNotLike" => {
                    |value| value.split(':').count() >= 6 && value.starts_with("arn:")
                }
                "StringLike" | "StringNotEqualsIfExists" => |value| !value.is_empty(),
                other => panic!("{other} is not an operator"),
            };
            let keys = keys.as_object().unwrap();
            assert!(!keys.is_empty());
            for (key, values) in keys {
                let known = [
                    "aws:SourceIp",
                    "aws:VpcSourceIp",
                    "aws:Referer",
                    "aws:PrincipalArn",
                    "aws:PrincipalAccount",
                    "aws:PrincipalIsAWSService",
                    "aws:ViaAWSService",
                ];
                assert!(known.contains(&key.as_str()), "{key}");
                assert!(strings(values).into_iter().all(check), "{operator} {key} {values}");
            }
        }
    }
}

fn statement<'p>(policy: &'p Value, sid: &str) -> &'p Value {
    let statements = member(policy, "Statement").as_array().unwrap();
    statements.iter().find(|statement| statement["Sid"] == sid).unwrap_or_else(|| panic!("{sid} in {policy}"))
}

#[test]
fn addresses_become_the_fewest_networks_without_other_addresses() {
    let home = home();
    assert_eq!(home.succeeds(&["block", "198.18.7.8", "198.18.7.9"]), "198.18.7.8/31\n");
    // No other address was seen between 8 and 12.
    assert_eq!(home.succeeds(&["block", "198.18.7.8", "198.18.7.9", "198.18.7.12"]), "198.18.7.8/29\n");
    assert_eq!(home.succeeds(&["block", "198.18.7.8", "198.18.7.12"]), "198.18.7.8/32\n198.18.7.12/32\n");
    let all = home.succeeds(&["block", "2a00:1::7", "198.18.7.9", "45.0.0.9", "45.0.1.9"]);
    assert_eq!(all, "45.0.0.9/32\n45.0.1.9/32\n198.18.7.9/32\n2a00:1::7/128\n");
    assert_eq!(home.succeeds(&["block", "45.0.4.9", "45.0.5.9", "--widest", "16"]), "45.0.4.0/23\n");
}

#[test]
fn a_network_names_the_other_clients_it_would_block_and_what_they_did() {
    let home = home();
    let output = home.run(&["block", "198.18.7.0/24", "198.18.7.8"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "198.18.7.0/24\n");
    let notes = stderr(&output);
    let expected = "198.18.7.0/24 also blocks 198.18.7.12: 2 requests, 1.95 KiB sent, 0 errors, mostly REST.GET.OBJECT, \
                    last seen 2026-04-01 00:00:04 UTC";
    assert!(notes.contains(expected), "{notes}");
    assert!(!notes.contains("blocks 198.18.7.8:"), "{notes}");
}

#[test]
fn a_policy_denies_addresses_but_not_services_of_aws_and_not_the_owner() {
    let home = home();
    let policy = policy(&home, &["198.18.7.8", "10.1.2.3", "--account", "123456789012"]);
    let addresses = statement(&policy, "TamarinBlockAddresses");
    assert_eq!(addresses["Condition"]["IpAddress"]["aws:SourceIp"][0], "198.18.7.8/32");
    // Anonymous requests do not have these keys.
    assert_eq!(addresses["Condition"]["BoolIfExists"]["aws:PrincipalIsAWSService"], "false");
    assert_eq!(addresses["Condition"]["BoolIfExists"]["aws:ViaAWSService"], "false");
    assert_eq!(addresses["Condition"]["StringNotEqualsIfExists"]["aws:PrincipalAccount"][0], "123456789012");
    assert_eq!(addresses["Resource"][1], "arn:aws:s3:::acme-media/*");
    assert!(
        strings(&addresses["Action"]).iter().all(|action| !action.contains("Policy") && *action != "s3:*")
    );
    let vpc = statement(&policy, "TamarinBlockVpcAddresses");
    assert_eq!(vpc["Condition"]["IpAddress"]["aws:VpcSourceIp"][0], "10.1.2.3/32");
}

#[test]
fn a_policy_denies_referers_users_roles_and_accounts() {
    let home = home();
    let other = "decade0000decade0000decade0000decade0000decade0000decade0000dec0";
    let policy = policy(&home, &["https://evil.example/page", ANN, "role/etl", other]);
    let referers =
        strings(&statement(&policy, "TamarinBlockReferers")["Condition"]["StringLike"]["aws:Referer"]);
    assert_eq!(referers, ["*://evil.example", "*://evil.example/*", "*://evil.example:*"]);
    let principals =
        strings(&statement(&policy, "TamarinBlockPrincipals")["Condition"]["ArnLike"]["aws:PrincipalArn"]);
    assert_eq!(
        principals,
        ["arn:aws:iam::123456789012:role/*/etl", "arn:aws:iam::123456789012:role/etl", ANN]
    );
    assert_eq!(statement(&policy, "TamarinBlockAccounts")["Principal"]["CanonicalUser"][0], other);
}

#[test]
fn a_policy_that_is_too_large_says_what_to_do() {
    let home = home();
    let addresses =
        |count: u32| (0..count).map(|n| format!("45.{}.{}.9", n / 200, n % 200)).collect::<Vec<_>>();
    let block = |count: u32, more: &[&str]| {
        let addresses = addresses(count);
        let values: Vec<&str> = addresses.iter().map(String::as_str).chain(more.iter().copied()).collect();
        [vec!["block", "--format", "policy"], values]
            .concat()
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let run = |arguments: &[String]| home.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    // The limit is that of the compact form.
    let output = run(&block(800, &[]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stdout.len() <= 20 * 1024);
    assert_valid_policy(&serde_json::from_slice(&output.stdout).unwrap());
    let output = run(&block(3000, &[]));
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("S3 allows 20480") && text.contains("--format waf"), "{text}");
    assert!(output.stdout.is_empty());
    assert_eq!(run(&block(3000, &["--widest", "14"])).status.code(), Some(0));
}

#[test]
fn aws_waf_has_a_set_for_each_version_of_ip() {
    let home = home();
    let text = home.succeeds(&["block", "198.18.7.8", "2a00:1::7", "10.1.2.3", "--format", "waf"]);
    let sets: Value = serde_json::from_str(&text).unwrap();
    let of = |version: &str| {
        let set = sets.as_array().unwrap().iter().find(|set| set["IPAddressVersion"] == version).unwrap();
        assert_members(set, &["Name", "Scope", "Description", "IPAddressVersion", "Addresses"]);
        assert!(["CLOUDFRONT", "REGIONAL"].contains(&set["Scope"].as_str().unwrap()));
        strings(&set["Addresses"]).iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("IPV4"), ["10.1.2.3/32", "198.18.7.8/32"]);
    assert_eq!(of("IPV6"), ["2a00:1::7/128"]);
    let text = home.fails_in_one_line(1, &["block", "0.0.0.0/0", "--format", "waf", "-q"]);
    assert!(text.contains("does not accept 0.0.0.0/0; block 0.0.0.0/1 and 128.0.0.0/1"), "{text}");
}

#[test]
fn nftables_has_sets_of_intervals() {
    let home = home();
    let text = home.succeeds(&["block", "198.18.7.8", "45.0.9.9", "2a00:1::7", "--format", "nft"]);
    let words: Vec<&str> =
        text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
    assert_eq!(
        words.join(" "),
        "table inet tamarin_block_list { set blocked_v4 { type ipv4_addr flags interval elements = { 45.0.9.9/32, \
         198.18.7.8/32 } } set blocked_v6 { type ipv6_addr flags interval elements = { 2a00:1::7/128 } } }"
    );
}

#[test]
fn doubtful_values_are_named() {
    let home = home();
    let notes = |values: &[&str]| stderr(&home.run(&[&["block"], values].concat()));
    let owner = "3f9c1e0d7a5b48c2966e1f0b7d3a5c84e2109fb6d8c74a3150e6b92f7d1c8a43";
    assert!(notes(&["127.0.0.1"]).contains("127.0.0.1/32 is loopback (127.0.0.0/8)"));
    assert!(notes(&["203.0.113.7"]).contains("203.0.113.7/32 is for documentation"));
    assert!(notes(&["10.1.2.3"]).contains("is private: requests through a VPC endpoint have it"));
    assert!(
        notes(&["45.0.0.3"]).contains("svc:delivery.logs.amazonaws.com, a service of AWS, sent 1 request")
    );
    assert!(
        notes(&["45.0.0.1", "--account", "123456789012"])
            .contains("user/ann of the bucket owner sent 1 request")
    );
    assert!(notes(&["45.0.0.1"]).contains("if account 123456789012 is yours"));
    assert!(notes(&["45.0.0.1", owner]).contains("is the bucket owner: left out"));
    assert!(notes(&["45.0.0.1", ANN]).contains("--format cidr is for addresses only: 1 requester\n"));
    assert!(!notes(&["45.0.0.1", SESSION]).contains("all sessions"));
    assert!(notes(&["--format", "policy", SESSION]).contains("all sessions"));
    assert!(!notes(&["--format", "policy", SESSION]).contains("at these addresses"));
    assert!(notes(&["45.0.0.1", "role/unknown"]).contains("role/unknown is not in the logs"));
    assert_eq!(notes(&["45.0.0.1", "-q"]), "");
    let text = home.fails_in_one_line(1, &["block", "svc:delivery.logs.amazonaws.com"]);
    assert!(text.contains("nothing to block: svc:delivery.logs.amazonaws.com is a service of AWS"), "{text}");
}

#[test]
fn a_list_is_written_to_a_new_file_only() {
    let home = home();
    assert_eq!(home.succeeds(&["block", "198.18.7.8", "--output", "list.txt", "-q"]), "");
    assert_eq!(std::fs::read_to_string(home.path("list.txt")).unwrap(), "198.18.7.8/32\n");
    let text = home.fails_in_one_line(1, &["block", "198.18.7.9", "--output", "list.txt"]);
    assert!(text.contains("list.txt: the file exists"), "{text}");
    assert_eq!(std::fs::read_to_string(home.path("list.txt")).unwrap(), "198.18.7.8/32\n");
}

#[test]
fn wrong_usage_of_block_says_what_is_expected() {
    let home = home();
    assert!(home.fails_in_one_line(2, &["block"]).contains("--from-findings"));
    assert!(home.fails_in_one_line(2, &["block", "word"]).contains("expected an address"));
    assert!(home.fails_in_one_line(2, &["block", "203.0.113.300"]).contains("not an address"));
    for account in ["12", ""] {
        let text = home.fails(2, &["block", "198.18.7.8", "--account", account]);
        assert!(text.contains("12 digits"), "{text}");
    }
    assert!(
        home.fails_in_one_line(2, &["block", "198.18.7.8", "--format", "csv"])
            .contains("policy, waf, nft or cidr")
    );
    let text = home.fails_in_one_line(2, &["report", "key", "--format", "nft"]);
    assert!(text.contains("for tamarin block") && text.contains("ndjson or markdown"), "{text}");
    assert!(
        home.fails_in_one_line(2, &["block", "198.18.7.8", "--since", "-1h"]).contains("--from-findings")
    );
    assert!(
        home.fails_in_one_line(1, &["block", ANN, "--format", "nft", "-q"]).contains("for addresses only")
    );
    // Logs of several buckets.
    let other =
        line(20, "198.18.7.8", "-", "REST.GET.OBJECT", "a", 200, "1").replace("acme-media ", "acme-web ");
    std::fs::write(home.path("logs/2026-04-01-00-40-00-BBBB"), other).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    let text = home.fails_in_one_line(1, &["block", "198.18.7.8", "--format", "policy", "-q"]);
    assert!(text.contains("acme-media, acme-web") && text.contains("--bucket NAME"), "{text}");
    let text = home.succeeds(&["block", "198.18.7.8", "--format", "policy", "--bucket", "acme-web", "-q"]);
    assert!(text.contains("arn:aws:s3:::acme-web/*"), "{text}");
}

#[test]
fn the_subjects_of_findings_are_blocked() {
    let home = Home::new();
    std::fs::remove_dir_all(home.path("logs")).unwrap();
    home.succeeds(&["demo", "--requests", "20000", "--out", "logs"]);
    home.succeeds(&["pull", "logs", "-q"]);
    let output = home.run(&["block", "--from-findings", "--bucket", "acme-media"]);
    match output.status.code() {
        Some(0) => {
            let list = String::from_utf8(output.stdout).unwrap();
            assert!(list.lines().all(|line| line.parse::<ipnet::IpNet>().is_ok()), "{list}");
        }
        _ => assert!(
            stderr(&output).contains("tamarin findings") || stderr(&output).contains("addresses only")
        ),
    }
}

#[test]
fn the_addresses_of_a_finding_about_a_network_were_called_other_clients() {
    let home = Home::new();
    std::fs::remove_dir_all(home.path("logs")).unwrap();
    home.succeeds(&["demo", "--requests", "20000", "--out", "logs", "-q"]);
    home.succeeds(&["pull", "logs", "-q"]);
    let output = home.run(&["block", "--from-findings"]);
    let (list, notes) = (String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output));
    // Six addresses guess keys, and no other one of their network is in the logs.
    assert!(list.contains("192.0.2.0/24"), "{list}");
    assert!(!notes.contains("also blocks 192.0.2."), "{notes}");
    let networks: Vec<ipnet::IpNet> = list.lines().map(|line| line.parse().unwrap()).collect();
    let addresses = home.rows(&["report", "remote_ip", "--filter", "ip:192.0.2.0/24"]);
    assert_eq!(addresses.len(), 6, "{addresses:#?}");
    assert!(!networks.is_empty());
    // A muted finding is not blocked.
    home.succeeds(&["findings", "mute", "key-guessing"]);
    let output = home.run(&["block", "--from-findings"]);
    let (list, notes) = (String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output));
    assert!(!list.contains("192.0.2.0/24") && notes.contains("1 muted finding left out"), "{list} {notes}");
}

#[test]
fn a_list_from_findings_needs_findings() {
    let home = home();
    let message = home.fails_in_one_line(1, &["block", "--from-findings"]);
    assert!(message.contains("there are no findings, so there is nothing to block"), "{message}");
    assert!(message.contains("name whom to block"), "{message}");
    // Values are blocked all the same.
    assert_eq!(home.succeeds(&["block", "198.18.7.8", "--from-findings"]), "198.18.7.8/32\n");
}

#[test]
fn notes_of_a_list_of_many_values_had_a_line_for_each() {
    let home = Home::new();
    let log: String = (0..300)
        .map(|at| line(at, &format!("198.51.100.{}", at % 250), "-", "REST.GET.OBJECT", "a", 200, "1"))
        .collect();
    std::fs::write(home.path("logs/2026-04-01-00-30-00-DDDD"), log).unwrap();
    home.succeeds(&["pull", "logs", "-q"]);
    let addresses: Vec<String> = (0..40).map(|at| format!("198.51.100.{}", at * 2)).collect();
    let users: Vec<String> = (0..40).map(|at| format!("role/nobody-{at}")).collect();
    let mut values = vec!["block", "198.51.100.192/26"];
    values.extend(addresses.iter().chain(&users).map(String::as_str));
    let notes = stderr(&home.run(&values));
    let about = |notes: &str, part: &str| notes.lines().filter(|line| line.contains(part)).count();
    assert_eq!(about(&notes, " is for documentation (198.51.100.0/24)"), 10, "{notes}");
    assert_eq!(
        about(&notes, "more of 41 networks that are not on the internet; tamarin block --all-notes"),
        1
    );
    assert_eq!(about(&notes, "30 more of 40 requesters that are left out"), 1, "{notes}");
    assert_eq!((about(&notes, " also blocks "), about(&notes, "the networks also block 48 other")), (10, 1));
    values.push("--all-notes");
    let notes = stderr(&home.run(&values));
    assert_eq!(about(&notes, " is for documentation (198.51.100.0/24)"), 41, "{notes}");
    assert_eq!((about(&notes, " also blocks "), about(&notes, "--all-notes")), (58, 0), "{notes}");
}

#[test]
fn invisible_characters_in_a_policy_were_not_escaped() {
    let home = home();
    let user = "arn:aws:iam::123456789012:user/evil\u{202e}";
    let text = home.succeeds(&["block", &format!("requester:{user}"), "--format", "policy", "-q"]);
    assert!(text.contains("user/evil\\u202e") && !text.contains('\u{202e}'), "{text}");
    let policy: Value = serde_json::from_str(&text).unwrap();
    assert!(policy.to_string().contains(user), "{policy}");
    // No host has such a name. The error shows what is wrong with it.
    let error = home.fails_in_one_line(2, &["block", "referer:evil\u{202e}.example"]);
    assert!(error.contains("\"referer:evil\\u{202e}.example\": expected the host"), "{error}");
}
