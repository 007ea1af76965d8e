//! A second device, and two edits of the same thing at the same time.

use std::time::Duration;

use mainstay_core::engine::Engine;
use mainstay_core::journal::{EntryBody, EntryId, Note, Patch, Value};
use mainstay_core::plan::{PlanEdit, Section};
use tokio::sync::oneshot;

use super::Stopped;
use super::desk::{Desk, alike, now, set};
use super::report::Report;

/// How long the invitation is good for.
const LIFE: Duration = Duration::from_secs(60);

const FROM_PHONE: &str = "Written on the phone, in the train";
const FROM_TABLET: &str = "Written on the tablet, at the kitchen table";

pub(super) async fn a_second_device(
    desk: &Desk,
    phone: &Engine,
    report: &mut Report,
) -> Result<Engine, Stopped> {
    report.begin("A tablet is linked, the phone at hand");
    let mut offer = phone.invite_device(LIFE).await?;
    let (config, text) = (desk.config("tablet"), offer.text());
    let (tell, told) = oneshot::channel();
    let joining = tokio::spawn(async move {
        Engine::join(config, &text, |code| {
            // The journey's other half waits for it as long as it goes on at all.
            let _ = tell.send(code.to_string());
        })
        .await
    });
    let (name, code) = offer.answered().await?;
    let told = told.await.map_err(|_| Stopped::Story("the tablet shows no code"))?;
    report.note(format!("\"{name}\" and the phone both show {code}"));
    report.check("both screens show the same code", told == code.to_string() && name == "tablet");
    offer.confirm().await?;
    let joined = joining.await.map_err(|_| Stopped::Story("the tablet stopped"))?;
    let tablet = joined?;
    let fetched = tablet.sync().await?;
    report.spent(&fetched);
    report.note(format!("{} entries came to the tablet", fetched.received));
    report.check("phone and tablet hold the same, to the byte", alike(phone, &tablet).await?);
    report.spent(&phone.sync().await?);
    let status = phone.status().await?;
    report.check(
        "the tablet's own receipt says that it has everything",
        status.on_other_devices == status.entries,
    );
    Ok(tablet)
}

pub(super) async fn both_edit_at_once(
    phone: &Engine,
    tablet: &Engine,
    report: &mut Report,
) -> Result<(), Stopped> {
    report.begin("Both edit the same entry and the plan at the same time");
    let note = Note { note: Some("Before anybody edited".to_owned()) };
    let id = phone.log(EntryBody::Note(note), now()).await?;
    in_turns(&[phone, tablet], report).await?;

    phone.edit(id, set("note", FROM_PHONE)).await?;
    tablet.edit(id, set("note", FROM_TABLET)).await?;
    edit_the_plan(phone, "Jonas, before nine", "The phone's reason").await?;
    edit_the_plan(tablet, "Jonas, or Frau Vogt", "The tablet's reason").await?;
    in_turns(&[phone, tablet, phone, tablet], report).await?;

    report.check("both came to the same entries and the same plan", alike(phone, tablet).await?);
    let reasons = phone.plan().await?;
    let reasons: Vec<&str> =
        reasons.section(&Section::Reasons).iter().map(|item| item.text.as_str()).collect();
    report.check(
        "the plan has what each of them added",
        reasons.contains(&"The phone's reason") && reasons.contains(&"The tablet's reason"),
    );
    let offered = both_values(phone, id).await? && both_values(tablet, id).await?;
    report.check("the value that does not show is still offered, on both", offered);

    phone.edit(id, set("note", FROM_TABLET)).await?;
    in_turns(&[phone, tablet], report).await?;
    let mut settled = true;
    for engine in [phone, tablet] {
        let shown = engine.show(id).await?;
        settled &= shown.conflicts.is_empty();
        settled &= shown.row.fields.get("note") == Some(&Value::from(FROM_TABLET));
    }
    report.check("choosing one settles it on both", settled);
    report.note("one entry and one plan item edited twice; the person chose".to_owned());
    Ok(())
}

/// Changes the support's text, and adds a reason.
async fn edit_the_plan(engine: &Engine, support: &str, reason: &str) -> Result<(), Stopped> {
    let plan = engine.plan().await?;
    let items = plan.section(&Section::Supports);
    let id = items.first().ok_or(Stopped::Story("the plan lost its support"))?.id;
    let text = Some(support.to_owned());
    engine.edit_plan(PlanEdit::Edit { id, text, details: Patch::new() }).await?;
    let add = PlanEdit::Add {
        id: engine.new_item_id().await?,
        section: Section::Reasons,
        text: reason.to_owned(),
        details: Default::default(),
        position: Some(0),
    };
    Ok(engine.edit_plan(add).await?)
}

async fn in_turns(engines: &[&Engine], report: &mut Report) -> Result<(), Stopped> {
    for engine in engines {
        report.spent(&engine.sync().await?);
    }
    Ok(())
}

/// Whether an entry's note is one device's, and the other's is offered.
async fn both_values(engine: &Engine, id: EntryId) -> Result<bool, Stopped> {
    let shown = engine.show(id).await?;
    let note = shown.row.fields.get("note").cloned();
    let mut values: Vec<Value> = shown.conflicts.get("note").cloned().unwrap_or_default();
    values.extend(note);
    let has = |text: &str| values.contains(&Value::from(text));
    Ok(values.len() == 2 && has(FROM_PHONE) && has(FROM_TABLET))
}
