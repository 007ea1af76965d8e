//! What an envelope holds once it is opened.

use mainstay_protocol::limits::MAX_PAYLOAD_BYTES;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::pack::{PackError, pack, unpack};
use crate::journal::EntryId;
use crate::space::slot::SlotName;

/// What a payload may grow to when it is unpacked. Text compresses at most about tenfold; a
/// payload that claims more is hostile.
const MAX_UNPACKED_BYTES: usize = 16 * MAX_PAYLOAD_BYTES;

/// The content of one envelope, with the slot it was made for: the slot is sealed too, so that
/// nobody can tell a person's device that March's entries are April's.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Payload {
    /// Changes to entries of a chapter.
    #[n(0)]
    Changes {
        /// Where they belong.
        #[n(0)]
        slot: SlotName,
        /// The changes, at most one item per entry.
        #[n(1)]
        changes: Vec<EntryChange>,
    },
    /// Changes to the plan.
    #[n(1)]
    Plan {
        /// In the form of the plan document's `changes_since`.
        #[n(0)]
        changes: ByteVec,
    },
    /// A part of a packed snapshot: a [`super::Bundle`], a [`super::Page`] or the plan's document.
    #[n(2)]
    Part {
        /// Where it belongs.
        #[n(0)]
        slot: SlotName,
        /// Its bytes.
        #[n(1)]
        bytes: ByteVec,
    },
}

/// New changes of one entry's document.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct EntryChange {
    /// Which entry.
    #[n(0)]
    pub entry: [u8; 16],
    /// In the form of the entry document's `changes_since`.
    #[n(1)]
    pub changes: ByteVec,
}

impl EntryChange {
    /// Which entry.
    pub fn id(&self) -> EntryId {
        EntryId::from_bytes(self.entry)
    }
}

impl Payload {
    /// Where it belongs.
    pub fn slot(&self) -> SlotName {
        match self {
            Self::Changes { slot, .. } | Self::Part { slot, .. } => *slot,
            Self::Plan { .. } => SlotName::Plan,
        }
    }

    /// The bytes to seal.
    pub fn to_bytes(&self) -> Vec<u8> {
        pack(self)
    }

    /// Reads what [`Payload::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PackError> {
        unpack(bytes, MAX_UNPACKED_BYTES)
    }
}
