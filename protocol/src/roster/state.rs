//! What holds after a record.

use std::collections::{BTreeMap, BTreeSet};
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
    /// It waits, and its chains end at these heads until the person confirms it: somebody may go on
    /// with them under a list of devices from before the recovery.
    Bounded(Arc<BTreeMap<SlotId, Head>>),
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
        matches!(self, Self::Waiting | Self::Bounded(_) | Self::Returned(_))
    }

    fn is_removed(&self) -> bool {
        matches!(self, Self::Removed(_))
    }

    /// Where its chains end, if they do.
    pub fn bounds(&self) -> Option<&BTreeMap<SlotId, Head>> {
        match self {
            Self::Active | Self::Waiting => None,
            Self::Bounded(last) | Self::Returned(last) | Self::Removed(last) => Some(last),
        }
    }

    /// Whether something counts under this status that did not under another one.
    pub fn admits_more_than(&self, before: &Self) -> bool {
        match (self.bounds(), before.bounds()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(now), Some(before)) => {
                now.iter().any(|(slot, head)| before.get(slot).is_none_or(|b| b.seq < head.seq))
            }
        }
    }

    /// Removals win, then waiting does. Where both bound a chain, the narrower bound holds.
    fn joined(&self, theirs: &Self) -> Self {
        use DeviceStatus::{Active, Bounded, Removed, Returned, Waiting};
        let both = |a: &BTreeMap<SlotId, Head>, b: &BTreeMap<SlotId, Head>| {
            let lower =
                |(slot, head): (&SlotId, &Head)| b.get(slot).map(|other| (*slot, *head.min(other)));
            Arc::new(a.iter().filter_map(lower).collect())
        };
        match (self, theirs) {
            (Removed(a), Removed(b) | Returned(b) | Bounded(b))
            | (Returned(a) | Bounded(a), Removed(b)) => Removed(both(a, b)),
            (Removed(a), _) | (_, Removed(a)) => Removed(a.clone()),
            (Returned(a), Returned(b) | Bounded(b)) | (Bounded(a), Returned(b)) => {
                Returned(both(a, b))
            }
            (Returned(a), _) | (_, Returned(a)) => Returned(a.clone()),
            (Bounded(a), Bounded(b)) => Bounded(both(a, b)),
            (Bounded(a), _) | (_, Bounded(a)) => Bounded(a.clone()),
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
    /// The name under which the same device was known before, if it said so when it took this one.
    pub succeeds: Option<AuthorId>,
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
    /// one person's; in a share both must be the same member's, or the owner's, who may have gone on
    /// under other keys.
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

    /// Whether an envelope at this place of an author's chain counts by itself: not beyond where a
    /// removal, or what is known of a waiting device, ends it. `None` when the author is unknown.
    pub fn admits_place(&self, author: &AuthorId, slot: &SlotId, seq: u64) -> Option<bool> {
        if let Some(share) = &self.share {
            let state = share.authors.get(author)?;
            let within = |last: &Arc<BTreeMap<SlotId, Head>>| {
                last.get(slot).is_some_and(|head| seq <= head.seq)
            };
            return Some(state.ended.as_ref().is_none_or(within));
        }
        let bounds = self.members.get(author)?.status.bounds();
        Some(bounds.is_none_or(|last| last.get(slot).is_some_and(|head| seq <= head.seq)))
    }

    /// Where the chain of a device ends in a slot that was removed, or waits and is bounded. The outer
    /// `None`: it does not end; the inner one: nothing of it counts there.
    pub fn end_of_chain(&self, author: &AuthorId, slot: &SlotId) -> Option<Option<Head>> {
        if let Some(share) = &self.share {
            let ended = share.authors.get(author)?.ended.as_ref()?;
            return Some(ended.get(slot).copied());
        }
        let bounds = self.members.get(author)?.status.bounds()?;
        Some(bounds.get(slot).copied())
    }

    /// All names of one device, this one among them: whoever holds the secret of one can sign as any.
    pub fn names_of(&self, author: &AuthorId) -> BTreeSet<AuthorId> {
        let first = |author: &AuthorId| {
            let before = |name: &AuthorId| self.members.get(name)?.succeeds;
            // As many steps as there are members: two branches that were joined may say nonsense.
            std::iter::successors(Some(*author), before).take(self.members.len()).last()
        };
        let origin = first(author);
        let same = self.members.keys().filter(|other| first(other) == origin);
        same.copied().chain([*author]).collect()
    }

    /// Whether the device goes by a later name that stands where this one does: the later one says
    /// it all.
    pub fn is_former(&self, author: &AuthorId) -> bool {
        let kind = |author| self.members.get(author).map(|m| std::mem::discriminant(&m.status));
        self.members
            .iter()
            .any(|(later, m)| m.succeeds == Some(*author) && kind(later) == kind(author))
    }

    /// The waiting devices of whose chains nobody has said yet how much is known.
    pub fn unbounded(&self) -> impl Iterator<Item = &AuthorId> {
        let waits = |(_, member): &(&AuthorId, &Member)| member.status == DeviceStatus::Waiting;
        self.members.iter().filter(waits).map(|(author, _)| author)
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
                    let (status, succeeds) = (status.joined(&theirs.status), member.succeeds);
                    Member { device, status, succeeds }
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
