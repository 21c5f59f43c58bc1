//! A month of requests to one bucket: its calendar, its rhythm and its records.

use crate::random::Random;
use crate::record::{ABSENT, Client, Request, Signature, Text, Texts, Tls};
use crate::truth::Incident;

pub(crate) const HOUR: u32 = 3600;
pub(crate) const DAY: u32 = 24 * HOUR;

/// A permanent change of the volume of some kinds of traffic.
#[derive(Clone, Debug)]
pub(crate) struct Shift {
    pub(crate) streams: Vec<&'static str>,
    pub(crate) at: u32,
    pub(crate) factor: f64,
}

/// A job that does not run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause {
    pub(crate) stream: &'static str,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// How strongly people follow the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rhythm {
    /// Evenings and weekends.
    Leisure,
    /// Office hours from Monday to Friday.
    Office,
    /// The whole world: a weak rhythm.
    World,
}

#[derive(Debug)]
pub(crate) struct Month {
    pub(crate) random: Random,
    pub(crate) texts: Texts,
    pub(crate) requests: Vec<Request>,
    /// Names of the kinds of traffic, by number.
    pub(crate) streams: Vec<String>,
    /// Seconds since the epoch.
    pub(crate) start: i64,
    pub(crate) days: u32,
    /// Day of the week of the first day, Monday is 0.
    pub(crate) first_weekday: u32,
    /// Relative volume of people's traffic in each hour; the mean is about 1.
    pub(crate) people: Vec<f64>,
    /// Hours without records.
    pub(crate) gaps: Vec<(u32, u32)>,
    /// The time of the last delivery.
    pub(crate) end: u32,
    pub(crate) holiday: Option<u32>,
    pub(crate) shift: Option<Shift>,
    pub(crate) pause: Option<Pause>,
    pub(crate) incidents: Vec<Incident>,
}

impl Month {
    pub(crate) fn new(seed: u64, stream: u64, rhythm: Rhythm) -> Month {
        let mut random = Random::new(seed, stream);
        // A first of a month from January 2025 to December 2026.
        let (year, month) = (2025 + random.below(2) as i16, 1 + random.below(12) as i8);
        let first = jiff::civil::date(year, month, 1);
        let two = random.chance(0.15);
        let days = first.days_in_month() as u32 + if two { 28 } else { 0 };
        let start = first.to_zoned(jiff::tz::TimeZone::UTC).map_or(0, |first| first.timestamp().as_second());
        let first_weekday = first.weekday().to_monday_zero_offset() as u32;
        let end = days * DAY - random.below(u64::from(2 * HOUR)) as u32;
        let holiday = random.chance(0.4).then(|| 3 + random.below(u64::from(days) - 6) as u32);
        let mut month = Month {
            random: random.split(),
            texts: Texts::new(),
            requests: Vec::new(),
            streams: Vec::new(),
            start,
            days,
            first_weekday,
            people: Vec::new(),
            gaps: Vec::new(),
            end,
            holiday,
            shift: None,
            pause: None,
            incidents: Vec::new(),
        };
        month.people = month.rhythm_of_people(rhythm, &mut random);
        month
    }

    fn rhythm_of_people(&self, rhythm: Rhythm, random: &mut Random) -> Vec<f64> {
        let (amplitude, peak, weekend) = match rhythm {
            Rhythm::Leisure => (0.75, 19.0, random.range(1.05, 1.35)),
            Rhythm::Office => (0.95, 13.0, random.range(0.2, 0.45)),
            Rhythm::World => (0.35, 16.0, random.range(0.75, 0.95)),
        };
        let peak = peak + random.range(-2.0, 2.0);
        let growth = random.range(-0.1, 0.35);
        let mut weights = Vec::new();
        for day in 0..self.days {
            let is_holiday = self.holiday == Some(day);
            let mut level = if self.is_weekend(day) || is_holiday { weekend } else { 1.0 };
            level *= if is_holiday { 0.85 } else { 1.0 };
            level *= 1.0 + growth * f64::from(day) / f64::from(self.days);
            level *= random.spread(0.07);
            for hour in 0..24 {
                let angle = (f64::from(hour) - peak) / 24.0 * std::f64::consts::TAU;
                let wave = 1.0 + amplitude * angle.cos() + 0.2 * amplitude * (2.0 * angle).cos();
                weights.push(level * wave.max(0.04) * random.gamma(60.0));
            }
        }
        weights
    }

