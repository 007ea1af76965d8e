//! Writing something down.

use mainstay_core::journal::EntryBody;
use serde_json::{Value as Json, json};

use super::args::LogArgs;
use crate::shell::at::Clock;
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::words;

pub(super) async fn log(home: &Home, out: &Output, args: LogArgs) -> Result<(), Failure> {
    let clock = Clock::new(args.kind.when().zone.as_deref())?;
    let when =
        args.kind.when().at.as_deref().map_or_else(|| Ok(clock.now()), |at| clock.read(at))?;
    let body = body(&args, &clock)?;
    let engine = home.open().await?;
    let id = engine.log(body, when.clone()).await?;
    engine.suspend().await?;
    out.say(json!({ "id": id.to_string(), "at": when.to_string() }), || {
        let kind = words::kind(args.kind.code());
        format!("Written down: {kind}, {} ({})", words::when(&when), words::short(&id))
    })
}

/// What the flags say, as the kind of entry they are for.
fn body(args: &LogArgs, clock: &Clock) -> Result<EntryBody, Failure> {
    let cannot = |error: serde_json::Error| Failure::usage(format!("this makes no entry: {error}"));
    let mut fields = args.kind.fields().map_err(cannot)?;
    if args.kind.code() == "note" && fields.get("note").is_none() {
        return Err(Failure::usage("a note without words; say --note \"…\""));
    }
    for value in fields.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
        // One empty element stands for "none", which is not the same as not saying.
        if value.as_array().is_some_and(|list| list.len() == 1 && list[0] == "") {
            *value = Json::Array(Vec::new());
        }
    }
    if let Some(ended) = fields.get("ended").and_then(Json::as_str) {
        fields["ended"] = clock.read(ended)?.to_string().into();
    }
    fields["kind"] = args.kind.code().into();
    serde_json::from_value(fields).map_err(cannot)
}
