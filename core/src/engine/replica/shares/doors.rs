//! Invitations that are open: the owner's, and those that a counsellor has answered. Both sides may
//! be online at different times, so a handshake is kept in the store, and goes on with each sync.

use std::ops::ControlFlow;

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::codec;
use mainstay_protocol::frame::{Reply, Request};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{MailboxId, SpaceId};
use mainstay_protocol::limits::MAX_MAILBOX_LIFE_MS;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::sign::VerifyKey;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::Replica;
use super::book::Entry;
use crate::care::Verified;
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::{Key, Table};
use crate::space::change::Newcomer;
use crate::space::link::{
    ANSWER_PLACE, Code, Inviter, Joiner, LinkError, REVEAL_PLACE, VERDICT_PLACE,
};
use crate::space::member::MemberSecret;

/// An invitation of this device, or one that it has answered. It holds secrets, and is not printed.
#[derive(Clone, Encode, Decode)]
pub(in crate::engine) struct Door {
    #[n(0)]
    pub(in crate::engine) share: SpaceId,
    #[n(1)]
    pub(in crate::engine) mine: bool,
    /// The handshake as it stands; sealed like everything in the store.
    #[n(2)]
    handshake: ByteVec,
    #[n(3)]
    pub(in crate::engine) relay: String,
    /// The other side's name, as this person calls them.
    #[n(4)]
    pub(in crate::engine) peer: String,
    /// A counsellor's secret in this share.
    #[n(5)]
    secret: Option<ByteVec>,
    /// A letter that is to be put at a place, until the relay has it.
    #[n(6)]
    say: Option<(u32, Letter)>,
    /// The mailbox is open.
    #[n(7)]
    opened: bool,
    /// The person has compared the codes.
    #[n(8)]
    confirmed: bool,
    /// Nothing is to come but that the last letter is put.
    #[n(9)]
    over: bool,
    /// For a counsellor: the head of the list that names them.
    #[n(10)]
    pub(in crate::engine) admitted: Option<Hash>,
    /// Where the letters are, and until when (Unix milliseconds).
    #[n(11)]
    mailbox: MailboxId,
    #[n(12)]
    expires_ms: u64,
}

/// How far an invitation has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handshake {
    /// Nobody has answered yet; or this device has, and the other side has not seen it.
    Open,
    /// Both sides have this code: to be compared, and confirmed on the owner's side.
    Compare(Code),
    /// The person has confirmed; the rest is done by the next syncs.
    Confirmed,
}

impl Door {
    fn joiner(&self) -> Result<Joiner, EngineError> {
        Ok(Joiner::from_bytes(&self.handshake)?)
    }

    /// A counsellor's secret in the share.
    pub(super) fn secret(&self) -> Option<MemberSecret> {
        let secret: [u8; 32] = self.secret.as_ref()?[..].try_into().ok()?;
        Some(MemberSecret::from_bytes(zeroize::Zeroizing::new(secret)))
    }

    /// Who invited, once they have said so.
    pub(super) fn inviter_key(&self) -> Result<Option<VerifyKey>, EngineError> {
        Ok(self.joiner()?.inviter().copied())
    }
}

impl Replica {
    /// The owner's half of the handshake. An invitation outlives no change of the owner's keys.
    fn inviter(&self, door: &Door) -> Result<Inviter, EngineError> {
        let book = self.book(&door.share).ok_or(EngineError::NoSuchShare)?;
        let (_, secret) = book.secrets.last().ok_or(EngineError::NoSuchShare)?;
        Ok(Inviter::from_bytes(&door.handshake, &secret.keys().sign)?)
    }

    /// How far an invitation has come.
    pub(super) fn stage(&self, door: &Door) -> Result<Handshake, EngineError> {
        if door.confirmed {
            return Ok(Handshake::Confirmed);
        }
        let code = match door.mine {
            true => self.inviter(door)?.code().map(|(_, code)| code),
            false => door.joiner()?.code(),
        };
        Ok(code.map_or(Handshake::Open, Handshake::Compare))
    }

    /// Whether an invitation of this device's can lead to nothing any more: the owner goes on under
    /// other keys, and whoever answers compares with the former ones.
    pub(super) fn has_lapsed(&self, door: &Door) -> bool {
        let made = door.mine.then(|| self.inviter(door));
        matches!(made, Some(Err(EngineError::Link(LinkError::KeysChanged))))
    }

    fn door_key(&self, share: &SpaceId) -> Key {
        self.vault.key(Table::Door, &[share.as_bytes()])
    }

    /// The invitation to a share that is open on this device.
    pub(in crate::engine) fn door(&self, share: &SpaceId) -> Result<Option<Door>, EngineError> {
        self.tx().get(&self.door_key(share))
    }

