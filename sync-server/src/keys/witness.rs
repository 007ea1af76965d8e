//! Whether the data directory is the one that was used last.
//!
//! At each start a random value goes into the store, then beside the keys. A store that does not
//! know the value beside the keys was restored from a backup, or exchanged; it then needs a new
//! incarnation. A backup taken since the last start is not noticed: for that there is
//! `serve --new-incarnation`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::keys::file::sync_directory;

/// The value beside the keys.
pub(crate) struct Witness {
    path: PathBuf,
}

impl Witness {
    pub(crate) fn new(keys: &Path) -> Self {
        Self { path: path(keys) }
    }

    /// The value of the last start, and before it the one that a start which was cut off meant to go on
    /// with; none at the first, or if the file holds something else.
    pub(crate) fn read(&self) -> io::Result<Vec<[u8; 16]>> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(match bytes.as_chunks() {
                (values @ [_] | values @ [_, _], []) => values.to_vec(),
                _ => Vec::new(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Replaces it by one value, or by two while the store goes from the second to the first.
    pub(crate) fn write(&self, values: &[[u8; 16]]) -> io::Result<()> {
        let new = self.path.with_extension("new");
        fs::write(&new, values.concat())?;
        fs::File::open(&new)?.sync_all()?;
        fs::rename(&new, &self.path)?;
        sync_directory(&self.path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

pub(super) fn path(keys: &Path) -> PathBuf {
    keys.join("witness")
}
