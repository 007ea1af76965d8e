//! The network's limits.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::net::seats::{Crowd, Seat, Seats};

/// Limits of connections and of the rate of requests. A burst of ten seconds' worth is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetConfig {
    /// Connections at one time.
    pub max_connections: usize,
    /// Connections at one time from one address (an IPv4 address or an IPv6 /64). Everybody behind
    /// one router, or one telephone company's gateway, shares an address.
    pub connections_per_address: usize,
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
    /// A client that takes longer than this to read one frame of an answer (64 KiB, or one
    /// envelope) is disconnected, in seconds.
    pub reader_timeout_s: u32,
}

impl Default for NetConfig {
    fn default() -> Self {
        let per_second = |rate| NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        Self {
            max_connections: 12_000,
            connections_per_address: 200,
            connections_per_second: per_second(20),
            requests_per_second: per_second(200),
            anonymous_per_second: per_second(10),
            streams_per_connection: 256,
            idle_timeout_s: 60,
            reader_timeout_s: 30,
        }
    }
}

/// The rates at work.
pub(super) struct Limits {
    config: NetConfig,
    seats: Seats,
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
            seats: Seats::new(config.connections_per_address),
            connections: RateLimiter::keyed(quota(config.connections_per_second)),
            anonymous: RateLimiter::keyed(quota(config.anonymous_per_second)),
        }
    }

    pub(super) fn max_connections(&self) -> usize {
        self.config.max_connections
    }

    pub(super) fn reader_time(&self) -> Duration {
        Duration::from_secs(self.config.reader_timeout_s.into())
    }

    /// How much of what an address may have it has.
    pub(super) fn crowds(&self, from: SocketAddr) -> Crowd {
        self.seats.crowd(network(from))
    }

    /// Counts a connection from an address until the seat is dropped.
    pub(super) fn sit(&self, from: SocketAddr) -> Seat {
        self.seats.sit(network(from))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn all_of_an_ipv6_network_of_64_bits_is_one_address() {
        let of = |text: &str| network(SocketAddr::new(text.parse().unwrap(), 1));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
