//! Packing a chapter: on this disk, and for the relay.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::envelope::{Chunk, Kind};
use mainstay_protocol::limits::{MAX_CHUNKS, MAX_PAYLOAD_BYTES};

use super::Replica;
use super::contents::listed;
use super::docs::{entry_key, month_key, packed_key};
use super::outbox::Draft;
use super::records::{Catalog, DocRecord, Pending, Slot};
use crate::chapter::{
    Bundle, BundledDoc, Page, Payload, QUIET_MS, SlotCondition, SlotName, is_due,
};
use crate::document::{Heads, Row};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::Table;
use crate::journal::Month;

/// Bytes of a snapshot in one envelope: the payload's limit less its frame.
const PART_BYTES: usize = MAX_PAYLOAD_BYTES - 256;

/// What goes with a snapshot's last part.
struct Carried {
    /// What its documents are; nothing for rows, which can be made again.
    documents: Option<Vec<u8>>,
    entries: Vec<Pending>,
    plan: Option<Heads>,
    /// How many entries it holds, if the relay lost them.
    refills: u64,
}

impl Replica {
    /// Packs the slots that are due, up to a bound. Returns the bytes sealed.
    pub(super) fn pack_due(&mut self, now_ms: i64, bound: usize) -> Result<usize, EngineError> {
        let mut sealed = 0;
        for name in self.loose_slots()? {
            if sealed >= bound {
                break;
            }
            let tx = self.tx();
            let slot = self.slot(&tx, name)?;
            let condition = SlotCondition {
                loose: slot.loose(),
                changed_ms: slot.changed_ms,
                ends_ms: crate::chapter::month_of(&name)
                    .map(|month| month.bounds().1.as_millisecond()),
            };
            if !slot.must_pack && !is_due(&name, &condition, now_ms) {
                continue;
            }
            sealed += match name {
                SlotName::Plan => self.pack_plan(now_ms)?,
                SlotName::Chapter(month) if self.may_pack(&tx, Month::from_index(month))? => {
                    self.pack_chapter(Month::from_index(month), now_ms)?
                }
                _ => 0,
            };
        }
        Ok(sealed)
    }

    /// What counts as sent although none of it had waited: the relay had lost it.
    fn refills(&self, held: usize) -> u64 {
        match self.relay.as_ref().is_some_and(|relay| relay.intact) {
            true => 0,
            false => held as u64,
        }
    }

