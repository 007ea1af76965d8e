//! Who is in a share: members, one human each, and the devices that each of them certified.

use std::collections::BTreeMap;
use std::sync::Arc;

use minicbor::bytes::ByteVec;

use crate::frame::Signer;
use crate::heads::Head;
use crate::ids::{AuthorId, EpochId, MemberId, SlotId};
use crate::roster::record::{Act, Party, Record, Role};
use crate::sign::VerifyKey;

/// What holds in a share after a record, beside [`super::State`]'s root key and epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareState {
    /// Every member that ever was, by id.
    pub parties: BTreeMap<MemberId, PartyState>,
    /// Every device that a member ever certified.
    pub authors: BTreeMap<AuthorId, AuthorState>,
    /// What the owner agreed to last.
    pub consent: Option<Arc<ConsentState>>,
}

/// A member of a share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyState {
    /// What they entered with.
    pub party: Arc<Party>,
    /// Whether they have left, or were removed.
    pub gone: bool,
}

/// A device in a share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorState {
    /// Signs its envelopes.
    pub key: VerifyKey,
    /// Whose device it is.
    pub member: MemberId,
    /// Set once it was taken out: where its chains end.
    pub ended: Option<Arc<BTreeMap<SlotId, Head>>>,
}

/// A consent as the relay knows it: sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentState {
    /// The number of the record that holds it.
    pub record: u32,
    /// The epoch whose key seals it.
    pub epoch: EpochId,
    /// Opaque to this crate.
    pub sealed: ByteVec,
    /// After this Unix time (milliseconds) nobody but the owner reads or writes.
    pub until_ms: Option<u64>,
}

impl ShareState {
    /// The members that are in.
    pub fn present(&self) -> impl Iterator<Item = (&MemberId, &Party)> {
        self.parties.iter().filter(|(_, state)| !state.gone).map(|(id, state)| (id, &*state.party))
    }

    /// A member that is in.
    pub fn party(&self, member: &MemberId) -> Option<&Party> {
        self.parties.get(member).filter(|state| !state.gone).map(|state| &*state.party)
    }

    /// The person who shares.
    pub fn owner(&self) -> Option<(&MemberId, &Party)> {
        self.present().find(|(_, party)| party.role == Role::Owner)
    }

    /// Whose device this is or was, and what that member may or might do.
    pub fn author_of(&self, author: &AuthorId) -> Option<(MemberId, Role)> {
        let member = self.authors.get(author)?.member;
        Some((member, self.parties.get(&member)?.party.role))
    }

    /// Whether a device takes part: it was not taken out, and its member is in.
    pub fn is_active(&self, author: &AuthorId) -> bool {
        self.authors
            .get(author)
            .is_some_and(|state| state.ended.is_none() && self.party(&state.member).is_some())
    }

    /// Whether the consent has ended, so that only the owner reads and writes.
    pub fn has_expired(&self, now_ms: u64) -> bool {
        self.consent.as_ref().and_then(|consent| consent.until_ms).is_some_and(|end| now_ms > end)
    }

    /// Whether the owner signed this record.
    pub fn is_of_owner(&self, record: &Record) -> bool {
        self.owner().is_some_and(|(owner, _)| record.signer == Signer::Member(*owner))
    }

    /// Whether this is a record of the owner that lets nobody in. There is always room for these: on the
    /// list, and on a full relay. A consent may be wider than the one before, which nobody can tell who
    /// cannot open it; it is the owner's word all the same.
    pub fn narrows(&self, record: &Record) -> bool {
        let narrow = |act: &Act| {
            matches!(act, Act::Leave { .. } | Act::Retire { .. } | Act::Rekey { .. })
                || matches!(act, Act::Epoch(_) | Act::Consent { .. })
        };
        self.is_of_owner(record) && record.acts.iter().all(narrow)
    }

    /// About how many bytes of memory this takes, as [`super::State`] counts them. Where a member entered
    /// with what, and where chains end, is shared between the states of a chain, as is this itself
    /// between those that it did not change in.
    pub(super) fn held_bytes(&self) -> usize {
        let consent = self.consent.as_ref();
        size_of::<Self>()
            + 2 * self.parties.len() * size_of::<(MemberId, PartyState)>()
            + 2 * self.authors.len() * size_of::<(AuthorId, AuthorState)>()
            + consent.map_or(0, |consent| size_of::<ConsentState>() + consent.sealed.len())
    }
}
