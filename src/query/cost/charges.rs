//! What one request is charged, and what many are.

use super::Prices;

/// Bytes of a gigabyte on an AWS bill.
const GIB: f64 = (1u64 << 30) as f64;

/// The price class of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RequestClass {
    /// Costs nothing.
    #[default]
    Free,
    /// PUT, COPY, POST and LIST.
    Tier1,
    /// GET and all others.
    Tier2,
}

/// The price class of the bytes that are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Transfer {
    /// Costs nothing: within the region, to CloudFront, to a service of AWS.
    #[default]
    Free,
    /// To the internet.
    Internet,
    /// To another region.
    OtherRegion,
    /// To a region with a price of its own, such as from us-east-1 to us-east-2.
    NearbyRegion,
}

/// What a request is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Charge {
    /// For the request itself.
    pub request: RequestClass,
    /// For the bytes that it sent.
    pub transfer: Transfer,
}

/// What some requests are charged: numbers of requests, and bytes sent. Sums saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charges {
    /// Number of requests of each [`RequestClass`].
    pub requests: [u64; 3],
    /// Bytes of each kind of [`Transfer`].
    pub bytes: [u64; 4],
}

impl Charges {
    /// Adds a request that sent `bytes`.
    #[inline]
    pub fn add(&mut self, charge: Charge, bytes: u64) {
        let requests = &mut self.requests[charge.request as usize];
        *requests = requests.saturating_add(1);
        let sum = &mut self.bytes[charge.transfer as usize];
        *sum = sum.saturating_add(bytes);
    }

    /// Adds the charges of other requests.
    #[inline]
    pub fn merge(&mut self, other: &Charges) {
        for (ours, theirs) in self.requests.iter_mut().zip(other.requests) {
            *ours = ours.saturating_add(theirs);
        }
        for (ours, theirs) in self.bytes.iter_mut().zip(other.bytes) {
            *ours = ours.saturating_add(theirs);
        }
    }

    /// The cost of the requests themselves, in US dollars.
    pub fn of_requests(&self, prices: &Prices) -> f64 {
        let count = |class: RequestClass| self.requests[class as usize] as f64;
        (count(RequestClass::Tier1) * prices.tier_1 + count(RequestClass::Tier2) * prices.tier_2) / 1000.0
    }

    /// The cost of the bytes sent, in US dollars.
    pub fn of_transfer(&self, prices: &Prices) -> f64 {
        let bytes = |transfer: Transfer| self.bytes[transfer as usize] as f64;
        (bytes(Transfer::Internet) * prices.internet
            + bytes(Transfer::OtherRegion) * prices.other_regions
            + bytes(Transfer::NearbyRegion) * prices.nearby)
            / GIB
    }

    /// The whole cost, in US dollars.
    pub fn dollars(&self, prices: &Prices) -> f64 {
        self.of_requests(prices) + self.of_transfer(prices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices() -> Prices {
        Prices {
            tier_1: 0.005,
            tier_2: 0.0004,
            internet: 0.09,
            other_regions: 0.02,
            nearby: 0.01,
            ..Prices::default()
        }
    }

    #[test]
    fn a_million_downloads_of_a_megabyte() {
        let mut charges = Charges::default();
        for _ in 0..1000 {
            charges.add(Charge { request: RequestClass::Tier2, transfer: Transfer::Internet }, 1 << 20);
        }
        charges.requests[RequestClass::Tier2 as usize] *= 1000;
        charges.bytes[Transfer::Internet as usize] *= 1000;
        assert!((charges.of_requests(&prices()) - 0.4).abs() < 1e-9);
        assert!((charges.of_transfer(&prices()) - 0.09 * 1e6 / 1024.0).abs() < 1e-9);
    }

    #[test]
    fn charges_saturate_and_add_up() {
        let upload = Charge { request: RequestClass::Tier1, transfer: Transfer::OtherRegion };
        let mut one = Charges::default();
        one.add(upload, u64::MAX);
        let mut both = one;
        both.add(upload, 7);
        assert_eq!(both.bytes[Transfer::OtherRegion as usize], u64::MAX);
        one.merge(&both);
        assert_eq!(one.requests, [0, 3, 0]);
        assert!((one.of_requests(&prices()) - 0.000_015).abs() < 1e-12);
    }
}
