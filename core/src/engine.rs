//! The one object that an app holds.
//!
//! [`Engine`] is what an app calls; [`Replica`] is the same journal without threads, sockets or a
//! clock, for simulators.

mod anchor;
mod arriving;
mod checkpoint;
mod config;
mod error;
mod following;
mod handle;
mod keys;
mod layer;
mod replica;
mod syncing;
mod tx;
mod vault;
mod worker;

pub use arriving::LinkOffer;
pub use checkpoint::{Checkpoint, CheckpointError, Witness};
pub use config::Config;
pub use error::EngineError;
pub use following::Live;
pub use handle::Engine;
pub use keys::{KeyError, KeyProvider};
pub use mainstay_protocol::address::{AddressError, RelayAddress};
pub use mainstay_store::{Backend, StoreError};
pub use replica::{
    Alarm, AsOf, BoxRng, Conflict, Counts, DeviceInfo, DeviceSync, Fork, Imported, Job, Problem,
    Replica, Setup, Shown, ShownPlan, Status,
};
pub use syncing::SyncReport;
