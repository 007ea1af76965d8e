//! What a device states that it has durably applied.

use minicbor::{Decode, Encode};

use crate::hash::Hash;
use crate::heads::{HeadsDigest, SlotHead};
use crate::ids::{AuthorId, Incarnation, SpaceId, StoreInstance};
use crate::sign::{Signable, purpose};

/// One register per device and space, overwritten by that device's next one.
///
/// It is of bounded size however long the history: the heads that changed last are named, all the
/// others are in the digest. A receipt of a removed device, of an earlier store instance or of
/// another incarnation of the relay says nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Receipt {
    /// [`crate::FORMAT_VERSION`].
    #[n(0)]
    pub version: u8,
    /// Which space.
    #[n(1)]
    pub space: SpaceId,
    /// Who states it.
    #[n(2)]
    pub author: AuthorId,
    /// Grows by one with each receipt of this author, so that an old one cannot come back.
    #[n(3)]
    pub counter: u64,
    /// Which life of the device's store.
    #[n(4)]
    pub instance: StoreInstance,
    /// Which life of the relay's store the device was talking to.
    #[n(5)]
    pub incarnation: Incarnation,
    /// The roster head that the device has accepted.
    #[n(6)]
    pub roster_head: Hash,
    /// A digest over every head that the device holds.
    #[n(7)]
    pub digest: HeadsDigest,
    /// The heads that changed last, at most [`crate::limits::MAX_RECEIPT_HEADS`], newest first.
    #[n(8)]
    pub recent: Vec<SlotHead>,
}

impl Signable for Receipt {
    const PURPOSE: &'static str = purpose::RECEIPT;
}
