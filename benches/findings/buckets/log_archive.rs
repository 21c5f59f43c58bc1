//! An archive of the logs of many accounts: services deliver small files all the time, a system that watches over security
//! (SIEM) reads each, and S3 copies each to another region. Few people come here, most of all auditors in the first weeks of a
//! quarter.
//!
//! Services have neither address nor user agent in the log (`svc:cloudtrail.amazonaws.com`), so incidents in the name of a known
//! principal take others.

use super::{ATHENA, CONSOLE, GO, Objects, SDK_SPARK, company, private, role, shuffled};
use crate::agents::People;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::{Client, Tls};
use crate::traffic::{Deliveries, Every, Job, LogSource, Step, Stream, World, service};

const SIEM: &str = "Elastic-filebeat/8.13.2 (linux; amd64; a2b3; 2024-04-05 12:00:00 +0000 UTC) aws-sdk-go-v2/1.26.1 os/linux lang/go#1.21.9 md/GOOS#linux md/GOARCH#amd64 api/s3#1.53.1";

/// Accounts with the regions that they use: account, region, files of CloudTrail in five minutes, share that follows people.
const ACCOUNTS: [(&str, &str, f64, f64); 9] = [
    ("111122223333", "eu-west-1", 0.8, 0.5),
    ("111122223333", "us-east-1", 0.35, 0.1),
    ("222233334444", "eu-west-1", 0.65, 0.3),
    ("222233334444", "eu-central-1", 0.4, 0.2),
    ("333344445555", "eu-west-1", 0.4, 0.8),
    ("333344445555", "us-east-1", 0.2, 0.3),
    ("444455556666", "eu-west-1", 0.3, 0.9),
    ("555566667777", "eu-west-1", 0.15, 0.6),
    ("666677778888", "us-east-1", 0.06, 0.0),
];

const ORGANISATION: &str = "AWSLogs/o-4k2mzq7x1p";

pub(super) fn world(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Objects::new(month, random);
    let trails = objects.add(1500, 4.0e4, 1.0, |at| {
        let (account, region, ..) = ACCOUNTS[at * ACCOUNTS.len() / 1500];
        let (day, hour, minute) = (at % 166 / 6 + 1, at % 6 * 4, at * 5 % 60);
        let id = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            "{ORGANISATION}/{account}/CloudTrail/{region}/2024/12/{day:02}/\
             {account}_CloudTrail_{region}_202412{day:02}T{hour:02}{minute:02}Z_{id:016x}.json.gz"
        )
    });
    let flows = objects.add(600, 1.8e6, 0.5, |at| {
        let (day, hour) = (at / 24 + 1, at % 24);
        format!(
            "{ORGANISATION}/111122223333/vpcflowlogs/eu-west-1/2024/12/{day:02}/\
             111122223333_vpcflowlogs_eu-west-1_fl-0a61c2_202412{day:02}T{hour:02}00Z_{at:08x}.log.gz"
        )
    });
    let tables = objects.add(360, 6.0e7, 0.5, |at| {
        format!("lake/eventday=202412{:02}/region={}/part-{at:05}.gz.parquet", at / 12 + 1, at % 3)
    });
    let objects = objects.list;
    let popular = shuffled(&[tables.clone(), flows.clone(), trails.clone()], random);
    let people = People::new(month, 40, 0, random);
    let readers: Vec<Client> = ["10.0.18.10", "10.0.18.11"]
        .map(|address| role(month, address, "siem-ingest", "filebeat", SIEM))
        .to_vec();
    let copier = Client {
        tls: Tls::V12,
        in_region: true,
        ..role(month, "-", "log-replication", "s3-replication", "-")
    };
    let analysts: Vec<Client> = ["olga", "pavel", "quinn"]
        .iter()
        .map(|name| role(month, "34.243.17.60", "security-analyst", &format!("{name}@acme.example"), ATHENA))
        .collect();
    let members = vec![
        readers[0],
        role(month, "10.0.18.30", "log-tables", "i-0c11", SDK_SPARK),
        role(month, "10.0.18.44", "evidence-report", "report", GO),
        analysts[0],
        analysts[1],
    ];
    // The readers are updated on some workdays.
    let maintenance: Vec<(u32, u32)> = (0..month.days)
        .filter(|day| month.is_workday(*day) && random.chance(0.07))
        .collect::<Vec<u32>>()
        .into_iter()
        .map(|day| {
            let start = day * DAY + random.between(9, 16) as u32 * HOUR + random.below(3600) as u32;
            (start, start + random.between(8, 40) as u32 * 60)
        })
        .collect();
    let delivered = |names: [&'static str; 3], by: Client, readers: &[Client], sources: Vec<LogSource>| {
        Stream::Deliveries(Deliveries {
            name: names[0],
            read: names[1],
            copied: names[2],
            by,
            readers: readers.to_vec(),
            copier,
            sources,
            maintenance: maintenance.clone(),
        })
    };
    let (trail, flow, config, balancer) = (
        service(month, "cloudtrail"),
        service(month, "delivery.logs"),
        service(month, "config"),
        service(month, "logdelivery.elasticloadbalancing"),
    );
    let mut streams = vec![
        delivered(["trails", "trails read", "trails copied"], trail, &readers, trail_sources()),
        delivered(["flow logs", "flow logs read", "flow logs copied"], flow, &readers, flow_sources()),
        delivered(
            ["load balancer logs", "load balancer logs read", "load balancer logs copied"],
            balancer,
            &readers,
            balancer_sources(),
        ),
        delivered(
            ["configurations", "configurations read", "configurations copied"],
            config,
            &[],
            config_sources(),
        ),
        Stream::Job(Job {
            name: "hourly tables",
            every: Every::Hour(900),
            jitter: 200,
            takes: 500,
            steps: vec![
                Step::List(9.0),
                Step::Read { of: flows.clone(), count: 14.0 },
                Step::Put { prefix: "lake/new/", extension: "gz.parquet", count: 3.0, size: 50_000_000 },
            ],
            ..Job::by(members[1])
        }),
        Stream::Job(Job {
            name: "evidence report",
            every: Every::Day(3 * HOUR),
            takes: 800,
            steps: vec![
                Step::List(30.0),
                Step::Heads { of: trails.clone(), count: 150.0 },
                Step::Put { prefix: "evidence/", extension: "json", count: 4.0, size: 90_000 },
            ],
            spread: 0.1,
            ..Job::by(members[2])
        }),
        Stream::Queries { name: "analysts' queries", clients: analysts, per_day: 9.0, reads: 55.0 },
    ];
    streams.extend(company(
        month,
        random,
        (420, "AWSLogs/o-4k2mzq7x1p/111122223333/CloudTrail/old/"),
        0.6,
        1.2,
    ));
    streams.extend(auditors(month, trails.start..tables.end, random));
    World {
        large: tables.collect(),
        streams,
        members,
        growable: vec![
            vec!["flow logs", "flow logs read", "flow logs copied"],
            vec!["load balancer logs", "load balancer logs read", "load balancer logs copied"],
            vec!["trails", "trails read", "trails copied"],
            vec!["analysts' queries"],
        ],
        stoppable: vec![
            ("trails", 300),
            ("flow logs", 600),
            ("load balancer logs", 300),
            ("hourly tables", HOUR),
            ("evidence report", DAY),
        ],
        ..private(objects, popular, 0.5, people)
    }
}

