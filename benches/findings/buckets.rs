//! The kinds of buckets, each with its objects, clients and ordinary traffic.

use std::ops::Range;

use crate::agents::{People, hosting_address};
use crate::month::{DAY, HOUR, Month, Rhythm};
use crate::random::{Random, Zipf};
use crate::record::{Client, Object, Text};
use crate::traffic::{Every, Job, Step, Stream, Visit, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bucket {
    /// Pictures and films for the public.
    Media,
    /// Tables for analyses, written and read by jobs.
    DataLake,
    /// A static website.
    Website,
    /// Backups of servers and databases.
    Backup,
    /// Documents of a web application's tenants. Nothing is tuned on it.
    SaasUploads,
}

impl Bucket {
    pub(crate) const ALL: [Bucket; 5] =
        [Bucket::Media, Bucket::DataLake, Bucket::Website, Bucket::Backup, Bucket::SaasUploads];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Bucket::Media => "media",
            Bucket::DataLake => "data-lake",
            Bucket::Website => "website",
            Bucket::Backup => "backup",
            Bucket::SaasUploads => "saas-uploads",
        }
    }

    pub(crate) fn rhythm(self) -> Rhythm {
        match self {
            Bucket::Media => Rhythm::Leisure,
            Bucket::Website => Rhythm::World,
            Bucket::DataLake | Bucket::Backup | Bucket::SaasUploads => Rhythm::Office,
        }
    }

    pub(crate) fn world(self, month: &mut Month) -> World {
        let mut random = month.random.split();
        match self {
            Bucket::Media => media(month, &mut random),
            Bucket::DataLake => data_lake(month, &mut random),
            Bucket::Website => website(month, &mut random),
            Bucket::Backup => backup(month, &mut random),
            Bucket::SaasUploads => saas_uploads(month, &mut random),
        }
    }
}

const SDK_JAVA: &str =
    "aws-sdk-java/2.25.6 Linux/5.10.210-201.852.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/17.0.10+7-LTS";
