//! Shares, from invitation to the end, between real engines and the relay's real rules.
#![allow(clippy::unwrap_used)]

mod ending;
mod giving;
mod inviting;
mod kit;
mod talking;
