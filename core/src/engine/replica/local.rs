//! The replica as the sync's [`Local`] port.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use mainstay_protocol::frame::{Admission, Grant, Item, Proof, Pull, Request, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{Head, HeadsDigest, SlotHead};
use mainstay_protocol::ids::{AuthorId, Incarnation, SlotId, SpaceId};
use mainstay_protocol::limits::{MAX_FETCH_SLOTS, MAX_PULL_BYTES, MAX_PUSH_ENVELOPES};
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::{Record, Wrap};
use mainstay_protocol::sign::{Signature, Signed, VerifyKey, purpose};
use mainstay_protocol::statement::{Cursor, Statement, Stored};

use super::members::Job;
use super::open::{WRAPS, meta};
use super::records::Restoring;
use super::{Alarm, Counts, Replica};
use crate::chapter::SlotName;
use crate::engine::error::EngineError;
use crate::space::keyring::KeyringError;
use crate::sync::{Local, Outgone, RestoreAsk, ShownRoster, SyncError};

impl From<SyncError> for EngineError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Refused(refusal) => Self::Refused(refusal),
            SyncError::BadReply(what) => Self::BadReply { what },
            SyncError::NoKey => Self::Keyring(KeyringError::Missing),
            SyncError::NotADevice => Self::NotADevice,
            SyncError::Restless => Self::Restless,
        }
    }
}

impl Local for Replica {
    type Error = EngineError;

    fn space(&self) -> SpaceId {
        self.me.space
    }

    fn author(&self) -> AuthorId {
        self.me.keys.author.author_id()
    }

    fn speaker(&self) -> Signer {
        Signer::Device(self.voice_id())
    }

    fn speak_formerly(&mut self) -> bool {
        Replica::speak_formerly(self)
    }

    fn speaks_formerly(&self) -> bool {
        Replica::speaks_formerly(self)
    }

    fn speak_presently(&mut self) {
        Replica::speak_presently(self);
    }

    fn sign_attach(&self, proof: &Proof) -> Signature {
        self.voice().author.sign_for(purpose::ATTACH, &proof.message())
    }

    fn cursor(&self) -> Option<Cursor> {
        self.relay.as_ref().and_then(|relay| relay.cursor)
    }

    fn witness(&self) -> Option<Cursor> {
        let relay = self.relay.as_ref()?;
        let cursor = relay.cursor?;
        let further = |w: &Cursor| w.incarnation == cursor.incarnation && w.number > cursor.number;
        Some(relay.witness.filter(further).unwrap_or(cursor))
    }

    fn roster_head(&self) -> Hash {
        self.roster.head()
    }

    fn receipts_stamp(&self) -> u64 {
        self.relay.as_ref().map_or(0, |relay| relay.receipts)
    }

    fn intact(&self) -> bool {
        self.relay.as_ref().is_some_and(|relay| relay.intact)
    }

    fn creation(&mut self) -> Result<Request, EngineError> {
        let relay = self.view()?;
        let damaged = |_| EngineError::damaged("the relay's permission cannot be read");
        let admission = match (&relay.grant, &relay.invitation) {
            (Some(grant), _) => {
                Admission::Granted(mainstay_protocol::codec::decode(grant).map_err(damaged)?)
            }
            (None, Some(invitation)) => {
                Admission::Invited(mainstay_protocol::codec::decode(invitation).map_err(damaged)?)
            }
            (None, None) => Admission::Open,
        };
        let mut wraps: Vec<Wrap> = self.tx().get(&meta(&self.vault, WRAPS))?.unwrap_or_default();
        let records = self.roster.records_after(None);
        // Some may be of records that a recovery has voided since.
        let named = self.named_wraps();
        wraps.retain(|wrap| named.contains(&mainstay_protocol::roster::wrap_hash(wrap)));
        Ok(Request::Create { space: self.me.space, records, wraps, admission })
    }

