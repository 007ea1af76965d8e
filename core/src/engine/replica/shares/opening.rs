//! How a share begins on a device: made here, entered, or found in the vault.

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::roster::{Act, Role, Roster, Wrap};

use super::book::Entry;
use super::changes::terms;
use super::view::ShareView;
use super::{Alarm, Replica, Share};
use crate::care::{Consent, meet};
use crate::engine::error::EngineError;
use crate::space::change;
use crate::space::keyring::Keyring;
use crate::space::link::{Invitation, Inviter, LinkError, Place};
use crate::space::member::{MemberKeys, MemberSecret};
use crate::space::root::{RootSecret, seal_root};

/// What a person offers to a counsellor.
#[derive(Clone)]
pub struct Offer {
    /// What the other side will know the person as.
    pub name: String,
    /// What the person calls the other side.
    pub peer: String,
    /// What is to be shared.
    pub consent: Consent,
    /// For how long the invitation is good, in milliseconds; 7 days at most.
    pub life_ms: u64,
}

/// Names are not printed.
impl std::fmt::Debug for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Offer")
            .field("consent", &self.consent)
            .field("life_ms", &self.life_ms)
            .finish_non_exhaustive()
    }
}

impl Replica {
    /// Makes a share with nobody in it yet, and an invitation to it. Durable on return; the relay
    /// learns of it with the next sync.
    ///
    /// # Errors
    /// [`EngineError::NoRelay`]; [`EngineError::Link`] for a life that is too long;
    /// [`EngineError::Devices`] for a name that is too long.
    pub fn open_share(
        &mut self,
        offer: &Offer,
        now_ms: i64,
    ) -> Result<(SpaceId, Invitation), EngineError> {
        let relay = self.relay_address().ok_or(EngineError::NoRelay)?;
        let root = RootSecret::make(&mut *self.rng);
        let secret = MemberSecret::make(&mut *self.rng);
        let keys = secret.keys();
        let founded = change::found_share(&mut *self.rng, &root, &keys, &offer.name)?;
        let (mut roster, keyring) = (founded.roster, founded.keyring);
        let id = *roster.space();
        let author = self.me.secret.keys(&id, 0).author;
        let certified = change::certify(&roster, &keys, &author.verify_key())?;
        roster.append(&certified.record)?;
        let (plain, until_ms) = terms(&offer.consent)?;
        let at = (&roster, &keyring);
        let consent = change::consent(&mut *self.rng, at, &keys, (&plain, until_ms))?;
        roster.append(&consent.record)?;
        let place = Place { relay: relay.clone(), space: id };
        let now = u64::try_from(now_ms).unwrap_or(0);
        let inviter = Inviter::start_share(&mut *self.rng, now, offer.life_ms, place, &keys)?;
        let recovery_kem = &self.roster.state().recovery_kem;
        let sealed_root = seal_root(&mut *self.rng, &root, recovery_kem, &id)
            .map_err(crate::space::change::ChangeError::from)?;
        let entry = Entry::default()
            .role(Role::Owner)
            .secret(0, self.removals(), &secret)
            .keyring(&keyring)
            .root(&sealed_root)
            .relay(&relay.to_string())
            .peer(&offer.peer)
            .made(now_ms)
            .consent(&plain);
        let mut view = ShareView::new(&relay.to_string(), self.bytes16());
        view.records = roster.records_after(None);
        view.wraps = founded.wraps;
        let door = self.new_invitation(id, &relay, &offer.peer, &inviter);
        let mut tx = self.tx();
        self.put_view(&mut tx, &id, &view)?;
        self.put_door(&mut tx, &door)?;
        tx.commit(&mut *self.rng)?;
        // Last: what the vault does not name is not there.
        self.write_book(&id, entry, now_ms)?;
        self.note_owned();
        Ok((id, inviter.invitation().clone()))
    }

    /// Another invitation to a share of this person's: the last one was lost, expired or declined.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareOver`], [`EngineError::Link`] while the last one
    /// is being answered.
    pub fn invite_again(
        &mut self,
        id: &SpaceId,
        life_ms: u64,
        now_ms: i64,
    ) -> Result<Invitation, EngineError> {
        if let Some(door) = self.door(id)?.filter(|door| door.mine)
            && self.stage(&door).is_ok_and(|stage| stage != super::Handshake::Open)
        {
            return Err(LinkError::Used.into());
        }
        let (peer, relay, keys, over) = self.with_share(id, |_, share| {
            let over = share.book.ended_ms.is_some() || !share.owns();
            Ok((share.book.peer.clone(), share.book.relay.clone(), share.me.keys.clone(), over))
        })?;
        if over {
            return Err(EngineError::ShareOver);
        }
        let relay: RelayAddress =
            relay.parse().map_err(|_| EngineError::damaged("a share's relay"))?;
        let place = Place { relay: relay.clone(), space: *id };
        let now = u64::try_from(now_ms).unwrap_or(0);
        let inviter = Inviter::start_share(&mut *self.rng, now, life_ms, place, &keys)?;
        let door = self.new_invitation(*id, &relay, &peer, &inviter);
        let mut tx = self.tx();
        self.put_door(&mut tx, &door)?;
        tx.commit(&mut *self.rng)?;
        Ok(inviter.invitation().clone())
    }

