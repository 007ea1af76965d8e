//! The ends of chains, and the names of slots.

use mainstay_protocol::frame::Reply;
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::statement::Claim;

use crate::feed::FeedStore;
use crate::relay::{Connection, Relay, Stop};

/// Slots in one space: their names fit into one frame, and a century has 1,200 months.
pub const MAX_SLOTS: usize = 8192;
/// Heads in one frame, about 64 KiB.
const HEADS_PER_FRAME: usize = 700;

impl<S: FeedStore> Relay<S> {
    pub(super) fn heads(
        &self,
        connection: &Connection,
        space: &SpaceId,
    ) -> Result<Vec<Reply>, Stop> {
        self.with_space(space, |space| {
            connection.reader(space)?;
            let heads = self.store.heads(&space.id)?;
            let statement = self.state(space, Claim::Heads(HeadsDigest::of(&heads)));
            let frame = |heads: &[_]| Reply::Heads { heads: heads.to_vec(), statement: None };
            let mut frames: Vec<Reply> = heads.chunks(HEADS_PER_FRAME).map(frame).collect();
            match frames.last_mut() {
                Some(Reply::Heads { statement: last, .. }) => *last = Some(statement),
                _ => frames.push(Reply::Heads { heads: vec![], statement: Some(statement) }),
            }
            Ok(frames)
        })
    }

    pub(super) fn slots(&self, connection: &Connection, space: &SpaceId) -> Result<Reply, Stop> {
        self.with_space(space, |space| {
            connection.reader(space)?;
            Ok(Reply::Slots { slots: self.store.slots(&space.id, MAX_SLOTS)? })
        })
    }
}
