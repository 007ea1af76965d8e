//! Receipts: what this device states, and what it makes of the others'.

use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::{AuthorId, Incarnation, SlotId};
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::sign::Signed;

use super::Replica;
use super::records::{Outgoing, Seen, Unconfirmed};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::{Key, Table};

/// The name under which the plan awaits confirmation.
const PLAN: &[u8] = b"plan";

impl Replica {
    /// The devices that could hold a copy of their own. A name that this device went under itself
    /// before (its store was put back, or it was let in again) is no other device, nor is one that
    /// another device went under.
    pub(super) fn other_devices(&self) -> Vec<AuthorId> {
        let (state, me) = (self.roster.state(), self.me.keys.author.author_id());
        let other = |author: &AuthorId| {
            *author != me && !self.me.former.contains(author) && !state.is_former(author)
        };
        state.active().map(|(author, _)| *author).filter(other).collect()
    }

    /// A receipt, if something changed since the last one. Everything it states is made durable
    /// first.
    pub(super) fn receipt(&mut self) -> Result<Option<Signed<Receipt>>, EngineError> {
        let incarnation = self.relay.as_ref().and_then(|relay| relay.incarnation());
        let Some(incarnation) = incarnation.filter(|_| self.tally.owed) else { return Ok(None) };
        if self.lacks_content()? {
            return Ok(None);
        }
        self.tally.counter += 1;
        self.intake.stated = Some(self.tally.digest);
        let mut tx = self.tx();
        self.put_tally(&mut tx)?;
        tx.commit(&mut *self.rng)?;
        let receipt = Receipt {
            version: mainstay_protocol::FORMAT_VERSION,
            space: self.me.space,
            author: self.me.keys.author.author_id(),
            counter: self.tally.counter,
            instance: self.tally.instance,
            incarnation,
            roster_head: self.roster.head(),
            digest: self.tally.digest,
            recent: self.tally.recent.clone(),
        };
        Ok(Some(Signed::seal(&receipt, |input| self.me.keys.author.sign(input))))
    }

    /// Whether heads have moved past something that is not here: the body of a snapshot that the
    /// relay did not deliver, changes whose document did not come. A receipt would be untrue.
    fn lacks_content(&self) -> Result<bool, EngineError> {
        Ok(!self.wanted()?.is_empty() || self.has_stashed(&self.tx(), None)?)
    }

    /// The relay has the receipt: none is owed, unless something changed since it was made.
    pub(super) fn receipt_stored(&mut self) -> Result<(), EngineError> {
        if self.intake.stated == Some(self.tally.digest) {
            self.tally.owed = false;
            let mut tx = self.tx();
            self.put_tally(&mut tx)?;
            tx.commit_lazily(&mut *self.rng)?;
        }
        Ok(())
    }

    /// From now on, every other device is to confirm what an acknowledged envelope carries.
    pub(super) fn await_receipts(
        &self,
        tx: &mut Tx,
        outgoing: &Outgoing,
    ) -> Result<(), EngineError> {
        let author = self.me.keys.author.author_id();
        let entries = outgoing.entries.iter().map(|pending| Some(pending.entry));
        let plan = outgoing.plan.as_ref().map(|_| None);
        for entry in entries.chain(plan) {
            self.await_receipt(tx, entry, (outgoing.slot, author, outgoing.seq))?;
        }
        Ok(())
    }

    /// What an envelope carries is to be confirmed by every other device but its author, whoever
    /// wrote it: that this device has an entry from a second one says nothing about a third.
    /// Devices that never stated to hold everything have nothing that could be doubted.
    pub(super) fn await_receipt(
        &self,
        tx: &mut Tx,
        entry: Option<[u8; 16]>,
        (slot, author, seq): (SlotId, AuthorId, u64),
    ) -> Result<(), EngineError> {
        for device in self.other_devices().iter().filter(|device| **device != author) {
            if self.seen(tx, device)?.is_some_and(|seen| seen.complete) {
                let item = Unconfirmed { entry, slot, author, seq };
                let key = self.unconfirmed_key(device, &item);
                // A snapshot's body may come after the changes that follow it.
                let later = tx.get::<Unconfirmed>(&key)?.is_some_and(|known| known.seq > seq);
                if !later {
                    tx.put(&key, &item)?;
                }
            }
        }
        Ok(())
    }

    /// Takes in the receipts of other devices. Each is checked: signed by a device that takes part,
    /// newer than the last, about this relay's present store.
    pub(super) fn take_receipts(
        &mut self,
        receipts: &[Signed<Receipt>],
        incarnation: Incarnation,
    ) -> Result<(), EngineError> {
        let others = self.other_devices();
        let mut tx = self.tx();
        let mine = self.stated(&tx)?;
        for signed in receipts {
            let Ok(author) = signed.peek().map(|receipt| receipt.author) else { continue };
            if author == self.me.keys.author.author_id() {
                self.own_receipt(&mut tx, signed)?;
                continue;
            }
            let member = self.roster.state().members.get(&author);
            let Some(member) = member.filter(|_| others.contains(&author)) else { continue };
            let Ok(receipt) = signed.verify(&member.device.key) else {
                self.alarm(super::Alarm::Forged);
                continue;
            };
            if receipt.space == self.me.space && receipt.incarnation == incarnation {
                self.take_receipt(&mut tx, &receipt, mine)?;
            }
        }
        tx.commit_lazily(&mut *self.rng)
    }

