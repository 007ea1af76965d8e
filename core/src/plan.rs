//! The recovery plan: one document with sections, edited offline on several devices.

mod edit;
mod item;
mod order;
mod section;

pub(crate) use edit::ItemPatch;
pub use edit::{PlanEdit, PlanError};
pub use item::{ItemId, Plan, PlanItem, PlanLimits};
pub use order::{between, place};
pub use section::{SECTION_WORDS, SITUATION_WORDS, Section, built_in_strings};
