//! Filling a relay again that lost a part of what it held.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::heads::{HeadsDigest, SlotHead};
use mainstay_protocol::ids::SlotId;
use mainstay_protocol::sign::Signed;
use mainstay_protocol::statement::{Claim, Cursor, Statement};

use super::records::Slot;
use super::slots::packed_with;
use super::{Alarm, Replica};
use crate::chapter::SlotName;
use crate::engine::error::EngineError;
use crate::engine::vault::Table;

impl Replica {
    /// The relay shows another history than the one this device knew: what it had acknowledged
    /// does not count any more, and its feed is read from the start.
    pub(super) fn relay_lost(&mut self, now: &Cursor) -> Result<(), EngineError> {
        let Some(relay) = &mut self.relay else { return Ok(()) };
        let knew = relay.cursor.is_some();
        relay.cursor = Some(Cursor::start(now.incarnation));
        relay.witness = None;
        relay.intact = false;
        relay.receipts = 0;
        (relay.differs, relay.behind_ms) = (None, None);
        if knew {
            self.alarm(Alarm::RelayLost);
        }
        self.forget_receipts()?;
        self.tally.owed = true;
        self.replace_outbox()?;
        let mut tx = self.tx();
        self.lose_wanted(&mut tx)?;
        self.put_relay(&mut tx)?;
        self.put_tally(&mut tx)?;
        tx.commit(&mut *self.rng)?;
        self.doubt_ended_shares()
    }

