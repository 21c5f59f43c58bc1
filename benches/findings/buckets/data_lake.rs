//! Tables for analyses, written and read by jobs.

use super::{ATHENA, AUDIT, Objects, SDK_JAVA, SDK_SPARK, TERRAFORM, company, private, role, shuffled};
use crate::agents::People;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::Client;
use crate::traffic::{Every, Job, Step, Stream, World};

pub(super) fn world(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Objects::new(month, random);
    let raw = objects.add(1800, 6.0e6, 0.5, |at| {
        format!("raw/events/dt=2025-{:02}-{:02}/part-{:05}.json.gz", at / 150 + 1, at / 6 % 25 + 1, at)
    });
    let orders = objects.add(900, 4.8e7, 0.4, |at| {
        format!("tables/orders/dt=2025-{:02}/part-{at:05}.snappy.parquet", at / 75 + 1)
    });
    let sessions = objects.add(900, 7.0e7, 0.4, |at| {
        format!("tables/sessions/dt=2025-{:02}/part-{at:05}.snappy.parquet", at / 75 + 1)
    });
    let objects = objects.list;
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
            ..Job::by(members[0])
        }),
        Stream::Job(Job {
            name: "hourly etl",
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
            ..Job::by(members[1])
        }),
        Stream::Job(Job {
            name: "nightly compaction",
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
            ..Job::by(members[2])
        }),
        Stream::Job(Job {
            name: "catalogue crawler",
            every: Every::Day(5 * HOUR),
            takes: 500,
            steps: vec![
                Step::List(40.0),
                Step::Parts { of: orders.start..sessions.end, count: 120.0, bytes: 65_536 },
            ],
            spread: 0.15,
            ..Job::by(members[3])
        }),
        Stream::Job(Job {
            name: "dashboards",
            every: Every::Workday(6 * HOUR + 1800),
            jitter: 120,
            takes: 900,
            steps: vec![Step::List(8.0), Step::Parts { of: orders.clone(), count: 320.0, bytes: 3_000_000 }],
            ..Job::by(members[4])
        }),
        Stream::Queries { name: "analysts' queries", clients: analysts.clone(), per_day: 32.0, reads: 45.0 },
    ];
    streams.extend(company(month, random, (320, "raw/tmp/"), 0.7, 4.0));
    if random.chance(0.5) {
        let terraform = role(month, "34.240.18.7", "terraform", "gitlab-ci", TERRAFORM);
        streams.push(Stream::Job(Job {
            name: "terraform",
            every: Every::Workday(9 * HOUR),
            jitter: 3 * HOUR,
            takes: 40,
            steps: vec![
                Step::Bucket(AUDIT),
                Step::Bucket(&[("REST.PUT.LIFECYCLE", "lifecycle"), ("REST.PUT.TAGGING", "tagging")]),
            ],
            spread: 0.0,
            ..Job::by(terraform)
        }));
    }
    let mut members = members;
    members.extend(&analysts[..2]);
    World {
        large: orders.chain(sessions).collect(),
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
        ..private(objects, popular, 0.6, people)
    }
}
