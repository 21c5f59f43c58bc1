//! Computes the values of derived dimensions from the values of their fields.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::Dimension;
use crate::identity;
use crate::log::time::SECONDS_PER_DAY;
use crate::log::{address, method};

/// Longest name of a host, in bytes (RFC 1035).
const MAX_HOST_BYTES: usize = 253;

impl Dimension {
    /// The value of the dimension from a value of its field [`Dimension::base`]; `None` is absent. Dimensions derived
    /// from the time return `None`: see [`Dimension::of_time`]; so do those of [`Dimension::about`]. If [`Dimension::Method`] returns `None`, the method may be
    /// in another field: see [`Dimension::method`].
    pub fn derive<'a>(&self, value: Option<&'a [u8]>) -> Option<Cow<'a, [u8]>> {
        let value = value?;
        match self {
            Dimension::Field(_) => Some(Cow::Borrowed(value)),
            Dimension::Network { v4, v6 } => network(value, *v4, *v6),
            Dimension::Role => Some(role(value)),
            Dimension::Prefix { depth } => Some(Cow::Borrowed(prefix(value, *depth))),
            Dimension::Path { depth } => Some(Cow::Borrowed(path(value, *depth))),
            Dimension::Extension => extension(value),
            Dimension::RefererHost => referer_host(value),
            Dimension::AgentFamily => Some(identity::agent_family(value)),
            Dimension::Method => method::of_operation(value).map(Cow::Borrowed),
            Dimension::StatusClass => match value {
                [class @ b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'] => Some(Cow::Owned(vec![*class, b'x', b'x'])),
                _ => None,
            },
            Dimension::HourOfDay
            | Dimension::Weekday
            | Dimension::Bucket(_)
            | Dimension::Country
            | Dimension::Asn
            | Dimension::Aws
            | Dimension::HostName => None,
            Dimension::QueryParam { name } => query_param(value, name.as_bytes()),
        }
    }

    /// The value of [`Dimension::Method`]: the method of the operation or, if it has none, of the request line.
    pub fn method(operation: Option<&[u8]>, request_uri: Option<&[u8]>) -> Option<&'static [u8]> {
        operation.and_then(method::of_operation).or_else(|| request_uri.and_then(method::of_request_line))
    }

    /// The value of a dimension that is derived from the time, given in seconds since the epoch.
    pub fn of_time(&self, time: i64) -> Option<i64> {
        const HOUR: i64 = 3600;
        match self {
            Dimension::HourOfDay => Some(time.rem_euclid(SECONDS_PER_DAY) / HOUR),
            Dimension::Bucket(width) => Some(width.bounds(time).0),
            // 1970-01-01 was a Thursday.
            Dimension::Weekday => Some((time.div_euclid(SECONDS_PER_DAY) + 3).rem_euclid(7) + 1),
            _ => None,
        }
    }
}

/// `203.0.113.7` → `203.0.113.0/24`.
fn network(value: &[u8], v4: u8, v6: u8) -> Option<Cow<'_, [u8]>> {
    let address = address::parse(value)?;
    let bits = if address.is_ipv4() { v4 } else { v6 };
    let network = ipnet::IpNet::new(address, bits).ok()?.trunc();
    Some(Cow::Owned(network.to_string().into_bytes()))
}

/// `arn:aws:sts::123456789012:assumed-role/etl/session` → `role/etl`; `…:user/ann` → `user/ann`; services and canonical
/// ids are unchanged.
fn role(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.starts_with(b"arn:") {
        return Cow::Borrowed(value);
    }
    // arn:partition:service:region:account:resource
    let Some(resource) = value.splitn(6, |byte| *byte == b':').nth(5) else { return Cow::Borrowed(value) };
    match resource.strip_prefix(b"assumed-role/") {
        Some(rest) => {
            let name = rest.split(|byte| *byte == b'/').next().unwrap_or(rest);
            Cow::Owned([b"role/", name].concat())
        }
        None => Cow::Borrowed(resource),
    }
}

/// `a/b/c.mp4` → `a/` at depth 1, `a/b/` at depth 2 and more. A key without folders has an empty prefix.
fn prefix(value: &[u8], depth: u8) -> &[u8] {
    let end = memchr::memchr_iter(b'/', value).take(usize::from(depth)).last();
    &value[..end.map_or(0, |slash| slash + 1)]
}

