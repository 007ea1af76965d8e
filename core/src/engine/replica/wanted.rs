//! Snapshots that the feed announces: their parts, and which bodies are still to be fetched.

use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::envelope::Header;
use mainstay_protocol::heads::{AuthorHead, Head};
use mainstay_protocol::ids::SlotId;

use super::crossed::has_more;
use super::incoming::{Verified, follows};
use super::records::{Partial, Slot, Wanted};
use super::{Alarm, Replica};
use crate::chapter::{Payload, SlotName};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::{Key, Table};
use crate::space::seal;

impl Replica {
    /// Notes a part of a snapshot, and its body if it came along.
    pub(super) fn take_part(&mut self, tx: &mut Tx, v: &Verified) -> Result<(), EngineError> {
        let header = &v.header;
        let parts: [&[u8]; 2] = [header.slot.as_bytes(), header.author.as_bytes()];
        let key = self.vault.key(Table::Partial, &parts);
        let known = tx.get::<Partial>(&key)?.filter(|_| header.chunk.index > 0);
        let (slot, author, seq) = (header.slot, header.author, header.seq);
        let none = Partial { numbers: Vec::new(), slot, author, seq };
        let mut partial = known.unwrap_or(none);
        partial.numbers.push(v.number);
        partial.seq = seq;
        tx.put(&key, &partial)?;
        if v.whole.is_some() {
            self.keep_part(v);
        }
        Ok(())
    }

    pub(super) fn keep_part(&mut self, v: &Verified) {
        let Some(whole) = &v.whole else { return };
        // Its key may still come; the body is asked for again then.
        let Some(epoch) = self.keyring.epoch(&v.header.epoch) else { return };
        let opened = seal::open(&self.me.space, whole, epoch).ok();
        match opened.and_then(|bytes| Payload::from_bytes(&bytes).ok()) {
            Some(Payload::Part { slot, bytes })
                if self.keyring.space_key().slot(slot) == v.header.slot =>
            {
                self.intake.parts.insert(v.number, bytes.into());
            }
            _ => self.alarm(Alarm::Unreadable),
        }
    }

    /// All parts of a snapshot have been announced: it is needed, or what it covers is here.
    pub(super) fn whole_snapshot(
        &mut self,
        tx: &mut Tx,
        slot: &mut Slot,
        header: &Header,
    ) -> Result<(), EngineError> {
        let parts: [&[u8]; 2] = [header.slot.as_bytes(), header.author.as_bytes()];
        let key = self.vault.key(Table::Partial, &parts);
        let numbers = tx.get::<Partial>(&key)?.map_or(Vec::new(), |partial| partial.numbers);
        tx.delete(&key)?;
        let page = matches!(slot.name, SlotName::Page(_));
        let complete = numbers.len() == header.chunk.count as usize;
        let held = |cover: &AuthorHead| {
            let own_prefix = cover.author == header.author
                && cover.head.seq + u64::from(header.chunk.count) == header.seq;
            let head = slot.head(&cover.author);
            // The snapshot's own chain has moved on to its last part already.
            head.is_some_and(|head| head.seq > cover.head.seq || head == cover.head)
                && (!own_prefix || self.held_before(header))
        };
        // A head may have moved past a body that is still to be fetched; this one brings it too.
        let earlier = self.wanted_in(tx, &header.slot)?;
        let asked = earlier.iter().any(|wanted| wanted.author == header.author);
        let replaced = self.replaces_wanted(tx, header)? || asked;
        let month = crate::chapter::month_of(&slot.name);
        let stashed = month.is_some() && self.has_stashed(tx, month)?;
        let all_here = !replaced
            && !header.news
            && !header.destroys
            && !self.announced_may_cross(slot, header, !earlier.is_empty())
            && !stashed
            && header.covers.iter().all(held);
        let lacks_nothing = all_here && !self.has_other_contents(tx, slot.name, header)?;
        let me = self.me.keys.author.author_id();
        let mine = header.covered(&me);
        let knows_mine =
            |mine: Head| slot.head(&me).is_some_and(|head| head.seq > mine.seq || head == mine);
        let unknown = mine.is_some_and(|mine| !knows_mine(mine));
        let page_wanted = page && self.restoring.is_some();
        if complete && ((!page && !lacks_nothing) || page_wanted) {
            let wanted = Wanted {
                slot: header.slot,
                author: header.author,
                seq: header.seq,
                numbers,
                covers: header.covers.clone(),
                roster: Some(header.roster),
                replaced: false,
                // Rows can be made again, and say nothing of where documents are.
                doubted: !page && (all_here || unknown),
            };
            for old in self.wanted_in(tx, &header.slot)? {
                if old.author == header.author && !old.replaced {
                    tx.delete(&self.wanted_key(&old))?;
                }
            }
            tx.put(&self.wanted_key(&wanted), &wanted)?;
        }
        if let Some(mine) = mine {
            self.intake.met_own |= unknown || !self.saw_own(tx, &header.slot, mine)?;
        }
        if !has_more(slot, &header.author, &header.covers) {
            self.intake.voided.remove(&header.slot);
        }
        for AuthorHead { author, head } in &header.covers {
            self.intake.parked.announced(header.slot, *author, head.seq);
        }
        self.intake.covers.entry(header.slot).or_default().extend(header.covers.iter().copied());
        if lacks_nothing || page {
            // Whoever made this page had seen the pages before it; nobody needs them again.
            for cover in header.covers.iter().filter(|_| page) {
                self.follow(slot, cover);
            }
            self.cover(slot, header);
        }
        self.adopt_ready(tx, slot)
    }

