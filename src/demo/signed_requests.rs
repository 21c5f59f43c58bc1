//! Signed requests: the company's own programs, presigned download links, CloudFront, and a partner.

use super::clients::{self, Client};
use super::log_line::{HOST_PATH_STYLE, LogLine, Quoted, Signing, Transport, Uri, push_number, push_two};
use super::objects::{self, Slug};
use super::{World, clock, objects::Prefix, random::Rng, visitor_requests::get};

/// The access point of the analytics jobs, and its host.
const ACCESS_POINT: &str = "arn:aws:s3:eu-west-1:123456789012:accesspoint/analytics";
const ACCESS_POINT_HOST: &str = "analytics-123456789012.s3-accesspoint.eu-west-1.amazonaws.com";

/// A download with a presigned URL. The query contains the file name to save, with quotes and spaces as S3 logs them.
pub(super) fn download<'a>(
    world: &'a World,
    client: &Client,
    line: &mut LogLine<'a>,
    rng: &mut Rng,
    query: &'a mut Vec<u8>,
) {
    let object = world.objects.popular(Prefix::Documents, rng);
    get(object, line);
    query.clear();
    let file = object.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    query.extend_from_slice(b"response-content-disposition=attachment; filename=\"");
    if object.mark.is_multiple_of(3) {
        // Some programs that make URLs do not encode the name, so quotes appear within the quoted field.
        query.extend(percent_encoding::percent_decode(file));
    } else {
        query.extend_from_slice(file);
    }
    query.extend_from_slice(b"\"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE/");
    let [_, month, day, hour, minute, second] =
        clock::calendar(line.time.saturating_sub(rng.below(600) as u32));
    let date = |out: &mut Vec<u8>| {
        out.extend_from_slice(b"2026");
        push_two(out, month);
        push_two(out, day);
    };
    date(query);
    query.extend_from_slice(b"/eu-west-1/s3/aws4_request&X-Amz-Date=");
    date(query);
    query.push(b'T');
    for part in [hour, minute, second] {
        push_two(query, part);
    }
    query.extend_from_slice(b"Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=");
    for _ in 0..4 {
        push_hex(query, rng.next());
    }
    line.uri = Uri::Line { method: "GET", root: "", path: object.path, query };
    line.requester = clients::WEB_APP.as_bytes();
    line.signing = Signing::Presigned;
    line.referer = Quoted::Text(b"https://www.acme.example/account/downloads");
    if rng.once_in(30) {
        line.fail(403, "AccessDenied", rng);
    } else {
        line.take_time(client.speed, rng);
    }
}

/// CloudFront fetches an object that it has not cached. S3 logs no address for it.
pub(super) fn cloudfront<'a>(world: &'a World, line: &mut LogLine<'a>, rng: &mut Rng) {
    let prefix = *rng.pick(&[Prefix::Images, Prefix::Images, Prefix::Thumbnails, Prefix::Hls]);
    get(world.objects.popular(prefix, rng), line);
    line.remote_ip = b"-";
    line.requester = clients::CLOUDFRONT.as_bytes();
    line.user_agent = Quoted::Text(b"Amazon CloudFront");
    line.signing = Signing::Header;
    line.transport = Transport::Tls12;
    line.take_time(60_000, rng);
    if rng.once_in(60) {
        line.fail(404, "NoSuchKey", rng);
    } else if rng.once_in(20) {
        line.status = 304;
        line.bytes_sent = 0;
    }
}

/// Uploads of pictures and films under new keys, and sometimes of logs of another service.
pub(super) fn upload<'a>(
    world: &'a World,
    line: &mut LogLine<'a>,
    rng: &mut Rng,
    text: &'a mut Vec<u8>,
    requester: &'a mut Vec<u8>,
) {
    text.clear();
    requester.clear();
    let [_, month, day, hour, ..] = clock::calendar(line.time);
    let logs = rng.once_in(25);
    text.extend_from_slice(if logs { b"cdn-logs/2026/" } else { b"uploads/2026/" });
    push_two(text, month);
    text.push(b'/');
    push_two(text, day);
    if logs {
        text.extend_from_slice(b"/E2EXAMPLE1ACME.2026-04-");
        push_two(text, day);
        text.push(b'-');
        push_two(text, hour);
        text.push(b'.');
        push_hex(text, rng.next());
        text.extend_from_slice(b".gz");
        line.requester = clients::LOG_DELIVERY.as_bytes();
        line.user_agent = Quoted::Text(b"CloudFrontLogDelivery/1.0");
        line.remote_ip = b"-";
    } else {
        let film = rng.once_in(6);
        text.extend_from_slice(if film { b"/clip-" } else { b"/IMG_" });
        push_number(text, 10_000_000 + rng.below(90_000_000));
        text.extend_from_slice(if film { b".mp4" } else { b".jpg" });
        let host = rng.rank(world.clients.sessions.len());
        requester.extend_from_slice(clients::UPLOADER.as_bytes());
        requester.extend_from_slice(&world.clients.sessions[host]);
        line.requester = requester;
        line.user_agent = Quoted::Text(clients::SDKS[3].as_bytes());
        line.remote_ip = INTERNAL_ADDRESSES[host % INTERNAL_ADDRESSES.len()].as_bytes();
        line.region = "eu-west-1";
    }
    // These keys need no encoding, so `key` and `path` are the same.
    let text: &'a [u8] = text;
    line.operation = "REST.PUT.OBJECT";
    line.key = text;
    line.uri = Uri::Line { method: "PUT", root: "", path: text, query: b"" };
    line.object_size = Some(rng.between(200_000, 6_000_000));
    line.signing = Signing::Header;
    line.take_time(60_000, rng);
    // Receiving the body takes time too.
    line.total_time = line.total_time.map(|time| time + rng.below(120));
    if rng.once_in(700) {
        line.fail(503, "SlowDown", rng);
    }
}

