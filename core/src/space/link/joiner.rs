//! The side that wants in.

use mainstay_protocol::hash::Hash;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::sign::{Signed, VerifyKey};

use super::invitation::{commitment, fingerprint};
use super::letter::{self, Answer, Body, Message};
use super::{ANSWER_PLACE, Code, Invitation, LinkError, REVEAL_PLACE, VERDICT_PLACE};
use crate::space::CryptoRng;
use crate::space::device::DeviceKeys;
use crate::space::epoch::{MAX_DEVICE_NAME_BYTES, NameTooLong};

/// The joiner's side of one handshake.
#[derive(Debug)]
pub struct Joiner {
    invitation: Invitation,
    pub(super) answer: Signed<Message>,
    inviter: Option<VerifyKey>,
}

impl Joiner {
    /// Answers an invitation with the letter for [`ANSWER_PLACE`]. When the relay says that this
    /// place is taken, somebody else has answered: [`LinkError::Used`].
    ///
    /// # Errors
    /// [`LinkError::Expired`] or [`LinkError::Name`].
    pub fn start(
        rng: &mut dyn CryptoRng,
        now_ms: u64,
        invitation: Invitation,
        keys: &DeviceKeys,
        name: &str,
    ) -> Result<(Self, Letter), LinkError> {
        if now_ms > invitation.expires_ms {
            return Err(LinkError::Expired);
        }
        if name.len() > MAX_DEVICE_NAME_BYTES {
            return Err(NameTooLong.into());
        }
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let (key, kem) = (keys.author.verify_key(), keys.kem.public().clone());
        let body = Body::Answer(Answer { key, kem, name: name.to_owned(), nonce });
        let message = Message::new(&invitation, body);
        let answer = Signed::seal(&message, |input| keys.author.sign(input));
        let letter = letter::seal(rng, &invitation, ANSWER_PLACE, &answer);
        Ok((Self { invitation, answer, inviter: None }, letter))
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
        self.inviter = Some(key);
        Ok(Code::of(&self.invitation.to_bytes(), self.answer.body(), &nonce))
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

    /// The key of the device that invites, once its letter was read.
    pub fn inviter(&self) -> Option<&VerifyKey> {
        self.inviter.as_ref()
    }
}
