//! Untrusted text in logs does no harm, and secrets of the command line are never shown.

use serde_json::Value;

use super::home::{Home, line, stderr};

const OWNER: &str = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0de";

#[test]
fn a_user_agent_cannot_forge_a_second_request() {
    let home = Home::new();
    let tail = "- s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= - \
                TLS_AES_128_GCM_SHA256 - media.s3.amazonaws.com TLSv1.3 - - -";
    let record = |ip: &str, bytes: &str, agent: &str| {
        format!(
            "{OWNER} media [03/Apr/2026:03:11:11 +0000] {ip} - 3E57427F3EXAMPLE REST.GET.OBJECT a \
             \"GET /a HTTP/1.1\" 200 - {bytes} 5 1 1 \"-\" \"{agent}\" {tail}"
        )
    };
    let forged = record("198.51.100.66", "9000000000000", "x");
    let agents = [
        format!("x\" {tail}{}", forged.replace(&format!("\" {tail}"), "")),
        format!("x{}", forged.replace(&format!("\" {tail}"), "")),
        format!("x {forged}"),
        forged.replace('"', "\\\""),
    ];
    let text: String = agents.iter().map(|agent| record("192.0.2.7", "5", agent) + "\n").collect();
    std::fs::write(home.path("forged.log"), text).unwrap();
    let forged = home.path("forged.log");
    let rows = home.rows(&["report", "remote_ip", forged.to_str().unwrap()]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(
        (&rows[0]["remote_ip"], &rows[0]["requests"], &rows[0]["bytes_sent"]),
        (&"192.0.2.7".into(), &4.into(), &20.into())
    );
}

fn bytes(object: &Value, name: &str) -> Vec<u8> {
    base64_simd::STANDARD.decode_to_vec(object[name].as_str().unwrap_or_else(|| panic!("{object}"))).unwrap()
}

#[test]
fn keys_and_rejected_lines_that_are_not_utf_8_keep_their_bytes_in_json() {
    let home = Home::new();
    let mut log = Vec::new();
    for key in ["a%25FE", "a%25FF", "a%25EF%25BF%25BD"] {
        log.extend(line(1, "192.0.2.1", "-", "REST.GET.OBJECT", key, 200, "7").into_bytes());
    }
    log.extend(b"no record \xfe\n");
    let file = home.path("odd.log");
    std::fs::write(&file, log).unwrap();
    let file = file.to_str().unwrap();
    home.run(&["pull", file, "-q"]);
    for arguments in [
        &["report", "key", "--sort", "key:asc"][..],
        &["requests", "--sort", "key:asc"],
        &["sql", "SELECT key FROM requests ORDER BY key"],
    ] {
        let rows = home.rows(arguments);
        let mut keys: Vec<Option<Vec<u8>>> =
            rows.iter().map(|row| row.get("key_base64").map(|_| bytes(row, "key_base64"))).collect();
        keys.sort();
        assert_eq!(keys, [None, Some(b"a\xfe".to_vec()), Some(b"a\xff".to_vec())], "{arguments:?}");
        assert!(rows.iter().all(|row| row["key"] == "a\u{fffd}"), "{rows:?}");
    }
    for row in home.rows(&["sources", "rejected"]) {
        assert_eq!(bytes(&row, "content_base64"), b"no record \xfe", "{row}");
    }
    let csv = home.succeeds(&["report", "key", "--format", "csv"]);
    assert!(csv.contains("\na\\xfe,") && csv.contains("\na\\xff,"), "{csv}");
}

#[test]
fn an_infinite_number_is_not_printed_as_zero() {
    let home = Home::new();
    let statement = "SELECT 1e400 a, -1e400 b, 0.0 c";
    home.succeeds(&["pull", "logs", "-q"]);
    let row = &home.rows(&["sql", statement])[0];
    assert_eq!(row.to_string(), r#"{"a":null,"b":null,"c":0.0}"#);
    assert_eq!(home.succeeds(&["sql", statement, "--format", "csv"]), "a,b,c\ninf,-inf,0.0\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_source_whose_path_is_not_utf_8_is_pulled_and_found_again() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let home = Home::new();
    let log = |key: &str| line(1, "192.0.2.1", "-", "REST.GET.OBJECT", key, 200, "7");
    let names: [&[u8]; 3] = [b"odd\xff.log", b"odd\xfe.log", b"odd\\xff.log"];
    for name in names {
        let path = home.path("").join(OsStr::from_bytes(name));
        std::fs::write(&path, log(&String::from_utf8_lossy(name).replace('\\', "-"))).unwrap();
        let output = home.command(&["pull", "-q"]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let sources = home.rows(&["sources"]);
    let mut uris: Vec<&str> =
        sources.iter().map(|source| source["source"].as_str().unwrap().rsplit_once('/').unwrap().1).collect();
    uris.sort_unstable();
    assert_eq!(uris, ["odd\\x5cxff.log", "odd\\xfe.log", "odd\\xff.log"]);
    assert_eq!(home.rows(&["report", "total"])[0]["requests"], 3);
    // By the argument, and by its URI in the cache.
    let path = home.path("").join(OsStr::from_bytes(names[1]));
    let output = home.command(&["sources", "rejected"]).arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let uri = home.path("").canonicalize().unwrap().join("odd\\xfe.log");
    let output = home.run(&["pull", uri.to_str().unwrap()]);
    assert!(stderr(&output).contains("0 requests added"), "{}", stderr(&output));
}

/// Additional arguments, environment variables, and the beginning of the error.
type Run<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn a_password_in_an_endpoint_is_never_shown() {
    let home = Home::new();
    for url in [
        "http://user:PASSWORD@",
        "http://user:PASSWORD@127.0.0.1:9",
        "user:PASSWORD@127.0.0.1:9",
        "http:///u:PASSWORD@h/",
        "http://127.0.0.1:9?token=PASSWORD",
        "http://127.0.0.1:9/?token=PASSWORD",
        "http://user:PASS%57ORD@127.0.0.1:9",
        "http://us er:PASSWORD@127.0.0.1:9",
        "//user:PASSWORD@127.0.0.1:9",
        "http://127.0.0.1:PASSWORD",
        "https://user:PASSWORD@h\u{f6}st",
    ] {
        let config = home.path("config.toml");
        std::fs::write(&config, format!("endpoint_url = \"{url}\"\n")).unwrap();
        let config = config.to_str().unwrap();
        let aws = home.path("aws");
        std::fs::write(&aws, format!("[default]\nregion = us-east-1\nendpoint_url = {url}\n")).unwrap();
        let base = ["pull", "s3://acme-logs/x/", "--no-sign-request", "--region", "us-east-1", "-v"];
        let runs: [Run<'_>; 5] = [
            (&["--endpoint-url", url], &[], "--endpoint-url "),
            (&["--config", config], &[], "--endpoint-url "),
            (&[], &[("AWS_ENDPOINT_URL", url)], "AWS_ENDPOINT_URL "),
            (&[], &[("AWS_ENDPOINT_URL_S3", url)], "AWS_ENDPOINT_URL_S3 "),
            (&[], &[("AWS_CONFIG_FILE", aws.to_str().unwrap())], ""),
        ];
        for (more, environment, named) in runs {
            let mut command = home.command(&[&base[..], more].concat());
            let output = command.envs(environment.iter().copied()).output().unwrap();
            let message = stderr(&output) + &String::from_utf8_lossy(&output.stdout);
            assert!(!message.contains("PASS"), "{url} {environment:?}: {message}");
            assert!(
                message.contains(named) && (named.is_empty() || message.contains("http(s)://host[:port]")),
                "{url} {environment:?}: {message}"
            );
            assert!(matches!(output.status.code(), Some(1 | 2)), "{message}");
        }
    }
}

#[test]
fn a_secret_key_in_a_source_is_never_shown() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    for source in [
        "s3://AKIA:HUNTER2@bucket/x",
        "s3:AKIA:HUNTER2@bucket",
        "S3://AKIA:HUNTER2@bucket",
        "https://u:HUNTER2@h/x",
    ] {
        for arguments in
            [&["pull", source][..], &["sources", "rejected", source], &["prune", "--before", "-1d", source]]
        {
            let message = home.fails(2, arguments);
            assert!(!message.contains("HUNTER2"), "{message}");
        }
    }
}

#[test]
fn unsigned_requests_need_no_existing_profile() {
    let home = Home::new();
    let base = ["pull", "s3://acme-logs/x/", "--endpoint-url", "http://127.0.0.1:9", "--profile", "nosuch"];
    let message = home.fails(1, &[&base[..], &["--no-sign-request"]].concat());
    assert!(message.contains("cannot reach http://127.0.0.1:9 ") && !message.contains("nosuch"), "{message}");
    let message = home.fails(1, &base);
    assert!(message.contains("profile `nosuch` not found"), "{message}");
}