    /// Bodies did not come, and the feed does not say that they were replaced. The relay withholds them, or they
    /// lie elsewhere than it had said. Tells whether the feed is to be read from its start, to see.
    pub(super) fn doubt_feed(&mut self) -> Result<bool, EngineError> {
        let now_ms = self.intake.now_ms;
        if !self.relay.as_mut().is_some_and(|relay| relay.doubt_feed(now_ms)) {
            self.alarm(Alarm::Withheld);
            return Ok(false);
        }
        let mut tx = self.tx();
        self.put_relay(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)?;
        Ok(true)
    }

    /// The feed is another one: nothing is where it was announced to be, and bodies that had not come
    /// may never come. This device lets go of the places that it had not been at; what is in the new
    /// feed is announced again.
    pub(super) fn lose_wanted(&mut self, tx: &mut Tx) -> Result<(), EngineError> {
        let wanted = self.wanted()?;
        let mut lost: Vec<_> = wanted.iter().map(|wanted| (wanted.slot, wanted.author)).collect();
        for wanted in &wanted {
            tx.delete(&self.wanted_key(wanted))?;
        }
        tx.scan(&self.vault.table(Table::Partial), &mut |_, bytes| {
            let Partial { slot, author, .. } = codec::decode(&bytes)?;
            lost.push((slot, author));
            Ok(ControlFlow::Continue(()))
        })?;
        let me = self.me.keys.author.author_id();
        for (id, author) in lost {
            let parts: [&[u8]; 2] = [id.as_bytes(), author.as_bytes()];
            tx.delete(&self.vault.key(Table::Partial, &parts))?;
            let Some(name) = self.slot_name(&id).filter(|_| author != me) else { continue };
            let mut slot = self.slot(tx, name)?;
            self.take_head_back(&mut slot, &author, None);
            if !matches!(name, SlotName::Page(_)) {
                // What came before the lost body is here, and in no head any more.
                (slot.must_pack, slot.news) = (true, true);
            }
            self.put_slot(tx, &slot)?;
        }
        for month in self.let_stashed_go(tx)? {
            let mut slot = self.slot(tx, SlotName::Chapter(month.index()))?;
            self.take_others_back(&mut slot);
            (slot.must_pack, slot.news) = (true, true);
            self.put_slot(tx, &slot)?;
        }
        // A page without its documents can be read, but not given back.
        let bare = self.catalog.iter().filter(|(_, catalog)| catalog.is_only_page());
        let slots = bare.flat_map(|(month, catalog)| {
            let chapter = (!catalog.loose).then_some(SlotName::Chapter(month.index()));
            chapter.into_iter().chain([SlotName::Page(month.index())])
        });
        for name in slots.collect::<Vec<_>>() {
            let mut slot = self.slot(tx, name)?;
            self.take_others_back(&mut slot);
            self.put_slot(tx, &slot)?;
        }
        self.put_tally(tx)
    }

