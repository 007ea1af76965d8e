//! What a member does without a new epoch: their own devices come and go; the owner consents.

use mainstay_protocol::ids::AuthorId;
use mainstay_protocol::roster::{Act, LastHead, Roster};
use mainstay_protocol::sign::VerifyKey;

use super::Terms;
use crate::space::CryptoRng;
use crate::space::change::build::Draft;
use crate::space::change::{Change, ChangeError};
use crate::space::keyring::Keyring;
use crate::space::member::MemberKeys;

/// Adds one of a member's own devices.
///
/// # Errors
/// [`ChangeError`].
pub fn certify(
    roster: &Roster,
    member: &MemberKeys,
    device: &VerifyKey,
) -> Result<Change, ChangeError> {
    let mut draft = Draft::after(roster, roster.head())?;
    draft.act(Act::Certify { key: *device });
    draft.finish_as_member(roster, member)
}

/// Takes out one of a member's own devices; the owner, anybody's. `last` are the heads up to which
/// its envelopes are accepted. It knew its member's keys: an owner goes on under other ones
/// ([`super::rekey`]), a counsellor is invited again.
///
/// # Errors
/// [`ChangeError`].
pub fn retire(
    roster: &Roster,
    member: &MemberKeys,
    author: &AuthorId,
    last: Vec<LastHead>,
) -> Result<Change, ChangeError> {
    let mut draft = Draft::after(roster, roster.head())?;
    draft.act(Act::Retire { author: *author, last });
    draft.finish_as_member(roster, member)
}

/// Replaces what the owner agreed to. Everybody who is in can open it, and nobody else.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::Key`] where the owner lacks the present epoch's key.
pub fn consent(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    owner: &MemberKeys,
    terms: Terms<'_>,
) -> Result<Change, ChangeError> {
    let epoch = keyring.present(roster)?;
    let mut draft = Draft::after(roster, roster.head())?;
    draft.consent(rng, epoch, terms)?;
    draft.finish_as_member(roster, owner)
}
