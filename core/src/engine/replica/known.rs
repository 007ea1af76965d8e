//! Places of chains that this device has been at: bodies that were asked for, and the other branch
//! of a chain that two holders of one key have split.

use mainstay_protocol::envelope::Kind;
use mainstay_protocol::heads::{AuthorHead, Head};

use super::Replica;
use super::incoming::{Fate, Verified};
use super::records::Slot;
use crate::chapter::SlotName;
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;

impl Replica {
    /// An item at a place that is taken: the body of a snapshot that was asked for, nothing new, or
    /// the other branch of a chain that two holders of one key have split.
    pub(super) fn known_place(
        &mut self,
        tx: &mut Tx,
        slot: &mut Slot,
        verified: &Verified,
    ) -> Result<Fate, EngineError> {
        let header = &verified.header;
        let mine = header.author == self.me.keys.author.author_id();
        let place = Head { seq: header.seq, hash: verified.hash };
        let head = slot.head(&header.author);
        let other = head.is_some_and(|head| head.seq == place.seq && head.hash != place.hash);
        let strange = mine && !self.saw_own(tx, &header.slot, place)?;
        self.intake.met_own |= mine && (other || strange);
        if header.kind == Kind::Snapshot && verified.whole.is_some() {
            let wanted = self.wanted_in(tx, &header.slot)?;
            if wanted.iter().any(|wanted| wanted.numbers.contains(&verified.number)) {
                self.keep_part(verified);
            }
        }
        // A device that was removed can sign no other branch of its chain any more: of what it shows
        // at known places, only the end that its removal names is anything new.
        let removed = self.roster.state().end_of_chain(&header.author, &header.slot);
        let nothing_new = removed.is_some_and(|end| end != Some(place));
        let unsure = self.relay.as_ref().is_some_and(|relay| !relay.intact);
        match header.kind {
            // Whoever reads the feed anew cannot tell which branch it read before.
            Kind::Change if !nothing_new && (other || unsure) => {
                if let held @ Fate::Held(_) = self.absorb(tx, slot, verified)? {
                    return Ok(held);
                }
            }
            // A snapshot of the other branch may lie at a place that this device was past already, and only
            // what is in it tells. What it forgets is to be heard of, whoever goes under that name.
            Kind::Snapshot
                if !nothing_new
                    && (other
                        || (unsure
                            && (strange
                                || header.destroys
                                || self.has_other_contents(tx, slot.name, header)?))) =>
            {
                self.take_part(tx, verified)?;
                if header.chunk.is_last() {
                    self.whole_snapshot(tx, slot, header)?;
                }
            }
            // What was this device's own chain when it was read before may be its twin's now.
            Kind::Snapshot if unsure => {
                let before = slot.covers();
                // Of a removed device's word, only where this device's twin parted from it, and nothing
                // further on: an older place of a removed device's chain may have been signed anew.
                let former = |cover: &AuthorHead| {
                    let head = slot.head(&cover.author);
                    self.me.former.contains(&cover.author)
                        && head.is_some_and(|head| head.seq == cover.head.seq)
                };
                let counts = |cover: &&AuthorHead| !nothing_new || former(cover);
                let covers: Vec<_> = header.covers.iter().filter(counts).copied().collect();
                covers.iter().for_each(|cover| self.follow(slot, cover));
                let moved = slot.covers() != before && !matches!(slot.name, SlotName::Page(_));
                slot.news |= moved;
                slot.must_pack |= moved;
            }
            _ => {}
        }
        if nothing_new {
            return Ok(Fate::Done);
        }
        if other && !mine {
            // The relay goes on from its branch, and so does everybody; what only the other one
            // brought goes to it with a snapshot.
            self.move_head(slot, &header.author, place);
            if !matches!(slot.name, SlotName::Page(_)) {
                (slot.must_pack, slot.news) = (true, true);
            }
        }
        Ok(Fate::Done)
    }

    /// Takes in the content of a change at a place that is taken, where something of it is missing.
    fn absorb(&mut self, tx: &mut Tx, slot: &mut Slot, v: &Verified) -> Result<Fate, EngineError> {
        let before = self.counts.received;
        // A key that does not come with the present one has never been for this device.
        if let held @ Fate::Held(_) = self.take_change(tx, slot, v)?
            && self.keyring.present(&self.roster).is_err()
        {
            return Ok(held);
        }
        if self.counts.received > before {
            slot.news = true;
        }
        Ok(Fate::Done)
    }

    /// Moves a head to where a snapshot covers it: further on, or on the other branch of a chain
    /// that was split there. This device's own chain stays where it is.
    pub(super) fn follow(&mut self, slot: &mut Slot, cover: &AuthorHead) {
        let head = slot.head(&cover.author);
        let further = head.is_none_or(|head| head.seq < cover.head.seq);
        let split = head.is_some_and(|head| head.seq == cover.head.seq && head != cover.head);
        if further || (split && cover.author != self.me.keys.author.author_id()) {
            self.move_head(slot, &cover.author, cover.head);
        }
    }
}
