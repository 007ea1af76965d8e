//! A store in memory, which can lose what a power cut would, and fail on request.

use std::collections::BTreeMap;
use std::io;
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Batch, Store, StoreError, limits};

/// A [`Store`] in memory for simulators and tests. Clones are handles of one store.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    pairs: BTreeMap<Vec<u8>, Vec<u8>>,
    size_bytes: u64,
    /// What the lazy commits since the last durable one replaced, oldest first.
    undo: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    stopped: bool,
    /// Writes that still succeed.
    writes_left: Option<u64>,
    room_bytes: Option<u64>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A power cut, and the reopening after it: everything that was not committed durably is
    /// gone, and a stopped store works again. Faults that were asked for stay.
    pub fn crash(&self) {
        let mut state = self.state();
        for (key, value) in std::mem::take(&mut state.undo).into_iter().rev() {
            state.set(key, value);
        }
        state.stopped = false;
    }

    /// An orderly close and open: lazy commits are kept, unless the store had stopped, in which case
    /// it works again without them.
    pub fn reopen(&self) {
        let mut state = self.state();
        if state.stopped {
            drop(state);
            return self.crash();
        }
        state.undo.clear();
    }

    /// Lets `writes` more writes succeed; the next one fails with [`StoreError::Io`], once.
    pub fn fail_after(&self, writes: u64) {
        self.state().writes_left = Some(writes);
    }

    /// Writes that would make the store larger than `bytes` fail with [`StoreError::Full`].
    /// `u64::MAX` makes room again.
    pub fn full_after(&self, bytes: u64) {
        self.state().room_bytes = Some(bytes);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, batch: &Batch, durable: bool) -> Result<(), StoreError> {
        limits::check(batch)?;
        let mut state = self.state();
        if batch.is_empty() && (!durable || state.undo.is_empty()) {
            return Ok(());
        }
        state.admit(batch)?;
        for (key, value) in batch.iter() {
            let old = state.set(key.to_vec(), value.map(<[u8]>::to_vec));
            state.undo.push((key.to_vec(), old));
        }
        if durable {
            state.undo.clear();
        }
        Ok(())
    }

    /// The next pair of a scan. Nothing stays locked between two pairs, so `visit` may write.
    fn next(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, back: bool) -> Option<(Vec<u8>, Vec<u8>)> {
        if is_empty_range(from, to) {
            return None;
        }
        let state = self.state();
        let mut range = state.pairs.range::<[u8], _>((from, to));
        let pair = if back { range.next_back() } else { range.next() };
        pair.map(|(key, value)| (key.clone(), value.clone()))
    }
}

/// `BTreeMap::range` panics on these.
fn is_empty_range(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Excluded(to)) => from >= to,
        (Bound::Excluded(from), Bound::Excluded(to)) => from >= to,
        _ => false,
    }
}

impl State {
    fn admit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if self.stopped {
            return Err(StoreError::Stopped);
        }
        if self.writes_left == Some(0) {
            self.writes_left = None;
            self.stopped = true;
            let source = io::Error::other("a failure that the test asked for");
            return Err(StoreError::Io { what: "writing to memory", source });
        }
        let grown = self.size_bytes.saturating_add(batch.size_bytes() as u64);
        if self.room_bytes.is_some_and(|room| grown > room) {
            self.stopped = true;
            return Err(StoreError::Full);
        }
        self.writes_left = self.writes_left.map(|left| left - 1);
        Ok(())
    }

    fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let key_bytes = key.len();
        let size = |value: &Vec<u8>| (key_bytes + value.len()) as u64;
        self.size_bytes += value.as_ref().map_or(0, size);
        let old = match value {
            Some(value) => self.pairs.insert(key, value),
            None => self.pairs.remove(&key),
        };
        self.size_bytes -= old.as_ref().map_or(0, size);
        old
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.state().pairs.get(key).cloned())
    }

    fn scan(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let end = to.map_or(Bound::Unbounded, Bound::Excluded);
        let mut next = self.next(Bound::Included(from), end, false);
        while let Some((key, value)) = next {
            if visit(&key, &value).is_break() {
                break;
            }
            next = self.next(Bound::Excluded(&key), end, false);
        }
        Ok(())
    }

    fn scan_back(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let start = Bound::Included(from);
        let mut next = self.next(start, to.map_or(Bound::Unbounded, Bound::Excluded), true);
        while let Some((key, value)) = next {
            if visit(&key, &value).is_break() {
                break;
            }
            next = self.next(start, Bound::Excluded(&key), true);
        }
        Ok(())
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        self.write(batch, true)
    }

    fn commit_lazily(&self, batch: &Batch) -> Result<(), StoreError> {
        self.write(batch, false)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.write(&Batch::default(), true)
    }

    fn size_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.state().size_bytes)
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        f.debug_struct("MemoryStore")
            .field("pairs", &state.pairs.len())
            .field("size_bytes", &state.size_bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn one(key: &str, value: &str) -> Batch {
        let mut batch = Batch::default();
        batch.put(key, value);
        batch
    }

    #[test]
    fn a_crash_drops_what_was_not_durable_and_nothing_else() {
        let store = MemoryStore::new();
        store.commit(&one("a", "1")).unwrap();
        store.commit_lazily(&one("a", "2")).unwrap();
        store.commit_lazily(&one("b", "3")).unwrap();
        assert_eq!(store.get(b"a").unwrap().as_deref(), Some(&b"2"[..]));
        store.crash();
        assert_eq!(store.get(b"a").unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(store.get(b"b").unwrap(), None);
        assert_eq!(store.size_bytes().unwrap(), 2);
    }

    #[test]
    fn a_failed_write_stops_the_store_until_it_is_reopened() {
        let store = MemoryStore::new();
        store.fail_after(1);
        store.commit(&one("a", "1")).unwrap();
        assert!(matches!(store.commit(&one("b", "2")), Err(StoreError::Io { .. })));
        assert!(matches!(store.commit(&one("b", "2")), Err(StoreError::Stopped)));
        store.reopen();
        store.commit(&one("b", "2")).unwrap();
        assert_eq!(store.get(b"a").unwrap().as_deref(), Some(&b"1"[..]));
    }

    #[test]
    fn a_full_store_keeps_what_it_has() {
        let store = MemoryStore::new();
        store.full_after(4);
        store.commit(&one("a", "123")).unwrap();
        assert!(matches!(store.commit(&one("b", "2")), Err(StoreError::Full)));
        store.crash();
        store.full_after(u64::MAX);
        store.commit(&one("b", "2")).unwrap();
        assert_eq!(store.size_bytes().unwrap(), 6);
    }
}
