//! The recovery plan.

use mainstay_core::engine::Engine;
use mainstay_core::journal::{Codes, Fields, Patch, Value};
use mainstay_core::plan::{ItemId, Plan, PlanEdit, PlanItem, Section};
use serde_json::{Value as Json, json};

use super::args::PlanAction;
use super::edit::split;
use super::failure::Failure;
use super::home::Home;
use super::output::Output;
use super::words;

pub(super) async fn plan(home: &Home, out: &Output, action: PlanAction) -> Result<(), Failure> {
    let engine = home.open().await?;
    let plan = engine.plan().await?;
    let changed = match action {
        PlanAction::Show => None,
        action => Some(change(&engine, &plan, action).await?),
    };
    engine.suspend().await?;
    match changed {
        None => out.say(to_json(&plan), || text(&plan)),
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

fn to_json(plan: &Plan) -> Json {
    let sections = plan.items.iter().map(|(section, items)| {
        json!({
            "section": section.code(),
            "title": section.word(),
            "items": items.iter().map(item_json).collect::<Vec<_>>(),
        })
    });
    json!({
        "sections": sections.collect::<Vec<_>>(),
        "archived": plan.archived.iter().map(item_json).collect::<Vec<_>>(),
    })
}

fn item_json(item: &PlanItem) -> Json {
    let details = item.details.iter().map(|(name, value)| (name.clone(), value.clone().into()));
    json!({
        "id": item.id.to_string(),
        "section": item.section.code(),
        "text": item.text,
        "details": Json::Object(details.collect()),
    })
}

fn text(plan: &Plan) -> String {
    if plan.items.is_empty() {
        return "The plan is empty. Begin with `phone plan add reasons \"…\"`.".to_owned();
    }
    let mut text = String::new();
    for (section, items) in &plan.items {
        text.push_str(&format!("\n{}\n", section.word()));
        for (at, item) in items.iter().enumerate() {
            let id: String = item.id.to_string().chars().take(8).collect();
            text.push_str(&format!("  {}. {}  ({id})\n", at + 1, item.text));
            for (name, value) in &item.details {
                text.push_str(&format!("       {name}: {}\n", words::value(name, value)));
            }
        }
    }
    text.trim_start().to_owned()
}
