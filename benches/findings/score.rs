//! Compares findings with planted incidents.
//!
//! A finding **matches** an incident if all of this holds:
//! - Its kind is that of the incident, or one that a person would accept as well.
//! - Its time fits: it selects at least half of the records of the incident, or the time ranges overlap by at least a
//!   third of their union.
//! - Its subject fits: it is the planted one, or the finding selects at least half of the records of the incident and
//!   at least half of the selected records are the incident's. For silence: the records of the whole month with the
//!   subject are the missing traffic, by the same halves.
//!
//! The first finding that matches an incident is its **hit**. Another finding whose time and subject fit, or at least half
//! of whose records are the incident's (except for a change of level), is a **duplicate** if the incident has a hit,
//! otherwise it is **misnamed**. All others are **false alarms**.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tamarin::insight::Scope;
use tamarin::insight::findings::{Finding, Findings, find};
use tamarin::log::Field;
use tamarin::query::{Answer, Ask, Counting, Engine, Filter, LocalEngine, Query, Sort, TimeRange};
use tokio_util::sync::CancellationToken;

use crate::buckets::Bucket;
use crate::month::Month;
use crate::record::index_of_id;
use crate::truth::{Incident, Kind, Strength};

/// Overlap of time ranges that is sufficient, as a share of their union.
const MIN_OVERLAP: f64 = 1.0 / 3.0;
/// Findings whose records are compared. With more, something is wrong anyway.
const MAX_COMPARED: usize = 300;

/// The result for one planted incident.
#[derive(Clone, Debug)]
pub(crate) struct IncidentResult {
    pub(crate) kind: Kind,
    pub(crate) strength: Strength,
    /// Position of the hit among the findings, from 1.
    pub(crate) rank: Option<usize>,
    /// Kinds of findings that are about the incident under another name.
    pub(crate) misnamed: Vec<&'static str>,
    /// The label of a finding that matches but is taken for ordinary traffic.
    pub(crate) benign: Option<String>,
}

/// The result of one month.
#[derive(Clone, Debug)]
pub(crate) struct MonthResult {
    pub(crate) seed: u64,
    pub(crate) bucket: Bucket,
    pub(crate) days: u32,
    pub(crate) requests: u64,
    pub(crate) incidents: Vec<IncidentResult>,
    /// Kinds of the false alarms.
    pub(crate) false_alarms: Vec<&'static str>,
    pub(crate) duplicates: usize,
    pub(crate) misnamed: usize,
    pub(crate) elapsed: Duration,
    /// Details for people.
    pub(crate) notes: String,
}

/// What a finding selects.
struct Selected {
    total: usize,
    by_incident: Vec<usize>,
    /// The traffic that most records belong to.
    traffic: String,
}

struct Judge<'m> {
    month: &'m Month,
    engine: LocalEngine,
}

