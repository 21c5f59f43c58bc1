//! What the company and its services do: releases, queries, the console, lifecycle rules.

use super::World;
use super::visitors::as_usual;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::{ABSENT, Client, Object, Request, Signature, Tls};

pub(super) fn lifecycle(month: &mut Month, per_day: u64, prefix: &str, random: &mut Random) {
    let number = month.stream("lifecycle");
    let mut client = month.client("-", "AmazonS3", "-");
    client.signature = Signature::Anonymous;
    client.tls = Tls::Plain;
    for day in 0..month.days {
        for _ in 0..(per_day as f64 * random.spread(0.25)) as u64 {
            let time = day * DAY + random.below(3 * u64::from(HOUR)) as u32;
            let key = month.text(&format!("{prefix}{:08x}.bin", random.next() >> 32));
            let size = random.between(1_000, 9_000_000);
            let mut request = Request::operation(time, client, "S3.EXPIRE.OBJECT", Object { key, size });
            request.status = 0;
            month.push(Request { stream: number, ..request });
        }
    }
}

pub(super) fn release(
    month: &mut Month,
    world: &World,
    (name, by, at): (&str, Client, u32),
    objects: usize,
    size: u64,
    peak: f64,
    random: &mut Random,
) {
    let number = month.stream(name);
    let (year, ordinal, _) = month.date(at);
    let files: Vec<Object> = (0..objects)
        .map(|file| Object {
            key: month.text(&format!("releases/{year}.{ordinal}/file-{file:02}.zip")),
            size: (size as f64 * random.spread(0.6)) as u64,
        })
        .collect();
    for (index, file) in files.iter().enumerate() {
        let request = Request::put(at - 900 + index as u32 * 3, by, *file);
        month.push(Request { stream: number, ..request });
    }
    let referer = month.text(&format!("{}/news/release", world.site));
    for hour in at / HOUR..month.days * 24 {
        let age = f64::from(hour - at / HOUR);
        // Rises within two hours and fades within days.
        let rate = peak * (age / 2.0).clamp(0.4, 1.0) * ((-age / 14.0).exp() + 0.06 * (-age / 120.0).exp());
        let mean = rate * month.people[hour as usize].max(0.25) * random.gamma(25.0);
        for _ in 0..random.poisson(mean) {
            let time = hour * HOUR + random.below(u64::from(HOUR)) as u32;
            let client = world.people.visitor(time, random);
            let mut request = as_usual(Request::get(time.max(at), client, *random.pick(&files)), random);
            request.referer = if random.chance(0.15) { ABSENT } else { referer };
            month.push(Request { stream: number, ..request });
        }
    }
}

pub(super) fn queries(
    month: &mut Month,
    world: &World,
    name: &str,
    clients: &[Client],
    per_day: f64,
    reads: f64,
    random: &mut Random,
) {
    let number = month.stream(name);
    let people = month.people.clone();
    for start in month.times(per_day, Some(&people), name, random) {
        let client = *random.pick(clients);
        let table = random.index(world.objects.len().saturating_sub(60).max(1));
        let mut time = f64::from(start);
        month.push(Request { stream: number, ..Request::list(start, client) });
        let mut left = random.geometric(reads) as usize;
        let mut at = table;
        while left > 0 {
            let object = world.objects[at % world.objects.len()];
            at += 1;
            // The footer, then some column chunks.
            for part in 0..(1 + random.index(4)).min(left) {
                let bytes = if part == 0 { 65_536 } else { random.between(100_000, 8_000_000) };
                left -= 1;
                let request = Request::part(time as u32, client, object, bytes);
                month.push(Request { stream: number, ..request });
                time += random.exponential(0.15);
            }
        }
    }
}

pub(super) fn console(
    month: &mut Month,
    world: &World,
    clients: &[Client],
    per_day: f64,
    random: &mut Random,
) {
    let number = month.stream("employees in the console");
    for day in 0..month.days {
        if !month.is_workday(day) {
            continue;
        }
        for _ in 0..random.poisson(per_day) {
            let client = *random.pick(clients);
            let mut time = f64::from(day * DAY + 8 * HOUR) + random.range(0.0, 10.0) * f64::from(HOUR);
            for _ in 0..random.geometric(6.0) {
                let request = match random.below(10) {
                    0..5 => Request::list(time as u32, client),
                    5 => Request::of_bucket(time as u32, client, "REST.GET.LOCATION", "location", 140),
                    6 => Request::of_bucket(time as u32, client, "REST.GET.VERSIONING", "versioning", 113),
                    7 => Request::operation(
                        time as u32,
                        client,
                        "REST.HEAD.OBJECT",
                        *random.pick(&world.objects),
                    ),
                    _ => {
                        let object = *random.pick(&world.objects);
                        // Users do not open archives in the console.
                        if object.size < 20_000_000 {
                            Request::get(time as u32, client, object)
                        } else {
                            Request::operation(time as u32, client, "REST.HEAD.OBJECT", object)
                        }
                    }
                };
                month.push(Request { stream: number, ..request });
                time += random.exponential(20.0);
            }
        }
    }
}
