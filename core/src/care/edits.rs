//! Changes that a counsellor makes in a plan which the person lets them edit.
//!
//! The plan stays in the person's journal. A counsellor's device keeps what it changed in one record
//! of its own until the person's phone has taken it into the plan and says so with the plan's next
//! projection; then it takes the words back. Neither side sees what the other wrote and took away
//! again between two syncs.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::{CareLimits, RecordId, SharedPlan, plan};
use crate::journal::{Fields, Value};
use crate::plan::{ItemId, PlanEdit, PlanError, PlanLimits};

/// Changes of the plan that wait to be taken in, each numbered by its place.
#[derive(Clone, PartialEq, Encode, Decode)]
pub struct PlanEdits {
    /// The version of the plan that they were made in, as [`Editing::version`] named it.
    #[n(0)]
    pub base: ByteVec,
    /// The number of the first.
    #[n(1)]
    pub first: u64,
    /// The changes, in order; at most [`CareLimits::EDITS_MAX`].
    #[n(2)]
    pub edits: Vec<WrittenEdit>,
}

/// One change with the time at which it was made.
#[derive(Clone, PartialEq, Encode, Decode)]
pub struct WrittenEdit {
    /// The change. Positions count the items that the counsellor sees.
    #[n(0)]
    pub edit: PlanEdit,
    /// When it was made: Unix milliseconds by the counsellor's clock.
    #[n(1)]
    pub at_ms: i64,
}

/// What a plan that may be edited says of itself and of the counsellors' changes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Editing {
    /// A name for this version of the plan: sealed, for the person's own devices only.
    #[n(0)]
    pub version: ByteVec,
    /// Which changes were taken in.
    #[n(1)]
    pub taken: Vec<Taken>,
}

/// How far the changes of one record were looked at.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Taken {
    /// The record.
    #[n(0)]
    pub record: RecordId,
    /// The number of the last change that was looked at.
    #[n(1)]
    pub last: u64,
    /// Those of them that the plan does not take: what they change is not there any more.
    #[n(2)]
    pub refused: Vec<u64>,
}

impl PlanEdits {
    /// The number of the last change; the one before the first if there is none.
    #[must_use]
    pub fn last(&self) -> u64 {
        (self.first + self.edits.len() as u64).saturating_sub(1)
    }

    /// Adds a change. What is beyond `sent` has not left this device: of that only the outcome is
    /// kept, so that a text which was written and taken away again is never sent.
    #[must_use]
    pub fn with(mut self, written: WrittenEdit, sent: u64) -> Self {
        let fixed = (sent + 1).saturating_sub(self.first) as usize;
        let fixed = fixed.min(self.edits.len());
        let mut draft = self.edits.split_off(fixed);
        let id = item_of(&written.edit);
        let added = draft
            .iter()
            .position(|w| matches!(&w.edit, PlanEdit::Add { id: added, .. } if *added == id));
        match (&written.edit, added) {
            (PlanEdit::Remove { .. }, added) => {
                draft.retain(|w| item_of(&w.edit) != id);
                if added.is_none() {
                    draft.push(written);
                }
            }
            (PlanEdit::Edit { text, details, .. }, _) => {
                let same = draft
                    .iter_mut()
                    .rev()
                    .find(|w| item_of(&w.edit) == id && !matches!(w.edit, PlanEdit::Move { .. }));
                match same.map(|w| &mut w.edit) {
                    Some(PlanEdit::Add { text: old, details: fields, .. }) => {
                        text.iter().for_each(|text| old.clone_from(text));
                        crate::journal::apply(fields, details);
                    }
                    Some(PlanEdit::Edit { text: old, details: patch, .. }) => {
                        text.iter().for_each(|text| *old = Some(text.clone()));
                        patch.extend(details.clone());
                    }
                    _ => draft.push(written),
                }
            }
            _ => draft.push(written),
        }
        self.edits.append(&mut draft);
        self
    }

    pub(super) fn keeps_limits(&self) -> bool {
        self.base.len() <= CareLimits::EDITS_BASE_MAX_BYTES
            && self.edits.len() <= CareLimits::EDITS_MAX
            && self.first <= CareLimits::COUNTER_MAX
            && self.edits.iter().all(WrittenEdit::keeps_limits)
    }
}

impl WrittenEdit {
    fn keeps_limits(&self) -> bool {
        let fits = match &self.edit {
            PlanEdit::Add { section, text, details, .. } => {
                plan::is_section(section) && is_text(text) && is_details(details)
            }
            PlanEdit::Edit { text, details, .. } => {
                let set = |(name, value): (&String, &Option<Value>)| {
                    Some((name.clone(), value.clone().unwrap_or(Value::Bool(false))))
                };
                text.as_deref().is_none_or(is_text)
                    && is_details(&details.iter().filter_map(set).collect())
            }
            PlanEdit::Move { section, .. } => plan::is_section(section),
            PlanEdit::Remove { .. } => true,
            // What was archived is not shown to anybody else.
            PlanEdit::Restore { .. } => false,
        };
        fits && super::body_check::is_time(self.at_ms)
    }
}

impl SharedPlan {
    /// Checks a change against the plan.
    ///
    /// # Errors
    /// [`PlanError`] says why the plan does not take it.
    pub fn check(&self, edit: &PlanEdit) -> Result<(), PlanError> {
        edit.validate(&plan::as_plan(self))
    }

    /// The plan as it reads once these changes are taken in; those that it does not take are left
    /// out.
    #[must_use]
    pub fn with_edits<'a>(&self, edits: impl IntoIterator<Item = &'a PlanEdit>) -> Self {
        let mut plan = plan::as_plan(self);
        for edit in edits {
            if let Ok(edited) = plan.edited(edit) {
                plan = edited;
            }
        }
        plan::as_shared(&plan)
    }
}

/// Which item a change is of.
#[must_use]
pub const fn item_of(edit: &PlanEdit) -> ItemId {
    match edit {
        PlanEdit::Add { id, .. }
        | PlanEdit::Edit { id, .. }
        | PlanEdit::Move { id, .. }
        | PlanEdit::Remove { id }
        | PlanEdit::Restore { id } => *id,
    }
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= PlanLimits::TEXT_MAX_BYTES
}

fn is_details(details: &Fields) -> bool {
    let short =
        |value: &Value| super::body_check::size_bytes(value) <= PlanLimits::DETAIL_MAX_BYTES;
    plan::are_known_details(details) && details.values().all(short)
}

/// What people wrote never meets a log.
impl std::fmt::Debug for PlanEdits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanEdits").field("edits", &self.edits.len()).finish_non_exhaustive()
    }
}
