//! Training of machine-learning models: clusters that read shards of data sets again and again, and write checkpoints.
//!
//! Nodes read through a gateway endpoint, so that their addresses are private. The bucket is for members of the company and of
//! a labelling company; its level depends on which runs there are, and those follow no calendar.

use super::{BOTO, CLI, GO, Objects, company, private, role, shuffled};
use crate::agents::People;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::Client;
use crate::traffic::{Every, Job, Step, Stream, Training, Visit, World};

const TORCH: &str = "s3torchconnector/1.2.7 Python/3.10.14 CRTS3NativeClient/0.1.x platform/unix";
const MOUNTPOINT: &str = "mountpoint-s3/1.10.0 CRTS3NativeClient/0.1.x platform/unix";
const PYARROW: &str = "aws-sdk-cpp/1.11.267 ua/2.0 md/aws-crt#0.26.6 os/Linux#5.15.0 md/arch#x86_64 lang/c++#C++11 md/GCC#12.2.1 cfg/retry-mode#default api/S3";

pub(super) fn world(month: &mut Month, random: &mut Random) -> World {
    let mut objects = Objects::new(month, random);
    let speech = objects.add(110, 1.1e8, 0.03, |at| format!("datasets/speech/v4/train-{at:05}-of-00110.tar"));
    let tuning = objects.add(24, 9.0e7, 0.2, |at| format!("datasets/tuning/2025-10/part-{at:03}.parquet"));
    let validation =
        objects.add(64, 6.0e7, 0.05, |at| format!("datasets/validation/v4/val-{at:05}-of-00064.tar"));
    let vision =
        objects.add(200, 2.55e8, 0.02, |at| format!("datasets/vision/v7/train-{at:05}-of-00200.tar"));
    let models = objects.add(28, 2.8e9, 0.5, |at| {
        format!("models/{}/v{}/model.safetensors", ["asr", "detector", "ranker", "tagger"][at / 7], at % 7)
    });
    let pictures =
        objects.add(2400, 8.0e5, 0.5, |at| format!("raw/pictures/batch-{:03}/{:06}.jpg", at / 100, at * 17));
    let objects = objects.list;
    let popular = shuffled(std::slice::from_ref(&pictures), random);
    let people = People::new(month, 70, 1, random);
    let label_tool = role(month, "10.0.14.8", "label-tool", "label-tool", BOTO);
    let members = vec![
        role(month, "10.0.14.20", "data-ingest", "collector", GO),
        role(month, "10.0.14.31", "evaluation", "nightly", BOTO),
        role(month, "10.0.14.32", "shard-builder", "builder", CLI),
    ];
    // Notebooks are on one server, as sessions of their users.
    let notebooks: Vec<Client> = ["ines", "jonas", "kofi", "lena", "mei", "nikhil"]
        .iter()
        .map(|name| role(month, "10.0.15.5", "notebook", &format!("{name}@acme.example"), PYARROW))
        .collect();
    // Servers load a model when they start: with the load of the day, and all of them after a deployment.
    let mut starts = Vec::new();
    for day in 0..month.days {
        for hour in 0..24 {
            let mean = 0.5 * month.people[(day * 24 + hour) as usize];
            starts.extend(
                (0..random.poisson(mean)).map(|_| day * DAY + hour * HOUR + random.below(3600) as u32),
            );
        }
        if month.is_workday(day) && random.chance(0.12) {
            let at = day * DAY + random.between(9, 17) as u32 * HOUR + random.below(3600) as u32;
            starts.extend((0..12).map(|server| at + server * 70));
        }
    }
    let mut streams = vec![
        Stream::Training(Training {
            name: "training of vision models",
            project: "vision",
            role: "training-node",
            agent: TORCH,
            dataset: vision.clone(),
            part: 64 << 20,
            nodes: (8, 16),
            epochs: (6, 30),
            epoch_takes: 8400,
            idle_days: 2.5,
            checkpoint: 6_400_000_000,
            checkpoint_every: HOUR,
        }),
        Stream::Training(Training {
            name: "training of speech models",
            project: "speech",
            role: "training-node",
            agent: TORCH,
            dataset: speech.clone(),
            part: 64 << 20,
            nodes: (2, 4),
            epochs: (4, 24),
            epoch_takes: 3000,
            idle_days: 1.1,
            checkpoint: 1_300_000_000,
            checkpoint_every: 1800,
        }),
        Stream::Training(Training {
            name: "tuning experiments",
            project: "tune",
            role: "sweep-worker",
            agent: MOUNTPOINT,
            dataset: tuning.clone(),
            part: 32 << 20,
            nodes: (1, 1),
            epochs: (1, 4),
            epoch_takes: 900,
            idle_days: 0.25,
            checkpoint: 420_000_000,
            checkpoint_every: 1200,
        }),
        Stream::Queries { name: "notebooks", clients: notebooks.clone(), per_day: 26.0, reads: 34.0 },
        Stream::Visitors {
            name: "labelling",
            sessions: 80.0,
            visit: Visit::App { requests: 9.0, requester: Some(label_tool.requester) },
        },
        Stream::Job(Job {
            name: "data ingest",
            every: Every::Hour(420),
            jitter: 200,
            takes: 1500,
            steps: vec![Step::Put { prefix: "raw/incoming/", extension: "jpg", count: 22.0, size: 800_000 }],
            spread: 0.4,
            ..Job::by(members[0])
        }),
        Stream::Job(Job {
            name: "nightly evaluation",
            every: Every::Day(HOUR + 1800),
            jitter: 400,
            takes: 2700,
            steps: vec![
                Step::List(2.0),
                Step::Parts { of: models.clone(), count: 40.0, bytes: 128 << 20 },
                Step::ReadAll(validation.clone()),
                Step::Put { prefix: "reports/", extension: "json", count: 8.0, size: 60_000 },
            ],
            spread: 0.1,
            ..Job::by(members[1])
        }),
        Stream::Job(Job {
            name: "weekly shards",
            every: Every::Week(5, 22 * HOUR),
            jitter: 600,
            takes: 3 * HOUR,
            steps: vec![
                Step::List(12.0),
                Step::Read { of: pictures.clone(), count: 1300.0 },
                Step::Multipart {
                    prefix: "datasets/next/",
                    extension: "tar",
                    count: 10.0,
                    size: 255_000_000,
                },
            ],
            spread: 0.1,
            ..Job::by(members[2])
        }),
        Stream::Job(Job {
            name: "model servers",
            role: Some("model-server"),
            every: Every::At(starts),
            jitter: 0,
            takes: 45,
            steps: vec![
                Step::Heads { of: models.clone(), count: 1.0 },
                Step::Parts { of: models.clone(), count: 6.0, bytes: 512 << 20 },
            ],
            ..Job::by(role(month, "10.0.16.4", "model-server", "server", BOTO))
        }),
    ];
    streams.extend(company(month, random, (60, "checkpoints/expired/"), 0.5, 2.5));
    // A few months end with a copy of a new public data set.
    if random.chance(0.3) {
        let day = random.between(4, u64::from(month.days) - 2) as u32;
        streams.push(Stream::Job(Job {
            name: "import of a data set",
            every: Every::At(vec![day * DAY + 10 * HOUR + random.below(20_000) as u32]),
            jitter: 0,
            takes: 4 * HOUR,
            steps: vec![Step::Multipart {
                prefix: "datasets/import/",
                extension: "tar",
                count: 260.0,
                size: 250_000_000,
            }],
            spread: 0.5,
            ..Job::by(members[2])
        }));
    }
    let mut members = members;
    members.extend(&notebooks[..3]);
    World {
        large: models.collect(),
        streams,
        members,
        // Runs have no level that could change at a time: users start them when they need them.
        growable: vec![vec!["labelling"], vec!["data ingest"], vec!["notebooks"]],
        stoppable: vec![("nightly evaluation", DAY), ("data ingest", HOUR)],
        ..private(objects, popular, 0.4, people)
    }
}
