//! Crawlers, scans, and strangers who try well-known paths.

use super::World;
use crate::agents;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::{ABSENT, Client, Object, Request, Signature, Text, Tls};

pub(super) fn crawler(
    month: &mut Month,
    world: &World,
    name: &str,
    (agents, addresses): (&[Text], &[Text]),
    per_day: f64,
    random: &mut Random,
) {
    let number = month.stream(name);
    let robots = month.text("robots.txt");
    let agents = agents.to_vec();
    // A crawler visits all objects in an order of its own, again and again.
    let mut order: Vec<usize> = world.popular.clone();
    random.shuffle(&mut order);
    for (count, time) in month.times(per_day, None, name, random).into_iter().enumerate() {
        let client = Client {
            ip: *random.pick(addresses),
            requester: ABSENT,
            agent: *random.pick(&agents),
            signature: Signature::Anonymous,
            tls: Tls::V13,
            in_region: false,
            access_point: "",
        };
        let object = world.objects[order[count % order.len()]];
        let mut request = Request::get(time, client, object);
        request.operation = world.get;
        match random.unit() {
            at if at < 0.03 => {
                request.key = robots;
                request = request.failed(404, "NoSuchKey");
            }
            at if at < 0.06 => request = request.failed(404, "NoSuchKey"),
            at if at < 0.36 => request = request.not_modified(),
            _ => {}
        }
        month.push(Request { stream: number, ..request });
    }
}

/// Well-known paths that strangers try.
pub(crate) const PROBES: [&str; 24] = [
    ".env",
    ".git/config",
    "wp-login.php",
    "backup.zip",
    "backup.sql",
    "config.json",
    ".aws/credentials",
    "index.php",
    "admin/",
    "db.sql",
    "robots.txt",
    "favicon.ico",
    ".DS_Store",
    "phpinfo.php",
    "server-status",
    "test.txt",
    "credentials.json",
    "wp-config.php",
    "dump.sql",
    "site.tar.gz",
    ".well-known/security.txt",
    "config.php",
    "id_rsa",
    "api/",
];

pub(super) fn noise(month: &mut Month, world: &World, per_day: f64, random: &mut Random) {
    const AGENTS: [&str; 6] = [
        "Mozilla/5.0 zgrab/0.x",
        "Go-http-client/1.1",
        "curl/7.88.1",
        "python-requests/2.31.0",
        "Mozilla/5.0",
        "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)",
    ];
    let number = month.stream("internet noise");
    for start in month.times(per_day, None, "internet noise", random) {
        let address = agents::hosting_address(random);
        let client = month.client(&address, "-", AGENTS[random.index(AGENTS.len())]);
        let mut time = f64::from(start);
        for _ in 0..random.geometric(3.0).min(12) {
            let key = month.text(PROBES[random.index(PROBES.len())]);
            let request = Request::get(time as u32, client, Object { key, size: 0 });
            let is_missing = world.is_public && random.chance(0.5);
            let request = if is_missing {
                request.failed(404, "NoSuchKey")
            } else {
                request.failed(403, "AccessDenied")
            };
            month.push(Request { stream: number, ..request });
            time += random.exponential(3.0);
        }
        if random.chance(0.2) {
            let request = Request::list(time as u32, client).failed(403, "AccessDenied");
            month.push(Request { stream: number, ..request });
        }
    }
}

pub(super) fn security_scan(
    month: &mut Month,
    client: Client,
    weekday: u32,
    requests: u64,
    random: &mut Random,
) {
    let number = month.stream("security scan");
    let first = (7 + weekday - month.first_weekday) % 7;
    for day in (first..month.days).step_by(7) {
        let mut time = f64::from(day * DAY + 4 * HOUR);
        for at in 0..requests as usize {
            let probe = PROBES[at % PROBES.len()];
            let folder =
                ["", "old/", "bak/", "dev/", "test/", "www/", "data/", "api/"][at / PROBES.len() % 8];
            let key = month.text(&format!("{folder}{probe}"));
            let request = Request::get(time as u32, client, Object { key, size: 0 }).failed(404, "NoSuchKey");
            month.push(Request { stream: number, ..request });
            time += random.exponential(2.0);
        }
    }
}
