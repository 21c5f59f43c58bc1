//! Ordinary traffic that looks suspicious: known crawlers, hubs with a steady pace, release days, and networks with many
//! people behind one address. [`recurrence`] knows recurring jobs.
//!
//! Each function looks at one candidate and returns a label for [`Finding::label`](super::Finding::label).

use super::baseline::Grid;
use super::client::Client;
use super::history::History;
use super::timeline::{Counted, Timeline};
use super::{Kind, Ordinary, recurrence};
use crate::identity::is_crawler;
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Measure, QueryError, TimeRange, Value};

/// Days on which a client must have been active to have a steady pace.
const STEADY_DAYS: usize = 7;
/// Part of the days between its first and its last on which it must have been active.
const STEADY_PRESENCE: f64 = 0.9;
/// User agents that are looked at.
const CRAWLER_AGENTS: usize = 10;
/// Part of the requests of a known crawler that have its user agent.
const CRAWLER_SHARE: f64 = 0.9;
/// Largest number of requests of a day as a multiple of the median day …
const STEADY_FACTOR: f64 = 2.0;
/// … and how many more come by chance, in standard deviations of random arrivals: few requests a day scatter more.
const STEADY_DEVIATIONS: f64 = 3.0;

/// Why a client that scrapes or takes many bytes in a period is ordinary; `None` if it is not.
pub(super) fn ordinary_client(
    survey: &Survey<'_>,
    kind: Kind,
    client: &Client<'_>,
) -> Result<Option<Ordinary>, QueryError> {
    if !matches!(kind, Kind::Scraping | Kind::BandwidthHog) {
        return Ok(None);
    }
    let (start, end) = client.period;
    let within = Filter::within(TimeRange { start: Some(start), end: Some(end) });
    let filter = Filter::term_for(client.dimension, client.value).and(within);
    // Most clients have one user agent, so their profiles answer without a query.
    let main_agent = client.did.agent.as_ref();
    let is_by_another = |(agent, requests): &(Value, u64)| {
        client.share(*requests) > 1.0 - CRAWLER_SHARE && !is_agent_of_crawler(agent)
    };
    // Of many agents that all send little, the first ones are not enough.
    let most = main_agent.map_or(0, |(_, requests)| *requests).saturating_mul(CRAWLER_AGENTS as u64);
    if client.share(most) >= CRAWLER_SHARE
        && !main_agent.is_some_and(is_by_another)
        && let Some(crawler) = crawler(survey, &filter)?
    {
        return Ok(Some(crawler));
    }
    if let Some(shared) = nat(survey, client, &filter)? {
        return Ok(Some(shared));
    }
    // A hog repeats a few keys, at a steady pace or not; a mirror fetches all of them.
    if kind == Kind::Scraping { mirror(survey, client) } else { Ok(None) }
}

/// The operations of lifecycle rules, which S3 does by itself: Amazon S3 User Guide, "Lifecycle and other bucket
/// configurations", section "Lifecycle and logging".
const LIFECYCLE: &str =
    r"^S3\.(EXPIRE\.OBJECT|CREATE\.DELETEMARKER|TRANSITION(_[A-Z]+)?\.OBJECT|DELETE\.UPLOAD)$";

/// [`Ordinary::Lifecycle`] if at least `least` requests of a filter are operations of lifecycle rules.
pub(super) fn lifecycle(
    survey: &Survey<'_>,
    filter: &Filter,
    least: f64,
) -> Result<Option<Ordinary>, QueryError> {
    let operation = Filter::Term(Subject::Field(Field::Operation), Test::Regex(LIFECYCLE.to_owned()));
    let requests = survey.totals(&filter.clone().and(operation))?.requests;
    Ok((requests > 0 && requests as f64 >= least).then_some(Ordinary::Lifecycle))
}

/// [`Ordinary::SteadyPace`] if a client has a steady pace, [`Ordinary::RecurringJob`] if it comes once a week.
fn mirror(survey: &Survey<'_>, client: &Client<'_>) -> Result<Option<Ordinary>, QueryError> {
    let Some((_, wide)) = Timeline::whole(survey)? else { return Ok(None) };
    let filter = Filter::term_for(client.dimension, client.value);
    let queried = match client.history.has_buckets_of(&wide.grid) {
        true => None,
        false => Some(History::of_filter(survey, &filter, &wide.grid, Counted::Requests)?),
    };
    let counts = &queried.as_ref().unwrap_or(client.history).counts;
    let weekly = || recurrence::is_weekly(&wide.grid, counts).then_some(Ordinary::RecurringJob);
    Ok(steady_pace(&wide.grid, counts).or_else(weekly))
}

fn is_agent_of_crawler(agent: &Value) -> bool {
    matches!(agent, Value::Text(agent) if is_crawler(agent).is_some())
}

/// [`Ordinary::Crawler`] if at least 90 % of the requests of a filter have user agents of known crawlers.
pub(super) fn crawler(survey: &Survey<'_>, filter: &Filter) -> Result<Option<Ordinary>, QueryError> {
    let agents =
        survey.groups(filter, &Dimension::Field(Field::UserAgent), &[], Measure::Requests, CRAWLER_AGENTS)?;
    let by_crawlers: u64 = (agents.rows.iter())
        .filter(|row| is_agent_of_crawler(&row.value))
        .map(|row| row.stats.requests)
        .sum();
    let is_by_crawlers = by_crawlers as f64 >= CRAWLER_SHARE * agents.totals.requests as f64;
    Ok((is_by_crawlers && by_crawlers > 0).then_some(Ordinary::Crawler))
}

