//! What the relay answers.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::hash::Hash;
use crate::heads::{Head, HeadsDigest, SlotHead};
use crate::ids::{AuthorId, Incarnation, SlotId, SpaceId};
use crate::mailbox::Letter;
use crate::receipt::Receipt;
use crate::roster::{Record, Wrap};
use crate::sign::{Signable, Signed, purpose};
use crate::statement::{Cursor, Statement};

/// One reply.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Reply {
    /// To `Attach`.
    #[n(0)]
    Attached(#[n(0)] Attached),
    /// To `Create`.
    #[n(1)]
    Created {
        /// To be kept, and shown after the relay was wiped.
        #[n(0)]
        grant: Signed<Grant>,
        /// The claim is the roster's head.
        #[n(1)]
        statement: Signed<Statement>,
    },
    /// To `Roster`: records in chain order.
    #[n(2)]
    Roster {
        /// The records.
        #[n(0)]
        records: Vec<Signed<Record>>,
    },
    /// To `Append`: the claim is the roster's new head.
    #[n(3)]
    Appended {
        /// Signed by the relay.
        #[n(0)]
        statement: Signed<Statement>,
    },
    /// To `Wraps`.
    #[n(4)]
    Wraps {
        /// The wraps.
        #[n(0)]
        wraps: Vec<Wrap>,
    },
    /// To `Push`: the claim lists every envelope of the push, in its order, those that the relay
    /// already had included.
    #[n(5)]
    Pushed {
        /// Signed by the relay.
        #[n(0)]
        statement: Signed<Statement>,
    },
    /// To `Pull`.
    #[n(6)]
    Items {
        /// The items.
        #[n(0)]
        items: Vec<Item>,
        /// Whether more frames answer the same request.
        #[n(1)]
        continues: bool,
        /// In the last frame: whether the pull stopped at its byte limit with more to come.
        #[n(2)]
        more: bool,
        /// Where the client stands after a `Pull::After`, once the items are applied.
        #[n(3)]
        cursor: Cursor,
    },
    /// To `Heads`.
    #[n(7)]
    Heads {
        /// The ends of chains, sorted.
        #[n(0)]
        heads: Vec<SlotHead>,
        /// In the last frame only: the claim is the digest of all.
        #[n(1)]
        statement: Option<Signed<Statement>>,
    },
    /// To `Slots`.
    #[n(8)]
    Slots {
        /// The names, sorted.
        #[n(0)]
        slots: Vec<SlotId>,
    },
    /// To `Receipts`.
    #[n(9)]
    Receipts {
        /// The receipts.
        #[n(0)]
        receipts: Vec<Signed<Receipt>>,
        /// To be named next time.
        #[n(1)]
        stamp: u64,
    },
    /// To `Subscribe`, each time something changed. It is a hint, never the truth.
    #[n(10)]
    News,
    /// To `Letters`.
    #[n(11)]
    Letters {
        /// The letters from the asked place on.
        #[n(0)]
        letters: Vec<Letter>,
    },
    /// It is done.
    #[n(12)]
    Done,
    /// It was not done, and why.
    #[n(13)]
    Refused(#[n(0)] Refusal),
}

/// See [`Reply::Attached`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Attached {
    /// Where the feed stands.
    #[n(0)]
    pub cursor: Cursor,
    /// Whether the client's own cursor is a place in this feed. `false` after the relay was wiped
    /// or rolled back, also if it was filled past that number since.
    #[n(1)]
    pub recognised: bool,
    /// The head of the roster.
    #[n(2)]
    pub roster: Hash,
    /// The stamp of the newest receipt.
    #[n(3)]
    pub receipts: u64,
    /// What the relay allows this space.
    #[n(4)]
    pub rules: Rules,
    /// The relay's Unix time. A hint: what destroys or releases something waits until the device's
    /// and the relay's elapsed time agree.
    #[n(5)]
    pub now_ms: u64,
    /// The relay lacks wraps of the present epoch's key: it was rolled back, and learnt the list of
    /// devices from one that has no copy of them. A new epoch mends that.
    #[n(6)]
    pub lacks_wraps: bool,
    /// The digest of the heads of all chains. Where it is not what the client makes of its own, one of
    /// the two lacks something, however quietly it was lost. None from a relay that has no word on it,
    /// and for whom the chains are none of theirs.
    #[cbor(n(7), default)]
    pub heads: Option<HeadsDigest>,
    /// The counter of the client's own receipt, as the relay holds it: 0 if it holds none. A device whose
    /// last one is newer states it again. None from a relay that has no word on it, and for whom there is
    /// none.
    #[cbor(n(8), default)]
    pub own_receipt: Option<u64>,
}

