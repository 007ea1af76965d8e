//! One share as the sync's [`Local`] port. It holds records, which replace each other: there are no
//! bodies to fetch, no chapters, no restore.

use mainstay_protocol::codec;
use mainstay_protocol::frame::{Admission, Grant, Item, Proof, Request, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{Head, HeadsDigest, SlotHead};
use mainstay_protocol::ids::{AuthorId, Incarnation, SlotId, SpaceId};
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::{Merged, Record, RosterError, Wrap, wrap_hash};
use mainstay_protocol::sign::{Signature, Signed, VerifyKey, purpose};
use mainstay_protocol::statement::{Claim, Cursor, Statement, Stored};

use super::view::Stated;
use super::{Alarm, Replica, Share};
use crate::engine::error::EngineError;
use crate::sync::{Local, Outgone, RestoreAsk, ShownRoster};

/// A share and the journal that it is a share of, while one of them syncs.
pub(in crate::engine) struct Side<'a> {
    pub(super) journal: &'a mut Replica,
    pub(super) share: &'a mut Share,
}

impl Side<'_> {
    /// Writes what is known of the share. Lazily: what a power cut takes comes again.
    pub(super) fn keep(&mut self) -> Result<(), EngineError> {
        let mut tx = self.journal.tx();
        self.journal.put_share(&mut tx, self.share)?;
        tx.commit_lazily(&mut *self.journal.rng)
    }

    /// As [`Side::keep`], durably: for what must not be claimed again after a power cut.
    fn keep_durably(&mut self) -> Result<(), EngineError> {
        let mut tx = self.journal.tx();
        self.journal.put_share(&mut tx, self.share)?;
        tx.commit(&mut *self.journal.rng)
    }

    /// Whether it is this device that is spoken for, not its member alone: the list does not name it
    /// yet. A counsellor who leaves says so as a member, which is heard also after the consent's end.
    fn speaks_as_device(&self) -> bool {
        self.share.is_listed() && !self.leaves()
    }

    pub(super) fn is_known_to_be_out(&mut self) -> Result<(), EngineError> {
        match std::mem::replace(&mut self.share.view.relay.intact, true) {
            true => Ok(()),
            false => self.keep_durably(),
        }
    }

    fn leaves(&self) -> bool {
        !self.share.owns() && self.share.book.ended_ms.is_some()
    }

    fn signer(&self) -> Signer {
        Signer::Member(self.share.me.member)
    }
}

