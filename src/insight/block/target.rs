//! Whom to block: what a person or a finding names.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::insight::findings::{Finding, Kind};
use crate::log::{Field, address};
use crate::query::{Dimension, Filter, Value};

/// Whom to block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// An address or a network.
    Network(IpNet),
    /// The host of a referer, perhaps with `*`: `*.example.com`.
    Referer(String),
    /// A requester as it is logged: an ARN or a canonical id.
    Requester(String),
    /// A role or user of any account of the logs: `role/etl`.
    Role(String),
    /// The addresses that sent the requests of a filter: those of a finding about a network.
    AddressesOf(Filter),
}

/// Why a text is not a target.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\": {reason}")]
pub struct TargetError {
    /// The text.
    pub text: String,
    /// What was expected.
    pub reason: String,
}

/// Subjects that may precede a value, as in a filter.
const SUBJECTS: [(&str, Subject); 9] = [
    ("ip", Subject::Network),
    ("remote_ip", Subject::Network),
    ("network", Subject::Network),
    ("referer", Subject::Referer),
    ("referer_host", Subject::Referer),
    ("ref", Subject::Referer),
    ("requester", Subject::Requester),
    ("user", Subject::Requester),
    ("role", Subject::Role),
];

#[derive(Clone, Copy)]
enum Subject {
    Network,
    Referer,
    Requester,
    Role,
}

impl Target {
    /// Reads what a person names: `203.0.113.7`, `2001:db8::/32`, `referer:*.example.com`, `https://example.com/`,
    /// `arn:aws:iam::123456789012:user/ann`, a canonical id, `role/etl`.
    pub fn parse(text: &str) -> Result<Target, TargetError> {
        let text = text.trim();
        let error = |reason: &str| TargetError { text: text.to_owned(), reason: reason.to_owned() };
        if let Some((name, value)) = text.split_once(':')
            && let Some((_, subject)) = SUBJECTS.iter().find(|(known, _)| *known == name)
        {
            return Target::of_subject(*subject, value).map_err(error);
        }
        let is_role = |text: &str| text.starts_with("role/") || text.starts_with("user/");
        let is_canonical = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        // No host ends with a number, so this is a misspelled address.
        let is_numeric =
            text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || b"./".contains(&byte));
        if let Some(network) = network(text) {
            Ok(Target::Network(network))
        } else if is_numeric {
            Err(error(
                "not an address: expected four numbers from 0 to 255, such as 203.0.113.7 or 203.0.113.0/24",
            ))
        } else if text.starts_with("arn:") || text.starts_with("svc:") || is_canonical {
            Target::of_subject(Subject::Requester, text).map_err(error)
        } else if is_role(text) {
            Ok(Target::Role(text.to_owned()))
        } else if text.contains("://") || (text.contains('.') && !text.contains('/')) {
            Target::of_subject(Subject::Referer, text).map_err(error)
        } else {
            Err(error(
                "expected an address, a network (203.0.113.0/24), a referer (referer:*.example.com) or a requester (arn:…)",
            ))
        }
    }

    fn of_subject(subject: Subject, value: &str) -> Result<Target, &'static str> {
        match subject {
            Subject::Network => network(value)
                .map(Target::Network)
                .ok_or("expected an address or a network, such as 203.0.113.7 or 203.0.113.0/24"),
            Subject::Referer => referer_host(value)
                .map(Target::Referer)
                .ok_or("expected the host of a referer, such as example.com or *.example.com"),
            Subject::Requester if value.is_empty() || value == "-" => {
                Err("anonymous requests have no requester; block their addresses")
            }
            Subject::Requester => Ok(Target::Requester(value.to_owned())),
            Subject::Role => Ok(Target::Role(value.to_owned())),
        }
    }

    /// The target for the subject of a finding; `None` if the finding is about all requests, or about requests that did not
    /// come. A network gives those of its addresses that sent the requests of the finding.
    ///
    /// # Errors
    /// If requests cannot be blocked by the dimension, or the value is absent.
    pub fn of_finding(finding: &Finding) -> Option<Result<Target, TargetError>> {
        if finding.kind == Kind::Silence {
            return None;
        }
        match finding.subject.as_ref()? {
            (Dimension::Network { .. }, _) => Some(Ok(Target::AddressesOf(finding.filter.clone()))),
            (dimension, value) => Some(Target::of(dimension, value)),
        }
    }

    /// The target for a value of a dimension.
    ///
    /// # Errors
    /// If requests cannot be blocked by the dimension, or the value is absent.
    pub fn of(dimension: &Dimension, value: &Value) -> Result<Target, TargetError> {
        let text = value.to_text();
        let subject = match dimension {
            Dimension::Field(Field::RemoteIp) | Dimension::Network { .. } => Subject::Network,
            Dimension::Field(Field::Referer) => Subject::Referer,
            Dimension::Field(Field::Requester) => Subject::Requester,
            Dimension::Role if text.starts_with("role/") || text.starts_with("user/") => Subject::Role,
            Dimension::Role => Subject::Requester,
            other if other.name() == "referer_host" => Subject::Referer,
            other => {
                let reason =
                    format!("a list cannot block by {other}; block addresses, referers or requesters");
                return Err(TargetError { text, reason });
            }
        };
        match value {
            Value::Absent => Err(TargetError { text, reason: format!("these requests have no {dimension}") }),
            _ => Target::of_subject(subject, &text)
                .map_err(|reason| TargetError { text: text.clone(), reason: reason.to_owned() }),
        }
    }
}

