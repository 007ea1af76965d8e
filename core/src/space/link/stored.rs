//! The two halves of a handshake as bytes, for a store that seals them: the two people need not be
//! there at the same time, and an app is closed at any moment. What a half may do next is in its
//! bytes, so that an invitation that was used is used after a restart, too.
//!
//! Whoever keeps them does so **before** a letter leaves. An inviter that revealed its nonce and then
//! forgot that it had would take another answer, made by somebody who knows the nonce.

use mainstay_protocol::codec;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::sign::{Signed, VerifyKey};
use minicbor::{Decode, Encode};
use zeroize::{Zeroize, Zeroizing};

use super::invitation::{Wire, fingerprint};
use super::inviter::Stage;
use super::letter::Message;
use super::{Code, Invitation, Inviter, Joiner, LinkError};
use crate::space::sign::AuthorKey;

const VERSION: u8 = 1;

#[derive(Encode, Decode)]
struct StoredInviter {
    #[n(0)]
    version: u8,
    #[n(1)]
    invitation: Wire,
    #[cbor(n(2), with = "minicbor::bytes")]
    nonce: [u8; 32],
    #[n(3)]
    stage: Stage,
}

#[derive(Encode, Decode)]
struct StoredJoiner {
    #[n(0)]
    version: u8,
    #[n(1)]
    invitation: Wire,
    #[n(2)]
    answer: Signed<Message>,
    #[n(3)]
    letter: Letter,
    #[n(4)]
    inviter: Option<VerifyKey>,
    #[n(5)]
    code: Option<Code>,
}

impl Drop for StoredInviter {
    fn drop(&mut self) {
        self.nonce.zeroize();
    }
}

impl Inviter {
    /// This half as bytes. They hold the invitation's secret and the nonce, and not the key that
    /// signs. Store them before the letter of a step leaves.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(codec::encode(&StoredInviter {
            version: VERSION,
            invitation: self.invitation.wire(),
            nonce: *self.nonce,
            stage: self.stage.clone(),
        }))
    }

    /// Reads [`Self::to_bytes`]'s output. `signer` is the key that the invitation was made with: the
    /// device's author key, or the owner's member key of the share.
    ///
    /// # Errors
    /// [`LinkError::Stored`], [`LinkError::Newer`], or [`LinkError::KeysChanged`] for another key.
    pub fn from_bytes(bytes: &[u8], signer: &AuthorKey) -> Result<Self, LinkError> {
        let stored: StoredInviter = codec::decode(bytes).map_err(|_| LinkError::Stored)?;
        check(stored.version)?;
        let invitation = Invitation::from_wire(&stored.invitation).map_err(of_store)?;
        if invitation.inviter != fingerprint(&signer.verify_key()) {
            return Err(LinkError::KeysChanged);
        }
        let (nonce, stage) = (Zeroizing::new(stored.nonce), stored.stage.clone());
        Ok(Self { invitation, author: signer.clone(), nonce, stage })
    }
}

impl Joiner {
    /// This half as bytes. They hold the invitation's secret, and not the joiner's keys. Store them
    /// before the answer leaves.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(codec::encode(&StoredJoiner {
            version: VERSION,
            invitation: self.invitation.wire(),
            answer: self.answer.clone(),
            letter: self.letter.clone(),
            inviter: self.inviter,
            code: self.code,
        }))
    }

    /// Reads [`Self::to_bytes`]'s output.
    ///
    /// # Errors
    /// [`LinkError::Stored`] or [`LinkError::Newer`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        let stored: StoredJoiner = codec::decode(bytes).map_err(|_| LinkError::Stored)?;
        check(stored.version)?;
        let invitation = Invitation::from_wire(&stored.invitation).map_err(of_store)?;
        let StoredJoiner { answer, letter, inviter, code, .. } = stored;
        Ok(Self { invitation, answer, letter, inviter, code })
    }
}

fn check(version: u8) -> Result<(), LinkError> {
    if version == VERSION { Ok(()) } else { Err(LinkError::Newer) }
}

/// What is wrong with an invitation that lies in one's own store nobody mistyped.
fn of_store(error: LinkError) -> LinkError {
    match error {
        LinkError::Damaged => LinkError::Stored,
        other => other,
    }
}
