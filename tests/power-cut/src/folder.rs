//! Folders in which a cut is looked at.

use std::path::Path;

use tempfile::TempDir;

/// Where Linux keeps files in memory.
const IN_MEMORY: &str = "/dev/shm";

/// A folder for what a cut left. In memory where that is to be had: what a disk keeps is the model's
/// business, and opening thousands of stores there does not wait for the machine's own disk.
pub fn for_a_cut() -> TempDir {
    match tempfile::tempdir_in(Path::new(IN_MEMORY)) {
        Ok(folder) => folder,
        Err(_) => tempfile::tempdir().unwrap(),
    }
}
