//! Plants incidents of each kind into a month.

mod access;
mod clients;
mod volume;

use crate::buckets::Bucket;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::{ABSENT, Client, Request};
use crate::traffic::{self, World};
use crate::truth::{Incident, Kind, Strength};

/// The kinds and strengths of incidents of a month: three to six, none for a quiet month.
pub(crate) fn plan(seed: u64, bucket: Bucket, only: Option<&[Kind]>) -> Vec<(Kind, Strength)> {
    let mut random = Random::new(seed, 1000 + bucket as u64);
    let mut kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| happens_in(*kind, bucket)).collect();
    if let Some(only) = only {
        kinds.retain(|kind| only.contains(kind));
    }
    random.shuffle(&mut kinds);
    // A burst within a level shift would be an incident within another.
    if let (Some(burst), Some(shift)) = (
        kinds.iter().position(|kind| *kind == Kind::Burst),
        kinds.iter().position(|kind| *kind == Kind::LevelShift),
    ) {
        kinds.remove(burst.max(shift));
    }
    kinds.truncate(3 + random.index(4));
    kinds
        .into_iter()
        .map(|kind| (kind, Strength::ALL[((seed + kind as u64 + bucket as u64) % 3) as usize]))
        .collect()
}

fn happens_in(kind: Kind, bucket: Bucket) -> bool {
    match kind {
        // Pages show pictures that everybody may read. The other buckets have none.
        Kind::HotLinking => matches!(bucket, Bucket::Media | Bucket::Website | Bucket::Shop),
        // Only jobs use backups, and a longer run of a job is not a burst.
        Kind::Burst => bucket != Bucket::Backup,
        _ => true,
    }
}

/// Generates the month of a bucket with these incidents.
pub(crate) fn generate(seed: u64, bucket: Bucket, plan: &[(Kind, Strength)]) -> Month {
    // A quiet month differs from the one with incidents.
    let quiet = u64::from(plan.is_empty());
    let mut month = Month::new(seed, 10 * bucket as u64 + quiet, bucket.rhythm());
    let world = bucket.world(&mut month);
    let mut random = month.random.split();
    for (kind, strength) in plan {
        match kind {
            Kind::Silence => volume::plan_silence(&mut month, &world, *strength, &mut random),
            Kind::LevelShift => volume::plan_shift(&mut month, &world, *strength, &mut random),
            _ => {}
        }
    }
    traffic::generate(&mut month, &world);
    for (kind, strength) in plan {
        let mut random = random.split();
        plant(&mut month, &world, *kind, *strength, &mut random);
    }
    volume::mark_shift(&mut month);
    let mut random = month.random.split();
    for _ in 0..random.below(3) {
        let start = random.below(u64::from(month.end)) as u32;
        let end = start + random.between(1, 4) as u32 * HOUR;
        // Records of short incidents must not be lost.
        let hits = month.incidents.iter().any(|incident| {
            incident.end - incident.start < 4 * DAY
                && incident.start < end + 2 * HOUR
                && start < incident.end + 2 * HOUR
        });
        if !hits {
            month.gaps.push((start, end));
        }
    }
    month.finish();
    for index in 0..month.incidents.len() {
        month.incidents[index].requests =
            month.requests.iter().filter(|request| request.incidents & (1 << index) != 0).count() as u64;
    }
    month
}

fn plant(month: &mut Month, world: &World, kind: Kind, strength: Strength, random: &mut Random) {
    let planted = match kind {
        Kind::Scraping => clients::scraping(month, world, strength, random),
        Kind::KeyGuessing => clients::key_guessing(month, world, strength, random),
        Kind::BandwidthHog => clients::bandwidth_hog(month, world, strength, random),
        Kind::HotLinking => clients::hot_linking(month, world, strength, random),
        Kind::RetryStorm => clients::retry_storm(month, world, strength, random),
        Kind::NewAgent => clients::new_agent(month, world, strength, random),
        Kind::RangeAbuse => clients::range_abuse(month, world, strength, random),
        Kind::CredentialMisuse => access::credential_misuse(month, world, strength, random),
        Kind::MassDeletion => access::mass_deletion(month, world, strength, random),
        Kind::ConfigChange => access::config_change(month, world, strength, random),
        Kind::InsecureAccess => access::insecure_access(month, world, strength, random),
        Kind::Burst => volume::burst(month, world, strength, random),
        // Planned before the ordinary traffic.
        Kind::Silence | Kind::LevelShift => return,
    };
    add(month, planted);
}

/// An incident and its records, which are not in the month yet.
struct Planted {
    incident: Incident,
    requests: Vec<Request>,
}

fn add(month: &mut Month, planted: Planted) {
    let Planted { mut incident, requests } = planted;
    let bit = 1u16 << month.incidents.len();
    let stream = month.stream(&format!("incident: {}", incident.kind.name()));
    for mut request in requests {
        request.time = request.time.min(month.end - 2 * HOUR);
        request.incidents |= bit;
        request.stream = stream;
        incident.start = incident.start.min(request.time);
        incident.end = incident.end.max(request.time + 1);
        month.push(request);
    }
    month.incidents.push(incident);
}

/// A start after at least five days of history and before the last day and a half.
fn start(month: &Month, duration: u32, random: &mut Random) -> u32 {
    let last = month.end.saturating_sub(duration + 36 * HOUR).max(5 * DAY + 1);
    let at = 5 * DAY + random.below(u64::from(last - 5 * DAY)) as u32;
    if random.chance(0.4) && duration < 6 * HOUR {
        // At night.
        return at / DAY * DAY + HOUR + random.below(3 * u64::from(HOUR)) as u32;
    }
    at
}