    /// Compares every chain with what the relay states, and marks the slots that it lacks a part
    /// of: each is pushed as a snapshot, which brings everything and continues the chains.
    pub(super) fn compare_heads(
        &mut self,
        heads: &[SlotHead],
        statement: &Signed<Statement>,
        relay: &mainstay_protocol::sign::VerifyKey,
    ) -> Result<(), EngineError> {
        let bad = |what| EngineError::BadReply { what };
        let stated =
            statement.verify(relay).map_err(|_| bad("a statement that the relay did not sign"))?;
        if stated.space != self.me.space || stated.claim != Claim::Heads(HeadsDigest::of(heads)) {
            return Err(bad("a statement about something else"));
        }
        let mut theirs: BTreeMap<_, Vec<&SlotHead>> = BTreeMap::new();
        heads.iter().for_each(|head| theirs.entry(head.slot).or_default().push(head));
        // What is in the outbox is on its way: the relay is not to have it yet.
        let me = self.me.keys.author.author_id();
        let mut sent: BTreeMap<_, u64> = BTreeMap::new();
        for (_, outgoing) in self.outbox()? {
            sent.entry(outgoing.slot).or_insert(outgoing.seq - 1);
        }
        if std::mem::take(&mut self.intake.heads_differ) {
            self.uncover(&theirs)?;
        }
        let mut lacking = Vec::new();
        self.tx().scan(&self.vault.table(Table::Slot), &mut |_, bytes| {
            let slot: Slot = codec::decode(&bytes)?;
            let shown = theirs.get(&slot.id).map_or(&[][..], |heads| &heads[..]);
            let lacks = slot.chains.iter().any(|chain| {
                let on_its_way = sent.get(&slot.id).filter(|_| chain.author == me);
                let due = on_its_way.copied().unwrap_or(chain.head.seq);
                due > 0 && !shown.iter().any(|h| h.author == chain.author && h.head.seq >= due)
            });
            if lacks {
                lacking.push(slot.name);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.intake.behind = self.behind(heads)?;
        let whole = lacking.is_empty() && sent.is_empty();
        self.intake.compared = Some(HeadsDigest::of(heads)).filter(|_| whole);
        let mut tx = self.tx();
        for name in lacking {
            let mut slot = self.packed_with(&tx, name)?;
            slot.must_pack = true;
            // A relay put back to an older copy of itself may hold again what was forgotten since.
            slot.destroy |= self.has_forgotten(&slot.name);
            self.put_slot(&mut tx, &slot)?;
        }
        tx.commit(&mut *self.rng)
    }

    /// Those of the relay's heads that this device's chains do not reach, of chains that count.
    fn behind(&mut self, heads: &[SlotHead]) -> Result<Vec<SlotHead>, EngineError> {
        let tx = self.tx();
        let mut behind = Vec::new();
        for head in heads {
            let state = self.roster.state();
            let counts = state.admits_place(&head.author, &head.slot, head.head.seq) == Some(true);
            let Some(name) = self.slot_name(&head.slot).filter(|_| counts) else { continue };
            let reached = self.slot(&tx, name)?.head(&head.author).map_or(0, |own| own.seq);
            if reached < head.head.seq {
                behind.push(*head);
            }
        }
        Ok(behind)
    }

    /// What the comparison with the relay's heads showed has been asked for. Where the relay still goes
    /// further, it may keep something back, and is asked again later; no alarm says so, for it may also hold
    /// envelopes that count for nobody: what a device sealed under a list that a recovery has voided.
    pub(super) fn end_comparison(&mut self) -> Result<(), EngineError> {
        let shown = std::mem::take(&mut self.intake.behind);
        let behind = !self.behind(&shown)?.is_empty();
        let now_ms = self.intake.now_ms;
        if let (Some(theirs), Some(relay)) = (self.intake.compared.take(), &mut self.relay) {
            let differs = theirs.difference(&self.tally.digest);
            relay.differs = Some(differs).filter(|differs| *differs != HeadsDigest::EMPTY);
            relay.behind_ms = behind.then_some(now_ms);
        }
        Ok(())
    }

    /// Lets go of places of others' chains that the relay knows otherwise, although it shows them to
    /// nobody any more: what is here of them goes to it without a word on where it came from, and
    /// who holds the relay's branch brings it.
    fn uncover(&mut self, theirs: &BTreeMap<SlotId, Vec<&SlotHead>>) -> Result<(), EngineError> {
        let me = self.me.keys.author.author_id();
        let mut differing = Vec::new();
        self.tx().scan(&self.vault.table(Table::Slot), &mut |_, bytes| {
            let slot: Slot = codec::decode(&bytes)?;
            let shown = theirs.get(&slot.id).map_or(&[][..], |heads| &heads[..]);
            for chain in slot.chains.iter().filter(|chain| chain.author != me) {
                let theirs = shown.iter().find(|head| head.author == chain.author);
                if theirs.is_some_and(|h| h.head.seq >= chain.head.seq && h.head != chain.head) {
                    differing.push((slot.name, chain.author));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let mut tx = self.tx();
        for (name, author) in differing {
            let mut slot = self.slot(&tx, name)?;
            self.take_head_back(&mut slot, &author, None);
            self.put_slot(&mut tx, &slot)?;
            let mut packed = self.packed_with(&tx, name)?;
            (packed.must_pack, packed.news) = (true, true);
            self.put_slot(&mut tx, &packed)?;
        }
        self.put_tally(&mut tx)?;
        tx.commit(&mut *self.rng)
    }

    /// What the relay dropped for snapshots that do not count (their author's list of devices was
    /// voided by a recovery) is brought to it again by whoever holds it.
    pub(super) fn bring_again(&mut self) -> Result<(), EngineError> {
        for id in std::mem::take(&mut self.intake.voided) {
            let Some(name) = self.slot_name(&id) else { continue };
            if !self.slot(&self.tx(), name)?.chains.is_empty() {
                self.must_pack(packed_with(name), true)?;
            }
        }
        Ok(())
    }

    /// Marks a slot to be pushed as a snapshot.
    pub(super) fn must_pack(&mut self, name: SlotName, news: bool) -> Result<(), EngineError> {
        let mut tx = self.tx();
        let mut slot = self.slot(&tx, name)?;
        slot.must_pack = true;
        slot.news |= news;
        self.put_slot(&mut tx, &slot)?;
        tx.commit(&mut *self.rng)
    }

    /// Whether a slot still has to be pushed whole.
    pub(super) fn owes_snapshots(&self) -> Result<bool, EngineError> {
        let tx = self.tx();
        for name in self.loose_slots()? {
            if self.slot(&tx, name)?.must_pack {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
