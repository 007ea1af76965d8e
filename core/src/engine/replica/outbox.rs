//! Sealing what is to be sent, and learning its fate.
//!
//! An envelope is durable here before it is sent, and is sent again unchanged until the relay has
//! signed for it or refused it. Only then is it dropped, or its content sealed anew.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::envelope::{Chunk, Header, Kind};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head};
use mainstay_protocol::ids::SlotId;
use mainstay_protocol::statement::Stored;
use mainstay_store::prefix_end;

use super::Replica;
use super::docs::{entry_key, month_key};
use super::records::{Outgoing, Pending, Slot};
use crate::chapter::{EntryChange, Payload, SlotName};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::Table;
use crate::journal::{EntryId, Month};
use crate::space::seal;

/// Changes collected into one envelope, before compression.
const CHANGES_BYTES: usize = 32 * 1024;
/// Sealed at once; more waits until these are acknowledged.
const AT_ONCE_BYTES: usize = 1024 * 1024;
/// More entries than this waiting in one chapter, and it is packed instead.
const PACK_FROM: usize = 64;

/// What an envelope is to hold and where it goes.
pub(super) struct Draft {
    pub(super) kind: Kind,
    pub(super) chunk: Chunk,
    pub(super) covers: Vec<AuthorHead>,
    pub(super) destroys: bool,
    pub(super) news: bool,
    pub(super) forgets: u32,
    pub(super) contents: Option<Hash>,
    pub(super) refills: u64,
    pub(super) payload: Payload,
    pub(super) entries: Vec<Pending>,
    pub(super) plan: Option<crate::document::Heads>,
}

impl Draft {
    fn change(payload: Payload) -> Self {
        Self {
            kind: Kind::Change,
            chunk: Chunk::WHOLE,
            covers: Vec::new(),
            destroys: false,
            news: false,
            forgets: 0,
            contents: None,
            refills: 0,
            payload,
            entries: Vec::new(),
            plan: None,
        }
    }
}

impl Replica {
    /// Seals what waits, up to a bound, and makes the envelopes durable. `false` when nothing does.
    pub(super) fn seal_more(&mut self, now_ms: i64) -> Result<bool, EngineError> {
        self.fold()?;
        let mut tx = self.tx();
        let mut sealed = self.seal_plan(&mut tx)?;
        for month in self.pending_months(&tx)? {
            if sealed > AT_ONCE_BYTES {
                break;
            }
            if self.slot(&tx, SlotName::Chapter(month.index()))?.must_pack {
                // A relay that lost the chain takes nothing but a snapshot, which brings these too.
                continue;
            }
            let pending = self.pending_in(&tx, month)?;
            if pending.len() > PACK_FROM && self.may_pack(&tx, month)? {
                let before = std::mem::replace(&mut tx, self.tx());
                self.seal_lazily(before)?;
                sealed += self.pack_chapter(month, now_ms)?;
                tx = self.tx();
            } else {
                sealed += self.seal_changes(&mut tx, month, pending)?;
            }
        }
        self.seal_lazily(tx)?;
        if sealed <= AT_ONCE_BYTES {
            sealed += self.pack_due(now_ms, AT_ONCE_BYTES - sealed)?;
        }
        if sealed > 0 {
            // One sync of the disk for all of them, and before any is sent.
            self.vault.store().flush()?;
        }
        Ok(sealed > 0)
    }

    /// Commits what was sealed, durably with the flush at the end of [`Replica::seal_more`].
    pub(super) fn seal_lazily(&mut self, mut tx: Tx) -> Result<(), EngineError> {
        if !tx.is_empty() {
            self.put_tally(&mut tx)?;
        }
        tx.commit_lazily(&mut *self.rng)
    }

    /// The chapters in which entries wait, oldest first; asks the store once for each of them.
    fn pending_months(&self, tx: &Tx) -> Result<Vec<Month>, EngineError> {
        let table = self.vault.table(Table::Pending);
        let (mut months, mut after) = (Vec::new(), Vec::new());
        loop {
            let mut found = None;
            tx.scan_from(&table, &after, &mut |_, bytes| {
                found = Some(codec::decode::<Pending>(&bytes)?);
                Ok(ControlFlow::Break(()))
            })?;
            let Some(pending) = found else { break };
            let month = EntryId::from_bytes(pending.entry).month();
            months.push(month);
            let end = prefix_end(&month_key(&self.vault, Table::Pending, month).0);
            let Some(next) = end.and_then(|end| end.strip_prefix(&table.0[..]).map(<[u8]>::to_vec))
            else {
                break;
            };
            after = next;
        }
        months.sort();
        Ok(months)
    }

