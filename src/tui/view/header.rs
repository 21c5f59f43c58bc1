//! The first line: title, totals, progress of the ingest.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use crate::ingest::{Phase, Progress};
use crate::log::Field;
use crate::query::Value;
use crate::tui::model::{Command, Detail, State};
use crate::tui::view::{put, put_right};
use crate::tui::{cell_text, format, widgets::fit};

/// Columns that the title keeps when the totals need room.
const MIN_TITLE: usize = 16;
/// The same while log files are followed, where the age of the newest request needs room too, and on narrow terminals.
const SHORT_TITLE: usize = 12;
/// A terminal with fewer columns is narrow.
const NARROW: u16 = 80;

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let y = area.y;
    let right = status(state, area, buffer);
    let room = Rect { width: right.saturating_sub(area.x).saturating_sub(1), ..area };
    let bold = theme.accent().add_modifier(ratatui::style::Modifier::BOLD);
    let mut x = put(buffer, room, area.x + 1, y, "tamarin", bold);
    let facts_room = room.right().saturating_sub(x + 2);
    let facts = match &state.layer().detail {
        Some(detail) => facts_of_request(state, detail, facts_room),
        None => facts(state, facts_room),
    };
    let width = u16::try_from(facts.width()).unwrap_or(u16::MAX);
    let gap = if width == 0 { 0 } else { 2 };
    let left = room.right().saturating_sub(x + 2 + width + gap);
    let title = fit::middle(&format::visible(&state.title), usize::from(left));
    x = put(buffer, room, x + 2, y, &title, theme.text());
    put(buffer, room, x + 2, y, &facts, theme.quiet());
}

/// Requests, bytes and time range, if they fit beside the title.
fn facts(state: &State, room: u16) -> String {
    let Some(totals) = &state.totals.data else { return String::new() };
    let stats = totals.stats;
    if stats.requests == 0 {
        return String::new();
    }
    let grows = if state.is_growing() || state.totals.share.is_some() { "+" } else { "" };
    let plural = format::plural(if grows.is_empty() { stats.requests } else { 0 });
    let all = format!("{}{grows} request{plural}", format::count(stats.requests));
    let (requests, short, bytes) = match state.matched() {
        Some((matched, true)) if !state.layer().is_unfiltered(state.session_time) => {
            let matched_count = format::count(matched.requests);
            let short = format!("{matched_count} of {}{grows}", format::count(stats.requests));
            (format!("{matched_count} of {all}"), short, matched.bytes_sent)
        }
        _ => (all.clone(), all, stats.bytes_sent),
    };
    let bytes = format::bytes(bytes);
    // A place is kept for the cost while it is computed.
    let cost = &state.layer().cost;
    let cost = match (state.cost(), cost.is_running() || cost.data.is_some()) {
        (Some(dollars), _) => format!("{bytes}  ≈ {}", format::dollars(dollars)),
        (None, true) => format!("{bytes}  ≈ $…"),
        (None, false) => bytes.clone(),
    };
    let layer = state.layer();
    let time = match state.chosen_range(layer).filter(|_| layer.time != state.session_time) {
        Some((start, end)) => format::span(start, end, state.zone(), true),
        None => format::time_range(stats.first_seen, stats.last_seen, state.zone()),
    };
    let time = format!("{time} {}", state.zone_name());
    let is_short = state.follow_interval.is_some() || state.size.0 < NARROW;
    let min_title = if is_short { SHORT_TITLE } else { MIN_TITLE };
    let room = usize::from(room).saturating_sub(state.title.width().min(min_title) + 2);
    let fits = |facts: &String| facts.width() <= room;
    if state.follow_interval.is_some() {
        let (now, zone) = (state.now.unix_seconds, state.zone_name());
        let exact = format::instant_seen_at(stats.last_seen, now, state.zone());
        let ago = format::ago(now.saturating_sub(stats.last_seen));
        return [
            format!("{requests}  {cost}  {time}  newest {exact} ({ago})"),
            format!("{requests}  {bytes}  {time}  newest {exact} ({ago})"),
            format!("{requests}  {bytes}  newest {exact} {zone} ({ago})"),
            format!("{requests}  newest {exact} {zone} ({ago})"),
            format!("{requests}  newest {ago}"),
            format!("newest {ago}"),
            String::new(),
        ]
        .into_iter()
        .find(fits)
        .unwrap_or_default();
    }
    [
        format!("{requests}  {cost}  {time}"),
        format!("{requests}  {cost}"),
        format!("{short}  {cost}"),
        format!("{requests}  {bytes}"),
        requests,
        String::new(),
    ]
    .into_iter()
    .find(fits)
    .unwrap_or_default()
}

/// What the open request was about, if it fits beside the title: `GET object  200  4.9 MiB  2026-04-01 12:00:05 UTC`.
fn facts_of_request(state: &State, detail: &Detail, room: u16) -> String {
    let row = &detail.row;
    let time = format!("{} {}", format::full_instant(row.time, state.zone()), state.zone_name());
    let known =
        |field| (*row.get(field) != Value::Absent).then(|| cell_text::of_field(field, row.get(field)));
    let outcome = [Field::Operation, Field::HttpStatus, Field::ErrorCode].into_iter().filter_map(known);
    let outcome = outcome.collect::<Vec<_>>().join("  ");
    let bytes = known(Field::BytesSent).map(|bytes| format!("  {bytes}")).unwrap_or_default();
    let room = usize::from(room).saturating_sub(state.title.width().min(MIN_TITLE) + 2);
    [format!("{outcome}{bytes}  {time}"), format!("{outcome}  {time}"), time, String::new()]
        .into_iter()
        .find(|facts| facts.width() <= room)
        .unwrap_or_default()
}