    /// Lets go of the places of the others' chains in a slot.
    fn take_others_back(&mut self, slot: &mut Slot) {
        let me = self.me.keys.author.author_id();
        let authors: Vec<_> = slot.chains.iter().map(|chain| chain.author).collect();
        for author in authors.iter().filter(|author| **author != me) {
            self.take_head_back(slot, author, None);
        }
    }

    /// Drops the wish for bodies that this snapshot replaces: the relay may have dropped them by now.
    fn replaces_wanted(&self, tx: &mut Tx, header: &Header) -> Result<bool, EngineError> {
        let mut old = self.wanted_in(tx, &header.slot)?;
        old.retain(|wanted| header.covered(&wanted.author).is_some_and(|h| h.seq >= wanted.seq));
        // What is to be forgotten may be in the earlier ones, and may yet be kept.
        let forgets = header.forgets > 0 || old.iter().any(|wanted| wanted.replaced);
        for wanted in &old {
            let key = self.wanted_key(wanted);
            match forgets {
                true => tx.put(&key, &Wanted { replaced: true, ..wanted.clone() })?,
                false => tx.delete(&key)?,
            }
        }
        Ok(!old.is_empty())
    }

    /// Whether this device held the snapshot author's own chain up to the snapshot.
    fn held_before(&self, header: &Header) -> bool {
        !self.intake.jumped.contains(&(header.slot, header.author))
    }

    /// What a snapshot covers is packed, as far as this device counts.
    pub(super) fn cover(&mut self, slot: &mut Slot, header: &Header) {
        for cover in &header.covers {
            slot.cover(&cover.author, cover.head.seq);
        }
        slot.cover(&header.author, header.seq);
    }

    /// Whether an envelope goes on from what a snapshot covers that was announced in an earlier sync.
    pub(super) fn follows_wanted(&self, tx: &Tx, header: &Header) -> Result<bool, EngineError> {
        let wanted = self.wanted_in(tx, &header.slot)?;
        Ok(wanted.iter().flat_map(|wanted| &wanted.covers).any(|cover| follows(header, cover)))
    }

    pub(super) fn wanted_key(&self, wanted: &Wanted) -> Key {
        let seq = wanted.seq.to_be_bytes();
        let parts: [&[u8]; 3] = [wanted.slot.as_bytes(), wanted.author.as_bytes(), &seq];
        self.vault.key(Table::Wanted, &parts)
    }

    pub(super) fn wanted_in(&self, tx: &Tx, slot: &SlotId) -> Result<Vec<Wanted>, EngineError> {
        let mut wanted = Vec::new();
        tx.scan(&self.vault.key(Table::Wanted, &[slot.as_bytes()]), &mut |_, bytes| {
            wanted.push(codec::decode(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(wanted)
    }

    /// The feed numbers of bodies that are to be fetched, those of one snapshot together.
    pub(super) fn wanted(&self) -> Result<Vec<Wanted>, EngineError> {
        let mut wanted = Vec::new();
        self.tx().scan(&self.vault.table(Table::Wanted), &mut |_, bytes| {
            wanted.push(codec::decode(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(wanted)
    }

    /// Whether the body with this number came in this sync, and waits for the other parts.
    pub(super) fn has_part(&self, number: u64) -> bool {
        self.intake.parts.contains_key(&number)
    }

    /// Takes the parts of a wanted snapshot, if all are here.
    pub(super) fn take_parts(&mut self, wanted: &Wanted) -> Option<Vec<u8>> {
        if !wanted.numbers.iter().all(|number| self.intake.parts.contains_key(number)) {
            return None;
        }
        let parts = wanted.numbers.iter().filter_map(|number| self.intake.parts.remove(number));
        Some(parts.collect::<Vec<_>>().concat())
    }
}
