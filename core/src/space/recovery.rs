//! The keys that follow from the recovery phrase.

use mainstay_protocol::ids::SpaceId;

use super::kdf::{derive, label};
use super::kem::KemSecret;
use super::phrase::Phrase;
use super::sign::AuthorKey;

/// The recovery keys of a private space. They exist while a person sets up or recovers a device,
/// and are dropped right after.
#[derive(Debug, Clone)]
pub struct Recovery {
    signing: AuthorKey,
    kem: KemSecret,
}

impl Recovery {
    /// Derives the keys: HKDF-SHA256 only, so that no server can weaken a parameter. 128 random
    /// bits need no slow hash.
    pub fn derive(phrase: &Phrase) -> Self {
        let entropy = phrase.entropy();
        let signing = AuthorKey::from_seed(&derive(&*entropy, label::RECOVERY_SIGN, &[]));
        let kem = KemSecret::derive(&derive(&*entropy, label::RECOVERY_KEM, &[]));
        Self { signing, kem }
    }

    /// Signs the founding record and recoveries.
    pub fn signing(&self) -> &AuthorKey {
        &self.signing
    }

    /// Opens the wraps made for the recovery key.
    pub fn kem(&self) -> &KemSecret {
        &self.kem
    }

    /// The private space that this phrase founds.
    pub fn space_id(&self) -> SpaceId {
        self.signing.verify_key().space_id()
    }
}
