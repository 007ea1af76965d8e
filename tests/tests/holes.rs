//! A medium that loses 4 KiB at the beginning of any one segment of sled's file, in a phone or in its
//! relay: nothing is believed that rests on what is gone, and the next syncs bring everything back.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod kit;

use std::fs;
use std::path::Path;

use kit::{Desk, everything, note};
use mainstay_core::document::Row;
use mainstay_core::engine::{Backend, Config, Engine, EngineError};
use mainstay_core::journal::{Entry, EntryId};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

const SEGMENT_BYTES: usize = 512 * 1024;
const HOLE_BYTES: usize = 4096;
/// Enough for a handful of segments.
const ENTRIES: i64 = 700;
/// Below it, a test would show nothing that smaller stores do not.
const FEWEST_SEGMENTS: usize = 4;

fn segments(db: &Path) -> usize {
    fs::metadata(db).unwrap().len() as usize / SEGMENT_BYTES
}

fn punch(db: &Path, segment: usize) {
    let mut bytes = fs::read(db).unwrap();
    let from = segment * SEGMENT_BYTES;
    let to = (from + HOLE_BYTES).min(bytes.len());
    bytes[from..to].fill(0);
    fs::write(db, bytes).unwrap();
}

/// Entries of some years, whose words do not get shorter by packing.
fn entries() -> Vec<Entry> {
    let mut rng = ChaCha20Rng::seed_from_u64(81);
    let entry = |number: i64| {
        let at = kit::days_ago(number);
        let id = EntryId::make(at.month(), &mut rng);
        let words: String = (0..60).map(|_| format!("{:08x} ", rng.next_u32())).collect();
        Entry::typed(id, note(&words), at, jiff::Timestamp::now())
    };
    (0..ENTRIES).map(entry).collect()
}

/// As an app does: what a damaged store says is followed.
async fn open(config: &Config) -> (Engine, &'static str) {
    match Engine::open(config.clone()).await {
        Ok(engine) => (engine, "opened"),
        Err(EngineError::SetAside { .. }) => {
            (Engine::open(config.clone()).await.unwrap(), "moved aside")
        }
        Err(EngineError::Damaged { .. }) => {
            Engine::set_aside(&config.dir).await.unwrap();
            (Engine::open(config.clone()).await.unwrap(), "set aside")
        }
        Err(other) => panic!("damage is no {other:?}"),
    }
}

/// Syncs twice: a phone that took another key has more to say the second time.
async fn comes_into_order(engine: &Engine, expected: &[Row]) {
    for _ in 0..3 {
        engine.sync().await.unwrap();
    }
    assert_eq!(engine.verify().await.unwrap(), []);
    assert!(everything(engine).await == expected, "something is missing or another");
    let status = engine.status().await.unwrap();
    assert_eq!((status.waiting, status.on_relay), (0, status.entries));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_anywhere_in_a_phones_store_is_filled_again() {
    let mut desk = Desk::new().await;
    let (phone, phrase) = desk.phone("first", Backend::Sled).await;
    phone.import(entries()).await.unwrap();
    phone.sync().await.unwrap();
    phone.log(note("after the first sync"), kit::days_ago(0)).await.unwrap();
    phone.sync().await.unwrap();
    let sent = phone.status().await.unwrap().on_relay;
    let unsent = phone.log(note("never sent"), kit::days_ago(0)).await.unwrap();
    let expected = everything(&phone).await;
    phone.suspend().await.unwrap();
    let relay = desk.copy_relay().await;
    let count = segments(&desk.config("first", Backend::Sled).dir.join("sled/db"));
    assert!(count >= FEWEST_SEGMENTS, "{count} segments");
    let (mut seen, mut lost) = (Vec::new(), 0);
    for segment in 0..count {
        let config = desk.copy_device("first", &format!("copy {segment}"), Backend::Sled);
        desk.put_relay_back(&relay, true).await;
        punch(&config.dir.join("sled/db"), segment);
        let (engine, how) = open(&config).await;
        seen.push(how);
        // Before any sync: what stood where the hole is may be gone, and no more may be said of it.
        let status = engine.status().await.unwrap();
        assert!(status.on_relay <= sent, "segment {segment}: {status:?}");
        // One entry was nowhere else.
        let mut expected = expected.clone();
        if engine.show(unsent).await.is_err() {
            lost += 1;
            expected.retain(|row| row.id != unsent);
        }
        comes_into_order(&engine, &expected).await;
        let config = desk.config(&format!("new {segment}"), Backend::Redb);
        let new = Engine::restore(config, &phrase, &desk.relay.address()).await.unwrap();
        new.sync().await.unwrap();
        assert!(everything(&new).await == expected, "segment {segment}: a restore lacks something");
        engine.suspend().await.unwrap();
        new.suspend().await.unwrap();
    }
    assert!(lost < count, "an entry that one segment holds");
    println!(
        "holes in a phone's store: {seen:?}; what was nowhere else was lost by {lost} of them"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_anywhere_in_a_relays_store_is_filled_again() {
    let mut desk = Desk::new().await;
    let (phone, phrase) = desk.phone("first", Backend::Redb).await;
    phone.import(entries()).await.unwrap();
    phone.sync().await.unwrap();
    let expected = everything(&phone).await;
    let relay = desk.copy_relay().await;
    let count = segments(&relay.join("data/sled/db"));
    assert!(count >= FEWEST_SEGMENTS, "{count} segments");
    phone.suspend().await.unwrap();
    for segment in 0..count {
        let config = desk.copy_device("first", &format!("copy {segment}"), Backend::Redb);
        desk.put_relay_back(&relay, true).await;
        desk.while_off(|relay| punch(&relay.join("data/sled/db"), segment)).await;
        let phone = Engine::open(config).await.unwrap();
        comes_into_order(&phone, &expected).await;
        let config = desk.config(&format!("new {segment}"), Backend::Redb);
        let new = Engine::restore(config, &phrase, &desk.relay.address()).await.unwrap();
        new.sync().await.unwrap();
        assert!(everything(&new).await == expected, "segment {segment}: a restore lacks something");
        phone.suspend().await.unwrap();
        new.suspend().await.unwrap();
    }
    println!("holes in a relay's store: {count}");
}
