//! Ed25519 (RFC 8032) signatures over labelled bytes.

use std::marker::PhantomData;

use minicbor::bytes::ByteVec;
use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::{Encoder, Error as EncodeError, Write};
use minicbor::{Decode, Encode};

use crate::codec::{self, CodecError};
use crate::hash::{Hash, label};
use crate::ids::{AuthorId, MemberId, SpaceId, bytes_id};

bytes_id!(
    /// An Ed25519 verifying key. Nothing is known of it until a signature verifies under it.
    VerifyKey, 32
);
bytes_id!(
    /// An Ed25519 signature.
    Signature, 64
);

/// What a signature is for. A signature made for one purpose never verifies for another.
pub mod purpose {
    /// An envelope.
    pub const ENVELOPE: &str = "envelope";
    /// A roster record.
    pub const ROSTER: &str = "roster record";
    /// A receipt.
    pub const RECEIPT: &str = "receipt";
    /// A relay's statement of what it holds.
    pub const STATEMENT: &str = "relay statement";
    /// A device's proof, bound to one TLS connection, that it holds an author key.
    pub const ATTACH: &str = "attach";
    /// The relay's permission for a space to exist.
    pub const GRANT: &str = "registration grant";
    /// The relay's invitation for somebody to register one space.
    pub const INVITATION: &str = "registration invitation";
    /// A new device's answer to a linking invitation.
    pub const LINK: &str = "device link";

    /// All of them.
    pub const ALL: [&str; 8] =
        [ENVELOPE, ROSTER, RECEIPT, STATEMENT, ATTACH, GRANT, INVITATION, LINK];
}

/// The bytes that an Ed25519 signature for `purpose` over `message` covers.
pub fn signing_input(purpose: &str, message: &[u8]) -> Vec<u8> {
    let mut input = Vec::with_capacity(message.len() + purpose.len() + 24);
    input.extend_from_slice(b"mainstay/1 sign ");
    input.extend_from_slice(&(purpose.len() as u64).to_be_bytes());
    input.extend_from_slice(purpose.as_bytes());
    input.extend_from_slice(message);
    input
}

/// A signature that does not belong to what it came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the signature does not match its content; the bytes were altered, or signed by another key"
)]
pub struct BadSignature;

impl VerifyKey {
    /// The id of an author that signs with this key.
    pub fn author_id(&self) -> AuthorId {
        let hash = Hash::of(label::AUTHOR, &[&self.0]);
        let mut id = [0; AuthorId::LEN];
        id.copy_from_slice(&hash.0[..AuthorId::LEN]);
        AuthorId(id)
    }

    /// The id of a member of a share that signs with this key.
    pub fn member_id(&self) -> MemberId {
        let hash = Hash::of(label::MEMBER, &[&self.0]);
        let mut id = [0; MemberId::LEN];
        id.copy_from_slice(&hash.0[..MemberId::LEN]);
        MemberId(id)
    }

    /// The id of the space that this key founds.
    pub fn space_id(&self) -> SpaceId {
        SpaceId(Hash::of(label::SPACE, &[&self.0]).0)
    }

    /// Checks a signature, refusing keys of small order and signatures in a second encoding
    /// ("strict" verification, RFC 8032 §5.1.7 and "Taming the many EdDSAs", 2020).
    ///
    /// # Errors
    /// [`BadSignature`] when the key is no point of the curve or the signature does not match.
    pub fn verify(
        &self,
        purpose: &str,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(&signing_input(purpose, message), &signature).map_err(|_| BadSignature)
    }
}

/// Something that is signed: what its signature is for.
pub trait Signable: for<'b> Decode<'b, ()> + Encode<()> {
    /// One of [`purpose`]'s labels.
    const PURPOSE: &'static str;
}

/// A `T` as the exact bytes that were signed, and the signature.
///
/// The content can be looked at before it is verified (to find out whose key to verify with), by
/// [`Signed::peek`]; nothing may act on it before [`Signed::verify`].
pub struct Signed<T> {
    body: Vec<u8>,
    signature: Signature,
    content: PhantomData<fn() -> T>,
}

impl<T: Signable> Signed<T> {
    /// Signs `content` with `sign`, which gets the full signing input.
    pub fn seal(content: &T, sign: impl FnOnce(&[u8]) -> Signature) -> Self {
        let body = codec::encode(content);
        let signature = sign(&signing_input(T::PURPOSE, &body));
        Self { body, signature, content: PhantomData }
    }

    /// Reads the content without believing it.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are no `T`.
    pub fn peek(&self) -> Result<T, CodecError> {
        codec::decode(&self.body)
    }

    /// Checks the signature and reads the content.
    ///
    /// # Errors
    /// [`VerifyError`] when the signature does not match, or the bytes are no `T`.
    pub fn verify(&self, key: &VerifyKey) -> Result<T, VerifyError> {
        key.verify(T::PURPOSE, &self.body, &self.signature)?;
        Ok(self.peek()?)
    }

    /// The exact bytes that the signature covers, without the label.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// Why a signed object was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The signature does not match.
    #[error(transparent)]
    Signature(#[from] BadSignature),
    /// The content cannot be read.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl<T> Clone for Signed<T> {
    fn clone(&self) -> Self {
        Self { body: self.body.clone(), signature: self.signature, content: PhantomData }
    }
}

impl<T> PartialEq for Signed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.body == other.body && self.signature == other.signature
    }
}

impl<T> Eq for Signed<T> {}

impl<T> std::fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signed({} bytes)", self.body.len())
    }
}

impl<T, C> Encode<C> for Signed<T> {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(2)?.bytes(&self.body)?.bytes(&self.signature.0)?.ok()
    }
}

impl<'b, T, C> Decode<'b, C> for Signed<T> {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        if d.array()? != Some(2) {
            return Err(DecodeError::message("signed object: not two parts"));
        }
        let body = ByteVec::decode(d, ctx)?.into();
        let signature = Signature::decode(d, ctx)?;
        Ok(Self { body, signature, content: PhantomData })
    }
}
