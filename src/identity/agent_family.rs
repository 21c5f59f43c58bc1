//! Families of user agents: `aws-cli/2.25.6 md/awscrt#0.23.8 …` is `aws-cli`. The families are in assets/agents.toml,
//! crawlers in a list of their own ([`super::crawlers`]).

use std::borrow::Cow;
use std::sync::LazyLock;

use serde::Deserialize;

use super::crawlers;

/// The family of a user agent that names no program.
const OTHER: &str = "other";
/// Longest name that is taken from a user agent, in bytes.
const MAX_NAME_BYTES: usize = 40;
/// Most words of such a name.
const MAX_NAME_WORDS: usize = 3;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Families {
    program: Vec<Entry>,
    browser: Vec<Entry>,
    crawler: Vec<CrawlerName>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    family: String,
    #[serde(default)]
    begins: Vec<String>,
    #[serde(default)]
    contains: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CrawlerName {
    pattern: String,
    family: String,
}

fn parsed() -> Result<Families, toml::de::Error> {
    toml::from_str(include_str!("../../assets/agents.toml"))
}

// A test checks that the file is valid.
static FAMILIES: LazyLock<Families> = LazyLock::new(|| parsed().unwrap_or_default());

impl Entry {
    fn matches(&self, agent: &[u8]) -> bool {
        let begins = |text: &String| {
            agent.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text.as_bytes()))
        };
        let contains = |text: &String| memchr::memmem::find(agent, text.as_bytes()).is_some();
        self.begins.iter().any(begins) || self.contains.iter().any(contains)
    }
}

/// The family of a user agent: the name of its program, SDK, browser or crawler. A program that is in no list has the name
/// that its user agent begins with, without the version: `AcmeTV/4.12.1 (Linux)` is `AcmeTV`. `other` if there is none.
pub fn agent_family(user_agent: &[u8]) -> Cow<'_, [u8]> {
    // S3 logs user agents of several services in brackets.
    let agent = user_agent.trim_ascii().strip_prefix(b"[").unwrap_or(user_agent.trim_ascii());
    let families: &'static Families = &FAMILIES;
    let known = |entries: &'static [Entry]| {
        entries.iter().find(|entry| entry.matches(agent)).map(|entry| Cow::Borrowed(entry.family.as_bytes()))
    };
    let is_like_browser = agent.starts_with(b"Mozilla/") || agent.starts_with(b"Opera/");
    if !is_like_browser && let Some(family) = known(&families.program) {
        return family;
    }
    if let Some(pattern) = crawlers::pattern(agent) {
        return Cow::Borrowed(crawler_name(pattern, &families.crawler).as_bytes());
    }
    if !is_like_browser {
        return leading_name(agent).unwrap_or(Cow::Borrowed(OTHER.as_bytes()));
    }
    // `Mozilla/5.0 (compatible; SearchBot/2.1; …)`: the form of crawlers that imitate browsers.
    let compatible = memchr::memmem::find(agent, b"compatible; ")
        .and_then(|at| leading_name(&agent[at + b"compatible; ".len()..]))
        .filter(|name| !name.starts_with(b"MSIE") && !name.starts_with(b"Konqueror"));
    compatible.or_else(|| known(&families.browser)).unwrap_or(Cow::Borrowed(b"Mozilla"))
}

/// The spelling of a known family that is equal to `name` in any case.
pub fn known_family(name: &str) -> Option<&'static str> {
    let families: &'static Families = &FAMILIES;
    let entries = families.program.iter().chain(&families.browser).map(|entry| entry.family.as_str());
    let crawlers = families.crawler.iter().map(|crawler| crawler.family.as_str());
    entries.chain(crawlers).chain(["Mozilla", OTHER]).find(|known| known.eq_ignore_ascii_case(name))
}

/// The name of a crawler from its pattern, a regular expression: the longest part without special characters, unless the
/// list has another name for it.
fn crawler_name(pattern: &'static str, names: &'static [CrawlerName]) -> &'static str {
    if let Some(known) = names.iter().find(|known| known.pattern == pattern) {
        return &known.family;
    }
    let is_special = |c: char| "\\^$*+?{}[]|()".contains(c);
    let parts = pattern.split(is_special).map(|part| part.trim_matches([' ', '/', ';', ':', '-']));
    parts.rev().max_by_key(|part| part.len()).filter(|part| !part.is_empty()).unwrap_or(pattern)
}

