//! How much is requested over time: [`super::level_shift`] and [`super::burst`], of the whole log and
//! of its large subjects.

use super::baseline::{Baseline, MIN_DAYS};
use super::history::History;
use super::timeline::Timeline;
use super::{Finding, Kind, Ordinary, burst, level_shift};
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::log::time::SECONDS_PER_DAY;
use crate::query::{Dimension, Filter, GroupRow, QueryError, Value};

/// Largest number of subjects of a dimension.
const SUBJECTS: usize = 12;
/// The begins of a change of level and of a burst differ by at most this.
const BEGIN_SECONDS: i64 = 2 * 3_600;
/// A subject has at least this share of the requests.
const MIN_SHARE: f64 = 0.005;

/// The dimensions of subjects, the most specific first.
fn dimensions() -> [Dimension; 4] {
    [
        Dimension::Field(Field::RemoteIp),
        Dimension::Role,
        Dimension::AgentFamily,
        Dimension::Prefix { depth: 1 },
    ]
}

/// The requests of the whole log over time, and of its large subjects.
pub(super) struct Volume<'a, 'b> {
    pub survey: &'b Survey<'a>,
    /// All requests before the end of the scope.
    pub history: Survey<'a>,
    /// What other findings do not explain, in narrow and in wide buckets.
    pub narrow: Timeline,
    pub wide: Timeline,
    /// Everything, in wide buckets.
    pub all: Timeline,
    pub subjects: Vec<Subject>,
    /// What was found so far.
    pub found: &'b [Finding],
}

/// A value with many requests.
pub(super) struct Subject {
    pub dimension: Dimension,
    pub value: Value,
    /// Its requests in wide buckets.
    pub history: History,
    /// The mean bytes of a response.
    pub bytes_per_request: f64,
    pub baseline: Baseline,
}

/// Finds changes of level and bursts that the findings so far do not explain.
pub(super) fn detect(survey: &Survey<'_>, found: &[Finding]) -> Result<Vec<Finding>, QueryError> {
    let history = survey.with_history();
    let Some((narrow, wide)) = Timeline::whole(&history)? else { return Ok(Vec::new()) };
    if wide.grid.known_days() < MIN_DAYS {
        return Ok(Vec::new());
    }
    let subjects = subjects(&history, &wide)?;
    let all = wide.clone();
    let mut volume = Volume { survey, history, narrow, wide, all, subjects, found };
    for finding in found.iter().filter(|finding| explains_volume(finding, &volume.all)) {
        volume.narrow.subtract(&volume.history, &finding.filter)?;
        volume.wide.subtract(&volume.history, &finding.filter)?;
    }
    let mut more = level_shift::detect(&volume)?;
    let bursts = burst::detect(&volume)?.into_iter();
    let bursts: Vec<Finding> =
        bursts.filter(|burst| !more.iter().any(|shift| is_begin_of(burst, shift))).collect();
    more.extend(bursts);
    Ok(more)
}

/// Whether a burst is the first day of a change of level, which is compared with the level before.
fn is_begin_of(burst: &Finding, shift: &Finding) -> bool {
    let about = (burst.start - shift.start, burst.end - shift.start);
    (burst.subject.is_none() || burst.subject == shift.subject)
        && about.0 >= -BEGIN_SECONDS
        && about.1 <= SECONDS_PER_DAY
}

/// Whether the requests of a finding are those of an incident, not those of a subject as usual: what lasts for much of
/// the log explains no change, and that people share an address does not explain why they come.
pub(super) fn explains_volume(finding: &Finding, all: &Timeline) -> bool {
    /// Part of the log that a finding lasts at most.
    const MOST: f64 = 0.4;
    let log = (all.grid.bucket * all.grid.len() as i64) as f64;
    !matches!(finding.kind, Kind::Silence | Kind::LevelShift | Kind::InsecureAccess)
        && finding.label != Some(Ordinary::SharedAddress)
        && ((finding.end - finding.start) as f64) < MOST * log
}

fn subjects(history: &Survey<'_>, wide: &Timeline) -> Result<Vec<Subject>, QueryError> {
    let total: u64 = wide.stats.iter().map(|stats| stats.requests).sum();
    let everything = Filter::everything();
    let mut of: Vec<(Dimension, Vec<GroupRow>)> = Vec::new();
    let groups = history.groups_of_each(&everything, &dimensions(), SUBJECTS)?;
    for (dimension, groups) in dimensions().into_iter().zip(groups) {
        let rows: Vec<GroupRow> = (groups.rows.into_iter())
            .filter(|row| row.value != Value::Absent && row.stats.requests as f64 >= MIN_SHARE * total as f64)
            .collect();
        of.push((dimension, rows));
    }
    let values = |rows: &[GroupRow]| rows.iter().map(|row| row.value.clone()).collect();
    let each = of.iter().map(|(dimension, rows)| (dimension.clone(), values(rows))).collect();
    let histories = History::on_grid(history, &everything, each, &wide.grid)?;
    let mut subjects = Vec::new();
    for ((dimension, rows), histories) in of.into_iter().zip(histories) {
        for (GroupRow { value, stats, .. }, history) in rows.into_iter().zip(histories) {
            if let Some(baseline) = Baseline::fit(&wide.grid, &history.counts) {
                let (dimension, bytes_per_request) =
                    (dimension.clone(), stats.bytes_sent as f64 / stats.requests.max(1) as f64);
                subjects.push(Subject { dimension, value, history, bytes_per_request, baseline });
            }
        }
    }
    Ok(subjects)
}
