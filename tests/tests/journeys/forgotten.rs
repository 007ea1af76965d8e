//! Deleted, brought back, forgotten: and then nowhere.

use mainstay_core::chapter::Payload;
use mainstay_core::engine::{Backend, Engine, EngineError};
use mainstay_core::journal::{EntryId, Patch, Value};
use mainstay_core::space::phrase::Phrase;
use mainstay_tests::inside::Inside;

use crate::kit::{self, Desk, everything, note, relay_at};
use crate::on_both_stores;

/// What a relay holds of one entry: feed numbers and bytes of the envelopes that carry it, chapters
/// that hold it packed, chapters that list it as forgotten.
struct Held {
    envelopes: Vec<(u64, Vec<u8>)>,
    packed: usize,
    listed: usize,
}

/// Looks into a copy of the relay.
async fn held(desk: &mut Desk, phrase: &Phrase, id: EntryId) -> Held {
    let copy = desk.copy_relay().await;
    let relay = relay_at(&copy);
    let mut inside = Inside::new(&relay, phrase, kit::now_ms());
    let bundles = inside.bundles();
    let mut envelopes = Vec::new();
    for (number, envelope) in inside.envelopes() {
        let carries = match inside.open(&envelope) {
            Some(Payload::Changes { changes, .. }) => changes.iter().any(|c| c.id() == id),
            Some(Payload::Part { .. }) => bundles.iter().any(|b| b.find(&id).is_some()),
            _ => false,
        };
        if carries {
            envelopes.push((number, envelope.to_bytes()));
        }
    }
    let packed = bundles.iter().filter(|bundle| bundle.find(&id).is_some()).count();
    let listed = bundles.iter().filter(|b| b.forgotten.contains(id.as_bytes())).count();
    Held { envelopes, packed, listed }
}

/// What the relay gave out before is not to be had any more: not by its number, and not in any
/// record of its store.
async fn is_destroyed(desk: &mut Desk, phrase: &Phrase, before: &Held) {
    let copy = desk.copy_relay().await;
    {
        let relay = relay_at(&copy);
        let numbers: Vec<u64> = before.envelopes.iter().map(|(number, _)| *number).collect();
        let mut inside = Inside::new(&relay, phrase, kit::now_ms());
        assert_eq!(inside.fetch(&numbers).len(), 0);
    }
    let records = kit::relay_records(&copy);
    for (number, bytes) in &before.envelopes {
        let piece = &bytes[bytes.len() / 2..][..64];
        assert!(!kit::finds(&records, piece), "envelope {number} is still there");
    }
}

async fn is_gone(engine: &Engine, id: EntryId, kept: usize) {
    assert!(matches!(engine.show(id).await, Err(EngineError::NoSuchEntry { .. })));
    assert_eq!(everything(engine).await.len(), kept);
    assert_eq!(engine.verify().await.unwrap(), []);
}

fn say(text: &str) -> Patch {
    Patch::from([("note".to_owned(), Some(Value::from(text)))])
}

// Broken on purpose: the relay's covering ignoring `destroys` made it fail.
async fn forgotten(on: Backend) {
    const KEPT: usize = 70;
    let mut desk = Desk::new().await;
    let (phone, phrase) = desk.phone("first", on).await;
    for number in 0..KEPT {
        phone.log(note(&format!("kept {number}")), kit::days_ago(0)).await.unwrap();
    }
    let id = phone.log(note("to be forgotten"), kit::days_ago(0)).await.unwrap();
    phone.sync().await.unwrap();
    let tablet = desk.link(&phone, "tablet", on).await;
    tablet.sync().await.unwrap();
    tablet.suspend().await.unwrap();
    let year_old = desk.copy_device("tablet", "year-old copy", on);
    tablet.resume().await.unwrap();

    phone.edit(id, say("regretted")).await.unwrap();
    phone.delete(id).await.unwrap();
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    assert_eq!(everything(&tablet).await.len(), KEPT);
    tablet.restore_deleted(id).await.unwrap();
    tablet.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(everything(&phone).await.len(), KEPT + 1);

    let before = held(&mut desk, &phrase, id).await;
    assert!(before.packed == 1 && before.envelopes.len() > 2);
    let records = kit::relay_records(&desk.copy_relay().await);
    let known = |(_, bytes): &(u64, Vec<u8>)| kit::finds(&records, &bytes[bytes.len() / 2..][..64]);
    assert!(before.envelopes.iter().all(known), "the search finds what is there");

    phone.forget(id).await.unwrap();
    for engine in [&phone, &tablet, &phone] {
        engine.sync().await.unwrap();
    }
    is_gone(&phone, id, KEPT).await;
    is_gone(&tablet, id, KEPT).await;
    is_destroyed(&mut desk, &phrase, &before).await;
    let after = held(&mut desk, &phrase, id).await;
    assert_eq!((after.envelopes.len(), after.packed), (0, 0));
    assert!(after.listed > 0);

    let copy = Engine::open(year_old).await.unwrap();
    assert_eq!(everything(&copy).await.len(), KEPT + 1);
    copy.edit(id, say("from a year ago")).await.unwrap();
    copy.log(note("from the copy"), kit::days_ago(0)).await.unwrap();
    for engine in [&copy, &phone, &tablet, &copy] {
        engine.sync().await.unwrap();
    }
    let config = desk.config("new", on);
    let new = Engine::restore(config, &phrase, &desk.relay.address()).await.unwrap();
    new.sync().await.unwrap();
    for engine in [&copy, &phone, &tablet, &new] {
        is_gone(engine, id, KEPT + 1).await;
    }
    let after = held(&mut desk, &phrase, id).await;
    assert_eq!((after.envelopes.len(), after.packed), (0, 0));
}

on_both_stores!(
    forgotten,
    fn what_was_deleted_brought_back_and_forgotten_is_nowhere_and_stays_so_on_sled(),
    fn what_was_deleted_brought_back_and_forgotten_is_nowhere_and_stays_so_on_redb()
);
