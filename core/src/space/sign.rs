//! A key that signs.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey};
use mainstay_protocol::ids::AuthorId;
use mainstay_protocol::sign::{Signature, VerifyKey, signing_input};

/// An Ed25519 key with which a device, or the recovery phrase, signs in one space.
#[derive(Clone)]
pub struct AuthorKey(SigningKey);

impl AuthorKey {
    pub(super) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    #[cfg(feature = "test-kit")]
    pub(super) fn seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// Signs exactly these bytes: a signing input as `Signed::seal` and `Envelope::make` pass it.
    pub fn sign(&self, signing_input: &[u8]) -> Signature {
        Signature(self.0.sign(signing_input).to_bytes())
    }

    /// Signs a message for one of `mainstay_protocol::sign::purpose`'s purposes.
    pub fn sign_for(&self, purpose: &str, message: &[u8]) -> Signature {
        self.sign(&signing_input(purpose, message))
    }

    /// The key that verifies.
    pub fn verify_key(&self) -> VerifyKey {
        VerifyKey(self.0.verifying_key().to_bytes())
    }

    /// The id that goes with it.
    pub fn author_id(&self) -> AuthorId {
        self.verify_key().author_id()
    }
}

impl fmt::Debug for AuthorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorKey([redacted])")
    }
}
