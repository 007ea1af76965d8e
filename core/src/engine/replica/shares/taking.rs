//! Taking in what the relay shows of a share: nothing counts that no member signed, and of nobody
//! more than their part.

use mainstay_protocol::envelope::{Envelope, Kind};
use mainstay_protocol::frame::{Item, ItemBody, Signer};
use mainstay_protocol::heads::Head;
use mainstay_protocol::ids::MemberId;
use mainstay_protocol::roster::Role;
use mainstay_protocol::statement::Cursor;

use super::Alarm;
use super::register::{Register, Said};
use super::side::Side;
use crate::care::{SharedBody, SharedRecord, may_write};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::space::seal;
use crate::sync::Local;

impl Side<'_> {
    pub(super) fn take(
        &mut self,
        items: Vec<Item>,
        cursor: Option<Cursor>,
    ) -> Result<(), EngineError> {
        if self.lacks_key() {
            // They are read once their key is here.
            self.share.passed_over |= !items.is_empty();
            return Ok(());
        }
        let mut tx = self.journal.tx();
        for item in &items {
            self.take_one(&mut tx, item)?;
        }
        // What named an unknown record of the list is read again with the list.
        if let Some(cursor) = cursor.filter(|_| !self.share.stale_roster) {
            let relay = &mut self.share.view.relay;
            relay.cursor = Some(cursor);
            relay.witnessed(cursor);
        }
        self.journal.put_share(&mut tx, self.share)?;
        tx.commit_lazily(&mut *self.journal.rng)?;
        match std::mem::take(&mut self.share.plan_came) {
            true => self.take_edits_back(),
            false => Ok(()),
        }
    }

    fn take_one(&mut self, tx: &mut Tx, item: &Item) -> Result<(), EngineError> {
        let ItemBody::Whole(bytes) = &item.body else { return self.refuse(Alarm::Unreadable) };
        let Ok(envelope) = Envelope::from_bytes(bytes) else { return self.refuse(Alarm::Forged) };
        let Some((member, role)) = self.verified(&envelope) else { return Ok(()) };
        let header = envelope.header();
        if header.kind != Kind::Record {
            return self.refuse(Alarm::Unreadable);
        }
        let id = self.share.id;
        let side = self.share.side_of(&member);
        let found = self.journal.register(tx, &id, (&side, &header.slot))?;
        let mut register = found.unwrap_or_else(|| Register::new(header.slot, side));
        let hash = envelope.hash(&id);
        let known = register.head(&header.author);
        if header.author == self.share.author() && known.is_none_or(|known| known.seq < header.seq)
        {
            // Somebody goes by this device's name: a copy of it, or it was put back.
            self.take_other_name()?;
        } else if known.is_some_and(|known| known.seq >= header.seq) {
            return Ok(());
        }
        let said = self.open(&envelope, role)?;
        let tally = &mut self.share.view.tally;
        for cover in &header.covers {
            register.advance(tally, &cover.author, cover.head);
            register
                .said
                .retain(|said| said.author != cover.author || said.head.seq > cover.head.seq);
        }
        let head = Head { seq: header.seq, hash };
        register.advance(tally, &header.author, head);
        if let Some((record, plain)) = said {
            self.note_edits((side, header.slot), &header.author, &record);
            self.share.plan_came |= matches!(record.body, SharedBody::Plan(_) | SharedBody::Gone);
            register.said.push(Said {
                author: header.author,
                head,
                counter: record.counter,
                record: plain.into(),
            });
            self.share.received += 1;
            self.journal.revision += 1;
            if let (true, Some(entry)) = (self.share.owns(), register.entry) {
                // Another device of this person's may have said something older.
                let entry = crate::journal::EntryId::from_bytes(entry);
                self.journal.touch(tx, &entry)?;
                self.share.due = None;
            }
        }
        self.journal.put_register(tx, &id, &register)
    }

    /// Whose an envelope is. `None` when it does not count.
    fn verified(&mut self, envelope: &Envelope) -> Option<(MemberId, Role)> {
        let header = envelope.header();
        let share = &mut *self.share;
        if !share.roster.accepts_head(&header.roster) {
            share.stale_roster |= share.asked_heads.insert(header.roster);
            return None;
        }
        let state = share.roster.state();
        let key = state.known_key(&Signer::Device(header.author)).copied();
        let signed = key.is_some_and(|key| envelope.verify(&share.id, &key).is_ok());
        if !signed {
            self.journal.share_alarm(Alarm::Forged);
            return None;
        }
        if state.admits_place(&header.author, &header.slot, header.seq) != Some(true) {
            return None;
        }
        let end = state.end_of_chain(&header.author, &header.slot).flatten();
        if end.is_some_and(|end| end.seq == header.seq && end.hash != envelope.hash(&share.id)) {
            return None;
        }
        state.share.as_ref()?.author_of(&header.author)
    }

    /// What a record says, if it was sealed for this member and is its author's to say. Covers of
    /// other people's records are nobody's to make.
    fn open(
        &mut self,
        envelope: &Envelope,
        role: Role,
    ) -> Result<Option<(SharedRecord, Vec<u8>)>, EngineError> {
        let (share, header) = (&*self.share, envelope.header());
        let state = share.roster.state();
        if header.covers.iter().any(|cover| !state.may_cover(&header.author, &cover.author)) {
            return self.refuse(Alarm::Overstepped).map(|()| None);
        }
        // Of an epoch before this member came.
        let Some(epoch) = share.keyring.epoch(&header.epoch) else { return Ok(None) };
        let plain = seal::open(&share.id, envelope, epoch).ok();
        let record =
            plain.and_then(|plain| Some((SharedRecord::from_bytes(&plain).ok()?, plain.to_vec())));
        let Some((record, plain)) = record.filter(|(r, _)| share.slot_of(&r.id) == header.slot)
        else {
            return self.refuse(Alarm::Unreadable).map(|()| None);
        };
        match may_write(role, &record.body) {
            true => Ok(Some((record, plain))),
            false => self.refuse(Alarm::Overstepped).map(|()| None),
        }
    }

    fn refuse(&mut self, alarm: Alarm) -> Result<(), EngineError> {
        self.journal.share_alarm(alarm);
        Ok(())
    }
}
