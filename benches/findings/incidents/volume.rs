//! Incidents of volume: bursts, permanent changes, and regular traffic that stops.

use super::{Planted, spread_over, start};
use crate::month::{DAY, HOUR, Month, Pause, Shift};
use crate::random::Random;
use crate::record::{ABSENT, Request, Signature};
use crate::traffic::{Stream, World, as_usual};
use crate::truth::{Incident, Kind, Strength};

/// The share of a finding's requests that an incident must be for a finding about all requests.
const SHARE_OF_ALL: f64 = 0.2;

/// Far more requests than usual, for minutes to hours.
pub(super) fn burst(month: &mut Month, world: &World, strength: Strength, random: &mut Random) -> Planted {
    let duration = random.between(20, 180) as u32 * 60;
    let start = start(month, duration, random);
    let end = start + duration;
    let ordinary = month.requests.iter().filter(|request| (start..end).contains(&request.time)).count();
    // A few failures at night are nothing to speak of.
    if strength != Strength::Weak && random.chance(0.2) && ordinary > 600 {
        return errors(month, strength, start, end, random);
    }
    // Compared with the mean of an hour, because at night a burst is small.
    let per_hour = month.requests.len() as f64 / f64::from(month.days * 24);
    let factor = strength.of([2.0, 6.0, 18.0]) * random.range(0.8, 1.2);
    let count = ((per_hour * factor * f64::from(duration) / f64::from(HOUR)) as usize).clamp(150, 14_000);
    let times = spread_over(start, duration, count, random);
    let analysts = world.streams.iter().find_map(|stream| match stream {
        Stream::Queries { clients, .. } => Some(clients.clone()),
        _ => None,
    });
    let web = world.members[0];
    let mut subjects = Vec::new();
    let (requests, about): (Vec<Request>, String) = if let Some(analysts) = analysts {
        let client = *random.pick(&analysts);
        subjects.push(("requester", month.texts.get(client.requester).to_owned()));
        // A query over whole tables: a few parts of each object. The same parts again and again would be range abuse, and
        // more bytes than of all others a bandwidth hog.
        let first = random.index(world.objects.len());
        let requests = times.into_iter().enumerate().map(|(at, time)| {
            let object = world.objects[(first + at / 4) % world.objects.len()];
            Request::part(time, client, object, random.between(16_000, 400_000))
        });
        (requests.collect(), format!("{count} reads of an analyst in {} min", duration / 60))
    } else if random.chance(0.5) && world.is_public {
        let object = world.objects[world.popular[random.index(world.popular.len())]];
        subjects.push(("key", month.texts.get(object.key).to_owned()));
        let requests = times.into_iter().map(|time| {
            let client = world.people.visitor(time, random);
            as_usual(Request { operation: world.get, ..Request::get(time, client, object) }, random)
        });
        (requests.collect(), format!("{count} requests of visitors for one key in {} min", duration / 60))
    } else {
        let requests = times.into_iter().map(|time| {
            let mut client = world.people.visitor(time, random);
            if !world.is_public {
                client.requester = web.requester;
                client.signature = Signature::Presigned;
            }
            let request =
                Request { operation: world.get, ..Request::get(time, client, world.popular(random)) };
            as_usual(Request { referer: ABSENT, ..request }, random)
        });
        (requests.collect(), format!("{count} requests of visitors for all keys in {} min", duration / 60))
    };
    let mut incident = Incident::new(Kind::Burst, strength, about);
    incident.subjects = subjects;
    incident.is_of_all = is_large_part(month, start, end, count);
    Planted { incident, requests }
}

fn is_large_part(month: &Month, start: u32, end: u32, count: usize) -> bool {
    let others = month.requests.iter().filter(|request| (start..end).contains(&request.time)).count();
    count as f64 >= SHARE_OF_ALL * (count + others) as f64
}

