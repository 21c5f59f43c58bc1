//! The objects of the bucket: sizes, and keys as URIs and logs encode them.

use std::ops::Range;

use super::random::{self, Rng};

/// The first folder of a key, in the order of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Prefix {
    /// `archive/2024/`: scanned papers. An incident deletes them.
    Archive,
    /// `documents/`: names with spaces, quotes and non-ASCII letters.
    Documents,
    /// `exports/`: nightly tables.
    Exports,
    /// `hls/`: a playlist and 24 video segments for each quality of an episode.
    Hls,
    /// `images/`
    Images,
    /// `masters/`: three very large films.
    Masters,
    /// `podcasts/`
    Podcasts,
    /// `site/`: the static website.
    Site,
    /// `thumbnails/`
    Thumbnails,
    /// `videos/`
    Videos,
}

/// Objects of one video stream of [`Prefix::Hls`]: a playlist and its segments.
pub(super) const HLS_PARTS: usize = 25;
/// Objects of [`Prefix::Masters`].
pub(super) const MASTERS: usize = 3;

#[rustfmt::skip]
const PREFIXES: [Prefix; 10] = [
    Prefix::Archive, Prefix::Documents, Prefix::Exports, Prefix::Hls, Prefix::Images, Prefix::Masters,
    Prefix::Podcasts, Prefix::Site, Prefix::Thumbnails, Prefix::Videos,
];

/// One object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    /// The key, percent-encoded once as in a URI.
    pub(super) path: &'a [u8],
    /// The key, percent-encoded twice as in the key field of most operations.
    pub(super) key: &'a [u8],
    /// In bytes.
    pub(super) size: u64,
    /// Random bits that depend only on the position of the object.
    pub(super) mark: u64,
}

/// All objects in the order of their keys.
#[derive(Debug)]
pub(super) struct Objects {
    /// The two encodings of every key, concatenated: `path`, `key`, `path`, `key`, …
    text: Vec<u8>,
    rows: Vec<Row>,
    ranges: [Range<usize>; PREFIXES.len()],
}

#[derive(Clone, Copy, Debug)]
struct Row {
    path: u32,
    key: u32,
    end: u32,
    size: u64,
}

impl Objects {
    /// A bucket for this number of requests in a month: about 30,000 objects for 400,000 requests, proportional to the square
    /// root of the number.
    pub(super) fn new(seed: u64, requests: u64) -> Objects {
        let root = (requests as f64).sqrt() as u64;
        let count = (root * 50).min(requests / 12).clamp(120, 300_000);
        let mut rows: Vec<(Vec<u8>, u64)> = Vec::new();
        let mut ranges = [const { 0..0 }; PREFIXES.len()];
        for (range, prefix) in ranges.iter_mut().zip(PREFIXES) {
            let start = rows.len();
            let wanted = prefix.count(count);
            rows.extend((0..wanted).map(|index| {
                let bits = random::mix(random::mix(seed ^ ((prefix as u64) << 40)) ^ index);
                (prefix.name(index), prefix.size(index, bits))
            }));
            rows[start..].sort_unstable_by(|a, b| a.0.cmp(&b.0));
            *range = start..rows.len();
        }
        let mut text = Vec::with_capacity(rows.len() * 120);
        let rows = rows
            .into_iter()
            .map(|(name, size)| {
                let path = text.len();
                encode(&name, &mut text);
                let key = text.len();
                let once = text[path..key].to_vec();
                encode(&once, &mut text);
                // 300,000 keys of some hundred bytes stay far below 4 GiB.
                Row { path: path as u32, key: key as u32, end: text.len() as u32, size }
            })
            .collect();
        Objects { text, rows, ranges }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The object at this index in the order of keys.
    pub(super) fn object(&self, index: usize) -> Object<'_> {
        let row = self.rows[index];
        Object {
            path: &self.text[row.path as usize..row.key as usize],
            key: &self.text[row.key as usize..row.end as usize],
            size: row.size,
            mark: random::mix(index as u64),
        }
    }

    /// The indexes of the objects of a prefix.
    pub(super) fn range(&self, prefix: Prefix) -> Range<usize> {
        self.ranges[prefix as usize].clone()
    }

    /// Picks an object of a prefix; some are far more popular than others.
    pub(super) fn popular(&self, prefix: Prefix, rng: &mut Rng) -> Object<'_> {
        let range = self.range(prefix);
        if prefix == Prefix::Hls {
            // Popularity belongs to an episode, not to its segments. Players request the playlist sometimes.
            let stream = scatter(rng.rank(range.len() / HLS_PARTS), range.len() / HLS_PARTS);
            let part = if rng.once_in(6) { 0 } else { 1 + rng.rank(HLS_PARTS - 1) };
            return self.object(range.start + stream * HLS_PARTS + part);
        }
        self.object(range.start + scatter(rng.rank(range.len()), range.len()))
    }
}