    fn created(&mut self, grant: Signed<Grant>) -> Result<(), EngineError> {
        self.replace_outbox()?;
        let mut knew = false;
        if let Some(relay) = &mut self.relay {
            relay.grant = Some(mainstay_protocol::codec::encode(&grant).into());
            knew = relay.cursor.is_some();
            (relay.cursor, relay.witness) = (None, None);
            relay.intact = false;
            relay.receipts = 0;
        }
        if knew {
            self.alarm(Alarm::RelayLost);
            self.forget_receipts()?;
        }
        self.tally.owed = true;
        let mut tx = self.tx();
        self.lose_wanted(&mut tx)?;
        self.put_relay(&mut tx)?;
        self.put_tally(&mut tx)?;
        tx.commit(&mut *self.rng)?;
        if knew {
            self.doubt_ended_shares()?;
        }
        Ok(())
    }

    fn space_unknown(&mut self) -> Result<(), EngineError> {
        let Some(relay) = self.relay.as_mut().filter(|relay| relay.intact) else { return Ok(()) };
        relay.intact = false;
        let mut tx = self.tx();
        self.put_relay(&mut tx)?;
        tx.commit(&mut *self.rng)
    }

    fn heard_clock(&mut self, relay_ms: u64) {
        self.intake.relay_ms = i64::try_from(relay_ms).ok();
    }

    fn relay_lacks_wraps(&mut self, lacks: bool) {
        self.intake.lacks_wraps = lacks;
        if lacks && self.relay.as_ref().is_some_and(|relay| relay.may_start_epoch()) {
            self.ask(Job::Epoch);
        }
    }

    fn relay_lost(&mut self, now: &Cursor) -> Result<(), EngineError> {
        Replica::relay_lost(self, now)
    }

    fn take_roster(&mut self, records: &[Signed<Record>]) -> Result<ShownRoster, EngineError> {
        Replica::take_roster(self, records)
    }

    fn heal(&mut self) -> Result<Option<Request>, EngineError> {
        self.draft_heal()
    }

    fn roster_is_stale(&mut self) -> bool {
        std::mem::take(&mut self.intake.stale_roster)
    }

    fn is_member(&self) -> bool {
        Replica::is_member(self)
    }

    fn lacks_key(&self) -> bool {
        Replica::lacks_key(self)
    }

    fn take_wraps(&mut self, wraps: &[Wrap]) -> Result<(), EngineError> {
        Replica::take_wraps(self, wraps)?;
        if self.fork.is_some() {
            return Ok(());
        }
        // What came with the greeting may have waited for these keys.
        let (cursor, now_ms) = (self.intake.cursor, self.intake.now_ms);
        Local::take_items(self, Vec::new(), cursor, now_ms)
    }

    fn take_items(
        &mut self,
        items: Vec<Item>,
        cursor: Option<Cursor>,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        if !Replica::is_member(self) {
            // Who waits or was removed is shown nothing by an honest relay, and takes nothing from
            // another one: what it holds when it is confirmed, it vouches for.
            return Ok(());
        }
        (self.intake.cursor, self.intake.now_ms) = (cursor.or(self.intake.cursor), now_ms);
        let nothing_waits = Replica::take_items(self, items, now_ms)?;
        self.adopt_fetched()?;
        if self.intake.stale_roster {
            // It is read again once the list of devices has been.
            self.intake.cursor = None;
        }
        let moved = cursor.filter(|_| nothing_waits && self.restoring.is_none());
        if let (Some(cursor), Some(relay)) = (moved, &mut self.relay)
            && relay.cursor != Some(cursor)
        {
            relay.cursor = Some(cursor);
            relay.witnessed(cursor);
            let mut tx = self.tx();
            self.put_relay(&mut tx)?;
            tx.commit_lazily(&mut *self.rng)?;
        }
        Ok(())
    }

    fn wanted(&mut self) -> Result<Vec<u64>, EngineError> {
        self.adopt_fetched()?;
        let mut wanted = Replica::wanted(self)?;
        // Newest first, so that what a person looks at is whole first.
        wanted.sort_by_key(|wanted| Reverse(wanted.numbers.first().copied()));
        let numbers = wanted.into_iter().flat_map(|wanted| wanted.numbers);
        Ok(numbers.filter(|number| !self.has_part(*number)).collect())
    }

