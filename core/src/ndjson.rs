//! Entries as lines of JSON: what `export` writes, `timeline` shows and `import` reads.
//!
//! `docs/ndjson.md` describes the shape for people. Export, import into an empty journal and export
//! again: the two files are equal to the byte. Deleted entries are not exported.

mod error;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub use error::{Rejected, Why};
pub use read::{Import, MAX_LINE_BYTES, Reader, parse_line};
pub use write::{to_json, to_line};
