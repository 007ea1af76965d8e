//! The devices of a journal.

use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::AuthorId;
use mainstay_protocol::roster::{
    DeviceStatus, LastHead, Member, Merged, Record, Roster, RosterError, Wrap, record_hash,
};
use mainstay_protocol::sign::Signed;
use mainstay_protocol::statement::Cursor;
use std::ops::ControlFlow;

use super::open::{WRAPS, meta};
use super::records::Slot;
use super::{Alarm, Replica};
use crate::engine::error::EngineError;
use crate::engine::vault::Table;
use crate::space::change::{self, Change, Newcomer};
use crate::space::recovery::Recovery;
use crate::sync::ShownRoster;

/// Generations of a device's key that are tried before giving up; each is a twin that went before.
const MAX_TWINS: u32 = 256;

/// A device as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its id in this journal.
    pub author: AuthorId,
    /// The name that it was given.
    pub name: String,
    /// Whether it is this one.
    pub this: bool,
    /// "active", "waiting" or "removed".
    pub status: &'static str,
    /// It waits, and had been removed before a recovery set everybody aside: by a thief, or by the
    /// person. To be confirmed only if it is in the person's hands.
    pub was_removed: bool,
}

/// A change of the list of devices that the next sync is to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Let a device in.
    Admit(Newcomer),
    /// Confirm one that a recovery set aside.
    Confirm(AuthorId),
    /// Remove one, and start an epoch without it.
    Remove(AuthorId),
    /// Start a new epoch for the same devices: the relay lacks keys of the present one.
    Epoch,
    /// Say how much is known of the chains of devices that wait; asked for by the device itself.
    Bound,
    /// Take a new author key: this device met envelopes of its own that it does not know.
    Rekey,
    /// The person has looked at the list that the relay shows, whose head this is, and wants it
    /// joined with this device's.
    Heal(Hash),
}

impl Replica {
    /// The devices, also those that were removed. One that took a new name is listed under that alone,
    /// as long as the former one stands where the new one does.
    pub fn devices(&self) -> Vec<DeviceInfo> {
        self.devices_of(&self.roster, &self.me.keys.author.author_id())
    }

    /// Those on a list, with this device under this name.
    pub(super) fn devices_of(&self, roster: &Roster, me: &AuthorId) -> Vec<DeviceInfo> {
        let name = |member: &Member| self.keyring.device_name(&self.me.space, &member.device);
        let info = |(author, member): (&AuthorId, &Member)| DeviceInfo {
            author: *author,
            name: name(member).unwrap_or_else(|| "a device".to_owned()),
            this: author == me,
            status: match &member.status {
                DeviceStatus::Active => "active",
                status if status.is_waiting() => "waiting",
                _ => "removed",
            },
            was_removed: matches!(member.status, DeviceStatus::Returned(_)),
        };
        let state = roster.state();
        let shown = |(author, _): &(&AuthorId, &Member)| *author == me || !state.is_former(author);
        state.members.iter().filter(shown).map(info).collect()
    }

    pub(super) fn device_name(&self, author: &AuthorId) -> String {
        let member = self.roster.state().members.get(author);
        let name = member.and_then(|m| self.keyring.device_name(&self.me.space, &m.device));
        name.unwrap_or_else(|| "a device".to_owned())
    }

    /// Which of its author keys this device uses.
    pub(crate) fn generation(&self) -> u32 {
        self.me.generation
    }

    /// The list of devices that it accepted last: its number and its last record.
    pub(crate) fn roster_place(&self) -> (u32, mainstay_protocol::hash::Hash) {
        (self.roster.number(), self.roster.head())
    }

    /// The key that this device signs with.
    pub(crate) fn author_key(&self) -> crate::space::sign::AuthorKey {
        self.me.keys.author.clone()
    }

    /// Whether this device takes part.
    pub fn is_member(&self) -> bool {
        self.roster.state().is_active(&self.me.keys.author.author_id())
    }

    /// Asks for a change of the list of devices; the next sync makes it.
    pub fn ask(&mut self, job: Job) {
        if let Job::Remove(author) = &job {
            self.not_removed.retain(|(kept, _)| kept != author);
        }
        if !self.jobs.contains(&job) {
            self.jobs.push_back(job);
        }
    }

    pub(super) fn next_job(&mut self) -> Option<&Job> {
        self.try_removals_again();
        self.ask_bound();
        self.jobs.front()
    }

    /// The record for the next job, made against the present roster.
    pub(super) fn draft_job(&mut self) -> Result<Option<Change>, EngineError> {
        while self.jobs.front().is_some_and(|job| self.is_moot(job)) {
            self.jobs.pop_front();
        }
        let Some(job) = self.jobs.front().cloned() else { return Ok(None) };
        let author = self.me.keys.author.clone();
        let change = match &job {
            Job::Admit(newcomer) => {
                change::admit(&mut *self.rng, (&self.roster, &self.keyring), &author, newcomer)?
            }
            Job::Confirm(waiting) => self.draft_confirmation(waiting)?,
            Job::Remove(gone) => self.draft_removal(gone)?,
            Job::Epoch => {
                change::start_epoch(&mut *self.rng, (&self.roster, &self.keyring), &author)?
            }
            Job::Bound => self.draft_bound()?,
            Job::Rekey => {
                let keys = self.me.secret.keys(&self.me.space, self.next_generation());
                let newcomer = Newcomer::own(&keys, &self.me.name);
                change::go_on(&mut *self.rng, (&self.roster, &self.keyring), &author, &newcomer)?
            }
            // A heal is made where the fork is met, against the list that the relay shows.
            Job::Heal(_) => return Ok(None),
        };
        Ok(Some(change))
    }

