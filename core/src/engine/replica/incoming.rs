//! Taking in what the relay shows: nothing counts that no device of the journal signed.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::envelope::{Envelope, Header, Kind, Stub};
use mainstay_protocol::frame::{Item, ItemBody};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head};
use mainstay_protocol::ids::{AuthorId, SlotId};
use mainstay_protocol::statement::Cursor;

use super::docs::entry_key;
use super::records::{Partial, Slot, Stashed, Wanted};
use super::{Alarm, Replica};
use crate::chapter::{EntryChange, Payload, SlotName};
use crate::document::EntryDoc;
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::{Key, Table};
use crate::journal::Month;
use crate::space::seal;

/// What a sync keeps in memory between the relay's answers.
#[derive(Default)]
pub(super) struct Intake {
    /// Items whose predecessors have not come yet.
    held: Vec<Item>,
    /// What announced snapshots cover: a chain may go on from there.
    covers: BTreeMap<SlotId, Vec<AuthorHead>>,
    /// Chains that went on from a snapshot's cover without what comes before.
    jumped: std::collections::BTreeSet<(SlotId, AuthorId)>,
    /// Bodies of snapshots under way, by their number in the feed.
    parts: BTreeMap<u64, Vec<u8>>,
    /// Where the feed was read to, if nothing waits, and when.
    pub(super) cursor: Option<Cursor>,
    pub(super) now_ms: i64,
    /// What the relay's clock said in this sync.
    pub(super) relay_ms: Option<i64>,
    /// This device met envelopes of its own that it does not know.
    pub(super) met_own: bool,
    /// The list of devices changed after the receipts were asked for.
    pub(super) members_changed: bool,
    /// Heads of the list of devices that items named and this device does not know, asked for once.
    asked_heads: std::collections::BTreeSet<Hash>,
    /// One of them has not been asked for yet: the list may have grown since it was read.
    pub(super) stale_roster: bool,
    /// Forgotten entries that something on the relay was seen to hold.
    pub(super) met_forgotten: std::collections::BTreeSet<crate::journal::EntryId>,
    /// The relay lacks wraps of the present epoch's key.
    pub(super) lacks_wraps: bool,
}

impl Intake {
    /// Whether items wait for others.
    pub(super) fn holds_something(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether bodies have come that no snapshot was made whole of yet.
    pub(super) fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }
}

/// What became of an item.
enum Fate {
    Done,
    /// It waits for what comes before it.
    Held,
}

/// An item that was read and verified.
struct Verified {
    number: u64,
    stub: Stub,
    whole: Option<Envelope>,
    hash: Hash,
}

impl Replica {
    /// Takes in items of the feed. Those that wait for others are kept and tried again; `true` when
    /// none is waiting, so that a cursor may move past them.
    pub(super) fn take_items(
        &mut self,
        items: Vec<Item>,
        now_ms: i64,
    ) -> Result<bool, EngineError> {
        let mut tx = self.tx();
        self.intake.held.extend(items);
        loop {
            let before = self.intake.held.len();
            let mut waiting = Vec::new();
            for item in std::mem::take(&mut self.intake.held) {
                match self.take_item(&mut tx, &item, now_ms)? {
                    Fate::Done => {}
                    Fate::Held => waiting.push(item),
                }
            }
            self.intake.held = waiting;
            if self.intake.held.is_empty() || self.intake.held.len() == before {
                break;
            }
        }
        self.put_tally(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)?;
        Ok(self.intake.held.is_empty() && !self.intake.stale_roster)
    }

    /// A sync has ended: whatever still waits is being withheld.
    pub(super) fn end_intake(&mut self) {
        if !self.intake.held.is_empty() {
            self.alarm(Alarm::Withheld);
        }
        self.intake = Intake::default();
    }

