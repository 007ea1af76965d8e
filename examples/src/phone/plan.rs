//! The recovery plan.

use mainstay_core::engine::{Conflict, Engine, ShownPlan};
use mainstay_core::journal::{Codes, Fields, Patch, Value};
use mainstay_core::plan::{ItemId, Plan, PlanEdit, PlanItem, Section};
use serde_json::{Value as Json, json};

use super::args::PlanAction;
use super::edit::split;
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::words;

pub(super) async fn plan(home: &Home, out: &Output, action: PlanAction) -> Result<(), Failure> {
    let engine = home.open().await?;
    let shown = engine.show_plan().await?;
    let changed = match action {
        PlanAction::Show => None,
        action => Some(change(&engine, &shown.plan, action).await?),
    };
    engine.suspend().await?;
    match changed {
        None => out.say(to_json(&shown), || text(&shown)),
        Some(id) => out.say(json!({ "id": id.to_string() }), || format!("Done ({id}).")),
    }
}

async fn change(engine: &Engine, plan: &Plan, action: PlanAction) -> Result<ItemId, Failure> {
    let edit = match action {
        PlanAction::Show => return Err(Failure::usage("nothing to change")),
        PlanAction::Add { section, text, detail, position } => PlanEdit::Add {
            id: engine.new_item_id().await?,
            section: find_section(plan, section)?,
            text,
            details: details(&detail)?,
            position: position.map(place),
        },
        PlanAction::Edit { item, text, set, unset } => {
            let given = details(&set)?.into_iter().map(|(name, value)| (name, Some(value)));
            let mut details: Patch = given.collect();
            details.extend(unset.into_iter().map(|name| (name, None)));
            if text.is_none() && details.is_empty() {
                return Err(Failure::usage("nothing to change; say --text, --set or --unset"));
            }
            PlanEdit::Edit { id: find_item(plan, &item)?.id, text, details }
        }
        PlanAction::Remove { item } => PlanEdit::Remove { id: find_item(plan, &item)?.id },
        PlanAction::Restore { item } => PlanEdit::Restore { id: find_item(plan, &item)?.id },
        PlanAction::Move { item, section, position } => {
            let item = find_item(plan, &item)?;
            let section = section.map(|section| find_section(plan, section)).transpose()?;
            let section = section.unwrap_or_else(|| item.section.clone());
            PlanEdit::Move { id: item.id, section, position: place(position) }
        }
    };
    let id = match &edit {
        PlanEdit::Add { id, .. }
        | PlanEdit::Edit { id, .. }
        | PlanEdit::Move { id, .. }
        | PlanEdit::Remove { id }
        | PlanEdit::Restore { id } => *id,
    };
    engine.edit_plan(edit).await?;
    Ok(id)
}

/// People count from 1.
fn place(position: u32) -> usize {
    usize::try_from(position.saturating_sub(1)).unwrap_or(usize::MAX)
}

/// A section this version knows, or one that the plan has from a newer version.
fn find_section(plan: &Plan, name: String) -> Result<Section, Failure> {
    let section = Section::from(name);
    if Section::known().any(|known| known == section) || plan.items.contains_key(&section) {
        return Ok(section);
    }
    let known: Vec<String> = Section::known().map(|known| known.code().to_owned()).collect();
    Err(Failure::usage(format!("the plan has no such section; choose of {}", known.join(", "))))
}

fn find_item<'a>(plan: &'a Plan, text: &str) -> Result<&'a PlanItem, Failure> {
    let text = text.trim().to_ascii_lowercase();
    let items = plan.items.values().flatten().chain(&plan.archived);
    let mut found = items.filter(|item| !text.is_empty() && item.id.to_string().starts_with(&text));
    match (found.next(), found.next()) {
        (Some(item), None) => Ok(item),
        (None, _) => Err(Failure::new(format!(
            "the plan has no item {text}; look its id up with `phone plan show`"
        ))),
        _ => Err(Failure::new(format!("several items' ids begin with {text}; give more of it"))),
    }
}

/// Details are text, unless they are a number, true, false or a list in JSON.
fn details(pairs: &[String]) -> Result<Fields, Failure> {
    let read = |pair: &String| {
        let (name, text) = split(pair)?;
        let json = serde_json::from_str::<Json>(text).ok().filter(|json| !json.is_string());
        // A telephone number is no number: it may begin with 0 or +, and keeps every digit.
        let value = json.filter(|json| !json.is_number());
        Ok((name.to_owned(), value.map_or_else(|| Value::from(text), Value::from)))
    };
    pairs.iter().map(read).collect()
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
