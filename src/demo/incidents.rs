//! The trouble hidden in the demo: who makes it, when, and how it shows. Tests and documentation point
//! here.

use super::clock::{MONTH, MONTH_START, at};

/// One kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Walks all keys in order.
    Scraper,
    /// Downloads the same few huge films again and again.
    Hog,
    /// Guesses keys that ought not to be there.
    Guessing,
    /// Shows our pictures on a strange site.
    Hotlinking,
    /// Tries again every second whatever the answer.
    RetryLoop,
    /// Deletes a whole prefix.
    Deletion,
    /// Lifecycle: no trouble, but records of requests that nobody made.
    Lifecycle,
    /// Copies: no trouble, but two records for one request.
    Copies,
    /// Text made to harm whoever reads the log.
    Hostile,
}

/// What is known of one kind of trouble.
#[derive(Debug)]
pub struct TroubleSpec {
    /// The kind.
    pub trouble: Trouble,
    /// Who it is: addresses or requester.
    pub who: &'static str,
    /// First second of it, since the epoch.
    pub since: i64,
    /// First second after it.
    pub until: i64,
    /// How it shows.
    pub how: &'static str,
    /// A filter, in Tamarin's filter language, that finds its records and hardly any other.
    pub filter: &'static str,
}

/// Address of the scraper.
pub const SCRAPER_IP: &str = "203.0.113.7";
/// Address of the bandwidth hog.
pub const HOG_IP: &str = "198.51.100.23";
/// Share of the month's `bytes_sent` that goes to the hog, about.
pub const HOG_SHARE: f64 = 0.375;
/// Addresses that guess keys.
pub const GUESSER_IPS: [&str; 6] =
    ["192.0.2.14", "192.0.2.15", "192.0.2.37", "192.0.2.81", "192.0.2.144", "192.0.2.203"];
/// Where the pictures are shown: the start of the referers.
pub const FREELOADER: &str = "https://freeloader.example/";
/// Address of the client that tries again and again.
pub const RETRY_IP: &str = "198.51.100.77";
/// Who that client is.
pub const RETRY_REQUESTER: &str = "arn:aws:sts::123456789012:assumed-role/batch-render/worker-7";
/// Who deletes `archive/2024/`.
pub const CLEANUP_REQUESTER: &str = "arn:aws:sts::123456789012:assumed-role/cleanup-prod/cleanup-1777038000";
/// Address of the hostile strings.
pub const HOSTILE_IP: &str = "198.51.100.66";

/// The two nights of the scraper, in seconds of the month.
pub(super) const SCRAPER_NIGHTS: [(u32, u32, u32); 2] =
    [(at(12, 22, 0), at(13, 5, 0), 1), (at(13, 22, 0), at(14, 5, 0), 1)];
/// The guessing: half of it in six minutes.
pub(super) const GUESSING: [(u32, u32, u32); 3] =
    [(at(17, 3, 0), at(17, 3, 12), 2), (at(17, 3, 12), at(17, 3, 18), 5), (at(17, 3, 18), at(17, 3, 40), 3)];
/// From when on pictures are shown elsewhere.
pub(super) const FREELOADER_SINCE: u32 = at(21, 9, 0);
/// The retry loop.
pub(super) const RETRY_LOOP: (u32, u32) = (at(9, 14, 0), at(9, 17, 0));
/// Keys deleted one by one.
pub(super) const DELETE_ONE: (u32, u32) = (at(24, 13, 40), at(24, 13, 50));
/// Keys deleted many at a time.
pub(super) const DELETE_MANY: (u32, u32) = (at(24, 13, 50), at(24, 14, 25));
/// From when on `archive/2024/` is no more.
pub(super) const ARCHIVE_GONE: u32 = at(24, 14, 25);

const fn epoch(second_of_month: u32) -> i64 {
    MONTH_START + second_of_month as i64
}