    fn take_item(&mut self, tx: &mut Tx, item: &Item, now_ms: i64) -> Result<Fate, EngineError> {
        let Some(verified) = self.verified(item) else { return Ok(Fate::Done) };
        let header = verified.stub.header().clone();
        let Some(name) = self.slot_name(&header.slot) else {
            self.alarm(Alarm::Unreadable);
            return Ok(Fate::Done);
        };
        let mut slot = self.slot(tx, name)?;
        let head = slot.head(&header.author);
        if head.is_some_and(|head| header.seq <= head.seq) {
            self.known_place(tx, &mut slot, &verified)?;
            self.put_slot(tx, &slot)?;
            return Ok(Fate::Done);
        }
        if !self.continues(&header, head) {
            return Ok(Fate::Held);
        }
        match header.kind {
            Kind::Change => match self.take_change(tx, &mut slot, &verified)? {
                Fate::Held => return Ok(Fate::Held),
                Fate::Done => slot.changed_ms = now_ms,
            },
            _ => self.take_part(tx, &verified)?,
        }
        if header.author == self.me.keys.author.author_id() {
            self.intake.met_own = true;
        }
        if head.map_or(0, |head| head.seq) + 1 != header.seq {
            self.intake.jumped.insert((header.slot, header.author));
        }
        let head = Head { seq: header.seq, hash: verified.hash };
        self.move_head(&mut slot, &header.author, head);
        if header.kind == Kind::Snapshot && header.chunk.is_last() {
            self.whole_snapshot(tx, &mut slot, &header)?;
        }
        self.put_slot(tx, &slot)?;
        Ok(Fate::Done)
    }

    /// Reads an item and checks who made it. `None` when it does not count.
    fn verified(&mut self, item: &Item) -> Option<Verified> {
        let read = match &item.body {
            ItemBody::Whole(bytes) => {
                Envelope::from_bytes(bytes).map(|whole| (whole.stub().clone(), Some(whole)))
            }
            ItemBody::Stub(bytes) => Stub::from_bytes(bytes).map(|stub| (stub, None)),
        };
        let Ok((stub, whole)) = read else {
            self.alarm(Alarm::Forged);
            return None;
        };
        let header = stub.header();
        // Made under a list of devices that a recovery has voided, or that is newer than this one.
        if !self.roster.accepts_head(&header.roster) {
            self.intake.stale_roster |= self.intake.asked_heads.insert(header.roster);
            return None;
        }
        let Some(member) = self.roster.state().members.get(&header.author) else {
            self.alarm(Alarm::Forged);
            return None;
        };
        if stub.verify(&self.me.space, &member.device.key).is_err() {
            self.alarm(Alarm::Forged);
            return None;
        }
        let admitted = self.roster.state().admits_place(&header.author, &header.slot, header.seq);
        if admitted != Some(true) {
            return None;
        }
        let hash = stub.hash(&self.me.space);
        Some(Verified { number: item.number, stub, whole, hash })
    }

