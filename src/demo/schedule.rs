//! What happens in the month: how many events each stream has, when, and which log file tells of them.
//!
//! Nothing here grows with the number of requests: a stream is a count and a curve, a log file a slice
//! of time, and the events of a slice follow from both.

use std::ops::Range;

use super::World;
use super::clock::{self, Curve, DAYS, MONTH, at};
use super::incident_requests;
use super::incidents::{self, Trouble};
use super::log_line::push_two;
use super::objects::Shelf;
use super::random::{self, Rng};
use super::visitor_requests::Scratch;

/// Events of one sort, numbered in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stream {
    Ordinary,
    Scraper,
    Hog,
    Guessing,
    Hotlinking,
    RetryLoop,
    DeleteOne,
    DeleteMany,
    Lifecycle,
    Copies,
    Hostile,
}

/// A stream and its events.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) stream: Stream,
    /// How many events.
    pub(super) units: u64,
    /// Records that each event is logged as.
    pub(super) records: u64,
    curve: Curve,
    /// Like clockwork; else at random between its neighbours.
    steady: bool,
}

/// A stretch of time whose requests stand in one log file (but for those that come late).
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// The month.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) streams: Vec<Planned>,
    pub(super) slices: Vec<Slice>,
    /// Records that S3 delivers twice.
    pub(super) repeats: u64,
    /// Lines that are no record.
    pub(super) damaged: u64,
    deleted_one_by_one: usize,
    deleted_at_once: usize,
}

/// A log file of more records than this is cut in two.
const SLICE_RECORDS: u64 = 10_000;

impl Plan {
    /// Shares out exactly `requests` records.
    pub(super) fn new(world: &World, requests: u64) -> Plan {
        let seed = world.seed;
        // Below this the month is too quiet for trouble that has a size of its own.
        let scale = |per_mille: u64| requests * per_mille / 1000;
        let some = |count: u64| if requests >= 1000 { count } else { 0 };
        let archive = world.catalogue.shelf(Shelf::Archive).len();
        let at_once = (archive / 8).clamp(2, 100);
        let batches = archive * 2 / 3 / at_once;
        let nightly = |from: (u32, u32), to: (u32, u32)| {
            let nights: Vec<_> =
                (1..=DAYS).map(|day| (at(day, from.0, from.1), at(day, to.0, to.1), 1)).collect();
            Curve::of_stretches(&nights)
        };
        let between = |(start, end): (u32, u32)| Curve::of_stretches(&[(start, end, 1)]);
        let planned =
            |stream, units, records, curve, steady| Planned { stream, units, records, curve, steady };
        let mut plan = Plan {
            streams: vec![
                planned(
                    Stream::Scraper,
                    some(world.catalogue.len() as u64),
                    1,
                    Curve::of_stretches(&incidents::SCRAPER_NIGHTS),
                    false,
                ),
                planned(Stream::Guessing, scale(25), 1, Curve::of_stretches(&incidents::GUESSING), false),
                planned(
                    Stream::Hotlinking,
                    scale(35),
                    1,
                    Curve::visitors(seed, incidents::FREELOADER_SINCE),
                    false,
                ),
                planned(Stream::RetryLoop, scale(27).min(3 * 3600), 1, between(incidents::RETRY_LOOP), true),
                planned(
                    Stream::DeleteOne,
                    some((archive - batches * at_once) as u64),
                    1,
                    between(incidents::DELETE_ONE),
                    false,
                ),
                planned(
                    Stream::DeleteMany,
                    some(batches as u64),
                    1 + at_once as u64,
                    between(incidents::DELETE_MANY),
                    false,
                ),
                planned(Stream::Lifecycle, scale(6), 1, nightly((0, 10), (0, 50)), false),
                planned(Stream::Copies, scale(4) / 2, 2, nightly((2, 20), (2, 50)), false),
                planned(
                    Stream::Hostile,
                    some(incident_requests::HOSTILE),
                    1,
                    between((at(5, 0, 0), at(29, 0, 0))),
                    false,
                ),
            ],
            slices: Vec::new(),
            repeats: some(20),
            damaged: some(incident_requests::DAMAGED),
            deleted_one_by_one: archive - batches * at_once,
            deleted_at_once: at_once,
        };
        let rest = requests - plan.records() - plan.repeats;
        let hog = plan.hog(world, rest);
        plan.streams.push(planned(Stream::Hog, hog, 1, between((0, MONTH)), false));
        plan.streams.push(planned(Stream::Ordinary, rest - hog, 1, Curve::visitors(seed, 0), false));
        plan.slices = plan.cut(requests);
        plan
    }

    /// Records of all streams (without [`Plan::repeats`]).
    fn records(&self) -> u64 {
        self.streams.iter().map(|planned| planned.units * planned.records).sum()
    }

