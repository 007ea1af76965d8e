//! The Mainstay engine: an offline-first recovery journal that syncs through a relay which cannot read it.

pub mod space;