    /// An item at a place that is taken: the body of a snapshot that was asked for, nothing new, or
    /// the other branch of a chain that two holders of one key have split.
    fn known_place(
        &mut self,
        tx: &mut Tx,
        slot: &mut Slot,
        verified: &Verified,
    ) -> Result<(), EngineError> {
        let header = verified.stub.header();
        let mine = header.author == self.me.keys.author.author_id();
        let place = Head { seq: header.seq, hash: verified.hash };
        let head = slot.head(&header.author);
        let other = head.is_some_and(|head| head.seq == place.seq && head.hash != place.hash);
        if mine {
            self.intake.met_own |= other || !self.saw_own(tx, &header.slot, place)?;
        }
        if header.kind == Kind::Snapshot && verified.whole.is_some() {
            let wanted = self.wanted_in(tx, &header.slot)?;
            if wanted.iter().any(|wanted| wanted.numbers.contains(&verified.number)) {
                self.keep_part(verified);
            }
        }
        let unsure = self.relay.as_ref().is_some_and(|relay| !relay.intact);
        match header.kind {
            // Whoever reads the feed anew cannot tell which branch it read before.
            Kind::Change if other || unsure => self.absorb(tx, slot, verified)?,
            Kind::Snapshot if other || (unsure && self.has_lost(tx, header)?) => {
                self.take_part(tx, verified)?;
                if header.chunk.is_last() {
                    self.whole_snapshot(tx, slot, header)?;
                }
            }
            // What was this device's own chain when it was read before may be somebody's now.
            Kind::Snapshot if unsure && !matches!(slot.name, SlotName::Page(_)) => {
                let before = slot.covers();
                header.covers.iter().for_each(|cover| self.follow(slot, cover));
                slot.news |= slot.covers() != before;
                slot.must_pack |= slot.covers() != before;
            }
            Kind::Snapshot if unsure => {
                header.covers.iter().for_each(|cover| self.follow(slot, cover));
            }
            _ => {}
        }
        if other && !mine {
            // The relay goes on from its branch, and so does everybody; what only the other one
            // brought goes to it with a snapshot.
            self.move_head(slot, &header.author, place);
            if !matches!(slot.name, SlotName::Page(_)) {
                (slot.must_pack, slot.news) = (true, true);
            }
        }
        Ok(())
    }

    /// Takes in the content of a change at a place that is taken, where something of it is missing.
    fn absorb(&mut self, tx: &mut Tx, slot: &mut Slot, v: &Verified) -> Result<(), EngineError> {
        let before = self.counts.received;
        self.take_change(tx, slot, v)?;
        if self.counts.received > before {
            slot.news = true;
        }
        Ok(())
    }

    /// Whether an envelope follows its chain's head, or a place that a snapshot covers.
    fn continues(&self, header: &Header, head: Option<Head>) -> bool {
        let first = header.seq == 1 && header.previous == Hash([0; 32]);
        let next = head.is_some_and(|h| h.seq + 1 == header.seq && h.hash == header.previous);
        let follows = |cover: &AuthorHead| {
            cover.author == header.author
                && cover.head.seq + 1 == header.seq
                && cover.head.hash == header.previous
        };
        let announced = self.intake.covers.get(&header.slot);
        (first && head.is_none())
            || next
            || header.covers.iter().any(follows)
            || announced.is_some_and(|covers| covers.iter().any(follows))
    }

    fn take_change(
        &mut self,
        tx: &mut Tx,
        slot: &mut Slot,
        v: &Verified,
    ) -> Result<Fate, EngineError> {
        let header = v.stub.header();
        let Some(whole) = &v.whole else { return Ok(Fate::Held) };
        let Some(epoch) = self.keyring.epoch(&header.epoch) else { return Ok(Fate::Held) };
        let opened = seal::open(&self.me.space, whole, epoch).ok();
        let payload = opened.and_then(|bytes| Payload::from_bytes(&bytes).ok());
        match payload {
            Some(Payload::Changes { slot: name, changes }) if name == slot.name => {
                let month = crate::chapter::month_of(&name);
                for change in changes {
                    if self.is_forgotten(&change.id()) {
                        self.met_forgotten(slot, &change.id());
                    }
                    self.take_entry(tx, month, &change, &header.author, header.seq)?;
                }
            }
            Some(Payload::Plan { changes }) if slot.name == SlotName::Plan => {
                self.take_plan(tx, &changes)?;
            }
            _ => self.alarm(Alarm::Unreadable),
        }
        Ok(Fate::Done)
    }

    fn take_plan(&mut self, tx: &mut Tx, changes: &[u8]) -> Result<(), EngineError> {
        match self.plan.apply(changes) {
            Ok(()) => {
                self.revision += 1;
                self.counts.received += 1;
                self.put_plan(tx)
            }
            Err(_) => {
                self.alarm(Alarm::Unreadable);
                Ok(())
            }
        }
    }

