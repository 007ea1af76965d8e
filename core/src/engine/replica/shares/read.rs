//! What an app shows of shares, on either side.

use std::ops::ControlFlow;

use mainstay_protocol::ids::{MemberId, SpaceId};
use mainstay_protocol::roster::{Party, Role};

use super::book::Entry;
use super::info::{Heard, ShareInfo, ShareMember, ShareStage};
use super::register::Register;
use super::side::Side;
use super::{Replica, Share};
use crate::care::{
    Choice, Consent, RecordId, SharedBody, SharedPlan, SharedRecord, Target, project_plan,
};
use crate::engine::error::EngineError;
use crate::journal::EntryId;

/// Where the owner's records are.
pub(super) const OWNER_SIDE: super::register::SideId = [0; 16];

impl Replica {
    /// The shares of this person and of their clients, and invitations that they answered.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn shares(&mut self, now_ms: i64) -> Result<Vec<ShareInfo>, EngineError> {
        self.fold()?;
        let mut infos = Vec::new();
        let books = self.books();
        for (id, book) in &books {
            let mut info = ShareInfo {
                id: *id,
                peer: book.peer.clone(),
                owner: book.role == Role::Owner,
                state: ShareStage::Coming,
                since_ms: book.made_ms,
                members: Vec::new(),
                waiting: 0,
                records: 0,
                left_out: 0,
                delivered: false,
                tells_opened: book.tells_opened,
                synced_ms: None,
            };
            if self.share_view(id)?.is_some() {
                self.with_share(id, |journal, share| journal.tell(share, &mut info, now_ms))?;
            }
            infos.push(info);
        }
        for door in self.doors()?.into_iter().filter(|door| !books.contains_key(&door.share)) {
            infos.push(ShareInfo {
                id: door.share,
                peer: door.peer.clone(),
                owner: false,
                state: ShareStage::Invited(self.stage(&door)?),
                since_ms: 0,
                members: Vec::new(),
                waiting: 0,
                records: 0,
                left_out: 0,
                delivered: false,
                tells_opened: false,
                synced_ms: None,
            });
        }
        Ok(infos)
    }

    fn tell(
        &mut self,
        share: &mut Share,
        info: &mut ShareInfo,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        let now = u64::try_from(now_ms).unwrap_or(0);
        let door = self.door(&share.id)?.filter(|door| door.mine && !self.has_lapsed(door));
        let expired = share.state()?.has_expired(now);
        info.state = if share.book.ended_ms.is_some() || !share.is_in() {
            ShareStage::Ended
        } else if expired {
            ShareStage::Expired
        } else if let Some(door) = door {
            ShareStage::Invited(self.stage(&door)?)
        } else if share.owns() && share.readers().is_empty() {
            ShareStage::Empty
        } else {
            ShareStage::Active
        };
        let opened = self.opened_in(share)?;
        let member = |(id, party): (&MemberId, &Party)| ShareMember {
            id: *id,
            name: share.keyring.member_name(&share.id, party),
            owner: party.role == Role::Owner,
            me: *id == share.me.member,
            opened_ms: opened.get(id).copied(),
        };
        info.members = share.state()?.present().map(member).collect();
        self.each_register(&share.id, &mut |register| {
            info.records += u64::from(stands(&register));
            Ok(ControlFlow::Continue(()))
        })?;
        info.waiting = self.waits_in(share)?;
        info.delivered = self.is_delivered(share, now_ms)?;
        info.left_out = share.left_out;
        info.synced_ms = share.view.relay.synced_ms;
        Ok(())
    }

    /// Records that wait to be sent or looked at, or for the relay's word.
    fn waits_in(&self, share: &Share) -> Result<u64, EngineError> {
        let said = self.to_say(&share.id)?.len() + self.sent(&share.id)?.len();
        let touched = if share.owns() { self.touched(&share.id)?.len() } else { 0 };
        Ok((said + touched) as u64)
    }

    /// Whether every device of the other side that ever stated anything holds all of it, by its own
    /// signed word, and nothing waits.
    pub(super) fn is_delivered(
        &mut self,
        share: &mut Share,
        now_ms: i64,
    ) -> Result<bool, EngineError> {
        let readers = share.readers();
        let state = share.state()?;
        let digest = share.view.tally.digest;
        let holds = |reader: &MemberId| {
            let theirs = share.view.stated.iter().filter(|stated| {
                let of = state.authors.get(&stated.author).map(|known| known.member);
                of == Some(*reader) && state.is_active(&stated.author)
            });
            let mut theirs = theirs.peekable();
            theirs.peek().is_some() && theirs.all(|stated| stated.digest == digest)
        };
        let all = !readers.is_empty() && readers.iter().all(holds);
        Ok(all
            && share.view.relay.intact
            && self.waits_in(share)? == 0
            && Side { journal: self, share }.is_settled(now_ms)?)
    }

    /// Exactly what the other side sees of this journal, as it would be pushed now; by the function
    /// that makes what is pushed.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub fn preview(
        &mut self,
        id: &SpaceId,
        now_ms: i64,
    ) -> Result<(Vec<SharedRecord>, Option<SharedPlan>), EngineError> {
        self.fold()?;
        self.with_share(id, |journal, share| {
            let records = journal.preview_of(share, now_ms)?;
            let consent = share.book.consent.as_ref().filter(|_| share.book.ended_ms.is_none());
            let plan = consent.and_then(|consent| project_plan(&journal.plan(), consent, now_ms));
            Ok((records, plan))
        })
    }

    /// What the person agrees to in a share; none on the other side before the list has come.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub fn consent_of(&mut self, id: &SpaceId) -> Result<Option<Consent>, EngineError> {
        self.with_share(id, |_, share| {
            Ok(if share.owns() { share.book.consent.clone() } else { share.given() })
        })
    }

    /// Changes what the person agrees to. Durable on return, and in the preview at once; it reaches
    /// the other side with the next sync.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareOver`].
    pub fn set_consent(
        &mut self,
        id: &SpaceId,
        consent: &Consent,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        self.open_for_owner(id)?;
        // Numbered here, so that a device whose vault is behind cannot bring an older one back.
        let before = self.book(id).and_then(|book| book.consent);
        let consent = match &before {
            Some(before) => consent.clone().following(before),
            None => consent.clone(),
        };
        self.write_book(id, Entry::default().consent(&consent.to_bytes()?), now_ms)
    }

    /// Shares or hides one entry whatever the consent says of its kind.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareOver`].
    pub fn choose(
        &mut self,
        id: &SpaceId,
        entry: &EntryId,
        choice: Choice,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        self.open_for_owner(id)?;
        let mut tx = self.tx();
        self.touch_one(&mut tx, id, entry)?;
        tx.commit(&mut *self.rng)?;
        self.write_book(id, Entry::default().choice(entry, choice), now_ms)
    }

    /// Ends a share. What was shared is taken back with the next sync; what was read cannot be
    /// unread. On a counsellor's side, leaves it.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub fn end_share(&mut self, id: &SpaceId, now_ms: i64) -> Result<(), EngineError> {
        if self.book(id).is_none() {
            return Err(EngineError::NoSuchShare);
        }
        if self.door(id)?.is_some() {
            self.close_door(id)?;
        }
        let withdrawn = self.book(id).and_then(|book| book.consent);
        let mut entry = Entry::default().ended(now_ms);
        if let Some(consent) = withdrawn {
            entry = entry.consent(&consent.withdrawn(now_ms).to_bytes()?);
        }
        self.write_book(id, entry, now_ms)
    }

    /// Takes one member out of a share; the others read on. With the next sync they read nothing new.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareOver`].
    pub fn take_out(
        &mut self,
        id: &SpaceId,
        member: &MemberId,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        self.open_for_owner(id)?;
        self.write_book(id, Entry::default().out(member), now_ms)
    }

    fn open_for_owner(&mut self, id: &SpaceId) -> Result<(), EngineError> {
        let book = self.book(id).ok_or(EngineError::NoSuchShare)?;
        match book.role == Role::Owner && book.ended_ms.is_none() {
            true => Ok(()),
            false => Err(EngineError::ShareOver),
        }
    }

    /// What stands in a share: the client's entries and plan, and what either side said about them.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`]; [`EngineError::ShareExpired`] for a reader after the consent
    /// has ended.
    pub fn heard(&mut self, id: &SpaceId, now_ms: i64) -> Result<Vec<Heard>, EngineError> {
        self.with_share(id, |journal, share| {
            let now = u64::try_from(now_ms).unwrap_or(0);
            if !share.owns() && share.state()?.has_expired(now) {
                return Err(EngineError::ShareExpired);
            }
            let names = share.names_by_side()?;
            let mut heard = Vec::new();
            journal.each_register(id, &mut |register| {
                let mine = register.side == share.my_side();
                let pending =
                    register.pending.as_ref().map(|bytes| SharedRecord::from_bytes(bytes));
                let record = pending.and_then(Result::ok).or_else(|| register.record());
                // Changes of the plan show in the plan, and what was opened with who opened it.
                let shown = |record: &SharedRecord| {
                    use SharedBody::{Edits, Gone, Opened};
                    !matches!(record.body, Gone | Edits(_) | Opened { .. })
                };
                if let Some(record) = record.filter(shown) {
                    let name = names.get(&register.side).cloned().flatten();
                    heard.push(Heard { mine, name, record });
                }
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(heard)
        })
    }

    /// Says something in a share: a comment, a proposal, a decision. Durable on return.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`]; [`EngineError::ShareOver`] when it has ended;
    /// [`EngineError::NotYours`] for what this side may not say; [`EngineError::Record`] for a text
    /// that is too long.
    pub fn say_in(
        &mut self,
        id: &SpaceId,
        body: SharedBody,
        now_ms: i64,
    ) -> Result<RecordId, EngineError> {
        let record = RecordId::from_bytes(self.bytes16());
        self.with_share(id, |journal, share| {
            if share.book.ended_ms.is_some() || !share.is_in() {
                return Err(EngineError::ShareOver);
            }
            let made = matches!(
                body,
                SharedBody::Entry(_)
                    | SharedBody::Gone
                    | SharedBody::Plan(_)
                    | SharedBody::Edits(_)
                    | SharedBody::Opened { .. }
            );
            if made || !crate::care::may_write(share.me.role, &body) {
                return Err(EngineError::NotYours);
            }
            let bytes = SharedRecord { id: record, counter: 1, body }.to_bytes()?;
            let mut register = Register::new(share.slot_of(&record), share.my_side());
            register.pending = Some(bytes.into());
            let mut tx = journal.tx();
            journal.put_register(&mut tx, id, &register)?;
            journal.revision += 1;
            tx.commit(&mut *journal.rng)
        })?;
        let _ = now_ms;
        Ok(record)
    }

    /// The record that an entry is in a share, for comments about it.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub fn record_of(&mut self, id: &SpaceId, entry: &EntryId) -> Result<RecordId, EngineError> {
        self.with_share(id, |_, share| Ok(share.record_of(entry)))
    }

    /// The entry that a record of this person's share stands for.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub fn entry_of(
        &mut self,
        id: &SpaceId,
        record: &RecordId,
    ) -> Result<Option<EntryId>, EngineError> {
        self.with_share(id, |journal, share| {
            let slot = share.slot_of(record);
            let register = journal.register(&journal.tx(), id, (&OWNER_SIDE, &slot))?;
            Ok(register.and_then(|register| register.entry).map(EntryId::from_bytes))
        })
    }

    /// Whether a target of a comment is there to be commented on.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub fn has_target(&mut self, id: &SpaceId, target: &Target) -> Result<bool, EngineError> {
        let Target::Record(record) = target else { return Ok(true) };
        self.with_share(id, |journal, share| {
            let slot = share.slot_of(record);
            let mut found = false;
            for register in journal.registers(id)? {
                found |= register.slot == slot && stands(&register);
            }
            Ok(found)
        })
    }
}

