//! The opaque names that chapters, pages and the plan have on the relay.

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
}

impl SpaceKey {
    /// The slot's name on the relay: every member finds it, and the relay learns neither what it
    /// holds nor which month it is.
    pub fn slot(&self, name: SlotName) -> SlotId {
        let (kind, month): (&[u8], u16) = match name {
            SlotName::Plan => (b"plan", 0),
            SlotName::Chapter(month) => (b"chapter", month),
            SlotName::Page(month) => (b"page", month),
        };
        SlotId(kdf::prf(self.bytes(), label::SLOT, &[kind, &month.to_be_bytes()]))
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
        }
        assert_eq!(one.slot(SlotName::Plan), one.slot(SlotName::Plan));
        assert!(!names.contains(&two.slot(SlotName::Plan)));
        assert!(!names.contains(&two.slot(SlotName::Chapter(3))));
    }
}
