//! What a map of fields shows, and what it offers beside.

use std::collections::BTreeMap;

use automerge::{ObjId, ReadDoc};

use super::value;
use crate::journal::{Fields, Value};

/// Names beginning with this are ours and are no fields.
pub(super) const RESERVED: char = '~';

/// The fields shown: of concurrent values, Automerge's winner.
pub(super) fn fields(doc: &impl ReadDoc, object: &ObjId) -> Fields {
    names(doc, object)
        .filter_map(|name| {
            let shown = value::all(doc, object, &name).pop()?;
            Some((name, shown))
        })
        .collect()
}

/// The values that lost against a concurrent one, for every field where they differ from what is
/// shown: each different value once.
pub(super) fn conflicts(doc: &impl ReadDoc, object: &ObjId) -> BTreeMap<String, Vec<Value>> {
    names(doc, object)
        .map(|name| {
            let lost = lost(doc, object, &name);
            (name, lost)
        })
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

fn names(doc: &impl ReadDoc, object: &ObjId) -> impl Iterator<Item = String> {
    doc.keys(object).filter(|name| !name.starts_with(RESERVED)).collect::<Vec<_>>().into_iter()
}
