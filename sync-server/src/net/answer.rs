//! Answers in memory: room is taken before a request is carried out, and given back when the client
//! has taken the answer. A client that does not read pins its own room, and little of the others'.

use std::sync::Arc;
use std::time::Duration;

use mainstay_protocol::frame::{PREFIX_BYTES, Pull, Request};
use mainstay_protocol::limits::{MAX_ENVELOPE_BYTES, MAX_FRAME_BYTES, MAX_HEADS, MAX_PULL_BYTES};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Answers being made or written on one connection, in bytes: three of the largest pulls, or the
/// heads of one large space.
pub(super) const ANSWER_BYTES_PER_CONNECTION: usize = 4 * 1024 * 1024;
/// Answers being made or written in all, in bytes.
pub(super) const ANSWER_BYTES: usize = 256 * 1024 * 1024;
/// How long a request waits for room among all answers before the client is told to ask again.
pub(super) const ROOM_TIME: Duration = Duration::from_secs(5);
/// When the client is told to ask again, in milliseconds.
pub(super) const ASK_AGAIN_MS: u64 = 5_000;
/// Answers up to this need no room: what writes, and what attaches, goes on whoever does not read.
const SMALL_BYTES: usize = 4 * 1024;
/// A head with its author and slot, encoded or not.
const HEAD_BYTES: usize = 96;

const _: () = assert!(MAX_HEADS * HEAD_BYTES <= ANSWER_BYTES_PER_CONNECTION);
const _: () = assert!(pull_bytes(MAX_PULL_BYTES) <= ANSWER_BYTES_PER_CONNECTION);

/// The room for answers: of one connection, or of all.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// What one answer takes up. Dropped when it is written.
#[derive(Debug)]
pub(super) struct Reserved {
    of_connection: OwnedSemaphorePermit,
    of_all: OwnedSemaphorePermit,
}

impl Reserved {
    /// Gives back what the answer does not need after all.
    pub(super) fn shrink(&mut self, bytes: usize) {
        for permit in [&mut self.of_connection, &mut self.of_all] {
            drop(permit.split(permit.num_permits().saturating_sub(bytes)));
        }
    }
}

/// All room is taken, by others.
#[derive(Debug)]
pub(super) struct NoRoom;

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// Bytes that are free.
    #[cfg(test)]
    fn free(&self) -> usize {
        self.0.available_permits()
    }
}

/// Takes room for the largest answer that a request can have; none for a small one. Waits for the
/// connection's own answers to be read for as long as that takes, and `wait` for those of others.
///
/// # Errors
/// [`NoRoom`] when all connections together leave none.
pub(super) async fn reserve(
    connection: &Room,
    all: &Room,
    request: &Request,
    wait: Duration,
) -> Result<Option<Reserved>, NoRoom> {
    let bytes = largest(request);
    if bytes <= SMALL_BYTES {
        return Ok(None);
    }
    let bytes = bytes as u32;
    let of_connection = connection.0.clone().acquire_many_owned(bytes).await;
    let of_connection = of_connection.map_err(|_| NoRoom)?;
    let of_all = all.0.clone().acquire_many_owned(bytes);
    let of_all = tokio::time::timeout(wait, of_all).await.map_err(|_| NoRoom)?;
    let of_all = of_all.map_err(|_| NoRoom)?;
    Ok(Some(Reserved { of_connection, of_all }))
}

/// What a request's answer takes up at most.
fn largest(request: &Request) -> usize {
    match request {
        Request::Pull {
            pull:
                Pull::After { limit_bytes, .. }
                | Pull::Slots { limit_bytes, .. }
                | Pull::Numbers { limit_bytes, .. },
            ..
        } => pull_bytes(*limit_bytes),
        Request::Heads { .. } => MAX_HEADS * HEAD_BYTES,
        Request::Roster { .. }
        | Request::Slots { .. }
        | Request::Wraps { .. }
        | Request::Receipts { .. }
        | Request::Letters { .. } => MAX_FRAME_BYTES + PREFIX_BYTES,
        _ => SMALL_BYTES,
    }
}

/// The first envelope comes whatever the limit; one frame is encoded at a time.
const fn pull_bytes(limit_bytes: u32) -> usize {
    let asked = if limit_bytes < MAX_PULL_BYTES { limit_bytes } else { MAX_PULL_BYTES };
    let envelopes =
        if (asked as usize) < MAX_ENVELOPE_BYTES { MAX_ENVELOPE_BYTES } else { asked as usize };
    envelopes + MAX_FRAME_BYTES
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use mainstay_protocol::ids::SpaceId;

    use super::*;

    // Broken on purpose: taking no room among all answers made it fail.
    #[tokio::test]
    async fn when_all_room_is_taken_a_large_answer_is_put_off_and_a_small_one_is_not() {
        let all = Room::new(ANSWER_BYTES_PER_CONNECTION);
        let (greedy, other) = (Room::new(ANSWER_BYTES_PER_CONNECTION), Room::new(1 << 22));
        let space = SpaceId([1; 32]);
        let heads = Request::Heads { space };
        let soon = Duration::from_millis(10);
        let mut held = reserve(&greedy, &all, &heads, soon).await.unwrap().unwrap();
        assert!(reserve(&other, &all, &heads, soon).await.is_err());
        let push = Request::Push { space, envelopes: vec![] };
        assert!(reserve(&other, &all, &push, soon).await.unwrap().is_none());
        held.shrink(1000);
        assert_eq!(all.free(), ANSWER_BYTES_PER_CONNECTION - 1000);
        drop(held);
        assert_eq!(greedy.free(), ANSWER_BYTES_PER_CONNECTION);
        assert!(reserve(&other, &all, &heads, soon).await.is_ok());
    }

    // Broken on purpose: taking no room on the connection made it fail.
    #[tokio::test]
    async fn one_connection_waits_until_its_own_answers_are_read() {
        let (all, own) = (Room::new(ANSWER_BYTES), Room::new(ANSWER_BYTES_PER_CONNECTION));
        let heads = Request::Heads { space: SpaceId([1; 32]) };
        let held = reserve(&own, &all, &heads, ROOM_TIME).await.unwrap();
        let soon = Duration::from_millis(50);
        let second = reserve(&own, &all, &heads, ROOM_TIME);
        assert!(tokio::time::timeout(soon, second).await.is_err());
        drop(held);
        assert!(reserve(&own, &all, &heads, ROOM_TIME).await.is_ok());
    }
}
