//! What a store keeps, and when: nothing is lost by putting it off, and nothing is kept loose for long.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;

use jiff::Timestamp;
use mainstay_core::document::Row;
use mainstay_core::engine::Replica;
use mainstay_core::journal::{Entry, EntryBody, EntryId, Note, Patch, Value, When};
use mainstay_core::space::phrase::Phrase;
use mainstay_store::Store;
use mainstay_tests::world::{Phone, World};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Numbers of the store's tables, which begin its keys: loose documents and rows.
const LOOSE: [u8; 2] = [3, 4];

fn note(text: &str) -> EntryBody {
    EntryBody::Note(Note { note: Some(text.to_owned()) })
}

fn when(at_ms: i64) -> When {
    When::exact(Timestamp::from_millisecond(at_ms).unwrap(), "Europe/Berlin")
}

fn log(world: &World, phone: &mut Phone, text: &str) -> EntryId {
    phone.replica.log(note(text), when(world.now_ms), world.now_ms).unwrap()
}

fn rows(replica: &mut Replica) -> Vec<Row> {
    replica.timeline(i64::MIN, i64::MAX).unwrap()
}

/// How many records there are, and how many of them are loose documents and rows.
fn records(phone: &Phone) -> (usize, usize) {
    let (mut all, mut loose) = (0, 0);
    let mut count = |key: &[u8], _: &[u8]| {
        all += 1;
        loose += usize::from(LOOSE.contains(&key[0]));
        ControlFlow::Continue(())
    };
    phone.store.scan(&[], None, &mut count).unwrap();
    (all, loose)
}

#[test]
fn logging_writes_an_intent_and_nothing_else_and_a_power_cut_loses_none() {
    let mut world = World::new(1);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    let (before, _) = records(&phone);
    let first = log(&world, &mut phone, "first");
    for number in 2..=10 {
        log(&world, &mut phone, &format!("number {number}"));
        assert_eq!(rows(&mut phone.replica).len(), number);
    }
    let patch = Patch::from([("note".to_owned(), Some(Value::Str("changed".to_owned())))]);
    phone.replica.edit(first, &patch, world.now_ms).unwrap();
    let second = log(&world, &mut phone, "to be deleted");
    phone.replica.delete(second, world.now_ms).unwrap();
    assert_eq!(records(&phone), (before + 13, 0));
    let shown = rows(&mut phone.replica);
    assert_eq!(shown.len(), 10);
    for _ in 0..2 {
        world.crash(&mut phone).unwrap();
        assert_eq!(rows(&mut phone.replica), shown);
    }
    phone.replica.flush().unwrap();
    assert_eq!(records(&phone).1, 22);
    world.crash(&mut phone).unwrap();
    assert_eq!(rows(&mut phone.replica), shown);
    world.sync(&mut phone).unwrap();
    assert_eq!(phone.replica.status(world.now_ms).unwrap().on_relay, 10);
}

#[test]
fn a_power_cut_at_any_moment_of_many_entries_loses_and_doubles_none() {
    let mut world = World::new(2);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    for number in 0..150 {
        log(&world, &mut phone, &format!("{number} {}", "word ".repeat(100)));
        if number % 7 == 0 {
            phone.replica.fold().unwrap();
        }
        if number % 31 == 0 {
            world.crash(&mut phone).unwrap();
        }
        assert_eq!(rows(&mut phone.replica).len(), number + 1);
    }
    assert_eq!(phone.replica.verify().unwrap(), []);
    assert!(records(&phone).1 > 0);
}

#[test]
fn months_that_are_over_are_packed_without_a_relay() {
    let mut world = World::new(3);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    let entries: Vec<Entry> = (0..200)
        .map(|number| {
            let when = when(world.now_ms - (40 + number) * DAY_MS);
            let id = EntryId::make(when.month(), &mut world.rng);
            let now = Timestamp::from_millisecond(world.now_ms).unwrap();
            Entry::typed(id, note(&format!("number {number}")), when, now)
        })
        .collect();
    phone.replica.import(&entries, world.now_ms).unwrap();
    assert_eq!(records(&phone).1, 0);
    log(&world, &mut phone, "this month");
    phone.replica.flush().unwrap();
    world.now_ms += 50 * DAY_MS;
    assert_eq!(records(&phone).1, 2);
    log(&world, &mut phone, "a later month");
    phone.replica.flush().unwrap();
    assert_eq!(records(&phone).1, 2);
    let patch = Patch::from([("note".to_owned(), Some(Value::Str("changed".to_owned())))]);
    phone.replica.edit(entries[0].id, &patch, world.now_ms).unwrap();
    world.crash(&mut phone).unwrap();
    let shown = rows(&mut phone.replica);
    assert_eq!(shown.len(), 202);
    assert_eq!(phone.replica.verify().unwrap(), []);

    world.sync(&mut phone).unwrap();
    assert_eq!(phone.replica.status(world.now_ms).unwrap().on_relay, 202);
    let mut second = world.link(&mut phone, "second").unwrap();
    world.sync(&mut second).unwrap();
    assert_eq!(rows(&mut second.replica), shown);
}
