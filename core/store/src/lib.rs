//! A durable, ordered key-value port with sled, redb and in-memory adapters. It knows only bytes.
//!
//! A [`Store`] keeps keys in byte order, changes them by atomic [`Batch`]es and has returned from
//! [`Store::commit`] only after a real fsync. [`SledStore`] and [`RedbStore`] keep it in a
//! directory, [`MemoryStore`] in memory for simulators; one contract is run against the three.
//!
//! Sealing, versions of records and meaning belong to the floors above.

mod aside;
mod backend;
mod batch;
pub mod blob;
#[doc(hidden)]
pub mod contract;
#[doc(hidden)]
pub mod danger;
mod durable;
mod error;
mod format;
mod guard;
mod home;
mod limits;
mod memory;
pub mod migrate;
mod prefix;
mod redb_store;
mod sled_store;
mod store;

pub use backend::{Backend, Opened, Recovery, open};
pub use batch::Batch;
pub use error::StoreError;
pub use home::set_aside;
pub use limits::{MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES};
pub use memory::MemoryStore;
pub use prefix::prefix_end;
pub use redb_store::RedbStore;
pub use sled_store::SledStore;
pub use store::Store;