/// The name of the product that a text begins with: its first words up to a version, a `/` or a comment. `None` if the
/// text does not begin with a name.
fn leading_name(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let is_name_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(byte);
    let mut end = 0;
    let mut rest = text;
    for _ in 0..MAX_NAME_WORDS {
        let length = rest.iter().take_while(|byte| is_name_byte(byte)).count();
        // Versions are not part of a name: `Hadoop 3.3.4`, `tool v2`.
        let is_version = match rest {
            [b'v' | b'V', digit, ..] => digit.is_ascii_digit(),
            [first, ..] => first.is_ascii_digit() && end > 0,
            [] => true,
        };
        if length == 0 || is_version {
            break;
        }
        end = text.len() - rest.len() + length;
        match rest.get(length) {
            Some(b' ') => rest = &rest[length + 1..],
            _ => break,
        }
    }
    let name = &text[..end];
    let is_name = (1..=MAX_NAME_BYTES).contains(&end) && name.iter().any(u8::is_ascii_alphabetic);
    is_name.then_some(Cow::Borrowed(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(agent: &str) -> String {
        String::from_utf8(agent_family(agent.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn the_list_of_families_is_valid() {
        let families = parsed().unwrap();
        for entry in families.program.iter().chain(&families.browser) {
            assert!(!entry.begins.is_empty() || !entry.contains.is_empty(), "{}", entry.family);
        }
        assert!(!families.crawler.is_empty());
    }

    #[test]
    fn families_of_user_agents_as_s3_logs_them() {
        for (agent, expected) in [
            ("aws-cli/2.15.0 Python/3.11.6 Linux/5.10 exe/x86_64.amzn.2 prompt/off command/s3.cp", "aws-cli"),
            ("Boto3/1.34.11 md/Botocore#1.34.11 ua/2.0 os/linux#6.1.0 Botocore/1.34.11", "Boto3"),
            ("aws-sdk-java/1.12.262 Linux/4.14 OpenJDK_64-Bit_Server_VM/11.0.16", "aws-sdk-java"),
            ("Hadoop 3.3.4, aws-sdk-java/1.12.262 Linux/5.4.0 OpenJDK", "Hadoop"),
            ("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.1030 Linux/5.4.129 OpenJDK]", "S3Console"),
            ("S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.1030", "S3Console"),
            ("[aws-sdk-go-v2/1.36.3 os/linux lang/go#1.24.1]", "aws-sdk-go"),
            ("APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io)", "Terraform"),
            ("MinIO (linux; amd64) minio-go/v7.0.66", "MinIO"),
            ("S3 Browser/10.8.1 (https://s3browser.com)", "S3 Browser"),
            ("curl/8.5.0", "curl"),
            ("Wget/1.21.4", "Wget"),
            ("wget/1.21.4", "Wget"),
            ("python-requests/2.32.3", "python-requests"),
            ("Go-http-client/1.1", "Go-http-client"),
            ("AppleCoreMedia/1.0.0.22E240 (iPhone; U; CPU OS 18_4 like Mac OS X; en_us)", "AppleCoreMedia"),
            ("AcmeTV/4.12.1 (Linux;Android 12) ExoPlayerLib/2.19.1", "AcmeTV"),
            ("Podcasts/1.9 CFNetwork/3826.500 Darwin/24.4.0", "Podcasts"),
            ("athena.amazonaws.com", "athena.amazonaws.com"),
            ("backup tool v2", "backup tool"),
            ("2001", "other"),
            ("(none)", "other"),
            ("\u{1b}]0;owned\u{7}curl/8.0", "other"),
        ] {
            assert_eq!(family(agent), expected, "{agent}");
        }
    }

    #[test]
    fn a_browser_has_its_own_family_although_it_names_others() {
        for (agent, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
                "Chrome",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                "Edge",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox"),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
                "Safari",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile/15E148 Safari/604.1",
                "Chrome",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Safari/537.36 OPR/111.0",
                "Opera",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0 Safari/537.36",
                "HeadlessChrome",
            ),
            ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer"),
            ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)", "Internet Explorer"),
            (
                "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621.2506",
                "PowerShell",
            ),
            ("Mozilla/5.0", "Mozilla"),
        ] {
            assert_eq!(family(agent), expected, "{agent}");
        }
    }

    #[test]
    fn a_crawler_has_its_name_although_it_imitates_a_browser() {
        for (agent, expected) in [
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
            ("Googlebot-Image/1.0", "Googlebot-Image"),
            (
                "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/103.0.5060.134 Safari/537.36",
                "bingbot",
            ),
            (
                "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
                "ClaudeBot",
            ),
            ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "AhrefsBot"),
            ("Mozilla/5.0 (compatible; SearchBot/2.1; +http://search.example/bot.html)", "SearchBot"),
            (
                "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)",
                "archive.org_bot",
            ),
            ("Mozilla/5.0 zgrab/0.x", "zgrab"),
        ] {
            assert_eq!(family(agent), expected, "{agent}");
        }
    }

    #[test]
    fn a_known_family_is_found_in_any_case() {
        assert_eq!(known_family("chrome"), Some("Chrome"));
        assert_eq!(known_family("BOTO3"), Some("Boto3"));
        assert_eq!(known_family("nonsense"), None);
    }
}
