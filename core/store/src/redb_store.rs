//! The redb adapter.

mod error;
mod open;

use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use self::error::redb_error;
use crate::guard::{Gate, caught};
use crate::home::{Home, Lock};
use crate::{Backend, Batch, Opened, Store, StoreError, danger, durable, limits, migrate};

/// Everything lies in one table.
const TABLE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("mainstay");

/// Less than this, and a file is left as large as it is: 2 MiB.
const GIVE_BACK_FROM_BYTES: u64 = 2 * 1024 * 1024;

/// A [`Store`] kept by redb: one file, one thread, and about 25 KB written per commit.
///
/// redb fsyncs by itself; a simulated power cut lost nothing in 540 of 540 cases.
pub struct RedbStore {
    /// `None` only while it is dropped.
    db: Option<Database>,
    folder: PathBuf,
    /// Whether a lazy commit waits for a durable one.
    dirty: AtomicBool,
    /// Bytes taken out or replaced since it was opened; see [`RedbStore::give_back`].
    removed_bytes: AtomicU64,
    gate: Gate,
    options: danger::Options,
    /// Released after everything above is closed.
    lock: Option<Lock>,
}

impl RedbStore {
    /// Opens the store in `dir`, or creates one there.
    ///
    /// # Errors
    /// Those of [`crate::open`].
    pub fn open(dir: &Path) -> Result<Opened<Self>, StoreError> {
        Self::open_with(dir, danger::Options::default())
    }

    pub(crate) fn open_with(
        dir: &Path,
        options: danger::Options,
    ) -> Result<Opened<Self>, StoreError> {
        let mut home = Home::open(dir, Backend::Redb, migrate::newest(options.steps))?;
        let (db, recovery) = open::open(&mut home)?;
        let mut store = Self {
            db: Some(db),
            folder: home.folder(),
            dirty: AtomicBool::new(false),
            removed_bytes: AtomicU64::new(0),
            gate: Gate::default(),
            options,
            lock: None,
        };
        home.finish(&store, options.steps)?;
        let recovery = home.recovery(recovery);
        store.lock = Some(home.into_lock());
        Ok(Opened { store, recovery })
    }

    fn db(&self) -> Result<&Database, StoreError> {
        self.db.as_ref().ok_or(StoreError::Stopped)
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), StoreError> {
        if !self.options.unlimited {
            limits::check(batch)?;
        }
        self.gate.write("saving", || self.apply(batch, durability))
    }

    fn apply(&self, batch: &Batch, durability: Durability) -> Result<(), StoreError> {
        let failed = |error: redb::Error| redb_error("saving", error);
        let durable = matches!(durability, Durability::Immediate);
        if batch.is_empty() && !(durable && self.dirty.load(Ordering::Acquire)) {
            return Ok(());
        }
        let mut transaction = self.db()?.begin_write().map_err(|error| failed(error.into()))?;
        transaction.set_durability(durability).map_err(|error| failed(error.into()))?;
        {
            let mut table = transaction.open_table(TABLE).map_err(|error| failed(error.into()))?;
            for (key, value) in batch.iter() {
                let before = match value {
                    Some(value) => table.insert(key, value),
                    None => table.remove(key),
                };
                let before = before.map_err(|error| failed(error.into()))?;
                let length = before.map_or(0, |before| before.value().len());
                self.removed_bytes.fetch_add(length as u64, Ordering::Relaxed);
            }
        }
        transaction.commit().map_err(|error| failed(error.into()))?;
        self.dirty.store(!durable, Ordering::Release);
        Ok(())
    }

    /// Gives room back that a large import or a first sync has freed: redb doubles its file when it
    /// grows, and shrinks it by compaction alone. Each step of that is a transaction of its own. A
    /// process killed on the way finds everything there, and has redb check its file.
    fn give_back(&mut self) -> Result<(), StoreError> {
        let removed = self.removed_bytes.load(Ordering::Relaxed);
        if removed < GIVE_BACK_FROM_BYTES || removed < durable::size_bytes(&self.folder)? / 2 {
            return Ok(());
        }
        let Some(db) = &mut self.db else { return Ok(()) };
        caught("giving room back", || {
            let done =
                db.compact().map_err(|error| redb_error("giving room back", error.into()))?;
            tracing::debug!(done, "redb gave room back");
            Ok(())
        })
    }

