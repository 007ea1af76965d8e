//! A share that somebody with a stolen phone took: the twelve words take it back.
//!
//! The root key that founded a share is sealed for the words alone, so that a phone which knows every
//! other key of it does not have this one. What the thief did under keys of their own is void.

use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::roster::{Role, Roster};

use super::book::{Book, Entry};
use super::{Replica, Share};
use crate::engine::error::EngineError;
use crate::space::change::{self, Change};
use crate::space::keyring::Keyring;
use crate::space::member::MemberSecret;
use crate::space::recovery::Recovery;
use crate::space::root::{RootSecret, open_root};

impl Replica {
    /// The root key of one of this person's shares.
    ///
    /// # Errors
    /// [`EngineError::OtherWords`] for the words of another journal; [`EngineError::NoSuchShare`] for
    /// a share that is not here, or is somebody else's.
    pub fn root_of(&self, share: &SpaceId, recovery: &Recovery) -> Result<RootSecret, EngineError> {
        if recovery.space_id() != self.me.space {
            return Err(EngineError::OtherWords);
        }
        let sealed = Book::root(&self.plan.care_of(share)).ok_or(EngineError::NoSuchShare)?;
        open_root(&sealed, share, recovery.kem())
            .map_err(|_| EngineError::damaged("the root of a share"))
    }

    /// The record that takes a share back, under new keys of this person's: they are in the vault,
    /// durably, before anybody hears of them.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`]; [`EngineError::ShareOver`] for one that the person ended;
    /// [`EngineError::Devices`].
    pub fn draft_take_back(
        &mut self,
        share: &SpaceId,
        root: &RootSecret,
        (roster, keyring): (&Roster, &Keyring),
        now_ms: i64,
    ) -> Result<Change, EngineError> {
        let book = self.book(share).filter(|book| book.role == Role::Owner);
        let book = book.ok_or(EngineError::NoSuchShare)?;
        if book.ended_ms.is_some() {
            return Err(EngineError::ShareOver);
        }
        let (parent, name) = last_of_ours(&book, share, roster, keyring)
            .ok_or(EngineError::BadReply { what: "a list that this person was never on" })?;
        let next = book.secrets.last().map_or(0, |(generation, _)| generation + 1);
        let secret = MemberSecret::make(&mut *self.rng);
        let (at, keys) = ((roster, keyring), secret.keys());
        let change = change::recover_share(&mut *self.rng, at, root, &keys, &name, parent)?;
        let entry = Entry::default().secret(next, self.removals(), &secret).taken_back(next);
        self.write_book(share, entry, now_ms)?;
        Ok(change)
    }
}

impl Share {
    /// Whether the words took the share back, on this device or another, and the list that this device
    /// knows does not say so yet.
    pub(super) fn is_coming_back(&self) -> bool {
        let mut secrets = self.book.secrets.iter();
        let secret = secrets.find(|(generation, _)| Some(*generation) == self.book.taken_back);
        let state = self.roster.state().share.as_ref();
        let listed = |id| state.is_some_and(|share| share.parties.contains_key(&id));
        secret.is_some_and(|(_, secret)| !listed(secret.keys().member_id()))
    }
}

/// The last record of a share's list under which it was this person's, and their name there.
fn last_of_ours(
    book: &Book,
    share: &SpaceId,
    roster: &Roster,
    keyring: &Keyring,
) -> Option<(Hash, String)> {
    let ours: Vec<_> = book.secrets.iter().map(|(_, secret)| secret.keys().member_id()).collect();
    let heads: Vec<Hash> = roster.records().map(|(hash, ..)| *hash).collect();
    heads.into_iter().rev().find_map(|head| {
        let state = roster.state_at(&head)?;
        let (member, party) = state.share.as_ref()?.owner()?;
        let name = || keyring.member_name(share, party).unwrap_or_default();
        ours.contains(member).then(|| (head, name()))
    })
}
