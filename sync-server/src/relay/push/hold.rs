//! The delay of forgetting much at once.
//!
//! Whoever took a phone could forget a whole journal with it. So what forgets more than
//! [`MAX_FORGOTTEN_A_DAY`] documents destroys nothing for [`FORGET_DELAY_MS`] of the relay's time, and
//! a recovery cancels it (see [`crate::relay`]'s covering). Until then everything is served as if
//! the snapshot replaced nothing.

use mainstay_protocol::envelope::Header;
use mainstay_protocol::limits::{FORGET_DAY_MS, FORGET_DELAY_MS, MAX_FORGOTTEN_A_DAY};

use super::plan::Plan;
use crate::feed::{FeedError, FeedStore};

impl<S: FeedStore> Plan<'_, S> {
    /// Until when a complete snapshot replaces nothing; `None` when it may at once. One that follows
    /// a held one in its slot waits with it, as otherwise it would replace what the other may not.
    pub(super) fn held_until(&mut self, header: &Header) -> Result<Option<u64>, FeedError> {
        let before = self.held_in(header)?;
        let own = match self.may_forget(header.forgets) {
            true => None,
            false => Some(self.now_ms.saturating_add(FORGET_DELAY_MS)),
        };
        Ok(before.max(own))
    }

    /// Counts documents in the present day, if they fit into it.
    fn may_forget(&mut self, count: u32) -> bool {
        if count == 0 {
            return true;
        }
        let row = &mut self.row;
        if self.now_ms.saturating_sub(row.forget_day_ms) >= FORGET_DAY_MS {
            (row.forget_day_ms, row.forgotten) = (self.now_ms, 0);
        }
        let total = row.forgotten.saturating_add(count);
        let fits = total <= MAX_FORGOTTEN_A_DAY;
        if fits {
            row.forgotten = total;
        }
        fits
    }

    /// The latest end of a delay in the snapshot's slot.
    fn held_in(&self, header: &Header) -> Result<Option<u64>, FeedError> {
        let mut found = self.planned_hold(&header.slot);
        if self.space.unfinished {
            let stored = self.store.coverings(&self.space.id)?;
            let here = stored.iter().filter(|covering| covering.slot == header.slot);
            found = found.max(here.filter_map(|covering| covering.held_until_ms).max());
        }
        Ok(found)
    }
}
