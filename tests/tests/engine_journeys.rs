//! Real engines, a real relay, real QUIC on loopback, real stores on the disk.
#![allow(clippy::unwrap_used)]

mod kit;

use std::time::Duration;

use kit::{Desk, everything, note};
use mainstay_core::engine::{Backend, Engine, EngineError};
use mainstay_core::journal::Value;

async fn log_restore(backend: Backend) {
    let desk = Desk::new().await;
    let (phone, phrase) = desk.phone("first", backend).await;
    for number in 0..200 {
        phone.log(note(&format!("entry {number}")), kit::days_ago(number)).await.unwrap();
    }
    assert_eq!(phone.status().await.unwrap().on_relay, 0);
    phone.sync().await.unwrap();
    let status = phone.status().await.unwrap();
    assert_eq!((status.entries, status.on_relay, status.waiting), (200, 200, 0));
    let nothing = phone.sync().await.unwrap();
    assert_eq!((nothing.sent, nothing.received, nothing.round_trips), (0, 0, 1));

    let config = desk.config("new", backend);
    let new = Engine::restore(config, &phrase, &desk.relay.address()).await.unwrap();
    let report = new.sync().await.unwrap();
    assert!(report.complete && report.alarms.is_empty(), "{report:?}");
    assert_eq!(everything(&new).await, everything(&phone).await);
    assert_eq!(new.verify().await.unwrap(), []);
    assert!(matches!(phone.sync().await, Err(EngineError::NotADevice)));
    new.confirm_device("first").await.unwrap();
    phone.sync().await.unwrap();
    phone.log(note("still here"), kit::days_ago(0)).await.unwrap();
    phone.sync().await.unwrap();
    new.sync().await.unwrap();
    assert_eq!(everything(&new).await, everything(&phone).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_entries_logged_offline_come_back_from_the_phrase_on_sled() {
    log_restore(Backend::Sled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_entries_logged_offline_come_back_from_the_phrase_on_redb() {
    log_restore(Backend::Redb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_device_is_linked_by_comparing_codes() {
    let desk = Desk::new().await;
    let (phone, _) = desk.phone("first", Backend::Sled).await;
    let id = phone.log(note("before"), kit::days_ago(3)).await.unwrap();
    phone.sync().await.unwrap();
    let tablet = desk.link(&phone, "tablet", Backend::Sled).await;
    tablet.sync().await.unwrap();
    assert_eq!(everything(&tablet).await, everything(&phone).await);

    let patch = |text: &str| [("note".to_owned(), Some(Value::Str(text.to_owned())))].into();
    phone.edit(id, patch("from the phone")).await.unwrap();
    tablet.edit(id, patch("from the tablet")).await.unwrap();
    for _ in 0..2 {
        phone.sync().await.unwrap();
        tablet.sync().await.unwrap();
    }
    let (here, there) = (phone.show(id).await.unwrap(), tablet.show(id).await.unwrap());
    assert_eq!(here, there);
    assert_eq!(here.conflicts["note"].len(), 1);
    phone.sync().await.unwrap();
    assert_eq!(phone.status().await.unwrap().on_other_devices, 1);
    phone.remove_device("tablet").await.unwrap();
    tablet.log(note("too late"), kit::days_ago(0)).await.unwrap();
    assert!(matches!(tablet.sync().await, Err(EngineError::NotADevice)));
    phone.sync().await.unwrap();
    assert_eq!(everything(&phone).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_relay_is_filled_again_by_itself() {
    let mut desk = Desk::new().await;
    let (phone, phrase) = desk.phone("first", Backend::Sled).await;
    for number in 0..100 {
        phone.log(note("kept"), kit::days_ago(number)).await.unwrap();
    }
    phone.sync().await.unwrap();
    desk.wipe_relay().await;
    phone.sync().await.unwrap();
    assert_eq!(phone.status().await.unwrap().on_relay, 100);
    let config = desk.config("new", Backend::Redb);
    let new = Engine::restore(config, &phrase, &desk.relay.address()).await.unwrap();
    new.sync().await.unwrap();
    assert_eq!(everything(&new).await, everything(&phone).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_with_another_key_is_refused_and_nothing_is_lost() {
    let desk = Desk::new().await;
    let (phone, _) = desk.phone("first", Backend::Sled).await;
    phone.log(note("kept"), kit::days_ago(0)).await.unwrap();
    let mut wrong = desk.relay.address();
    wrong.pins[0].0[0] ^= 1;
    phone.set_relay(wrong).await.unwrap();
    assert!(matches!(phone.sync().await, Err(EngineError::WrongRelay)));
    let mut nobody = desk.relay.address();
    nobody.port = 9;
    phone.set_relay(nobody).await.unwrap();
    let gone = phone.sync_once(Duration::from_secs(1)).await;
    assert!(matches!(gone, Err(EngineError::Offline { .. }) | Ok(_)), "{gone:?}");
    assert_eq!(phone.status().await.unwrap().on_relay, 0);
    phone.set_relay(desk.relay.address()).await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(phone.status().await.unwrap().on_relay, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_journal_lets_go_of_its_store_and_comes_back() {
    let desk = Desk::new().await;
    let (phone, _) = desk.phone("first", Backend::Sled).await;
    phone.log(note("kept"), kit::days_ago(0)).await.unwrap();
    phone.suspend().await.unwrap();
    assert!(matches!(phone.timeline(0, 1).await, Err(EngineError::Closed)));
    let other = Engine::open(desk.config("first", Backend::Sled)).await.unwrap();
    assert_eq!(everything(&other).await.len(), 1);
    assert!(phone.resume().await.is_err(), "the store is in use");
    other.suspend().await.unwrap();
    phone.resume().await.unwrap();
    assert_eq!(everything(&phone).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_store_comes_back_from_the_relay_under_the_device_s_own_key() {
    let desk = Desk::new().await;
    let (phone, _) = desk.phone("first", Backend::Sled).await;
    for number in 0..30 {
        phone.log(note("kept"), kit::days_ago(number)).await.unwrap();
    }
    phone.sync().await.unwrap();
    let before = everything(&phone).await;
    phone.suspend().await.unwrap();
    let config = desk.config("first", Backend::Sled);
    Engine::set_aside(&config.dir).await.unwrap();
    let again = Engine::open(config).await.unwrap();
    again.sync().await.unwrap();
    assert_eq!(everything(&again).await, before);
    again.log(note("and on it goes"), kit::days_ago(0)).await.unwrap();
    again.sync().await.unwrap();
    let status = again.status().await.unwrap();
    assert_eq!((status.on_relay, status.waiting), (31, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_whose_key_store_lost_the_key_says_so_and_stays_as_it_is() {
    let desk = Desk::new().await;
    let (phone, _) = desk.phone("first", Backend::Redb).await;
    phone.log(note("kept"), kit::days_ago(0)).await.unwrap();
    phone.suspend().await.unwrap();
    let mut config = desk.config("first", Backend::Redb);
    config.keys = std::sync::Arc::new(kit::Keys::default());
    let error = Engine::open(config).await.err().unwrap();
    assert!(error.to_string().contains("key that opens this journal is missing"), "{error}");
    phone.resume().await.unwrap();
    assert_eq!(everything(&phone).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_first_sync_on_a_fast_road_fits_its_frames() {
    let desk = Desk::new().await;
    let (phone, _) = desk.phone("first", Backend::Redb).await;
    let mut words = String::new();
    let mut state = 7_u64;
    while words.len() < 60_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        words.push_str(&format!("{state:x} "));
    }
    // Each fills an envelope of its own, none is compressed well: pushes grow as far as they may.
    for number in 0..60 {
        phone.log(note(&words[number..]), kit::days_ago(number as i64 * 15)).await.unwrap();
    }
    let report = phone.sync().await.unwrap();
    assert!(report.complete && report.bytes_sent > 2_000_000, "{report:?}");
    assert_eq!(phone.status().await.unwrap().on_relay, 60);
}
