//! Where each author's chain in each slot stands.

use minicbor::{Decode, Encode};

use crate::hash::{Hash, label};
use crate::ids::{AuthorId, SlotId};

/// The end of one author's chain in one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Head {
    /// The sequence number of the last envelope; the first is 1.
    #[n(0)]
    pub seq: u64,
    /// The last envelope's hash.
    #[n(1)]
    pub hash: Hash,
}

/// An author's head in a slot that the context names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct AuthorHead {
    /// Whose chain.
    #[n(0)]
    pub author: AuthorId,
    /// Its end.
    #[n(1)]
    pub head: Head,
}

/// An author's head in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct SlotHead {
    /// Which slot.
    #[n(0)]
    pub slot: SlotId,
    /// Whose chain.
    #[n(1)]
    pub author: AuthorId,
    /// Its end.
    #[n(2)]
    pub head: Head,
}

/// A digest of a set of heads that can be kept up to date one head at a time: the exclusive-or of a
/// hash of each. It tells honest devices whether they hold the same; each copy of it is signed by
/// the device that states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct HeadsDigest(#[n(0)] pub Hash);

impl HeadsDigest {
    /// The digest of no heads at all.
    pub const EMPTY: Self = Self(Hash([0; 32]));

    /// Adds a head, or takes out one that was added.
    pub fn toggle(&mut self, head: &SlotHead) {
        let parts: [&[u8]; 4] = [
            head.slot.as_bytes(),
            head.author.as_bytes(),
            &head.head.seq.to_be_bytes(),
            head.head.hash.as_bytes(),
        ];
        let term = Hash::of(label::HEADS, &parts);
        self.0.0.iter_mut().zip(term.0).for_each(|(sum, byte)| *sum ^= byte);
    }

    /// What lies between two sets: the digest of the heads that are in one of them only.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut difference = *self;
        difference.0.0.iter_mut().zip(other.0.0).for_each(|(sum, byte)| *sum ^= byte);
        difference
    }

    /// The digest of these heads.
    pub fn of<'a>(heads: impl IntoIterator<Item = &'a SlotHead>) -> Self {
        let mut digest = Self::EMPTY;
        heads.into_iter().for_each(|head| digest.toggle(head));
        digest
    }
}
