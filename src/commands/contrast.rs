//! `tamarin contrast`: what tells two sets of requests apart.

use std::io::Write;

use super::args::ContrastArgs;
use super::context::Context;
use super::open_cache::pull_and_open;
use super::{Outcome, host_names, interrupt, output, usage};
use crate::export::{self, Format};
use crate::insight::Scope;
use crate::insight::contrast::{Against, contrast};
use crate::query::{Engine, Filter};

pub(super) fn run(context: &Context, args: &ContrastArgs) -> anyhow::Result<Outcome> {
    if context.options.filter.is_none() {
        return usage("which requests? tamarin contrast --filter A [--against B]; see tamarin help filter");
    }
    if context.options.sort.is_some() {
        return usage("--sort: the rows of a contrast are in the order of their evidence");
    }
    let against = match &args.against {
        None => Against::RestOf(context.time, Filter::everything()),
        Some(text) => match Filter::parse(text, jiff::Timestamp::now().as_second()) {
            Ok(filter) => Against::Selected(context.time, filter),
            Err(error) => return usage(format!("--against: {error}; see tamarin help filter")),
        },
    };
    let open = pull_and_open(context, &args.sources)?;
    let scope = Scope {
        sources: open.sources.clone(),
        time: context.time,
        filter: context.filter.clone(),
        counting: args.counting.into(),
    };
    let engine = context.engine(open.cache.clone());
    engine.pin_snapshot(true)?;
    // Names that either filter needs.
    let filters = match &against {
        Against::Selected(_, filter) => Filter::any([scope.filter.clone(), filter.clone()]),
        Against::RestOf(..) => scope.filter.clone(),
    };
    host_names::look_up(context, &engine, &Scope { filter: filters, ..scope.clone() }, &[])?;
    let (cancel, _hook) = interrupt::query_cancellation();
    let contrast = contrast(&engine, &scope, &against, &cancel, &mut |_, _| {})?;
    if context.options.stats {
        output::statistics(&contrast.statistics);
    }
    if contrast.a.requests == 0 {
        context.note("no request matches --filter: there is nothing to compare");
    } else if contrast.b.requests == 0 {
        context.note(match args.against {
            Some(_) => "no request matches --against: there is nothing to compare with",
            None => "every request matches --filter: there is nothing to compare with",
        });
    } else if contrast.is_same_set {
        context.note("--filter and --against select the same requests: there is nothing to compare");
    } else if contrast.rows.is_empty() {
        context.note("no difference: no value is more or less frequent than chance explains");
    }
    let mut out = output::data();
    let sheet = export::contrast_sheet(&contrast, context.max_rows(), context.format == Format::Table);
    export::write_sheet(sheet, context.format, output::width(), &mut out)?;
    out.flush()?;
    Ok(open.outcome)
}