/// The index of the object with this rank of popularity among `count` objects. Neighbours in the order of keys have
/// different ranks.
fn scatter(rank: usize, count: usize) -> usize {
    // A prime greater than any count, so that each index belongs to one rank.
    (rank * 2_654_435_761 + 7) % count
}

impl Prefix {
    /// The number of objects of this prefix, out of `all`.
    fn count(self, all: u64) -> u64 {
        let parts = HLS_PARTS as u64;
        match self {
            Prefix::Archive => (all / 20).max(12),
            Prefix::Documents => (all / 18).max(15),
            Prefix::Exports => (all / 40).max(4),
            Prefix::Hls => (all * 34 / 100 / parts).max(1) * parts,
            Prefix::Images => (all * 22 / 100).max(15),
            Prefix::Masters => MASTERS as u64,
            Prefix::Podcasts => (all / 20).max(6),
            Prefix::Site => (all / 100).clamp(6, 60),
            Prefix::Thumbnails => (all * 20 / 100).max(15),
            Prefix::Videos => (all * 6 / 100).max(6),
        }
    }

    /// The decoded key of object `n` of this prefix.
    fn name(self, n: u64) -> Vec<u8> {
        let slug = Slug(n);
        let series = SERIES[(n % 12) as usize];
        match self {
            Prefix::Archive => match (n % 3, 1 + n / 3 % 12) {
                (0, month) => format!("archive/2024/{month:02}/Scan {n:06} (signed).pdf"),
                (1, month) => format!("archive/2024/{month:02}/invoice-{n:06}.pdf"),
                (_, month) => format!("archive/2024/{month:02}/contract+annex-{n:06}.pdf"),
            },
            Prefix::Documents => match n % 9 {
                0 => format!("documents/Preisliste Frühjahr 2026 ({n}).pdf"),
                1 => format!("documents/O'Neill \"final\" report v{n}.docx"),
                2 => format!("documents/Año fiscal/Presupuesto nº {n}.xlsx"),
                3 => format!("documents/製品カタログ/{n:05}.pdf"),
                4 => format!("documents/Q1 & Q2/Sales 100% confirmed [{n}].pdf"),
                5 => format!("documents/manuals/{slug}/Quick start guide.pdf"),
                6 => format!("documents/manuals/{slug}/Řešení potíží.pdf"),
                7 => format!("documents/press/{slug}+factsheet.pdf"),
                _ => format!("documents/press/{slug}.pdf"),
            },
            Prefix::Exports => {
                let table = ["orders", "sessions", "catalog", "stock"][(n % 4) as usize];
                format!("exports/{table}/dt=2026-03-{:02}/part-{:05}.snappy.parquet", 1 + n / 4 % 31, n / 124)
            }
            Prefix::Hls => {
                let (stream, part) = (n / HLS_PARTS as u64, n % HLS_PARTS as u64);
                let quality = ["1080p", "720p", "480p"][(stream % 3) as usize];
                let episode = stream / 3;
                let series = SERIES[(episode % 12) as usize];
                let (season, episode) = (1 + episode / 120, 1 + episode / 12 % 10);
                match part {
                    0 => format!("hls/{series}/s{season:02}e{episode:02}/{quality}/index.m3u8"),
                    _ => format!("hls/{series}/s{season:02}e{episode:02}/{quality}/segment-{part:05}.ts"),
                }
            }
            Prefix::Images => format!("images/products/{slug}/{:02}.jpg", 1 + n % 7),
            Prefix::Masters => ["keynote-2025", "the-long-way-home", "making-of-atlas"]
                .get(n as usize)
                .map_or_else(String::new, |film| format!("masters/{film}/full-length-2160p.mov")),
            Prefix::Podcasts => {
                let show = ["Acme Weekly", "Behind the Counter", "Tea & Tools"][(n % 3) as usize];
                format!("podcasts/{show}/{:04} - {slug}.mp3", 1 + n / 3)
            }
            Prefix::Site => {
                match ["index.html", "style.css", "app.js", "favicon.ico", "robots.txt"].get(n as usize) {
                    Some(page) => format!("site/{page}"),
                    None => format!("site/help/{slug}.html"),
                }
            }
            Prefix::Thumbnails => {
                let size = ["120x120", "240x240", "480x270", "960x540"][(n % 4) as usize];
                format!("thumbnails/{size}/{slug}.webp")
            }
            Prefix::Videos => {
                let episode = n / 12;
                let quality = ["1080p", "720p"][(episode % 2) as usize];
                let (season, episode) = (1 + episode / 20, 1 + episode / 2 % 10);
                format!("videos/{series}/season-{season}/episode-{episode:02}-{quality}.mp4")
            }
        }
        .into_bytes()
    }

