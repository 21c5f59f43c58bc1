//! Lists the log files of a bucket, several ranges of keys in parallel.

use std::collections::VecDeque;
use std::sync::Arc;

use aws_sdk_s3::types::Object;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Location;
use super::client::{region_of, shown_endpoint};
use super::key_range::{KeyRange, Page};
use super::pagination::{ProgressDetector, TokenCycleDetector};
use crate::log::object_name;
use crate::source::{LogFile, SourceError, Window};

/// Page requests at a time.
const MAX_PARALLEL_REQUESTS: usize = 16;
/// Names in the page of a probe.
const PROBE_NAMES: i32 = 2;
/// Bytes of the longest key that S3 allows.
const MAX_KEY_BYTES: usize = 1024;
/// Bytes of the longest ETag that is used. ETags have 32 bytes, or a few more after a multipart upload.
const MAX_ETAG_BYTES: usize = 256;

/// The part of a page that is kept. The response takes many times the memory.
struct ListedPage {
    /// The log files of the range and the window.
    files: Vec<LogFile>,
    /// First and last name.
    ends: Option<(String, String)>,
    token: Option<String>,
    /// Whether the names have the partitioned layout by event time.
    by_event: bool,
    tokens: TokenCycleDetector,
    /// Whether there is a name after those of earlier pages, or no further page.
    has_progress: bool,
}

pub(super) async fn list(
    location: &Arc<Location>,
    window: Window,
    pages: mpsc::Sender<Vec<LogFile>>,
) -> Result<(), SourceError> {
    // Directory buckets (S3 Express One Zone) do not list in the order of keys.
    let is_ordered = !location.bucket.ends_with("--x-s3");
    let mut waiting =
        VecDeque::from([if is_ordered { KeyRange::whole(window) } else { KeyRange::default() }]);
    let mut progress = ProgressDetector::default();
    let mut running: JoinSet<Result<(KeyRange, ListedPage), SourceError>> = JoinSet::new();
    loop {
        while running.len() < MAX_PARALLEL_REQUESTS
            && let Some(range) = waiting.pop_front()
        {
            let location = Arc::clone(location);
            running.spawn(async move {
                fetch_page(&location, &range, window, is_ordered).await.map(|listed| (range, listed))
            });
        }
        let Some(done) = running.join_next().await else { return Ok(()) };
        let (range, listed) = match done {
            Ok(result) => result?,
            // The runtime shuts down.
            Err(_) => return Ok(()),
        };
        if let Err(reason) = progress.count_page(listed.has_progress) {
            return Err(invalid_listing(location, &reason.to_string()).await);
        }
        let mut rest = VecDeque::new();
        if is_ordered {
            let page = Page {
                ends: listed.ends.as_ref().map(|(first, last)| (first.as_str(), last.as_str())),
                token: listed.token.as_deref(),
                by_event: listed.by_event,
            };
            let free = MAX_PARALLEL_REQUESTS.saturating_sub(running.len() + waiting.len() + 1);
            rest.extend(range.rest(page, window, jiff::Timestamp::now().as_second(), free));
        } else if listed.token.is_some() {
            rest.push_back(KeyRange { token: listed.token, ..KeyRange::default() });
        }
        // Only the part that continues with the token has earlier pages.
        for part in rest.iter_mut().filter(|part| part.token.is_some()) {
            part.tokens = listed.tokens.clone();
        }
        waiting.append(&mut rest);
        if !listed.files.is_empty() && pages.send(listed.files).await.is_err() {
            return Ok(());
        }
    }
}

/// Fetches the next page of a range.
async fn fetch_page(
    location: &Location,
    range: &KeyRange,
    window: Window,
    is_ordered: bool,
) -> Result<ListedPage, SourceError> {
    let common = range.common_prefix();
    let prefix = if common.len() > location.prefix.len() { common } else { &location.prefix };
    let start = range.after.clone().filter(|_| range.token.is_none());
    let output = location
        .request("s3:ListBucket", None, |client, config| {
            client
                .list_objects_v2()
                .bucket(&location.bucket)
                .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
                .set_start_after(start.clone())
                .set_continuation_token(range.token.clone())
                .set_max_keys(range.is_probe.then_some(PROBE_NAMES))
                .customize()
                .config_override(config)
                .send()
        })
        .await?;

    let names = output.contents();
    if let Some(length) = names.iter().filter_map(Object::key).map(str::len).find(|len| *len > MAX_KEY_BYTES)
    {
        let reason = format!("a key in the listing has {length} bytes, {MAX_KEY_BYTES} are allowed");
        return Err(invalid_listing(location, &reason).await);
    }
    let by_event = object_name::are_by_event(names.iter().filter_map(Object::key));
    let files: Vec<LogFile> = names
        .iter()
        .filter_map(log_file)
        .filter(|file| !is_ordered || range.contains(&file.name))
        .filter(|file| object_name::may_hold(&file.name, window.since, window.until, by_event))
        .collect();
    let ends = names.first().and_then(Object::key).zip(names.last().and_then(Object::key));
    let token = output.next_continuation_token().filter(|_| output.is_truncated() == Some(true));
    let tokens =
        match token.map_or(Ok(TokenCycleDetector::default()), |token| range.tokens.clone().next(token)) {
            Ok(tokens) => tokens,
            Err(reason) => return Err(invalid_listing(location, &reason.to_string()).await),
        };
    let has_progress = match (ends, &range.after) {
        _ if token.is_none() => true,
        (Some((_, last)), Some(after)) if is_ordered => last > after.as_str(),
        (ends, _) => ends.is_some(),
    };
    Ok(ListedPage {
        files,
        ends: ends.map(|(first, last)| (first.to_owned(), last.to_owned())),
        token: token.map(str::to_owned),
        by_event,
        tokens,
        has_progress,
    })
}

/// The error for a listing that S3 would not return.
async fn invalid_listing(location: &Location, reason: &str) -> SourceError {
    let options = &location.connection.options;
    let client = location.connection.client().await;
    let endpoint = shown_endpoint(options, "s3", client.as_ref().map_or("", region_of));
    let message = format!("{endpoint} does not list like S3: {reason}; check --endpoint-url");
    SourceError::S3 { uri: location.uri.clone(), message }
}

/// A listed object as a log file. `None` for empty objects, which some programs create as folders.
fn log_file(object: &Object) -> Option<LogFile> {
    let name = object.key()?.to_owned();
    let size = object.size().and_then(|size| u64::try_from(size).ok());
    if size == Some(0) {
        return None;
    }
    let version = match object.e_tag().map(|etag| etag.trim_matches('"')) {
        Some(etag) if (1..=MAX_ETAG_BYTES).contains(&etag.len()) => etag.to_owned(),
        // Some S3-compatible servers list objects without ETags.
        _ => format!("{}-{}", size?, object.last_modified()?.as_nanos()),
    };
    Some(LogFile { name, size, version: Some(version) })
}
