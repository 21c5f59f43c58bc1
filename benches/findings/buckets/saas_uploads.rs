//! Documents of a web application's tenants.

use super::{BOTO, GO, Objects, SDK_JAVA, company, monitors, private, role, shuffled};
use crate::agents::People;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::traffic::{Every, Job, Step, Stream, Visit, World};

pub(super) fn world(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Objects::new(month, random);
    let documents =
        objects.add(3600, 4.0e5, 1.0, |at| format!("tenants/t-{:04}/documents/{:06}.pdf", at / 30, at * 13));
    let exports = objects.add(90, 1.1e8, 0.5, |at| format!("exports/t-{at:04}/full.zip"));
    let objects = objects.list;
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
        role(month, "10.20.5.31", "exporter", "exporter", SDK_JAVA),
        month.client("203.0.113.61", "arn:aws:iam::210987654321:user/integration-bigcorp", SDK_JAVA),
    ];
    let mut cdn = month.client(
        "-",
        "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2QWRUHAPOMQZL",
        "Amazon CloudFront",
    );
    cdn.in_region = true;
    let mut streams = vec![
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
            every: Every::Hour(120),
            jitter: 60,
            takes: 3200,
            steps: vec![Step::Read { of: documents.clone(), count: 25.0 }],
            spread: 0.3,
            ..Job::by(members[1])
        }),
        Stream::Job(Job {
            name: "nightly export",
            role: Some("exporter"),
            every: Every::Day(23 * HOUR),
            takes: 1800,
            steps: vec![
                Step::List(6.0),
                Step::Read { of: documents.clone(), count: 260.0 },
                Step::Multipart { prefix: "exports/", extension: "zip", count: 12.0, size: 110_000_000 },
            ],
            ..Job::by(members[2])
        }),
        Stream::Job(Job {
            name: "weekly clean-up",
            every: Every::Week(0, 4 * HOUR),
            jitter: 60,
            takes: 300,
            steps: vec![Step::List(3.0), Step::BatchDelete { prefix: "tenants/trash/", count: 350.0 }],
            spread: 0.25,
            ..Job::by(members[0])
        }),
    ];
    streams.extend(company(month, random, (120, "tmp/"), 2.0, 3.0));
    streams.push(monitors(month, "uptime monitor", 2, 600, objects[0], random));
    World {
        large: exports.collect(),
        site: "https://app.acmedocs.example",
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
        ..private(objects, popular, 0.8, people)
    }
}
