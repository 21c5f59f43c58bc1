//! The kinds of ordinary traffic, as buckets describe them.

use std::ops::Range;

use crate::record::{Client, Object, Text};

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
    /// Devices: each uploads what it measured now and then, asks for new firmware daily, and downloads it in parts.
    Devices(Devices),
    /// Clusters that train models.
    Training(Training),
    /// Logs that services of AWS deliver, and who reads and copies them.
    Deliveries(Deliveries),
    /// What a content delivery network fetches.
    Origin(Origin),
    /// Pictures of sellers.
    Uploads(Uploads),
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
    Film(Vec<Range<usize>>),
    /// A film or song in one object, read in parts.
    Parts,
    /// Files, now and then one that does not exist.
    Downloads { requests: f64 },
    /// Requests of the company's app; with presigned URLs of this requester, if present.
    App { requests: f64, requester: Option<Text> },
    /// A build that downloads its packages: of each the description, and the archive unless it is cached. The ranges are the
    /// descriptions and the archives, in the same order.
    Build { packages: f64, descriptions: Range<usize>, archives: Range<usize> },
    /// Downloads and uploads with presigned URLs of a web application, below the prefix of a tenant.
    Presigned { requester: Text, tenants: usize, uploads: f64 },
}

/// Devices that upload with presigned URLs through an access point.
#[derive(Clone, Debug)]
pub(crate) struct Devices {
    /// The requester of the presigned URLs.
    pub(crate) requester: Text,
    pub(crate) access_point: &'static str,
    /// Uploads of a device per day.
    pub(crate) per_day: f64,
    /// When a new firmware is offered, if it is.
    pub(crate) rollout: Option<u32>,
    pub(crate) firmware: Object,
    pub(crate) manifest: Object,
}

/// Runs of a cluster, one after another: a number of nodes reads a data set once in every epoch, in another order each time.
#[derive(Clone, Debug)]
pub(crate) struct Training {
    pub(crate) name: &'static str,
    pub(crate) project: &'static str,
    /// The role of the nodes.
    pub(crate) role: &'static str,
    pub(crate) agent: &'static str,
    /// The shards of the data set.
    pub(crate) dataset: Range<usize>,
    /// Bytes of a request.
    pub(crate) part: u64,
    /// The least and the largest number of nodes of a run.
    pub(crate) nodes: (u64, u64),
    /// The least and the largest number of epochs of a run.
    pub(crate) epochs: (u64, u64),
    /// Seconds of an epoch.
    pub(crate) epoch_takes: u32,
    /// Mean days between two runs.
    pub(crate) idle_days: f64,
    /// Bytes of a checkpoint.
    pub(crate) checkpoint: u64,
    /// Seconds between checkpoints.
    pub(crate) checkpoint_every: u32,
}

/// Log files of a service. Each is read once by a program that watches for new ones, and copied to another region.
#[derive(Clone, Debug)]
pub(crate) struct Deliveries {
    /// Names of the deliveries, of what is read, and of what is copied.
    pub(crate) name: &'static str,
    pub(crate) read: &'static str,
    pub(crate) copied: &'static str,
    /// The service.
    pub(crate) by: Client,
    /// Programs that read new files. May be empty.
    pub(crate) readers: Vec<Client>,
    pub(crate) copier: Client,
    pub(crate) sources: Vec<LogSource>,
    /// When the readers do not run: first second, and second after the last one.
    pub(crate) maintenance: Vec<(u32, u32)>,
}

/// Where logs come from: an account and a region, a network, a load balancer.
#[derive(Clone, Debug)]
pub(crate) struct LogSource {
    /// The folder above that of the year, and the beginning of the names.
    pub(crate) folder: String,
    pub(crate) stem: String,
    pub(crate) extension: &'static str,
    /// Seconds between deliveries.
    pub(crate) every: u32,
    /// Files of a delivery, on average.
    pub(crate) files: f64,
    /// The share that follows the work of people, from 0 to 1.
    pub(crate) of_people: f64,
    /// Bytes of a file.
    pub(crate) size: f64,
}

/// Requests of a content delivery network for what it has not cached.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) name: &'static str,
    pub(crate) client: Client,
    pub(crate) per_day: f64,
}

/// Uploads of sellers with presigned URLs, and the function that makes smaller pictures of each.
#[derive(Clone, Debug)]
pub(crate) struct Uploads {
    /// Names of the uploads and of the work of the function.
    pub(crate) name: &'static str,
    pub(crate) resized: &'static str,
    /// The page with the form.
    pub(crate) site: &'static str,
    /// Uploads of several pictures per day.
    pub(crate) sessions: f64,
    pub(crate) sellers: usize,
    /// The requester of the presigned URLs.
    pub(crate) requester: Text,
    pub(crate) functions: Vec<Client>,
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

impl Job {
    /// Work of one client, to be completed with its name, times and steps.
    pub(crate) fn by(client: Client) -> Job {
        Job {
            name: "",
            clients: vec![client],
            role: None,
            every: Every::At(Vec::new()),
            jitter: 300,
            takes: 60,
            steps: Vec::new(),
            spread: 0.2,
        }
    }
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
        of: Range<usize>,
        count: f64,
    },
    /// All objects of a range.
    ReadAll(Range<usize>),
    Heads {
        of: Range<usize>,
        count: f64,
    },
    /// Parts of objects of a range.
    Parts {
        of: Range<usize>,
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
    PutAll(Range<usize>),
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
