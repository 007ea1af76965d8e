//! Golden vectors of what travels sealed: the relay never reads it, and the apps of several versions
//! do. Files and rules are those of the wire's own vectors (`protocol/tests/golden`).
#![allow(clippy::unwrap_used)]

mod care;
mod chapters;
mod complete;
#[path = "../../../protocol/tests/golden/samples.rs"]
mod samples;
#[path = "../../../protocol/tests/golden/variants.rs"]
mod variants;

use mainstay_core::journal::{Fields, Value};

const ID: [u8; 16] = *b"sixteen bytes id";

/// One field of each form that a value has.
fn fields() -> Fields {
    let list = serde_json::json!(["mental", { "own": 2 }]);
    let values: [(&str, Value); 7] = [
        ("absent", Value::Null),
        ("alone", Value::Bool(true)),
        ("intensity", Value::Int(-7)),
        ("large", Value::Int(i64::MAX)),
        ("amount", Value::Float(2.5)),
        ("note", Value::Str("at the window, ten minutes".into())),
        ("thoughts", Value::Json(list)),
    ];
    values.map(|(name, value)| (name.to_owned(), value)).into()
}
