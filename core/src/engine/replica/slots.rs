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
pub(super) const MONTHS: u16 = 230 * 12;
/// January 2026. Months near it are tried first: hardly anything in a journal is older than
/// Mainstay by decades.
const FIRST_TRIED: u16 = 56 * 12;

impl Replica {
    pub(super) fn slot_id(&self, name: SlotName) -> SlotId {
        self.keyring.space_key().slot(name)
    }

    /// What a slot is for; `None` when it is none of this journal's.
    ///
    /// Each name costs a keyed hash, so they are made only until the one that is looked for is
    /// there. A slot that is none of this journal's is the only one that costs them all, once.
    pub(super) fn slot_name(&mut self, id: &SlotId) -> Option<SlotName> {
        if let Some(name) = self.slot_names.get(id) {
            return Some(*name);
        }
        let key = self.keyring.space_key();
        for name in names().skip(self.slot_names.len()) {
            let made = key.slot(name);
            self.slot_names.insert(made, name);
            if made == *id {
                return Some(name);
            }
        }
        None
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
        self.intake.parked.moved(slot.id, *author, head.seq);
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

/// Every name that a slot may have, each once: the plan, then the months by their distance from
/// [`FIRST_TRIED`].
fn names() -> impl Iterator<Item = SlotName> {
    let months = (0..MONTHS).flat_map(|distance| {
        let before = FIRST_TRIED.checked_sub(distance + 1);
        let after = Some(FIRST_TRIED + distance).filter(|month| *month < MONTHS);
        after.into_iter().chain(before)
    });
    let both = |month| [SlotName::Chapter(month), SlotName::Page(month)];
    std::iter::once(SlotName::Plan).chain(months.flat_map(both))
}

/// A page goes with its chapter.
pub(super) fn packed_with(name: SlotName) -> SlotName {
    match name {
        SlotName::Page(month) => SlotName::Chapter(month),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_month_is_looked_for_once_and_those_of_today_come_first() {
        let all: Vec<SlotName> = names().collect();
        let months = (0..MONTHS).flat_map(|m| [SlotName::Chapter(m), SlotName::Page(m)]);
        let expected: BTreeSet<SlotName> = months.chain([SlotName::Plan]).collect();
        assert_eq!(all.len(), expected.len());
        assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), expected);
        let place = |name| all.iter().position(|other| *other == name);
        assert!(place(SlotName::Page(FIRST_TRIED + 11)) < Some(60));
        assert!(place(SlotName::Page(FIRST_TRIED - 11)) < Some(60));
    }
}