    fn end_wanted(&mut self) -> Result<bool, EngineError> {
        if !self.drop_replaced()? {
            return Ok(false);
        }
        let end = self.relay.as_ref().and_then(|relay| relay.cursor);
        let wanted = Replica::wanted(self)?;
        let beyond = |end: &Cursor| wanted.iter().flat_map(|w| &w.numbers).any(|n| *n > end.number);
        match end.filter(beyond) {
            // The feed ends before what it announced: it was rolled back, though not behind the cursor.
            Some(end) => self.relay_lost(&end).map(|()| false),
            None => self.doubt_feed(),
        }
    }

    fn end_pull(&mut self) -> Result<(), EngineError> {
        self.bring_again()?;
        // Once: under the new key there is nothing of its own that it does not know.
        if std::mem::take(&mut self.intake.met_own) && self.is_member() {
            self.ask(Job::Rekey);
        }
        Ok(())
    }

    fn restore_first(&mut self, now_ms: i64) -> Option<Vec<Request>> {
        let restoring = self.restoring.as_ref().filter(|restoring| restoring.slots.is_none())?;
        let after = restoring.after;
        let [this, before] = Self::first_months(now_ms).map(|month| month.index());
        let pull = |names: &[SlotName], stubs| {
            let slots = names.iter().map(|name| self.slot_id(*name)).collect();
            let pull = Pull::Slots { slots, after, stubs, limit_bytes: MAX_PULL_BYTES };
            Request::Pull { space: self.me.space, pull }
        };
        Some(vec![
            pull(&[SlotName::Plan, SlotName::Page(this), SlotName::Page(before)], false),
            pull(&[SlotName::Chapter(this), SlotName::Chapter(before)], true),
            Request::Slots { space: self.me.space },
        ])
    }

    fn restore_next(&mut self) -> Result<Option<RestoreAsk>, EngineError> {
        let Some(restoring) = &self.restoring else { return Ok(None) };
        let Some(slots) = &restoring.slots else { return Ok(Some(RestoreAsk::Names)) };
        if !slots.is_empty() {
            let next = slots.iter().rev().take(MAX_FETCH_SLOTS).copied().collect();
            return Ok(Some(RestoreAsk::Slots(next, restoring.after)));
        }
        let from = restoring.from;
        self.restoring = None;
        if let Some(relay) = &mut self.relay {
            relay.cursor = Some(from);
        }
        let mut tx = self.tx();
        self.put_restoring(&mut tx)?;
        self.put_relay(&mut tx)?;
        tx.commit(&mut *self.rng)?;
        Ok(None)
    }

    fn take_slots(&mut self, slots: Vec<SlotId>, now_ms: i64) -> Result<(), EngineError> {
        let mut names: Vec<_> =
            slots.iter().filter_map(|id| Some((self.slot_name(id)?, *id))).collect();
        let first = Self::first_months(now_ms);
        // The next one last: pages from the newest to the oldest, then documents likewise.
        names.retain(|(name, _)| match name {
            SlotName::Plan | SlotName::Record(_) => false,
            SlotName::Page(month) => !first.iter().any(|first| first.index() == *month),
            SlotName::Chapter(_) => true,
        });
        names.sort_by_key(|(name, _)| match name {
            SlotName::Chapter(month) => (0, *month),
            SlotName::Page(month) => (1, *month),
            SlotName::Plan | SlotName::Record(_) => (2, 0),
        });
        if let Some(restoring) = &mut self.restoring {
            restoring.slots = Some(names.into_iter().map(|(_, id)| id).collect());
        }
        let mut tx = self.tx();
        self.put_restoring(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)
    }

