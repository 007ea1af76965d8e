//! Syncing, and taking a journal back.

use std::io::{self, IsTerminal, Read};
use std::time::Duration;

use mainstay_core::engine::{Engine, SyncReport};
use mainstay_core::space::phrase::{Phrase, PhraseError};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::args::{RestoreArgs, SyncArgs};
use super::failure::Failure;
use super::home::Home;
use super::output::Output;
use super::{progress, words};

/// More than any phrase has: what lies beyond is not read.
const MAX_PHRASE_BYTES: u64 = 8 * 1024;

pub(crate) async fn sync(home: &Home, out: &Output, args: SyncArgs) -> Result<(), Failure> {
    let engine = home.open().await?;
    let report = run(&engine, out, args.budget, "syncing").await?;
    let waiting = engine.status().await?.waiting;
    engine.suspend().await?;
    out.say(to_json(&report, waiting), || text(&report, waiting))
}

/// One sync, with a bar if somebody watches.
pub(crate) async fn run(
    engine: &Engine,
    out: &Output,
    budget: Option<Duration>,
    what: &'static str,
) -> Result<SyncReport, Failure> {
    let bar = progress::bar(0, what);
    let report = match budget {
        Some(budget) => engine.sync_once(budget).await,
        None => engine.sync_with(&mut |report| progress::show(&bar, report)).await,
    };
    bar.finish_and_clear();
    if report.is_err() {
        tell_alarms(engine, out).await?;
        if engine.fork().await?.is_some() {
            let heal = format!("`{} devices heal`", out.program());
            out.tell(&format!("{heal} shows both lists, and joins them if you say so."));
        }
    }
    Ok(report?)
}

/// What a sync that failed found out about the relay: it left no report to say it in.
pub(crate) async fn tell_alarms(engine: &Engine, out: &Output) -> Result<(), Failure> {
    engine.take_alarms().await?.iter().for_each(|alarm| out.tell(alarm.words()));
    Ok(())
}

pub(crate) fn to_json(report: &SyncReport, waiting: u64) -> Json {
    let restoring = report.restoring.map(|(done, all)| json!({ "fetched": done, "of": all }));
    let alarms: Vec<&str> = report.alarms.iter().map(|alarm| alarm.words()).collect();
    let failures = report.failures.iter();
    let failures: Vec<Json> =
        failures.map(|(share, why)| json!({ "share": share.to_hex(), "why": why })).collect();
    json!({
        "sent": report.sent,
        "received": report.received,
        "waiting": waiting,
        "round_trips": report.round_trips,
        "bytes_sent": report.bytes_sent,
        "bytes_received": report.bytes_received,
        "complete": report.complete,
        "restoring": restoring,
        "alarms": alarms,
        "shared": report.shared,
        "heard": report.heard,
        "share_failures": failures,
    })
}

fn text(report: &SyncReport, waiting: u64) -> String {
    let bytes = words::bytes(report.bytes_sent + report.bytes_received);
    let mut text = format!(
        "{} sent, {} received, {waiting} waiting ({} turns, {bytes})",
        report.sent, report.received, report.round_trips
    );
    if report.shared + report.heard > 0 {
        text.push_str(&format!("\nIn shares: {} sent, {} received", report.shared, report.heard));
    }
    for (_, why) in &report.failures {
        text.push_str(&format!("\nA share could not be synced: {why}"));
    }
    if !report.complete {
        text.push_str("\nThe time ran out; the next sync goes on from here.");
    }
    for alarm in &report.alarms {
        text.push_str(&format!("\n{}", alarm.words()));
    }
    text
}

/// The twelve words, from standard input.
pub(crate) fn ask_for_phrase(out: &Output) -> Result<Phrase, Failure> {
    if io::stdin().is_terminal() {
        out.tell("Type the twelve words, in order, and press Enter:");
    }
    read_phrase()
}

pub(crate) async fn restore(home: &Home, out: &Output, args: RestoreArgs) -> Result<(), Failure> {
    let phrase = ask_for_phrase(out)?;
    home.prepare()?;
    let engine = Engine::restore(home.config(args.name), &phrase, &args.relay).await?;
    drop(phrase);
    let report = match run(&engine, out, args.budget, "restoring").await {
        Ok(report) => report,
        Err(failure) => {
            engine.suspend().await?;
            let (keeps, sync) = (home.program().keeps, format!("`{} sync`", out.program()));
            out.tell(&format!(
                "The {keeps} is yours again on this device; {sync} fetches the rest."
            ));
            return Err(failure);
        }
    };
    let (status, as_of) = (engine.status().await?, engine.as_of().await?);
    engine.suspend().await?;
    let mut json = to_json(&report, status.waiting);
    json["entries"] = status.entries.into();
    json["newest_entry"] = words::instant_json(as_of.newest_entry_ms);
    out.say(json, || {
        format!(
            "Back on this device: {}{}. {}\nYour other devices wait until you confirm them: \
             `{} devices list`.",
            words::entries(status.entries),
            up_to(as_of.newest_entry_ms),
            text(&report, status.waiting),
            out.program()
        )
    })
}

/// The phrase: a line that a person types, or all that a program sends.
fn read_phrase() -> Result<Phrase, Failure> {
    let mut typed = Zeroizing::new(String::new());
    let read = match io::stdin().is_terminal() {
        true => io::stdin().read_line(&mut typed),
        false => io::stdin().take(MAX_PHRASE_BYTES).read_to_string(&mut typed),
    };
    read.map_err(|_| Failure::new("the phrase on standard input cannot be read as text"))?;
    Phrase::parse(&typed).map_err(|error| Failure::new(in_full(&error)))
}

/// Twelve words cannot show that the relay gave the newest copy; how new it is, a person can see.
fn up_to(newest_ms: Option<i64>) -> String {
    newest_ms.map(|ms| format!(", the newest of {}", words::instant(ms))).unwrap_or_default()
}

/// What is wrong with the words, with what may have been meant: the person who typed them is reading.
fn in_full(error: &PhraseError) -> String {
    match error {
        PhraseError::UnknownWord { suggestions, .. } if !suggestions.words().is_empty() => {
            format!("{error}; did you mean {}?", suggestions.words().join(" or "))
        }
        error => error.to_string(),
    }
}
