//! A transaction over the sealed store: it sees its own writes, and becomes one atomic batch.

use std::ops::ControlFlow;
use std::sync::Arc;

use mainstay_protocol::codec;
use mainstay_store::{MAX_VALUE_BYTES, prefix_end};
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use super::error::EngineError;
use super::layer::{Writes, sealed, within};
use super::vault::{Key, Vault};

/// Plain bytes per sealed value. With key, nonce, tag and the count of chunks it fits one page of
/// redb's, 4096 bytes; a little more would take two, and half of them for nothing.
const CHUNK_BYTES: usize = MAX_VALUE_BYTES - 128;

/// Gets what follows the scanned prefix in each key, and the value.
type Visit<'a> = &'a mut dyn FnMut(&[u8], Vec<u8>) -> Result<ControlFlow<()>, EngineError>;

/// Writes that are not in the store yet, over those that are.
pub(super) struct Tx {
    vault: Arc<Vault>,
    writes: Writes,
}

impl Tx {
    pub(super) fn new(vault: &Arc<Vault>) -> Self {
        Self { vault: vault.clone(), writes: Writes::new() }
    }

    /// Whether it writes nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
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

    /// Every value whose key starts with `prefix`, in key order, with what follows the prefix. Reads
    /// no further than `visit` wants.
    pub(super) fn scan(&self, prefix: &Key, visit: Visit<'_>) -> Result<(), EngineError> {
        self.scan_from(prefix, &[], visit)
    }

    /// As [`Tx::scan`], beginning with the key that `after` follows the prefix in, or the next one.
    pub(super) fn scan_from(
        &self,
        prefix: &Key,
        after: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), EngineError> {
        let from = [&prefix.0[..], after].concat();
        let mut over = self.vault.layer().within(&prefix.0, &from);
        over.extend(within(&self.writes, &prefix.0, &from));
        let mut over = over.into_iter().peekable();
        let mut joiner = Joiner { prefix: prefix.0.len(), value: None, visit };
        let mut result = Ok(ControlFlow::Continue(()));
        let end = prefix_end(&prefix.0);
        self.vault.store().scan(&from, end.as_deref(), &mut |key, sealed| {
            result = (|| {
                while let Some((written, value)) = over.next_if(|(written, _)| written[..] <= *key)
                {
                    let replaced = written == key;
                    if joiner.take(&written, value)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                    if replaced {
                        return Ok(ControlFlow::Continue(()));
                    }
                }
                joiner.take(key, Some(self.vault.open(key, sealed)?))
            })();
            match &result {
                Ok(flow) => *flow,
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        for (written, value) in over {
            if result?.is_break() {
                return Ok(());
            }
            result = joiner.take(&written, value);
        }
        match result?.is_continue() && joiner.value.is_some() {
            true => Err(EngineError::damaged("a part of a value is missing")),
            false => Ok(()),
        }
    }

    /// Commits durably; when this returns, a power cut cannot take the writes back.
    pub(super) fn commit(self, rng: &mut dyn CryptoRng) -> Result<(), EngineError> {
        if self.writes.is_empty() {
            return Ok(());
        }
        self.vault.layer().settle(&self.vault, rng)?;
        self.commit_alone(rng)
    }

    /// As [`Tx::commit`], for an intent: what came of earlier ones waits on.
    pub(super) fn commit_alone(self, rng: &mut dyn CryptoRng) -> Result<(), EngineError> {
        Ok(self.vault.store().commit(&sealed(&self.vault, &self.writes, rng))?)
    }

    /// Commits atomically, and durably with the next durable commit. For what can be made again.
    pub(super) fn commit_lazily(self, rng: &mut dyn CryptoRng) -> Result<(), EngineError> {
        if self.writes.is_empty() {
            return Ok(());
        }
        self.vault.layer().settle(&self.vault, rng)?;
        Ok(self.vault.store().commit_lazily(&sealed(&self.vault, &self.writes, rng))?)
    }

    /// Keeps the writes in memory until the next commit of another kind: for what follows from an
    /// intent, and for nothing else.
    pub(super) fn fold(mut self, rng: &mut dyn CryptoRng) -> Result<(), EngineError> {
        let layer = self.vault.layer();
        let Err(writes) = layer.take(std::mem::take(&mut self.writes)) else { return Ok(()) };
        layer.settle(&self.vault, rng)?;
        match layer.take(writes) {
            Ok(()) => Ok(()),
            Err(writes) => Self { vault: self.vault.clone(), writes }.commit_lazily(rng),
        }
    }

    fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        match self.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => match self.vault.layer().find(key) {
                Some(written) => Ok(written),
                None => self.vault.read(key),
            },
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
struct Joiner<'a> {
    prefix: usize,
    /// The value under way: its name, its bytes, the chunks to come.
    value: Option<(Vec<u8>, Vec<u8>, u32)>,
    visit: Visit<'a>,
}

impl Joiner<'_> {
    fn take(&mut self, key: &[u8], chunk: Option<Vec<u8>>) -> Result<ControlFlow<()>, EngineError> {
        let Some(chunk) = chunk else { return Ok(ControlFlow::Continue(())) };
        let (name, bytes, left) = match self.value.take() {
            Some((name, mut bytes, left)) => {
                bytes.extend_from_slice(&chunk);
                (name, bytes, left - 1)
            }
            None => {
                let (count, body) = split_count(&chunk)?;
                let name = key.get(self.prefix..key.len() - 2).unwrap_or_default();
                (name.to_vec(), body.to_vec(), count.saturating_sub(1))
            }
        };
        if left == 0 {
            return (self.visit)(&name, bytes);
        }
        self.value = Some((name, bytes, left));
        Ok(ControlFlow::Continue(()))
    }
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
