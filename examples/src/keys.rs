//! A key store in files, for programs on a desk. An app uses the platform's key store instead.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use mainstay_core::engine::{KeyError, KeyProvider};
use zeroize::Zeroizing;

/// Secrets as files of a folder that only its owner can enter.
#[derive(Debug, Clone)]
pub struct FileKeys {
    dir: PathBuf,
}

impl FileKeys {
    /// A key store in this folder, which is made with the first secret.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Where a secret lies; `None` if its name could lead out of the folder.
    fn path(&self, id: &str) -> Result<PathBuf, KeyError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        match !id.is_empty() && id.len() <= 64 && id.bytes().all(plain) {
            true => Ok(self.dir.join(id)),
            false => Err(KeyError::Failed("a secret's name is out of shape".to_owned())),
        }
    }

    fn says(&self, error: &io::Error) -> KeyError {
        match error.kind() {
            ErrorKind::PermissionDenied => KeyError::Locked,
            _ => KeyError::Failed(format!("{}: {error}", self.dir.display())),
        }
    }
}

impl KeyProvider for FileKeys {
    fn load(&self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        match fs::read(self.path(id)?) {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.says(&error)),
        }
    }

    fn store(&self, id: &str, secret: &[u8]) -> Result<(), KeyError> {
        let path = self.path(id)?;
        private_dir(&self.dir)
            .and_then(|()| replace(&self.dir, &path, secret))
            .map_err(|error| self.says(&error))
    }

    fn delete(&self, id: &str) -> Result<(), KeyError> {
        match fs::remove_file(self.path(id)?).and_then(|()| sync_dir(&self.dir)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.says(&error)),
            _ => Ok(()),
        }
    }
}

/// Makes a folder that only its owner can enter. It is durable when this returns.
///
/// # Errors
/// What the operating system says.
pub fn private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        private_dir(parent)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        // It may have come into being meanwhile; or a file lies in its place.
        Err(error) if error.kind() != ErrorKind::AlreadyExists || !dir.is_dir() => {
            return Err(error);
        }
        _ => {}
    }
    sync_dir(parent.unwrap_or(Path::new(".")))
}

/// The old secret or the new one is there, whenever the power goes.
fn replace(dir: &Path, path: &Path, secret: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(secret)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_dir(dir)
}

/// Other systems than Unix cannot sync a folder, and do not need it.
fn sync_dir(dir: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(dir)?.sync_all(),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_secret_is_kept_replaced_and_taken_away() {
        let home = tempfile::tempdir().unwrap();
        let keys = FileKeys::new(home.path().join("a/keys"));
        assert_eq!(keys.load("one").unwrap(), None);
        keys.store("one", b"first").unwrap();
        keys.store("one", b"second").unwrap();
        assert_eq!(keys.load("one").unwrap().unwrap().as_slice(), b"second");
        keys.delete("one").unwrap();
        keys.delete("one").unwrap();
        assert_eq!(keys.load("one").unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_secret() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("keys");
        FileKeys::new(&dir).store("one", b"secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&dir.join("one"))), (0o700, 0o600));
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        let keys = FileKeys::new("keys");
        for id in ["", "../x", "a/b", ".", "a.new"] {
            assert!(matches!(keys.load(id), Err(KeyError::Failed(_))), "{id}");
        }
    }
}
