//! The side that is in the space already.

use std::fmt;

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::sign::Signed;
use zeroize::Zeroizing;

use super::invitation::{commitment, fingerprint};
use super::letter::{self, Body, Message};
use super::{ANSWER_PLACE, Code, Invitation, LinkError, MAX_LIFE_MS, REVEAL_PLACE, VERDICT_PLACE};
use crate::space::CryptoRng;
use crate::space::change::Newcomer;
use crate::space::epoch::{MAX_DEVICE_NAME_BYTES, NameTooLong};
use crate::space::sign::AuthorKey;

/// Where a new device is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The relay.
    pub relay: RelayAddress,
    /// The space.
    pub space: SpaceId,
}

/// The inviter's side of one handshake.
pub struct Inviter {
    invitation: Invitation,
    author: AuthorKey,
    nonce: Zeroizing<[u8; 32]>,
    stage: Stage,
}

enum Stage {
    Invited,
    Answered { newcomer: Newcomer, code: Code, answer: Hash },
    Confirmed { answer: Hash },
    Over,
}

impl Inviter {
    /// Makes an invitation that is good for `life_ms`. The caller opens the mailbox.
    ///
    /// # Errors
    /// [`LinkError::Life`].
    pub fn start(
        rng: &mut dyn CryptoRng,
        now_ms: u64,
        life_ms: u64,
        place: Place,
        author: &AuthorKey,
    ) -> Result<Self, LinkError> {
        if life_ms == 0 || life_ms > MAX_LIFE_MS {
            return Err(LinkError::Life);
        }
        let (mut secret, mut nonce) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        rng.fill_bytes(&mut *secret);
        rng.fill_bytes(&mut *nonce);
        let invitation = Invitation {
            relay: place.relay,
            space: place.space,
            secret,
            expires_ms: now_ms.saturating_add(life_ms),
            inviter: fingerprint(&author.verify_key()),
            commitment: commitment(&nonce),
        };
        Ok(Self { invitation, author: author.clone(), nonce, stage: Stage::Invited })
    }

    /// What to show.
    pub fn invitation(&self) -> &Invitation {
        &self.invitation
    }

    /// Takes the letter at [`ANSWER_PLACE`] and returns the one for [`REVEAL_PLACE`]. A letter that
    /// is refused changes nothing.
    ///
    /// # Errors
    /// [`LinkError::Expired`], [`LinkError::Used`] for a second answer, [`LinkError::Altered`],
    /// [`LinkError::Newer`] or [`LinkError::Name`].
    pub fn answered(
        &mut self,
        rng: &mut dyn CryptoRng,
        now_ms: u64,
        letter: &Letter,
    ) -> Result<Letter, LinkError> {
        if !matches!(self.stage, Stage::Invited) {
            return Err(LinkError::Used);
        }
        if now_ms > self.invitation.expires_ms {
            return Err(LinkError::Expired);
        }
        let signed = letter::open(&self.invitation, ANSWER_PLACE, letter)?;
        let message = signed.peek().map_err(|_| LinkError::Altered)?;
        let Body::Answer(said) = message.check(&self.invitation)? else {
            return Err(LinkError::Altered);
        };
        signed.verify(&said.key).map_err(|_| LinkError::Altered)?;
        if said.name.len() > MAX_DEVICE_NAME_BYTES {
            return Err(NameTooLong.into());
        }
        let code = Code::of(&self.invitation.to_bytes(), signed.body(), &self.nonce);
        let answer = letter::answer_hash(&signed);
        let newcomer = Newcomer { key: said.key, kem: said.kem, name: said.name };
        self.stage = Stage::Answered { newcomer, code, answer };
        let (key, nonce) = (self.author.verify_key(), *self.nonce);
        Ok(self.say(rng, REVEAL_PLACE, Body::Reveal { key, nonce, answer }))
    }

    /// The device that answered and the code to compare; `None` before it has answered.
    pub fn code(&self) -> Option<(&Newcomer, Code)> {
        match &self.stage {
            Stage::Answered { newcomer, code, .. } => Some((newcomer, *code)),
            _ => None,
        }
    }

    /// The person has seen the same code on both screens: hands out the device to admit, once.
    ///
    /// # Errors
    /// [`LinkError::Expired`], [`LinkError::Used`] when it was handed out before, or
    /// [`LinkError::OutOfOrder`] before there was an answer.
    pub fn confirm(&mut self, now_ms: u64) -> Result<Newcomer, LinkError> {
        let Stage::Answered { newcomer, answer, .. } = &self.stage else {
            return Err(match self.stage {
                Stage::Invited => LinkError::OutOfOrder,
                _ => LinkError::Used,
            });
        };
        if now_ms > self.invitation.expires_ms {
            return Err(LinkError::Expired);
        }
        let (newcomer, answer) = (newcomer.clone(), *answer);
        self.stage = Stage::Confirmed { answer };
        Ok(newcomer)
    }

    /// The relay has appended the admission: the letter for [`VERDICT_PLACE`] that tells the joiner
    /// which roster to expect.
    ///
    /// # Errors
    /// [`LinkError::OutOfOrder`] before [`Self::confirm`].
    pub fn admitted(&mut self, rng: &mut dyn CryptoRng, head: Hash) -> Result<Letter, LinkError> {
        let Stage::Confirmed { answer } = self.stage else { return Err(LinkError::OutOfOrder) };
        self.stage = Stage::Over;
        Ok(self.say(rng, VERDICT_PLACE, Body::Verdict { head: Some(head), answer }))
    }

    /// The person has said no: the letter for [`VERDICT_PLACE`], if somebody waits for one. The
    /// invitation is worth nothing any more.
    pub fn decline(&mut self, rng: &mut dyn CryptoRng) -> Option<Letter> {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let (Stage::Answered { answer, .. } | Stage::Confirmed { answer }) = stage else {
            return None;
        };
        Some(self.say(rng, VERDICT_PLACE, Body::Verdict { head: None, answer }))
    }

    fn say(&self, rng: &mut dyn CryptoRng, place: u32, body: Body) -> Letter {
        let message = Message::new(&self.invitation, body);
        let signed = Signed::seal(&message, |input| self.author.sign(input));
        letter::seal(rng, &self.invitation, place, &signed)
    }
}

impl fmt::Debug for Inviter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inviter([redacted])")
    }
}
