//! Devices in step over real QUIC, and witnesses of a restore.
#![allow(clippy::unwrap_used)]

mod kit;

use std::time::Duration;

use kit::{Desk, everything, note};
use mainstay_core::engine::{Alarm, Backend, Checkpoint, Engine, Live, Witness};
use tokio::time::{sleep, timeout};

const SOON: Duration = Duration::from_secs(20);

async fn until_there(engine: &Engine, count: usize) {
    let arriving = async {
        while everything(engine).await.len() != count {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, arriving).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_logged_on_one_device_appears_on_the_other_without_asking() {
    let mut desk = Desk::new().await;
    let (phone, _) = desk.phone("first", Backend::Redb).await;
    phone.sync().await.unwrap();
    let tablet = desk.link(&phone, "tablet", Backend::Redb).await;
    let follow = |engine: &Engine| {
        let engine = engine.clone();
        tokio::spawn(async move { engine.follow(|_| {}).await })
    };
    let (one, other) = (follow(&phone), follow(&tablet));
    phone.log(note("from the phone"), kit::days_ago(0)).await.unwrap();
    until_there(&tablet, 1).await;
    tablet.log(note("from the tablet"), kit::days_ago(0)).await.unwrap();
    until_there(&phone, 2).await;

    // The relay goes away and comes back empty: both find it again by themselves.
    desk.wipe_relay().await;
    phone.log(note("afterwards"), kit::days_ago(0)).await.unwrap();
    until_there(&tablet, 3).await;

    // A suspended app follows nothing; a dropped one neither.
    phone.suspend().await.unwrap();
    timeout(SOON, one).await.unwrap().unwrap().unwrap();
    other.abort();
    assert!(other.await.unwrap_err().is_cancelled());
    tablet.log(note("still works"), kit::days_ago(0)).await.unwrap();
    tablet.sync().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn following_with_nothing_new_asks_nothing() {
    let desk = Desk::new().await;
    let (phone, _) = desk.phone("first", Backend::Redb).await;
    phone.log(note("once"), kit::days_ago(0)).await.unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let following = phone.clone();
    let task = tokio::spawn(async move {
        following
            .follow(|live| {
                let _ = tell.send(matches!(live, Live::Synced(_)));
            })
            .await
    });
    assert!(timeout(SOON, told.recv()).await.unwrap().unwrap());
    sleep(Duration::from_secs(2)).await;
    let mut syncs = 1;
    while told.try_recv().is_ok() {
        syncs += 1;
    }
    assert!(syncs <= 4, "{syncs} syncs for one entry");
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_shows_whether_a_restore_got_everything() {
    let desk = Desk::new().await;
    let (phone, phrase) = desk.phone("first", Backend::Redb).await;
    for number in 0..5 {
        phone.log(note("entry"), kit::days_ago(number)).await.unwrap();
    }
    phone.sync().await.unwrap();
    let early: Checkpoint = phone.checkpoint().await.unwrap().to_string().parse().unwrap();
    assert_eq!(phone.check_against(early).await.unwrap(), Witness::Same);

    // Not sent yet: a restore from the relay cannot have it.
    phone.log(note("only here"), kit::days_ago(0)).await.unwrap();
    let config = desk.config("new", Backend::Redb);
    let new = Engine::restore(config, &phrase, &desk.relay.address()).await.unwrap();
    assert_eq!(new.check_against(early).await.unwrap(), Witness::Older, "nothing came yet");
    new.sync().await.unwrap();
    assert_eq!(new.check_against(early).await.unwrap(), Witness::Same);
    let as_of = new.as_of().await.unwrap();
    let rows = everything(&new).await;
    let newest = rows.iter().filter_map(|row| row.when()).map(|at| at.sort_key_ms());
    assert_eq!(as_of.newest_entry_ms, newest.max());
    assert!(as_of.envelopes > 0 && as_of.roster > 0);

    new.confirm_device("first").await.unwrap();
    phone.sync().await.unwrap();
    let late = phone.checkpoint().await.unwrap();
    assert_eq!(new.check_against(late).await.unwrap(), Witness::Older, "the phone had more");
    new.sync().await.unwrap();
    assert_eq!(new.check_against(late).await.unwrap(), Witness::Same);
    assert_eq!(new.check_against(early).await.unwrap(), Witness::Unclear);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_put_back_from_an_old_copy_is_noticed_by_the_key_store() {
    let desk = Desk::new().await;
    let (phone, _) = desk.phone("first", Backend::Redb).await;
    phone.log(note("before"), kit::days_ago(1)).await.unwrap();
    phone.sync().await.unwrap();
    phone.suspend().await.unwrap();
    let (dir, aside) = (desk.dir.path().join("first"), desk.dir.path().join("copy"));
    copy(&dir, &aside);
    phone.resume().await.unwrap();
    let tablet = desk.link(&phone, "tablet", Backend::Redb).await;
    tablet.sync().await.unwrap();
    phone.sync().await.unwrap();
    phone.suspend().await.unwrap();

    std::fs::remove_dir_all(&dir).unwrap();
    copy(&aside, &dir);
    phone.resume().await.unwrap();
    let report = phone.sync().await.unwrap();
    assert!(report.alarms.contains(&Alarm::OldStore), "{report:?}");
    let report = phone.sync().await.unwrap();
    assert!(!report.alarms.contains(&Alarm::OldStore), "caught up: {report:?}");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let place = to.join(file.file_name());
        match file.file_type().unwrap().is_dir() {
            true => copy(&file.path(), &place),
            false => std::fs::copy(file.path(), place).map(|_| ()).unwrap(),
        }
    }
}
