//! The rules of one record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::frame::Signer;
use crate::heads::Head;
use crate::ids::{AuthorId, SlotId, SpaceId};
use crate::limits;
use crate::roster::record::{Act, Device, Epoch, KemKey, LastHead, Record, record_hash};
use crate::roster::state::{DeviceStatus, Member, State};
use crate::roster::{RosterError, share_rules};
use crate::sign::{Signed, VerifyError, VerifyKey};

/// The states at the end of a heal's branch, and where it parts from the chain.
pub(super) type Parted = (Arc<State>, Arc<State>);

/// One record's rules at work: the state as its acts change it.
struct Step<'a> {
    number: u32,
    record: &'a Record,
    state: State,
    /// A device was removed and no epoch has begun since.
    owes_epoch: bool,
    /// Devices admitted without a wrap of the present epoch.
    unwrapped: bool,
    /// Whom the device that is admitted now goes on from.
    succeeds: Option<AuthorId>,
}

/// The state after a founding record.
pub(super) fn found(space: &SpaceId, signed: &Signed<Record>) -> Result<State, RosterError> {
    let record = read(signed, 0)?;
    let rule = |rule| RosterError::Rule { number: 0, rule };
    let Some(Act::Found { recovery, recovery_kem }) = record.acts.first() else {
        return Err(rule("the first record must found the space"));
    };
    if record.space != *space || recovery.space_id() != *space {
        return Err(RosterError::NotThisSpace);
    }
    if record.number != 0 || record.parent.is_some() || record.signer != Signer::Recovery {
        return Err(rule("a founding record has no parent and is signed by the recovery key"));
    }
    verify(signed, recovery, 0)?;
    if let [_, Act::Share { owner }, Act::Epoch(epoch)] = &record.acts[..] {
        return share_rules::found(&record, (recovery, recovery_kem), owner, epoch);
    }
    let [_, Act::Admit { device, wrap: None, succeeds: None }, Act::Epoch(epoch)] =
        &record.acts[..]
    else {
        return Err(rule("a founding record admits one device and starts the first epoch"));
    };
    check_kem(recovery_kem, 0)?;
    let empty = Epoch { id: epoch.id, number: 0, wraps: vec![], previous: vec![] };
    let state = State {
        recovery: *recovery,
        recovery_kem: Arc::new(recovery_kem.clone()),
        members: BTreeMap::new(),
        epoch: Arc::new(empty),
        share: None,
    };
    let mut step = Step::new(&record, state);
    step.admit(device, true)?;
    step.epoch(epoch)?;
    step.finish()
}

/// The state after `signed`, whose parent has the hash and the state given. `branch_state`
/// gives the states at the end of a heal's branch, and where it parts from this one.
pub(super) fn follow(
    parent: &State,
    signed: &Signed<Record>,
    number: u32,
    branch_state: impl FnOnce(&[Signed<Record>]) -> Result<Parted, RosterError>,
) -> Result<State, RosterError> {
    let record = read(signed, number)?;
    let rule = |rule| RosterError::Rule { number, rule };
    if record.number != number {
        return Err(rule("its number is not one more than its parent's"));
    }
    let key = parent.key(&record.signer);
    let key = key.ok_or(rule("its signer may not act in this space"))?;
    verify(signed, key, number)?;
    step(parent, &record, branch_state)
}

/// The state after a record that has followed `parent` before, and is no heal: its signature is not
/// checked again.
pub(super) fn again(parent: &State, record: &Record) -> Result<State, RosterError> {
    step(parent, record, |_| Err(RosterError::NotThisSpace))
}

fn step(
    parent: &State,
    record: &Record,
    branch_state: impl FnOnce(&[Signed<Record>]) -> Result<Parted, RosterError>,
) -> Result<State, RosterError> {
    let number = record.number;
    let rule = |rule| RosterError::Rule { number, rule };
    if let Some(share) = &parent.share {
        return share_rules::follow(parent, share, record);
    }
    let state = parent.clone();
    let mut step = Step::new(record, state);
    match (&record.signer, record.acts.first()) {
        (Signer::Recovery, Some(Act::Recover)) => step.recover()?,
        (Signer::Recovery, _) => return Err(rule("the recovery key only recovers")),
        (Signer::Device(_), Some(Act::Heal { branch })) => {
            let (other, base) = branch_state(branch)?;
            step.heal(&other, &base)?;
        }
        (Signer::Device(_) | Signer::Member(_), _) => step.acts()?,
    }
    step.finish()
}

