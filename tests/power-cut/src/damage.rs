//! Files that were truncated, zeroed or flipped, or are gone.

use std::fs;
use std::path::{Path, PathBuf};

/// What happened to a file. Places are in 1000 parts of its length.
#[derive(Debug, Clone, Copy)]
pub enum Damage {
    /// It is not there.
    Gone,
    /// It ends early.
    Truncated(usize),
    /// A stretch of it reads as zeros.
    Zeroed(usize),
    /// One bit is another.
    Flipped(usize),
    /// All of it reads as zeros.
    ZeroedWhole,
}

impl Damage {
    /// What each file of a store is put through.
    pub const ALL: [Self; 14] = [
        Self::Gone,
        Self::ZeroedWhole,
        Self::Truncated(0),
        Self::Truncated(10),
        Self::Truncated(500),
        Self::Truncated(999),
        Self::Zeroed(0),
        Self::Zeroed(300),
        Self::Zeroed(900),
        Self::Flipped(0),
        Self::Flipped(2),
        Self::Flipped(333),
        Self::Flipped(700),
        Self::Flipped(998),
    ];

    /// Does it to a file, which is not empty.
    pub fn apply(self, path: &Path) {
        const STRETCH_BYTES: usize = 4096;
        let mut bytes = fs::read(path).unwrap();
        let at = |parts: usize| bytes.len() * parts / 1000;
        match self {
            Self::Gone => return fs::remove_file(path).unwrap(),
            Self::Truncated(parts) => bytes.truncate(at(parts)),
            Self::Zeroed(parts) => {
                let from = at(parts);
                let to = (from + STRETCH_BYTES).min(bytes.len());
                bytes[from..to].fill(0);
            }
            Self::Flipped(parts) => {
                let at = at(parts);
                bytes[at] ^= 0x10;
            }
            Self::ZeroedWhole => bytes.fill(0),
        }
        fs::write(path, bytes).unwrap();
    }
}

/// Every file under a folder.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Copies every file under a folder.
pub fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}
