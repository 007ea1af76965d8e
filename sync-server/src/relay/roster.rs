//! Serving and extending the roster.

use mainstay_protocol::frame::{Refusal, Reply, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::roster::{Act, Record, Role, Wrap, record_hash};
use mainstay_protocol::sign::Signed;
use mainstay_protocol::statement::Claim;

use crate::feed::{Change, FeedStore};
use crate::relay::{Connection, Relay, Space, Stop, wraps};

/// Bytes of roster records in one reply, so that it fits into a frame; at least one record comes.
const MAX_SERVED_BYTES: usize = 192 * 1024;
/// A record's signature and its framing, beside its body.
const SIGNED_BYTES: usize = 80;

impl<S: FeedStore> Relay<S> {
    pub(super) fn roster(
        &self,
        connection: &Connection,
        space: &SpaceId,
        known: Option<Hash>,
    ) -> Result<Reply, Stop> {
        self.with_space(space, |space| {
            connection.anybody(space)?;
            // Of a long list, no more is copied than is served.
            let all = || space.roster.records();
            let at = known.and_then(|known| all().position(|(hash, ..)| *hash == known));
            let mut bytes = 0;
            let fitting = all().skip(at.map_or(0, |at| at + 1)).take_while(|(_, record, _)| {
                let first = bytes == 0;
                bytes += record.body().len() + SIGNED_BYTES;
                first || bytes <= MAX_SERVED_BYTES
            });
            let records = fitting.map(|(_, record, _)| record.clone()).collect();
            Ok(Reply::Roster { records })
        })
    }

    pub(super) fn append(
        &self,
        connection: &Connection,
        space: &SpaceId,
        expected: Hash,
        signed: &Signed<Record>,
        wraps: Vec<Wrap>,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        self.with_space(space, |space| {
            let record = signed.peek().map_err(|error| bad(&error.to_string()))?;
            let head = space.roster.head();
            if head == record_hash(signed) {
                // Sent again. Whoever signed it may be out by it, as an owner's former keys are.
                connection.anybody(space)?;
            } else {
                may_append(connection, space, &record, now_ms)?;
                if head != expected {
                    return Err(Refusal::RosterMoved { head }.into());
                }
                self.extend(space, signed, &record, wraps)?;
            }
            let statement = self.state(space, Claim::Roster(space.roster.head()));
            Ok(Reply::Appended { statement })
        })
    }

    fn extend(
        &self,
        space: &mut Space,
        signed: &Signed<Record>,
        record: &Record,
        wraps: Vec<Wrap>,
    ) -> Result<(), Stop> {
        let mut roster = space.roster.clone();
        let dropped = roster.append(signed).map_err(|error| bad(&error.to_string()))?;
        let wraps = wraps::check_all(&wraps::named(record), wraps)?;
        let (id, mut row) = (space.id, space.row);
        let mut changes = Vec::new();
        self.drop_records(space, dropped, &mut row.used_bytes, &mut changes)?;
        row.used_bytes += size(signed);
        if record.signer == Signer::Recovery {
            self.cancel_held(space, &mut changes)?;
        }
        changes.push(Change::Record(id, roster.number(), signed.clone()));
        for (hash, wrap) in wraps {
            row.used_bytes += wraps::size(&wrap);
            changes.push(Change::Wrap(id, hash, wrap));
        }
        // Whoever filled the space must not be able to prevent its recovery, nor what follows it once
        // for each waiting device; nor, in a share, that the owner removes them.
        let quota_bytes = self.config.quota_bytes;
        let bounds = record.acts.iter().all(|act| matches!(act, Act::Bound { .. }));
        let share = space.roster.state().share.as_ref();
        let narrows = share.is_some_and(|share| share.narrows(record));
        let always = record.signer == Signer::Recovery || bounds || narrows;
        if row.used_bytes > quota_bytes && !always {
            return Err(Refusal::Quota { quota_bytes }.into());
        }
        changes.push(Change::Space(id, row));
        self.store.commit(&changes)?;
        (space.roster, space.row) = (roster, row);
        self.note_change(&id);
        Ok(())
    }

    /// Takes out the last `count` records, which a recovery has voided, and their wraps.
    pub(super) fn drop_records(
        &self,
        space: &Space,
        count: usize,
        used_bytes: &mut u64,
        changes: &mut Vec<Change>,
    ) -> Result<(), Stop> {
        let keep = space.roster.records().count() - count;
        for (_, signed, record) in space.roster.records().skip(keep) {
            *used_bytes = used_bytes.saturating_sub(size(signed));
            changes.push(Change::DropRecord(space.id, record.number));
            for wrap in wraps::named(record) {
                if let Some(stored) = self.store.wrap(&space.id, &wrap.to, &wrap.hash)? {
                    *used_bytes = used_bytes.saturating_sub(wraps::size(&stored));
                    changes.push(Change::DropWrap(space.id, wrap.to, wrap.hash));
                }
            }
        }
        Ok(())
    }
}

/// A recovery comes from a connection that holds the recovery key, so that nobody else can replay an
/// old one, and a member's record from one that holds the member's; any other record from one that
/// speaks for an active device.
fn may_append(
    connection: &Connection,
    space: &Space,
    record: &Record,
    now_ms: u64,
) -> Result<(), Refusal> {
    if let Signer::Device(_) = record.signer {
        return connection.writer(space, now_ms);
    }
    if !connection.speaks_for(space, &record.signer) {
        return Err(Refusal::NotAuthorised);
    }
    // A counsellor takes out their stolen device, or leaves, however long the sharing is over.
    let ends = |act: &Act| matches!(act, Act::Retire { .. } | Act::Leave { .. });
    let share = space.roster.state().share.as_ref().filter(|share| share.has_expired(now_ms));
    let role = share.and_then(|share| match record.signer {
        Signer::Member(member) => share.party(&member).map(|party| party.role),
        Signer::Device(_) | Signer::Recovery => None,
    });
    match role {
        Some(Role::Counsellor) if !record.acts.iter().all(ends) => Err(Refusal::Expired),
        _ => Ok(()),
    }
}

pub(super) fn bad(why: &str) -> Stop {
    Stop::Refused(Refusal::BadRecord { why: why.into() })
}

/// What a record counts towards the space's quota.
pub(super) fn size(record: &Signed<Record>) -> u64 {
    record.body().len() as u64
}
