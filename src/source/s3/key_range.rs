//! Divides a listing into key ranges that are listed in parallel.
//!
//! S3 lists keys in byte order, in pages of 1000, and each page has the token that the request for the next page needs.
//! For a parallel listing, the key space is cut into [`KeyRange`]s. The ranges never overlap and have no gaps, so each
//! key is listed exactly once, whatever keys there are. The dates in keys only decide *where* to cut, and which ranges a
//! time window excludes:
//!
//! - the last key of a page has the stem and the layout, and the page shows how much time 1000 keys cover;
//! - the time until today is cut into parts of at least a page, at most as many as may be listed at a time;
//! - a part that turns out to be large is cut again when other parts are done.

use super::super::Window;
use super::pagination::TokenCycleDetector;
use crate::log::object_name::{self, Layout, NameDate};
use crate::log::time::SECONDS_PER_DAY;

/// The keys after `after` up to and including `upto`. `None`: no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyRange {
    pub(super) after: Option<String>,
    pub(super) upto: Option<String>,
    /// The continuation token of the previous page of this range.
    pub(super) token: Option<String>,
    /// The key prefix of the request that returned the token. The token is valid for this prefix only.
    pub(super) token_prefix: String,
    /// Whether to fetch a short page first, because a time window may exclude the whole range.
    pub(super) is_probe: bool,
    /// The tokens of the previous pages, if this range continues them.
    pub(super) tokens: TokenCycleDetector,
}

/// A listed page of a range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page<'a> {
    /// First and last key of the page, also beyond the range. `None`: the page is empty.
    pub(super) ends: Option<(&'a str, &'a str)>,
    /// The continuation token. `None`: this was the last page.
    pub(super) token: Option<&'a str>,
    /// Whether the keys have the partitioned layout by event time.
    pub(super) by_event: bool,
}

impl KeyRange {
    pub(super) fn whole(window: Window) -> KeyRange {
        KeyRange { is_probe: window != Window::default(), ..KeyRange::default() }
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.after.as_deref().is_none_or(|after| name > after)
            && self.upto.as_deref().is_none_or(|upto| name <= upto)
    }

    /// The longest prefix that all keys of the range have, for the request: a page then does not reach far beyond the
    /// range.
    pub(super) fn common_prefix(&self) -> &str {
        if self.token.is_some() {
            return &self.token_prefix;
        }
        let (Some(after), Some(upto)) = (&self.after, &self.upto) else { return "" };
        let same = after.bytes().zip(upto.bytes()).take_while(|(a, b)| a == b).count();
        let end = (0..=same).rev().find(|&end| after.is_char_boundary(end)).unwrap_or(0);
        &after[..end]
    }

    /// The rest of this range after a page, in at most `max_cuts + 1` parts. `now` is the current time in seconds since
    /// the epoch: no log file was delivered later.
    pub(super) fn rest(&self, page: Page<'_>, window: Window, now: i64, max_cuts: usize) -> Vec<KeyRange> {
        let Some(token) = page.token else { return Vec::new() };
        let Some((first, last)) = page.ends else {
            // A page may be empty without being the last: S3 skips deleted keys.
            let token_prefix = self.common_prefix().to_owned();
            return vec![KeyRange { token: Some(token.to_owned()), token_prefix, ..self.clone() }];
        };
        if self.upto.as_deref().is_some_and(|upto| last >= upto) {
            return Vec::new();
        }
        // A server that repeats keys must not move the range back.
        let after = self.after.as_deref().map_or(last, |after| last.max(after));
        let onward = KeyRange {
            after: Some(after.to_owned()),
            upto: self.upto.clone(),
            token: Some(token.to_owned()),
            token_prefix: self.common_prefix().to_owned(),
            ..KeyRange::default()
        };
        let repeats = self.after.as_deref().is_some_and(|after| last <= after);
        let Some(date) = NameDate::find(last).filter(|_| !repeats) else { return vec![onward] };
        let dated_keys = DatedKeys {
            stem: &last[..date.stem],
            layout: match date.layout {
                Layout::ByEventTime if !page.by_event => Layout::ByDeliveryTime,
                layout => layout,
            },
            // No key has a later date, even if a clock is wrong by a day.
            horizon: now + 2 * SECONDS_PER_DAY,
        };
        dated_keys
            .rest(onward, first, date, window, max_cuts)
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect()
    }

