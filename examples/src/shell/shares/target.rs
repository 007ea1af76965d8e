//! What a comment is on, as a person names it.

use mainstay_core::care::{RecordId, SharedBody, SharedPlan, Target};
use mainstay_core::engine::Heard;
use mainstay_core::plan::ItemId;

use crate::shell::failure::Failure;

/// Fewer digits of an id could be a slip.
const MIN_DIGITS: usize = 4;

/// The record, the item of the shared plan, or the plan that this names; `None` if nothing here
/// does.
pub(crate) fn find(heard: &[Heard], text: &str) -> Result<Option<Target>, Failure> {
    let text = text.trim().to_ascii_lowercase();
    if text == "plan" {
        return Ok(Some(Target::Plan));
    }
    if text.len() < MIN_DIGITS {
        return Err(Failure::usage(
            "say what it is on: `plan`, or at least four digits of an id (0-9 and a-f)",
        ));
    }
    let said = |heard: &&Heard| !matches!(heard.record.body, SharedBody::Plan(_));
    let records = heard.iter().filter(said).map(|heard| heard.record.id);
    let records = records.filter(|id| id.to_string().starts_with(&text)).map(Target::Record);
    let items = plans(heard).flat_map(|plan| &plan.items).map(|item| item.id);
    let items = items.filter(|id| id.to_string().starts_with(&text)).map(Target::Item);
    let found: Vec<Target> = records.chain(items).collect();
    match found[..] {
        [] => Ok(None),
        [target] => Ok(Some(target)),
        _ => Err(ambiguous(&text)),
    }
}

/// The item of the shared plan that this names.
pub(crate) fn item(heard: &[Heard], text: &str) -> Result<ItemId, Failure> {
    let text = text.trim().to_ascii_lowercase();
    let items = plans(heard).flat_map(|plan| &plan.items).map(|item| item.id);
    one(items, &text, "item of the shared plan")
}

/// The proposal of the other side that this names.
pub(crate) fn proposal(heard: &[Heard], text: &str) -> Result<RecordId, Failure> {
    let text = text.trim().to_ascii_lowercase();
    let theirs = heard
        .iter()
        .filter(|heard| !heard.mine && matches!(heard.record.body, SharedBody::Proposal { .. }));
    one(theirs.map(|heard| heard.record.id), &text, "proposal")
}

fn one<Id: ToString>(ids: impl Iterator<Item = Id>, text: &str, what: &str) -> Result<Id, Failure> {
    let mut found = ids.filter(|id| !text.is_empty() && id.to_string().starts_with(text));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => Err(Failure::new(format!("there is no {what} {text:?}; look its id up"))),
        _ => Err(ambiguous(text)),
    }
}

fn plans(heard: &[Heard]) -> impl Iterator<Item = &SharedPlan> {
    heard.iter().filter_map(|heard| match &heard.record.body {
        SharedBody::Plan(plan) => Some(plan),
        _ => None,
    })
}

fn ambiguous(text: &str) -> Failure {
    Failure::new(format!("several ids begin with {text}; give more of it"))
}
