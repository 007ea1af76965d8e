//! The conversation with a relay, without a socket: `(now, event) → requests`.
//!
//! A [`Session`] is one sync. [`Session::next`] gives the next batch of requests, [`Session::reply`]
//! takes the relay's answers one by one, and whatever was taken in by then is kept if the
//! connection breaks. What a device holds it asks and tells through the [`Local`] port, which the
//! engine's replica implements.
//!
//! The order of a sync is fixed: who is in the space, then what is new, then what was asked of the
//! list of devices, then what waits here. Nothing is sealed before the roster was pulled.

mod create;
mod local;
mod session;
mod steps;

pub use local::{Local, Outgone, RestoreAsk, ShownRoster};
pub use session::{Connection, Session, SyncError};
