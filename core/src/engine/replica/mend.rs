//! After the store lost a part of what was in it, anywhere: what one row says of others is not believed
//! any more.
//!
//! What can be read stays. Everything else that this device had is on the relay, as far as it was sent:
//! so this device lets go of every place that it had come to, reads the feed from its start, and gives
//! what it holds anew. It goes on under another key, for it cannot know what it had said under this one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::StoreInstance;

use super::docs::packed_key;
use super::members::Job;
use super::records::{DocRecord, Slot};
use super::slots::MONTHS;
use super::{Replica, SlotName};
use crate::chapter::{Bundle, Page};
use crate::document::{EntryDoc, Heads, Row};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::Table;
use crate::journal::{EntryId, Month};

/// How many times a month is packed before one that lost its summary is not found any more.
const FIRST_GENERATIONS: u32 = 32;

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
        for month in self.months_found()? {
            self.mend_month(month)?;
        }
        self.give_all_anew()?;
        self.lose_places_of_shares()?;
        self.ask(Job::Rekey);
        self.flush()
    }

    fn lose_places(&mut self) -> Result<(), EngineError> {
        let mut slots: Vec<Slot> = Vec::new();
        let mut tx = self.tx();
        tx.scan(&self.vault.table(Table::Slot), &mut |_, bytes| {
            slots.push(codec::decode(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
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
            relay.read_anew();
        }
        self.put_relay(&mut tx)?;
        tx.commit(&mut *self.rng)
    }

    /// Every month of which anything is here is listed, and given to the relay with all it holds.
    fn give_all_anew(&mut self) -> Result<(), EngineError> {
        let months = self.chapters();
        let names = months.iter().map(|month| SlotName::Chapter(month.index()));
        let mut tx = self.tx();
        for name in names.chain([SlotName::Plan]) {
            let mut slot = self.slot(&tx, name)?;
            (slot.must_pack, slot.news) = (true, true);
            slot.destroy |= self.has_forgotten(&name);
            self.put_slot(&mut tx, &slot)?;
        }
        tx.commit(&mut *self.rng)
    }

    /// The months that anything here belongs to. Keys say nothing of a month to whoever does not know it,
    /// so what is packed is looked for by name.
    fn months_found(&self) -> Result<BTreeSet<Month>, EngineError> {
        let tx = self.tx();
        let mut months: BTreeSet<Month> = self.catalog.keys().copied().collect();
        tx.scan(&self.vault.table(Table::Doc), &mut |_, bytes| {
            let record: DocRecord = codec::decode(&bytes)?;
            months.insert(EntryId::from_bytes(record.entry).month());
            Ok(ControlFlow::Continue(()))
        })?;
        tx.scan(&self.vault.table(Table::Row), &mut |_, bytes| {
            let row: Row = codec::decode(&bytes)?;
            months.insert(row.id.month());
            Ok(ControlFlow::Continue(()))
        })?;
        for month in (0..MONTHS).map(Month::from_index) {
            if !months.contains(&month)
                && (!self.generations(&tx, Table::Bundle, month)?.is_empty()
                    || !self.generations(&tx, Table::Page, month)?.is_empty())
            {
                months.insert(month);
            }
        }
        Ok(months)
    }

    /// The generations of a packed month that are here: those next to the one that is known, and the
    /// first ones where none is.
    fn generations(
        &self,
        tx: &Tx,
        table: Table,
        month: Month,
    ) -> Result<BTreeSet<u32>, EngineError> {
        let catalog = self.catalog.get(&month);
        let known = catalog.and_then(|c| if table == Table::Bundle { c.bundle } else { c.page });
        let looked_for = match known {
            Some(known) => known.saturating_sub(1)..known.saturating_add(2),
            None => 0..FIRST_GENERATIONS,
        };
        let mut found = BTreeSet::new();
        for generation in looked_for {
            if tx.has(&packed_key(&self.vault, table, month, generation))? {
                found.insert(generation);
            }
        }
        Ok(found)
    }

    /// The newest generation that can be read; the others are dropped.
    fn newest(
        &self,
        tx: &mut Tx,
        (table, month): (Table, Month),
        reads: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<u32>, EngineError> {
        let mut newest = None;
        for generation in self.generations(tx, table, month)?.into_iter().rev() {
            let key = packed_key(&self.vault, table, month, generation);
            let whole = match tx.bytes(&key) {
                Ok(bytes) => bytes.is_some_and(|bytes| reads(&bytes)),
                Err(EngineError::Damaged { .. }) => false,
                Err(error) => return Err(error),
            };
            match newest {
                None if whole => newest = Some(generation),
                _ => tx.delete(&key)?,
            }
        }
        Ok(newest)
    }

    /// What is packed of a month is found again, rows are made of documents, documents of rows that have
    /// lost theirs, and all is counted.
    fn mend_month(&mut self, month: Month) -> Result<(), EngineError> {
        let mut tx = self.tx();
        let bundle = self
            .newest(&mut tx, (Table::Bundle, month), |bytes| Bundle::from_bytes(bytes).is_ok())?;
        let page =
            self.newest(&mut tx, (Table::Page, month), |bytes| Page::from_bytes(bytes).is_ok())?;
        (self.bundle, self.page) = (None, None);
        self.with_catalog(&mut tx, month, |catalog| {
            (catalog.bundle, catalog.page, catalog.loose) = (bundle, page, true);
        })?;
        let forgotten = self.bundle(&tx, month)?.map(|bundle| bundle.forgotten.clone());
        self.with_catalog(&mut tx, month, |catalog| {
            for id in forgotten.unwrap_or_default() {
                if !catalog.forgotten.contains(&id) {
                    catalog.forgotten.push(id);
                }
            }
        })?;
        self.mend_entries(&mut tx, month)?;
        let rows = self.rows(&tx, month)?;
        let deleted = rows.iter().filter(|row| row.deleted_at.is_some()).count() as u64;
        let live = rows.len() as u64 - deleted;
        let whens = rows.iter().filter_map(Row::when);
        let spans: Vec<_> = whens
            .map(|when| (when.earliest().as_millisecond(), when.latest().as_millisecond()))
            .collect();
        self.with_catalog(&mut tx, month, |catalog| {
            (catalog.live, catalog.deleted) = (live, deleted);
            for (from_ms, to_ms) in spans {
                catalog.from_ms = catalog.from_ms.min(from_ms);
                catalog.to_ms = catalog.to_ms.max(to_ms);
            }
        })?;
        tx.commit(&mut *self.rng)
    }

    fn mend_entries(&mut self, tx: &mut Tx, month: Month) -> Result<(), EngineError> {
        let (bundle, rows) = self.gather(tx, month)?;
        let mut rows: BTreeMap<EntryId, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
        for doc in &bundle.docs {
            let id = EntryId::from_bytes(doc.entry);
            let shown = rows.remove(&id);
            // One that cannot be read leaves its row to be shown.
            let Ok(document) = EntryDoc::load(&doc.saved) else { continue };
            if shown != Some(Row::from_doc(id, &document)) {
                self.put_doc(tx, &id, &document, Default::default())?;
            }
        }
        // A restore that goes on has pages before documents: those are still to come.
        let to_come: BTreeSet<EntryId> =
            self.bare_rows(tx, month)?.iter().map(|row| row.id).collect();
        for (id, row) in rows {
            if to_come.contains(&id) || self.is_forgotten(&id) {
                continue;
            }
            if let Ok(document) = row.derive_doc() {
                self.put_doc(tx, &id, &document, Default::default())?;
                self.mark_pending(tx, &id, Heads::default())?;
            }
        }
        Ok(())
    }
}
