//! Ordinary traffic: what a bucket is used for, and how its requests are generated.

mod company;
mod deliveries;
mod devices;
mod jobs;
mod shop;
mod strangers;
mod stream;
mod training;
mod visitors;

use crate::agents::People;
use crate::month::Month;
use crate::random::{Random, Zipf};
use crate::record::{Client, Object, Request};

pub(crate) use deliveries::service;
pub(crate) use strangers::PROBES;
pub(crate) use stream::{
    Deliveries, Devices, Every, Job, LogSource, Origin, Step, Stream, Training, Uploads, Visit,
};
pub(crate) use visitors::as_usual;

use company::{console, lifecycle, queries, release};
use deliveries::deliveries;
use devices::devices;
use jobs::job;
use shop::{origin, uploads};
use strangers::{crawler, noise, security_scan};
use training::training;
use visitors::visitors;

/// A bucket and its ordinary traffic.
#[derive(Debug)]
pub(crate) struct World {
    /// The objects in the order of their keys.
    pub(crate) objects: Vec<Object>,
    /// Indexes of the objects that visitors request, most popular first.
    pub(crate) popular: Vec<usize>,
    pub(crate) zipf: Zipf,
    /// Indexes of large objects.
    pub(crate) large: Vec<usize>,
    pub(crate) people: People,
    /// Origin of the pages that show the objects.
    pub(crate) site: &'static str,
    /// Whether anonymous requests are allowed.
    pub(crate) is_public: bool,
    /// GET operation of visitors.
    pub(crate) get: &'static str,
    pub(crate) streams: Vec<Stream>,
    /// Known clients with credentials, for incidents in their name.
    pub(crate) members: Vec<Client>,
    /// Kinds of traffic that may grow at once, together.
    pub(crate) growable: Vec<Vec<&'static str>>,
    /// Regular traffic that may stop, with the seconds between its runs.
    pub(crate) stoppable: Vec<(&'static str, u32)>,
}

impl World {
    /// An object as visitors request it.
    pub(crate) fn popular(&self, random: &mut Random) -> Object {
        self.objects[self.popular[self.zipf.draw(random)]]
    }
}

/// Generates the ordinary traffic of the month.
pub(crate) fn generate(month: &mut Month, world: &World) {
    for stream in &world.streams {
        let mut random = month.random.split();
        match stream {
            Stream::Visitors { name, sessions, visit } => {
                visitors(month, world, name, *sessions, visit, &mut random);
            }
            Stream::Crawler { name, agents, addresses, per_day } => {
                crawler(month, world, name, (agents, addresses), *per_day, &mut random);
            }
            Stream::Monitor { name, clients, every, object } => {
                let number = month.stream(name);
                for (index, client) in clients.iter().enumerate() {
                    let mut time = index as u32 * 17;
                    while time < month.end {
                        if !month.is_paused(name, time) {
                            let mut request = Request::operation(time, *client, "REST.HEAD.OBJECT", *object);
                            request.took = 20 + random.below(60) as u32;
                            if random.chance(0.001) {
                                request = request.failed(503, "SlowDown");
                            }
                            month.push(Request { stream: number, ..request });
                        }
                        time += every + random.below(4) as u32;
                    }
                }
            }
            Stream::Job(work) => job(month, world, work, &mut random),
            Stream::Noise { per_day } => noise(month, world, *per_day, &mut random),
            Stream::Hub { name, client, per_hour } => {
                let number = month.stream(name);
                for time in month.times(per_hour * 24.0, None, name, &mut random) {
                    if month.is_paused(name, time) {
                        continue;
                    }
                    let object = world.popular(&mut random);
                    let mut request = Request::get(time, *client, object);
                    if random.chance(0.3) {
                        request = request.not_modified();
                    }
                    month.push(Request { stream: number, ..request });
                }
            }
            Stream::SecurityScan { client, weekday, requests } => {
                security_scan(month, *client, *weekday, *requests, &mut random);
            }
            Stream::Lifecycle { per_day, prefix } => lifecycle(month, *per_day, prefix, &mut random),
            Stream::Release { name, by, at, objects, size, peak } => {
                release(month, world, (name, *by, *at), *objects, *size, *peak, &mut random);
            }
            Stream::Queries { name, clients, per_day, reads } => {
                queries(month, world, name, clients, *per_day, *reads, &mut random);
            }
            Stream::Devices(fleet) => devices(month, world, fleet, &mut random),
            Stream::Training(plan) => training(month, world, plan, &mut random),
            Stream::Deliveries(plan) => deliveries(month, plan, &mut random),
            Stream::Origin(plan) => origin(month, world, plan, &mut random),
            Stream::Uploads(plan) => uploads(month, world, plan, &mut random),
            Stream::Console { clients, per_day } => console(month, world, clients, *per_day, &mut random),
        }
    }
}
