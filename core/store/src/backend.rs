//! The choice of an adapter, and what opening one tells.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::{RedbStore, SledStore, Store, StoreError};

/// The library that keeps the files of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// sled 0.34, the default: a log-structured tree.
    Sled,
    /// redb 4: a copy-on-write tree.
    Redb,
}

impl Backend {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Redb => "redb",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = StoreError;

    fn from_str(name: &str) -> Result<Self, StoreError> {
        match name {
            "sled" => Ok(Self::Sled),
            "redb" => Ok(Self::Redb),
            _ => Err(StoreError::UnknownBackend { name: name.into() }),
        }
    }
}

/// A store that was opened, and in which state it was found.
#[derive(Debug)]
pub struct Opened<S> {
    /// The store, ready for use.
    pub store: S,
    /// What had to be done to open it.
    pub recovery: Recovery,
}

/// What had to be done to open a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovery {
    /// Nothing: it was intact, or is new.
    Clean,
    /// Something was repaired, and no acknowledged write was lost by it.
    Repaired {
        /// What was repaired.
        what: String,
    },
    /// It opened, but acknowledged writes may be lost: the medium has damaged it. What could be read
    /// was written into new files, and is there from now on. What is missing may lie anywhere: nothing
    /// that one row says of others can be trusted. Told at every open until [`Store::mended`].
    Incomplete {
        /// Where the damaged files are now: as they were found, or as sled left them after opening.
        path: PathBuf,
        /// How the loss showed.
        why: String,
    },
    /// It could not be opened. It was moved aside, nothing of it was deleted, and the store given
    /// back is empty: refill it.
    MovedAside {
        /// Where its files are now.
        path: PathBuf,
        /// How the damage showed.
        why: String,
    },
}

/// Opens the store in `dir`, or creates one there.
///
/// # Errors
/// [`StoreError::Locked`] while it is open elsewhere, [`StoreError::Newer`],
/// [`StoreError::WrongBackend`], [`StoreError::Damaged`] when both copies of its format file are
/// damaged, [`StoreError::Full`] and [`StoreError::Io`].
pub fn open(backend: Backend, dir: &Path) -> Result<Opened<Arc<dyn Store>>, StoreError> {
    fn shared(opened: Opened<impl Store + 'static>) -> Opened<Arc<dyn Store>> {
        Opened { store: Arc::new(opened.store), recovery: opened.recovery }
    }
    match backend {
        Backend::Sled => SledStore::open(dir).map(shared),
        Backend::Redb => RedbStore::open(dir).map(shared),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_backend_is_read_back_from_its_name() {
        for backend in [Backend::Sled, Backend::Redb] {
            assert_eq!(backend.to_string().parse::<Backend>().unwrap(), backend);
        }
        let error = "sqlite".parse::<Backend>().unwrap_err();
        assert_eq!(error.to_string(), "\"sqlite\" is no store: choose sled or redb");
    }
}
