//! What a map of fields shows, and what it offers beside.

use std::collections::BTreeMap;

use automerge::{ObjId, ReadDoc};

use super::value;
use crate::journal::{Fields, Value};

/// Names beginning with this are ours and are no fields.
pub(super) const RESERVED: char = '~';

/// The fields shown: of concurrent values, Automerge's winner.
pub(super) fn fields(doc: &impl ReadDoc, object: &ObjId) -> Fields {
    doc.map_range(object, ..)
        .filter(|item| !item.key.starts_with(RESERVED))
        .filter_map(|item| {
            let id = item.id();
            let shown = value::read(doc, &item.value.into_value(), &id)
                .or_else(|| value::all(doc, object, &item.key).pop())?;
            Some((item.key.into_owned(), shown))
        })
        .collect()
}

/// The values that lost against a concurrent one, for every field where they differ from what is
/// shown: each different value once.
pub(super) fn conflicts(doc: &impl ReadDoc, object: &ObjId) -> BTreeMap<String, Vec<Value>> {
    doc.map_range(object, ..)
        .filter(|item| item.conflict && !item.key.starts_with(RESERVED))
        .map(|item| (item.key.to_string(), lost(doc, object, &item.key)))
        .filter(|(_, lost)| !lost.is_empty())
        .collect()
}

/// The values of one field that lost and differ from the one shown, each once.
pub(super) fn lost(doc: &impl ReadDoc, object: &ObjId, name: &str) -> Vec<Value> {
    let mut values = value::all(doc, object, name);
    let Some(shown) = values.pop() else { return Vec::new() };
    let mut lost: Vec<Value> = Vec::new();
    for value in values {
        if value != shown && !lost.contains(&value) {
            lost.push(value);
        }
    }
    lost
}
