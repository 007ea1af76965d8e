//! What other devices forget, much at once.
//!
//! A thief could forget a whole journal with one phone. So this device follows at once only as far
//! as a day allows ([`MAX_FORGOTTEN_A_DAY`]); beyond that it keeps its documents for
//! [`FORGET_DELAY_MS`], and for good if a recovery comes meanwhile. It counts for itself, documents
//! that are here and would go: what a snapshot's header says is the author's word.

use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::limits::{FORGET_DAY_MS, FORGET_DELAY_MS, MAX_FORGOTTEN_A_DAY};
use mainstay_protocol::roster::Record;
use minicbor::{Decode, Encode};

use super::Replica;
use super::open::{HELD, meta};
use super::timers::Moment;
use crate::chapter::SlotName;
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::journal::{EntryId, Month};

/// What waits, and how much was followed today.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Held {
    #[n(0)]
    lists: Vec<HeldList>,
    /// When the present day began.
    #[n(1)]
    day: Option<Moment>,
    /// Documents forgotten for others in it.
    #[n(2)]
    today: u32,
}

/// What one snapshot would take away.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct HeldList {
    #[n(0)]
    month: u16,
    #[n(1)]
    ids: Vec<[u8; 16]>,
    /// The list of devices under which it was forgotten.
    #[n(2)]
    roster: Hash,
    /// Since when it waits; none until the sync that brought it is complete.
    #[n(3)]
    since: Option<Moment>,
}

impl Held {
    /// How many entries wait.
    pub(super) fn entries(&self) -> u64 {
        self.lists.iter().map(|list| list.ids.len() as u64).sum()
    }

    fn holds(&self, id: &[u8; 16]) -> bool {
        self.lists.iter().any(|list| list.ids.contains(id))
    }

    /// Counts documents in the present day, if they fit into it.
    fn may_follow(&mut self, count: usize, now: Option<Moment>) -> bool {
        let over = |day: &Moment| now.is_some_and(|now| day.is_past(FORGET_DAY_MS as i64, &now));
        if self.day.is_none_or(|day| over(&day)) {
            (self.day, self.today) = (now, 0);
        }
        let total = self.today.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        let fits = total <= MAX_FORGOTTEN_A_DAY;
        if fits {
            self.today = total;
        }
        fits
    }
}

impl Replica {
    pub(super) fn held(&self, tx: &Tx) -> Result<Held, EngineError> {
        Ok(tx.get(&meta(&self.vault, HELD))?.unwrap_or_default())
    }

    /// Whether something in a chapter waits to be forgotten: it cannot be packed without saying
    /// either that it is forgotten or that it is not.
    pub(super) fn is_held(&self, tx: &Tx, month: Month) -> Result<bool, EngineError> {
        Ok(self.held(tx)?.lists.iter().any(|list| list.month == month.index()))
    }

    /// Follows a snapshot that says what was forgotten, or waits. Gives the ids that wait.
    pub(super) fn take_forgotten(
        &mut self,
        tx: &mut Tx,
        month: Month,
        forgotten: &[[u8; 16]],
        roster: Option<Hash>,
    ) -> Result<Vec<[u8; 16]>, EngineError> {
        let under = roster.unwrap_or_else(|| self.roster.head());
        let mut held = self.held(tx)?;
        let before = held.clone();
        let mut here = Vec::new();
        for id in forgotten {
            let entry = EntryId::from_bytes(*id);
            let known = self.is_forgotten(&entry);
            if !known && !held.holds(id) && self.row(tx, &entry)?.is_some() {
                here.push(*id);
            }
        }
        let relay_ms = self.intake.relay_ms;
        let now = relay_ms.map(|relay_ms| Moment { device_ms: self.intake.now_ms, relay_ms });
        if !held.may_follow(here.len(), now) {
            let (month, roster) = (month.index(), under);
            held.lists.push(HeldList { month, ids: here, roster, since: None });
        }
        if held != before {
            tx.put(&meta(&self.vault, HELD), &held)?;
        }
        let (waiting, gone): (Vec<_>, Vec<_>) = forgotten.iter().partition(|id| held.holds(id));
        for id in gone {
            self.forget_here(tx, &EntryId::from_bytes(id), under, None)?;
        }
        Ok(waiting)
    }

    /// Ends each wait that is over: by a recovery, which keeps the documents and gives them back to
    /// the relay, or by its time.
    pub(super) fn settle_held(&mut self, now: &Moment) -> Result<(), EngineError> {
        let mut tx = self.tx();
        let mut held = self.held(&tx)?;
        if held.lists.is_empty() {
            return Ok(());
        }
        for mut list in std::mem::take(&mut held.lists) {
            let since = *list.since.get_or_insert(*now);
            if self.recovered_after(&list.roster) {
                let mut slot = self.slot(&tx, SlotName::Chapter(list.month))?;
                (slot.must_pack, slot.news) = (true, true);
                self.put_slot(&mut tx, &slot)?;
            } else if since.is_past(FORGET_DELAY_MS as i64, now) {
                for id in &list.ids {
                    self.forget_here(&mut tx, &EntryId::from_bytes(*id), list.roster, None)?;
                }
            } else {
                held.lists.push(list);
            }
            self.revision += 1;
        }
        tx.put(&meta(&self.vault, HELD), &held)?;
        self.put_tally(&mut tx)?;
        tx.commit(&mut *self.rng)
    }

    /// Whether the recovery key took the journal back after a list of devices was the present one: then it
    /// may have voided that list.
    pub(super) fn recovered_after(&self, head: &Hash) -> bool {
        let signed = |record: &Record| record.signer == Signer::Recovery;
        let records: Vec<_> = self.roster.records().collect();
        match records.iter().position(|(hash, ..)| *hash == head) {
            Some(at) => records[at + 1..].iter().any(|(_, _, record)| signed(record)),
            // It signs the first record, too.
            None if self.roster.accepts_head(head) => {
                records.iter().skip(1).any(|(_, _, record)| signed(record))
            }
            None => true,
        }
    }
}
