//! Storing envelopes: each continues its author's chain in its slot, or nothing of the push is
//! stored.

mod chain;
mod hold;
mod plan;

use minicbor::bytes::ByteVec;

use mainstay_protocol::frame::{Refusal, Reply};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits::MAX_PUSH_ENVELOPES;
use mainstay_protocol::statement::Claim;

use crate::feed::{Change, FeedStore};
use crate::relay::{Connection, Relay, Stop, malformed};
use plan::Plan;

impl<S: FeedStore> Relay<S> {
    pub(super) fn push(
        &self,
        connection: &Connection,
        space: &SpaceId,
        envelopes: Vec<ByteVec>,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        if envelopes.len() > MAX_PUSH_ENVELOPES {
            return Err(malformed("too many envelopes in one push"));
        }
        self.with_space(space, |space| {
            connection.writer(space, now_ms)?;
            self.finish_coverings(space, now_ms)?;
            self.know_heads(space)?;
            let mut plan = Plan::new(&self.store, connection, space, self.tail(&space.row), now_ms);
            let stored = envelopes
                .into_iter()
                .map(|bytes| plan.take(bytes.into()))
                .collect::<Result<Vec<_>, _>>()?;
            // Whoever filled a share must not be able to prevent that something is taken back.
            let always = plan.takes_back;
            let (row, mut changes) = plan.into_changes();
            if !changes.is_empty() {
                let quota_bytes = self.config.quota_bytes;
                if row.used_bytes > quota_bytes && !always {
                    return Err(Refusal::Quota { quota_bytes }.into());
                }
                space.unfinished |= changes.iter().any(|c| matches!(c, Change::Covering(..)));
                changes.push(Change::Space(space.id, row));
                self.store.commit(&changes)?;
                space.row = row;
                self.note_change(&space.id);
                self.finish_coverings(space, now_ms)?;
            }
            Ok(Reply::Pushed { statement: self.state(space, Claim::Stored(stored)) })
        })
    }
}
