//! Phones that wait after a recovery, and a relay that helps one of them.

use mainstay_core::engine::Job;
use mainstay_core::journal::EntryId;
use mainstay_core::sync::Local;
use mainstay_protocol::envelope::{Envelope, Stub};
use mainstay_protocol::frame::{Item, ItemBody, Pull, Reply, Request};
use mainstay_protocol::ids::AuthorId;
use mainstay_tests::inside::Inside;
use mainstay_tests::network::Line;
use mainstay_tests::stores;

use super::dishonest::{meddling, slipping_in};
use super::{Phone, log, round, rows, two};

fn ids(phone: &mut Phone) -> Vec<EntryId> {
    let mut ids: Vec<_> = rows(phone).iter().map(|row| row.id).collect();
    ids.sort();
    ids
}

fn sorted(mut ids: Vec<EntryId>) -> Vec<EntryId> {
    ids.sort();
    ids
}

fn author(item: &Item) -> AuthorId {
    match &item.body {
        ItemBody::Whole(bytes) => Envelope::from_bytes(bytes).unwrap().header().author,
        ItemBody::Stub(bytes) => Stub::from_bytes(bytes).unwrap().header().author,
    }
}

/// A line on which the relay shows nothing of what this device sent.
fn hiding(hidden: AuthorId) -> Line {
    meddling(move |_, mut replies| {
        for reply in &mut replies {
            if let Reply::Items { items, .. } = reply {
                items.retain(|item| author(item) != hidden);
            }
        }
        replies
    })
}

// Broken on purpose: `Replica::ask_bound` asking for nothing made it fail.
#[test]
fn what_a_stolen_phone_signs_after_a_recovery_counts_for_nobody_while_it_waits() {
    let (mut world, phrase, mut own, mut stolen) = two(131);
    let kept = log(&world, &mut stolen, "before the recovery");
    round(&mut world, &mut [&mut stolen, &mut own]);
    let before = stores::copy(&world.relay_store);
    let mut new = world.restore(&phrase).unwrap();
    world.sync(&mut new).unwrap();
    let honest = stores::copy(&world.relay_store);

    // The relay has the stolen phone write under the list from before the recovery.
    world.put_relay_back(before, false);
    let late = log(&world, &mut stolen, "after the recovery");
    world.sync(&mut stolen).unwrap();
    let thief = stolen.replica.author();
    let mut inside = Inside::new(&world.relay, &phrase, world.now_ms as u64);
    let mut pushed: Vec<Envelope> = inside.envelopes().into_iter().map(|(_, e)| e).collect();
    pushed.retain(|envelope| envelope.header().author == thief);
    assert_eq!(pushed.len(), 2);
    world.put_relay_back(honest, false);

    let slip = || slipping_in(pushed.clone());
    world.sync_over(&mut new, &mut slip()).unwrap();
    let mut third = world.link(&mut new, "third").unwrap();
    world.sync_over(&mut third, &mut slip()).unwrap();
    new.replica.ask(Job::Confirm(own.replica.author()));
    for _ in 0..2 {
        for phone in [&mut new, &mut own, &mut third] {
            world.sync_over(phone, &mut slip()).unwrap();
            assert_eq!(ids(phone), [kept]);
        }
    }
    // Nothing that was passed over is lost: the person may find that the phone was in good hands.
    let waiting = stores::copy(&world.relay_store);
    let copies = [&new, &third].map(|phone| (stores::copy(&phone.store), phone.secret.clone()));
    new.replica.ask(Job::Confirm(thief));
    for phone in [&mut new, &mut third, &mut own] {
        world.sync_over(phone, &mut slip()).unwrap();
        world.sync_over(phone, &mut slip()).unwrap();
        assert_eq!(ids(phone), sorted(vec![kept, late]));
    }
    // Or remove it: then what was known of it counts, and nothing else.
    world.put_relay_back(waiting, false);
    let mut phones = copies.map(|(store, secret)| world.open(&store, &secret).unwrap());
    phones[0].replica.ask(Job::Remove(thief));
    for phone in &mut phones {
        world.sync_over(phone, &mut slip()).unwrap();
        world.sync_over(phone, &mut slip()).unwrap();
        assert_eq!(ids(phone), [kept]);
    }
}

// Broken on purpose: `Replica::read_again_after` returning at once made it fail.
#[test]
fn what_a_phone_sent_and_the_restore_was_not_shown_counts_once_the_phone_is_confirmed() {
    let (mut world, phrase, mut own, mut hidden) = two(132);
    let sent = log(&world, &mut hidden, "sent in good time");
    round(&mut world, &mut [&mut hidden, &mut own]);
    let waiting = hidden.replica.author();
    let mut new = world.restore(&phrase).unwrap();
    world.sync_over(&mut new, &mut hiding(waiting)).unwrap();
    world.sync(&mut new).unwrap();
    assert_eq!(ids(&mut new), [], "nobody can tell whether it was sent before the recovery");
    new.replica.ask(Job::Confirm(waiting));
    world.sync(&mut new).unwrap();
    assert_eq!(ids(&mut new), [sent]);
}