    pub(crate) fn is_weekend(&self, day: u32) -> bool {
        (self.first_weekday + day) % 7 >= 5
    }

    pub(crate) fn is_workday(&self, day: u32) -> bool {
        !self.is_weekend(day) && self.holiday != Some(day)
    }

    /// Year, month and day of a time.
    pub(crate) fn date(&self, time: u32) -> (i16, i8, i8) {
        let time = jiff::Timestamp::from_second(self.start + i64::from(time)).unwrap_or_default();
        let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
        (date.year(), date.month(), date.day())
    }

    pub(crate) fn text(&mut self, text: &str) -> Text {
        self.texts.add(text)
    }

    pub(crate) fn client(&mut self, ip: &str, requester: &str, agent: &str) -> Client {
        let requester = self.text(requester);
        let signature = if requester == ABSENT { Signature::Anonymous } else { Signature::V4 };
        Client {
            ip: self.text(ip),
            requester,
            agent: self.text(agent),
            signature,
            tls: Tls::V13,
            in_region: ip.starts_with("10.") || ip.starts_with("34.24"),
            access_point: "",
        }
    }

    /// The number of a kind of traffic.
    pub(crate) fn stream(&mut self, name: &str) -> u16 {
        match self.streams.iter().position(|known| known == name) {
            Some(number) => number as u16,
            None => {
                self.streams.push(name.to_owned());
                (self.streams.len() - 1) as u16
            }
        }
    }

    /// Factor of a kind of traffic at a time, because of a shift.
    pub(crate) fn level(&self, stream: &str, time: u32) -> f64 {
        match &self.shift {
            Some(shift) if shift.streams.contains(&stream) && time >= shift.at => shift.factor,
            _ => 1.0,
        }
    }

    pub(crate) fn is_paused(&self, stream: &str, time: u32) -> bool {
        self.pause.is_some_and(|pause| pause.stream == stream && (pause.start..pause.end).contains(&time))
    }

    /// Random times of overdispersed counts: `per_day` on average, in proportion to `weights` per hour.
    pub(crate) fn times(
        &self,
        per_day: f64,
        weights: Option<&[f64]>,
        stream: &str,
        random: &mut Random,
    ) -> Vec<u32> {
        let mut times = Vec::new();
        for hour in 0..self.days * 24 {
            let weight = weights.map_or(1.0, |weights| weights[hour as usize]);
            let mean = per_day / 24.0 * weight * self.level(stream, hour * HOUR) * random.gamma(14.0);
            for _ in 0..random.poisson(mean) {
                times.push(hour * HOUR + random.below(u64::from(HOUR)) as u32);
            }
        }
        times
    }

    pub(crate) fn push(&mut self, request: Request) {
        self.requests.push(request);
    }

    /// Removes what was not delivered, and sorts the records by time.
    pub(crate) fn finish(&mut self) {
        let mut random = self.random.split();
        let (end, gaps) = (self.end, std::mem::take(&mut self.gaps));
        self.requests.retain(|request| {
            let left = end.saturating_sub(request.time);
            // Part of the last hour is delivered later.
            let is_delivered =
                left > 0 && (left > HOUR || random.chance(0.15 + 0.85 * f64::from(left) / f64::from(HOUR)));
            is_delivered && !gaps.iter().any(|(start, end)| (*start..*end).contains(&request.time))
        });
        self.gaps = gaps;
        self.requests.sort_by_key(|request| request.time);
    }
}