#[cfg(feature = "test-kit")]
impl Replica {
    /// The list of members of a share, as this device knows it.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub fn share_list(
        &mut self,
        id: &SpaceId,
    ) -> Result<Vec<mainstay_protocol::hash::Hash>, EngineError> {
        self.with_share(id, |_, share| Ok(share.roster.records().map(|(hash, ..)| *hash).collect()))
    }

    /// What a counsellor with a changed app could ask: that this very device be taken out.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub fn retire_this(
        &mut self,
        id: &SpaceId,
    ) -> Result<mainstay_protocol::frame::Request, EngineError> {
        self.with_share(id, |_, share| {
            let author = share.me.author.author_id();
            let keys = &share.me.keys;
            let change = crate::space::change::retire(&share.roster, keys, &author, vec![])?;
            Ok(mainstay_protocol::frame::Request::Append {
                space: *id,
                expected: share.roster.head(),
                record: change.record,
                wraps: vec![],
            })
        })
    }

    /// What a thief with a changed app could ask with this device's keys: that the share go on under
    /// keys that nobody else has.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub fn take_over(
        &mut self,
        id: &SpaceId,
    ) -> Result<mainstay_protocol::frame::Request, EngineError> {
        let new = crate::space::member::MemberSecret::make(&mut *self.rng).keys();
        self.with_share(id, |journal, share| {
            let (at, old) = ((&share.roster, &share.keyring), &share.me.keys);
            let rng = &mut *journal.rng;
            let change = crate::space::change::rekey(rng, at, old, &new, "me", vec![])?;
            Ok(mainstay_protocol::frame::Request::Append {
                space: *id,
                expected: share.roster.head(),
                record: change.record,
                wraps: change.wraps,
            })
        })
    }

    /// Everything in an envelope of a share that this device can open, as the bytes that were sealed.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub fn open_shared(
        &mut self,
        id: &SpaceId,
        envelope: &mainstay_protocol::envelope::Envelope,
    ) -> Result<Option<Vec<u8>>, EngineError> {
        self.with_share(id, |_, share| {
            let epoch = share.keyring.epoch(&envelope.header().epoch);
            let opened = epoch.map(|epoch| crate::space::seal::open(id, envelope, epoch));
            Ok(opened.and_then(Result::ok).map(|plain| plain.to_vec()))
        })
    }
}

fn stands(register: &Register) -> bool {
    let record = register.record();
    let says = |record: SharedRecord| match record.body {
        SharedBody::Gone => false,
        SharedBody::Edits(edits) => !edits.edits.is_empty(),
        SharedBody::Opened { .. } => false,
        _ => true,
    };
    record.is_some_and(says) || register.pending.is_some()
}
