//! A static website.

use super::{BOTO, CLI, Objects, crawlers, employees, monitors, release, role, security_audit, shuffled};
use crate::agents::People;
use crate::month::{DAY, HOUR, Month};
use crate::random::{Random, Zipf};
use crate::record::Object;
use crate::traffic::{Every, Job, Step, Stream, Visit, World};

pub(super) fn world(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Objects::new(month, random);
    let assets =
        objects.add(180, 6.0e4, 0.9, |at| format!("assets/app-{at:03}.{}", ["js", "css", "woff2"][at % 3]));
    let docs = objects.add(420, 2.1e4, 0.5, |at| format!("docs/chapter-{:02}/page-{at:03}.html", at / 20));
    let downloads = objects.add(14, 4.5e7, 0.3, |at| format!("downloads/acme-tool-1.{at}.0.zip"));
    let pictures = objects.add(380, 9.0e4, 0.7, |at| format!("img/{at:04}.png"));
    let objects = objects.list;
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
            every: Every::At(deployments),
            jitter: 0,
            takes: 90,
            steps: vec![
                Step::List(1.0),
                Step::PutAll(assets.clone()),
                Step::BatchDelete { prefix: "assets/old/", count: 12.0 },
            ],
            ..Job::by(members[0])
        }),
        Stream::Job(Job {
            name: "search index",
            every: Every::Day(3 * HOUR),
            takes: 400,
            steps: vec![
                Step::List(1.0),
                Step::ReadAll(docs.clone()),
                Step::Put { prefix: "search/", extension: "json", count: 4.0, size: 900_000 },
            ],
            spread: 0.1,
            ..Job::by(members[1])
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
