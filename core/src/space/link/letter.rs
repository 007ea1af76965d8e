//! The three letters of a handshake, all of one size.

use mainstay_protocol::FORMAT_VERSION;
use mainstay_protocol::codec;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::roster::KemKey;
use mainstay_protocol::sign::{Signable, Signed, VerifyKey, purpose};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use super::{Invitation, LinkError};
use crate::space::CryptoRng;
use crate::space::aead;
use crate::space::kdf::{self, label};

/// The label of every hash in a handshake; its first part tells which one it is.
pub(super) const LINK_HASH: &str = "device link";

/// A letter before it is sealed, its length in front: the longest is the answer with a key of 1,216
/// bytes and a name of 200.
const PADDED_BYTES: usize = 2048;

/// What a letter says, signed by who says it.
#[derive(Encode, Decode)]
pub(super) struct Message {
    #[n(0)]
    pub(super) version: u8,
    /// The hash of the invitation that it belongs to.
    #[n(1)]
    pub(super) invitation: Hash,
    #[n(2)]
    pub(super) body: Body,
}

#[derive(Encode, Decode)]
pub(super) enum Body {
    /// The joiner's keys, name and nonce.
    #[n(0)]
    Answer(#[n(0)] Answer),
    /// The inviter's key and nonce, and the hash of the answer that it got.
    #[n(1)]
    Reveal {
        #[n(0)]
        key: VerifyKey,
        #[cbor(n(1), with = "minicbor::bytes")]
        nonce: [u8; 32],
        #[n(2)]
        answer: Hash,
    },
    /// The roster's head after the admission; none if the person declined.
    #[n(2)]
    Verdict {
        #[n(0)]
        head: Option<Hash>,
        #[n(1)]
        answer: Hash,
    },
}

#[derive(Encode, Decode)]
pub(super) struct Answer {
    #[n(0)]
    pub(super) key: VerifyKey,
    #[n(1)]
    pub(super) kem: KemKey,
    #[n(2)]
    pub(super) name: String,
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(super) nonce: [u8; 32],
}

impl Signable for Message {
    const PURPOSE: &'static str = purpose::LINK;
}

impl Message {
    pub(super) fn new(invitation: &Invitation, body: Body) -> Self {
        let invitation = invitation_hash(invitation);
        Self { version: FORMAT_VERSION, invitation, body }
    }

    /// Refuses a message of another version or handshake.
    pub(super) fn check(self, invitation: &Invitation) -> Result<Body, LinkError> {
        match () {
            () if self.version != FORMAT_VERSION => Err(LinkError::Newer),
            () if self.invitation != invitation_hash(invitation) => Err(LinkError::Altered),
            () => Ok(self.body),
        }
    }
}

fn invitation_hash(invitation: &Invitation) -> Hash {
    Hash::of(LINK_HASH, &[b"invitation", &invitation.to_bytes()])
}

/// The hash that names an answer in later letters.
pub(super) fn answer_hash(answer: &Signed<Message>) -> Hash {
    Hash::of(LINK_HASH, &[b"answer", answer.body()])
}

/// Seals a message for its place in the mailbox.
pub(super) fn seal(
    rng: &mut dyn CryptoRng,
    invitation: &Invitation,
    place: u32,
    message: &Signed<Message>,
) -> Letter {
    let bytes = Zeroizing::new(codec::encode(message));
    let mut padded = Zeroizing::new(Vec::with_capacity(PADDED_BYTES));
    padded.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    padded.extend_from_slice(&bytes);
    assert!(padded.len() <= PADDED_BYTES, "names are bounded, so every letter fits");
    padded.resize(PADDED_BYTES, 0);
    let (key, aad) = key(invitation, place);
    Letter { sealed: aead::seal(rng, &key, &aad, &padded).into() }
}

/// Opens the letter at a place.
pub(super) fn open(
    invitation: &Invitation,
    place: u32,
    letter: &Letter,
) -> Result<Signed<Message>, LinkError> {
    let (key, aad) = key(invitation, place);
    let altered = LinkError::Altered;
    let padded = aead::open(&key, &aad, &letter.sealed).map_err(|_| altered.clone())?;
    let (length, rest) = padded.split_first_chunk::<2>().ok_or(altered.clone())?;
    let bytes = rest.get(..usize::from(u16::from_be_bytes(*length))).ok_or(altered.clone())?;
    codec::decode(bytes).map_err(|_| altered)
}

fn key(invitation: &Invitation, place: u32) -> (Zeroizing<[u8; 32]>, Vec<u8>) {
    let key = kdf::derive(&*invitation.secret, label::LINK_LETTER, &[&place.to_be_bytes()]);
    (key, [invitation.mailbox().as_bytes(), &place.to_be_bytes()].concat())
}
