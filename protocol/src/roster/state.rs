//! What holds after a record.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::frame::Signer;
use crate::heads::Head;
use crate::ids::{AuthorId, EpochId, SlotId};
use crate::roster::record::{Device, Epoch, KemKey, Role};
use crate::roster::share::ShareState;
use crate::sign::VerifyKey;

/// Whether a device takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceStatus {
    /// It does.
    Active,
    /// A recovery left it waiting until the person confirms it.
    Waiting,
    /// It had been removed when a recovery came. It waits like the others, as nobody can tell
    /// whether the person removed it or a thief did; until it is confirmed, its chains end where
    /// the removal said.
    Returned(Arc<BTreeMap<SlotId, Head>>),
    /// It was removed; its chains end at these heads where no snapshot covers more. Shared between
    /// the states of a chain, each of which holds every member.
    Removed(Arc<BTreeMap<SlotId, Head>>),
}

impl DeviceStatus {
    /// Whether it waits for the person's word.
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting | Self::Returned(_))
    }

    fn is_removed(&self) -> bool {
        matches!(self, Self::Removed(_))
    }

    /// Removals win, then waiting does. Where both bound a chain, the narrower bound holds.
    fn joined(&self, theirs: &Self) -> Self {
        use DeviceStatus::{Active, Removed, Returned, Waiting};
        let both = |a: &BTreeMap<SlotId, Head>, b: &BTreeMap<SlotId, Head>| {
            let lower =
                |(slot, head): (&SlotId, &Head)| b.get(slot).map(|other| (*slot, *head.min(other)));
            Arc::new(a.iter().filter_map(lower).collect())
        };
        match (self, theirs) {
            (Removed(a), Removed(b) | Returned(b)) | (Returned(a), Removed(b)) => {
                Removed(both(a, b))
            }
            (Removed(a), _) | (_, Removed(a)) => Removed(a.clone()),
            (Returned(a), Returned(b)) => Returned(both(a, b)),
            (Returned(a), _) | (_, Returned(a)) => Returned(a.clone()),
            (Waiting, _) | (_, Waiting) => Waiting,
            (Active, Active) => Active,
        }
    }
}

/// A device and its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What it was admitted with.
    pub device: Arc<Device>,
    /// Whether it takes part.
    pub status: DeviceStatus,
}

/// What holds after a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The recovery key.
    pub recovery: VerifyKey,
    /// The key to wrap epochs for it.
    pub recovery_kem: Arc<KemKey>,
    /// Every device that was ever admitted on this chain.
    pub members: BTreeMap<AuthorId, Member>,
    /// The present epoch.
    pub epoch: Arc<Epoch>,
    /// In a share: its members. `members` is empty there.
    pub share: Option<Arc<ShareState>>,
}

impl State {
    /// The devices that take part.
    pub fn active(&self) -> impl Iterator<Item = (&AuthorId, &Device)> {
        self.members
            .iter()
            .filter(|(_, member)| member.status == DeviceStatus::Active)
            .map(|(author, member)| (author, &*member.device))
    }

    /// Whether this device takes part.
    pub fn is_active(&self, author: &AuthorId) -> bool {
        if let Some(share) = &self.share {
            return share.is_active(author);
        }
        self.members.get(author).is_some_and(|member| member.status == DeviceStatus::Active)
    }

    /// The key of a signer that may act now.
    pub fn key(&self, signer: &Signer) -> Option<&VerifyKey> {
        match signer {
            Signer::Recovery => Some(&self.recovery),
            Signer::Device(author) => self
                .members
                .get(author)
                .map(|member| &member.device.key)
                .or_else(|| Some(&self.share.as_ref()?.authors.get(author)?.key))
                .filter(|_| self.is_active(author)),
            Signer::Member(member) => {
                self.share.as_ref().and_then(|share| share.party(member)).map(|party| &party.key)
            }
        }
    }

    /// The key of whoever takes part or ever took part.
    pub fn known_key(&self, signer: &Signer) -> Option<&VerifyKey> {
        match signer {
            Signer::Recovery => Some(&self.recovery),
            Signer::Device(author) => match &self.share {
                Some(share) => share.authors.get(author).map(|state| &state.key),
                None => self.members.get(author).map(|member| &member.device.key),
            },
            Signer::Member(member) => {
                let party = self.share.as_ref()?.parties.get(member)?;
                Some(&party.party.key)
            }
        }
    }

