//! What is still to be told of a store that lost something, and which copy of it is kept already: two
//! small files in the store's directory, beside sled's folder.
//!
//! Whoever uses the store has to hear of a loss before anything trusts what is left, also where the
//! process ended between the repair and the hearing. So the note stays until they say that they have
//! dealt with it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{Recovery, StoreError, aside, durable};

/// Something was lost, and nobody has dealt with it yet.
const INCOMPLETE: &str = "sled.incomplete";
/// The damaged files were copied aside, whole, before anything opened them.
const COPIED: &str = "sled.copied";

/// Notes, durably, that something was lost. `kept` is where the damaged files are, or are about to be.
pub(super) fn note(dir: &Path, kept: &Path, why: &str) -> Result<(), StoreError> {
    durable::replace(&dir.join(INCOMPLETE), format!("{}\n{why}\n", name(kept)).as_bytes())
}

/// What is still to be told.
pub(super) fn noted(dir: &Path) -> Option<Recovery> {
    let text = fs::read(dir.join(INCOMPLETE)).ok()?;
    let text = String::from_utf8_lossy(&text);
    let (name, why) = text.trim_end().split_once('\n').unwrap_or(("", "something was lost"));
    Some(Recovery::Incomplete { path: dir.join(aside::FOLDER).join(name), why: why.into() })
}

/// It was dealt with.
pub(super) fn settled(dir: &Path) -> Result<(), StoreError> {
    remove(&dir.join(INCOMPLETE))
}

/// The copy of the damaged files, made once however often a repair is cut off.
pub(super) fn copied(dir: &Path, folder: &Path) -> Result<PathBuf, StoreError> {
    if let Some(copy) = copy_of(dir) {
        return Ok(copy);
    }
    let copy = aside::copy_there(dir, folder)?;
    durable::replace(&dir.join(COPIED), format!("{}\n", name(&copy)).as_bytes())?;
    Ok(copy)
}

/// The copy that was made of what stands in sled's folder, if one was.
pub(super) fn copy_of(dir: &Path) -> Option<PathBuf> {
    let name = fs::read_to_string(dir.join(COPIED)).ok()?;
    let copy = dir.join(aside::FOLDER).join(name.trim_end());
    copy.is_dir().then_some(copy)
}

/// What stands in sled's folder is no longer what that copy is of.
pub(super) fn forget_copy(dir: &Path) -> Result<(), StoreError> {
    remove(&dir.join(COPIED))
}

fn name(kept: &Path) -> String {
    kept.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Ok(()) => durable::sync_parent(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StoreError::io("removing a note of a repair", source)),
    }
}
