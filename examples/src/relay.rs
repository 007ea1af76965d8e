//! A real relay inside the same program, on the loopback interface.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use mainstay_core::engine::RelayAddress;
use mainstay_sync_server::config::Config;
use mainstay_sync_server::{ServeError, Server};

/// A relay that can be turned off and on, and wiped. Its address stays the same.
#[derive(Debug)]
pub struct LocalRelay {
    config: Config,
    running: Option<Server>,
}

impl LocalRelay {
    /// Starts a relay that keeps its data and keys in this folder, at a free port of 127.0.0.1.
    ///
    /// # Errors
    /// What [`Server::bind`] says.
    pub async fn start(dir: &Path) -> Result<Self, ServeError> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut config = Config::new(dir.join("data"), dir.join("keys"), any);
        let server = Server::bind(&config).await?;
        config.listen = server.local_addr();
        Ok(Self { config, running: Some(server) })
    }

    /// Where it listens; `None` while it is off.
    #[must_use]
    pub fn address(&self) -> Option<RelayAddress> {
        self.running.as_ref().map(Server::address)
    }

    /// The folder of what it keeps.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.config.data.clone()
    }

    /// Turns it off, in good order.
    pub async fn stop(&mut self) {
        if let Some(server) = self.running.take() {
            server.shutdown().await;
        }
    }

    /// Turns it on again, at the same port.
    ///
    /// # Errors
    /// What [`Server::bind`] says.
    pub async fn resume(&mut self) -> Result<(), ServeError> {
        if self.running.is_none() {
            self.running = Some(Server::bind(&self.config).await?);
        }
        Ok(())
    }

    /// Takes away everything it keeps, but not its keys. It must be off.
    ///
    /// # Errors
    /// What the operating system says; that it is on.
    pub fn wipe(&self) -> io::Result<()> {
        match self.running {
            Some(_) => Err(io::Error::other("the relay is on; stop it first")),
            None => std::fs::remove_dir_all(&self.config.data),
        }
    }
}
