//! The relay's two keys.

use ed25519_dalek::{Signer as _, SigningKey};
use mainstay_protocol::FORMAT_VERSION;
use mainstay_protocol::frame::{Grant, Invitation};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::sign::{Signature, Signed, VerifyKey};

/// The key that the relay's address pins, which signs statements and the TLS handshake, and the key
/// that signs invitations and grants. Both outlive the store.
#[derive(Clone)]
pub struct RelayKeys {
    relay: SigningKey,
    registration: SigningKey,
}

impl RelayKeys {
    /// Keys from 32 random bytes each (RFC 8032 §5.1.5).
    pub fn from_seeds(relay: &[u8; 32], registration: &[u8; 32]) -> Self {
        Self {
            relay: SigningKey::from_bytes(relay),
            registration: SigningKey::from_bytes(registration),
        }
    }

    /// The public half of the relay's key.
    pub fn relay(&self) -> VerifyKey {
        VerifyKey(self.relay.verifying_key().to_bytes())
    }

    /// The public half of the registration key.
    pub fn registration(&self) -> VerifyKey {
        VerifyKey(self.registration.verifying_key().to_bytes())
    }

    /// Invites somebody to create one space until `expires_ms`. `nonce` is drawn at random.
    pub fn invite(&self, nonce: [u8; 16], expires_ms: u64) -> Signed<Invitation> {
        let invitation = Invitation { version: FORMAT_VERSION, nonce, expires_ms };
        Signed::seal(&invitation, |input| sign(&self.registration, input))
    }

    pub(super) fn grant(&self, space: &SpaceId) -> Signed<Grant> {
        let grant = Grant { version: FORMAT_VERSION, space: *space };
        Signed::seal(&grant, |input| sign(&self.registration, input))
    }

    pub(super) fn sign_as_relay(&self, input: &[u8]) -> Signature {
        sign(&self.relay, input)
    }

    /// The relay key as PKCS #8 (RFC 5958), which the TLS library wants.
    pub(crate) fn relay_pkcs8(&self) -> Vec<u8> {
        const PREFIX: [u8; 16] = [
            0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22,
            0x04, 0x20,
        ];
        [&PREFIX[..], &self.relay.to_bytes()].concat()
    }
}

impl std::fmt::Debug for RelayKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RelayKeys([redacted])")
    }
}

fn sign(key: &SigningKey, input: &[u8]) -> Signature {
    Signature(key.sign(input).to_bytes())
}
