//! Whether a reader opened what is shared: told only while the person asks for it and the reader has
//! switched it on, both of which either may take back.

use std::collections::BTreeMap;

use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{MemberId, SpaceId};
use mainstay_protocol::roster::Role;
use minicbor::bytes::ByteVec;

use super::book::Entry;
use super::register::{Register, SideId};
use super::side::Side;
use super::{Replica, Share};
use crate::care::{CareLimits, RecordId, SharedBody, SharedRecord};
use crate::engine::error::EngineError;

/// What is told is a whole hour: enough for "they have seen it", and too little to watch somebody's
/// working day. It is also how often it is told at most.
const HOUR_MS: i64 = 3_600_000;

impl Replica {
    /// Switches on or off that this counsellor tells a client when they opened what is shared. It tells
    /// nothing before the client asks for it ([`crate::care::Consent::asks_opened`]). Switched off, what
    /// was told is taken back with the next sync. Durable on return.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`]; [`EngineError::NotYours`] for one's own journal;
    /// [`EngineError::ShareOver`].
    pub fn tell_opened(
        &mut self,
        id: &SpaceId,
        tells: bool,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        self.open_for_reader(id)?;
        self.write_book(id, Entry::default().tells_opened(tells), now_ms)?;
        match self.has_view(id)? {
            true => self.with_side(id, |side| side.settle_opened(now_ms)),
            false => Ok(()),
        }
    }

    /// Tells that this counsellor has opened what is shared, if both sides have switched it on and it was
    /// not told in this hour. Whether it was.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`]; [`EngineError::NotYours`] for one's own journal;
    /// [`EngineError::ShareOver`].
    pub fn note_opened(&mut self, id: &SpaceId, now_ms: i64) -> Result<bool, EngineError> {
        let hour_ms = now_ms.max(0) / HOUR_MS * HOUR_MS;
        if !self.open_for_reader(id)? || !self.has_view(id)? {
            return Ok(false);
        }
        let wanted = self.with_share(id, |journal, share| {
            let may = share.is_in() && share.given().is_some_and(|given| given.asks_opened);
            let told = journal.opened_at(share, &share.me.member)?;
            // One that lies ahead was told by a clock that was wrong.
            Ok(may && told != Some(hour_ms))
        })?;
        if wanted {
            self.say_opened(id, hour_ms)?;
        }
        Ok(wanted)
    }

    /// Whether this counsellor tells.
    fn open_for_reader(&mut self, id: &SpaceId) -> Result<bool, EngineError> {
        let book = self.book(id).ok_or(EngineError::NoSuchShare)?;
        match (book.role, book.ended_ms) {
            (Role::Owner, _) => Err(EngineError::NotYours),
            (_, Some(_)) => Err(EngineError::ShareOver),
            (_, None) => Ok(book.tells_opened),
        }
    }

    fn say_opened(&mut self, id: &SpaceId, at_ms: i64) -> Result<(), EngineError> {
        self.with_share(id, |journal, share| {
            let record = opened_record(&share.me.member);
            let (side, slot) = (share.my_side(), share.slot_of(&record));
            let mut tx = journal.tx();
            let found = journal.register(&tx, id, (&side, &slot))?;
            let mut register = found.unwrap_or_else(|| Register::new(slot, side));
            let body = SharedBody::Opened { on: None, at_ms };
            register.pending = Some(next(&register, record, body)?);
            journal.put_register(&mut tx, id, &register)?;
            journal.revision += 1;
            tx.commit(&mut *journal.rng)
        })
    }

    /// When each reader last told that they had opened what is shared, while the person asks for it.
    pub(super) fn opened_in(&self, share: &Share) -> Result<BTreeMap<MemberId, i64>, EngineError> {
        let agreed = if share.owns() { share.book.consent.clone() } else { share.given() };
        let mut opened = BTreeMap::new();
        if agreed.is_some_and(|agreed| agreed.asks_opened) {
            for reader in share.readers() {
                opened.extend(self.opened_at(share, &reader)?.map(|at_ms| (reader, at_ms)));
            }
        }
        Ok(opened)
    }

