//! Measurements of devices: many small uploads day and night, and the jobs that make tables of them.

use super::{ATHENA, BOTO, Objects, SDK_SPARK, company, private, role, shuffled};
use crate::agents::People;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::traffic::{Devices, Every, Job, Step, Stream, World};

/// The programs of the devices, with the mean number of days until one is updated.
const PROGRAMS: [(&str, f64); 4] = [
    ("acme-sensor/2.{}.0 (esp32; esp-idf 5.1)", 3.0),
    ("acme-gateway/4.{}.2 (linux armv7; libcurl/8.4.0)", 6.0),
    ("acme-meter/1.{}.7 (stm32; mbedtls 3.5)", 3.0),
    ("acme-camera/3.{}.1 (linux aarch64; Go-http-client/1.1)", 9.0),
];

pub(super) fn world(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Objects::new(month, random);
    let settings = objects.add(1_100, 2.2e3, 0.4, |at| format!("config/device-{at:04}.json"));
    let manifest = objects.add(1, 1.4e3, 0.1, |_| "firmware/manifest.json".to_owned());
    let firmware = objects.add(12, 1.6e6, 0.2, |at| {
        format!("firmware/acme-{}-{}.bin", ["sensor", "gateway", "meter", "camera"][at % 4], at / 4)
    });
    let measured = objects.add(2_400, 3.1e7, 0.5, |at| {
        format!(
            "tables/measured/dt=2025-{:02}-{:02}/part-{at:05}.snappy.parquet",
            at / 200 + 1,
            at / 8 % 25 + 1
        )
    });
    let objects = objects.list;
    let popular = shuffled(std::slice::from_ref(&settings), random);
    let people = People::with_programs(month, 1_100, 0, 0.3, &PROGRAMS, random);
    let members = vec![
        role(month, "10.0.6.10", "device-gateway", "gateway", BOTO),
        role(month, "10.20.3.4", "compaction", "i-0c01", SDK_SPARK),
        role(month, "10.0.6.41", "reports", "nightly", ATHENA),
        role(month, "10.0.6.52", "retention", "retention", BOTO),
    ];
    let rollout = random.chance(0.5).then(|| {
        random.between(4, u64::from(month.days) - 5) as u32 * DAY + random.between(8, 15) as u32 * HOUR
    });
    let mut streams = vec![
        Stream::Devices(Devices {
            requester: members[0].requester,
            access_point: "devices",
            per_day: 3.6,
            rollout,
            firmware: objects[firmware.start],
            manifest: objects[manifest.start],
        }),
        Stream::Job(Job {
            name: "settings of devices",
            every: Every::Hour(1500),
            takes: 120,
            steps: vec![Step::Put { prefix: "config/pending/", extension: "json", count: 6.0, size: 2_200 }],
            spread: 0.5,
            ..Job::by(members[0])
        }),
        Stream::Job(Job {
            name: "hourly compaction",
            role: Some("compaction"),
            every: Every::Hour(300),
            jitter: 180,
            takes: 400,
            steps: vec![
                Step::List(4.0),
                Step::Read { of: measured.clone(), count: 18.0 },
                Step::Put {
                    prefix: "tables/measured/",
                    extension: "snappy.parquet",
                    count: 4.0,
                    size: 30_000_000,
                },
            ],
            ..Job::by(members[1])
        }),
        Stream::Job(Job {
            name: "nightly report",
            every: Every::Day(2 * HOUR),
            takes: 600,
            steps: vec![
                Step::List(12.0),
                Step::Parts { of: measured.clone(), count: 420.0, bytes: 1_500_000 },
                Step::Put { prefix: "reports/", extension: "csv", count: 6.0, size: 400_000 },
            ],
            spread: 0.15,
            ..Job::by(members[2])
        }),
        Stream::Job(Job {
            name: "weekly retention",
            every: Every::Week(0, 3 * HOUR),
            jitter: 60,
            takes: 600,
            steps: vec![Step::List(20.0), Step::BatchDelete { prefix: "raw/old/", count: 900.0 }],
            spread: 0.15,
            ..Job::by(members[3])
        }),
    ];
    streams.extend(company(month, random, (500, "raw/expired/"), 1.0, 1.5));
    World {
        large: measured.collect(),
        streams,
        members,
        growable: vec![vec!["device uploads"], vec!["device uploads"], vec!["hourly compaction"]],
        stoppable: vec![("nightly report", DAY), ("hourly compaction", HOUR), ("settings of devices", HOUR)],
        ..private(objects, popular, 0.3, people)
    }
}
