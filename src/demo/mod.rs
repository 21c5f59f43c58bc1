//! The demo: a synthetic bucket. A month of believable access logs of a media bucket, made up on the
//! spot, the same for the same seed on every machine, with some trouble hidden in it ([`TROUBLES`]).
//!
//! Here live the month and its curves (`clock`), the objects (`objects`), who asks for them
//! (`clients`), ordinary requests (`visitor_requests`, `house`) and the trouble (`incidents`, `acts`), what falls into
//! which log file (`schedule`), and their spelling (`log_line`). The log files go the ordinary way: they are listed and
//! fetched like any. Never here: anything that reads a log line.

mod clients;
mod clock;
mod incident_requests;
mod incidents;
mod log_line;
mod objects;
mod random;
mod schedule;
mod signed_requests;
#[cfg(test)]
mod tests;
mod visitor_requests;
mod write;

use std::collections::HashMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use crate::source::{Body, LogFile, Source, SourceError, Window};
use clients::People;
use objects::Catalogue;
use random::Rng;
use schedule::{Plan, Stream};
use visitor_requests::Scratch;

pub use clock::{MONTH_END, MONTH_START};
pub use incidents::{
    CLEANUP_REQUESTER, FREELOADER, GUESSER_IPS, HOG_IP, HOG_SHARE, HOSTILE_IP, RETRY_IP, RETRY_REQUESTER,
    SCRAPER_IP, TROUBLES, Trouble, TroubleSpec,
};
pub use log_line::{ACCOUNT, BUCKET, BUCKET_OWNER};

/// The most requests that a demo can have: beyond, single log files would grow too large.
pub const MAX_REQUESTS: u64 = 1_000_000_000;

/// How much is made up, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoOptions {
    /// Exactly so many different records, at most [`MAX_REQUESTS`]. Below 1,000 there is hardly any trouble.
    pub requests: u64,
    /// Another seed, other requests; the trouble stays who it is.
    pub seed: u64,
}

impl Default for DemoOptions {
    fn default() -> DemoOptions {
        DemoOptions { requests: 400_000, seed: 1 }
    }
}

/// What was written: the exact truth about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Log files.
    pub files: u64,
    /// Lines in all: requests, duplicates and rejected ones.
    pub lines: u64,
    /// Different records.
    pub requests: u64,
    /// Exact repeats of a line.
    pub duplicates: u64,
    /// Lines that are no record.
    pub rejected: u64,
    /// Bytes of log.
    pub bytes: u64,
    /// Sum of `bytes_sent` over the different records.
    pub bytes_sent: u64,
}

impl std::ops::AddAssign for Summary {
    fn add_assign(&mut self, other: Summary) {
        self.files += other.files;
        self.lines += other.lines;
        self.requests += other.requests;
        self.duplicates += other.duplicates;
        self.rejected += other.rejected;
        self.bytes += other.bytes;
        self.bytes_sent += other.bytes_sent;
    }
}

/// Objects and people: what requests are made of.
#[derive(Debug)]
struct World {
    seed: u64,
    catalogue: Catalogue,
    people: People,
}

/// The synthetic bucket.
#[derive(Debug)]
pub struct Demo {
    uri: String,
    world: World,
    plan: Plan,
    names: Vec<String>,
    by_name: HashMap<String, usize>,
}

/// Changes when the same seed makes other log files than before: log files known to a cache are then
/// read again.
const GENERATION: &str = "1";
/// The latest that a record is delivered after its time, seconds.
const LATEST: u32 = 5 * clock::DAY;

impl Demo {
    /// Plans the month; makes up no line yet. More than [`MAX_REQUESTS`] become that many.
    pub fn new(options: DemoOptions) -> Demo {
        let DemoOptions { requests, seed } = options;
        let requests = requests.min(MAX_REQUESTS);
        let world =
            World { seed, catalogue: Catalogue::new(seed, requests), people: People::new(seed, requests) };
        let plan = Plan::new(&world, requests);
        let names: Vec<String> = (0..plan.slices.len()).map(|index| plan.name(&world, index)).collect();
        let by_name = names.iter().enumerate().map(|(index, name)| (name.clone(), index)).collect();
        Demo { uri: format!("demo:{seed}:{requests}"), world, plan, names, by_name }
    }

    /// The options behind the URI of a demo, `demo:SEED:REQUESTS`; `None` if it is none.
    pub fn options_of(uri: &str) -> Option<DemoOptions> {
        let (seed, requests) = uri.strip_prefix("demo:")?.split_once(':')?;
        let requests = requests.parse().ok().filter(|&requests| requests <= MAX_REQUESTS)?;
        Some(DemoOptions { requests, seed: seed.parse().ok()? })
    }

    /// How many log files there are.
    pub fn files(&self) -> usize {
        self.names.len()
    }

