//! Programs on Mainstay's public API: the phone, and the whole journey in one command.
//!
//! `README.md` beside this crate documents every command and every field of their JSON output.

pub mod counsellor;
pub mod journey;
pub mod keys;
pub mod phone;
pub mod relay;
mod shell;
