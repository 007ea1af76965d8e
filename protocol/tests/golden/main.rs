//! Golden vectors: every type of the wire, byte for byte.
//!
//! The files in `vectors/` hold one value a line: its name and its bytes in hexadecimal digits. Run
//! the test with `MAINSTAY_REGENERATE=1` to write them anew, and only do that for a change of the
//! wire that is meant.
#![allow(clippy::unwrap_used)]

mod complete;
mod envelopes;
mod frames;
mod rosters;
mod samples;
mod values;
mod variants;

pub(crate) use samples::Samples;
