//! A counsellor's private notes: entries of their own vault, which no share ever holds.

use jiff::Timestamp;
use mainstay_core::document::Row;
use mainstay_core::engine::{Engine, ShareInfo};
use mainstay_core::journal::{EntryBody, Note};
use serde_json::json;

use super::clients;
use crate::shell::at::Clock;
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::words;

/// How many digits of a share's id a note's first line has: enough that no two clients share them.
const TAG_DIGITS: usize = 16;

pub(super) async fn note(
    home: &Home,
    out: &Output,
    client: &str,
    text: &str,
) -> Result<(), Failure> {
    if text.trim().is_empty() {
        return Err(Failure::usage("a note without words"));
    }
    let engine = home.open().await?;
    let done = write(&engine, out, client, text).await;
    engine.suspend().await?;
    done
}

async fn write(engine: &Engine, out: &Output, client: &str, text: &str) -> Result<(), Failure> {
    let info = clients::with(engine, out, client).await?;
    let note = Note { note: Some(format!("{} {}\n{text}", tag(&info), info.peer)) };
    let when = Clock::new(None)?.now();
    let id = engine.log(EntryBody::Note(note), when).await?;
    out.say(json!({ "id": id.to_string() }), || {
        format!("Written down in your vault alone ({}).", words::short(&id))
    })
}

/// How a note about a client begins.
fn tag(info: &ShareInfo) -> String {
    let digits: String = info.id.to_hex().chars().take(TAG_DIGITS).collect();
    format!("client {digits}")
}

pub(super) async fn notes(home: &Home, out: &Output, client: &str) -> Result<(), Failure> {
    let engine = home.open().await?;
    let read = about(&engine, out, client).await;
    engine.suspend().await?;
    let notes = read?;
    let json = notes.iter().map(|(row, text)| {
        json!({
            "id": row.id.to_string(),
            "at": row.when().map(|when| when.to_string()),
            "text": text,
        })
    });
    out.say(json.collect(), || match &notes[..] {
        [] => "There are no notes about this client.".to_owned(),
        notes => notes.iter().map(line).collect::<Vec<_>>().join("\n"),
    })
}

fn line((row, text): &(Row, String)) -> String {
    let when = row.when().map(|when| words::when(&when)).unwrap_or_default();
    format!("{when}  ({})\n    {text}", words::short(&row.id))
}

async fn about(engine: &Engine, out: &Output, client: &str) -> Result<Vec<(Row, String)>, Failure> {
    let info = clients::with(engine, out, client).await?;
    let tag = tag(&info);
    let rows = engine.timeline(i64::MIN, Timestamp::MAX.as_millisecond()).await?;
    let text = |row: &Row| {
        let note = row.fields.get("note").and_then(|note| note.as_str())?;
        let (first, text) = note.split_once('\n')?;
        first.starts_with(&tag).then(|| text.to_owned())
    };
    Ok(rows.into_iter().filter_map(|row| text(&row).map(|text| (row, text))).collect())
}
