//! Reading the timeline; hiding, bringing back and forgetting entries.

use std::io::IsTerminal;

use mainstay_core::document::Row;
use mainstay_core::engine::{Engine, EngineError};
use mainstay_core::journal::EntryId;
use mainstay_core::ndjson;
use serde_json::json;

use super::args::{ForgetArgs, TimelineArgs};
use crate::shell::at::Clock;
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::listing::{self, Line};
use crate::shell::output::{Output, next_line};
use crate::shell::words;

/// The beginning of an id must hold its month, which says where to look.
const MIN_DIGITS: usize = 4;

pub(super) async fn timeline(home: &Home, out: &Output, args: TimelineArgs) -> Result<(), Failure> {
    let clock = Clock::new(args.span.zone.as_deref())?;
    let (from_ms, to_ms) = clock.window(&args.span)?;
    let engine = home.open().await?;
    let rows = match args.deleted {
        true => all_deleted(&engine).await?,
        false => engine.timeline(from_ms, to_ms).await?,
    };
    engine.suspend().await?;
    if out.is_json() {
        let lines: Vec<String> = rows.iter().map(ndjson::to_line).collect();
        return out.say_json(&format!("[{}]", lines.join(",")));
    }
    out.say(json!([]), || listing::text(rows.iter().map(line)))
}

fn line(row: &Row) -> Line<'_> {
    let mut marks = vec![words::short(&row.id)];
    if row.edited {
        marks.push("edited".to_owned());
    }
    if row.conflicted {
        marks.push("two devices say different things: see `phone show`".to_owned());
    }
    Line { when: row.when(), kind: row.kind(), fields: &row.fields, marks }
}

/// What `restore-deleted` could bring back, the newest month first.
async fn all_deleted(engine: &Engine) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for month in engine.chapters().await?.into_iter().rev() {
        rows.extend(engine.deleted(month).await?.into_iter().rev());
    }
    Ok(rows)
}

/// The entry whose id this is, or begins so.
pub(super) async fn find(engine: &Engine, text: &str) -> Result<EntryId, Failure> {
    let text = text.trim().to_ascii_lowercase();
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex || text.len() < MIN_DIGITS {
        let say = "an entry is named by its id, or at least the first four digits of it (0-9 and \
             a-f); copy them from `phone timeline`";
        return Err(Failure::usage(say));
    }
    let mut found = Vec::new();
    for month in engine.chapters().await? {
        let month_digits = format!("{:04x}", month.index());
        if text.starts_with(&month_digits) {
            let mut rows = engine.chapter(month).await?;
            rows.extend(engine.deleted(month).await?);
            found.extend(
                rows.iter().map(|row| row.id).filter(|id| id.to_string().starts_with(&text)),
            );
        }
    }
    match found[..] {
        [id] => Ok(id),
        [] => Err(Failure::new(format!(
            "no entry's id begins with {text}; `phone timeline` shows the ids"
        ))),
        _ => Err(Failure::new(format!(
            "{} entries' ids begin with {text}; give more of it",
            found.len()
        ))),
    }
}

pub(super) async fn delete(home: &Home, out: &Output, id: &str) -> Result<(), Failure> {
    let engine = home.open().await?;
    let id = find(&engine, id).await?;
    engine.delete(id).await?;
    engine.suspend().await?;
    out.say(json!({ "id": id.to_string(), "deleted": true }), || {
        format!("Hidden. `phone restore-deleted {id}` brings it back.")
    })
}

pub(super) async fn restore_deleted(home: &Home, out: &Output, id: &str) -> Result<(), Failure> {
    let engine = home.open().await?;
    let id = find(&engine, id).await?;
    engine.restore_deleted(id).await?;
    engine.suspend().await?;
    out.say(json!({ "id": id.to_string(), "deleted": false }), || "It is back.".to_owned())
}

pub(super) async fn forget(home: &Home, out: &Output, args: ForgetArgs) -> Result<(), Failure> {
    let engine = home.open().await?;
    let id = find(&engine, &args.id).await?;
    if !args.yes {
        confirm_forget(out, &engine, id).await?;
    }
    engine.forget(id).await?;
    engine.suspend().await?;
    out.say(json!({ "id": id.to_string(), "forgotten": true }), || {
        "Forgotten here. The next sync takes it from the relay and your other devices.".to_owned()
    })
}

async fn confirm_forget(out: &Output, engine: &Engine, id: EntryId) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("nobody is here to be asked; add --yes if you are sure"));
    }
    match engine.show(id).await {
        Ok(shown) => {
            let clock = shown.row.when().map(|when| words::when(&when)).unwrap_or_default();
            out.tell(&line(&shown.row).text(&clock));
        }
        Err(EngineError::NoSuchEntry { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    out.tell("Forget this for ever, on every device and the relay? There is no way back. [y/N]");
    match next_line().await?.as_deref().map(str::trim) {
        Some("y" | "Y" | "yes") => Ok(()),
        _ => Err(Failure::new("nothing was forgotten")),
    }
}
