//! What tests share: servers and data.

pub(crate) mod contents;
pub(crate) mod faulty;
pub(crate) mod filling;
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