impl Judge<'_> {
    /// The indexes of the requests that a filter selects.
    fn indexes(&self, filter: &Filter) -> Vec<usize> {
        let query = Query {
            sources: Vec::new(),
            time: TimeRange::default(),
            filter: filter.clone(),
            counting: Counting::AsLogged,
            ask: Ask::Requests {
                sort: Sort { by: Field::Time, descending: false },
                offset: 0,
                limit: 0,
                fields: vec![Field::RequestId],
            },
        };
        let reply = self.engine.ask_once(&query, &CancellationToken::new()).expect("an answer");
        let Answer::Requests(requests) = reply.answer else { return Vec::new() };
        requests.rows.iter().filter_map(|row| index_of_id(&row.get(Field::RequestId).to_text())).collect()
    }

    fn selected(&self, finding: &Finding) -> Selected {
        let indexes = self.indexes(&finding.filter);
        let mut by_incident = vec![0; self.month.incidents.len()];
        let mut by_stream: HashMap<u16, usize> = HashMap::new();
        for index in &indexes {
            let request = &self.month.requests[*index];
            *by_stream.entry(request.stream).or_default() += 1;
            for (incident, count) in by_incident.iter_mut().enumerate() {
                *count += usize::from(request.incidents & (1 << incident) != 0);
            }
        }
        let most = by_stream.iter().max_by_key(|(stream, count)| (**count, **stream));
        let traffic = most.map_or("nothing".to_owned(), |(stream, count)| {
            format!("{} ({} of {})", self.month.streams[usize::from(*stream)], count, indexes.len())
        });
        Selected { total: indexes.len(), by_incident, traffic }
    }

    fn is_about_time(
        &self,
        finding: &Finding,
        selected: &Selected,
        index: usize,
        incident: &Incident,
    ) -> bool {
        if incident.requests > 0 && selected.by_incident[index] * 2 >= incident.requests as usize {
            return true;
        }
        let (start, end) =
            (self.month.start + i64::from(incident.start), self.month.start + i64::from(incident.end));
        let overlap = finding.end.min(end) - finding.start.max(start);
        let union = finding.end.max(end) - finding.start.min(start);
        overlap > 0 && overlap as f64 >= MIN_OVERLAP * union as f64
    }

    fn is_about_subject(
        &self,
        finding: &Finding,
        selected: &Selected,
        index: usize,
        incident: &Incident,
    ) -> bool {
        match &finding.subject {
            None if incident.is_of_all => return true,
            Some((dimension, value)) => {
                let (dimension_name, text) = (dimension.name(), value.to_text());
                if incident.subjects.iter().any(|(name, planted)| *name == dimension_name && *planted == text)
                {
                    return true;
                }
                if let Some(missing) = incident.missing {
                    let with_subject = self.indexes(&Filter::term_for(dimension, value));
                    let of_missing = |index: &usize| self.month.requests[*index].stream == missing;
                    let both = with_subject.iter().filter(|index| of_missing(index)).count();
                    let all = self.month.requests.iter().filter(|request| request.stream == missing).count();
                    return both > 0 && both * 2 >= all && both * 2 >= with_subject.len();
                }
            }
            None => {}
        }
        let both = selected.by_incident[index];
        both > 0 && both * 2 >= incident.requests as usize && both * 2 >= selected.total
    }

    fn matches(&self, finding: &Finding, selected: &Selected, index: usize, incident: &Incident) -> bool {
        let kind = finding.kind.name();
        (kind == incident.kind.name() || incident.also.iter().any(|also| also.name() == kind))
            && self.is_about_time(finding, selected, index, incident)
            && self.is_about_subject(finding, selected, index, incident)
    }

    /// Whether a finding is about an incident, whatever its kind.
    fn is_about(&self, finding: &Finding, selected: &Selected, index: usize, incident: &Incident) -> bool {
        let both = selected.by_incident[index];
        // A change of level has so many records that half of most findings are among them.
        let is_part = incident.kind != Kind::LevelShift && both > 0 && both * 2 >= selected.total;
        is_part
            || (self.is_about_time(finding, selected, index, incident)
                && self.is_about_subject(finding, selected, index, incident))
    }
}

/// Finds the incidents of a month and compares.
pub(crate) fn judge(
    seed: u64,
    bucket: Bucket,
    month: &Month,
    engine: LocalEngine,
    verbose: bool,
) -> MonthResult {
    let started = Instant::now();
    let found =
        find(&engine, &Scope::default(), &CancellationToken::new(), &mut |_, _| {}).expect("findings");
    let elapsed = started.elapsed();
    compare(seed, bucket, &Judge { month, engine }, &found, elapsed, verbose)
}

