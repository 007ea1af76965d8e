//! The relay loses a month while a phone is being restored that has only the month's page.

use std::collections::BTreeSet;

use mainstay_core::document::EntryDoc;
use mainstay_core::engine::{EngineError, Job};
use mainstay_core::journal::{EntryId, Value};
use mainstay_core::space::phrase::Phrase;
use mainstay_core::sync::Local;
use mainstay_tests::network::{Conversation, Line, Turn};
use mainstay_tests::stores;
use mainstay_tests::world::{Phone, World};

use super::{DAY_MS, edit, log, note, round, rows, two};

const ENTRIES: usize = 5;

/// A phone with a month that lies packed on the relay, and a new one that has got its page alone when
/// the relay is wiped.
fn only_a_page_came(seed: u64) -> (World, Phrase, Phone, Phone, Vec<EntryId>) {
    only_a_page_came_of(seed, |_, _, _| {})
}

/// The same, where something else happens after the month was packed.
fn only_a_page_came_of(
    seed: u64,
    then: impl FnOnce(&mut World, &mut Phone, &[EntryId]),
) -> (World, Phrase, Phone, Phone, Vec<EntryId>) {
    let (mut world, phrase, mut old, mut second) = two(seed);
    let mut ids: Vec<_> =
        (0..ENTRIES).map(|n| log(&world, &mut old, &format!("words {n}"))).collect();
    ids.push(log(&world, &mut old, &"a long thought ".repeat(100)));
    edit(&world, &mut old, ids[0], "edited");
    old.replica.delete(ids[1], world.now_ms).unwrap();
    round(&mut world, &mut [&mut old, &mut second]);
    world.now_ms += 20 * DAY_MS;
    round(&mut world, &mut [&mut old, &mut second]);
    let packed = shown(&mut old);
    then(&mut world, &mut old, &ids);
    let mut new = world.restore(&phrase).unwrap();
    // The greeting asks for the pages of this month and the last; bodies of their chapters come next.
    let mut line = Line { requests_left: Some(6), last_replies: 1, ..Line::default() };
    assert_eq!(world.sync_over(&mut new, &mut line).unwrap(), Turn::Cut);
    assert_eq!(shown(&mut new), packed);
    assert!(new.replica.document(&ids[0]).unwrap().is_none());
    let refused = new.replica.delete(ids[0], world.now_ms);
    assert!(matches!(refused, Err(EngineError::StillRestoring)), "{refused:?}");
    world.wipe_relay();
    (world, phrase, old, new, ids)
}

/// What a person sees of each entry.
fn shown(phone: &mut Phone) -> Vec<(EntryId, Option<Value>, bool)> {
    let rows = rows(phone).into_iter();
    rows.map(|row| (row.id, row.fields.get("note").cloned(), row.edited)).collect()
}

/// The old phone is found, and let in again.
fn found_again(world: &mut World, old: &mut Phone, new: &mut Phone) {
    new.replica.ask(Job::Confirm(old.replica.author()));
    round(world, &mut [new, old]);
    assert_eq!(rows(new), rows(old));
    for phone in [new, old] {
        assert_eq!(phone.replica.verify().unwrap(), []);
        let status = phone.replica.status(world.now_ms).unwrap();
        assert_eq!((status.waiting, status.restoring), (0, false));
        assert_eq!(status.on_relay, status.entries);
    }
}

// Broken on purpose: leaving out the call of `Replica::salvage` made each of these fail.
#[test]
fn entries_of_which_only_the_page_came_can_be_changed_and_are_given_to_the_relay_again() {
    let (mut world, phrase, _, mut new, ids) = only_a_page_came(31);
    let before = shown(&mut new);
    world.sync(&mut new).unwrap();
    assert_eq!(shown(&mut new), before);
    let status = new.replica.status(world.now_ms).unwrap();
    assert_eq!((status.entries, status.on_relay, status.waiting), (ENTRIES as u64, 5, 0));
    assert!(!status.restoring);
    edit(&world, &mut new, ids[2], "changed after all");
    new.replica.restore_deleted(ids[1], world.now_ms).unwrap();
    world.sync(&mut new).unwrap();
    let mut line = Line::default();
    world.sync_over(&mut new, &mut line).unwrap();
    assert!(line.requests <= 4, "{} requests with nothing new", line.requests);
    assert_eq!(new.replica.verify().unwrap(), []);
    let mut another = world.restore(&phrase).unwrap();
    world.sync(&mut another).unwrap();
    assert_eq!(rows(&mut another), rows(&mut new));
    assert_eq!(rows(&mut another).len(), ENTRIES + 1);
    assert_eq!(note(&mut another, &ids[2]), "changed after all".into());
}

