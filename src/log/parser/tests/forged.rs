//! Requests with a second record in the fields that their sender chooses freely: key, URI, referer and user agent.

use proptest::prelude::*;

use super::*;

/// A forged record of the same owner: 9 TB sent to another address.
fn forged(uri: &str, rest: &str) -> String {
    format!(
        "{OWNER} media [03/Apr/2026:03:11:11 +0000] 198.51.100.66 - AAAAAAAAAAAAAAAA REST.GET.OBJECT secret {uri} \
         200 - 9000000000000 - 1 1 {rest}"
    )
}

/// Forged records with texts before and after them, so that one record seems to end and another to begin: with any
/// number of quotes, without quotes, and with escaped quotes.
fn forgeries() -> Vec<String> {
    let ends = [
        "x".to_owned(),
        "x ".to_owned(),
        "x\" ".to_owned(),
        "x\\\" ".to_owned(),
        "x\\\\\" ".to_owned(),
        "\"".to_owned(),
        "\"\"".to_owned(),
        "x\t".to_owned(),
        "x\n".replace('\n', "\\n"),
        // The end of a whole record.
        format!("x\" {}", tail()),
        format!("x\" {} ", tail()),
        format!("x\" \"y\" {}", tail()),
        // The same, with the fields before it.
        format!("x HTTP/1.1\" 206 - 1048576 73400320 120 15 \"-\" \"y\" {}", tail()),
        "x HTTP/1.1\" 206 - 104857".to_owned(),
        "x\" - s9lzHYrFp76ZVxRcpX9+5cjAn".to_owned(),
    ];
    let uris = ["\"GET /secret HTTP/1.1\"", "\\\"GET /secret HTTP/1.1\\\"", "-", "\"-\""];
    let rests = [
        "\"-\" \"curl".to_owned(),
        "\"-\" \"".to_owned(),
        "\"-\" \"curl\"".to_owned(),
        "\"-".to_owned(),
        "- -".to_owned(),
        "- - -".to_owned(),
        "\\\"-\\\" \\\"curl".to_owned(),
        String::new(),
        format!("\"-\" \"curl\" {}", tail()),
        format!("\"-\" \"curl\" {} \"", tail()),
    ];
    let mut all = Vec::new();
    for end in &ends {
        for uri in uris {
            for rest in &rests {
                all.push(format!("{end}{}", forged(uri, rest)));
            }
        }
    }
    all
}

/// The line of a request with these texts.
fn line_of(uri: &str, referer: &str, agent: &str) -> String {
    format!(
        "{} REST.GET.OBJECT films/a.mp4 \"{uri}\" 206 - 1048576 73400320 120 15 \"{referer}\" \"{agent}\" {}",
        head("-"),
        tail()
    )
}

/// Asserts that the line has one record, of the address that sent the request.
fn assert_one_record(line: &str) {
    let found: Vec<_> = records(line.as_bytes()).collect();
    assert_eq!(found.len(), 1, "{line}");
    let record = found[0].1.as_ref().unwrap();
    assert_eq!(record, &read(line));
    for (field, value) in [
        (Field::RemoteIp, "192.0.2.7"),
        (Field::RequestId, "3E57427F3EXAMPLE"),
        (Field::Operation, "REST.GET.OBJECT"),
        (Field::Key, "films/a.mp4"),
    ] {
        assert_eq!(text(record, field), value, "{} of {line}", field.name());
    }
}

#[test]
fn a_user_agent_forges_no_second_record() {
    for agent in forgeries() {
        let line = line_of("GET /films/a.mp4 HTTP/1.1", "https://example.com/", &agent);
        assert_one_record(&line);
        // Nor does it change the other fields.
        assert_tail(&line);
        assert_fields(
            &line,
            &[
                (Field::RequestUri, "GET /films/a.mp4 HTTP/1.1"),
                (Field::HttpStatus, "206"),
                (Field::BytesSent, "1048576"),
                (Field::Referer, "https://example.com/"),
                (Field::UserAgent, &agent),
                (Field::VersionId, ABSENT),
            ],
        );
    }
}