fn compare(
    seed: u64,
    bucket: Bucket,
    judge: &Judge<'_>,
    found: &Findings,
    elapsed: Duration,
    verbose: bool,
) -> MonthResult {
    let month = judge.month;
    let findings = &found.findings[..found.findings.len().min(MAX_COMPARED)];
    let selected: Vec<Selected> = findings.iter().map(|finding| judge.selected(finding)).collect();
    let mut results: Vec<IncidentResult> = Vec::new();
    let mut hits = vec![None; findings.len()];
    for (index, incident) in month.incidents.iter().enumerate() {
        let rank = (0..findings.len())
            .find(|at| hits[*at].is_none() && judge.matches(&findings[*at], &selected[*at], index, incident));
        if let Some(at) = rank {
            hits[at] = Some(index);
        }
        let benign = found.benign.iter().find(|finding| {
            rank.is_none() && judge.matches(finding, &judge.selected(finding), index, incident)
        });
        results.push(IncidentResult {
            kind: incident.kind,
            strength: incident.strength,
            rank: rank.map(|at| at + 1),
            misnamed: Vec::new(),
            benign: benign.map(|finding| finding.label.map(|label| label.to_string()).unwrap_or_default()),
        });
    }
    let mut result = MonthResult {
        seed,
        bucket,
        days: month.days,
        requests: month.requests.len() as u64,
        incidents: Vec::new(),
        false_alarms: Vec::new(),
        duplicates: 0,
        misnamed: 0,
        elapsed,
        notes: String::new(),
    };
    let mut lines: Vec<String> = Vec::new();
    for (at, finding) in findings.iter().enumerate() {
        let about = month
            .incidents
            .iter()
            .enumerate()
            .find(|(index, incident)| judge.is_about(finding, &selected[at], *index, incident))
            .map(|(index, _)| index);
        let verdict = match (hits[at], about) {
            (Some(index), _) => format!("hit of {}", index + 1),
            (None, Some(index)) if results[index].rank.is_some() => {
                result.duplicates += 1;
                format!("DUPLICATE of {}", index + 1)
            }
            (None, Some(index)) => {
                result.misnamed += 1;
                results[index].misnamed.push(finding.kind.name());
                format!("MISNAMED {}", index + 1)
            }
            (None, None) => {
                result.false_alarms.push(finding.kind.name());
                "FALSE ALARM".to_owned()
            }
        };
        lines.push(format!(
            "    {:3}. {verdict}: {}; traffic: {}\n",
            at + 1,
            describe(finding),
            selected[at].traffic
        ));
    }
    result.false_alarms.extend(found.findings.iter().skip(MAX_COMPARED).map(|finding| finding.kind.name()));
    let is_missed = results.iter().any(|incident| incident.rank.is_none_or(|rank| rank > 10));
    if verbose || is_missed || !result.false_alarms.is_empty() || result.duplicates + result.misnamed > 0 {
        let quiet = if month.incidents.is_empty() { ", quiet" } else { "" };
        result.notes = format!(
            "{} seed {seed}{quiet}: {} requests in {} days, {:?}\n",
            bucket.name(),
            month.requests.len(),
            month.days,
            elapsed
        );
        for (index, (incident, outcome)) in month.incidents.iter().zip(&results).enumerate() {
            let verdict = match (outcome.rank, &outcome.benign) {
                (Some(rank), _) => format!("rank {rank}"),
                (None, Some(label)) => format!("MISSED, labelled {label}"),
                (None, None) => "MISSED".to_owned(),
            };
            result.notes += &format!(
                "  {}. {} {} {verdict}: {} ({} .. {}, {} requests, {})\n",
                index + 1,
                incident.strength.name(),
                incident.kind.name(),
                incident.about,
                time(month.start + i64::from(incident.start)),
                time(month.start + i64::from(incident.end)),
                incident.requests,
                incident
                    .subjects
                    .iter()
                    .map(|(name, value)| format!("{name}:{value}"))
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
        result.notes.extend(lines);
        if verbose {
            for finding in &found.benign {
                let label = finding.label.map_or("", |label| label.name());
                result.notes += &format!("    benign ({label}): {}\n", describe(finding));
            }
        }
    }
    result.incidents = results;
    result
}

fn describe(finding: &Finding) -> String {
    let subject = finding.subject.as_ref().map_or("all requests".to_owned(), |(dimension, value)| {
        format!("{}:{}", dimension.name(), value.to_text())
    });
    format!(
        "{} {subject} {} .. {} score {:.1}, {} requests, {} [{}]",
        finding.kind.name(),
        time(finding.start),
        time(finding.end),
        finding.score,
        finding.stats.requests,
        finding.explanation,
        finding.filter,
    )
}

fn time(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    time.strftime("%m-%d %H:%M").to_string()
}
