//! Ordinary traffic: what a bucket is used for, and how its requests are generated.

use crate::agents::{self, People};
use crate::month::{DAY, HOUR, Month};
use crate::random::{Random, Zipf};
use crate::record::{ABSENT, Client, Object, Request, Signature, Text, Tls};

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

/// A kind of ordinary traffic.
#[derive(Clone, Debug)]
pub(crate) enum Stream {
    Visitors {
        name: &'static str,
        sessions: f64,
        visit: Visit,
    },
    Crawler {
        name: &'static str,
        agents: Vec<Text>,
        addresses: Vec<Text>,
        per_day: f64,
    },
    Monitor {
        name: &'static str,
        clients: Vec<Client>,
        every: u32,
        object: Object,
    },
    Job(Job),
    /// Strangers who try a few well-known paths.
    Noise {
        per_day: f64,
    },
    /// A client that downloads at a steady pace, day and night.
    Hub {
        name: &'static str,
        client: Client,
        per_hour: f64,
    },
    /// A scan for weaknesses that the company ordered: well-known paths, once a week.
    SecurityScan {
        client: Client,
        weekday: u32,
        requests: u64,
    },
    Lifecycle {
        per_day: u64,
        prefix: &'static str,
    },
    /// New objects, which many visitors download at once.
    Release {
        name: &'static str,
        by: Client,
        at: u32,
        objects: usize,
        size: u64,
        peak: f64,
    },
    /// Queries in office hours: each reads parts of some objects.
    Queries {
        name: &'static str,
        clients: Vec<Client>,
        per_day: f64,
        reads: f64,
    },
    /// Employees who look around.
    Console {
        clients: Vec<Client>,
        per_day: f64,
    },
}

/// What a visitor does in a session.
#[derive(Clone, Debug)]
pub(crate) enum Visit {
    /// Pages with pictures.
    Pages { requests: f64 },
    /// Films as short segments, one after another. The ranges are the segments of a film.
    Film(Vec<std::ops::Range<usize>>),
    /// A film or song in one object, read in parts.
    Parts,
    /// Files, now and then one that does not exist.
    Downloads { requests: f64 },
    /// Requests of the company's app; with presigned URLs of this requester, if present.
    App { requests: f64, requester: Option<Text> },
    /// Downloads and uploads with presigned URLs of a web application, below the prefix of a tenant.
    Presigned { requester: Text, tenants: usize, uploads: f64 },
}

/// Work at regular times.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) clients: Vec<Client>,
    /// If present: each run has sessions of this role and addresses of its own.
    pub(crate) role: Option<&'static str>,
    pub(crate) every: Every,
    /// Seconds by which a run starts later at most.
    pub(crate) jitter: u32,
    /// Seconds that a run takes.
    pub(crate) takes: u32,
    pub(crate) steps: Vec<Step>,
    /// How much the size of runs varies (standard deviation of the logarithm).
    pub(crate) spread: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Every {
    Hour(u32),
    Day(u32),
    /// From Monday to Friday.
    Workday(u32),
    /// Day of the week from Monday, 0, and time of day.
    Week(u32, u32),
    /// At these times only.
    At(Vec<u32>),
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    List(f64),
    /// Whole objects one after another; each run continues in a range of objects.
    Read {
        of: std::ops::Range<usize>,
        count: f64,
    },
    /// All objects of a range.
    ReadAll(std::ops::Range<usize>),
    Heads {
        of: std::ops::Range<usize>,
        count: f64,
    },
    /// Parts of objects of a range.
    Parts {
        of: std::ops::Range<usize>,
        count: f64,
        bytes: u64,
    },
    Put {
        prefix: &'static str,
        extension: &'static str,
        count: f64,
        size: u64,
    },
    /// Every object of a range again.
    PutAll(std::ops::Range<usize>),
    Multipart {
        prefix: &'static str,
        extension: &'static str,
        count: f64,
        size: u64,
    },
    /// Deletes many objects with few requests.
    BatchDelete {
        prefix: &'static str,
        count: f64,
    },
    /// Operations on the bucket: operation, query.
    Bucket(&'static [(&'static str, &'static str)]),
}

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
            Stream::Console { clients, per_day } => console(month, world, clients, *per_day, &mut random),
        }
    }
}

/// A page of the site.
fn page(month: &mut Month, site: &str, random: &mut Random) -> Text {
    let page = (random.unit().powi(3) * 120.0) as u32;
    match page {
        0 => month.text(&format!("{site}/")),
        page => month.text(&format!("{site}/stories/{page}")),
    }
}