    fn restored_to(
        &mut self,
        asked: &[SlotId],
        stopped: Option<(SlotId, u64)>,
    ) -> Result<(), EngineError> {
        if self.intake.stale_roster {
            return Ok(());
        }
        // What waits for something later must come again if the connection breaks now.
        if stopped.is_some() && self.intake.holds_something() {
            return Ok(());
        }
        if let Some(Restoring { slots: Some(slots), after, done, .. }) = &mut self.restoring {
            let place = |slot: &SlotId| slots.iter().rev().position(|s| s == slot);
            let complete = match &stopped {
                Some((slot, _)) => place(slot).unwrap_or(0),
                None => asked.last().and_then(place).map_or(0, |at| at + 1),
            };
            slots.truncate(slots.len() - complete);
            *done += complete as u32;
            *after = stopped.map_or(0, |(_, number)| number);
        }
        let mut tx = self.tx();
        self.put_restoring(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)
    }

    fn take_receipts(
        &mut self,
        receipts: &[Signed<Receipt>],
        incarnation: Incarnation,
        stamp: u64,
    ) -> Result<(), EngineError> {
        Replica::take_receipts(self, receipts, incarnation)?;
        // After a change of the devices, older receipts count too: the next sync asks for them all.
        let changed = self.intake.members_changed;
        if let Some(relay) = self.relay.as_mut().filter(|_| !changed) {
            relay.receipts = stamp;
        }
        Ok(())
    }

    fn compare_heads(
        &mut self,
        heads: &[SlotHead],
        statement: &Signed<Statement>,
        relay: &VerifyKey,
    ) -> Result<(), EngineError> {
        Replica::compare_heads(self, heads, statement, relay)
    }

    fn place_unknown(&mut self) -> Result<(), EngineError> {
        let Some(relay) = &mut self.relay else { return Ok(()) };
        relay.cursor = relay.cursor.map(|cursor| Cursor::start(cursor.incarnation));
        let mut tx = self.tx();
        self.put_relay(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)
    }

    fn agrees(&mut self, theirs: &HeadsDigest) -> Result<bool, EngineError> {
        // What is on its way is in this device's heads already.
        if self.restoring.is_some() || !self.outbox_is_empty()? {
            return Ok(true);
        }
        let (difference, now_ms) = (theirs.difference(&self.tally.digest), self.intake.now_ms);
        Ok(self.relay.as_ref().is_none_or(|relay| relay.is_settled(&difference, now_ms)))
    }

    fn behind(&mut self) -> Result<Vec<SlotId>, EngineError> {
        Ok(self
            .intake
            .behind
            .iter()
            .map(|head| head.slot)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect())
    }

    fn end_comparison(&mut self) -> Result<(), EngineError> {
        Replica::end_comparison(self)
    }

    fn heard_receipts(&mut self, newest: u64) {
        // Stamps only grow: a relay that has fewer than it once claimed gets the question anew.
        if let Some(relay) = self.relay.as_mut().filter(|relay| relay.receipts > newest) {
            relay.receipts = 0;
        }
    }

    fn heard_own_receipt(&mut self, counter: u64) {
        // Kept with the next receipt, or heard again.
        self.tally.owed |= counter < self.tally.counter;
    }

    fn next_append(&mut self) -> Result<Option<Request>, EngineError> {
        self.recognise_own_key()?;
        // Without the present key no change can be made: it waits until another device has seen to it.
        if self.next_job().is_none() || Replica::lacks_key(self) {
            return Ok(None);
        }
        let change = loop {
            match self.draft_job() {
                Ok(Some(change)) => break change,
                Ok(None) => return Ok(None),
                Err(error) if !self.drop_job() => return Err(error),
                Err(_) => {}
            }
        };
        if self.next_job() == Some(&Job::Rekey) {
            self.note_going_on(&change)?;
        }
        let request = Request::Append {
            space: self.me.space,
            expected: self.roster.head(),
            record: change.record.clone(),
            wraps: change.wraps.clone(),
        };
        self.appending = Some(change);
        Ok(Some(request))
    }

    fn appended(&mut self) -> Result<(), EngineError> {
        match self.appending.take() {
            Some(change) => {
                // What is in the outbox names the head before.
                self.take_back_outbox()?;
                match self.fork.take() {
                    Some(shown) => self.healed(shown.list, change),
                    None => self.job_done(change),
                }
            }
            None => Err(EngineError::BadReply { what: "an append that nobody asked for" }),
        }
    }

