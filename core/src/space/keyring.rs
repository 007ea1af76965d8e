//! The keys of a space that a device holds.

use std::collections::BTreeMap;

use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{EpochId, SpaceId};
use mainstay_protocol::roster::{
    Act, Device, Epoch, Party, Record, Roster, SealedKey, Wrap, WrapRef, wrap_hash,
};
use zeroize::Zeroizing;

use super::aead::CannotOpen;
use super::epoch::{EpochKey, SpaceKey};
use super::kem::KemSecret;
use super::wrap::unwrap;

/// The space's key and the keys of its epochs.
#[derive(Debug, Clone)]
pub struct Keyring {
    space_key: SpaceKey,
    epochs: BTreeMap<EpochId, EpochKey>,
}

/// Why a member cannot read a space, or not all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// No wrap came that the roster names for this member, or not that of the present epoch.
    #[error(
        "the relay has not delivered this device's key to the journal; sync another of your devices and then this one again, and if it stays so, link it anew"
    )]
    Missing,
    /// The roster names wraps for this member, and none of those that came opens.
    #[error(
        "the keys that were made for this device do not open; link the device anew from another one"
    )]
    Broken,
    /// Stored bytes that are no keyring.
    #[error("the stored keys of the journal are damaged; sync to fetch them again")]
    Damaged,
}

/// Where the roster names a wrap.
struct Named {
    /// Counts from the founding record on.
    place: usize,
    epoch: EpochId,
    parent: Option<Hash>,
}

impl Keyring {
    /// The keyring of a space that was just founded.
    pub fn new(space_key: SpaceKey, epoch: EpochKey) -> Self {
        Self { space_key, epochs: BTreeMap::from([(epoch.id(), epoch)]) }
    }

    /// The keyring of a member who has none yet; see [`Self::absorb`]. Something opened; whether the
    /// present epoch did, [`Self::present`] tells. (A thief can wrap rubbish for the recovery key in
    /// an epoch of theirs; the epochs before it open all the same, and a recovery rests on those.)
    ///
    /// # Errors
    /// [`KeyringError::Missing`] or [`KeyringError::Broken`] when nothing opens.
    pub fn open(
        roster: &Roster,
        wraps: &[Wrap],
        me: Signer,
        kem: &KemSecret,
    ) -> Result<Self, KeyringError> {
        let opened = own_keys(roster, wraps, me, kem);
        let nothing = match opened.is_empty() {
            true => KeyringError::Missing,
            false => KeyringError::Broken,
        };
        let first = opened.into_iter().find_map(Result::ok);
        let (epoch, space_key) = first.ok_or(nothing)?;
        let mut keyring = Self::new(space_key, epoch);
        keyring.absorb(roster, wraps, me, kem);
        Ok(keyring)
    }

    /// Takes in the wraps that came with a roster, and every earlier key that they lead to. Passed
    /// over are wraps that the roster does not name for this member (the relay may offer what it
    /// likes), that do not open, or that hold another key of the space than the oldest one does.
    pub fn absorb(&mut self, roster: &Roster, wraps: &[Wrap], me: Signer, kem: &KemSecret) {
        for (epoch, space_key) in own_keys(roster, wraps, me, kem).into_iter().flatten() {
            if space_key == self.space_key {
                self.epochs.insert(epoch.id(), epoch);
            }
        }
        self.follow_back(roster);
    }

    /// Adds the key of an epoch that this device started, once the relay has appended its record.
    pub fn add(&mut self, epoch: EpochKey) {
        self.epochs.insert(epoch.id(), epoch);
    }

    /// The key that names slots.
    pub fn space_key(&self) -> &SpaceKey {
        &self.space_key
    }

    /// The key of an epoch, if this member has it.
    pub fn epoch(&self, id: &EpochId) -> Option<&EpochKey> {
        self.epochs.get(id)
    }

    #[cfg(feature = "test-kit")]
    pub(super) fn epochs(&self) -> impl Iterator<Item = &EpochKey> {
        self.epochs.values()
    }

    /// The key to seal with now.
    ///
    /// # Errors
    /// [`KeyringError::Missing`].
    pub fn present(&self, roster: &Roster) -> Result<&EpochKey, KeyringError> {
        self.epoch(&roster.state().epoch.id).ok_or(KeyringError::Missing)
    }

    /// A device's name; `None` when this member cannot read it.
    pub fn device_name(&self, space: &SpaceId, device: &Device) -> Option<String> {
        let epoch = self.epoch(&EpochKey::epoch_of_name(&device.sealed_name)?)?;
        epoch.open_name(space, &device.author(), &device.sealed_name).ok()
    }

