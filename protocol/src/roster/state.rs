//! What holds after a record.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::frame::Signer;
use crate::heads::Head;
use crate::ids::{AuthorId, EpochId, SlotId};
use crate::roster::record::{Device, Epoch, KemKey};
use crate::sign::VerifyKey;

/// Whether a device takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceStatus {
    /// It does.
    Active,
    /// A recovery left it waiting until the person confirms it.
    Waiting,
    /// It was removed; its chains end at these heads where no snapshot covers more. Shared between
    /// the states of a chain, each of which holds every member.
    Removed(Arc<BTreeMap<SlotId, Head>>),
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
                .filter(|_| self.is_active(author)),
        }
    }

    /// The recipients that an epoch started now must be wrapped for.
    pub fn recipients(&self) -> Vec<(Signer, KemKey)> {
        let devices = self.active().map(|(a, device)| (Signer::Device(*a), device.kem.clone()));
        devices.chain([(Signer::Recovery, (*self.recovery_kem).clone())]).collect()
    }

    /// Whether an envelope at this place of a removed author's chain counts by itself.
    /// `None` when the author is unknown.
    pub fn admits_place(&self, author: &AuthorId, slot: &SlotId, seq: u64) -> Option<bool> {
        self.members.get(author).map(|member| match &member.status {
            DeviceStatus::Active | DeviceStatus::Waiting => true,
            DeviceStatus::Removed(last) => last.get(slot).is_some_and(|head| seq <= head.seq),
        })
    }

    /// Whether `epoch` is the present one.
    pub fn is_present_epoch(&self, epoch: &EpochId) -> bool {
        self.epoch.id == *epoch
    }
}
