//! Forgetting an entry for ever.

use mainstay_protocol::hash::Hash;

use super::Replica;
use super::docs::entry_key;
use crate::chapter::{Bundle, SlotName};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::Table;
use crate::journal::EntryId;

impl Replica {
    /// Takes an entry out of this store and remembers that it was forgotten, and under which list of
    /// devices. With `tell_ms`, the present time, the chapter is to be packed anew without it, and what
    /// that replaces is to be destroyed.
    pub(super) fn forget_here(
        &mut self,
        tx: &mut Tx,
        id: &EntryId,
        under: Hash,
        tell_ms: Option<i64>,
    ) -> Result<(), EngineError> {
        if self.is_forgotten(id) {
            return Ok(());
        }
        let row = self.row(tx, id)?;
        self.note_row(tx, row.as_ref(), None)?;
        self.with_catalog(tx, id.month(), |catalog| {
            // The first one's: a recovery may have kept what was forgotten then.
            if catalog.forgotten.is_empty() {
                catalog.forgot_under = Some(under);
            }
            catalog.forgotten.push(*id.as_bytes());
        })?;
        for table in [Table::Doc, Table::Row, Table::Stash] {
            tx.delete(&entry_key(&self.vault, table, id))?;
        }
        tx.delete(&entry_key(&self.vault, Table::Pending, id))?;
        self.drop_packed(tx, id)?;
        let mut slot = self.slot(tx, SlotName::Chapter(id.month().index()))?;
        // Also of an entry that this device never sent: a copy of its store may.
        if let Some(now_ms) = tell_ms {
            (slot.must_pack, slot.destroy, slot.news) = (true, true, true);
            slot.forgets += 1;
            slot.changed_ms = now_ms;
            self.put_slot(tx, &slot)?;
        }
        Ok(())
    }

    /// Takes an entry out of the chapter's bundle and page on this disk at once: also out of a page
    /// whose bundle has not come yet.
    fn drop_packed(&mut self, tx: &mut Tx, id: &EntryId) -> Result<(), EngineError> {
        let month = id.month();
        let bundle = self.bundle(tx, month)?.filter(|bundle| bundle.find(id).is_some()).cloned();
        let bundle = bundle.map(|mut bundle| {
            bundle.docs.retain(|doc| doc.entry != *id.as_bytes());
            bundle.forgotten.push(*id.as_bytes());
            bundle
        });
        let rows = self.page(tx, month)?;
        let listed = rows.iter().any(|row| row.id == *id);
        let rows: Option<Vec<_>> =
            listed.then(|| rows.iter().filter(|row| row.id != *id).cloned().collect());
        if self.bundle(tx, month)?.is_none() && rows.as_ref().is_some_and(Vec::is_empty) {
            // Nothing is to come any more that this page stood for.
            let forgotten = vec![*id.as_bytes()];
            return self.put_packed(tx, month, Some(Bundle { docs: vec![], forgotten }), rows);
        }
        match bundle.is_some() || rows.is_some() {
            true => self.put_packed(tx, month, bundle, rows),
            false => Ok(()),
        }
    }
}
