//! The clients: addresses, user agents, referers, and requesters.

use super::{log_line::Transport, objects::Slug, random::Rng};

/// The role that uploads files; the name of a session follows.
pub(super) const UPLOADER: &str = "arn:aws:sts::123456789012:assumed-role/uploader/";
/// The role that reads exports every night.
pub(super) const ETL: &str = "arn:aws:sts::123456789012:assumed-role/etl/";
/// The role that copies originals.
pub(super) const ARCHIVER: &str = "arn:aws:sts::123456789012:assumed-role/archiver/nightly-copy";
/// The user whose key signs download links.
pub(super) const WEB_APP: &str = "arn:aws:iam::123456789012:user/web-app";
/// CloudFront's identity, with the spaces that S3 logs.
pub(super) const CLOUDFRONT: &str =
    "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE1ACME";
/// A user of the AWS console.
pub(super) const PERSON: &str = "arn:aws:iam::123456789012:user/jo@acme.example";
/// The account of a partner, which signs with SigV2.
pub(super) const PARTNER: &str = "5b1d0c6e8f2a47939ce0b4d7a1f36285c49e70bd16a2f8435e9d0c7b3a1f6e28";
/// The service that delivers the logs of other services.
pub(super) const LOG_DELIVERY: &str = "svc:delivery.logs.amazonaws.com";

/// A client that makes many requests.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) ip: Box<[u8]>,
    /// Index of its browser in [`Clients::browsers`].
    pub(super) agent: u16,
    pub(super) transport: Transport,
    /// Bytes per millisecond.
    pub(super) speed: u64,
}

/// All clients, and the values they share.
#[derive(Debug)]
pub(super) struct Clients {
    clients: Vec<Client>,
    browsers: Vec<Box<[u8]>>,
    referers: Vec<Box<[u8]>>,
    /// Session names of assumed roles.
    pub(super) sessions: Vec<Box<[u8]>>,
}

impl Clients {
    /// The clients that make this number of requests in a month: about 5,000 for 400,000 requests.
    pub(super) fn new(seed: u64, requests: u64) -> Clients {
        let mut rng = Rng::new(seed, 0x009e_091e);
        let count = ((requests as f64).sqrt() as u64 * 8).clamp(60, 60_000);
        let browsers = browsers();
        let clients = (0..count)
            .map(|_| Client {
                ip: address(&mut rng).into_bytes().into(),
                agent: rng.rank(browsers.len()) as u16,
                transport: if rng.once_in(5) { Transport::Tls12 } else { Transport::Tls13 },
                speed: rng.between(400, 14_000),
            })
            .collect();
        let referers = (0..600u64)
            .map(|n| match n % 10 {
                0..=5 => format!("https://www.acme.example/shop/{}", Slug(n)),
                6 | 7 => format!("https://www.acme.example/watch?v={:06x}", rng.below(1 << 24)),
                8 => format!("https://www.acme.example/blog/2026/{:02}/{}", 1 + n % 4, Slug(n * 7)),
                _ => format!("https://search.example/?q={}", Slug(n).to_string().replace('-', "+")),
            })
            .map(|text| text.into_bytes().into())
            .collect();
        let sessions = (0..48)
            .map(|_| format!("i-0{:016x}", rng.next() & ((1 << 60) - 1)).into_bytes().into())
            .collect();
        Clients { clients, browsers, referers, sessions }
    }

    /// Picks a client; those at the beginning of the list more often.
    pub(super) fn pick(&self, rng: &mut Rng) -> &Client {
        let u = rng.unit();
        &self.clients[(self.clients.len() as f64 * u * u) as usize]
    }

    /// The user agent of the browser of a client.
    pub(super) fn browser(&self, client: &Client) -> &[u8] {
        &self.browsers[usize::from(client.agent)]
    }

    /// A referer: a page of the shop or of a search engine.
    pub(super) fn referer(&self, rng: &mut Rng) -> &[u8] {
        &self.referers[rng.rank(self.referers.len())]
    }
}

