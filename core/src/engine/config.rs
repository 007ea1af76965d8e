//! What an engine is opened with, and what belongs to the system: time and randomness.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use mainstay_store::{Backend, Recovery, Store};
use zeroize::Zeroizing;

use super::error::EngineError;
use super::keys::{KeyError, KeyProvider};
use super::replica::{BoxRng, Setup};
use crate::space::device::DeviceSecret;

/// The name under which a device's secret lies in the platform's key store.
const SECRET_ID: &str = "mainstay-device-secret";

/// What an engine is opened with.
#[derive(Clone)]
pub struct Config {
    /// The journal's folder. It is created if it is not there.
    pub dir: PathBuf,
    /// Which store keeps it. A journal stays with the one it was created with.
    pub backend: Backend,
    /// The platform's key store.
    pub keys: Arc<dyn KeyProvider>,
    /// What this device is called on the list of devices, at most 200 bytes.
    pub device_name: String,
}

impl Config {
    /// Opens the store, and takes the device's secret out of the key store.
    pub(super) fn setup(&self, may_make: bool) -> Result<(Setup, Recovery), EngineError> {
        let secret = self.secret(may_make)?;
        let opened = mainstay_store::open(self.backend, &self.dir)?;
        let store: Arc<dyn Store> = opened.store;
        Ok((Setup { store, secret, rng: system_rng() }, opened.recovery))
    }

    /// The device's secret. A new one is made only where a journal is being made, and only if the
    /// key store says that there never was one.
    pub(super) fn secret(&self, may_make: bool) -> Result<DeviceSecret, EngineError> {
        match self.keys.load(SECRET_ID)? {
            Some(bytes) => {
                let bytes: [u8; 32] = bytes[..].try_into().map_err(|_| KeyError::Invalidated)?;
                Ok(DeviceSecret::from_bytes(Zeroizing::new(bytes)))
            }
            None if may_make => {
                let secret = DeviceSecret::make(&mut *system_rng());
                self.keys.store(SECRET_ID, secret.expose())?;
                Ok(secret)
            }
            None => Err(if self.dir.join("format").exists() {
                KeyError::Missing.into()
            } else {
                EngineError::NothingHere
            }),
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("dir", &self.dir)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

/// The operating system's generator. It fails only where a system has none, and then nothing here
/// could be done safely.
pub(super) fn system_rng() -> BoxRng {
    Box::new(rand_core::UnwrapErr(getrandom::SysRng))
}

/// The system's clock, Unix milliseconds.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
