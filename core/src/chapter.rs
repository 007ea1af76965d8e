//! Chapters: what a month's documents look like on the wire and at rest, and when a month is packed.
//!
//! A chapter is the unit of compaction, restore and forgetting. Its documents travel one change at
//! a time while the month is lively ([`Payload::Changes`]), and as one [`Bundle`] once it is quiet.
//! Beside the bundle lies the [`Page`]: the same entries as decoded rows, so that a timeline can be
//! read without Automerge, and a new phone can show it before the documents have come.

mod bundle;
mod pack;
mod payload;
mod policy;

pub use crate::space::slot::SlotName;
pub use bundle::{Bundle, BundledDoc, PROJECTION, Page};
pub use pack::{PackError, pack, unpack};
pub use payload::{EntryChange, Payload};
pub use policy::{LOOSE_LIMIT, QUIET_MS, SlotCondition, is_due};

/// The chapter that a slot belongs to; none for the plan and for a share's records.
pub fn month_of(name: &SlotName) -> Option<crate::journal::Month> {
    match name {
        SlotName::Plan | SlotName::Record(_) => None,
        SlotName::Chapter(index) | SlotName::Page(index) => {
            Some(crate::journal::Month::from_index(*index))
        }
    }
}
