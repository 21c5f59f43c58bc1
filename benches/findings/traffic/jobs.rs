//! Work at regular times.

use super::World;
use super::stream::{Every, Job, Step};
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::{Object, Request};

impl Job {
    /// The times of the runs.
    pub(crate) fn runs(&self, month: &Month, random: &mut Random) -> Vec<u32> {
        let mut runs = Vec::new();
        for day in 0..month.days {
            let start = day * DAY;
            match &self.every {
                Every::Hour(at) => runs.extend((0..24).map(|hour| start + hour * HOUR + at)),
                Every::Day(at) => runs.push(start + at),
                Every::Workday(at) if month.is_workday(day) => runs.push(start + at),
                Every::Week(weekday, at) if (month.first_weekday + day) % 7 == *weekday => {
                    runs.push(start + at);
                }
                Every::At(times) if day == 0 => runs.extend(times),
                Every::Workday(_) | Every::Week(..) | Every::At(_) => {}
            }
        }
        runs.iter().map(|run| run + random.below(u64::from(self.jitter) + 1) as u32).collect()
    }
}

pub(super) fn job(month: &mut Month, world: &World, job: &Job, random: &mut Random) {
    let number = month.stream(job.name);
    let runs = job.runs(month, random);
    for (run, start) in runs.into_iter().enumerate() {
        if month.is_paused(job.name, start) {
            continue;
        }
        let clients = match job.role {
            None => job.clients.clone(),
            Some(role) => (0..4)
                .map(|worker| {
                    let ip = format!("10.20.{}.{}", random.below(16), random.between(4, 250));
                    let agent = month.texts.get(job.clients[0].agent).to_owned();
                    let requester = format!(
                        "arn:aws:sts::123456789012:assumed-role/{role}/i-0{:010x}{worker}",
                        random.next() >> 24
                    );
                    month.client(&ip, &requester, &agent)
                })
                .collect(),
        };
        let level = month.level(job.name, start) * random.spread(job.spread);
        let requests = run_of_job(month, world, job, run, level, random);
        let pace = f64::from(job.takes) / requests.len().max(1) as f64;
        let mut time = f64::from(start);
        for request in requests {
            let client = *random.pick(&clients);
            let mut request = Request { time: time as u32, client, stream: number, ..request };
            if random.chance(0.0006) && !request.operation.contains("BATCH") {
                request = request.failed(503, "SlowDown");
            }
            month.push(request);
            time += random.exponential(pace);
        }
    }
}

/// The requests of a run, without clients and times.
fn run_of_job(
    month: &mut Month,
    world: &World,
    job: &Job,
    run: usize,
    level: f64,
    random: &mut Random,
) -> Vec<Request> {
    let client = job.clients[0];
    let mut requests = Vec::new();
    let (year, of_year, day) = month.date(run as u32 * DAY % (month.days * DAY));
    let count_of = |count: f64| (count * level).round().max(1.0) as usize;
    for step in &job.steps {
        match step {
            Step::List(count) => requests.extend((0..count_of(*count)).map(|_| Request::list(0, client))),
            Step::Read { of, count } => {
                let count = count_of(*count);
                let from = run * count;
                requests.extend(
                    (from..from + count)
                        .map(|at| Request::get(0, client, world.objects[of.start + at % of.len()])),
                );
            }
            Step::ReadAll(of) => {
                requests
                    .extend(world.objects[of.clone()].iter().map(|object| Request::get(0, client, *object)));
            }
            Step::Heads { of, count } => requests.extend((0..count_of(*count)).map(|_| {
                let object = world.objects[of.start + random.index(of.len())];
                Request::operation(0, client, "REST.HEAD.OBJECT", object)
            })),
            Step::Parts { of, count, bytes } => requests.extend((0..count_of(*count)).map(|_| {
                let object = world.objects[of.start + random.index(of.len())];
                Request::part(0, client, object, *bytes)
            })),
            Step::Put { prefix, extension, count, size } => {
                for part in 0..count_of(*count) {
                    let id = random.next() >> 32;
                    let key = month.text(&format!(
                        "{prefix}{year}/{of_year:02}/{day:02}/part-{part:05}-{id:08x}.{extension}"
                    ));
                    let size = (*size as f64 * random.spread(0.5)) as u64;
                    requests.push(Request::put(0, client, Object { key, size }));
                }
            }
            Step::PutAll(of) => {
                requests
                    .extend(world.objects[of.clone()].iter().map(|object| Request::put(0, client, *object)));
            }
            Step::Multipart { prefix, extension, count, size } => {
                for file in 0..count_of(*count) {
                    let id = random.next() >> 40;
                    let key = month.text(&format!(
                        "{prefix}{year}-{of_year:02}-{day:02}/{run:03}-{file:04}-{id:06x}.{extension}"
                    ));
                    let size = (*size as f64 * random.spread(0.8)) as u64;
                    let object = Object { key, size };
                    let parts = size / (64 << 20) + 1;
                    let step = |operation, query| Request {
                        query,
                        ..Request::operation(0, client, operation, object)
                    };
                    requests.push(step("REST.POST.UPLOADS", "uploads"));
                    requests.extend((0..parts).map(|_| step("REST.PUT.PART", "partNumber=1&uploadId=Zq3")));
                    requests.push(step("REST.POST.UPLOAD", "uploadId=Zq3"));
                }
            }
            Step::BatchDelete { prefix, count } => {
                let count = count_of(*count);
                for first in (0..count).step_by(500) {
                    requests.push(Request::of_bucket(
                        0,
                        client,
                        "REST.POST.MULTI_OBJECT_DELETE",
                        "delete",
                        9_000,
                    ));
                    for _ in first..count.min(first + 500) {
                        let id = random.next() >> 32;
                        let key = month.text(&format!("{prefix}part-{id:08x}.parquet"));
                        let object = Object { key, size: 300_000 };
                        let mut request = Request::operation(0, client, "BATCH.DELETE.OBJECT", object);
                        request.status = 204;
                        requests.push(request);
                    }
                }
            }
            Step::Bucket(operations) => requests.extend(
                operations
                    .iter()
                    .map(|(operation, query)| Request::of_bucket(0, client, operation, query, 400)),
            ),
        }
    }
    requests
}
