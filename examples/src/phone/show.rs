//! One entry, with everything it says and could say.

use mainstay_core::engine::Shown;
use mainstay_core::journal::{Value, field_word};
use mainstay_core::ndjson;
use serde_json::{Value as Json, json};

use super::entries::find;
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::words;

pub(super) async fn show(home: &Home, out: &Output, id: &str) -> Result<(), Failure> {
    let engine = home.open().await?;
    let id = find(&engine, id).await?;
    let shown = engine.show(id).await?;
    engine.suspend().await?;
    out.say(to_json(&shown), || text(&shown))
}

fn to_json(shown: &Shown) -> Json {
    let conflicts = shown.conflicts.iter().map(|(field, values)| {
        let values: Vec<Json> = values.iter().cloned().map(Json::from).collect();
        (field.clone(), Json::Array(values))
    });
    json!({
        "entry": ndjson::to_json(&shown.row),
        "deleted_at": words::instant_json(shown.row.deleted_at),
        "conflicts": Json::Object(conflicts.collect()),
    })
}

fn text(shown: &Shown) -> String {
    let row = &shown.row;
    let when = row.when().map_or_else(|| "some time".to_owned(), |when| words::when(&when));
    let mut lines = vec![format!("{} · {when}", words::kind(row.kind())), format!("id {}", row.id)];
    if let Some(deleted_ms) = row.deleted_at {
        lines.push(format!("hidden since {}", words::instant(deleted_ms)));
    }
    if row.edited {
        lines.push("edited".to_owned());
    }
    lines.extend(words::facts(&row.fields).into_iter().map(|fact| format!("  {fact}")));
    if let Some(note) = row.fields.get("note").and_then(Value::as_str) {
        lines.push(format!("\n{note}"));
    }
    for (field, values) in &shown.conflicts {
        let values: Vec<String> = values.iter().map(|value| words::value(field, value)).collect();
        lines.push(format!(
            "\nAnother device says for \"{}\": {}. To choose: `phone edit {} --set {field}=…`",
            field_word(field),
            values.join(" / "),
            words::short(&row.id),
        ));
    }
    lines.join("\n")
}
