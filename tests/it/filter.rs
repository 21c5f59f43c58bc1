//! The filter language: what texts mean, which texts are errors, and that a printed filter parses to itself.

use proptest::prelude::*;
use tamarin::log::{FIELDS, Field};
use tamarin::query::filter::{HELP, Subject, Test, is_invisible};
use tamarin::query::{Dimension, Filter, Value};

use crate::support::cases;

/// 2026-04-17T12:00:00Z.
const NOW: i64 = 1_776_427_200;
/// 2026-04-01T00:00:00Z.
const APRIL: i64 = 1_775_001_600;
const DAY: i64 = tamarin::log::time::SECONDS_PER_DAY;

fn parse(text: &str) -> Filter {
    Filter::parse(text, NOW).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> String {
    match Filter::parse(text, NOW) {
        Err(error) => error.to_string(),
        Ok(filter) => panic!("{text} is parsed as {filter:?}"),
    }
}

fn field(field: Field, test: Test) -> Filter {
    Filter::Term(Subject::Field(field), test)
}

fn equals(text: &str) -> Test {
    Test::Equals(text.into())
}

fn range(from: i64, to: i64) -> Test {
    Test::Range(Some(from), Some(to))
}

fn status(code: i64) -> Filter {
    field(Field::HttpStatus, range(code, code))
}

#[test]
fn adjacent_terms_are_all_required() {
    assert_eq!(parse("status:403 key:a"), Filter::All(vec![status(403), field(Field::Key, equals("a"))]));
    assert_eq!(parse("status:403 AND key:a"), parse("status:403 key:a"));
    assert!(parse("  ").is_everything());
    assert!(parse("()").is_everything());
}

#[test]
fn or_has_lower_precedence_than_adjacency() {
    let b_and_c = Filter::All(vec![status(403), status(404)]);
    assert_eq!(parse("status:500 or status:403 status:404"), Filter::Any(vec![status(500), b_and_c]));
    assert_eq!(
        parse("(status:403 OR status:404) key:a"),
        Filter::All(vec![Filter::Any(vec![status(403), status(404)]), field(Field::Key, equals("a"))])
    );
}

#[test]
fn a_minus_or_not_negates() {
    for text in ["-status:403", "not status:403", "NOT(status:403)", "-(status:403)", "---status:403"] {
        assert_eq!(parse(text), Filter::Not(Box::new(status(403))), "{text}");
    }
    assert_eq!(parse("--status:403"), status(403));
    assert_eq!(parse("-(a b)").negated(), parse("a b"));
    assert_eq!(parse("-ua~bot"), field(Field::UserAgent, Test::Regex("bot".into())).negated());
}

#[test]
fn a_list_of_values_means_any_of_them() {
    assert_eq!(parse("status:403,404"), Filter::Any(vec![status(403), status(404)]));
    assert_eq!(parse("key:\"a,b\""), field(Field::Key, equals("a,b")));
    assert_eq!(
        parse("requester:-,AmazonS3"),
        Filter::Any(vec![
            field(Field::Requester, Test::Absent),
            field(Field::Requester, Test::PathPart("AmazonS3".into()))
        ])
    );
    assert!(error("status:403,").starts_with("column 12: "));
}

#[test]
fn a_status_is_a_number_a_class_or_a_range() {
    assert_eq!(parse("status:404"), status(404));
    assert_eq!(parse("http_status:\"404\""), status(404));
    assert_eq!(parse("status:4xx"), field(Field::HttpStatus, range(400, 499)));
    assert_eq!(parse("status:400..403"), field(Field::HttpStatus, range(400, 403)));
    assert_eq!(parse("status>=500"), field(Field::HttpStatus, Test::Range(Some(500), None)));
    assert_eq!(parse("status>500"), field(Field::HttpStatus, Test::Range(Some(501), None)));
    assert_eq!(parse("status<500"), field(Field::HttpStatus, Test::Range(None, Some(499))));
    assert_eq!(parse("status=404"), status(404));
    assert_eq!(parse("status:-"), field(Field::HttpStatus, Test::Absent));
}

#[test]
fn measures_have_sizes_and_durations() {
    assert_eq!(parse("bytes>10MB"), field(Field::BytesSent, Test::Range(Some(10_000_001), None)));
    assert_eq!(parse("size:1KiB..1MiB"), field(Field::ObjectSize, range(1 << 10, 1 << 20)));
    assert_eq!(parse("size:..1k"), field(Field::ObjectSize, Test::Range(None, Some(1000))));
    assert_eq!(parse("total_time>=2s"), field(Field::TotalTime, Test::Range(Some(2000), None)));
    assert_eq!(parse("tat:500ms"), field(Field::TurnAroundTime, range(500, 500)));
}

#[test]
fn an_ip_is_an_address_a_network_or_a_pattern() {
    let ip = |test| field(Field::RemoteIp, test);
    assert_eq!(parse("ip:203.0.113.7"), ip(equals("203.0.113.7")));
    assert_eq!(parse("ip:203.0.113.9/24"), ip(Test::Network("203.0.113.0/24".parse().unwrap())));
    assert_eq!(parse("ip:2001:db8::/32"), ip(Test::Network("2001:db8::/32".parse().unwrap())));
    assert_eq!(parse("ip:2001:DB8:0::1"), ip(Test::Network("2001:db8::1/128".parse().unwrap())));
    assert_eq!(parse("ip:::ffff:203.0.113.7"), ip(equals("203.0.113.7")));
    assert_eq!(parse("ip:203.0.113.*"), ip(Test::Glob("203.0.113.*".into())));
    assert_eq!(parse("ip:-"), ip(Test::Absent));
    assert_eq!(parse("203.0.113.0/24"), parse("ip:203.0.113.0/24"));
    assert!(error("ip:203.0.113").contains("expected an address, a network such as"));
}

#[test]
fn a_key_is_exact_a_pattern_or_a_regular_expression() {
    let key = |test| field(Field::Key, test);
    assert_eq!(parse("key:media/*.mp4"), key(Test::Glob("media/*.mp4".into())));
    assert_eq!(parse("key:\"a*b\""), key(equals("a*b")));
    assert_eq!(parse("key=a*b"), key(equals("a*b")));
    assert_eq!(parse(r#"key~"^a/.*\.mp4$""#), key(Test::Regex(r"^a/.*\.mp4$".into())));
    assert_eq!(parse(r"(key~^(a|b)[)]\)$)"), key(Test::Regex(r"^(a|b)[)]\)$".into())));
    assert_eq!(parse(r#"key:"a \"b\" \\ \x00\xff""#), key(Test::Equals(b"a \"b\" \\ \x00\xff".to_vec())));
    assert_eq!(parse(r#"key:media/"my * file"*"#), key(Test::Glob("media/my [*] file*".into())));
    assert_eq!(parse("key:a(1).txt"), key(equals("a(1).txt")));
    assert_eq!(parse("key*=Invoice"), key(Test::Contains("Invoice".into())));
    assert_eq!(parse("key:*"), key(Test::Glob("*".into())));
    assert_eq!(parse("key:\"-\""), key(equals("-")));
    assert_eq!(parse("key:\"\""), key(equals("")));
}

#[test]
fn a_requester_is_a_role_a_user_or_a_whole_value() {
    let requester = |test| field(Field::Requester, test);
    assert_eq!(parse("requester:role/etl"), requester(Test::PathPart("role/etl".into())));
    assert_eq!(parse("user:ann@example.com"), requester(Test::PathPart("ann@example.com".into())));
    assert_eq!(parse("requester:svc:example"), requester(equals("svc:example")));
    let id = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
    assert_eq!(parse(&format!("requester:{id}")), requester(equals(id)));
    assert_eq!(parse("requester:-"), requester(Test::Absent));
    assert_eq!(parse("requester:role/etl-*"), requester(Test::Glob("*role/etl-*".into())));
    assert_eq!(parse("requester=AmazonS3"), requester(equals("AmazonS3")));
}

#[test]
fn an_operation_is_a_method_or_a_whole_value() {
    let method = Filter::Term(Subject::Derived(Dimension::Method), equals("GET"));
    assert_eq!(parse("op:GET"), method);
    assert_eq!(parse("op:get"), method);
    assert_eq!(parse("method:get"), method);
    assert_eq!(parse("op:REST.GET.OBJECT"), field(Field::Operation, equals("REST.GET.OBJECT")));
    assert_eq!(parse("op:REST.GET.*"), field(Field::Operation, Test::Glob("REST.GET.*".into())));
}

#[test]
fn derived_dimensions_can_be_filtered_by() {
    let derived = |dimension, test| Filter::Term(Subject::Derived(dimension), test);
    assert_eq!(
        parse("network/16:10.1.2.3"),
        derived(Dimension::Network { v4: 16, v6: 48 }, equals("10.1.0.0/16"))
    );
    assert_eq!(
        parse("network:10.0.0.0/8"),
        derived(Dimension::NETWORK, Test::Network("10.0.0.0/8".parse().unwrap()))
    );
    assert_eq!(parse("prefix:media"), derived(Dimension::Prefix { depth: 1 }, equals("media/")));
    assert_eq!(parse("prefix:media/2026/"), derived(Dimension::Prefix { depth: 2 }, equals("media/2026/")));
    assert_eq!(parse("extension:.MP4"), derived(Dimension::Extension, equals("mp4")));
    assert_eq!(parse("status_class:4XX"), derived(Dimension::StatusClass, equals("4xx")));
    assert_eq!(parse("hour_of_day:22.."), derived(Dimension::HourOfDay, Test::Range(Some(22), None)));
    assert_eq!(parse("weekday:sat..sun"), derived(Dimension::Weekday, range(6, 7)));
    assert_eq!(parse("role:role/etl"), derived(Dimension::Role, equals("role/etl")));
}

#[test]
fn the_name_of_a_query_parameter_follows_a_colon() {
    let param = |name: &str, test| {
        Filter::Term(Subject::Derived(Dimension::QueryParam { name: name.to_owned() }), test)
    };
    for text in ["query_param:x-user=ann", "query_param:x-user:ann", "PARAM:x-user:ann"] {
        assert_eq!(parse(text), param("x-user", equals("ann")), "{text}");
    }
    assert_eq!(parse("query_param:x-user:ann,bob").to_string(), "query_param:x-user:ann,bob");
    assert_eq!(parse("query_param:x-user~^a"), param("x-user", Test::Regex("^a".into())));
    assert_eq!(parse("query_param:x-user*=AN"), param("x-user", Test::Contains("AN".into())));
    assert_eq!(parse("-query_param:X-User:-"), param("X-User", Test::Absent).negated());
    // The name alone: the parameter is present.
    assert_eq!(parse("(query_param:x-user)"), param("x-user", Test::Glob("*".into())));
    assert_eq!(parse("query_param:\"a b\"=c"), param("a b", equals("c")));
    assert_eq!(parse("query_param:\"a b\"=c").to_string(), "query_param:\"a b\":c");
    assert_eq!(format!("{:#}", parse("query_param:x-user=ann")), "param:x-user:ann");
    for (text, expected) in [
        ("query_param:=ann", "column 13: expected the name of a query parameter"),
        ("query_param=ann", "column 1: expected the name of a query parameter"),
        ("query_param:x-user[0]=a", "column 19: expected an operator after the name of the parameter"),
        ("query_param:x-user>3", "is text; only numbers and times can be compared"),
        ("query_param:x-user=", "column 20: expected a value"),
    ] {
        assert!(error(text).contains(expected), "{text}: {}", error(text));
    }
}

#[test]
fn a_time_is_a_date_a_time_of_day_or_relative() {
    let time = |test| field(Field::Time, test);
    assert_eq!(parse("time:2026-04-01"), time(range(APRIL, APRIL + DAY - 1)));
    assert_eq!(parse("time:2026-04-01..2026-04-03"), time(range(APRIL, APRIL + 3 * DAY - 1)));
    assert_eq!(
        parse("time:2026-04-01T03:00..2026-04-01T04:00"),
        time(range(APRIL + 3 * 3600, APRIL + 4 * 3600))
    );
    assert_eq!(parse("time:-6h"), time(Test::Range(Some(NOW - 6 * 3600), None)));
    assert_eq!(parse("time:-2d..-1d"), time(range(NOW - 2 * DAY, NOW - DAY)));
    assert_eq!(parse("time>=2026-04-01"), time(Test::Range(Some(APRIL), None)));
    assert_eq!(parse("time>2026-04-01"), time(Test::Range(Some(APRIL + DAY), None)));
    assert_eq!(parse("time<2026-04-01"), time(Test::Range(None, Some(APRIL - 1))));
    assert_eq!(parse("time<=2026-04-01"), time(Test::Range(None, Some(APRIL + DAY - 1))));
    assert_eq!(parse("time>-6h"), time(Test::Range(Some(NOW - 6 * 3600 + 1), None)));
}

#[test]
fn a_word_without_a_field_is_searched_in_several_fields() {
    let word = |text: &str| Filter::Term(Subject::Anywhere, Test::Contains(text.into()));
    assert_eq!(parse("googlebot"), word("googlebot"));
    assert_eq!(parse("\"two words\""), word("two words"));
    assert_eq!(parse("\"or\""), word("or"));
    assert_eq!(parse("order"), word("order"));
    assert_eq!(parse("2001:db8::1"), word("2001:db8::1"));
    assert_eq!(parse("/a/b"), word("/a/b"));
    assert_eq!(parse("*.mp4"), Filter::Term(Subject::Anywhere, Test::Glob("*.mp4".into())));
    assert_eq!(parse("any~bot"), Filter::Term(Subject::Anywhere, Test::Regex("bot".into())));
}

#[test]
fn an_error_names_the_column_and_what_was_expected() {
    assert!(error("status:403 ä foo:1").starts_with("column 14: unknown field \"foo\"; "));
    assert!(error("statsu:403").contains("did you mean \"status\"?"));
    assert!(error("key>5").contains("only numbers and times can be compared: time, http_status, bytes_sent"));
    assert_eq!(error("status:abc"), "column 8: expected a number such as 404, not \"abc\"");
    assert!(error("(status:403").contains("column 1: \"(\" is never closed"));
    assert!(error("status:403)").contains("column 11: \")\" without a \"(\""));
    assert!(error("key:\"abc").contains("column 5: the quotes are never closed"));
    assert!(error("key: abc").contains("column 5: expected a value directly after"));
    assert!(error("a or").contains("column 5: expected a term"));
    assert!(error("or a").contains("column 1: expected a term"));
    assert!(error("a and").contains("column 6: expected a term"));
    assert!(error("not").contains("column 4: expected a term after \"not\""));
    assert!(error("- a").contains("column 1: expected a term directly after \"-\""));
    assert!(error("x key~a(b").contains("column 7: invalid regular expression: unclosed group"));
    assert!(error("status:500..400").contains("ends before it begins"));
    for (filter, expected) in [
        ("hour_of_day:99", "column 13: hour_of_day is a number from 0 to 23: no request matches"),
        ("hour_of_day>23", "column 13: hour_of_day is a number from 0 to 23: no request matches"),
        ("hour_of_day:20..24", "column 13: hour_of_day is a number from 0 to 23: no request matches"),
        ("weekday:9", "column 9: weekday is a number from 1 to 7: no request matches"),
        ("weekday:0", "column 9: weekday is a number from 1 to 7: no request matches"),
        ("status:99", "column 8: http_status is a number from 100 to 999: no request matches"),
        ("status>999", "column 8: http_status is a number from 100 to 999: no request matches"),
    ] {
        assert_eq!(error(filter), expected, "{filter}");
    }
    assert!(Filter::parse("status>0", NOW).is_ok());
    assert!(error("time:yesteryear").contains("2026-04-01"));
    assert!(error("time~2026").contains("time is not text"));
    assert!(error("bytes>99999999TB").contains("too large"));
    assert!(error("key:[z-a]").starts_with("column 5: "));
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    for deep in ["(".repeat(100_000), "-".repeat(100_000) + "a", "not ".repeat(100_000) + "a"] {
        assert!(error(&deep).contains("nested deeper than 100 levels"));
    }
    let fair = "(-".repeat(40) + "a" + &")".repeat(40);
    assert_eq!(parse(&fair), parse("a"));
}

#[test]
fn filters_are_printed_in_their_simplest_form() {
    for (text, printed) in [
        ("ip:203.0.113.0/24 status:4xx", "remote_ip:203.0.113.0/24 http_status:4xx"),
        ("bytes>10MB", "bytes_sent>10MB"),
        ("op:GET,PUT", "method:GET,PUT"),
        ("(status:403 or key:a) -b", "(http_status:403 or key:a) -b"),
        ("time:2026-04-01..2026-04-03", "time:2026-04-01..2026-04-03"),
        ("time:2026-04-01", "time:2026-04-01"),
        ("time:-6h", "time>=2026-04-17T06:00"),
        ("ip:2001:db8::1", "remote_ip:2001:db8::1"),
        ("key:\"my file\"", "key:\"my file\""),
        ("key:\"\\x1b[2J\"", "key:\"\\u{1b}[2J\""),
        ("key:a\\u{202e}\\xff", "key:\"a\\u{202e}\\xff\""),
        ("key~\"a\u{202e}b\"", "key~\"a\\\\u{202e}b\""),
        ("prefix:media", "prefix:media/"),
        ("", ""),
        ("-()", "-()"),
    ] {
        assert_eq!(parse(text).to_string(), printed);
    }
    assert_eq!(format!("{:#}", parse("remote_ip:203.0.113.7 key:a")), "ip:203.0.113.7 key:a");
}

#[test]
fn every_example_of_the_documentation_is_valid() {
    let mut count = 0;
    let mut is_example = false;
    for line in HELP.lines() {
        if line.starts_with("```") {
            is_example = line == "```filter";
        } else if is_example && !line.trim().is_empty() {
            let text = line.split("  ").next().unwrap_or(line);
            let filter = parse(text);
            assert_eq!(parse(&filter.to_string()), filter, "{text}");
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn the_documentation_lists_every_field() {
    for spec in &FIELDS {
        let aliases: Vec<String> = spec.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let row = format!("| `{}` | {} | {} |", spec.name, aliases.join(", "), spec.about);
        assert!(HELP.contains(&row), "{row}");
    }
}

#[test]
fn any_white_space_separates_terms() {
    assert_eq!(parse("status:403\u{a0}status:404\u{3000}"), parse("status:403 status:404"));
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Absent),
        (0..1000_i64).prop_map(Value::Integer),
        any::<i64>().prop_map(Value::Integer),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| Value::Text(bytes.into())),
        "\\PC{0,12}".prop_map(|text| Value::from(text.as_str())),
        "[a-zA-Z0-9:./*?\\[\\]\"\\\\()~=<>, -]{0,16}".prop_map(|text| Value::from(text.as_str())),
        "[0-9a-f]{64}".prop_map(|text| Value::from(text.as_str())),
        any::<std::net::IpAddr>().prop_map(|address| Value::from(address.to_string().as_str())),
        any::<u32>()
            .prop_map(|bits| Value::from(format!("{}/24", std::net::Ipv4Addr::from(bits & !255)).as_str())),
    ]
}

#[test]
fn operators_of_other_languages_are_understood() {
    for (text, meant) in [
        ("status!=403", "-status:403"),
        ("status!=403,404", "-status:403,404"),
        ("status!=4xx", "-status:4xx"),
        ("op!=GET", "-op:GET"),
        ("requester!=-", "-requester:-"),
        ("key!:a/*", "-key:a/*"),
        ("ua!~bot", "-ua~bot"),
        ("ua=~bot", "ua~bot"),
        ("key==a*b", "key=a*b"),
        ("param:x-user!=ann", "-param:x-user:ann"),
        ("!status:403", "-status:403"),
        ("!(status:403 || status:404)", "-(status:403 or status:404)"),
        ("!param:x-user", "-param:x-user"),
        ("status:403 && op:GET", "status:403 op:GET"),
        ("status:403 &&op:GET", "status:403 op:GET"),
        ("status:403 || op:GET && ip:192.0.2.1", "status:403 or op:GET ip:192.0.2.1"),
    ] {
        assert_eq!(parse(text), parse(meant), "{text}");
    }
    // A word may begin with "!", a quoted value may contain "&&".
    assert_eq!(parse("!important"), parse("\"!important\""));
    assert_eq!(parse("key:\"a&&b\""), field(Field::Key, equals("a&&b")));
}

#[test]
fn an_operator_that_would_be_searched_as_text_is_an_error_at_its_column() {
    for (text, column) in [
        ("status:403 &&", 14),
        ("&& status:403", 1),
        ("key:a&&op:GET", 6),
        ("key:a|| op:GET", 6),
        ("ua~bot&& op:GET", 7),
        ("status:403 & op:GET", 12),
        ("status:403 | op:GET", 12),
        ("status = 403", 8),
        ("ä status >= 500", 10),
        ("status != 403", 8),
        ("! status:403", 1),
        ("x = y", 3),
    ] {
        let error = error(text);
        assert!(error.starts_with(&format!("column {column}: ")), "{text}: {error}");
        assert!(error.contains("expected"), "{text}: {error}");
    }
}

#[test]
fn a_time_of_day_may_follow_its_date_after_a_space() {
    for (text, meant) in [
        ("time:2026-04-09 12:00", "time:2026-04-09T12:00"),
        ("time:2026-04-09 12:00:05Z status:403", "time:2026-04-09T12:00:05Z status:403"),
        ("time>=2026-04-09 12:00", "time>=2026-04-09T12:00"),
        ("time=2026-04-09 12:00", "time=2026-04-09T12:00"),
        ("time!=2026-04-09 12:00", "-time:2026-04-09T12:00"),
        ("time:2026-04-09 12:00..2026-04-09 18:00", "time:2026-04-09T12:00..2026-04-09T18:00"),
        ("time:2026-04-08..2026-04-09 18:00", "time:2026-04-08..2026-04-09T18:00"),
        ("time:2026-04-08 12:00,2026-04-09 18:00", "time:2026-04-08T12:00,2026-04-09T18:00"),
    ] {
        assert_eq!(parse(text), parse(meant), "{text}");
    }
    assert!(error("time:2026-04-09 3:00").starts_with("column 6: "));
    for (text, column) in [("time:yesterday 12:00", 16), ("time:-2d 12:00", 10), ("time:2026-04 12:00", 14)] {
        let error = error(text);
        assert!(
            error.starts_with(&format!("column {column}: a time of day needs a date")),
            "{text}: {error}"
        );
    }
    // The value of another field ends at the space.
    assert_eq!(parse("key:2026-04-09 12:00"), parse("key:2026-04-09 \"12:00\""));
}

fn any_dimension() -> impl Strategy<Value = Dimension> {
    let mut all = Dimension::all();
    all.extend([
        Dimension::Prefix { depth: 3 },
        Dimension::Path { depth: 2 },
        Dimension::Network { v4: 16, v6: 48 },
    ]);
    let names = ["x-user", "X-Amz-Date", "a b", "ä.1", "x:=\"(,", "\u{1b}["];
    all.extend(names.map(|name| Dimension::QueryParam { name: name.to_owned() }));
    prop::sample::select(all)
}

fn any_subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        any_dimension().prop_map(|dimension| match dimension {
            Dimension::Field(field) => Subject::Field(field),
            derived => Subject::Derived(derived),
        }),
        prop::sample::select(Field::all().filter(|field| *field != Field::Time).collect::<Vec<_>>())
            .prop_map(Subject::Field),
        Just(Subject::Anywhere),
    ]
}

/// Terms as the explorer builds them.
fn any_term() -> impl Strategy<Value = Filter> {
    let text = || {
        prop_oneof!["\\PC{0,12}", "[a-z*/:.,() \"\\\\\\x00\\x1b\u{202e}-]{0,12}", "(or|AND|not|-|any:x|a=b)"]
    };
    let free_test = prop_oneof![
        text().prop_map(Test::Contains),
        text().prop_map(Test::PathPart),
        text().prop_map(|text| Test::Regex(regex::escape(&text.replace(is_invisible, "\u{fffd}")))),
        "[a-c\"\\\\,{} ()ä\u{1b}-]{0,5}[*?][a-c\"\\\\,{} ()*-]{0,5}".prop_map(Test::Glob),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(Test::Equals),
        Just(Test::Absent),
    ];
    let bound = || prop_oneof![any::<i64>(), -10..100_000_i64, APRIL - 5..APRIL + 5].prop_map(Some);
    let bounds = prop_oneof![
        (bound(), bound()).prop_map(|(a, b)| if a > b { (b, a) } else { (a, b) }),
        bound().prop_map(|from| (from, None)),
        bound().prop_map(|to| (None, to)),
        Just((None, None)),
    ];
    let numbers = vec![
        Subject::Field(Field::Time),
        Subject::Field(Field::HttpStatus),
        Subject::Field(Field::BytesSent),
        Subject::Field(Field::TotalTime),
        Subject::Derived(Dimension::HourOfDay),
        Subject::Derived(Dimension::Weekday),
    ];
    prop_oneof![
        (any_dimension(), any_value()).prop_map(|(dimension, value)| Filter::term_for(&dimension, &value)),
        (any_subject(), free_test).prop_map(|(subject, test)| Filter::Term(subject, test)),
        (prop::sample::select(numbers), bounds)
            .prop_map(|(subject, (from, to))| Filter::Term(subject, Test::Range(from, to))),
        (any::<std::net::IpAddr>(), 0..=32_u8).prop_map(|(address, bits)| {
            let network = ipnet::IpNet::new(address, bits).unwrap().trunc();
            Filter::Term(Subject::Field(Field::RemoteIp), Test::Network(network))
        }),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    any_term().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Any),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

/// Whether the language can express a filter. A requester pattern `role/x*` would be read as `*role/x*`, and a range that
/// no request is in is an error.
fn is_expressible(filter: &Filter) -> bool {
    match filter {
        Filter::All(terms) | Filter::Any(terms) => terms.iter().all(is_expressible),
        Filter::Not(inner) => is_expressible(inner),
        Filter::Term(Subject::Field(Field::Requester), Test::Glob(_)) => false,
        Filter::Term(subject, Test::Range(from, to)) => {
            let are_within =
                |least, greatest| from.iter().chain(to).all(|bound| (least..=greatest).contains(bound));
            match subject {
                Subject::Derived(Dimension::HourOfDay) => are_within(0, 23),
                Subject::Derived(Dimension::Weekday) => are_within(1, 7),
                Subject::Field(Field::HttpStatus) => {
                    from.is_none_or(|from| from <= 999) && to.is_none_or(|to| to >= 100)
                }
                _ => true,
            }
        }
        Filter::Term(..) => true,
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn every_printed_filter_parses_to_itself(filter in any_filter().prop_filter("expressible", is_expressible)) {
        for text in [filter.to_string(), format!("{filter:#}")] {
            let read = Filter::parse(&text, NOW);
            prop_assert_eq!(read, Ok(filter.simplified()), "{}", text);
            prop_assert!(!text.chars().any(is_invisible), "{:?}", text);
        }
    }

    #[test]
    fn no_text_panics_and_parsed_filters_are_printed_back(text in prop_oneof![
        "\\PC{0,40}",
        "[a-z:~<>=*?\\[\\]()\"\\\\,. 0-9-]{0,40}",
        "((key|ip|status|bytes|time|op|requester|any|prefix|network|weekday|param|param:x-a|query_param:\"b c\")(:|=|~|>|<|>=|\\*=|/=|!=|!~|==|=~)[a-z0-9*\"()./,-]{0,8}( |  or |\\)| -| \\(| && | \\|\\| | !)){0,6}",
    ]) {
        match Filter::parse(&text, NOW) {
            Ok(filter) => {
                let printed = filter.to_string();
                prop_assert_eq!(Filter::parse(&printed, NOW), Ok(filter), "{}", printed);
            }
            Err(error) => {
                prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1);
                prop_assert!(!error.message.contains('\n'));
            }
        }
    }
}
