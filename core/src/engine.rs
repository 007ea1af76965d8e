//! The one object that an app holds.

mod error;
mod keys;
mod replica;
mod tx;
mod vault;

pub use error::EngineError;
pub use keys::{KeyError, KeyProvider};
pub use replica::{
    Alarm, BoxRng, Conflict, Counts, DeviceInfo, DeviceSync, Imported, Job, Problem, Replica,
    Setup, Shown, Status,
};
