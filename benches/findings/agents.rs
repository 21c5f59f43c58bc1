//! Addresses and user agents of ordinary clients.

use crate::month::{DAY, HOUR, Month};
use crate::random::{Random, Zipf};
use crate::record::{Client, Signature, Text, Tls};

const CHROME: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36 Edg/{}.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36",
];
const FIREFOX: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{}.0) Gecko/20100101 Firefox/{}.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{}.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:{}.0) Gecko/20100101 Firefox/{}.0",
    "Mozilla/5.0 (Android 14; Mobile; rv:{}.0) Gecko/{}.0 Firefox/{}.0",
];
const SAFARI: [&str; 3] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 17_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{} Safari/605.1.15",
];

/// A program of visitors whose version changes: the new version replaces the old one within days.
#[derive(Clone, Debug)]
struct Program {
    versions: [Text; 2],
    release: u32,
    /// Mean time until a client updates.
    adoption: f64,
}

/// The visitors of a bucket: addresses with a browser each, some far more frequent than others.
#[derive(Clone, Debug)]
pub(crate) struct People {
    clients: Vec<(Text, Tls, usize)>,
    zipf: Zipf,
    programs: Vec<Program>,
    /// Addresses of offices behind which many people are.
    offices: Vec<Text>,
    office_share: f64,
    app: Option<Program>,
}

/// The share of IPv6 addresses among those of visitors of websites.
const V6_SHARE: f64 = 0.14;

/// A public address of an access provider.
pub(crate) fn home_address(blocks: &[(u8, u8)], v6_share: f64, random: &mut Random) -> String {
    if random.chance(v6_share) {
        let provider = ["2a02:8109", "2a01:cb08", "2003:e7", "2601:646", "2409:8a"][random.index(5)];
        return format!(
            "{provider}:{:x}:{:x}::{:x}",
            random.between(0x1000, 0xffff),
            random.between(0x10, 0xffff),
            random.between(1, 0xffff)
        );
    }
    let (a, b) = random.pick(blocks);
    format!("{a}.{b}.{}.{}", random.below(256), random.between(1, 255))
}

/// Networks of access providers, of a size that a month of addresses fills thinly.
pub(crate) fn home_blocks(random: &mut Random) -> Vec<(u8, u8)> {
    const FIRST: [u8; 16] = [24, 31, 46, 62, 71, 78, 82, 84, 86, 90, 93, 109, 122, 151, 176, 188];
    (0..60).map(|_| (*random.pick(&FIRST), random.below(250) as u8)).collect()
}

/// An address of a hosting provider.
pub(crate) fn hosting_address(random: &mut Random) -> String {
    const BLOCKS: [(u8, u8); 10] = [
        (45, 155),
        (185, 220),
        (51, 77),
        (95, 216),
        (138, 68),
        (159, 65),
        (167, 99),
        (194, 26),
        (5, 188),
        (46, 101),
    ];
    let (a, b) = random.pick(&BLOCKS);
    format!("{a}.{b}.{}.{}", random.below(256), random.between(1, 255))
}

