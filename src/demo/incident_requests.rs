//! Generates the requests of incidents.

use super::log_line::{LogLine, Quoted, Signing, Transport, Uri, push_number};
use super::objects::{self, Prefix};
use super::random::{self, Rng};
use super::schedule::{Schedule, Stream};
use super::signed_requests::{self, push_hex};
use super::visitor_requests::{self, TextBuffers, get};
use super::{World, clients, clock, incidents};

/// Bytes of each range request of the hog.
pub(super) const HOG_RANGE_BYTES: u64 = 64 << 20;
/// The scraper downloads only the beginning of objects larger than this, in bytes.
const SCRAPER_MAX_WHOLE_BYTES: u64 = 512 << 10;
/// Bytes of that beginning.
const SCRAPER_RANGE_BYTES: u64 = 64 << 10;

/// Appends all records of event `unit` of a stream. Returns their `bytes_sent`.
#[allow(clippy::too_many_arguments)] // a line depends on all of them
pub(super) fn write<'a>(
    world: &'a World,
    schedule: &Schedule,
    stream: Stream,
    unit: u64,
    time: u32,
    rng: &mut Rng,
    buffers: &'a mut TextBuffers,
    out: &mut Vec<u8>,
) -> u64 {
    let mut line = LogLine::new(time, rng);
    match stream {
        Stream::Ordinary => return visitor_requests::write(world, time, rng, buffers, out),
        Stream::DeleteMany => return delete_many(world, schedule, unit, line, rng, buffers, out),
        Stream::Copies => return copy(unit, line, rng, buffers, out),
        Stream::Scraper => scrape(world, unit, &mut line, rng),
        Stream::Hog => hog(world, unit, &mut line, rng),
        Stream::Guessing => guess(unit, &mut line, rng, &mut buffers.first),
        Stream::Hotlinking => hotlink(world, &mut line, rng, &mut buffers.first),
        Stream::RetryLoop => retry(&mut line, rng),
        Stream::DeleteOne => {
            let object = world.objects.object(world.objects.range(Prefix::Archive).start + unit as usize);
            cleanup(&mut line);
            line.operation = "REST.DELETE.OBJECT";
            line.key = object.key;
            line.uri = Uri::Line { method: "DELETE", root: "", path: object.path, query: b"" };
            line.status = 204;
            line.object_size = Some(object.size);
            line.take_time(1000, rng);
        }
        Stream::Lifecycle => lifecycle(unit, &mut line, rng, buffers),
        Stream::Hostile => hostile(unit, &mut line, rng),
    }
    line.write(rng.next(), out);
    line.bytes_sent
}

fn scrape<'a>(world: &'a World, unit: u64, line: &mut LogLine<'a>, rng: &mut Rng) {
    let object = world.objects.object(unit as usize);
    get(object, line);
    if object.size > SCRAPER_MAX_WHOLE_BYTES {
        line.status = 206;
        line.bytes_sent = SCRAPER_RANGE_BYTES;
    }
    line.remote_ip = incidents::SCRAPER_IP.as_bytes();
    line.user_agent = Quoted::Text(b"python-requests/2.32.3");
    line.transport = Transport::Tls13;
    line.take_time(9_000, rng);
}

fn hog<'a>(world: &'a World, unit: u64, line: &mut LogLine<'a>, rng: &mut Rng) {
    let masters = world.objects.range(Prefix::Masters);
    // Forty ranges of each film in turn.
    let film = (unit / 40) as usize % masters.len();
    get(world.objects.object(masters.start + film), line);
    line.status = 206;
    line.bytes_sent = HOG_RANGE_BYTES;
    line.remote_ip = incidents::HOG_IP.as_bytes();
    line.user_agent = Quoted::Text(b"aria2/1.37.0");
    line.transport = Transport::Tls12;
    line.take_time(rng.between(9_000, 30_000), rng);
}

fn guess<'a>(unit: u64, line: &mut LogLine<'a>, rng: &mut Rng, path: &'a mut Vec<u8>) {
    #[rustfmt::skip]
    const GUESSES: [&str; 40] = [
        "backup.sql", ".env", "wp-login.php", ".git/config", "backup.zip", "db.sql.gz", "dump.sql",
        "config.json", ".aws/credentials", "id_rsa", "wp-config.php.bak", "admin/config.php",
        "users.csv", "customers.csv", "terraform.tfstate", ".env.production", "database.sqlite",
        "secrets.yml", "phpinfo.php", "server-status", "backup/latest.tar.gz", "private/keys.pem",
        "old/site.zip", "api/.env", ".htpasswd", "credentials.json", "settings.py", "web.config",
        "debug.log", "export.xlsx", "passwords.txt", "mysql.sql", "prod.sql", "staging.sql", ".npmrc",
        ".docker/config.json", "docker-compose.yml", "firebase.json", "kubeconfig", "xmlrpc.php",
    ];
    path.clear();
    // Every seventh guess is a dated dump.
    if unit % 7 == 6 {
        path.extend_from_slice(b"backup-");
        push_number(path, 20_240_000 + unit / 7 % 9000);
        path.extend_from_slice(b".sql.gz");
    } else {
        path.extend_from_slice(rng.pick(&GUESSES).as_bytes());
    }
    let path: &'a [u8] = path;
    line.key = path;
    line.uri = Uri::Line { method: "GET", root: "", path, query: b"" };
    let address = rng.below(incidents::GUESSER_IPS.len() as u64) as usize;
    line.remote_ip = incidents::GUESSER_IPS[address].as_bytes();
    line.user_agent = Quoted::Text(if address.is_multiple_of(2) {
        b"Mozilla/5.0 zgrab/0.x"
    } else {
        b"Fuzz Faster U Fool v2.1.0-dev"
    });
    line.fail(403, "AccessDenied", rng);
}

