//! What a client asks.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::codec;
use crate::frame::Grant;
use crate::hash::Hash;
use crate::ids::{AuthorId, MailboxId, MemberId, SlotId, SpaceId};
use crate::mailbox::Letter;
use crate::receipt::Receipt;
use crate::roster::{Record, Wrap};
use crate::sign::{Signable, Signature, Signed, VerifyKey, purpose};
use crate::statement::Cursor;

/// One request. All but [`Request::Attach`], [`Request::Create`] and the mailbox requests need the
/// connection to be attached to the space they name.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Request {
    /// Shows that this connection speaks for an author of a space, and asks what is new there.
    /// Answered by [`super::Reply::Attached`].
    #[n(0)]
    Attach(#[n(0)] Attach),
    /// Makes a space known to the relay, with its whole roster. Answered by
    /// [`super::Reply::Created`]. Needs no attachment. For a space that exists: the very same roster
    /// repeats the answer, which may have been lost; one that lawfully continues what the relay
    /// knows is learnt, because a relay that was rolled back has forgotten it; any other is refused.
    #[n(1)]
    Create {
        /// The space.
        #[n(0)]
        space: SpaceId,
        /// All records from the founding one on.
        #[n(1)]
        records: Vec<Signed<Record>>,
        /// The wraps that the records name, as far as the client has them.
        #[n(2)]
        wraps: Vec<Wrap>,
        /// Why the relay should agree.
        #[n(3)]
        admission: Admission,
    },
    /// Roster records after one that the client knows. Answered by [`super::Reply::Roster`]; all of
    /// them when the known one is not in the relay's chain. As many come as fit into a frame: a
    /// client that does not reach the head it was told asks again from the last one. Removed and
    /// waiting devices may ask this, and nothing else.
    #[n(2)]
    Roster {
        /// The space.
        #[n(0)]
        space: SpaceId,
        /// The head that the client has accepted.
        #[n(1)]
        known: Option<Hash>,
    },
    /// Appends one record if the roster's head is still `expected`. Answered by
    /// [`super::Reply::Appended`]. A recovery may name an earlier record as its parent; `expected`
    /// is the relay's head all the same.
    #[n(3)]
    Append {
        /// The space.
        #[n(0)]
        space: SpaceId,
        /// The relay's present head.
        #[n(1)]
        expected: Hash,
        /// The record.
        #[n(2)]
        record: Signed<Record>,
        /// The wraps that it names.
        #[n(3)]
        wraps: Vec<Wrap>,
    },
    /// The newest wraps made for the signer that the connection is attached as. Answered by
    /// [`super::Reply::Wraps`], newest first; each epoch holds the key of the one before it.
    #[n(4)]
    Wraps {
        /// The space.
        #[n(0)]
        space: SpaceId,
    },
    /// Stores envelopes. Answered by [`super::Reply::Pushed`].
    #[n(5)]
    Push {
        /// The space.
        #[n(0)]
        space: SpaceId,
        /// Whole envelopes, in chain order, at most [`crate::limits::MAX_PUSH_ENVELOPES`].
        #[n(1)]
        envelopes: Vec<ByteVec>,
    },
    /// Items of the feed. Answered by one or more [`super::Reply::Items`].
    #[n(6)]
    Pull {
        /// The space.
        #[n(0)]
        space: SpaceId,
        /// Which of them.
        #[n(1)]
        pull: Pull,
    },
    /// The end of every chain. Answered by one or more [`super::Reply::Heads`].
    #[n(7)]
    Heads {
        /// The space.
        #[n(0)]
        space: SpaceId,
    },
    /// The names of all slots that hold something. Answered by [`super::Reply::Slots`].
    #[n(8)]
    Slots {
        /// The space.
        #[n(0)]
        space: SpaceId,
    },
    /// Replaces the client's receipt. Answered by [`super::Reply::Done`].
    #[n(9)]
    PutReceipt {
        /// The space.
        #[n(0)]
        space: SpaceId,
        /// The receipt.
        #[n(1)]
        receipt: Signed<Receipt>,
    },
    /// Receipts that changed after a stamp. Answered by [`super::Reply::Receipts`].
    #[n(10)]
    Receipts {
        /// The space.
        #[n(0)]
        space: SpaceId,
        /// The stamp of the last answer; 0 for all.
        #[n(1)]
        after: u64,
    },
    /// Keeps the stream open and answers with [`super::Reply::News`] whenever the feed, the roster
    /// or a receipt of the space changes. Must be a batch's last request.
    #[n(11)]
    Subscribe {
        /// The space.
        #[n(0)]
        space: SpaceId,
    },
    /// Opens a mailbox on behalf of a space. Answered by [`super::Reply::Done`].
    #[n(12)]
    OpenMailbox {
        /// The space that answers for it.
        #[n(0)]
        space: SpaceId,
        /// Its name.
        #[n(1)]
        mailbox: MailboxId,
        /// For how long, at most [`crate::limits::MAX_MAILBOX_LIFE_MS`].
        #[n(2)]
        life_ms: u64,
    },
    /// Adds a letter at the given place, if that place is the next one. Answered by
    /// [`super::Reply::Done`]. Needs no attachment.
    #[n(13)]
    PutLetter {
        /// The mailbox.
        #[n(0)]
        mailbox: MailboxId,
        /// The number of letters there are.
        #[n(1)]
        place: u32,
        /// The letter.
        #[n(2)]
        letter: Letter,
    },
    /// The letters from a place on. Answered by [`super::Reply::Letters`]. Needs no attachment.
    #[n(14)]
    Letters {
        /// The mailbox.
        #[n(0)]
        mailbox: MailboxId,
        /// The number of letters already known.
        #[n(1)]
        after: u32,
    },
    /// Closes a mailbox and destroys its letters. Answered by [`super::Reply::Done`].
    #[n(15)]
    CloseMailbox {
        /// The space that opened it.
        #[n(0)]
        space: SpaceId,
        /// The mailbox.
        #[n(1)]
        mailbox: MailboxId,
    },
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Signer {
    /// The recovery key, which is also the space's founding key.
    #[n(0)]
    Recovery,
    /// A device.
    #[n(1)]
    Device(#[n(0)] AuthorId),
    /// A member of a share, by whichever of their devices.
    #[n(2)]
    Member(#[n(0)] MemberId),
}

/// See [`Request::Attach`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Attach {
    /// The space.
    #[n(0)]
    pub space: SpaceId,
    /// Who speaks.
    #[n(1)]
    pub signer: Signer,
    /// The signature over [`Proof`], once per connection and space; later attachments of the same
    /// signer on the same connection may leave it out.
    #[n(2)]
    pub signature: Option<Signature>,
    /// Where the client stands in the feed.
    #[n(3)]
    pub cursor: Option<Cursor>,
}

/// What a client signs to attach. The exporter binds it to one TLS connection, so that it is worth
/// nothing on another one; the relay's key keeps one relay from passing it on to another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Proof {
    /// The TLS exporter's output (RFC 8446 §7.5) for [`Proof::EXPORTER_LABEL`] and the space's id
    /// as context.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub exporter: [u8; 32],
    /// The relay's key.
    #[n(1)]
    pub relay: VerifyKey,
    /// The space.
    #[n(2)]
    pub space: SpaceId,
    /// Who speaks.
    #[n(3)]
    pub signer: Signer,
}

impl Proof {
    /// The label to export keying material under.
    pub const EXPORTER_LABEL: &'static [u8] = b"EXPORTER-mainstay-attach-1";

    /// The message to sign for [`purpose::ATTACH`].
    pub fn message(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

/// Which items of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Pull {
    /// Everything after a place in the feed; snapshots come as stubs.
    #[n(0)]
    After {
        /// The client's cursor. One that the relay does not recognise is refused with
        /// [`super::Refusal::CursorUnknown`].
        #[n(0)]
        cursor: Cursor,
        /// Stop before the frames exceed this; at least one item comes.
        #[n(1)]
        limit_bytes: u32,
    },
    /// What the named slots hold, slot by slot in the order they are named.
    #[n(1)]
    Slots {
        /// At most [`crate::limits::MAX_FETCH_SLOTS`].
        #[n(0)]
        slots: Vec<SlotId>,
        /// Only items of the first slot with a higher number than this.
        #[n(1)]
        after: u64,
        /// Whether snapshots come as stubs.
        #[n(2)]
        stubs: bool,
        /// Stop before the frames exceed this; at least one item comes.
        #[n(3)]
        limit_bytes: u32,
    },
    /// These items, whole, as far as they still exist or are retained.
    #[n(2)]
    Numbers {
        /// At most [`crate::limits::MAX_FETCH_NUMBERS`].
        #[n(0)]
        numbers: Vec<u64>,
        /// Stop before the frames exceed this; at least one item comes.
        #[n(1)]
        limit_bytes: u32,
    },
}

/// Why a relay should let a space exist.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Admission {
    /// The relay is open to anybody.
    #[n(0)]
    Open,
    /// Somebody at the relay invited this person.
    #[n(1)]
    Invited(#[n(0)] Signed<Invitation>),
    /// The relay had agreed before it lost its store.
    #[n(2)]
    Granted(#[n(0)] Signed<Grant>),
}

/// An invitation to register one space, signed by the relay's registration key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Invitation {
    /// [`crate::FORMAT_VERSION`].
    #[n(0)]
    pub version: u8,
    /// Random; each can be used once.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// After this Unix time it is worth nothing.
    #[n(2)]
    pub expires_ms: u64,
}

impl Signable for Invitation {
    const PURPOSE: &'static str = purpose::INVITATION;
}
