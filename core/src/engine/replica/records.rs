//! What the store holds, record by record.

use std::collections::BTreeMap;

use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::heads::{AuthorHead, Head, SlotHead};
use mainstay_protocol::ids::{AuthorId, Incarnation, SlotId, StoreInstance};
use mainstay_protocol::statement::Cursor;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::chapter::SlotName;
use crate::document::Heads;

/// What was asked of the journal, complete: the document, its row and its change follow from it.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(super) enum Intent {
    /// A new entry.
    #[n(0)]
    Create {
        #[n(0)]
        id: [u8; 16],
        #[n(1)]
        actor: [u8; 16],
        #[n(2)]
        now_ms: i64,
        /// JSON of the entry's fields.
        #[n(3)]
        fields: ByteVec,
    },
    /// Changed fields of an entry.
    #[n(1)]
    Edit {
        #[n(0)]
        id: [u8; 16],
        #[n(1)]
        actor: [u8; 16],
        #[n(2)]
        now_ms: i64,
        /// JSON of the patch.
        #[n(3)]
        patch: ByteVec,
    },
    /// An entry hidden, or brought back.
    #[n(2)]
    Delete {
        #[n(0)]
        id: [u8; 16],
        #[n(1)]
        actor: [u8; 16],
        #[n(2)]
        now_ms: i64,
        #[n(3)]
        deleted_ms: Option<i64>,
    },
    /// An entry forgotten for ever.
    #[n(3)]
    Forget {
        #[n(0)]
        id: [u8; 16],
        #[n(1)]
        now_ms: i64,
    },
}

/// A loose document.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct DocRecord {
    #[n(0)]
    pub(super) entry: [u8; 16],
    /// The saved document.
    #[n(1)]
    pub(super) saved: ByteVec,
    /// The last envelope of each author that changed it since the chapter's snapshot.
    #[n(2)]
    pub(super) from: BTreeMap<AuthorId, u64>,
}

impl DocRecord {
    /// A record of an entry that has no loose document yet.
    pub(super) fn none(entry: [u8; 16]) -> Self {
        Self { entry, saved: Vec::new().into(), from: BTreeMap::new() }
    }
}

/// What is known of a chapter without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Catalog {
    /// The chapter, by index.
    #[n(0)]
    pub(super) month: u16,
    /// Entries that are not deleted.
    #[n(1)]
    pub(super) live: u64,
    /// Entries that are deleted and can be brought back.
    #[n(2)]
    pub(super) deleted: u64,
    /// The earliest and latest moment that any of its rows ever had.
    #[n(3)]
    pub(super) from_ms: i64,
    #[n(4)]
    pub(super) to_ms: i64,
    /// Entries of it that were forgotten.
    #[n(5)]
    pub(super) forgotten: Vec<[u8; 16]>,
    /// Whether a bundle is here; which generation of it and of the page.
    #[n(6)]
    pub(super) bundle: Option<u32>,
    #[n(7)]
    pub(super) page: Option<u32>,
    /// Loose rows and documents lie over the bundle and the page.
    #[n(8)]
    pub(super) loose: bool,
    /// The list of devices as it was when the first entry of it was forgotten; none where an earlier
    /// version did.
    #[n(9)]
    pub(super) forgot_under: Option<Hash>,
}

impl Catalog {
    /// Whether only rows to read have come of it, and no documents.
    pub(super) fn is_only_page(&self) -> bool {
        self.page.is_some() && self.bundle.is_none()
    }
}

/// An entry with changes that no envelope holds yet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Pending {
    #[n(0)]
    pub(super) entry: [u8; 16],
    /// What envelopes hold already.
    #[n(1)]
    pub(super) sent: Heads,
}

/// An envelope that was sealed and whose fate is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Outgoing {
    #[n(0)]
    pub(super) envelope: ByteVec,
    #[n(1)]
    pub(super) hash: Hash,
    #[n(2)]
    pub(super) slot: SlotId,
    #[n(3)]
    pub(super) name: SlotName,
    /// Where the chain stood before it.
    #[n(4)]
    pub(super) before: Option<Head>,
    #[n(5)]
    pub(super) seq: u64,
    /// The entries it carries, with what earlier envelopes held.
    #[n(6)]
    pub(super) entries: Vec<Pending>,
    /// For a change of the plan: what earlier envelopes held.
    #[n(7)]
    pub(super) plan: Option<Heads>,
    /// For the last part of a snapshot: what it covers.
    #[n(8)]
    pub(super) covers: Vec<AuthorHead>,
    /// Whether it is a part of a snapshot.
    #[n(9)]
    pub(super) snapshot: bool,
    #[n(10)]
    pub(super) last_part: bool,
    /// What the slot asked of its next snapshot.
    #[n(11)]
    pub(super) destroy: bool,
    #[n(12)]
    pub(super) news: bool,
    /// The relay showed it: it is stored, though no signed word of that has come. It is sent again
    /// as it is until the relay has signed for it, also after the list of devices moved on.
    #[n(13)]
    pub(super) seen: Option<bool>,
    #[cbor(n(14), default)]
    pub(super) forgets: u32,
    /// For the last part of a snapshot that fills a relay again: how many entries it holds.
    #[cbor(n(15), default)]
    pub(super) refills: u64,
}

