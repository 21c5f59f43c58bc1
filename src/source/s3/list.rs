//! Lists the log files of a bucket, several stretches of names side by side.

use std::collections::VecDeque;
use std::sync::Arc;

use aws_sdk_s3::types::Object;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Place;
use super::client::{region_of, shown_endpoint};
use super::key_range::{Page, Range};
use super::pagination::{Fruitless, Trail};
use crate::log::object_name;
use crate::source::{LogFile, SourceError, Window};

/// Requests for pages at the same time.
const SIDE_BY_SIDE: usize = 16;
/// Names enough to see what there is.
const PROBE: i32 = 2;
/// Bytes that a name may have: 1,024, as in S3.
const LONGEST_NAME: usize = 1024;
/// Bytes that an ETag may have: 256. It has 32, and some more if the object came in parts.
const LONGEST_TAG: usize = 256;

/// What is kept of a page: what S3 sent takes many times the memory.
struct Listed {
    /// The log files wanted.
    files: Vec<LogFile>,
    /// First and last name.
    ends: Option<(String, String)>,
    /// Where S3 goes on.
    token: Option<String>,
    /// The names are of the partitioned layout by event time.
    by_event: bool,
    /// Where the pages up to this one went on.
    trail: Trail,
    /// There is a name beyond those before, or no further page.
    is_fruitful: bool,
}

pub(super) async fn list(
    place: &Arc<Place>,
    window: Window,
    pages: mpsc::Sender<Vec<LogFile>>,
) -> Result<(), SourceError> {
    // Directory buckets (S3 Express One Zone) do not list in the order of names.
    let ordered = !place.bucket.ends_with("--x-s3");
    let mut waiting = VecDeque::from([if ordered { Range::whole(window) } else { Range::default() }]);
    let mut fruitless = Fruitless::default();
    let mut running: JoinSet<Result<(Range, Listed), SourceError>> = JoinSet::new();
    loop {
        while running.len() < SIDE_BY_SIDE
            && let Some(range) = waiting.pop_front()
        {
            let place = Arc::clone(place);
            running.spawn(async move {
                page(&place, &range, window, ordered).await.map(|listed| (range, listed))
            });
        }
        let Some(done) = running.join_next().await else { return Ok(()) };
        let (range, listed) = match done {
            Ok(result) => result?,
            // Only if the runtime shuts down: nobody is left to be told.
            Err(_) => return Ok(()),
        };
        if let Err(reason) = fruitless.page(listed.is_fruitful) {
            return Err(astray(place, &reason.to_string()).await);
        }
        let mut rest = VecDeque::new();
        if ordered {
            let shown = Page {
                ends: listed.ends.as_ref().map(|(first, last)| (first.as_str(), last.as_str())),
                token: listed.token.as_deref(),
                by_event: listed.by_event,
            };
            let room = SIDE_BY_SIDE.saturating_sub(running.len() + waiting.len() + 1);
            rest.extend(range.rest(shown, window, jiff::Timestamp::now().as_second(), room));
        } else if listed.token.is_some() {
            rest.push_back(Range { token: listed.token, ..Range::default() });
        }
        // Only one goes on with the token; what begins anew has no pages before it.
        for part in rest.iter_mut().filter(|part| part.token.is_some()) {
            part.trail = listed.trail.clone();
        }
        waiting.append(&mut rest);
        if !listed.files.is_empty() && pages.send(listed.files).await.is_err() {
            return Ok(());
        }
    }
}

/// Asks for the next page of a range.
async fn page(place: &Place, range: &Range, window: Window, ordered: bool) -> Result<Listed, SourceError> {
    let common = range.common_prefix();
    let prefix = if common.len() > place.prefix.len() { common } else { &place.prefix };
    let start = match range.token {
        Some(_) => None,
        None => range.after.clone(),
    };
    let output = place
        .ask("s3:ListBucket", None, |client, first_contact| {
            let request = client
                .list_objects_v2()
                .bucket(&place.bucket)
                .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
                .set_start_after(start.clone())
                .set_continuation_token(range.token.clone())
                .set_max_keys(range.probe.then_some(PROBE));
            async move {
                match first_contact {
                    Some(patience) => request.customize().config_override(patience).send().await,
                    None => request.send().await,
                }
            }
        })
        .await?;

    let names = output.contents();
    if let Some(length) = names.iter().filter_map(Object::key).map(str::len).find(|len| *len > LONGEST_NAME) {
        return Err(astray(
            place,
            &format!("a name in the list has {length} bytes, {LONGEST_NAME} are allowed"),
        )
        .await);
    }
    let by_event = object_name::are_by_event(names.iter().filter_map(Object::key));
    let files: Vec<LogFile> = names
        .iter()
        .filter_map(log_file)
        .filter(|file| !ordered || range.contains(&file.name))
        .filter(|file| object_name::may_hold(&file.name, window.since, window.until, by_event))
        .collect();
    let ends = names.first().and_then(Object::key).zip(names.last().and_then(Object::key));
    let token = output.next_continuation_token().filter(|_| output.is_truncated() == Some(true));
    let trail = match token.map_or(Ok(Trail::default()), |token| range.trail.clone().onward(token)) {
        Ok(trail) => trail,
        Err(reason) => return Err(astray(place, &reason.to_string()).await),
    };
    let is_fruitful = match (ends, &range.after) {
        _ if token.is_none() => true,
        (Some((_, last)), Some(after)) if ordered => last > after.as_str(),
        (ends, _) => ends.is_some(),
    };
    Ok(Listed {
        files,
        ends: ends.map(|(first, last)| (first.to_owned(), last.to_owned())),
        token: token.map(str::to_owned),
        by_event,
        trail,
        is_fruitful,
    })
}

/// A list that leads nowhere.
async fn astray(place: &Place, reason: &str) -> SourceError {
    let options = place.connection.options();
    let client = place.connection.client().await;
    let endpoint = shown_endpoint(options, client.as_ref().map_or("", region_of));
    let message = format!("{endpoint} does not list as S3 does: {reason}; check --endpoint-url");
    SourceError::S3 { uri: place.uri.clone(), message }
}

/// A listed object as a log file; `None` for the empty ones that stand for folders.
fn log_file(object: &Object) -> Option<LogFile> {
    let name = object.key()?.to_owned();
    let size = object.size().and_then(|size| u64::try_from(size).ok());
    if size == Some(0) {
        return None;
    }
    let version = match object.e_tag().map(|tag| tag.trim_matches('"')) {
        Some(tag) if (1..=LONGEST_TAG).contains(&tag.len()) => tag.to_owned(),
        // Not every S3-compatible server has ETags in its lists.
        _ => format!("{}-{}", size?, object.last_modified()?.as_nanos()),
    };
    Some(LogFile { name, size, version: Some(version) })
}
