//! Values beyond [`MAX_VALUE_BYTES`]: chunks under a key prefix.
//!
//! Chunk i lies under `prefix ++ i` (four bytes, big-endian); chunk 0 begins with the length of
//! the whole (eight bytes, big-endian). No other key may start with the prefix. A blob goes into a
//! batch with whatever belongs to it, so that both appear together; the batch bounds its size
//! ([`crate::MAX_BATCH_BYTES`]).

use std::ops::ControlFlow;

use crate::limits::within;
use crate::{Batch, MAX_KEY_BYTES, MAX_VALUE_BYTES, Store, StoreError, prefix_end};

/// Bytes of a chunk's number after the prefix.
const NUMBER_BYTES: usize = 4;
/// Bytes of the length at the start of chunk 0.
const LENGTH_BYTES: usize = 8;

/// The longest prefix of a blob, in bytes.
pub const MAX_PREFIX_BYTES: usize = MAX_KEY_BYTES - NUMBER_BYTES;

/// Adds to `batch` what stores `value` under `prefix`, replacing the blob that `store` has there.
///
/// # Errors
/// [`StoreError::TooLarge`] for a prefix beyond [`MAX_PREFIX_BYTES`]; what [`Store::scan`] returns.
pub fn put(
    store: &dyn Store,
    batch: &mut Batch,
    prefix: &[u8],
    value: &[u8],
) -> Result<(), StoreError> {
    delete(store, batch, prefix)?;
    let mut framed = (value.len() as u64).to_be_bytes().to_vec();
    framed.extend_from_slice(value);
    for (number, chunk) in (0_u32..).zip(framed.chunks(MAX_VALUE_BYTES)) {
        batch.put(chunk_key(prefix, number), chunk);
    }
    Ok(())
}

/// The blob under `prefix`, if there is one.
///
/// # Errors
/// [`StoreError::Damaged`] when a chunk is missing; what [`Store::scan`] returns.
pub fn get(store: &dyn Store, prefix: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let mut framed = Vec::new();
    let mut number = 0_u32;
    let mut in_order = true;
    visit(store, prefix, &mut |key, chunk| {
        in_order &= key == chunk_key(prefix, number);
        number += 1;
        framed.extend_from_slice(chunk);
    })?;
    if number == 0 {
        return Ok(None);
    }
    match framed.split_first_chunk::<LENGTH_BYTES>() {
        Some((length, value)) if in_order && u64::from_be_bytes(*length) == value.len() as u64 => {
            framed.drain(..LENGTH_BYTES);
            Ok(Some(framed))
        }
        _ => Err(StoreError::damaged("a chunk of a blob is missing")),
    }
}

/// Adds to `batch` what removes the blob that `store` has under `prefix`.
///
/// # Errors
/// Those of [`put`].
pub fn delete(store: &dyn Store, batch: &mut Batch, prefix: &[u8]) -> Result<(), StoreError> {
    within("a blob's prefix", prefix.len(), MAX_PREFIX_BYTES)?;
    visit(store, prefix, &mut |key, _| batch.delete(key))
}

fn visit(
    store: &dyn Store,
    prefix: &[u8],
    each: &mut dyn FnMut(&[u8], &[u8]),
) -> Result<(), StoreError> {
    store.scan(prefix, prefix_end(prefix).as_deref(), &mut |key, value| {
        each(key, value);
        ControlFlow::Continue(())
    })
}

fn chunk_key(prefix: &[u8], number: u32) -> Vec<u8> {
    [prefix, &number.to_be_bytes()].concat()
}
