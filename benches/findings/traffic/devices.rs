//! Devices that upload what they measure.

use super::World;
use super::stream::Devices;
use super::visitors::as_usual;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::{Client, Object, Request, Signature};

/// Bytes of a part of the firmware, which a device with little memory reads one after another.
const PART: u64 = 64 << 10;
/// Days until a device that asks for the firmware installs it, on average: it is offered to more and more of them.
const ROLLOUT_DAYS: f64 = 2.5;
/// How many devices are offline on a day, and for how many hours on average.
const OFFLINE: f64 = 0.012;
const OFFLINE_HOURS: f64 = 14.0;

pub(super) fn devices(month: &mut Month, world: &World, fleet: &Devices, random: &mut Random) {
    let uploads = month.stream("device uploads");
    let checks = month.stream("firmware checks");
    let downloads = month.stream("firmware downloads");
    for number in 0..world.people.count() {
        let period = f64::from(DAY) / fleet.per_day;
        let mut time = random.unit() * period;
        let mut offline_until = 0.0;
        let mut kept = 0;
        let site = number % 40;
        while time < f64::from(month.end) {
            let now = time as u32;
            let client = of_device(world, fleet, number, now);
            if time >= offline_until && random.chance(OFFLINE / fleet.per_day) {
                offline_until = time + random.exponential(OFFLINE_HOURS * f64::from(HOUR));
            }
            if time < offline_until {
                kept += 1;
            } else if random.chance(month.level("device uploads", now).min(1.0)) {
                // What was measured offline is uploaded afterwards.
                let more = (month.level("device uploads", now) - 1.0).max(0.0);
                let extra = more.floor() as u64 + u64::from(random.chance(more.fract()));
                for batch in 0..=kept + extra {
                    let (year, _, _) = month.date(now);
                    let id = random.next() >> 24;
                    let key = month
                        .text(&format!("raw/site-{site:02}/device-{number:04}/{year}/{id:010x}.cbor.gz"));
                    let size = (9_000.0 * random.spread(0.5)) as u64;
                    let request = Request::put(now + batch as u32, client, Object { key, size });
                    let request = Request { query: PRESIGNED, ..request };
                    let request = match random.unit() {
                        // The clock of the device is wrong: the URL has expired.
                        at if at < 0.003 => request.failed(403, "AccessDenied"),
                        at if at < 0.0035 => request.failed(503, "SlowDown"),
                        _ => request,
                    };
                    month.push(Request { stream: uploads, ..request });
                }
                kept = 0;
            }
            time += period * random.range(0.93, 1.07);
        }
        let of_day = random.below(u64::from(DAY)) as u32;
        let installs = fleet.rollout.map(|at| at + random.exponential(ROLLOUT_DAYS * f64::from(DAY)) as u32);
        for day in 0..month.days {
            let now = day * DAY + of_day + random.below(1800) as u32;
            if now >= month.end || random.chance(OFFLINE) {
                continue;
            }
            let client = of_device(world, fleet, number, now);
            let is_new = installs.is_some_and(|at| (at..at + DAY).contains(&now));
            let request = Request { query: PRESIGNED, ..Request::get(now, client, fleet.manifest) };
            let request = if is_new { request } else { request.not_modified() };
            month.push(Request { stream: checks, ..request });
            if !is_new {
                continue;
            }
            let mut time = f64::from(now) + 2.0;
            for _ in 0..fleet.firmware.size.div_ceil(PART) {
                let request = Request::part(time as u32, client, fleet.firmware, PART);
                let request = as_usual(Request { query: PRESIGNED, ..request }, random);
                month.push(Request { stream: downloads, ..request });
                time += random.range(0.5, 4.0);
            }
        }
    }
}

const PRESIGNED: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600";

fn of_device(world: &World, fleet: &Devices, number: usize, time: u32) -> Client {
    Client {
        requester: fleet.requester,
        signature: Signature::Presigned,
        access_point: fleet.access_point,
        ..world.people.client_of(number, time)
    }
}