    /// Whether one author may replace what another one stored: in a private space all devices are
    /// one person's; in a share both must be the same member's. The owner under new keys is still the
    /// owner, who takes back what they said under the old ones.
    pub fn may_cover(&self, author: &AuthorId, covered: &AuthorId) -> bool {
        let Some(share) = &self.share else { return true };
        match (share.author_of(author), share.author_of(covered)) {
            (Some((_, Role::Owner)), Some((_, Role::Owner))) => true,
            (Some((one, _)), Some((other, _))) => one == other,
            _ => false,
        }
    }

    /// The recipients that an epoch started now must be wrapped for.
    pub fn recipients(&self) -> Vec<(Signer, KemKey)> {
        let parties = self.share.iter().flat_map(|share| share.present());
        let parties = parties.map(|(id, party)| (Signer::Member(*id), party.kem.clone()));
        let devices = self.active().map(|(a, device)| (Signer::Device(*a), device.kem.clone()));
        devices.chain(parties).chain([(Signer::Recovery, (*self.recovery_kem).clone())]).collect()
    }

    /// Whether an envelope at this place of a removed author's chain counts by itself.
    /// `None` when the author is unknown.
    pub fn admits_place(&self, author: &AuthorId, slot: &SlotId, seq: u64) -> Option<bool> {
        if let Some(share) = &self.share {
            let state = share.authors.get(author)?;
            let within = |last: &Arc<BTreeMap<SlotId, Head>>| {
                last.get(slot).is_some_and(|head| seq <= head.seq)
            };
            return Some(state.ended.as_ref().is_none_or(within));
        }
        self.members.get(author).map(|member| match &member.status {
            DeviceStatus::Active | DeviceStatus::Waiting => true,
            DeviceStatus::Removed(last) | DeviceStatus::Returned(last) => {
                last.get(slot).is_some_and(|head| seq <= head.seq)
            }
        })
    }

    /// Where the chain of a device that was removed ends in a slot. The outer `None`: it was not; the
    /// inner one: nothing of it counts there.
    pub fn end_of_removed(&self, author: &AuthorId, slot: &SlotId) -> Option<Option<Head>> {
        if let Some(share) = &self.share {
            let ended = share.authors.get(author)?.ended.as_ref()?;
            return Some(ended.get(slot).copied());
        }
        match &self.members.get(author)?.status {
            DeviceStatus::Removed(last) | DeviceStatus::Returned(last) => {
                Some(last.get(slot).copied())
            }
            DeviceStatus::Active | DeviceStatus::Waiting => None,
        }
    }

    /// About how many bytes of memory belong to this state alone. A tree of the standard library is
    /// at least half full.
    pub(super) fn held_bytes(&self) -> usize {
        let share = self.share.as_ref().map_or(0, |share| share.held_bytes());
        size_of::<Self>() + 2 * self.members.len() * size_of::<(AuthorId, Member)>() + share
    }

    /// Whether a device was removed since `base`.
    pub(super) fn removed_since(&self, base: &Self) -> bool {
        self.members.iter().any(|(author, member)| {
            let before = base.members.get(author);
            member.status.is_removed() && !before.is_some_and(|m| m.status.is_removed())
        })
    }

    /// The members after a heal of two branches that part at `base`: all of both; removals win, then
    /// waiting does. Where either removed somebody since, whoever only one of them knows waits until
    /// the person confirms it: it may have been let in by the device that the other branch removed,
    /// and that device's branch may remove anybody else to look alike. The epoch is still this
    /// branch's.
    #[must_use]
    pub(super) fn joined(&self, other: &Self, base: &Self) -> Self {
        let wary = self.removed_since(base) || other.removed_since(base);
        let alone = |member: &Member| {
            let mut member = member.clone();
            if wary && member.status == DeviceStatus::Active {
                member.status = DeviceStatus::Waiting;
            }
            member
        };
        let mut joined = self.clone();
        for (author, member) in &mut joined.members {
            *member = match other.members.get(author) {
                Some(theirs) => {
                    let (device, status) = (member.device.clone(), &member.status);
                    Member { device, status: status.joined(&theirs.status) }
                }
                None => alone(member),
            };
        }
        for (author, theirs) in &other.members {
            joined.members.entry(*author).or_insert_with(|| alone(theirs));
        }
        joined
    }

    /// Whether `epoch` is the present one.
    pub fn is_present_epoch(&self, epoch: &EpochId) -> bool {
        self.epoch.id == *epoch
    }
}