fn hotlink<'a>(world: &'a World, line: &mut LogLine<'a>, rng: &mut Rng, referer: &'a mut Vec<u8>) {
    let client = world.clients.pick(rng);
    line.remote_ip = &client.ip;
    line.transport = client.transport;
    line.user_agent = Quoted::Text(world.clients.browser(client));
    visitor_requests::picture(world, Prefix::Images, client, line, rng);
    referer.clear();
    referer.extend_from_slice(incidents::FREELOADER.as_bytes());
    referer.extend_from_slice(b"gallery/");
    push_number(referer, 1 + rng.rank(40) as u64);
    line.referer = Quoted::Text(referer);
}

fn retry(line: &mut LogLine<'_>, rng: &mut Rng) {
    line.operation = "REST.PUT.OBJECT";
    line.key = b"state/checkpoint.json";
    line.uri = Uri::Line { method: "PUT", root: "", path: b"state/checkpoint.json", query: b"" };
    line.requester = incidents::RETRY_REQUESTER.as_bytes();
    line.remote_ip = incidents::RETRY_IP.as_bytes();
    line.user_agent = Quoted::Text(clients::SDKS[4].as_bytes());
    line.signing = Signing::Header;
    line.fail(503, "SlowDown", rng);
}

fn cleanup(line: &mut LogLine<'_>) {
    line.requester = incidents::CLEANUP_REQUESTER.as_bytes();
    line.remote_ip = b"10.4.9.5";
    line.user_agent = Quoted::Text(clients::SDKS[0].as_bytes());
    line.signing = Signing::Header;
    line.transport = Transport::Tls12;
    line.region = "eu-west-1";
}

fn delete_many<'a>(
    world: &'a World,
    schedule: &Schedule,
    unit: u64,
    mut line: LogLine<'a>,
    rng: &mut Rng,
    buffers: &mut TextBuffers,
    out: &mut Vec<u8>,
) -> u64 {
    cleanup(&mut line);
    let (first, count) = schedule.objects_of_multi_delete(unit);
    let mut request = line;
    request.operation = "REST.POST.MULTI_OBJECT_DELETE";
    request.uri = Uri::Line { method: "POST", root: "", path: b"", query: b"delete" };
    request.bytes_sent = 120 + 95 * count as u64;
    request.take_time(1000, rng);
    request.write(rng.next(), out);
    let start = world.objects.range(Prefix::Archive).start + first;
    for index in start..start + count {
        let object = world.objects.object(index);
        buffers.first.clear();
        objects::once_with_plus(object.path, &mut buffers.first);
        let mut part = line;
        part.operation = "BATCH.DELETE.OBJECT";
        part.key = &buffers.first;
        part.status = 204;
        part.object_size = Some(object.size);
        part.referer = Quoted::Bare;
        part.user_agent = Quoted::Bare;
        part.write(rng.next(), out);
    }
    request.bytes_sent
}

fn copy(unit: u64, line: LogLine<'_>, rng: &mut Rng, buffers: &mut TextBuffers, out: &mut Vec<u8>) -> u64 {
    let [_, month, day, ..] = clock::calendar(line.time);
    let name = 10_000_000 + random::mix(unit) % 90_000_000;
    let TextBuffers { first: from, second: to } = buffers;
    for (folder, key) in [("uploads", &mut *from), ("originals", &mut *to)] {
        key.clear();
        key.extend_from_slice(format!("{folder}/2026/{month:02}/{day:02}/IMG_{name}.jpg").as_bytes());
    }
    let mut request = line;
    request.requester = clients::ARCHIVER.as_bytes();
    request.remote_ip = b"10.4.9.8";
    request.signing = Signing::Header;
    request.transport = Transport::Tls12;
    request.region = "eu-west-1";
    request.object_size = Some(rng.between(200_000, 6_000_000));
    let mut source = request;
    request.operation = "REST.COPY.OBJECT";
    request.key = to;
    request.uri = Uri::Line { method: "PUT", root: "", path: to, query: b"" };
    request.user_agent = Quoted::Text(clients::SDKS[2].as_bytes());
    request.bytes_sent = 234;
    request.take_time(4, rng);
    source.operation = "REST.COPY.OBJECT_GET";
    source.key = from;
    source.referer = Quoted::Bare;
    source.user_agent = Quoted::Bare;
    request.write(rng.next(), out);
    source.write(rng.next(), out);
    request.bytes_sent
}

