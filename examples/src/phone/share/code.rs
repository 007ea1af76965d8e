//! The code that both screens show.

use mainstay_core::engine::{Engine, ShareInfo};
use serde_json::json;

use super::find;
use crate::shell::compare::{digits, is_confirmed};
use crate::shell::failure::Failure;
use crate::shell::output::Output;
use crate::shell::shares;

pub(super) async fn confirm(
    engine: &Engine,
    out: &Output,
    mut info: ShareInfo,
    given: Option<&str>,
    yes: bool,
) -> Result<(), Failure> {
    if shares::state(&info).0 == "invited" {
        // The answer may lie at the relay.
        shares::send(engine, out, &info).await?;
        info = find(engine, out, &info.id.to_hex()).await?;
    }
    let (state, code) = shares::state(&info);
    let Some(code) = code else { return Err(Failure::new(not_now(state, &info))) };
    out.tell(&format!("{} has answered. The code: {code}", info.peer));
    if given.is_some_and(|given| digits(given) != digits(&code)) {
        return Err(Failure::new(format!(
            "the codes differ, so it may be somebody else who has answered; nobody was let in. \
             `phone share decline {}`, then invite anew",
            shares::short(&info)
        )));
    }
    let same = yes || given.is_some() || {
        out.tell(&format!("Does {}'s screen show the same code?", info.peer));
        is_confirmed(out, &code, None).await?
    };
    if !same {
        return Err(Failure::new(format!(
            "nobody was let in; if the codes differ: `phone share decline {}`",
            shares::short(&info)
        )));
    }
    engine.share_confirm(info.id).await?;
    let sent = shares::send(engine, out, &info).await?;
    let json = json!({
        "share": info.id.to_hex(),
        "to": info.peer,
        "confirmed": true,
        "code": code,
        "sent": sent,
    });
    out.say(json, || match sent {
        true => format!("{} is in. `phone share preview` shows what they see.", info.peer),
        false => format!("Confirmed. The next sync lets {} in.", info.peer),
    })
}

fn not_now(state: &str, info: &ShareInfo) -> String {
    let peer = &info.peer;
    match state {
        "invited" => {
            format!("{peer} has not answered yet; once they have, `phone sync` brings the code")
        }
        "confirmed" => "it is confirmed already; `phone sync` lets them in".to_owned(),
        "active" => format!("{peer} is in already, so there is nothing to do"),
        _ => "no invitation to this share is open on this device; invite anew".to_owned(),
    }
}

pub(super) async fn decline(
    engine: &Engine,
    out: &Output,
    info: &ShareInfo,
) -> Result<(), Failure> {
    engine.share_decline(info.id).await?;
    let sent = shares::send(engine, out, info).await?;
    let json = json!({ "share": info.id.to_hex(), "declined": true, "sent": sent });
    out.say(json, || "Nobody was let in, and nothing was shared.".to_owned())
}
