//! File operations that survive a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use crate::StoreError;

/// Replaces the file at `path` by one with `bytes`, so that after a cut it is the old or the new.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = path.with_extension("new");
    write_synced(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|source| StoreError::io("writing a small file", source))?;
    sync_parent(path)
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a directory durable. Only Unix has, and needs, this operation.
pub(crate) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(path)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| StoreError::io("syncing a directory", source))?;
    }
    Ok(())
}

/// Makes the name of `path` in its directory durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), StoreError> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_directory(Path::new(".")),
        Some(parent) => sync_directory(parent),
        None => Ok(()),
    }
}

/// Creates a directory and its ancestors, and makes their names durable.
pub(crate) fn create_directory(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_directory(parent)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(StoreError::io("creating a directory", error));
        }
        _ => {}
    }
    sync_parent(path)
}

/// The length of every file under `path`, in bytes; 0 if there is nothing.
pub(crate) fn size_bytes(path: &Path) -> Result<u64, StoreError> {
    let listing = |source| StoreError::io("measuring the store", source);
    let mut total = 0;
    for entry in fs::read_dir(path).map_err(listing)? {
        let entry = entry.map_err(listing)?;
        total += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_bytes(&entry.path())?,
            Ok(metadata) => metadata.len(),
            // A file that went away while we looked takes up nothing.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(listing(error)),
        };
    }
    Ok(total)
}
