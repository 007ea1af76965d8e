//! Taking in what the relay shows: nothing counts that no device of the journal signed.

use std::collections::BTreeMap;

use mainstay_protocol::envelope::{Envelope, Header, Kind, Stub};
use mainstay_protocol::frame::{Item, ItemBody};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head, HeadsDigest, SlotHead};
use mainstay_protocol::ids::{AuthorId, SlotId};
use mainstay_protocol::statement::Cursor;

use super::parked::{Parked, Wait};
use super::records::Slot;
use super::{Alarm, Replica};
use crate::chapter::{EntryChange, Payload, SlotName};
use crate::document::EntryDoc;
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::journal::Month;
use crate::space::seal;

/// What a sync keeps in memory between the relay's answers.
#[derive(Default)]
pub(super) struct Intake {
    /// Items that wait for others.
    pub(super) parked: Parked,
    /// What announced snapshots cover: a chain may go on from there.
    pub(super) covers: BTreeMap<SlotId, Vec<AuthorHead>>,
    /// Chains that went on from a snapshot's cover without what comes before.
    pub(super) jumped: std::collections::BTreeSet<(SlotId, AuthorId)>,
    /// Bodies of snapshots under way, by their number in the feed.
    pub(super) parts: BTreeMap<u64, Vec<u8>>,
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
    /// Slots in which a snapshot that does not count made the relay drop what it covers.
    pub(super) voided: std::collections::BTreeSet<SlotId>,
    /// The relay refused to take a snapshot for what it covers.
    pub(super) heads_differ: bool,
    /// What the last receipt stated.
    pub(super) stated: Option<HeadsDigest>,
    /// Heads of the relay's, as they were compared, that this device's chains do not reach.
    pub(super) behind: Vec<SlotHead>,
    /// The digest of the relay's heads as they were compared, if it lacks none of this device's.
    pub(super) compared: Option<HeadsDigest>,
    /// The relay lacks wraps of the present epoch's key.
    pub(super) lacks_wraps: bool,
    /// The former name under which this device speaks to a relay that lists that alone.
    pub(super) voice: Option<super::voice::Voice>,
}

impl Intake {
    /// Whether items wait for others.
    pub(super) fn holds_something(&self) -> bool {
        self.parked.holds_something()
    }

    /// Whether bodies have come that no snapshot was made whole of yet.
    pub(super) fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }
}

/// What became of an item.
pub(super) enum Fate {
    Done,
    /// It waits for something.
    Held(Wait),
}

/// An item that was read and verified.
pub(super) struct Verified {
    pub(super) number: u64,
    /// Without covers that name nobody.
    pub(super) header: Header,
    pub(super) whole: Option<Envelope>,
    pub(super) hash: Hash,
}

impl Replica {
    /// Takes in items of the feed. Those that wait for others are kept, and tried again once these have
    /// come; `true` when none is waiting, so that a cursor may move past them.
    pub(super) fn take_items(
        &mut self,
        items: Vec<Item>,
        now_ms: i64,
    ) -> Result<bool, EngineError> {
        let mut tx = self.tx();
        let mut next = self.intake.parked.take_sealed(|epoch| self.keyring.epoch(epoch).is_some());
        next.extend(items);
        while !next.is_empty() {
            for item in next {
                if let Fate::Held(wait) = self.take_item(&mut tx, &item, now_ms)? {
                    self.intake.parked.park(item, wait);
                }
            }
            next = self.intake.parked.take_next();
        }
        self.put_tally(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)?;
        Ok(!self.intake.holds_something() && !self.intake.stale_roster)
    }

    /// A sync has ended: whatever still waits is being withheld.
    pub(super) fn end_intake(&mut self) {
        if self.intake.holds_something() {
            self.alarm(Alarm::Withheld);
        }
        self.intake = Intake::default();
    }

