//! What happens by itself after a while. Nothing here acts on one clock's word: a timer is over when
//! as much time has passed on the device's clock as on the relay's.

use std::collections::BTreeMap;

use mainstay_protocol::limits::MAX_FORGOTTEN_A_DAY;
use minicbor::{Decode, Encode};

use super::Replica;
use super::open::{DELETED, meta};
use crate::engine::error::EngineError;
use crate::journal::EntryId;

/// How long a deleted entry can be brought back: 30 days.
const KEEP_DELETED_MS: i64 = 30 * DAY_MS;
/// How often deleted entries are looked through.
const DAY_MS: i64 = 24 * 3600 * 1000;

/// One moment on two clocks, each in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) struct Moment {
    #[n(0)]
    pub(super) device_ms: i64,
    #[n(1)]
    pub(super) relay_ms: i64,
}

impl Moment {
    /// Whether both clocks say that `wait_ms` has passed since.
    pub(super) fn is_past(&self, wait_ms: i64, now: &Self) -> bool {
        now.device_ms.saturating_sub(self.device_ms) >= wait_ms
            && now.relay_ms.saturating_sub(self.relay_ms) >= wait_ms
    }
}

/// Since when this device has known each deleted entry to be deleted.
#[derive(Debug, Clone, Default, Encode, Decode)]
struct Deleted {
    #[n(0)]
    looked: Option<Moment>,
    #[n(1)]
    since: BTreeMap<[u8; 16], Since>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Since {
    /// When it was deleted, as its document says: another time is another deletion.
    #[n(0)]
    deleted_ms: i64,
    #[n(1)]
    known: Moment,
}

impl Replica {
    /// A sync is complete: whatever has had its time is done, and goes out with the next one.
    pub(super) fn run_timers(&mut self, now_ms: i64) -> Result<(), EngineError> {
        let Some(relay_ms) = self.intake.relay_ms else { return Ok(()) };
        let now = Moment { device_ms: now_ms, relay_ms };
        self.settle_held(&now)?;
        self.forget_deleted(&now)
    }

    /// Forgets what was deleted 30 days ago, once a day and at most as much as is forgotten without
    /// delay. Where nothing is deleted it costs nothing.
    fn forget_deleted(&mut self, now: &Moment) -> Result<(), EngineError> {
        let key = meta(&self.vault, DELETED);
        let mut tx = self.tx();
        let mut deleted: Deleted = tx.get(&key)?.unwrap_or_default();
        // Another number of them means that there are some whose time is not kept yet.
        let number: u64 = self.catalog.values().map(|catalog| catalog.deleted).sum();
        let same = number == deleted.since.len() as u64;
        let looked = deleted.looked.is_some_and(|at| !at.is_past(DAY_MS, now));
        if (looked && same) || self.restoring.is_some() {
            return Ok(());
        }
        let mut since = BTreeMap::new();
        let months: Vec<_> =
            self.catalog.iter().filter(|(_, c)| c.deleted > 0).map(|(month, _)| *month).collect();
        for month in months {
            for row in self.rows(&tx, month)? {
                let Some(deleted_ms) = row.deleted_at else { continue };
                let known = deleted.since.get(row.id.as_bytes());
                let known = known.filter(|known| known.deleted_ms == deleted_ms);
                let known = known.map_or(*now, |known| known.known);
                since.insert(*row.id.as_bytes(), Since { deleted_ms, known });
            }
        }
        let over = |(_, since): &(&[u8; 16], &Since)| since.known.is_past(KEEP_DELETED_MS, now);
        let mut due: Vec<_> =
            since.iter().filter(over).map(|(id, s)| (s.deleted_ms, *id)).collect();
        due.sort_unstable();
        due.truncate(if looked { 0 } else { MAX_FORGOTTEN_A_DAY as usize });
        for (_, id) in due {
            since.remove(&id);
            let (under, tell_ms) = (self.roster.head(), Some(now.device_ms));
            self.forget_here(&mut tx, &EntryId::from_bytes(id), under, tell_ms)?;
            self.revision += 1;
        }
        let looked = if looked { deleted.looked } else { Some(*now) };
        deleted = Deleted { looked, since };
        tx.put(&key, &deleted)?;
        self.put_tally(&mut tx)?;
        tx.commit(&mut *self.rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_over_when_both_clocks_say_so() {
        let start = Moment { device_ms: 0, relay_ms: 1_000_000 };
        let at = |device_ms, relay: i64| Moment { device_ms, relay_ms: 1_000_000 + relay };
        assert!(start.is_past(50, &at(50, 50)));
        assert!(!start.is_past(50, &at(5000, 49)), "a device ahead");
        assert!(!start.is_past(50, &at(49, 5000)), "a relay ahead");
        assert!(!start.is_past(50, &at(-5000, 50)), "a device put back");
    }
}
