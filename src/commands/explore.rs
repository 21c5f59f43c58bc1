//! `tamarin`
use super::Outcome;
use super::setting::Setting;
pub(super) fn run(_: &Setting, _: &[String]) -> anyhow::Result<Outcome> {
    Ok(Outcome::Done)
}