#[test]
fn what_a_phone_sent_and_the_restore_was_not_shown_counts_if_whoever_removes_it_knows_it() {
    let (mut world, phrase, mut own, mut hidden) = two(133);
    let sent = log(&world, &mut hidden, "sent in good time");
    round(&mut world, &mut [&mut hidden, &mut own]);
    let waiting = hidden.replica.author();
    let mut new = world.restore(&phrase).unwrap();
    world.sync_over(&mut new, &mut hiding(waiting)).unwrap();
    new.replica.ask(Job::Confirm(own.replica.author()));
    world.sync(&mut new).unwrap();
    own.replica.ask(Job::Remove(waiting));
    world.sync(&mut own).unwrap();
    world.sync(&mut new).unwrap();
    assert_eq!(ids(&mut new), [sent]);
    assert_eq!(ids(&mut own), [sent]);
}

/// A relay that goes on talking to a phone that waits, and shows it these envelopes.
fn talking_on(envelopes: Vec<Envelope>) -> Line {
    meddling(move |request, replies| match request {
        Request::Receipts { .. } => vec![Reply::Receipts { receipts: vec![], stamp: 0 }],
        Request::Pull { pull: Pull::After { cursor, .. }, .. } => {
            let body = |envelope: &Envelope| ItemBody::Whole(envelope.to_bytes().into());
            let items = (10_000..).zip(&envelopes);
            let items = items.map(|(number, envelope)| Item { number, body: body(envelope) });
            let (continues, more, cursor) = (false, false, *cursor);
            vec![Reply::Items { items: items.collect(), continues, more, cursor }]
        }
        _ => replies,
    })
}

// Broken on purpose: `Local::take_items` without asking whether the device takes part made it fail.
#[test]
fn a_phone_that_waits_takes_nothing_in_whatever_the_relay_shows_it() {
    let (mut world, phrase, mut own, mut stolen) = two(134);
    let before = stores::copy(&world.relay_store);
    // The new phone has not said yet how much is known.
    let mut new = world.restore(&phrase).unwrap();
    let honest = stores::copy(&world.relay_store);
    world.put_relay_back(before, false);
    log(&world, &mut stolen, "after the recovery");
    world.sync(&mut stolen).unwrap();
    let mut inside = Inside::new(&world.relay, &phrase, world.now_ms as u64);
    let late: Vec<Envelope> = inside.envelopes().into_iter().map(|(_, e)| e).collect();
    assert_eq!(late.len(), 1);
    world.put_relay_back(honest, false);

    assert!(world.sync_over(&mut own, &mut talking_on(late)).is_err());
    assert!(!own.replica.is_member());
    assert_eq!(ids(&mut own), []);
    // Nor does it bring the others anything of it once it is confirmed.
    new.replica.ask(Job::Confirm(own.replica.author()));
    round(&mut world, &mut [&mut new, &mut own]);
    assert_eq!((ids(&mut own), ids(&mut new)), (vec![], vec![]));
}

// Broken on purpose: a status that asked only whether the relay is intact made it fail.
#[test]
fn a_phone_that_learns_that_it_waits_does_not_say_that_what_it_sent_is_on_the_relay() {
    let (mut world, phrase, mut own, mut other) = two(135);
    let mut new = world.restore(&phrase).unwrap();
    world.sync(&mut new).unwrap();
    // The relay loses the recovery, and takes an entry under the list from before.
    world.wipe_relay();
    let late = log(&world, &mut own, "sent under the list from before");
    world.sync(&mut own).unwrap();
    assert_eq!(own.replica.status(world.now_ms).unwrap().on_relay, 1);
    world.sync(&mut new).unwrap();
    assert!(world.sync(&mut own).is_err());
    let status = own.replica.status(world.now_ms).unwrap();
    assert_eq!((status.on_relay, status.waiting, status.entries), (0, 1, 1));
    let mut newest = world.restore(&phrase).unwrap();
    world.sync(&mut newest).unwrap();
    assert_eq!(ids(&mut newest), [], "nobody can rebuild it yet");
    newest.replica.ask(Job::Confirm(own.replica.author()));
    round(&mut world, &mut [&mut newest, &mut own]);
    assert_eq!(own.replica.status(world.now_ms).unwrap().on_relay, 1);
    assert_eq!(ids(&mut newest), [late]);
    assert!(world.sync(&mut other).is_err());
}

// Broken on purpose: `Replica::verified` without noting what a chain's bound voids made it fail.
#[test]
fn a_chapter_that_only_a_waiting_phone_brought_to_a_wiped_relay_is_brought_again() {
    let (mut world, phrase, mut own, mut other) = two(136);
    let kept = log(&world, &mut own, "before the recovery");
    round(&mut world, &mut [&mut own, &mut other]);
    let mut new = world.restore(&phrase).unwrap();
    world.sync(&mut new).unwrap();
    world.wipe_relay();
    // Under the list from before: what it packs lies beyond what the recovery's phone knew of it.
    world.sync(&mut own).unwrap();
    world.sync(&mut new).unwrap();
    let status = new.replica.status(world.now_ms).unwrap();
    let mut newest = world.restore(&phrase).unwrap();
    world.sync(&mut newest).unwrap();
    assert_eq!(status.on_relay, 1);
    assert_eq!(ids(&mut newest), [kept], "what is said to be on the relay can be rebuilt");
}
