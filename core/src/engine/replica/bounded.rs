//! Devices that wait, and how much of what they signed is known.
//!
//! Nobody but the relay can tell what a waiting device had sent before the recovery from what it signs
//! afterwards, under the list of devices from before. So who has read the feed after the recovery
//! says in a record where each chain stood. What lies beyond is passed over, and read again once the
//! person confirms the device, or once a removal names it.

use mainstay_protocol::ids::AuthorId;
use mainstay_protocol::limits::{MAX_ROSTER_ACTS, MAX_ROSTER_RECORD_BYTES};
use mainstay_protocol::roster::{LastHead, State};
use mainstay_protocol::statement::Cursor;

use super::Replica;
use super::members::Job;
use crate::engine::error::EngineError;
use crate::space::change::{self, Change};

/// Heads in one record: each takes at most 64 bytes, and a fifth is left for the rest.
pub(super) const HEADS_PER_RECORD: usize = MAX_ROSTER_RECORD_BYTES / 80;

impl Replica {
    /// Puts first what everything else rests on: where the chains of waiting devices stand. Changes
    /// of the list are made only after the feed was read to its end, a restore included.
    pub(super) fn ask_bound(&mut self) {
        let refused = self.bound_refused == Some(self.roster.head());
        let due = self.is_member() && !refused && self.roster.state().unbounded().next().is_some();
        if due && !self.jobs.contains(&Job::Bound) {
            self.jobs.push_front(Job::Bound);
        }
    }

    /// As many waiting devices as one record has room for; the others are next.
    pub(super) fn draft_bound(&mut self) -> Result<Change, EngineError> {
        let waiting: Vec<AuthorId> = self.roster.state().unbounded().copied().collect();
        let mut bounds: Vec<(AuthorId, Vec<LastHead>)> = Vec::new();
        let mut heads = 0;
        for author in waiting.into_iter().take(MAX_ROSTER_ACTS) {
            let last = self.last_heads(&author)?;
            heads += last.len();
            if !bounds.is_empty() && heads > HEADS_PER_RECORD {
                break;
            }
            bounds.push((author, last));
        }
        Ok(change::bound(&self.roster, &self.me.keys.author, bounds)?)
    }

    /// Has the feed read again from its start, if something counts now that was passed over.
    pub(super) fn read_again_after(&mut self, before: &State) -> Result<(), EngineError> {
        let now = self.roster.state();
        let more = now.members.iter().any(|(author, member)| {
            let before = before.members.get(author);
            before.is_some_and(|before| member.status.admits_more_than(&before.status))
        });
        if !more {
            return Ok(());
        }
        // An answer under way is about a place further on; it does not count as read up to there.
        self.intake.stale_roster = true;
        if let Some(relay) = &mut self.relay {
            relay.cursor = relay.cursor.map(|at| Cursor::start(at.incarnation));
        }
        let mut tx = self.tx();
        if let Some(restoring) = &mut self.restoring {
            restoring.from = Cursor::start(restoring.from.incarnation);
            self.put_restoring(&mut tx)?;
        }
        self.put_relay(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)
    }
}
