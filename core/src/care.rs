//! What a person shares, with whom, and in what detail: consents, and the one function that decides.
//!
//! Three rules hold this floor together:
//!
//! * [`project`] (and [`project_plan`] for the plan) decides alone what of a journal somebody else
//!   may see. The preview a person is shown and the payload that is sent are its result, so they
//!   cannot differ. It has no clock, no randomness and no I/O.
//! * What is not named is not shared. A kind of entry or a field that this version does not know is
//!   never covered, so that no consent grows by an update.
//! * What comes from another member is plain data. It is bounded and checked when it is read; a
//!   text is shown as it is, is never a command or markup, and no address in it is ever fetched.
//!
//! A [`Consent`] is what the person agreed to. What its fields are for comes from 42 CFR 2.31 (the
//! elements of a written consent), ISO/IEC TS 27560 (consent records) and articles 7 and 9 of the
//! GDPR. What is shared travels as [`SharedRecord`]s: registers of values, without any history.

mod body;
mod body_check;
mod class;
mod consent;
mod consent_cbor;
mod edits;
mod json;
mod known;
mod limits;
mod narrow;
mod parts;
mod plan;
mod project;
mod record;
mod scope;
mod scope_text;
pub mod words;

#[cfg(test)]
mod tests;

pub use body::{SharedBody, Target, may_write};
pub use body_check::InvalidRecord;
pub use class::{Class, Detail, PlanDetail};
pub use consent::Consent;
pub use consent_cbor::{ConsentError, InvalidConsent};
pub use edits::{Editing, PlanEdits, Taken, WrittenEdit, item_of};
pub use json::to_json;
pub use limits::CareLimits;
pub use mainstay_protocol::roster::Role;
pub use narrow::meet;
pub use parts::{Event, Notice, Onward, Recipient, Verified};
pub use plan::{SharedItem, SharedPlan, project_plan};
pub use project::{Choice, SharedEntry, due_ms, project};
pub use record::{RecordError, RecordId, SharedRecord};
pub use scope::{ClassScope, Scope};
pub use scope_text::ScopeError;
