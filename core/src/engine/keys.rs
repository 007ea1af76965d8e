//! Where a device's secret is kept.

use zeroize::Zeroizing;

/// Why a key store could not give or take a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key store is locked at the moment. The key is there; nothing may be created in its place.
    #[error("the device's key store is locked; unlock the device and try again")]
    Locked,
    /// The key was there and the platform has destroyed it.
    #[error(
        "the platform has destroyed this device's key; restore the journal from its twelve words"
    )]
    Invalidated,
    /// The journal is there and its key is not.
    #[error(
        "the key that opens this journal is missing; restore the journal from its twelve words, or bring the key store back"
    )]
    Missing,
    /// The key store failed.
    #[error("the device's key store failed: {0}")]
    Failed(String),
}

/// The platform's key store, as the app provides it: Keychain, Android Keystore, or a file for
/// programs on a desk. Its methods may be called from any thread and may block.
pub trait KeyProvider: Send + Sync {
    /// The secret stored under this name; `None` if none was ever stored. A store that is locked,
    /// or whose key is gone, must say so by an error: `None` lets a new secret be made.
    ///
    /// # Errors
    /// [`KeyError`].
    fn load(&self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError>;

    /// Stores a secret of at most 4 KiB durably under this name, replacing what was there.
    ///
    /// # Errors
    /// [`KeyError`].
    fn store(&self, id: &str, secret: &[u8]) -> Result<(), KeyError>;

    /// Removes what is stored under this name, if anything is.
    ///
    /// # Errors
    /// [`KeyError`].
    fn delete(&self, id: &str) -> Result<(), KeyError>;
}
