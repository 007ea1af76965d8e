//! Rows to lines.

use serde_json::{Map, Value as Json};

use crate::document::Row;
use crate::journal::header::{AT, EDITED, KIND, RECORDED};

/// A row as one line of JSON, without the line's end. Equal rows give equal bytes: first `id`,
/// `kind`, `at`, `recorded`, `edited`, then the entry's fields by name.
#[must_use]
pub fn to_line(row: &Row) -> String {
    let mut line = format!("{{\"id\":\"{}\"", row.id);
    let mut push = |name: &str, json: &Json| {
        line.push_str(&format!(",{}:{json}", Json::from(name)));
    };
    for name in [KIND, AT, RECORDED] {
        if let Some(value) = row.fields.get(name) {
            push(name, &value.clone().into());
        }
    }
    push(EDITED, &row.edited.into());
    for (name, value) in &row.fields {
        if ![KIND, AT, RECORDED, EDITED].contains(&name.as_str()) {
            push(name, &value.clone().into());
        }
    }
    line.push('}');
    line
}

/// A row as a JSON value of the same shape.
#[must_use]
pub fn to_json(row: &Row) -> Json {
    let mut json: Map<String, Json> =
        row.fields.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    json.insert("id".to_owned(), row.id.to_string().into());
    json.insert(EDITED.to_owned(), row.edited.into());
    Json::Object(json)
}
