//! Changing an entry.

use std::collections::BTreeMap;

use mainstay_core::document::Row;
use mainstay_core::journal::{EntryBody, Patch, Value};
use serde_json::{Value as Json, json};

use super::args::EditArgs;
use super::entries::find;
use crate::shell::at::Clock;
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::plan::split;

pub(super) async fn edit(home: &Home, out: &Output, args: EditArgs) -> Result<(), Failure> {
    if args.set.is_empty() && args.unset.is_empty() {
        return Err(Failure::usage("nothing to change; say --set field=value or --unset field"));
    }
    let clock = Clock::new(args.zone.as_deref())?;
    let engine = home.open().await?;
    let id = find(&engine, &args.id).await?;
    let row = engine.show(id).await?.row;
    let patch = patch(&row, &args, &clock)?;
    let changed: Vec<&String> = patch.keys().collect();
    let json = json!({ "id": id.to_string(), "changed": changed });
    let text = format!(
        "Changed: {}",
        changed.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
    );
    engine.edit(id, patch).await?;
    engine.suspend().await?;
    out.say(json, || text)
}

fn patch(row: &Row, args: &EditArgs, clock: &Clock) -> Result<Patch, Failure> {
    let mut set: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for pair in &args.set {
        let (name, value) = split(pair)?;
        set.entry(name).or_default().push(value);
    }
    let mut patch = Patch::new();
    for (name, values) in set {
        check_name(row, name)?;
        patch.insert(name.to_owned(), Some(read(row, name, &values, clock)?));
    }
    for name in &args.unset {
        check_name(row, name)?;
        if name == "at" {
            return Err(Failure::usage("an entry needs a time; set `at` to a day or a range"));
        }
        if patch.insert(name.clone(), None).is_some() {
            return Err(Failure::usage(format!("`{name}` is set and taken away; choose one")));
        }
    }
    Ok(patch)
}

/// Only fields that entries of this kind have, or that this one has from a newer version.
fn check_name(row: &Row, name: &str) -> Result<(), Failure> {
    if matches!(name, "id" | "kind" | "recorded" | "edited" | "source" | "author") {
        return Err(Failure::usage(format!("`{name}` says how the entry came to be and stays")));
    }
    let known = EntryBody::field_names(row.kind()).unwrap_or(&[]);
    if name == "at" || known.contains(&name) || row.fields.contains_key(name) {
        return Ok(());
    }
    let fields = known.join(", ");
    Err(Failure::usage(format!(
        "an entry of kind {} has no field `{name}`; its fields are at, {fields}",
        row.kind()
    )))
}

/// The value as the field needs it: its kind of entry is asked which form fits.
fn read(row: &Row, name: &str, texts: &[&str], clock: &Clock) -> Result<Value, Failure> {
    let text = texts.last().copied().unwrap_or_default();
    if name == "at" || (name == "ended" && row.kind() == "use") {
        return Ok(Value::Str(clock.read(text)?.to_string()));
    }
    let known = EntryBody::field_names(row.kind()).is_some_and(|names| names.contains(&name));
    if !known {
        return Ok(
            serde_json::from_str(text).map_or_else(|_| text.into(), |json: Json| json.into())
        );
    }
    let list = match texts {
        [""] => Vec::new(),
        texts => texts.to_vec(),
    };
    let plain: Option<Json> = serde_json::from_str(text).ok();
    let candidates = [Some(Json::from(text)), plain, Some(Json::from(list))];
    let fits = |value: &Json| {
        let body = json!({ "kind": row.kind(), name: value });
        serde_json::from_value::<EntryBody>(body).is_ok()
    };
    let value = candidates.into_iter().flatten().find(|value| !value.is_null() && fits(value));
    value.map(Value::from).ok_or_else(|| {
        Failure::usage(format!(
            "`{name}` takes another form of value; see `phone log {} --help`",
            row.kind()
        ))
    })
}
