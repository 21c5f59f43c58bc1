//! The objects of the bucket: keys, sizes, and both spellings that logs and URIs have of a key.

use std::ops::Range;

use super::random::{self, Rng};

/// What an object is: the first folder of its key. In the order of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shelf {
    /// `archive/2024/`: scanned papers, until they are deleted.
    Archive,
    /// `documents/`: names as people write them.
    Documents,
    /// `exports/`: nightly tables.
    Exports,
    /// `hls/`: a playlist and 24 segments for each quality of an episode.
    Hls,
    /// `images/`
    Images,
    /// `masters/`: three huge films.
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

/// Keys of one stream of [`Shelf::Hls`]: a playlist and its segments.
pub(super) const HLS_PARTS: usize = 25;
/// Film masters in the bucket.
pub(super) const MASTERS: usize = 3;

const SHELVES: [Shelf; 10] = [
    Shelf::Archive,
    Shelf::Documents,
    Shelf::Exports,
    Shelf::Hls,
    Shelf::Images,
    Shelf::Masters,
    Shelf::Podcasts,
    Shelf::Site,
    Shelf::Thumbnails,
    Shelf::Videos,
];

/// One object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    /// Encoded once: as in a URI.
    pub(super) path: &'a [u8],
    /// Encoded twice: as in the key field of most operations.
    pub(super) key: &'a [u8],
    /// In bytes.
    pub(super) size: u64,
    /// Random bits of its own, the same for ever.
    pub(super) mark: u64,
}

/// All objects in the order of their keys.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// Both spellings of every key, one after the other: `path`, `key`, `path`, `key`, …
    text: Vec<u8>,
    rows: Vec<Row>,
    shelves: [Range<usize>; SHELVES.len()],
}

#[derive(Clone, Copy, Debug)]
struct Row {
    path: u32,
    key: u32,
    end: u32,
    size: u64,
}

