//! Insecure access: old TLS versions, old signatures, anonymous writes.

use super::evidence::{Evidence, finding};
use super::{Finding, Kind, words};
use crate::human;
use crate::insight::survey::Survey;
use crate::log::Field;
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Groups, QueryError, Value};

/// Clients per kind of access that are looked at.
const CANDIDATES: usize = 20;
/// Requests of one client; single visitors with old software are everywhere.
const MIN_REQUESTS: u64 = 10;

/// Share of the anonymous requests without TLS where TLS is the rule.
const MAX_ODD_SHARE: f64 = 0.05;

/// A stranger without TLS is news if this share of the anonymous requests without TLS is its own. Otherwise they are
/// spread over many visitors, as those of old browsers are.
const MIN_SHARE_OF_ODD: f64 = 0.5;

/// Old TLS versions; the spelling varies in case.
const OLD_TLS: &str = r"(?i)^(tlsv1(\.[01])?|sslv[23])$";

/// A kind of insecure access.
struct Access {
    filter: Filter,
    /// The predicate of the sentence, before the number of requests.
    verb: &'static str,
    /// A multiple of the evidence: writes matter more than reads.
    weight: f64,
    clients: Clients,
}

/// The clients whose insecure access matters.
#[derive(Clone, Copy, PartialEq)]
enum Clients {
    All,
    /// Clients with credentials.
    Known,
    /// Clients without credentials, where nearly all of them are more secure: otherwise the bucket is open on purpose, as
    /// the endpoints of websites are, which know no TLS.
    OddStrangers,
}

fn accesses() -> [Access; 5] {
    let equals = |field: Field, glob: &str| Filter::Term(Subject::Field(field), Test::Glob(glob.to_owned()));
    let operation = |glob: &str| equals(Field::Operation, glob);
    let is_anonymous = Filter::term_for(&Dimension::Field(Field::Requester), &Value::Absent);
    let succeeded = Filter::Term(Subject::Field(Field::HttpStatus), Test::Range(Some(200), Some(299)));
    let without_tls = Filter::term_for(&Dimension::Field(Field::TlsVersion), &Value::Absent);
    [
        Access {
            filter: Filter::any([
                operation("REST.PUT.OBJECT"),
                operation("REST.POST.OBJECT"),
                operation("REST.DELETE.OBJECT"),
                operation("REST.PUT.PART"),
                operation("REST.POST.UPLOAD*"),
                operation("REST.POST.MULTI_OBJECT_DELETE"),
            ])
            .and(is_anonymous.clone())
            .and(succeeded.clone()),
            verb: "wrote without credentials",
            weight: 8.0,
            clients: Clients::All,
        },
        Access {
            filter: Filter::Term(Subject::Field(Field::TlsVersion), Test::Regex(OLD_TLS.to_owned())),
            verb: "connected with an old TLS version (1.0 or 1.1)",
            weight: 1.0,
            clients: Clients::All,
        },
        Access {
            filter: equals(Field::SignatureVersion, "SigV2"),
            verb: "signed requests with the old signature version 2",
            weight: 1.0,
            clients: Clients::Known,
        },
        Access {
            filter: without_tls.clone().and(by_clients()),
            verb: "sent its credentials over plain HTTP",
            weight: 1.0,
            clients: Clients::Known,
        },
        Access {
            filter: without_tls.and(by_clients()).and(succeeded),
            verb: "read over plain HTTP, which is rare in this bucket",
            weight: 1.0,
            clients: Clients::OddStrangers,
        },
    ]
}

/// Requests with the fields that say how a client connected. Lines of the old form have no TLS fields at all, and no host
/// header.
fn by_clients() -> Filter {
    let operation = |glob: &str| Filter::Term(Subject::Field(Field::Operation), Test::Glob(glob.to_owned()));
    Filter::term_for(&Dimension::Field(Field::HostHeader), &Value::Absent)
        .negated()
        .and(operation("S3.*").negated())
        .and(operation("BATCH.*").negated())
}

/// Whether few of the anonymous requests are odd.
fn is_odd(survey: &Survey<'_>, anonymous: &Filter, odd: u64) -> Result<bool, QueryError> {
    let all = survey.totals(&anonymous.clone().and(by_clients()))?.requests;
    Ok(odd > 0 && odd as f64 <= MAX_ODD_SHARE * all as f64)
}

pub(super) fn detect(survey: &Survey<'_>) -> Result<Vec<Finding>, QueryError> {
    let mut found = Vec::new();
    let anonymous = Filter::term_for(&Dimension::Field(Field::Requester), &Value::Absent);
    for access in accesses() {
        let known = anonymous.clone().negated();
        let mut of: Vec<(Dimension, Filter, Groups)> = Vec::new();
        for (who, dimensions) in [
            (&known, &[Dimension::Role][..]),
            (
                &anonymous,
                &[Dimension::Field(Field::RemoteIp), Dimension::NETWORK, Dimension::Field(Field::UserAgent)],
            ),
        ] {
            let matters = match access.clients {
                Clients::All => true,
                Clients::Known => who == &known,
                Clients::OddStrangers => who == &anonymous,
            };
            let filter = access.filter.clone().and(who.clone());
            if !matters
                || access.clients == Clients::OddStrangers
                    && !is_odd(survey, &anonymous, survey.totals(&filter)?.requests)?
            {
                continue;
            }
            let groups = survey.groups_of_each(&filter, dimensions, CANDIDATES)?;
            of.extend(dimensions.iter().zip(groups).map(|(by, groups)| (by.clone(), filter.clone(), groups)));
        }
        for (dimension, filter, groups) in of {
            let least = match access.clients {
                Clients::OddStrangers => MIN_SHARE_OF_ODD * groups.totals.requests as f64,
                Clients::All | Clients::Known => 0.0,
            };
            let is_much = |requests: u64| requests >= MIN_REQUESTS && requests as f64 >= least;
            for row in groups.rows.iter().filter(|row| is_much(row.stats.requests)) {
                let evidence = Evidence {
                    kind: Kind::InsecureAccess,
                    subject: Some((dimension.clone(), row.value.clone())),
                    filter: filter.clone(),
                    period: None,
                    strength: access.weight * row.stats.requests as f64 / MIN_REQUESTS as f64,
                    label: None,
                    stats: Some(row.stats),
                };
                found.extend(finding(survey, evidence, |stats| {
                    Ok(format!(
                        "{} {}: {} in {}.",
                        words::client(&dimension, &row.value, 1),
                        access.verb,
                        human::counted(stats.requests, "request"),
                        words::span(stats.last_seen - stats.first_seen + 1),
                    ))
                })?);
            }
        }
    }
    Ok(found)
}