    /// Takes in changes of one entry, or keeps them until the document they belong to comes.
    fn take_entry(
        &mut self,
        tx: &mut Tx,
        month: Option<Month>,
        change: &EntryChange,
        author: &AuthorId,
        seq: u64,
    ) -> Result<(), EngineError> {
        let id = change.id();
        if Some(id.month()) != month {
            self.alarm(Alarm::Unreadable);
            return Ok(());
        }
        if self.is_forgotten(&id) {
            return Ok(());
        }
        let (mut doc, mut from) = match self.doc(tx, &id)? {
            Some((doc, record)) => (doc, record.from),
            None => (EntryDoc::empty(), BTreeMap::new()),
        };
        let had = doc.heads();
        if doc.apply(&change.changes).is_err() {
            self.alarm(Alarm::Unreadable);
            return Ok(());
        }
        let slot = self.slot(tx, slot_of(&id))?;
        let again = slot.head(author).is_some_and(|head| head.seq >= seq);
        self.await_receipt(tx, Some(change.entry), (slot.id, *author, seq))?;
        if doc.missing() {
            return self.stash(tx, change);
        }
        if again && doc.heads() == had {
            return Ok(());
        }
        let last = from.entry(*author).or_insert(seq);
        *last = seq.max(*last);
        self.counts.received += 1;
        self.put_doc(tx, &id, &doc, from)
    }

    fn stash(&mut self, tx: &mut Tx, change: &EntryChange) -> Result<(), EngineError> {
        let key = entry_key(&self.vault, Table::Stash, &change.id());
        let mut stashed = tx
            .get::<Stashed>(&key)?
            .unwrap_or(Stashed { entry: change.entry, changes: Vec::new() });
        if !stashed.changes.contains(&change.changes) {
            stashed.changes.push(change.changes.clone());
        }
        tx.put(&key, &stashed)
    }

