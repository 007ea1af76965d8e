//! Copies a damaged store into new files, and puts these in its place.
//!
//! sled opens a log that has lost its end, and goes on in it; but what it writes there may be out of
//! reach at the next open. A log of its own, written anew, has no such place.
//!
//! ```text
//! sled.fresh    the new files; whole as soon as sled/ is away, and of no weight before
//! sled.spent    the old ones, when a copy of them is kept already
//! ```

use std::fs;
use std::io::ErrorKind;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::error::sled_error;
use super::lost;
use super::open::{Files, create_in, open_intact};
use super::tail;
use crate::guard::caught;
use crate::home::Home;
use crate::{StoreError, aside, durable};

/// How many rows go into the new store at once.
const ROWS_AT_ONCE: usize = 256;

type Row = sled::Result<(sled::IVec, sled::IVec)>;

/// What is to be kept of the old files.
pub(super) enum Kept {
    /// They go to `aside/` themselves.
    Themselves,
    /// They are there already, as they were found.
    Copied(PathBuf),
}

/// Writes what can be read of `old` into new files, which take the place of the old ones, and notes that
/// something was lost.
pub(super) fn rebuild(home: &Home, old: Files, kept: Kept, why: &str) -> Result<Files, StoreError> {
    let (folder, fresh) = (home.folder(), fresh(home));
    clear(&fresh)?;
    let has_gaps = match write_fresh(home, &old, &fresh) {
        Ok(has_gaps) => has_gaps,
        Err(error) => {
            // On a full disk its room is needed.
            let _ = clear(&fresh);
            return Err(error);
        }
    };
    // Everything that could be read is in the new files.
    close_damaged(old);
    let target = match &kept {
        Kept::Themselves => aside::free_name(home.dir(), &folder)?,
        Kept::Copied(path) => path.clone(),
    };
    let gaps = if has_gaps { ", and some of it could not be read" } else { "" };
    lost::note(home.dir(), &target, &format!("{why}{gaps}"))?;
    match kept {
        Kept::Themselves => aside::move_to(&folder, &target)?,
        Kept::Copied(_) => {
            let spent = spent(home);
            clear(&spent)?;
            rename(&folder, &spent)?;
        }
    }
    settle(home)?;
    open_intact(&folder)
}

/// Makes the new files, durably. Tells whether there was something that could not be read.
fn write_fresh(home: &Home, old: &Files, fresh: &Path) -> Result<bool, StoreError> {
    durable::create_directory(fresh)?;
    let new = create_in(fresh)?;
    let has_gaps = copy_rows(&old.db, &new.db)?;
    // The new log does not miss what the old one has lost.
    tail::record(&new.db, old.closed.max(tail::noted(home.dir())?))?;
    new.watch.flush(&new.db)?;
    new.data.sync_all().map_err(|source| StoreError::io("syncing", source))?;
    durable::sync_directory(fresh)?;
    durable::sync_directory(home.dir())?;
    close(new)?;
    Ok(has_gaps)
}

/// Finishes an exchange of files that was cut off, or takes it back.
pub(super) fn settle(home: &Home) -> Result<(), StoreError> {
    let (folder, fresh) = (home.folder(), fresh(home));
    if fresh.exists() && !folder.exists() {
        rename(&fresh, &folder)?;
        lost::forget_copy(home.dir())?;
    } else {
        clear(&fresh)?;
    }
    if let Err(error) = clear(&spent(home)) {
        // It is in nobody's way.
        tracing::debug!(%error, "old files were left");
    }
    Ok(())
}

fn fresh(home: &Home) -> PathBuf {
    home.folder().with_extension("fresh")
}

fn spent(home: &Home) -> PathBuf {
    home.folder().with_extension("spent")
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|source| StoreError::io("exchanging a damaged store", source))?;
    durable::sync_parent(to)
}

fn clear(folder: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(StoreError::io("clearing an unfinished repair", error))
        }
        _ => Ok(()),
    }
}

/// sled closes with the last handle, and syncs once more.
fn close(files: Files) -> Result<(), StoreError> {
    caught("closing", || {
        drop(files);
        Ok(())
    })
}

/// The same where damage, or the disk, may keep sled from it.
pub(super) fn close_damaged(files: Files) {
    if let Err(error) = close(files) {
        tracing::debug!(%error, "damaged files did not close in order");
    }
}

/// Whether every row can be read.
pub(super) fn is_readable(db: &sled::Db) -> Result<bool, StoreError> {
    let read = caught("reading", || {
        for row in db.iter() {
            row.map_err(|error| sled_error("reading", error))?;
        }
        Ok(())
    });
    match read {
        Ok(()) => Ok(true),
        Err(StoreError::Damaged { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Copies the rows up to the first that cannot be read, and from the end back to the last such.
/// Returns whether there was one.
fn copy_rows(from: &sled::Db, to: &sled::Db) -> Result<bool, StoreError> {
    let mut copied = Copied { to, batch: sled::Batch::default(), waiting: 0, last: None };
    let forwards = copied.all(|| from.iter(), sled::Iter::next)?;
    if forwards {
        return Ok(false);
    }
    let after = copied.last.take();
    let beyond = || match &after {
        Some(last) => from.range::<&[u8], _>((Bound::Excluded(&**last), Bound::Unbounded)),
        None => from.iter(),
    };
    copied.all(beyond, DoubleEndedIterator::next_back)?;
    Ok(true)
}

struct Copied<'a> {
    to: &'a sled::Db,
    batch: sled::Batch,
    waiting: usize,
    last: Option<sled::IVec>,
}

impl Copied<'_> {
    /// Copies what `next` yields, to its end or to the first damage. Returns whether it was the end.
    fn all(
        &mut self,
        rows: impl FnOnce() -> sled::Iter,
        next: fn(&mut sled::Iter) -> Option<Row>,
    ) -> Result<bool, StoreError> {
        let mut rows = rows();
        loop {
            let row = caught("reading", || {
                next(&mut rows).transpose().map_err(|error| sled_error("reading", error))
            });
            match row {
                Ok(Some((key, value))) => {
                    self.batch.insert(&key, &value);
                    self.last = Some(key);
                    self.waiting += 1;
                    if self.waiting == ROWS_AT_ONCE {
                        self.write()?;
                    }
                }
                Ok(None) => return self.write().map(|()| true),
                Err(StoreError::Damaged { .. }) => return self.write().map(|()| false),
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.batch);
        self.waiting = 0;
        caught("copying", || {
            self.to.apply_batch(batch).map_err(|error| sled_error("copying", error))
        })
    }
}