    /// This device's own last receipt. One that it does not know was stated by a twin, or by itself
    /// before its store was put back: what it states from now on is of another life, and newer, and
    /// it takes a key of its own, or two would go on to state things under one name.
    fn own_receipt(&mut self, tx: &mut Tx, signed: &Signed<Receipt>) -> Result<(), EngineError> {
        let Ok(receipt) = signed.verify(&self.me.keys.author.verify_key()) else { return Ok(()) };
        if receipt.counter > self.tally.counter {
            self.tally.counter = receipt.counter;
            self.tally.instance = mainstay_protocol::ids::StoreInstance(self.bytes16());
            self.tally.owed = true;
            self.put_tally(tx)?;
            self.ask(super::members::Job::Rekey);
        }
        Ok(())
    }

    /// What this device holds, if its heads say all of it. What came with the branch of a chain that
    /// the relay did not go on from is in no head until a snapshot brings it.
    fn stated(&self, tx: &Tx) -> Result<Option<HeadsDigest>, EngineError> {
        for name in self.loose_slots()? {
            let slot = self.slot(tx, name)?;
            if slot.must_pack && slot.news {
                return Ok(None);
            }
        }
        Ok(Some(self.tally.digest))
    }

    fn take_receipt(
        &mut self,
        tx: &mut Tx,
        receipt: &Receipt,
        mine: Option<HeadsDigest>,
    ) -> Result<(), EngineError> {
        let key = self.vault.key(Table::Receipt, &[receipt.author.as_bytes()]);
        let before = tx.get::<Seen>(&key)?.filter(|seen| seen.instance == receipt.instance);
        if before.as_ref().is_some_and(|seen| seen.counter > receipt.counter) {
            return Ok(());
        }
        let same = mine == Some(receipt.digest);
        let seen = Seen {
            author: receipt.author,
            counter: receipt.counter,
            instance: receipt.instance,
            digest: Some(receipt.digest),
            complete: same || before.is_some_and(|seen| seen.complete),
        };
        tx.put(&key, &seen)?;
        for item in self.unconfirmed(tx, &receipt.author)? {
            let named = receipt.recent.iter().any(|head| {
                head.slot == item.slot && head.author == item.author && head.head.seq >= item.seq
            });
            if same || named {
                tx.delete(&self.unconfirmed_key(&receipt.author, &item))?;
            }
        }
        self.revision += 1;
        Ok(())
    }

    /// A receipt may have come before the relay's word on what it states: whoever stated to hold
    /// just what this device holds has everything.
    pub(super) fn confirm_equals(&mut self) -> Result<(), EngineError> {
        let mut tx = self.tx();
        let Some(mine) = self.stated(&tx)? else { return Ok(()) };
        for device in self.other_devices() {
            let seen = self.seen(&tx, &device)?;
            if seen.is_some_and(|seen| seen.digest == Some(mine)) {
                for item in self.unconfirmed(&tx, &device)? {
                    tx.delete(&self.unconfirmed_key(&device, &item))?;
                }
            }
        }
        tx.commit_lazily(&mut *self.rng)
    }

    /// Receipts that were about another history of the relay say nothing any more.
    pub(super) fn forget_receipts(&mut self) -> Result<(), EngineError> {
        let mut tx = self.tx();
        for device in self.other_devices() {
            tx.delete(&self.vault.key(Table::Receipt, &[device.as_bytes()]))?;
        }
        tx.commit_lazily(&mut *self.rng)
    }

    pub(super) fn unconfirmed(
        &self,
        tx: &Tx,
        device: &AuthorId,
    ) -> Result<Vec<Unconfirmed>, EngineError> {
        let mut items = Vec::new();
        tx.scan(&self.vault.key(Table::Unconfirmed, &[device.as_bytes()]), &mut |_, bytes| {
            items.push(codec::decode(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(items)
    }

    pub(super) fn seen(&self, tx: &Tx, device: &AuthorId) -> Result<Option<Seen>, EngineError> {
        tx.get(&self.vault.key(Table::Receipt, &[device.as_bytes()]))
    }

    /// One for each author: who confirms a later change of an entry may lack another author's.
    fn unconfirmed_key(&self, device: &AuthorId, item: &Unconfirmed) -> Key {
        let name = item.entry.as_ref().map_or(PLAN, |entry| &entry[..]);
        self.vault.key(Table::Unconfirmed, &[device.as_bytes(), name, item.author.as_bytes()])
    }
}
