//! Generates ordinary requests: a shop with films, pictures, podcasts and documents.

use super::clients::{self, Client};
use super::log_line::{HOST_WEBSITE, LogLine, Quoted, Signing, Transport, Uri};
use super::objects::{Object, Prefix};
use super::{World, incidents, random::Rng, signed_requests};

/// Text buffers that are reused for every line.
#[derive(Debug, Default)]
pub(super) struct TextBuffers {
    pub(super) first: Vec<u8>,
    pub(super) second: Vec<u8>,
}

/// Kinds of requests, with their number in 1,000 requests.
#[rustfmt::skip]
const MIX: [(u64, Kind); 17] = [
    (235, Kind::Thumbnail), (205, Kind::Image), (225, Kind::Stream), (78, Kind::Film),
    (30, Kind::Podcast), (48, Kind::Download), (62, Kind::CloudFront), (30, Kind::Upload),
    (22, Kind::Etl), (8, Kind::Listing), (14, Kind::Head), (17, Kind::Website), (13, Kind::Crawler),
    (3, Kind::Partner), (4, Kind::Monitor), (2, Kind::Console), (4, Kind::Missing),
];

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Thumbnails on the pages of the shop.
    Thumbnail,
    /// Pictures on the pages of the shop.
    Image,
    /// A video segment or playlist (HLS).
    Stream,
    /// Ranges of MP4 films.
    Film,
    Podcast,
    /// Documents by presigned URL.
    Download,
    /// Objects that CloudFront has not cached.
    CloudFront,
    Upload,
    /// Analytics jobs, through an access point.
    Etl,
    Listing,
    Head,
    Website,
    Crawler,
    /// A partner that uses SigV2 and TLS 1.0.
    Partner,
    /// A monitor that checks a page, with an empty referer.
    Monitor,
    Console,
    /// Links to deleted or private objects.
    Missing,
}

/// Appends one ordinary request. Returns its `bytes_sent`.
pub(super) fn write<'a>(
    world: &'a World,
    time: u32,
    rng: &mut Rng,
    buffers: &'a mut TextBuffers,
    out: &mut Vec<u8>,
) -> u64 {
    let TextBuffers { first, second } = buffers;
    let mut remaining = rng.below(1000);
    let mut kind = Kind::Missing;
    for (weight, candidate) in MIX {
        if remaining < weight {
            kind = candidate;
            break;
        }
        remaining -= weight;
    }
    let client = world.clients.pick(rng);
    let mut line = LogLine::new(time, rng);
    line.remote_ip = &client.ip;
    line.transport = client.transport;
    line.user_agent = Quoted::Text(world.clients.browser(client));
    let line = &mut line;
    match kind {
        Kind::Thumbnail => picture(world, Prefix::Thumbnails, client, line, rng),
        Kind::Image => picture(world, Prefix::Images, client, line, rng),
        Kind::Stream => {
            let object = world.objects.popular(Prefix::Hls, rng);
            play(client, object, object.size, &clients::PLAYERS, line, rng);
        }
        Kind::Film => {
            let object = world.objects.popular(Prefix::Videos, rng);
            let part = (1 << rng.between(18, 24)) + rng.below(1 << 20);
            play(client, object, part, &clients::PLAYERS, line, rng);
        }
        Kind::Podcast => {
            let object = world.objects.popular(Prefix::Podcasts, rng);
            // Most listeners download a part, because they skip or lose the connection.
            let part = if rng.once_in(5) { object.size } else { rng.between(65_536, object.size / 4) };
            play(client, object, part, &clients::PODCATCHERS, line, rng);
            line.acl_required = true;
        }
        Kind::Download => signed_requests::download(world, client, line, rng, first),
        Kind::CloudFront => signed_requests::cloudfront(world, line, rng),
        Kind::Upload => signed_requests::upload(world, line, rng, first, second),
        Kind::Etl => signed_requests::etl(world, line, rng, first),
        Kind::Listing => signed_requests::listing(line, rng, first),
        Kind::Head => {
            let prefix = *rng.pick(&[Prefix::Videos, Prefix::Images, Prefix::Podcasts]);
            head(world.objects.popular(prefix, rng), line);
            line.user_agent = Quoted::Text(rng.pick(&clients::PLAYERS).as_bytes());
            line.take_time(client.speed, rng);
        }
        Kind::Website => website(world, client, line, rng),
        Kind::Crawler => {
            picture(world, *rng.pick(&[Prefix::Images, Prefix::Thumbnails]), client, line, rng);
            line.remote_ip = rng.pick(&CRAWLER_ADDRESSES).as_bytes();
            line.user_agent = Quoted::Text(rng.pick(&clients::CRAWLERS).as_bytes());
            line.referer = Quoted::Absent;
        }
        Kind::Partner => signed_requests::partner(world, line, rng),
        Kind::Monitor => {
            head(world.objects.object(world.objects.range(Prefix::Site).start), line);
            line.remote_ip = b"10.4.0.9";
            line.referer = Quoted::Text(b"");
            line.user_agent = Quoted::Text(rng.pick(&clients::ODD_AGENTS).as_bytes());
            line.take_time(client.speed, rng);
        }
        Kind::Console => signed_requests::console(line, rng),
        Kind::Missing => missing(world, line, rng),
    }
    line.write(rng.next(), out);
    line.bytes_sent
}