impl Catalogue {
    /// A bucket fit for so many requests in a month: about 30,000 objects for 400,000, growing with
    /// their root.
    pub(super) fn new(seed: u64, requests: u64) -> Catalogue {
        let root = (requests as f64).sqrt() as u64;
        let count = (root * 50).min(requests / 12).clamp(120, 300_000);
        let mut rows: Vec<(Vec<u8>, u64)> = Vec::new();
        let mut shelves = [const { 0..0 }; SHELVES.len()];
        for (range, shelf) in shelves.iter_mut().zip(SHELVES) {
            let start = rows.len();
            let wanted = shelf.count(count);
            rows.extend((0..wanted).map(|index| {
                let bits = random::mix(random::mix(seed ^ ((shelf as u64) << 40)) ^ index);
                (shelf.name(index), shelf.size(index, bits))
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
        Catalogue { text, rows, shelves }
    }

    /// How many objects there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The object at this place in the order of keys.
    pub(super) fn object(&self, index: usize) -> Object<'_> {
        let row = self.rows[index];
        Object {
            path: &self.text[row.path as usize..row.key as usize],
            key: &self.text[row.key as usize..row.end as usize],
            size: row.size,
            mark: random::mix(index as u64),
        }
    }

    /// The places of a shelf.
    pub(super) fn shelf(&self, shelf: Shelf) -> Range<usize> {
        self.shelves[shelf as usize].clone()
    }

    /// An object of the shelf, some far more popular than others.
    pub(super) fn popular(&self, shelf: Shelf, rng: &mut Rng) -> Object<'_> {
        let range = self.shelf(shelf);
        if shelf == Shelf::Hls {
            // Episodes are popular, not segments. The playlist is asked for once in a while.
            let stream = scatter(rng.rank(range.len() / HLS_PARTS), range.len() / HLS_PARTS);
            let part = if rng.once_in(6) { 0 } else { 1 + rng.rank(HLS_PARTS - 1) };
            return self.object(range.start + stream * HLS_PARTS + part);
        }
        self.object(range.start + scatter(rng.rank(range.len()), range.len()))
    }
}

/// Where the object of this popularity stands among `count`: spread, so that neighbours in the alphabet
/// are not neighbours in popularity.
fn scatter(rank: usize, count: usize) -> usize {
    // A prime above any count: the step visits every place once.
    (rank * 2_654_435_761 + 7) % count
}

impl Shelf {
    /// How many of `all` objects stand here.
    fn count(self, all: u64) -> u64 {
        let parts = HLS_PARTS as u64;
        match self {
            Shelf::Archive => (all / 20).max(12),
            Shelf::Documents => (all / 18).max(15),
            Shelf::Exports => (all / 40).max(4),
            Shelf::Hls => (all * 34 / 100 / parts).max(1) * parts,
            Shelf::Images => (all * 22 / 100).max(15),
            Shelf::Masters => MASTERS as u64,
            Shelf::Podcasts => (all / 20).max(6),
            Shelf::Site => (all / 100).clamp(6, 60),
            Shelf::Thumbnails => (all * 20 / 100).max(15),
            Shelf::Videos => (all * 6 / 100).max(6),
        }
    }

    /// The key of object number `n` on this shelf, as people would write it.
    fn name(self, n: u64) -> Vec<u8> {
        let slug = Slug(n);
        let series = SERIES[(n % 12) as usize];
        match self {
            Shelf::Archive => match n % 3 {
                0 => format!("archive/2024/{:02}/Scan {n:06} (signed).pdf", 1 + n / 3 % 12),
                1 => format!("archive/2024/{:02}/invoice-{n:06}.pdf", 1 + n / 3 % 12),
                _ => format!("archive/2024/{:02}/contract+annex-{n:06}.pdf", 1 + n / 3 % 12),
            },
            Shelf::Documents => match n % 9 {
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
            Shelf::Exports => {
                let table = ["orders", "sessions", "catalog", "stock"][(n % 4) as usize];
                format!("exports/{table}/dt=2026-03-{:02}/part-{:05}.snappy.parquet", 1 + n / 4 % 31, n / 124)
            }
            Shelf::Hls => {
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
            Shelf::Images => format!("images/products/{slug}/{:02}.jpg", 1 + n % 7),
            Shelf::Masters => ["keynote-2025", "the-long-way-home", "making-of-atlas"]
                .get(n as usize)
                .map_or_else(String::new, |film| format!("masters/{film}/full-length-2160p.mov")),
            Shelf::Podcasts => {
                let show = ["Acme Weekly", "Behind the Counter", "Tea & Tools"][(n % 3) as usize];
                format!("podcasts/{show}/{:04} - {slug}.mp3", 1 + n / 3)
            }
            Shelf::Site => match n {
                0 => "site/index.html".to_owned(),
                1 => "site/style.css".to_owned(),
                2 => "site/app.js".to_owned(),
                3 => "site/favicon.ico".to_owned(),
                4 => "site/robots.txt".to_owned(),
                _ => format!("site/help/{slug}.html"),
            },
            Shelf::Thumbnails => {
                let size = ["120x120", "240x240", "480x270", "960x540"][(n % 4) as usize];
                format!("thumbnails/{size}/{slug}.webp")
            }
            Shelf::Videos => {
                let episode = n / 12;
                let quality = ["1080p", "720p"][(episode % 2) as usize];
                let (season, episode) = (1 + episode / 20, 1 + episode / 2 % 10);
                format!("videos/{series}/season-{season}/episode-{episode:02}-{quality}.mp4")
            }
        }
        .into_bytes()
    }

    /// The size of object number `n`, in bytes; small ones are the most frequent.
    fn size(self, n: u64, bits: u64) -> u64 {
        let u = random::to_unit(bits);
        let spread = |low: f64, high: f64| (low + (high - low) * u * u * u) as u64;
        match self {
            Shelf::Archive => spread(60e3, 4e6),
            Shelf::Documents => spread(40e3, 9e6),
            Shelf::Exports => spread(4e6, 90e6),
            Shelf::Hls if n.is_multiple_of(HLS_PARTS as u64) => spread(1800.0, 4200.0),
            Shelf::Hls => spread(450e3, 5e6),
            Shelf::Images => spread(45e3, 2.4e6),
            Shelf::Masters => 61_203_283_968 + n * 7_516_192_768,
            Shelf::Podcasts => spread(14e6, 80e6),
            Shelf::Site => spread(900.0, 90e3),
            Shelf::Thumbnails => spread(2e3, 34e3),
            Shelf::Videos => spread(180e6, 2.9e9),
        }
    }
}

const SERIES: [&str; 12] = [
    "harbour-lights",
    "the-quiet-engine",
    "north-of-nowhere",
    "paper-tigers",
    "second-breakfast",
    "tide-tables",
    "workshop-stories",
    "clockmakers",
    "salt-and-iron",
    "green-thumbs",
    "night-shift",
    "kitchen-atlas",
];

const ADJECTIVES: [&str; 24] = [
    "amber", "brave", "calm", "dusty", "eager", "faded", "gentle", "hollow", "ivory", "jolly", "keen",
    "lunar", "mellow", "noble", "olive", "plain", "quick", "rustic", "silver", "tidy", "urban", "vivid",
    "woven", "young",
];
const NOUNS: [&str; 32] = [
    "anvil",
    "basket",
    "candle",
    "drawer",
    "easel",
    "fender",
    "garden-chair",
    "hammer",
    "inkwell",
    "jug",
    "kettle",
    "lantern",
    "mirror",
    "napkin",
    "oven-mitt",
    "pillow",
    "quilt",
    "reading-lamp",
    "saucepan",
    "teapot",
    "umbrella",
    "vase",
    "wardrobe",
    "xylophone",
    "yoga-mat",
    "zip-bag",
    "bench",
    "clock",
    "desk",
    "frame",
    "mug",
    "shelf",
];

/// The web name of product number `.0`; none twice.
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

/// Percent-encodes as S3 does it in its log: everything but letters, digits, `-`, `_`, `.`, `~` and `/`.
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

/// The path of an object as the operations that encode keys once log it: `+` for a space.
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
    fn keys_are_different_in_order_and_on_their_shelves() {
        let catalogue = Catalogue::new(1, 400_000);
        assert!((25_000..40_000).contains(&catalogue.len()), "{}", catalogue.len());
        let keys: HashSet<&[u8]> = (0..catalogue.len()).map(|index| catalogue.object(index).key).collect();
        assert_eq!(keys.len(), catalogue.len());
        let names: Vec<Vec<u8>> = (0..catalogue.len())
            .map(|index| percent_encoding::percent_decode(catalogue.object(index).path).collect())
            .collect();
        assert!(names.is_sorted());
        assert_eq!(
            names[catalogue.shelf(Shelf::Masters).start],
            b"masters/keynote-2025/full-length-2160p.mov"
        );
    }

    #[test]
    fn an_episode_is_a_playlist_and_its_segments() {
        let catalogue = Catalogue::new(1, 400_000);
        let hls = catalogue.shelf(Shelf::Hls);
        for stream in hls.clone().step_by(HLS_PARTS) {
            let object = catalogue.object(stream);
            assert!(object.path.ends_with(b"/index.m3u8") && object.size < 5000);
            let folder = &object.path[..object.path.len() - b"index.m3u8".len()];
            assert!(catalogue.object(stream + HLS_PARTS - 1).path.starts_with(folder));
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
    fn small_buckets_have_every_shelf() {
        let catalogue = Catalogue::new(1, 0);
        for shelf in SHELVES {
            assert!(!catalogue.shelf(shelf).is_empty(), "{shelf:?}");
        }
    }
}
