//! Fixtures that tests share: servers, log lines, reference implementations, terminals.

pub(crate) mod contents;
pub(crate) mod faulty;
pub(crate) mod filling;
pub(crate) mod fuzz_targets;
pub(crate) mod lines;
pub(crate) mod log_files;
pub(crate) mod log_folder;
pub(crate) mod logs_server;
pub(crate) mod mmdb;
mod naive;
pub(crate) mod naive_cache;
pub(crate) mod random_queries;
pub(crate) mod s3_server;
pub(crate) mod terminal;

/// A configuration of proptest with `default` random cases, or `PROPTEST_CASES` if set.
pub(crate) fn cases(default: u32) -> proptest::prelude::ProptestConfig {
    let config = proptest::prelude::ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { config.cases } else { default };
    proptest::prelude::ProptestConfig { cases, max_shrink_iters: 500, failure_persistence: None, ..config }
}

/// The peak resident memory of a process of the program in bytes; `None` if it has ended or the system does not report it.
pub(crate) fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    // A process that has not yet started its program has the memory of the tests.
    if status.lines().next()?.strip_prefix("Name:")?.trim() != "tamarin" {
        return None;
    }
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}
