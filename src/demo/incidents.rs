//! The incidents in the demo: their clients, their times, and how they appear in the logs.

use super::clock::{MONTH, MONTH_START, at};

/// A kind of incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Incident {
    /// Downloads all keys in order.
    Scraper,
    /// Downloads the same few very large films again and again.
    Hog,
    /// Guesses keys of files that should not be public.
    Guessing,
    /// Shows the pictures of the bucket on another site.
    Hotlinking,
    /// Repeats a failing request every second.
    RetryLoop,
    /// Deletes a whole prefix.
    Deletion,
    /// Lifecycle rules: not an incident, but records without a client.
    Lifecycle,
    /// Copies: not an incident, but two records for one request.
    Copies,
    /// Text that attacks programs which read the log.
    Hostile,
}

/// The description of an incident.
#[derive(Debug)]
pub struct IncidentSpec {
    /// The kind.
    pub incident: Incident,
    /// Addresses or requester of the client.
    pub who: &'static str,
    /// The first second, since the epoch.
    pub since: i64,
    /// The first second after the incident, since the epoch.
    pub until: i64,
    /// How it appears in the logs.
    pub how: &'static str,
    /// A filter that finds its records and hardly any others.
    pub filter: &'static str,
}

/// Address of the scraper.
pub const SCRAPER_IP: &str = "203.0.113.7";
/// Address of the bandwidth hog.
pub const HOG_IP: &str = "198.51.100.23";
/// The approximate share of `bytes_sent` of the hog.
pub const HOG_SHARE: f64 = 0.375;
/// Addresses of the client that guesses keys.
pub const GUESSER_IPS: [&str; 6] =
    ["192.0.2.14", "192.0.2.15", "192.0.2.37", "192.0.2.81", "192.0.2.144", "192.0.2.203"];
/// The site that shows the pictures: the beginning of the referers.
pub const FREELOADER: &str = "https://freeloader.example/";
/// Address of the client in the retry loop.
pub const RETRY_IP: &str = "198.51.100.77";
/// Requester of the client in the retry loop.
pub const RETRY_REQUESTER: &str = "arn:aws:sts::123456789012:assumed-role/batch-render/worker-7";
/// Requester that deletes `archive/2024/`.
pub const CLEANUP_REQUESTER: &str = "arn:aws:sts::123456789012:assumed-role/cleanup-prod/cleanup-1777038000";
/// Address of the client that sends hostile text.
pub const HOSTILE_IP: &str = "198.51.100.66";

/// The two nights of the scraper: start, end and weight, in seconds since the start of the month.
pub(super) const SCRAPER_NIGHTS: [(u32, u32, u32); 2] =
    [(at(12, 22, 0), at(13, 5, 0), 1), (at(13, 22, 0), at(14, 5, 0), 1)];
/// The time ranges of the guessing; half of its requests are in six minutes.
pub(super) const GUESSING: [(u32, u32, u32); 3] =
    [(at(17, 3, 0), at(17, 3, 12), 2), (at(17, 3, 12), at(17, 3, 18), 5), (at(17, 3, 18), at(17, 3, 40), 3)];
/// When the other site starts to show the pictures.
pub(super) const FREELOADER_SINCE: u32 = at(21, 9, 0);
/// Start and end of the retry loop.
pub(super) const RETRY_LOOP: (u32, u32) = (at(9, 14, 0), at(9, 17, 0));
/// When keys are deleted with single requests.
pub(super) const DELETE_ONE: (u32, u32) = (at(24, 13, 40), at(24, 13, 50));
/// When keys are deleted with multi-deletes.
pub(super) const DELETE_MANY: (u32, u32) = (at(24, 13, 50), at(24, 14, 25));
/// When `archive/2024/` is deleted.
pub(super) const ARCHIVE_GONE: u32 = at(24, 14, 25);

/// A description; `since` and `until` are seconds since the start of the month.
const fn spec(
    incident: Incident,
    who: &'static str,
    (since, until): (u32, u32),
    filter: &'static str,
    how: &'static str,
) -> IncidentSpec {
    let (since, until) = (MONTH_START + since as i64, MONTH_START + until as i64);
    IncidentSpec { incident, who, since, until, how, filter }
}

/// All incidents, in the order of [`Incident`].
#[rustfmt::skip]
pub static INCIDENTS: [IncidentSpec; 9] = [
    spec(Incident::Scraper, SCRAPER_IP, (SCRAPER_NIGHTS[0].0, SCRAPER_NIGHTS[1].1), "ip:203.0.113.7",
    "Two nights, 22:00–05:00 from 04-12 and from 04-13: GETs every key of the bucket once, in the \
     order of the keys; of large objects only the first 64 KiB (206)."),
    spec(Incident::Hog, HOG_IP, (0, MONTH), "ip:198.51.100.23",
    "All month, day and night: ranges of 64 MiB of the three films under masters/, over and over. \
     About 1 % of the requests, 35–40 % of the bytes sent."),
    spec(Incident::Guessing, "192.0.2.0/24 (six addresses)", (GUESSING[0].0, GUESSING[2].1), "ip:192.0.2.0/24 status:403",
    "04-17 03:00–03:40: GETs of backup.sql, .env, wp-login.php and the like, all 403 AccessDenied; from \
     03:12 to 03:18 the busiest minutes of the month."),
    spec(Incident::Hotlinking, FREELOADER, (FREELOADER_SINCE, MONTH), "referer:https://freeloader.example/*",
    "From 04-21 09:00 on: pictures requested by many ordinary addresses with referers under \
     https://freeloader.example/gallery/."),
    spec(Incident::RetryLoop, RETRY_REQUESTER, RETRY_LOOP, "ip:198.51.100.77 status:503",
    "04-09 14:00–17:00: the same PUT of state/checkpoint.json every second from 198.51.100.77, always 503 \
     SlowDown."),
    spec(Incident::Deletion, CLEANUP_REQUESTER, (DELETE_ONE.0, DELETE_MANY.1), "requester:role/cleanup-prod",
    "04-24 13:40–14:25: deletes all of archive/2024/; a third by REST.DELETE.OBJECT, the rest by \
     REST.POST.MULTI_OBJECT_DELETE with a BATCH.DELETE.OBJECT for each key, which share a request id."),
    spec(Incident::Lifecycle, "AmazonS3", (at(1, 0, 10), at(30, 0, 50)), "requester:AmazonS3",
    "Every night 00:10–00:50: S3.EXPIRE.OBJECT, S3.CREATE.DELETEMARKER and S3.TRANSITION_SIA.OBJECT under \
     tmp/, without address, request line or status."),
    spec(Incident::Copies, super::clients::ARCHIVER, (at(1, 2, 20), at(30, 2, 50)), "requester:role/archiver",
    "Every night 02:20–02:50: uploads/ to originals/, each copy a REST.COPY.OBJECT and a \
     REST.COPY.OBJECT_GET with the same request id."),
    spec(Incident::Hostile, HOSTILE_IP, (at(5, 0, 0), at(29, 0, 0)), "ip:198.51.100.66",
    "A dozen requests with terminal escapes in the user agent, encoded control characters in the key, and \
     formulas for spreadsheets in the referer."),
];

impl Incident {
    /// The description of this incident.
    pub fn spec(self) -> &'static IncidentSpec {
        &INCIDENTS[self as usize]
    }
}
