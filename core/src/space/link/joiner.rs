//! The side that wants in.

use std::fmt;

use mainstay_protocol::hash::Hash;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::sign::{Signed, VerifyKey};

use super::invitation::{InvitationKind, commitment, fingerprint};
use super::letter::{self, Answer, Body, Message};
use super::{ANSWER_PLACE, Code, Invitation, LinkError, REVEAL_PLACE, VERDICT_PLACE};
use crate::space::CryptoRng;
use crate::space::change::Newcomer;
use crate::space::device::DeviceKeys;
use crate::space::epoch::{MAX_DEVICE_NAME_BYTES, NameTooLong};
use crate::space::member::MemberKeys;
use crate::space::sign::AuthorKey;

/// The joiner's side of one handshake.
pub struct Joiner {
    pub(super) invitation: Invitation,
    pub(super) answer: Signed<Message>,
    pub(super) letter: Letter,
    pub(super) inviter: Option<VerifyKey>,
    pub(super) code: Option<Code>,
}

impl Joiner {
    /// Answers an invitation to link a device with the letter for [`ANSWER_PLACE`]. When the relay says
    /// that this place is taken, somebody else has answered: [`LinkError::Used`].
    ///
    /// # Errors
    /// [`LinkError::IsShare`], [`LinkError::Expired`] or [`LinkError::Name`].
    pub fn start(
        rng: &mut dyn CryptoRng,
        now_ms: u64,
        invitation: Invitation,
        keys: &DeviceKeys,
        name: &str,
    ) -> Result<(Self, Letter), LinkError> {
        invitation.kind.expect(InvitationKind::Device)?;
        Self::answer(rng, now_ms, invitation, (&keys.author, &Newcomer::own(keys, name)))
    }

    /// Answers an invitation to a share, with the keys that the member is to have there and the name
    /// that the person who shares, and the share's other members, see.
    ///
    /// # Errors
    /// [`LinkError::IsDevice`], [`LinkError::Expired`] or [`LinkError::Name`].
    pub fn start_share(
        rng: &mut dyn CryptoRng,
        now_ms: u64,
        invitation: Invitation,
        keys: &MemberKeys,
        name: &str,
    ) -> Result<(Self, Letter), LinkError> {
        invitation.kind.expect(InvitationKind::Share)?;
        Self::answer(rng, now_ms, invitation, (&keys.sign, &Newcomer::member(keys, name)))
    }

    fn answer(
        rng: &mut dyn CryptoRng,
        now_ms: u64,
        invitation: Invitation,
        (signer, me): (&AuthorKey, &Newcomer),
    ) -> Result<(Self, Letter), LinkError> {
        if now_ms > invitation.expires_ms {
            return Err(LinkError::Expired);
        }
        if me.name.len() > MAX_DEVICE_NAME_BYTES {
            return Err(NameTooLong.into());
        }
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let (key, kem, name) = (me.key, me.kem.clone(), me.name.clone());
        let message = Message::new(&invitation, Body::Answer(Answer { key, kem, name, nonce }));
        let answer = Signed::seal(&message, |input| signer.sign(input));
        let letter = letter::seal(rng, &invitation, ANSWER_PLACE, &answer);
        let (inviter, code) = (None, None);
        Ok((Self { invitation, answer, letter: letter.clone(), inviter, code }, letter))
    }

    /// The answer as it was made. Who was interrupted before the relay had taken it sends it again.
    pub fn letter(&self) -> &Letter {
        &self.letter
    }

    /// The code to show, once the inviter's letter was read.
    pub fn code(&self) -> Option<Code> {
        self.code
    }

    /// The invitation that is being answered.
    pub fn invitation(&self) -> &Invitation {
        &self.invitation
    }

    /// Takes the letter at [`REVEAL_PLACE`] and returns the code to show.
    ///
    /// # Errors
    /// [`LinkError::Expired`], [`LinkError::Used`] when the inviter took another answer,
    /// [`LinkError::Commitment`], [`LinkError::WrongInviter`], [`LinkError::Altered`] or
    /// [`LinkError::Newer`].
    pub fn revealed(&mut self, now_ms: u64, letter: &Letter) -> Result<Code, LinkError> {
        if now_ms > self.invitation.expires_ms {
            return Err(LinkError::Expired);
        }
        let signed = letter::open(&self.invitation, REVEAL_PLACE, letter)?;
        let message = signed.peek().map_err(|_| LinkError::Altered)?;
        let Body::Reveal { key, nonce, answer } = message.check(&self.invitation)? else {
            return Err(LinkError::Altered);
        };
        if fingerprint(&key) != self.invitation.inviter {
            return Err(LinkError::WrongInviter);
        }
        signed.verify(&key).map_err(|_| LinkError::Altered)?;
        if commitment(&nonce) != self.invitation.commitment {
            return Err(LinkError::Commitment);
        }
        if answer != letter::answer_hash(&self.answer) {
            return Err(LinkError::Used);
        }
        let code = Code::of(&self.invitation.to_bytes(), self.answer.body(), &nonce);
        (self.inviter, self.code) = (Some(key), Some(code));
        Ok(code)
    }

    /// Takes the letter at [`VERDICT_PLACE`] and returns the roster head after the admission. The
    /// roster that the relay then shows must contain it, this device, and the inviter
    /// ([`Self::inviter`]).
    ///
    /// # Errors
    /// [`LinkError::Declined`], [`LinkError::OutOfOrder`] before [`Self::revealed`],
    /// [`LinkError::Altered`] or [`LinkError::Newer`].
    pub fn verdict(&self, letter: &Letter) -> Result<Hash, LinkError> {
        let inviter = self.inviter.as_ref().ok_or(LinkError::OutOfOrder)?;
        let signed = letter::open(&self.invitation, VERDICT_PLACE, letter)?;
        let message = signed.verify(inviter).map_err(|_| LinkError::Altered)?;
        match message.check(&self.invitation)? {
            Body::Verdict { answer, .. } if answer != letter::answer_hash(&self.answer) => {
                Err(LinkError::Used)
            }
            Body::Verdict { head, .. } => head.ok_or(LinkError::Declined),
            _ => Err(LinkError::Altered),
        }
    }

    /// The key of whoever invites, once its letter was read.
    pub fn inviter(&self) -> Option<&VerifyKey> {
        self.inviter.as_ref()
    }
}

impl fmt::Debug for Joiner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Joiner([redacted])")
    }
}