    fn is_empty(&self) -> bool {
        matches!((&self.after, &self.upto), (Some(after), Some(upto)) if after >= upto)
    }
}

/// Keys with a common stem, followed by dates.
struct DatedKeys<'a> {
    stem: &'a str,
    layout: Layout,
    horizon: i64,
}

impl DatedKeys<'_> {
    fn key_at(&self, position: i64) -> Option<String> {
        object_name::name_at(self.stem, self.layout, position)
    }

    /// Cuts `onward`: the range after a page that begins with the key `first` and ends with a key of the date `last`.
    fn rest(
        &self,
        onward: KeyRange,
        first: &str,
        last: NameDate,
        window: Window,
        max_cuts: usize,
    ) -> Vec<KeyRange> {
        let (since, until) = object_name::positions(self.layout, window.since, window.until);
        let position = last.position(self.layout);
        let Some(horizon) = self.key_at(self.horizon) else { return vec![onward] };
        if onward.after.as_deref().is_none_or(|after| after >= horizon.as_str()) {
            return vec![onward];
        }
        // The range after all dates of this stem: other stems, and keys without a date.
        let beyond = KeyRange {
            after: Some(horizon.clone()),
            upto: onward.upto.clone(),
            is_probe: window != Window::default(),
            ..KeyRange::default()
        };
        if last.instant >= until {
            return vec![beyond];
        }
        let end_position = self.horizon.min(until);
        let Some(end) = self.key_at(end_position) else { return vec![onward] };
        let ends_within = onward.upto.as_deref().is_some_and(|upto| upto <= end.as_str());
        let mut inside = onward;
        if !ends_within {
            inside.upto = Some(end);
        }
        if last.instant < since {
            // Skips to the beginning of the window: the keys before it have earlier dates.
            let Some(start) = self.key_at(since) else { return vec![inside, beyond] };
            if inside.after.as_deref().is_none_or(|after| after < start.as_str()) {
                inside.after = Some(start);
                inside.token = None;
            }
            return if ends_within { vec![inside] } else { vec![inside, beyond] };
        }
        let end_position = match (ends_within, &inside.upto) {
            (true, Some(upto)) => match NameDate::find(upto) {
                Some(date) if upto[..date.stem] == *self.stem => date.position(self.layout),
                _ => return vec![inside],
            },
            _ => end_position,
        };
        let cuts = self.cuts(first, position, end_position, max_cuts);
        // Listing the range after the dates takes a request of its own. So it is only cut off together with other cuts,
        // or at the end of the window.
        if cuts.is_empty() && !ends_within && window.until.is_none() {
            inside.upto = beyond.upto;
            return vec![inside];
        }
        let mut parts = Vec::with_capacity(cuts.len() + 2);
        let upto = inside.upto.take();
        let mut part = inside;
        for cut in cuts {
            if part.after.as_deref().is_some_and(|after| after >= cut.as_str())
                || upto.as_deref().is_some_and(|upto| cut.as_str() >= upto)
            {
                continue;
            }
            let next = KeyRange { after: Some(cut.clone()), ..KeyRange::default() };
            part.upto = Some(cut);
            parts.push(std::mem::replace(&mut part, next));
        }
        part.upto = upto;
        parts.push(part);
        if !ends_within {
            parts.push(beyond);
        }
        parts
    }

    /// The keys at which to cut the time from `position` to `end`. The page from `first` to `position` shows how much
    /// time a page covers.
    fn cuts(&self, first: &str, position: i64, end: i64, max_cuts: usize) -> Vec<String> {
        let Some(begin) = NameDate::find(first).filter(|date| first[..date.stem] == *self.stem) else {
            return Vec::new();
        };
        let covered = (position - begin.position(self.layout)).max(1);
        let left = end.saturating_sub(position);
        let pages = usize::try_from(left / covered).unwrap_or(0);
        let parts = pages.min(max_cuts.saturating_add(1));
        if parts < 2 {
            return Vec::new();
        }
        let width = left / i64::try_from(parts).unwrap_or(i64::MAX);
        if width == 0 {
            return Vec::new();
        }
        (1..parts).filter_map(|part| self.key_at(position + width * i64::try_from(part).ok()?)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const NOW: &str = "2026-05-01T00:00:00Z";

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    }

    /// Lists `names` in pages of `size`, as S3 does. Returns the listed names, the number of requests, and the number of
    /// consecutive rounds of parallel requests.
    fn list(names: &[String], size: usize, window: Window) -> (Vec<String>, usize, usize) {
        let mut sorted = names.to_vec();
        sorted.sort();
        let mut wave = VecDeque::from([KeyRange::whole(window)]);
        let (mut found, mut requests, mut waves) = (Vec::new(), 0, 0);
        while !wave.is_empty() {
            waves += 1;
            let mut next = VecDeque::new();
            while let Some(range) = wave.pop_front() {
                requests += 1;
                let size = if range.is_probe { 2 } else { size };
                let start = range.token.as_ref().or(range.after.as_ref());
                let from = start.map_or(0, |after| sorted.partition_point(|name| name <= after));
                let page: Vec<&str> = sorted[from..]
                    .iter()
                    .filter(|name| name.starts_with(range.common_prefix()))
                    .take(size)
                    .map(String::as_str)
                    .collect();
                let more = page.last().is_some_and(|last| {
                    sorted.iter().any(|name| name.as_str() > *last && name.starts_with(range.common_prefix()))
                });
                let by_event = object_name::are_by_event(page.iter().copied());
                found.extend(
                    page.iter()
                        .filter(|name| {
                            range.contains(name)
                                && object_name::may_hold(name, window.since, window.until, by_event)
                        })
                        .map(|name| (*name).to_owned()),
                );
                let page_summary = Page {
                    ends: page.first().copied().zip(page.last().copied()),
                    token: page.last().copied().filter(|_| more),
                    by_event,
                };
                let max_cuts = 16_usize.saturating_sub(wave.len() + next.len());
                next.extend(range.rest(page_summary, window, at(NOW), max_cuts));
            }
            wave = next;
        }
        found.sort();
        (found, requests, waves)
    }

    fn simple(stem: &str, from: &str, days: i64, a_day: i64) -> Vec<String> {
        (0..days * a_day)
            .map(|n| {
                let name = object_name::name_at(stem, Layout::Simple, at(from) + n * SECONDS_PER_DAY / a_day)
                    .unwrap();
                format!("{name}-{:016X}", n * 7_777_777)
            })
            .collect()
    }

    fn by_event(stem: &str, from: &str, days: i64, a_day: i64) -> Vec<String> {
        (0..days * a_day)
            .map(|n| {
                let name = object_name::name_at(
                    stem,
                    Layout::ByDeliveryTime,
                    at(from) + n / a_day * SECONDS_PER_DAY,
                )
                .unwrap();
                format!("{name}-{:016X}", (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
            })
            .collect()
    }

    #[test]
    fn busy_days_are_listed_in_parallel() {
        let names = simple("p/", "2026-04-01T00:00:00Z", 30, 1000);
        let (found, requests, waves) = list(&names, 100, Window::default());
        assert_eq!(found, names);
        assert!(requests <= 400, "{requests} requests for 300 pages");
        assert!(waves <= 60, "{waves} rounds of requests");
    }

    #[test]
    fn a_busy_day_by_event_time_is_divided_too() {
        let mut names = by_event("a/eu-west-1/b/", "2026-04-30T00:00:00Z", 1, 20_000);
        names.sort();
        let (found, requests, waves) = list(&names, 100, Window::default());
        assert_eq!(found, names);
        assert!(requests <= 300, "{requests} requests for 200 pages");
        assert!(waves <= 50, "{waves} rounds of requests");
    }

    #[test]
    fn sparse_days_do_not_take_a_request_each() {
        let names = simple("", "2024-01-01T00:00:00Z", 800, 5);
        let (found, requests, _) = list(&names, 1000, Window::default());
        assert_eq!(found, names);
        assert!(requests <= 12, "{requests} requests for 4 pages");
    }

    #[test]
    fn no_name_is_missed_among_other_names() {
        let mut names = simple("media/", "2026-04-01T00:00:00Z", 20, 50);
        names.extend(simple("media", "2020-01-01T00:00:00Z", 3, 100));
        names.extend(simple("web-", "2019-04-01T00:00:00Z", 400, 2));
        names.extend(by_event("a/eu-west-1/b/", "2026-03-20T00:00:00Z", 30, 40));
        for n in 0..300 {
            names.push(format!("media/{n}.log"));
            names.push(format!("media/2026-04-0{n}"));
            names.push(format!("other/{n}/été"));
            names.push(format!("media/2099-01-01-00-00-00-{n:04}"));
        }
        names.sort();
        names.dedup();
        for size in [1, 2, 7, 100, 1000] {
            let (found, ..) = list(&names, size, Window::default());
            assert_eq!(found, names, "pages of {size}");
        }
    }

    #[test]
    fn a_window_lists_only_its_days() {
        let window =
            Window { since: Some(at("2026-03-10T00:00:00Z")), until: Some(at("2026-03-11T00:00:00Z")) };
        let names = simple("p/", "2025-01-01T00:00:00Z", 480, 100);
        let (found, requests, _) = list(&names, 1000, window);
        assert_eq!(found.len(), 11 * 100);
        assert!(found[0].starts_with("p/2026-03-10-") && found[1099].starts_with("p/2026-03-20-"));
        assert!(requests <= 6, "{requests} requests for 2 pages");

        let names = by_event("p/", "2025-01-01T00:00:00Z", 480, 100);
        let (found, requests, _) = list(&names, 1000, window);
        assert_eq!(found.len(), 100);
        assert!(found[0].starts_with("p/2026/03/10/2026-03-10-00-00-00-"));
        assert!(requests <= 6, "{requests} requests for 1 page");
    }

    #[test]
    fn a_window_lists_only_its_day_folders() {
        use crate::log::object_name::FolderStyle;
        let window =
            Window { since: Some(at("2026-03-10T00:00:00Z")), until: Some(at("2026-03-11T00:00:00Z")) };
        for style in [FolderStyle::Slashes, FolderStyle::Hive, FolderStyle::Dashes] {
            for with_hour in [false, true] {
                let layout = Layout::Folders { style, with_hour };
                let mut names: Vec<String> = (0..480 * 96)
                    .map(|n| {
                        let time = at("2025-01-01T00:00:00Z") + n * SECONDS_PER_DAY / 96;
                        let folder =
                            object_name::name_at("AWSLogs/111122223333/S3/eu-west-1/", layout, time).unwrap();
                        format!("{folder}{:08x}.json.gz", n.wrapping_mul(0x9E37_79B9))
                    })
                    .collect();
                names.sort();
                let expected: Vec<&String> = names
                    .iter()
                    .filter(|name| object_name::may_hold(name, window.since, window.until, false))
                    .collect();
                assert_eq!(expected.len(), 11 * 96);
                let (found, requests, _) = list(&names, 1000, window);
                assert!(found.iter().eq(expected), "{layout:?}");
                assert!(requests <= 8, "{requests} requests for 2 pages of {layout:?}");
                let (found, ..) = list(&names, 1000, Window::default());
                assert_eq!(found, names);
            }
        }
    }

    #[test]
    fn a_window_with_one_end() {
        let names = simple("p/", "2026-01-01T00:00:00Z", 100, 10);
        let since = Window { since: Some(at("2026-03-01T00:00:00Z")), until: None };
        assert_eq!(list(&names, 100, since).0, names[59 * 10..]);
        let until = Window { since: None, until: Some(at("2026-02-01T00:00:00Z")) };
        assert_eq!(list(&names, 100, until).0, names[..(31 + 10) * 10]);
    }

    #[test]
    fn a_window_over_several_stems_keeps_names_without_dates() {
        let window =
            Window { since: Some(at("2026-03-10T00:00:00Z")), until: Some(at("2026-03-12T00:00:00Z")) };
        let mut names = simple("a/", "2026-01-01T00:00:00Z", 100, 20);
        names.extend(simple("b/", "2026-01-01T00:00:00Z", 100, 20));
        names.extend(["README".to_owned(), "b/renamed.gz".to_owned(), "z".to_owned()]);
        names.sort();
        let expected: Vec<String> = names
            .iter()
            .filter(|name| object_name::may_hold(name, window.since, window.until, false))
            .cloned()
            .collect();
        let (found, requests, _) = list(&names, 50, window);
        assert_eq!(found, expected);
        assert!(requests <= 40, "{requests} requests for 20 pages");
    }
}