#[test]
fn a_referer_forges_no_second_record() {
    for referer in forgeries() {
        let line = line_of("GET /films/a.mp4 HTTP/1.1", &referer, "curl/8");
        assert_one_record(&line);
        assert_tail(&line);
        assert_fields(&line, &[(Field::HttpStatus, "206"), (Field::BytesSent, "1048576")]);
    }
}

#[test]
fn a_request_uri_forges_no_second_record() {
    for uri in forgeries() {
        for uri in [format!("GET /films/a.mp4?{uri} HTTP/1.1"), format!("GET /films/a.mp4?{uri}")] {
            // (The first certain end of a URI is its end. So a URI, which servers hardly accept with quotes, can forge
            // the numbers of its own request, and a user agent cannot.)
            assert_one_record(&line_of(&uri, "-", "curl/8"));
        }
    }
}

#[test]
fn uri_referer_and_user_agent_together_forge_no_second_record() {
    let forgeries = forgeries();
    for (index, one) in forgeries.iter().enumerate() {
        let other = &forgeries[(index * 7 + 3) % forgeries.len()];
        assert_one_record(&line_of(&format!("GET /{one} HTTP/1.1"), other, one));
        assert_one_record(&line_of("GET /films/a.mp4 HTTP/1.1", one, other));
    }
}

#[test]
fn a_key_forges_no_second_record() {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    for name in forgeries() {
        for key in [encode(&name), encode(&encode(&name)), encode(&name).replace("%20", "+")] {
            let line = modern().replace("films/a.mp4", &key);
            assert_eq!(records(line.as_bytes()).count(), 1, "{line}");
            assert_fields(&line, &[(Field::RemoteIp, "192.0.2.7"), (Field::Key, &key)]);
        }
    }
}

#[test]
fn a_request_with_many_forged_records_is_one_record() {
    let forged = format!("x\" {}", tail()) + &forged("\"GET /secret HTTP/1.1\"", "\"-\" \"y");
    assert_one_record(&line_of("GET /films/a.mp4 HTTP/1.1", "-", &forged.repeat(100)));
}

#[test]
fn text_that_looks_like_a_second_record_is_in_extra() {
    let forged = forged("\"GET /secret HTTP/1.1\"", "\"-\" \"y");
    let line = line_of("GET /films/a.mp4 HTTP/1.1", "-", &format!("x\" {}{forged}", tail()));
    assert_fields(&line, &[(Field::Extra, &format!("{forged}\" {}", tail()))]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any text around a forged record in a user agent.
    #[test]
    fn no_text_around_a_forged_record_makes_it_a_record(
        pieces in proptest::collection::vec(prop::sample::select(vec![
            "\"", " ", "\\", "x", "\" \"", " - ", "\" 200 - 5 6 7 8 ", "HTTP/1.1", "[", "]", "Sig", "\t", "é",
            "FORGED", "TAIL", "OWNER", "BARE",
        ]), 0..12),
        place in 0..3usize,
    ) {
        let text: String = pieces.iter().map(|piece| match *piece {
            "FORGED" => forged("\"GET /secret HTTP/1.1\"", "\"-\" \"y\""),
            "BARE" => forged("-", "- -"),
            "TAIL" => tail(),
            "OWNER" => OWNER.to_owned(),
            piece => piece.to_owned(),
        }).collect();
        let (uri, referer, agent) = match place {
            0 => (text.as_str(), "-", "curl"),
            1 => ("GET /films/a.mp4 HTTP/1.1", text.as_str(), "curl"),
            _ => ("GET /films/a.mp4 HTTP/1.1", "-", text.as_str()),
        };
        let line = line_of(uri, referer, agent);
        // A URI that is no request line can end in several places.
        if place == 0 && parse_line(line.as_bytes()).is_err() {
            prop_assert_eq!(records(line.as_bytes()).count(), 1);
        } else {
            assert_one_record(&line);
        }
    }
}
