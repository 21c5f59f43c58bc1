//! Backups of servers and databases.

use super::{BOTO, CLI, Objects, company, private, role, shuffled};
use crate::agents::People;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::Client;
use crate::traffic::{Every, Job, Step, Stream, World};

pub(super) fn world(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Objects::new(month, random);
    let archives =
        objects.add(700, 3.0e8, 0.6, |at| format!("archive/2025/{:02}/full-{at:04}.tar.zst", at / 60 + 1));
    let files = objects.add(1600, 8.0e6, 0.4, |at| format!("files/{:02}/chunk-{at:06}.bin", at / 100));
    let objects = objects.list;
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
            every: Every::Day(at),
            takes: 3000,
            steps: vec![
                Step::List(4.0),
                Step::Heads { of: files.clone(), count: count * 0.4 },
                Step::Multipart { prefix: "files/new/", extension: "bin", count, size: 40_000_000 },
            ],
            ..Job::by(*host)
        }));
    }
    streams.extend([
        Stream::Job(Job {
            name: "database log archive",
            every: Every::Hour(60),
            jitter: 120,
            takes: 3300,
            steps: vec![Step::Put { prefix: "wal/", extension: "zst", count: 12.0, size: 9_000_000 }],
            spread: 0.25,
            ..Job::by(database)
        }),
        Stream::Job(Job {
            name: "weekly verification",
            every: Every::Week(5, 8 * HOUR),
            jitter: 600,
            takes: 2 * HOUR,
            steps: vec![
                Step::List(10.0),
                Step::Heads { of: files.clone(), count: 400.0 },
                Step::Parts { of: archives.clone(), count: 260.0, bytes: 4_000_000 },
            ],
            spread: 0.1,
            ..Job::by(verifier)
        }),
    ]);
    streams.extend(company(month, random, (240, "files/old/"), 0.5, 1.5));
    // Users restore files now and then.
    let restores = random.below(3);
    for _ in 0..restores {
        let day = random.between(2, u64::from(month.days) - 2) as u32;
        let host = hosts[random.index(3)];
        let once = Job {
            name: "restore",
            every: Every::At(vec![day * DAY + 9 * HOUR + random.below(25_000) as u32]),
            jitter: 0,
            takes: 1500,
            steps: vec![Step::List(2.0), Step::Read { of: files.clone(), count: random.range(30.0, 160.0) }],
            spread: 0.5,
            ..Job::by(host)
        };
        streams.push(Stream::Job(once));
    }
    let mut members = hosts;
    members.extend([database, verifier]);
    World {
        large: archives.collect(),
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
        ..private(objects, popular, 0.5, people)
    }
}