const SDK_SPARK: &str = "ElasticMapReduce/1.0.0 emrfs/s3n s3a user:hadoop,aws-sdk-java/1.12.656 Linux/5.10.210 OpenJDK_64-Bit_Server_VM/25.402-b08";
const BOTO: &str = "Boto3/1.34.84 md/Botocore#1.34.84 ua/2.0 os/linux#5.10 md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.84";
const CLI: &str = "aws-cli/2.15.38 Python/3.11.8 Linux/5.10.213-201.855.amzn2.x86_64 exe/x86_64.amzn.2 prompt/off command/s3.sync";
const CONSOLE: &str = "S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.695 Linux/5.10.213-179.855.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.402-b08 java/1.8.0_402";
const GO: &str = "aws-sdk-go/1.51.16 (go1.22.1; linux; amd64) S3Manager";
const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.7.5 (+https://www.terraform.io) terraform-provider-aws/5.44.0 aws-sdk-go-v2/1.26.1 os/linux lang/go#1.22.1";
const ATHENA: &str = "athena.amazonaws.com";

const AUDIT: &[(&str, &str)] = &[
    ("REST.GET.BUCKETPOLICY", "policy"),
    ("REST.GET.ACL", "acl"),
    ("REST.GET.PUBLIC_ACCESS_BLOCK", "publicAccessBlock"),
    ("REST.GET.ENCRYPTION", "encryption"),
    ("REST.GET.LOGGING_STATUS", "logging"),
    ("REST.GET.VERSIONING", "versioning"),
    ("REST.GET.LIFECYCLE", "lifecycle"),
    ("REST.GET.LOCATION", "location"),
];

fn role(month: &mut Month, ip: &str, role: &str, session: &str, agent: &str) -> Client {
    month.client(ip, &format!("arn:aws:sts::123456789012:assumed-role/{role}/{session}"), agent)
}

/// Objects with these keys, in order.
fn add_objects(
    month: &mut Month,
    objects: &mut Vec<Object>,
    count: usize,
    key: impl Fn(usize) -> String,
    size: f64,
    spread: f64,
    random: &mut Random,
) -> Range<usize> {
    let first = objects.len();
    for number in 0..count {
        let key = month.text(&key(number));
        objects.push(Object { key, size: (size * random.spread(spread)) as u64 });
    }
    first..objects.len()
}

/// The indexes of some ranges in random order.
fn shuffled(ranges: &[Range<usize>], random: &mut Random) -> Vec<usize> {
    let mut indexes: Vec<usize> = ranges.iter().cloned().flatten().collect();
    random.shuffle(&mut indexes);
    indexes
}

fn crawlers(month: &mut Month, per_day: f64, random: &mut Random) -> Vec<Stream> {
    let mut list: Vec<Stream> = Vec::new();
    let known: [(&'static str, &[&str], &str, f64); 4] = [
        (
            "googlebot",
            &[
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                "Googlebot-Image/1.0",
            ],
            "66.249.66.",
            1.0,
        ),
        (
            "bingbot",
            &[
                "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
            ],
            "157.55.39.",
            0.6,
        ),
        (
            "applebot",
            &[
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
            ],
            "17.241.75.",
            0.25,
        ),
        (
            "ahrefsbot",
            &["Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"],
            "54.36.148.",
            0.35,
        ),
    ];
    for (name, agents, network, share) in known {
        let agents = agents.iter().map(|agent| month.text(agent)).collect();
        let addresses: Vec<Text> = (0..4 + random.below(10))
            .map(|_| month.text(&format!("{network}{}", random.between(1, 254))))
            .collect();
        list.push(Stream::Crawler { name, agents, addresses, per_day: per_day * share });
    }
    list
}

fn monitors(
    month: &mut Month,
    name: &'static str,
    count: usize,
    every: u32,
    object: Object,
    random: &mut Random,
) -> Stream {
    let clients = (0..count)
        .map(|_| {
            let address = hosting_address(random);
            month.client(
                &address,
                "-",
                "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
            )
        })
        .collect();
    Stream::Monitor { name, clients, every, object }
}

fn employees(month: &mut Month, random: &mut Random) -> Vec<Client> {
    let office = format!("198.51.100.{}", random.between(2, 250));
    ["ann.lee@acme.example", "b.ortiz@acme.example", "chen@acme.example"]
        .map(|user| month.client(&office, &format!("arn:aws:iam::123456789012:user/{user}"), CONSOLE))
        .to_vec()
}

fn security_audit(month: &mut Month) -> Stream {
    let client = role(month, "10.0.3.17", "AWSServiceRoleForConfig", "config", SDK_JAVA);
    Stream::Job(Job {
        name: "configuration audit",
        clients: vec![client],
        role: None,
        every: Every::Day(6 * HOUR),
        jitter: 600,
        takes: 20,
        steps: vec![Step::Bucket(AUDIT)],
        spread: 0.0,
    })
}

/// A release in some months, after the first week.
fn release(
    month: &Month,
    name: &'static str,
    by: Client,
    objects: usize,
    size: u64,
    peak: f64,
    random: &mut Random,
) -> Option<Stream> {
    let is_released = random.chance(0.5);
    let day = random.between(5, u64::from(month.days) - 3) as u32;
    let day = (day..day + 3).find(|day| month.is_workday(*day)).unwrap_or(day);
    let at = day * DAY + random.between(8, 15) as u32 * HOUR;
    let peak = peak * random.range(0.6, 1.6);
    is_released.then_some(Stream::Release { name, by, at, objects, size, peak })
}

fn media(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Vec::new();
    let films: Vec<Range<usize>> = (0..45)
        .map(|film| {
            let segments = 20 + random.index(40);
            add_objects(
                month,
                &mut objects,
                segments,
                |at| format!("films/hls/{film:03}/segment-{at:05}.ts"),
                1.4e6,
                0.2,
                random,
            )
        })
        .collect();
    let masters = add_objects(
        month,
        &mut objects,
        60,
        |at| format!("films/masters/film-{at:04}.mp4"),
        9.0e7,
        0.5,
        random,
    );
    let images = add_objects(
        month,
        &mut objects,
        1500,
        |at| format!("images/2025/{:02}/IMG_{:05}.jpg", at / 125 + 1, at * 7),
        2.4e5,
        0.6,
        random,
    );
    let thumbs =
        add_objects(month, &mut objects, 1500, |at| format!("thumbs/{:05}.webp", at * 7), 1.4e4, 0.4, random);
    let popular = shuffled(&[images.clone(), thumbs.clone()], random);
    let people = People::new(month, 26_000, 3, random).with_app(
        month,
        "AcmeMedia/5.{}.0 (iPhone; iOS 17.4; Scale/3.00)",
        random,
    );
    let members = vec![
        role(month, "10.0.1.20", "transcoder", "i-0a1b2c3d4e5f60718", SDK_JAVA),
        role(month, "10.0.1.31", "thumbnailer", "thumbnailer", BOTO),
        month.client("10.4.0.9", "arn:aws:iam::123456789012:user/mirror", "rclone/v1.66.0"),
        role(month, "34.240.18.7", "deploy", "github-actions", CLI),
    ];
    let mut streams = vec![
        Stream::Visitors {
            name: "visitors of pages",
            sessions: 300.0,
            visit: Visit::Pages { requests: 9.0 },
        },
        Stream::Visitors { name: "viewers of films", sessions: 45.0, visit: Visit::Film(films.clone()) },
        Stream::Visitors { name: "players", sessions: 30.0, visit: Visit::Parts },
        Stream::Visitors {
            name: "app users",
            sessions: 110.0,
            visit: Visit::App { requests: 5.0, requester: None },
        },
        Stream::Noise { per_day: 3.0 },
        Stream::Job(Job {
            name: "transcoder",
            clients: vec![members[0]],
            role: None,
            every: Every::Hour(300),
            jitter: 400,
            takes: 900,
            steps: vec![
                Step::Read { of: masters.clone(), count: 2.0 },
                Step::Put { prefix: "films/hls/new/", extension: "ts", count: 14.0, size: 1_400_000 },
            ],
            spread: 0.35,
        }),
        Stream::Job(Job {
            name: "nightly thumbnails",
            clients: vec![members[1]],
            role: None,
            every: Every::Day(2 * HOUR),
            jitter: 900,
            takes: 1500,
            steps: vec![
                Step::List(2.0),
                Step::Read { of: images.clone(), count: 60.0 },
                Step::Put { prefix: "thumbs/new/", extension: "webp", count: 60.0, size: 14_000 },
            ],
            spread: 0.25,
        }),
        Stream::Job(Job {
            name: "weekly mirror",
            clients: vec![members[2]],
            role: None,
            every: Every::Week(6, 3 * HOUR),
            jitter: 120,
            takes: 5 * HOUR,
            steps: vec![Step::List(6.0), Step::ReadAll(0..objects.len())],
            spread: 0.0,
        }),
        Stream::Hub {
            name: "download hub",
            client: month.client("203.0.113.200", "-", "Artifactory/7.77.9 77709900"),
            per_hour: 14.0,
        },
        Stream::Console { clients: employees(month, random), per_day: 3.0 },
        security_audit(month),
        monitors(month, "uptime monitor", 2, 300, objects[images.start], random),
    ];
    streams.extend(crawlers(month, 260.0, random));
    streams.extend(release(month, "release of a film", members[3], 12, 3_000_000, 260.0, random));
    World {
        zipf: Zipf::new(popular.len(), 0.85),
        popular,
        large: masters.collect(),
        people,
        site: "https://www.acme.example",
        is_public: true,
        get: "REST.GET.OBJECT",
        streams,
        members,
        growable: vec![
            vec!["visitors of pages", "viewers of films", "players", "app users"],
            vec!["visitors of pages", "viewers of films", "players", "app users"],
            vec!["app users"],
            vec!["download hub"],
        ],
        stoppable: vec![
            ("nightly thumbnails", DAY),
            ("transcoder", HOUR),
            ("uptime monitor", 300),
            ("download hub", 300),
        ],
        objects,
    }
}

fn website(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Vec::new();
    let assets = add_objects(
        month,
        &mut objects,
        180,
        |at| format!("assets/app-{at:03}.{}", ["js", "css", "woff2"][at % 3]),
        6.0e4,
        0.9,
        random,
    );
    let docs = add_objects(
        month,
        &mut objects,
        420,
        |at| format!("docs/chapter-{:02}/page-{at:03}.html", at / 20),
        2.1e4,
        0.5,
        random,
    );
    let downloads = add_objects(
        month,
        &mut objects,
        14,
        |at| format!("downloads/acme-tool-1.{at}.0.zip"),
        4.5e7,
        0.3,
        random,
    );
    let pictures = add_objects(month, &mut objects, 380, |at| format!("img/{at:04}.png"), 9.0e4, 0.7, random);
    let popular = shuffled(&[assets.clone(), docs.clone(), pictures.clone()], random);
    let people = People::new(month, 22_000, 4, random);
    let members = vec![
        role(month, "34.240.18.7", "deploy", "github-actions", CLI),
        role(month, "10.0.7.4", "search-index", "indexer", BOTO),
    ];
    let favicon = month.text("favicon.ico");
    let mut deployments = Vec::new();
    for day in 0..month.days {
        if month.is_workday(day) && random.chance(0.55) {
            let runs = 1 + random.below(2);
            deployments.extend(
                (0..runs)
                    .map(|_| day * DAY + random.between(8, 18) as u32 * HOUR + random.below(3600) as u32),
            );
        }
    }
    let mut streams = vec![
        Stream::Visitors {
            name: "visitors of pages",
            sessions: 430.0,
            visit: Visit::Pages { requests: 6.0 },
        },
        Stream::Visitors { name: "downloads", sessions: 40.0, visit: Visit::Downloads { requests: 1.6 } },
        Stream::Noise { per_day: 9.0 },
        Stream::Job(Job {
            name: "deployment",
            clients: vec![members[0]],
            role: None,
            every: Every::At(deployments),
            jitter: 0,
            takes: 90,
            steps: vec![
                Step::List(1.0),
                Step::PutAll(assets.clone()),
                Step::BatchDelete { prefix: "assets/old/", count: 12.0 },
            ],
            spread: 0.2,
        }),
        Stream::Job(Job {
            name: "search index",
            clients: vec![members[1]],
            role: None,
            every: Every::Day(3 * HOUR),
            jitter: 300,
            takes: 400,
            steps: vec![
                Step::List(1.0),
                Step::ReadAll(docs.clone()),
                Step::Put { prefix: "search/", extension: "json", count: 4.0, size: 900_000 },
            ],
            spread: 0.1,
        }),
        Stream::Console { clients: employees(month, random), per_day: 1.0 },
        security_audit(month),
        monitors(month, "uptime monitor", 3, 300, Object { key: favicon, size: 1150 }, random),
    ];
    streams.extend(crawlers(month, 330.0, random));
    streams.extend(release(month, "release of the tool", members[0], 3, 45_000_000, 220.0, random));
    if random.chance(0.3) {
        let client = month.client(
            "52.17.9.171",
            "-",
            "Mozilla/5.0 (compatible; Detectify) +https://detectify.com/bot/",
        );
        streams.push(Stream::SecurityScan {
            client,
            weekday: random.below(7) as u32,
            requests: random.between(100, 190),
        });
    }
    World {
        zipf: Zipf::new(popular.len(), 0.95),
        popular,
        large: downloads.collect(),
        people,
        site: "https://docs.acme.example",
        is_public: true,
        get: "WEBSITE.GET.OBJECT",
        streams,
        members,
        growable: vec![
            vec!["visitors of pages", "downloads"],
            vec!["visitors of pages", "downloads"],
            vec!["downloads"],
        ],
        stoppable: vec![("search index", DAY), ("uptime monitor", 300)],
        objects,
    }
}

fn data_lake(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Vec::new();
    let raw = add_objects(
        month,
        &mut objects,
        1800,
        |at| format!("raw/events/dt=2025-{:02}-{:02}/part-{:05}.json.gz", at / 150 + 1, at / 6 % 25 + 1, at),
        6.0e6,
        0.5,
        random,
    );
    let orders = add_objects(
        month,
        &mut objects,
        900,
        |at| format!("tables/orders/dt=2025-{:02}/part-{at:05}.snappy.parquet", at / 75 + 1),
        4.8e7,
        0.4,
        random,
    );
    let sessions = add_objects(
        month,
        &mut objects,
        900,
        |at| format!("tables/sessions/dt=2025-{:02}/part-{at:05}.snappy.parquet", at / 75 + 1),
        7.0e7,
        0.4,
        random,
    );
    let popular = shuffled(&[orders.clone(), sessions.clone()], random);
    let people = People::new(month, 400, 0, random);
    let members = vec![
        role(
            month,
            "10.0.8.11",
            "ingest-events",
            "KinesisFirehose",
            "aws-internal/3 aws-sdk-java/1.12.692 Linux/5.10",
        ),
        role(month, "10.20.0.5", "etl-hourly", "i-0f00", SDK_SPARK),
        role(month, "10.20.0.6", "compaction", "i-0f01", SDK_SPARK),
        role(month, "10.0.9.30", "glue-crawler", "GlueJobRunnerSession", SDK_JAVA),
        role(month, "10.0.9.41", "dashboards", "quicksight", ATHENA),
    ];
    let analysts: Vec<Client> = ["ana", "boris", "carla", "dev", "emil"]
        .iter()
        .map(|name| role(month, "34.243.11.90", "analyst", &format!("{name}@acme.example"), ATHENA))
        .collect();
    let mut streams = vec![
        Stream::Job(Job {
            name: "event ingest",
            clients: vec![members[0]],
            role: None,
            every: Every::Hour(0),
            jitter: 60,
            takes: HOUR - 100,
            steps: vec![Step::Put {
                prefix: "raw/events/",
                extension: "json.gz",
                count: 55.0,
                size: 6_000_000,
            }],
            spread: 0.15,
        }),
        Stream::Job(Job {
            name: "hourly etl",
            clients: vec![members[1]],
            role: Some("etl-hourly"),
            every: Every::Hour(420),
            jitter: 240,
            takes: 700,
            steps: vec![
                Step::List(2.0),
                Step::Read { of: raw.clone(), count: 55.0 },
                Step::Put {
                    prefix: "tables/sessions/",
                    extension: "snappy.parquet",
                    count: 12.0,
                    size: 20_000_000,
                },
            ],
            spread: 0.15,
        }),
        Stream::Job(Job {
            name: "nightly compaction",
            clients: vec![members[2]],
            role: Some("compaction"),
            every: Every::Day(HOUR),
            jitter: 600,
            takes: 2400,
            steps: vec![
                Step::List(3.0),
                Step::Read { of: sessions.clone(), count: 220.0 },
                Step::Put {
                    prefix: "tables/sessions/compacted/",
                    extension: "snappy.parquet",
                    count: 24.0,
                    size: 200_000_000,
                },
                Step::BatchDelete { prefix: "tables/sessions/", count: 280.0 },
            ],
            spread: 0.2,
        }),
        Stream::Job(Job {
            name: "catalogue crawler",
            clients: vec![members[3]],
            role: None,
            every: Every::Day(5 * HOUR),
            jitter: 300,
            takes: 500,
            steps: vec![
                Step::List(40.0),
                Step::Parts { of: orders.start..sessions.end, count: 120.0, bytes: 65_536 },
            ],
            spread: 0.15,
        }),
        Stream::Job(Job {
            name: "dashboards",
            clients: vec![members[4]],
            role: None,
            every: Every::Workday(6 * HOUR + 1800),
            jitter: 120,
            takes: 900,
            steps: vec![Step::List(8.0), Step::Parts { of: orders.clone(), count: 320.0, bytes: 3_000_000 }],
            spread: 0.2,
        }),
        Stream::Queries { name: "analysts' queries", clients: analysts.clone(), per_day: 32.0, reads: 45.0 },
        Stream::Lifecycle { per_day: 320, prefix: "raw/tmp/" },
        Stream::Noise { per_day: 0.7 },
        Stream::Console { clients: employees(month, random), per_day: 4.0 },
        security_audit(month),
    ];
    if random.chance(0.5) {
        let terraform = role(month, "34.240.18.7", "terraform", "gitlab-ci", TERRAFORM);
        streams.push(Stream::Job(Job {
            name: "terraform",
            clients: vec![terraform],
            role: None,
            every: Every::Workday(9 * HOUR),
            jitter: 3 * HOUR,
            takes: 40,
            steps: vec![
                Step::Bucket(AUDIT),
                Step::Bucket(&[("REST.PUT.LIFECYCLE", "lifecycle"), ("REST.PUT.TAGGING", "tagging")]),
            ],
            spread: 0.0,
        }));
    }
    let mut members = members;
    members.extend(&analysts[..2]);
    World {
        zipf: Zipf::new(popular.len(), 0.6),
        popular,
        large: orders.chain(sessions).collect(),
        people,
        site: "-",
        is_public: false,
        get: "REST.GET.OBJECT",
        streams,
        members,
        growable: vec![
            vec!["event ingest"],
            vec!["hourly etl"],
            vec!["analysts' queries"],
            vec!["event ingest", "hourly etl", "nightly compaction"],
        ],
        stoppable: vec![
            ("nightly compaction", DAY),
            ("catalogue crawler", DAY),
            ("hourly etl", HOUR),
            ("event ingest", HOUR),
        ],
        objects,
    }
}

fn backup(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Vec::new();
    let archives = add_objects(
        month,
        &mut objects,
        700,
        |at| format!("archive/2025/{:02}/full-{at:04}.tar.zst", at / 60 + 1),
        3.0e8,
        0.6,
        random,
    );
    let files = add_objects(
        month,
        &mut objects,
        1600,
        |at| format!("files/{:02}/chunk-{at:06}.bin", at / 100),
        8.0e6,
        0.4,
        random,
    );
    let popular = shuffled(&[files.clone(), archives.clone()], random);
    let people = People::new(month, 200, 0, random);
    let hosts: Vec<Client> = ["web-1", "web-2", "files-1"]
        .iter()
        .enumerate()
        .map(|(at, host)| {
            month.client(
                &format!("192.0.2.{}", 10 + at),
                &format!("arn:aws:iam::123456789012:user/backup-{host}"),
                ["restic/0.16.4 (linux; amd64) minio-go/v7.0.66", "duplicity/2.2.3 Boto3/1.34.84", CLI][at],
            )
        })
        .collect();
    let database = month.client("192.0.2.40", "arn:aws:iam::123456789012:user/pgbackrest", "pgBackRest/2.51");
    let verifier = role(month, "10.0.2.9", "backup-verify", "verify", BOTO);
    let mut streams = Vec::new();
    for (host, (name, at, count)) in hosts.iter().zip([
        ("nightly backup of web-1", HOUR, 120.0),
        ("nightly backup of web-2", HOUR + 1800, 110.0),
        ("nightly backup of files-1", 2 * HOUR, 260.0),
    ]) {
        streams.push(Stream::Job(Job {
            name,
            clients: vec![*host],
            role: None,
            every: Every::Day(at),
            jitter: 300,
            takes: 3000,
            steps: vec![
                Step::List(4.0),
                Step::Heads { of: files.clone(), count: count * 0.4 },
                Step::Multipart { prefix: "files/new/", extension: "bin", count, size: 40_000_000 },
            ],
            spread: 0.2,
        }));
    }
    streams.extend([
        Stream::Job(Job {
            name: "database log archive",
            clients: vec![database],
            role: None,
            every: Every::Hour(60),
            jitter: 120,
            takes: 3300,
            steps: vec![Step::Put { prefix: "wal/", extension: "zst", count: 12.0, size: 9_000_000 }],
            spread: 0.25,
        }),
        Stream::Job(Job {
            name: "weekly verification",
            clients: vec![verifier],
            role: None,
            every: Every::Week(5, 8 * HOUR),
            jitter: 600,
            takes: 2 * HOUR,
            steps: vec![
                Step::List(10.0),
                Step::Heads { of: files.clone(), count: 400.0 },
                Step::Parts { of: archives.clone(), count: 260.0, bytes: 4_000_000 },
            ],
            spread: 0.1,
        }),
        Stream::Lifecycle { per_day: 240, prefix: "files/old/" },
        Stream::Noise { per_day: 0.5 },
        Stream::Console { clients: employees(month, random), per_day: 1.5 },
        security_audit(month),
    ]);
    // Users restore files now and then.
    let restores = random.below(3);
    for _ in 0..restores {
        let day = random.between(2, u64::from(month.days) - 2) as u32;
        let once = Job {
            name: "restore",
            clients: vec![hosts[random.index(3)]],
            role: None,
            every: Every::At(vec![day * DAY + 9 * HOUR + random.below(25_000) as u32]),
            jitter: 0,
            takes: 1500,
            steps: vec![Step::List(2.0), Step::Read { of: files.clone(), count: random.range(30.0, 160.0) }],
            spread: 0.5,
        };
        streams.push(Stream::Job(once));
    }
    let mut members = hosts;
    members.extend([database, verifier]);
    World {
        zipf: Zipf::new(popular.len(), 0.5),
        popular,
        large: archives.collect(),
        people,
        site: "-",
        is_public: false,
        get: "REST.GET.OBJECT",
        streams,
        members,
        growable: vec![
            vec!["nightly backup of files-1"],
            vec!["database log archive"],
            vec!["nightly backup of web-1", "nightly backup of web-2", "nightly backup of files-1"],
        ],
        stoppable: vec![
            ("nightly backup of web-1", DAY),
            ("nightly backup of web-2", DAY),
            ("nightly backup of files-1", DAY),
            ("database log archive", HOUR),
        ],
        objects,
    }
}

fn saas_uploads(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Vec::new();
    let documents = add_objects(
        month,
        &mut objects,
        3600,
        |at| format!("tenants/t-{:04}/documents/{:06}.pdf", at / 30, at * 13),
        4.0e5,
        1.0,
        random,
    );
    let exports =
        add_objects(month, &mut objects, 90, |at| format!("exports/t-{at:04}/full.zip"), 1.1e8, 0.5, random);
    let popular = shuffled(std::slice::from_ref(&documents), random);
    let people = People::new(month, 5_000, 12, random).with_app(
        month,
        "AcmeDocs/3.{}.1 CFNetwork/1494.0.7 Darwin/23.4.0",
        random,
    );
    let web = role(month, "10.0.5.10", "web-app", "web-app", BOTO);
    let members = vec![
        web,
        role(month, "10.0.5.22", "virus-scan", "scanner", GO),
        role(month, "10.0.5.31", "exporter", "exporter", SDK_JAVA),
        month.client("203.0.113.61", "arn:aws:iam::210987654321:user/integration-bigcorp", SDK_JAVA),
    ];
    let mut cdn = month.client(
        "-",
        "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2QWRUHAPOMQZL",
        "Amazon CloudFront",
    );
    cdn.in_region = true;
    let streams = vec![
        Stream::Visitors {
            name: "users of the web application",
            sessions: 420.0,
            visit: Visit::Presigned { requester: web.requester, tenants: 120, uploads: 0.3 },
        },
        Stream::Visitors {
            name: "app users",
            sessions: 90.0,
            visit: Visit::App { requests: 4.0, requester: Some(web.requester) },
        },
        Stream::Hub { name: "CloudFront", client: cdn, per_hour: 22.0 },
        Stream::Hub { name: "customer's integration", client: members[3], per_hour: 9.0 },
        Stream::Job(Job {
            name: "virus scan",
            clients: vec![members[1]],
            role: None,
            every: Every::Hour(120),
            jitter: 60,
            takes: 3200,
            steps: vec![Step::Read { of: documents.clone(), count: 25.0 }],
            spread: 0.3,
        }),
        Stream::Job(Job {
            name: "nightly export",
            clients: vec![members[2]],
            role: Some("exporter"),
            every: Every::Day(23 * HOUR),
            jitter: 300,
            takes: 1800,
            steps: vec![
                Step::List(6.0),
                Step::Read { of: documents.clone(), count: 260.0 },
                Step::Multipart { prefix: "exports/", extension: "zip", count: 12.0, size: 110_000_000 },
            ],
            spread: 0.2,
        }),
        Stream::Job(Job {
            name: "weekly clean-up",
            clients: vec![members[0]],
            role: None,
            every: Every::Week(0, 4 * HOUR),
            jitter: 60,
            takes: 300,
            steps: vec![Step::List(3.0), Step::BatchDelete { prefix: "tenants/trash/", count: 350.0 }],
            spread: 0.25,
        }),
        Stream::Lifecycle { per_day: 120, prefix: "tmp/" },
        Stream::Noise { per_day: 2.0 },
        Stream::Console { clients: employees(month, random), per_day: 3.0 },
        security_audit(month),
        monitors(month, "uptime monitor", 2, 600, objects[0], random),
    ];
    World {
        zipf: Zipf::new(popular.len(), 0.8),
        popular,
        large: exports.collect(),
        people,
        site: "https://app.acmedocs.example",
        is_public: false,
        get: "REST.GET.OBJECT",
        streams,
        members,
        growable: vec![
            vec!["users of the web application", "app users"],
            vec!["users of the web application"],
            vec!["CloudFront"],
            vec!["customer's integration"],
        ],
        stoppable: vec![
            ("nightly export", DAY),
            ("virus scan", HOUR),
            ("customer's integration", 400),
            ("uptime monitor", 600),
        ],
        objects,
    }
}
