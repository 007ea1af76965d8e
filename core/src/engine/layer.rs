//! What follows from intents and is not in the store yet.
//!
//! An intent alone makes a log call durable. Documents, rows and counts that follow from it are kept
//! here and reach the store together, before anything else is committed: a durable insert of the
//! next intent then writes that intent only, not a dozen pages of what came of the one before. A
//! crash loses nothing but the work of making them again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mainstay_store::Batch;
use rand_core::CryptoRng;

use super::error::EngineError;
use super::vault::Vault;

/// Writes by record key; `None` removes.
pub(super) type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// More than this waits for nobody: about 50 entries, which an open after a crash makes again in
/// some ten milliseconds.
const FULL_BYTES: usize = 64 * 1024;

/// Writes over the store, complete up to an intent.
#[derive(Default)]
pub(super) struct Layer(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    writes: Writes,
    bytes: usize,
}

impl Layer {
    /// What it says of a key; `None` when it says nothing.
    pub(super) fn find(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        self.inner().writes.get(key).cloned()
    }

    /// What it says of the keys from `from` on that start with `prefix`.
    pub(super) fn within(&self, prefix: &[u8], from: &[u8]) -> Writes {
        within(&self.inner().writes, prefix, from)
    }

    /// Takes writes in, unless they would make it too large.
    pub(super) fn take(&self, writes: Writes) -> Result<(), Writes> {
        let mut inner = self.inner();
        let bytes: usize =
            writes.iter().map(|(k, v)| k.len() + v.as_ref().map_or(0, Vec::len)).sum();
        if inner.bytes + bytes > FULL_BYTES {
            return Err(writes);
        }
        inner.bytes += bytes;
        inner.writes.extend(writes);
        Ok(())
    }

    /// Commits everything, durably with the next durable commit. After an error it is all here still.
    pub(super) fn settle(&self, vault: &Vault, rng: &mut dyn CryptoRng) -> Result<(), EngineError> {
        let mut inner = self.inner();
        if inner.writes.is_empty() {
            return Ok(());
        }
        vault.store().commit_lazily(&sealed(vault, &inner.writes, rng))?;
        *inner = Inner::default();
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Whoever panics with a replica in hand loses it, and this with it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those of `writes` from `from` on whose keys start with `prefix`.
pub(super) fn within(writes: &Writes, prefix: &[u8], from: &[u8]) -> Writes {
    let from = from.max(prefix).to_vec();
    let range = writes.range(from..).take_while(|(key, _)| key.starts_with(prefix));
    range.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Writes as a batch of sealed values.
pub(super) fn sealed(vault: &Vault, writes: &Writes, rng: &mut dyn CryptoRng) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in writes {
        match value {
            Some(plain) => batch.put(key.clone(), vault.seal(key, plain, rng)),
            None => batch.delete(key.clone()),
        }
    }
    batch
}