    /// The size of object `n` in bytes. Small sizes are the most frequent.
    fn size(self, n: u64, bits: u64) -> u64 {
        let u = random::to_unit(bits);
        let spread = |low: f64, high: f64| (low + (high - low) * u * u * u) as u64;
        match self {
            Prefix::Archive => spread(60e3, 4e6),
            Prefix::Documents => spread(40e3, 9e6),
            Prefix::Exports => spread(4e6, 90e6),
            Prefix::Hls if n.is_multiple_of(HLS_PARTS as u64) => spread(1800.0, 4200.0),
            Prefix::Hls => spread(450e3, 5e6),
            Prefix::Images => spread(45e3, 2.4e6),
            Prefix::Masters => 61_203_283_968 + n * 7_516_192_768,
            Prefix::Podcasts => spread(14e6, 80e6),
            Prefix::Site => spread(900.0, 90e3),
            Prefix::Thumbnails => spread(2e3, 34e3),
            Prefix::Videos => spread(180e6, 2.9e9),
        }
    }
}

#[rustfmt::skip]
const SERIES: [&str; 12] = [
    "harbour-lights", "the-quiet-engine", "north-of-nowhere", "paper-tigers", "second-breakfast",
    "tide-tables", "workshop-stories", "clockmakers", "salt-and-iron", "green-thumbs", "night-shift",
    "kitchen-atlas",
];

const ADJECTIVES: [&str; 24] = [
    "amber", "brave", "calm", "dusty", "eager", "faded", "gentle", "hollow", "ivory", "jolly", "keen",
    "lunar", "mellow", "noble", "olive", "plain", "quick", "rustic", "silver", "tidy", "urban", "vivid",
    "woven", "young",
];
#[rustfmt::skip]
const NOUNS: [&str; 32] = [
    "anvil", "basket", "candle", "drawer", "easel", "fender", "garden-chair", "hammer", "inkwell", "jug",
    "kettle", "lantern", "mirror", "napkin", "oven-mitt", "pillow", "quilt", "reading-lamp", "saucepan",
    "teapot", "umbrella", "vase", "wardrobe", "xylophone", "yoga-mat", "zip-bag", "bench", "clock",
    "desk", "frame", "mug", "shelf",
];

/// The name of a product in URLs, different for each number.
#[derive(Clone, Copy)]
pub(super) struct Slug(pub(super) u64);

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n = self.0;
        let adjective = ADJECTIVES[(n % 24) as usize];
        let noun = NOUNS[(n / 24 % 32) as usize];
        write!(f, "{adjective}-{noun}")?;
        if n >= 24 * 32 { write!(f, "-{}", n / (24 * 32)) } else { Ok(()) }
    }
}

/// Percent-encodes a key as S3 does in its logs: all bytes except letters, digits, `-`, `_`, `.`, `~` and `/`.
pub(super) fn encode(name: &[u8], out: &mut Vec<u8>) {
    for &byte in name {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(byte);
        } else {
            let digit = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble)];
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// Converts a percent-encoded path to the encoding of operations that log keys encoded once: `+` for a space.
pub(super) fn once_with_plus(path: &[u8], out: &mut Vec<u8>) {
    let mut rest = path;
    while let Some((&first, after)) = rest.split_first() {
        match rest.strip_prefix(b"%20") {
            Some(after) => {
                out.push(b'+');
                rest = after;
            }
            None => {
                out.push(first);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_are_distinct_and_sorted() {
        let objects = Objects::new(1, 400_000);
        assert!((25_000..40_000).contains(&objects.len()), "{}", objects.len());
        let keys: HashSet<&[u8]> = (0..objects.len()).map(|index| objects.object(index).key).collect();
        assert_eq!(keys.len(), objects.len());
        let names: Vec<Vec<u8>> = (0..objects.len())
            .map(|index| percent_encoding::percent_decode(objects.object(index).path).collect())
            .collect();
        assert!(names.is_sorted());
        assert_eq!(
            names[objects.range(Prefix::Masters).start],
            b"masters/keynote-2025/full-length-2160p.mov"
        );
    }

    #[test]
    fn an_episode_is_a_playlist_and_its_segments() {
        let objects = Objects::new(1, 400_000);
        let hls = objects.range(Prefix::Hls);
        for stream in hls.clone().step_by(HLS_PARTS) {
            let object = objects.object(stream);
            assert!(object.path.ends_with(b"/index.m3u8") && object.size < 5000);
            let folder = &object.path[..object.path.len() - b"index.m3u8".len()];
            assert!(objects.object(stream + HLS_PARTS - 1).path.starts_with(folder));
        }
    }

    #[test]
    fn keys_are_encoded_twice_and_once_with_plus() {
        let (mut once, mut twice, mut plus) = (Vec::new(), Vec::new(), Vec::new());
        encode("a b+ü.pdf".as_bytes(), &mut once);
        encode(&once, &mut twice);
        once_with_plus(&once, &mut plus);
        assert_eq!(once, b"a%20b%2B%C3%BC.pdf");
        assert_eq!(twice, b"a%2520b%252B%25C3%25BC.pdf");
        assert_eq!(plus, b"a+b%2B%C3%BC.pdf");
    }

    #[test]
    fn small_buckets_have_every_prefix() {
        let objects = Objects::new(1, 0);
        for prefix in PREFIXES {
            assert!(!objects.range(prefix).is_empty(), "{prefix:?}");
        }
    }
}
