//! The schedule of the month: the number of events of each stream, their times, and the log files.
//!
//! Its size does not depend on the number of requests: a stream is a count and a curve, a log file is a slice of time, and
//! the events of a slice are computed from both.

use std::ops::Range;

use super::clock::{self, Curve, DAYS, MONTH, at};
use super::incident_requests::{self, DAMAGED_LINES, HOSTILE_REQUESTS};
use super::incidents::{self, Incident};
use super::random::{self, Rng};
use super::{World, log_line::push_two, objects::Prefix, visitor_requests::TextBuffers};

/// A kind of event. The events of a stream are numbered in the order of time.
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

/// A stream with its number of events and their distribution.
#[derive(Debug)]
pub(super) struct ScheduledStream {
    pub(super) stream: Stream,
    pub(super) units: u64,
    /// Records per event.
    pub(super) records: u64,
    curve: Curve,
    /// Whether events are evenly spaced; otherwise their times are random between their neighbours.
    steady: bool,
}

/// The time range of a log file. Records that are delivered late have an earlier time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    pub(super) start: u32,
    pub(super) end: u32,
}

#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) streams: Vec<ScheduledStream>,
    pub(super) slices: Vec<Slice>,
    /// Number of records that are delivered twice.
    pub(super) repeats: u64,
    /// Number of lines that are not records.
    pub(super) damaged: u64,
    single_deletes: usize,
    keys_per_multi_delete: usize,
}

/// A slice with more records than this is divided.
const MAX_SLICE_RECORDS: u64 = 10_000;

impl Schedule {
    /// Distributes exactly `requests` records among the streams.
    pub(super) fn new(world: &World, requests: u64) -> Schedule {
        let seed = world.seed;
        // Fewer than 1,000 requests are too few for incidents of a fixed size.
        let scale = |per_mille: u64| requests * per_mille / 1000;
        let some = |count: u64| if requests >= 1000 { count } else { 0 };
        let archive = world.objects.range(Prefix::Archive).len();
        let at_once = (archive / 8).clamp(2, 100);
        let batches = archive * 2 / 3 / at_once;
        let (objects, single_deletes) = (world.objects.len() as u64, archive - batches * at_once);
        let nightly = |from: (u32, u32), to: (u32, u32)| {
            let nights: Vec<_> =
                (1..=DAYS).map(|day| (at(day, from.0, from.1), at(day, to.0, to.1), 1)).collect();
            Curve::of_ranges(&nights)
        };
        let between = |(start, end): (u32, u32)| Curve::of_ranges(&[(start, end, 1)]);
        let scheduled = |stream, units, curve| {
            let records = match stream {
                Stream::DeleteMany => 1 + at_once as u64,
                Stream::Copies => 2,
                _ => 1,
            };
            ScheduledStream { stream, units, records, curve, steady: stream == Stream::RetryLoop }
        };
        let mut schedule = Schedule {
            streams: vec![
                scheduled(Stream::Scraper, some(objects), Curve::of_ranges(&incidents::SCRAPER_NIGHTS)),
                scheduled(Stream::Guessing, scale(25), Curve::of_ranges(&incidents::GUESSING)),
                scheduled(Stream::Hotlinking, scale(35), Curve::visitors(seed, incidents::FREELOADER_SINCE)),
                scheduled(Stream::RetryLoop, scale(27).min(3 * 3600), between(incidents::RETRY_LOOP)),
                scheduled(Stream::DeleteOne, some(single_deletes as u64), between(incidents::DELETE_ONE)),
                scheduled(Stream::DeleteMany, some(batches as u64), between(incidents::DELETE_MANY)),
                scheduled(Stream::Lifecycle, scale(6), nightly((0, 10), (0, 50))),
                scheduled(Stream::Copies, scale(4) / 2, nightly((2, 20), (2, 50))),
                scheduled(Stream::Hostile, some(HOSTILE_REQUESTS), between((at(5, 0, 0), at(29, 0, 0)))),
            ],
            slices: Vec::new(),
            repeats: some(20),
            damaged: some(DAMAGED_LINES),
            single_deletes,
            keys_per_multi_delete: at_once,
        };
        let rest = requests - schedule.records() - schedule.repeats;
        let hog = schedule.hog(world, rest);
        schedule.streams.push(scheduled(Stream::Hog, hog, between((0, MONTH))));
        schedule.streams.push(scheduled(Stream::Ordinary, rest - hog, Curve::visitors(seed, 0)));
        schedule.slices = schedule.divide(requests);
        schedule
    }

    /// The number of records of all streams, without [`Schedule::repeats`].
    fn records(&self) -> u64 {
        self.streams.iter().map(|scheduled| scheduled.units * scheduled.records).sum()
    }