    /// All of them.
    pub(in crate::engine) fn doors(&self) -> Result<Vec<Door>, EngineError> {
        let mut doors = Vec::new();
        self.tx().scan(&self.vault.table(Table::Door), &mut |_, bytes| {
            doors.push(codec::decode(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(doors)
    }

    pub(super) fn put_door(&self, tx: &mut Tx, door: &Door) -> Result<(), EngineError> {
        tx.put(&self.door_key(&door.share), door)
    }

    fn keep_door(&mut self, door: &Door) -> Result<(), EngineError> {
        let mut tx = self.tx();
        self.put_door(&mut tx, door)?;
        self.revision += 1;
        tx.commit(&mut *self.rng)
    }

    /// The invitation is over.
    pub(in crate::engine) fn close_door(&mut self, share: &SpaceId) -> Result<(), EngineError> {
        let mut tx = self.tx();
        tx.delete(&self.door_key(share))?;
        self.revision += 1;
        tx.commit(&mut *self.rng)
    }

    /// Opens an invitation to a share of this person's.
    pub(super) fn new_invitation(
        &self,
        share: SpaceId,
        relay: &RelayAddress,
        peer: &str,
        inviter: &Inviter,
    ) -> Door {
        Door {
            share,
            mine: true,
            handshake: inviter.to_bytes().to_vec().into(),
            relay: relay.to_string(),
            peer: peer.to_owned(),
            secret: None,
            say: None,
            opened: false,
            confirmed: false,
            over: false,
            admitted: None,
            mailbox: inviter.invitation().mailbox(),
            expires_ms: inviter.invitation().expires_ms(),
        }
    }

    /// Answers an invitation to somebody else's share. The letter goes with the next sync.
    ///
    /// # Errors
    /// [`EngineError::Link`] for an invitation that has expired, is no share's, or was answered here.
    pub fn answer_invitation(
        &mut self,
        invitation: crate::space::link::Invitation,
        (name, peer): (&str, &str),
        now_ms: i64,
    ) -> Result<SpaceId, EngineError> {
        let (share, relay) = (*invitation.space(), invitation.relay().to_string());
        if self.door(&share)?.is_some() || self.book(&share).is_some() {
            return Err(LinkError::Used.into());
        }
        let secret = MemberSecret::make(&mut *self.rng);
        let keys = secret.keys();
        let now = u64::try_from(now_ms).unwrap_or(0);
        let (joiner, answer) = Joiner::start_share(&mut *self.rng, now, invitation, &keys, name)?;
        let door = Door {
            share,
            mine: false,
            handshake: joiner.to_bytes().to_vec().into(),
            relay,
            peer: peer.to_owned(),
            secret: Some(secret.expose().to_vec().into()),
            say: Some((ANSWER_PLACE, answer)),
            opened: true,
            confirmed: false,
            over: false,
            admitted: None,
            mailbox: joiner.invitation().mailbox(),
            expires_ms: joiner.invitation().expires_ms(),
        };
        self.keep_door(&door)?;
        Ok(share)
    }

    /// What an open invitation asks the relay next: puts what is to be said, and looks for what the
    /// other side said. Empty when it is over.
    pub(in crate::engine) fn door_asks(
        &mut self,
        share: &SpaceId,
        now_ms: i64,
    ) -> Result<Vec<Request>, EngineError> {
        let Some(door) = self.door(share)? else { return Ok(Vec::new()) };
        let (mailbox, expires_ms) = (door.mailbox, door.expires_ms);
        let now = u64::try_from(now_ms).unwrap_or(0);
        let mut asks = Vec::new();
        if door.mine && !door.opened {
            // An invitation that a wrong clock dated far ahead lives as long as the relay lets any.
            let life_ms = expires_ms.saturating_sub(now).min(MAX_MAILBOX_LIFE_MS);
            asks.push(Request::OpenMailbox { space: *share, mailbox, life_ms });
        }
        if let Some((place, letter)) = door.say.clone() {
            asks.push(Request::PutLetter { mailbox, place, letter });
        }
        if !door.over {
            asks.push(Request::Letters { mailbox, after: 0 });
        }
        Ok(asks)
    }

    /// Takes in what the relay answered to [`Replica::door_asks`]. Tells whether there is more to ask
    /// at once.
    pub(in crate::engine) fn door_answers(
        &mut self,
        share: &SpaceId,
        replies: &[Reply],
        now_ms: i64,
    ) -> Result<bool, EngineError> {
        let Some(mut door) = self.door(share)? else { return Ok(false) };
        let done = replies.iter().filter(|reply| matches!(reply, Reply::Done)).count();
        let asked = usize::from(door.mine && !door.opened) + usize::from(door.say.is_some());
        if done < asked {
            return Err(EngineError::BadReply { what: "an answer is missing" });
        }
        door.opened = true;
        door.say = None;
        if door.over {
            self.close_door(share)?;
            return Ok(false);
        }
        let letters = replies.iter().find_map(|reply| match reply {
            Reply::Letters { letters } => Some(&letters[..]),
            _ => None,
        });
        let letters = letters.ok_or(EngineError::BadReply { what: "no letters" })?;
        let now = u64::try_from(now_ms).unwrap_or(0);
        let more = match door.mine {
            true => self.hear_answer(&mut door, letters, now)?,
            false => Self::hear_reveal(&mut door, letters, now)?,
        };
        self.keep_door(&door)?;
        Ok(more)
    }

    fn hear_answer(
        &mut self,
        door: &mut Door,
        letters: &[Letter],
        now: u64,
    ) -> Result<bool, EngineError> {
        let mut inviter = self.inviter(door)?;
        let answer = letters.get(ANSWER_PLACE as usize);
        let (None, Some(answer), false) = (inviter.code(), answer, door.confirmed) else {
            return Ok(false);
        };
        let reveal = inviter.answered(&mut *self.rng, now, answer)?;
        door.say = Some((REVEAL_PLACE, reveal));
        door.handshake = inviter.to_bytes().to_vec().into();
        Ok(true)
    }

    fn hear_reveal(door: &mut Door, letters: &[Letter], now: u64) -> Result<bool, EngineError> {
        let mut joiner = door.joiner()?;
        if let (None, Some(reveal)) = (joiner.code(), letters.get(REVEAL_PLACE as usize)) {
            joiner.revealed(now, reveal)?;
        }
        if let (Some(_), Some(verdict)) = (joiner.code(), letters.get(VERDICT_PLACE as usize)) {
            door.admitted = Some(joiner.verdict(verdict)?);
        }
        door.handshake = joiner.to_bytes().to_vec().into();
        Ok(false)
    }

    /// The person has seen the same code on both screens.
    ///
    /// # Errors
    /// [`EngineError::NoInvitation`] when none is open on this device, [`EngineError::Link`] when nobody
    /// has answered it or it is too late.
    pub fn confirm_share(&mut self, share: &SpaceId, now_ms: i64) -> Result<(), EngineError> {
        let mut door =
            self.door(share)?.filter(|door| door.mine).ok_or(EngineError::NoInvitation)?;
        let mut inviter = self.inviter(&door)?;
        let newcomer = inviter.confirm(u64::try_from(now_ms).unwrap_or(0))?;
        door.confirmed = true;
        door.handshake = inviter.to_bytes().to_vec().into();
        // Known to the person's other devices before the list names them, and named in the consent.
        let mut entry = Entry::default().reader(&newcomer.key.member_id());
        if let Some(mut consent) = self.book(share).and_then(|book| book.consent) {
            consent.number = consent.number.saturating_add(1);
            consent.recipient.verified = Verified::Remotely;
            consent.recipient.key_fingerprint =
                Hash::of("key of a member", &[newcomer.key.as_bytes()]).0;
            entry = entry.consent(&consent.to_bytes()?);
        }
        self.write_book(share, entry, now_ms)?;
        self.keep_door(&door)
    }

    /// The codes differ, or the person has changed their mind: nobody is let in.
    ///
    /// # Errors
    /// [`EngineError::NoInvitation`] when none is open on this device.
    pub fn decline_share(&mut self, share: &SpaceId) -> Result<(), EngineError> {
        let mut door =
            self.door(share)?.filter(|door| door.mine).ok_or(EngineError::NoInvitation)?;
        let mut inviter = self.inviter(&door)?;
        let verdict = inviter.decline(&mut *self.rng);
        match verdict {
            Some(letter) => {
                door.say = Some((VERDICT_PLACE, letter));
                door.over = true;
                door.handshake = inviter.to_bytes().to_vec().into();
                self.keep_door(&door)
            }
            None => self.close_door(share),
        }
    }

    /// The list of members names the newcomer: the letter that says so is to be put.
    pub(in crate::engine) fn tell_admitted(
        &mut self,
        share: &SpaceId,
    ) -> Result<bool, EngineError> {
        let Some(mut door) = self.door(share)?.filter(|door| door.mine && door.confirmed) else {
            return Ok(false);
        };
        let Some(newcomer) = self.confirmed(share)? else { return Ok(false) };
        let entered = self.with_share(share, |_, share| {
            let id = newcomer.key.member_id();
            let named = share.state()?.party(&id).is_some();
            Ok(named.then(|| share.roster.head()))
        })?;
        let (Some(head), false) = (entered, door.over) else { return Ok(door.over) };
        let mut inviter = self.inviter(&door)?;
        let verdict = inviter.admitted(&mut *self.rng, head)?;
        door.say = Some((VERDICT_PLACE, verdict));
        door.over = true;
        door.handshake = inviter.to_bytes().to_vec().into();
        self.keep_door(&door)?;
        Ok(true)
    }

    /// Whoever was confirmed to be let into a share.
    pub(super) fn confirmed(&self, share: &SpaceId) -> Result<Option<Newcomer>, EngineError> {
        let Some(door) = self.door(share)?.filter(|door| door.mine && door.confirmed) else {
            return Ok(None);
        };
        Ok(self.inviter(&door)?.confirmed().cloned())
    }
}
