//! Endpoint URLs, and messages without secrets. Users put passwords into URLs, so only parts that are certainly not
//! secret are shown.

use std::fmt::Write;

/// Scheme and server of a URL: the parts without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::source) struct Endpoint {
    scheme: &'static str,
    /// `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`.
    server: String,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.server)
    }
}

impl Endpoint {
    /// Parses `http(s)://host[:port][/path]`. URLs with a user, password or query are refused.
    /// The error is one line without the URL. `origin` is the option or variable that had it.
    pub(in crate::source) fn parse(url: &str, origin: &str) -> Result<Endpoint, String> {
        let not_a_url = || format!("{origin} is not a URL of the form http(s)://host[:port]");
        let scheme = |name: &str| url.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        let (scheme, rest) = match url {
            _ if scheme("http://") => ("http", &url["http://".len()..]),
            _ if scheme("https://") => ("https", &url["https://".len()..]),
            _ => return Err(not_a_url()),
        };
        let (server, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if server.contains('@') {
            return Err(format!(
                "{origin} contains a user or password; give only http(s)://host[:port], and keys in \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile"
            ));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        if !is_server(server) || !path.bytes().all(is_plain) {
            return Err(not_a_url());
        }
        Ok(Endpoint { scheme, server: server.to_owned() })
    }
}

/// Whether `text` is a host name or address, with an optional port.
fn is_server(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("address", port),
            _ => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    !host.is_empty() && host.bytes().all(is_host) && is_port
}

/// Replaces secrets in `text` by `…`: users, passwords and queries of URLs. Messages of libraries and servers may contain
/// presigned URLs, or proxy URLs with passwords.
pub(in crate::source) fn without_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        out.push_str(before);
        let is_end =
            |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '(' | ')' | ',');
        let (url, following) = after.split_at(after.find(is_end).unwrap_or(after.len()));
        let (server, path) = url.split_at(url.find(['/', '?', '#']).unwrap_or(url.len()));
        match is_server(server.trim_end_matches([':', '.', ';'])) && !path.contains('@') {
            true => out.push_str(server),
            false => out.push('…'),
        }
        let (path, query) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
        if !path.contains('@') {
            out.push_str(path);
        }
        if !query.is_empty() {
            out.push_str("?…");
        }
        rest = following;
    }
    out.push_str(rest);
    without_parameters(&without_passwords(&out))
}

/// Replaces `USER:PASSWORD@…`, and the endpoint in an error message of the SDK.
fn without_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in
        text.split_inclusive(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>'))
    {
        let has_password = piece.split_once(':').is_some_and(|(_, rest)| rest.contains('@'));
        // User names in ARNs may have an `@`.
        match has_password && !piece.starts_with("arn:") {
            true => {
                out.push('…');
                out.extend(piece.chars().last().filter(|c| !c.is_alphanumeric() && *c != '@' && *c != '/'));
            }
            false => out.push_str(piece),
        }
    }
    let endpoint = "ustom endpoint `";
    if let Some(start) = out.find(endpoint).map(|at| at + endpoint.len())
        && let Some(length) = out[start..].find('`')
    {
        out.replace_range(start..start + length, "…");
    }
    out
}

/// Replaces the values of parameters and headers that grant access.
fn without_parameters(text: &str) -> String {
    const SECRET_PARAMETERS: [&str; 6] = [
        "x-amz-signature=",
        "x-amz-credential=",
        "x-amz-security-token=",
        "signature=",
        "awsaccesskeyid=",
        "credential=",
    ];
    let mut out = String::with_capacity(text.len());
    let lower = text.to_ascii_lowercase();
    let mut at = 0;
    let places = |from: usize| {
        let found = SECRET_PARAMETERS
            .iter()
            .filter_map(|name| Some(from + lower.get(from..)?.find(name)? + name.len()));
        found.min()
    };
    while let Some(value) = places(at) {
        let is_end = |c: char| c.is_whitespace() || matches!(c, '&' | ',' | ';' | '"' | '\'' | '<' | ')');
        let end = text[value..].find(is_end).map_or(text.len(), |length| value + length);
        let _ = write!(out, "{}…", &text[at..value]);
        at = end;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_shown_without_its_path() {
        for (url, shown) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("https://minio.example.com", "https://minio.example.com"),
            ("HTTPS://minio.example.com/", "https://minio.example.com"),
            ("http://[::1]:9000/base/path", "http://[::1]:9000"),
            ("http://minio_1:80", "http://minio_1:80"),
        ] {
            assert_eq!(Endpoint::parse(url, "--endpoint-url").unwrap().to_string(), shown, "{url}");
        }
    }

    #[test]
    fn a_password_in_an_endpoint_is_never_shown() {
        for url in [
            "http://user:PASSWORD@",
            "http://user:PASSWORD@host",
            "http://user:PASSWORD@host:9000/x",
            "user:PASSWORD@host",
            "user:PASSWORD@host:9000",
            "//user:PASSWORD@host",
            "http:///user:PASSWORD@host/",
            "http:/user:PASSWORD@host",
            "http:user:PASSWORD@host",
            "http:// user:PASSWORD@host",
            "http://user:PASSWORD @host",
            "http://user:PASS%57ORD@host:PASSWORD",
            "http://host?token=PASSWORD",
            "http://host/?token=PASSWORD",
            "http://host/#PASSWORD",
            "http://host/user:PASSWORD@x",
            "http://host:PASSWORD",
            "http://user%3APASSWORD%40host",
            "http://user:P@PASSWORD@host",
            "http://[PASSWORD]",
            "http://[::1]PASSWORD@x",
            "https://user:PASSWORD@höst",
            "ftp://user:PASSWORD@host",
            "http://PASSWORD host",
            "http://host\\user:PASSWORD",
            "PASSWORD",
            "http://",
            "",
        ] {
            let reason = Endpoint::parse(url, "--endpoint-url").unwrap_err();
            assert!(reason.starts_with("--endpoint-url ") && !reason.contains("PASS"), "{url}: {reason}");
            assert!(reason.contains("http(s)://host[:port]"), "{reason}");
        }
    }

    #[test]
    fn messages_of_libraries_and_servers_are_shown_without_secrets() {
        for (said, shown) in [
            ("invalid URI http://user:PASSWORD@host/x: bad", "invalid URI http://…/x: bad"),
            ("proxy `http://u:PASSWORD@proxy:3128` refused", "proxy `http://…` refused"),
            ("(https://b.s3.amazonaws.com/k?X-Amz-Signature=PASSWORD)", "(https://b.s3.amazonaws.com/k?…)"),
            ("GET /k?X-Amz-Credential=PASSWORD&a=b", "GET /k?X-Amz-Credential=…&a=b"),
            ("http:///u:PASSWORD@h/", "http://…"),
            ("see https://docs.aws.amazon.com/x. It helps", "see https://docs.aws.amazon.com/x. It helps"),
            ("Custom endpoint `PASSWORD` was not a valid URI", "Custom endpoint `…` was not a valid URI"),
            ("user:PASSWORD@host is bad", "… is bad"),
            ("(http://us er:PASSWORD@host)", "(http://us …)"),
            (
                "User: arn:aws:sts::123456789012:assumed-role/x/ana@example.com may not",
                "User: arn:aws:sts::123456789012:assumed-role/x/ana@example.com may not",
            ),
            ("Access Denied", "Access Denied"),
        ] {
            assert_eq!(without_secrets(said), shown, "{said}");
        }
    }
}
