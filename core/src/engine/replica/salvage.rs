//! Rows become documents again, where nobody is known to bring the documents any more.
//!
//! A restore fetches pages first. Where the relay loses the rest before it came, a chapter is here as
//! rows alone: it can be read, but neither changed nor given back, and this phone may hold the only copy
//! of its words. So once a sync has read all that the relay has, documents are made of such rows. Should
//! another device bring the first ones later, both join: see [`Row::derive_doc`].

use std::collections::BTreeMap;

use super::Replica;
use super::records::Catalog;
use crate::chapter::{Bundle, BundledDoc, SlotName};
use crate::document::{Heads, Row};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::journal::{EntryId, Month};

/// After this many documents what was made is sent first: other calls run in between.
const AT_ONCE: usize = 512;

impl Replica {
    /// Makes documents of rows without any. To be called where a sync has read the feed to its end and
    /// has asked for every body: what has not come by then is not on the relay.
    pub(super) fn salvage(&mut self) -> Result<(), EngineError> {
        if self.restoring.is_some() || self.intake.holds_something() {
            return Ok(());
        }
        let months = self.catalog.iter().filter(|(_, catalog)| catalog.is_only_page());
        // Newest first: what a person looks at is whole first.
        let months: Vec<Month> = months.map(|(month, _)| *month).rev().collect();
        let mut made = 0;
        for month in months {
            if made >= AT_ONCE {
                break;
            }
            made += self.salvage_chapter(month)?;
        }
        Ok(())
    }

    /// Gives how many documents were made.
    fn salvage_chapter(&mut self, month: Month) -> Result<usize, EngineError> {
        let mut tx = self.tx();
        if self.is_announced(&tx, month)? || self.is_held(&tx, month)? {
            return Ok(0);
        }
        let bare = self.bare_rows(&tx, month)?;
        let mut rows: BTreeMap<EntryId, Row> =
            self.page(&tx, month)?.iter().map(|row| (row.id, row.clone())).collect();
        let mut docs = Vec::with_capacity(bare.len());
        for row in &bare {
            // What cannot be made stays as it is, and is not said to be anywhere else.
            let Ok(doc) = row.derive_doc() else { return Ok(0) };
            rows.insert(row.id, Row::from_doc(row.id, &doc));
            docs.push(BundledDoc { entry: *row.id.as_bytes(), saved: doc.save().into() });
            self.mark_pending(&mut tx, &row.id, Heads::default())?;
        }
        if docs.is_empty() {
            return Ok(0);
        }
        let made = docs.len();
        let rows: Vec<Row> = rows.into_values().collect();
        let (loose, forgotten) = self
            .catalog
            .get(&month)
            .map_or((false, Vec::new()), |c| (c.loose, c.forgotten.clone()));
        self.count_rows(&mut tx, month, &rows)?;
        self.put_packed(&mut tx, month, Some(Bundle { docs, forgotten }), Some(rows))?;
        self.with_catalog(&mut tx, month, |catalog: &mut Catalog| catalog.loose = loose)?;
        if self.may_pack(&tx, month)? {
            // The relay has lost the page as well, maybe: a snapshot brings both.
            let mut slot = self.slot(&tx, SlotName::Chapter(month.index()))?;
            slot.must_pack = true;
            self.put_slot(&mut tx, &slot)?;
        }
        self.put_tally(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)?;
        Ok(made)
    }

    /// Whether the feed announces a snapshot of a chapter whose body has not come.
    fn is_announced(&self, tx: &Tx, month: Month) -> Result<bool, EngineError> {
        let id = self.slot_id(SlotName::Chapter(month.index()));
        Ok(!self.wanted_in(tx, &id)?.is_empty())
    }
}
