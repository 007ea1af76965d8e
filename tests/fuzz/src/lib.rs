//! Hostile input for everything in Mainstay that reads bytes or text of somebody else.
//!
//! [`targets::ALL`] lists plain functions that take any bytes. None of them may panic, hang or take
//! more memory than its bound, and what they read they write again so that it reads as the same.
//! [`mutate`] changes real examples by a seed, [`run`] feeds them and watches. `cargo test` does a
//! little of each target; the program of this package goes on for as long as it is told:
//!
//! ```sh
//! cargo run --release -p mainstay-fuzz -- --seconds 60
//! ```
#![allow(
    clippy::unwrap_used,
    reason = "examples are made by code that must not fail, or a test has failed"
)]

pub mod golden;
pub mod memory;
pub mod mutate;
pub mod run;
pub mod targets;