/// All of it.
pub static TROUBLES: [TroubleSpec; 9] = [
    TroubleSpec {
        trouble: Trouble::Scraper,
        who: SCRAPER_IP,
        since: epoch(SCRAPER_NIGHTS[0].0),
        until: epoch(SCRAPER_NIGHTS[1].1),
        how: "Two nights, 22:00–05:00 from 04-12 and from 04-13: GETs every key of the bucket once, in the \
              order of the keys; of large objects only the first 64 KiB (206).",
        filter: "ip:203.0.113.7",
    },
    TroubleSpec {
        trouble: Trouble::Hog,
        who: HOG_IP,
        since: epoch(0),
        until: epoch(MONTH),
        how: "All month, day and night: ranges of 64 MiB of the three films under masters/, over and over. \
              Some 1 % of the requests, 35–40 % of the bytes sent.",
        filter: "ip:198.51.100.23",
    },
    TroubleSpec {
        trouble: Trouble::Guessing,
        who: "192.0.2.0/24 (six addresses)",
        since: epoch(GUESSING[0].0),
        until: epoch(GUESSING[2].1),
        how: "04-17 03:00–03:40: GETs of backup.sql, .env, wp-login.php and the like, all 403 AccessDenied; from \
              03:12 to 03:18 the busiest minutes of the month.",
        filter: "ip:192.0.2.0/24 status:403",
    },
    TroubleSpec {
        trouble: Trouble::Hotlinking,
        who: FREELOADER,
        since: epoch(FREELOADER_SINCE),
        until: epoch(MONTH),
        how: "From 04-21 09:00 on: pictures asked for by many ordinary addresses with referers under \
              https://freeloader.example/gallery/.",
        filter: "referer:https://freeloader.example/*",
    },
    TroubleSpec {
        trouble: Trouble::RetryLoop,
        who: RETRY_REQUESTER,
        since: epoch(RETRY_LOOP.0),
        until: epoch(RETRY_LOOP.1),
        how: "04-09 14:00–17:00: the same PUT of state/checkpoint.json every second from 198.51.100.77, always 503 \
              SlowDown.",
        filter: "ip:198.51.100.77 status:503",
    },
    TroubleSpec {
        trouble: Trouble::Deletion,
        who: CLEANUP_REQUESTER,
        since: epoch(DELETE_ONE.0),
        until: epoch(DELETE_MANY.1),
        how: "04-24 13:40–14:25: deletes all of archive/2024/; a third by REST.DELETE.OBJECT, the rest by \
              REST.POST.MULTI_OBJECT_DELETE with a BATCH.DELETE.OBJECT for each key, which share a request id.",
        filter: "requester:role/cleanup-prod",
    },
    TroubleSpec {
        trouble: Trouble::Lifecycle,
        who: "AmazonS3",
        since: epoch(at(1, 0, 10)),
        until: epoch(at(30, 0, 50)),
        how: "Every night 00:10–00:50: S3.EXPIRE.OBJECT, S3.CREATE.DELETEMARKER and S3.TRANSITION_SIA.OBJECT under \
              tmp/, without address, request line or status.",
        filter: "requester:AmazonS3",
    },
    TroubleSpec {
        trouble: Trouble::Copies,
        who: super::clients::ARCHIVER,
        since: epoch(at(1, 2, 20)),
        until: epoch(at(30, 2, 50)),
        how: "Every night 02:20–02:50: uploads/ to originals/, each copy a REST.COPY.OBJECT and a \
              REST.COPY.OBJECT_GET with the same request id.",
        filter: "requester:role/archiver",
    },
    TroubleSpec {
        trouble: Trouble::Hostile,
        who: HOSTILE_IP,
        since: epoch(at(5, 0, 0)),
        until: epoch(at(29, 0, 0)),
        how: "A dozen requests with terminal escapes in the user agent, encoded control characters in the key, and \
              formulas for spreadsheets in the referer.",
        filter: "ip:198.51.100.66",
    },
];

impl Trouble {
    /// What is known of it.
    pub fn spec(self) -> &'static TroubleSpec {
        &TROUBLES[self as usize]
    }
}