/// [`Ordinary::SteadyPace`] if hourly requests are about the same on at least seven days, from the first day of the log on: a mirror or
/// a download hub.
fn steady_pace(grid: &Grid, hourly: &[f64]) -> Option<Ordinary> {
    let mut per_day = vec![0.0; grid.days()];
    for (index, requests) in hourly.iter().enumerate() {
        per_day[grid.day(index)] += requests;
    }
    let usable = grid.usable_per_day();
    let whole_days: Vec<f64> = (per_day.iter().zip(&usable))
        .filter(|(_, usable)| **usable * 4 >= grid.per_day() * 3)
        .map(|(requests, usable)| requests * grid.per_day() as f64 / *usable as f64)
        .collect();
    let active: Vec<f64> = whole_days.iter().copied().filter(|requests| *requests > 0.0).collect();
    let was_there_at_first = whole_days.iter().take(3).any(|requests| *requests > 0.0);
    let is_present =
        active.len() >= STEADY_DAYS && active.len() as f64 >= STEADY_PRESENCE * whole_days.len() as f64;
    if !was_there_at_first || !is_present {
        return None;
    }
    let usual = super::baseline::levels::median(&mut active.clone());
    let most = active.iter().copied().fold(0.0, f64::max);
    let largest = STEADY_FACTOR * usual;
    (most <= largest + STEADY_DEVIATIONS * largest.sqrt()).then_some(Ordinary::SteadyPace)
}

/// [`Ordinary::SharedAddress`] if many user agents of many families are behind one address, none of which sends most of the requests.
fn nat(survey: &Survey<'_>, client: &Client<'_>, filter: &Filter) -> Result<Option<Ordinary>, QueryError> {
    const MIN_AGENTS: u64 = 12;
    const MIN_FAMILIES: u64 = 3;
    const MAX_SHARE: f64 = 0.4;
    let did = client.did;
    // An absent user agent counts as one.
    let without_agent = did.stats.requests - did.with_agent;
    let agents = did.agents + u64::from(without_agent > 0);
    let largest = did.agent.as_ref().map_or(0, |(_, requests)| *requests).max(without_agent);
    if agents < MIN_AGENTS || client.share(largest) > MAX_SHARE {
        return Ok(None);
    }
    let families = survey.groups(filter, &Dimension::AgentFamily, &[], Measure::Requests, 1)?;
    Ok((families.group_count >= MIN_FAMILIES).then_some(Ordinary::SharedAddress))
}

/// [`Ordinary::ReleaseDay`] if the requests of a filter in a period come from many addresses with many agents, and most of those
/// beyond the `expected` number are about few keys that are new. `history` has all requests.
pub(super) fn release_day(
    history: &Survey<'_>,
    filter: &Filter,
    period: (i64, i64),
    expected: f64,
) -> Result<Option<Ordinary>, QueryError> {
    const MIN_ADDRESSES: u64 = 30;
    const MIN_AGENTS: u64 = 5;
    const MAX_SHARE_OF_ADDRESS: f64 = 0.1;
    const KEYS: usize = 12;
    /// How long before the period a key may have been seen first: it is uploaded before it is announced.
    const NEW_SECONDS: i64 = 2 * 86_400;
    const MIN_SHARE_OF_EXCESS: f64 = 0.4;
    let within = filter.clone().and(Filter::within(TimeRange { start: Some(period.0), end: Some(period.1) }));
    let addresses = history.groups(&within, &Dimension::Field(Field::RemoteIp), &[], Measure::Requests, 1)?;
    let largest = addresses.rows.first().map_or(0, |row| row.stats.requests);
    if addresses.group_count < MIN_ADDRESSES
        || largest as f64 > MAX_SHARE_OF_ADDRESS * addresses.totals.requests as f64
    {
        return Ok(None);
    }
    let agents = history.groups(&within, &Dimension::Field(Field::UserAgent), &[], Measure::Requests, 1)?;
    if agents.group_count < MIN_AGENTS {
        return Ok(None);
    }
    let key = Dimension::Field(Field::Key);
    let keys = history.groups(&within, &key, &[], Measure::Requests, KEYS)?;
    let excess = addresses.totals.requests as f64 - expected;
    let of_each = keys.rows.iter().map(|row| row.value.clone()).collect();
    let histories = History::of(history, &Filter::everything(), &key, of_each)?;
    let is_new = |of_key: &History| !of_key.began_before(period.0 - NEW_SECONDS);
    let on_new: u64 = (keys.rows.iter().zip(&histories))
        .filter(|(_, of_key)| is_new(of_key))
        .map(|(row, _)| row.stats.requests)
        .sum();
    Ok((excess > 0.0 && on_new as f64 >= MIN_SHARE_OF_EXCESS * excess).then_some(Ordinary::ReleaseDay))
}

#[cfg(test)]
mod tests {
    use super::super::baseline::testing::{hourly, hours};
    use super::*;

    #[test]
    fn a_mirror_with_a_steady_pace_is_ordinary() {
        let grid = hourly(30);
        let mirror = hours(30, |day, hour| if hour < 3 { 500.0 + day as f64 } else { 0.0 });
        assert_eq!(steady_pace(&grid, &mirror), Some(Ordinary::SteadyPace));
        let few = hours(30, |day, hour| if hour == 9 { [13.0, 9.0, 28.0][day % 3] } else { 0.0 });
        assert_eq!(steady_pace(&grid, &few), Some(Ordinary::SteadyPace));
        let once = hours(30, |day, _| if day == 12 { 500.0 } else { 0.0 });
        assert_eq!(steady_pace(&grid, &once), None);
        let newcomer = hours(30, |day, _| if day > 12 { 500.0 } else { 0.0 });
        assert_eq!(steady_pace(&grid, &newcomer), None);
        let much_more_on_a_day = hours(30, |day, _| if day == 20 { 5000.0 } else { 500.0 });
        assert_eq!(steady_pace(&grid, &much_more_on_a_day), None);
    }
}