fn source(
    folder: String,
    stem: String,
    extension: &'static str,
    (every, files, of_people): (u32, f64, f64),
    size: f64,
) -> LogSource {
    LogSource { folder, stem, extension, every, files, of_people, size }
}

fn trail_sources() -> Vec<LogSource> {
    let files = ACCOUNTS.iter().map(|(account, region, files, of_people)| {
        source(
            format!("{ORGANISATION}/{account}/CloudTrail/{region}"),
            format!("{account}_CloudTrail_{region}"),
            "json.gz",
            (300, *files, *of_people),
            3.5e4,
        )
    });
    // Each hour, a file with the hashes of the others.
    let digests = ACCOUNTS.iter().map(|(account, region, ..)| {
        source(
            format!("{ORGANISATION}/{account}/CloudTrail-Digest/{region}"),
            format!("{account}_CloudTrail-Digest_{region}_organisation_eu-west-1"),
            "json.gz",
            (HOUR, 1.0, 0.0),
            2.2e3,
        )
    });
    files.chain(digests).collect()
}

fn flow_sources() -> Vec<LogSource> {
    [("111122223333", "fl-0a61c2"), ("222233334444", "fl-07be11"), ("333344445555", "fl-0d9034")]
        .map(|(account, name)| {
            source(
                format!("{ORGANISATION}/{account}/vpcflowlogs/eu-west-1"),
                format!("{account}_vpcflowlogs_eu-west-1_{name}"),
                "log.gz",
                (600, 1.0, 0.0),
                1.4e6,
            )
        })
        .to_vec()
}

fn balancer_sources() -> Vec<LogSource> {
    // Each node of a balancer has a file of its own; with more traffic there are more nodes.
    [("app/web/50dc6c495c0c9188", 1.0, 0.5), ("app/api/8f1d02ac7711be09", 0.7, 0.2)]
        .map(|(name, files, of_people)| {
            let stem = name.replace('/', ".");
            source(
                format!("{ORGANISATION}/111122223333/elasticloadbalancing/eu-west-1"),
                format!("111122223333_elasticloadbalancing_eu-west-1_{stem}"),
                "log.gz",
                (300, files, of_people),
                2.6e5,
            )
        })
        .to_vec()
}

fn config_sources() -> Vec<LogSource> {
    let mut accounts: Vec<(&str, &str)> =
        ACCOUNTS.iter().map(|(account, region, ..)| (*account, *region)).collect();
    accounts.dedup();
    let of_kind = |kind: &'static str, every: u32, files: f64, size: f64| {
        accounts.iter().map(move |(account, region)| {
            source(
                format!("{ORGANISATION}/{account}/Config/{region}"),
                format!("{account}_Config_{region}_{kind}"),
                "json.gz",
                (every, files, 0.3),
                size,
            )
        })
    };
    of_kind("ConfigHistory", 6 * HOUR, 3.0, 8.0e3).chain(of_kind("ConfigSnapshot", DAY, 1.0, 3.0e5)).collect()
}

/// Auditors of another company look at samples on some days of the first month of a quarter.
fn auditors(month: &mut Month, of: std::ops::Range<usize>, random: &mut Random) -> Option<Stream> {
    let (_, of_year, _) = month.date(0);
    if of_year % 3 != 1 {
        return None;
    }
    let first = random.between(6, 16) as u32;
    let mut sessions = Vec::new();
    for day in (first..first + 9).filter(|day| month.is_workday(*day)) {
        sessions.extend(
            (0..1 + random.below(3))
                .map(|_| day * DAY + random.between(8, 16) as u32 * HOUR + random.below(3600) as u32),
        );
    }
    let auditor = month.client(
        "203.0.113.88",
        "arn:aws:sts::123456789012:assumed-role/external-auditor/m.weber@audit.example",
        CONSOLE,
    );
    Some(Stream::Job(Job {
        name: "auditors",
        every: Every::At(sessions),
        jitter: 0,
        takes: 2400,
        steps: vec![Step::List(14.0), Step::Read { of, count: 30.0 }],
        spread: 0.5,
        ..Job::by(auditor)
    }))
}