/// Draws the status of the ingest at the right edge. Returns its first terminal column.
fn status(state: &State, area: Rect, buffer: &mut Buffer) -> u16 {
    let theme = state.theme;
    let area = Rect { width: area.width.saturating_sub(1), ..area };
    let mut right = area;
    let write = |right: &mut Rect, buffer: &mut Buffer, text: &str, style| {
        let x = put_right(buffer, *right, area.y, text, style);
        right.width = x.saturating_sub(right.x).saturating_sub(2);
    };
    if state.paused {
        let text = match state.added_since_pause {
            0 => "paused".to_owned(),
            newer if area.width >= 110 => format!("paused · {} newer", format::counted(newer, "request")),
            newer => format!("paused · {} newer", format::count(newer)),
        };
        write(&mut right, buffer, &text, theme.warning());
    }
    let ingest = state.progress.as_ref();
    let failed = ingest.map_or(0, |progress| progress.files_failed.max(progress.failures.len() as u64))
        + state.unopened.len() as u64;
    if failed > 0 {
        let failed = format::count(failed);
        let text = match state.has_failures() && area.width >= 110 {
            true => format!("{failed} failed: ! shows why, {} retries", state.table_key(Command::Retry)),
            false => format!("{failed} failed !"),
        };
        write(&mut right, buffer, &text, theme.error());
    } else if state.log_counts.rejected > 0 && (area.width >= 110 || state.follow_interval.is_none()) {
        let rejected = state.log_counts.rejected;
        let text = match area.width >= 160 {
            true => format!("{} rejected: ! shows more", format::counted(rejected, "line")),
            false => format!("{} rejected !", format::count(rejected)),
        };
        write(&mut right, buffer, &text, theme.warning());
    }
    let Some(progress) = ingest else { return right.right() + 1 };
    // What was read since the pause is not on the screen.
    if state.paused && progress.phase == Phase::Done && has_succeeded(state, progress) {
        return right.right() + 1;
    }
    let style = match progress.phase {
        Phase::Done if has_succeeded(state, progress) && !state.is_catching_up() => theme.good(),
        Phase::Failed => theme.error(),
        _ => theme.accent(),
    };
    write(&mut right, buffer, &status_text(state, progress, area.width), style);
    right.right() + 1
}

/// Whether all sources were opened, and there were log files and all of them were read. Files that are not logs do not count.
fn has_succeeded(state: &State, progress: &Progress) -> bool {
    let files = progress.files_listed.max(progress.files_known + progress.files_done);
    state.unopened.is_empty()
        && progress.files_failed == 0
        && progress.failures.is_empty()
        && progress.fatal.is_none()
        && files > progress.files_skipped
}

fn status_text(state: &State, progress: &Progress, width: u16) -> String {
    let done = progress.files_done + progress.files_known;
    let listed = progress.files_listed.max(done);
    let has_data = state.totals.data.as_ref().is_some_and(|totals| totals.stats.requests > 0);
    let every = state.follow_interval.map(format::interval);
    if progress.phase == Phase::Done && has_succeeded(state, progress) && state.is_catching_up() {
        // The numbers of the last requests are on their way.
        return if width >= 110 { "⟳ counting" } else { "⟳" }.to_owned();
    }
    match (progress.phase, every) {
        (Phase::Done, Some(every)) if has_succeeded(state, progress) => return format!("✓ every {every}"),
        (Phase::Done, Some(every)) => return format!("every {every}"),
        (Phase::Failed, Some(every)) if width >= 110 => {
            return format!("✗ retrying every {every}, ! shows why");
        }
        (Phase::Failed, Some(every)) => return format!("✗ every {every}, ! shows why"),
        _ => {}
    }
    match progress.phase {
        Phase::Idle => "⟳ starting".to_owned(),
        Phase::Done if has_succeeded(state, progress) && width >= 110 => "✓ up to date".to_owned(),
        Phase::Done if has_succeeded(state, progress) => "✓".to_owned(),
        Phase::Done if progress.files_skipped > 0 && progress.files_failed == 0 => "no log files".to_owned(),
        Phase::Done => String::new(),
        Phase::Cancelled => "stopped".to_owned(),
        Phase::Failed if has_data && width >= 110 => {
            "not pulling: cached requests only, ! shows why".to_owned()
        }
        Phase::Failed if has_data => "not pulling !".to_owned(),
        Phase::Failed => "✗ could not read the logs".to_owned(),
        Phase::Listing if listed == 0 => "⟳ listing".to_owned(),
        Phase::Listing | Phase::Reading => {
            let more = if progress.phase == Phase::Listing { "+" } else { "" };
            let files = format!("⟳ {}/{}{more}", format::count(done), format::count(listed));
            let eta = progress.eta().map(|left| format!("  {}", format::remaining(left))).unwrap_or_default();
            if width >= 110 {
                format!("{files} files  {} lines/s{eta}", format::rate(progress.rate))
            } else {
                format!("{files}{eta}")
            }
        }
    }
}