    fn take_item(&mut self, tx: &mut Tx, item: &Item, now_ms: i64) -> Result<Fate, EngineError> {
        let Some(verified) = self.verified(item) else { return Ok(Fate::Done) };
        let header = verified.header.clone();
        let Some(name) = self.slot_name(&header.slot) else {
            self.alarm(Alarm::Unreadable);
            return Ok(Fate::Done);
        };
        let mut slot = self.slot(tx, name)?;
        let head = slot.head(&header.author);
        if head.is_some_and(|head| header.seq <= head.seq) {
            let fate = self.known_place(tx, &mut slot, &verified)?;
            self.put_slot(tx, &slot)?;
            return Ok(fate);
        }
        if !self.continues(&header, head) && !self.follows_wanted(tx, &header)? {
            return Ok(Fate::Held(Wait::Before(header.slot, header.author, header.seq)));
        }
        match header.kind {
            Kind::Change => match self.take_change(tx, &mut slot, &verified)? {
                Fate::Held(wait) => return Ok(Fate::Held(wait)),
                Fate::Done => slot.changed_ms = now_ms,
            },
            _ => self.take_part(tx, &verified)?,
        }
        if header.author == self.me.keys.author.author_id() {
            self.intake.met_own = true;
        }
        let after = |head: Head| head.seq + 1 == header.seq && head.hash == header.previous;
        if !head.map_or(header.seq == 1, after) {
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
        if header.kind == Kind::Record {
            // Records are for shares.
            self.alarm(Alarm::Unreadable);
            return None;
        }
        // Made under a list of devices that a recovery has voided, or that is newer than this one.
        if !self.roster.accepts_head(&header.roster) {
            self.intake.stale_roster |= self.intake.asked_heads.insert(header.roster);
            if !self.intake.stale_roster {
                self.note_voided(header);
            }
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
            self.note_voided(header);
            return None;
        }
        let hash = stub.hash(&self.me.space);
        let end = self.roster.state().end_of_chain(&header.author, &header.slot).flatten();
        if end.is_some_and(|end| end.seq == header.seq && end.hash != hash) {
            // Whoever removed it had seen another envelope in this place: a copy of it made this one,
            // or it did so afterwards.
            return None;
        }
        let header = self.counted(header.clone());
        Some(Verified { number: item.number, header, whole, hash })
    }

    /// A snapshot that does not count stands on the relay for what it covers: that is to be brought
    /// again.
    fn note_voided(&mut self, header: &Header) {
        if header.kind == Kind::Snapshot && !header.covers.is_empty() {
            self.intake.voided.insert(header.slot);
        }
    }

    /// A snapshot's header as far as it counts. A stolen device can say that it covers chains of
    /// devices that never were: beyond a limit nobody could pack that chapter any more. What it says of
    /// those whom a recovery has voided counts no more than they do.
    fn counted(&self, mut header: Header) -> Header {
        let members = &self.roster.state().members;
        header.covers.retain(|cover| members.contains_key(&cover.author));
        header
    }

    /// Whether an envelope follows its chain's head, or a place that a snapshot covers.
    fn continues(&self, header: &Header, head: Option<Head>) -> bool {
        let first = header.seq == 1 && header.previous == Hash([0; 32]);
        let next = head.is_some_and(|h| h.seq + 1 == header.seq && h.hash == header.previous);
        let follows = |cover: &AuthorHead| follows(header, cover);
        let announced = self.intake.covers.get(&header.slot);
        (first && head.is_none())
            || next
            || header.covers.iter().any(follows)
            || announced.is_some_and(|covers| covers.iter().any(follows))
    }

    pub(super) fn take_change(
        &mut self,
        tx: &mut Tx,
        slot: &mut Slot,
        v: &Verified,
    ) -> Result<Fate, EngineError> {
        let header = &v.header;
        let Some(whole) = &v.whole else { return Ok(Fate::Held(Wait::Key(None))) };
        let Some(epoch) = self.keyring.epoch(&header.epoch) else {
            return Ok(Fate::Held(Wait::Key(Some(header.epoch))));
        };
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
        self.take_stashed(tx, &id, &mut doc)?;
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
}

/// The slot of an entry's chapter.
fn slot_of(id: &crate::journal::EntryId) -> SlotName {
    SlotName::Chapter(id.month().index())
}

/// Whether an envelope comes next after a place that a snapshot covers.
pub(super) fn follows(header: &Header, cover: &AuthorHead) -> bool {
    cover.author == header.author
        && cover.head.seq + 1 == header.seq
        && cover.head.hash == header.previous
}
