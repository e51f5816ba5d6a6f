//! How often anybody may do something.

use crate::service::Problem;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// After so many faults the memory of clients that committed none lately is given back.
const FAULTS_A_SWEEP: u32 = 4_096;
/// So many wrong tokens of links a client may send a second, and ten times as many at once.
const WRONG_LINKS: NonZeroU32 = NonZeroU32::new(100).unwrap();
const WRONG_LINKS_AT_ONCE: NonZeroU32 = NonZeroU32::new(1_000).unwrap();
/// So many sign-ins of a client may fail at once; then one every [`FAILED_SIGN_IN_EVERY`].
const FAILED_SIGN_INS_AT_ONCE: NonZeroU32 = NonZeroU32::new(10).unwrap();
const FAILED_SIGN_IN_EVERY: Duration = Duration::from_secs(10);

/// Too often: when it is no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) struct TooOften(Duration);

impl TooOften {
    fn new(until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Self {
        Self(until.wait_time_from(DefaultClock::default().now()))
    }

    /// The same for a page: whole seconds until it is worth another try, at least one.
    pub fn seconds(self) -> u64 {
        u64::try_from(self.0.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
    }

    /// Tells the client when to come back.
    pub fn tell(self, response: &mut Response) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(self.seconds()));
    }
}

/// A problem of status 429, which says to come back after a second.
impl From<TooOften> for Problem {
    fn from(too_often: TooOften) -> Self {
        let detail = format!("too many requests; come back in {} s", too_often.seconds());
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
    }
}

impl IntoResponse for TooOften {
    fn into_response(self) -> Response {
        let mut response = Problem::from(self).into_response();
        self.tell(&mut response);
        response
    }
}

/// How often one thing may be done. Cost: an atomic exchange.
pub(in crate::service) struct Rate(DefaultDirectRateLimiter);

impl Rate {
    /// So many times a second.
    pub fn new(a_second: NonZeroU32) -> Self {
        Self(RateLimiter::direct(Quota::per_second(a_second)))
    }

    /// Does it once.
    ///
    /// # Errors
    ///
    /// When it was done too often lately.
    pub fn take(&self) -> Result<(), TooOften> {
        self.0.check().map_err(|until| TooOften::new(&until))
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rate")
    }
}

/// How often each client may be wrong. Only faults count: whoever is right is never refused for those of a neighbour.
pub(super) struct Faults {
    clients: DefaultKeyedRateLimiter<IpAddr>,
    since_sweep: AtomicU32,
}

impl Faults {
    fn new(quota: Quota) -> Self {
        Self { clients: RateLimiter::keyed(quota), since_sweep: AtomicU32::new(0) }
    }

    /// Counts a fault of the client at this address.
    ///
    /// # Errors
    ///
    /// When there were too many lately.
    pub fn count(&self, client: Option<IpAddr>) -> Result<(), TooOften> {
        if self.since_sweep.fetch_add(1, Ordering::Relaxed) >= FAULTS_A_SWEEP {
            self.since_sweep.store(0, Ordering::Relaxed);
            self.clients.retain_recent();
        }
        let client = client.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), network);
        self.clients.check_key(&client).map_err(|until| TooOften::new(&until))
    }
}

/// Who has one IPv6 address has 2⁶⁴ of them.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

/// What is limited besides each token's use.
pub(super) struct Rates {
    /// Opt-outs by links, all together.
    pub one_click: Rate,
    /// Tokens of links that are none.
    pub wrong_links: Faults,
    /// Tokens that no session begins with.
    pub failed_sign_ins: Faults,
}

impl Rates {
    pub fn new(one_click: NonZeroU32) -> Self {
        let every = Quota::with_period(FAILED_SIGN_IN_EVERY);
        let sign_ins = every.unwrap_or_else(|| Quota::per_minute(FAILED_SIGN_INS_AT_ONCE));
        Self {
            one_click: Rate::new(one_click),
            wrong_links: Faults::new(
                Quota::per_second(WRONG_LINKS).allow_burst(WRONG_LINKS_AT_ONCE),
            ),
            failed_sign_ins: Faults::new(sign_ins.allow_burst(FAILED_SIGN_INS_AT_ONCE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_rate_is_held_and_says_when() {
        let rate = Rate::new(NonZeroU32::new(2).unwrap());
        rate.take().unwrap();
        rate.take().unwrap();
        let refused = rate.take().unwrap_err();
        assert_eq!(refused.seconds(), 1);
        let response = refused.into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "1");
    }

    #[test]
    fn faults_count_by_client() {
        let rates = Rates::new(NonZeroU32::MIN);
        let faults = &rates.failed_sign_ins;
        for _ in 0..10 {
            faults.count(client("192.0.2.1")).unwrap();
        }
        assert!((1..=10).contains(&faults.count(client("192.0.2.1")).unwrap_err().seconds()));
        // The same client by another spelling; and others.
        faults.count(client("::ffff:192.0.2.1")).unwrap_err();
        faults.count(client("192.0.2.2")).unwrap();
        for last in 0..10 {
            faults.count(client(&format!("2001:db8::{last}"))).unwrap();
        }
        faults.count(client("2001:db8::ffff:1")).unwrap_err();
        faults.count(client("2001:db8:0:1::1")).unwrap();
        // Clients whose address nobody told are one.
        for _ in 0..10 {
            faults.count(None).unwrap();
        }
        faults.count(None).unwrap_err();
    }

    #[test]
    fn what_was_long_ago_takes_no_memory() {
        let faults = Faults::new(Quota::per_second(NonZeroU32::new(1_000_000).unwrap()));
        for number in 0..3 * FAULTS_A_SWEEP {
            let [.., b, c, d] = number.to_be_bytes();
            let _ = faults.count(Some(IpAddr::from([10, b, c, d])));
        }
        assert!(faults.clients.len() < 2 * FAULTS_A_SWEEP as usize, "{}", faults.clients.len());
    }
}
