//! Incidents of clients that read: scraping, guessing, hogs, hot-linking, retries, new programs, ranges.

use super::{Planted, spread_over, start, strangers, subjects_of, tool, unused};
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::{ABSENT, Client, Object, Request};
use crate::traffic::{PROBES, World, as_usual};
use crate::truth::{Incident, Kind, Strength};

const MINUTE: u32 = 60;

/// Many objects, each once.
pub(super) fn scraping(month: &mut Month, world: &World, strength: Strength, random: &mut Random) -> Planted {
    let (low, high) = strength.of([(120, 240), (500, 1200), (2500, 5000)]);
    let count = random.between(low, high) as usize;
    let count = count.min(world.objects.len() * 9 / 10);
    let (duration, pace) = if random.chance(0.5) {
        ((count as f64 * random.range(0.3, 3.0)) as u32 + 60, "fast")
    } else {
        (random.between(4, strength.of([12, 36, 36])) as u32 * HOUR, "slow")
    };
    let agent = tool(month, !world.is_public, random);
    let (clients, from) = strangers(month, world, &agent, true, random);
    let (order, way) = match random.below(3) {
        0 => {
            let mut all: Vec<usize> = (0..world.objects.len()).collect();
            random.shuffle(&mut all);
            (all, "in random order")
        }
        1 => {
            let first = random.index(world.objects.len() - count + 1);
            ((first..first + count).collect(), "in key order")
        }
        _ => ((0..world.objects.len()).collect::<Vec<_>>(), "in key order from the first"),
    };
    let start = start(month, duration, random);
    let times = spread_over(start, duration, count, random);
    let mut requests = Vec::new();
    let mut bytes = 0;
    for (at, (time, index)) in times.into_iter().zip(order).enumerate() {
        // Each address takes a share of the keys in turn.
        let client = clients[at % clients.len()];
        if !world.is_public && at % 400 == 0 {
            requests.push(Request::list(time, client));
        }
        let mut request = Request::get(time, client, world.objects[index]);
        request.operation = world.get;
        bytes += request.bytes;
        requests.push(if random.chance(0.01) { request.failed(503, "SlowDown") } else { request });
    }
    let about = format!("{count} objects {way}, {pace}, {from}");
    let mut incident = Incident::new(Kind::Scraping, strength, about);
    incident.subjects = subjects_of(month, &clients, true);
    // A copy of a private bucket that is larger than a day's traffic is both.
    if !world.is_public && bytes > bytes_per_day(month) {
        incident.also.push(Kind::BandwidthHog);
    }
    Planted { incident, requests }
}

fn bytes_per_day(month: &Month) -> u64 {
    let ordinary = month.requests.iter().filter(|request| request.incidents == 0);
    ordinary.map(|request| request.bytes).sum::<u64>() / u64::from(month.days)
}

/// Keys that do not exist, or that are not for the public.
pub(super) fn key_guessing(
    month: &mut Month,
    world: &World,
    strength: Strength,
    random: &mut Random,
) -> Planted {
    let (low, high) = strength.of([(60, 120), (300, 800), (2000, 6000)]);
    let count = random.between(low, high) as usize;
    let agent = if random.chance(0.5) {
        unused(
            month,
            &[
                "Fuzz Faster U Fool v2.1.0-dev",
                "gobuster/3.6",
                "feroxbuster/2.10.2",
                "Nuclei - Open-source project (github.com/projectdiscovery/nuclei)",
            ],
            random,
        )
    } else {
        tool(month, false, random)
    };
    let (mut clients, from) = strangers(month, world, &agent, true, random);
    for client in &mut clients {
        client.requester = ABSENT;
        client.signature = crate::record::Signature::Anonymous;
    }
    let hours = strength.of([(1, 5), (1, 24), (1, 30)]);
    let duration = random.between(hours.0, hours.1) as u32 * HOUR / if random.chance(0.4) { 6 } else { 1 };
    let start = start(month, duration, random);
    let enumerates = random.chance(0.5);
    let (first, directory) = (
        random.between(1000, 40_000),
        *random.pick(&["invoices", "private", "exports", "reports", "backup"]),
    );
    let is_missing = world.is_public && random.chance(0.5);
    let mut requests = Vec::new();
    for (at, time) in spread_over(start, duration, count, random).into_iter().enumerate() {
        let key = if enumerates {
            month.text(&format!("{directory}/2025-{:06}.pdf", first + at as u64))
        } else {
            let probe = PROBES[at % PROBES.len()];
            match at / PROBES.len() {
                0 => month.text(probe),
                round => {
                    let folder =
                        ["old", "bak", "dev", "test", "www", "admin", "data", "api", "tmp", "v1"][round % 10];
                    month.text(&format!("{folder}{}/{probe}", round / 10))
                }
            }
        };
        let request = Request::get(time, clients[at % clients.len()], Object { key, size: 0 });
        requests.push(if is_missing {
            request.failed(404, "NoSuchKey")
        } else {
            request.failed(403, "AccessDenied")
        });
    }
    let way = if enumerates { "numbered keys" } else { "well-known names" };
    let mut incident = Incident::new(Kind::KeyGuessing, strength, format!("{count} guesses of {way} {from}"));
    incident.subjects = subjects_of(month, &clients, true);
    Planted { incident, requests }
}

