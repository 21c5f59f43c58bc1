//! Clusters that train models: irregular runs, each of which reads the same shards in every epoch.

use super::World;
use super::stream::Training;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::{Client, Object, Request};

/// Bytes of a part of a checkpoint's upload.
const CHECKPOINT_PART: u64 = 512 << 20;
/// Checkpoints of a run that are kept; older ones are deleted.
const KEPT_CHECKPOINTS: usize = 3;
/// How often a run crashes in an epoch (a node is lost), and how often a user stops it.
const CRASHES: f64 = 0.025;
const STOPS: f64 = 0.012;
/// How often S3 is asked too fast.
const SLOW_DOWNS: f64 = 0.0012;

pub(super) fn training(month: &mut Month, world: &World, plan: &Training, random: &mut Random) {
    let number = month.stream(plan.name);
    // The month begins within a run or between two.
    let mut time = -random.range(0.0, 2.0 * plan.idle_days) * f64::from(DAY);
    for run in 0.. {
        let start = start_of_run(month, time, random);
        if start >= i64::from(month.end) {
            break;
        }
        let mut work = Run::new(month, world, plan, run, random);
        let end = work.generate(month, start, random);
        for request in work.requests {
            month.push(Request { stream: number, ..request });
        }
        time = end as f64 + random.exponential(plan.idle_days) * f64::from(DAY);
    }
}

/// People start runs when they work; some are queued and start when the cluster is free.
fn start_of_run(month: &Month, time: f64, random: &mut Random) -> i64 {
    let time = time as i64;
    if random.chance(0.2) || time < 0 {
        return time;
    }
    let (mut day, of_day) = (time as u32 / DAY, time as u32 % DAY);
    let is_office = |of_day: u32| (8 * HOUR..20 * HOUR).contains(&of_day);
    if day < month.days && month.is_workday(day) && is_office(of_day) {
        return time;
    }
    if of_day >= 8 * HOUR {
        day += 1;
    }
    while day < month.days && !month.is_workday(day) {
        day += 1;
    }
    i64::from(day * DAY + 8 * HOUR) + random.exponential(2.0 * f64::from(HOUR)) as i64
}

struct Run<'w> {
    plan: &'w Training,
    shards: Vec<Object>,
    nodes: Vec<Client>,
    name: String,
    end: i64,
    checkpoints: Vec<Object>,
    requests: Vec<Request>,
}