/// Where the chains of a slot stand.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Slot {
    #[n(0)]
    pub(super) id: SlotId,
    #[n(1)]
    pub(super) name: SlotName,
    #[n(2)]
    pub(super) chains: Vec<Chain>,
    #[n(3)]
    pub(super) changed_ms: i64,
    /// It must be packed and pushed whatever its condition: a relay lost it, or something in it
    /// was forgotten.
    #[n(4)]
    pub(super) must_pack: bool,
    /// The next snapshot destroys what it replaces.
    #[n(5)]
    pub(super) destroy: bool,
    /// The next snapshot holds something that no covered envelope held.
    #[n(6)]
    pub(super) news: bool,
    /// How many documents were forgotten since the last snapshot.
    #[cbor(n(7), default)]
    pub(super) forgets: u32,
}

/// One author's chain in a slot.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Chain {
    #[n(0)]
    pub(super) author: AuthorId,
    #[n(1)]
    pub(super) head: Head,
    /// Up to where a snapshot covers it, the snapshot's own parts included.
    #[n(2)]
    pub(super) covered: u64,
}

impl Slot {
    pub(super) fn new(id: SlotId, name: SlotName) -> Self {
        Self {
            id,
            name,
            chains: Vec::new(),
            changed_ms: 0,
            must_pack: false,
            destroy: false,
            news: false,
            forgets: 0,
        }
    }

    pub(super) fn head(&self, author: &AuthorId) -> Option<Head> {
        self.chains.iter().find(|chain| chain.author == *author).map(|chain| chain.head)
    }

    /// Sets a head; gives the one before it.
    pub(super) fn set(&mut self, author: &AuthorId, head: Head) -> Option<Head> {
        match self.chains.iter_mut().find(|chain| chain.author == *author) {
            Some(chain) => Some(std::mem::replace(&mut chain.head, head)),
            None => {
                self.chains.push(Chain { author: *author, head, covered: 0 });
                None
            }
        }
    }

    /// Takes a head back; `None` takes the chain away.
    pub(super) fn reset(&mut self, author: &AuthorId, head: Option<Head>) {
        match head {
            Some(head) => {
                self.set(author, head);
            }
            None => self.chains.retain(|chain| chain.author != *author),
        }
    }

    pub(super) fn cover(&mut self, author: &AuthorId, seq: u64) {
        if let Some(chain) = self.chains.iter_mut().find(|chain| chain.author == *author) {
            chain.covered = chain.covered.max(seq);
        }
    }

    /// How many envelopes no snapshot covers.
    pub(super) fn loose(&self) -> u64 {
        self.chains.iter().map(|chain| chain.head.seq.saturating_sub(chain.covered)).sum()
    }

    /// All heads, sorted by author.
    pub(super) fn covers(&self) -> Vec<AuthorHead> {
        let heads = self.chains.iter().map(|c| AuthorHead { author: c.author, head: c.head });
        let mut heads: Vec<_> = heads.collect();
        heads.sort();
        heads
    }
}

/// Parts of a snapshot that have been announced.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Partial {
    /// The feed numbers of the parts, from the first on.
    #[n(0)]
    pub(super) numbers: Vec<u64>,
    #[n(1)]
    pub(super) slot: SlotId,
    #[n(2)]
    pub(super) author: AuthorId,
    /// The sequence number of the last of them.
    #[n(3)]
    pub(super) seq: u64,
}

