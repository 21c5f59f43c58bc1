//! The requests that make the trouble, each as its number in its stream says.

use super::clients;
use super::incidents;
use super::log_line::{Entry, Quoted, Signing, Transport, Uri, push_number};
use super::objects::{self, Shelf};
use super::random::{self, Rng};
use super::schedule::{Plan, Stream};
use super::signed_requests::{self, push_hex};
use super::visitor_requests::{self, Scratch, get};
use super::{World, clock};

/// What the hog asks for at a time.
pub(super) const HOG_PART: u64 = 64 << 20;
/// Beyond this size the scraper takes only the start of an object.
const SCRAPER_WHOLE: u64 = 512 << 10;
/// How much that is.
const SCRAPER_PART: u64 = 64 << 10;

/// Appends all records of one unit of a stream; tells the bytes sent.
#[allow(clippy::too_many_arguments)] // all are what a line is made of
pub(super) fn write<'a>(
    world: &'a World,
    plan: &Plan,
    stream: Stream,
    unit: u64,
    time: u32,
    rng: &mut Rng,
    scratch: &'a mut Scratch,
    out: &mut Vec<u8>,
) -> u64 {
    let mut entry = Entry::new(time, rng);
    match stream {
        Stream::Ordinary => return visitor_requests::write(world, time, rng, scratch, out),
        Stream::DeleteMany => return delete_many(world, plan, unit, entry, rng, scratch, out),
        Stream::Copies => return copy(unit, entry, rng, scratch, out),
        Stream::Scraper => scrape(world, unit, &mut entry, rng),
        Stream::Hog => hog(world, unit, &mut entry, rng),
        Stream::Guessing => guess(unit, &mut entry, rng, &mut scratch.first),
        Stream::Hotlinking => hotlink(world, &mut entry, rng, &mut scratch.first),
        Stream::RetryLoop => retry(&mut entry, rng),
        Stream::DeleteOne => {
            let object = world.catalogue.object(world.catalogue.shelf(Shelf::Archive).start + unit as usize);
            cleanup(&mut entry);
            entry.operation = "REST.DELETE.OBJECT";
            entry.key = object.key;
            entry.uri = Uri::Line { method: "DELETE", root: "", path: object.path, query: b"" };
            entry.status = 204;
            entry.object_size = Some(object.size);
            entry.take_time(1000, rng);
        }
        Stream::Lifecycle => lifecycle(unit, &mut entry, rng, scratch),
        Stream::Hostile => hostile(unit, &mut entry, rng),
    }
    entry.write(rng.next(), out);
    entry.bytes_sent
}

fn scrape<'a>(world: &'a World, unit: u64, entry: &mut Entry<'a>, rng: &mut Rng) {
    let object = world.catalogue.object(unit as usize);
    get(object, entry);
    if object.size > SCRAPER_WHOLE {
        entry.status = 206;
        entry.bytes_sent = SCRAPER_PART;
    }
    entry.remote_ip = incidents::SCRAPER_IP.as_bytes();
    entry.user_agent = Quoted::Text(b"python-requests/2.32.3");
    entry.transport = Transport::Tls13;
    entry.take_time(9_000, rng);
}

fn hog<'a>(world: &'a World, unit: u64, entry: &mut Entry<'a>, rng: &mut Rng) {
    let masters = world.catalogue.shelf(Shelf::Masters);
    // Forty ranges of one film, then of the next.
    let film = (unit / 40) as usize % masters.len();
    get(world.catalogue.object(masters.start + film), entry);
    entry.status = 206;
    entry.bytes_sent = HOG_PART;
    entry.remote_ip = incidents::HOG_IP.as_bytes();
    entry.user_agent = Quoted::Text(b"aria2/1.37.0");
    entry.transport = Transport::Tls12;
    entry.take_time(rng.between(9_000, 30_000), rng);
}

