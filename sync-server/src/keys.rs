//! The relay's keys, in a directory of their own: wiping the data must not change who the relay is,
//! nor lock anybody out.
//!
//! `relay.key` (the key that addresses pin) and `registration.key` (signs invitations and grants)
//! are 64 hexadecimal digits each, readable by their owner alone. `witness` is no secret: it tells
//! whether the data directory is the one that was used last.

mod file;
mod witness;

pub use file::{KeyError, KeyFiles};
pub(crate) use witness::Witness;