/// A few large objects again and again.
pub(super) fn bandwidth_hog(
    month: &mut Month,
    world: &World,
    strength: Strength,
    random: &mut Random,
) -> Planted {
    let (low, high) = strength.of([(0.5, 0.8), (2.0, 3.0), (8.0, 12.0)]);
    let bytes = bytes_per_day(month).max(2_000_000_000) as f64 * random.range(low, high);
    let mut objects: Vec<Object> =
        (0..1 + random.index(5)).map(|_| world.objects[*random.pick(&world.large)]).collect();
    objects.dedup_by_key(|object| object.key);
    let mean = objects.iter().map(|object| object.size as f64).sum::<f64>() / objects.len() as f64;
    let count = ((bytes / mean) as usize).clamp(12, 6000);
    let agent = tool(month, !world.is_public, random);
    let (clients, from) = strangers(month, world, &agent, false, random);
    let duration = random.between(2, 20) as u32 * HOUR;
    let start = start(month, duration, random);
    let requests = spread_over(start, duration, count, random)
        .into_iter()
        .enumerate()
        .map(|(at, time)| Request::get(time, clients[at % clients.len()], objects[at % objects.len()]))
        .collect();
    let about = format!(
        "{count} downloads of {} objects, {:.0} GB, {from}",
        objects.len(),
        count as f64 * mean / 1e9
    );
    let mut incident = Incident::new(Kind::BandwidthHog, strength, about);
    incident.subjects = subjects_of(month, &clients, true);
    Planted { incident, requests }
}

/// Pages of strangers that show the bucket's pictures to their visitors.
pub(super) fn hot_linking(
    month: &mut Month,
    world: &World,
    strength: Strength,
    random: &mut Random,
) -> Planted {
    let (low, high) = strength.of([(100, 220), (600, 1500), (3000, 7000)]);
    let count = random.between(low, high) as usize;
    let days = random.between(1, 5) as u32;
    let start = start(month, days * DAY, random);
    let origin = *random.pick(&[
        "https://forum.freebies.example",
        "https://wallpapers.example.net",
        "http://cheap-shop.example.com",
    ]);
    let pages = 1 + random.index(30);
    let mut objects: Vec<Object> = (0..2 + random.index(28)).map(|_| world.popular(random)).collect();
    objects.dedup_by_key(|object| object.key);
    // As visitors of that page: with the rhythm of people.
    let hours = (start / HOUR) as usize..((start + days * DAY) / HOUR) as usize;
    let weights: Vec<f64> = month.people[hours.clone()].to_vec();
    let sum: f64 = weights.iter().sum();
    let mut requests = Vec::new();
    for (hour, weight) in hours.zip(weights) {
        let mean = count as f64 * weight / sum * random.gamma(10.0);
        for _ in 0..random.poisson(mean) {
            let time = hour as u32 * HOUR + random.below(u64::from(HOUR)) as u32;
            let client = world.people.visitor(time, random);
            let mut request = Request::get(time.max(start), client, *random.pick(&objects));
            if random.chance(0.06) {
                request = request.not_modified();
            }
            let page = (random.unit().powi(2) * pages as f64) as u32;
            request.referer = month.text(&format!("{origin}/topic/{page}"));
            requests.push(request);
        }
    }
    let about = format!(
        "{} requests of {pages} pages of {origin} for {} objects in {days} days",
        requests.len(),
        objects.len()
    );
    let mut incident = Incident::new(Kind::HotLinking, strength, about);
    incident.subjects = vec![("referer_host", origin.rsplit('/').next().unwrap_or(origin).to_owned())];
    Planted { incident, requests }
}

/// The same request again and again.
pub(super) fn retry_storm(
    month: &mut Month,
    world: &World,
    strength: Strength,
    random: &mut Random,
) -> Planted {
    let (low, high) = strength.of([(80, 150), (500, 1500), (5000, 12_000)]);
    let count = random.between(low, high) as usize;
    let minutes = strength.of([(10, 40), (10, 120), (30, 240)]);
    let duration = random.between(minutes.0, minutes.1) as u32 * MINUTE;
    let start = start(month, duration, random);
    let (client, who) = if random.chance(0.6) {
        (*random.pick(&world.members), "a known client")
    } else {
        let agent = tool(month, !world.is_public, random);
        (strangers(month, world, &agent, false, random).0[0], "a stranger")
    };
    let (operation, object) = match random.below(3) {
        0 => ("REST.PUT.OBJECT", Object { key: month.text("state/checkpoint.json"), size: 2_000 }),
        1 => ("REST.HEAD.OBJECT", *random.pick(&world.objects)),
        _ => ("REST.GET.OBJECT", *random.pick(&world.objects)),
    };
    let (status, error) = *random.pick(&[(503, "SlowDown"), (503, "SlowDown"), (500, "InternalError")]);
    let requests = spread_over(start, duration, count, random)
        .into_iter()
        .map(|time| {
            let request = Request { operation, ..Request::get(time, client, object) };
            if random.chance(0.03) { request } else { request.failed(status, error) }
        })
        .collect();
    let about = format!("{count} times {operation} of one key with {status} by {who}");
    let mut incident = Incident::new(Kind::RetryStorm, strength, about);
    incident.subjects = subjects_of(month, &[client], true);
    incident.subjects.push(("key", month.texts.get(object.key).to_owned()));
    Planted { incident, requests }
}

