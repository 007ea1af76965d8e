//! The side that is in the space already.

use std::fmt;

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::sign::Signed;
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use super::invitation::{InvitationKind, commitment, fingerprint};
use super::letter::{self, Body, Message};
use super::{ANSWER_PLACE, Code, Invitation, LinkError, MAX_LIFE_MS, REVEAL_PLACE, VERDICT_PLACE};
use crate::space::CryptoRng;
use crate::space::change::Newcomer;
use crate::space::epoch::{MAX_DEVICE_NAME_BYTES, NameTooLong};
use crate::space::member::MemberKeys;
use crate::space::sign::AuthorKey;

/// Where a new device, or a new member, is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The relay.
    pub relay: RelayAddress,
    /// The space.
    pub space: SpaceId,
}

/// The inviter's side of one handshake.
pub struct Inviter {
    pub(super) invitation: Invitation,
    pub(super) author: AuthorKey,
    pub(super) nonce: Zeroizing<[u8; 32]>,
    pub(super) stage: Stage,
}

/// How far it has come. Letters that were made are kept as they are, to be sent again unchanged: the
/// mailbox takes one letter for each place.
#[derive(Clone, Encode, Decode)]
pub(super) enum Stage {
    #[n(0)]
    Invited,
    #[n(1)]
    Answered(#[n(0)] Met),
    #[n(2)]
    Confirmed(#[n(0)] Met),
    #[n(3)]
    Over {
        #[n(0)]
        verdict: Option<Letter>,
    },
}

/// Who answered, and what they were told.
#[derive(Clone, Encode, Decode)]
pub(super) struct Met {
    #[n(0)]
    newcomer: Newcomer,
    #[n(1)]
    code: Code,
    #[n(2)]
    answer: Hash,
    #[n(3)]
    reveal: Letter,
}

impl Inviter {
    /// Makes an invitation for a device that is good for `life_ms`. The caller opens the mailbox.
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
        Self::invite(rng, (now_ms, life_ms), (InvitationKind::Device, place), author)
    }

    /// Makes an invitation to a share, on its owner's word. [`Self::confirm`] then gives a *member*,
    /// to be let in with [`crate::space::change::enter`].
    ///
    /// # Errors
    /// [`LinkError::Life`].
    pub fn start_share(
        rng: &mut dyn CryptoRng,
        now_ms: u64,
        life_ms: u64,
        place: Place,
        owner: &MemberKeys,
    ) -> Result<Self, LinkError> {
        Self::invite(rng, (now_ms, life_ms), (InvitationKind::Share, place), &owner.sign)
    }

    fn invite(
        rng: &mut dyn CryptoRng,
        (now_ms, life_ms): (u64, u64),
        (kind, place): (InvitationKind, Place),
        author: &AuthorKey,
    ) -> Result<Self, LinkError> {
        if life_ms == 0 || life_ms > MAX_LIFE_MS {
            return Err(LinkError::Life);
        }
        let (mut secret, mut nonce) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        rng.fill_bytes(&mut *secret);
        rng.fill_bytes(&mut *nonce);
        let invitation = Invitation {
            kind,
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
        let (key, nonce) = (self.author.verify_key(), *self.nonce);
        let reveal = self.say(rng, REVEAL_PLACE, Body::Reveal { key, nonce, answer });
        self.stage = Stage::Answered(Met { newcomer, code, answer, reveal: reveal.clone() });
        Ok(reveal)
    }

    /// The last letter that was made, and its place. Who was interrupted before the relay had taken it
    /// sends it again.
    pub fn last_letter(&self) -> Option<(u32, &Letter)> {
        match &self.stage {
            Stage::Invited => None,
            Stage::Answered(met) | Stage::Confirmed(met) => Some((REVEAL_PLACE, &met.reveal)),
            Stage::Over { verdict } => verdict.as_ref().map(|letter| (VERDICT_PLACE, letter)),
        }
    }

    /// Who answered and the code to compare; `None` before somebody has answered.
    pub fn code(&self) -> Option<(&Newcomer, Code)> {
        match &self.stage {
            Stage::Answered(met) => Some((&met.newcomer, met.code)),
            _ => None,
        }
    }

    /// Whom the person confirmed and nobody was told of yet. An app that was closed in between looks
    /// whether the roster holds them already before it admits them.
    pub fn confirmed(&self) -> Option<&Newcomer> {
        match &self.stage {
            Stage::Confirmed(met) => Some(&met.newcomer),
            _ => None,
        }
    }

    /// Whether nothing can come of it any more.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over { .. })
    }

    /// The person has seen the same code on both screens: hands out whom to admit, once.
    ///
    /// # Errors
    /// [`LinkError::Expired`], [`LinkError::Used`] when it was handed out before, or
    /// [`LinkError::OutOfOrder`] before there was an answer.
    pub fn confirm(&mut self, now_ms: u64) -> Result<Newcomer, LinkError> {
        let Stage::Answered(met) = &self.stage else {
            return Err(match self.stage {
                Stage::Invited => LinkError::OutOfOrder,
                _ => LinkError::Used,
            });
        };
        if now_ms > self.invitation.expires_ms {
            return Err(LinkError::Expired);
        }
        let met = met.clone();
        let newcomer = met.newcomer.clone();
        self.stage = Stage::Confirmed(met);
        Ok(newcomer)
    }

    /// The relay has appended the admission: the letter for [`VERDICT_PLACE`] that tells the joiner
    /// which roster to expect.
    ///
    /// # Errors
    /// [`LinkError::OutOfOrder`] before [`Self::confirm`].
    pub fn admitted(&mut self, rng: &mut dyn CryptoRng, head: Hash) -> Result<Letter, LinkError> {
        let Stage::Confirmed(met) = &self.stage else { return Err(LinkError::OutOfOrder) };
        Ok(self.end(rng, Some(head), met.answer))
    }

    /// The person has said no: the letter for [`VERDICT_PLACE`], if somebody waits for one. The
    /// invitation is worth nothing any more.
    pub fn decline(&mut self, rng: &mut dyn CryptoRng) -> Option<Letter> {
        match &self.stage {
            Stage::Answered(met) | Stage::Confirmed(met) => Some(self.end(rng, None, met.answer)),
            Stage::Invited => {
                self.stage = Stage::Over { verdict: None };
                None
            }
            Stage::Over { .. } => None,
        }
    }

    fn end(&mut self, rng: &mut dyn CryptoRng, head: Option<Hash>, answer: Hash) -> Letter {
        let letter = self.say(rng, VERDICT_PLACE, Body::Verdict { head, answer });
        self.stage = Stage::Over { verdict: Some(letter.clone()) };
        letter
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
