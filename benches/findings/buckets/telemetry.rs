//! Measurements of devices: many small uploads day and night, and the jobs that make tables of them.

use super::{ATHENA, BOTO, SDK_SPARK, add_objects, employees, role, security_audit, shuffled};
use crate::agents::People;
use crate::month::{DAY, HOUR, Month};
use crate::random::{Random, Zipf};
use crate::traffic::{Devices, Every, Job, Step, Stream, World};

/// The programs of the devices, with the mean number of days until one is updated.
const PROGRAMS: [(&str, f64); 4] = [
    ("acme-sensor/2.{}.0 (esp32; esp-idf 5.1)", 3.0),
    ("acme-gateway/4.{}.2 (linux armv7; libcurl/8.4.0)", 6.0),
    ("acme-meter/1.{}.7 (stm32; mbedtls 3.5)", 3.0),
    ("acme-camera/3.{}.1 (linux aarch64; Go-http-client/1.1)", 9.0),
];

pub(super) fn world(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Vec::new();
    let settings = add_objects(
        month,
        &mut objects,
        1_100,
        |at| format!("config/device-{at:04}.json"),
        2.2e3,
        0.4,
        random,
    );
    let manifest =
        add_objects(month, &mut objects, 1, |_| "firmware/manifest.json".to_owned(), 1.4e3, 0.1, random);
    let firmware = add_objects(
        month,
        &mut objects,
        12,
        |at| format!("firmware/acme-{}-{}.bin", ["sensor", "gateway", "meter", "camera"][at % 4], at / 4),
        1.6e6,
        0.2,
        random,
    );
    let measured = add_objects(
        month,
        &mut objects,
        2_400,
        |at| {
            format!(
                "tables/measured/dt=2025-{:02}-{:02}/part-{at:05}.snappy.parquet",
                at / 200 + 1,
                at / 8 % 25 + 1
            )
        },
        3.1e7,
        0.5,
        random,
    );
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
    let streams = vec![
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
            clients: vec![members[0]],
            role: None,
            every: Every::Hour(1500),
            jitter: 300,
            takes: 120,
            steps: vec![Step::Put { prefix: "config/pending/", extension: "json", count: 6.0, size: 2_200 }],
            spread: 0.5,
        }),
        Stream::Job(Job {
            name: "hourly compaction",
            clients: vec![members[1]],
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
            spread: 0.2,
        }),
        Stream::Job(Job {
            name: "nightly report",
            clients: vec![members[2]],
            role: None,
            every: Every::Day(2 * HOUR),
            jitter: 300,
            takes: 600,
            steps: vec![
                Step::List(12.0),
                Step::Parts { of: measured.clone(), count: 420.0, bytes: 1_500_000 },
                Step::Put { prefix: "reports/", extension: "csv", count: 6.0, size: 400_000 },
            ],
            spread: 0.15,
        }),
        Stream::Job(Job {
            name: "weekly retention",
            clients: vec![members[3]],
            role: None,
            every: Every::Week(0, 3 * HOUR),
            jitter: 60,
            takes: 600,
            steps: vec![Step::List(20.0), Step::BatchDelete { prefix: "raw/old/", count: 900.0 }],
            spread: 0.15,
        }),
        Stream::Lifecycle { per_day: 500, prefix: "raw/expired/" },
        Stream::Noise { per_day: 1.0 },
        Stream::Console { clients: employees(month, random), per_day: 1.5 },
        security_audit(month),
    ];
    World {
        zipf: Zipf::new(popular.len(), 0.3),
        popular,
        large: measured.collect(),
        people,
        site: "-",
        is_public: false,
        get: "REST.GET.OBJECT",
        streams,
        members,
        growable: vec![vec!["device uploads"], vec!["device uploads"], vec!["hourly compaction"]],
        stoppable: vec![("nightly report", DAY), ("hourly compaction", HOUR), ("settings of devices", HOUR)],
        objects,
    }
}
