//! Lists of devices that went two ways, because the relay was put back to an earlier day, and how
//! they become one; devices that come back in.

use mainstay_core::document::EntryDoc;
use mainstay_core::engine::{Alarm, Backend, Engine, EngineError};
use mainstay_protocol::roster::RosterError;

use crate::kit::{self, Desk, everything, note};
use crate::on_both_stores;

async fn say(engine: &Engine, text: &str) {
    engine.log(note(text), kit::days_ago(0)).await.unwrap();
}

async fn is_shut_out(engine: &Engine) {
    let refused = engine.sync().await;
    assert!(matches!(refused, Err(EngineError::NotADevice)), "{refused:?}");
}

async fn sync_in_turns(engines: &[&Engine]) {
    for _ in 0..3 {
        for engine in engines {
            engine.sync().await.unwrap();
        }
    }
}

/// Names and statuses, in order.
async fn listed(engine: &Engine) -> Vec<(String, &'static str)> {
    let devices = engine.devices().await.unwrap();
    let mut listed: Vec<_> = devices.into_iter().map(|info| (info.name, info.status)).collect();
    listed.sort();
    listed
}

fn as_listed(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    let mut listed: Vec<_> =
        expected.iter().map(|(name, status)| ((*name).to_owned(), *status)).collect();
    listed.sort();
    listed
}

/// The same entries, told apart by their words, and the same documents underneath.
async fn same(desk: &Desk, names: [&str; 2], engines: [&Engine; 2], texts: &[&str], on: Backend) {
    let rows = everything(engines[0]).await;
    assert_eq!(rows, everything(engines[1]).await);
    let mut found: Vec<String> =
        rows.iter().map(|row| row.fields["note"].as_str().unwrap().to_owned()).collect();
    found.sort();
    assert_eq!(found, texts);
    for engine in engines {
        engine.suspend().await.unwrap();
    }
    let [mut here, mut there] = names.map(|name| desk.replica(name, on));
    let heads = |saved: Option<Vec<u8>>| EntryDoc::load(&saved.unwrap()).unwrap().heads();
    for row in &rows {
        let (ours, theirs) = (here.document(&row.id).unwrap(), there.document(&row.id).unwrap());
        assert_eq!(heads(ours), heads(theirs));
    }
    assert_eq!((here.verify().unwrap(), there.verify().unwrap()), (vec![], vec![]));
    drop((here, there));
    for engine in engines {
        engine.resume().await.unwrap();
    }
}

