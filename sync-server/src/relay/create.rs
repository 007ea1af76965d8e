//! Making a space known to the relay.

use mainstay_protocol::FORMAT_VERSION;
use mainstay_protocol::frame::{Admission, Invitation, Refusal, Reply};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits;
use mainstay_protocol::roster::{Record, Roster, Wrap};
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
        if held.is_none() {
            *held = self.load(&id)?;
        }
        if let Some(space) = &*held {
            return match space.roster.records().map(|(_, signed, _)| signed).eq(records) {
                true => Ok(self.created(space)),
                false => Err(Refusal::SpaceExists.into()),
            };
        }
        if records.len() > limits::MAX_ROSTER_RECORDS {
            return Err(roster::bad("there are too many records"));
        }
        let roster =
            Roster::verify(id, records).map_err(|error| roster::bad(&error.to_string()))?;
        let mut changes = Vec::new();
        let invitation = self.admit(&id, admission, now_ms)?;
        changes.extend(invitation.map(|i| Change::UseInvitation(i.nonce, i.expires_ms)));
        if *count >= self.config.max_spaces {
            return Err(Refusal::Unavailable.into());
        }
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
        Ok(self.created(space))
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
