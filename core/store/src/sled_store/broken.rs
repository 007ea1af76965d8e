//! Notices that a change of several rows was broken off halfway.
//!
//! sled applies a batch row by row. It keeps a crash from leaving a part of it, and not an error: where the
//! disk fails under one row, for instance as the page that it belongs to is read, the rows before it stay
//! applied, and are written when the store closes. So such an error is noted, durably, beside sled's folder,
//! and the next open takes the store for one that has lost something. An error in writing the log needs no
//! note: after it sled writes nothing more (`Log::reserve`, `exit_reservation` and `Log::drop` of 0.34), and
//! the part that was applied is in memory only.

use std::path::{Path, PathBuf};

use super::lost;
use crate::{StoreError, durable};

/// The file in the store's directory, beside sled's folder.
const FILE: &str = "sled.broken-off";

pub(super) fn note(dir: &Path) -> Result<(), StoreError> {
    durable::replace(&file(dir), b"a change was broken off\n")
}

pub(super) fn is_noted(dir: &Path) -> bool {
    file(dir).exists()
}

/// What stands in sled's folder is not what that change was broken off in.
pub(super) fn settled(dir: &Path) -> Result<(), StoreError> {
    lost::remove(&file(dir))
}

fn file(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::{Batch, Recovery, SledStore, Store};

    // Broken on purpose: `complete` not asking for the note made it fail.
    #[test]
    fn a_store_in_which_a_change_was_broken_off_says_so_until_that_is_dealt_with() {
        let dir = tempfile::tempdir().unwrap();
        let opened = SledStore::open(dir.path()).unwrap();
        let mut batch = Batch::default();
        batch.put(b"one", b"1");
        batch.put(b"two", b"2");
        opened.store.commit(&batch).unwrap();
        super::note(dir.path()).unwrap();
        drop(opened);
        for _ in 0..2 {
            let opened = SledStore::open(dir.path()).unwrap();
            let Recovery::Incomplete { path, why } = opened.recovery else {
                panic!("{:?}", opened.recovery)
            };
            assert!(path.is_dir() && why.contains("broke a change off"), "{path:?}, {why}");
            assert_eq!(opened.store.get(b"two").unwrap().as_deref(), Some(&b"2"[..]));
        }
        SledStore::open(dir.path()).unwrap().store.mended().unwrap();
        assert_eq!(SledStore::open(dir.path()).unwrap().recovery, Recovery::Clean);
    }
}
