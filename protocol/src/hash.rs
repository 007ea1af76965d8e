//! Domain-separated SHA-256.

use sha2::{Digest, Sha256};

use crate::ids::bytes_id;
use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::{Encoder, Error as EncodeError, Write};
use minicbor::{Decode, Encode};

bytes_id!(
    /// A SHA-256 with one of [`label`]'s labels in front.
    Hash, 32
);

/// What a hash is for. One label per purpose keeps a value that is right in one place from being
/// right in another.
pub mod label {
    /// [`crate::envelope::Envelope::hash`].
    pub const ENVELOPE: &str = "envelope";
    /// A ciphertext inside an envelope's signature.
    pub const CIPHERTEXT: &str = "ciphertext";
    /// A roster record.
    pub const ROSTER: &str = "roster record";
    /// A wrapped epoch key.
    pub const WRAP: &str = "wrap";
    /// A space id from its founding key.
    pub const SPACE: &str = "space id";
    /// An author id from its verifying key.
    pub const AUTHOR: &str = "author id";
    /// A member id from its verifying key.
    pub const MEMBER: &str = "member id";
    /// A feed's running hash.
    pub const FEED: &str = "feed";
    /// A digest of slot heads.
    pub const HEADS: &str = "heads";
}

impl Hash {
    /// SHA-256 over the label and the parts, each preceded by its length, so that no two different
    /// lists of parts give the same input.
    pub fn of(label: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"mainstay/1 hash ");
        hasher.update((label.len() as u64).to_be_bytes());
        hasher.update(label.as_bytes());
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}