impl<'a> Step<'a> {
    fn new(record: &'a Record, state: State) -> Self {
        let number = record.number;
        Self { number, record, state, owes_epoch: false, unwrapped: false, succeeds: None }
    }

    fn rule<T>(&self, rule: &'static str) -> Result<T, RosterError> {
        Err(RosterError::Rule { number: self.number, rule })
    }

    fn acts(&mut self) -> Result<(), RosterError> {
        if self.record.acts.is_empty() {
            return self.rule("it does nothing");
        }
        for act in &self.record.acts {
            match act {
                Act::Admit { device, wrap, succeeds } => {
                    self.succeed(device, succeeds.as_ref())?;
                    self.admit(device, wrap.is_none())?;
                    if let Some(wrap) = wrap
                        && wrap.to != Signer::Device(device.author())
                    {
                        return self.rule("a wrap is for somebody else than the admitted device");
                    }
                }
                Act::Remove { author, last } => {
                    let last = self.last_heads(last, "a removal names too many heads")?;
                    match self.state.members.get_mut(author) {
                        Some(m) if !matches!(m.status, DeviceStatus::Removed(_)) => {
                            m.status = DeviceStatus::Removed(last);
                        }
                        _ => return self.rule("it removes a device that is not there"),
                    }
                    self.owes_epoch = true;
                }
                Act::Bound { author, last } => {
                    let last = self.last_heads(last, "a bound names too many heads")?;
                    match self.state.members.get_mut(author) {
                        Some(m) if m.status == DeviceStatus::Waiting => {
                            m.status = DeviceStatus::Bounded(last);
                        }
                        _ => return self.rule("it bounds a device that does not wait unbounded"),
                    }
                }
                Act::Epoch(epoch) => self.epoch(epoch)?,
                _ => {
                    return self.rule("an act stands where it may not");
                }
            }
        }
        Ok(())
    }

    fn last_heads(
        &self,
        last: &[LastHead],
        too_many: &'static str,
    ) -> Result<Arc<BTreeMap<SlotId, Head>>, RosterError> {
        match last.len() {
            0..=limits::MAX_REMOVAL_HEADS => {
                Ok(Arc::new(last.iter().map(|last| (last.slot, last.head)).collect()))
            }
            _ => self.rule(too_many),
        }
    }

    fn recover(&mut self) -> Result<(), RosterError> {
        let [_, Act::Admit { device, wrap: None, succeeds: None }, Act::Epoch(epoch)] =
            &self.record.acts[..]
        else {
            return self.rule("a recovery admits one device and starts an epoch");
        };
        for member in self.state.members.values_mut() {
            member.status = match &member.status {
                DeviceStatus::Active | DeviceStatus::Waiting => DeviceStatus::Waiting,
                DeviceStatus::Bounded(last) => DeviceStatus::Bounded(last.clone()),
                DeviceStatus::Removed(last) | DeviceStatus::Returned(last) => {
                    DeviceStatus::Returned(last.clone())
                }
            };
        }
        self.admit(device, true)?;
        self.epoch(epoch)
    }

    fn heal(&mut self, other: &State, base: &State) -> Result<(), RosterError> {
        let [_, Act::Epoch(epoch)] = &self.record.acts[..] else {
            return self.rule("a heal joins two branches and starts an epoch");
        };
        let Signer::Device(signer) = self.record.signer else {
            return self.rule("a heal is signed by a device");
        };
        if !other.is_active(&signer) {
            return self.rule("a heal is signed by a device that is active in both branches");
        }
        self.state = self.state.joined(other, base);
        self.epoch(epoch)
    }

    /// Notes whom the device that is admitted next goes on from.
    fn succeed(&mut self, device: &Device, before: Option<&AuthorId>) -> Result<(), RosterError> {
        let new = !self.state.members.contains_key(&device.author());
        match before {
            Some(before) if !new || self.record.signer != Signer::Device(*before) => {
                self.rule("a device takes a new name itself, and once")
            }
            before => {
                self.succeeds = before.copied();
                Ok(())
            }
        }
    }

