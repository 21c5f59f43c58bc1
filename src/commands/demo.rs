//! `tamarin demo`
use super::Outcome;
use super::args::DemoArgs;
use super::setting::Setting;
pub(super) fn run(_: &Setting, _: &DemoArgs) -> anyhow::Result<Outcome> {
    Ok(Outcome::Done)
}
