//! What a commit can change.

use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::SlotHead;
use mainstay_protocol::ids::{AuthorId, Incarnation, MailboxId, SpaceId};
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::{Record, Wrap};
use mainstay_protocol::sign::Signed;

use crate::feed::row::{Covering, Dropped, ItemRow, MailboxRow, SpaceRow};

/// One change.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Change {
    /// Names this life of the store.
    Incarnation(Incarnation),
    /// Sets the value of [`super::FeedStore::witness`].
    Witness([u8; 16]),
    /// Sets a space's counters, and makes it known.
    Space(SpaceId, SpaceRow),
    /// Adds the roster record with this number.
    Record(SpaceId, u32, Signed<Record>),
    /// Takes out the roster record with this number.
    DropRecord(SpaceId, u32),
    /// Adds a wrap, under the hash by which a record names it.
    Wrap(SpaceId, Hash, Wrap),
    /// Takes out a wrap.
    DropWrap(SpaceId, Signer, Hash),
    /// Adds an item.
    Item(Box<NewItem>),
    /// Sets the end of a chain.
    Head(SpaceId, SlotHead),
    /// Notes that a snapshot is complete.
    Covering(SpaceId, Covering),
    /// Notes that everything a snapshot covers was dropped, or that nothing of it will be.
    Covered(SpaceId, Covering),
    /// Takes an item out of the feed. It stays retrievable by number unless it is destroyed.
    Drop(SpaceId, ItemRow, Dropped),
    /// Forgets a dropped item.
    Purge(SpaceId, ItemRow),
    /// Sets an author's receipt, with its stamp.
    Receipt(SpaceId, AuthorId, u64, Signed<Receipt>),
    /// Notes that an invitation was used, and until when that must be known.
    UseInvitation([u8; 16], u64),
    /// Forgets a used invitation.
    ForgetInvitation([u8; 16]),
    /// Sets a mailbox.
    Mailbox(MailboxId, MailboxRow),
    /// Adds the letter at this place.
    Letter(MailboxId, u32, Letter),
    /// Takes out a mailbox with all its letters.
    DropMailbox(MailboxId, MailboxRow),
}

/// See [`Change::Item`].
#[derive(Clone)]
pub struct NewItem {
    /// The space.
    pub space: SpaceId,
    /// What is kept about it.
    pub row: ItemRow,
    /// The feed's running hash after it.
    pub running: Hash,
    /// The envelope's bytes, as they came.
    pub whole: Vec<u8>,
    /// The stub's bytes; for snapshots only.
    pub stub: Option<Vec<u8>>,
}

impl std::fmt::Debug for NewItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewItem({})", self.row.number)
    }
}