    /// How many records this trouble makes.
    pub fn requests_of(&self, trouble: Trouble) -> u64 {
        self.plan.records_of(trouble)
    }

    /// Appends the lines of one log file.
    fn render(&self, index: usize, desk: &mut Desk, out: &mut Vec<u8>) -> Summary {
        let slice = self.plan.slices[index];
        let rng = &mut Rng::new(self.world.seed, index as u64);
        let Desk { events, scratch } = desk;
        events.clear();
        for planned in &self.plan.streams {
            for unit in planned.units_in(slice) {
                let time = planned.time_of(unit, slice, rng);
                // Servers deliver their records when they please: the order is not that of time.
                let order = time + rng.below(25) as u32;
                let time = if planned.stream == Stream::Ordinary { delayed(time, rng) } else { time };
                events.push(Event { order, time, stream: planned.stream, unit });
            }
        }
        events.sort_unstable();

        let start = out.len();
        let mut summary = Summary { files: 1, ..Summary::default() };
        if let Some(number) = self.plan.repeat_in(index, true) {
            self.repeated(index - 1, number, scratch, out);
            summary.duplicates += 1;
        }
        let damaged = self.plan.damaged_in(index);
        for (place, event) in events.iter().enumerate() {
            if place == events.len() / 2
                && let Some(number) = damaged
            {
                incident_requests::damaged(number, out);
            }
            let Event { time, stream, unit, .. } = *event;
            summary.bytes_sent +=
                incident_requests::write(&self.world, &self.plan, stream, unit, time, rng, scratch, out);
        }
        if events.is_empty()
            && let Some(number) = damaged
        {
            incident_requests::damaged(number, out);
        }
        summary.rejected += u64::from(damaged.is_some());
        summary.requests = self
            .plan
            .streams
            .iter()
            .map(|planned| {
                let units = planned.units_in(slice);
                (units.end - units.start) * planned.records
            })
            .sum();
        if let Some(number) = self.plan.repeat_in(index, false) {
            summary.bytes_sent += self.repeated(index, number, scratch, out);
            summary.requests += 1;
        }
        summary.lines = summary.requests + summary.duplicates + summary.rejected;
        summary.bytes = (out.len() - start) as u64;
        summary
    }

    /// Appends a record that is delivered twice, first at the end of log file `home`; tells the bytes sent.
    fn repeated(&self, home: usize, number: u64, scratch: &mut Scratch, out: &mut Vec<u8>) -> u64 {
        // Of its own chance, so that both copies are the same.
        let rng = &mut Rng::new(self.world.seed, (1 << 40) + number);
        visitor_requests::write(&self.world, self.plan.slices[home].end - 2, rng, scratch, out)
    }
}

/// One event of a slice, by the order of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    order: u32,
    time: u32,
    stream: Stream,
    unit: u64,
}

/// What is used again from log file to log file.
#[derive(Debug, Default)]
struct Desk {
    events: Vec<Event>,
    scratch: Scratch,
}

/// The time of a record that is delivered as if it were of `time`: now and then minutes earlier, so that
/// log files overlap, and in very few cases days.
fn delayed(time: u32, rng: &mut Rng) -> u32 {
    match rng.below(30_000) {
        0 => time.saturating_sub(clock::DAY + rng.below(u64::from(LATEST - clock::DAY)) as u32),
        1..900 => time.saturating_sub(rng.below(900) as u32),
        _ => time,
    }
}

impl Source for Demo {
    /// `demo:SEED:REQUESTS`
    fn uri(&self) -> &str {
        &self.uri
    }

    fn list(
        &self,
        window: Window,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>> {
        async move {
            let wanted = self.names.iter().zip(&self.plan.slices).filter(|(_, slice)| {
                let earliest = MONTH_START + i64::from(slice.start) - i64::from(LATEST);
                let latest = MONTH_START + i64::from(slice.end);
                window.until.is_none_or(|until| earliest < until)
                    && window.since.is_none_or(|since| latest > since)
            });
            let files: Vec<LogFile> = wanted
                .map(|(name, _)| LogFile {
                    name: name.clone(),
                    size: None,
                    version: Some(GENERATION.to_owned()),
                })
                .collect();
            for page in files.chunks(1000) {
                if pages.send(page.to_vec()).await.is_err() {
                    break;
                }
            }
            Ok(())
        }
        .boxed()
    }

    fn fetch<'a>(&'a self, file: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>> {
        async move {
            let Some(&index) = self.by_name.get(&file.name) else {
                return Err(SourceError::NotASource(format!(
                    "{}: has no log file {}; list it again",
                    self.uri, file.name
                )));
            };
            let mut text = Vec::new();
            self.render(index, &mut Desk::default(), &mut text);
            Ok(Body::Bytes(text))
        }
        .boxed()
    }

    /// Nothing waits for a network.
    fn concurrency(&self) -> usize {
        4
    }
}
