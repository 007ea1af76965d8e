//! Where the journal is.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstay_core::engine::{Backend, Config, Engine};

use super::args::StoreName;
use super::failure::Failure;
use super::program::Program;
use crate::keys::{FileKeys, private_dir};

/// The journal's folder: `journal/` is the store, `keys/` stands for the platform's key store.
#[derive(Debug)]
pub(crate) struct Home {
    program: &'static Program,
    dir: PathBuf,
    backend: Backend,
}

impl Home {
    pub(crate) fn new(
        program: &'static Program,
        dir: Option<PathBuf>,
        store: StoreName,
    ) -> Result<Self, Failure> {
        let dir = dir.or_else(|| per_user(program)).ok_or_else(|| {
            Failure::usage("there is no home directory; say where the journal is with --home DIR")
        })?;
        Ok(Self { program, dir, backend: store.backend() })
    }

    pub(crate) const fn program(&self) -> &'static Program {
        self.program
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the engine is opened with.
    pub(crate) fn config(&self, device_name: Option<String>) -> Config {
        Config {
            dir: self.dir.join("journal"),
            backend: self.backend,
            keys: Arc::new(FileKeys::new(self.dir.join("keys"))),
            device_name: device_name.unwrap_or_else(|| self.program.name.to_owned()),
        }
    }

    /// Makes the folder, for its owner only.
    pub(crate) fn prepare(&self) -> Result<(), Failure> {
        private_dir(&self.dir).map_err(|error| {
            Failure::new(format!("the folder cannot be made: {error}; choose one with --home DIR"))
        })
    }

    /// Opens the journal that is here.
    pub(crate) async fn open(&self) -> Result<Engine, Failure> {
        Ok(Engine::open(self.config(None)).await?)
    }
}

/// The system's place for a program's data.
fn per_user(program: &Program) -> Option<PathBuf> {
    let under = |name: &str, path: &str| env::var_os(name).map(|dir| PathBuf::from(dir).join(path));
    let dir = match env::consts::OS {
        "windows" => under("APPDATA", ""),
        "macos" | "ios" => under("HOME", "Library/Application Support"),
        _ => under("XDG_DATA_HOME", "").or_else(|| under("HOME", ".local/share")),
    };
    dir.filter(|dir| dir.is_absolute()).map(|dir| dir.join(format!("mainstay-{}", program.name)))
}
