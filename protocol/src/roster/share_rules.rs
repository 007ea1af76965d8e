//! The rules of one record of a share.
//!
//! Two things differ from a private space throughout: members sign, not devices; and whatever changes
//! who is in is told to the members by a new epoch, which holds no earlier key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minicbor::bytes::ByteVec;

use crate::frame::Signer;
use crate::heads::Head;
use crate::ids::{AuthorId, EpochId, MemberId, SlotId};
use crate::limits;
use crate::roster::RosterError;
use crate::roster::apply::{check_kem, start_epoch};
use crate::roster::record::{Act, AuthorLast, Epoch, KemKey, LastHead, Party, Record, Role};
use crate::roster::share::{AuthorState, ConsentState, PartyState, ShareState};
use crate::roster::state::State;
use crate::sign::VerifyKey;

/// Where the chains of a device end.
type Ends = BTreeMap<SlotId, Head>;

/// One record's rules at work: the share as its acts change it.
struct Step<'a> {
    record: &'a Record,
    state: State,
    share: ShareState,
    /// Who signs, and what they may do; the root key is no member.
    signer: Option<(MemberId, Role)>,
    /// Somebody came, went or changed keys, and no epoch has begun since.
    owes_epoch: bool,
    done: BTreeSet<Once>,
}

/// What one record does at most once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Once {
    Epoch,
    Consent,
    Rekey,
}

/// The state after a share's founding record, which bears the root key's signature.
pub(super) fn found(
    record: &Record,
    (root, root_kem): (&VerifyKey, &KemKey),
    owner: &Party,
    epoch: &Epoch,
) -> Result<State, RosterError> {
    check_kem(root_kem, 0)?;
    let empty = Epoch { id: epoch.id, number: 0, wraps: vec![], previous: vec![] };
    let share = ShareState { parties: BTreeMap::new(), authors: BTreeMap::new(), consent: None };
    let state = State {
        recovery: *root,
        recovery_kem: Arc::new(root_kem.clone()),
        members: BTreeMap::new(),
        epoch: Arc::new(empty),
        share: None,
    };
    let done = BTreeSet::new();
    let mut step = Step { record, state, share, signer: None, owes_epoch: false, done };
    step.add(owner, Role::Owner)?;
    step.epoch(epoch)?;
    step.finish()
}

/// The state after a record whose signature was checked.
pub(super) fn follow(
    parent: &State,
    share: &ShareState,
    record: &Record,
) -> Result<State, RosterError> {
    let (state, share) = (parent.clone(), share.clone());
    let done = BTreeSet::new();
    let mut step = Step { record, state, share, signer: None, owes_epoch: false, done };
    match record.signer {
        Signer::Recovery => step.recover()?,
        Signer::Device(_) => return step.rule("a share's records are signed by its members"),
        Signer::Member(member) => {
            let Some(role) = step.share.party(&member).map(|party| party.role) else {
                return step.rule("its signer is no member of this share");
            };
            step.signer = Some((member, role));
            step.acts(member, role)?;
        }
    }
    step.finish()
}