    /// The name of a share's member; `None` when this member cannot read it: names are sealed once,
    /// under the epoch in which somebody came, which those who come later do not open.
    pub fn member_name(&self, space: &SpaceId, party: &Party) -> Option<String> {
        let epoch = self.epoch(&EpochKey::epoch_of_name(&party.sealed_name)?)?;
        epoch.open_member_name(space, &party.member(), &party.sealed_name).ok()
    }

    /// The keys as bytes, for a sealed store: 32 for the space's and 32 for each epoch's.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(32 * (1 + self.epochs.len())));
        bytes.extend_from_slice(self.space_key.bytes());
        self.epochs.values().for_each(|epoch| bytes.extend_from_slice(epoch.bytes()));
        bytes
    }

    /// Reads [`Self::to_bytes`]'s output.
    ///
    /// # Errors
    /// [`KeyringError::Damaged`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyringError> {
        let (keys, []) = bytes.as_chunks::<32>() else { return Err(KeyringError::Damaged) };
        let (space_key, epochs) = keys.split_first().ok_or(KeyringError::Damaged)?;
        let epochs = epochs.iter().map(|key| EpochKey::from_bytes(*key));
        Ok(Self {
            space_key: SpaceKey::from_bytes(*space_key),
            epochs: epochs.map(|epoch| (epoch.id(), epoch)).collect(),
        })
    }

    /// Opens earlier keys with later ones until nothing more opens. Newest first, so that one round
    /// does it but after a heal.
    fn follow_back(&mut self, roster: &Roster) {
        let mut sealed: Vec<(EpochId, SealedKey)> = Vec::new();
        each_record(roster, |record| {
            for epoch in record.acts.iter().filter_map(started) {
                sealed.extend(epoch.previous.iter().map(|key| (epoch.id, key.clone())));
            }
        });
        sealed.reverse();
        loop {
            let before = self.epochs.len();
            sealed.retain(|(later, key)| {
                if self.epochs.contains_key(&key.epoch) {
                    return false;
                }
                let Some(later) = self.epochs.get(later) else { return true };
                if let Ok(earlier) = later.open_previous(key) {
                    self.epochs.insert(key.epoch, earlier);
                }
                false
            });
            if self.epochs.len() == before {
                return;
            }
        }
    }
}

fn started(act: &Act) -> Option<&Epoch> {
    match act {
        Act::Epoch(epoch) => Some(epoch),
        _ => None,
    }
}

/// Every record of the chain, oldest first, and before each heal the branch that it joins.
fn each_record(roster: &Roster, mut visit: impl FnMut(&Record)) {
    for (_, _, record) in roster.records() {
        if let Some(Act::Heal { branch }) = record.acts.first() {
            branch.iter().filter_map(|signed| signed.peek().ok()).for_each(|r| visit(&r));
        }
        visit(record);
    }
}

/// Opens the wraps that the roster names for `me`, in the roster's order.
fn own_keys(
    roster: &Roster,
    wraps: &[Wrap],
    me: Signer,
    kem: &KemSecret,
) -> Vec<Result<(EpochKey, SpaceKey), CannotOpen>> {
    let named = named_for(roster, me);
    let mut own: Vec<(usize, &Wrap)> = wraps
        .iter()
        .filter(|wrap| wrap.to == me)
        .filter_map(|wrap| {
            let named = named.get(&wrap_hash(wrap))?;
            let bound = named.epoch == wrap.epoch && named.parent == wrap.parent;
            bound.then_some((named.place, wrap))
        })
        .collect();
    own.sort_by_key(|(place, _)| *place);
    own.iter().map(|(_, wrap)| unwrap(roster.space(), wrap, kem)).collect()
}

/// The wraps that the roster names for `me`, by hash.
fn named_for(roster: &Roster, me: Signer) -> BTreeMap<Hash, Named> {
    let mut named = BTreeMap::new();
    let mut present = None;
    each_record(roster, |record| {
        for act in &record.acts {
            let refs: &[WrapRef] = match act {
                Act::Epoch(epoch) => {
                    present = Some(epoch.id);
                    &epoch.wraps
                }
                Act::Admit { wrap: Some(wrap), .. } => std::slice::from_ref(wrap),
                _ => &[],
            };
            let Some(epoch) = present else { continue };
            for wrap in refs.iter().filter(|wrap| wrap.to == me) {
                let place = named.len();
                named.insert(wrap.hash, Named { place, epoch, parent: record.parent });
            }
        }
    });
    named
}