const CRAWLER_ADDRESSES: [&str; 4] =
    ["100.66.249.10", "100.66.249.11", "100.66.249.73", "2001:db8:4860:1006::42"];

/// A GET of the complete object.
pub(super) fn get<'a>(object: Object<'a>, line: &mut LogLine<'a>) {
    line.key = object.key;
    line.uri = Uri::Line { method: "GET", root: "", path: object.path, query: b"" };
    line.bytes_sent = object.size;
    line.object_size = Some(object.size);
}

/// A HEAD, which sends no body.
fn head<'a>(object: Object<'a>, line: &mut LogLine<'a>) {
    line.operation = "REST.HEAD.OBJECT";
    line.key = object.key;
    line.uri = Uri::Line { method: "HEAD", root: "", path: object.path, query: b"" };
    line.object_size = Some(object.size);
}

/// A picture on a page. Browsers often have it cached (304).
pub(super) fn picture<'a>(
    world: &'a World,
    prefix: Prefix,
    client: &Client,
    line: &mut LogLine<'a>,
    rng: &mut Rng,
) {
    get(world.objects.popular(prefix, rng), line);
    if !rng.once_in(12) {
        line.referer = Quoted::Text(world.clients.referer(rng));
    }
    if rng.once_in(8) {
        line.status = 304;
        line.bytes_sent = 0;
    } else if rng.once_in(3000) {
        line.fail(503, "SlowDown", rng);
        return;
    }
    line.take_time(client.speed, rng);
}

/// A film or a podcast: the complete object, or a range of `part` bytes.
fn play<'a>(
    client: &Client,
    object: Object<'a>,
    part: u64,
    players: &[&'static str],
    line: &mut LogLine<'a>,
    rng: &mut Rng,
) {
    get(object, line);
    if part < object.size {
        line.status = 206;
        line.bytes_sent = part;
    }
    // Each client has one player.
    let player = players[usize::from(client.agent) % players.len()];
    line.user_agent = Quoted::Text(player.as_bytes());
    line.take_time(client.speed, rng);
    if rng.once_in(900) {
        line.fail(416, "InvalidRange", rng);
    }
}

/// Pages that do not exist.
const MISSING_PAGES: [&str; 4] =
    ["apple-touch-icon.png", "ads.txt", "old/contact.html", ".well-known/security.txt"];

/// The website endpoint: plain HTTP, and some pages are missing.
fn website<'a>(world: &'a World, client: &Client, line: &mut LogLine<'a>, rng: &mut Rng) {
    get(world.objects.popular(Prefix::Site, rng), line);
    line.operation = "WEBSITE.GET.OBJECT";
    line.host = HOST_WEBSITE;
    line.transport = Transport::Plain;
    line.take_time(client.speed, rng);
    if rng.once_in(9) {
        let path = rng.pick(&MISSING_PAGES).as_bytes();
        line.key = path;
        line.uri = Uri::Line { method: "GET", root: "", path, query: b"" };
        line.fail(404, "NoSuchKey", rng);
    }
}

/// Links to objects that were deleted or are not public. S3 returns 403 instead of 404 to clients that may not list the
/// bucket.
fn missing<'a>(world: &'a World, line: &mut LogLine<'a>, rng: &mut Rng) {
    let object = world.objects.popular(Prefix::Archive, rng);
    get(object, line);
    line.referer = Quoted::Text(world.clients.referer(rng));
    if rng.once_in(2) {
        line.fail(403, "AccessDenied", rng);
        return;
    }
    line.requester = clients::WEB_APP.as_bytes();
    line.signing = Signing::Header;
    line.user_agent = Quoted::Text(clients::SDKS[3].as_bytes());
    line.remote_ip = b"10.4.1.20";
    line.region = "eu-west-1";
    line.take_time(20_000, rng);
    if line.time >= incidents::ARCHIVE_GONE || rng.once_in(2) {
        line.fail(404, "NoSuchKey", rng);
    }
}