/// The referer of a request that did not come from the site itself.
fn other_referer(month: &mut Month, random: &mut Random) -> Text {
    const OTHERS: [&str; 8] = [
        "https://www.google.com/",
        "https://www.google.com/",
        "https://www.google.com/",
        "https://www.bing.com/",
        "https://duckduckgo.com/",
        "https://t.co/",
        "https://news.ycombinator.com/",
        "https://partner.example.org/catalogue",
    ];
    month.text(OTHERS[random.index(OTHERS.len())])
}

/// Makes a request fail or need no body as often as in ordinary traffic.
pub(crate) fn as_usual(request: Request, random: &mut Random) -> Request {
    match random.unit() {
        at if at < 0.07 => request.not_modified(),
        at if at < 0.0715 => request.failed(503, "SlowDown"),
        at if at < 0.0718 => request.failed(500, "InternalError"),
        _ => request,
    }
}

fn visitors(month: &mut Month, world: &World, name: &str, sessions: f64, visit: &Visit, random: &mut Random) {
    let number = month.stream(name);
    let people = month.people.clone();
    let dead: Vec<Text> = (0..40).map(|at| month.text(&format!("images/old/{at:03}.jpg"))).collect();
    for start in month.times(sessions, Some(&people), name, random) {
        let mut client = world.people.visitor(start, random);
        let mut time = f64::from(start);
        let add = |month: &mut Month, request: Request| month.push(Request { stream: number, ..request });
        match visit {
            Visit::Pages { requests } => {
                let mut left = random.geometric(*requests);
                while left > 0 {
                    let referer = page(month, world.site, random);
                    for _ in 0..left.min(2 + random.below(8)) {
                        left -= 1;
                        let mut request = Request::get(time as u32, client, world.popular(random));
                        request.operation = world.get;
                        request = as_usual(request, random);
                        request.referer = match random.unit() {
                            at if at < 0.05 => ABSENT,
                            at if at < 0.09 => other_referer(month, random),
                            _ => referer,
                        };
                        if random.chance(0.012) {
                            request.key = *random.pick(&dead);
                            request = request.failed(404, "NoSuchKey");
                        } else if random.chance(0.002) {
                            request = request.failed(403, "AccessDenied");
                        }
                        add(month, request);
                        time += random.exponential(0.6);
                    }
                    time += random.exponential(50.0);
                }
            }
            Visit::Film(films) => {
                let film = films[(random.unit().powi(3) * films.len() as f64) as usize].clone();
                let first = if random.chance(0.7) { 0 } else { random.index(film.len()) };
                let referer = page(month, world.site, random);
                let watched = random.geometric(film.len() as f64 * 0.5) as usize;
                for index in film.skip(first).take(watched) {
                    let mut request = Request::get(time as u32, client, world.objects[index]);
                    request.referer = referer;
                    add(month, request);
                    time += random.range(3.0, 7.0);
                }
            }
            Visit::Parts => {
                let object = world.objects[*random.pick(&world.large)];
                let referer = page(month, world.site, random);
                for _ in 0..random.geometric(9.0) {
                    let bytes = random.between(512 << 10, 4 << 20);
                    let mut request = Request::part(time as u32, client, object, bytes);
                    request.referer = referer;
                    add(month, request);
                    time += random.exponential(9.0);
                }
            }
            Visit::Downloads { requests } => {
                for _ in 0..random.geometric(*requests) {
                    let object = world.objects[*random.pick(&world.large)];
                    let mut request = as_usual(Request::get(time as u32, client, object), random);
                    request.referer = page(month, world.site, random);
                    if random.chance(0.02) {
                        request.key = *random.pick(&dead);
                        request = request.failed(404, "NoSuchKey");
                    }
                    add(month, request);
                    time += random.exponential(40.0);
                }
            }
            Visit::App { requests, requester } => {
                client = world.people.app_user(start, random);
                if let Some(requester) = requester {
                    client.requester = *requester;
                    client.signature = Signature::Presigned;
                }
                for _ in 0..random.geometric(*requests) {
                    let request = as_usual(Request::get(time as u32, client, world.popular(random)), random);
                    add(month, request);
                    time += random.exponential(4.0);
                }
            }
            Visit::Presigned { requester, tenants, uploads } => {
                client.requester = *requester;
                client.signature = Signature::Presigned;
                let tenant = (random.unit().powi(2) * *tenants as f64) as usize;
                let of_tenant = world.objects.len() / tenants;
                for _ in 0..random.geometric(5.0) {
                    let request = if random.chance(*uploads) {
                        let id = random.next() >> 24;
                        let key = month.text(&format!("tenants/t-{tenant:04}/uploads/{id:010x}.pdf"));
                        let size = (180_000.0 * random.spread(1.3)) as u64;
                        Request::put(time as u32, client, Object { key, size })
                    } else {
                        let index = tenant * of_tenant + (random.unit().powi(2) * of_tenant as f64) as usize;
                        let request = Request::get(time as u32, client, world.objects[index]);
                        if random.chance(0.012) { request.failed(403, "AccessDenied") } else { request }
                    };
                    let referer = month.text(&format!("{}/app", world.site));
                    add(
                        month,
                        Request {
                            referer,
                            query: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900",
                            ..request
                        },
                    );
                    time += random.exponential(30.0);
                }
            }
        }
    }
}

