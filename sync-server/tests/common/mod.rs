//! A minimal client, and a relay's directories.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

pub mod client;
pub mod person;

use mainstay_sync_server::config::Config;

/// A relay's directories and configuration, on a port that the system chooses.
pub fn config() -> (tempfile::TempDir, Config) {
    let dir = tempfile::tempdir().unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let config = Config::new(dir.path().join("data"), dir.path().join("keys"), listen);
    (dir, config)
}