const INTERNAL_ADDRESSES: [&str; 6] =
    ["10.4.1.11", "10.4.1.12", "10.4.1.13", "10.4.2.11", "10.4.2.12", "10.4.2.13"];

/// Analytics jobs read tables, completely or in ranges as Parquet readers do.
pub(super) fn etl<'a>(world: &'a World, line: &mut LogLine<'a>, rng: &mut Rng, requester: &'a mut Vec<u8>) {
    get(world.objects.popular(Prefix::Exports, rng), line);
    if !rng.once_in(5) {
        line.status = 206;
        line.bytes_sent = rng.between(8, 2_500_000).min(line.bytes_sent);
    }
    requester.clear();
    requester.extend_from_slice(clients::ETL.as_bytes());
    requester.extend_from_slice(b"glue-job-");
    push_number(requester, 100 + rng.below(30));
    line.requester = requester;
    line.remote_ip = b"10.4.7.30";
    line.region = "eu-west-1";
    line.user_agent = Quoted::Text(rng.pick(&clients::SDKS[..3]).as_bytes());
    line.signing = Signing::Header;
    line.host = ACCESS_POINT_HOST;
    line.access_point = ACCESS_POINT;
    line.take_time(80_000, rng);
}

/// `ListObjectsV2` by the company's own programs.
pub(super) fn listing<'a>(line: &mut LogLine<'a>, rng: &mut Rng, query: &'a mut Vec<u8>) {
    query.clear();
    query.extend_from_slice(b"list-type=2&prefix=");
    query.extend_from_slice(match rng.below(4) {
        0 => b"exports%2F".as_slice(),
        1 => b"uploads%2F2026%2F04%2F",
        2 => b"images%2Fproducts%2F",
        _ => b"documents%2FA%C3%B1o%20fiscal%2F",
    });
    query.extend_from_slice(b"&delimiter=%2F&max-keys=1000&encoding-type=url");
    line.operation = "REST.GET.BUCKET";
    line.uri = Uri::Line { method: "GET", root: "", path: b"", query };
    line.bytes_sent = rng.between(600, 380_000);
    line.requester = clients::WEB_APP.as_bytes();
    line.remote_ip = INTERNAL_ADDRESSES[rng.below(2) as usize].as_bytes();
    line.region = "eu-west-1";
    line.user_agent = Quoted::Text(clients::SDKS[rng.below(5) as usize].as_bytes());
    line.signing = Signing::Header;
    line.take_time(10_000, rng);
}

/// An old program of a partner: SigV2, path style, TLS 1.0.
pub(super) fn partner<'a>(world: &'a World, line: &mut LogLine<'a>, rng: &mut Rng) {
    let object = world.objects.popular(Prefix::Documents, rng);
    get(object, line);
    line.uri = Uri::Line { method: "GET", root: "/acme-media", path: object.path, query: b"" };
    line.requester = clients::PARTNER.as_bytes();
    line.remote_ip = b"100.99.12.4";
    line.user_agent = Quoted::Text(b"JetS3t/0.7.3 (Linux/2.6.32; amd64; en; JVM 1.6.0_45)");
    line.signing = Signing::OldHeader;
    line.transport = Transport::Tls10;
    line.host = HOST_PATH_STYLE;
    line.take_time(900, rng);
}

/// A user browses the AWS console.
pub(super) fn console(line: &mut LogLine<'_>, rng: &mut Rng) {
    const PAGES: [(&str, &[u8]); 6] = [
        ("REST.GET.BUCKETPOLICY", b"policy"),
        ("REST.GET.LOGGING_STATUS", b"logging"),
        ("REST.GET.VERSIONING", b"versioning"),
        ("REST.GET.LIFECYCLE", b"lifecycle"),
        ("REST.GET.ACL", b"acl"),
        ("REST.GET.LOCATION", b"location"),
    ];
    let (operation, query) = *rng.pick(&PAGES);
    line.operation = operation;
    line.uri = Uri::Line { method: "GET", root: "", path: b"", query };
    line.bytes_sent = rng.between(120, 1800);
    line.requester = clients::PERSON.as_bytes();
    line.remote_ip = b"100.71.8.60";
    line.user_agent = Quoted::Text(b"S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750 Linux/5.10.225 OpenJDK_64-Bit_Server_VM/25.372-b08 java/1.8.0_372 vendor/Oracle_Corporation cfg/retry-mode/standard");
    line.signing = Signing::Header;
    line.take_time(5_000, rng);
    if operation == "REST.GET.LIFECYCLE" && rng.once_in(3) {
        line.fail(404, "NoSuchLifecycleConfiguration", rng);
    }
}

/// Appends 16 lower-case hexadecimal digits.
pub(super) fn push_hex(out: &mut Vec<u8>, bits: u64) {
    for shift in (0..16).rev() {
        out.push(b"0123456789abcdef"[((bits >> (shift * 4)) & 15) as usize]);
    }
}

/// Appends the percent-encoded key of temporary file `number`, which a lifecycle rule deletes.
pub(super) fn temporary_path(number: u64, path: &mut Vec<u8>) {
    let name = match number % 5 {
        0 => format!("tmp/Team share/{}/Draft {number}.psd", Slug(number % 97)),
        1 => format!("tmp/résumés/{number:07}.pdf"),
        _ => format!("tmp/render/{:04}/frame-{number:07}.exr", number / 250),
    };
    objects::encode(name.as_bytes(), path);
}
