//! Says on stderr why nothing matches the filter and the time range.

use super::context::Context;
use super::interrupt;
use crate::insight::{Scope, emptiness};
use crate::query::{Answer, Ask, Counting, Engine, TimeRange};

/// Whether an answer has no requests.
pub(super) fn is_empty(answer: &Answer) -> bool {
    match answer {
        Answer::Totals(totals) => totals.stats.requests == 0,
        Answer::Groups(groups) => groups.totals.requests == 0,
        Answer::Pairs(pairs) => pairs.totals.requests == 0,
        Answer::Series(series) => series.lines.iter().flatten().all(|stats| stats.requests == 0),
        Answer::Requests(requests) => requests.matched == 0,
        _ => false,
    }
}

/// Explains an empty answer, if there is a filter or a time range.
pub(super) fn explain(
    context: &Context,
    engine: &dyn Engine,
    sources: &[String],
    counting: Counting,
) -> anyhow::Result<()> {
    if context.options.quiet || (context.filter.is_everything() && context.time == TimeRange::default()) {
        return Ok(());
    }
    let scope = Scope::of(&context.query(sources, counting, Ask::Totals));
    let (cancel, _hook) = interrupt::query_cancellation();
    if let Some(emptiness) = emptiness::explain(engine, &scope, &cancel)? {
        context.escaped_note(&emptiness.to_string());
    }
    Ok(())
}