/// The relay shows this device another list, about which it takes the person's word.
async fn is_asked(engine: &Engine, other: &[(&str, &'static str)]) {
    let before = listed(engine).await;
    let refused = engine.sync().await;
    let fork = matches!(refused, Err(EngineError::Roster(RosterError::Fork { .. })));
    assert!(fork, "{refused:?}");
    // It has lost what this device knew of it, too.
    assert_eq!(engine.take_alarms().await.unwrap(), [Alarm::RelayLost, Alarm::Fork]);
    assert_eq!(engine.take_alarms().await.unwrap(), []);
    assert_eq!(listed(engine).await, before, "nothing was changed");
    let fork = engine.fork().await.unwrap().unwrap();
    assert!(fork.can_heal);
    let mut shown: Vec<_> = fork.devices.into_iter().map(|info| (info.name, info.status)).collect();
    shown.sort();
    assert_eq!(shown, as_listed(other));
}

// Broken on purpose: `parts_quietly` (protocol) answering "yes" made it fail.
async fn each_removed_another(on: Backend) {
    let mut desk = Desk::new().await;
    let (first, phrase) = desk.phone("first", on).await;
    let tablet = desk.link(&first, "tablet", on).await;
    let third = desk.link(&first, "third", on).await;
    let fourth = desk.link(&first, "fourth", on).await;
    say(&first, "before").await;
    sync_in_turns(&[&first, &tablet, &third, &fourth]).await;

    let earlier = desk.copy_relay().await;
    first.remove_device("third").await.unwrap();
    say(&first, "of first").await;
    first.sync().await.unwrap();
    let of_first = desk.copy_relay().await;
    desk.put_relay_back(&earlier, true).await;
    // In this life of the relay nobody has removed the third device, and it goes on.
    say(&third, "of third").await;
    third.sync().await.unwrap();
    tablet.remove_device("fourth").await.unwrap();
    say(&tablet, "of tablet").await;
    tablet.sync().await.unwrap();

    let (a, r) = ("active", "removed");
    is_asked(&first, &[("first", a), ("tablet", a), ("third", a), ("fourth", r)]).await;
    desk.put_relay_back(&of_first, true).await;
    is_asked(&tablet, &[("first", a), ("tablet", a), ("third", r), ("fourth", a)]).await;
    tablet.heal().await.unwrap();
    assert_eq!(tablet.fork().await.unwrap(), None);
    sync_in_turns(&[&first, &tablet]).await;
    assert!(first.take_alarms().await.unwrap().is_empty());

    let joined = as_listed(&[("first", a), ("tablet", a), ("third", r), ("fourth", r)]);
    assert_eq!((listed(&first).await, listed(&tablet).await), (joined.clone(), joined));
    let texts = ["before", "of first", "of tablet", "of third"];
    same(&desk, ["first", "tablet"], [&first, &tablet], &texts, on).await;
    say(&first, "after").await;
    sync_in_turns(&[&first, &tablet]).await;
    for removed in [&third, &fourth] {
        say(removed, "too late").await;
        is_shut_out(removed).await;
        let rows = everything(removed).await;
        assert!(rows.iter().all(|row| row.fields["note"] != "after".into()));
    }
    let config = desk.config("new", on);
    let new = Engine::restore(config, &phrase, &desk.relay.address()).await.unwrap();
    new.sync().await.unwrap();
    let texts = ["after", "before", "of first", "of tablet", "of third"];
    assert_eq!(everything(&first).await.len(), texts.len());
    same(&desk, ["new", "tablet"], [&new, &tablet], &texts, on).await;
}

async fn each_let_one_in(on: Backend) {
    let mut desk = Desk::new().await;
    let (first, phrase) = desk.phone("first", on).await;
    let tablet = desk.link(&first, "tablet", on).await;
    say(&first, "before").await;
    sync_in_turns(&[&first, &tablet]).await;
    let earlier = desk.copy_relay().await;
    let third = desk.link(&first, "third", on).await;
    say(&third, "of third").await;
    sync_in_turns(&[&third, &first]).await;
    desk.put_relay_back(&earlier, true).await;
    let fourth = desk.link(&tablet, "fourth", on).await;
    say(&fourth, "of fourth").await;
    sync_in_turns(&[&fourth, &tablet]).await;

    let report = first.sync().await.unwrap();
    assert!(report.alarms.contains(&Alarm::Healed), "{:?}", report.alarms);
    assert_eq!(first.fork().await.unwrap(), None);
    sync_in_turns(&[&tablet, &first]).await;
    sync_in_turns(&[&third, &fourth, &tablet, &first]).await;
    let texts = ["before", "of fourth", "of third"];
    same(&desk, ["first", "tablet"], [&first, &tablet], &texts, on).await;
    same(&desk, ["third", "fourth"], [&third, &fourth], &texts, on).await;
    assert!(listed(&tablet).await.iter().all(|(_, status)| *status == "active"));
    let config = desk.config("new", on);
    let new = Engine::restore(config, &phrase, &desk.relay.address()).await.unwrap();
    new.sync().await.unwrap();
    same(&desk, ["new", "first"], [&new, &first], &texts, on).await;
}

// Broken on purpose: `Replica::readmitted` keeping the old key made it fail.
async fn back_in(on: Backend) {
    let desk = Desk::new().await;
    let (first, _) = desk.phone("first", on).await;
    let tablet = desk.link(&first, "tablet", on).await;
    let stolen = desk.link(&first, "stolen", on).await;
    say(&first, "before").await;
    sync_in_turns(&[&first, &tablet, &stolen]).await;

    stolen.remove_device("first").await.unwrap();
    say(&first, "written while out").await;
    is_shut_out(&first).await;
    tablet.sync().await.unwrap();
    tablet.remove_device("stolen").await.unwrap();
    say(&tablet, "of tablet").await;
    tablet.sync().await.unwrap();
    desk.rejoin(&tablet, &first).await;
    sync_in_turns(&[&first, &tablet]).await;
    let texts = ["before", "of tablet", "written while out"];
    same(&desk, ["first", "tablet"], [&first, &tablet], &texts, on).await;
    assert_eq!(first.status().await.unwrap().waiting, 0);
    let devices = tablet.devices().await.unwrap();
    let of = |name: &'static str| devices.iter().filter(move |d| d.name == name).map(|d| d.status);
    let mut firsts: Vec<_> = of("first").collect();
    firsts.sort_unstable();
    assert_eq!(firsts, ["active", "removed"], "it goes on under a new key");
    assert_eq!(of("stolen").collect::<Vec<_>>(), ["removed"]);
    is_shut_out(&stolen).await;
    assert_eq!(everything(&stolen).await.len(), 1);
}

on_both_stores!(
    each_removed_another,
    fn two_lists_that_each_removed_another_device_are_joined_on_the_persons_word_on_sled(),
    fn two_lists_that_each_removed_another_device_are_joined_on_the_persons_word_on_redb()
);
on_both_stores!(
    each_let_one_in,
    fn two_lists_that_removed_nobody_are_joined_by_a_sync_on_sled(),
    fn two_lists_that_removed_nobody_are_joined_by_a_sync_on_redb()
);
on_both_stores!(
    back_in,
    fn a_phone_that_a_thief_removed_comes_back_with_all_it_has_on_sled(),
    fn a_phone_that_a_thief_removed_comes_back_with_all_it_has_on_redb()
);