/// `a/b/c.mp4` → `a/` at depth 1, `a/b/` at depth 2, `a/b/c.mp4` at depth 3 and more.
fn path(value: &[u8], depth: u8) -> &[u8] {
    let end = memchr::memchr_iter(b'/', value).nth(usize::from(depth).saturating_sub(1));
    end.map_or(value, |slash| &value[..=slash])
}

/// `a/b.tar.GZ` → `gz`.
fn extension(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let name = memchr::memrchr(b'/', value).map_or(value, |slash| &value[slash + 1..]);
    let dot = memchr::memrchr(b'.', name)?;
    let extension = &name[dot + 1..];
    if extension.is_empty() {
        None
    } else if extension.iter().any(u8::is_ascii_uppercase) {
        Some(Cow::Owned(extension.to_ascii_lowercase()))
    } else {
        Some(Cow::Borrowed(extension))
    }
}

/// `https://user@A.example:8443/x?y` → `a.example`. Text that is not an absolute URL has no host.
fn referer_host(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let after = memchr::memmem::find(value, b"//")?;
    let (scheme, authority) = (&value[..after], &value[after + 2..]);
    let is_scheme_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    if !scheme.is_empty() && !scheme.strip_suffix(b":").is_some_and(|name| name.iter().all(is_scheme_byte)) {
        return None;
    }
    let end = authority.iter().position(|byte| b"/?#\\".contains(byte)).unwrap_or(authority.len());
    let authority = &authority[..end];
    let authority = memchr::memrchr(b'@', authority).map_or(authority, |at| &authority[at + 1..]);
    let host = match authority.strip_prefix(b"[") {
        Some(address) => &address[..memchr::memchr(b']', address)?],
        None => &authority[..memchr::memchr(b':', authority).unwrap_or(authority.len())],
    };
    let host = host.strip_suffix(b".").unwrap_or(host);
    let is_odd = |byte: &u8| byte.is_ascii_control() || b" \"<>`{}|^".contains(byte);
    if host.is_empty() || host.len() > MAX_HOST_BYTES || host.iter().any(is_odd) {
        None
    } else if host.iter().any(u8::is_ascii_uppercase) {
        Some(Cow::Owned(host.to_ascii_lowercase()))
    } else {
        Some(Cow::Borrowed(host))
    }
}

