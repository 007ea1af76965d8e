//! Short messages between two devices that do not share a space yet.
//!
//! A mailbox's id is derived from a one-time secret that the two exchange out of band; its messages
//! are sealed under that secret. The relay sees two addresses and a few padded messages.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

/// One message. Messages are only ever added, each at most
/// [`crate::limits::MAX_MAILBOX_MESSAGE_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Letter {
    /// Sealed under the mailbox's secret.
    #[n(0)]
    pub sealed: ByteVec,
}
