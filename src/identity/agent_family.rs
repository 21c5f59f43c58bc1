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
            let head = agent.get(..text.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(text.as_bytes()))
                && is_word(agent, 0, text.len())
        };
        let contains = |text: &String| {
            let mut places = memchr::memmem::find_iter(agent, text.as_bytes());
            places.any(|at| is_word(agent, at, at + text.len()))
        };
        self.begins.iter().any(begins) || self.contains.iter().any(contains)
    }
}

/// Whether a part of a text begins and ends at the border of a word: `curl` is no part of `curlew`, nor `Opera/` of
/// `SoapOpera/`. A word ends where its letters end (`Lavf53`), or its digits (`Boto3`, but not in `Boto31`).
fn is_word(text: &[u8], start: usize, end: usize) -> bool {
    let (part, before, after) = (&text[start..end], text[..start].last(), text.get(end));
    let joins = |outside: Option<&u8>, inside: Option<&u8>, is_part: fn(&u8) -> bool| {
        inside.is_some_and(is_part) && outside.is_some_and(is_part)
    };
    !joins(before, part.first(), u8::is_ascii_alphanumeric)
        && !joins(after, part.last(), u8::is_ascii_alphabetic)
        && !joins(after, part.last(), u8::is_ascii_digit)
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

    /// Real user agents: of the AWS SDKs as in their reference guide, the others as the programs send them.
    const REAL_AGENTS: [&str; 71] = [
        "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.76.0",
        "APN/1.0 OpenTofu/1.0 OpenTofu/1.8.5 (+https://opentofu.org) aws-sdk-go-v2/1.32.5",
        "ElasticMapReduce/1.0.0 emrfs/s3n {}, aws-sdk-java/1.12.705 Linux/5.10.219",
        "Hadoop 3.3.4, aws-sdk-java/1.12.262 Linux/5.4.0",
        "aws-sdk-java/1.12.560 Linux/5.15.0 OpenJDK_64-Bit_Server_VM/17.0.8 presto",
        "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488 Linux/5.10.185]",
        "aws-internal/3 aws-sdk-java/1.12.560",
        "aws-cli/2.25.6 md/awscrt#0.23.8 ua/2.1 os/linux#6.1.0",
        "Boto3/1.37.23 md/Botocore#1.37.23 ua/2.1 os/linux#6.1.0 Botocore/1.37.23",
        "Botocore/1.34.41 Python/3.12.2 Linux/6.1",
        "Boto/2.49.0 Python/2.7.18 Linux/5.4",
        "AWSPowerShell.Common/4.1.14.0 .NET_Core/6.0.4 OS/Microsoft_Windows_10.0",
        "aws-sdk-java/2.25.11 Linux/5.15 OpenJDK_64-Bit_Server_VM/17.0.10",
        "aws-sdk-go-v2/1.36.3 os/linux lang/go#1.24.1",
        "aws-sdk-js/3.540.0 ua/2.0 os/linux#5.10 lang/js md/nodejs#20.11.1",
        "aws-sdk-ruby3/3.191.3 ua/2.0 api/s3#1.146.0",
        "aws-sdk-php/3.300.13 OS/Linux/5.15 lang/php/8.2",
        "aws-sdk-dotnet-coreclr/3.7.305.31 ua/2.0 os/linux",
        "aws-sdk-cpp/1.11.285 ua/2.0 md/aws-crt#0.26.2 os/Linux",
        "aws-sdk-rust/1.3.0 ua/2.1 api/s3/1.63.0 os/linux",
        "aws-sdk-kotlin/1.1.13 ua/2.0 api/s3#1.1.13",
        "aws-sdk-swift/0.36.0 ua/2.0 api/s3#1.0",
        "aws-sdk-android/2.75.0 Linux/4.19 Dalvik/2.1.0/0 en_US",
        "aws-sdk-iOS/2.33.4 iOS/17.0 en_US",
        "mountpoint-s3/1.15.0 mountpoint-s3-client/0.13.0 ua/2.1 os/linux",
        "MinIO (linux; amd64) minio-go/v7.0.66 restic/0.16.4",
        "MinIO (linux; amd64) minio-go/v7.0.84 mc/RELEASE.2025-02-08T19-14-21Z",
        "rclone/v1.69.1",
        "s3cmd/2.4.0",
        "s5cmd/2.3.0",
        "s3fs/1.93 (commit hash unknown; OpenSSL)",
        "Amazon CloudFront",
        "curl/8.5.0",
        "libcurl-agent/1.0",
        "Wget/1.21.4",
        "aria2/1.37.0",
        "HTTPie/3.2.2",
        "PowerShell/7.4.1",
        "python-requests/2.32.3",
        "Python-urllib/3.12",
        "Python/3.12 aiohttp/3.9.3",
        "python-httpx/0.27.0",
        "Go-http-client/2.0",
        "okhttp/4.12.0",
        "Apache-HttpClient/4.5.14 (Java/17.0.10)",
        "Java/1.8.0_392",
        "axios/1.6.7",
        "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
        "libwww-perl/6.72",
        "lwp-trivial/1.41",
        "PostmanRuntime/7.36.3",
        "Cyberduck/8.7.3.40692 (Mac OS X/14.3) (aarch64)",
        "AppleCoreMedia/1.0.0.22E240 (iPhone; U; CPU OS 18_4 like Mac OS X; en_us)",
        "VLC/3.0.20 LibVLC/3.0.20",
        "Lavf/60.16.100",
        "Lavf53.32.100",
        "Dalvik/2.1.0 (Linux; U; Android 13; SM-G991B Build/TP1A.220624.014)",
        "Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.19045; en-US) PowerShell/7.4.1",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 YaBrowser/24.1.0.0 Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36 Vivaldi/6.6.3271.45",
        "Mozilla/5.0 (Linux; U; Android 12; en-US; Redmi Note 9 Build/SP1A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.4.0.1306 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 9; KFONWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/120.4.1 like Chrome/120.0.6099.230 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21D50 [FBAN/FBIOS;FBAV/452.0.0.38.109]",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21D50 Instagram 320.0.0.26.113 (iPhone14,5; iOS 17_3)",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Code/1.86.2 Chrome/118.0.5993.159 Electron/27.2.3 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/122.0 Mobile/15E148 Safari/605.1.15",
        "Mozilla/5.0 (Linux; U; Android 4.0.3; en-us) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
        "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/17.17134",
    ];

    /// The families of [`REAL_AGENTS`], in their order.
    const THEIR_FAMILIES: &str = "Terraform OpenTofu EMRFS Hadoop Trino S3Console aws-internal aws-cli Boto3 Botocore Boto \
        AWS_Tools_for_PowerShell aws-sdk-java aws-sdk-go aws-sdk-js aws-sdk-ruby aws-sdk-php aws-sdk-dotnet aws-sdk-cpp \
        aws-sdk-rust aws-sdk-kotlin aws-sdk-swift aws-sdk-android aws-sdk-iOS Mountpoint restic MinIO rclone s3cmd s5cmd s3fs \
        Amazon_CloudFront curl curl Wget aria2 HTTPie PowerShell python-requests Python-urllib aiohttp httpx Go-http-client \
        okhttp Apache-HttpClient Java axios node-fetch libwww-perl libwww-perl PostmanRuntime Cyberduck AppleCoreMedia VLC Lavf \
        Lavf Dalvik PowerShell Samsung_Internet Yandex_Browser Vivaldi UC_Browser Silk DuckDuckGo Facebook_app Instagram_app \
        Electron Firefox Android_browser Opera Edge";

    #[test]
    fn every_family_of_the_list_has_a_real_agent() {
        let families = parsed().unwrap();
        let expected: Vec<String> =
            THEIR_FAMILIES.split_whitespace().map(|name| name.replace('_', " ")).collect();
        assert_eq!(expected.len(), REAL_AGENTS.len());
        for (agent, expected) in REAL_AGENTS.iter().zip(&expected) {
            assert_eq!(family(agent), *expected, "{agent}");
        }
        // These are in the other tests.
        let elsewhere = ["Chrome", "Safari", "HeadlessChrome", "Internet Explorer"];
        for entry in families.program.iter().chain(&families.browser) {
            let name = &entry.family;
            assert!(expected.contains(name) || elsewhere.contains(&name.as_str()), "no agent for {name}");
        }
    }

    #[test]
    fn a_program_whose_name_contains_another_one_had_its_family() {
        for (agent, expected) in [
            ("curlew/1.0", "curlew"),
            ("robotics-client/2.0", "robotics-client"),
            ("rclonely/1", "rclonely"),
            ("VLCKit/3.3", "VLCKit"),
            ("javafx-loader/1", "javafx-loader"),
            ("Boto31/1.0", "Boto31"),
            ("axiosity/0.1", "axiosity"),
            ("prestoshop/8.1", "prestoshop"),
            ("hadooper/1.0", "hadooper"),
            ("MyTerraform/2.0", "MyTerraform"),
            ("unrestic/0.1", "unrestic"),
            ("minioctl/1.0", "minioctl"),
            ("lavfilter/2", "lavfilter"),
            ("daedalus-wgetter/1.0", "daedalus-wgetter"),
            ("botany-client/2.0", "botany-client"),
            ("spidermonkey-shell/115", "spidermonkey-shell"),
            ("Mozilla/5.0 (SoapOpera/3.1; X11)", "Mozilla"),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Hedge/2.0 Chrome/126.0.0.0 Safari/537.36",
                "Chrome",
            ),
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