/// An address as a network of one, or a network.
fn network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().ok().or_else(|| address::parse(text.as_bytes()).map(IpNet::from))?;
    // The logs have IPv4 addresses in their own form, not as IPv6.
    match (network.addr(), network.prefix_len()) {
        (IpAddr::V6(v6), 96..) if v6.to_ipv4_mapped().is_some() => {
            let v4 = v6.to_ipv4_mapped()?;
            IpNet::new(IpAddr::V4(v4), network.prefix_len() - 96).ok().map(|network| network.trunc())
        }
        _ => Some(network.trunc()),
    }
}

/// The host of a referer or of a pattern: in lower case, without scheme, user, port and path. `None` if it is not a host.
fn referer_host(text: &str) -> Option<String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((host, port))
            if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*') =>
        {
            host
        }
        Some((host, port)) if host.ends_with(']') && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    let is_v6 = host.starts_with('[') && host.ends_with(']');
    let is_of_host =
        |c: char| c.is_ascii_alphanumeric() || "-._*".contains(c) || (is_v6 && "[]:".contains(c));
    let names_something = host.chars().any(|c| c.is_ascii_alphanumeric());
    (host.len() <= 255 && names_something && host.chars().all(is_of_host)).then(|| host.to_ascii_lowercase())
}

/// A requester, for a policy.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Principal {
    /// Patterns of its ARNs.
    Arns(Vec<String>),
    /// It is a session. Patterns of the ARNs of its role: they hit all sessions of the role.
    Session(Vec<String>),
    /// It is a canonical id.
    CanonicalId,
    /// A service of AWS, or S3 itself.
    Service,
    /// None of these.
    Unknown,
}

/// What a policy calls a requester: `aws:PrincipalArn` of a session is the ARN of its role.
pub(super) fn principal(requester: &str) -> Principal {
    let is_hex = requester.bytes().all(|byte| byte.is_ascii_hexdigit());
    if requester.starts_with("svc:") || requester == "AmazonS3" || (requester.len() == 96 && is_hex) {
        return Principal::Service;
    }
    if requester.len() == 64 && is_hex {
        return Principal::CanonicalId;
    }
    let parts: Vec<&str> = requester.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts[..] else { return Principal::Unknown };
    if account == "cloudfront" {
        return Principal::Service;
    }
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if !is_account || !partition.starts_with("aws") || !region.is_empty() || resource.is_empty() {
        return Principal::Unknown;
    }
    match (service, resource.split('/').collect::<Vec<_>>().as_slice()) {
        ("sts", ["assumed-role", role, _, ..]) => {
            let role = escaped(role);
            // The ARN of a session does not have the path of its role.
            let arns = ["", "*/"].map(|path| format!("arn:{partition}:iam::{account}:role/{path}{role}"));
            Principal::Session(arns.to_vec())
        }
        ("iam" | "sts", _) => {
            Principal::Arns(vec![format!("arn:{partition}:{service}::{account}:{}", escaped(resource))])
        }
        _ => Principal::Unknown,
    }
}

/// A text in which a policy finds no wildcards and no variables.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '?' | '$' => out.push_str(&format!("${{{c}}}")),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Target {
        Target::Network(text.parse().unwrap())
    }

    #[test]
    fn a_person_names_addresses_networks_referers_and_requesters() {
        let ann = "arn:aws:iam::123456789012:user/ann";
        for (text, target) in [
            ("203.0.113.7", network("203.0.113.7/32")),
            ("ip:203.0.113.77/24", network("203.0.113.0/24")),
            ("2001:DB8::7", network("2001:db8::7/128")),
            ("::ffff:203.0.113.7", network("203.0.113.7/32")),
            ("network:2001:db8::/32", network("2001:db8::/32")),
            ("referer:*.Example.com", Target::Referer("*.example.com".to_owned())),
            ("https://ann@example.com:8080/page?a=b", Target::Referer("example.com".to_owned())),
            ("example.com", Target::Referer("example.com".to_owned())),
            (ann, Target::Requester(ann.to_owned())),
            ("role/etl", Target::Role("role/etl".to_owned())),
        ] {
            assert_eq!(Target::parse(text), Ok(target), "{text}");
        }
        for text in
            ["", "word", "ip:example.com", "referer:*", "requester:-", "referer:a\"b.com", "300.1.2.3/99"]
        {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_misspelled_address_was_a_referer() {
        for text in ["203.0.113.300", "203.0.113", "1.2.3.4.5", "203.0.113.7/33"] {
            let error = Target::parse(text).unwrap_err().to_string();
            assert!(error.contains("not an address"), "{error}");
        }
    }

    #[test]
    fn a_session_is_blocked_by_its_role_and_services_are_not_blocked() {
        let session = "arn:aws:sts::123456789012:assumed-role/etl/session-1";
        let Principal::Session(arns) = principal(session) else { panic!() };
        assert_eq!(arns, ["arn:aws:iam::123456789012:role/etl", "arn:aws:iam::123456789012:role/*/etl"]);
        assert_eq!(principal("svc:delivery.logs.amazonaws.com"), Principal::Service);
        assert_eq!(
            principal("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE"),
            Principal::Service
        );
        assert_eq!(principal("ann"), Principal::Unknown);
        assert_eq!(
            principal("arn:aws:iam::123456789012:user/a*b"),
            Principal::Arns(vec!["arn:aws:iam::123456789012:user/a${*}b".to_owned()])
        );
    }

    #[test]
    fn dimensions_without_a_place_in_a_list_are_named() {
        let error = Target::of(&Dimension::Field(Field::UserAgent), &"curl".into()).unwrap_err().to_string();
        assert!(error.contains("cannot block by user_agent"), "{error}");
        assert!(Target::of(&Dimension::Field(Field::RemoteIp), &Value::Absent).is_err());
        let target = Target::of(&Dimension::NETWORK, &"203.0.113.0/24".into());
        assert_eq!(target, Ok(network("203.0.113.0/24")));
    }
}
