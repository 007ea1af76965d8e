//! Where the entries are, and whether they are sound.

use mainstay_core::engine::{Checkpoint, Engine, RelayAddress, Status, Witness};
use serde_json::{Value as Json, json};

use super::failure::Failure;
use super::home::Home;
use super::output::Output;
use super::words;

pub(crate) async fn status(home: &Home, out: &Output) -> Result<(), Failure> {
    let engine = home.open().await?;
    let status = engine.status().await?;
    let relay = engine.relay().await?;
    engine.suspend().await?;
    out.say(to_json(&status, relay.as_ref()), || text(out.program(), &status, relay.as_ref()))
}

fn to_json(status: &Status, relay: Option<&RelayAddress>) -> Json {
    let devices = status.devices.iter();
    let devices =
        devices.map(|device| json!({ "name": device.name, "confirmed": device.confirmed }));
    json!({
        "entries": status.entries,
        "waiting": status.waiting,
        "on_relay": status.on_relay,
        "on_other_devices": status.on_other_devices,
        "devices": devices.collect::<Vec<_>>(),
        "synced": words::instant_json(status.synced_ms),
        "stale_since": words::instant_json(status.stale_since_ms),
        "restoring": status.restoring,
        "relay": relay.map(ToString::to_string),
    })
}

fn text(program: &str, status: &Status, relay: Option<&RelayAddress>) -> String {
    let mut lines = vec![format!("{}, saved on this device", words::entries(status.entries))];
    match relay {
        None => lines.push("No relay is set, so there is no copy elsewhere.".to_owned()),
        Some(_) => {
            lines.push(format!("{} on the relay, {} waiting", status.on_relay, status.waiting));
        }
    }
    for device in &status.devices {
        lines.push(format!("{} confirmed by {}", device.confirmed, device.name));
    }
    if let Some(synced_ms) = status.synced_ms {
        lines.push(format!("last complete sync: {}", words::instant(synced_ms)));
    }
    if let Some(stale_ms) = status.stale_since_ms {
        let since = words::instant(stale_ms);
        lines.push(format!(
            "The relay has said nothing since {since}; `{program} sync` asks again."
        ));
    }
    if status.restoring {
        lines.push(format!("Older history is still coming; `{program} sync` goes on."));
    }
    lines.join("\n")
}

/// Moves the files of a damaged store away: the next command starts it from what the relay holds.
pub(crate) async fn set_aside(home: &Home, out: &Output, yes: bool) -> Result<(), Failure> {
    if !yes {
        return Err(Failure::usage(
            "what is on this device alone would be in the files that are moved away, and nowhere else; \
             if the store is damaged for good, say `set-aside --yes`",
        ));
    }
    let kept = Engine::set_aside(&home.config(None).dir).await?;
    out.say(json!({ "kept": kept.display().to_string() }), || {
        format!("The damaged files are kept in {}.", kept.display())
    })
}

/// Shows where the journal stands on this device, or whether this device has what another one, or a piece
/// of paper, says.
pub(crate) async fn checkpoint(
    home: &Home,
    out: &Output,
    other: Option<Checkpoint>,
) -> Result<(), Failure> {
    let engine = home.open().await?;
    let (here, as_of) = (engine.checkpoint().await?, engine.as_of().await?);
    let newest = words::instant_json(as_of.newest_entry_ms);
    let found = match other {
        Some(other) => Some(engine.check_against(other).await?),
        None => None,
    };
    engine.suspend().await?;
    let Some(found) = found else {
        let json = json!({ "checkpoint": here.to_string(), "newest_entry": newest });
        return out.say(json, || format!("{here}"));
    };
    let (name, say) = match found {
        Witness::Same => ("same", "This device has exactly what that checkpoint was made of."),
        Witness::Older => (
            "older",
            "Something is not on this device that was there when the checkpoint was made. Sync; if it stays \
             so, the relay shows an old copy: another device of yours, or a later day, brings the rest.",
        ),
        _ => (
            "unclear",
            "This device has had other changes than those of that checkpoint, so it tells nothing. Make a \
             new one on the other device after both have synced, and compare again.",
        ),
    };
    out.say(json!({ "compared": name, "newest_entry": newest }), || say.to_owned())?;
    match found {
        Witness::Same => Ok(()),
        _ => Err(Failure::new("the checkpoints are not the same")),
    }
}

pub(crate) async fn verify(home: &Home, out: &Output) -> Result<(), Failure> {
    let engine = home.open().await?;
    let problems = engine.verify().await?;
    engine.suspend().await?;
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let ok = problems.is_empty();
    out.say(json!({ "ok": ok, "problems": problems }), || match ok {
        true => "Everything is as it should be.".to_owned(),
        false => problems.join("\n"),
    })?;
    match ok {
        true => Ok(()),
        false => Err(Failure::new(format!(
            "something was not as it should be; run `{} verify` again",
            out.program()
        ))),
    }
}
