//! The roster records that a device, a member of a share, or the recovery phrase writes.
//!
//! Every function here checks what it made against the rules of the roster before it hands it out,
//! so that a device never asks a relay for something that is going to be refused.

mod build;
mod heal;
mod share;
#[cfg(test)]
mod tests;

use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::AuthorId;
use mainstay_protocol::roster::{Act, Device, KemKey, LastHead, Record, Roster, RosterError, Wrap};
use mainstay_protocol::sign::{Signed, VerifyKey};
use minicbor::{Decode, Encode};

use super::CryptoRng;
use super::consent::ConsentTooLong;
use super::device::DeviceKeys;
use super::epoch::{EpochKey, NameTooLong, SpaceKey};
use super::kem::BadKem;
use super::keyring::{Keyring, KeyringError};
use super::member::MemberKeys;
use super::recovery::Recovery;
use super::sign::AuthorKey;
use build::Draft;
pub use heal::heal;
pub use share::{
    Terms, certify, consent, enter, enter_with_consent, found_share, leave, leave_self,
    recover_share, rekey, retire, revoke, start_share_epoch,
};

/// A record and the wraps that it names. It counts once the relay has appended it; only then may
/// [`Self::epoch`] be used.
#[derive(Debug, Clone)]
pub struct Change {
    /// The record.
    pub record: Signed<Record>,
    /// The wraps that it names.
    pub wraps: Vec<Wrap>,
    /// The key of the epoch that it starts, if it starts one.
    pub epoch: Option<EpochKey>,
}

/// A new space.
#[derive(Debug, Clone)]
pub struct Founded {
    /// The roster with its founding record.
    pub roster: Roster,
    /// The wraps that it names: for the first device, or the owner of a share, and for the key that
    /// founded it.
    pub wraps: Vec<Wrap>,
    /// The keys of whoever founded it.
    pub keyring: Keyring,
}

/// A device that asks to be let in; in a share, a member, by the keys that they have there.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Newcomer {
    /// The key it signs with.
    #[n(0)]
    pub key: VerifyKey,
    /// The key to wrap epochs for it.
    #[n(1)]
    pub kem: KemKey,
    /// Its name, or theirs, in plain.
    #[n(2)]
    pub name: String,
}

impl Newcomer {
    /// A device of one's own as a newcomer: the first one, or one that recovers.
    pub fn own(keys: &DeviceKeys, name: &str) -> Self {
        let (key, kem) = (keys.author.verify_key(), keys.kem.public().clone());
        Self { key, kem, name: name.to_owned() }
    }

    /// A member of a share.
    pub fn member(keys: &MemberKeys, name: &str) -> Self {
        let (key, kem) = (keys.sign.verify_key(), keys.kem.public().clone());
        Self { key, kem, name: name.to_owned() }
    }
}