#[test]
fn a_phone_that_brings_the_first_documents_after_all_loses_nothing_and_nothing_is_lost_to_it() {
    let (mut world, _, mut old, mut new, ids) = only_a_page_came(32);
    edit(&world, &mut old, ids[2], "changed on the old phone");
    edit(&world, &mut old, ids[3], "changed there");
    edit(&world, &mut old, ids[5], &"another long thought ".repeat(100));
    let before = shown(&mut new);
    world.sync(&mut new).unwrap();
    assert_eq!(shown(&mut new), before);
    edit(&world, &mut new, ids[3], "and changed here");
    edit(&world, &mut new, ids[4], "changed on the new phone");
    world.sync(&mut new).unwrap();
    found_again(&mut world, &mut old, &mut new);
    assert_eq!(rows(&mut new).len(), ENTRIES);
    assert_eq!(note(&mut new, &ids[0]), "edited".into());
    assert!(new.replica.show(&ids[0]).unwrap().conflicts.is_empty());
    assert_eq!(note(&mut new, &ids[2]), "changed on the old phone".into());
    assert_eq!(note(&mut new, &ids[4]), "changed on the new phone".into());
    assert_eq!(note(&mut new, &ids[5]), Value::Str("another long thought ".repeat(100)));
    let both = new.replica.show(&ids[3]).unwrap();
    let mut said: BTreeSet<String> =
        both.conflicts["note"].iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    said.insert(note(&mut new, &ids[3]).as_str().unwrap().to_owned());
    assert!(said.contains("changed there") && said.contains("and changed here"), "{}", said.len());
}

#[test]
fn two_phones_that_make_documents_of_the_same_rows_at_once_make_the_same_ones() {
    let (mut world, phrase, _, mut new, ids) = only_a_page_came(34);
    let mut twin = world.open(&stores::copy(&new.store), &new.secret.clone()).unwrap();
    let before = shown(&mut new);
    let mut phones = [&mut new, &mut twin];
    let mut talks =
        phones.each_mut().map(|phone| (Conversation::begin(&world, phone).unwrap(), false));
    // Turn by turn: both have read the empty relay before either sends.
    while talks.iter().any(|(_, done)| !done) {
        for ((talk, done), phone) in talks.iter_mut().zip(&mut phones).filter(|((_, d), _)| !d) {
            *done = talk.turn(&mut world, phone, &mut Line::default()).unwrap() == Turn::Done;
        }
    }
    for phone in &mut phones {
        assert!(phone.replica.document(&ids[0]).unwrap().is_some());
    }
    round(&mut world, &mut phones);
    let mut another = world.restore(&phrase).unwrap();
    world.sync(&mut another).unwrap();
    for phone in [&mut new, &mut twin, &mut another] {
        assert_eq!(shown(phone), before);
        assert_eq!(phone.replica.verify().unwrap(), []);
        let saved = phone.replica.document(&ids[0]).unwrap().unwrap();
        assert_eq!(EntryDoc::load(&saved).unwrap().heads().hashes().len(), 1);
    }
}

#[test]
fn what_another_phone_had_forgotten_does_not_stay_for_having_been_made_of_its_row() {
    let (mut world, phrase, mut old, mut new, ids) = only_a_page_came(33);
    old.replica.forget(ids[0], world.now_ms).unwrap();
    world.sync(&mut new).unwrap();
    assert!(new.replica.document(&ids[0]).unwrap().is_some());
    found_again(&mut world, &mut old, &mut new);
    let mut another = world.restore(&phrase).unwrap();
    world.sync(&mut another).unwrap();
    for phone in [&mut old, &mut new, &mut another] {
        assert!(phone.replica.document(&ids[0]).unwrap().is_none());
        assert_eq!(rows(phone).len(), ENTRIES - 1);
    }
}

// Broken on purpose: `Replica::let_stashed_go` letting nothing go made it fail at the first status, and
// `Replica::take_stashed` passing over what was let go, at the end.
#[test]
fn changes_of_a_document_that_never_came_hold_up_nothing_and_join_it_should_it_come() {
    let mut backup = None;
    let then = |world: &mut World, old: &mut Phone, ids: &[EntryId]| {
        backup = Some(stores::copy(&old.store));
        edit(world, old, ids[0], "edited after the month was packed");
        world.sync(old).unwrap();
    };
    let (mut world, phrase, old, mut new, ids) = only_a_page_came_of(35, then);
    world.sync(&mut new).unwrap();
    assert_eq!(
        note(&mut new, &ids[0]),
        "edited".into(),
        "the change came, and not what it changes"
    );
    let status = new.replica.status(world.now_ms).unwrap();
    assert_eq!((status.entries, status.on_relay, status.waiting), (ENTRIES as u64, 5, 0));
    edit(&world, &mut new, ids[2], "changed on the new phone");
    for _ in 0..2 {
        world.sync(&mut new).unwrap();
    }
    let mut line = Line::default();
    world.sync_over(&mut new, &mut line).unwrap();
    assert!(line.requests <= 4, "{} requests with nothing new", line.requests);
    // Of the old phone, only what it was before that edit.
    let mut old = world.open(&backup.unwrap(), &old.secret.clone()).unwrap();
    found_again(&mut world, &mut old, &mut new);
    assert_eq!(note(&mut new, &ids[0]), "edited after the month was packed".into());
    assert_eq!(note(&mut new, &ids[2]), "changed on the new phone".into());
    let mut another = world.restore(&phrase).unwrap();
    world.sync(&mut another).unwrap();
    assert_eq!(shown(&mut another), shown(&mut new));
}
