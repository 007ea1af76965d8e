//! The recovery plan.

use std::collections::BTreeMap;

use super::open::{PLAN, PLAN_PENDING, meta};
use super::{Conflict, Replica};
use crate::document::Heads;
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::plan::{ItemId, Plan, PlanEdit};

/// The plan, with what else it could say.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownPlan {
    /// The plan.
    pub plan: Plan,
    /// Values that lost to those shown, by item and field (`text`, `section`, or a detail's name).
    /// Each can still be chosen: a section by [`PlanEdit::Move`], all else by [`PlanEdit::Edit`].
    pub conflicts: BTreeMap<ItemId, Conflict>,
}

impl Replica {
    /// The plan as it stands.
    pub fn plan(&self) -> Plan {
        self.plan.plan()
    }

    /// The plan with what else it could say.
    pub fn show_plan(&self) -> ShownPlan {
        ShownPlan { plan: self.plan.plan(), conflicts: self.plan.conflicts() }
    }

    /// A new item's id.
    pub fn new_item_id(&mut self) -> ItemId {
        ItemId::make(&mut *self.rng)
    }

    /// Changes the plan. Durable on return.
    ///
    /// # Errors
    /// [`EngineError::Plan`] when the plan does not take the change.
    pub fn edit_plan(&mut self, edit: &PlanEdit, now_ms: i64) -> Result<(), EngineError> {
        edit.validate(&self.plan.plan())?;
        let (before, actor) = (self.plan.heads(), self.bytes16());
        let mut plan = self.plan.clone();
        plan.edit(edit, actor, now_ms)?;
        let mut tx = self.tx();
        tx.put_bytes(&meta(&self.vault, PLAN), &plan.save())?;
        self.mark_plan_pending(&mut tx, &before)?;
        tx.commit(&mut *self.rng)?;
        self.plan = plan;
        self.revision += 1;
        Ok(())
    }

    /// Whether something beside the plan waits to be sent: what shares brought.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn keys_wait(&self) -> Result<bool, EngineError> {
        Ok(self.plan_pending(&self.tx())?.is_some())
    }

    pub(super) fn mark_plan_pending(&self, tx: &mut Tx, sent: &Heads) -> Result<(), EngineError> {
        let key = meta(&self.vault, PLAN_PENDING);
        match tx.has(&key)? {
            true => Ok(()),
            false => tx.put(&key, sent),
        }
    }

    /// Remembers that nobody has the plan's changes beyond `sent`; of two different grounds neither is safe.
    pub(super) fn mark_plan_again(&self, tx: &mut Tx, sent: Heads) -> Result<(), EngineError> {
        let waits = self.plan_pending(tx)?.filter(|pending| *pending != sent);
        let sent = if waits.is_some() { Heads::default() } else { sent };
        tx.put(&meta(&self.vault, PLAN_PENDING), &sent)
    }

    /// What envelopes hold of the plan, if it has changes beyond that.
    pub(super) fn plan_pending(&self, tx: &Tx) -> Result<Option<Heads>, EngineError> {
        tx.get(&meta(&self.vault, PLAN_PENDING))
    }

    pub(super) fn clear_plan_pending(&self, tx: &mut Tx) -> Result<(), EngineError> {
        tx.delete(&meta(&self.vault, PLAN_PENDING))
    }

    pub(super) fn put_plan(&self, tx: &mut Tx) -> Result<(), EngineError> {
        tx.put_bytes(&meta(&self.vault, PLAN), &self.plan.save())
    }
}
