//! The kinds of buckets, each with its objects, clients and ordinary traffic: a file for each. Here: what they share.

mod backup;
mod data_lake;
mod log_archive;
mod media;
mod registry;
mod saas_uploads;
mod shop;
mod telemetry;
mod training;
mod website;

use std::ops::Range;

use crate::agents::{People, hosting_address};
use crate::month::{DAY, HOUR, Month, Rhythm};
use crate::random::{Random, Zipf};
use crate::record::{Client, Object, Text};
use crate::traffic::{Every, Job, Step, Stream, World};

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
    /// Documents of a web application's tenants.
    SaasUploads,
    /// Software packages for builds. Nothing is tuned on it.
    Registry,
    /// Measurements of devices. Nothing is tuned on it.
    Telemetry,
    /// Data sets, models and checkpoints of machine learning. Nothing is tuned on it.
    Training,
    /// Pictures of a shop behind CloudFront, and feeds. Nothing is tuned on it.
    Shop,
    /// Logs of many accounts. Nothing is tuned on it.
    LogArchive,
}

impl Bucket {
    pub(crate) const ALL: [Bucket; 10] = [
        Bucket::Media,
        Bucket::DataLake,
        Bucket::Website,
        Bucket::Backup,
        Bucket::SaasUploads,
        Bucket::Registry,
        Bucket::Telemetry,
        Bucket::Training,
        Bucket::Shop,
        Bucket::LogArchive,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Bucket::Media => "media",
            Bucket::DataLake => "data-lake",
            Bucket::Website => "website",
            Bucket::Backup => "backup",
            Bucket::SaasUploads => "saas-uploads",
            Bucket::Registry => "registry",
            Bucket::Telemetry => "telemetry",
            Bucket::Training => "training",
            Bucket::Shop => "shop",
            Bucket::LogArchive => "log-archive",
        }
    }

    pub(crate) fn rhythm(self) -> Rhythm {
        match self {
            Bucket::Media | Bucket::Shop => Rhythm::Leisure,
            Bucket::Website | Bucket::Telemetry => Rhythm::World,
            Bucket::DataLake
            | Bucket::Backup
            | Bucket::SaasUploads
            | Bucket::Registry
            | Bucket::Training
            | Bucket::LogArchive => Rhythm::Office,
        }
    }

    pub(crate) fn world(self, month: &mut Month) -> World {
        let mut random = month.random.split();
        match self {
            Bucket::Media => media::world(month, &mut random),
            Bucket::DataLake => data_lake::world(month, &mut random),
            Bucket::Website => website::world(month, &mut random),
            Bucket::Backup => backup::world(month, &mut random),
            Bucket::SaasUploads => saas_uploads::world(month, &mut random),
            Bucket::Registry => registry::world(month, &mut random),
            Bucket::Telemetry => telemetry::world(month, &mut random),
            Bucket::Training => training::world(month, &mut random),
            Bucket::Shop => shop::world(month, &mut random),
            Bucket::LogArchive => log_archive::world(month, &mut random),
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

/// The objects of a bucket as they are added, in the order of their keys.
struct Objects<'m> {
    list: Vec<Object>,
    month: &'m mut Month,
    random: &'m mut Random,
}

impl<'m> Objects<'m> {
    fn new(month: &'m mut Month, random: &'m mut Random) -> Objects<'m> {
        Objects { list: Vec::new(), month, random }
    }

    /// Adds `count` objects of about `size` bytes, whose keys follow from their numbers. Returns their indexes.
    fn add(&mut self, count: usize, size: f64, spread: f64, key: impl Fn(usize) -> String) -> Range<usize> {
        let first = self.list.len();
        for number in 0..count {
            let key = self.month.text(&key(number));
            self.list.push(Object { key, size: (size * self.random.spread(spread)) as u64 });
        }
        first..self.list.len()
    }
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

/// What happens in every bucket of the company: objects that expire below a prefix, strangers, employees in the console, and
/// the audit of the configuration. Numbers are per day.
fn company(
    month: &mut Month,
    random: &mut Random,
    (expired, prefix): (u64, &'static str),
    strangers: f64,
    console: f64,
) -> [Stream; 4] {
    [
        Stream::Lifecycle { per_day: expired, prefix },
        Stream::Noise { per_day: strangers },
        Stream::Console { clients: employees(month, random), per_day: console },
        security_audit(month),
    ]
}

/// A bucket of which strangers may read nothing.
fn private(objects: Vec<Object>, popular: Vec<usize>, exponent: f64, people: People) -> World {
    World {
        objects,
        zipf: Zipf::new(popular.len(), exponent),
        popular,
        large: Vec::new(),
        people,
        site: "-",
        is_public: false,
        get: "REST.GET.OBJECT",
        streams: Vec::new(),
        members: Vec::new(),
        growable: Vec::new(),
        stoppable: Vec::new(),
    }
}

fn security_audit(month: &mut Month) -> Stream {
    let client = role(month, "10.0.3.17", "AWSServiceRoleForConfig", "config", SDK_JAVA);
    Stream::Job(Job {
        name: "configuration audit",
        every: Every::Day(6 * HOUR),
        jitter: 600,
        takes: 20,
        steps: vec![Step::Bucket(AUDIT)],
        spread: 0.0,
        ..Job::by(client)
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