impl Step<'_> {
    fn rule<T>(&self, rule: &'static str) -> Result<T, RosterError> {
        Err(RosterError::Rule { number: self.record.number, rule })
    }

    fn acts(&mut self, signer: MemberId, role: Role) -> Result<(), RosterError> {
        let record = self.record;
        match (role, &record.acts[..]) {
            (_, []) => return self.rule("it does nothing"),
            (Role::Counsellor, [Act::Leave { member, last }]) if *member == signer => {
                return self.leave(member, last);
            }
            _ => {}
        }
        for act in &record.acts {
            match (role, act) {
                (_, Act::Certify { key }) => self.certify(signer, key)?,
                (_, Act::Retire { author, last }) => self.retire(author, last)?,
                (Role::Owner, Act::Enter { member }) => {
                    self.add(member, Role::Counsellor)?;
                    self.owes_epoch = true;
                }
                // Asked of the keys that the owner has by now: a record may have changed them just before.
                (Role::Owner, Act::Leave { member, .. }) if self.is_owner(member) => {
                    return self.rule("the owner cannot leave; remove the others instead");
                }
                (Role::Owner, Act::Leave { member, last }) => {
                    self.leave(member, last)?;
                    self.owes_epoch = true;
                }
                (Role::Owner, Act::Rekey { owner, last }) => self.rekey(owner, last)?,
                (Role::Owner, Act::Epoch(epoch)) => self.epoch(epoch)?,
                (Role::Owner, Act::Consent { epoch, sealed, until_ms }) => {
                    self.consent(epoch, sealed, *until_ms)?;
                }
                (Role::Owner, _) => return self.rule("an act stands where it may not"),
                (Role::Counsellor, _) => {
                    return self.rule("a counsellor only adds and takes out their own devices");
                }
            }
        }
        Ok(())
    }

    fn recover(&mut self) -> Result<(), RosterError> {
        let record = self.record;
        let [Act::Recover, Act::Rekey { owner, last }, Act::Epoch(epoch)] = &record.acts[..] else {
            return self.rule("a recovery of a share gives its owner new keys and starts an epoch");
        };
        self.rekey(owner, last)?;
        self.epoch(epoch)
    }

    /// Lets a member in whose keys nobody ever had here.
    fn add(&mut self, party: &Party, role: Role) -> Result<(), RosterError> {
        check_kem(&party.kem, self.record.number)?;
        if party.role != role {
            return self.rule("a member comes with another role than it may have");
        }
        if party.sealed_name.len() > limits::MAX_SEALED_NAME_BYTES {
            return self.rule("a member's name is too long");
        }
        self.unused(&party.key)?;
        let state = PartyState { party: Arc::new(party.clone()), gone: false };
        match self.share.parties.insert(party.member(), state) {
            None => Ok(()),
            Some(_) => self.rule("a member comes back only under a new key"),
        }
    }

    /// A key is used for one thing once, so that nobody who was taken out comes back as somebody else.
    fn unused(&self, key: &VerifyKey) -> Result<(), RosterError> {
        let parties = self.share.parties.values().map(|state| &state.party.key);
        let authors = self.share.authors.values().map(|state| &state.key);
        match parties.chain(authors).chain([&self.state.recovery]).any(|used| used == key) {
            true => self.rule("a key was used in this share before"),
            false => Ok(()),
        }
    }

    fn is_owner(&self, member: &MemberId) -> bool {
        self.share.owner().is_some_and(|(owner, _)| owner == member)
    }

    fn leave(&mut self, member: &MemberId, last: &[AuthorLast]) -> Result<(), RosterError> {
        if self.share.party(member).is_none() {
            return self.rule("it removes a member that is not there");
        }
        let mut ends: BTreeMap<AuthorId, Ends> = BTreeMap::new();
        for AuthorLast { author, last } in last {
            let theirs = |state: &AuthorState| state.member == *member && state.ended.is_none();
            if !self.share.authors.get(author).is_some_and(theirs) {
                return self.rule("it names heads of a device that is not theirs");
            }
            let of_author = ends.entry(*author).or_default();
            of_author.insert(last.slot, last.head);
            if of_author.len() > limits::MAX_REMOVAL_HEADS {
                return self.rule("a removal names too many heads");
            }
        }
        let living = self.share.authors.iter_mut();
        for (author, state) in living.filter(|(_, s)| s.member == *member && s.ended.is_none()) {
            state.ended = Some(Arc::new(ends.remove(author).unwrap_or_default()));
        }
        if let Some(state) = self.share.parties.get_mut(member) {
            state.gone = true;
        }
        Ok(())
    }

    fn rekey(&mut self, new: &Party, last: &[AuthorLast]) -> Result<(), RosterError> {
        self.once(Once::Rekey, "the owner's keys change twice")?;
        // It would be one of the old keys', and out at once.
        if self.record.acts.iter().any(|act| matches!(act, Act::Certify { .. })) {
            return self.rule("a record that changes the owner's keys adds no device");
        }
        let Some((old, old_kem)) = self.share.owner().map(|(id, party)| (*id, party.kem.clone()))
        else {
            return self.rule("the share has no owner");
        };
        // Whoever has the old key-exchange key would open the new epoch with it.
        if new.kem == old_kem {
            return self.rule("the owner's new keys are the old ones");
        }
        self.leave(&old, last)?;
        self.add(new, Role::Owner)?;
        self.owes_epoch = true;
        Ok(())
    }

    fn certify(&mut self, member: MemberId, key: &VerifyKey) -> Result<(), RosterError> {
        self.unused(key)?;
        let theirs = || self.share.authors.values().filter(|state| state.member == member);
        if theirs().count() >= limits::MAX_MEMBER_DEVICES_EVER {
            return self.rule("a member had too many devices over the years");
        }
        if theirs().filter(|state| state.ended.is_none()).count() >= limits::MAX_MEMBER_DEVICES {
            return self.rule("a member has too many devices");
        }
        let state = AuthorState { key: *key, member, ended: None };
        match self.share.authors.insert(key.author_id(), state) {
            None => Ok(()),
            Some(_) => self.rule("a key was used in this share before"),
        }
    }

    fn retire(&mut self, author: &AuthorId, last: &[LastHead]) -> Result<(), RosterError> {
        if last.len() > limits::MAX_REMOVAL_HEADS {
            return self.rule("a removal names too many heads");
        }
        let signer = self.signer;
        match self.share.authors.get_mut(author) {
            Some(state) if state.ended.is_none() => {
                if !signer.is_some_and(|(id, role)| role == Role::Owner || state.member == id) {
                    return self.rule("a counsellor only adds and takes out their own devices");
                }
                state.ended = Some(Arc::new(last.iter().map(|l| (l.slot, l.head)).collect()));
                Ok(())
            }
            _ => self.rule("it takes out a device that is not there"),
        }
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), RosterError> {
        self.once(Once::Epoch, "a record starts two epochs")?;
        if !epoch.previous.is_empty() {
            return self.rule("an epoch of a share holds no earlier keys");
        }
        self.settle();
        start_epoch(&mut self.state, epoch, self.record.number)?;
        self.owes_epoch = false;
        Ok(())
    }

    fn consent(
        &mut self,
        epoch: &EpochId,
        sealed: &ByteVec,
        until_ms: Option<u64>,
    ) -> Result<(), RosterError> {
        self.once(Once::Consent, "it consents twice")?;
        if sealed.len() > limits::MAX_SEALED_CONSENT_BYTES {
            return self.rule("a consent is too long");
        }
        let record = self.record.number;
        let consent = ConsentState { record, epoch: *epoch, sealed: sealed.clone(), until_ms };
        self.share.consent = Some(Arc::new(consent));
        Ok(())
    }

    fn once(&mut self, what: Once, rule: &'static str) -> Result<(), RosterError> {
        if self.done.insert(what) { Ok(()) } else { self.rule(rule) }
    }

    fn finish(mut self) -> Result<State, RosterError> {
        if self.owes_epoch {
            return self.rule("a change of members must start an epoch");
        }
        let consent = self.share.consent.as_ref().filter(|_| self.done.contains(&Once::Consent));
        // Whoever came with this record must be able to read it, and whoever went must not.
        if consent.is_some_and(|consent| consent.epoch != self.state.epoch.id) {
            return self.rule("a consent is not sealed under the present epoch");
        }
        if self.share.present().count() > limits::MAX_SHARE_MEMBERS {
            return self.rule("there are too many members");
        }
        self.settle();
        Ok(self.state)
    }

    /// Puts the share into the state, unless it is there: states share what no record changed.
    fn settle(&mut self) {
        if self.state.share.as_deref() != Some(&self.share) {
            self.state.share = Some(Arc::new(self.share.clone()));
        }
    }
}
