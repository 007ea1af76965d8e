//! What a push would store: its envelopes one after the other, each seeing those before it.

use std::collections::BTreeMap;

use mainstay_protocol::envelope::{Envelope, Header, Kind};
use mainstay_protocol::frame::{Refusal, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{Head, SlotHead};
use mainstay_protocol::ids::{AuthorId, SlotId};
use mainstay_protocol::limits::{MAX_HEADS, MIN_PADDED_BYTES};
use mainstay_protocol::roster::Role;
use mainstay_protocol::statement::{Cursor, Stored};

use super::chain;
use crate::feed::{Change, Covering, FeedError, FeedStore, ItemRow, NewItem, SpaceRow};
use crate::relay::{Connection, MAX_SHARE_SLOTS, MAX_SLOTS, Space, Stop};

/// A seal's nonce and tag (XChaCha20-Poly1305), with room to spare.
const SEAL_BYTES: usize = 64;

pub(super) struct Plan<'a, S> {
    pub(super) store: &'a S,
    pub(super) space: &'a Space,
    connection: &'a Connection,
    pub(super) now_ms: u64,
    tail: Cursor,
    pub(super) row: SpaceRow,
    changes: Vec<Change>,
    items: BTreeMap<u64, ItemRow>,
    heads: BTreeMap<(SlotId, AuthorId), Head>,
    /// Nothing but small records that replace others was taken.
    pub(super) takes_back: bool,
}

impl<'a, S: FeedStore> Plan<'a, S> {
    pub(super) fn new(
        store: &'a S,
        connection: &'a Connection,
        space: &'a Space,
        tail: Cursor,
        now_ms: u64,
    ) -> Self {
        Self {
            store,
            space,
            connection,
            now_ms,
            tail,
            row: space.row,
            changes: vec![],
            items: BTreeMap::new(),
            heads: BTreeMap::new(),
            takes_back: true,
        }
    }

    /// Checks one envelope and plans to store it, unless it is known.
    pub(super) fn take(&mut self, whole: Vec<u8>) -> Result<Stored, Stop> {
        let envelope = Envelope::from_bytes(&whole).map_err(|error| bad(&error.to_string()))?;
        let hash = envelope.hash(&self.space.id);
        if let Some(number) = self.known(envelope.header(), &hash)? {
            return Ok(Stored { envelope: hash, number });
        }
        self.check_author(&envelope)?;
        self.check_kind(&envelope)?;
        let part = chain::check(self, envelope.header())?;
        self.tail = self.tail.next(&hash);
        let header = envelope.header();
        let stub = (header.kind == Kind::Snapshot).then(|| envelope.stub().to_bytes());
        let row = ItemRow {
            number: self.tail.number,
            hash,
            slot: header.slot,
            author: header.author,
            seq: header.seq,
            part,
            size_bytes: (whole.len() + stub.as_ref().map_or(0, Vec::len)) as u64,
            dropped: None,
        };
        self.set_head(header.slot, header.author, Head { seq: header.seq, hash })?;
        self.store_item(row, whole, stub);
        let replaces = match header.kind {
            Kind::Snapshot => header.chunk.is_last() && chain::is_whole(self, header)?,
            Kind::Record => !header.covers.is_empty(),
            _ => false,
        };
        if replaces {
            self.cover(header)?;
        }
        self.takes_back &= is_taking_back(&envelope);
        Ok(Stored { envelope: hash, number: self.tail.number })
    }

    /// The space's counters and all changes.
    pub(super) fn into_changes(self) -> (SpaceRow, Vec<Change>) {
        (self.row, self.changes)
    }

    /// The end of a chain as it would be.
    pub(super) fn head(&self, slot: &SlotId, author: &AuthorId) -> Result<Option<Head>, FeedError> {
        match self.heads.get(&(*slot, *author)) {
            Some(head) => Ok(Some(*head)),
            None => self.store.head(&self.space.id, slot, author),
        }
    }

    /// The item at a place of a chain.
    pub(super) fn item_at(
        &self,
        slot: &SlotId,
        author: &AuthorId,
        seq: u64,
    ) -> Result<Option<ItemRow>, FeedError> {
        let at = |item: &&ItemRow| item.slot == *slot && item.author == *author && item.seq == seq;
        if let Some(item) = self.items.values().find(at) {
            return Ok(Some(item.clone()));
        }
        match self.store.number_at(&self.space.id, slot, author, seq)? {
            Some(number) => self.store.item(&self.space.id, number),
            None => Ok(None),
        }
    }

    /// The number of an envelope that is stored, 0 if another one has replaced it: a chain's end is
    /// known even when the item has had its time.
    fn known(&self, header: &Header, hash: &Hash) -> Result<Option<u64>, FeedError> {
        if let Some(item) = self.items.values().find(|item| item.hash == *hash) {
            return Ok(Some(item.number));
        }
        let Some(number) = self.store.number_of(&self.space.id, hash)? else {
            let head = self.head(&header.slot, &header.author)?;
            let end = Head { seq: header.seq, hash: *hash };
            return Ok(head.is_some_and(|head| head == end).then_some(0));
        };
        let item = self.store.item(&self.space.id, number)?;
        Ok(item.map(|item| if item.dropped.is_some() { 0 } else { number }))
    }

