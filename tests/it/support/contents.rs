//! The contents of a cache, to compare two caches.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tamarin::cache::Cache;
use tamarin::log::Field;
use tamarin::query::answer::{Groups, Totals};
use tamarin::query::{Answer, Ask, Dimension, LocalEngine, Measure, Sort};

use crate::support::log_folder::ask_engine;

/// The contents that are compared: totals, the groups of all addresses and keys, and the rejected lines.
#[derive(Debug, PartialEq)]
pub(crate) struct Contents {
    pub(crate) totals: Totals,
    pub(crate) by_address: Groups,
    pub(crate) by_key: Groups,
    pub(crate) rejected: BTreeMap<(String, u64), Vec<u8>>,
    pub(crate) lines: u64,
}

/// The contents of a cache.
pub(crate) fn contents(path: &Path) -> Contents {
    let cache = Arc::new(Cache::open(path).unwrap());
    let mut rejected = BTreeMap::new();
    cache.rejected(None, &mut |line| drop(rejected.insert((line.file, line.line), line.content))).unwrap();
    let lines = cache.sources().unwrap().iter().map(|source| source.lines).sum();
    let engine = LocalEngine::new(cache);
    let ask = |ask| ask_engine(&engine, ask);
    let groups = |field| {
        let more =
            vec![Measure::Objects, Measure::UserAgents, Measure::TotalTimeMean, Measure::ObjectSizeMax];
        let sort = Sort { by: Measure::BytesSent, descending: true };
        match ask(Ask::Groups { by: Dimension::Field(field), more, sort, limit: 0 }) {
            Answer::Groups(groups) => groups,
            other => panic!("{other:?}"),
        }
    };
    let Answer::Totals(totals) = ask(Ask::Totals) else { panic!() };
    let (by_address, by_key) = (groups(Field::RemoteIp), groups(Field::Key));
    Contents { totals, by_address, by_key, rejected, lines }
}
