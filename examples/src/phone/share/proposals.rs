//! What the other side proposes for the plan.

use mainstay_core::care::{RecordId, SharedBody};
use mainstay_core::engine::{Engine, Heard, ShareInfo};
use mainstay_core::journal::Patch;
use mainstay_core::plan::{ItemId, PlanEdit};
use serde_json::json;

use super::args::ProposalArgs;
use super::find;
use crate::shell::at::Clock;
use crate::shell::failure::Failure;
use crate::shell::output::Output;
use crate::shell::shares::{said, target};

pub(super) async fn accept(
    engine: &Engine,
    out: &Output,
    args: ProposalArgs,
) -> Result<(), Failure> {
    let (info, heard, proposal) = open(engine, out, &args).await?;
    let edits = edits(engine, &heard, proposal).await?;
    let mut item = None;
    for edit in edits {
        item = id_of(&edit).or(item);
        engine.edit_plan(edit).await?;
    }
    decide(engine, &info, proposal, true).await?;
    let json = json!({
        "share": info.id.to_hex(),
        "proposal": proposal.to_string(),
        "accepted": true,
        "item": item.map(|id| id.to_string()),
    });
    out.say(json, || format!("It is in the plan. {} hears with the next sync.", info.peer))
}

pub(super) async fn decline(
    engine: &Engine,
    out: &Output,
    args: ProposalArgs,
) -> Result<(), Failure> {
    let (info, _, proposal) = open(engine, out, &args).await?;
    decide(engine, &info, proposal, false).await?;
    let json = json!({
        "share": info.id.to_hex(),
        "proposal": proposal.to_string(),
        "accepted": false,
    });
    out.say(json, || format!("The plan stays as it is. {} hears with the next sync.", info.peer))
}

/// A proposal about which nothing was decided.
async fn open(
    engine: &Engine,
    out: &Output,
    args: &ProposalArgs,
) -> Result<(ShareInfo, Vec<Heard>, RecordId), Failure> {
    let info = find(engine, out, &args.share).await?;
    let heard = engine.share_records(info.id).await?;
    let proposal = target::proposal(&heard, &args.proposal)?;
    match said::decided(&heard, proposal) {
        None => Ok((info, heard, proposal)),
        Some(_) => Err(Failure::new(
            "you have decided about this proposal already; the plan can be changed with `phone plan`",
        )),
    }
}

async fn decide(
    engine: &Engine,
    info: &ShareInfo,
    proposal: RecordId,
    accepted: bool,
) -> Result<(), Failure> {
    let at_ms = Clock::new(None)?.now_ms();
    engine.share_say(info.id, SharedBody::Decision { proposal, accepted, at_ms }).await?;
    Ok(())
}

async fn edits(
    engine: &Engine,
    heard: &[Heard],
    proposal: RecordId,
) -> Result<Vec<PlanEdit>, Failure> {
    let body = heard.iter().find(|heard| heard.record.id == proposal).map(|h| &h.record.body);
    let Some(SharedBody::Proposal { section, item, text, details, .. }) = body else {
        return Err(Failure::new("the proposal was taken back; nothing was changed"));
    };
    let (section, text, details) = (section.clone(), text.clone(), details.clone());
    let Some(id) = *item else {
        let id = engine.new_item_id().await?;
        return Ok(vec![PlanEdit::Add { id, section, text, details, position: None }]);
    };
    let plan = engine.plan().await?;
    let Some(item) = plan.item(id).filter(|item| item.archived_at_ms.is_none()) else {
        return Err(Failure::new(
            "the item that this would change is no longer on the plan; decline it, or add it by \
             hand with `phone plan add`",
        ));
    };
    let details: Patch = details.into_iter().map(|(name, value)| (name, Some(value))).collect();
    let mut edits = vec![PlanEdit::Edit { id, text: Some(text), details }];
    if item.section != section {
        let position = plan.section(&section).len();
        edits.push(PlanEdit::Move { id, section, position });
    }
    Ok(edits)
}

const fn id_of(edit: &PlanEdit) -> Option<ItemId> {
    match edit {
        PlanEdit::Add { id, .. } | PlanEdit::Edit { id, .. } | PlanEdit::Move { id, .. } => {
            Some(*id)
        }
        _ => None,
    }
}