    /// The latest end of a delay in a slot, of the snapshots in this push.
    pub(super) fn planned_hold(&self, slot: &SlotId) -> Option<u64> {
        let held = self.changes.iter().filter_map(|change| match change {
            Change::Covering(_, covering) if covering.slot == *slot => covering.held_until_ms,
            _ => None,
        });
        held.max()
    }

    fn check_author(&self, envelope: &Envelope) -> Result<(), Stop> {
        let (header, roster) = (envelope.header(), &self.space.roster);
        self.connection.author(self.space, &header.author, self.now_ms)?;
        if header.roster != roster.head() {
            return Err(Refusal::RosterMoved { head: roster.head() }.into());
        }
        if !roster.state().is_present_epoch(&header.epoch) {
            return Err(bad("it is not sealed under the present epoch"));
        }
        let key = roster.state().key(&Signer::Device(header.author));
        let key = key.ok_or(Refusal::NotAuthorised)?;
        envelope.verify(&self.space.id, key).map_err(|error| bad(&error.to_string()))
    }

    /// A share holds changes and records: it has no history that a snapshot could be of. A private space
    /// holds no records: what they replace is destroyed at once.
    fn check_kind(&self, envelope: &Envelope) -> Result<(), Stop> {
        match (envelope.header().kind, self.space.roster.state().share.is_some()) {
            (Kind::Snapshot, true) => Err(bad("a share holds no snapshots")),
            (Kind::Record, false) => Err(bad("a private space holds no records of shares")),
            _ => Ok(()),
        }
    }

    /// How many chains and slots a space may have once this author begins another: in a share, the
    /// counsellors leave half of both to the owner.
    fn room_for(&self, author: &AuthorId) -> (u64, u64) {
        let Some(share) = &self.space.roster.state().share else {
            return (MAX_HEADS as u64, MAX_SLOTS as u64);
        };
        let owners = share.author_of(author).is_some_and(|(_, role)| role == Role::Owner);
        let part = if owners { 1 } else { 2 };
        (MAX_HEADS as u64 / part, MAX_SHARE_SLOTS as u64 / part)
    }

    fn store_item(&mut self, row: ItemRow, whole: Vec<u8>, stub: Option<Vec<u8>>) {
        self.row.number = self.tail.number;
        self.row.running = self.tail.running;
        self.row.used_bytes += row.size_bytes;
        self.items.insert(row.number, row.clone());
        let running = self.tail.running;
        let item = NewItem { space: self.space.id, row, running, whole, stub };
        self.changes.push(Change::Item(Box::new(item)));
    }

    fn set_head(&mut self, slot: SlotId, author: AuthorId, head: Head) -> Result<(), Stop> {
        let before = self.head(&slot, &author)?;
        if before.is_none() {
            self.row.chains += 1;
            let planned = self.heads.keys().any(|(of, _)| *of == slot);
            if !planned && !self.store.slot_is_known(&self.space.id, &slot)? {
                self.row.slots += 1;
            }
            let (chains, slots) = self.room_for(&author);
            if self.row.chains > chains || self.row.slots > slots {
                return Err(bad("the space has too many chains"));
            }
        }
        if let Some(digest) = &mut self.row.heads {
            let named = |head| SlotHead { slot, author, head };
            before.into_iter().chain([head]).for_each(|head| digest.toggle(&named(head)));
        }
        self.heads.insert((slot, author), head);
        self.changes.push(Change::Head(self.space.id, SlotHead { slot, author, head }));
        Ok(())
    }

    /// Plans to drop what a complete snapshot or a record covers. Its heads are known from now on, even where
    /// their envelopes never came: after a wipe, a snapshot is all that is left of them.
    fn cover(&mut self, header: &Header) -> Result<(), Stop> {
        for cover in &header.covers {
            let present = self.head(&header.slot, &cover.author)?;
            if present.is_none_or(|head| head.seq < cover.head.seq) {
                self.set_head(header.slot, cover.author, cover.head)?;
            }
        }
        let held_until_ms = self.held_until(header)?;
        let covering = Covering {
            held_until_ms,
            number: self.tail.number,
            slot: header.slot,
            covers: header.covers.clone(),
            destroys: header.destroys,
            at_ms: self.now_ms,
        };
        self.changes.push(Change::Covering(self.space.id, covering));
        Ok(())
    }
}

/// Whether a record says so little that it may be a retraction, which a full relay must not refuse. Of
/// these there is one for each chain at most.
fn is_taking_back(envelope: &Envelope) -> bool {
    let header = envelope.header();
    let small = envelope.ciphertext().len() <= MIN_PADDED_BYTES + SEAL_BYTES;
    header.kind == Kind::Record && !header.covers.is_empty() && small
}

pub(super) fn bad(why: &str) -> Stop {
    Stop::Refused(Refusal::BadEnvelope { why: why.into() })
}
