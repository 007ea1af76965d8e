//! The Mainstay engine: an offline-first recovery journal that syncs through a relay which cannot read it.

pub mod document;
pub mod journal;
pub mod ndjson;
pub mod plan;
