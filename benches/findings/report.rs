//! The tables of results.

use std::collections::BTreeMap;

use crate::buckets::Bucket;
use crate::score::{IncidentResult, MonthResult};
use crate::truth::{Kind, Strength};

/// Seeds up to this one are for tuning, on all kinds of buckets but [`HELD_OUT_BUCKETS`].
pub(crate) const LAST_TUNING_SEED: u64 = 50;
pub(crate) const HELD_OUT_BUCKETS: [Bucket; 5] =
    [Bucket::Registry, Bucket::Telemetry, Bucket::Training, Bucket::Shop, Bucket::LogArchive];

const FIRST_FINDINGS: usize = 10;

/// Prints all tables that have results.
pub(crate) fn print(results: &[MonthResult]) {
    let is_tuning =
        |result: &&MonthResult| result.seed <= LAST_TUNING_SEED && !HELD_OUT_BUCKETS.contains(&result.bucket);
    let tuning: Vec<&MonthResult> = results.iter().filter(is_tuning).collect();
    let held_out: Vec<&MonthResult> = results.iter().filter(|result| !is_tuning(result)).collect();
    for (title, group) in [
        ("tuning: seeds 1-50 of the kinds of buckets that rules are tuned on", tuning),
        ("held out", held_out),
    ] {
        if group.is_empty() {
            continue;
        }
        println!("\n== {title} ==\n");
        recall_by_kind(&group);
        println!();
        by_bucket(&group);
        println!();
        kinds_of_false_alarms(&group);
    }
    let seconds: Vec<f64> = results.iter().map(|result| result.elapsed.as_secs_f64()).collect();
    let mean = seconds.iter().sum::<f64>() / seconds.len().max(1) as f64;
    let longest = seconds.iter().copied().fold(0.0, f64::max);
    println!("\ntime of an analysis: mean {:.0} ms, longest {:.0} ms", mean * 1000.0, longest * 1000.0);
}

fn is_hit(incident: &IncidentResult) -> bool {
    incident.rank.is_some_and(|rank| rank <= FIRST_FINDINGS)
}

/// `12/13  92 %`
fn share<'a>(incidents: impl Iterator<Item = &'a IncidentResult>) -> String {
    let (mut hits, mut all) = (0, 0);
    for incident in incidents {
        all += 1;
        hits += usize::from(is_hit(incident));
    }
    match all {
        0 => "-".to_owned(),
        all => format!("{hits}/{all} {:3.0} %", 100.0 * f64::from(hits as u32) / f64::from(all as u32)),
    }
}

fn recall_by_kind(group: &[&MonthResult]) {
    println!("Incidents of the right kind among the first {FIRST_FINDINGS} findings:");
    println!("| kind | weak | medium | strong | medium and strong | mean rank | found under other kinds |");
    println!("|---|--:|--:|--:|--:|--:|---|");
    let all: Vec<&IncidentResult> = group.iter().flat_map(|result| &result.incidents).collect();
    let row = |name: &str, incidents: &[&IncidentResult]| {
        let of = |strengths: &[Strength]| {
            share(incidents.iter().copied().filter(|incident| strengths.contains(&incident.strength)))
        };
        let ranks: Vec<usize> = incidents
            .iter()
            .filter(|incident| is_hit(incident))
            .filter_map(|incident| incident.rank)
            .collect();
        let mean = match ranks.len() {
            0 => "-".to_owned(),
            len => format!("{:.1}", ranks.iter().sum::<usize>() as f64 / len as f64),
        };
        let mut others: BTreeMap<&str, usize> = BTreeMap::new();
        for incident in incidents {
            for name in &incident.misnamed {
                *others.entry(name).or_default() += 1;
            }
        }
        let others: Vec<String> = others.iter().map(|(name, count)| format!("{name} {count}")).collect();
        println!(
            "| {name} | {} | {} | {} | {} | {mean} | {} |",
            of(&[Strength::Weak]),
            of(&[Strength::Medium]),
            of(&[Strength::Strong]),
            of(&[Strength::Medium, Strength::Strong]),
            others.join(", ")
        );
    };
    for kind in Kind::ALL {
        let incidents: Vec<&IncidentResult> =
            all.iter().copied().filter(|incident| incident.kind == kind).collect();
        if !incidents.is_empty() {
            row(kind.name(), &incidents);
        }
    }
    row("**all**", &all);
}

fn by_bucket(group: &[&MonthResult]) {
    println!("By kind of bucket (false alarms per 30 days; per million requests of quiet months):");
    println!(
        "| bucket | medium and strong | months with incidents | false alarms | duplicates | misnamed | quiet months | false alarms | per million |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    let row = |name: &str, months: &[&MonthResult]| {
        let incidents = months.iter().flat_map(|result| &result.incidents);
        let clear = share(incidents.filter(|incident| incident.strength != Strength::Weak));
        let (quiet, others): (Vec<&MonthResult>, Vec<&MonthResult>) =
            months.iter().copied().partition(|result| result.incidents.is_empty());
        let per_month = |months: &[&MonthResult], count: usize| match months.len() {
            0 => "-".to_owned(),
            _ => {
                let days: u32 = months.iter().map(|result| result.days).sum();
                format!("{:.2}", count as f64 * 30.0 / f64::from(days))
            }
        };
        let alarms =
            |months: &[&MonthResult]| months.iter().map(|result| result.false_alarms.len()).sum::<usize>();
        let requests: u64 = quiet.iter().map(|result| result.requests).sum();
        let per_million = match requests {
            0 => "-".to_owned(),
            requests => format!("{:.2}", alarms(&quiet) as f64 * 1e6 / requests as f64),
        };
        println!(
            "| {name} | {clear} | {} | {} | {} | {} | {} | {} | {per_million} |",
            others.len(),
            per_month(&others, alarms(&others)),
            per_month(&others, others.iter().map(|result| result.duplicates).sum()),
            per_month(&others, others.iter().map(|result| result.misnamed).sum()),
            quiet.len(),
            per_month(&quiet, alarms(&quiet)),
        );
    };
    for bucket in Bucket::ALL {
        let months: Vec<&MonthResult> =
            group.iter().copied().filter(|result| result.bucket == bucket).collect();
        if !months.is_empty() {
            row(bucket.name(), &months);
        }
    }
    row("**all**", group);
}

fn kinds_of_false_alarms(group: &[&MonthResult]) {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for name in group.iter().flat_map(|result| &result.false_alarms) {
        *kinds.entry(name).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.iter().map(|(name, count)| format!("{name} {count}")).collect();
    println!("False alarms by kind: {}", if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") });
}