fn crawler(
    month: &mut Month,
    world: &World,
    name: &str,
    (agents, addresses): (&[Text], &[Text]),
    per_day: f64,
    random: &mut Random,
) {
    let number = month.stream(name);
    let robots = month.text("robots.txt");
    let agents = agents.to_vec();
    // A crawler visits all objects in an order of its own, again and again.
    let mut order: Vec<usize> = world.popular.clone();
    random.shuffle(&mut order);
    for (count, time) in month.times(per_day, None, name, random).into_iter().enumerate() {
        let client = Client {
            ip: *random.pick(addresses),
            requester: ABSENT,
            agent: *random.pick(&agents),
            signature: Signature::Anonymous,
            tls: Tls::V13,
            in_region: false,
        };
        let object = world.objects[order[count % order.len()]];
        let mut request = Request::get(time, client, object);
        request.operation = world.get;
        match random.unit() {
            at if at < 0.03 => {
                request.key = robots;
                request = request.failed(404, "NoSuchKey");
            }
            at if at < 0.06 => request = request.failed(404, "NoSuchKey"),
            at if at < 0.36 => request = request.not_modified(),
            _ => {}
        }
        month.push(Request { stream: number, ..request });
    }
}

/// Well-known paths that strangers try.
pub(crate) const PROBES: [&str; 24] = [
    ".env",
    ".git/config",
    "wp-login.php",
    "backup.zip",
    "backup.sql",
    "config.json",
    ".aws/credentials",
    "index.php",
    "admin/",
    "db.sql",
    "robots.txt",
    "favicon.ico",
    ".DS_Store",
    "phpinfo.php",
    "server-status",
    "test.txt",
    "credentials.json",
    "wp-config.php",
    "dump.sql",
    "site.tar.gz",
    ".well-known/security.txt",
    "config.php",
    "id_rsa",
    "api/",
];

fn noise(month: &mut Month, world: &World, per_day: f64, random: &mut Random) {
    const AGENTS: [&str; 6] = [
        "Mozilla/5.0 zgrab/0.x",
        "Go-http-client/1.1",
        "curl/7.88.1",
        "python-requests/2.31.0",
        "Mozilla/5.0",
        "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)",
    ];
    let number = month.stream("internet noise");
    for start in month.times(per_day, None, "internet noise", random) {
        let address = agents::hosting_address(random);
        let client = month.client(&address, "-", AGENTS[random.index(AGENTS.len())]);
        let mut time = f64::from(start);
        for _ in 0..random.geometric(3.0).min(12) {
            let key = month.text(PROBES[random.index(PROBES.len())]);
            let request = Request::get(time as u32, client, Object { key, size: 0 });
            let is_missing = world.is_public && random.chance(0.5);
            let request = if is_missing {
                request.failed(404, "NoSuchKey")
            } else {
                request.failed(403, "AccessDenied")
            };
            month.push(Request { stream: number, ..request });
            time += random.exponential(3.0);
        }
        if random.chance(0.2) {
            let request = Request::list(time as u32, client).failed(403, "AccessDenied");
            month.push(Request { stream: number, ..request });
        }
    }
}

fn security_scan(month: &mut Month, client: Client, weekday: u32, requests: u64, random: &mut Random) {
    let number = month.stream("security scan");
    let first = (7 + weekday - month.first_weekday) % 7;
    for day in (first..month.days).step_by(7) {
        let mut time = f64::from(day * DAY + 4 * HOUR);
        for at in 0..requests as usize {
            let probe = PROBES[at % PROBES.len()];
            let folder =
                ["", "old/", "bak/", "dev/", "test/", "www/", "data/", "api/"][at / PROBES.len() % 8];
            let key = month.text(&format!("{folder}{probe}"));
            let request = Request::get(time as u32, client, Object { key, size: 0 }).failed(404, "NoSuchKey");
            month.push(Request { stream: number, ..request });
            time += random.exponential(2.0);
        }
    }
}

