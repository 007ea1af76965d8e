//! Sharing with somebody whom the person chooses.
//!
//! What opens a door or closes one is sent at once, if the relay can be reached; what shares more
//! waits for the next sync, as an entry does.

pub(in crate::phone) mod args;
mod code;
mod consent;
mod entries;
mod invite;
mod log;
mod proposals;

use mainstay_core::care::{Choice, SharedBody, Target, words};
use mainstay_core::engine::{Engine, ShareInfo};
use serde_json::json;

use super::entries as journal;
use crate::shell::at::Clock;
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::shares::{self, Side, said, target};
use crate::shell::words::instant;
use args::ShareAction;

pub(super) async fn share(home: &Home, out: &Output, action: ShareAction) -> Result<(), Failure> {
    let engine = home.open().await?;
    let done = with_engine(&engine, out, action).await;
    engine.suspend().await?;
    done
}

async fn with_engine(engine: &Engine, out: &Output, action: ShareAction) -> Result<(), Failure> {
    match action {
        ShareAction::Invite(args) => invite::invite(engine, out, args).await,
        ShareAction::List => list(engine, out).await,
        ShareAction::Confirm { share, code, yes } => {
            let info = find(engine, out, &share).await?;
            code::confirm(engine, out, info, code.as_deref(), yes).await
        }
        ShareAction::Decline(args) => {
            let info = find(engine, out, &args.share).await?;
            code::decline(engine, out, &info).await
        }
        ShareAction::Preview(args) => {
            let info = find(engine, out, &args.share).await?;
            entries::preview(engine, out, &info).await
        }
        ShareAction::Add(args) => entries::choose(engine, out, args, Choice::Added).await,
        ShareAction::Hide(args) => entries::choose(engine, out, args, Choice::Hidden).await,
        ShareAction::Unset(args) => entries::choose(engine, out, args, Choice::Rule).await,
        ShareAction::Narrow { share, scope } => {
            let info = find(engine, out, &share).await?;
            consent::narrow(engine, out, &info, &scope).await
        }
        ShareAction::Widen { share, scope, yes } => {
            let info = find(engine, out, &share).await?;
            consent::widen(engine, out, &info, &scope, yes).await
        }
        ShareAction::Until { share, date, yes } => {
            let info = find(engine, out, &share).await?;
            consent::until(engine, out, &info, &date, yes).await
        }
        ShareAction::AskOpened { share, ask } => {
            let info = find(engine, out, &share).await?;
            consent::ask_opened(engine, out, &info, ask.is_on()).await
        }
        ShareAction::Revoke(args) => {
            let info = find(engine, out, &args.share).await?;
            revoke(engine, out, &info).await
        }
        ShareAction::TakeBack(args) => {
            let info = find(engine, out, &args.share).await?;
            take_back(engine, out, &info).await
        }
        ShareAction::Log(args) => {
            let info = find(engine, out, &args.share).await?;
            log::log(engine, out, &info).await
        }
        ShareAction::Comments(args) => {
            let info = find(engine, out, &args.share).await?;
            let heard = engine.share_records(info.id).await?;
            out.say(said::said_json(&said::of(&heard)), || said::text(&info, &heard))
        }
        ShareAction::Accept(args) => proposals::accept(engine, out, args).await,
        ShareAction::DeclineProposal(args) => proposals::decline(engine, out, args).await,
        ShareAction::Reply { share, on, text } => {
            let info = find(engine, out, &share).await?;
            reply(engine, out, &info, (&on, text)).await
        }
    }
}

/// The twelve words are read from standard input, as for a restore.
async fn take_back(engine: &Engine, out: &Output, info: &ShareInfo) -> Result<(), Failure> {
    let phrase = crate::shell::syncing::ask_for_phrase(out)?;
    let report = engine.share_take_back(info.id, &phrase).await?;
    out.say(json!({ "taken_back": true, "failures": report.failures.len() }), || {
        format!(
            "The share with {} is yours alone to lead again. Whoever you let in is still in it.",
            info.peer
        )
    })
}