/// Why a record could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The roster's rules forbid it.
    #[error(transparent)]
    Rule(#[from] RosterError),
    /// The name is too long.
    #[error(transparent)]
    Name(#[from] NameTooLong),
    /// A key to wrap for is no key.
    #[error(transparent)]
    Kem(#[from] BadKem),
    /// This device lacks the key of an epoch that is to be passed on.
    #[error(transparent)]
    Key(#[from] KeyringError),
    /// The consent is too long.
    #[error(transparent)]
    Consent(#[from] ConsentTooLong),
    /// There is no such member of the share, or none in that state.
    #[error("there is no such member in this share; sync, and look at its members again")]
    NoMember,
    /// There is no such device, or none in that state.
    #[error("there is no such device in that state; look at the list of devices again")]
    NoDevice,
}

/// Founds a private space with its first device.
///
/// # Errors
/// [`ChangeError`] for a name that is too long.
pub fn found(
    rng: &mut dyn CryptoRng,
    recovery: &Recovery,
    device: &DeviceKeys,
    name: &str,
) -> Result<Founded, ChangeError> {
    let space = recovery.space_id();
    let space_key = SpaceKey::make(rng);
    let epoch = EpochKey::make(rng);
    let mut draft = Draft::founding(space, recovery.signing(), recovery.kem().public());
    let device = draft.device(rng, &epoch, &Newcomer::own(device, name))?;
    draft.act(Act::Admit { device: device.clone(), wrap: None, succeeds: None });
    let recipients = [
        (Signer::Device(device.author()), device.kem),
        (Signer::Recovery, recovery.kem().public().clone()),
    ];
    draft.epoch(rng, (epoch.clone(), &space_key), 1, &recipients, &[])?;
    let change = draft.sign(Signer::Recovery, recovery.signing());
    let roster = Roster::verify(space, std::slice::from_ref(&change.record))?;
    Ok(Founded { roster, wraps: change.wraps, keyring: Keyring::new(space_key, epoch) })
}

/// Lets a device in, in the present epoch.
///
/// # Errors
/// [`ChangeError`].
pub fn admit(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    signer: &AuthorKey,
    newcomer: &Newcomer,
) -> Result<Change, ChangeError> {
    let_in(rng, (roster, keyring), signer, (newcomer, None))
}

/// Takes a new name: the signer goes on under the newcomer's keys, and says that both are one
/// device, so that whoever removes the one removes the other.
///
/// # Errors
/// [`ChangeError`].
pub fn go_on(
    rng: &mut dyn CryptoRng,
    keys: (&Roster, &Keyring),
    signer: &AuthorKey,
    newcomer: &Newcomer,
) -> Result<Change, ChangeError> {
    let_in(rng, keys, signer, (newcomer, Some(signer.author_id())))
}

fn let_in(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    signer: &AuthorKey,
    (newcomer, succeeds): (&Newcomer, Option<AuthorId>),
) -> Result<Change, ChangeError> {
    let epoch = keyring.present(roster)?;
    let mut draft = Draft::after(roster, roster.head())?;
    let device = draft.device(rng, epoch, newcomer)?;
    draft.admit(rng, (epoch, keyring.space_key()), device, succeeds)?;
    draft.finish(roster, signer)
}

/// Confirms a device that a recovery left waiting, under all the names given, with the keys it had.
///
/// # Errors
/// [`ChangeError`].
pub fn confirm(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    signer: &AuthorKey,
    waiting: &[AuthorId],
) -> Result<Change, ChangeError> {
    let epoch = keyring.present(roster)?;
    let mut draft = Draft::after(roster, roster.head())?;
    for author in waiting {
        let member = roster.state().members.get(author).ok_or(ChangeError::NoDevice)?;
        if !member.status.is_waiting() {
            return Err(ChangeError::NoDevice);
        }
        let keys = (epoch, keyring.space_key());
        draft.admit(rng, keys, Device::clone(&member.device), None)?;
    }
    draft.finish(roster, signer)
}

/// Removes a device, under all the names given, and starts an epoch without it. With each name come the
/// heads up to which its envelopes are accepted.
///
/// # Errors
/// [`ChangeError`].
pub fn remove(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    signer: &AuthorKey,
    removals: Vec<(AuthorId, Vec<LastHead>)>,
) -> Result<Change, ChangeError> {
    let mut draft = Draft::after(roster, roster.head())?;
    let mut recipients = roster.state().recipients();
    for (author, last) in removals {
        recipients.retain(|(to, _)| *to != Signer::Device(author));
        draft.act(Act::Remove { author, last });
    }
    draft.next_epoch(rng, (roster.state(), keyring), &recipients)?;
    draft.finish(roster, signer)
}

/// Says how much of the chains of waiting devices is known; nothing beyond counts until they are
/// confirmed.
///
/// # Errors
/// [`ChangeError`].
pub fn bound(
    roster: &Roster,
    signer: &AuthorKey,
    bounds: Vec<(AuthorId, Vec<LastHead>)>,
) -> Result<Change, ChangeError> {
    let mut draft = Draft::after(roster, roster.head())?;
    for (author, last) in bounds {
        draft.act(Act::Bound { author, last });
    }
    draft.finish(roster, signer)
}

/// Starts an epoch for the same members.
///
/// # Errors
/// [`ChangeError`].
pub fn start_epoch(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    signer: &AuthorKey,
) -> Result<Change, ChangeError> {
    let mut draft = Draft::after(roster, roster.head())?;
    let recipients = roster.state().recipients();
    draft.next_epoch(rng, (roster.state(), keyring), &recipients)?;
    draft.finish(roster, signer)
}

/// Takes the space back with the recovery key, from the record `parent` on: what came after it is
/// void. `keyring` is what the recovery key opened.
///
/// # Errors
/// [`ChangeError`].
pub fn recover(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    recovery: &Recovery,
    parent: Hash,
    newcomer: &Newcomer,
) -> Result<Change, ChangeError> {
    let state = roster.state_at(&parent).ok_or(RosterError::NotThisSpace)?;
    let mut draft = Draft::after(roster, parent)?;
    draft.act(Act::Recover);
    let epoch = EpochKey::make(rng);
    let device = draft.device(rng, &epoch, newcomer)?;
    let recipients = [
        (Signer::Device(device.author()), device.kem.clone()),
        (Signer::Recovery, (*state.recovery_kem).clone()),
    ];
    draft.act(Act::Admit { device, wrap: None, succeeds: None });
    let previous = keyring.epoch(&state.epoch.id).ok_or(KeyringError::Missing)?;
    let number = state.epoch.number + 1;
    draft.epoch(rng, (epoch, keyring.space_key()), number, &recipients, &[previous])?;
    draft.finish_as(roster, Signer::Recovery, recovery.signing())
}
