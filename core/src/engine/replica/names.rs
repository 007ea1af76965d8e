//! A device that took a new key goes by several names; whoever holds its secret can sign as any.
//! So what is done to one of them is done to all, in one record.

use mainstay_protocol::ids::AuthorId;
use mainstay_protocol::limits::{MAX_REMOVAL_HEADS, MAX_ROSTER_ACTS};
use mainstay_protocol::roster::DeviceStatus;

use super::Replica;
use super::bounded::HEADS_PER_RECORD;
use crate::engine::error::EngineError;
use crate::space::change::{self, Change, ChangeError};

impl Replica {
    /// The removal of a device under all its names, with one epoch for all.
    pub(super) fn draft_removal(&mut self, gone: &AuthorId) -> Result<Change, EngineError> {
        let (active, waiting) = self.names_to_remove(gone);
        if active.is_empty() || waiting.is_empty() {
            return self.removal(&[active, waiting].concat());
        }
        match self.removal(&[active.clone(), waiting].concat()) {
            // Where a list is nearly full, there is room for removals of active devices alone.
            Err(EngineError::Devices(ChangeError::Rule(_))) => self.removal(&active),
            drafted => drafted,
        }
    }

    fn removal(&mut self, gone: &[AuthorId]) -> Result<Change, EngineError> {
        // One act is left for the epoch.
        let gone = &gone[..gone.len().min(MAX_ROSTER_ACTS - 1)];
        let share = HEADS_PER_RECORD / gone.len().max(1);
        let mut removals = Vec::with_capacity(gone.len());
        for author in gone {
            let mut last = self.last_heads(author)?;
            last.truncate(share.min(MAX_REMOVAL_HEADS));
            removals.push((*author, last));
        }
        let keys = (&self.roster, &self.keyring);
        Ok(change::remove(&mut *self.rng, keys, &self.me.keys.author, removals)?)
    }

    /// The names of a device that take part, and those that wait. A clone of this device goes, and this
    /// device stays.
    fn names_to_remove(&self, gone: &AuthorId) -> (Vec<AuthorId>, Vec<AuthorId>) {
        let (state, me) = (self.roster.state(), self.me.keys.author.author_id());
        let names = state.names_of(gone).into_iter().filter(|name| *name != me || *gone == me);
        let removed = |name: &AuthorId| {
            state.members.get(name).is_some_and(|m| matches!(m.status, DeviceStatus::Removed(_)))
        };
        names.filter(|name| !removed(name)).partition(|name| state.is_active(name))
    }

    /// The confirmation of a device under all its names that wait.
    pub(super) fn draft_confirmation(&mut self, device: &AuthorId) -> Result<Change, EngineError> {
        let names = self.waiting_names(device);
        let (keys, author) = ((&self.roster, &self.keyring), &self.me.keys.author);
        match change::confirm(&mut *self.rng, keys, author, &names) {
            // There may be no room for so many: then the one that was meant.
            Err(ChangeError::Rule(_)) if names.len() > 1 => {
                Ok(change::confirm(&mut *self.rng, keys, author, &names[..1])?)
            }
            drafted => Ok(drafted?),
        }
    }

    fn waiting_names(&self, device: &AuthorId) -> Vec<AuthorId> {
        let state = self.roster.state();
        let waits = |name: &AuthorId| {
            state.members.get(name).is_some_and(|member| member.status.is_waiting())
        };
        let mut names: Vec<_> = state.names_of(device).into_iter().filter(waits).collect();
        // The name that was meant comes first, whatever else there is no room for.
        names.sort_by_key(|name| name != device);
        names.truncate(MAX_ROSTER_ACTS);
        names
    }
}
