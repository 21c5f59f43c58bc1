//! Arguments of `tamarin findings` and its subcommands.

use clap::Subcommand;

use super::counting::CountingArgs;
use super::values::source;
use crate::insight::findings::Kind;

/// The help on the kinds of findings and their fields.
fn findings_help() -> String {
    let mut text = "Kinds:\n".to_owned();
    for kind in Kind::ALL {
        text.push_str(&format!("  {:<18} {}\n", kind.name(), kind.about()));
    }
    text.push_str(
        "Ordinary traffic that looks suspicious, such as that of known crawlers, is listed only with --benign.\n\
         JSON and CSV have the fields kind, dimension, value, start, end, requests, bytes_sent, errors, cost\n\
         (estimated, in US dollars), score (0 to 100), filter and explanation; with --benign, --muted or --all\n\
         also label, which says why a finding is set aside: \"ordinary: recurring job\", \"muted 3: our mirror\".\n\
         With --counting requests, the requests of a mass deletion are those that deleted, while its sentence\n\
         counts the deleted objects: one request can delete 1,000.\n\
         Exit code 4: --fail-on found something. In a cron job:\n  \
         tamarin findings s3://acme-logs/ --since 1h --fail-on scraping,key-guessing -q",
    );
    text
}

/// `tamarin findings`.
#[derive(Debug, clap::Args)]
#[command(subcommand_precedence_over_arg = true, after_long_help = findings_help())]
pub struct FindingsArgs {
    /// The subcommand; `None`: list the findings.
    #[command(subcommand)]
    pub what: Option<FindingsCommand>,
    /// Sources to pull first; the findings are about them only. None: all sources of the cache, without a pull
    #[arg(value_name = "SOURCE", value_parser = source())]
    pub sources: Vec<String>,
    /// Only findings of these kinds, separated by commas
    #[arg(long, value_name = "KINDS", value_parser = kinds)]
    pub kinds: Option<KindList>,
    /// Print one line per finding of these kinds (or `any`) and nothing else; if there are any, the exit code is 4
    #[arg(long, value_name = "KINDS", value_parser = kinds)]
    pub fail_on: Option<KindList>,
    /// List ordinary traffic that looks suspicious, with the reason why it is ordinary, instead of the findings;
    /// with --muted, both
    #[arg(long)]
    pub benign: bool,
    /// List the muted findings, with the mute that each meets, instead of the findings; with --benign, both
    #[arg(long)]
    pub muted: bool,
    /// List all: findings, ordinary traffic that looks suspicious, muted findings
    #[arg(long)]
    pub all: bool,
    /// Which records count as requests
    #[command(flatten)]
    pub counting: CountingArgs,
}

/// The subcommands of `tamarin findings`.
#[derive(Debug, Subcommand)]
pub enum FindingsCommand {
    /// Mute findings: of a kind, about a value, or all of whose requests match --filter. Several conditions must
    /// all be met
    Mute(MuteArgs),
    /// List what is muted
    Muted,
    /// End mutes
    Unmute {
        /// Numbers of `tamarin findings muted`
        #[arg(value_name = "NUMBER", required = true)]
        numbers: Vec<i64>,
    },
}

/// `tamarin findings mute`.
#[derive(Debug, clap::Args)]
pub struct MuteArgs {
    /// A kind, a value (an address, a network with all of its addresses, a requester, …), or both
    #[arg(value_name = "KIND|VALUE")]
    pub what: Vec<String>,
    /// When the mute ends: a duration from now (12h, 30d, 4w), or a time (2026-12-31, 2026-12-31T18:00); by default
    /// it does not end
    #[arg(long, value_name = "T")]
    pub until: Option<String>,
    /// Why, to be shown with the muted findings
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Kinds of findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindList(pub Vec<Kind>);

/// Parses kinds that are separated by commas; `any` is all of them.
fn kinds(text: &str) -> Result<KindList, String> {
    let known = || Kind::ALL.map(Kind::name).join(", ");
    let mut kinds = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match Kind::by_name(name) {
            Some(kind) => kinds.push(kind),
            None if name.eq_ignore_ascii_case("any") => kinds.extend(Kind::ALL),
            None => {
                return Err(format!(
                    "\"{name}\" is not a kind of findings; the kinds are {}, or any",
                    known()
                ));
            }
        }
    }
    if kinds.is_empty() {
        return Err(format!("expected kinds of findings: {}, or any", known()));
    }
    Ok(KindList(kinds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kinds_were_accepted_and_any_among_others_was_not() {
        for empty in ["", ",", " , "] {
            let error = kinds(empty).unwrap_err();
            assert!(error.contains("expected kinds of findings: ") && error.contains("scraping"), "{error}");
        }
        assert_eq!(kinds("scraping,").unwrap(), KindList(vec![Kind::Scraping]));
        let any = kinds("any,scraping").unwrap();
        assert!(Kind::ALL.iter().all(|kind| any.0.contains(kind)));
    }
}