    fn table(&self) -> Result<redb::ReadOnlyTable<&'static [u8], &'static [u8]>, StoreError> {
        let failed = |error: redb::Error| redb_error("reading", error);
        let transaction = self.db()?.begin_read().map_err(|error| failed(error.into()))?;
        transaction.open_table(TABLE).map_err(|error| failed(error.into()))
    }

    #[expect(clippy::type_complexity, reason = "spelled out where it is called")]
    fn range(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        back: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        if to.is_some_and(|to| to <= from) {
            return Ok(());
        }
        let end = to.map_or(Bound::Unbounded, Bound::Excluded);
        let failed = |error: redb::StorageError| redb_error("reading a range", error.into());
        let mut pairs = caught("reading a range", || {
            self.table()?.range::<&[u8]>((Bound::Included(from), end)).map_err(failed)
        })?;
        loop {
            // Only redb runs inside: a panic of `visit` is the caller's own.
            let next = caught("reading a range", || {
                let next = if back { pairs.next_back() } else { pairs.next() };
                next.transpose().map_err(failed)
            })?;
            match next {
                Some((key, value)) if visit(key.value(), value.value()).is_continue() => {}
                _ => return Ok(()),
            }
        }
    }
}

impl Store for RedbStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        caught("reading", || {
            let found = self.table()?.get(key);
            let found = found.map_err(|error| redb_error("reading", error.into()))?;
            Ok(found.map(|value| value.value().to_vec()))
        })
    }

    fn scan(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.range(from, to, false, visit)
    }

    fn scan_back(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.range(from, to, true, visit)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        self.write(batch, Durability::Immediate)
    }

    fn commit_lazily(&self, batch: &Batch) -> Result<(), StoreError> {
        self.write(batch, Durability::None)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.write(&Batch::default(), Durability::Immediate)
    }

    fn size_bytes(&self) -> Result<u64, StoreError> {
        durable::size_bytes(&self.folder)
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        if !self.gate.is_stopped()
            && let Err(error) = self.flush()
        {
            tracing::warn!(%error, "the last lazy writes were not made durable");
        }
        if !self.gate.is_stopped()
            && let Err(error) = self.give_back()
        {
            tracing::warn!(%error, "the store keeps room that it does not need");
        }
        let db = self.db.take();
        if let Err(error) = caught("closing", || {
            drop(db);
            Ok(())
        }) {
            tracing::warn!(%error, "redb did not close in order");
        }
    }
}

impl std::fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_store_gives_back_the_room_of_what_was_removed() {
        let dir = tempfile::tempdir().unwrap();
        let store = RedbStore::open(dir.path()).unwrap().store;
        let key = |number: u32| number.to_be_bytes();
        for some in (0..4000).collect::<Vec<u32>>().chunks(500) {
            let mut batch = Batch::default();
            some.iter().for_each(|number| batch.put(key(*number), [7; 4000]));
            store.commit(&batch).unwrap();
        }
        for some in (40..4000).collect::<Vec<u32>>().chunks(500) {
            let mut batch = Batch::default();
            some.iter().for_each(|number| batch.delete(key(*number)));
            store.commit(&batch).unwrap();
        }
        let before = store.size_bytes().unwrap();
        drop(store);
        let opened = RedbStore::open(dir.path()).unwrap();
        assert!(matches!(opened.recovery, crate::Recovery::Clean));
        assert!(opened.store.size_bytes().unwrap() < before / 4);
        assert!((0..40).all(|n| opened.store.get(&key(n)).unwrap() == Some([7; 4000].into())));
        assert_eq!(opened.store.get(&key(40)).unwrap(), None);
    }
}
