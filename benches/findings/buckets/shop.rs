//! Pictures of a shop behind a content delivery network, uploads of its sellers, and feeds for its partners.
//!
//! Visitors get pictures from CloudFront, which signs its requests (origin access control): the log has neither their
//! addresses nor their programs. Addresses of the bucket itself are still in old newsletters, in the feeds and on the pages of
//! partners, so pictures and feeds are readable for everybody.

use super::{BOTO, CLI, Objects, SDK_JAVA, crawlers, employees, monitors, role, security_audit, shuffled};
use crate::agents::People;
use crate::month::{DAY, HOUR, Month};
use crate::random::{Random, Zipf};
use crate::record::Client;
use crate::traffic::{Every, Job, Origin, Step, Stream, Uploads, Visit, World, service};

/// Partners that get the feed and new pictures once a day: name, address, program, time of day, pictures.
const PARTNERS: [(&str, &str, &str, u32, f64); 4] = [
    (
        "price comparison",
        "198.18.41.41",
        "Mozilla/5.0 (compatible; PriceBot/2.1; +https://prices.example/bot)",
        5 * HOUR + 600,
        120.0,
    ),
    ("marketplace", "203.0.113.52", "MarketImport/5.2 (feeds@market.example)", 6 * HOUR, 260.0),
    (
        "advertising",
        "198.18.2.121",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        7 * HOUR + 1200,
        180.0,
    ),
    ("affiliates", "192.0.2.68", "Java/11.0.22", 5 * HOUR + 2700, 30.0),
];

