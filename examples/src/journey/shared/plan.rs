//! Person and counsellor change the plan at the same time.

use mainstay_core::engine::Engine;
use mainstay_core::journal::{Fields, Patch};
use mainstay_core::plan::{PlanEdit, Section};

use super::talk::in_turns;
use super::{CLIENT, COUNSELLOR, find, preview, seen};
use crate::journey::Stopped;
use crate::journey::report::Report;

const BY_PERSON: &str = "Put the phone in the kitchen at ten";
const BY_COUNSELLOR: &str = "Ask Jonas to walk along on Fridays";
const FIRST: &str = "Walk round the lake";
const AT_ONCE: [&str; 2] = ["Walk round the lake before supper", "Walk round the lake with Jonas"];

pub(in crate::journey) async fn both_edit_the_plan(
    phone: &Engine,
    counsellor: &Engine,
    report: &mut Report,
) -> Result<(), Stopped> {
    report.begin("Both edit the plan at once, without a network");
    let there = find(counsellor, CLIENT).await?;
    let first = phone.new_item_id().await?;
    phone.edit_plan(add(first, FIRST)).await?;
    in_turns(&[phone, counsellor], report).await?;

    phone.edit_plan(add(phone.new_item_id().await?, BY_PERSON)).await?;
    counsellor
        .share_edit_plan(there.id, add(counsellor.new_item_id().await?, BY_COUNSELLOR))
        .await?;
    let [mine, theirs] = AT_ONCE.map(|text| PlanEdit::Edit {
        id: first,
        text: Some(text.to_owned()),
        details: Patch::new(),
    });
    phone.edit_plan(mine).await?;
    counsellor.share_edit_plan(there.id, theirs).await?;
    in_turns(&[counsellor, phone, counsellor, phone, counsellor], report).await?;

    let shown = phone.show_plan().await?;
    let texts: Vec<&str> =
        shown.plan.items.values().flatten().map(|item| item.text.as_str()).collect();
    report.check(
        "what either side added is in the plan",
        texts.contains(&BY_PERSON) && texts.contains(&BY_COUNSELLOR),
    );
    let lost = shown.conflicts.get(&first).and_then(|fields| fields.get("text"));
    let lost = lost.and_then(|values| values.first()).and_then(|value| value.as_str());
    let won = shown.plan.item(first).map(|item| item.text.as_str());
    let both = AT_ONCE.iter().all(|text| won == Some(*text) || lost == Some(*text));
    report.check("of the line that both changed, the losing text is offered to the person", both);
    let view = counsellor.share_plan(there.id).await?;
    report.check(
        "the counsellor sees the same plan, and nothing waits",
        view.is_some_and(|view| view.waiting == 0)
            && seen(counsellor, CLIENT).await? == preview(phone, COUNSELLOR).await?,
    );
    Ok(())
}

fn add(id: mainstay_core::plan::ItemId, text: &str) -> PlanEdit {
    PlanEdit::Add {
        id,
        section: Section::CopingSkills,
        text: text.to_owned(),
        details: Fields::new(),
        position: None,
    }
}
