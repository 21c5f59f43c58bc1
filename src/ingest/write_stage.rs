//! The one thread that writes: appends batches and decides when to commit.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;

use crate::cache::{Batch, CacheError, Writer};

use super::buffer_pool::BufferPool;
use super::counters::Counters;
use super::{Message, Stop};

/// The first commits come soon, for somebody is watching an empty screen; later ones are rarer, since a
/// small segment is written anew each time.
const COMMIT_AFTER: [Duration; 3] =
    [Duration::from_millis(150), Duration::from_millis(500), Duration::from_millis(2000)];

/// Files without log lines that are kept to be noted at the end: 10,000. Of a source without any log lines no more
/// are noted, so they are looked at again by the next pull.
const MOST_NO_LOGS: usize = 10_000;

/// What was appended but not committed yet.
#[derive(Default)]
struct Pending {
    requests: u64,
    files: u64,
    newest: Option<i64>,
}

/// Writes until there are no more messages, or the cache says no.
pub fn run(
    mut writer: Writer,
    runtime: &tokio::runtime::Handle,
    uris: &[String],
    messages: &mut Receiver<Message>,
    counters: &Counters,
    stop: &Stop,
    spare: &BufferPool<Box<Batch>>,
) {
    if let Err(error) = write(&mut writer, runtime, uris, messages, counters, spare) {
        counters.fail(error.to_string());
        // Nobody takes batches from here on: whoever makes them must not wait.
        stop.stop();
    }
}

fn write(
    writer: &mut Writer,
    runtime: &tokio::runtime::Handle,
    uris: &[String],
    messages: &mut Receiver<Message>,
    counters: &Counters,
    spare: &BufferPool<Box<Batch>>,
) -> Result<(), CacheError> {
    let mut pending = Pending::default();
    // A source enters the catalogue with its first lines: a mistyped name, or a folder of something else,
    // leaves no trace.
    let mut ids: Vec<Option<i64>> = vec![None; uris.len()];
    let mut no_logs = Vec::new();
    let mut expanded = Vec::new();
    let mut damaged = Vec::new();
    let mut pulled = Vec::new();
    let mut commits = 0;
    let mut last = Instant::now();
    loop {
        let wait = COMMIT_AFTER[commits.min(COMMIT_AFTER.len() - 1)].saturating_sub(last.elapsed());
        let message = match runtime.block_on(async { tokio::time::timeout(wait, messages.recv()).await }) {
            Ok(Some(message)) => Some(message),
            Ok(None) => break,
            Err(_) => None,
        };
        match message {
            Some(Message::Batch(source, mut batch, room)) => {
                pending.files += batch.parts.iter().filter(|part| part.total_lines.is_some()).count() as u64;
                pending.newest = pending.newest.max(batch.newest());
                let id = match ids[source] {
                    Some(id) => id,
                    None => *ids[source].insert(writer.source(&uris[source])?),
                };
                let appended = writer.append(id, &mut batch)?;
                spare.give_back(batch);
                drop(room);
                pending.requests += appended.requests;
                counters.duplicates.fetch_add(appended.duplicates, Relaxed);
                if writer.is_committed() {
                    // A segment was full: when they come so fast, none is written before it is.
                    tell(&mut pending, counters);
                    last = Instant::now();
                }
            }
            Some(Message::NoLog(source, file)) => {
                if no_logs.len() >= MOST_NO_LOGS {
                    for (source, file) in no_logs.drain(..) {
                        if let Some(id) = known(writer, &ids, uris, source)? {
                            writer.record_no_log(id, &file)?;
                        }
                    }
                }
                no_logs.push((source, file));
                counters.files_skipped.fetch_add(1, Relaxed);
            }
            Some(Message::Expanded(source, file)) => expanded.push((source, file)),
            Some(Message::Damaged(source, file)) => damaged.push((source, file)),
            Some(Message::Pulled(source)) => pulled.push(source),
            None => {}
        }
        if last.elapsed() >= COMMIT_AFTER[commits.min(COMMIT_AFTER.len() - 1)] {
            if !writer.is_committed() {
                writer.commit()?;
                tell(&mut pending, counters);
                commits += 1;
            }
            last = Instant::now();
        }
    }
    // Only now have all batches of the members arrived.
    for (source, file) in no_logs.into_iter().chain(expanded) {
        if let Some(id) = known(writer, &ids, uris, source)? {
            writer.record_no_log(id, &file)?;
        }
    }
    // Only now have all batches of the damaged files arrived.
    for (source, file) in damaged {
        if let Some(id) = known(writer, &ids, uris, source)? {
            writer.record_damage(id, &file)?;
        }
    }
    counters.taken_back.fetch_add(writer.replace_versions()?, Relaxed);
    for source in pulled {
        if let Some(id) = known(writer, &ids, uris, source)? {
            writer.record_pull(id)?;
        }
    }
    tell(&mut pending, counters);
    // Whatever becomes of those who read meanwhile: from here on the file is whole by itself.
    writer.checkpoint()
}

/// The number of a source, if the catalogue has it.
fn known(
    writer: &Writer,
    ids: &[Option<i64>],
    uris: &[String],
    source: usize,
) -> Result<Option<i64>, CacheError> {
    match ids[source] {
        Some(id) => Ok(Some(id)),
        None => writer.find_source(&uris[source]),
    }
}

/// All that was pending is committed now.
fn tell(pending: &mut Pending, counters: &Counters) {
    let Pending { requests, files, newest } = std::mem::take(pending);
    counters.requests.fetch_add(requests, Relaxed);
    counters.files_done.fetch_add(files, Relaxed);
    if let Some(newest) = newest {
        counters.seen(newest);
    }
}
