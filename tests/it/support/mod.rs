//! What tests share: servers and data.

pub(crate) mod contents;
pub(crate) mod faulty;
pub(crate) mod filling;
pub(crate) mod fuzz_targets;
pub(crate) mod lines;
pub(crate) mod naive;
pub(crate) mod s3_server;
pub(crate) mod terminal;

/// How many random cases are tried: a few, so that it is soon done; as many as PROPTEST_CASES says, if set.
pub(crate) fn cases(few: u32) -> proptest::prelude::ProptestConfig {
    let usual = proptest::prelude::ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { usual.cases } else { few };
    proptest::prelude::ProptestConfig { cases, max_shrink_iters: 500, failure_persistence: None, ..usual }
}

/// The most bytes that a process had in memory so far; `None`: it has ended, or the system does not say.
pub(crate) fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}
