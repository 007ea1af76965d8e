//! What crosses a forgetting on its way: envelopes that bring an entry to the relay again.
//!
//! A snapshot that forgets destroys what its author knew of. Whatever another device had sent by
//! then, or sends before it hears of it, lies on the relay beside it. Each device that meets such an
//! envelope has the chapter packed once more, to destroy it. This comes to rest: what is packed for
//! it holds nothing forgotten, so that nobody who meets it packs again.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use mainstay_protocol::envelope::Header;
use mainstay_protocol::heads::AuthorHead;
use mainstay_protocol::ids::AuthorId;

use super::Replica;
use super::records::{DocRecord, Slot};
use crate::chapter::{Bundle, SlotName};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::journal::{EntryId, Month};

impl Replica {
    /// An envelope on the relay holds a forgotten entry: the next snapshot of its chapter destroys it.
    /// It counts among what a day allows, once in a sync.
    pub(super) fn met_forgotten(&mut self, slot: &mut Slot, id: &EntryId) {
        (slot.must_pack, slot.destroy) = (true, true);
        slot.forgets += u32::from(self.intake.met_forgotten.insert(*id));
    }

    /// Whether the author of a snapshot that lists what is forgotten here may not have known of it. One who
    /// has seen everything that is known here, and lists it all the same, does so because a recovery kept
    /// it. Who has seen what cannot be told where two copies of a phone go by one name: so where no
    /// recovery came after the forgetting, nobody is taken to have meant it.
    pub(super) fn may_cross(&self, slot: &Slot, author: &AuthorId, covers: &[AuthorHead]) -> bool {
        self.has_forgotten(&slot.name)
            && (!self.may_be_kept(&slot.name) || has_more(slot, author, covers))
    }

    /// Whether a recovery came after something in a chapter was forgotten.
    fn may_be_kept(&self, name: &SlotName) -> bool {
        let SlotName::Chapter(month) = *name else { return false };
        let catalog = self.catalog.get(&Month::from_index(month));
        catalog.is_some_and(|c| c.forgot_under.is_none_or(|head| self.recovered_after(&head)))
    }

    /// The same of a snapshot that is announced: one that `waits` may forget something, too.
    pub(super) fn announced_may_cross(&self, slot: &Slot, header: &Header, waits: bool) -> bool {
        (waits || self.has_forgotten(&slot.name)) && has_more(slot, &header.author, &header.covers)
    }

    /// Whether an entry of a chapter was forgotten.
    pub(super) fn has_forgotten(&self, name: &SlotName) -> bool {
        let SlotName::Chapter(month) = *name else { return false };
        let catalog = self.catalog.get(&Month::from_index(month));
        catalog.is_some_and(|catalog| !catalog.forgotten.is_empty())
    }

    /// Which of the entries that a snapshot forgets lie in envelopes that it does not replace.
    pub(super) fn left_behind(
        &mut self,
        tx: &Tx,
        slot: &Slot,
        forgotten: &[[u8; 16]],
        covers: &[AuthorHead],
    ) -> Result<Vec<EntryId>, EngineError> {
        let mut new: Vec<_> = forgotten.iter().map(|id| EntryId::from_bytes(*id)).collect();
        new.retain(|id| !self.is_forgotten(id));
        let Some(month) = new.first().map(EntryId::month) else { return Ok(new) };
        let loose = self.loose_docs(tx, month)?;
        let empty = Bundle::default();
        let beyond = self.is_packed_beyond(slot, covers)?;
        let packed = self.bundle(tx, month)?.unwrap_or(&empty);
        new.retain(|id| {
            (beyond && packed.find(id).is_some())
                || loose.get(id).is_some_and(|record| !is_covered(record, covers))
        });
        Ok(new)
    }

    /// Whether a snapshot of a slot is on the relay, or on its way there, that another one with these
    /// covers does not replace.
    fn is_packed_beyond(&self, slot: &Slot, covers: &[AuthorHead]) -> Result<bool, EngineError> {
        let upto: BTreeMap<_, _> = covers.iter().map(|c| (c.author, c.head.seq)).collect();
        let beyond = |author: &AuthorId, seq: u64| upto.get(author).is_none_or(|upto| *upto < seq);
        if slot.chains.iter().any(|c| c.covered > 0 && beyond(&c.author, c.covered)) {
            return Ok(true);
        }
        let me = self.me.keys.author.author_id();
        let mut found = false;
        self.each_out(&mut |_, out| {
            found = out.snapshot && out.slot == slot.id && beyond(&me, out.seq);
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }
}

/// Whether others' envelopes are known in a slot that a snapshot does not cover.
pub(super) fn has_more(slot: &Slot, author: &AuthorId, covers: &[AuthorHead]) -> bool {
    let covered = |head: &AuthorHead| {
        covers.iter().any(|cover| cover.author == head.author && cover.head.seq >= head.head.seq)
    };
    slot.covers().iter().any(|head| head.author != *author && !covered(head))
}

/// Whether everything that made a loose document is in envelopes which a snapshot covers.
pub(super) fn is_covered(record: &DocRecord, covers: &[AuthorHead]) -> bool {
    let covered = |author: &AuthorId, seq: u64| {
        covers.iter().any(|cover| cover.author == *author && cover.head.seq >= seq)
    };
    record.from.iter().all(|(author, seq)| covered(author, *seq))
}
