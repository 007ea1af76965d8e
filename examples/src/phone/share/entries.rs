//! What the other side sees, and single entries.

use mainstay_core::care::Choice;
use mainstay_core::engine::{Engine, ShareInfo};
use serde_json::{Value as Json, json};

use super::args::EntryArgs;
use super::find;
use crate::phone::entries as journal;
use crate::shell::failure::Failure;
use crate::shell::output::Output;
use crate::shell::shares::{self, records};
use crate::shell::words;

pub(super) async fn preview(
    engine: &Engine,
    out: &Output,
    info: &ShareInfo,
) -> Result<(), Failure> {
    let (shown, plan) = engine.share_preview(info.id).await?;
    let entries = records::entries(shown.iter(), (i64::MIN, i64::MAX));
    let json = json!({
        "entries": records::entries_json(&entries),
        "plan": plan.as_ref().map_or(Json::Null, records::plan_json),
    });
    out.say(json, || {
        let plan = plan.as_ref().map(|plan| format!("\n\n{}", records::plan_text(plan)));
        format!("{}{}", records::entries_text(&entries), plan.unwrap_or_default())
    })
}

pub(super) async fn choose(
    engine: &Engine,
    out: &Output,
    args: EntryArgs,
    choice: Choice,
) -> Result<(), Failure> {
    let info = find(engine, out, &args.share).await?;
    let entry = journal::find(engine, &args.entry).await?;
    engine.share_choose(info.id, entry, choice).await?;
    let sent = match choice {
        Choice::Hidden => shares::send(engine, out, &info).await?,
        _ => false,
    };
    let code = match choice {
        Choice::Rule => "rule",
        Choice::Added => "added",
        Choice::Hidden => "hidden",
    };
    let json = json!({
        "share": info.id.to_hex(),
        "id": entry.to_string(),
        "choice": code,
        "sent": sent,
    });
    out.say(json, || {
        let what = match choice {
            Choice::Rule => "What you share with them decides about it again",
            Choice::Added => "They see all of it",
            Choice::Hidden => "They do not see it; what was read cannot be unread",
        };
        let when = if sent { "now" } else { "with the next sync" };
        format!("{what}: {when} ({})", words::short(&entry))
    })
}
