//! Logs that AWS services deliver all the time, and what reads each of them soon after.

use super::stream::{Deliveries, LogSource};
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::{ABSENT, Client, Object, Request, Tls};

/// How often the reader of new files fails, at first.
const FAILURES: f64 = 0.0008;

pub(super) fn deliveries(month: &mut Month, plan: &Deliveries, random: &mut Random) {
    let numbers = [plan.name, plan.read, plan.copied].map(|name| month.stream(name));
    for source in &plan.sources {
        // Each service has its own second of the minute for an account.
        let offset = random.below(u64::from(source.every)) as u32;
        for slot in 0..month.days * DAY / source.every {
            let start = slot * source.every + offset;
            if start >= month.end || month.is_paused(plan.name, start) {
                continue;
            }
            let mean = volume(month, plan, source, start, random);
            let files = mean as u64 + u64::from(random.chance(mean.fract()));
            for file in 0..files {
                let time = start + random.below(u64::from(source.every.min(600)) / 4 + 1) as u32;
                let object = log_file(month, source, time, file, random);
                deliver(month, plan, numbers, time, object, random);
            }
        }
    }
    check_permission(month, plan, numbers[0], random);
}

/// The mean number of files of a source at a time.
fn volume(month: &Month, plan: &Deliveries, source: &LogSource, time: u32, random: &mut Random) -> f64 {
    let people = month.people[(time / HOUR).min(month.days * 24 - 1) as usize];
    let weight = 1.0 - source.of_people + source.of_people * people * random.gamma(12.0);
    source.files * weight * month.level(plan.name, time)
}

fn log_file(month: &mut Month, source: &LogSource, time: u32, file: u64, random: &mut Random) -> Object {
    let (year, of_year, day) = month.date(time);
    let (hour, minute) = (time % DAY / HOUR, time % HOUR / 60);
    let id = random.next() ^ file;
    let key = month.text(&format!(
        "{}/{year}/{of_year:02}/{day:02}/{}_{year}{of_year:02}{day:02}T{hour:02}{minute:02}Z_{id:016x}.{}",
        source.folder, source.stem, source.extension
    ));
    Object { key, size: (source.size * random.spread(0.7)) as u64 }
}

fn deliver(
    month: &mut Month,
    plan: &Deliveries,
    [number, read, copied]: [u16; 3],
    time: u32,
    object: Object,
    random: &mut Random,
) {
    let request = Request::put(time, plan.by, object);
    if random.chance(FAILURES) {
        // The service tries again.
        month.push(Request { stream: number, ..request.failed(503, "SlowDown") });
    }
    month.push(Request { stream: number, ..request });
    let soon = time + 1 + random.exponential(6.0) as u32;
    month.push(Request { stream: copied, ..Request::get(soon, plan.copier, object) });
    let Some(arrival) = arrival(plan, time, random) else { return };
    let request = Request::get(arrival, *random.pick(&plan.readers), object);
    if random.chance(FAILURES) {
        month.push(Request { stream: read, ..request.failed(503, "SlowDown") });
        month.push(Request { stream: read, time: arrival + 30, ..request });
    } else {
        month.push(Request { stream: read, ..request });
    }
}

/// When a file is read: within a minute, from a queue. After maintenance, what has waited is read at once.
fn arrival(plan: &Deliveries, time: u32, random: &mut Random) -> Option<u32> {
    if plan.readers.is_empty() {
        return None;
    }
    let arrival = time + 15 + random.exponential(20.0) as u32;
    let window = plan.maintenance.iter().find(|(start, end)| (*start..*end).contains(&arrival));
    Some(window.map_or(arrival, |(_, end)| end + random.exponential(150.0) as u32))
}

/// A service looks from time to time whether it may still deliver.
fn check_permission(month: &mut Month, plan: &Deliveries, number: u16, random: &mut Random) {
    let offset = random.below(u64::from(HOUR)) as u32;
    for hour in 0..month.days * 24 {
        let time = hour * HOUR + offset;
        if time < month.end && !month.is_paused(plan.name, time) {
            let request = Request::of_bucket(time, plan.by, "REST.GET.ACL", "acl", 760);
            month.push(Request { stream: number, ..request });
        }
    }
}

/// A service of AWS as server access logs have it: neither address nor user agent.
pub(crate) fn service(month: &mut Month, name: &str) -> Client {
    let client = month.client("-", &format!("svc:{name}.amazonaws.com"), "-");
    Client { ip: ABSENT, tls: Tls::V12, in_region: true, ..client }
}
