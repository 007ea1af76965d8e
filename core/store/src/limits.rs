//! What a store accepts. The limits hold for every adapter, before the backend sees anything.

use crate::{Batch, StoreError};

/// The longest value, in bytes.
///
/// sled turns values beyond a quarter of a segment, or a leaf of about sixteen of them, into files
/// which it never fsyncs: no simulated power cut survived 25 KB values, and all survived 4 KB
/// (ARCHITECTURE.md, "Measured"). Longer values go through [`crate::blob`].
pub const MAX_VALUE_BYTES: usize = 4096;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 128;

/// The largest batch, in bytes: the sum of its keys and values.
///
/// It bounds what one commit holds in memory and how much log a crash can leave to undo.
pub const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Refuses a batch that breaks a limit.
pub(crate) fn check(batch: &Batch) -> Result<(), StoreError> {
    for (key, value) in batch.iter() {
        within("a key", key.len(), MAX_KEY_BYTES)?;
        within("a value", value.map_or(0, <[u8]>::len), MAX_VALUE_BYTES)?;
    }
    within("a batch", batch.size_bytes(), MAX_BATCH_BYTES)
}

pub(crate) fn within(what: &'static str, size: usize, limit: usize) -> Result<(), StoreError> {
    if size <= limit { Ok(()) } else { Err(StoreError::TooLarge { what, limit }) }
}