fn guess<'a>(unit: u64, entry: &mut Entry<'a>, rng: &mut Rng, path: &'a mut Vec<u8>) {
    const GUESSES: [&str; 40] = [
        "backup.sql",
        ".env",
        "wp-login.php",
        ".git/config",
        "backup.zip",
        "db.sql.gz",
        "dump.sql",
        "config.json",
        ".aws/credentials",
        "id_rsa",
        "wp-config.php.bak",
        "admin/config.php",
        "users.csv",
        "customers.csv",
        "terraform.tfstate",
        ".env.production",
        "database.sqlite",
        "secrets.yml",
        "phpinfo.php",
        "server-status",
        "backup/latest.tar.gz",
        "private/keys.pem",
        "old/site.zip",
        "api/.env",
        ".htpasswd",
        "credentials.json",
        "settings.py",
        "web.config",
        "debug.log",
        "export.xlsx",
        "passwords.txt",
        "mysql.sql",
        "prod.sql",
        "staging.sql",
        ".npmrc",
        ".docker/config.json",
        "docker-compose.yml",
        "firebase.json",
        "kubeconfig",
        "xmlrpc.php",
    ];
    path.clear();
    // Every seventh guess is a number of its own: dumps by date.
    if unit % 7 == 6 {
        path.extend_from_slice(b"backup-");
        push_number(path, 20_240_000 + unit / 7 % 9000);
        path.extend_from_slice(b".sql.gz");
    } else {
        path.extend_from_slice(rng.pick(&GUESSES).as_bytes());
    }
    let path: &'a [u8] = path;
    entry.key = path;
    entry.uri = Uri::Line { method: "GET", root: "", path, query: b"" };
    let who = rng.below(incidents::GUESSER_IPS.len() as u64) as usize;
    entry.remote_ip = incidents::GUESSER_IPS[who].as_bytes();
    entry.user_agent = Quoted::Text(if who.is_multiple_of(2) {
        b"Mozilla/5.0 zgrab/0.x"
    } else {
        b"Fuzz Faster U Fool v2.1.0-dev"
    });
    entry.fail(403, "AccessDenied", rng);
}

fn hotlink<'a>(world: &'a World, entry: &mut Entry<'a>, rng: &mut Rng, referer: &'a mut Vec<u8>) {
    let client = world.people.somebody(rng);
    entry.remote_ip = &client.ip;
    entry.transport = client.transport;
    entry.user_agent = Quoted::Text(world.people.browser(client));
    visitor_requests::picture(world, Shelf::Images, client, entry, rng);
    referer.clear();
    referer.extend_from_slice(incidents::FREELOADER.as_bytes());
    referer.extend_from_slice(b"gallery/");
    push_number(referer, 1 + rng.rank(40) as u64);
    entry.referer = Quoted::Text(referer);
}

fn retry(entry: &mut Entry<'_>, rng: &mut Rng) {
    entry.operation = "REST.PUT.OBJECT";
    entry.key = b"state/checkpoint.json";
    entry.uri = Uri::Line { method: "PUT", root: "", path: b"state/checkpoint.json", query: b"" };
    entry.requester = incidents::RETRY_REQUESTER.as_bytes();
    entry.remote_ip = incidents::RETRY_IP.as_bytes();
    entry.user_agent = Quoted::Text(clients::SDKS[4].as_bytes());
    entry.signing = Signing::Header;
    entry.fail(503, "SlowDown", rng);
}

fn cleanup(entry: &mut Entry<'_>) {
    entry.requester = incidents::CLEANUP_REQUESTER.as_bytes();
    entry.remote_ip = b"10.4.9.5";
    entry.user_agent = Quoted::Text(clients::SDKS[0].as_bytes());
    entry.signing = Signing::Header;
    entry.transport = Transport::Tls12;
    entry.region = "eu-west-1";
}

fn delete_many<'a>(
    world: &'a World,
    plan: &Plan,
    unit: u64,
    mut entry: Entry<'a>,
    rng: &mut Rng,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> u64 {
    cleanup(&mut entry);
    let (first, count) = plan.deleted_together(unit);
    let mut request = entry;
    request.operation = "REST.POST.MULTI_OBJECT_DELETE";
    request.uri = Uri::Line { method: "POST", root: "", path: b"", query: b"delete" };
    request.bytes_sent = 120 + 95 * count as u64;
    request.take_time(1000, rng);
    request.write(rng.next(), out);
    let start = world.catalogue.shelf(Shelf::Archive).start + first;
    for index in start..start + count {
        let object = world.catalogue.object(index);
        scratch.first.clear();
        objects::once_with_plus(object.path, &mut scratch.first);
        let mut part = entry;
        part.operation = "BATCH.DELETE.OBJECT";
        part.key = &scratch.first;
        part.status = 204;
        part.object_size = Some(object.size);
        part.referer = Quoted::Bare;
        part.user_agent = Quoted::Bare;
        part.write(rng.next(), out);
    }
    request.bytes_sent
}