    /// Whether somebody else did what a job asks for, or undid what it rests on.
    fn is_moot(&self, job: &Job) -> bool {
        let status = |author| self.roster.state().members.get(author).map(|m| &m.status);
        match job {
            Job::Admit(newcomer) => status(&newcomer.key.author_id()).is_some(),
            Job::Confirm(author) => !status(author).is_some_and(DeviceStatus::is_waiting),
            // A recovery may have voided the record that let it in.
            Job::Remove(author) => {
                matches!(status(author), None | Some(DeviceStatus::Removed(_)))
            }
            Job::Epoch => !self.intake.lacks_wraps,
            Job::Bound => self.roster.state().unbounded().next().is_none(),
            Job::Rekey => false,
            // Jobs are looked at only once the relay's list and this one are the same.
            Job::Heal(_) => true,
        }
    }

    /// The relay has appended the record of the next job.
    pub(super) fn job_done(&mut self, change: Change) -> Result<(), EngineError> {
        let job = self.jobs.pop_front();
        let taken = self.next_generation();
        let before = self.roster.clone();
        self.roster.append(&change.record)?;
        // What a removal or a bound had no room to name goes to the others in snapshots.
        self.resend_after(&before, Merged::Extended(1))?;
        self.read_again_after(before.state())?;
        let wraps = change.wraps;
        self.keep_wraps(change.epoch.is_some(), &wraps)?;
        let me = Signer::Device(self.me.keys.author.author_id());
        let kem = self.me.keys.kem.clone();
        if change.epoch.is_some() {
            self.keyring.absorb(&self.roster, &wraps, me, &kem);
        }
        if job == Some(Job::Epoch)
            && let Some(relay) = &mut self.relay
        {
            relay.started_epoch();
        }
        if job == Some(Job::Rekey) {
            self.took_key(taken)?;
        }
        self.store_members()
    }

    /// Notes that this device is about to go on under its next key, before the relay is asked.
    pub(super) fn note_going_on(&mut self, change: &Change) -> Result<(), EngineError> {
        self.me.asked_to_go_on(self.next_generation(), record_hash(&change.record));
        let mut tx = self.tx();
        self.put_identity(&mut tx)?;
        tx.commit(&mut *self.rng)
    }

    /// The answer to an append may have been lost on its way. If it was about a new key of this device, the
    /// list that the relay shows since holds that very record: the device goes on under that key. Another
    /// one would leave it on the list twice; and what a twin appends is another record.
    pub(super) fn recognise_own_key(&mut self) -> Result<(), EngineError> {
        let mut asked = self.me.going_on.iter().rev();
        let takes_part = |generation: u32| {
            let keys = self.me.secret.keys(&self.me.space, generation);
            self.roster.state().is_active(&keys.author.author_id())
        };
        let listed = asked.find(|(generation, record)| {
            self.roster.accepts_head(record) && takes_part(*generation)
        });
        let Some((generation, _)) = listed.copied() else { return Ok(()) };
        self.jobs.retain(|job| *job != Job::Rekey);
        self.took_key(generation)?;
        self.store_members()
    }

    /// The list has this device under another generation's key.
    fn took_key(&mut self, generation: u32) -> Result<(), EngineError> {
        self.end_outbox()?;
        self.me.go_on(generation);
        self.intake.met_own = false;
        // What a twin has put in the place of this device's own is read now.
        if let Some(relay) = &mut self.relay {
            relay.cursor = relay.cursor.map(|at| Cursor::start(at.incarnation));
            relay.intact = false;
        }
        Ok(())
    }

    /// The first generation whose key nobody has used: a twin may have taken the next one.
    pub(super) fn next_generation(&self) -> u32 {
        let members = &self.roster.state().members;
        let unused = |generation: &u32| {
            let keys = self.me.secret.keys(&self.me.space, *generation);
            !members.contains_key(&keys.author.author_id())
        };
        let after = self.me.generation + 1;
        (after..after + MAX_TWINS).find(unused).unwrap_or(after)
    }

    /// Keeps the wraps of the present epoch, for a relay that loses them.
    pub(super) fn keep_wraps(&mut self, anew: bool, wraps: &[Wrap]) -> Result<(), EngineError> {
        let mut tx = self.tx();
        let key = meta(&self.vault, WRAPS);
        let mut kept: Vec<Wrap> = match anew {
            true => Vec::new(),
            false => tx.get(&key)?.unwrap_or_default(),
        };
        kept.extend_from_slice(wraps);
        tx.put(&key, &kept)?;
        self.intake.lacks_wraps &= !anew;
        tx.commit_lazily(&mut *self.rng)
    }

