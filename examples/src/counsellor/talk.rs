//! What a counsellor says to a client.

use mainstay_core::care::SharedBody;
use mainstay_core::engine::{Engine, ShareInfo};
use mainstay_core::journal::{Codes, Fields};
use mainstay_core::plan::Section;
use serde_json::json;

use super::args::ProposeArgs;
use super::clients;
use crate::shell::at::Clock;
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::shares::target;

pub(super) async fn comment(
    home: &Home,
    out: &Output,
    client: &str,
    on: &str,
    text: String,
) -> Result<(), Failure> {
    let engine = home.open().await?;
    let done = say_on(&engine, out, client, (on, text)).await;
    engine.suspend().await?;
    done
}

async fn say_on(
    engine: &Engine,
    out: &Output,
    client: &str,
    (on, text): (&str, String),
) -> Result<(), Failure> {
    let info = clients::with(engine, out, client).await?;
    let heard = engine.share_records(info.id).await?;
    let on = target::find(&heard, on)?.ok_or_else(|| {
        Failure::new(format!(
            "nothing that {} shares has an id that begins with {on:?}; `counsellor timeline` and \
             `counsellor plan` show the ids",
            info.peer
        ))
    })?;
    let written_at_ms = Clock::new(None)?.now_ms();
    say(engine, out, &info, SharedBody::Comment { on, text, written_at_ms }).await
}

async fn say(
    engine: &Engine,
    out: &Output,
    info: &ShareInfo,
    body: SharedBody,
) -> Result<(), Failure> {
    let id = engine.share_say(info.id, body).await?;
    out.say(json!({ "id": id.to_string() }), || {
        format!("Kept. {} reads it after the next syncs of both of you.", info.peer)
    })
}

pub(super) async fn propose(home: &Home, out: &Output, args: ProposeArgs) -> Result<(), Failure> {
    let section = section(args.section.clone())?;
    let engine = home.open().await?;
    let done = propose_in(&engine, out, section, args).await;
    engine.suspend().await?;
    done
}

async fn propose_in(
    engine: &Engine,
    out: &Output,
    section: Section,
    args: ProposeArgs,
) -> Result<(), Failure> {
    let info = clients::with(engine, out, &args.client).await?;
    let heard = engine.share_records(info.id).await?;
    let item = args.item.as_deref().map(|item| target::item(&heard, item)).transpose()?;
    let body = SharedBody::Proposal {
        section,
        item,
        text: args.text,
        details: Fields::new(),
        why: args.why,
        written_at_ms: Clock::new(None)?.now_ms(),
    };
    say(engine, out, &info, body).await
}

fn section(name: String) -> Result<Section, Failure> {
    let section = Section::from(name);
    if Section::known().any(|known| known == section) {
        return Ok(section);
    }
    let known: Vec<String> = Section::known().map(|known| known.code().to_owned()).collect();
    Err(Failure::usage(format!("a plan has no such section; choose of {}", known.join(", "))))
}