/// What a relay allows one space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Rules {
    /// Bytes that the space may occupy.
    #[n(0)]
    pub quota_bytes: u64,
    /// Bytes that it occupies.
    #[n(1)]
    pub used_bytes: u64,
    /// For how long replaced items stay retrievable.
    #[n(2)]
    pub retention_ms: u64,
}

/// One item of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Item {
    /// Its number.
    #[n(0)]
    pub number: u64,
    /// The envelope.
    #[n(1)]
    pub body: ItemBody,
}

/// An envelope, whole or without its ciphertext.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ItemBody {
    /// [`crate::envelope::Envelope`] bytes.
    #[n(0)]
    Whole(#[n(0)] ByteVec),
    /// [`crate::envelope::Stub`] bytes.
    #[n(1)]
    Stub(#[n(0)] ByteVec),
}

/// The relay's lasting permission for a space to exist, signed by its registration key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Grant {
    /// [`crate::FORMAT_VERSION`].
    #[n(0)]
    pub version: u8,
    /// The space.
    #[n(1)]
    pub space: SpaceId,
}

impl Signable for Grant {
    const PURPOSE: &'static str = purpose::GRANT;
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Encode, Decode)]
#[non_exhaustive]
pub enum Refusal {
    /// The relay does not know the space; create it.
    #[error("the relay does not know this space")]
    #[n(0)]
    UnknownSpace,
    /// The connection has not attached to the space, or not as somebody who may do this.
    #[error("this device may not do that in this space")]
    #[n(1)]
    NotAuthorised,
    /// The roster has another head; fetch it and decide again.
    #[error("the list of devices has changed in the meantime")]
    #[n(2)]
    RosterMoved {
        /// The head.
        #[n(0)]
        head: Hash,
    },
    /// The record breaks a rule of the roster.
    #[error("the relay refused the change to the list of devices: {why}")]
    #[n(3)]
    BadRecord {
        /// Which rule.
        #[n(0)]
        why: String,
    },
    /// An envelope does not follow its chain's head.
    #[error("an envelope does not continue its chain")]
    #[n(4)]
    OutOfOrder {
        /// The slot.
        #[n(0)]
        slot: SlotId,
        /// The author.
        #[n(1)]
        author: AuthorId,
        /// The head that the relay has.
        #[n(2)]
        head: Option<Head>,
    },
    /// An envelope is malformed, or its signature does not match.
    #[error("the relay refused an envelope: {why}")]
    #[n(5)]
    BadEnvelope {
        /// What is wrong.
        #[n(0)]
        why: String,
    },
    /// The cursor is of another incarnation, or no place of this feed.
    #[error("the relay's history is not the one this device knows")]
    #[n(6)]
    CursorUnknown {
        /// The relay's present incarnation.
        #[n(0)]
        incarnation: Incarnation,
    },
    /// The space is full.
    #[error(
        "this journal's place on the relay is full ({quota_bytes} bytes); ask whoever runs it for more"
    )]
    #[n(7)]
    Quota {
        /// What it may hold.
        #[n(0)]
        quota_bytes: u64,
    },
    /// Too many requests.
    #[error("the relay asks to wait {retry_after_ms} ms")]
    #[n(8)]
    RateLimited {
        /// When to try again.
        #[n(0)]
        retry_after_ms: u64,
    },
    /// The request cannot be read or exceeds a limit.
    #[error("the relay could not read the request: {why}")]
    #[n(9)]
    Malformed {
        /// What is wrong.
        #[n(0)]
        why: String,
    },
    /// Registration needs an invitation.
    #[error("this relay is open to invited people only; ask whoever runs it for an invitation")]
    #[n(10)]
    InvitationNeeded,
    /// The invitation is used, expired or not this relay's.
    #[error("the invitation is used, expired, or not this relay's; ask for a new one")]
    #[n(11)]
    InvitationRefused,
    /// The space exists already.
    #[error("the relay knows this space already")]
    #[n(12)]
    SpaceExists,
    /// No such mailbox, or it is full, or the place is taken.
    #[error("the mailbox is gone, full, or has changed")]
    #[n(13)]
    Mailbox,
    /// The relay cannot store anything at the moment.
    #[error("the relay cannot store anything at the moment; your data stays on this device")]
    #[n(14)]
    Unavailable,
    /// In a share: what was agreed to has ended by the relay's clock, so that only its owner reads and
    /// writes. The list of members is still served.
    #[error("the sharing has ended; nothing is lost. Ask the person who shares to share again")]
    #[n(15)]
    Expired,
}