/// A program that was not there before and does nothing else that is unusual.
pub(super) fn new_agent(
    month: &mut Month,
    world: &World,
    strength: Strength,
    random: &mut Random,
) -> Planted {
    const PROGRAMS: [&str; 6] = [
        "okhttp/4.12.0",
        "Apache-HttpClient/4.5.14 (Java/17.0.9)",
        "DataHarvest/1.4 (+https://harvest.example/about)",
        "Dalvik/2.1.0 (Linux; U; Android 12; ACME TV Build/SP1A)",
        "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
        "rclone/v1.58.1",
    ];
    let (low, high) = strength.of([(150, 300), (1000, 2000), (5000, 9000)]);
    let count = random.between(low, high) as usize;
    let days = strength.of([(2, 5), (1, 6), (2, 6)]);
    let duration = random.between(days.0, days.1 + 1) as u32 * DAY;
    let start = start(month, duration, random);
    let agent = unused(month, &PROGRAMS, random);
    let clients: Vec<Client> = if world.is_public {
        (0..1 + random.index(25))
            .map(|_| {
                let address = crate::agents::hosting_address(random);
                month.client(&address, "-", &agent)
            })
            .collect()
    } else {
        // A known principal at its place, with another program.
        let member = *random.pick(&world.members);
        vec![Client { agent: month.text(&agent), ..member }]
    };
    let objects = few_objects(world, random);
    let requests = spread_over(start, duration, count, random)
        .into_iter()
        .map(|time| {
            as_usual(small_read(world, time, *random.pick(&clients), *random.pick(&objects), random), random)
        })
        .collect();
    let about =
        format!("{count} requests of {agent} from {} addresses in {} days", clients.len(), duration / DAY);
    let mut incident = Incident::new(Kind::NewAgent, strength, about);
    incident.subjects = vec![("user_agent", agent)];
    Planted { incident, requests }
}

/// The objects that a program with one purpose needs.
pub(super) fn few_objects(world: &World, random: &mut Random) -> Vec<Object> {
    (0..15 + random.index(60)).map(|_| world.popular(random)).collect()
}

/// A GET that sends little: a part of a large object.
pub(super) fn small_read(
    world: &World,
    time: u32,
    client: Client,
    object: Object,
    random: &mut Random,
) -> Request {
    if object.size > 2_000_000 {
        return Request::part(time, client, object, random.between(64 << 10, 512 << 10));
    }
    Request { operation: world.get, ..Request::get(time, client, object) }
}

/// Thousands of parts of a few objects.
pub(super) fn range_abuse(
    month: &mut Month,
    world: &World,
    strength: Strength,
    random: &mut Random,
) -> Planted {
    let (low, high) = strength.of([(150, 300), (1000, 2000), (6000, 10_000)]);
    let count = random.between(low, high) as usize;
    let duration = random.between(20, 360) as u32 * MINUTE;
    let start = start(month, duration, random);
    let mut objects: Vec<Object> =
        (0..1 + random.index(3)).map(|_| world.objects[*random.pick(&world.large)]).collect();
    objects.dedup_by_key(|object| object.key);
    let agent = tool(month, !world.is_public, random);
    let (clients, from) = strangers(month, world, &agent, false, random);
    let is_tiny = random.chance(0.5);
    let mut bytes = 0;
    let requests = spread_over(start, duration, count, random)
        .into_iter()
        .enumerate()
        .map(|(at, time)| {
            let length = if is_tiny { random.between(1, 1025) } else { random.between(1 << 20, 8 << 20) };
            let request =
                Request::part(time, clients[at % clients.len()], objects[at % objects.len()], length);
            bytes += request.bytes;
            request
        })
        .collect();
    let what = if is_tiny { "tiny" } else { "overlapping" };
    let about = format!("{count} {what} parts of {} objects {from}", objects.len());
    let mut incident = Incident::new(Kind::RangeAbuse, strength, about);
    incident.subjects = subjects_of(month, &clients, true);
    if bytes > bytes_per_day(month) {
        incident.also.push(Kind::BandwidthHog);
    }
    Planted { incident, requests }
}
