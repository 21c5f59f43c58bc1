//! Lists of requests for the tests of the engine.

use tokio_util::sync::CancellationToken;

use crate::log::Field;
use crate::query::engine::LocalEngine;
use crate::query::{Answer, Ask, Counting, Engine, Filter, Query, Sort, TimeRange};

/// Ids of at most `limit` requests (0: all) from `offset` on.
pub(super) fn request_ids(
    engine: &LocalEngine,
    filter: &str,
    sort: Sort<Field>,
    offset: usize,
    limit: usize,
) -> Vec<(u32, u64)> {
    let query = Query {
        sources: Vec::new(),
        time: TimeRange::default(),
        filter: Filter::parse(filter, 0).unwrap(),
        counting: Counting::AsLogged,
        ask: Ask::Requests { sort, offset, limit, fields: vec![Field::Time] },
    };
    let reply = engine.ask(&query, &CancellationToken::new(), &mut |_, _| {}).unwrap();
    let Answer::Requests(requests) = reply.answer else { panic!("another kind of answer") };
    requests.rows.iter().map(|row| row.id).collect()
}
