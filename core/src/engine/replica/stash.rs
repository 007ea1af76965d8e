//! Changes that came before the document that they belong to.
//!
//! A device can edit an entry that a third one wrote, and its edit can come first: the entry is in a
//! body still to be fetched, or lies further on in the feed. Such changes are kept, durably, until the
//! document is here. As long as any wait, this device states nothing, and packs nothing of their chapter.
//!
//! Where the relay begins anew in between, the document may never come. So they are *let go* then, with the
//! places of their chains: they hold up nothing more, and join the document should somebody bring it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use mainstay_protocol::codec;
use minicbor::bytes::ByteVec;

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
    /// Whether changes wait that a head says to have come: of one chapter, or any.
    pub(super) fn has_stashed(&self, tx: &Tx, month: Option<Month>) -> Result<bool, EngineError> {
        let mut found = false;
        tx.scan(&self.stashed_in(month), &mut |_, bytes| {
            found = !codec::decode::<Stashed>(&bytes)?.changes.is_empty();
            Ok(if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(found)
    }

    /// Keeps changes until their document comes.
    pub(super) fn stash(&self, tx: &mut Tx, change: &EntryChange) -> Result<(), EngineError> {
        let key = entry_key(&self.vault, Table::Stash, &change.id());
        let none = Stashed { entry: change.entry, changes: Vec::new(), let_go: Vec::new() };
        let mut stashed = tx.get::<Stashed>(&key)?.unwrap_or(none);
        stashed.let_go.retain(|changes| *changes != change.changes);
        if !stashed.changes.contains(&change.changes) {
            stashed.changes.push(change.changes.clone());
        }
        tx.put(&key, &stashed)
    }

    /// Lets go of all that waits. Gives the chapters that it is of: the places of the others' chains there
    /// are to be let go as well.
    pub(super) fn let_stashed_go(&self, tx: &mut Tx) -> Result<BTreeSet<Month>, EngineError> {
        let mut all = Vec::new();
        tx.scan(&self.stashed_in(None), &mut |_, bytes| {
            all.push(codec::decode::<Stashed>(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        all.retain(|stashed| !stashed.changes.is_empty());
        let mut months = BTreeSet::new();
        for mut stashed in all {
            let id = EntryId::from_bytes(stashed.entry);
            stashed.let_go.append(&mut stashed.changes);
            tx.put(&entry_key(&self.vault, Table::Stash, &id), &stashed)?;
            months.insert(id.month());
        }
        Ok(months)
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
        let Some(mut stashed) = tx.get::<Stashed>(&key)? else { return Ok(()) };
        if !stashed.let_go.is_empty() {
            let mut whole = doc.clone();
            self.apply_all(&mut whole, stashed.changes.iter().chain(&stashed.let_go));
            if !whole.missing() {
                // The relay has lost them.
                self.mark_again(tx, id, doc.heads())?;
                *doc = whole;
                return tx.delete(&key);
            }
        }
        self.apply_all(doc, stashed.changes.iter());
        if doc.missing() {
            return Ok(());
        }
        stashed.changes.clear();
        match stashed.let_go.is_empty() {
            true => tx.delete(&key),
            false => tx.put(&key, &stashed),
        }
    }

    fn apply_all<'a>(&mut self, doc: &mut EntryDoc, all: impl Iterator<Item = &'a ByteVec>) {
        for changes in all {
            if doc.apply(changes).is_err() {
                self.alarm(Alarm::Unreadable);
            }
        }
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
            let had = doc.heads();
            self.take_stashed(tx, &id, &mut doc)?;
            // What was let go may wait on: of that no empty document is made.
            if !doc.missing() && doc.heads() != had {
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
