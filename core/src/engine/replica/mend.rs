//! After the store lost a part of what was in it, anywhere: what one row says of others is not believed
//! any more.
//!
//! What can be read stays. Everything else that this device had is on the relay, as far as it was sent:
//! so this device lets go of every place that it had come to, reads the feed from its start, and gives
//! what it holds anew. It goes on under another key, for it cannot know what it had said under this one.

use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::{SlotId, StoreInstance};
use mainstay_protocol::statement::Cursor;

use super::members::Job;
use super::records::{Partial, Slot};
use super::{Replica, SlotName};
use crate::engine::error::EngineError;
use crate::engine::vault::Table;
use crate::journal::EntryId;

impl Replica {
    /// Lets go of all that rests on rows which may be missing. Durable on return; done again, it does no
    /// harm. To be called before anything else is done with a replica whose store lost something.
    ///
    /// # Errors
    /// [`EngineError::Damaged`] where what is left cannot be read; [`EngineError::Store`].
    pub fn mend(&mut self) -> Result<(), EngineError> {
        self.replace_outbox()?;
        self.forget_receipts()?;
        let mut tx = self.tx();
        self.lose_wanted(&mut tx)?;
        tx.commit(&mut *self.rng)?;
        self.lose_places()?;
        self.count_anew()?;
        // Rows are made of documents again, and months counted.
        self.verify()?;
        self.lose_places_of_shares()?;
        self.ask(Job::Rekey);
        self.flush()
    }

    fn lose_places(&mut self) -> Result<(), EngineError> {
        let mut slots: Vec<Slot> = Vec::new();
        let mut partial: Vec<(SlotId, mainstay_protocol::ids::AuthorId)> = Vec::new();
        let mut tx = self.tx();
        tx.scan(&self.vault.table(Table::Slot), &mut |_, bytes| {
            slots.push(codec::decode(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        tx.scan(&self.vault.table(Table::Partial), &mut |_, bytes| {
            let Partial { slot, author, .. } = codec::decode(&bytes)?;
            partial.push((slot, author));
            Ok(ControlFlow::Continue(()))
        })?;
        for (slot, author) in partial {
            let parts: [&[u8]; 2] = [slot.as_bytes(), author.as_bytes()];
            tx.delete(&self.vault.key(Table::Partial, &parts))?;
        }
        for slot in &mut slots {
            slot.chains.clear();
            self.put_slot(&mut tx, slot)?;
        }
        let mut instance = [0; StoreInstance::LEN];
        rand_core::Rng::fill_bytes(&mut *self.rng, &mut instance);
        self.tally.instance = StoreInstance(instance);
        (self.tally.digest, self.tally.owed) = (HeadsDigest::EMPTY, true);
        self.tally.recent.clear();
        self.put_tally(&mut tx)?;
        if let Some(relay) = &mut self.relay {
            relay.cursor = relay.cursor.map(|at| Cursor::start(at.incarnation));
            (relay.witness, relay.intact, relay.receipts) = (None, false, 0);
            (relay.differs, relay.behind_ms) = (None, None);
        }
        self.put_relay(&mut tx)?;
        tx.commit(&mut *self.rng)
    }

    /// Months of which documents are here are listed, and given to the relay with all they hold.
    fn count_anew(&mut self) -> Result<(), EngineError> {
        let mut tx = self.tx();
        let mut found = Vec::new();
        tx.scan(&self.vault.table(Table::Doc), &mut |_, bytes| {
            let record: super::records::DocRecord = codec::decode(&bytes)?;
            found.push(EntryId::from_bytes(record.entry));
            Ok(ControlFlow::Continue(()))
        })?;
        for id in found {
            if !self.catalog.contains_key(&id.month()) {
                self.with_catalog(&mut tx, id.month(), |_| ())?;
            }
        }
        let months = self.chapters();
        let names = months.iter().map(|month| SlotName::Chapter(month.index()));
        for name in names.chain([SlotName::Plan]) {
            let mut slot = self.slot(&tx, name)?;
            (slot.must_pack, slot.news) = (true, true);
            self.put_slot(&mut tx, &slot)?;
        }
        tx.commit(&mut *self.rng)
    }
}
