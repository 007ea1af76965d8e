//! Waiting for sled to let go of a store that this process has just closed.
//!
//! sled's threads may still hold the data file then: to finish a snapshot, or to cut the file shorter. Until
//! they are through, the files are not ours to look at or to clear. They hold sled's lock as long; where sled
//! takes none (Android, iOS) there is nothing to wait for.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long they may take.
const RELEASE_WAIT: Duration = Duration::from_secs(5);

/// Opens the data file as soon as nobody else holds it; fails when that takes more than five seconds.
pub(super) fn data_file(folder: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).open(folder.join("db"))?;
    let give_up = Instant::now() + RELEASE_WAIT;
    loop {
        match file.try_lock() {
            // sled takes it again as it opens; nobody comes between, the store's own lock is held.
            Ok(()) => return file.unlock().map(|()| file),
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => return Err(ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                return Ok(file);
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_that_another_thread_holds_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let held = File::create(dir.path().join("db")).unwrap();
        held.lock().unwrap();
        let pause = Duration::from_millis(100);
        let begun = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(pause);
                drop(held);
            });
            data_file(dir.path()).unwrap();
        });
        assert!(begun.elapsed() >= pause);
    }
}
