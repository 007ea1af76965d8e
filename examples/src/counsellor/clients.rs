//! Clients: joining their shares, listing and leaving them.

use std::time::{Duration, Instant};

use mainstay_core::engine::{Engine, EngineError, ShareInfo};
use serde_json::json;

use super::args::JoinArgs;
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::{Output, next_line};
use crate::shell::shares::{self, Side};
use crate::shell::syncing;

/// How long to wait before asking the relay again.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn join(home: &Home, out: &Output, args: JoinArgs) -> Result<(), Failure> {
    let engine = home.open().await?;
    let done = answer(&engine, out, args).await;
    engine.suspend().await?;
    done
}

async fn answer(engine: &Engine, out: &Output, args: JoinArgs) -> Result<(), Failure> {
    let invitation = match args.invitation.as_str() {
        "-" => next_line().await?.unwrap_or_default(),
        given => given.to_owned(),
    };
    let share = engine.share_join(invitation.trim(), &args.my_name, &args.client).await?;
    let code = code(engine, out, &share.to_hex(), args.wait).await?;
    if let Some(code) = &code {
        out.tell(&format!(
            "The code: {code}\nCompare it with the one on {}'s screen.",
            args.client
        ));
    }
    out.say(json!({ "share": share.to_hex(), "code": code }), || match &code {
        Some(code) => format!(
            "{code}\nOnce {} has confirmed it, `counsellor sync` brings what they share.",
            args.client
        ),
        None => format!(
            "Answered. {}'s device has not been online since; `counsellor sync` and `counsellor \
             clients` show the code once it has.",
            args.client
        ),
    })
}

/// The code to compare, if the client's device answers in time.
async fn code(
    engine: &Engine,
    out: &Output,
    share: &str,
    wait: Duration,
) -> Result<Option<String>, Failure> {
    let until = Instant::now() + wait;
    loop {
        let report = match syncing::run(engine, out, None, "waiting for the code").await {
            Ok(report) => report,
            Err(failure) => {
                out.tell("Your answer is kept on this device; `counsellor sync` sends it.");
                return Err(failure);
            }
        };
        if let Some((_, why)) = report.failures.iter().find(|(id, _)| id.to_hex() == share) {
            return Err(Failure::new(why.clone()));
        }
        let infos = engine.shares().await?;
        let info = infos.iter().find(|info| info.id.to_hex() == share);
        let (state, code) = info.map_or(("ended", None), shares::state);
        if code.is_some() || state != "invited" || Instant::now() >= until {
            return Ok(code);
        }
        tokio::time::sleep(PAUSE.min(until.saturating_duration_since(Instant::now()))).await;
    }
}

/// The client that this names, with an open vault.
pub(super) async fn with(
    engine: &Engine,
    out: &Output,
    client: &str,
) -> Result<ShareInfo, Failure> {
    shares::find(engine, out, Side::Reader, client).await
}

/// The counsellor looked at what a client shares: told only if both want it. A share that is over has
/// nobody to tell.
pub(super) async fn looked(engine: &Engine, info: &ShareInfo) -> Result<(), Failure> {
    match engine.share_opened(info.id).await {
        Ok(_) | Err(EngineError::ShareOver) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn clients(home: &Home, out: &Output) -> Result<(), Failure> {
    let engine = home.open().await?;
    let infos = shares::of(&engine, Side::Reader).await;
    engine.suspend().await?;
    let infos = infos?;
    let one = |info: &ShareInfo| {
        let mut json = shares::to_json(info);
        json["client"] = info.id.to_hex().into();
        json["name"] = info.peer.as_str().into();
        json["tells_opened"] = info.tells_opened.into();
        json
    };
    out.say(infos.iter().map(one).collect(), || match &infos[..] {
        [] => "Nobody shares anything with you yet.".to_owned(),
        infos => infos.iter().map(line).collect::<Vec<_>>().join("\n"),
    })
}

fn line(info: &ShareInfo) -> String {
    let what = match shares::state(info) {
        ("invited", _) => "answered; the client's device has not seen it yet".to_owned(),
        ("compare", Some(code)) => format!("the code: {code}; the client confirms it"),
        ("active", _) => format!("{} records, {} waiting", info.records, info.waiting),
        ("coming", _) => "on its way to this device; `counsellor sync`".to_owned(),
        ("expired", _) => "the time for which they shared is over".to_owned(),
        ("ended", _) => "ended".to_owned(),
        (state, _) => state.to_owned(),
    };
    format!("{}  {}: {what}", shares::short(info), info.peer)
}

pub(super) async fn tell_opened(
    home: &Home,
    out: &Output,
    client: &str,
    tell: bool,
) -> Result<(), Failure> {
    let engine = home.open().await?;
    let done = async {
        let info = with(&engine, out, client).await?;
        engine.share_tell_opened(info.id, tell).await?;
        out.say(json!({ "client": info.id.to_hex(), "tells_opened": tell }), || match tell {
            true => format!("{} sees when you last looked, if they ask for it.", info.peer),
            false => format!("{} is not told; the next sync takes back what was.", info.peer),
        })
    };
    let done = done.await;
    engine.suspend().await?;
    done
}

pub(super) async fn leave(home: &Home, out: &Output, client: &str) -> Result<(), Failure> {
    let engine = home.open().await?;
    let done = end(&engine, out, client).await;
    engine.suspend().await?;
    done
}

async fn end(engine: &Engine, out: &Output, client: &str) -> Result<(), Failure> {
    let info = with(engine, out, client).await?;
    engine.share_end(info.id).await?;
    let sent = shares::send(engine, out, &info).await?;
    out.say(json!({ "client": info.id.to_hex(), "left": true, "sent": sent }), || {
        format!("You have left {}'s share. Your private notes stay in your vault.", info.peer)
    })
}