/// A snapshot whose body is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Wanted {
    #[n(0)]
    pub(super) slot: SlotId,
    #[n(1)]
    pub(super) author: AuthorId,
    /// The sequence number of its last part.
    #[n(2)]
    pub(super) seq: u64,
    /// Where its parts are in the feed. None: the relay lost them, and this device's chains have
    /// moved past something that is not here. A later snapshot will bring it.
    #[n(3)]
    pub(super) numbers: Vec<u64>,
    /// What it covers.
    #[n(4)]
    pub(super) covers: Vec<AuthorHead>,
    /// Under which list of devices it was made.
    #[n(5)]
    pub(super) roster: Option<Hash>,
    /// A snapshot that forgets something replaces it. It is taken over first if the relay still has
    /// it, and does not count as missing if not.
    #[cbor(n(6), default)]
    pub(super) replaced: bool,
    /// It replaced what this device knows of, and is not what this device would have made of it. Until it was
    /// looked into, nothing in it is said to be on the relay.
    #[cbor(n(7), default)]
    pub(super) doubted: bool,
}

/// Changes that wait for the document they belong to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Stashed {
    #[n(0)]
    pub(super) entry: [u8; 16],
    /// Those that a chain's head here says to have come.
    #[n(1)]
    pub(super) changes: Vec<ByteVec>,
    /// Those of which no head says so any more: the feed began anew, and what they wait for may never come.
    #[cbor(n(2), default)]
    pub(super) let_go: Vec<ByteVec>,
}

/// An entry that another device has not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Unconfirmed {
    #[n(0)]
    pub(super) entry: Option<[u8; 16]>,
    #[n(1)]
    pub(super) slot: SlotId,
    #[n(2)]
    pub(super) author: AuthorId,
    #[n(3)]
    pub(super) seq: u64,
}

/// What a device's last receipt said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Seen {
    #[n(0)]
    pub(super) author: AuthorId,
    #[n(1)]
    pub(super) counter: u64,
    #[n(2)]
    pub(super) instance: StoreInstance,
    /// It once stated that it holds everything, so that only what is listed since is unconfirmed.
    #[n(3)]
    pub(super) complete: bool,
    /// What it held then.
    #[n(4)]
    pub(super) digest: Option<mainstay_protocol::heads::HeadsDigest>,
}

/// What is known about the relay.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct RelayView {
    /// Its address with the key's hash.
    #[n(0)]
    pub(super) address: String,
    /// Where this device stands in the feed.
    #[n(1)]
    pub(super) cursor: Option<Cursor>,
    /// Whether what was acknowledged still stands: false from the moment the relay showed another
    /// history until everything is on it again.
    #[n(2)]
    pub(super) intact: bool,
    /// The stamp of the newest receipt.
    #[n(3)]
    pub(super) receipts: u64,
    /// The relay's permission, shown after it was wiped.
    #[n(4)]
    pub(super) grant: Option<ByteVec>,
    /// An invitation to register, if one was given.
    #[n(5)]
    pub(super) invitation: Option<ByteVec>,
    /// When the last sync was completed.
    #[n(6)]
    pub(super) synced_ms: Option<i64>,
    /// When a sync was last tried.
    #[n(7)]
    pub(super) tried_ms: Option<i64>,
    /// The furthest place that the relay signed for: beyond the cursor where it acknowledged what
    /// this device pushed behind items that it had not pulled yet. A relay that does not know this
    /// place any more has lost something, also if it still knows the cursor.
    #[n(8)]
    pub(super) witness: Option<Cursor>,
    /// The day (since 1970) on which this device last started an epoch because the relay lacked keys,
    /// and how many it started then.
    #[cbor(n(9), default)]
    pub(super) epochs: (i64, u32),
    /// By what its heads differed from this device's when they were last compared and it lacked none of
    /// them. What both add alike changes nothing of it.
    #[cbor(n(10), default)]
    pub(super) differs: Option<HeadsDigest>,
    /// When that was, if the relay went further still.
    #[cbor(n(11), default)]
    pub(super) behind_ms: Option<i64>,
    /// When the feed was last read from its start because bodies were not where it had announced them.
    #[cbor(n(12), default)]
    pub(super) doubted_ms: Option<i64>,
}

/// After so long a relay that goes further is asked for it again, and its feed may be doubted again.
const ASK_AGAIN_MS: i64 = 3600 * 1000;

fn is_too_soon(since_ms: i64, now_ms: i64) -> bool {
    (since_ms..since_ms + ASK_AGAIN_MS).contains(&now_ms)
}

/// Epochs that a device starts in a day because the relay says that it lacks keys. A relay that
/// always says so would fill the list of devices.
const MAX_EPOCHS_A_DAY: u32 = 8;
const DAY_MS: i64 = 24 * 3600 * 1000;