impl Local for Side<'_> {
    type Error = EngineError;

    fn space(&self) -> SpaceId {
        self.share.id
    }

    fn author(&self) -> AuthorId {
        self.share.author()
    }

    fn speaker(&self) -> Signer {
        match self.speaks_as_device() {
            true => Signer::Device(self.share.author()),
            false => self.signer(),
        }
    }

    fn sign_attach(&self, proof: &Proof) -> Signature {
        let key = match self.speaks_as_device() {
            true => &self.share.me.author,
            false => &self.share.me.keys.sign,
        };
        key.sign_for(purpose::ATTACH, &proof.message())
    }

    fn cursor(&self) -> Option<Cursor> {
        self.share.view.relay.cursor
    }

    fn witness(&self) -> Option<Cursor> {
        let relay = &self.share.view.relay;
        let cursor = relay.cursor?;
        let further = |w: &Cursor| w.incarnation == cursor.incarnation && w.number > cursor.number;
        Some(relay.witness.filter(further).unwrap_or(cursor))
    }

    fn roster_head(&self) -> Hash {
        self.share.roster.head()
    }

    fn receipts_stamp(&self) -> u64 {
        self.share.view.relay.receipts
    }

    fn intact(&self) -> bool {
        self.share.view.relay.intact
    }

    fn creation(&mut self) -> Result<Request, EngineError> {
        let share = &self.share;
        let damaged = |_| EngineError::damaged("the relay's permission cannot be read");
        let admission = match &share.view.relay.grant {
            Some(grant) => Admission::Granted(codec::decode(grant).map_err(damaged)?),
            None => Admission::Open,
        };
        let records = share.roster.records_after(None);
        let present = &share.roster.state().epoch.wraps;
        let wraps = share.view.wraps.iter();
        let wraps = wraps.filter(|wrap| present.iter().any(|named| named.hash == wrap_hash(wrap)));
        Ok(Request::Create { space: share.id, records, wraps: wraps.cloned().collect(), admission })
    }

    fn created(&mut self, grant: Signed<Grant>) -> Result<(), EngineError> {
        let relay = &mut self.share.view.relay;
        relay.grant = Some(codec::encode(&grant).into());
        (relay.cursor, relay.witness, relay.receipts) = (None, None, 0);
        (relay.differs, relay.behind_ms) = (None, None);
        relay.intact = false;
        self.share.view.tally.owed = true;
        self.keep_durably()
    }

    fn space_unknown(&mut self) -> Result<(), EngineError> {
        if std::mem::replace(&mut self.share.view.relay.intact, false) {
            self.keep_durably()?;
        }
        Ok(())
    }

    fn heard_clock(&mut self, relay_ms: u64) {
        self.share.relay_ms = i64::try_from(relay_ms).ok();
    }

    fn relay_lacks_wraps(&mut self, lacks: bool) {
        self.share.lacks_wraps = lacks;
    }

    fn relay_lost(&mut self, now: &Cursor) -> Result<(), EngineError> {
        let relay = &mut self.share.view.relay;
        relay.intact = false;
        relay.cursor = Some(Cursor::start(now.incarnation));
        relay.witness = relay.cursor;
        relay.receipts = 0;
        (relay.differs, relay.behind_ms) = (None, None);
        self.share.view.tally.owed = true;
        self.journal.share_alarm(Alarm::RelayLost);
        self.keep_durably()
    }

    fn take_roster(&mut self, records: &[Signed<Record>]) -> Result<ShownRoster, EngineError> {
        let before = self.share.state()?.clone();
        let merged = match self.share.roster.merge(records) {
            Ok(Merged::Same) => return Ok(ShownRoster::Taken),
            Ok(merged) => merged,
            Err(RosterError::Stale) => return Ok(ShownRoster::Behind),
            Err(error) => {
                if matches!(error, RosterError::Fork { .. }) {
                    self.journal.share_alarm(Alarm::ShareFork);
                }
                return Err(error.into());
            }
        };
        if matches!(merged, Merged::Replaced(_)) {
            self.share.due = None;
            self.share.view.compared = None;
        }
        self.share.asked_heads.clear();
        self.members_changed(&before)?;
        self.keep_durably().map(|()| ShownRoster::Taken)
    }

    fn heal(&mut self) -> Result<Option<Request>, EngineError> {
        Ok(None)
    }

    fn roster_is_stale(&mut self) -> bool {
        std::mem::take(&mut self.share.stale_roster)
    }

    fn may_teach(&self) -> bool {
        self.share.is_in() || self.leaves()
    }

    fn is_member(&self) -> bool {
        self.share.is_in()
    }

    fn lacks_key(&self) -> bool {
        // To leave takes none, and after the consent's end the relay gives none.
        !self.leaves() && self.share.keyring.present(&self.share.roster).is_err()
    }

    fn take_wraps(&mut self, wraps: &[Wrap]) -> Result<(), EngineError> {
        let (me, share) = (self.signer(), &mut *self.share);
        share.keyring.absorb(&share.roster, wraps, me, &share.me.keys.kem);
        // What came before its key is read again.
        share.stale_roster |= std::mem::take(&mut share.passed_over);
        Ok(())
    }

    fn take_items(
        &mut self,
        items: Vec<Item>,
        cursor: Option<Cursor>,
        _now_ms: i64,
    ) -> Result<(), EngineError> {
        self.take(items, cursor)
    }

    fn wanted(&mut self) -> Result<Vec<u64>, EngineError> {
        Ok(Vec::new())
    }

    fn end_wanted(&mut self) -> Result<bool, EngineError> {
        Ok(false)
    }

    fn end_pull(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    fn restore_first(&mut self, _now_ms: i64) -> Option<Vec<Request>> {
        None
    }

    fn restore_next(&mut self) -> Result<Option<RestoreAsk>, EngineError> {
        Ok(None)
    }

    fn take_slots(&mut self, _slots: Vec<SlotId>, _now_ms: i64) -> Result<(), EngineError> {
        Ok(())
    }

    fn restored_to(
        &mut self,
        _asked: &[SlotId],
        _stopped: Option<(SlotId, u64)>,
    ) -> Result<(), EngineError> {
        Ok(())
    }

    fn take_receipts(
        &mut self,
        receipts: &[Signed<Receipt>],
        incarnation: Incarnation,
        stamp: u64,
    ) -> Result<(), EngineError> {
        for signed in receipts {
            let Ok(author) = signed.peek().map(|receipt| receipt.author) else { continue };
            self.take_receipt(signed, author, incarnation);
        }
        self.share.view.relay.receipts = stamp;
        self.journal.revision += 1;
        self.keep()
    }

    fn compare_heads(
        &mut self,
        heads: &[SlotHead],
        statement: &Signed<Statement>,
        relay: &VerifyKey,
    ) -> Result<(), EngineError> {
        let stated = statement.verify(relay).ok();
        let right = stated.is_some_and(|stated| {
            stated.space == self.share.id && stated.claim == Claim::Heads(HeadsDigest::of(heads))
        });
        match right {
            true => self.compare(heads),
            false => Err(EngineError::BadReply { what: "a statement about other heads" }),
        }
    }

    fn place_unknown(&mut self) -> Result<(), EngineError> {
        let relay = &mut self.share.view.relay;
        relay.cursor = relay.cursor.map(|cursor| Cursor::start(cursor.incarnation));
        Ok(())
    }

    fn agrees(&mut self, theirs: &HeadsDigest) -> Result<bool, EngineError> {
        self.agrees_with(theirs)
    }

    fn behind(&mut self) -> Result<Vec<SlotId>, EngineError> {
        Ok(self.slots_behind())
    }

    fn end_comparison(&mut self) -> Result<(), EngineError> {
        self.note_comparison()
    }

    fn heard_receipts(&mut self, newest: u64) {
        let relay = &mut self.share.view.relay;
        if relay.receipts > newest {
            relay.receipts = 0;
        }
    }

    fn heard_own_receipt(&mut self, counter: u64) {
        let tally = &mut self.share.view.tally;
        tally.owed |= counter < tally.counter;
    }

    fn next_append(&mut self) -> Result<Option<Request>, EngineError> {
        let Some(change) = self.next_change()? else { return Ok(None) };
        let request = Request::Append {
            space: self.share.id,
            expected: self.share.roster.head(),
            record: change.record.clone(),
            wraps: change.wraps.clone(),
        };
        self.share.appending = Some(change);
        Ok(Some(request))
    }

    fn appended(&mut self) -> Result<(), EngineError> {
        let change = self.share.appending.take();
        let change = change.ok_or(EngineError::BadReply { what: "an append nobody asked for" })?;
        // What was sent names the head before.
        self.take_all_back()?;
        let before = self.share.state()?.clone();
        self.share.roster.append(&change.record)?;
        if change.epoch.is_some() {
            self.share.view.wraps.clear();
            if std::mem::take(&mut self.share.lacks_wraps) {
                self.share.view.relay.started_epoch();
            }
        }
        self.share.view.wraps.extend(change.wraps);
        if let Some(epoch) = change.epoch {
            self.share.keyring.add(epoch);
        }
        self.members_changed(&before)?;
        self.keep_durably()
    }

    fn append_refused(&mut self) {
        self.share.appending = None;
    }

    fn outgoing(&mut self, now_ms: i64, limit_bytes: usize) -> Result<Outgone, EngineError> {
        self.share.now_ms = now_ms;
        self.give(now_ms, limit_bytes)
    }

    fn stored(&mut self, stored: &[Stored], now: Cursor) -> Result<(), EngineError> {
        let sent = self.journal.sent(&self.share.id)?;
        let mut tx = self.journal.tx();
        for sent in sent.iter().filter(|sent| stored.iter().any(|s| s.envelope == sent.hash)) {
            self.journal.drop_sent(&mut tx, &self.share.id, &sent.slot)?;
            self.share.sent += 1;
            let place = (&self.share.my_side(), &sent.slot);
            if let Some(register) = self.journal.register(&tx, &self.share.id, place)? {
                self.journal.note_disclosed(&mut tx, self.share, &register, self.share.now_ms)?;
            }
        }
        let relay = &mut self.share.view.relay;
        relay.witnessed(now);
        let followed = relay.cursor.map(|at| {
            stored.iter().filter(|s| s.number != 0).fold(at, |at, s| at.next(&s.envelope))
        });
        if followed == Some(now) {
            relay.cursor = Some(now);
        }
        self.journal.put_share(&mut tx, self.share)?;
        tx.commit_lazily(&mut *self.journal.rng)
    }

    fn take_back(&mut self) -> Result<(), EngineError> {
        self.take_all_back()
    }

    fn heads_differ(&mut self) -> Result<(), EngineError> {
        self.share.view.relay.intact = false;
        self.keep()
    }

    /// It is a relay's word without a signature: what it has is compared and read, no more.
    fn out_of_order(
        &mut self,
        _slot: SlotId,
        _author: AuthorId,
        _head: Option<Head>,
    ) -> Result<(), EngineError> {
        self.share.view.relay.intact = false;
        self.keep()
    }

    fn receipt(&mut self) -> Result<Option<Signed<Receipt>>, EngineError> {
        let share = &mut self.share;
        let Some(incarnation) = share.view.relay.incarnation() else { return Ok(None) };
        if !share.view.tally.owed || !share.is_listed() || share.passed_over {
            return Ok(None);
        }
        let tally = &mut share.view.tally;
        tally.counter += 1;
        let receipt = Receipt {
            version: mainstay_protocol::FORMAT_VERSION,
            space: share.id,
            author: share.me.author.author_id(),
            counter: tally.counter,
            instance: tally.instance,
            incarnation,
            roster_head: share.roster.head(),
            digest: tally.digest,
            recent: tally.recent.clone(),
        };
        let signed = Signed::seal(&receipt, |input| share.me.author.sign(input));
        // It states what must not be lost again, and under a number that is never used twice.
        self.keep_durably()?;
        Ok(Some(signed))
    }

    fn receipt_stored(&mut self) -> Result<(), EngineError> {
        self.share.view.tally.owed = false;
        self.keep()
    }

    fn finished(&mut self, now_ms: i64) -> Result<(), EngineError> {
        let nothing_sent = self.journal.sent(&self.share.id)?.is_empty();
        let due = self.share.due.as_ref().is_some_and(|(_, due)| !due.is_empty());
        if nothing_sent && !due {
            self.share.view.relay.intact = true;
        }
        let moved = self.share.received + self.share.sent > 0;
        self.share.view.relay.synced_ms = Some(now_ms);
        self.journal.revision += u64::from(moved);
        self.journal.book_epochs(self.share, now_ms)?;
        if self.share.owns() && self.journal.is_delivered(self.share, now_ms)? {
            let mut tx = self.journal.tx();
            self.journal.note_delivered(&mut tx, &self.share.id, now_ms)?;
            tx.commit_lazily(&mut *self.journal.rng)?;
        }
        match moved {
            true => self.keep_durably(),
            false => self.keep(),
        }
    }
}

