//! The Mainstay engine: an offline-first recovery journal that syncs through a relay which cannot
//! read it.
//!
//! An app holds one [`engine`] object. Below it lie floors that never reach up, and of which none
//! but the engine's driver knows a clock, randomness, a thread or a socket.

/// The example that the README shows to app developers, kept compiling.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub mod care;
pub mod chapter;
pub mod document;
pub mod engine;
pub mod journal;
pub mod ndjson;
pub mod plan;
pub mod space;
pub mod sync;
mod transport;
