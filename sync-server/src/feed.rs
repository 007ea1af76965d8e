//! What the relay keeps, as a port: [`FeedStore`] speaks of spaces, items and heads, so that another
//! database can take the place of the embedded one without the rules in [`crate::relay`] noticing.
//!
//! Everything a request changes goes into one [`Change`] list and one [`FeedStore::commit`], which
//! is atomic and durable before it returns.

mod audit;
mod change;
mod embedded;
mod key;
mod row;
mod write;

pub use change::{Change, NewItem};
pub use embedded::EmbeddedFeedStore;
pub use row::{Covering, Dropped, ItemRow, MailboxRow, Part, SpaceRow};

use std::ops::ControlFlow;

use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{Head, SlotHead};
use mainstay_protocol::ids::{AuthorId, Incarnation, MailboxId, SlotId, SpaceId};
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::{Record, Wrap};
use mainstay_protocol::sign::Signed;
use mainstay_store::StoreError;

/// Why the relay's store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database holds something that this program did not write.
    #[error(
        "the relay's data are damaged: {what} cannot be read; move the data directory aside and \
         start again, the devices fill the relay by themselves"
    )]
    Damaged {
        /// What cannot be read.
        what: &'static str,
    },
}

/// How an envelope is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With its ciphertext.
    Whole,
    /// Without it. Kept for snapshots only.
    Stub,
}

/// The relay's store. Commits are atomic and durable; reads see every commit before them.
///
/// All methods fail with [`FeedError`] when the database cannot be read, or holds bytes that are no
/// row of it.
#[allow(clippy::missing_errors_doc, reason = "the same for all of them, stated above")]
pub trait FeedStore: Send + Sync {
    /// Which life of the store this is; none for an empty store.
    fn incarnation(&self) -> Result<Option<Incarnation>, FeedError>;
    /// How many spaces there are.
    fn count_spaces(&self) -> Result<u64, FeedError>;
    /// A space's counters; none for an unknown space.
    fn space(&self, space: &SpaceId) -> Result<Option<SpaceRow>, FeedError>;
    /// A space's roster, from the founding record on.
    fn records(&self, space: &SpaceId) -> Result<Vec<Signed<Record>>, FeedError>;
    /// How many bytes the records of a space's roster have together, without holding them.
    fn records_bytes(&self, space: &SpaceId) -> Result<usize, FeedError>;
    /// One wrap.
    fn wrap(&self, space: &SpaceId, to: &Signer, hash: &Hash) -> Result<Option<Wrap>, FeedError>;

    /// The feed's running hash after an item, however long that item is gone.
    fn running(&self, space: &SpaceId, number: u64) -> Result<Option<Hash>, FeedError>;
    /// The number of an envelope that is stored or retained.
    fn number_of(&self, space: &SpaceId, envelope: &Hash) -> Result<Option<u64>, FeedError>;
    /// The number of the stored or retained envelope at a place of a chain.
    fn number_at(
        &self,
        space: &SpaceId,
        slot: &SlotId,
        author: &AuthorId,
        seq: u64,
    ) -> Result<Option<u64>, FeedError>;
    /// An item that is stored or retained.
    fn item(&self, space: &SpaceId, number: u64) -> Result<Option<ItemRow>, FeedError>;
    /// An item's bytes; none once it was purged or destroyed.
    fn body(&self, space: &SpaceId, number: u64, form: Form) -> Result<Option<Vec<u8>>, FeedError>;
    /// Stored items with a higher number, in order.
    fn items_after(
        &self,
        space: &SpaceId,
        number: u64,
        visit: &mut dyn FnMut(ItemRow) -> ControlFlow<()>,
    ) -> Result<(), FeedError>;
    /// The numbers of a slot's stored items above `after`, in order.
    fn numbers_in_slot(
        &self,
        space: &SpaceId,
        slot: &SlotId,
        after: u64,
        visit: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(), FeedError>;
    /// The numbers of a chain's stored or retained envelopes, up to the one at `seq`, in order.
    fn numbers_in_chain(
        &self,
        space: &SpaceId,
        slot: &SlotId,
        author: &AuthorId,
        seq: u64,
        visit: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(), FeedError>;
    /// The slots that hold a stored item, sorted; at most `limit`.
    fn slots(&self, space: &SpaceId, limit: usize) -> Result<Vec<SlotId>, FeedError>;

    /// The end of a chain.
    fn head(
        &self,
        space: &SpaceId,
        slot: &SlotId,
        author: &AuthorId,
    ) -> Result<Option<Head>, FeedError>;
    /// The ends of all chains, sorted by slot and author.
    fn heads(&self, space: &SpaceId) -> Result<Vec<SlotHead>, FeedError>;
    /// Whether any chain has ever begun in a slot.
    fn slot_is_known(&self, space: &SpaceId, slot: &SlotId) -> Result<bool, FeedError>;
    /// Complete snapshots whose covered items have not all been dropped yet.
    fn coverings(&self, space: &SpaceId) -> Result<Vec<Covering>, FeedError>;
    /// Items that were dropped before or at `before_ms`, oldest first, at most `limit`.
    fn dropped_before(
        &self,
        before_ms: u64,
        limit: usize,
    ) -> Result<Vec<(SpaceId, u64)>, FeedError>;

    /// Spaces with a held snapshot whose delay ended at or before `now_ms`, at most `limit`.
    fn held_before(&self, now_ms: u64, limit: usize) -> Result<Vec<SpaceId>, FeedError>;

    /// An author's receipt and its stamp.
    fn receipt(
        &self,
        space: &SpaceId,
        author: &AuthorId,
    ) -> Result<Option<(u64, Signed<Receipt>)>, FeedError>;

    /// A mailbox, expired or not.
    fn mailbox(&self, mailbox: &MailboxId) -> Result<Option<MailboxRow>, FeedError>;
    /// The letter at a place of a mailbox.
    fn letter(&self, mailbox: &MailboxId, place: u32) -> Result<Option<Letter>, FeedError>;
    /// Mailboxes that expired at or before `now_ms`, at most `limit`.
    fn expired_mailboxes(
        &self,
        now_ms: u64,
        limit: usize,
    ) -> Result<Vec<(MailboxId, MailboxRow)>, FeedError>;

    /// Whether an invitation was used.
    fn invitation_is_used(&self, nonce: &[u8; 16]) -> Result<bool, FeedError>;
    /// Used invitations that expired at or before `now_ms`, at most `limit`.
    fn expired_invitations(&self, now_ms: u64, limit: usize) -> Result<Vec<[u8; 16]>, FeedError>;

    /// A value that the operator's side keeps, to find out that the store was replaced.
    fn witness(&self) -> Result<Option<[u8; 16]>, FeedError>;

    /// Applies all changes, or none. Durable when it returns.
    fn commit(&self, changes: &[Change]) -> Result<(), FeedError>;
}