impl<'w> Run<'w> {
    fn new(month: &mut Month, world: &World, plan: &'w Training, run: u32, random: &mut Random) -> Run<'w> {
        let nodes = (0..random.between(plan.nodes.0, plan.nodes.1 + 1))
            .map(|_| {
                let ip = format!("10.32.{}.{}", random.below(8), random.between(4, 250));
                let requester = format!(
                    "arn:aws:sts::123456789012:assumed-role/{}/i-0{:016x}",
                    plan.role,
                    random.next() >> 4
                );
                month.client(&ip, &requester, plan.agent)
            })
            .collect();
        Run {
            plan,
            shards: world.objects[plan.dataset.clone()].to_vec(),
            nodes,
            name: format!("{}-{run:03}-{:06x}", plan.project, random.next() >> 40),
            end: i64::from(month.end),
            checkpoints: Vec::new(),
            requests: Vec::new(),
        }
    }

    fn add(&mut self, time: f64, request: Request, random: &mut Random) {
        if time < 0.0 || time as i64 >= self.end {
            return;
        }
        let request = Request { time: time as u32, ..request };
        self.requests.push(if random.chance(SLOW_DOWNS) { request.failed(503, "SlowDown") } else { request });
    }

    /// The requests from `start`. Returns the end.
    fn generate(&mut self, month: &mut Month, start: i64, random: &mut Random) -> i64 {
        let mut time = start as f64;
        // Its length is decided when it starts; the speed depends on the number of nodes.
        let epochs = random.between(self.plan.epochs.0, self.plan.epochs.1 + 1);
        let takes = f64::from(self.plan.epoch_takes) * random.range(0.8, 1.25);
        self.begin(month, time, random);
        let mut last_checkpoint = time;
        for _ in 0..epochs {
            if time >= self.end as f64 || random.chance(STOPS) {
                break;
            }
            let is_lost = random.chance(CRASHES);
            let part = if is_lost { random.range(0.1, 0.9) } else { 1.0 };
            self.epoch(time, takes, part, random);
            let end = time + takes * part;
            while last_checkpoint + f64::from(self.plan.checkpoint_every) < end {
                last_checkpoint += f64::from(self.plan.checkpoint_every);
                self.checkpoint(month, last_checkpoint, random);
            }
            time = end;
            if is_lost {
                // The scheduler replaces the node, and all nodes load the last checkpoint.
                time += random.range(180.0, 2400.0);
                self.restore(time, random);
                last_checkpoint = time;
            }
        }
        self.checkpoint(month, time, random);
        time as i64
    }

    fn begin(&mut self, month: &mut Month, start: f64, random: &mut Random) {
        let key = month.text(&format!("runs/{}/config.yaml", self.name));
        self.add(start - 30.0, Request::put(0, self.nodes[0], Object { key, size: 4_200 }), random);
        for node in self.nodes.clone() {
            let mut time = start + random.range(0.0, 40.0);
            self.add(time, Request::get(0, node, Object { key, size: 4_200 }), random);
            for _ in 0..1 + self.shards.len() / 1000 {
                time += random.exponential(0.5);
                self.add(time, Request::list(0, node), random);
            }
        }
    }

    /// Each node reads its share of the shards, which are shuffled in every epoch, in parts.
    fn epoch(&mut self, start: f64, takes: f64, part: f64, random: &mut Random) {
        let mut order = self.shards.clone();
        random.shuffle(&mut order);
        let nodes = self.nodes.len();
        let rounds = order.len().div_ceil(nodes) as f64;
        let read = (order.len() as f64 * part) as usize;
        for (at, shard) in order.into_iter().take(read).enumerate() {
            let node = self.nodes[at % nodes];
            // Loaders read ahead of the computation.
            let mut time = start + (at / nodes) as f64 / rounds * takes + random.exponential(6.0);
            let mut left = shard.size;
            while left > 0 {
                let bytes = left.min(self.plan.part);
                left -= bytes;
                self.add(time, Request::part(0, node, shard, bytes), random);
                time += random.exponential(1.2);
            }
        }
    }

    /// The first node uploads the state of the model and deletes an older one.
    fn checkpoint(&mut self, month: &mut Month, start: f64, random: &mut Random) {
        let node = self.nodes[0];
        let step = self.checkpoints.len() * 1000 + 1000;
        let key = month.text(&format!("checkpoints/{}/step-{step:07}.pt", self.name));
        let size = self.plan.checkpoint;
        let checkpoint = Object { key, size };
        let of_upload =
            |operation, query| Request { query, ..Request::operation(0, node, operation, checkpoint) };
        let mut time = start;
        self.add(time, of_upload("REST.POST.UPLOADS", "uploads"), random);
        for _ in 0..size.div_ceil(CHECKPOINT_PART) {
            time += random.exponential(3.0);
            self.add(time, of_upload("REST.PUT.PART", "partNumber=1&uploadId=Zq3"), random);
        }
        time += 2.0;
        self.add(time, of_upload("REST.POST.UPLOAD", "uploadId=Zq3"), random);
        let events = month.text(&format!("runs/{}/events.out.tfevents", self.name));
        let events = Object { key: events, size: 90_000 + 700 * step as u64 };
        self.add(time + 4.0, Request::put(0, node, events), random);
        self.checkpoints.push(checkpoint);
        if self.checkpoints.len() > KEPT_CHECKPOINTS {
            let old = self.checkpoints[self.checkpoints.len() - 1 - KEPT_CHECKPOINTS];
            let request = Request::operation(0, node, "REST.DELETE.OBJECT", old);
            self.add(time + 6.0, Request { status: 204, ..request }, random);
        }
    }

    fn restore(&mut self, start: f64, random: &mut Random) {
        let Some(checkpoint) = self.checkpoints.last().copied() else { return };
        for node in self.nodes.clone() {
            let mut time = start - random.range(20.0, 160.0);
            self.add(time, Request::operation(0, node, "REST.HEAD.OBJECT", checkpoint), random);
            for _ in 0..checkpoint.size.div_ceil(CHECKPOINT_PART) {
                time += random.exponential(2.0);
                self.add(time, Request::part(0, node, checkpoint, CHECKPOINT_PART), random);
            }
        }
    }
}
