//! What the inviter shows and the joiner reads.

use std::fmt;

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::codec::{self, CodecError};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{MailboxId, SpaceId};
use mainstay_protocol::sign::VerifyKey;
use minicbor::{Decode, Encode};
use zeroize::{Zeroize, Zeroizing};

use super::letter::LINK_HASH;
use super::{LinkError, text};
use crate::space::kdf::{self, label};

/// What every invitation starts with.
const SCHEME: &str = "mainstay-link:";
/// The longest text that is looked at.
const MAX_TEXT_BYTES: usize = 2048;
/// Bytes of a hash in front, which show a slip of the hand.
const CHECK_BYTES: usize = 4;
const VERSION: u8 = 1;

/// An invitation to one device, once. It holds a secret; [`Self::to_text`] is the only way to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    pub(super) relay: RelayAddress,
    pub(super) space: SpaceId,
    pub(super) secret: Zeroizing<[u8; 32]>,
    pub(super) expires_ms: u64,
    pub(super) inviter: Hash,
    pub(super) commitment: Hash,
}

#[derive(Encode, Decode)]
struct Wire {
    #[n(0)]
    version: u8,
    #[n(1)]
    relay: String,
    #[n(2)]
    space: SpaceId,
    #[cbor(n(3), with = "minicbor::bytes")]
    secret: [u8; 32],
    #[n(4)]
    expires_ms: u64,
    #[n(5)]
    inviter: Hash,
    #[n(6)]
    commitment: Hash,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl Invitation {
    /// The relay that both sides use.
    pub fn relay(&self) -> &RelayAddress {
        &self.relay
    }

    /// The space that the joiner is to enter.
    pub fn space(&self) -> &SpaceId {
        &self.space
    }

    /// After this Unix time, in milliseconds, it is worth nothing.
    pub fn expires_ms(&self) -> u64 {
        self.expires_ms
    }

    /// The mailbox for the letters.
    pub fn mailbox(&self) -> MailboxId {
        MailboxId(kdf::prf(&self.secret, label::LINK_MAILBOX, &[]))
    }

    /// The text to show. Who reads it can answer in the joiner's place, and is caught by the code.
    pub fn to_text(&self) -> Zeroizing<String> {
        let bytes = self.to_bytes();
        let checked = Zeroizing::new([&check(&bytes)[..], &bytes].concat());
        Zeroizing::new(format!("{SCHEME}{}", *text::encode(&checked)))
    }

    /// Reads an invitation as it was copied or scanned, in either case and with line breaks. Whether
    /// it has expired is [`super::Joiner::start`]'s to say.
    ///
    /// # Errors
    /// [`LinkError::NotAnInvitation`], [`LinkError::Damaged`] or [`LinkError::Newer`].
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(LinkError::NotAnInvitation("it is too long"));
        }
        let text: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
        let scheme = text.get(..SCHEME.len()).filter(|s| s.eq_ignore_ascii_case(SCHEME));
        scheme.ok_or(LinkError::NotAnInvitation("it does not start with mainstay-link:"))?;
        let checked = text::decode(&text[SCHEME.len()..]).ok_or(LinkError::Damaged)?;
        let (sum, bytes) = checked.split_first_chunk::<CHECK_BYTES>().ok_or(LinkError::Damaged)?;
        match check(bytes) == *sum {
            true => Self::from_bytes(bytes),
            false => Err(LinkError::Damaged),
        }
    }

    /// What the handshake's hashes cover.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(codec::encode(&Wire {
            version: VERSION,
            relay: self.relay.to_string(),
            space: self.space,
            secret: *self.secret,
            expires_ms: self.expires_ms,
            inviter: self.inviter,
            commitment: self.commitment,
        }))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        let wire: Wire = codec::decode(bytes).map_err(|error| match error {
            CodecError::Newer(_) => LinkError::Newer,
            _ => LinkError::Damaged,
        })?;
        if wire.version != VERSION {
            return Err(LinkError::Newer);
        }
        Ok(Self {
            relay: wire.relay.parse().map_err(|_| LinkError::Damaged)?,
            space: wire.space,
            secret: Zeroizing::new(wire.secret),
            expires_ms: wire.expires_ms,
            inviter: wire.inviter,
            commitment: wire.commitment,
        })
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invitation([redacted])")
    }
}

/// A key's fingerprint in an invitation.
pub(super) fn fingerprint(key: &VerifyKey) -> Hash {
    Hash::of(LINK_HASH, &[b"fingerprint", key.as_bytes()])
}

/// The commitment to a nonce.
pub(super) fn commitment(nonce: &[u8; 32]) -> Hash {
    Hash::of(LINK_HASH, &[b"commitment", nonce])
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = Hash::of(LINK_HASH, &[b"check", bytes]);
    *hash.0.first_chunk().expect("a hash has more than 4 bytes")
}
