//! `tamarin requests`: single requests, every field.

use std::io::Write;

use super::args::RequestsArgs;
use super::setting::Setting;
use super::{Outcome, interrupt, output, pulling, usage};
use crate::export::{self, Format};
use crate::log::{FIELDS, Field};
use crate::query::LocalEngine;
use crate::query::{Answer, Ask, Requests, Sort};

/// Requests in memory at a time.
const PAGE: usize = 50_000;

pub(super) fn run(setting: &Setting, args: &RequestsArgs) -> anyhow::Result<Outcome> {
    let sort = sort(setting)?;
    let ready = pulling::ready(setting, &args.sources)?;
    let engine = LocalEngine::new(ready.cache.clone());
    let (cancel, _hook) = interrupt::cancel();
    let mut out = output::data();
    let wanted = match setting.top() {
        0 => usize::MAX,
        top => top,
    };
    // A table needs all its rows to know how wide it is; the others are written page by page.
    let page = if setting.format == Format::Table { wanted } else { PAGE.min(wanted) };
    let mut writer = export::Pages::new(setting.format, output::width());
    let mut offset = 0;
    // One moment for all pages: what another process adds meanwhile would shift the rows between two.
    let moment = engine.moment()?;
    while offset < wanted {
        let limit = page.min(wanted - offset);
        let fields = Vec::new();
        let ask = Ask::Requests { sort, offset, limit: if limit == usize::MAX { 0 } else { limit }, fields };
        let query = setting.query(&ready.sources, args.counting.into(), ask.clone());
        let reply = moment.ask(&query, &cancel)?;
        if setting.options.stats {
            output::tell_statistics(&reply.statistics);
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
    Ok(ready.outcome)
}

/// `--sort`; by default the order of time.
fn sort(setting: &Setting) -> anyhow::Result<Sort<Field>> {
    let Some((column, direction)) = setting.sort() else {
        return Ok(Sort { by: Field::Time, descending: false });
    };
    match Field::by_name(column) {
        Some(by) => {
            let is_sum = by.kind() == crate::log::Kind::Measure;
            Ok(Sort { by, descending: direction.unwrap_or(is_sum) })
        }
        None => {
            let names: Vec<&str> = FIELDS.iter().map(|spec| spec.name).collect();
            usage(format!("--sort: no column \"{column}\"; sort by {}", names.join(", ")))
        }
    }
}
