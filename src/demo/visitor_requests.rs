//! The traffic that nobody need worry about: a shop with films, pictures, podcasts and papers.

use super::World;
use super::clients::{self, Client};
use super::incidents;
use super::log_line::{Entry, HOST_WEBSITE, Quoted, Signing, Transport, Uri};
use super::objects::{Object, Shelf};
use super::random::Rng;
use super::signed_requests;

/// Buffers used again for every line.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) first: Vec<u8>,
    pub(super) second: Vec<u8>,
}

/// Kinds of requests, with how many of a thousand are of each.
const MIX: [(u64, Kind); 17] = [
    (235, Kind::Thumbnail),
    (205, Kind::Image),
    (225, Kind::Stream),
    (78, Kind::Film),
    (30, Kind::Podcast),
    (48, Kind::Download),
    (62, Kind::CloudFront),
    (30, Kind::Upload),
    (22, Kind::Etl),
    (8, Kind::Listing),
    (14, Kind::Head),
    (17, Kind::Website),
    (13, Kind::Crawler),
    (3, Kind::Partner),
    (4, Kind::Monitor),
    (2, Kind::Console),
    (4, Kind::Missing),
];

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Thumbnails on the shop's pages.
    Thumbnail,
    /// Pictures on them.
    Image,
    /// HLS.
    Stream,
    /// Parts of MP4 films, by range.
    Film,
    Podcast,
    /// Papers by presigned link, saved under a nice name.
    Download,
    /// What CloudFront has not cached.
    CloudFront,
    Upload,
    /// The data people's programs, through an access point.
    Etl,
    Listing,
    Head,
    Website,
    Crawler,
    /// SigV2 and TLS 1.0 where they should be long gone.
    Partner,
    /// Is it still there? With an empty referer.
    Monitor,
    Console,
    /// Old links.
    Missing,
}

/// Appends one ordinary request at this time; tells the bytes sent.
pub(super) fn write<'a>(
    world: &'a World,
    time: u32,
    rng: &mut Rng,
    scratch: &'a mut Scratch,
    out: &mut Vec<u8>,
) -> u64 {
    let Scratch { first, second } = scratch;
    let mut ticket = rng.below(1000);
    let mut kind = Kind::Missing;
    for (weight, candidate) in MIX {
        if ticket < weight {
            kind = candidate;
            break;
        }
        ticket -= weight;
    }
    let client = world.people.somebody(rng);
    let mut entry = Entry::new(time, rng);
    entry.remote_ip = &client.ip;
    entry.transport = client.transport;
    entry.user_agent = Quoted::Text(world.people.browser(client));
    let entry = &mut entry;
    match kind {
        Kind::Thumbnail => picture(world, Shelf::Thumbnails, client, entry, rng),
        Kind::Image => picture(world, Shelf::Images, client, entry, rng),
        Kind::Stream => {
            let object = world.catalogue.popular(Shelf::Hls, rng);
            play(client, object, object.size, &clients::PLAYERS, entry, rng);
        }
        Kind::Film => {
            let object = world.catalogue.popular(Shelf::Videos, rng);
            let part = (1 << rng.between(18, 24)) + rng.below(1 << 20);
            play(client, object, part, &clients::PLAYERS, entry, rng);
        }
        Kind::Podcast => {
            let object = world.catalogue.popular(Shelf::Podcasts, rng);
            // Listeners skip, and lose their connection: most get a part.
            let part = if rng.once_in(5) { object.size } else { rng.between(65_536, object.size / 4) };
            play(client, object, part, &clients::PODCATCHERS, entry, rng);
            entry.acl_required = true;
        }
        Kind::Download => signed_requests::download(world, client, entry, rng, first),
        Kind::CloudFront => signed_requests::cloudfront(world, entry, rng),
        Kind::Upload => signed_requests::upload(world, entry, rng, first, second),
        Kind::Etl => signed_requests::etl(world, entry, rng, first),
        Kind::Listing => signed_requests::listing(entry, rng, first),
        Kind::Head => {
            let shelf = *rng.pick(&[Shelf::Videos, Shelf::Images, Shelf::Podcasts]);
            head(world.catalogue.popular(shelf, rng), entry);
            entry.user_agent = Quoted::Text(rng.pick(&clients::PLAYERS).as_bytes());
            entry.take_time(client.speed, rng);
        }
        Kind::Website => website(world, client, entry, rng),
        Kind::Crawler => {
            picture(world, *rng.pick(&[Shelf::Images, Shelf::Thumbnails]), client, entry, rng);
            entry.remote_ip = rng.pick(&CRAWLER_ADDRESSES).as_bytes();
            entry.user_agent = Quoted::Text(rng.pick(&clients::CRAWLERS).as_bytes());
            entry.referer = Quoted::Absent;
        }
        Kind::Partner => signed_requests::partner(world, entry, rng),
        Kind::Monitor => {
            head(world.catalogue.object(world.catalogue.shelf(Shelf::Site).start), entry);
            entry.remote_ip = b"10.4.0.9";
            entry.referer = Quoted::Text(b"");
            entry.user_agent = Quoted::Text(rng.pick(&clients::ODD_AGENTS).as_bytes());
            entry.take_time(client.speed, rng);
        }
        Kind::Console => signed_requests::console(entry, rng),
        Kind::Missing => missing(world, entry, rng),
    }
    entry.write(rng.next(), out);
    entry.bytes_sent
}