    /// Notes a part of a snapshot, and its body if it came along.
    fn take_part(&mut self, tx: &mut Tx, v: &Verified) -> Result<(), EngineError> {
        let header = v.stub.header();
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

    fn keep_part(&mut self, v: &Verified) {
        let Some(whole) = &v.whole else { return };
        let epoch = self.keyring.epoch(&v.stub.header().epoch);
        let opened = epoch.and_then(|epoch| seal::open(&self.me.space, whole, epoch).ok());
        match opened.and_then(|bytes| Payload::from_bytes(&bytes).ok()) {
            Some(Payload::Part { slot, bytes })
                if self.keyring.space_key().slot(slot) == v.stub.header().slot =>
            {
                self.intake.parts.insert(v.number, bytes.into());
            }
            _ => self.alarm(Alarm::Unreadable),
        }
    }

    /// All parts of a snapshot have been announced: it is needed, or what it covers is here.
    fn whole_snapshot(
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
        let was_lost = earlier.iter().any(|wanted| wanted.author == header.author);
        let replaced = self.replaces_wanted(tx, header)? || was_lost;
        let needless = !replaced
            && !header.news
            && !header.destroys
            && !self.announced_may_cross(slot, header, !earlier.is_empty())
            && !self.has_stash(tx, &slot.name)?
            && header.covers.iter().all(held);
        let page_wanted = page && self.restoring.is_some();
        if complete && ((!page && !needless) || page_wanted) {
            let wanted = Wanted {
                slot: header.slot,
                author: header.author,
                seq: header.seq,
                numbers,
                covers: header.covers.clone(),
                roster: Some(header.roster),
                replaced: false,
            };
            for old in self.wanted_in(tx, &header.slot)? {
                if old.author == header.author && !old.replaced {
                    tx.delete(&self.wanted_key(&old))?;
                }
            }
            tx.put(&self.wanted_key(&wanted), &wanted)?;
        }
        let me = self.me.keys.author.author_id();
        if let Some(mine) = header.covered(&me) {
            let known = slot.head(&me).is_some_and(|head| head.seq > mine.seq || head == mine);
            self.intake.met_own |= !known || !self.saw_own(tx, &header.slot, mine)?;
        }
        self.intake.covers.entry(header.slot).or_default().extend(header.covers.iter().copied());
        if needless || page {
            // Whoever made this page had seen the pages before it; nobody needs them again.
            for cover in header.covers.iter().filter(|_| page) {
                self.follow(slot, cover);
            }
            self.cover(slot, header);
        }
        self.adopt_ready(tx, slot)
    }

    /// Whether the relay lost a snapshot's body before it came here.
    fn has_lost(&self, tx: &Tx, header: &Header) -> Result<bool, EngineError> {
        let wanted = self.wanted_in(tx, &header.slot)?;
        let lost = |wanted: &Wanted| wanted.author == header.author && wanted.numbers.is_empty();
        Ok(wanted.iter().any(lost))
    }

    /// The feed is another one: nothing is where it was announced to be. What is in the new feed is
    /// announced again.
    pub(super) fn lose_wanted(&self, tx: &mut Tx) -> Result<(), EngineError> {
        let mut lost = self.wanted()?;
        tx.scan(&self.vault.table(Table::Partial), &mut |_, bytes| {
            let Partial { slot, author, seq, .. } = codec::decode(&bytes)?;
            let (numbers, covers) = (Vec::new(), Vec::new());
            let roster = None;
            lost.push(Wanted { slot, author, seq, numbers, covers, roster, replaced: false });
            Ok(ControlFlow::Continue(()))
        })?;
        for mut wanted in lost {
            let parts: [&[u8]; 2] = [wanted.slot.as_bytes(), wanted.author.as_bytes()];
            wanted.numbers = Vec::new();
            let key = self.wanted_key(&wanted);
            match wanted.replaced {
                true => tx.delete(&key)?,
                false => tx.put(&key, &wanted)?,
            }
            tx.delete(&self.vault.key(Table::Partial, &parts))?;
        }
        Ok(())
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

    /// Whether changes of a chapter wait for their documents.
    fn has_stash(&self, tx: &Tx, name: &SlotName) -> Result<bool, EngineError> {
        let mut found = false;
        if let Some(month) = crate::chapter::month_of(name) {
            let prefix = super::docs::month_key(&self.vault, Table::Stash, month);
            tx.scan(&prefix, &mut |_, _| {
                found = true;
                Ok(ControlFlow::Break(()))
            })?;
        }
        Ok(found)
    }

    /// Whether this device held the snapshot author's own chain up to the snapshot.
    fn held_before(&self, header: &Header) -> bool {
        !self.intake.jumped.contains(&(header.slot, header.author))
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

    /// What a snapshot covers is packed, as far as this device counts.
    pub(super) fn cover(&mut self, slot: &mut Slot, header: &Header) {
        for cover in &header.covers {
            slot.cover(&cover.author, cover.head.seq);
        }
        slot.cover(&header.author, header.seq);
    }

    pub(super) fn wanted_key(&self, wanted: &Wanted) -> Key {
        let seq = wanted.seq.to_be_bytes();
        let parts: [&[u8]; 3] = [wanted.slot.as_bytes(), wanted.author.as_bytes(), &seq];
        self.vault.key(Table::Wanted, &parts)
    }

    fn wanted_in(&self, tx: &Tx, slot: &SlotId) -> Result<Vec<Wanted>, EngineError> {
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
        if wanted.numbers.is_empty()
            || !wanted.numbers.iter().all(|number| self.intake.parts.contains_key(number))
        {
            return None;
        }
        let parts = wanted.numbers.iter().filter_map(|number| self.intake.parts.remove(number));
        Some(parts.collect::<Vec<_>>().concat())
    }
}

/// The slot of an entry's chapter.
fn slot_of(id: &crate::journal::EntryId) -> SlotName {
    SlotName::Chapter(id.month().index())
}