fn lifecycle(month: &mut Month, per_day: u64, prefix: &str, random: &mut Random) {
    let number = month.stream("lifecycle");
    let mut client = month.client("-", "AmazonS3", "-");
    client.signature = Signature::Anonymous;
    client.tls = Tls::Plain;
    for day in 0..month.days {
        for _ in 0..(per_day as f64 * random.spread(0.25)) as u64 {
            let time = day * DAY + random.below(3 * u64::from(HOUR)) as u32;
            let key = month.text(&format!("{prefix}{:08x}.bin", random.next() >> 32));
            let size = random.between(1_000, 9_000_000);
            let mut request = Request::operation(time, client, "S3.EXPIRE.OBJECT", Object { key, size });
            request.status = 0;
            month.push(Request { stream: number, ..request });
        }
    }
}

fn release(
    month: &mut Month,
    world: &World,
    (name, by, at): (&str, Client, u32),
    objects: usize,
    size: u64,
    peak: f64,
    random: &mut Random,
) {
    let number = month.stream(name);
    let (year, ordinal, _) = month.date(at);
    let files: Vec<Object> = (0..objects)
        .map(|file| Object {
            key: month.text(&format!("releases/{year}.{ordinal}/file-{file:02}.zip")),
            size: (size as f64 * random.spread(0.6)) as u64,
        })
        .collect();
    for (index, file) in files.iter().enumerate() {
        let request = Request::put(at - 900 + index as u32 * 3, by, *file);
        month.push(Request { stream: number, ..request });
    }
    let referer = month.text(&format!("{}/news/release", world.site));
    for hour in at / HOUR..month.days * 24 {
        let age = f64::from(hour - at / HOUR);
        // Rises within two hours and fades within days.
        let rate = peak * (age / 2.0).clamp(0.4, 1.0) * ((-age / 14.0).exp() + 0.06 * (-age / 120.0).exp());
        let mean = rate * month.people[hour as usize].max(0.25) * random.gamma(25.0);
        for _ in 0..random.poisson(mean) {
            let time = hour * HOUR + random.below(u64::from(HOUR)) as u32;
            let client = world.people.visitor(time, random);
            let mut request = as_usual(Request::get(time.max(at), client, *random.pick(&files)), random);
            request.referer = if random.chance(0.15) { ABSENT } else { referer };
            month.push(Request { stream: number, ..request });
        }
    }
}

fn queries(
    month: &mut Month,
    world: &World,
    name: &str,
    clients: &[Client],
    per_day: f64,
    reads: f64,
    random: &mut Random,
) {
    let number = month.stream(name);
    let people = month.people.clone();
    for start in month.times(per_day, Some(&people), name, random) {
        let client = *random.pick(clients);
        let table = random.index(world.objects.len().saturating_sub(60).max(1));
        let mut time = f64::from(start);
        month.push(Request { stream: number, ..Request::list(start, client) });
        let mut left = random.geometric(reads) as usize;
        let mut at = table;
        while left > 0 {
            let object = world.objects[at % world.objects.len()];
            at += 1;
            // The footer, then some column chunks.
            for part in 0..(1 + random.index(4)).min(left) {
                let bytes = if part == 0 { 65_536 } else { random.between(100_000, 8_000_000) };
                left -= 1;
                let request = Request::part(time as u32, client, object, bytes);
                month.push(Request { stream: number, ..request });
                time += random.exponential(0.15);
            }
        }
    }
}

fn console(month: &mut Month, world: &World, clients: &[Client], per_day: f64, random: &mut Random) {
    let number = month.stream("employees in the console");
    for day in 0..month.days {
        if !month.is_workday(day) {
            continue;
        }
        for _ in 0..random.poisson(per_day) {
            let client = *random.pick(clients);
            let mut time = f64::from(day * DAY + 8 * HOUR) + random.range(0.0, 10.0) * f64::from(HOUR);
            for _ in 0..random.geometric(6.0) {
                let request = match random.below(10) {
                    0..5 => Request::list(time as u32, client),
                    5 => Request::of_bucket(time as u32, client, "REST.GET.LOCATION", "location", 140),
                    6 => Request::of_bucket(time as u32, client, "REST.GET.VERSIONING", "versioning", 113),
                    7 => Request::operation(
                        time as u32,
                        client,
                        "REST.HEAD.OBJECT",
                        *random.pick(&world.objects),
                    ),
                    _ => {
                        let object = *random.pick(&world.objects);
                        // Users do not open archives in the console.
                        if object.size < 20_000_000 {
                            Request::get(time as u32, client, object)
                        } else {
                            Request::operation(time as u32, client, "REST.HEAD.OBJECT", object)
                        }
                    }
                };
                month.push(Request { stream: number, ..request });
                time += random.exponential(20.0);
            }
        }
    }
}

fn job(month: &mut Month, world: &World, job: &Job, random: &mut Random) {
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
