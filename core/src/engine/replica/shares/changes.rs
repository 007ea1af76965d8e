//! Changes of the list of members: what the vault wants and the list does not say yet.

use std::collections::BTreeSet;

use mainstay_protocol::frame::Signer;
use mainstay_protocol::heads::AuthorHead;
use mainstay_protocol::ids::{AuthorId, MemberId};
use mainstay_protocol::limits::{MAX_MEMBER_DEVICES, MAX_MEMBER_DEVICES_EVER, MAX_REMOVAL_HEADS};
use mainstay_protocol::roster::{AuthorLast, LastHead, Role, ShareState};

use super::giving::is_projected;
use super::read::OWNER_SIDE;
use super::side::Side;
use super::{Alarm, Share};
use crate::care::Consent;
use crate::engine::error::EngineError;
use crate::space::change::{self, Change};
use crate::space::consent::open_consent;

impl Share {
    pub(super) fn state(&self) -> Result<&ShareState, EngineError> {
        let state = self.roster.state().share.as_deref();
        state.ok_or(EngineError::damaged("a share without members"))
    }

    /// The members that are in, the owner excepted.
    pub(super) fn readers(&self) -> Vec<MemberId> {
        let present = self.roster.state().share.iter().flat_map(|share| share.present());
        present.filter(|(_, party)| party.role != Role::Owner).map(|(member, _)| *member).collect()
    }

    /// The consent that the list of members holds, if this device can open it.
    pub(super) fn given(&self) -> Option<Consent> {
        let state = self.roster.state().share.as_ref()?.consent.clone()?;
        let plain = open_consent(&self.id, &self.keyring, &state).ok()?;
        Consent::from_bytes(&plain).ok()
    }

    /// Whether the vault's consent may take the place of the one that the list holds. A device whose
    /// vault is behind never brings an older, wider one back.
    pub(super) fn may_give(&self) -> bool {
        match (&self.book.consent, self.given()) {
            (Some(wanted), Some(given)) => {
                wanted.number > given.number || wanted.is_narrower_than(&given)
            }
            // One that this device cannot open it cannot compare.
            (Some(_), None) => {
                self.roster.state().share.as_ref().is_some_and(|s| s.consent.is_none())
            }
            (None, _) => false,
        }
    }

    /// Members on the list whom the person never confirmed.
    pub(super) fn strangers(&self) -> Vec<MemberId> {
        let mut readers = self.readers();
        readers.retain(|member| !self.book.readers.contains(member));
        readers
    }
}

