//! Unpacks the folders of an older version, and stands for the platform's key store.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use mainstay_core::engine::{KeyError, KeyProvider};
use serde_json::Value as Json;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// Blocks of a tar archive (POSIX ustar).
const BLOCK_BYTES: usize = 512;

/// What one version left, unpacked anew.
pub(crate) struct Version {
    kept: PathBuf,
    unpacked: TempDir,
}

/// Every version that there are files of.
pub(crate) fn versions() -> Vec<Version> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folders = fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path());
    let versions: Vec<Version> = folders.filter(|path| path.is_dir()).map(Version::new).collect();
    assert!(!versions.is_empty());
    versions
}

impl Version {
    fn new(kept: PathBuf) -> Self {
        let unpacked = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(&kept).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "zst") {
                unpack(&zstd::decode_all(fs::File::open(&path).unwrap()).unwrap(), unpacked.path());
            }
        }
        Self { kept, unpacked }
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.unpacked.path().join(name)
    }

    /// What the version itself said.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.kept.join(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Json {
        serde_json::from_str(&self.text(name)).unwrap()
    }
}

/// Files and folders of an archive, with their modes.
fn unpack(mut archive: &[u8], into: &Path) {
    while let Some((head, rest)) = archive.split_at_checked(BLOCK_BYTES) {
        let text = |from: usize, to: usize| {
            let field = head[from..to].split(|byte| *byte == 0).next().unwrap();
            std::str::from_utf8(field).unwrap().trim()
        };
        if text(0, 100).is_empty() {
            return;
        }
        let number = |from, to| usize::from_str_radix(text(from, to), 8).unwrap();
        let (path, length) = (into.join(text(0, 100)), number(124, 136));
        match head[156] {
            b'5' => fs::create_dir_all(&path).unwrap(),
            _ => fs::write(&path, &rest[..length]).unwrap(),
        }
        set_mode(&path, number(100, 108));
        archive = &rest[length.next_multiple_of(BLOCK_BYTES)..];
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: usize) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode as u32)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: usize) {}

/// A key store as the phone on the command line has it: a file for each secret.
pub(crate) struct Files(pub(crate) PathBuf);

impl Files {
    fn failed(error: std::io::Error) -> KeyError {
        KeyError::Failed(error.to_string())
    }
}

impl KeyProvider for Files {
    fn load(&self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        match fs::read(self.0.join(id)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(|bytes| Some(bytes.into())).map_err(Self::failed),
        }
    }

    fn store(&self, id: &str, secret: &[u8]) -> Result<(), KeyError> {
        fs::create_dir_all(&self.0).map_err(Self::failed)?;
        fs::write(self.0.join(id), secret).map_err(Self::failed)
    }

    fn delete(&self, id: &str) -> Result<(), KeyError> {
        fs::remove_file(self.0.join(id)).map_err(Self::failed)
    }
}
