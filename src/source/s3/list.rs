//! Lists the log files of a bucket, several stretches of names side by side.

use std::collections::VecDeque;
use std::sync::Arc;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::Object;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Place;
use super::ranges::{Page, Range};
use crate::source::{LogFile, SourceError, Window, stamp};

/// Requests for pages at the same time.
const SIDE_BY_SIDE: usize = 16;
/// Names enough to see what there is.
const PROBE: i32 = 2;

pub(super) async fn list(
    place: &Arc<Place>,
    window: Window,
    pages: mpsc::Sender<Vec<LogFile>>,
) -> Result<(), SourceError> {
    // Directory buckets (S3 Express One Zone) do not list in the order of names.
    let ordered = !place.bucket.ends_with("--x-s3");
    let mut waiting = VecDeque::from([if ordered { Range::whole(window) } else { Range::default() }]);
    let mut running: JoinSet<Result<(Range, ListObjectsV2Output), SourceError>> = JoinSet::new();
    loop {
        while running.len() < SIDE_BY_SIDE
            && let Some(range) = waiting.pop_front()
        {
            let place = Arc::clone(place);
            running.spawn(async move { page(&place, &range).await.map(|output| (range, output)) });
        }
        let Some(done) = running.join_next().await else { return Ok(()) };
        let (range, output) = match done {
            Ok(result) => result?,
            // Only if the runtime shuts down: nobody is left to be told.
            Err(_) => return Ok(()),
        };
        let names = output.contents();
        let by_event = stamp::by_event(names.iter().filter_map(Object::key));
        let files: Vec<LogFile> = names
            .iter()
            .filter_map(log_file)
            .filter(|file| !ordered || range.contains(&file.name))
            .filter(|file| stamp::may_hold(&file.name, window, by_event))
            .collect();

        let token = output.next_continuation_token().filter(|_| output.is_truncated() == Some(true));
        if ordered {
            let shown = Page {
                ends: names.first().and_then(Object::key).zip(names.last().and_then(Object::key)),
                token,
                by_event,
            };
            let room = SIDE_BY_SIDE.saturating_sub(running.len() + waiting.len() + 1);
            waiting.extend(range.rest(shown, window, jiff::Timestamp::now().as_second(), room));
        } else if let Some(token) = token {
            waiting.push_back(Range { token: Some(token.to_owned()), ..Range::default() });
        }
        if !files.is_empty() && pages.send(files).await.is_err() {
            return Ok(());
        }
    }
}

/// Asks for the next page of a range.
async fn page(place: &Place, range: &Range) -> Result<ListObjectsV2Output, SourceError> {
    let common = range.common_prefix();
    let prefix = if common.len() > place.prefix.len() { common } else { &place.prefix };
    let start = match range.token {
        Some(_) => None,
        None => range.after.clone(),
    };
    place
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
        .await
}

/// A listed object as a log file; `None` for the empty ones that stand for folders.
fn log_file(object: &Object) -> Option<LogFile> {
    let name = object.key()?.to_owned();
    let size = object.size().and_then(|size| u64::try_from(size).ok());
    if size == Some(0) {
        return None;
    }
    let version = match object.e_tag().map(|tag| tag.trim_matches('"')) {
        Some(tag) if !tag.is_empty() => tag.to_owned(),
        // Not every S3-compatible server has ETags in its lists.
        _ => format!("{}-{}", size?, object.last_modified()?.as_nanos()),
    };
    Some(LogFile { name, size, version: Some(version) })
}
