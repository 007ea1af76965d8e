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

/// The longest text that is looked at.
const MAX_TEXT_BYTES: usize = 2048;
/// Bytes of a hash in front, which show a slip of the hand.
const CHECK_BYTES: usize = 4;
const VERSION: u8 = 1;

/// What an invitation lets somebody into. It is in the text that the person sees and in the bytes that
/// every hash of the handshake covers, so that neither is ever taken for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum InvitationKind {
    /// A private space, with another device of the same person.
    #[n(0)]
    Device,
    /// A share, as a member.
    #[n(1)]
    Share,
}

impl InvitationKind {
    /// What every invitation of this kind starts with.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Device => "mainstay-link:",
            Self::Share => "mainstay-share:",
        }
    }

    /// Refuses an invitation of the other kind.
    pub(super) fn expect(self, wanted: Self) -> Result<(), LinkError> {
        match (self, wanted) {
            (Self::Share, Self::Device) => Err(LinkError::IsShare),
            (Self::Device, Self::Share) => Err(LinkError::IsDevice),
            _ => Ok(()),
        }
    }
}

/// An invitation to one device or one person, once. It holds a secret; [`Self::to_text`] is the only way to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    pub(super) kind: InvitationKind,
    pub(super) relay: RelayAddress,
    pub(super) space: SpaceId,
    pub(super) secret: Zeroizing<[u8; 32]>,
    pub(super) expires_ms: u64,
    pub(super) inviter: Hash,
    pub(super) commitment: Hash,
}

#[derive(Encode, Decode)]
pub(super) struct Wire {
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
    /// None is a device.
    #[n(7)]
    kind: Option<InvitationKind>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl Invitation {
    /// What it lets somebody into.
    pub fn kind(&self) -> InvitationKind {
        self.kind
    }

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
        Zeroizing::new(format!("{}{}", self.kind.scheme(), *text::encode(&checked)))
    }

    /// Reads an invitation to link a device, as it was copied or scanned, in either case and with line
    /// breaks. Whether it has expired is [`super::Joiner::start`]'s to say.
    ///
    /// # Errors
    /// [`LinkError::NotAnInvitation`], [`LinkError::IsShare`], [`LinkError::Damaged`] or
    /// [`LinkError::Newer`].
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        Self::parse_as(text, InvitationKind::Device)
    }

    /// Reads an invitation to a share, like [`Self::parse`].
    ///
    /// # Errors
    /// [`LinkError::NotAnInvitation`], [`LinkError::IsDevice`], [`LinkError::Damaged`] or
    /// [`LinkError::Newer`].
    pub fn parse_share(text: &str) -> Result<Self, LinkError> {
        Self::parse_as(text, InvitationKind::Share)
    }

    fn parse_as(text: &str, wanted: InvitationKind) -> Result<Self, LinkError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(LinkError::NotAnInvitation("it is too long"));
        }
        let text: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
        let (kind, digits) = scheme_of(&text).ok_or(LinkError::NotAnInvitation(match wanted {
            InvitationKind::Device => "it does not start with mainstay-link:",
            InvitationKind::Share => "it does not start with mainstay-share:",
        }))?;
        kind.expect(wanted)?;
        let checked = text::decode(digits).ok_or(LinkError::Damaged)?;
        let (sum, bytes) = checked.split_first_chunk::<CHECK_BYTES>().ok_or(LinkError::Damaged)?;
        if check(bytes) != *sum {
            return Err(LinkError::Damaged);
        }
        let invitation = Self::from_bytes(bytes)?;
        // Its start was exchanged; nobody mistypes that.
        invitation.kind.expect(wanted)?;
        Ok(invitation)
    }

    /// What the handshake's hashes cover.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(codec::encode(&self.wire()))
    }

    pub(super) fn wire(&self) -> Wire {
        Wire {
            version: VERSION,
            relay: self.relay.to_string(),
            space: self.space,
            secret: *self.secret,
            expires_ms: self.expires_ms,
            inviter: self.inviter,
            commitment: self.commitment,
            kind: Some(self.kind).filter(|kind| *kind != InvitationKind::Device),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        let wire: Wire = codec::decode(bytes).map_err(|error| match error {
            CodecError::Newer(_) => LinkError::Newer,
            _ => LinkError::Damaged,
        })?;
        Self::from_wire(&wire)
    }

    pub(super) fn from_wire(wire: &Wire) -> Result<Self, LinkError> {
        if wire.version != VERSION {
            return Err(LinkError::Newer);
        }
        Ok(Self {
            kind: wire.kind.unwrap_or(InvitationKind::Device),
            relay: wire.relay.parse().map_err(|_| LinkError::Damaged)?,
            space: wire.space,
            secret: Zeroizing::new(wire.secret),
            expires_ms: wire.expires_ms,
            inviter: wire.inviter,
            commitment: wire.commitment,
        })
    }
}

/// The kind that a text says it is, and what follows.
fn scheme_of(text: &str) -> Option<(InvitationKind, &str)> {
    [InvitationKind::Device, InvitationKind::Share].into_iter().find_map(|kind| {
        let (scheme, rest) = text.split_at_checked(kind.scheme().len())?;
        scheme.eq_ignore_ascii_case(kind.scheme()).then_some((kind, rest))
    })
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
