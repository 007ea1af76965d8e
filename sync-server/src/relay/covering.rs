//! Dropping what complete snapshots cover.
//!
//! The push that completes a snapshot notes it in its own commit; the dropping follows in bounded
//! ones, and goes on at the next push if the relay stopped in between. A snapshot that forgets much
//! at once waits for its time, and is cancelled by a recovery.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::feed::{Change, Covering, Dropped, FeedStore, ItemRow};
use crate::relay::{Relay, Space, Stop};

/// Items dropped in one commit.
const DROPS_PER_COMMIT: usize = 500;

impl<S: FeedStore> Relay<S> {
    pub(super) fn finish_coverings(&self, space: &mut Space, now_ms: u64) -> Result<(), Stop> {
        if !space.unfinished {
            return Ok(());
        }
        let mut waits = false;
        for covering in self.store.coverings(&space.id)? {
            if covering.held_until_ms.is_some_and(|until_ms| now_ms < until_ms) {
                waits = true;
                continue;
            }
            while self.drop_some(space, &covering)? {}
        }
        space.unfinished = waits;
        Ok(())
    }

    /// What to commit with a recovery: the snapshots that wait will replace nothing. They stay in
    /// the feed, where the next snapshot of their slot replaces them.
    pub(super) fn cancel_held(&self, space: &Space, changes: &mut Vec<Change>) -> Result<(), Stop> {
        if space.unfinished {
            let held = self.store.coverings(&space.id)?.into_iter();
            let held = held.filter(|covering| covering.held_until_ms.is_some());
            changes.extend(held.map(|covering| Change::Covered(space.id, covering)));
        }
        Ok(())
    }

    /// Drops what is covered, up to a limit; whether there may be more.
    fn drop_some(&self, space: &mut Space, covering: &Covering) -> Result<bool, Stop> {
        let covered = self.covered(space, covering)?;
        let more = covered.len() == DROPS_PER_COMMIT;
        let mut row = space.row;
        let mut changes = Vec::new();
        for item in covered {
            if covering.destroys {
                row.used_bytes = row.used_bytes.saturating_sub(item.size_bytes);
            }
            // What was dropped before keeps the time by which it is found.
            let at_ms = item.dropped.map_or(covering.at_ms, |dropped| dropped.at_ms);
            let dropped = Dropped { at_ms, destroyed: covering.destroys };
            changes.push(Change::Drop(space.id, item, dropped));
        }
        changes.push(Change::Space(space.id, row));
        if !more {
            changes.push(Change::Covered(space.id, covering.clone()));
        }
        self.store.commit(&changes)?;
        space.row = row;
        Ok(more)
    }

    fn covered(&self, space: &Space, covering: &Covering) -> Result<Vec<ItemRow>, Stop> {
        let mut numbers = BTreeSet::new();
        let mut note = |number| {
            numbers.insert(number);
            ControlFlow::Continue(())
        };
        self.store.numbers_in_slot(&space.id, &covering.slot, 0, &mut note)?;
        // What earlier snapshots had replaced is retained, unless this one destroys it too. In a share
        // nothing is ever retained.
        let may_retain = space.roster.state().share.is_none();
        for cover in covering.covers.iter().filter(|_| covering.destroys && may_retain) {
            let chain = (&covering.slot, &cover.author, cover.head.seq);
            self.store.numbers_in_chain(&space.id, chain.0, chain.1, chain.2, &mut note)?;
        }
        let mut covered = Vec::new();
        for number in numbers.into_iter().filter(|number| *number < covering.number) {
            let Some(item) = self.store.item(&space.id, number)? else { continue };
            if item.dropped.is_some_and(|dropped| dropped.destroyed) {
                continue;
            }
            let cover = covering.covers.iter().find(|cover| cover.author == item.author);
            if cover.is_some_and(|cover| item.seq <= cover.head.seq) {
                covered.push(item);
                if covered.len() == DROPS_PER_COMMIT {
                    break;
                }
            }
        }
        Ok(covered)
    }
}
