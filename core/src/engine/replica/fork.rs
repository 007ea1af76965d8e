//! Two histories of the list of devices, and how one comes of them again.
//!
//! A relay that was rolled back, and then took another device's record, shows a branch that parts
//! from what this device has accepted. Where it can, the device joins both by a *heal*. Where the
//! branches disagree about who was removed, it takes the person's word.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::frame::Request;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::AuthorId;
use mainstay_protocol::roster::{
    Act, DeviceStatus, Merged, Record, Roster, RosterError, State, Wrap,
};
use mainstay_protocol::sign::Signed;
use mainstay_protocol::statement::Cursor;

use super::members::Job;
use super::records::Slot;
use super::{Alarm, DeviceInfo, Replica};
use crate::chapter::SlotName;
use crate::engine::error::EngineError;
use crate::engine::vault::Table;
use crate::space::change::{self, Change, Newcomer};
use crate::space::device::DeviceKeys;
use crate::sync::ShownRoster;

/// A list of devices that parts from this device's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The devices as the relay lists them; [`Replica::devices`] gives this device's list.
    pub devices: Vec<DeviceInfo>,
    /// Whether this device can join the two once the person says so. If not, another device can, or
    /// this one is let in again.
    pub can_heal: bool,
}

/// The list, and the name under which this device was shown it: its present one, or a former one where the
/// relay knows no other.
#[derive(Clone)]
pub(super) struct Parted {
    pub(super) list: Roster,
    name: AuthorId,
}

impl Replica {
    /// The other list of devices that the relay showed in the last sync, if it showed one.
    pub fn fork(&self) -> Option<Fork> {
        let shown = self.fork.as_ref()?;
        let can_heal = self.may_join(shown);
        Some(Fork { devices: self.devices_of(&shown.list, &shown.name), can_heal })
    }

    /// The person has looked at both lists and wants them joined: the next sync does it, if the
    /// relay still shows the same list then.
    ///
    /// # Errors
    /// [`EngineError::NothingToHeal`] when the last sync met no other list, or one that this device
    /// may not join.
    pub fn ask_heal(&mut self) -> Result<(), EngineError> {
        let shown = self.fork.as_ref().filter(|shown| self.may_join(shown));
        let head = shown.ok_or(EngineError::NothingToHeal)?.list.head();
        self.ask(Job::Heal(head));
        Ok(())
    }

    /// The relay shows a branch that parts from this device's list.
    pub(super) fn meet_fork(
        &mut self,
        records: &[Signed<Record>],
    ) -> Result<ShownRoster, EngineError> {
        let shown = Roster::verify(self.me.space, records)?;
        let head = shown.head();
        // Nobody was removed in either branch: nobody gets in by joining them who could not have got in
        // anyway. A branch in which somebody was may be the work of whom the other one removed.
        let harmless = self.roster.parts_quietly(&shown);
        let asked = self.jobs.contains(&Job::Heal(head));
        let shown = Parted { list: shown, name: self.voice_id() };
        let joins = self.may_join(&shown) && (harmless || asked);
        self.fork = Some(shown);
        if joins {
            return Ok(ShownRoster::Forked);
        }
        self.alarm(Alarm::Fork);
        Err(RosterError::Fork { accepted: self.roster.head(), shown: head }.into())
    }

    /// Whether this device may sign a heal of its list and this one: it is active in both, and
    /// neither branch holds what a heal may not carry.
    fn may_join(&self, shown: &Parted) -> bool {
        let (shown, me) = (&shown.list, shown.name);
        let (ours, theirs) = (self.roster.branch_from(shown), shown.branch_from(&self.roster));
        let starts = |branch: &[Signed<Record>], plain: fn(&Act) -> bool| {
            branch
                .iter()
                .filter_map(|record| record.peek().ok())
                .any(|record: Record| record.acts.first().is_some_and(plain))
        };
        self.roster.state().is_active(&me)
            && shown.state().is_active(&me)
            && ours.len() <= mainstay_protocol::limits::MAX_HEAL_RECORDS
            && !starts(&ours, |act| matches!(act, Act::Heal { .. } | Act::Recover))
            && !starts(&theirs, |act| matches!(act, Act::Recover))
            && (me == self.me.keys.author.author_id() || self.leaves_somebody(shown))
    }

    /// Whether somebody will be there to confirm this device's present name, if that one waits once the lists are
    /// joined: what nobody goes by any more is no device.
    fn leaves_somebody(&self, shown: &Roster) -> bool {
        if self.roster.parts_quietly(shown) {
            return true;
        }
        let joined = self.roster.joined_with(shown);
        let former: BTreeSet<_> = joined.members.values().filter_map(|m| m.succeeds).collect();
        let mut active = joined.members.keys().filter(|author| joined.is_active(author));
        active.any(|author| !former.contains(author) && !self.me.former.contains(author))
    }

    /// The record that joins this device's branch into the one the relay shows. `None` while the
    /// key of that branch's epoch is missing.
    pub(super) fn draft_heal(&mut self) -> Result<Option<Request>, EngineError> {
        let shown = self.fork.clone().ok_or(EngineError::NothingToHeal)?.list;
        if self.keyring.present(&shown).is_err() {
            return Ok(None);
        }
        let author = self.voice().author.clone();
        let branch = self.roster.branch_from(&shown);
        let change = change::heal(&mut *self.rng, (&shown, &self.keyring), &author, branch)?;
        let (record, wraps) = (change.record.clone(), change.wraps.clone());
        let request =
            Request::Append { space: self.me.space, expected: shown.head(), record, wraps };
        self.appending = Some(change);
        Ok(Some(request))
    }