/// The address of a visitor, from the shared address space (100.64.0.0/10), private networks and 2001:db8::/32. The IPv4
/// ranges for documentation are too small.
fn address(rng: &mut Rng) -> String {
    match rng.below(100) {
        0..70 => format!("100.{}.{}.{}", rng.between(64, 128), rng.below(256), rng.between(1, 255)),
        70..82 => format!("10.{}.{}.{}", rng.below(256), rng.below(256), rng.between(1, 255)),
        _ => {
            let (site, net) = (rng.below(0x3000), rng.below(0x100));
            let [a, b, c, d] = std::array::from_fn(|_| rng.between(1, 0xffff));
            format!("2001:db8:{site:x}:{net:x}:{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

/// User agents of browsers, the most frequent first.
fn browsers() -> Vec<Box<[u8]>> {
    let mut all = Vec::new();
    for age in 0..24u32 {
        let (chrome, firefox) = (134 - age, 137 - age);
        all.push(format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36"));
        all.push(format!("Mozilla/5.0 (iPhone; CPU iPhone OS 18_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.{} Mobile/15E148 Safari/604.1", age % 5, age % 5));
        all.push(format!("Mozilla/5.0 (Linux; Android 1{}; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Mobile Safari/537.36", age % 6));
        all.push(format!("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{} Safari/605.1.15", age % 7));
        all.push(format!(
            "Mozilla/5.0 (X11; Linux x86_64; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0"
        ));
        all.push(format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0"
        ));
        all.push(format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36 Edg/{chrome}.0.0.0"));
    }
    // Versions such as 18_3 are generated more than once.
    let mut seen = std::collections::HashSet::new();
    all.retain(|agent| seen.insert(agent.clone()));
    all.into_iter().map(|agent| agent.into_bytes().into()).collect()
}

/// User agents of video players.
pub(super) const PLAYERS: [&str; 7] = [
    "AppleCoreMedia/1.0.0.22E240 (iPhone; U; CPU OS 18_4 like Mac OS X; en_us)",
    "AppleCoreMedia/1.0.0.22L5234e (Apple TV; U; CPU OS 18_4 like Mac OS X; de_de)",
    "AcmeTV/4.12.1 (Linux;Android 12) ExoPlayerLib/2.19.1",
    "Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) Version/7.0 TV Safari/537.36",
    "Roku/DVP-14.5 (14.5.4.5934-46)",
    "VLC/3.0.21 LibVLC/3.0.21",
    "Lavf/61.7.100",
];

/// User agents of podcast players.
pub(super) const PODCATCHERS: [&str; 5] = [
    "AppleCoreMedia/1.0.0.22E240 (iPhone; U; CPU OS 18_4 like Mac OS X; en_gb)",
    "Podcasts/1.9 CFNetwork/3826.500 Darwin/24.4.0",
    "AntennaPod/3.7.1",
    "Overcast/3.0 (+https://overcast.example/; iOS podcast app)",
    "gPodder/3.11.4 (http://gpodder.example/) Linux",
];

/// User agents of crawlers.
pub(super) const CRAWLERS: [&str; 4] = [
    "Mozilla/5.0 (compatible; SearchBot/2.1; +http://search.example/bot.html)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.6998.88 Mobile Safari/537.36 (compatible; SearchBot/2.1; +http://search.example/bot.html)",
    "SearchBot-Image/1.0",
    "Mozilla/5.0 (compatible; archive-bot/1.0; +https://archive.example/bot)",
];

/// User agents of the company's own programs.
pub(super) const SDKS: [&str; 5] = [
    "Boto3/1.37.23 md/Botocore#1.37.23 ua/2.1 os/linux#6.1.130-139.222.amzn2023.x86_64 md/arch#x86_64 lang/python#3.12.9 md/pyimpl#CPython cfg/retry-mode#adaptive Botocore/1.37.23",
    "aws-cli/2.25.6 md/awscrt#0.23.8 ua/2.1 os/linux#6.8.0-1024-aws md/arch#x86_64 lang/python#3.12.9 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#s3.sync",
    "aws-sdk-java/2.31.11 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.130 lang/java#21.0.6 md/OpenJDK_64-Bit_Server_VM#21.0.6+7-LTS md/vendor#Amazon.com_Inc.",
    "aws-sdk-rust/1.3.6 ua/2.1 api/s3/1.82.0 os/linux lang/rust/1.86.0",
    "[aws-sdk-go-v2/1.36.3 os/linux lang/go#1.24.1 md/GOOS#linux md/GOARCH#arm64 api/s3#1.78.2]",
];

/// User agents that contain quotes, as found in real logs.
pub(super) const ODD_AGENTS: [&str; 4] = [
    "Mozilla/5.0 (compatible; \"acme-check\" 1.0)",
    "\"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36\"",
    "curl/7.29.0 \\\"internal\\\"",
    "Wget/1.21.4 -O \"",
];