    /// Slots that a snapshot does not cover wholly.
    pub(super) fn loose_slots(&self) -> Result<Vec<SlotName>, EngineError> {
        let mut names = Vec::new();
        self.tx().scan(&self.vault.table(Table::Loose), &mut |_, bytes| {
            names.push(codec::decode::<SlotName>(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        // Newest first: what a new phone asks for first.
        names.sort();
        names.reverse();
        Ok(names)
    }

    /// Whether everything that is known of a chapter is here, so that a bundle would lack nothing.
    pub(super) fn may_pack(&mut self, tx: &Tx, month: Month) -> Result<bool, EngineError> {
        let mut waits = self.restoring.is_some()
            || self.is_held(tx, month)?
            || !self.bare_rows(tx, month)?.is_empty()
            || self.has_stashed(tx, Some(month))?;
        let id = self.slot_id(SlotName::Chapter(month.index()));
        tx.scan(&self.vault.key(Table::Wanted, &[id.as_bytes()]), &mut |_, _| {
            waits = true;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(!waits)
    }

    /// Rows that came with a page, and whose documents are not here.
    pub(super) fn bare_rows(&mut self, tx: &Tx, month: Month) -> Result<Vec<Row>, EngineError> {
        if !self.catalog.get(&month).is_some_and(Catalog::is_only_page) {
            return Ok(Vec::new());
        }
        let loose = self.loose_docs(tx, month)?;
        let rows = self.page(tx, month)?.iter();
        Ok(rows.filter(|row| !loose.contains_key(&row.id)).cloned().collect())
    }

    /// Packs the chapters that are over, on this disk alone: what no relay has seen yet, because
    /// there is none or because it was imported, takes four times the room as loose documents.
    pub(super) fn tidy(&mut self, now_ms: i64) -> Result<(), EngineError> {
        let quiet =
            |month: &Month| month.bounds().1.as_millisecond().saturating_add(QUIET_MS) < now_ms;
        let loose = self.catalog.iter().filter(|(_, catalog)| catalog.loose);
        let due: Vec<Month> = loose.map(|(month, _)| *month).filter(quiet).collect();
        for month in due {
            self.pack_here(month)?;
        }
        Ok(())
    }

    /// Packs a chapter on this disk, unless an envelope holds one of its loose documents: which
    /// ones a snapshot covers is known of loose documents only, and the next sync packs them.
    fn pack_here(&mut self, month: Month) -> Result<(), EngineError> {
        let mut tx = self.tx();
        if !self.may_pack(&tx, month)? || self.any_sent(&tx, month)? {
            return Ok(());
        }
        let (bundle, rows) = self.gather(&tx, month)?;
        self.put_packed(&mut tx, month, Some(bundle), Some(rows))?;
        self.drop_loose(&mut tx, month)?;
        tx.commit_lazily(&mut *self.rng)
    }

    /// Whether an envelope holds changes of one of a chapter's loose documents.
    fn any_sent(&self, tx: &Tx, month: Month) -> Result<bool, EngineError> {
        let mut sent = false;
        tx.scan(&month_key(&self.vault, Table::Doc, month), &mut |_, bytes| {
            sent = !codec::decode::<DocRecord>(&bytes)?.from.is_empty();
            Ok(if sent { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(sent)
    }

    /// Packs a chapter here, and seals its bundle and its page. What waited in it goes along.
    pub(super) fn pack_chapter(&mut self, month: Month, now_ms: i64) -> Result<usize, EngineError> {
        let mut tx = self.tx();
        // Without anything loose, what lies packed here is what the snapshot holds.
        let loose = self.catalog.get(&month).is_none_or(|c| c.loose || c.bundle.is_none());
        let (bundle, rows) = self.gather(&tx, month)?;
        let entries = self.pending_in(&tx, month)?;
        for entry in &entries {
            let id = crate::journal::EntryId::from_bytes(entry.entry);
            tx.delete(&entry_key(&self.vault, Table::Pending, &id))?;
        }
        let mut chapter = self.slot(&tx, SlotName::Chapter(month.index()))?;
        let mut page = self.slot(&tx, SlotName::Page(month.index()))?;
        chapter.news |= !entries.is_empty();
        page.destroy = chapter.destroy;
        let refills = self.refills(bundle.docs.len());
        let documents = Some(listed(&bundle, &rows));
        let carried = Carried { documents, entries, plan: None, refills };
        let (bundle, rows) = (bundle.to_bytes(), Page::new(rows).to_bytes());
        let mut sealed = self.seal_snapshot(&mut tx, &mut chapter, &bundle, carried, now_ms)?;
        let carried = Carried { documents: None, entries: Vec::new(), plan: None, refills: 0 };
        sealed += self.seal_snapshot(&mut tx, &mut page, &rows, carried, now_ms)?;
        if loose {
            self.put_packed_bytes(&mut tx, month, Some(&bundle), Some(&rows))?;
            self.drop_loose(&mut tx, month)?;
        }
        self.seal_lazily(tx)?;
        Ok(sealed)
    }

    fn pack_plan(&mut self, now_ms: i64) -> Result<usize, EngineError> {
        let mut tx = self.tx();
        let mut slot = self.slot(&tx, SlotName::Plan)?;
        let plan = self.plan_pending(&tx)?;
        slot.news |= plan.is_some();
        self.clear_plan_pending(&mut tx)?;
        let documents = Some(self.plan_listed());
        let carried = Carried { documents, entries: Vec::new(), plan, refills: self.refills(1) };
        let saved = self.plan.save();
        let sealed = self.seal_snapshot(&mut tx, &mut slot, &saved, carried, now_ms)?;
        self.seal_lazily(tx)?;
        Ok(sealed)
    }

    fn seal_snapshot(
        &mut self,
        tx: &mut Tx,
        slot: &mut Slot,
        bytes: &[u8],
        carried: Carried,
        now_ms: i64,
    ) -> Result<usize, EngineError> {
        self.drop_strangers(slot);
        let covers = slot.covers();
        let (destroys, news, forgets) = (slot.destroy, slot.news, slot.forgets);
        let count = bytes.len().div_ceil(PART_BYTES).max(1) as u32;
        if count > MAX_CHUNKS {
            return Err(EngineError::damaged("a chapter is larger than a snapshot may be"));
        }
        let space_key = self.keyring.space_key();
        let contents = carried.documents.as_deref();
        let contents = contents.map(|documents| space_key.contents(&slot.id, &covers, documents));
        let mut carried = Some(carried);
        let mut sealed = 0;
        for index in 0..count {
            let from = index as usize * PART_BYTES;
            let part = bytes[from..bytes.len().min(from + PART_BYTES)].to_vec();
            let chunk = Chunk { index, count };
            let last = chunk.is_last().then(|| carried.take()).flatten();
            let (entries, plan, refills) =
                last.map_or((Vec::new(), None, 0), |c| (c.entries, c.plan, c.refills));
            let payload = Payload::Part { slot: slot.name, bytes: part.into() };
            let covers = covers.clone();
            let kind = Kind::Snapshot;
            let draft = Draft {
                kind,
                chunk,
                covers,
                destroys,
                news,
                forgets,
                contents,
                refills,
                payload,
                entries,
                plan,
            };
            sealed += self.seal_one(tx, slot, draft)?;
        }
        (slot.must_pack, slot.destroy, slot.news, slot.forgets) = (false, false, false, 0);
        slot.changed_ms = now_ms;
        self.put_slot(tx, slot)?;
        Ok(sealed)
    }

    /// Lets go of chains of devices that are not on the list, as a recovery has voided their
    /// admission: they count for nobody, and nobody takes a snapshot that names them.
    fn drop_strangers(&mut self, slot: &mut Slot) {
        let members = &self.roster.state().members;
        let mut strangers: Vec<_> = slot.chains.iter().map(|chain| chain.author).collect();
        strangers.retain(|author| !members.contains_key(author));
        for author in strangers {
            self.take_head_back(slot, &author, None);
        }
    }

    /// A chapter's documents and rows, loose ones over packed ones.
    pub(super) fn gather(
        &mut self,
        tx: &Tx,
        month: Month,
    ) -> Result<(Bundle, Vec<Row>), EngineError> {
        let rows = self.rows(tx, month)?;
        let loose = self.loose_docs(tx, month)?;
        let packed = self.bundle(tx, month)?.cloned().unwrap_or_default();
        let mut docs: BTreeMap<[u8; 16], BundledDoc> =
            packed.docs.into_iter().map(|doc| (doc.entry, doc)).collect();
        docs.extend(
            loose.into_values().map(|record| {
                (record.entry, BundledDoc { entry: record.entry, saved: record.saved })
            }),
        );
        let forgotten = self.catalog.get(&month).map(|c| c.forgotten.clone()).unwrap_or_default();
        docs.retain(|entry, _| !forgotten.contains(entry));
        Ok((Bundle { docs: docs.into_values().collect(), forgotten }, rows))
    }

    /// Writes a chapter's bundle and page under new generations, and drops the old ones.
    pub(super) fn put_packed(
        &mut self,
        tx: &mut Tx,
        month: Month,
        bundle: Option<Bundle>,
        rows: Option<Vec<Row>>,
    ) -> Result<(), EngineError> {
        let bundle = bundle.map(|bundle| bundle.to_bytes());
        let page = rows.map(|rows| Page::new(rows).to_bytes());
        self.put_packed_bytes(tx, month, bundle.as_deref(), page.as_deref())
    }

    fn put_packed_bytes(
        &mut self,
        tx: &mut Tx,
        month: Month,
        bundle: Option<&[u8]>,
        page: Option<&[u8]>,
    ) -> Result<(), EngineError> {
        let catalog = self.catalog.get(&month);
        let (old_bundle, old_page) = (catalog.and_then(|c| c.bundle), catalog.and_then(|c| c.page));
        if let Some(bytes) = bundle {
            let generation = self.put_generation(tx, Table::Bundle, month, old_bundle, bytes)?;
            self.with_catalog(tx, month, |c| c.bundle = Some(generation))?;
            self.bundle = None;
        }
        if let Some(bytes) = page {
            let generation = self.put_generation(tx, Table::Page, month, old_page, bytes)?;
            self.with_catalog(tx, month, |c| c.page = Some(generation))?;
            self.page = None;
        }
        Ok(())
    }

    /// Writes the generation after `old`, aside, and drops the old one with the transaction.
    fn put_generation(
        &mut self,
        tx: &mut Tx,
        table: Table,
        month: Month,
        old: Option<u32>,
        bytes: &[u8],
    ) -> Result<u32, EngineError> {
        let next = old.map_or(0, |generation| generation.wrapping_add(1));
        tx.put_aside(&packed_key(&self.vault, table, month, next), bytes, &mut *self.rng)?;
        if let Some(old) = old {
            tx.delete(&packed_key(&self.vault, table, month, old))?;
        }
        Ok(next)
    }

    /// Drops a chapter's loose documents and rows: the bundle and the page hold them.
    fn drop_loose(&mut self, tx: &mut Tx, month: Month) -> Result<(), EngineError> {
        let ids: Vec<_> = self.loose_docs(tx, month)?.into_keys().collect();
        for id in ids {
            tx.delete(&entry_key(&self.vault, Table::Doc, &id))?;
            tx.delete(&entry_key(&self.vault, Table::Row, &id))?;
        }
        self.with_catalog(tx, month, |catalog| catalog.loose = false)
    }
}