    /// The relay has appended the heal.
    pub(super) fn healed(&mut self, shown: Roster, change: Change) -> Result<(), EngineError> {
        let mut joined = shown;
        joined.append(&change.record)?;
        self.speak_presently();
        self.take_roster(&joined.records_after(None))?;
        self.jobs.retain(|job| !matches!(job, Job::Heal(_)));
        self.keep_wraps(true, &change.wraps)?;
        if let Some(epoch) = change.epoch {
            self.keyring.add(epoch);
        }
        self.store_members()
    }

    /// The list of devices is another one: what others will not accept any more goes to them again,
    /// in snapshots of this device.
    pub(super) fn resend_after(
        &mut self,
        before: &Roster,
        merged: Merged,
    ) -> Result<(), EngineError> {
        let joined = self.roster.accepts_head(&before.head());
        if matches!(merged, Merged::Replaced(_)) {
            match joined {
                true => self.alarm(Alarm::Healed),
                // What was sent under the voided records counts for nobody.
                false => return self.resend_voided(),
            }
        }
        let replaced = matches!(merged, Merged::Replaced(_));
        let gone = newly_removed(before.state(), self.roster.state());
        let state = self.roster.state().clone();
        let refused = |slot: &Slot| {
            slot.chains.iter().any(|chain| {
                gone.contains(&chain.author)
                    && state.admits_place(&chain.author, &slot.id, chain.head.seq) != Some(true)
            })
        };
        if !replaced && gone.is_empty() {
            return Ok(());
        }
        self.resend(|slot| refused(slot) || (replaced && slot.loose() > 0))
    }

    /// A part of the list of devices was voided, and what was sent under it does not count for the
    /// others, nor does what they had confirmed: every chapter is pushed whole.
    fn resend_voided(&mut self) -> Result<(), EngineError> {
        if let Some(relay) = &mut self.relay {
            relay.intact = false;
            relay.cursor = relay.cursor.map(|at| Cursor::start(at.incarnation));
        }
        self.forget_receipts()?;
        let mut tx = self.tx();
        self.lose_wanted(&mut tx)?;
        self.put_relay(&mut tx)?;
        tx.commit(&mut *self.rng)?;
        self.resend(|_| true)
    }

    /// Marks the chapters, and the plan, that are to be pushed whole.
    fn resend(&mut self, which: impl Fn(&Slot) -> bool) -> Result<(), EngineError> {
        let mut names = BTreeSet::new();
        self.tx().scan(&self.vault.table(Table::Slot), &mut |_, bytes| {
            let slot: Slot = codec::decode(&bytes)?;
            if !matches!(slot.name, SlotName::Page(_)) && !slot.chains.is_empty() && which(&slot) {
                names.insert(slot.name);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        names.into_iter().try_for_each(|name| self.must_pack(name, true))
    }

    /// The hashes of all wraps that the list of devices names.
    pub(super) fn named_wraps(&self) -> BTreeSet<Hash> {
        let acts = self.roster.records().flat_map(|(_, _, record)| &record.acts);
        let refs = acts.flat_map(|act| match act {
            Act::Admit { wrap, .. } => wrap.iter().copied().collect(),
            Act::Epoch(epoch) => epoch.wraps.clone(),
            _ => Vec::new(),
        });
        refs.map(|wrap| wrap.hash).collect()
    }

    /// This device as a newcomer under its next key: how it comes back after it was removed.
    pub fn as_newcomer(&self) -> Newcomer {
        Newcomer::own(&self.next_keys(), &self.me.name)
    }

    /// The keys under which this device would come back.
    pub(crate) fn next_keys(&self) -> DeviceKeys {
        self.me.secret.keys(&self.me.space, self.next_generation())
    }

    /// Takes its next key, after another device let this one in again under it. The person has
    /// vouched for that device's list by comparing codes, so it is taken over whole, also where it
    /// parts from what this device had accepted. Everything that was not sent, or did not count, is
    /// sent again.
    ///
    /// # Errors
    /// [`EngineError::NotADevice`] when the list does not hold that key.
    pub fn readmitted(&mut self, roster: Roster, wraps: &[Wrap]) -> Result<(), EngineError> {
        let generation = self.next_generation();
        let keys = self.me.secret.keys(&self.me.space, generation);
        if *roster.space() != self.me.space || !roster.state().is_active(&keys.author.author_id()) {
            return Err(EngineError::NotADevice);
        }
        self.end_outbox()?;
        let known = self.roster.clone();
        let parts = self.roster.merge(&roster.records_after(None)).is_err();
        if parts {
            self.roster = roster;
        }
        self.fork = None;
        self.me.go_on(generation);
        self.jobs.clear();
        self.take_wraps(wraps)?;
        match parts || !self.roster.accepts_head(&known.head()) {
            true => self.resend_voided(),
            false => self.resend(|slot| slot.loose() > 0),
        }
    }
}

/// Devices whose chains end now and did not before.
fn newly_removed(before: &State, now: &State) -> BTreeSet<AuthorId> {
    let ends = |status: &DeviceStatus| status.bounds().is_some();
    let was = |author: &AuthorId| before.members.get(author).is_some_and(|m| ends(&m.status));
    let gone = now.members.iter().filter(|(author, m)| ends(&m.status) && !was(author));
    gone.map(|(author, _)| *author).collect()
}
