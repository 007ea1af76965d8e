//! Who comes into a share, and who goes.

use mainstay_protocol::frame::Signer;
use mainstay_protocol::ids::MemberId;
use mainstay_protocol::roster::{Act, AuthorLast, Role, Roster};

use super::{Terms, begin};
use crate::space::CryptoRng;
use crate::space::change::build::Draft;
use crate::space::change::{Change, ChangeError, Newcomer};
use crate::space::epoch::EpochKey;
use crate::space::keyring::Keyring;
use crate::space::member::MemberKeys;

/// Lets a counsellor in, with a new epoch: they open nothing from before, the consent that holds
/// included. Until the next one they can read none; [`enter_with_consent`] gives it to them at once.
///
/// # Errors
/// [`ChangeError`].
pub fn enter(
    rng: &mut dyn CryptoRng,
    at: (&Roster, &Keyring),
    owner: &MemberKeys,
    newcomer: &Newcomer,
) -> Result<Change, ChangeError> {
    let_in(rng, at, owner, newcomer, None)
}

/// [`enter`], and a consent that the newcomer can open, in one record.
///
/// # Errors
/// [`ChangeError`].
pub fn enter_with_consent(
    rng: &mut dyn CryptoRng,
    at: (&Roster, &Keyring),
    owner: &MemberKeys,
    newcomer: &Newcomer,
    consent: Terms<'_>,
) -> Result<Change, ChangeError> {
    let_in(rng, at, owner, newcomer, Some(consent))
}

fn let_in(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    owner: &MemberKeys,
    newcomer: &Newcomer,
    consent: Option<Terms<'_>>,
) -> Result<Change, ChangeError> {
    let epoch = EpochKey::make(rng);
    let mut draft = Draft::after(roster, roster.head())?;
    let party = draft.party(rng, &epoch, newcomer, Role::Counsellor)?;
    let mut recipients = roster.state().recipients();
    recipients.push((Signer::Member(party.member()), party.kem.clone()));
    draft.act(Act::Enter { member: party });
    let keys = (epoch.clone(), keyring.space_key());
    begin(&mut draft, rng, roster.state(), keys, &recipients)?;
    if let Some(terms) = consent {
        draft.consent(rng, &epoch, terms)?;
    }
    draft.finish_as_member(roster, owner)
}

/// Removes a member, with an epoch for those who stay. `last` are the heads up to which their
/// envelopes are accepted.
///
/// # Errors
/// [`ChangeError`].
pub fn leave(
    rng: &mut dyn CryptoRng,
    at: (&Roster, &Keyring),
    owner: &MemberKeys,
    member: &MemberId,
    last: Vec<AuthorLast>,
) -> Result<Change, ChangeError> {
    revoke(rng, at, owner, std::slice::from_ref(member), last, None)
}

/// Removes members, starts an epoch for those who stay, and replaces the consent by one that only
/// they can open: all in one record, so that nothing of it can happen without the rest. Without
/// members it narrows what the same ones get. `last` are the heads up to which envelopes of those who
/// go are accepted.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::NoMember`] where `last` names a device of nobody who goes.
pub fn revoke(
    rng: &mut dyn CryptoRng,
    (roster, keyring): (&Roster, &Keyring),
    owner: &MemberKeys,
    members: &[MemberId],
    last: Vec<AuthorLast>,
    consent: Option<Terms<'_>>,
) -> Result<Change, ChangeError> {
    let state = roster.state();
    let share = state.share.as_ref().ok_or(ChangeError::NoMember)?;
    let whose = |last: &AuthorLast| share.author_of(&last.author).map(|(member, _)| member);
    if !last.iter().all(|last| whose(last).is_some_and(|member| members.contains(&member))) {
        return Err(ChangeError::NoMember);
    }
    let mut draft = Draft::after(roster, roster.head())?;
    for member in members {
        let last = last.iter().filter(|last| whose(last) == Some(*member)).copied().collect();
        draft.act(Act::Leave { member: *member, last });
    }
    let mut recipients = state.recipients();
    recipients.retain(|(to, _)| !members.iter().any(|member| *to == Signer::Member(*member)));
    let epoch = EpochKey::make(rng);
    begin(&mut draft, rng, state, (epoch.clone(), keyring.space_key()), &recipients)?;
    if let Some(terms) = consent {
        draft.consent(rng, &epoch, terms)?;
    }
    draft.finish_as_member(roster, owner)
}

/// A counsellor goes by themselves. The epoch goes on until the owner starts another one.
///
/// # Errors
/// [`ChangeError`].
pub fn leave_self(
    roster: &Roster,
    member: &MemberKeys,
    last: Vec<AuthorLast>,
) -> Result<Change, ChangeError> {
    let mut draft = Draft::after(roster, roster.head())?;
    draft.act(Act::Leave { member: member.member_id(), last });
    draft.finish_as_member(roster, member)
}
