//! Making a space known to the relay.

use mainstay_protocol::FORMAT_VERSION;
use mainstay_protocol::frame::{Admission, Invitation, Refusal, Reply, Signer};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits;
use mainstay_protocol::roster::{Merged, Record, Roster, Wrap, wrap_hash};
use mainstay_protocol::sign::Signed;
use mainstay_protocol::statement::Claim;

use crate::feed::{Change, FeedStore, SpaceRow};
use crate::relay::{Registration, Relay, Space, Stop, lock, roster, wraps};

impl<S: FeedStore> Relay<S> {
    pub(super) fn create(
        &self,
        id: SpaceId,
        records: &[Signed<Record>],
        wraps: Vec<Wrap>,
        admission: &Admission,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        let mut count = lock(&self.spaces);
        let cell = self.cache.cell(&id);
        let mut held = cell.lock();
        self.fill(&id, &mut held)?;
        if let Some(space) = &mut *held {
            if !space.roster.records().map(|(_, signed, _)| signed).eq(records) {
                self.catch_up(space, records, wraps)?;
            }
            return Ok(self.created(space));
        }
        let invitation = self.check_admission(&id, *count, records, admission, now_ms)?;
        let roster =
            Roster::verify_sparse(id, records).map_err(|error| roster::bad(&error.to_string()))?;
        let mut changes = Vec::new();
        changes.extend(invitation.map(|i| Change::UseInvitation(i.nonce, i.expires_ms)));
        let named = roster.records().flat_map(|(_, _, record)| wraps::named(record));
        let named: Vec<_> = named.collect();
        let wraps = wraps::check(&named, wraps)?;
        let mut row = SpaceRow::EMPTY;
        for (number, signed) in (0..).zip(records) {
            row.used_bytes += roster::size(signed);
            changes.push(Change::Record(id, number, signed.clone()));
        }
        for (hash, wrap) in wraps {
            row.used_bytes += wraps::size(&wrap);
            changes.push(Change::Wrap(id, hash, wrap));
        }
        changes.push(Change::Space(id, row));
        self.store.commit(&changes)?;
        *count += 1;
        let space = held.insert(Space { id, row, roster, unfinished: false });
        let (created, bytes) = (self.created(space), space.held_bytes());
        drop(held);
        self.cache.note_bytes(&id, bytes);
        Ok(created)
    }

    /// What can be refused at little cost, before a chain of hundreds of signatures is checked and
    /// held.
    fn check_admission(
        &self,
        id: &SpaceId,
        spaces: u64,
        records: &[Signed<Record>],
        admission: &Admission,
        now_ms: u64,
    ) -> Result<Option<Invitation>, Stop> {
        let invitation = self.admit(id, admission, now_ms)?;
        if spaces >= self.config.max_spaces {
            return Err(Refusal::Unavailable.into());
        }
        if records.len() > limits::MAX_ROSTER_RECORDS {
            return Err(roster::bad("there are too many records"));
        }
        // No quota here: a frame bounds what comes, and a space must be able to come back.
        Ok(invitation)
    }

    /// A relay that was rolled back learns from a device what it has forgotten of the list of
    /// devices. Everything in it is signed by who was entitled to it, and it must continue what the
    /// relay knows, or replace it by a recovery or a heal.
    fn catch_up(
        &self,
        space: &mut Space,
        records: &[Signed<Record>],
        wraps: Vec<Wrap>,
    ) -> Result<(), Stop> {
        let mut roster = space.roster.clone();
        if !matches!(roster.merge(records), Ok(Merged::Extended(_) | Merged::Replaced(_))) {
            return Err(Refusal::SpaceExists.into());
        }
        let old = space.roster.records().zip(roster.records());
        let common = old.take_while(|((a, ..), (b, ..))| a == b).count();
        let (id, mut row) = (space.id, space.row);
        let mut changes = Vec::new();
        let left = space.roster.records().count() - common;
        self.drop_records(space, left, &mut row.used_bytes, &mut changes)?;
        let mut named = Vec::new();
        for (number, (_, signed, record)) in (0..).zip(roster.records()).skip(common) {
            row.used_bytes += roster::size(signed);
            if record.signer == Signer::Recovery {
                self.cancel_held(space, &mut changes)?;
            }
            changes.push(Change::Record(id, number, signed.clone()));
            named.extend(wraps::named(record));
        }
        let fresh = wraps.into_iter().filter(|wrap| {
            let hash = wrap_hash(wrap);
            named.iter().any(|r| r.to == wrap.to && r.hash == hash)
        });
        for (hash, wrap) in wraps::check(&named, fresh.collect())? {
            row.used_bytes += wraps::size(&wrap);
            changes.push(Change::Wrap(id, hash, wrap));
        }
        changes.push(Change::Space(id, row));
        self.store.commit(&changes)?;
        (space.roster, space.row) = (roster, row);
        self.note_change(&id);
        Ok(())
    }

    fn created(&self, space: &Space) -> Reply {
        Reply::Created {
            grant: self.keys.grant(&space.id),
            statement: self.state(space, Claim::Roster(space.roster.head())),
        }
    }

    /// Whether the space may exist, and the invitation that is used up by it.
    fn admit(
        &self,
        space: &SpaceId,
        admission: &Admission,
        now_ms: u64,
    ) -> Result<Option<Invitation>, Stop> {
        match (self.config.registration, admission) {
            (Registration::Open, _) => Ok(None),
            (Registration::Invited, Admission::Granted(grant)) => {
                let grant = grant.verify(&self.keys.registration());
                match grant {
                    Ok(grant) if grant.version == FORMAT_VERSION && grant.space == *space => {
                        Ok(None)
                    }
                    _ => Err(Refusal::InvitationRefused.into()),
                }
            }
            (Registration::Invited, Admission::Invited(invitation)) => {
                let invitation = invitation.verify(&self.keys.registration());
                let invitation = invitation.map_err(|_| Refusal::InvitationRefused)?;
                let valid = invitation.version == FORMAT_VERSION && now_ms < invitation.expires_ms;
                if !valid || self.store.invitation_is_used(&invitation.nonce)? {
                    return Err(Refusal::InvitationRefused.into());
                }
                Ok(Some(invitation))
            }
            (Registration::Invited, _) => Err(Refusal::InvitationNeeded.into()),
        }
    }
}
