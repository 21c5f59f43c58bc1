//! The pace of requests: within the quota of the service, and slower when the service throttles.

use std::time::{Duration, Instant};

use aws_sdk_cloudwatchlogs::config::retry::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use parking_lot::Mutex;

/// FilterLogEvents requests per second that the service allows an account in a region, and that cannot be raised ("Amazon
/// CloudWatch Logs endpoints and quotas" in the AWS General Reference).
const QUOTA: u32 = 10;
/// The regions with another quota.
const OTHER_QUOTAS: [(&str, u32); 6] = [
    ("us-east-1", 25),
    ("ap-northeast-3", 5),
    ("ap-southeast-3", 5),
    ("ca-west-1", 5),
    ("eu-central-1", 5),
    ("il-central-1", 5),
];
/// Percentage of the quota that is used: the rest is for the other programs of the account.
const SHARE: u32 = 80;
/// Requests per second to another server than that of AWS.
const OTHER_SERVER: u32 = 100;
/// The longest time between two requests.
const MAX_INTERVAL: Duration = Duration::from_secs(4);
/// Requests that are under way are throttled together: they slow down only once in this time.
const SLOW_DOWN_ONCE_IN: Duration = Duration::from_secs(1);

/// Spreads the requests of all tasks over time. Each throttled request doubles the time between requests, each answered
/// one reduces it by 2 %, down to that of the quota.
#[derive(Debug)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    min_interval: Duration,
    interval: Duration,
    next: Option<Instant>,
    slowed_at: Option<Instant>,
}

impl Pace {
    /// The pace of a region of AWS; `None`: of another server.
    pub(super) fn of_region(region: Option<&str>) -> Pace {
        let per_second = match region {
            None => OTHER_SERVER,
            Some(region) => {
                let other = OTHER_QUOTAS.iter().find(|(name, _)| *name == region);
                other.map_or(QUOTA, |(_, quota)| *quota) * SHARE / 100
            }
        };
        let interval = Duration::from_secs(1) / per_second.max(1);
        Pace(Mutex::new(State { min_interval: interval, interval, next: None, slowed_at: None }))
    }

    /// Waits until the next request may be sent.
    pub(super) async fn wait(&self) {
        let wait = self.0.lock().reserve(Instant::now());
        tokio::time::sleep(wait).await;
    }

    /// Notes an answered request.
    pub(super) fn answered(&self) {
        self.0.lock().speed_up();
    }

    /// Notes a throttled request.
    pub(super) fn throttled(&self) {
        self.0.lock().slow_down(Instant::now());
    }
}

impl State {
    /// Takes the next place. Returns the time until then.
    fn reserve(&mut self, now: Instant) -> Duration {
        let at = self.next.map_or(now, |next| next.max(now));
        self.next = Some(at + self.interval);
        at - now
    }

    fn speed_up(&mut self) {
        self.interval = self.interval.mul_f64(0.98).max(self.min_interval);
    }

    fn slow_down(&mut self, now: Instant) {
        if self.slowed_at.is_none_or(|at| now.duration_since(at) >= SLOW_DOWN_ONCE_IN) {
            self.interval = (self.interval * 2).min(MAX_INTERVAL);
            self.slowed_at = Some(now);
        }
    }
}

/// Leaves the repetition of throttled requests to the caller, who keeps the pace: the SDK would send them again at a time of
/// its own.
#[derive(Debug)]
pub(super) struct LeaveThrottling;

impl ClassifyRetry for LeaveThrottling {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let is_throttled = context.response().is_some_and(|response| {
            response.status().as_u16() == 429
                || response.body().bytes().is_some_and(|body| {
                    response.status().as_u16() == 400
                        && memchr::memmem::find(body, b"ThrottlingException").is_some()
                })
        });
        if is_throttled { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "LeaveThrottling"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_asked_no_faster_than_four_fifths_of_its_quota() {
        let interval = |region| Pace::of_region(region).0.lock().interval;
        assert_eq!(interval(Some("eu-west-1")), Duration::from_millis(125));
        assert_eq!(interval(Some("us-east-1")), Duration::from_millis(50));
        assert_eq!(interval(Some("eu-central-1")), Duration::from_millis(250));
    }

    #[test]
    fn requests_are_spread_and_slower_after_throttling() {
        let pace = Pace::of_region(Some("eu-west-1"));
        let mut state = pace.0.lock();
        let start = Instant::now();
        let ms = Duration::from_millis;
        assert_eq!([(); 3].map(|()| state.reserve(start)), [ms(0), ms(125), ms(250)]);
        // Three requests that were under way together are throttled: the pace is halved once.
        (0..3).for_each(|_| state.slow_down(start));
        assert_eq!(state.interval, ms(250));
        state.slow_down(start + Duration::from_secs(2));
        assert_eq!(state.interval, ms(500));
        assert_eq!([(); 2].map(|()| state.reserve(start + ms(375))), [ms(0), ms(500)]);
        (0..100).for_each(|_| state.speed_up());
        assert_eq!(state.interval, ms(125), "not faster than the quota");
        (0..20).for_each(|n| state.slow_down(start + Duration::from_secs(10 + 2 * n)));
        assert_eq!(state.interval, MAX_INTERVAL);
    }
}
