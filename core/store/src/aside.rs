//! Where damaged files go: `aside/<number>-<name>`. Nothing there is ever deleted by a store.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::StoreError;
use crate::durable;

/// The folder of a store's directory that keeps what was damaged.
pub(crate) const FOLDER: &str = "aside";

/// Moves `path`, a file or a folder of the store in `dir`, aside.
pub(crate) fn move_there(dir: &Path, path: &Path) -> Result<PathBuf, StoreError> {
    let target = free_name(dir, path)?;
    move_to(path, &target)?;
    Ok(target)
}

/// Moves `path` to a name that [`free_name`] gave.
pub(crate) fn move_to(path: &Path, target: &Path) -> Result<(), StoreError> {
    fs::rename(path, target).map_err(|source| StoreError::io("moving a file aside", source))?;
    durable::sync_parent(target)?;
    durable::sync_parent(path)
}

/// Copies the folder `path` of the store in `dir` aside, durably. It has its name when it is whole; what
/// could not be completed is removed again, and `path` is as it was.
pub(crate) fn copy_there(dir: &Path, path: &Path) -> Result<PathBuf, StoreError> {
    let failed = |source| StoreError::io("copying a damaged store aside", source);
    let target = free_name(dir, path)?;
    let part = target.with_extension("part");
    // A part of a copy that was cut off: nothing is lost with it, and its space is needed.
    let clear = |part: &Path| match fs::remove_dir_all(part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    clear(&part).map_err(failed)?;
    if let Err(source) = copy_folder(path, &part) {
        let _ = clear(&part);
        return Err(failed(source));
    }
    fs::rename(&part, &target).map_err(failed)?;
    durable::sync_parent(&target)?;
    Ok(target)
}

/// A name there that nothing has.
pub(crate) fn free_name(dir: &Path, path: &Path) -> Result<PathBuf, StoreError> {
    let folder = dir.join(FOLDER);
    durable::create_directory(&folder)?;
    let name = path.file_name().map_or_else(|| "store".into(), |name| name.to_string_lossy());
    let free = (1_u32..)
        .map(|number| folder.join(format!("{number}-{name}")))
        .find(|candidate| !candidate.exists());
    free.ok_or_else(|| {
        StoreError::io("finding a name aside", std::io::ErrorKind::AlreadyExists.into())
    })
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    if cfg!(unix) { File::open(to)?.sync_all() } else { Ok(()) }
}
