//! The same entry and the plan, edited on two devices without a network.

use mainstay_core::document::EntryDoc;
use mainstay_core::engine::{Backend, Engine};
use mainstay_core::journal::{EntryId, Fields, Patch, Value};
use mainstay_core::plan::{ItemId, PlanEdit, Section};

use crate::kit::{self, Desk, everything, note};
use crate::on_both_stores;

fn say(text: &str) -> Patch {
    Patch::from([("note".to_owned(), Some(Value::from(text)))])
}

/// Changes the note, and of the plan's item the text, a detail and the section.
async fn edit_all(engine: &Engine, id: EntryId, item: ItemId, who: &str, section: Section) {
    engine.edit(id, say(who)).await.unwrap();
    let details = Patch::from([("reach".to_owned(), Some(Value::from(who)))]);
    let edit = PlanEdit::Edit { id: item, text: Some(format!("ask {who}")), details };
    engine.edit_plan(edit).await.unwrap();
    engine.edit_plan(PlanEdit::Move { id: item, section, position: 0 }).await.unwrap();
}

async fn sync_both(phone: &Engine, tablet: &Engine) {
    for _ in 0..2 {
        phone.sync().await.unwrap();
        tablet.sync().await.unwrap();
    }
}

/// Takes every value that lost.
async fn take_what_lost(engine: &Engine, id: EntryId, item: ItemId) {
    let note = engine.show(id).await.unwrap().conflicts["note"][0].clone();
    engine.edit(id, say(note.as_str().unwrap())).await.unwrap();
    let lost = engine.show_plan().await.unwrap().conflicts.remove(&item).unwrap();
    let text = |field: &str| lost[field][0].as_str().unwrap().to_owned();
    let details = Patch::from([("reach".to_owned(), Some(lost["reach"][0].clone()))]);
    let edit = PlanEdit::Edit { id: item, text: Some(text("text")), details };
    engine.edit_plan(edit).await.unwrap();
    let section = Section::from(text("section"));
    engine.edit_plan(PlanEdit::Move { id: item, section, position: 0 }).await.unwrap();
}

/// Documents and pages of both devices, as they are stored, are the same.
async fn same_inside(desk: &Desk, (phone, tablet): (&Engine, &Engine), id: EntryId, on: Backend) {
    phone.suspend().await.unwrap();
    tablet.suspend().await.unwrap();
    let (mut here, mut there) = (desk.replica("first", on), desk.replica("tablet", on));
    let heads = |saved: Option<Vec<u8>>| EntryDoc::load(&saved.unwrap()).unwrap().heads();
    assert_eq!(heads(here.document(&id).unwrap()), heads(there.document(&id).unwrap()));
    assert_eq!(here.show_plan(), there.show_plan());
    for month in here.chapters() {
        assert_eq!(here.chapter_rows(month).unwrap(), there.chapter_rows(month).unwrap());
    }
    assert_eq!((here.verify().unwrap(), there.verify().unwrap()), (vec![], vec![]));
    drop((here, there));
    phone.resume().await.unwrap();
    tablet.resume().await.unwrap();
}

// Broken on purpose: `PlanDoc::conflicts` leaving out what lost, and `Replica::take_plan` dropping
// what came, each made it fail.
async fn edited_on_two_devices(backend: Backend) {
    let desk = Desk::new().await;
    let (phone, _) = desk.phone("first", backend).await;
    // More than a month is sent loose: it travels packed, as bundle and page.
    for number in 0..70 {
        phone.log(note(&format!("entry {number}")), kit::days_ago(0)).await.unwrap();
    }
    let id = phone.log(note("first"), kit::days_ago(0)).await.unwrap();
    let item = phone.new_item_id().await.unwrap();
    let (text, details) = ("call Ines".to_owned(), Fields::new());
    let section = Section::Supports;
    let add = PlanEdit::Add { id: item, section, text, details, position: None };
    phone.edit_plan(add).await.unwrap();
    phone.sync().await.unwrap();
    let tablet = desk.link(&phone, "tablet", backend).await;
    tablet.sync().await.unwrap();

    edit_all(&phone, id, item, "Ines", Section::Reasons).await;
    edit_all(&tablet, id, item, "Malik", Section::CopingSkills).await;
    sync_both(&phone, &tablet).await;
    let shown = phone.show(id).await.unwrap();
    assert_eq!(shown, tablet.show(id).await.unwrap());
    assert_eq!(shown.conflicts["note"].len(), 1);
    let plan = phone.show_plan().await.unwrap();
    assert_eq!(plan, tablet.show_plan().await.unwrap());
    let offered: Vec<&str> = plan.conflicts[&item].keys().map(String::as_str).collect();
    assert_eq!(offered, ["reach", "section", "text"]);
    same_inside(&desk, (&phone, &tablet), id, backend).await;

    take_what_lost(&tablet, id, item).await;
    sync_both(&tablet, &phone).await;
    let chosen = phone.show_plan().await.unwrap();
    let (was, is) = (plan.plan.item(item).unwrap(), chosen.plan.item(item).unwrap());
    assert!(was.text != is.text && was.section != is.section && was.details != is.details);
    assert!(chosen.conflicts.is_empty());
    let entry = phone.show(id).await.unwrap();
    assert_eq!(entry.row.fields["note"], shown.conflicts["note"][0]);
    assert!(entry.conflicts.is_empty());
    assert_eq!(everything(&phone).await, everything(&tablet).await);
    same_inside(&desk, (&phone, &tablet), id, backend).await;
}

on_both_stores!(
    edited_on_two_devices,
    fn an_entry_and_the_plan_edited_on_two_devices_end_alike_and_offer_what_lost_on_sled(),
    fn an_entry_and_the_plan_edited_on_two_devices_end_alike_and_offer_what_lost_on_redb()
);