impl Side<'_> {
    /// A receipt counts if its author is listed, signed it, and states it of this relay's present
    /// store.
    fn take_receipt(
        &mut self,
        signed: &Signed<Receipt>,
        author: AuthorId,
        incarnation: Incarnation,
    ) {
        let state = self.share.roster.state();
        let Some(key) = state.key(&Signer::Device(author)) else { return };
        let Ok(receipt) = signed.verify(key) else {
            self.journal.share_alarm(Alarm::Forged);
            return;
        };
        if receipt.space != self.share.id || receipt.incarnation != incarnation {
            return;
        }
        let tally = &mut self.share.view.tally;
        if author == self.share.me.author.author_id() {
            // A copy of this device states things under its name.
            tally.owed |= receipt.counter > tally.counter;
            tally.counter = tally.counter.max(receipt.counter);
            return;
        }
        let stated = &mut self.share.view.stated;
        if stated.iter().any(|known| known.author == author && known.counter > receipt.counter) {
            return;
        }
        stated.retain(|known| known.author != author);
        stated.push(Stated { author, counter: receipt.counter, digest: receipt.digest });
    }

    /// This device goes on under another key of its own; its member certifies it with the next sync.
    pub(super) fn take_other_name(&mut self) -> Result<(), EngineError> {
        let share = &mut self.share;
        share.view.generation += 1;
        share.me.author = self.journal.me.secret.keys(&share.id, share.view.generation).author;
        share.view.tally.owed = true;
        self.keep_durably()
    }
}