fn lifecycle<'a>(unit: u64, line: &mut LogLine<'a>, rng: &mut Rng, buffers: &'a mut TextBuffers) {
    let TextBuffers { first: path, second: key } = buffers;
    path.clear();
    key.clear();
    signed_requests::temporary_path(unit, path);
    line.requester = b"AmazonS3";
    line.operation = match unit % 4 {
        0 | 1 => "S3.EXPIRE.OBJECT",
        2 => "S3.CREATE.DELETEMARKER",
        _ => "S3.TRANSITION_SIA.OBJECT",
    };
    if unit % 4 < 2 {
        objects::once_with_plus(path, key);
    } else {
        objects::encode(path, key);
    }
    line.key = key;
    line.uri = Uri::Absent;
    line.status = 0;
    line.object_size = Some(rng.between(20_000, 48_000_000));
    if unit % 4 != 2 {
        path.clear();
        push_hex(path, rng.next());
        push_hex(path, rng.next());
        line.version_id = path;
    }
    line.transport = Transport::Plain;
    line.host = "-";
}

/// Requests of [`Stream::Hostile`].
pub(super) const HOSTILE_REQUESTS: u64 = 12;

fn hostile(unit: u64, line: &mut LogLine<'_>, rng: &mut Rng) {
    // The key as logged (encoded twice), the path (encoded once), the referer, the user agent.
    const STRINGS: [(&str, &str, &str, &str); HOSTILE_REQUESTS as usize] = [
        ("-", "", "-", "\x1b]0;owned\x07curl/8.0"),
        ("-", "", "-", "\x1b[2J\x1b[1;1HMozilla/5.0 \x1b[31mall your logs\x1b[0m"),
        ("-", "", "=cmd|' /C calc'!A0", "Mozilla/5.0"),
        ("-", "", "@SUM(1+1)*cmd|' /C calc'!A0", "Mozilla/5.0"),
        ("a%251B%255B2Jb%250Ac.txt", "a%1B%5B2Jb%0Ac.txt", "-", "curl/8.0"),
        ("%252e%252e%252f%252e%252e%252fetc/passwd", "%2e%2e%2f%2e%2e%2fetc/passwd", "-", "curl/8.0"),
        ("%2500%25FF%25FE.bin", "%00%FF%FE.bin", "-", "curl/8.0"),
        ("100%2525%20discount%", "100%25%20discount%", "-", "curl/8.0"),
        ("%25E2%2580%25AEgpj.exe", "%E2%80%AEgpj.exe", "-", "\u{202e}0.5/allizoM"),
        ("-", "", "https://evil.example/\" 200 - 999999999999 1 1 1 \"-\" \"x", "Mozilla/5.0"),
        ("-", "", "+1+HYPERLINK(\"https://evil.example\")", "\x1b]52;c;cm0gLXJmIH4=\x07"),
        (
            "%253Cscript%253Ealert(1)%253C%252Fscript%253E",
            "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
            "-",
            "\u{9b}31mC1",
        ),
    ];
    let (key, path, referer, user_agent) = STRINGS[(unit % HOSTILE_REQUESTS) as usize];
    line.remote_ip = incidents::HOSTILE_IP.as_bytes();
    line.operation = if key == "-" { "REST.GET.BUCKET" } else { "REST.GET.OBJECT" };
    line.key = key.as_bytes();
    line.uri = Uri::Line { method: "GET", root: "", path: path.as_bytes(), query: b"" };
    line.referer = if referer == "-" { Quoted::Absent } else { Quoted::Text(referer.as_bytes()) };
    line.user_agent = Quoted::Text(user_agent.as_bytes());
    line.fail(403, "AccessDenied", rng);
}

/// Damaged lines in the demo.
pub(super) const DAMAGED_LINES: u64 = 5;

/// Appends a line that is not a record.
pub(super) fn damaged_line(number: u64, out: &mut Vec<u8>) {
    use super::log_line::{BUCKET, BUCKET_OWNER};
    let text = match number % DAMAGED_LINES {
        0 => format!("{BUCKET_OWNER} {BUCKET} [06/Apr/2026:17:2"),
        1 => "upload failed: An error occurred (SlowDown) when calling the PutObject operation: retry.".to_owned(),
        2 => format!("{BUCKET_OWNER} {BUCKET} [14/Apr/2026:09:41:07 +0000] 100.81.4.9 - 7QX2"),
        3 => "<Error><Code>InternalError</Code><Message>Please try again.</Message></Error>".to_owned(),
        _ => "\0\0\0\0\0\0\0\0\0\0\0\0 TLS_AES_128_GCM_SHA256 - acme-media.s3.eu-west-1.amazonaws.com TLSv1.3 - - -".to_owned(),
    };
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}
