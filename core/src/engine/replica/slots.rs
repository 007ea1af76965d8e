//! Where the chains of each slot stand, and the tally over all of them.

use mainstay_protocol::heads::{Head, SlotHead};
use mainstay_protocol::ids::{AuthorId, SlotId};
use mainstay_protocol::limits::MAX_RECEIPT_HEADS;

use super::Replica;
use super::records::Slot;
use crate::chapter::SlotName;
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::Table;

/// Months whose slots a device looks for by name: January 1970 to December 2199.
const MONTHS: u16 = 230 * 12;

impl Replica {
    pub(super) fn slot_id(&self, name: SlotName) -> SlotId {
        self.keyring.space_key().slot(name)
    }

    /// What a slot is for; `None` when it is none of this journal's.
    pub(super) fn slot_name(&mut self, id: &SlotId) -> Option<SlotName> {
        if self.slot_names.is_empty() {
            let key = self.keyring.space_key();
            let names = (0..MONTHS).flat_map(|m| [SlotName::Chapter(m), SlotName::Page(m)]);
            let names = names.chain([SlotName::Plan]);
            self.slot_names = names.map(|name| (key.slot(name), name)).collect();
        }
        self.slot_names.get(id).copied()
    }

    pub(super) fn slot(&self, tx: &Tx, name: SlotName) -> Result<Slot, EngineError> {
        let id = self.slot_id(name);
        let slot = tx.get(&self.vault.key(Table::Slot, &[id.as_bytes()]))?;
        Ok(slot.unwrap_or_else(|| Slot::new(id, name)))
    }

    /// The slot whose packing also packs this one: a page goes with its chapter.
    pub(super) fn packed_with(&self, tx: &Tx, name: SlotName) -> Result<Slot, EngineError> {
        self.slot(tx, packed_with(name))
    }

    /// Writes a slot, and keeps the list of those that a snapshot does not cover.
    pub(super) fn put_slot(&self, tx: &mut Tx, slot: &Slot) -> Result<(), EngineError> {
        tx.put(&self.vault.key(Table::Slot, &[slot.id.as_bytes()]), slot)?;
        let loose = self.vault.key(Table::Loose, &[slot.id.as_bytes()]);
        let page = matches!(slot.name, SlotName::Page(_));
        match slot.must_pack || (slot.loose() > 0 && !page) {
            true => tx.put(&loose, &slot.name),
            false => tx.delete(&loose),
        }
    }

    /// Moves a head, here and in the tally.
    pub(super) fn move_head(&mut self, slot: &mut Slot, author: &AuthorId, head: Head) {
        let before = slot.set(author, head);
        self.tally_head(&slot.id, author, before, Some(head));
    }

    /// Takes an own head back whose envelope never came to count.
    pub(super) fn take_head_back(&mut self, slot: &mut Slot, author: &AuthorId, to: Option<Head>) {
        let before = slot.head(author);
        slot.reset(author, to);
        self.tally_head(&slot.id, author, before, to);
    }

    fn tally_head(
        &mut self,
        slot: &SlotId,
        author: &AuthorId,
        before: Option<Head>,
        after: Option<Head>,
    ) {
        let named = |head| SlotHead { slot: *slot, author: *author, head };
        for head in [before, after].into_iter().flatten() {
            self.tally.digest.toggle(&named(head));
        }
        self.tally.recent.retain(|head| head.slot != *slot || head.author != *author);
        if let Some(head) = after {
            self.tally.recent.insert(0, named(head));
            self.tally.recent.truncate(MAX_RECEIPT_HEADS);
        }
        self.tally.owed = true;
    }
}

/// A page goes with its chapter.
pub(super) fn packed_with(name: SlotName) -> SlotName {
    match name {
        SlotName::Page(month) => SlotName::Chapter(month),
        other => other,
    }
}