/// S3 answers many requests with 503. Takes requests of the month.
fn errors(month: &mut Month, strength: Strength, start: u32, end: u32, random: &mut Random) -> Planted {
    let share = strength.of([0.2, 0.4, 0.75]);
    let mut requests = Vec::new();
    for request in &mut month.requests {
        if (start..end).contains(&request.time) && request.status == 200 && random.chance(share) {
            requests.push(request.failed(503, "SlowDown"));
            // Removed below.
            request.time = u32::MAX;
        }
    }
    month.requests.retain(|request| request.time < u32::MAX);
    let about =
        format!("{} requests of everybody fail with 503 in {} min", requests.len(), (end - start) / 60);
    let mut incident = Incident::new(Kind::Burst, strength, about);
    incident.subjects = [("http_status", "503"), ("error_code", "SlowDown"), ("status_class", "5xx")]
        .map(|(dimension, value)| (dimension, value.to_owned()))
        .to_vec();
    incident.is_of_all = true;
    Planted { incident, requests }
}

/// Plans that a job stops, until the end or for a while.
pub(super) fn plan_silence(month: &mut Month, world: &World, strength: Strength, random: &mut Random) {
    let (name, period) = *random.pick(&world.stoppable);
    let silent = if period >= DAY {
        strength.of([2, 4, 7]) * DAY
    } else if period >= HOUR {
        strength.of([6, 18, 72]) * HOUR
    } else {
        strength.of([2, 8, 48]) * HOUR
    };
    let runs = world.streams.iter().find_map(|stream| match stream {
        Stream::Job(job) if job.name == name => Some(job.runs(month, &mut random.clone())),
        _ => None,
    });
    // The first run that is missing, by the schedule.
    let latest = month.end - silent;
    let at = if random.chance(0.5) {
        latest
    } else {
        random.between(u64::from(8 * DAY), u64::from(latest)) as u32
    };
    let start = match runs {
        Some(runs) => runs.iter().copied().find(|run| *run >= at).unwrap_or(at).saturating_sub(900),
        None => at,
    };
    let to_the_end = start + silent + period.max(HOUR) > month.end;
    let end = if to_the_end { month.end } else { start + silent };
    let until = if to_the_end { " until the end" } else { "" };
    let about = format!("{name} is missing for {} h{until}", (end - start) / HOUR);
    month.pause = Some(Pause { stream: name, start, end });
    let mut incident = Incident::new(Kind::Silence, strength, about);
    (incident.start, incident.end) = (start, end);
    incident.missing = Some(month.stream(name));
    month.incidents.push(incident);
}

/// Plans that some traffic grows permanently.
pub(super) fn plan_shift(month: &mut Month, world: &World, strength: Strength, random: &mut Random) {
    let paused = month.pause.map(|pause| pause.stream);
    let choices: Vec<_> = world
        .growable
        .iter()
        .filter(|streams| !streams.iter().any(|stream| Some(*stream) == paused))
        .collect();
    let Some(streams) = choices.get(random.index(choices.len().max(1))) else { return };
    let factor = strength.of([1.6, 2.3, 4.0]) * random.range(0.95, 1.1);
    let at = random.between(10, u64::from(month.days) - 6) as u32 * DAY + random.below(24) as u32 * HOUR;
    let about = format!("{} × {factor:.1}", streams.join(", "));
    let mut incident = Incident::new(Kind::LevelShift, strength, about);
    (incident.start, incident.end) = (at, month.end);
    month.shift = Some(Shift { streams: (*streams).clone(), at, factor });
    month.incidents.push(incident);
}

/// Marks the records of the traffic that grew.
pub(super) fn mark_shift(month: &mut Month) {
    let Some(shift) = month.shift.clone() else { return };
    let Some(index) = month.incidents.iter().position(|incident| incident.kind == Kind::LevelShift) else {
        return;
    };
    let streams: Vec<u16> = shift.streams.iter().map(|name| month.stream(name)).collect();
    let (mut grown, mut all) = (0usize, 0usize);
    for request in &mut month.requests {
        if request.time < shift.at {
            continue;
        }
        all += 1;
        if streams.contains(&request.stream) {
            grown += 1;
            request.incidents |= 1 << index;
        }
    }
    let excess = grown as f64 * (1.0 - 1.0 / shift.factor);
    month.incidents[index].is_of_all = excess >= SHARE_OF_ALL * all as f64;
}
