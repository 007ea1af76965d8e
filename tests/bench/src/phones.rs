//! Phones on a desk, with their key stores, and the relay under it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use mainstay_core::engine::{self, Backend, Engine, KeyError, KeyProvider};
use mainstay_core::space::phrase::Phrase;
use mainstay_sync_server::Server;
use mainstay_sync_server::config::Config;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// A key store that a second process can open: this program's children do.
struct KeyFolder(PathBuf);

impl KeyProvider for KeyFolder {
    fn load(&self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        match fs::read(self.0.join(id)) {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(KeyError::Failed(error.to_string())),
        }
    }

    fn store(&self, id: &str, secret: &[u8]) -> Result<(), KeyError> {
        fs::create_dir_all(&self.0)
            .and_then(|()| fs::write(self.0.join(id), secret))
            .map_err(|error| KeyError::Failed(error.to_string()))
    }

    fn delete(&self, id: &str) -> Result<(), KeyError> {
        fs::remove_file(self.0.join(id)).map_err(|error| KeyError::Failed(error.to_string()))
    }
}

/// How to open the journal in a folder.
pub(crate) fn config(dir: &Path, backend: Backend) -> engine::Config {
    let keys = Arc::new(KeyFolder(dir.with_extension("keys")));
    engine::Config { dir: dir.to_owned(), backend, keys, device_name: "bench".to_owned() }
}

pub(crate) struct Desk {
    dir: TempDir,
    pub(crate) relay: Server,
}

impl Desk {
    pub(crate) async fn new() -> Result<Self> {
        Self::with(|_| {}).await
    }

    /// A relay with other limits: everybody here comes from one address.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("mainstay-bench-").tempdir()?;
        let (data, keys) = (dir.path().join("relay-data"), dir.path().join("relay-keys"));
        let listen = ([127, 0, 0, 1], 0).into();
        let mut config = Config::new(data, keys, listen);
        change(&mut config);
        let relay = Server::bind(&config).await?;
        Ok(Self { dir, relay })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) async fn phone(&self, name: &str, backend: Backend) -> Result<(Engine, Phrase)> {
        let made = Engine::create(config(&self.path(name), backend)).await?;
        made.0.set_relay(self.relay.address()).await?;
        Ok(made)
    }
}

pub(crate) fn name_of(backend: Backend) -> &'static str {
    match backend {
        Backend::Sled => "sled",
        Backend::Redb => "redb",
    }
}

/// Bytes of the files in a folder, or of one file.
pub(crate) fn size_of(path: &Path) -> u64 {
    let Ok(meta) = fs::metadata(path) else { return 0 };
    if !meta.is_dir() {
        return meta.len();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| size_of(&entry.path())).sum()
}