impl People {
    /// `count` addresses, and `offices` with many people behind each.
    pub(crate) fn new(month: &mut Month, count: usize, offices: usize, random: &mut Random) -> People {
        let blocks = home_blocks(random);
        let mut programs = Vec::new();
        let days = u64::from(month.days);
        for (templates, version, adoption) in [
            (&CHROME[..], 118 + random.below(12), 4.0),
            (&FIREFOX, 120 + random.below(10), 3.0),
            (&SAFARI, 3, 9.0),
        ] {
            let release = random.between(0, days) as u32 * DAY + 17 * HOUR;
            for template in templates {
                let versions = [version, version + 1]
                    .map(|version| month.text(&template.replace("{}", &version.to_string())));
                programs.push(Program { versions, release, adoption: adoption * f64::from(DAY) });
            }
        }
        let popular = Zipf::new(programs.len(), 0.7);
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            let ip = month.text(&home_address(&blocks, V6_SHARE, random));
            let tls = if random.chance(0.12) { Tls::V12 } else { Tls::V13 };
            clients.push((ip, tls, popular.draw(random)));
        }
        let offices = (0..offices).map(|_| month.text(&home_address(&blocks, V6_SHARE, random))).collect();
        People { clients, zipf: Zipf::new(count, 0.72), programs, offices, office_share: 0.03, app: None }
    }

    /// Clients with these programs instead of browsers. A program: its user agent with `{}` for a number of its version, and
    /// the mean number of days until a client updates. Not all programs have a new version in a month.
    pub(crate) fn with_programs(
        month: &mut Month,
        count: usize,
        offices: usize,
        v6_share: f64,
        templates: &[(&str, f64)],
        random: &mut Random,
    ) -> People {
        let blocks = home_blocks(random);
        let days = u64::from(month.days);
        let programs: Vec<Program> = (templates.iter())
            .map(|(template, adoption)| {
                let version = random.between(2, 9);
                let versions = [version, version + 1]
                    .map(|version| month.text(&template.replace("{}", &version.to_string())));
                let release = random.between(0, 2 * days) as u32 * DAY + 15 * HOUR;
                Program { versions, release, adoption: adoption * f64::from(DAY) }
            })
            .collect();
        let popular = Zipf::new(programs.len(), 0.8);
        let clients = (0..count)
            .map(|_| {
                let ip = month.text(&home_address(&blocks, v6_share, random));
                let tls = if random.chance(0.3) { Tls::V12 } else { Tls::V13 };
                (ip, tls, popular.draw(random))
            })
            .collect();
        let offices = (0..offices).map(|_| month.text(&home_address(&blocks, v6_share, random))).collect();
        People { clients, zipf: Zipf::new(count, 0.6), programs, offices, office_share: 0.2, app: None }
    }

    /// Number of clients.
    pub(crate) fn count(&self) -> usize {
        self.clients.len()
    }

    /// One of the clients at a time, each with its own address.
    pub(crate) fn client_of(&self, number: usize, time: u32) -> Client {
        let (ip, tls, program) = self.clients[number];
        self.client(ip, tls, &self.programs[program], number as u64, time)
    }

    /// Adds the company's own app, which some visitors use.
    pub(crate) fn with_app(mut self, month: &mut Month, template: &str, random: &mut Random) -> People {
        let minor = random.between(1, 9);
        let versions =
            [minor, minor + 1].map(|minor| month.text(&template.replace("{}", &minor.to_string())));
        let release = random.between(3, u64::from(month.days) - 2) as u32 * DAY + 10 * HOUR;
        self.app = Some(Program { versions, release, adoption: 3.5 * f64::from(DAY) });
        self
    }

    /// A visitor at a time.
    pub(crate) fn visitor(&self, time: u32, random: &mut Random) -> Client {
        if !self.offices.is_empty() && random.chance(self.office_share) {
            let program = random.index(self.programs.len());
            let user = random.below(40);
            let ip = *random.pick(&self.offices);
            return self.client(ip, Tls::V13, &self.programs[program], user, time);
        }
        self.client_of(self.zipf.draw(random), time)
    }

    /// A visitor with the company's app.
    pub(crate) fn app_user(&self, time: u32, random: &mut Random) -> Client {
        let number = self.zipf.draw(random);
        let (ip, tls, program) = self.clients[number];
        let program = self.app.as_ref().unwrap_or(&self.programs[program]);
        self.client(ip, tls, program, number as u64, time)
    }

    fn client(&self, ip: Text, tls: Tls, program: &Program, user: u64, time: u32) -> Client {
        // Each user updates at a time of their own.
        let hash = (user.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1u64 << 24) as f64;
        let update = f64::from(program.release) - program.adoption * (1.0 - hash).max(1e-9).ln();
        let agent = program.versions[usize::from(f64::from(time) >= update)];
        let requester = crate::record::ABSENT;
        Client {
            ip,
            requester,
            agent,
            signature: Signature::Anonymous,
            tls,
            in_region: false,
            access_point: "",
        }
    }
}