    /// Drops the next job: it cannot be done. A removal is kept for when the list is another one, so
    /// that it is not forgotten, and holds up nothing else meanwhile. Tells whether that was said
    /// before: nobody has asked for it since.
    pub(super) fn drop_job(&mut self) -> bool {
        let head = self.roster.head();
        let author = match self.jobs.pop_front() {
            Some(Job::Remove(author)) => author,
            // Nobody has asked for it: where there is no room for it, it waits for another list.
            Some(Job::Bound) => {
                self.bound_refused = Some(head);
                return true;
            }
            _ => return false,
        };
        self.alarm(Alarm::NotRemoved);
        match self.not_removed.iter_mut().find(|(kept, _)| *kept == author) {
            Some((_, refused_at)) => {
                *refused_at = head;
                true
            }
            None => {
                self.not_removed.push((author, head));
                false
            }
        }
    }

    /// Says of removals that were refused that they are not done, and tries those again that were
    /// refused under another list.
    fn try_removals_again(&mut self) {
        let mut kept = std::mem::take(&mut self.not_removed);
        kept.retain(|(author, _)| !self.is_moot(&Job::Remove(*author)));
        let head = self.roster.head();
        for (author, refused_at) in &kept {
            let job = Job::Remove(*author);
            if *refused_at == head {
                self.alarm(Alarm::NotRemoved);
            } else if !self.jobs.contains(&job) {
                self.jobs.push_back(job);
            }
        }
        self.not_removed = kept;
    }

    /// Keeps who takes part, and under which key. Receipts of a device that did not take part, or
    /// that this one took for its own, were passed over: all of them are read again.
    pub(super) fn store_members(&mut self) -> Result<(), EngineError> {
        let mut tx = self.tx();
        self.intake.members_changed = true;
        if let Some(relay) = &mut self.relay {
            relay.receipts = 0;
        }
        self.put_relay(&mut tx)?;
        self.put_identity(&mut tx)?;
        self.put_roster(&mut tx)?;
        tx.commit(&mut *self.rng)?;
        self.revision += 1;
        Ok(())
    }

    /// Where a device's chains end. Those that end in a snapshot of its own are among them: it may be
    /// the only envelope that holds a chapter.
    pub(super) fn last_heads(&self, author: &AuthorId) -> Result<Vec<LastHead>, EngineError> {
        let mut last = Vec::new();
        self.tx().scan(&self.vault.table(Table::Slot), &mut |_, bytes| {
            let slot: Slot = mainstay_protocol::codec::decode(&bytes)?;
            let chain = slot.chains.iter().find(|chain| chain.author == *author);
            if let Some(chain) = chain {
                let covered = chain.head.seq <= chain.covered;
                last.push((covered, LastHead { slot: slot.id, head: chain.head }));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        last.sort_by_key(|(covered, _)| *covered);
        let mut last: Vec<_> = last.into_iter().map(|(_, last)| last).collect();
        last.truncate(mainstay_protocol::limits::MAX_REMOVAL_HEADS);
        Ok(last)
    }

    /// Takes over the relay's list of devices.
    pub(super) fn take_roster(
        &mut self,
        records: &[Signed<Record>],
    ) -> Result<ShownRoster, EngineError> {
        let before = self.roster.clone();
        match self.roster.merge(records) {
            Ok(merged) => {
                // What was said about another list holds no more.
                self.fork = None;
                self.alarms.retain(|alarm| *alarm != Alarm::Fork);
                match merged {
                    Merged::Same => {}
                    merged => {
                        self.resend_after(&before, merged)?;
                        self.read_again_after(before.state())?;
                        self.store_members()?;
                    }
                }
                Ok(ShownRoster::Taken)
            }
            Err(RosterError::Stale) => Ok(ShownRoster::Behind),
            Err(RosterError::Fork { .. }) => self.meet_fork(records),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn take_wraps(&mut self, wraps: &[Wrap]) -> Result<(), EngineError> {
        let me = Signer::Device(self.me.keys.author.author_id());
        let kem = self.me.keys.kem.clone();
        self.keyring.absorb(&self.roster, wraps, me, &kem);
        if let Some(shown) = &self.fork {
            let voice = self.voice().kem.clone();
            let me = Signer::Device(self.voice_id());
            self.keyring.absorb(&shown.list, wraps, me, &voice);
        }
        self.store_members()
    }

    /// Whether the key of the present epoch is missing here.
    pub(super) fn lacks_key(&self) -> bool {
        self.keyring.present(&self.roster).is_err()
    }

    /// The record with which a new phone takes a journal back: it follows the shown list's head,
    /// and leaves every other device waiting.
    ///
    /// # Errors
    /// [`EngineError`] when the recovery key does not open this journal.
    pub fn draft_recovery(
        rng: &mut dyn rand_core::CryptoRng,
        (roster, keyring): (&Roster, &crate::space::keyring::Keyring),
        recovery: &Recovery,
        newcomer: &Newcomer,
    ) -> Result<Change, EngineError> {
        Ok(change::recover(rng, (roster, keyring), recovery, roster.head(), newcomer)?)
    }
}
