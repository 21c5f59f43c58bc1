//! Formats a record of the demo as a log line with the 27 fields that S3 writes today.

use super::clock;
use super::random::{self, Rng};

/// The logged bucket.
pub const BUCKET: &str = "acme-media";
/// Canonical user id of the bucket owner.
pub const BUCKET_OWNER: &str = "3f9c1e0d7a5b48c2966e1f0b7d3a5c84e2109fb6d8c74a3150e6b92f7d1c8a43";
/// The account that the bucket belongs to.
pub const ACCOUNT: &str = "123456789012";

/// One record. Texts are written as they are, without encoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogLine<'a> {
    /// Seconds since the start of the month.
    pub(super) time: u32,
    pub(super) remote_ip: &'a [u8],
    pub(super) requester: &'a [u8],
    /// Gives the request id. The records of one request have the same.
    pub(super) request: u64,
    pub(super) operation: &'a str,
    pub(super) key: &'a [u8],
    pub(super) uri: Uri<'a>,
    /// 0: absent.
    pub(super) status: u16,
    pub(super) error: &'a str,
    /// 0 is logged as `-`.
    pub(super) bytes_sent: u64,
    pub(super) object_size: Option<u64>,
    pub(super) total_time: Option<u64>,
    pub(super) turn_around_time: Option<u64>,
    pub(super) referer: Quoted<'a>,
    pub(super) user_agent: Quoted<'a>,
    pub(super) version_id: &'a [u8],
    pub(super) signing: Signing,
    pub(super) transport: Transport,
    pub(super) host: &'a str,
    pub(super) access_point: &'a str,
    pub(super) acl_required: bool,
    pub(super) region: &'a str,
}

/// A quoted field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Quoted<'a> {
    /// `-` without quotes, in records that are part of another request.
    Bare,
    /// `"-"`.
    Absent,
    /// The text in quotes. Quotes within the text are not escaped, as in S3.
    Text(&'a [u8]),
}

/// The request line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Uri<'a> {
    /// `-`.
    Bare,
    /// `"-"`, in records of lifecycle rules.
    Absent,
    /// `METHOD ROOT/PATH?QUERY HTTP/1.1`, without `?` if there is no query. The path is percent-encoded.
    Line { method: &'a str, root: &'a str, path: &'a [u8], query: &'a [u8] },
}

/// How a request was signed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signing {
    Anonymous,
    Header,
    Presigned,
    OldHeader,
}

/// The transport of a request: TLS version or plain HTTP.
#[derive(Clone, Copy, Debug)]
pub(super) enum Transport {
    Tls13,
    Tls12,
    Tls10,
    Plain,
}

/// The `Host` header of virtual-hosted-style requests.
pub(super) const HOST: &str = "acme-media.s3.eu-west-1.amazonaws.com";
/// The `Host` header of path-style requests, whose path contains the bucket.
pub(super) const HOST_PATH_STYLE: &str = "s3.eu-west-1.amazonaws.com";
/// The `Host` header of the static website.
pub(super) const HOST_WEBSITE: &str = "acme-media.s3-website-eu-west-1.amazonaws.com";

impl<'a> LogLine<'a> {
    /// An anonymous GET over TLS 1.3 with status 200; other fields are absent.
    pub(super) fn new(time: u32, rng: &mut Rng) -> LogLine<'a> {
        LogLine {
            time,
            remote_ip: b"-",
            requester: b"-",
            request: rng.next(),
            operation: "REST.GET.OBJECT",
            key: b"-",
            uri: Uri::Bare,
            status: 200,
            error: "-",
            bytes_sent: 0,
            object_size: None,
            total_time: None,
            turn_around_time: None,
            referer: Quoted::Absent,
            user_agent: Quoted::Absent,
            version_id: b"-",
            signing: Signing::Anonymous,
            transport: Transport::Tls13,
            host: HOST,
            access_point: "-",
            acl_required: false,
            region: "-",
        }
    }

    /// Sets an error: S3 sends an error document instead of the object.
    pub(super) fn fail(&mut self, status: u16, error: &'a str, rng: &mut Rng) {
        self.status = status;
        self.error = error;
        self.object_size = None;
        // HEAD has no error document.
        self.bytes_sent = match self.uri {
            Uri::Line { method: "HEAD", .. } => 0,
            _ => 243 + rng.below(60),
        };
        self.turn_around_time = None;
        self.total_time = Some(4 + rng.below(22));
    }

    /// Sets total and turn-around time: S3 takes some milliseconds, then sends `bytes_sent` at `speed` bytes per
    /// millisecond.
    pub(super) fn take_time(&mut self, speed: u64, rng: &mut Rng) {
        let u = rng.unit();
        let turn_around = 6 + (70.0 * u * u * u) as u64 + if rng.once_in(400) { rng.below(1900) } else { 0 };
        self.turn_around_time = Some(turn_around);
        self.total_time = Some(turn_around + self.bytes_sent / speed.max(1) + rng.below(4));
    }

    /// Appends the line with its line feed.
    pub(super) fn write(&self, host_id: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(BUCKET_OWNER.as_bytes());
        out.push(b' ');
        out.extend_from_slice(BUCKET.as_bytes());
        out.extend_from_slice(b" [");
        push_time(out, self.time);
        out.extend_from_slice(b"] ");
        push_field(out, self.remote_ip);
        push_field(out, self.requester);
        push_request_id(out, self.request);
        push_field(out, self.operation.as_bytes());
        push_field(out, self.key);
        match self.uri {
            Uri::Bare => out.extend_from_slice(b"- "),
            Uri::Absent => out.extend_from_slice(b"\"-\" "),
            Uri::Line { method, root, path, query } => {
                out.push(b'"');
                push_field(out, method.as_bytes());
                out.extend_from_slice(root.as_bytes());
                out.push(b'/');
                out.extend_from_slice(path);
                if !query.is_empty() {
                    out.push(b'?');
                    out.extend_from_slice(query);
                }
                out.extend_from_slice(b" HTTP/1.1\" ");
            }
        }
        push_optional(out, (self.status > 0).then_some(u64::from(self.status)));
        push_field(out, self.error.as_bytes());
        push_optional(out, (self.bytes_sent > 0).then_some(self.bytes_sent));
        push_optional(out, self.object_size);
        push_optional(out, self.total_time);
        push_optional(out, self.turn_around_time);
        push_quoted(out, self.referer);
        push_quoted(out, self.user_agent);
        push_field(out, self.version_id);
        push_host_id(out, host_id);
        let (version, authentication) = match self.signing {
            Signing::Anonymous => ("-", "-"),
            Signing::Header => ("SigV4", "AuthHeader"),
            Signing::Presigned => ("SigV4", "QueryString"),
            Signing::OldHeader => ("SigV2", "AuthHeader"),
        };
        let (cipher, tls) = match self.transport {
            Transport::Tls13 => ("TLS_AES_128_GCM_SHA256", "TLSv1.3"),
            Transport::Tls12 => ("ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2"),
            Transport::Tls10 => ("ECDHE-RSA-AES128-SHA", "TLSv1"),
            Transport::Plain => ("-", "-"),
        };
        let acl = if self.acl_required { "Yes" } else { "-" };
        for field in [version, cipher, authentication, self.host, tls, self.access_point, acl] {
            push_field(out, field.as_bytes());
        }
        out.extend_from_slice(self.region.as_bytes());
        out.push(b'\n');
    }
}

