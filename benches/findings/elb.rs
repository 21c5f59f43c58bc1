//! A real series: the requests of a load balancer in two weeks, with the anomalies that people labelled (Numenta Anomaly
//! Benchmark, `realAWSCloudwatch/elb_request_count_8c0756.csv`; MIT License, see benches/data/LICENSE-NAB.txt).
//!
//! Each counted request becomes a record without any peculiarity, at a random time of its five minutes.

use tamarin::insight::Scope;
use tamarin::insight::findings::find;
use tamarin::query::LocalEngine;
use tokio_util::sync::CancellationToken;

use crate::agents::People;
use crate::cache;
use crate::month::{Month, Rhythm};
use crate::random::Random;
use crate::record::{Object, Request};

const SERIES: &str = include_str!("../data/elb_request_count_8c0756.csv");
/// The labelled windows (`labels/combined_windows.json`), and the labelled instants.
const WINDOWS: [(&str, &str, &str); 2] = [
    ("2014-04-12T09:04:00Z", "2014-04-13T01:44:00Z", "2014-04-12T17:24:00Z"),
    ("2014-04-22T11:14:00Z", "2014-04-23T03:54:00Z", "2014-04-22T19:34:00Z"),
];

fn seconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().expect("a time").as_second()
}

/// Prints which labelled windows are found.
pub(crate) fn run() {
    let mut random = Random::new(1, 8_756);
    let mut month = Month::new(1, 8_756, Rhythm::World);
    let people = People::new(&mut month, 12_000, 0, &mut random);
    let objects: Vec<Object> = (0..400)
        .map(|number| Object {
            key: month.text(&format!("page/{number:03}.html")),
            size: 9_000 + 37 * number,
        })
        .collect();
    month.start = seconds("2014-04-10T00:00:00Z");
    for line in SERIES.lines().skip(1) {
        let Some((time, count)) = line.split_once(',') else { continue };
        let start = seconds(&format!("{}Z", time.replace(' ', "T"))) - month.start;
        for _ in 0..count.parse::<f64>().unwrap_or(0.0) as u64 {
            let time = start as u32 + random.below(300) as u32;
            let client = people.visitor(time, &mut random);
            let object = objects[(random.unit().powi(3) * 400.0) as usize];
            month.requests.push(Request::get(time, client, object));
        }
    }
    month.requests.sort_by_key(|request| request.time);
    let (_folder, cache) = cache::of_month(&month, "elb", None);
    let found = find(&LocalEngine::new(cache), &Scope::default(), &CancellationToken::new(), &mut |_, _| {})
        .expect("findings");
    println!("== NAB: elb_request_count_8c0756, {} requests in 14 days ==\n", month.requests.len());
    let overlaps = |start: i64, end: i64| {
        WINDOWS.iter().position(|(first, last, _)| start < seconds(last) && seconds(first) < end)
    };
    for (number, (first, last, instant)) in WINDOWS.iter().enumerate() {
        let hit = found.findings.iter().position(|finding| {
            matches!(finding.kind.name(), "burst" | "level-shift")
                && overlaps(finding.start, finding.end) == Some(number)
        });
        let verdict = hit.map_or("not found".to_owned(), |at| {
            let finding = &found.findings[at];
            let contains = if (finding.start..finding.end).contains(&seconds(instant)) {
                ", contains the labelled instant"
            } else {
                ""
            };
            format!("found as {} at rank {}{contains}", finding.kind.name(), at + 1)
        });
        println!("labelled window {first} .. {last}: {verdict}");
    }
    let others: Vec<_> =
        found.findings.iter().filter(|finding| overlaps(finding.start, finding.end).is_none()).collect();
    println!("findings outside of the labelled windows: {}", others.len());
    for finding in others {
        let start = jiff::Timestamp::from_second(finding.start).unwrap_or_default();
        println!("  {} from {start}: {}", finding.kind.name(), finding.explanation);
    }
}
