//! The recovery plan.

use mainstay_core::care::item_of;
use mainstay_core::engine::{Conflict, Engine, ShownPlan};
use mainstay_core::journal::Codes;
use mainstay_core::plan::{ItemId, Plan, PlanItem};
use serde_json::{Value as Json, json};

use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::plan::{PlanAction, edit_of};
use crate::shell::words;

pub(super) async fn plan(home: &Home, out: &Output, action: PlanAction) -> Result<(), Failure> {
    let engine = home.open().await?;
    let shown = engine.show_plan().await?;
    let changed = change(&engine, &shown.plan, action).await;
    engine.suspend().await?;
    let changed = changed?;
    match changed {
        None => out.say(to_json(&shown), || text(&shown)),
        Some(id) => out.say(json!({ "id": id.to_string() }), || format!("Done ({id}).")),
    }
}

async fn change(
    engine: &Engine,
    plan: &Plan,
    action: PlanAction,
) -> Result<Option<ItemId>, Failure> {
    let edit = edit_of(plan, action, engine.new_item_id().await?, "phone plan show")?;
    let Some(edit) = edit else { return Ok(None) };
    let id = item_of(&edit);
    engine.edit_plan(edit).await?;
    Ok(Some(id))
}

fn to_json(shown: &ShownPlan) -> Json {
    let list = |items: &[PlanItem]| -> Vec<Json> {
        items.iter().map(|item| item_json(item, shown.conflicts.get(&item.id))).collect()
    };
    let sections = shown.plan.items.iter().map(|(section, items)| {
        json!({ "section": section.code(), "title": section.word(), "items": list(items) })
    });
    json!({
        "sections": sections.collect::<Vec<_>>(),
        "archived": list(&shown.plan.archived),
    })
}

fn item_json(item: &PlanItem, lost: Option<&Conflict>) -> Json {
    let details = item.details.iter().map(|(name, value)| (name.clone(), value.clone().into()));
    let conflicts = lost.into_iter().flatten().map(|(field, values)| {
        let values: Vec<Json> = values.iter().cloned().map(Json::from).collect();
        (field.clone(), Json::Array(values))
    });
    json!({
        "id": item.id.to_string(),
        "section": item.section.code(),
        "text": item.text,
        "details": Json::Object(details.collect()),
        "conflicts": Json::Object(conflicts.collect()),
    })
}

fn text(shown: &ShownPlan) -> String {
    let plan = &shown.plan;
    if plan.is_empty() {
        return "The plan is empty. Begin with `phone plan add reasons \"…\"`.".to_owned();
    }
    let mut text = String::new();
    for (section, items) in &plan.items {
        text.push_str(&format!("\n{}\n", section.word()));
        for (at, item) in items.iter().enumerate() {
            text.push_str(&format!("  {}. {}  ({})\n", at + 1, item.text, short(item)));
            for (name, value) in &item.details {
                text.push_str(&format!("       {name}: {}\n", words::value(name, value)));
            }
            text.push_str(&choices(item, shown));
        }
    }
    // What was removed on one device and changed on two others can be chosen before it comes back.
    for item in plan.archived.iter().filter(|item| shown.conflicts.contains_key(&item.id)) {
        text.push_str(&format!("\nRemoved: {}  ({})\n", item.text, short(item)));
        text.push_str(&choices(item, shown));
    }
    text.trim_start().to_owned()
}

/// The beginning of an id, as a person would copy it.
fn short(item: &PlanItem) -> String {
    item.id.to_string().chars().take(8).collect()
}

/// What another device says about an item, and how to take that instead.
fn choices(item: &PlanItem, shown: &ShownPlan) -> String {
    let mut text = String::new();
    for (field, values) in shown.conflicts.get(&item.id).into_iter().flatten() {
        let values: Vec<String> = values.iter().map(|value| words::value(field, value)).collect();
        let id = short(item);
        let take = match field.as_str() {
            "text" => format!("phone plan edit {id} --text …"),
            "section" => format!("phone plan move {id} --section … --position …"),
            name => format!("phone plan edit {id} --set {name}=…"),
        };
        let values = values.join(" / ");
        text.push_str(&format!(
            "       Another device says for \"{field}\": {values}. To choose: `{take}`\n"
        ));
    }
    text
}
