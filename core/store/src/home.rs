//! The directory of a store: its lock, its format file, and the folder of its backend.
//!
//! ```text
//! lock          held by whoever has the store open
//! format        backend, version, state; see format.rs
//! format.copy   the same again
//! sled/ | redb/ the backend's own files
//! sled.closed   see sled_store/tail.rs
//! sled.fresh/   while a damaged store is written anew; see sled_store/rebuild.rs
//! sled.spent/   the same
//! sled.copied, sled.incomplete   see sled_store/lost.rs
//! aside/        what was damaged, kept
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::format::Format;
use crate::migrate::{self, Step};
use crate::{Backend, Recovery, Store, StoreError, aside, durable};

const LOCK: &str = "lock";
const COPIES: [&str; 2] = ["format.copy", "format"];

/// A locked directory that holds, or is about to hold, a store of one backend.
#[derive(Debug)]
pub(crate) struct Home {
    dir: PathBuf,
    backend: Backend,
    format: Format,
    repairs: Vec<String>,
    lock: Lock,
}

/// The lock on a store's directory. The system releases it however this process ends; dropping it
/// releases it at once, even from a copy that a child process has just inherited.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "the lock goes with its file");
        }
    }
}

impl Home {
    /// Locks `dir`, creating it if need be, and checks that it is ours to open.
    pub(crate) fn open(dir: &Path, backend: Backend, known: u32) -> Result<Self, StoreError> {
        durable::create_directory(dir)?;
        let lock = lock(dir)?;
        let mut repairs = Vec::new();
        let format = match read_format(dir, &mut repairs)? {
            Some(found) => {
                if found.version > known {
                    return Err(StoreError::Newer { found: found.version, known });
                }
                match found.backend {
                    Some(created_by) if created_by == backend => found,
                    Some(found) => return Err(StoreError::WrongBackend { found, asked: backend }),
                    None => return Err(format_is_lost()),
                }
            }
            None => Format { backend: Some(backend), version: known, ready: false },
        };
        let home = Self { dir: dir.into(), backend, format, repairs, lock };
        home.write_format()?;
        Ok(home)
    }

    /// The folder that belongs to the backend.
    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.join(self.backend.name())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the backend's files were complete once. If not, nothing was ever acknowledged.
    pub(crate) fn is_ready(&self) -> bool {
        self.format.ready
    }

    /// Removes what an interrupted creation left; on a full disk it would pile up. Until the format
    /// file says "ready", nothing was ever acknowledged.
    pub(crate) fn clear_unfinished(&self) -> Result<(), StoreError> {
        match fs::remove_dir_all(self.folder()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("clearing an interrupted creation", error))
            }
            _ => Ok(()),
        }
    }

    /// Notes a repair for [`Recovery::Repaired`].
    pub(crate) fn repaired(&mut self, what: impl Into<String>) {
        self.repairs.push(what.into());
    }

    /// Records that the backend's files are complete and durable, and brings them to the newest
    /// version. A crash in between repeats the step it fell into.
    pub(crate) fn finish(&mut self, store: &dyn Store, steps: &[Step]) -> Result<(), StoreError> {
        self.format.ready = true;
        self.write_format()?;
        let found = self.format.version;
        migrate::run(store, found, steps, &mut |version| {
            self.format.version = version;
            self.write_format()
        })
    }

    /// What opening had to do, where the backend itself says `recovery`.
    pub(crate) fn recovery(&self, recovery: Recovery) -> Recovery {
        match recovery {
            Recovery::Clean if !self.repairs.is_empty() => {
                Recovery::Repaired { what: self.repairs.join("; ") }
            }
            other => other,
        }
    }

    /// The lock, for the store to keep.
    pub(crate) fn into_lock(self) -> Lock {
        self.lock
    }

    /// Writes the copies that differ. The copy goes first: a crash between the two leaves the
    /// older of two good formats beside the newer, and the older counts.
    fn write_format(&self) -> Result<(), StoreError> {
        let text = self.format.encode();
        for name in COPIES {
            let path = self.dir.join(name);
            if fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
                durable::replace(&path, text.as_bytes())?;
            }
        }
        Ok(())
    }
}

/// Moves everything in a store's directory aside: what to do with a store that reports
/// [`StoreError::Damaged`] while it is in use (drop it first), or whose format files are lost.
/// The next open creates an empty one. Returns where the files are now.
///
/// # Errors
/// [`StoreError::Locked`] while the store is open, [`StoreError::Full`] and [`StoreError::Io`].
pub fn set_aside(dir: &Path) -> Result<PathBuf, StoreError> {
    durable::create_directory(dir)?;
    let _lock = lock(dir)?;
    for backend in [Backend::Sled, Backend::Redb] {
        // With it a repair that was cut off, and first: alone, it would be taken for a whole one.
        for extension in ["fresh", ""] {
            let folder = dir.join(backend.name()).with_extension(extension);
            if folder.exists() {
                aside::move_there(dir, &folder)?;
            }
        }
    }
    // Last, and the copy first: until then the next open finds a store that was ready and is gone.
    for name in COPIES {
        let path = dir.join(name);
        if path.exists() {
            aside::move_there(dir, &path)?;
        }
    }
    Ok(dir.join(aside::FOLDER))
}

fn lock(dir: &Path) -> Result<Lock, StoreError> {
    let path = dir.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|source| StoreError::io("opening the lock file", source))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path }),
        // Where the standard library has no file locks, the app's sandbox keeps others out.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            Ok(Lock(file))
        }
        Err(TryLockError::Error(source)) => Err(StoreError::io("locking the store", source)),
    }
}

/// The format of the store in `dir`; `None` if there is no store yet. A damaged copy is kept
/// aside when the other one is good.
fn read_format(dir: &Path, repairs: &mut Vec<String>) -> Result<Option<Format>, StoreError> {
    let mut good: Option<Format> = None;
    let mut damaged = Vec::new();
    for name in COPIES {
        let path = dir.join(name);
        match fs::read(&path) {
            Ok(bytes) => match Format::decode(&bytes) {
                Some(format) => good = Some(better(good, format)),
                None => damaged.push(path),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::io("reading the format file", source)),
        }
    }
    let has_data = [Backend::Sled, Backend::Redb].iter().any(|b| dir.join(b.name()).exists());
    if good.is_none() && (has_data || !damaged.is_empty()) {
        return Err(format_is_lost());
    }
    for path in damaged {
        aside::move_there(dir, &path)?;
        repairs.push("a damaged format file was replaced by its copy".into());
    }
    Ok(good)
}

/// Of two good copies: a version that we may not know wins, or else the older one, whose
/// migration then runs again; and a store that was ready once stays ready.
fn better(one: Option<Format>, other: Format) -> Format {
    let Some(one) = one else { return other };
    let ready = one.ready || other.ready;
    let version = if one.version.abs_diff(other.version) == 1 {
        one.version.min(other.version)
    } else {
        one.version.max(other.version)
    };
    Format { version, ready, ..other }
}

fn format_is_lost() -> StoreError {
    StoreError::Damaged {
        what: "both copies of its format file are damaged or gone".into(),
        next: "put one back from a backup, or set the store aside (nothing is deleted) and refill it",
    }
}
