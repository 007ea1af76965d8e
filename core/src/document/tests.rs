#![allow(clippy::unwrap_used)]

mod converge;
mod cost;
mod entry;
mod hostile;
mod plan;
mod salvage;

use super::*;
use crate::journal::{Fields, Patch, Value};

const ANNA: [u8; 16] = [0xa; 16];
const BOB: [u8; 16] = [0xb; 16];

fn fields(pairs: &[(&str, Value)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn set(name: &str, value: impl Into<Value>) -> Patch {
    Patch::from([(name.to_owned(), Some(value.into()))])
}

fn long(text: &str) -> Value {
    Value::Str(text.repeat(600 / text.len() + 1))
}

fn sample() -> Fields {
    fields(&[
        ("kind", "check-in".into()),
        ("mood", Value::Int(0)),
        ("hours", Value::Float(6.0)),
        ("none", Value::Null),
        ("tired", Value::Bool(false)),
        ("signs", Value::Json(serde_json::json!(["isolating", {"b": 1, "a": 2}]))),
        ("short", "über 🌊".into()),
        ("note", long("nächtliche Gedanken 🌙 ")),
    ])
}

fn created() -> EntryDoc {
    EntryDoc::create(ANNA, 1_700_000_000_123, &sample()).unwrap()
}