    /// How many of the `rest` requests the hog must make for its share of the bytes: what the others send is
    /// found by trying some of them.
    fn hog(&self, world: &World, rest: u64) -> u64 {
        let mut rng = Rng::new(world.seed, u64::MAX);
        let mut scratch = Scratch::default();
        let mut line = Vec::new();
        let mut mean = |stream: Stream, units: u64, tries: u64| {
            let sum: u64 = (0..tries)
                .map(|number| {
                    line.clear();
                    let unit = number * units / tries;
                    incident_requests::write(
                        world,
                        self,
                        stream,
                        unit,
                        MONTH / 2,
                        &mut rng,
                        &mut scratch,
                        &mut line,
                    )
                })
                .sum();
            sum as f64 / tries as f64
        };
        let others: f64 = self
            .streams
            .iter()
            .map(|planned| mean(planned.stream, planned.units, planned.units.min(400)) * planned.units as f64)
            .filter(|bytes| bytes.is_finite())
            .sum();
        let ordinary = mean(Stream::Ordinary, rest, rest.min(10_000));
        let ratio = incidents::HOG_SHARE / (1.0 - incidents::HOG_SHARE);
        let bytes = ratio * (others + ordinary * rest as f64);
        let hog = bytes / (incident_requests::HOG_PART as f64 + ratio * ordinary);
        if hog.is_finite() { (hog as u64).min(rest) } else { 0 }
    }

    /// The slices: quarters of an hour, longer if the month is quiet, shorter where it is busy.
    fn cut(&self, requests: u64) -> Vec<Slice> {
        let width = [900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600]
            .into_iter()
            .find(|&width| u64::from(MONTH / width) <= requests / 50)
            .unwrap_or(clock::DAY);
        let mut slices = Vec::new();
        // Halves still to be looked at, the earliest last.
        let mut open: Vec<Slice> = (0..MONTH / width)
            .rev()
            .map(|number| Slice { start: number * width, end: (number + 1) * width })
            .collect();
        while let Some(slice) = open.pop() {
            let records: u64 =
                self.streams.iter().map(|planned| planned.records * count(&planned.units_in(slice))).sum();
            if records > SLICE_RECORDS && slice.end - slice.start >= 28 {
                let middle = (slice.start + slice.end) / 2;
                open.push(Slice { start: middle, ..slice });
                open.push(Slice { end: middle, ..slice });
            } else {
                slices.push(slice);
            }
        }
        slices
    }

    /// The places on the archive's shelf, first and count, that multi-delete number `unit` takes away.
    pub(super) fn deleted_together(&self, unit: u64) -> (usize, usize) {
        (self.deleted_one_by_one + unit as usize * self.deleted_at_once, self.deleted_at_once)
    }

    /// Records that this trouble makes.
    pub(super) fn records_of(&self, trouble: Trouble) -> u64 {
        let of = |stream: Stream| match stream {
            Stream::Ordinary => None,
            Stream::Scraper => Some(Trouble::Scraper),
            Stream::Hog => Some(Trouble::Hog),
            Stream::Guessing => Some(Trouble::Guessing),
            Stream::Hotlinking => Some(Trouble::Hotlinking),
            Stream::RetryLoop => Some(Trouble::RetryLoop),
            Stream::DeleteOne | Stream::DeleteMany => Some(Trouble::Deletion),
            Stream::Lifecycle => Some(Trouble::Lifecycle),
            Stream::Copies => Some(Trouble::Copies),
            Stream::Hostile => Some(Trouble::Hostile),
        };
        let makes = self.streams.iter().filter(|planned| of(planned.stream) == Some(trouble));
        makes.map(|planned| planned.units * planned.records).sum()
    }

    /// The name of the log file of a slice, as S3 names it: when it was delivered, and a unique part.
    pub(super) fn name(&self, world: &World, index: usize) -> String {
        let slice = self.slices[index];
        let unique = random::mix(random::mix(world.seed ^ 0xf11e) ^ index as u64);
        let delivered = slice.end + 2 + (unique >> 32) as u32 % 170;
        let mut name = Vec::with_capacity(42);
        name.extend_from_slice(b"media/20");
        for (place, part) in clock::calendar(delivered).into_iter().enumerate() {
            push_two(&mut name, part % 100);
            if place < 5 {
                name.push(b'-');
            }
        }
        let stamp = String::from_utf8_lossy(&name);
        format!("{stamp}-{unique:016X}")
    }

    /// The record delivered twice whose first (or second) copy stands in this log file.
    pub(super) fn repeat_in(&self, index: usize, second: bool) -> Option<u64> {
        let last = self.slices.len() as u64 - 1;
        let home = |number: u64| (2 * number + 1) * last / (2 * self.repeats) + u64::from(second);
        (0..self.repeats).find(|&number| home(number) == index as u64)
    }

    /// The damaged line in this log file.
    pub(super) fn damaged_in(&self, index: usize) -> Option<u64> {
        let files = self.slices.len() as u64;
        (0..self.damaged).find(|&number| (3 * number + 1) * files / (3 * self.damaged) == index as u64)
    }
}

impl Planned {
    /// The numbers of the events in a slice.
    pub(super) fn units_in(&self, slice: Slice) -> Range<u64> {
        self.curve.before(self.units, slice.start)..self.curve.before(self.units, slice.end)
    }

    /// When one of them happens.
    pub(super) fn time_of(&self, unit: u64, slice: Slice, rng: &mut Rng) -> u32 {
        let within = if self.steady { 0.5 } else { rng.unit() };
        // The first and last event may belong a little to the neighbouring slice.
        self.curve.time_of(unit, within, self.units).clamp(slice.start, slice.end - 1)
    }
}

fn count(range: &Range<u64>) -> u64 {
    range.end - range.start
}