const CRAWLER_ADDRESSES: [&str; 4] =
    ["100.66.249.10", "100.66.249.11", "100.66.249.73", "2001:db8:4860:1006::42"];

/// A whole GET.
pub(super) fn get<'a>(object: Object<'a>, entry: &mut Entry<'a>) {
    entry.key = object.key;
    entry.uri = Uri::Line { method: "GET", root: "", path: object.path, query: b"" };
    entry.bytes_sent = object.size;
    entry.object_size = Some(object.size);
}

/// A HEAD: tells the size, sends nothing.
fn head<'a>(object: Object<'a>, entry: &mut Entry<'a>) {
    entry.operation = "REST.HEAD.OBJECT";
    entry.key = object.key;
    entry.uri = Uri::Line { method: "HEAD", root: "", path: object.path, query: b"" };
    entry.object_size = Some(object.size);
}

/// A picture on a page. The browser often has it already.
pub(super) fn picture<'a>(
    world: &'a World,
    shelf: Shelf,
    client: &Client,
    entry: &mut Entry<'a>,
    rng: &mut Rng,
) {
    get(world.catalogue.popular(shelf, rng), entry);
    if !rng.once_in(12) {
        entry.referer = Quoted::Text(world.people.referer(rng));
    }
    if rng.once_in(8) {
        entry.status = 304;
        entry.bytes_sent = 0;
    } else if rng.once_in(3000) {
        entry.fail(503, "SlowDown", rng);
        return;
    }
    entry.take_time(client.speed, rng);
}

/// A film or a podcast: the whole object, or a range of `part` bytes.
fn play<'a>(
    client: &Client,
    object: Object<'a>,
    part: u64,
    players: &[&'static str],
    entry: &mut Entry<'a>,
    rng: &mut Rng,
) {
    get(object, entry);
    if part < object.size {
        entry.status = 206;
        entry.bytes_sent = part;
    }
    // A client keeps its player.
    let player = players[usize::from(client.agent) % players.len()];
    entry.user_agent = Quoted::Text(player.as_bytes());
    entry.take_time(client.speed, rng);
    if rng.once_in(900) {
        entry.fail(416, "InvalidRange", rng);
    }
}

/// Pages that people and programs ask for, and that are not there.
const LOST_PAGES: [&str; 4] =
    ["apple-touch-icon.png", "ads.txt", "old/contact.html", ".well-known/security.txt"];

/// The website endpoint: plain HTTP, a page or none.
fn website<'a>(world: &'a World, client: &Client, entry: &mut Entry<'a>, rng: &mut Rng) {
    get(world.catalogue.popular(Shelf::Site, rng), entry);
    entry.operation = "WEBSITE.GET.OBJECT";
    entry.host = HOST_WEBSITE;
    entry.transport = Transport::Plain;
    entry.take_time(client.speed, rng);
    if rng.once_in(9) {
        let path = rng.pick(&LOST_PAGES).as_bytes();
        entry.key = path;
        entry.uri = Uri::Line { method: "GET", root: "", path, query: b"" };
        entry.fail(404, "NoSuchKey", rng);
    }
}

/// Links to what was deleted, or never public. Who may not list the bucket is told 403, not 404.
fn missing<'a>(world: &'a World, entry: &mut Entry<'a>, rng: &mut Rng) {
    let object = world.catalogue.popular(Shelf::Archive, rng);
    get(object, entry);
    entry.referer = Quoted::Text(world.people.referer(rng));
    if rng.once_in(2) {
        entry.fail(403, "AccessDenied", rng);
        return;
    }
    entry.requester = clients::WEB_APP.as_bytes();
    entry.signing = Signing::Header;
    entry.user_agent = Quoted::Text(clients::SDKS[3].as_bytes());
    entry.remote_ip = b"10.4.1.20";
    entry.region = "eu-west-1";
    entry.take_time(20_000, rng);
    if entry.time >= incidents::ARCHIVE_GONE || rng.once_in(2) {
        entry.fail(404, "NoSuchKey", rng);
    }
}
