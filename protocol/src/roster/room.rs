//! How much room a chain has, and for whom.
//!
//! A thief with an active device may write records as fast as the relay takes them. So a part of the
//! room is out of its reach: where ordinary records stop, active devices can still be removed, and
//! where that stops, the phrase can still recover. Each recovery opens room anew, in which the person
//! confirms devices and lets others in.

use crate::limits;
use crate::roster::record::{Act, Record};
use crate::roster::state::State;

// A thief that fills all it reaches leaves a recovery, and more after it than it took to get there.
const _: () = assert!(limits::ROSTER_RECORDS_PER_RECOVERY > limits::MAX_DEVICES + 1);

/// The room of a chain on which the phrase has recovered the space so many times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    recoveries: usize,
}

impl Room {
    pub(super) fn new(recoveries: usize) -> Self {
        Self { recoveries }
    }

    /// How many records the chain may have with this one at its end.
    pub(super) fn records(self, record: &Record, before: &State) -> usize {
        let opened = self.recoveries.saturating_mul(limits::ROSTER_RECORDS_PER_RECOVERY);
        let all = limits::MAX_ROSTER_RECORDS;
        let removing = (limits::MAX_ORDINARY_RECORDS + limits::MAX_DEVICES + opened)
            .min(all - limits::ROSTER_RECORDS_FOR_RECOVERIES);
        match record.acts.first() {
            Some(Act::Recover) => all,
            _ if removes_active(record, before) => removing,
            _ => removing - limits::MAX_DEVICES,
        }
    }

    /// How many devices the chain may have admitted after a record.
    pub(super) fn members(self, record: &Record) -> usize {
        let opened = self.recoveries.saturating_mul(limits::ROSTER_MEMBERS_PER_RECOVERY);
        let all = limits::MAX_ROSTER_MEMBERS;
        match record.acts.first() {
            Some(Act::Recover) => all,
            _ => (limits::MAX_ORDINARY_MEMBERS + opened)
                .min(all - limits::ROSTER_RECORDS_FOR_RECOVERIES),
        }
    }
}

/// Whether a record does nothing but remove devices that take part. There are at most
/// [`limits::MAX_DEVICES`] of them, and none can be let in any more where only such records fit, so
/// nobody can use up this room before it has removed everybody else. Waiting devices are not in this
/// room: there may be hundreds, and they can do nothing.
fn removes_active(record: &Record, before: &State) -> bool {
    let mut removed = 0;
    let only = record.acts.iter().all(|act| match act {
        Act::Remove { author, .. } => {
            removed += 1;
            before.is_active(author)
        }
        Act::Epoch(_) => true,
        _ => false,
    });
    only && removed > 0
}
