//! What can go wrong, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::Backend;

/// Why a store could not do what was asked. No message contains a key or a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk has no room left. The store stops writing; what was acknowledged is kept.
    #[error("the disk is full: free some space, then open the store again; nothing saved is lost")]
    Full,

    /// Another process, or another handle of this one, has the store open.
    #[error("the store is in use: {path} is locked; close the other program first", path = path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },

    /// A key, a value or a batch beyond its limit: the caller's mistake. Nothing was done.
    #[error("{what} is longer than the {limit} bytes that a store accepts")]
    TooLarge {
        /// What was too large: "a key", "a value", "a batch", "a blob's prefix".
        what: &'static str,
        /// The limit in bytes.
        limit: usize,
    },

    /// The files do not hold what was written to them: the medium failed, or something else
    /// wrote to them.
    #[error("the store is damaged: {what}; {next}")]
    Damaged {
        /// What is damaged, and how that showed.
        what: String,
        /// What to do next.
        next: &'static str,
    },

    /// A newer version of the program has written this store. It was not touched.
    #[error(
        "the store has format version {found}, and this program knows {known}: install the \
         newer version again; nothing was changed"
    )]
    Newer {
        /// The version of the store.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },

    /// The directory holds a store of the other backend. It was not touched.
    #[error(
        "the store was created with {found} and cannot be opened with {asked}: open it with {found}"
    )]
    WrongBackend {
        /// The backend that created it.
        found: Backend,
        /// The backend that was asked for.
        asked: Backend,
    },

    /// The operating system refused. A store that met this while writing stops writing.
    #[error(
        "the store failed while {what}: {source}; open it again to go on, nothing saved is lost"
    )]
    Io {
        /// What was being done.
        what: &'static str,
        /// What the operating system said.
        source: io::Error,
    },

    /// An earlier error left the state of the disk unknown.
    #[error("the store stopped after an earlier error: open it again to go on")]
    Stopped,

    /// The name of a backend was neither "sled" nor "redb".
    #[error("{name:?} is no store: choose sled or redb")]
    UnknownBackend {
        /// What was given.
        name: String,
    },
}

/// What to do with a store whose data are damaged.
pub(crate) const SET_ASIDE: &str =
    "set it aside (nothing is deleted), open it again and refill it from the relay";

impl StoreError {
    /// An I/O error met while `what`, told apart from a full disk.
    pub(crate) fn io(what: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io { what, source },
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), next: SET_ASIDE }
    }
}
