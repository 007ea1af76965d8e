//! A transaction over the sealed store: it sees its own writes, and becomes one atomic batch.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use mainstay_protocol::codec;
use mainstay_store::{Batch, MAX_VALUE_BYTES, prefix_end};
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use super::error::EngineError;
use super::vault::{Key, Vault};

/// Plain bytes per sealed value: the store's limit less nonce, tag and the count of chunks.
const CHUNK_BYTES: usize = MAX_VALUE_BYTES - 64;

/// Gets what follows the scanned prefix in each key, and the value.
type Visit<'a> = &'a mut dyn FnMut(&[u8], Vec<u8>) -> Result<ControlFlow<()>, EngineError>;

/// Writes that are not in the store yet, over those that are.
pub(super) struct Tx {
    vault: Arc<Vault>,
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Tx {
    pub(super) fn new(vault: &Arc<Vault>) -> Self {
        Self { vault: vault.clone(), writes: BTreeMap::new() }
    }

    /// A value of any size below the batch limit; `None` when there is none.
    pub(super) fn bytes(&self, key: &Key) -> Result<Option<Vec<u8>>, EngineError> {
        let Some(first) = self.raw(&chunk_key(key, 0))? else { return Ok(None) };
        let (count, body) = split_count(&first)?;
        let mut out = body.to_vec();
        for index in 1..count {
            let chunk = self.raw(&chunk_key(key, index))?;
            out.extend_from_slice(
                &chunk.ok_or(EngineError::damaged("a part of a value is missing"))?,
            );
        }
        Ok(Some(out))
    }

    pub(super) fn get<T: for<'b> Decode<'b, ()>>(
        &self,
        key: &Key,
    ) -> Result<Option<T>, EngineError> {
        self.bytes(key)?.map(|bytes| Ok(codec::decode(&bytes)?)).transpose()
    }

    pub(super) fn has(&self, key: &Key) -> Result<bool, EngineError> {
        Ok(self.raw(&chunk_key(key, 0))?.is_some())
    }

    pub(super) fn put_bytes(&mut self, key: &Key, bytes: &[u8]) -> Result<(), EngineError> {
        let before = self.count(key)?;
        let count = bytes.len().div_ceil(CHUNK_BYTES).max(1) as u32;
        for index in 0..count {
            let from = index as usize * CHUNK_BYTES;
            let part = &bytes[from..bytes.len().min(from + CHUNK_BYTES)];
            let value = match index {
                0 => [&count.to_be_bytes()[..], part].concat(),
                _ => part.to_vec(),
            };
            self.writes.insert(chunk_key(key, index), Some(value));
        }
        for index in count..before {
            self.writes.insert(chunk_key(key, index), None);
        }
        Ok(())
    }

    /// Writes a large value under a key that nothing refers to yet, in batches of its own, so that
    /// the transaction which comes to refer to it stays small.
    pub(super) fn put_aside(
        &self,
        key: &Key,
        bytes: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), EngineError> {
        const CHUNKS_AT_ONCE: usize = 128;
        let mut aside = Self::new(&self.vault);
        aside.put_bytes(key, bytes)?;
        let writes: Vec<_> = std::mem::take(&mut aside.writes).into_iter().collect();
        for some in writes.chunks(CHUNKS_AT_ONCE) {
            let part = Self { vault: self.vault.clone(), writes: some.iter().cloned().collect() };
            part.commit_lazily(rng)?;
        }
        Ok(())
    }

    pub(super) fn put<T: Encode<()>>(&mut self, key: &Key, value: &T) -> Result<(), EngineError> {
        self.put_bytes(key, &codec::encode(value))
    }

    pub(super) fn delete(&mut self, key: &Key) -> Result<(), EngineError> {
        for index in 0..self.count(key)? {
            self.writes.insert(chunk_key(key, index), None);
        }
        Ok(())
    }

    /// Every value whose key starts with `prefix`, in key order, with what follows the prefix.
    pub(super) fn scan(&self, prefix: &Key, visit: Visit<'_>) -> Result<(), EngineError> {
        let mut merged: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let end = prefix_end(&prefix.0);
        let mut failed = None;
        self.vault.store().scan(&prefix.0, end.as_deref(), &mut |key, sealed| {
            if self.writes.contains_key(key) {
                return ControlFlow::Continue(());
            }
            match self.vault.open(key, sealed) {
                Ok(plain) => {
                    merged.insert(key.to_vec(), plain);
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        let written =
            self.writes.range(prefix.0.clone()..).take_while(|(key, _)| key.starts_with(&prefix.0));
        merged.extend(written.filter_map(|(key, value)| Some((key.clone(), value.clone()?))));
        join_chunks(merged, prefix.0.len(), visit)
    }

    /// Commits durably; when this returns, a power cut cannot take the writes back.
    pub(super) fn commit(self, rng: &mut dyn CryptoRng) -> Result<(), EngineError> {
        let vault = self.vault.clone();
        let batch = self.into_batch(rng);
        match batch.is_empty() {
            true => Ok(()),
            false => Ok(vault.store().commit(&batch)?),
        }
    }

    /// Commits atomically, and durably with the next durable commit. For what can be made again.
    pub(super) fn commit_lazily(self, rng: &mut dyn CryptoRng) -> Result<(), EngineError> {
        let vault = self.vault.clone();
        let batch = self.into_batch(rng);
        match batch.is_empty() {
            true => Ok(()),
            false => Ok(vault.store().commit_lazily(&batch)?),
        }
    }

    fn into_batch(self, rng: &mut dyn CryptoRng) -> Batch {
        let mut batch = Batch::default();
        for (key, value) in self.writes {
            match value {
                Some(plain) => {
                    let sealed = self.vault.seal(&key, &plain, rng);
                    batch.put(key, sealed);
                }
                None => batch.delete(key),
            }
        }
        batch
    }

    fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        match self.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => self.vault.read(key),
        }
    }

    fn count(&self, key: &Key) -> Result<u32, EngineError> {
        match self.raw(&chunk_key(key, 0))? {
            Some(first) => Ok(split_count(&first)?.0),
            None => Ok(0),
        }
    }
}

/// Puts the chunks of each value together again.
fn join_chunks(
    chunks: BTreeMap<Vec<u8>, Vec<u8>>,
    prefix: usize,
    visit: Visit<'_>,
) -> Result<(), EngineError> {
    let mut chunks = chunks.into_iter();
    while let Some((key, first)) = chunks.next() {
        let (count, body) = split_count(&first)?;
        let mut value = body.to_vec();
        for _ in 1..count {
            let (_, part) =
                chunks.next().ok_or(EngineError::damaged("a part of a value is missing"))?;
            value.extend_from_slice(&part);
        }
        let name = key.get(prefix..key.len() - 2).unwrap_or_default();
        if visit(name, value)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn chunk_key(key: &Key, index: u32) -> Vec<u8> {
    // A batch of 4 MiB holds about a thousand chunks, so two bytes count them.
    [&key.0[..], &(index as u16).to_be_bytes()[..]].concat()
}

fn split_count(first: &[u8]) -> Result<(u32, &[u8]), EngineError> {
    let (count, body) =
        first.split_first_chunk().ok_or(EngineError::damaged("a value is cut short"))?;
    Ok((u32::from_be_bytes(*count), body))
}
