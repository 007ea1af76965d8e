//! Notices that a store which was closed in order has lost its end.
//!
//! sled reads its log up to the first message that does not check out, and takes that for the
//! place where the last writer was cut off. A file that was truncated or damaged near its end thus
//! opens without a word, and without its last records. So each orderly close after writes puts
//! its number into the log as its last record, and then, durably, into a file beside it. A log
//! that knows less than the file has lost something. It costs nothing while the store is open.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::sled_error;
use crate::guard::caught;
use crate::{StoreError, durable};

/// A tree of ours with one key, there since creation: sled opens a data file that lost its
/// beginning as an empty store, and without the tree we know that it is not.
const TREE: &[u8] = b"mainstay";
const KEY: &[u8] = b"closed";

/// The file in the store's directory, beside sled's folder.
const FILE: &str = "sled.closed";

/// Records in a new or open store that it has been closed `count` times. Not yet durable.
pub(super) fn record(db: &sled::Db, count: u64) -> Result<(), StoreError> {
    caught("recording the end", || {
        let written = db.open_tree(TREE).and_then(|tree| tree.insert(KEY, &count.to_be_bytes()));
        written.map(drop).map_err(|error| sled_error("recording the end", error))
    })
}

/// Notes in the directory that the record of `count` is durable.
pub(super) fn note(dir: &Path, count: u64) -> Result<(), StoreError> {
    durable::replace(&file(dir), format!("{count}\n").as_bytes())
}

/// How often the store was closed, as its log says; `None` if it lost its beginning.
pub(super) fn recorded(db: &sled::Db) -> Result<Option<u64>, StoreError> {
    caught("reading the end", || {
        if !db.tree_names().iter().any(|name| name == TREE) {
            return Ok(None);
        }
        let found = db.open_tree(TREE).and_then(|tree| tree.get(KEY));
        let found = found.map_err(|error| sled_error("reading the end", error))?;
        Ok(found.and_then(|bytes| bytes.as_ref().try_into().ok()).map(u64::from_be_bytes))
    })
}

/// How often the store was closed, as far as the directory knows. A note that makes no sense says nothing.
pub(super) fn noted(dir: &Path) -> Result<u64, StoreError> {
    let text = match std::fs::read(file(dir)) {
        Ok(bytes) => String::from_utf8(bytes).unwrap_or_default(),
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(source) => {
            return Err(StoreError::io("reading how often the store was closed", source));
        }
    };
    Ok(text.strip_suffix('\n').and_then(|count| count.parse().ok()).unwrap_or(0))
}

fn file(dir: &Path) -> PathBuf {
    dir.join(FILE)
}