impl Side<'_> {
    /// The next record to append. Shutting somebody out comes before all else.
    pub(super) fn next_change(&mut self) -> Result<Option<Change>, EngineError> {
        let share = &*self.share;
        if !share.is_in() {
            return Ok(None);
        }
        if !share.owns() && share.book.ended_ms.is_some() {
            let last = self.last_of(&[share.me.member])?;
            let share = &*self.share;
            return Ok(Some(change::leave_self(&share.roster, &share.me.keys, last)?));
        }
        // Without the present key no epoch can be followed by another.
        let leads = share.owns() && share.keyring.present(&share.roster).is_ok();
        if leads && let Some(change) = self.shut_out()? {
            return Ok(Some(change));
        }
        // A device that is new here reads first, under the former keys: the record that ends them
        // names how far it counts what was said under them, and what it does not name nobody who
        // comes later would read, or could take back.
        let reads = self.share.is_listed() || !self.has_room()?;
        if leads
            && reads
            && let Some(change) = self.rekey()?
        {
            return Ok(Some(change));
        }
        if leads && self.somebody_left() {
            let at = (&self.share.roster, &self.share.keyring);
            let rng = &mut *self.journal.rng;
            return Ok(Some(change::start_share_epoch(rng, at, &self.share.me.keys)?));
        }
        if leads && let Some(change) = self.consent()? {
            return Ok(Some(change));
        }
        let share = &*self.share;
        if !share.is_listed() {
            let device = share.me.author.verify_key();
            return Ok(Some(change::certify(&share.roster, &share.me.keys, &device)?));
        }
        if !leads {
            return Ok(None);
        }
        if let Some(change) = self.let_in()? {
            return Ok(Some(change));
        }
        let share = &*self.share;
        match share.lacks_wraps && share.view.relay.may_start_epoch() {
            true => {
                let at = (&share.roster, &share.keyring);
                let rng = &mut *self.journal.rng;
                Ok(Some(change::start_share_epoch(rng, at, &share.me.keys)?))
            }
            false => Ok(None),
        }
    }

    /// Whether a member left by themselves and no epoch has begun since: they could read on, with the
    /// relay's help. Whoever lets people in or out starts one along with it.
    fn somebody_left(&self) -> bool {
        let state = self.share.roster.state();
        let due: BTreeSet<Signer> = state.recipients().into_iter().map(|(to, _)| to).collect();
        let wrapped: BTreeSet<Signer> = state.epoch.wraps.iter().map(|wrap| wrap.to).collect();
        self.share.book.ended_ms.is_none() && wrapped != due
    }

    /// Everybody, if the share is to end; else the members that the person wants out. What they
    /// agree to by now goes along.
    fn shut_out(&mut self) -> Result<Option<Change>, EngineError> {
        let share = &*self.share;
        let mut out = share.readers();
        if share.book.ended_ms.is_none() {
            out.retain(|member| share.book.out.contains(member));
        }
        if out.is_empty() {
            return Ok(None);
        }
        let last = self.last_of(&out)?;
        let share = &*self.share;
        let consent = share.book.consent.as_ref().filter(|_| share.may_give());
        let consent = consent.map(terms).transpose()?;
        let consent = consent.as_ref().map(|(plain, until_ms)| (&plain[..], *until_ms));
        let (at, keys) = ((&share.roster, &share.keyring), &share.me.keys);
        Ok(Some(change::revoke(&mut *self.journal.rng, at, keys, &out, last, consent)?))
    }

    /// Whether the list has room for one more device of this member's.
    fn has_room(&self) -> Result<bool, EngineError> {
        let (state, me) = (self.share.state()?, self.share.me.member);
        let mine = || state.authors.values().filter(|author| author.member == me);
        let active = mine().filter(|author| author.ended.is_none()).count();
        Ok(active < MAX_MEMBER_DEVICES && mine().count() < MAX_MEMBER_DEVICES_EVER)
    }

    /// A device that was removed from the journal knew this member's keys: the owner goes on under
    /// others.
    fn rekey(&mut self) -> Result<Option<Change>, EngineError> {
        let share = &*self.share;
        let Some((_, newest)) = share.book.secrets.last().filter(|(g, _)| *g > share.me.generation)
        else {
            return Ok(None);
        };
        let new = newest.keys();
        let last = self.last_of(&[share.me.member])?;
        let share = &*self.share;
        let (at, old) = ((&share.roster, &share.keyring), &share.me.keys);
        let party = share.state()?.party(&share.me.member);
        let name = party.and_then(|party| share.keyring.member_name(&share.id, party));
        let name = name.unwrap_or_default();
        // A list that names keys which this person's other devices cannot find would shut them out,
        // and the person for good if this device were lost.
        if self.journal.keys_wait()? {
            return Ok(None);
        }
        Ok(Some(change::rekey(&mut *self.journal.rng, at, old, &new, &name, last)?))
    }

    fn consent(&mut self) -> Result<Option<Change>, EngineError> {
        let share = &*self.share;
        let Some(wanted) = share.book.consent.as_ref().filter(|_| share.may_give()) else {
            return Ok(None);
        };
        if share.given().as_ref() == Some(wanted) {
            return Ok(None);
        }
        let (at, keys) = ((&share.roster, &share.keyring), &share.me.keys);
        let rng = &mut *self.journal.rng;
        let (plain, until_ms) = terms(wanted)?;
        Ok(Some(change::consent(rng, at, keys, (&plain, until_ms))?))
    }

    /// Whoever answered this device's invitation and showed the same code.
    fn let_in(&mut self) -> Result<Option<Change>, EngineError> {
        if self.share.book.ended_ms.is_some() {
            return Ok(None);
        }
        let Some(newcomer) = self.journal.confirmed(&self.share.id)? else { return Ok(None) };
        let share = &*self.share;
        if share.state()?.parties.contains_key(&newcomer.key.member_id()) {
            return Ok(None);
        }
        let (at, keys) = ((&share.roster, &share.keyring), &share.me.keys);
        // The consent is sealed anew with it: a newcomer opens nothing from before.
        let Some(consent) =
            share.book.consent.as_ref().filter(|w| share.given().as_ref() == Some(w))
        else {
            return Ok(None);
        };
        let (plain, until_ms) = terms(consent)?;
        let (rng, terms) = (&mut *self.journal.rng, (&plain[..], until_ms));
        Ok(Some(change::enter_with_consent(rng, at, keys, &newcomer, terms)?))
    }

    /// The ends of the chains of members' devices, as far as a record may name them; what it does
    /// not name stays with whoever has it.
    fn last_of(&self, members: &[MemberId]) -> Result<Vec<AuthorLast>, EngineError> {
        let share = &*self.share;
        let state = share.state()?;
        let theirs = |author: &AuthorId| {
            let known = state.authors.get(author);
            known.is_some_and(|known| known.ended.is_none() && members.contains(&known.member))
        };
        let mut last = Vec::new();
        for register in self.journal.registers(&share.id)? {
            for head in register.heads.iter().filter(|head| theirs(&head.author)) {
                let at = LastHead { slot: register.slot, head: head.head };
                last.push(AuthorLast { author: head.author, last: at });
            }
        }
        last.truncate(MAX_REMOVAL_HEADS);
        Ok(last)
    }

    /// The list of members is another one than before.
    pub(super) fn members_changed(&mut self, before: &ShareState) -> Result<(), EngineError> {
        self.journal.renew_me(self.share)?;
        let after = self.share.state()?.clone();
        let is_in = after.party(&self.share.me.member).is_some();
        self.journal.revision += 1;
        if self.share.owns() && !is_in && self.share.book.ended_ms.is_none() {
            self.journal.share_alarm(Alarm::ShareTaken);
        }
        if self.share.owns() && !self.share.strangers().is_empty() {
            self.journal.share_alarm(Alarm::Stranger);
        }
        if !self.share.owns() {
            // Taking back what was shared is asked for by the very removal, and done.
            return if is_in { self.drop_uncounted() } else { self.give_back() };
        }
        let entered = after.present().any(|(id, _)| !before.parties.contains_key(id));
        let owner = |state: &ShareState| state.owner().map(|(id, _)| *id);
        if entered || owner(before) != owner(&after) {
            // A newcomer opens nothing of before; a new key's devices go on in the old one's stead.
            self.say_all_again()?;
        }
        self.share.due = None;
        Ok(())
    }

    /// What the owner's former devices showed beyond what the list counts of them is not shown on: the
    /// owner's present devices may not know of it, and could neither change it nor take it back. What
    /// they know they say anew under their new keys.
    fn drop_uncounted(&mut self) -> Result<(), EngineError> {
        let mut tx = self.journal.tx();
        for mut register in self.journal.registers(&self.share.id)? {
            let shown = register.record().is_some_and(|record| is_projected(&record.body));
            if register.side != OWNER_SIDE || self.share.owns() || !shown {
                continue;
            }
            let state = self.share.roster.state();
            let counts = |known: &AuthorHead| {
                state.admits_place(&known.author, &register.slot, known.head.seq) == Some(true)
            };
            let gone: Vec<AuthorId> =
                register.heads.iter().filter(|known| !counts(known)).map(|k| k.author).collect();
            for author in &gone {
                register.set_head(&mut self.share.view.tally, author, None);
                register.said.retain(|said| said.author != *author);
            }
            match register.heads.is_empty() {
                true => self.journal.drop_register(&mut tx, &self.share.id, &register)?,
                false if gone.is_empty() => {}
                false => self.journal.put_register(&mut tx, &self.share.id, &register)?,
            }
        }
        // The heads are counted in what this device states. The list is kept when all of this is done.
        self.journal.put_view(&mut tx, &self.share.id, &self.share.view)?;
        tx.commit(&mut *self.journal.rng)
    }

    /// Drops what the owner shared, and what this member would have said: there is nobody to say it to.
    fn give_back(&mut self) -> Result<(), EngineError> {
        let mut tx = self.journal.tx();
        for sent in self.journal.sent(&self.share.id)? {
            self.journal.drop_sent(&mut tx, &self.share.id, &sent.slot)?;
        }
        for mut register in self.journal.registers(&self.share.id)? {
            if register.side != self.share.my_side() {
                self.journal.drop_register(&mut tx, &self.share.id, &register)?;
            } else if register.pending.take().is_some() || register.lost {
                register.lost = false;
                self.journal.put_register(&mut tx, &self.share.id, &register)?;
            }
        }
        tx.commit(&mut *self.journal.rng)
    }

    fn say_all_again(&mut self) -> Result<(), EngineError> {
        let mut tx = self.journal.tx();
        for mut register in self.journal.registers(&self.share.id)? {
            if register.side == self.share.my_side() {
                register.lost = true;
                self.journal.put_register(&mut tx, &self.share.id, &register)?;
            }
        }
        self.share.view.compared = None;
        tx.commit(&mut *self.journal.rng)
    }
}

/// A consent as a record of the list holds it: sealed, and when it ends in plain.
pub(super) fn terms(consent: &Consent) -> Result<(Vec<u8>, Option<u64>), EngineError> {
    let until_ms = consent.until_ms.map(|until_ms| u64::try_from(until_ms).unwrap_or(0));
    Ok((consent.to_bytes()?, until_ms))
}