    fn admit(&mut self, device: &Device, needs_epoch: bool) -> Result<(), RosterError> {
        check_kem(&device.kem, self.number)?;
        if device.sealed_name.len() > limits::MAX_SEALED_NAME_BYTES {
            return self.rule("a device's name is too long");
        }
        let author = device.author();
        let known = self.state.members.get(&author);
        match known.map(|member| &member.status) {
            None => {}
            Some(status)
                if status.is_waiting() && known.is_some_and(|m| m.device.kem != device.kem) =>
            {
                return self.rule("a waiting device is confirmed with other keys");
            }
            Some(status) if status.is_waiting() => {}
            Some(_) => return self.rule("a device comes back only under a new key"),
        }
        let succeeds = match self.state.members.get(&author) {
            Some(waiting) => waiting.succeeds,
            None => self.succeeds,
        };
        let (device, status) = (Arc::new(device.clone()), DeviceStatus::Active);
        self.state.members.insert(author, Member { device, status, succeeds });
        self.unwrapped |= needs_epoch;
        Ok(())
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), RosterError> {
        start_epoch(&mut self.state, epoch, self.number)?;
        self.owes_epoch = false;
        self.unwrapped = false;
        Ok(())
    }

    fn finish(self) -> Result<State, RosterError> {
        if self.owes_epoch {
            return self.rule("a removal must start an epoch");
        }
        if self.unwrapped {
            return self.rule("an admitted device gets no key");
        }
        match self.state.active().count() {
            0 => self.rule("it would leave no device"),
            1..=limits::MAX_DEVICES => Ok(self.state),
            _ => self.rule("there are too many devices"),
        }
    }
}

/// Lets the next epoch begin, for exactly those who take part.
pub(super) fn start_epoch(
    state: &mut State,
    epoch: &Epoch,
    number: u32,
) -> Result<(), RosterError> {
    let rule = |rule| Err(RosterError::Rule { number, rule });
    if epoch.number != state.epoch.number + 1 {
        return rule("an epoch's number is not the next one");
    }
    // The founding record's state has no epoch yet and holds number 0.
    if epoch.id == state.epoch.id && state.epoch.number > 0 {
        return rule("an epoch has the key of the one before it");
    }
    if epoch.previous.len() > limits::MAX_PREVIOUS_KEYS {
        return rule("an epoch holds too many earlier keys");
    }
    let wrapped: BTreeSet<Signer> = epoch.wraps.iter().map(|wrap| wrap.to).collect();
    let due: BTreeSet<Signer> = state.recipients().into_iter().map(|(to, _)| to).collect();
    if wrapped != due || epoch.wraps.len() != due.len() {
        return rule(match state.share {
            None => "an epoch is wrapped for all active devices and the recovery key",
            Some(_) => "an epoch is wrapped for all members and the root key",
        });
    }
    state.epoch = Arc::new(epoch.clone());
    Ok(())
}

pub(super) fn check_kem(kem: &KemKey, number: u32) -> Result<(), RosterError> {
    match kem.0.len() {
        KemKey::LEN => Ok(()),
        _ => Err(RosterError::Rule { number, rule: "a key-exchange key has the wrong length" }),
    }
}

fn read(signed: &Signed<Record>, number: u32) -> Result<Record, RosterError> {
    let rule = |rule| RosterError::Rule { number, rule };
    if signed.body().len() > limits::MAX_ROSTER_RECORD_BYTES {
        return Err(rule("it is too large"));
    }
    let record = signed
        .peek()
        .map_err(|source| RosterError::Record { number, source: VerifyError::Codec(source) })?;
    if record.version != crate::FORMAT_VERSION {
        let source = VerifyError::Codec(crate::codec::CodecError::Newer(record.version));
        return Err(RosterError::Record { number, source });
    }
    Ok(record)
}

fn verify(signed: &Signed<Record>, key: &VerifyKey, number: u32) -> Result<(), RosterError> {
    signed.verify(key).map(|_| ()).map_err(|source| RosterError::Record { number, source })
}

/// The hash of a branch's last record, if it has one.
pub(super) fn tip(branch: &[Signed<Record>]) -> Option<crate::hash::Hash> {
    branch.last().map(record_hash)
}
