//! The shares of a device whose store lost something: what each side said is read once more.

use mainstay_protocol::heads::{AuthorHead, HeadsDigest, SlotHead};

use super::Replica;
use crate::engine::error::EngineError;

impl Replica {
    /// What is left of each share is counted anew, and its feed read from the start.
    pub(in crate::engine::replica) fn lose_places_of_shares(&mut self) -> Result<(), EngineError> {
        for id in self.books().into_keys() {
            if !self.has_view(&id)? {
                continue;
            }
            let registers = self.registers(&id)?;
            self.with_share(&id, |journal, share| {
                let heads = registers.iter().flat_map(|register| {
                    let of = |head: &AuthorHead| SlotHead {
                        slot: register.slot,
                        author: head.author,
                        head: head.head,
                    };
                    register.heads.iter().map(of)
                });
                let view = &mut share.view;
                view.tally.digest = HeadsDigest::of(&heads.collect::<Vec<_>>());
                view.tally.owed = true;
                view.tally.recent.clear();
                view.compared = None;
                view.relay.read_anew();
                share.due = None;
                let mut tx = journal.tx();
                journal.put_share(&mut tx, share)?;
                tx.commit(&mut *journal.rng)
            })?;
        }
        Ok(())
    }
}