#[inline]
fn push_field(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(text);
    out.push(b' ');
}

fn push_quoted(out: &mut Vec<u8>, text: Quoted<'_>) {
    match text {
        Quoted::Bare => out.extend_from_slice(b"- "),
        Quoted::Absent => out.extend_from_slice(b"\"-\" "),
        Quoted::Text(text) => {
            out.push(b'"');
            out.extend_from_slice(text);
            out.extend_from_slice(b"\" ");
        }
    }
}

/// Appends the number, or `-`, and a space.
fn push_optional(out: &mut Vec<u8>, number: Option<u64>) {
    match number {
        Some(number) => push_number(out, number),
        None => out.push(b'-'),
    }
    out.push(b' ');
}

/// Appends a decimal number.
pub(super) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends a number below 100 with two digits.
#[inline]
pub(super) fn push_two(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

/// Appends a time: `17/Apr/2026:03:15:02 +0000`.
fn push_time(out: &mut Vec<u8>, time: u32) {
    let [_, _, day, hour, minute, second] = clock::calendar(time);
    push_two(out, day);
    out.extend_from_slice(b"/Apr/2026:");
    push_two(out, hour);
    out.push(b':');
    push_two(out, minute);
    out.push(b':');
    push_two(out, second);
    out.extend_from_slice(b" +0000");
}

/// Appends 16 upper-case letters and digits, and a space.
fn push_request_id(out: &mut Vec<u8>, request: u64) {
    let mut text = [b' '; 17];
    let mut bits = (u128::from(random::mix(request)) << 64) | u128::from(request);
    for symbol in &mut text[..16] {
        *symbol = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[(bits & 31) as usize];
        bits >>= 5;
    }
    out.extend_from_slice(&text);
}

/// Appends 56 random bytes in base64 (76 characters), and a space.
fn push_host_id(out: &mut Vec<u8>, seed: u64) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = [b' '; 77];
    let mut word = seed;
    for symbols in text[..75].chunks_mut(10) {
        word = random::mix(word);
        let mut bits = word;
        for symbol in symbols {
            *symbol = ALPHABET[(bits & 63) as usize];
            bits >>= 6;
        }
    }
    // The last symbol before the padding has two unused bits, which are zero.
    text[74] = ALPHABET[(word & 0x3c) as usize];
    text[75] = b'=';
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_format_of_s3() {
        let mut rng = Rng::new(1, 1);
        let mut line = LogLine::new(clock::at(17, 3, 15) + 2, &mut rng);
        line.remote_ip = b"203.0.113.7";
        line.key = b"a%2520b.jpg";
        line.uri = Uri::Line { method: "GET", root: "", path: b"a%20b.jpg", query: b"" };
        line.bytes_sent = 1234;
        line.object_size = Some(1234);
        line.user_agent = Quoted::Text(b"curl/8.7.1");
        let mut out = Vec::new();
        line.write(7, &mut out);
        let line = String::from_utf8(out).unwrap();
        let (head, tail) = line.split_once(" REST.GET.OBJECT ").unwrap();
        let (head, request_id) = head.rsplit_once(' ').unwrap();
        assert_eq!(head, format!("{BUCKET_OWNER} acme-media [17/Apr/2026:03:15:02 +0000] 203.0.113.7 -"));
        assert_eq!(request_id.len(), 16);
        let (middle, tail) = tail.split_once(" - ").and_then(|_| tail.split_once("8.7.1\" - ")).unwrap();
        assert_eq!(middle, "a%2520b.jpg \"GET /a%20b.jpg HTTP/1.1\" 200 - 1234 1234 - - \"-\" \"curl/");
        let (host_id, tail) = tail.split_once(' ').unwrap();
        assert_eq!(host_id.len(), 76);
        assert_eq!(tail, "- TLS_AES_128_GCM_SHA256 - acme-media.s3.eu-west-1.amazonaws.com TLSv1.3 - - -\n");
    }
}
