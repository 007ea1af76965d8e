//! Forgetting what has had its time.

use mainstay_protocol::frame::Refusal;

use crate::feed::{Change, FeedError, FeedStore, Form};
use crate::relay::{Relay, Stop, lock};

/// What one call of [`Relay::sweep`] takes on, so that no request waits long for it.
const SWEEP_ITEMS: usize = 200;

impl<S: FeedStore> Relay<S> {
    /// Ends delays that are over, forgets dropped items whose retention is over, expired mailboxes and invitations. Takes on a
    /// bounded amount; says whether there may be more to do.
    ///
    /// # Errors
    /// [`FeedError`] when the store cannot be read or written.
    pub fn sweep(&self, now_ms: u64) -> Result<bool, FeedError> {
        let held = self.sweep_held(now_ms)?;
        let items = self.sweep_items(now_ms)?;
        let mailboxes = self.sweep_mailboxes(now_ms)?;
        let _alone = lock(&self.spaces);
        let invitations = self.store.expired_invitations(now_ms, SWEEP_ITEMS)?;
        if !invitations.is_empty() {
            let forget = invitations.iter().map(|nonce| Change::ForgetInvitation(*nonce));
            self.store.commit(&forget.collect::<Vec<_>>())?;
        }
        Ok([held, items, mailboxes, invitations.len()].contains(&SWEEP_ITEMS))
    }

    fn sweep_held(&self, now_ms: u64) -> Result<usize, FeedError> {
        let due = self.store.held_before(now_ms, SWEEP_ITEMS)?;
        for group in due.chunk_by(|a, b| a == b) {
            swept(self.with_space(&group[0], |space| self.finish_coverings(space, now_ms)))?;
        }
        Ok(due.len())
    }

    fn sweep_items(&self, now_ms: u64) -> Result<usize, FeedError> {
        let Some(before_ms) = now_ms.checked_sub(self.config.retention_ms) else { return Ok(0) };
        let due = self.store.dropped_before(before_ms, SWEEP_ITEMS)?;
        for group in due.chunk_by(|a, b| a.0 == b.0) {
            swept(self.with_space(&group[0].0, |space| {
                let mut row = space.row;
                let mut changes = Vec::new();
                for (_, number) in group {
                    let Some(item) = self.store.item(&space.id, *number)? else { continue };
                    if self.store.body(&space.id, *number, Form::Whole)?.is_some() {
                        row.used_bytes = row.used_bytes.saturating_sub(item.size_bytes);
                    }
                    changes.push(Change::Purge(space.id, item));
                }
                changes.push(Change::Space(space.id, row));
                self.store.commit(&changes)?;
                space.row = row;
                Ok(())
            }))?;
        }
        Ok(due.len())
    }

    fn sweep_mailboxes(&self, now_ms: u64) -> Result<usize, FeedError> {
        let due = self.store.expired_mailboxes(now_ms, SWEEP_ITEMS)?;
        for (id, found) in &due {
            swept(self.with_space(&found.space, |space| {
                let _alone = lock(&self.mailboxes);
                let there = self.store.mailbox(id)?.filter(|row| row.expires_ms <= now_ms);
                let Some(mailbox) = there else { return Ok(()) };
                let mut row = space.row;
                row.mailboxes = row.mailboxes.saturating_sub(1);
                let changes = [Change::DropMailbox(*id, mailbox), Change::Space(space.id, row)];
                self.store.commit(&changes)?;
                space.row = row;
                Ok(())
            }))?;
        }
        Ok(due.len())
    }
}

fn swept(done: Result<(), Stop>) -> Result<(), FeedError> {
    match done {
        Err(Stop::Store(error)) => Err(error),
        Err(Stop::Refused(Refusal::UnknownSpace)) => {
            Err(FeedError::Damaged { what: "the space of a dropped item" })
        }
        _ => Ok(()),
    }
}
