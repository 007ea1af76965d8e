//! The devices of a journal.

use mainstay_core::engine::{DeviceInfo, Engine, LinkOffer};
use serde_json::{Value as Json, json};

use super::args::DeviceAction;
use super::compare::is_confirmed;
use super::failure::Failure;
use super::home::Home;
use super::output::{Output, next_line};
use super::{syncing, words};

pub(crate) async fn devices(
    home: &Home,
    out: &Output,
    action: DeviceAction,
) -> Result<(), Failure> {
    match action {
        DeviceAction::Join { invitation, name } => join(home, out, invitation, name).await,
        action => {
            let engine = home.open().await?;
            let done = with_engine(&engine, out, action).await;
            engine.suspend().await?;
            done
        }
    }
}

async fn with_engine(engine: &Engine, out: &Output, action: DeviceAction) -> Result<(), Failure> {
    match action {
        DeviceAction::Link { life, code } => {
            let offer = engine.invite_device(life).await?;
            return link(out, offer, code.as_deref()).await;
        }
        DeviceAction::Remove { device } => {
            engine
                .remove_device(&chosen(engine, out, &device, &["active", "waiting"]).await?)
                .await?;
        }
        DeviceAction::Heal { yes } => heal(engine, out, yes).await?,
        DeviceAction::Rejoin { invitation } => rejoin(engine, out, invitation).await?,
        DeviceAction::Confirm { device } => {
            engine.confirm_device(&chosen(engine, out, &device, &["waiting"]).await?).await?;
        }
        DeviceAction::List | DeviceAction::Join { .. } => {}
    }
    let devices = engine.devices().await?;
    out.say(to_json(&devices), || text(&devices))
}

/// The id of the one device that this means, if it may be removed or confirmed at all.
async fn chosen(
    engine: &Engine,
    out: &Output,
    text: &str,
    statuses: &[&str],
) -> Result<String, Failure> {
    let program = out.program();
    let devices = engine.devices().await?;
    let text = text.trim();
    let id = text.to_ascii_lowercase();
    let fits = |device: &&DeviceInfo| {
        device.name == text || (!id.is_empty() && device.author.to_hex().starts_with(&id))
    };
    let meant: Vec<&DeviceInfo> = devices.iter().filter(fits).collect();
    let may: Vec<&DeviceInfo> = meant
        .iter()
        .filter(|device| !device.this && statuses.contains(&device.status))
        .copied()
        .collect();
    match (&may[..], &meant[..]) {
        ([device], _) => Ok(device.author.to_hex()),
        ([_, ..], _) => Err(Failure::new(format!(
            "{} devices are called {text}; say which by the beginning of its id, from \
             `{program} devices list`",
            may.len()
        ))),
        ([], [device]) if device.this => Err(Failure::new(format!(
            "{text} is this device: remove or confirm it from another one of yours"
        ))),
        ([], [device]) => Err(Failure::new(format!(
            "{text} is {} already, so there is nothing to do",
            device.status
        ))),
        ([], _) => Err(Failure::new(format!(
            "there is no device {text} to do this with; `{program} devices list` shows them all"
        ))),
    }
}

/// Shows both lists of devices, and joins them once the person says so.
async fn heal(engine: &Engine, out: &Output, yes: bool) -> Result<(), Failure> {
    // The sync joins by itself what needs no word, and otherwise says why it stopped.
    let synced = engine.sync().await;
    syncing::tell_alarms(engine, out).await?;
    let Some(fork) = engine.fork().await? else {
        synced?.alarms.iter().for_each(|alarm| out.tell(alarm.words()));
        return Ok(());
    };
    let own = engine.devices().await?;
    out.tell(&format!("This device's list:\n{}", text(&own)));
    out.tell(&format!("\nThe other list:\n{}", text(&fork.devices)));
    if !yes {
        out.tell("\nDo you know every device that is to stay? Join the two lists? [y/N]");
        let answer = next_line().await?.unwrap_or_default();
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(Failure::new("nothing was changed"));
        }
    }
    Ok(engine.heal().await?)
}

/// Lets this device in again, with an invitation that another one shows.
async fn rejoin(engine: &Engine, out: &Output, invitation: Option<String>) -> Result<(), Failure> {
    let invitation = match invitation.filter(|text| text != "-") {
        Some(invitation) => invitation,
        None => next_line().await?.unwrap_or_default(),
    };
    let show = |code: &mainstay_core::space::link::Code| {
        out.tell(&format!("The code: {code}\nCompare it with the one on your other device."));
    };
    engine.rejoin(invitation.trim(), show).await?;
    syncing::run(engine, out, None, "sending what the others lack").await?;
    Ok(())
}

fn to_json(devices: &[DeviceInfo]) -> Json {
    let devices = devices.iter().map(|device| {
        json!({
            "id": device.author.to_hex(),
            "name": device.name,
            "this": device.this,
            "status": device.status,
            "was_removed": device.was_removed,
        })
    });
    Json::Array(devices.collect())
}

fn text(devices: &[DeviceInfo]) -> String {
    let line = |device: &DeviceInfo| {
        let this = if device.this { " (this one)" } else { "" };
        let id: String = device.author.to_hex().chars().take(8).collect();
        let before = match device.was_removed {
            true => ", and had been removed before: confirm it only if it is in your hands",
            false => "",
        };
        format!("{}  {}{this}: {}{before}", id, device.name, device.status)
    };
    devices.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Shows the invitation, waits for the other device, and lets it in if the codes are equal.
async fn link(out: &Output, mut offer: LinkOffer, code: Option<&str>) -> Result<(), Failure> {
    let join = format!("`{} devices join`", out.program());
    out.tell(&format!("Give this to your other device, and to nobody else ({join}):\n"));
    out.tell_link(&offer.text());
    out.tell("\nWaiting for it…");
    let (name, shown) = offer.answered().await?;
    let shown = shown.to_string();
    out.tell(&format!("{name:?} has answered. The code: {shown}"));
    if code.is_none() {
        out.tell("Does your other device show the same code?");
    }
    if !is_confirmed(out, &shown, code).await? {
        offer.decline().await?;
        return Err(Failure::new("the device was not let in; start again if the codes differed"));
    }
    offer.confirm().await?;
    out.say(json!({ "linked": name, "code": shown }), || format!("{name} is one of your devices."))
}

async fn join(
    home: &Home,
    out: &Output,
    invitation: Option<String>,
    name: Option<String>,
) -> Result<(), Failure> {
    let invitation = match invitation.filter(|text| text != "-") {
        Some(invitation) => invitation,
        None => next_line().await?.unwrap_or_default(),
    };
    home.prepare()?;
    let mut code = String::new();
    let joined = Engine::join(home.config(name), invitation.trim(), |shown| {
        code = shown.to_string();
        out.tell(&format!("The code: {code}\nCompare it with the one on your other device."));
    });
    let engine = joined.await?;
    let report = syncing::run(&engine, out, None, "fetching the journal").await?;
    let status = engine.status().await?;
    engine.suspend().await?;
    let mut json = syncing::to_json(&report, status.waiting);
    json["code"] = code.into();
    json["entries"] = status.entries.into();
    out.say(json, || format!("This device is in, with {}.", words::entries(status.entries)))
}
