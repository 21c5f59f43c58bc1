//! Where a user agent ends if the record is short: nothing that a client could have written is read as a later field, and
//! no later field as a part of the user agent.

use super::*;

/// A text that ends the user agent of a client, and fields that it would like to forge.
const FORGERY: &str = "x\" V2 H2= SigV4 TLS AuthHeader evil.example TLSv1.3 - - us \"z";
const OBS_FORGERY: &str = "x\" V2 - STANDARD WARM \"z";

fn s3(agent_and_later: &str) -> String {
    format!(
        "{} REST.GET.OBJECT a \"GET /a HTTP/1.1\" 200 - 5 6 7 8 \"https://ref/\" {agent_and_later}",
        head("-")
    )
}

fn obs(agent_and_later: &str) -> String {
    format!(
        "787f2f92b20943998a4fe2ab75eb09b8 bucket [13/Aug/2015:01:43:42 +0000] 192.0.2.30 user \
         281599BACAD9376ECE141B842B94535B REST.GET.OBJECT a \"GET /bucket/a HTTP/1.1\" 200 - 211 - 6 6 \
         \"https://ref/\" {agent_and_later}"
    )
}

/// Asserts user agent, version id and `extra`, and that there is no later field.
fn assert_end(line: &str, [agent, version, extra]: [&str; 3]) {
    assert_fields(
        line,
        &[
            (Field::HttpStatus, "200"),
            (Field::Referer, "https://ref/"),
            (Field::UserAgent, agent),
            (Field::VersionId, version),
            (Field::HostId, ABSENT),
            (Field::SignatureVersion, ABSENT),
            (Field::AuthenticationType, ABSENT),
            (Field::HostHeader, ABSENT),
            (Field::TlsVersion, ABSENT),
            (Field::SourceRegion, ABSENT),
            (Field::Extra, extra),
        ],
    );
}

#[test]
fn a_user_agent_of_a_short_record_ends_at_its_quote() {
    for (later, [agent, version]) in [
        ("\"curl/8\"", ["curl/8", ABSENT]),
        ("\"curl/8\" -", ["curl/8", ABSENT]),
        ("\"curl/8\" VERSION1", ["curl/8", "VERSION1"]),
        ("\"curl/8\"  VERSION1", ["curl/8", "VERSION1"]),
        ("\"say \"hi\" there\" VERSION1", ["say \"hi\" there", "VERSION1"]),
        ("\"\"curl/8\" -", ["\"curl/8", ABSENT]),
        ("\"curl/8\"\" -", ["curl/8\"", ABSENT]),
    ] {
        assert_end(&s3(later), [agent, version, ABSENT]);
    }
}

#[test]
fn what_could_be_user_agent_or_later_field_is_in_extra() {
    for later in [
        "\"curl/8\" \"-\"",
        "\"curl/8\" - \"my extra\"",
        "\"curl/8\" 1,000",
        "\"curl/8\" [x]",
        "\"curl/8\" v\"1",
        "\"curl/8\" VERSION1 \"",
        "\"a \"b\" \"c\" -",
    ] {
        assert_end(&s3(later), [ABSENT, ABSENT, later]);
        assert_end(&obs(later), [ABSENT, ABSENT, later]);
    }
}

#[test]
fn a_user_agent_forges_no_later_field_of_a_short_record() {
    for forgery in [FORGERY, OBS_FORGERY] {
        for tail in ["", " -", " VERSION1", " VERSION1 HOSTID="] {
            let later = format!("\"{forgery}\"{tail}");
            assert_end(&s3(&later), [ABSENT, ABSENT, &later]);
        }
    }
    assert_end(&obs(&format!("\"{FORGERY}\" -")), [ABSENT, ABSENT, &format!("\"{FORGERY}\" -")]);
}

#[test]
fn a_user_agent_forges_no_later_field_of_a_record_of_obs() {
    let name = "- STANDARD WARM \"my folder\" 089fe8c2c380f4031f6dc0197fe99d4d HPTAAF";
    for agent in ["curl/8", "say \"hi\" there", FORGERY, OBS_FORGERY, "x\" V2 - STANDARD WARM \"y\" 1 \"z"] {
        assert_end(&obs(&format!("\"{agent}\" VERSION1 {name}")), [agent, "VERSION1", name]);
        // Without storage classes, nothing shows where the user agent ends.
        let damaged = format!("\"{agent}\" VERSION1 - STANDARD a b \"my folder\" 1234567 89012");
        assert_end(&obs(&damaged), [ABSENT, ABSENT, &damaged]);
    }
    // Records until about 2015 end after the version id and the agency.
    for agent in [FORGERY, OBS_FORGERY] {
        let later = format!("\"{agent}\" - -");
        assert_end(&obs(&later), [ABSENT, ABSENT, &later]);
    }
}

#[test]
fn an_empty_user_agent_leaves_two_spaces() {
    let rest = tail();
    for line in [s3(&format!(" {rest}")), s3(&format!(" {rest}")).replace("\"https://ref/\"", "-")] {
        assert_tail(&line);
        assert_fields(
            &line,
            &[(Field::UserAgent, ABSENT), (Field::VersionId, ABSENT), (Field::Extra, ABSENT)],
        );
    }
}

#[test]
fn a_word_before_the_signature_version_is_not_a_host_id() {
    for tail in [
        format!("VERSION1 {HOST_ID} word SigV4 TLS_AES AuthHeader h.example TLSv1.3 - - us"),
        "VERSION1 HOSTID= word SigV4 TLS_AES AuthHeader h.example TLSv1.3 - - us".to_owned(),
        "VERSION1 - word SigV4 - AuthHeader h.example - - Yes".to_owned(),
    ] {
        assert_end(&s3(&format!("\"curl/8\" {tail}")), ["curl/8", ABSENT, &tail]);
    }
}
