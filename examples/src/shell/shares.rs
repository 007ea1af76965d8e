//! Shares, as either side names and lists them.

pub(crate) mod records;
pub(crate) mod said;
pub(crate) mod target;

use mainstay_core::engine::{Engine, Handshake, ShareInfo, ShareStage, SyncReport};
use serde_json::{Value as Json, json};

use super::failure::Failure;
use super::output::Output;
use super::syncing;
use super::words;

/// Fewer digits of an id could be a slip.
const MIN_DIGITS: usize = 4;
/// How many digits of an id are shown.
const SHOWN_DIGITS: usize = 8;

/// Which end of shares a program shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Those of a person's own journal.
    Owner,
    /// Those of other people's journals.
    Reader,
}

impl Side {
    const fn holds(self, info: &ShareInfo) -> bool {
        info.owner == matches!(self, Self::Owner)
    }

    const fn list(self) -> &'static str {
        match self {
            Self::Owner => "share list",
            Self::Reader => "clients",
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Owner => "share",
            Self::Reader => "client",
        }
    }
}

/// The shares of one side.
pub(crate) async fn of(engine: &Engine, side: Side) -> Result<Vec<ShareInfo>, Failure> {
    let mut infos = engine.shares().await?;
    infos.retain(|info| side.holds(info));
    infos.sort_by_key(|info| (info.since_ms, info.id));
    Ok(infos)
}

/// The one share that this names: by the other's name, its id, or the beginning of that. Of several
/// of one name those that are over do not count.
pub(crate) async fn find(
    engine: &Engine,
    out: &Output,
    side: Side,
    text: &str,
) -> Result<ShareInfo, Failure> {
    let text = text.trim();
    let digits = text.to_ascii_lowercase();
    let by_id =
        |info: &ShareInfo| digits.len() >= MIN_DIGITS && info.id.to_hex().starts_with(&digits);
    let named = |info: &ShareInfo| info.peer == text || by_id(info);
    let infos = engine.shares().await?;
    let other_side = infos.iter().any(|info| !side.holds(info) && named(info));
    let mut found: Vec<ShareInfo> =
        infos.into_iter().filter(|info| side.holds(info) && named(info)).collect();
    if found.len() > 1 && found.iter().any(is_going_on) {
        found.retain(is_going_on);
    }
    let list = format!("`{} {}`", out.program(), side.list());
    match (found.pop(), found.is_empty()) {
        (Some(info), true) => Ok(info),
        (Some(_), false) => Err(Failure::new(format!(
            "{} {}s go by {text:?}; say which by the beginning of its id, from {list}",
            found.len() + 1,
            side.noun()
        ))),
        (None, _) if other_side => Err(Failure::new(format!(
            "{text:?} is not yours to do this with: only the person whose journal it is, on their \
             own device, can"
        ))),
        (None, _) => Err(Failure::new(format!(
            "there is no {} {text:?}; {list} shows what there is",
            side.noun()
        ))),
    }
}

fn is_going_on(info: &ShareInfo) -> bool {
    info.state != ShareStage::Ended
}

/// How far a share is, in one word, and the code that both sides show.
pub(crate) fn state(info: &ShareInfo) -> (&'static str, Option<String>) {
    match &info.state {
        ShareStage::Invited(Handshake::Open) => ("invited", None),
        ShareStage::Invited(Handshake::Compare(code)) => ("compare", Some(code.to_string())),
        ShareStage::Invited(Handshake::Confirmed) => ("confirmed", None),
        ShareStage::Coming => ("coming", None),
        ShareStage::Active => ("active", None),
        ShareStage::Empty => ("empty", None),
        ShareStage::Expired => ("expired", None),
        ShareStage::Ended => ("ended", None),
        _ => ("unknown", None),
    }
}

/// What both sides' lists say of a share beside its id and name.
pub(crate) fn to_json(info: &ShareInfo) -> Json {
    let (state, code) = state(info);
    json!({
        "state": state,
        "code": code,
        "waiting": info.waiting,
        "records": info.records,
        "delivered": info.delivered,
        "opened": words::instant_json(info.members.iter().filter_map(|m| m.opened_ms).max()),
        "synced": words::instant_json(info.synced_ms),
    })
}

/// The beginning of a share's id, as a person would copy it.
pub(crate) fn short(info: &ShareInfo) -> String {
    info.id.to_hex().chars().take(SHOWN_DIGITS).collect()
}

/// Syncs at once. Whether the relay has taken everything of this share; if not, the person is told
/// why, and that it waits.
pub(crate) async fn send(engine: &Engine, out: &Output, info: &ShareInfo) -> Result<bool, Failure> {
    let report = match syncing::run(engine, out, None, "syncing").await {
        Ok(report) => report,
        Err(failure) => {
            out.tell(failure.message());
            out.tell(&waits(out));
            return Ok(false);
        }
    };
    report.alarms.iter().for_each(|alarm| out.tell(alarm.words()));
    if let Some(why) = failed(&report, info) {
        out.tell(why);
    }
    let waiting =
        engine.shares().await?.iter().find(|now| now.id == info.id).map(|now| now.waiting);
    let sent = report.complete && failed(&report, info).is_none() && waiting.unwrap_or(0) == 0;
    if !sent {
        out.tell(&waits(out));
    }
    Ok(sent)
}

fn waits(out: &Output) -> String {
    format!("It is kept on this device and waits; `{} sync` sends it.", out.program())
}

/// Why a share was not synced while others were.
pub(crate) fn failed<'a>(report: &'a SyncReport, info: &ShareInfo) -> Option<&'a str> {
    report.failures.iter().find(|(share, _)| *share == info.id).map(|(_, why)| why.as_str())
}

/// Whether the person says so.
pub(crate) async fn agrees(out: &Output, question: &str) -> Result<bool, Failure> {
    out.tell(&format!("{question} [y/N]"));
    let answer = super::output::next_line().await?.unwrap_or_default();
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
