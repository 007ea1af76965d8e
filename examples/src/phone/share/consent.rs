//! What the person agrees to, and changes of it.

use mainstay_core::care::{Consent, Event, Scope, words};
use mainstay_core::engine::{Engine, ShareInfo};
use serde_json::json;

use super::invite::{end_of, scope};
use crate::shell::at::Clock;
use crate::shell::failure::Failure;
use crate::shell::output::Output;
use crate::shell::shares;
use crate::shell::words::instant;

pub(super) async fn narrow(
    engine: &Engine,
    out: &Output,
    info: &ShareInfo,
    text: &str,
) -> Result<(), Failure> {
    let old = current(engine, info).await?;
    let new = Consent { scope: scope(text)?, ..old.clone() };
    if !new.scope.is_within(&old.scope) {
        return Err(Failure::usage(format!(
            "that is more than is shared now ({}); to share more: `phone share widen`",
            old.scope
        )));
    }
    change(engine, out, info, (old, new), true).await
}

pub(super) async fn widen(
    engine: &Engine,
    out: &Output,
    info: &ShareInfo,
    text: &str,
    yes: bool,
) -> Result<(), Failure> {
    let old = current(engine, info).await?;
    let new = Consent { scope: scope(text)?, ..old.clone() };
    change(engine, out, info, (old, new), yes).await
}

pub(super) async fn until(
    engine: &Engine,
    out: &Output,
    info: &ShareInfo,
    date: &str,
    yes: bool,
) -> Result<(), Failure> {
    let old = current(engine, info).await?;
    let until_ms = match date.trim() {
        "none" => None,
        date => Some(end_of(&Clock::new(None)?, date)?),
    };
    let new = Consent { until_ms, ..old.clone() };
    change(engine, out, info, (old, new), yes).await
}

/// It gives the other side nothing more to see, and so needs no new consent.
pub(super) async fn ask_opened(
    engine: &Engine,
    out: &Output,
    info: &ShareInfo,
    ask: bool,
) -> Result<(), Failure> {
    let mut consent = current(engine, info).await?;
    consent.asks_opened = ask;
    engine.share_set_consent(info.id, consent).await?;
    out.say(json!({ "share": info.id.to_hex(), "asks_opened": ask }), || match ask {
        true => format!(
            "{} will be asked with the next sync; `phone share list` shows when they last looked, if \
             they choose to tell.",
            info.peer
        ),
        false => format!("{} is not asked any more.", info.peer),
    })
}

async fn current(engine: &Engine, info: &ShareInfo) -> Result<Consent, Failure> {
    let consent = engine.share_consent(info.id).await?;
    consent.ok_or_else(|| Failure::new("this share has no consent yet; `phone sync`, then again"))
}

/// Narrower at once; wider only as a new consent, to which the person says yes.
async fn change(
    engine: &Engine,
    out: &Output,
    info: &ShareInfo,
    (old, new): (Consent, Consent),
    yes: bool,
) -> Result<(), Failure> {
    let granted_at_ms = Clock::new(None)?.now_ms();
    let new = Consent { granted_at_ms, ..new }.following(&old);
    if new.event == Event::Widened {
        out.tell(&format!("{} would see in addition:\n{}", info.peer, added(&old, &new)));
        if !yes && !shares::agrees(out, "Do you agree?").await? {
            return Err(Failure::new("nothing was changed; to agree without being asked: --yes"));
        }
    }
    let json = json!({
        "share": info.id.to_hex(),
        "event": new.event.code(),
        "scope": new.scope.to_string(),
        "until": crate::shell::words::instant_json(new.until_ms),
    });
    let (event, told) = (new.event, told(&new));
    engine.share_set_consent(info.id, new).await?;
    // What is shared no longer is taken back now, and not some time later.
    let sent = match event {
        Event::Narrowed => shares::send(engine, out, info).await?,
        _ => false,
    };
    let mut json = json;
    json["sent"] = sent.into();
    out.say(json, || {
        let sent = if sent { "" } else { "\nIt reaches them with the next sync." };
        format!("{} now sees:\n{told}{sent}", info.peer)
    })
}

/// What a consent covers, in lines.
pub(super) fn told(consent: &Consent) -> String {
    let mut lines = covered(&consent.scope);
    if lines.is_empty() {
        lines.push("  nothing but the entries that you add".to_owned());
    }
    if consent.delay_hours > 0 {
        lines.push(format!("  each entry {} hours after it was written", consent.delay_hours));
    }
    if let Some(until_ms) = consent.until_ms {
        lines.push(format!("  until {}", instant(until_ms)));
    }
    lines.join("\n")
}

fn covered(scope: &Scope) -> Vec<String> {
    let entries = scope.entries().map(|(class, how)| {
        let since = how.since.map_or(String::new(), |since| format!(", from {since}"));
        let until = how.until.map_or(String::new(), |until| format!(", up to {until}"));
        format!("  {}: {}{since}{until}", class.word(), how.detail.word())
    });
    let plan = scope.plan().map(|plan| format!("  {}: {}", words::CLASS_WORDS[6].1, plan.word()));
    entries.chain(plan).collect()
}

fn added(old: &Consent, new: &Consent) -> String {
    let mut more = Scope::default();
    for (class, how) in new.scope.entries() {
        let mut alone = Scope::default();
        alone.set(class, Some(*how));
        if !alone.is_within(&old.scope) {
            more.set(class, Some(*how));
        }
    }
    if new.scope.plan() > old.scope.plan() {
        more.set_plan(new.scope.plan());
    }
    let mut lines = covered(&more);
    if new.until_ms != old.until_ms {
        lines.push(match new.until_ms {
            Some(until_ms) => format!("  all of it until {}", instant(until_ms)),
            None => "  all of it until you stop it".to_owned(),
        });
    }
    lines.join("\n")
}