    /// The number of requests of the hog, out of `rest`, that gives it its share of the bytes. The bytes of the other streams
    /// are estimated from samples.
    fn hog(&self, world: &World, rest: u64) -> u64 {
        let mut rng = Rng::new(world.seed, u64::MAX);
        let mut buffers = TextBuffers::default();
        let mut line = Vec::new();
        let mut mean = |stream: Stream, units: u64, samples: u64| {
            let sum: u64 = (0..samples)
                .map(|number| {
                    line.clear();
                    let unit = number * units / samples;
                    let (rng, buffers) = (&mut rng, &mut buffers);
                    incident_requests::write(world, self, stream, unit, MONTH / 2, rng, buffers, &mut line)
                })
                .sum();
            sum as f64 / samples as f64
        };
        let others: f64 = self
            .streams
            .iter()
            .map(|scheduled| {
                mean(scheduled.stream, scheduled.units, scheduled.units.min(400)) * scheduled.units as f64
            })
            .filter(|bytes| bytes.is_finite())
            .sum();
        let ordinary = mean(Stream::Ordinary, rest, rest.min(10_000));
        let ratio = incidents::HOG_SHARE / (1.0 - incidents::HOG_SHARE);
        let bytes = ratio * (others + ordinary * rest as f64);
        let hog = bytes / (incident_requests::HOG_RANGE_BYTES as f64 + ratio * ordinary);
        if hog.is_finite() { (hog as u64).min(rest) } else { 0 }
    }

    /// Divides the month into slices: quarters of an hour, longer if there are few requests, shorter at busy times.
    fn divide(&self, requests: u64) -> Vec<Slice> {
        let width = [900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600]
            .into_iter()
            .find(|&width| u64::from(MONTH / width) <= requests / 50)
            .unwrap_or(clock::DAY);
        let mut slices = Vec::new();
        // The slices that may be divided further, the earliest last.
        let mut pending: Vec<Slice> = (0..MONTH / width)
            .rev()
            .map(|number| Slice { start: number * width, end: (number + 1) * width })
            .collect();
        while let Some(slice) = pending.pop() {
            if self.records_in(slice) > MAX_SLICE_RECORDS && slice.end - slice.start >= 28 {
                let middle = (slice.start + slice.end) / 2;
                pending.push(Slice { start: middle, ..slice });
                pending.push(Slice { end: middle, ..slice });
            } else {
                slices.push(slice);
            }
        }
        slices
    }

    /// The number of records in a slice, without [`Schedule::repeats`].
    pub(super) fn records_in(&self, slice: Slice) -> u64 {
        let records = self.streams.iter().map(|scheduled| {
            let units = scheduled.units_in(slice);
            (units.end - units.start) * scheduled.records
        });
        records.sum()
    }

    /// The objects of [`Prefix::Archive`] that multi-delete `unit` deletes: index of the first, and count.
    pub(super) fn objects_of_multi_delete(&self, unit: u64) -> (usize, usize) {
        (self.single_deletes + unit as usize * self.keys_per_multi_delete, self.keys_per_multi_delete)
    }

    /// The number of records of an incident.
    pub(super) fn records_of(&self, incident: Incident) -> u64 {
        let streams: &[Stream] = match incident {
            Incident::Scraper => &[Stream::Scraper],
            Incident::Hog => &[Stream::Hog],
            Incident::Guessing => &[Stream::Guessing],
            Incident::Hotlinking => &[Stream::Hotlinking],
            Incident::RetryLoop => &[Stream::RetryLoop],
            Incident::Deletion => &[Stream::DeleteOne, Stream::DeleteMany],
            Incident::Lifecycle => &[Stream::Lifecycle],
            Incident::Copies => &[Stream::Copies],
            Incident::Hostile => &[Stream::Hostile],
        };
        let makes = self.streams.iter().filter(|scheduled| streams.contains(&scheduled.stream));
        makes.map(|scheduled| scheduled.units * scheduled.records).sum()
    }

    /// The name of the log file of a slice: the time of delivery and a unique part, as S3 names log files.
    pub(super) fn name(&self, world: &World, index: usize) -> String {
        let slice = self.slices[index];
        let unique = random::mix(random::mix(world.seed ^ 0xf11e) ^ index as u64);
        let delivered = slice.end + 2 + (unique >> 32) as u32 % 170;
        let mut name = Vec::with_capacity(42);
        name.extend_from_slice(b"media/20");
        for (position, part) in clock::calendar(delivered).into_iter().enumerate() {
            push_two(&mut name, part % 100);
            if position < 5 {
                name.push(b'-');
            }
        }
        let stamp = String::from_utf8_lossy(&name);
        format!("{stamp}-{unique:016X}")
    }

    /// The number of the repeated record whose first (or second) copy is in log file `index`.
    pub(super) fn repeat_in(&self, index: usize, second: bool) -> Option<u64> {
        let last = self.slices.len() as u64 - 1;
        let file_of = |number: u64| (2 * number + 1) * last / (2 * self.repeats) + u64::from(second);
        (0..self.repeats).find(|&number| file_of(number) == index as u64)
    }

    /// The number of the damaged line in log file `index`.
    pub(super) fn damaged_in(&self, index: usize) -> Option<u64> {
        let files = self.slices.len() as u64;
        (0..self.damaged).find(|&number| (3 * number + 1) * files / (3 * self.damaged) == index as u64)
    }
}

impl ScheduledStream {
    /// The numbers of the events of a slice.
    pub(super) fn units_in(&self, slice: Slice) -> Range<u64> {
        self.curve.before(self.units, slice.start)..self.curve.before(self.units, slice.end)
    }

    /// The time of event `unit` of a slice.
    pub(super) fn time_of(&self, unit: u64, slice: Slice, rng: &mut Rng) -> u32 {
        let within = if self.steady { 0.5 } else { rng.unit() };
        // Rounding may place the first or last event in the neighbouring slice.
        self.curve.time_of(unit, within, self.units).clamp(slice.start, slice.end - 1)
    }
}
