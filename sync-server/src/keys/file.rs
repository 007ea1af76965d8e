//! Reading and creating key files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::relay::RelayKeys;

const RELAY: &str = "relay.key";
const REGISTRATION: &str = "registration.key";

/// A directory with the relay's keys.
#[derive(Debug, Clone)]
pub struct KeyFiles {
    dir: PathBuf,
}

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The keys would be lost with the data.
    #[error(
        "the keys directory {keys} lies inside the data directory {data}: wiping the data would \
         change the relay's key, and no device would accept it any more; choose another directory"
    )]
    InsideData {
        /// The keys directory.
        keys: PathBuf,
        /// The data directory.
        data: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}; check that it exists and belongs to the user that runs the relay")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file lies where a directory is needed.
    #[error("{path} is a file, not a directory; name a directory (it is made if it is missing)")]
    NotADirectory {
        /// The file.
        path: PathBuf,
    },
    /// A key file holds something else.
    #[error("{path}: is no key of 64 hexadecimal digits; restore it from your backup")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// One of the two keys is missing.
    #[error(
        "{path} is missing while the other key is there; restore it from your backup (a new key \
         would lock out everybody who has the old one)"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Others may read a key.
    #[error("{path}: other users can read it; run chmod 600 on it")]
    Readable {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no randomness.
    #[error("the operating system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

impl KeyFiles {
    /// The keys in `dir`, for a relay that keeps its data in `data`. Both directories are created
    /// if they are missing.
    ///
    /// # Errors
    /// [`KeyError::InsideData`], [`KeyError::NotADirectory`] or [`KeyError::Io`].
    pub fn new(dir: &Path, data: &Path) -> Result<Self, KeyError> {
        let (keys, data) = (made(dir)?, made(data)?);
        match keys.starts_with(&data) {
            true => Err(KeyError::InsideData { keys, data }),
            false => Ok(Self { dir: keys }),
        }
    }

    /// Reads the keys, and makes them if neither is there yet.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(&self) -> Result<RelayKeys, KeyError> {
        let (relay, registration) = (self.dir.join(RELAY), self.dir.join(REGISTRATION));
        match (relay.exists(), registration.exists()) {
            (false, false) => {
                // The relay key comes last: it alone tells that both were made.
                write_new(&registration)?;
                write_new(&relay)?;
            }
            (false, true) if is_unfinished(&self.dir) => write_new(&relay)?,
            (false, true) => return Err(KeyError::Missing { path: relay }),
            (true, false) => return Err(KeyError::Missing { path: registration }),
            (true, true) => {}
        }
        Ok(RelayKeys::from_seeds(&*read(&relay)?, &*read(&registration)?))
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Whether the relay has never run with this directory: a relay that did has left its witness.
fn is_unfinished(dir: &Path) -> bool {
    !super::witness::path(dir).exists()
}

fn made(dir: &Path) -> Result<PathBuf, KeyError> {
    let failed = |source| KeyError::Io { path: dir.into(), source };
    if dir.is_file() {
        return Err(KeyError::NotADirectory { path: dir.into() });
    }
    // Their names are made durable from the outermost on: a relay that has answered once must find its
    // keys again after a power cut.
    let missing: Vec<&Path> = dir.ancestors().take_while(|part| !part.exists()).collect();
    fs::create_dir_all(dir).map_err(failed)?;
    for made in missing.into_iter().rev().filter(|part| !part.as_os_str().is_empty()) {
        sync_directory(made).map_err(failed)?;
    }
    dir.canonicalize().map_err(failed)
}

fn write_new(path: &Path) -> Result<(), KeyError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(KeyError::Random)?;
    let mut text = Zeroizing::new(String::with_capacity(65));
    seed.iter().for_each(|byte| {
        text.push(hex_digit(byte >> 4));
        text.push(hex_digit(byte & 15));
    });
    text.push('\n');
    let failed = |source| KeyError::Io { path: path.into(), source };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Under its name once it is whole: a key of which a power cut left a part would lock everybody out.
    let new = path.with_extension("new");
    let mut file = options.open(&new).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)?;
    sync_directory(path).map_err(failed)
}

fn hex_digit(value: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(value & 15)])
}

fn read(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let failed = |source| KeyError::Io { path: path.into(), source };
    check_mode(path)?;
    let text = Zeroizing::new(fs::read(path).map_err(failed)?);
    let malformed = || KeyError::Malformed { path: path.into() };
    let digits = text.trim_ascii();
    if digits.len() != 64 {
        return Err(malformed());
    }
    let mut seed = Zeroizing::new([0; 32]);
    for (byte, pair) in seed.iter_mut().zip(digits.chunks(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).ok_or_else(malformed);
        *byte = (digit(0)? * 16 + digit(1)?) as u8;
    }
    Ok(seed)
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path);
    let metadata = metadata.map_err(|source| KeyError::Io { path: path.into(), source })?;
    match metadata.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => Err(KeyError::Readable { path: path.into() }),
    }
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), KeyError> {
    Ok(())
}

/// Makes the name of a new file durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) if cfg!(unix) => {
            let here = Path::new(".");
            let dir = if dir.as_os_str().is_empty() { here } else { dir };
            fs::File::open(dir)?.sync_all()
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn dirs() -> (tempfile::TempDir, KeyFiles) {
        let dir = tempfile::tempdir().unwrap();
        let files = KeyFiles::new(&dir.path().join("keys"), &dir.path().join("data")).unwrap();
        (dir, files)
    }

    #[test]
    fn keys_are_made_once_and_read_again() {
        let (_dir, files) = dirs();
        let (first, again) = (files.load().unwrap(), files.load().unwrap());
        assert_eq!(first.relay(), again.relay());
        assert_eq!(first.registration(), again.registration());
        assert_ne!(first.relay(), first.registration());
    }

    #[test]
    fn keys_inside_the_data_directory_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let inside = KeyFiles::new(&dir.path().join("data/keys"), &dir.path().join("data"));
        assert!(matches!(inside, Err(KeyError::InsideData { .. })));
        let same = KeyFiles::new(dir.path(), dir.path());
        assert!(matches!(same, Err(KeyError::InsideData { .. })));
    }

    #[test]
    fn a_damaged_or_missing_key_is_never_replaced_in_silence() {
        let (_dir, files) = dirs();
        files.load().unwrap();
        let path = files.dir().join(RELAY);
        fs::write(&path, "not a key").unwrap();
        assert!(matches!(files.load(), Err(KeyError::Malformed { .. })));
        fs::write(super::super::witness::path(files.dir()), "x").unwrap();
        fs::remove_file(&path).unwrap();
        assert!(matches!(files.load(), Err(KeyError::Missing { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, files) = dirs();
        files.load().unwrap();
        let path = files.dir().join(RELAY);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(files.load(), Err(KeyError::Readable { .. })));
    }

    #[test]
    fn keys_print_redacted() {
        let (_dir, files) = dirs();
        assert_eq!(format!("{:?}", files.load().unwrap()), "RelayKeys([redacted])");
    }
}
