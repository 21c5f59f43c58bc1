//! Pictures and films for the public.

use std::ops::Range;

use super::{
    BOTO, CLI, Objects, SDK_JAVA, crawlers, employees, monitors, release, role, security_audit, shuffled,
};
use crate::agents::People;
use crate::month::{DAY, HOUR, Month};
use crate::random::{Random, Zipf};
use crate::traffic::{Every, Job, Step, Stream, Visit, World};

pub(super) fn world(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Objects::new(month, random);
    let films: Vec<Range<usize>> = (0..45)
        .map(|film| {
            let segments = 20 + objects.random.index(40);
            objects.add(segments, 1.4e6, 0.2, |at| format!("films/hls/{film:03}/segment-{at:05}.ts"))
        })
        .collect();
    let masters = objects.add(60, 9.0e7, 0.5, |at| format!("films/masters/film-{at:04}.mp4"));
    let images =
        objects.add(1500, 2.4e5, 0.6, |at| format!("images/2025/{:02}/IMG_{:05}.jpg", at / 125 + 1, at * 7));
    let thumbs = objects.add(1500, 1.4e4, 0.4, |at| format!("thumbs/{:05}.webp", at * 7));
    let objects = objects.list;
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
            every: Every::Hour(300),
            jitter: 400,
            takes: 900,
            steps: vec![
                Step::Read { of: masters.clone(), count: 2.0 },
                Step::Put { prefix: "films/hls/new/", extension: "ts", count: 14.0, size: 1_400_000 },
            ],
            spread: 0.35,
            ..Job::by(members[0])
        }),
        Stream::Job(Job {
            name: "nightly thumbnails",
            every: Every::Day(2 * HOUR),
            jitter: 900,
            takes: 1500,
            steps: vec![
                Step::List(2.0),
                Step::Read { of: images.clone(), count: 60.0 },
                Step::Put { prefix: "thumbs/new/", extension: "webp", count: 60.0, size: 14_000 },
            ],
            spread: 0.25,
            ..Job::by(members[1])
        }),
        Stream::Job(Job {
            name: "weekly mirror",
            every: Every::Week(6, 3 * HOUR),
            jitter: 120,
            takes: 5 * HOUR,
            steps: vec![Step::List(6.0), Step::ReadAll(0..objects.len())],
            spread: 0.0,
            ..Job::by(members[2])
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
