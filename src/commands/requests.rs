//! `tamarin requests`: single requests with every field.

use std::io::Write;
use std::sync::Arc;

use super::args::RequestsArgs;
use super::context::Context;
use super::open_cache::pull_and_open;
use super::{Outcome, emptiness, host_names, interrupt, output};
use crate::export::{self, Format};
use crate::insight::Scope;
use crate::log::{FIELDS, Field, Kind};
use crate::query::{Answer, Ask, Requests, Sort};

/// Requests in memory at a time.
const PAGE_ROWS: usize = 50_000;

pub(super) fn run(context: &Context, args: &RequestsArgs) -> anyhow::Result<Outcome> {
    run_with(context, args, Vec::new())
}

/// Prints requests. A table has the columns `fields`; empty: the usual ones. Other formats have every field.
pub(super) fn run_with(
    context: &Context,
    args: &RequestsArgs,
    fields: Vec<Field>,
) -> anyhow::Result<Outcome> {
    let fields = if context.format == Format::Table { fields } else { Vec::new() };
    let sort = sort(context)?;
    let open = pull_and_open(context, &args.sources)?;
    let engine = Arc::new(context.engine(open.cache.clone()));
    let totals = context.query(&open.sources, args.counting.into(), Ask::Totals);
    host_names::look_up(context, &*engine, &Scope::of(&totals), &[])?;
    let (cancel, _hook) = interrupt::query_cancellation();
    let mut out = output::data();
    let wanted = context.max_rows();
    // The widths of a table depend on all its rows; other formats are written page by page.
    let page = if context.format == Format::Table { wanted } else { PAGE_ROWS.min(wanted) };
    let mut writer = export::PagedWriter::new(context.format, output::width());
    let mut offset = 0;
    // One snapshot for all pages: requests that another process adds would shift the rows of later pages.
    let snapshot = engine.snapshot()?;
    while offset < wanted {
        let limit = page.min(wanted - offset);
        let ask = Ask::Requests {
            sort,
            offset,
            limit: if limit == usize::MAX { 0 } else { limit },
            fields: fields.clone(),
        };
        let query = context.query(&open.sources, args.counting.into(), ask.clone());
        let reply = snapshot.ask(&query, &cancel)?;
        if context.options.stats {
            output::statistics(&reply.statistics);
        }
        let count = match &reply.answer {
            Answer::Requests(Requests { rows, .. }) => rows.len(),
            _ => 0,
        };
        writer.write(&reply.answer, &ask, &mut out)?;
        offset = offset.saturating_add(count);
        if count < limit {
            break;
        }
    }
    writer.finish(&mut out)?;
    out.flush()?;
    if offset == 0 && wanted > 0 {
        emptiness::explain(context, &*engine, &open.sources, args.counting.into())?;
    }
    Ok(open.outcome)
}

/// The order that `--sort` names; by default ascending time.
fn sort(context: &Context) -> anyhow::Result<Sort<Field>> {
    let Some((column, descending)) = context.sort() else {
        return Ok(Sort { by: Field::Time, descending: false });
    };
    match Field::by_name(column) {
        Some(by) => {
            Ok(Sort { by, descending: descending.unwrap_or(by.kind() == Kind::Measure && by != Field::Line) })
        }
        None => {
            let names: Vec<&str> = FIELDS.iter().map(|spec| spec.name).collect();
            Context::wrong_sort(column, |name| Field::by_name(name).is_some(), &names.join(", "))
        }
    }
}
