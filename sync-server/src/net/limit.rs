//! The network's limits.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Limits of connections and of the rate of requests. A burst of ten seconds' worth is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetConfig {
    /// Connections at one time.
    pub max_connections: usize,
    /// New connections per second from one address (an IPv4 address or an IPv6 /64).
    pub connections_per_second: NonZeroU32,
    /// Requests per second on one connection.
    pub requests_per_second: NonZeroU32,
    /// Requests that need no attachment (creating spaces, reading and writing letters) per second
    /// from one address.
    pub anonymous_per_second: NonZeroU32,
    /// Streams open at one time on one connection, subscriptions included.
    pub streams_per_connection: u32,
    /// A connection on which nothing comes for this long is closed, in seconds.
    pub idle_timeout_s: u32,
}

impl Default for NetConfig {
    fn default() -> Self {
        let per_second = |rate| NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        Self {
            max_connections: 12_000,
            connections_per_second: per_second(20),
            requests_per_second: per_second(200),
            anonymous_per_second: per_second(10),
            streams_per_connection: 256,
            idle_timeout_s: 60,
        }
    }
}

/// The rates at work.
pub(super) struct Limits {
    config: NetConfig,
    connections: DefaultKeyedRateLimiter<IpAddr>,
    anonymous: DefaultKeyedRateLimiter<IpAddr>,
}

fn quota(rate: NonZeroU32) -> Quota {
    let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(9));
    Quota::per_second(rate).allow_burst(burst)
}

impl Limits {
    pub(super) fn new(config: &NetConfig) -> Self {
        Self {
            config: *config,
            connections: RateLimiter::keyed(quota(config.connections_per_second)),
            anonymous: RateLimiter::keyed(quota(config.anonymous_per_second)),
        }
    }

    pub(super) fn max_connections(&self) -> usize {
        self.config.max_connections
    }

    /// The rate of one connection's requests.
    pub(super) fn of_connection(&self) -> DefaultDirectRateLimiter {
        RateLimiter::direct(quota(self.config.requests_per_second))
    }

    pub(super) fn may_connect(&self, from: SocketAddr) -> bool {
        self.connections.check_key(&network(from)).is_ok()
    }

    /// Whether a request without attachment may be carried out.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn check_anonymous(&self, from: SocketAddr) -> Result<(), Duration> {
        let checked = self.anonymous.check_key(&network(from));
        checked.map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }

    /// Forgets addresses that have not been heard of lately.
    pub(super) fn forget_the_idle(&self) {
        self.connections.retain_recent();
        self.anonymous.retain_recent();
    }
}

/// Whether one more request may be carried out.
///
/// # Errors
/// How long to wait.
pub(super) fn check(rate: &DefaultDirectRateLimiter) -> Result<(), Duration> {
    rate.check().map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
}

/// Whoever has an IPv6 address has 2⁶⁴ of them.
fn network(address: SocketAddr) -> IpAddr {
    match address.ip().to_canonical() {
        IpAddr::V6(ip) => {
            let s = ip.segments();
            IpAddr::V6(Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0))
        }
        v4 => v4,
    }
}
