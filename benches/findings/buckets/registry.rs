//! A registry of software packages: many small downloads by builds, most of them on workdays, many over IPv6.

use super::{BOTO, GO, Objects, crawlers, employees, monitors, release, role, security_audit, shuffled};
use crate::agents::People;
use crate::month::{DAY, HOUR, Month};
use crate::random::{Random, Zipf};
use crate::traffic::{Every, Job, Step, Stream, Visit, World};

/// The programs that download packages, with the mean number of days until a client updates.
const PROGRAMS: [(&str, f64); 8] = [
    (
        "pip/24.{} {\"ci\":true,\"cpu\":\"x86_64\",\"implementation\":{\"name\":\"CPython\",\"version\":\"3.11.8\"}}",
        9.0,
    ),
    ("npm/10.{}.4 node/v20.11.1 linux x64 workspaces/false ci/github-actions", 12.0),
    ("yarn/4.{}.1 npm/? node/v20.11.1 linux x64", 15.0),
    ("pnpm/8.15.{} npm/? node/v18.19.1 linux x64", 15.0),
    ("poetry/1.{}.2 CPython/3.12.2 Linux/6.5.0-1018-azure", 20.0),
    ("uv/0.1.{} {\"ci\":true,\"cpu\":\"x86_64\"}", 4.0),
    ("cargo 1.7{}.0", 6.0),
    ("Apache-Maven/3.9.{} (Java 17.0.10; Linux 6.5.0)", 30.0),
];

pub(super) fn world(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Objects::new(month, random);
    let descriptions =
        objects.add(2600, 2.4e4, 0.9, |at| format!("index/{:02}/package-{at:05}/metadata.json", at % 64));
    let archives = objects.add(2600, 2.8e5, 1.1, |at| {
        format!("packages/{:02}/package-{at:05}-{}.{}.0.tar.gz", at % 64, at % 7, at % 11)
    });
    let toolchains =
        objects.add(30, 6.5e7, 0.3, |at| format!("toolchains/1.{}/toolchain-{at:02}.tar.xz", 60 + at / 3));
    let objects = objects.list;
    let popular = shuffled(&[descriptions.clone(), archives.clone()], random);
    let people = People::with_programs(month, 6_500, 30, 0.42, &PROGRAMS, random);
    let members = vec![
        role(month, "10.0.4.12", "publisher", "publish-api", GO),
        role(month, "10.0.4.30", "indexer", "indexer", BOTO),
        role(month, "10.0.4.44", "vulnerability-scan", "scan", GO),
        month.client("203.0.113.77", "arn:aws:iam::210987654321:user/regional-mirror", "rclone/v1.66.0"),
    ];
    let mut published = Vec::new();
    for day in 0..month.days {
        let count = if month.is_workday(day) { 5 + random.below(12) } else { random.below(4) };
        published.extend(
            (0..count).map(|_| day * DAY + random.between(6, 22) as u32 * HOUR + random.below(3600) as u32),
        );
    }
    // Continuous integration of two companies, which install everything every night.
    let nightly = [("198.51.100.201", 0, 180.0), ("2a01:4f8:c17:5f3a::2", 2, 320.0)];
    let nightly: Vec<Stream> = nightly
        .into_iter()
        .zip(["nightly builds of a customer", "nightly builds of another customer"])
        .map(|((address, at, count), name)| {
            let agent = PROGRAMS[at as usize].0.replace("{}", "1");
            Stream::Job(Job {
                name,
                every: Every::Day((1 + at) * HOUR + 900),
                jitter: 600,
                takes: 900,
                steps: vec![
                    Step::Heads { of: descriptions.start..descriptions.start + 400, count: count / 3.0 },
                    Step::Read { of: archives.start..archives.start + 500, count },
                ],
                spread: 0.1,
                ..Job::by(month.client(address, "-", &agent))
            })
        })
        .collect();
    let mut streams = vec![
        Stream::Visitors {
            name: "builds",
            sessions: 170.0,
            visit: Visit::Build {
                packages: 14.0,
                descriptions: descriptions.clone(),
                archives: archives.clone(),
            },
        },
        Stream::Visitors {
            name: "developers",
            sessions: 260.0,
            visit: Visit::Build {
                packages: 3.0,
                descriptions: descriptions.clone(),
                archives: archives.clone(),
            },
        },
        Stream::Visitors { name: "toolchains", sessions: 22.0, visit: Visit::Downloads { requests: 1.3 } },
        Stream::Hub {
            name: "proxy of a company",
            client: month.client(
                "203.0.113.150",
                "-",
                "Nexus/3.66.0-02 (PRO; Linux; 5.15.0; amd64; 17.0.10)",
            ),
            per_hour: 11.0,
        },
        Stream::Job(Job {
            name: "publishing",
            every: Every::At(published),
            jitter: 0,
            takes: 20,
            steps: vec![Step::Put {
                prefix: "packages/new/",
                extension: "tar.gz",
                count: 2.0,
                size: 280_000,
            }],
            spread: 0.5,
            ..Job::by(members[0])
        }),
        Stream::Job(Job {
            name: "index",
            every: Every::Hour(600),
            jitter: 120,
            takes: 300,
            steps: vec![
                Step::List(3.0),
                Step::Read { of: descriptions.clone(), count: 12.0 },
                Step::Put { prefix: "index/shards/", extension: "json.gz", count: 8.0, size: 60_000 },
            ],
            spread: 0.3,
            ..Job::by(members[1])
        }),
        Stream::Job(Job {
            name: "scan for vulnerabilities",
            every: Every::Day(4 * HOUR),
            jitter: 600,
            takes: 1500,
            steps: vec![Step::List(2.0), Step::Read { of: archives.clone(), count: 150.0 }],
            spread: 0.3,
            ..Job::by(members[2])
        }),
        Stream::Job(Job {
            name: "weekly copy of the regional mirror",
            every: Every::Week(6, 2 * HOUR),
            takes: 4 * HOUR,
            steps: vec![
                Step::List(12.0),
                Step::ReadAll(descriptions.clone()),
                Step::ReadAll(archives.start..archives.start + 900),
            ],
            spread: 0.0,
            ..Job::by(members[3])
        }),
        Stream::Noise { per_day: 6.0 },
        Stream::Console { clients: employees(month, random), per_day: 2.0 },
        security_audit(month),
        monitors(month, "uptime monitor", 3, 300, objects[descriptions.start], random),
    ];
    streams.extend(nightly);
    streams.extend(crawlers(month, 70.0, random));
    streams.extend(release(month, "release of a toolchain", members[0], 4, 60_000_000, 160.0, random));
    World {
        zipf: Zipf::new(popular.len(), 0.9),
        popular,
        large: toolchains.collect(),
        people,
        site: "https://packages.acme.example",
        is_public: true,
        get: "REST.GET.OBJECT",
        streams,
        members,
        growable: vec![
            vec!["builds", "developers"],
            vec!["builds", "developers"],
            vec!["builds"],
            vec!["proxy of a company"],
        ],
        stoppable: vec![
            ("scan for vulnerabilities", DAY),
            ("nightly builds of a customer", DAY),
            ("index", HOUR),
            ("proxy of a company", 330),
            ("uptime monitor", 300),
        ],
        objects,
    }
}
