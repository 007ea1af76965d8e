//! Shares, from invitation to the end, between real engines and the relay's real rules.
#![allow(clippy::unwrap_used)]

mod attacks;
mod editing;
mod ending;
mod giving;
mod inviting;
mod kit;
mod leaks;
mod opened;
mod relay_checks;
mod scenarios;
mod talking;
