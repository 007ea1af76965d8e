//! The shortest stories, on the simulator's world.
#![allow(clippy::unwrap_used)]

use jiff::Timestamp;
use mainstay_core::journal::{EntryBody, Note, When};
use mainstay_core::space::phrase::Phrase;
use mainstay_tests::world::World;

fn note(text: &str) -> EntryBody {
    EntryBody::Note(Note { note: Some(text.to_owned()) })
}

fn at(now_ms: i64) -> When {
    When::exact(Timestamp::from_millisecond(now_ms).unwrap(), "Europe/Berlin")
}

#[test]
fn what_one_phone_logs_another_restores() {
    let mut world = World::new(1);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    let now = world.now_ms;
    for day in 0..200 {
        let then = now - day * 24 * 3600 * 1000;
        phone.replica.log(note(&format!("day {day}")), at(then), now).unwrap();
    }
    assert_eq!(phone.replica.status(now).unwrap().on_relay, 0);
    world.sync(&mut phone).unwrap();
    let status = phone.replica.status(now).unwrap();
    assert_eq!((status.entries, status.waiting, status.on_relay), (200, 0, 200));
    assert_eq!(phone.replica.take_alarms(), []);

    let mut new = world.restore(&phrase).unwrap();
    world.sync(&mut new).unwrap();
    assert_eq!(new.replica.take_alarms(), []);
    let rows = new.replica.timeline(i64::MIN, i64::MAX).unwrap();
    assert_eq!(rows, phone.replica.timeline(i64::MIN, i64::MAX).unwrap());
    assert_eq!(rows.len(), 200);
    assert_eq!(new.replica.verify().unwrap(), []);
}

#[test]
fn a_wiped_relay_is_filled_again() {
    let mut world = World::new(2);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    let now = world.now_ms;
    for day in 0..100 {
        phone.replica.log(note("x"), at(now - day * 24 * 3600 * 1000), now).unwrap();
    }
    world.sync(&mut phone).unwrap();
    world.wipe_relay();
    world.sync(&mut phone).unwrap();
    assert_eq!(phone.replica.status(now).unwrap().on_relay, 100);
    let mut new = world.restore(&phrase).unwrap();
    world.sync(&mut new).unwrap();
    assert_eq!(new.replica.timeline(i64::MIN, i64::MAX).unwrap().len(), 100);
}

#[test]
fn an_entry_is_there_after_a_crash_the_moment_its_log_call_has_returned() {
    use mainstay_core::engine::Replica;

    let mut world = World::new(3);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    let now = world.now_ms;
    for number in 0..20 {
        let id = phone.replica.log(note(&format!("entry {number}")), at(now), now).unwrap();
        // What was committed lazily is lost, what was committed durably is not.
        phone.store.crash();
        let setup = world.setup(&phone.store, &phone.secret);
        phone.replica = Replica::open(setup).unwrap();
        assert!(phone.replica.row_of(&id).is_ok(), "entry {number}");
    }
    assert_eq!(phone.replica.timeline(i64::MIN, i64::MAX).unwrap().len(), 20);
}