impl RelayView {
    pub(super) fn new(address: String) -> Self {
        Self {
            address,
            cursor: None,
            intact: false,
            receipts: 0,
            grant: None,
            invitation: None,
            synced_ms: None,
            tried_ms: None,
            witness: None,
            epochs: (0, 0),
            differs: None,
            behind_ms: None,
            doubted_ms: None,
        }
    }

    fn today(&self) -> i64 {
        self.tried_ms.unwrap_or(0).div_euclid(DAY_MS)
    }

    /// What this device knows of the feed does not count any more: it is read from its start.
    pub(super) fn read_anew(&mut self) {
        self.cursor = self.cursor.map(|at| Cursor::start(at.incarnation));
        (self.witness, self.intact, self.receipts) = (None, false, 0);
        (self.differs, self.behind_ms) = (None, None);
    }

    /// The feed may not have been what the relay showed: it is read from its start, once in an hour. Tells
    /// whether it is; what the relay signed for stands.
    pub(super) fn doubt_feed(&mut self, now_ms: i64) -> bool {
        let doubts = !self.doubted_ms.is_some_and(|at| is_too_soon(at, now_ms));
        if doubts {
            self.cursor = self.cursor.map(|at| Cursor::start(at.incarnation));
            (self.intact, self.doubted_ms) = (false, Some(now_ms));
        }
        doubts
    }

    /// Whether this difference between the relay's heads and this device's is nothing new.
    pub(super) fn is_settled(&self, difference: &HeadsDigest, now_ms: i64) -> bool {
        *difference == HeadsDigest::EMPTY
            || self.differs.as_ref() == Some(difference)
                && self.behind_ms.is_none_or(|at| is_too_soon(at, now_ms))
    }

    /// Whether the relay may be given keys anew today.
    pub(super) fn may_start_epoch(&self) -> bool {
        self.epochs.0 != self.today() || self.epochs.1 < MAX_EPOCHS_A_DAY
    }

    /// It was given keys anew.
    pub(super) fn started_epoch(&mut self) {
        let today = self.today();
        let before = if self.epochs.0 == today { self.epochs.1 } else { 0 };
        self.epochs = (today, before + 1);
    }

    /// Notes a place that the relay signed for, or showed.
    pub(super) fn witnessed(&mut self, place: Cursor) {
        let same = |w: &Cursor| w.incarnation == place.incarnation && w.number > place.number;
        if !self.witness.as_ref().is_some_and(same) {
            self.witness = Some(place);
        }
    }

    pub(super) fn incarnation(&self) -> Option<Incarnation> {
        self.cursor.map(|cursor| cursor.incarnation)
    }
}

/// What this device states in its receipts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Tally {
    #[n(0)]
    pub(super) counter: u64,
    #[n(1)]
    pub(super) instance: StoreInstance,
    #[n(2)]
    pub(super) digest: mainstay_protocol::heads::HeadsDigest,
    /// The heads that changed last, newest first.
    #[n(3)]
    pub(super) recent: Vec<SlotHead>,
    /// Something changed since the last receipt.
    #[n(4)]
    pub(super) owed: bool,
}

/// A restore under way: what the relay held when it began, and what is still to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Restoring {
    /// The feed's place when the restore began; the ordinary sync goes on from there.
    #[n(0)]
    pub(super) from: Cursor,
    /// Slots still to be fetched, the next one last; none before the relay named them.
    #[n(1)]
    pub(super) slots: Option<Vec<SlotId>>,
    /// Within the next slot: only items after this number.
    #[n(2)]
    pub(super) after: u64,
    /// Slots fetched so far.
    #[n(3)]
    pub(super) done: u32,
}

/// Who this device is, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Identity {
    #[n(0)]
    pub(super) format: u16,
    #[n(1)]
    pub(super) space: mainstay_protocol::ids::SpaceId,
    #[n(2)]
    pub(super) generation: u32,
    #[n(3)]
    pub(super) name: String,
    /// Under which generation it asked to go on last, and in which record.
    #[cbor(n(4), default)]
    pub(super) going_on: Option<(u32, mainstay_protocol::hash::Hash)>,
    /// The same of requests before it whose fate is not known either, the oldest first.
    #[cbor(n(5), default)]
    pub(super) going_on_before: Vec<(u32, mainstay_protocol::hash::Hash)>,
}

impl Identity {
    /// All of them, the newest last.
    pub(super) fn all_going_on(&self) -> Vec<(u32, mainstay_protocol::hash::Hash)> {
        self.going_on_before.iter().copied().chain(self.going_on).collect()
    }
}
