//! The Mainstay relay: keeps sealed envelopes in order and cannot open them.
//!
//! [`relay`] holds the rules, without a clock, randomness, threads or sockets; the simulator drives
//! exactly that. [`feed`] is the port to what it keeps.

pub mod feed;
pub mod relay;
