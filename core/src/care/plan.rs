//! What of the plan somebody else may see.

use minicbor::{Decode, Encode};

use super::{CareLimits, Class, Consent, Editing};
use crate::journal::{Codes, Fields, Limits, Value};
use crate::plan::{ItemId, Plan, PlanItem, PlanLimits, Section};

/// The details that items of the built-in sections have. Others, which a newer version may have
/// brought, do not leave.
const DETAILS: [&str; 12] = [
    "about",
    "baseline",
    "goal",
    "if",
    "mine",
    "reach",
    "role",
    "situation",
    "stage",
    "steps",
    "then",
    "when",
];

/// The plan as somebody else sees it.
///
/// Items stand in the order of the plan. The texts by which devices order items do not leave: they
/// tell how the list came about.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct SharedPlan {
    /// The items in use, section by section; at most [`PlanLimits::ITEMS_MAX`].
    #[n(0)]
    pub items: Vec<SharedItem>,
    /// Where the consent lets the counsellor edit it: what an edit refers to, and which were taken
    /// in. No part of a preview.
    #[n(1)]
    pub editing: Option<Editing>,
}

/// An item of the plan as somebody else sees it.
#[derive(Clone, PartialEq, Encode, Decode)]
pub struct SharedItem {
    /// Its name in the plan: random, and linked to nothing else. Proposals and comments name it.
    #[n(0)]
    pub id: ItemId,
    /// The section it stands in.
    #[n(1)]
    pub section: Section,
    /// What it says.
    #[n(2)]
    pub text: String,
    /// Its details, those of the built-in sections.
    #[n(3)]
    pub details: Fields,
}

/// What a person wrote never meets a log.
impl std::fmt::Debug for SharedItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedItem").finish_non_exhaustive()
    }
}

/// What of the plan may be seen under a consent at a Unix time (milliseconds): items in use, those
/// within their limits. `None` if the consent does not cover the plan, or is over. The delay is one
/// of entries; a plan has no time at which it was written.
#[must_use]
pub fn project_plan(plan: &Plan, consent: &Consent, now_ms: i64) -> Option<SharedPlan> {
    if consent.is_over(now_ms) || !consent.covers(Class::Plan) {
        return None;
    }
    Some(as_shared(plan))
}

/// The items in use, those within their limits.
pub(super) fn as_shared(plan: &Plan) -> SharedPlan {
    let items = plan.items.values().flatten().filter(|item| item.archived_at_ms.is_none());
    let items = items.map(shared).filter(SharedItem::keeps_limits).take(PlanLimits::ITEMS_MAX);
    SharedPlan { items: items.collect(), editing: None }
}

impl From<&SharedPlan> for Plan {
    /// A shared plan as one that changes are made for: its items in their order.
    fn from(shared: &SharedPlan) -> Self {
        as_plan(shared)
    }
}

/// A shared plan as one that can be edited: its items in their order.
pub(super) fn as_plan(shared: &SharedPlan) -> Plan {
    let mut order = String::new();
    let items = shared.items.iter().map(|item| {
        order = crate::plan::between(
            Some(&order).filter(|order| !order.is_empty()).map(|o| &**o),
            None,
        );
        PlanItem {
            id: item.id,
            section: item.section.clone(),
            text: item.text.clone(),
            details: item.details.clone(),
            order: order.clone(),
            archived_at_ms: None,
        }
    });
    Plan::from_items(items.collect::<Vec<_>>())
}

pub(super) fn are_known_details(details: &Fields) -> bool {
    details.keys().all(|name| DETAILS.contains(&name.as_str()))
        && details.len() <= PlanLimits::DETAILS_MAX
}

fn shared(item: &PlanItem) -> SharedItem {
    let known = |(name, value): (&String, &Value)| {
        DETAILS.contains(&name.as_str()).then(|| (name.clone(), value.clone()))
    };
    SharedItem {
        id: item.id,
        section: item.section.clone(),
        text: item.text.clone(),
        details: item.details.iter().filter_map(known).collect(),
    }
}

impl SharedItem {
    fn keeps_limits(&self) -> bool {
        is_section(&self.section) && is_item(&self.text, &self.details)
    }
}

impl SharedPlan {
    pub(super) fn keeps_limits(&self) -> bool {
        let named = self.editing.as_ref().is_none_or(|editing| {
            editing.version.len() <= CareLimits::EDITS_BASE_MAX_BYTES
                && editing.taken.iter().all(|t| t.refused.len() <= CareLimits::EDITS_MAX)
        });
        named
            && self.items.len() <= PlanLimits::ITEMS_MAX
            && self.items.iter().all(SharedItem::keeps_limits)
    }
}

pub(super) fn is_section(section: &Section) -> bool {
    (1..=Limits::SHORT_MAX_BYTES).contains(&section.code().len())
}

/// Whether a text and details may be those of an item. Devices that change one text at the same
/// time may add up, hence [`CareLimits::VALUE_MAX_BYTES`].
pub(super) fn is_item(text: &str, details: &Fields) -> bool {
    text.len() <= CareLimits::VALUE_MAX_BYTES
        && details.len() <= PlanLimits::DETAILS_MAX
        && details.iter().all(|(name, value)| super::body_check::is_field(name, value))
}
