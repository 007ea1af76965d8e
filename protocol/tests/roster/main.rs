//! The rules of the roster, one test for each, with real Ed25519 keys.
#![allow(clippy::unwrap_used)]

mod chains;
mod limits;
mod recovery;
mod room;
mod rules;
mod share;
mod share_chains;
mod share_hostile;
mod share_limits;
mod share_world;
mod sparse;
mod world;
