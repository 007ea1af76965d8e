//! What was said in a share: comments, proposals, decisions.

use mainstay_core::care::{RecordId, SharedBody, SharedPlan, Target, to_json};
use mainstay_core::engine::{Heard, ShareInfo};
use mainstay_core::journal::Codes;
use serde_json::Value as Json;

use super::records::short;
use crate::shell::words;

/// What was said, the newest last.
pub(crate) fn of(heard: &[Heard]) -> Vec<&Heard> {
    use SharedBody::{Comment, Decision, Proposal};
    let said = |heard: &&Heard| {
        matches!(heard.record.body, Comment { .. } | Proposal { .. } | Decision { .. })
    };
    let mut said: Vec<&Heard> = heard.iter().filter(said).collect();
    said.sort_by_key(|heard| (heard.record.sort_key_ms(), heard.record.id));
    said
}

/// What the person decided about a proposal.
pub(crate) fn decided(heard: &[Heard], proposal: RecordId) -> Option<bool> {
    heard.iter().find_map(|heard| match heard.record.body {
        SharedBody::Decision { proposal: of, accepted, .. } if of == proposal => Some(accepted),
        _ => None,
    })
}

pub(crate) fn said_json(said: &[&Heard]) -> Json {
    let one = |heard: &&Heard| {
        let mut json = to_json(&heard.record);
        json["mine"] = heard.mine.into();
        json["by"] = heard.name.clone().into();
        json
    };
    said.iter().map(one).collect()
}

pub(crate) fn text(info: &ShareInfo, heard: &[Heard]) -> String {
    let said = of(heard);
    if said.is_empty() {
        return "Nothing was said yet.".to_owned();
    }
    // Of several readers each goes by the name that they came with.
    let several = info.members.len() > 2;
    let one = |said: &&Heard| {
        let name = said.name.as_ref().filter(|_| several).unwrap_or(&info.peer);
        let who = if said.mine { "I" } else { name };
        let at = said.record.sort_key_ms().map(words::instant).unwrap_or_default();
        let id = short(&said.record.id);
        format!("{at}  {who} {}  ({id})", words_of(heard, said))
    };
    said.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn words_of(heard: &[Heard], said: &Heard) -> String {
    match &said.record.body {
        SharedBody::Comment { on, text, .. } => format!("on {}:\n    {text}", target(heard, on)),
        SharedBody::Proposal { section, item, text, why, .. } => {
            let what = match item {
                None => format!("proposed for \"{}\"", section.word()),
                Some(item) => {
                    format!("proposed in place of {}", target(heard, &Target::Item(*item)))
                }
            };
            let why = if why.is_empty() { String::new() } else { format!("\n    Why: {why}") };
            let became = match decided(heard, said.record.id) {
                None => "",
                Some(true) => "\n    It was accepted.",
                Some(false) => "\n    It was declined.",
            };
            format!("{what}:\n    {text}{why}{became}")
        }
        SharedBody::Decision { proposal, accepted, .. } => {
            let what = if *accepted { "accepted" } else { "declined" };
            format!("{what} the proposal {}", short(proposal))
        }
        _ => "said something that this version cannot read".to_owned(),
    }
}

fn target(heard: &[Heard], on: &Target) -> String {
    match on {
        Target::Plan => "the plan".to_owned(),
        Target::Item(id) => {
            let plans = heard.iter().filter_map(|heard| match &heard.record.body {
                SharedBody::Plan(plan) => Some(plan),
                _ => None,
            });
            let item = plans.flat_map(|plan: &SharedPlan| &plan.items).find(|item| item.id == *id);
            item.map_or("an item of the plan".to_owned(), |item| format!("\"{}\"", item.text))
        }
        Target::Record(id) => {
            let on = heard.iter().find(|heard| heard.record.id == *id).map(|heard| &heard.record);
            match on.map(|record| &record.body) {
                Some(SharedBody::Entry(entry)) => {
                    let when =
                        entry.at.parse().map_or_else(|_| entry.at.clone(), |at| words::when(&at));
                    format!("{}, {when}", words::kind(&entry.kind))
                }
                Some(SharedBody::Comment { .. }) => format!("the comment {}", short(id)),
                Some(SharedBody::Proposal { .. }) => format!("the proposal {}", short(id)),
                _ => "something that is no longer shared".to_owned(),
            }
        }
        _ => "something that this version cannot read".to_owned(),
    }
}