/// The share of this journal that this names.
async fn find(engine: &Engine, out: &Output, text: &str) -> Result<ShareInfo, Failure> {
    shares::find(engine, out, Side::Owner, text).await
}

async fn list(engine: &Engine, out: &Output) -> Result<(), Failure> {
    let infos = engine.shares().await?;
    let one = |info: &ShareInfo| {
        let mut json = shares::to_json(info);
        json["share"] = info.id.to_hex().into();
        json["to"] = info.peer.as_str().into();
        json["owner"] = info.owner.into();
        json
    };
    out.say(infos.iter().map(one).collect(), || match &infos[..] {
        [] => "You share nothing with anybody. To begin: `phone share invite --help`.".to_owned(),
        infos => infos.iter().map(line).collect::<Vec<_>>().join("\n"),
    })
}

fn line(info: &ShareInfo) -> String {
    let (state, code) = shares::state(info);
    let id = shares::short(info);
    let what = match (state, code) {
        ("invited", _) => "invited, no answer yet".to_owned(),
        ("compare", Some(code)) => format!(
            "has answered. The code: {code}. If their screen shows the same: `phone share confirm {id}`"
        ),
        ("confirmed", _) => "confirmed; the next sync lets them in".to_owned(),
        ("coming", _) => "on its way to this device; `phone sync`".to_owned(),
        ("active", _) if info.delivered => {
            format!("{} records, and their device has them all{}", info.records, opened(info))
        }
        ("active", _) => {
            format!("{} records, {} of them waiting{}", info.records, info.waiting, opened(info))
        }
        ("empty", _) => "nobody was let in".to_owned(),
        ("expired", _) => "its time is over, and nothing is shared".to_owned(),
        ("ended", _) => "ended".to_owned(),
        (state, _) => state.to_owned(),
    };
    format!("{id}  {}: {what}", info.peer)
}

/// When somebody there last looked, if that is told.
fn opened(info: &ShareInfo) -> String {
    let opened_ms = info.members.iter().filter_map(|member| member.opened_ms).max();
    opened_ms.map(|at_ms| format!("; opened {}", instant(at_ms))).unwrap_or_default()
}

async fn revoke(engine: &Engine, out: &Output, info: &ShareInfo) -> Result<(), Failure> {
    engine.share_end(info.id).await?;
    let sent = shares::send(engine, out, info).await?;
    let json = json!({ "share": info.id.to_hex(), "ended": true, "sent": sent });
    out.say(json, || {
        let now = match sent {
            true => format!("You share nothing with {} any more.", info.peer),
            false => "Nothing new goes out, and the next sync shuts them out.".to_owned(),
        };
        format!("{now}\n\n{}\n\n{}", words::WHAT_STOPPING_DOES, words::WHAT_STOPPING_CANNOT_DO)
    })
}

async fn reply(
    engine: &Engine,
    out: &Output,
    info: &ShareInfo,
    (on, text): (&str, String),
) -> Result<(), Failure> {
    let heard = engine.share_records(info.id).await?;
    let on = match target::find(&heard, on)? {
        Some(target) => target,
        // An entry goes by its own id here, and by another one on the other side.
        None => {
            let entry = journal::find(engine, on).await?;
            let record = engine.share_record_of(info.id, entry).await?;
            if !heard.iter().any(|heard| heard.record.id == record) {
                return Err(Failure::new(format!(
                    "that entry is not in the share yet; `phone share preview {}` shows whether it \
                     will be, and `phone sync` sends it",
                    shares::short(info)
                )));
            }
            Target::Record(record)
        }
    };
    let written_at_ms = Clock::new(None)?.now_ms();
    let id = engine.share_say(info.id, SharedBody::Comment { on, text, written_at_ms }).await?;
    out.say(json!({ "id": id.to_string() }), || {
        format!("Kept. {} reads it after the next sync.", info.peer)
    })
}
