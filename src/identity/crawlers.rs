//! Crawlers, recognised by their user agents with the list of Crawlerdex, which the crate `iscrawl` contains.
//!
//! A user agent proves nothing: anybody can send that of a crawler. Reverse DNS or the network shows who it is.

use std::collections::HashMap;
use std::sync::LazyLock;

use iscrawl::CrawlerInfo;
use parking_lot::Mutex;
use regex::Regex;

/// Tags of Crawlerdex with the kind of crawler that they mean. Tags of tools that anybody runs are not among them
/// (`http-library`, `browser-automation`), nor those of programs on the devices of people (`feed-reader`) and of
/// `scanner`s, which look for weaknesses.
const KINDS: &[(&str, &str)] = &[
    ("search-engine", "search engine"),
    ("ai-crawler", "AI crawler"),
    ("ai-fetcher", "AI crawler"),
    ("archiver", "archiver"),
    ("social-preview", "link preview"),
    ("advertising", "advertising crawler"),
    ("academic", "research crawler"),
    ("monitoring", "monitoring service"),
    ("seo", "SEO crawler"),
];
/// The kind of a crawler that is in no list but says that it is one.
const SELF_DECLARED: &str = "self-declared crawler";
/// Longest user agent that is looked up, in bytes; those of crawlers are much shorter.
const MAX_BYTES: usize = 1024;

/// The kind of crawler that a user agent names, such as `search engine` or `AI crawler`; `None` if it names none.
///
/// `self-declared crawler`: the list does not have it, but its name has `bot`, `crawl` or `spider`, and the user agent has
/// a web address for questions, as polite crawlers do: `SearchBot/2.1 (+http://search.example/bot.html)`.
pub fn is_crawler(user_agent: &[u8]) -> Option<&'static str> {
    match listed(user_agent) {
        Some(info) => kind_of(info),
        None => is_self_declared(user_agent).then_some(SELF_DECLARED),
    }
}

fn kind_of(info: &CrawlerInfo) -> Option<&'static str> {
    KINDS.iter().find(|(tag, _)| info.tags.iter().any(|other| other == tag)).map(|(_, kind)| *kind)
}

/// The entry of the list for a user agent, whatever its tags are.
///
/// Some patterns of the list are short parts of names: `obot` is in `robotics-client/2.0`, `Fetch/` in `SuperFetch/1.0`. So
/// what a pattern matches must begin a word. The list finds the longest pattern that ends at a place first: `UptimeRobot`,
/// not `obot`.
fn listed(user_agent: &[u8]) -> Option<&'static CrawlerInfo> {
    let text = std::str::from_utf8(user_agent.get(..MAX_BYTES).unwrap_or(user_agent)).ok()?;
    let mut from = 0;
    while let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) {
        let info = iscrawl::crawler_info(rest)?;
        let (start, end) = place(&info.pattern, rest)?;
        let is_anchored = info.pattern.starts_with('^');
        let before = text.get(..from + start)?.chars().next_back();
        let is_in_a_word = before.is_some_and(char::is_alphabetic)
            && rest.get(start..)?.chars().next().is_some_and(char::is_alphabetic);
        if !is_in_a_word && (from == 0 || !is_anchored) {
            return Some(info);
        }
        from += end.max(1);
    }
    None
}

/// Where a pattern of the list matches first: the first byte, and the first byte after it.
fn place(pattern: &'static str, text: &str) -> Option<(usize, usize)> {
    // Compiled when they are first met: a log has few crawlers.
    static COMPILED: LazyLock<Mutex<HashMap<&'static str, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock();
    let regex = compiled.entry(pattern).or_insert_with(|| Regex::new(pattern).ok());
    regex.as_ref()?.find(text).map(|found| (found.start(), found.end()))
}

/// The pattern of a crawler or scanner of the list that a user agent names.
pub(super) fn pattern(user_agent: &[u8]) -> Option<&'static str> {
    let is_bot =
        |info: &&CrawlerInfo| kind_of(info).is_some() || info.tags.iter().any(|tag| tag == "scanner");
    listed(user_agent).filter(is_bot).map(|info| info.pattern.as_str())
}

fn is_self_declared(user_agent: &[u8]) -> bool {
    let lower = user_agent.get(..MAX_BYTES).unwrap_or(user_agent).to_ascii_lowercase();
    let contains = |text: &str| memchr::memmem::find(&lower, text.as_bytes()).is_some();
    (contains("+http://") || contains("+https://"))
        && lower.split(|byte| !byte.is_ascii_alphabetic()).any(|word| {
            // `robotics` is another word, and a robot is not always a crawler.
            word.ends_with(b"bot") && !word.ends_with(b"robot")
                || ["crawl", "spider"]
                    .iter()
                    .any(|part| memchr::memmem::find(word, part.as_bytes()).is_some())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crawlers_are_known_by_their_kind() {
        for (agent, kind) in [
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                Some("search engine"),
            ),
            (
                "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0; +https://openai.com/gptbot)",
                Some("AI crawler"),
            ),
            ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", Some("SEO crawler")),
            (
                "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)",
                Some("archiver"),
            ),
            ("UptimeRobot/2.0", Some("monitoring service")),
            (
                "Mozilla/5.0 (compatible; SearchBot/2.1; +http://search.example/bot.html)",
                Some("self-declared crawler"),
            ),
        ] {
            assert_eq!(is_crawler(agent.as_bytes()), kind, "{agent}");
        }
    }

    #[test]
    fn parts_of_other_words_made_programs_known_crawlers() {
        for agent in [
            "robotics-client/2.0",
            "robotics-client/2.0 (+https://robotics.example)",
            "SuperFetch/1.0",
            "SuperFetch/1.0 (+http://superfetch.example)",
            "DataRobot",
            "DataRobot/3.1 (+https://datarobot.example)",
        ] {
            assert_eq!((is_crawler(agent.as_bytes()), pattern(agent.as_bytes())), (None, None), "{agent}");
        }
        for agent in [
            "Googlebot/2.1 (+http://www.google.com/bot.html)",
            "Googlebot-Image/1.0",
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
            "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
            "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "DataRobot/3.1 (compatible; Googlebot/2.1)",
        ] {
            assert!(is_crawler(agent.as_bytes()).is_some(), "{agent}");
        }
    }

    #[test]
    fn tools_that_anybody_runs_scanners_and_browsers_are_not_crawlers() {
        for agent in [
            "",
            "-",
            "curl/8.5.0",
            "Wget/1.21.4",
            "python-requests/2.32.3",
            "Go-http-client/1.1",
            "aws-cli/2.25.6 md/awscrt#0.23.8 ua/2.1 os/linux",
            "Boto3/1.37.23 md/Botocore#1.37.23",
            "sqlmap/1.5",
            "Mozilla/5.0 zgrab/0.x",
            "HTTrack/3.0 robot-free",
            "Overcast/3.0 (+https://overcast.example/; iOS podcast app)",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        ] {
            assert_eq!(is_crawler(agent.as_bytes()), None, "{agent}");
        }
        assert_eq!(is_crawler(b"\xff\xfe bot"), None);
    }
}
