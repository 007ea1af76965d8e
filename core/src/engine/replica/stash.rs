//! Changes that came before the document that they belong to.
//!
//! A device can edit an entry that a third one wrote, and its edit can come first: the entry is in a
//! body still to be fetched, or lies further on in the feed. Such changes are kept, durably, until the
//! document is here. As long as any wait, this device states nothing.

use std::ops::ControlFlow;

use mainstay_protocol::codec;

use super::docs::{entry_key, month_key};
use super::records::{DocRecord, Stashed};
use super::{Alarm, Replica};
use crate::chapter::EntryChange;
use crate::document::EntryDoc;
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::{Key, Table};
use crate::journal::{EntryId, Month};

impl Replica {
    /// Whether changes wait: of one chapter, or any.
    pub(super) fn has_stashed(&self, tx: &Tx, month: Option<Month>) -> Result<bool, EngineError> {
        let mut found = false;
        tx.scan(&self.stashed_in(month), &mut |_, _| {
            found = true;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Keeps changes until their document comes.
    pub(super) fn stash(&self, tx: &mut Tx, change: &EntryChange) -> Result<(), EngineError> {
        let key = entry_key(&self.vault, Table::Stash, &change.id());
        let none = Stashed { entry: change.entry, changes: Vec::new() };
        let mut stashed = tx.get::<Stashed>(&key)?.unwrap_or(none);
        if !stashed.changes.contains(&change.changes) {
            stashed.changes.push(change.changes.clone());
        }
        tx.put(&key, &stashed)
    }

    /// Adds to a document what waited for it. Nothing waits any more, unless the document still
    /// lacks something.
    pub(super) fn take_stashed(
        &mut self,
        tx: &mut Tx,
        id: &EntryId,
        doc: &mut EntryDoc,
    ) -> Result<(), EngineError> {
        let key = entry_key(&self.vault, Table::Stash, id);
        let Some(stashed) = tx.get::<Stashed>(&key)? else { return Ok(()) };
        for changes in &stashed.changes {
            if doc.apply(changes).is_err() {
                self.alarm(Alarm::Unreadable);
            }
        }
        if !doc.missing() {
            tx.delete(&key)?;
        }
        Ok(())
    }

    /// A chapter's documents have come: what waited for them is added.
    pub(super) fn unstash(&mut self, tx: &mut Tx, month: Month) -> Result<(), EngineError> {
        let mut all = Vec::new();
        tx.scan(&self.stashed_in(Some(month)), &mut |_, bytes| {
            all.push(EntryId::from_bytes(codec::decode::<Stashed>(&bytes)?.entry));
            Ok(ControlFlow::Continue(()))
        })?;
        for id in all {
            let none = (EntryDoc::empty(), DocRecord::none(*id.as_bytes()));
            let (mut doc, record) = self.doc(tx, &id)?.unwrap_or(none);
            self.take_stashed(tx, &id, &mut doc)?;
            if !doc.missing() {
                self.put_doc(tx, &id, &doc, record.from)?;
            }
        }
        Ok(())
    }

    fn stashed_in(&self, month: Option<Month>) -> Key {
        let all = || self.vault.table(Table::Stash);
        month.map_or_else(all, |month| month_key(&self.vault, Table::Stash, month))
    }
}
