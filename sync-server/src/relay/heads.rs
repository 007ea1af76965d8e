//! The ends of chains, and the names of slots.

use mainstay_protocol::frame::Reply;
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits::MAX_HEADS;
use mainstay_protocol::statement::Claim;

use crate::feed::{FeedError, FeedStore};
use crate::relay::{Connection, Relay, Space, Stop, malformed};

/// Slots in one private space: their names fit into one frame, and a century has 1,200 months.
pub const MAX_SLOTS: usize = 8192;
/// Slots in one share, where each record has its own: half of the chains that a space may have, so that
/// two devices can write each.
pub const MAX_SHARE_SLOTS: usize = MAX_HEADS / 2;
/// Names of slots in one answer, about 216 KiB. A private space never has more.
const MAX_NAMED_SLOTS: usize = 12_000;
/// Heads in one frame, about 64 KiB.
const HEADS_PER_FRAME: usize = 700;

impl<S: FeedStore> Relay<S> {
    pub(super) fn heads(
        &self,
        connection: &Connection,
        space: &SpaceId,
        now_ms: u64,
    ) -> Result<Vec<Reply>, Stop> {
        self.with_space(space, |space| {
            connection.reader(space, now_ms)?;
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

    /// Counts the digest of all heads anew for a space from before it was kept.
    pub(super) fn know_heads(&self, space: &mut Space) -> Result<(), FeedError> {
        if space.row.heads.is_none() {
            space.row.heads = Some(HeadsDigest::of(&self.store.heads(&space.id)?));
        }
        Ok(())
    }

    pub(super) fn slots(
        &self,
        connection: &Connection,
        space: &SpaceId,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        self.with_space(space, |space| {
            connection.reader(space, now_ms)?;
            let slots = self.store.slots(&space.id, MAX_NAMED_SLOTS + 1)?;
            match slots.len() {
                0..=MAX_NAMED_SLOTS => Ok(Reply::Slots { slots }),
                _ => Err(malformed("there are more slots than fit into an answer; pull the feed")),
            }
        })
    }
}