/// `GET /a?x-user=ann&x-app=web HTTP/1.1` → `ann` for `x-user`. The first parameter with this name counts; without `=`,
/// its value is empty. A `+` is not decoded to a space, because it may be a literal plus sign.
fn query_param<'a>(uri: &'a [u8], name: &[u8]) -> Option<Cow<'a, [u8]>> {
    let query = &uri[memchr::memchr(b'?', uri)? + 1..];
    // The HTTP version may be missing, and the query may contain unescaped spaces.
    let query = memchr::memmem::rfind(query, b" HTTP/").map_or(query, |end| &query[..end]);
    query.split(|byte| *byte == b'&').find_map(|pair| {
        let (found, value) = match memchr::memchr(b'=', pair) {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &pair[pair.len()..]),
        };
        let is_match = found == name
            || (memchr::memchr(b'%', found).is_some() && percent_decode(found).eq(name.iter().copied()));
        is_match.then(|| percent_decode(value).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(dimension: &str, value: &str) -> Option<String> {
        let dimension = Dimension::by_name(dimension).unwrap();
        let derived = dimension.derive(Some(value.as_bytes()))?;
        Some(String::from_utf8(derived.into_owned()).unwrap())
    }

    #[test]
    fn values_of_derived_dimensions() {
        for (dimension, value, expected) in [
            ("network", "203.0.113.7", Some("203.0.113.0/24")),
            ("network/16", "203.0.113.7", Some("203.0.0.0/16")),
            ("network", "2001:db8:1:2::3", Some("2001:db8:1::/48")),
            ("network", "203.0.113.7:54321", Some("203.0.113.0/24")),
            ("network", "[2001:db8:1:2::3]:54321", Some("2001:db8:1::/48")),
            ("network", "::ffff:203.0.113.7", Some("203.0.113.0/24")),
            ("network", "no address", None),
            ("role", "arn:aws:sts::123456789012:assumed-role/etl/session-7", Some("role/etl")),
            ("role", "arn:aws:iam::123456789012:user/ann@example.com", Some("user/ann@example.com")),
            ("role", "svc:cloudfront.amazonaws.com", Some("svc:cloudfront.amazonaws.com")),
            ("prefix", "a/b/c.mp4", Some("a/")),
            ("prefix/2", "a/b/c.mp4", Some("a/b/")),
            ("prefix/3", "a/b/c.mp4", Some("a/b/")),
            ("prefix", "c.mp4", Some("")),
            ("path", "a/b/c.mp4", Some("a/")),
            ("path/2", "a/b/c.mp4", Some("a/b/")),
            ("path/3", "a/b/c.mp4", Some("a/b/c.mp4")),
            ("path/9", "a/b/c.mp4", Some("a/b/c.mp4")),
            ("path", "c.mp4", Some("c.mp4")),
            ("path/2", "a/", Some("a/")),
            ("path/2", "a//b", Some("a//")),
            ("extension", "a/b.tar.GZ", Some("gz")),
            ("extension", "a.b/c", None),
            ("referer_host", "https://a.example/x?y", Some("a.example")),
            ("referer_host", "https://A.Example:8443", Some("a.example")),
            ("referer_host", "http://user:secret@a.example./x", Some("a.example")),
            ("referer_host", "http://[2001:DB8::1]:80/x", Some("2001:db8::1")),
            ("referer_host", "https://a.example?next=https://b.example/", Some("a.example")),
            ("referer_host", "//a.example/x", Some("a.example")),
            ("referer_host", "android-app://com.example.mail/", Some("com.example.mail")),
            ("referer_host", "/path?next=https://b.example/", None),
            ("referer_host", "about:blank", None),
            ("referer_host", "file:///tmp/a.html", None),
            ("referer_host", "https://a.example\u{1b}[2J/", None),
            ("referer_host", "https://", None),
            ("agent_family", "aws-cli/2.25.6 md/awscrt#0.23.8", Some("aws-cli")),
            ("method", "REST.GET.OBJECT", Some("GET")),
            ("method", "s3_GetObject", Some("GET")),
            ("method", "GET.OBJECT", Some("GET")),
            ("method", "WEBSITE.INVALIDOPERATION", None),
            ("method", "REST.OBJECT", None),
            ("status_class", "404", Some("4xx")),
            ("query_param:x-user", "GET /a.mp4?x-user=ann HTTP/1.1", Some("ann")),
            (
                "query_param:x-user",
                "GET /a.mp4?versionId=1&x-user=J%C3%B6rg%20M HTTP/1.1",
                Some("J\u{f6}rg M"),
            ),
            ("query_param:x-user", "GET /a.mp4?x-user=a+b&x-user=c", Some("a+b")),
            ("query_param:x-user", "GET /a.mp4?x-user=ann smith HTTP/1.1", Some("ann smith")),
            ("query_param:x-user", "GET /a.mp4?x-user HTTP/1.1", Some("")),
            ("query_param:x-user", "GET /a.mp4?x%2Duser=100%25 HTTP/1.1", Some("100%")),
            ("query_param:x-user", "GET /a.mp4?X-User=ann&x-user-id=7 HTTP/1.1", None),
            ("query_param:x-user", "GET /x-user=ann HTTP/1.1", None),
            ("query_param:X-Amz-Expires", "GET /a?X-Amz-Expires=600&x-amz-expires=1 HTTP/1.1", Some("600")),
            ("PARAM:versionId", "GET /a?versionId=null HTTP/1.1", Some("null")),
        ] {
            assert_eq!(derived(dimension, value).as_deref(), expected, "{dimension} of {value}");
        }
    }

    #[test]
    fn hours_and_weekdays_are_utc() {
        // 2026-11-22 15:40:45, a Sunday.
        assert_eq!(Dimension::HourOfDay.of_time(1_795_362_045), Some(15));
        assert_eq!(Dimension::Weekday.of_time(1_795_362_045), Some(7));
        assert_eq!(Dimension::HourOfDay.of_time(-1), Some(23));
        assert_eq!(Dimension::Weekday.of_time(-1), Some(3));
    }
}
