//! Records as JSON, for preview and timeline alike.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::{SharedBody, SharedEntry, SharedItem, SharedPlan, SharedRecord, Target};
use crate::journal::header::{AT, EDITED, KIND};
use crate::journal::{Codes, Fields};
use crate::plan::Section;

/// A record as a JSON value. An entry has the shape of a row ([`crate::ndjson::to_json`]): `id` is
/// the record's, `edited` is always false as nobody is told, and `recorded` is there only where the
/// consent shows it.
///
/// Anything else has `id`, its `kind` ([`SharedBody::code`]) and
///
/// | kind | |
/// |---|---|
/// | `gone`, `unreadable` | nothing else |
/// | `plan` | `sections`: `[{section, title, items: [{id, section, text, details}]}]` |
/// | `comment` | `on`, `text`, `written` |
/// | `proposal` | `section`, `item` (or null), `text`, `details`, `why`, `written` |
/// | `decision` | `proposal`, `accepted`, `decided` |
/// | `opened` | `on` (or null), `opened` |
/// | `edits` | `changes`: how many changes of the plan wait to be taken in |
///
/// where `on` is `{record: ID}`, `{item: ID}` or `{plan: true}`, and times are instants in UTC.
#[must_use]
pub fn to_json(record: &SharedRecord) -> Json {
    let mut json = match &record.body {
        SharedBody::Entry(entry) => entry_json(entry),
        SharedBody::Gone | SharedBody::Unreadable => Map::new(),
        SharedBody::Plan(plan) => one("sections", sections(plan)),
        SharedBody::Comment { on, text, written_at_ms } => {
            let mut json = one("on", target(on));
            json.insert("text".to_owned(), text.as_str().into());
            json.insert("written".to_owned(), instant(*written_at_ms));
            json
        }
        SharedBody::Proposal { section, item, text, details, why, written_at_ms } => {
            let mut json = one("section", section.code().into());
            json.insert("item".to_owned(), item.map(|id| id.to_string()).into());
            json.insert("text".to_owned(), text.as_str().into());
            json.insert("details".to_owned(), fields(details).into());
            json.insert("why".to_owned(), why.as_str().into());
            json.insert("written".to_owned(), instant(*written_at_ms));
            json
        }
        SharedBody::Decision { proposal, accepted, at_ms } => {
            let mut json = one("proposal", proposal.to_string().into());
            json.insert("accepted".to_owned(), (*accepted).into());
            json.insert("decided".to_owned(), instant(*at_ms));
            json
        }
        SharedBody::Edits(edits) => one("changes", edits.edits.len().into()),
        SharedBody::Opened { on, at_ms } => {
            let mut json = one("on", on.as_ref().map_or(Json::Null, target));
            json.insert("opened".to_owned(), instant(*at_ms));
            json
        }
    };
    json.entry(KIND).or_insert_with(|| record.body.code().into());
    json.insert("id".to_owned(), record.id.to_string().into());
    Json::Object(json)
}

fn entry_json(entry: &SharedEntry) -> Map<String, Json> {
    let mut json = fields(&entry.fields);
    json.insert(KIND.to_owned(), entry.kind.as_str().into());
    json.insert(AT.to_owned(), entry.at.as_str().into());
    json.insert(EDITED.to_owned(), false.into());
    json
}

fn sections(plan: &SharedPlan) -> Json {
    let mut sections: Vec<(&Section, Vec<Json>)> = Vec::new();
    for item in &plan.items {
        let items = match sections.iter_mut().find(|(section, _)| *section == &item.section) {
            Some((_, items)) => items,
            None => {
                sections.push((&item.section, Vec::new()));
                &mut sections.last_mut().expect("one was just added").1
            }
        };
        items.push(item_json(item));
    }
    let json = |(section, items): (&Section, Vec<Json>)| json!({ "section": section.code(), "title": section.word(), "items": items });
    sections.into_iter().map(json).collect()
}

fn item_json(item: &SharedItem) -> Json {
    json!({
        "id": item.id.to_string(),
        "section": item.section.code(),
        "text": item.text,
        "details": fields(&item.details),
    })
}

fn target(target: &Target) -> Json {
    match target {
        Target::Record(id) => json!({ "record": id.to_string() }),
        Target::Item(id) => json!({ "item": id.to_string() }),
        Target::Plan => json!({ "plan": true }),
    }
}

fn instant(at_ms: i64) -> Json {
    Timestamp::from_millisecond(at_ms).map_or(Json::Null, |at| at.to_string().into())
}

fn fields(fields: &Fields) -> Map<String, Json> {
    fields.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect()
}

fn one(name: &str, value: Json) -> Map<String, Json> {
    Map::from_iter([(name.to_owned(), value)])
}
