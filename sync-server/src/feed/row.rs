//! What the relay keeps about each thing.

use minicbor::{Decode, Encode};

use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, HeadsDigest};
use mainstay_protocol::ids::{AuthorId, SlotId, SpaceId};

/// A space's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct SpaceRow {
    /// The number of the newest item.
    #[n(0)]
    pub number: u64,
    /// The running hash after it.
    #[n(1)]
    pub running: Hash,
    /// Bytes of envelopes (retained ones included), roster records and wraps.
    #[n(2)]
    pub used_bytes: u64,
    /// Chains that have begun.
    #[n(3)]
    pub chains: u64,
    /// Slots in which a chain has begun.
    #[n(4)]
    pub slots: u64,
    /// The stamp of the newest receipt.
    #[n(5)]
    pub receipts: u64,
    /// Mailboxes that are open.
    #[n(6)]
    pub mailboxes: u64,
    /// When the present day of forgetting began, in Unix milliseconds; 0 before the first.
    #[cbor(n(7), default)]
    pub forget_day_ms: u64,
    /// Documents forgotten without delay in that day.
    #[cbor(n(8), default)]
    pub forgotten: u32,
    /// The digest of the heads of all chains; none in a store from before it was kept.
    #[cbor(n(9), default)]
    pub heads: Option<HeadsDigest>,
}

impl SpaceRow {
    /// A space in which nothing has happened.
    pub const EMPTY: Self = Self {
        number: 0,
        running: Hash([0; 32]),
        used_bytes: 0,
        chains: 0,
        slots: 0,
        receipts: 0,
        mailboxes: 0,
        forget_day_ms: 0,
        forgotten: 0,
        heads: Some(HeadsDigest::EMPTY),
    };
}

/// An envelope in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ItemRow {
    /// Its number.
    #[n(0)]
    pub number: u64,
    /// The envelope's hash.
    #[n(1)]
    pub hash: Hash,
    /// Its slot.
    #[n(2)]
    pub slot: SlotId,
    /// Its author.
    #[n(3)]
    pub author: AuthorId,
    /// Its place in the author's chain in the slot.
    #[n(4)]
    pub seq: u64,
    /// For a snapshot: which part of which one.
    #[n(5)]
    pub part: Option<Part>,
    /// The envelope's bytes, and the stub's where one is kept.
    #[n(6)]
    pub size_bytes: u64,
    /// Set once a snapshot has replaced it.
    #[n(7)]
    pub dropped: Option<Dropped>,
}

/// A snapshot's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Part {
    /// The same for all parts of one snapshot: a hash of what their headers have in common.
    #[n(0)]
    pub whole: Hash,
    /// Counted from 0.
    #[n(1)]
    pub index: u32,
}

/// When an item was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Dropped {
    /// Unix time in milliseconds.
    #[n(0)]
    pub at_ms: u64,
    /// Its bytes were destroyed at once.
    #[n(1)]
    pub destroyed: bool,
}

/// A complete snapshot that is about to replace what it covers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Covering {
    /// The number of its last part.
    #[n(0)]
    pub number: u64,
    /// The slot.
    #[n(1)]
    pub slot: SlotId,
    /// What it replaces.
    #[n(2)]
    pub covers: Vec<AuthorHead>,
    /// What is replaced is destroyed at once.
    #[n(3)]
    pub destroys: bool,
    /// When the snapshot was complete, in Unix milliseconds.
    #[n(4)]
    pub at_ms: u64,
    /// Nothing is replaced before this time (Unix milliseconds): it forgets many documents at once,
    /// or follows a snapshot in its slot that does.
    #[n(5)]
    pub held_until_ms: Option<u64>,
}

/// A mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct MailboxRow {
    /// The space that answers for it.
    #[n(0)]
    pub space: SpaceId,
    /// Until when it exists, in Unix milliseconds.
    #[n(1)]
    pub expires_ms: u64,
    /// How many letters it holds.
    #[n(2)]
    pub letters: u32,
}