    fn append_refused(&mut self) {
        self.appending = None;
        match self.fork.is_some() {
            true => self.jobs.retain(|job| !matches!(job, Job::Heal(_))),
            false => {
                self.drop_job();
            }
        }
    }

    fn outgoing(&mut self, now_ms: i64, limit_bytes: usize) -> Result<Outgone, EngineError> {
        if self.outbox_is_empty()? {
            self.salvage()?;
            self.seal_more(now_ms)?;
        }
        let mut bytes = 0;
        let mut out = Outgone { all: true, envelopes: Vec::new() };
        self.to_send(&mut |outgoing| {
            bytes += outgoing.envelope.len();
            let full = out.envelopes.len() == MAX_PUSH_ENVELOPES || bytes > limit_bytes;
            if full && !out.envelopes.is_empty() {
                out.all = false;
                return ControlFlow::Break(());
            }
            out.envelopes.push((outgoing.hash, outgoing.envelope.into()));
            ControlFlow::Continue(())
        })?;
        Ok(out)
    }

    fn stored(&mut self, stored: &[Stored], now: Cursor) -> Result<(), EngineError> {
        self.acknowledged(stored)?;
        let Some(relay) = &mut self.relay else { return Ok(()) };
        relay.witnessed(now);
        // Nobody else's items lie between: what this device pushed need not be pulled again.
        let followed = relay.cursor.map(|at| {
            stored.iter().filter(|s| s.number != 0).fold(at, |at, s| at.next(&s.envelope))
        });
        if followed == Some(now) {
            relay.cursor = Some(now);
        }
        let mut tx = self.tx();
        self.put_relay(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)
    }

    fn take_back(&mut self) -> Result<(), EngineError> {
        self.refused_outbox()
    }

    fn heads_differ(&mut self) -> Result<(), EngineError> {
        self.intake.heads_differ = true;
        let Some(relay) = &mut self.relay else { return Ok(()) };
        relay.intact = false;
        let mut tx = self.tx();
        self.put_relay(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)
    }

    fn out_of_order(
        &mut self,
        slot: SlotId,
        author: AuthorId,
        head: Option<Head>,
    ) -> Result<(), EngineError> {
        let Some(name) = self.slot_name(&slot) else { return Ok(()) };
        let mine = self.slot(&self.tx(), name)?.head(&author);
        let ahead =
            head.map_or(0, |head| head.seq) >= mine.map_or(0, |head| head.seq) && head != mine;
        if ahead && author == self.author() {
            // The relay has envelopes of this device that it does not know: it was cloned, or its
            // store is an older copy of itself. Pulling brings them.
            self.ask(Job::Rekey);
            return Ok(());
        }
        self.must_pack(super::slots::packed_with(name), false)
    }

    fn receipt(&mut self) -> Result<Option<Signed<Receipt>>, EngineError> {
        if self.restoring.is_some() {
            return Ok(None);
        }
        Replica::receipt(self)
    }

    fn receipt_stored(&mut self) -> Result<(), EngineError> {
        Replica::receipt_stored(self)
    }

    fn finished(&mut self, now_ms: i64) -> Result<(), EngineError> {
        self.run_timers(now_ms)?;
        self.end_intake();
        self.confirm_equals()?;
        let complete = !self.owes_snapshots()? && self.outbox_is_empty()?;
        if let Some(relay) = &mut self.relay {
            relay.intact |= complete;
            relay.synced_ms = Some(now_ms);
            relay.tried_ms = Some(now_ms);
        }
        self.revision += 1;
        let mut tx = self.tx();
        self.put_relay(&mut tx)?;
        // With nothing new there is nothing to make durable: an older moment claims less.
        match self.counts == Counts::default() {
            true => tx.commit_lazily(&mut *self.rng),
            false => tx.commit(&mut *self.rng),
        }
    }
}