pub(super) fn world(month: &mut Month, random: &mut Random) -> World {
    announce_sale(month, random);
    let mut objects = Objects::new(month, random);
    let feeds = objects.add(6, 6.5e6, 0.4, |at| {
        format!("feeds/9f2c41d7/products-{}.xml.gz", ["at", "be", "de", "fr", "it", "nl"][at])
    });
    let stock = objects.add(1, 4.0e5, 0.1, |_| "feeds/9f2c41d7/stock.csv.gz".to_owned());
    let pictures = objects.add(3600, 4.5e4, 0.9, |at| {
        format!("img/p/{:05}/{}.webp", 20_000 + at / 4 * 3, [1600, 200, 480, 800][at % 4])
    });
    let originals = objects.add(500, 2.4e7, 0.5, |at| format!("originals/{:05}.tif", 20_000 + at * 3));
    let objects = objects.list;
    let popular = shuffled(std::slice::from_ref(&pictures), random);
    let people = People::new(month, 9_000, 6, random);
    let seller_portal = role(month, "10.0.11.4", "seller-portal", "portal", SDK_JAVA);
    let functions: Vec<Client> = (0..5)
        .map(|at| {
            role(month, &format!("10.0.11.{}", 130 + at * 7), "resize-pictures", "resize-pictures", BOTO)
        })
        .collect();
    let members = vec![
        role(month, "10.0.11.21", "feed-export", "feeds", SDK_JAVA),
        functions[0],
        month.client("10.0.11.40", "arn:aws:iam::123456789012:user/product-catalogue", SDK_JAVA),
        role(month, "34.240.18.7", "deploy", "github-actions", CLI),
    ];
    let mut campaigns = Vec::new();
    for day in 0..month.days {
        // New campaigns for Thursday or after.
        if month.is_workday(day) && (month.first_weekday + day) % 7 == 3 {
            campaigns.push(day * DAY + random.between(11, 16) as u32 * HOUR + random.below(3600) as u32);
        }
    }
    let mut streams = vec![
        Stream::Origin(Origin { name: "CloudFront", client: service(month, "cloudfront"), per_day: 2300.0 }),
        Stream::Uploads(Uploads {
            name: "uploads of sellers",
            resized: "smaller pictures",
            site: "https://sellers.acme-shop.example/",
            sessions: 44.0,
            sellers: 900,
            requester: seller_portal.requester,
            functions,
        }),
        Stream::Visitors {
            name: "links to the bucket",
            sessions: 130.0,
            visit: Visit::Pages { requests: 4.0 },
        },
        Stream::Job(Job {
            name: "feed export",
            every: Every::Day(4 * HOUR),
            jitter: 900,
            takes: 500,
            steps: vec![Step::List(5.0), Step::PutAll(feeds.clone())],
            spread: 0.1,
            ..Job::by(members[0])
        }),
        Stream::Job(Job {
            name: "stock export",
            every: Every::Hour(120),
            jitter: 60,
            takes: 10,
            steps: vec![Step::PutAll(stock.clone())],
            spread: 0.0,
            ..Job::by(members[0])
        }),
        Stream::Job(Job {
            name: "stock of partners",
            every: Every::Hour(900),
            jitter: 120,
            takes: 20,
            steps: vec![Step::ReadAll(stock.clone())],
            spread: 0.0,
            ..Job::by(month.client("203.0.113.52", "-", "MarketImport/5.2 (feeds@market.example)"))
        }),
        Stream::Job(Job {
            name: "pictures of the catalogue",
            every: Every::Workday(8 * HOUR),
            jitter: 1800,
            takes: 8 * HOUR,
            steps: vec![
                Step::Multipart { prefix: "originals/new/", extension: "tif", count: 26.0, size: 24_000_000 },
                Step::Heads { of: originals.clone(), count: 60.0 },
            ],
            spread: 0.4,
            ..Job::by(members[2])
        }),
        Stream::Job(Job {
            name: "campaigns",
            every: Every::At(campaigns),
            jitter: 0,
            takes: 120,
            steps: vec![
                Step::List(1.0),
                Step::Put { prefix: "campaigns/", extension: "webp", count: 45.0, size: 180_000 },
            ],
            spread: 0.4,
            ..Job::by(members[3])
        }),
        Stream::Lifecycle { per_day: 240, prefix: "incoming/old/" },
        Stream::Noise { per_day: 6.0 },
        Stream::Console { clients: employees(month, random), per_day: 2.0 },
        security_audit(month),
        monitors(month, "uptime monitor", 2, 600, objects[pictures.start], random),
    ];
    for (name, address, agent, at, count) in PARTNERS {
        streams.push(Stream::Job(Job {
            name,
            every: Every::Day(at),
            jitter: 600,
            takes: 1200,
            steps: vec![Step::ReadAll(feeds.clone()), Step::Read { of: pictures.clone(), count }],
            spread: 0.25,
            ..Job::by(month.client(address, "-", agent))
        }));
    }
    streams.extend(crawlers(month, 190.0, random));
    World {
        zipf: Zipf::new(popular.len(), 0.8),
        popular,
        large: originals.collect(),
        people,
        site: "https://www.acme-shop.example",
        is_public: true,
        get: "REST.GET.OBJECT",
        streams,
        members,
        growable: vec![
            vec!["CloudFront"],
            vec!["uploads of sellers", "smaller pictures"],
            vec!["CloudFront", "uploads of sellers", "smaller pictures", "links to the bucket"],
            vec!["links to the bucket"],
        ],
        // The price comparison is a crawler: its absence is ordinary.
        stoppable: vec![
            ("feed export", DAY),
            ("marketplace", DAY),
            ("stock export", HOUR),
            ("uptime monitor", 600),
        ],
        objects,
    }
}

/// In some months there is a sale from Friday to Sunday, most of all on its first evening. Everybody knows of it before.
fn announce_sale(month: &mut Month, random: &mut Random) {
    if !random.chance(0.45) {
        return;
    }
    let fridays: Vec<u32> =
        (0..month.days.saturating_sub(3)).filter(|day| (month.first_weekday + day) % 7 == 4).collect();
    let first = *random.pick(&fridays) * 24;
    let factor = random.range(1.4, 2.1);
    for hour in first..first + 72 {
        let evening = if hour < first + 24 && hour % 24 >= 17 { 1.3 } else { 1.0 };
        month.people[hour as usize] *= factor * evening;
    }
}
