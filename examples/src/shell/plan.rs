//! Changes of a plan, as the command line says them.

use clap::Subcommand;
use mainstay_core::journal::{Codes, Fields, Patch, Value};
use mainstay_core::plan::{ItemId, Plan, PlanEdit, PlanItem, Section};
use serde_json::Value as Json;

use super::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum PlanAction {
    /// Show the plan
    Show,
    /// Add an item
    Add {
        /// The section, such as reasons, coping-skills, supports
        section: String,
        /// What the item says
        text: String,
        /// A detail of the item, such as reach=0170… or steps=…
        #[arg(long, value_name = "NAME=VALUE")]
        detail: Vec<String>,
        /// Its place in the section, from 1 [default: the end]
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        position: Option<u32>,
    },
    /// Change an item's text or details
    Edit {
        /// The item's id, or the beginning of it
        item: String,
        /// The new text
        #[arg(long)]
        text: Option<String>,
        /// A detail and its new value
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// A detail to take away
        #[arg(long, value_name = "NAME")]
        unset: Vec<String>,
    },
    /// Take an item off the plan; entries that name it keep their meaning
    Remove {
        /// The item's id, or the beginning of it
        item: String,
    },
    /// Put an item back that was removed
    Restore {
        /// The item's id, or the beginning of it
        item: String,
    },
    /// Move an item
    Move {
        /// The item's id, or the beginning of it
        item: String,
        /// The section to move it to [default: its own]
        #[arg(long)]
        section: Option<String>,
        /// Its new place there, from 1
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        position: u32,
    },
}

/// The change of a plan that an action asks for; none to show it. `new` is a new item's id, `look` the
/// command that shows the plan.
pub(crate) fn edit_of(
    plan: &Plan,
    action: PlanAction,
    new: ItemId,
    look: &str,
) -> Result<Option<PlanEdit>, Failure> {
    let edit = match action {
        PlanAction::Show => return Ok(None),
        PlanAction::Add { section, text, detail, position } => PlanEdit::Add {
            id: new,
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
            PlanEdit::Edit { id: find_item(plan, &item, look)?.id, text, details }
        }
        PlanAction::Remove { item } => PlanEdit::Remove { id: find_item(plan, &item, look)?.id },
        PlanAction::Restore { item } => PlanEdit::Restore { id: find_item(plan, &item, look)?.id },
        PlanAction::Move { item, section, position } => {
            let item = find_item(plan, &item, look)?;
            let section = section.map(|section| find_section(plan, section)).transpose()?;
            let section = section.unwrap_or_else(|| item.section.clone());
            PlanEdit::Move { id: item.id, section, position: place(position) }
        }
    };
    Ok(Some(edit))
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

fn find_item<'a>(plan: &'a Plan, text: &str, look: &str) -> Result<&'a PlanItem, Failure> {
    let text = text.trim().to_ascii_lowercase();
    let items = plan.items.values().flatten().chain(&plan.archived);
    let mut found = items.filter(|item| !text.is_empty() && item.id.to_string().starts_with(&text));
    match (found.next(), found.next()) {
        (Some(item), None) => Ok(item),
        (None, _) => {
            Err(Failure::new(format!("the plan has no item {text}; look its id up with `{look}`")))
        }
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

/// `name=value`.
pub(crate) fn split(pair: &str) -> Result<(&str, &str), Failure> {
    let wrong = || Failure::usage("write a name and its value with = between, such as mood=6");
    pair.split_once('=').map(|(name, value)| (name.trim(), value)).ok_or_else(wrong)
}
