//! What this device's store holds of one share.

use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::{AuthorId, SpaceId, StoreInstance};
use mainstay_protocol::roster::{Record, Wrap};
use mainstay_protocol::sign::Signed;
use minicbor::{Decode, Encode};

use super::editing::EditsPlace;
use super::{Replica, Share};
use crate::engine::error::EngineError;
use crate::engine::replica::records::{RelayView, Tally};
use crate::engine::tx::Tx;
use crate::engine::vault::{Key, Table};

/// What a device knows of a share, its keys excepted: those are in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct ShareView {
    /// The list of members.
    #[n(0)]
    pub(super) records: Vec<Signed<Record>>,
    /// Wraps that this device made, for a relay that lost them.
    #[n(1)]
    pub(super) wraps: Vec<Wrap>,
    /// Under which of its keys this device takes part.
    #[n(2)]
    pub(super) generation: u32,
    #[n(3)]
    pub(super) relay: RelayView,
    #[n(4)]
    pub(super) tally: Tally,
    /// Under which consent and choices everything was last compared with what was said.
    #[n(5)]
    pub(super) compared: Option<[u8; 32]>,
    /// What each other device stated last.
    #[n(6)]
    pub(super) stated: Vec<Stated>,
    /// Where counsellors' changes of the plan wait to be taken in.
    #[n(7)]
    #[cbor(default)]
    pub(super) edits: Vec<EditsPlace>,
}

/// What another member's device stated to hold.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Stated {
    #[n(0)]
    pub(super) author: AuthorId,
    #[n(1)]
    pub(super) counter: u64,
    #[n(2)]
    pub(super) digest: HeadsDigest,
}

impl ShareView {
    pub(super) fn new(relay: &str, instance: [u8; 16]) -> Self {
        Self {
            records: Vec::new(),
            wraps: Vec::new(),
            generation: 0,
            relay: RelayView::new(relay.to_owned()),
            tally: Tally {
                counter: 0,
                instance: StoreInstance(instance),
                digest: HeadsDigest::EMPTY,
                recent: Vec::new(),
                owed: true,
            },
            compared: None,
            stated: Vec::new(),
            edits: Vec::new(),
        }
    }
}

impl Replica {
    fn view_key(&self, share: &SpaceId) -> Key {
        self.vault.key(Table::Share, &[share.as_bytes()])
    }

    pub(super) fn share_view(&self, share: &SpaceId) -> Result<Option<ShareView>, EngineError> {
        self.tx().get(&self.view_key(share))
    }

    /// Writes what is known of a share with a transaction.
    pub(super) fn put_share(&self, tx: &mut Tx, share: &mut Share) -> Result<(), EngineError> {
        share.view.records = share.roster.records_after(None);
        tx.put(&self.view_key(&share.id), &share.view)
    }

    pub(super) fn put_view(
        &self,
        tx: &mut Tx,
        share: &SpaceId,
        view: &ShareView,
    ) -> Result<(), EngineError> {
        tx.put(&self.view_key(share), view)
    }
}
