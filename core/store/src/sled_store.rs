//! The sled adapter. sled 0.34 is safe inside the rules of ARCHITECTURE.md, "Measured", and only there.

mod before;
mod broken;
mod error;
mod lost;
mod open;
mod rebuild;
mod release;
mod segments;
mod tail;
mod watch;

use std::fs::File;
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use self::error::sled_error;
use self::watch::Watch;
use crate::guard::{Gate, caught};
use crate::home::{Home, Lock};
use crate::{Backend, Batch, Opened, Store, StoreError, danger, durable, limits, migrate};

/// A [`Store`] kept by sled.
///
/// Commit = apply, `flush()`, and then `sync_all()` through a handle of ours: on Linux sled's own
/// flush stops at `sync_file_range`, which lost acknowledged records in 319 of 320 simulated power
/// cuts. Opening takes about 20 ms and eight threads.
pub struct SledStore {
    /// Before `db`: its thread holds the database too, and ends first.
    watch: Option<Watch>,
    /// `None` only while it is dropped.
    db: Option<sled::Db>,
    /// The data file, opened before sled wrote to it: an error of the disk is reported once to
    /// every handle that was open when it happened.
    data: File,
    folder: PathBuf,
    /// The directory of the store.
    dir: PathBuf,
    /// How often it was closed before; see tail.rs.
    closed: u64,
    wrote: AtomicBool,
    /// Whether something was applied that no fsync has covered.
    dirty: AtomicBool,
    gate: Gate,
    options: danger::Options,
    /// Released after everything above is closed.
    lock: Option<Lock>,
}

impl SledStore {
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
        let mut home = Home::open(dir, Backend::Sled, migrate::newest(options.steps))?;
        let (files, recovery) = open::open(&mut home)?;
        let mut store = Self {
            watch: Some(files.watch),
            db: Some(files.db),
            data: files.data,
            folder: home.folder(),
            dir: dir.into(),
            closed: files.closed,
            wrote: AtomicBool::new(false),
            dirty: AtomicBool::new(false),
            gate: Gate::default(),
            options,
            lock: None,
        };
        home.finish(&store, options.steps)?;
        let recovery = home.recovery(recovery);
        store.lock = Some(home.into_lock());
        Ok(Opened { store, recovery })
    }

    fn db(&self) -> Result<&sled::Db, StoreError> {
        self.db.as_ref().ok_or(StoreError::Stopped)
    }

    fn check(&self, batch: &Batch) -> Result<(), StoreError> {
        if self.options.unlimited { Ok(()) } else { limits::check(batch) }
    }

    /// One operation goes in as an insert, which costs one sync less than a batch of one.
    fn apply(&self, batch: &Batch) -> Result<(), StoreError> {
        let db = self.db()?;
        self.dirty.store(true, Ordering::Release);
        self.wrote.store(true, Ordering::Release);
        let mut changes = batch.iter();
        let done = match (changes.next(), changes.next()) {
            (None, _) => Ok(()),
            (Some((key, Some(value))), None) => db.insert(key, value).map(drop),
            (Some((key, None)), None) => db.remove(key).map(drop),
            _ => return self.apply_together(db, batch),
        };
        done.map_err(|error| sled_error("writing", error))
    }

    /// All rows or, after a crash, none. What sled would have to read for it is read before: of an error in
    /// the middle a part would stay. Where there is one all the same, the next open has to know. Not so where
    /// the log itself has failed, perhaps under an earlier change: the rows wait behind the batch's manifest,
    /// and sled writes nothing more.
    fn apply_together(&self, db: &sled::Db, batch: &Batch) -> Result<(), StoreError> {
        for (key, _) in batch.iter() {
            db.contains_key(key).map_err(|error| sled_error("reading", error))?;
        }
        let done = caught("writing", || {
            db.apply_batch(together(batch)).map_err(|error| sled_error("writing", error))
        });
        if done.is_err()
            && db.context.global_error().is_ok()
            && let Err(error) = broken::note(&self.dir)
        {
            tracing::warn!(%error, "that a change was broken off could not be noted");
        }
        done
    }

    fn sync(&self) -> Result<(), StoreError> {
        if !self.dirty.load(Ordering::Acquire) {
            return Ok(());
        }
        let watch = self.watch.as_ref().ok_or(StoreError::Stopped)?;
        watch.flush(self.db()?)?;
        if !self.options.skip_sync {
            self.data.sync_all().map_err(|source| StoreError::io("syncing", source))?;
        }
        self.dirty.store(false, Ordering::Release);
        Ok(())
    }

    /// Makes everything durable, and notes that nothing is missing.
    fn close(&self) -> Result<(), StoreError> {
        if !self.wrote.load(Ordering::Acquire) {
            return Ok(());
        }
        let closed = self.closed + 1;
        self.gate.write("closing", || {
            self.dirty.store(true, Ordering::Release);
            tail::record(self.db()?, closed)?;
            self.sync()?;
            tail::note(&self.dir, closed)
        })
    }

    #[expect(clippy::type_complexity, reason = "spelled out where it is called")]
    fn range(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        back: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        // sled panics on a range that ends before it starts.
        if to.is_some_and(|to| to <= from) {
            return Ok(());
        }
        let end = to.map_or(Bound::Unbounded, Bound::Excluded);
        let mut pairs = self.db()?.range::<&[u8], _>((Bound::Included(from), end));
        loop {
            // Only sled runs inside: a panic of `visit` is the caller's own.
            let next = caught("reading a range", || {
                let next = if back { pairs.next_back() } else { pairs.next() };
                next.transpose().map_err(|error| sled_error("reading a range", error))
            })?;
            match next {
                Some((key, value)) if visit(&key, &value).is_continue() => {}
                _ => return Ok(()),
            }
        }
    }
}

fn together(batch: &Batch) -> sled::Batch {
    let mut all = sled::Batch::default();
    for (key, value) in batch.iter() {
        match value {
            Some(value) => all.insert(key, value),
            None => all.remove(key),
        }
    }
    all
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let db = self.db()?;
        caught("reading", || db.get(key).map_err(|error| sled_error("reading", error)))
            .map(|found| found.map(|value| value.to_vec()))
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
        self.check(batch)?;
        self.gate.write("saving", || {
            if !batch.is_empty() {
                self.apply(batch)?;
            }
            self.sync()
        })
    }

    fn commit_lazily(&self, batch: &Batch) -> Result<(), StoreError> {
        self.check(batch)?;
        if batch.is_empty() {
            return Ok(());
        }
        self.gate.write("saving", || self.apply(batch))
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.commit(&Batch::default())
    }

    fn mended(&self) -> Result<(), StoreError> {
        lost::settled(&self.dir)
    }

    fn size_bytes(&self) -> Result<u64, StoreError> {
        durable::size_bytes(&self.folder)
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        if !self.gate.is_stopped()
            && let Err(error) = self.close()
        {
            tracing::warn!(%error, "the last lazy writes may not be durable");
        }
        // sled syncs once more as it closes, and panics if it cannot.
        let (watch, db) = (self.watch.take(), self.db.take());
        if let Err(error) = caught("closing", || {
            drop(watch);
            drop(db);
            Ok(())
        }) {
            tracing::warn!(%error, "sled did not close in order");
        }
    }
}

impl std::fmt::Debug for SledStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SledStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}
