//! Taking over a snapshot that another device made.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use mainstay_protocol::codec;

use super::crossed::is_covered;
use super::records::{Slot, Wanted};
use super::{Alarm, Replica};
use crate::chapter::{Bundle, BundledDoc, Page, SlotName};
use crate::document::{EntryDoc, PlanDoc, Row};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::Table;
use crate::journal::{EntryId, Month};

impl Replica {
    /// Adopts the wanted snapshots of a slot whose parts are all here.
    pub(super) fn adopt_ready(&mut self, tx: &mut Tx, slot: &mut Slot) -> Result<(), EngineError> {
        let mut all = Vec::new();
        tx.scan(&self.vault.key(Table::Wanted, &[slot.id.as_bytes()]), &mut |_, bytes| {
            all.push(codec::decode::<Wanted>(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        // In the order of the feed: a snapshot that forgets comes after those that it replaces.
        all.sort_by_key(|wanted| wanted.numbers.first().copied());
        for wanted in all {
            let Some(bytes) = self.take_parts(&wanted) else {
                if wanted.replaced {
                    break;
                }
                continue;
            };
            self.adopt(tx, slot, &wanted, &bytes)?;
            tx.delete(&self.wanted_key(&wanted))?;
        }
        Ok(())
    }

    /// Adopts whatever became complete; called after bodies were fetched.
    pub(super) fn adopt_fetched(&mut self) -> Result<(), EngineError> {
        if !self.intake.has_parts() {
            return Ok(());
        }
        let names: BTreeSet<_> = self.wanted()?.iter().map(|wanted| wanted.slot).collect();
        for id in names {
            let Some(name) = self.slot_name(&id) else { continue };
            let mut tx = self.tx();
            let mut slot = self.slot(&tx, name)?;
            self.adopt_ready(&mut tx, &mut slot)?;
            self.put_slot(&mut tx, &slot)?;
            self.put_tally(&mut tx)?;
            tx.commit_lazily(&mut *self.rng)?;
        }
        Ok(())
    }

    fn adopt(
        &mut self,
        tx: &mut Tx,
        slot: &mut Slot,
        wanted: &Wanted,
        bytes: &[u8],
    ) -> Result<(), EngineError> {
        let adopted = match slot.name {
            SlotName::Plan => self.adopt_plan(tx, bytes)?,
            SlotName::Chapter(month) => match Bundle::from_bytes(bytes) {
                Ok(bundle) => {
                    self.adopt_bundle(tx, slot, Month::from_index(month), bundle, wanted)?
                }
                Err(_) => false,
            },
            SlotName::Page(month) => match Page::from_bytes(bytes) {
                Ok(page) => self.adopt_page(tx, Month::from_index(month), page)?,
                // A page is made again from the documents; one of a newer version is left alone.
                Err(_) => true,
            },
            // A private space has none.
            SlotName::Record(_) => false,
        };
        if !adopted {
            self.alarm(Alarm::Unreadable);
            return Ok(());
        }
        for cover in &wanted.covers {
            self.follow(slot, cover);
            slot.cover(&cover.author, cover.head.seq);
        }
        slot.cover(&wanted.author, wanted.seq);
        self.revision += 1;
        Ok(())
    }

    fn adopt_plan(&mut self, tx: &mut Tx, bytes: &[u8]) -> Result<bool, EngineError> {
        let Ok(other) = PlanDoc::load(bytes) else { return Ok(false) };
        // What is here and not in it goes to them again. It may be in an envelope that the snapshot does not
        // cover, and goes twice then.
        let lacks = !other.has_all(&self.plan.heads());
        if self.plan.merge(&other).is_err() {
            return Ok(false);
        }
        if lacks {
            self.mark_plan_again(tx, other.heads())?;
        }
        self.put_plan(tx)?;
        Ok(true)
    }

    /// Rows to read until the documents come. A chapter whose documents are here needs none.
    fn adopt_page(&mut self, tx: &mut Tx, month: Month, page: Page) -> Result<bool, EngineError> {
        let here = self.catalog.get(&month).is_some_and(|catalog| catalog.bundle.is_some());
        if here || page.projection != crate::chapter::PROJECTION {
            return Ok(true);
        }
        let mut rows = page.rows;
        rows.retain(|row| row.id.month() == month && !self.is_forgotten(&row.id));
        rows.sort_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        let loose = self.catalog.get(&month).is_some_and(|catalog| catalog.loose);
        self.count_rows(tx, month, &rows)?;
        self.counts.received += rows.len() as u64;
        self.put_packed(tx, month, None, Some(rows))?;
        self.with_catalog(tx, month, |catalog| catalog.loose = loose)?;
        Ok(true)
    }

    /// Counts packed rows that replace what was packed before; loose ones stay counted.
    pub(super) fn count_rows(
        &mut self,
        tx: &mut Tx,
        month: Month,
        rows: &[Row],
    ) -> Result<(), EngineError> {
        let loose = self.loose_docs(tx, month)?;
        let old: Vec<Row> = self.page(tx, month)?.to_vec();
        for row in old.iter().filter(|row| !loose.contains_key(&row.id)) {
            self.note_row(tx, Some(row), None)?;
        }
        for row in rows.iter().filter(|row| !loose.contains_key(&row.id)) {
            self.note_row(tx, None, Some(row))?;
        }
        Ok(())
    }

    fn adopt_bundle(
        &mut self,
        tx: &mut Tx,
        slot: &mut Slot,
        month: Month,
        bundle: Bundle,
        wanted: &Wanted,
    ) -> Result<bool, EngineError> {
        let strange = |entry: &[u8; 16]| EntryId::from_bytes(*entry).month() != month;
        if bundle.docs.iter().any(|doc| strange(&doc.entry)) || bundle.forgotten.iter().any(strange)
        {
            return Ok(false);
        }
        let behind = self.left_behind(tx, slot, &bundle.forgotten, &wanted.covers)?;
        let held = self.take_forgotten(tx, month, &bundle.forgotten, wanted.roster)?;
        for id in behind.iter().filter(|id| !held.contains(id.as_bytes())) {
            self.met_forgotten(slot, id);
        }
        let old = self.bundle(tx, month)?.cloned().unwrap_or_default();
        let old_rows: BTreeMap<EntryId, Row> =
            self.page(tx, month)?.iter().map(|row| (row.id, row.clone())).collect();
        let mut theirs: BTreeMap<[u8; 16], Vec<u8>> =
            bundle.docs.into_iter().map(|doc| (doc.entry, doc.saved.into())).collect();
        let crosses = self.may_cross(slot, &wanted.author, &wanted.covers);
        let forgotten = theirs.keys().map(|entry| EntryId::from_bytes(*entry));
        for id in forgotten.filter(|id| self.is_forgotten(id)).collect::<Vec<_>>() {
            theirs.remove(id.as_bytes());
            if crosses {
                self.met_forgotten(slot, &id);
            }
        }
        // What was packed here and they do not list, or list without all of it, goes to them again.
        for doc in &old.docs {
            let id = EntryId::from_bytes(doc.entry);
            if self.is_forgotten(&id)
                || theirs.get(&doc.entry).is_some_and(|t| t[..] == doc.saved[..])
            {
                continue;
            }
            let Some(merged) = self.merged(
                tx,
                &id,
                &doc.saved,
                theirs.get(&doc.entry),
                !held.contains(&doc.entry),
            )?
            else {
                return Ok(false);
            };
            theirs.insert(doc.entry, merged.save());
        }
        let loose = self.loose_docs(tx, month)?;
        for (id, record) in &loose {
            let covered = is_covered(record, &wanted.covers) && !held.contains(&record.entry);
            let mine = theirs.get(&record.entry);
            let Some(merged) = self.merged(tx, id, &record.saved, mine, covered)? else {
                return Ok(false);
            };
            self.put_doc(tx, id, &merged, record.from.clone())?;
        }
        let mut rows = Vec::with_capacity(theirs.len());
        for (entry, saved) in &theirs {
            let id = EntryId::from_bytes(*entry);
            let Ok(doc) = EntryDoc::load(saved) else { return Ok(false) };
            let known = old_rows.get(&id).filter(|row| row.heads_digest == doc.heads().digest());
            self.counts.received += u64::from(known.is_none());
            if known.is_none() {
                let origin = (wanted.slot, wanted.author, wanted.seq);
                self.await_receipt(tx, Some(*entry), origin)?;
            }
            rows.push(known.cloned().unwrap_or_else(|| Row::from_doc(id, &doc)));
        }
        self.count_rows(tx, month, &rows)?;
        let docs =
            theirs.into_iter().map(|(entry, saved)| BundledDoc { entry, saved: saved.into() });
        let forgotten = self.catalog.get(&month).map(|c| c.forgotten.clone()).unwrap_or_default();
        let bundle = Bundle { docs: docs.collect(), forgotten };
        self.put_packed(tx, month, Some(bundle), Some(rows))?;
        let loose = !loose.is_empty();
        self.with_catalog(tx, month, |catalog| catalog.loose = loose)?;
        self.unstash(tx, month)?;
        Ok(true)
    }

    /// A document here joined with theirs. What theirs lacks is to be sent again if `resend`.
    fn merged(
        &mut self,
        tx: &mut Tx,
        id: &EntryId,
        ours: &[u8],
        theirs: Option<&Vec<u8>>,
        resend: bool,
    ) -> Result<Option<EntryDoc>, EngineError> {
        let mut doc = EntryDoc::load(ours)?;
        let Some(theirs) = theirs else {
            if resend {
                self.mark_again(tx, id, Default::default())?;
            }
            return Ok(Some(doc));
        };
        let Ok(other) = EntryDoc::load(theirs) else { return Ok(None) };
        if resend && !other.has_all(&doc.heads()) {
            self.mark_again(tx, id, other.heads())?;
        }
        Ok(doc.merge(&other).is_ok().then_some(doc))
    }

    /// The relay was asked for every body that is wanted, and has no more. Those that a later
    /// snapshot replaces are missed by nobody. Tells whether others are missing.
    pub(super) fn drop_replaced(&mut self) -> Result<bool, EngineError> {
        let wanted = self.wanted()?;
        let mut tx = self.tx();
        for wanted in wanted.iter().filter(|wanted| wanted.replaced) {
            tx.delete(&self.wanted_key(wanted))?;
        }
        tx.commit_lazily(&mut *self.rng)?;
        self.adopt_fetched()?;
        Ok(!self.wanted()?.is_empty())
    }
}