/// `count` times within the duration, in order.
fn spread_over(start: u32, duration: u32, count: usize, random: &mut Random) -> Vec<u32> {
    let mut times: Vec<u32> =
        (0..count).map(|_| start + random.below(u64::from(duration.max(1))) as u32).collect();
    times.sort_unstable();
    times
}

const TOOLS: [&str; 10] = [
    "python-requests/2.32.3",
    "curl/8.5.0",
    "Go-http-client/2.0",
    "Wget/1.21.4",
    "Scrapy/2.11.1 (+https://scrapy.org)",
    "Java/17.0.10",
    "axios/1.6.8",
    "libwww-perl/6.72",
    "aria2/1.37.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/121.0.6167.57 Safari/537.36",
];

/// One of the texts that does not occur in the month yet, so that incidents have nothing in common.
fn unused(month: &Month, texts: &[&str], random: &mut Random) -> String {
    let first = random.index(texts.len());
    let rotated = texts[first..].iter().chain(&texts[..first]);
    let mut candidates = rotated.filter(|text| !month.texts.has(text));
    match candidates.next() {
        Some(text) => (*text).to_owned(),
        None => format!("{}{}", texts[first], random.between(10, 99)),
    }
}

/// Programs that sign their requests.
const SIGNING_TOOLS: [&str; 9] = [
    "Boto3/1.28.57 md/Botocore#1.31.57 ua/2.0 os/windows#10 lang/python#3.9.13",
    "rclone/v1.60.1",
    "aws-cli/2.9.19 Python/3.9.11 Darwin/22.3.0 exe/x86_64 prompt/off command/s3.cp",
    "MinIO (linux; amd64) minio-go/v7.0.70 mc/RELEASE.2024-05-09T17-04-24Z",
    "aws-sdk-go-v2/1.20.1 os/linux lang/go#1.20.7 md/GOOS#linux",
    "s5cmd/v2.2.2",
    "aws-sdk-js/3.370.0 ua/2.0 os/linux#5.15 lang/js md/nodejs#18.16.0",
    "Cyberduck/8.6.0.39818 (Mac OS X/13.3.1) (x86_64)",
    "aws-sdk-nodejs/2.1374.0 darwin/v16.20.0",
];

/// The user agent of a program that has not been seen before.
fn tool(month: &Month, is_signing: bool, random: &mut Random) -> String {
    if is_signing { unused(month, &SIGNING_TOOLS, random) } else { unused(month, &TOOLS, random) }
}

/// A principal that has not been seen before.
fn new_principal(month: &Month, random: &mut Random) -> String {
    const PRINCIPALS: [&str; 6] = [
        "arn:aws:iam::123456789012:user/temp-export",
        "arn:aws:iam::998877665544:user/dataservices",
        "arn:aws:iam::123456789012:user/contractor-7",
        "arn:aws:iam::123456789012:user/j.doe",
        "arn:aws:sts::445566778899:assumed-role/partner-sync/session-1",
        "arn:aws:iam::123456789012:user/ci-legacy",
    ];
    unused(month, &PRINCIPALS, random)
}

/// A stranger's clients: one address, some of a network, or some of several networks; all with the same agent.
fn strangers(
    month: &mut Month,
    world: &World,
    agent: &str,
    is_distributed_widely: bool,
    random: &mut Random,
) -> (Vec<Client>, &'static str) {
    let (addresses, about): (Vec<String>, _) = match random.below(10) {
        0..5 => (vec![crate::agents::hosting_address(random)], "from one address"),
        5..8 => {
            let address = crate::agents::hosting_address(random);
            let network = address.rsplit_once('.').map_or("", |(network, _)| network);
            let mut hosts: Vec<u64> = (1..255).collect();
            random.shuffle(&mut hosts);
            let count = 3 + random.index(10);
            (hosts[..count].iter().map(|host| format!("{network}.{host}")).collect(), "from a /24")
        }
        _ if is_distributed_widely => {
            let count = 4 + random.index(12);
            ((0..count).map(|_| crate::agents::hosting_address(random)).collect(), "from many networks")
        }
        _ => (vec![crate::agents::hosting_address(random)], "from one address"),
    };
    let requester = if world.is_public { "-".to_owned() } else { new_principal(month, random) };
    let mut clients: Vec<Client> =
        addresses.iter().map(|address| month.client(address, &requester, agent)).collect();
    for client in &mut clients {
        client.in_region = false;
    }
    (clients, about)
}

/// The values that identify clients: the address if there is one, the network if there is one, and so on.
fn subjects_of(month: &Month, clients: &[Client], has_own_agent: bool) -> Vec<(&'static str, String)> {
    let mut subjects = Vec::new();
    let first = clients[0];
    let text = |text| month.texts.get(text).to_owned();
    if clients.iter().all(|client| client.ip == first.ip) {
        subjects.push(("remote_ip", text(first.ip)));
    }
    let network = |client: &Client| {
        month.texts.get(client.ip).rsplit_once('.').map(|(network, _)| format!("{network}.0/24"))
    };
    if let Some(of_first) = network(&first)
        && clients.iter().all(|client| network(client).as_ref() == Some(&of_first))
    {
        subjects.push(("network", of_first));
    }
    if first.requester != ABSENT {
        subjects.push(("requester", text(first.requester)));
        subjects.push(("role", role_of(&text(first.requester))));
    }
    if has_own_agent {
        subjects.push(("user_agent", text(first.agent)));
    }
    subjects
}

/// The name of a principal as the dimension `role` has it.
fn role_of(requester: &str) -> String {
    let resource = requester.rsplit(':').next().unwrap_or(requester);
    match resource.strip_prefix("assumed-role/") {
        Some(role) => format!("role/{}", role.split('/').next().unwrap_or(role)),
        None => resource.to_owned(),
    }
}
