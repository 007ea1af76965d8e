//! How much room a chain has, and for whom.
//!
//! A thief with an active device may write records as fast as the relay takes them. So a part of the
//! room is out of its reach: where ordinary records stop, active devices can still be removed, and
//! where that stops, the phrase can still recover. Each recovery opens room anew, in which the person
//! confirms devices and lets others in.
//!
//! In a share, the counsellors are those who must not get at what the owner needs: each signs a bounded
//! number of records ([`limits::MAX_MEMBER_DEVICES_EVER`]), and all of theirs end before the ordinary
//! ones do. Where these end, the owner still takes back, removes and replaces.

use crate::limits;
use crate::roster::record::{Act, Record};
use crate::roster::state::State;

// A thief that fills all it reaches leaves a recovery, and more after it than it took to get there.
const _: () = assert!(limits::ROSTER_RECORDS_PER_RECOVERY > limits::MAX_DEVICES + 1);

const _: () =
    assert!(limits::ROSTER_RECORDS_PER_RECOVERY > limits::SHARE_RECORDS_FOR_NARROWING + 1);

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
        let kept = match before.share {
            None => limits::MAX_DEVICES,
            Some(_) => limits::SHARE_RECORDS_FOR_NARROWING,
        };
        let opened = self.recoveries.saturating_mul(limits::ROSTER_RECORDS_PER_RECOVERY);
        let all = limits::MAX_ROSTER_RECORDS;
        let removing = (limits::MAX_ORDINARY_RECORDS + kept + opened)
            .min(all - limits::ROSTER_RECORDS_FOR_RECOVERIES);
        let ordinary = removing - kept;
        match (record.acts.first(), &before.share) {
            (Some(Act::Recover), _) => all,
            (_, None) if removes_active(record, before) => removing,
            (_, Some(share)) if share.narrows(record) => removing,
            (_, Some(share)) if !share.is_of_owner(record) => {
                ordinary - limits::SHARE_RECORDS_FOR_THE_OWNER
            }
            _ => ordinary,
        }
    }

    /// Which limit of what a chain has ever held a record would exceed.
    pub(super) fn overfull(
        self,
        record: &Record,
        before: &State,
        after: &State,
    ) -> Option<&'static str> {
        let (was, is) = (before.members.len(), after.members.len());
        if is > was && is > self.members(record) {
            return Some("there were too many devices over the years");
        }
        let (before, after) = (before.share.as_ref()?, after.share.as_ref()?);
        let (was, is) = (before.parties.len(), after.parties.len());
        if is > was && is > share_members(record) {
            return Some("there were too many members over the years");
        }
        let (was, is) = (before.authors.len(), after.authors.len());
        if is > was && is > self.share_devices(before.is_of_owner(record)) {
            return Some("there were too many devices over the years");
        }
        None
    }

    /// How many devices the chain may have admitted after a record.
    fn members(self, record: &Record) -> usize {
        let opened = self.recoveries.saturating_mul(limits::ROSTER_MEMBERS_PER_RECOVERY);
        let all = limits::MAX_ROSTER_MEMBERS;
        match record.acts.first() {
            Some(Act::Recover) => all,
            _ => (limits::MAX_ORDINARY_MEMBERS + opened)
                .min(all - limits::ROSTER_RECORDS_FOR_RECOVERIES),
        }
    }

    fn share_devices(self, owners: bool) -> usize {
        let opened = self.recoveries.saturating_mul(limits::SHARE_DEVICES_PER_RECOVERY);
        match owners {
            true => (limits::MAX_ORDINARY_SHARE_DEVICES + opened).min(limits::MAX_SHARE_DEVICES),
            false => limits::MAX_COUNSELLORS_DEVICES,
        }
    }
}

fn share_members(record: &Record) -> usize {
    match record.acts.first() {
        Some(Act::Recover) => limits::MAX_SHARE_MEMBERS_EVER,
        _ => limits::MAX_SHARE_MEMBERS_EVER - limits::SHARE_MEMBERS_FOR_RECOVERIES,
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