fn copy(unit: u64, entry: Entry<'_>, rng: &mut Rng, scratch: &mut Scratch, out: &mut Vec<u8>) -> u64 {
    let [_, month, day, ..] = clock::calendar(entry.time);
    let name = 10_000_000 + random::mix(unit) % 90_000_000;
    let Scratch { first: from, second: to } = scratch;
    for (folder, key) in [("uploads", &mut *from), ("originals", &mut *to)] {
        key.clear();
        key.extend_from_slice(format!("{folder}/2026/{month:02}/{day:02}/IMG_{name}.jpg").as_bytes());
    }
    let mut request = entry;
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

fn lifecycle<'a>(unit: u64, entry: &mut Entry<'a>, rng: &mut Rng, scratch: &'a mut Scratch) {
    let Scratch { first: path, second: key } = scratch;
    path.clear();
    key.clear();
    signed_requests::scratch_path(unit, path);
    entry.requester = b"AmazonS3";
    entry.operation = match unit % 4 {
        0 | 1 => "S3.EXPIRE.OBJECT",
        2 => "S3.CREATE.DELETEMARKER",
        _ => "S3.TRANSITION_SIA.OBJECT",
    };
    if unit % 4 < 2 {
        objects::once_with_plus(path, key);
    } else {
        objects::encode(path, key);
    }
    entry.key = key;
    entry.uri = Uri::Absent;
    entry.status = 0;
    entry.object_size = Some(rng.between(20_000, 48_000_000));
    if unit % 4 != 2 {
        path.clear();
        push_hex(path, rng.next());
        push_hex(path, rng.next());
        entry.version_id = path;
    }
    entry.transport = Transport::Plain;
    entry.host = "-";
}

/// How many hostile requests there are.
pub(super) const HOSTILE: u64 = 12;

fn hostile(unit: u64, entry: &mut Entry<'_>, rng: &mut Rng) {
    // Key as logged (twice encoded), path (once), referer, user agent.
    const STRINGS: [(&str, &str, &str, &str); HOSTILE as usize] = [
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
    let (key, path, referer, user_agent) = STRINGS[(unit % HOSTILE) as usize];
    entry.remote_ip = incidents::HOSTILE_IP.as_bytes();
    entry.operation = if key == "-" { "REST.GET.BUCKET" } else { "REST.GET.OBJECT" };
    entry.key = key.as_bytes();
    entry.uri = Uri::Line { method: "GET", root: "", path: path.as_bytes(), query: b"" };
    entry.referer = if referer == "-" { Quoted::Absent } else { Quoted::Text(referer.as_bytes()) };
    entry.user_agent = Quoted::Text(user_agent.as_bytes());
    entry.fail(403, "AccessDenied", rng);
}

/// How many damaged lines there are.
pub(super) const DAMAGED: u64 = 5;

/// Appends a line that is no record.
pub(super) fn damaged(number: u64, out: &mut Vec<u8>) {
    use super::log_line::{BUCKET, BUCKET_OWNER};
    let text = match number % DAMAGED {
        0 => format!("{BUCKET_OWNER} {BUCKET} [06/Apr/2026:17:2"),
        1 => "upload failed: An error occurred (SlowDown) when calling the PutObject operation: retry.".to_owned(),
        2 => format!("{BUCKET_OWNER} {BUCKET} [14/Apr/2026:09:41:07 +0000] 100.81.4.9 - 7QX2"),
        3 => "<Error><Code>InternalError</Code><Message>Please try again.</Message></Error>".to_owned(),
        _ => "\0\0\0\0\0\0\0\0\0\0\0\0 TLS_AES_128_GCM_SHA256 - acme-media.s3.eu-west-1.amazonaws.com TLSv1.3 - - -".to_owned(),
    };
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}