    /// Entries that wait, by chapter.
    pub(super) fn pending(&self, tx: &Tx) -> Result<BTreeMap<Month, Vec<Pending>>, EngineError> {
        let mut months: BTreeMap<Month, Vec<Pending>> = BTreeMap::new();
        tx.scan(&self.vault.table(Table::Pending), &mut |_, bytes| {
            let pending: Pending = codec::decode(&bytes)?;
            let month = EntryId::from_bytes(pending.entry).month();
            months.entry(month).or_default().push(pending);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(months)
    }

    /// Entries of one chapter that wait.
    pub(super) fn pending_in(&self, tx: &Tx, month: Month) -> Result<Vec<Pending>, EngineError> {
        let mut waiting = Vec::new();
        tx.scan(&month_key(&self.vault, Table::Pending, month), &mut |_, bytes| {
            waiting.push(codec::decode(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(waiting)
    }

    fn seal_plan(&mut self, tx: &mut Tx) -> Result<usize, EngineError> {
        let Some(sent) = self.plan_pending(tx)? else { return Ok(0) };
        if self.slot(tx, SlotName::Plan)?.must_pack {
            return Ok(0);
        }
        self.clear_plan_pending(tx)?;
        let changes = self.plan.changes_since(&sent);
        if changes.is_empty() {
            return Ok(0);
        }
        let mut slot = self.slot(tx, SlotName::Plan)?;
        let mut draft = Draft::change(Payload::Plan { changes: changes.into() });
        draft.plan = Some(sent);
        let bytes = self.seal_one(tx, &mut slot, draft)?;
        self.put_slot(tx, &slot)?;
        Ok(bytes)
    }

    fn seal_changes(
        &mut self,
        tx: &mut Tx,
        month: Month,
        pending: Vec<Pending>,
    ) -> Result<usize, EngineError> {
        let name = SlotName::Chapter(month.index());
        let mut slot = self.slot(tx, name)?;
        let (mut sealed, mut bytes) = (0, 0);
        let (mut changes, mut entries) = (Vec::new(), Vec::new());
        let mut left = pending.into_iter().peekable();
        while let Some(item) = left.next() {
            let id = EntryId::from_bytes(item.entry);
            tx.delete(&entry_key(&self.vault, Table::Pending, &id))?;
            if let Some((doc, _)) = self.doc(tx, &id)? {
                let change = doc.changes_since(&item.sent);
                bytes += change.len();
                if !change.is_empty() {
                    changes.push(EntryChange { entry: item.entry, changes: change.into() });
                    entries.push(item);
                }
            }
            if !changes.is_empty() && (bytes > CHANGES_BYTES || left.peek().is_none()) {
                let changes = std::mem::take(&mut changes);
                let mut draft = Draft::change(Payload::Changes { slot: name, changes });
                draft.entries = std::mem::take(&mut entries);
                sealed += self.seal_one(tx, &mut slot, draft)?;
                bytes = 0;
            }
        }
        self.put_slot(tx, &slot)?;
        Ok(sealed)
    }

    /// Seals one envelope at the end of this device's chain in a slot, and puts it in the outbox.
    pub(super) fn seal_one(
        &mut self,
        tx: &mut Tx,
        slot: &mut Slot,
        draft: Draft,
    ) -> Result<usize, EngineError> {
        let author = self.me.keys.author.author_id();
        let before = slot.head(&author);
        let epoch = self.keyring.present(&self.roster)?.clone();
        let header = Header {
            version: mainstay_protocol::FORMAT_VERSION,
            roster: self.roster.head(),
            epoch: epoch.id(),
            slot: slot.id,
            author,
            seq: before.map_or(1, |head| head.seq + 1),
            previous: before.map_or(Hash([0; 32]), |head| head.hash),
            kind: draft.kind,
            chunk: draft.chunk,
            covers: draft.covers,
            destroys: draft.destroys,
            news: draft.news,
            forgets: draft.forgets,
            contents: draft.contents,
        };
        let (seq, covers) = (header.seq, header.covers.clone());
        let keys = (&epoch, &self.me.keys.author);
        let payload = draft.payload.to_bytes();
        let envelope = seal::seal(&mut *self.rng, &self.me.space, header, keys, &payload)?;
        let (hash, bytes) = (envelope.hash(&self.me.space), envelope.to_bytes());
        self.move_head(slot, &author, Head { seq, hash });
        self.note_origin(tx, &draft.entries, seq)?;
        let outgoing = Outgoing {
            envelope: bytes.into(),
            hash,
            slot: slot.id,
            name: slot.name,
            before,
            seq,
            entries: draft.entries,
            plan: draft.plan,
            covers,
            snapshot: draft.kind == Kind::Snapshot,
            last_part: draft.chunk.is_last(),
            destroy: draft.destroys,
            news: draft.news,
            seen: None,
            forgets: draft.forgets,
            refills: draft.refills,
        };
        let length = outgoing.envelope.len();
        tx.put(&self.vault.ordinal(Table::Outbox, self.next_out), &outgoing)?;
        self.next_out += 1;
        Ok(length)
    }

    /// Remembers which of this device's envelopes changed a loose document last.
    fn note_origin(&self, tx: &mut Tx, entries: &[Pending], seq: u64) -> Result<(), EngineError> {
        let me = self.me.keys.author.author_id();
        for entry in entries {
            let id = EntryId::from_bytes(entry.entry);
            let key = entry_key(&self.vault, Table::Doc, &id);
            if let Some(mut record) = tx.get::<super::records::DocRecord>(&key)? {
                record.from.insert(me, seq);
                tx.put(&key, &record)?;
            }
        }
        Ok(())
    }

    /// The envelopes whose fate is unknown, oldest first.
    pub(super) fn outbox(&self) -> Result<Vec<(u64, Outgoing)>, EngineError> {
        let mut out = Vec::new();
        self.each_out(&mut |place, outgoing| {
            out.push((place, outgoing));
            ControlFlow::Continue(())
        })?;
        Ok(out)
    }

    /// Whether the fate of every envelope is known.
    pub(super) fn outbox_is_empty(&self) -> Result<bool, EngineError> {
        let mut empty = true;
        self.each_out(&mut |_, _| {
            empty = false;
            ControlFlow::Break(())
        })?;
        Ok(empty)
    }

    /// Visits the envelopes whose fate is unknown, oldest first.
    pub(super) fn each_out(
        &self,
        visit: &mut dyn FnMut(u64, Outgoing) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        self.tx().scan(&self.vault.table(Table::Outbox), &mut |name, value| {
            let place = name.first_chunk().map(|place| u64::from_be_bytes(*place));
            let place =
                place.ok_or(EngineError::damaged("an outgoing envelope's key is malformed"))?;
            Ok(visit(place, codec::decode(&value)?))
        })
    }

    /// The envelopes that the relay has signed for, each with those before it in its chain that the
    /// relay has shown. What was sent comes first in the outbox, so this reads little more of it.
    fn signed_for(&self, stored: &[Stored]) -> Result<Vec<(u64, Outgoing)>, EngineError> {
        let mut left: BTreeSet<Hash> = stored.iter().map(|stored| stored.envelope).collect();
        let (mut found, mut shown) = (Vec::new(), Vec::new());
        self.each_out(&mut |place, outgoing| {
            if left.remove(&outgoing.hash) {
                let slot = outgoing.slot;
                found.extend(
                    shown.extract_if(.., |(_, before): &mut (u64, Outgoing)| before.slot == slot),
                );
                found.push((place, outgoing));
            } else if outgoing.seen == Some(true) {
                shown.push((place, outgoing));
            }
            match left.is_empty() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        Ok(found)
    }

    /// Visits the envelopes that are to be sent, oldest first. Of those which the relay has shown
    /// only the last of each slot: the relay may have dropped what comes before it, and the
    /// signature for a place of a chain is one for all before it.
    pub(super) fn to_send(
        &self,
        visit: &mut dyn FnMut(Outgoing) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let mut shown: BTreeMap<SlotId, u64> = BTreeMap::new();
        self.each_out(&mut |_, outgoing| {
            if outgoing.seen == Some(true) {
                shown.insert(outgoing.slot, outgoing.seq);
            }
            ControlFlow::Continue(())
        })?;
        self.each_out(&mut |_, outgoing| match shown
            .get(&outgoing.slot)
            .is_some_and(|last| outgoing.seq < *last)
        {
            true => ControlFlow::Continue(()),
            false => visit(outgoing),
        })
    }

    /// Drops what the relay has signed for. Lazily: whatever a power cut brings back is sent again.
    pub(super) fn acknowledged(&mut self, stored: &[Stored]) -> Result<(), EngineError> {
        let mut tx = self.tx();
        for (place, outgoing) in self.signed_for(stored)? {
            tx.delete(&self.vault.ordinal(Table::Outbox, place))?;
            let waited = outgoing.entries.len() as u64 + u64::from(outgoing.plan.is_some());
            self.counts.sent += waited.max(outgoing.refills);
            self.await_receipts(&mut tx, &outgoing)?;
            if outgoing.snapshot && outgoing.last_part {
                let mut slot = self.slot(&tx, outgoing.name)?;
                for cover in &outgoing.covers {
                    slot.cover(&cover.author, cover.head.seq);
                }
                slot.cover(&self.me.keys.author.author_id(), outgoing.seq);
                self.put_slot(&mut tx, &slot)?;
            }
        }
        self.put_tally(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)
    }

    /// Notes what the relay shows of this device's own chain, up to a place of it. `false`: at that
    /// place it shows another envelope than the one in the outbox, or one past all that this device made.
    pub(super) fn saw_own(
        &self,
        tx: &mut Tx,
        slot: &SlotId,
        upto: Head,
    ) -> Result<bool, EngineError> {
        let mut out = self.outbox()?;
        out.retain(|(_, outgoing)| outgoing.slot == *slot);
        // A twin made it, and may have gone another way before it already.
        if out.last().is_some_and(|(_, last)| last.seq < upto.seq) {
            return Ok(false);
        }
        out.retain(|(_, outgoing)| outgoing.seq <= upto.seq);
        let differs = |(_, out): &(u64, Outgoing)| out.seq == upto.seq && out.hash != upto.hash;
        if out.iter().any(differs) {
            return Ok(false);
        }
        for (place, mut outgoing) in out {
            if outgoing.seen != Some(true) {
                outgoing.seen = Some(true);
                tx.put(&self.vault.ordinal(Table::Outbox, place), &outgoing)?;
            }
        }
        Ok(true)
    }

    /// The relay lost something, or is another one: whether what was sent to it reached another
    /// device before will never be known. Such an envelope is neither sent again, for the relay may
    /// not take it any more, nor taken back, for another one in its place would split the chain.
    /// It stays in the chain, and a snapshot that covers it brings its content.
    pub(super) fn replace_outbox(&mut self) -> Result<(), EngineError> {
        let mut tx = self.tx();
        for (place, outgoing) in self.outbox()? {
            tx.delete(&self.vault.ordinal(Table::Outbox, place))?;
            self.wait_again(&mut tx, &outgoing)?;
            let mut slot = self.packed_with(&tx, outgoing.name)?;
            slot.must_pack = true;
            slot.news = true;
            self.put_slot(&mut tx, &slot)?;
        }
        self.put_tally(&mut tx)?;
        tx.commit(&mut *self.rng)
    }

    /// The content of an envelope waits again, with what a snapshot was asked for.
    fn wait_again(&mut self, tx: &mut Tx, outgoing: &Outgoing) -> Result<(), EngineError> {
        if outgoing.snapshot {
            let mut slot = self.packed_with(tx, outgoing.name)?;
            slot.must_pack = true;
            slot.destroy |= outgoing.destroy;
            slot.news |= outgoing.news;
            if outgoing.last_part {
                slot.forgets += outgoing.forgets;
            }
            self.put_slot(tx, &slot)?;
        }
        for entry in &outgoing.entries {
            let id = EntryId::from_bytes(entry.entry);
            // It may wait on another ground by now, with another mark.
            self.mark_again(tx, &id, entry.sent.clone())?;
        }
        if let Some(sent) = &outgoing.plan {
            self.clear_plan_pending(tx)?;
            self.mark_plan_pending(tx, sent)?;
        }
        Ok(())
    }

    /// The relay refused a push. Where all of it was shown by the relay once, the relay has lost that since,
    /// and takes a snapshot in its place.
    pub(super) fn refused_outbox(&mut self) -> Result<(), EngineError> {
        let mut all_shown = true;
        self.each_out(&mut |_, outgoing| {
            all_shown &= outgoing.seen == Some(true);
            ControlFlow::Continue(())
        })?;
        match all_shown {
            true => self.replace_outbox(),
            false => self.take_back_outbox(),
        }
    }

    /// This device's name is about to be another one, and under the former one nothing is taken any more.
    pub(super) fn end_outbox(&mut self) -> Result<(), EngineError> {
        self.take_back_outbox()?;
        self.replace_outbox()
    }

    /// Takes every envelope back whose fate was "refused": its content waits again. What the relay
    /// has shown stays; sealing it a second time would put another envelope in its place.
    pub(super) fn take_back_outbox(&mut self) -> Result<(), EngineError> {
        let mut out = self.outbox()?;
        out.retain(|(_, outgoing)| outgoing.seen != Some(true));
        out.reverse();
        let mut tx = self.tx();
        let me = self.me.keys.author.author_id();
        for (place, outgoing) in out {
            tx.delete(&self.vault.ordinal(Table::Outbox, place))?;
            let mut slot = self.slot(&tx, outgoing.name)?;
            self.take_head_back(&mut slot, &me, outgoing.before);
            self.put_slot(&mut tx, &slot)?;
            self.wait_again(&mut tx, &outgoing)?;
        }
        self.put_tally(&mut tx)?;
        tx.commit(&mut *self.rng)
    }
}
