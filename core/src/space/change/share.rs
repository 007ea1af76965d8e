//! The roster records of a share. Members sign them, and the root key those that found a share or take
//! it back. An epoch of a share never holds the key of an earlier one: whoever comes opens nothing
//! that was sealed before.

mod members;
mod own;
#[cfg(test)]
mod tests;

use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::roster::{Act, AuthorLast, KemKey, Role, Roster, RosterError, State};

use super::build::Draft;
use super::{Change, ChangeError, Founded, Newcomer};
use crate::space::CryptoRng;
use crate::space::epoch::{EpochKey, SpaceKey};
use crate::space::keyring::Keyring;
use crate::space::member::MemberKeys;
use crate::space::root::RootSecret;
pub use members::{enter, enter_with_consent, leave, leave_self, revoke};
pub use own::{certify, consent, retire};

/// What an owner agrees to: sealed for the members, and until when (Unix milliseconds).
pub type Terms<'a> = (&'a [u8], Option<u64>);

/// Founds a share with its owner. None of their devices is in it yet: [`certify`] comes next.
///
/// # Errors
/// [`ChangeError`] for a name that is too long.
pub fn found_share(
    rng: &mut dyn CryptoRng,
    root: &RootSecret,
    owner: &MemberKeys,
    name: &str,
) -> Result<Founded, ChangeError> {
    let (space, root) = (root.share_id(), root.keys());
    let (space_key, epoch) = (SpaceKey::make(rng), EpochKey::make(rng));
    let mut draft = Draft::founding(space, &root.sign, root.kem.public());
    let party = draft.party(rng, &epoch, &Newcomer::member(owner, name), Role::Owner)?;
    draft.act(Act::Share { owner: party });
    let recipients = [
        (owner.signer(), owner.kem.public().clone()),
        (Signer::Recovery, root.kem.public().clone()),
    ];
    draft.epoch(rng, (epoch.clone(), &space_key), 1, &recipients, &[])?;
    let change = draft.sign(Signer::Recovery, &root.sign);
    let roster = Roster::verify(space, std::slice::from_ref(&change.record))?;
    Ok(Founded { roster, wraps: change.wraps, keyring: Keyring::new(space_key, epoch) })
}

/// Starts an epoch for the same members.
///
/// # Errors
/// [`ChangeError`].
pub fn start_share_epoch(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    owner: &MemberKeys,
) -> Result<Change, ChangeError> {
    let mut draft = Draft::after(roster, roster.head())?;
    let keys = (EpochKey::make(rng), keyring.space_key());
    begin(&mut draft, rng, roster.state(), keys, &roster.state().recipients())?;
    draft.finish_as_member(roster, owner)
}

/// The owner goes on under other keys, as after one of their devices was removed: it knew the old
/// ones. Their devices need new keys, certified under the new ones. `last` are the heads up to which
/// envelopes of the old devices are accepted.
///
/// # Errors
/// [`ChangeError`].
pub fn rekey(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    old: &MemberKeys,
    new: &MemberKeys,
    name: &str,
    last: Vec<AuthorLast>,
) -> Result<Change, ChangeError> {
    let mut draft = Draft::after(roster, roster.head())?;
    replace_owner(&mut draft, rng, (roster.state(), keyring), (new, name), last)?;
    draft.finish_as_member(roster, old)
}

/// Takes a share back with its root key, from the record `parent` on: what came after it is void.
/// The owner comes under new keys; their old devices are out. `keyring` is what the root key, or the
/// owner, opened.
///
/// # Errors
/// [`ChangeError`].
pub fn recover_share(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    root: &RootSecret,
    owner: &MemberKeys,
    name: &str,
    parent: Hash,
) -> Result<Change, ChangeError> {
    let state = roster.state_at(&parent).ok_or(RosterError::NotThisSpace)?;
    let mut draft = Draft::after(roster, parent)?;
    draft.act(Act::Recover);
    replace_owner(&mut draft, rng, (&state, keyring), (owner, name), vec![])?;
    draft.finish_as(roster, Signer::Recovery, &root.keys().sign)
}

/// Puts other keys in the owner's place, and starts an epoch for them and everybody else.
fn replace_owner(
    draft: &mut Draft,
    rng: &mut dyn CryptoRng,
    (state, keyring): (&State, &Keyring),
    (new, name): (&MemberKeys, &str),
    last: Vec<AuthorLast>,
) -> Result<(), ChangeError> {
    let share = state.share.as_ref().ok_or(ChangeError::NoMember)?;
    let (old, _) = share.owner().ok_or(ChangeError::NoMember)?;
    let epoch = EpochKey::make(rng);
    let party = draft.party(rng, &epoch, &Newcomer::member(new, name), Role::Owner)?;
    let mut recipients = state.recipients();
    recipients.retain(|(to, _)| *to != Signer::Member(*old));
    recipients.push((new.signer(), new.kem.public().clone()));
    draft.act(Act::Rekey { owner: party, last });
    begin(draft, rng, state, (epoch, keyring.space_key()), &recipients)
}

/// Starts the epoch after `state`'s, without the keys before it.
fn begin(
    draft: &mut Draft,
    rng: &mut dyn CryptoRng,
    state: &State,
    keys: (EpochKey, &SpaceKey),
    recipients: &[(Signer, KemKey)],
) -> Result<(), ChangeError> {
    draft.epoch(rng, keys, state.epoch.number + 1, recipients, &[])
}
