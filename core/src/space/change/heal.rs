//! Joining two branches of a roster.

use mainstay_protocol::roster::{Act, Record, Roster, RosterError};
use mainstay_protocol::sign::Signed;

use super::build::Draft;
use super::{Change, ChangeError};
use crate::space::CryptoRng;
use crate::space::epoch::EpochKey;
use crate::space::keyring::{Keyring, KeyringError};
use crate::space::sign::AuthorKey;

/// Joins another branch into this roster and starts an epoch for who is in both. `branch` are the
/// other branch's records from the fork on; `keyring` should have absorbed both branches, so that
/// what was sealed in either stays readable.
///
/// # Errors
/// [`ChangeError`].
pub fn heal(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    signer: &AuthorKey,
    branch: Vec<Signed<Record>>,
) -> Result<Change, ChangeError> {
    let other = other_roster(roster, &branch)?;
    let recipients = roster.joined_with(&other).recipients();
    let present = roster.state().epoch.clone();
    let mut previous: Vec<&EpochKey> =
        vec![keyring.epoch(&present.id).ok_or(KeyringError::Missing)?];
    if other.state().epoch.id != present.id {
        previous.push(keyring.epoch(&other.state().epoch.id).ok_or(KeyringError::Missing)?);
    }
    let mut draft = Draft::after(roster, roster.head())?;
    draft.act(Act::Heal { branch });
    let keys = (EpochKey::make(rng), keyring.space_key());
    draft.epoch(rng, keys, present.number + 1, &recipients, &previous)?;
    draft.finish(roster, signer)
}

/// The roster as the other branch has it.
fn other_roster(roster: &Roster, branch: &[Signed<Record>]) -> Result<Roster, RosterError> {
    let first = branch.first().ok_or(RosterError::NotThisSpace)?;
    let fork = first.peek().ok().and_then(|record| record.parent);
    let fork = fork.ok_or(RosterError::NotThisSpace)?;
    let mut records = Vec::new();
    for (hash, signed, _) in roster.records() {
        records.push(signed.clone());
        if *hash == fork {
            records.extend_from_slice(branch);
            return Roster::verify(*roster.space(), &records);
        }
    }
    Err(RosterError::NotThisSpace)
}
