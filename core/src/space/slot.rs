//! The opaque names that chapters, pages, the plan and shared records have on the relay.

use mainstay_protocol::codec;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::AuthorHead;
use mainstay_protocol::ids::SlotId;
use minicbor::{Decode, Encode};

use super::epoch::SpaceKey;
use super::kdf::{self, label};

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum SlotName {
    /// The plan.
    #[n(0)]
    Plan,
    /// The entries of a month (its number, as the chapter floor counts months).
    #[n(1)]
    Chapter(#[n(0)] u16),
    /// The read model of a month.
    #[n(2)]
    Page(#[n(0)] u16),
    /// A record of a share, by its id there. Never in a private space.
    #[n(3)]
    Record(
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        [u8; 16],
    ),
}

impl SpaceKey {
    /// The slot's name on the relay: every member finds it, and the relay learns neither what it
    /// holds nor which month it is.
    pub fn slot(&self, name: SlotName) -> SlotId {
        let month: [u8; 2];
        let parts: [&[u8]; 2] = match &name {
            SlotName::Plan => [b"plan", &[0, 0]],
            SlotName::Chapter(index) => {
                month = index.to_be_bytes();
                [b"chapter", &month]
            }
            SlotName::Page(index) => {
                month = index.to_be_bytes();
                [b"page", &month]
            }
            SlotName::Record(id) => [b"record", id],
        };
        SlotId(kdf::prf(self.bytes(), label::SLOT, &parts))
    }

    /// What a snapshot's header says of its documents: every member who has the same ones finds the same. It
    /// is bound to what the snapshot covers, so that a relay does not see that two hold the same.
    pub fn contents(&self, slot: &SlotId, covers: &[AuthorHead], documents: &[u8]) -> Hash {
        let covers = codec::encode(&covers.to_vec());
        let parts = [slot.as_bytes(), &covers[..], documents];
        Hash(kdf::prf(self.bytes(), label::CONTENTS, &parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_its_own_name_and_keeps_it() {
        let (one, two) = (SpaceKey::from_bytes([1; 32]), SpaceKey::from_bytes([2; 32]));
        let mut names = std::collections::BTreeSet::from([one.slot(SlotName::Plan)]);
        for month in 0..1200 {
            assert!(names.insert(one.slot(SlotName::Chapter(month))));
            assert!(names.insert(one.slot(SlotName::Page(month))));
            let mut record = [0; 16];
            record[14..].copy_from_slice(&month.to_be_bytes());
            assert!(names.insert(one.slot(SlotName::Record(record))));
        }
        assert_eq!(one.slot(SlotName::Plan), one.slot(SlotName::Plan));
        assert!(!names.contains(&two.slot(SlotName::Plan)));
        assert!(!names.contains(&two.slot(SlotName::Chapter(3))));
    }
}