    /// Enters a share whose owner has confirmed this device's member: the list that the relay shows
    /// holds what the owner's letter said.
    ///
    /// # Errors
    /// [`EngineError::Link`] when it does not.
    pub(in crate::engine) fn enter_share(
        &mut self,
        id: &SpaceId,
        (roster, keyring): (Roster, Keyring),
        now_ms: i64,
    ) -> Result<(), EngineError> {
        let door = self.door(id)?.ok_or(EngineError::NoInvitation)?;
        let secret = door.secret().ok_or(EngineError::damaged("an answered invitation"))?;
        let head = door.admitted.ok_or(LinkError::OutOfOrder)?;
        let me = secret.keys().member_id();
        let inviter = door.inviter_key()?;
        let fits = roster.state_at(&head).and_then(|state| {
            let share = state.share.clone()?;
            let owner = share.owner()?.1.key;
            Some(share.party(&me).is_some() && Some(owner) == inviter)
        });
        if fits != Some(true) {
            return Err(LinkError::Altered.into());
        }
        let entry = Entry::default()
            .role(Role::Counsellor)
            .secret(0, self.removals(), &secret)
            .keyring(&keyring)
            .relay(&door.relay)
            .peer(&door.peer)
            .made(now_ms);
        self.adopt_share(id, &door.relay, &roster, &[])?;
        self.write_book(id, entry, now_ms)?;
        self.close_door(id)
    }

    /// Makes this device's view of a share that the vault names.
    pub(in crate::engine) fn adopt_share(
        &mut self,
        id: &SpaceId,
        relay: &str,
        roster: &Roster,
        wraps: &[Wrap],
    ) -> Result<(), EngineError> {
        let mut view = ShareView::new(relay, self.bytes16());
        view.records = roster.records_after(None);
        view.wraps = wraps.to_vec();
        view.relay.intact = true;
        let mut tx = self.tx();
        self.put_view(&mut tx, id, &view)?;
        tx.commit(&mut *self.rng)?;
        self.note_owned();
        Ok(())
    }

    /// Which shares have to look at an entry that changes.
    pub(in crate::engine::replica) fn note_owned(&mut self) {
        let books = self.books();
        let owned = books.into_iter().filter(|(_, book)| book.role == Role::Owner);
        self.owned = owned.map(|(id, _)| id).collect();
    }

    /// The keys of a share that the vault names and this device has no view of yet, newest last: the
    /// list of members may not name the newest ones yet. And its relay.
    pub(in crate::engine) fn share_keys(&self, id: &SpaceId) -> Option<(Vec<MemberKeys>, String)> {
        let book = self.book(id)?;
        let keys = book.secrets.iter().map(|(_, secret)| secret.keys()).collect();
        Some((keys, book.relay))
    }

    /// How often a device was removed from the journal, or the journal recovered, by its list of
    /// devices: whoever was in before knew the keys of this person's shares.
    pub(super) fn removals(&self) -> u32 {
        let ends = |act: &Act| matches!(act, Act::Remove { .. } | Act::Recover);
        let records = self.roster.records();
        records.filter(|(_, _, record)| record.acts.iter().any(ends)).count() as u32
    }

    /// Makes the keys that shares go on under where a removed device knew the present ones, and puts
    /// right what two devices wrote of one share at once. Tells whether something is to be sent before
    /// the shares sync.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn renew_keys(&mut self, now_ms: i64) -> Result<bool, EngineError> {
        self.fold()?;
        self.renew_shares(now_ms)?;
        self.settle_consents(now_ms)?;
        self.keys_wait()
    }

    /// Where several devices changed a consent at once, one may have published what they agreed to
    /// before it knew all of it. The list then holds a consent that the vault does not, under the same
    /// number, and neither takes the other's place; what both agree to does. So it is where the list is
    /// ahead of a vault that has just been synced: the relay lost what the vault said, and whoever knew it
    /// may be lost too. A vault goes out before its list, so nothing else lets it be behind.
    fn settle_consents(&mut self, now_ms: i64) -> Result<(), EngineError> {
        for (id, book) in self.books() {
            let owned = book.role == Role::Owner && book.ended_ms.is_none();
            let Some(wanted) = book.consent.filter(|_| owned) else { continue };
            if !self.has_view(&id)? {
                continue;
            }
            let given = self.with_share(&id, |_, share| {
                Ok(share.given().filter(|given| *given != wanted && !share.may_give()))
            })?;
            let Some(given) = given.filter(|given| given.number >= wanted.number) else { continue };
            let mut both = meet(&wanted, &given);
            both.number = both.number.saturating_add(1);
            self.write_book(&id, Entry::default().consent(&both.to_bytes()?), now_ms)?;
        }
        Ok(())
    }

    /// Shares whose keys a removed device knew go on under others.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub(super) fn renew_shares(&mut self, now_ms: i64) -> Result<(), EngineError> {
        let removals = self.removals();
        for (id, book) in self.books() {
            if book.ended_ms.is_some() || book.renewed_at >= removals {
                continue;
            }
            if book.role != Role::Owner {
                self.share_alarm(Alarm::InviteAnew);
                continue;
            }
            let next = book.secrets.last().map_or(0, |(generation, _)| generation + 1);
            let secret = MemberSecret::make(&mut *self.rng);
            self.write_book(&id, Entry::default().secret(next, removals, &secret), now_ms)?;
        }
        Ok(())
    }
}

impl Share {
    pub(super) fn namer(&self) -> crate::space::member::RecordNamer {
        // The first secret names records for good: a reader must find the same record again after
        // the owner has gone on under other keys.
        let first = self.book.secrets.first();
        first.map(|(_, secret)| secret.record_names()).unwrap_or_else(|| {
            MemberSecret::from_bytes(zeroize::Zeroizing::new([0; 32])).record_names()
        })
    }
}