    fn opened_at(&self, share: &Share, reader: &MemberId) -> Result<Option<i64>, EngineError> {
        let (side, slot) = (share.side_of(reader), share.slot_of(&opened_record(reader)));
        let register = self.register(&self.tx(), &share.id, (&side, &slot))?;
        Ok(register.and_then(|register| opened_in(&register)))
    }
}

impl Side<'_> {
    /// What this reader's place is to hold, where that is not what it holds: nothing is told that one of
    /// both sides does not want by now, whatever another device of the reader's said meanwhile, and what
    /// was told is taken back.
    fn due_in_place(&self, now_ms: i64) -> Result<Option<Register>, EngineError> {
        let share = &*self.share;
        if share.owns() || !share.is_in() {
            return Ok(None);
        }
        let record = opened_record(&share.me.member);
        let place = (&share.my_side(), &share.slot_of(&record));
        let found = self.journal.register(&self.journal.tx(), &share.id, place)?;
        let Some(mut register) = found else { return Ok(None) };
        let before = register.clone();
        let stands = register.record().and_then(|record| at_of(&record));
        let pending = before.pending.as_ref().and_then(|b| SharedRecord::from_bytes(b).ok());
        let asked = share.given().is_some_and(|given| given.asks_opened);
        if let Some(at_ms) = pending.as_ref().and_then(at_of) {
            let older = stands.is_some_and(|stands| at_ms <= stands && stands <= now_ms);
            if !asked || !share.book.tells_opened || older {
                register.pending = None;
            }
        }
        if !share.book.tells_opened && stands.is_some() && register.pending.is_none() {
            register.pending = Some(next(&register, record, SharedBody::Gone)?);
        }
        Ok((register != before).then_some(register))
    }

    /// Whether "opened" is to be told otherwise than it is.
    pub(super) fn opened_differs(&self, now_ms: i64) -> Result<bool, EngineError> {
        Ok(self.due_in_place(now_ms)?.is_some())
    }

    /// Makes it so, durably, before anything is said.
    pub(super) fn settle_opened(&mut self, now_ms: i64) -> Result<(), EngineError> {
        let Some(register) = self.due_in_place(now_ms)? else { return Ok(()) };
        let mut tx = self.journal.tx();
        self.journal.put_register(&mut tx, &self.share.id, &register)?;
        self.journal.revision += 1;
        tx.commit(&mut *self.journal.rng)
    }
}

impl Share {
    /// The names of all who are or were in it.
    pub(super) fn names_by_side(&self) -> Result<BTreeMap<SideId, Option<String>>, EngineError> {
        let parties = self.state()?.parties.iter();
        let name = |(id, state): (&MemberId, &mainstay_protocol::roster::PartyState)| {
            (self.side_of(id), self.keyring.member_name(&self.id, &state.party))
        };
        Ok(parties.map(name).collect())
    }
}

/// The one record in which a member tells: their devices have it in common.
fn opened_record(member: &MemberId) -> RecordId {
    let name = Hash::of("opened", &[&member.0]).0;
    let (id, _) = name.split_first_chunk().expect("a hash has 32 bytes");
    RecordId::from_bytes(*id)
}

/// What this device says there, or what stands.
fn said(register: &Register) -> Option<SharedRecord> {
    let pending = register.pending.as_ref().and_then(|bytes| SharedRecord::from_bytes(bytes).ok());
    pending.or_else(|| register.record())
}

/// The record that follows it.
fn next(register: &Register, id: RecordId, body: SharedBody) -> Result<ByteVec, EngineError> {
    let counter = said(register).map_or(0, |record| record.counter) + 1;
    let counter = counter.min(CareLimits::COUNTER_MAX);
    Ok(SharedRecord { id, counter, body }.to_bytes()?.into())
}

fn opened_in(register: &Register) -> Option<i64> {
    at_of(&said(register)?)
}

fn at_of(record: &SharedRecord) -> Option<i64> {
    match record.body {
        SharedBody::Opened { at_ms, .. } => Some(at_ms),
        _ => None,
    }
}
