//! Lists of devices that are longer than one answer of the relay, or than one frame.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::rc::Rc;

use jiff::Timestamp;
use mainstay_core::engine::{Alarm, Job};
use mainstay_core::journal::{EntryBody, EntryId, Note, When};
use mainstay_core::space::change::Newcomer;
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::sync::Local;
use mainstay_protocol::codec;
use mainstay_protocol::frame::{Reply, Request};
use mainstay_protocol::limits::MAX_FRAME_BYTES;
use mainstay_store::MemoryStore;
use mainstay_tests::network::{Line, Turn};
use mainstay_tests::stores;
use mainstay_tests::world::{Phone, World};

fn log(world: &World, phone: &mut Phone, text: &str) -> EntryId {
    let at = Timestamp::from_millisecond(world.now_ms).unwrap();
    let body = EntryBody::Note(Note { note: Some(text.to_owned()) });
    phone.replica.log(body, When::exact(at, "Europe/Berlin"), world.now_ms).unwrap()
}

fn two(seed: u64) -> (World, Phone, Phone) {
    let mut world = World::new(seed);
    let phrase = Phrase::make(&mut world.rng);
    let mut first = world.phone(&phrase);
    world.sync(&mut first).unwrap();
    let mut second = world.link(&mut first, "second").unwrap();
    world.sync(&mut second).unwrap();
    (world, first, second)
}

/// Lets a device in that never comes.
fn admit(world: &mut World, phone: &mut Phone, name: &str) {
    let secret = DeviceSecret::make(&mut world.rng);
    let newcomer = Newcomer::own(&secret.keys(&phone.replica.space(), 0), name);
    phone.replica.ask(Job::Admit(newcomer));
    world.sync(phone).unwrap();
}

/// Devices come and go; a kilobyte of list for each.
fn grow(world: &mut World, phone: &mut Phone, count: usize) {
    for number in 0..count {
        admit(world, phone, &format!("number {number}"));
        let devices = phone.replica.devices();
        let gone = devices.iter().find(|d| d.name.starts_with("number") && d.status == "active");
        phone.replica.ask(Job::Remove(gone.unwrap().author));
        world.sync(phone).unwrap();
    }
}

/// A relay that answers with one record at a time.
fn sparing() -> Line {
    Line {
        meddle: Some(Box::new(|_, mut replies| {
            for reply in &mut replies {
                if let Reply::Roster { records } = reply {
                    records.truncate(1);
                }
            }
            replies
        })),
        ..Line::default()
    }
}

/// A line that sees to it that everything fits into a frame, and counts the answers with records.
fn framed(parts: Rc<Cell<usize>>) -> Line {
    Line {
        meddle: Some(Box::new(move |request, replies| {
            assert!(codec::encode(request).len() <= MAX_FRAME_BYTES);
            for reply in &replies {
                assert!(codec::encode(reply).len() <= MAX_FRAME_BYTES);
                let roster = matches!(reply, Reply::Roster { records } if !records.is_empty());
                let create = matches!(request, Request::Create { .. });
                parts.set(parts.get() + usize::from(roster || create));
            }
            replies
        })),
        ..Line::default()
    }
}

#[test]
fn a_list_of_devices_that_comes_in_parts_is_put_together() {
    let (mut world, mut a, mut b) = two(7);
    for name in ["third", "fourth", "fifth"] {
        world.link(&mut a, name).unwrap();
    }
    let id = log(&world, &mut a, "new");
    world.sync(&mut a).unwrap();
    assert_eq!(world.sync_over(&mut b, &mut sparing()).unwrap(), Turn::Done);
    assert_eq!(b.replica.devices().len(), 5);
    assert!(b.replica.row_of(&id).is_ok());
    assert_eq!(b.replica.take_alarms(), []);
}

/// Both have put something in another life of the relay; `line` is what they sync over then.
fn fork_and_join((mut world, mut a, mut b): (World, Phone, Phone), line: impl Fn() -> Line) {
    let before = stores::copy(&world.relay_store);
    let in_one_life = log(&world, &mut a, "in one life");
    admit(&mut world, &mut a, "of one life");
    world.put_relay_back(before, true);
    let in_the_other = log(&world, &mut b, "in the other");
    for name in ["of the other", "of the other too"] {
        admit(&mut world, &mut b, name);
    }

    for _ in 0..2 {
        for phone in [&mut a, &mut b] {
            assert_eq!(world.sync_over(phone, &mut line()).unwrap(), Turn::Done);
        }
    }
    assert!(a.replica.take_alarms().contains(&Alarm::Healed));
    for phone in [&mut a, &mut b] {
        let devices = phone.replica.devices();
        assert_eq!(devices.iter().filter(|d| d.status == "active").count(), 5);
        for id in [&in_one_life, &in_the_other] {
            assert!(phone.replica.row_of(id).is_ok());
        }
    }
}

// Broken on purpose: a session that judges the first part of a list for itself made it fail.
#[test]
fn a_list_of_devices_that_forked_is_put_together_before_it_is_judged() {
    fork_and_join(two(9), sparing);
}

#[test]
fn a_list_of_devices_longer_than_a_frame_is_joined_with_another_and_given_to_a_wiped_relay() {
    let (mut world, mut a, mut b) = two(10);
    grow(&mut world, &mut a, 180);
    let earlier = stores::copy(&world.relay_store);
    grow(&mut world, &mut a, 60);
    let id = log(&world, &mut a, "kept");
    world.sync(&mut a).unwrap();
    let parts = Rc::new(Cell::new(0));
    world.sync_over(&mut b, &mut framed(parts.clone())).unwrap();
    assert!(parts.get() > 1, "{} parts", parts.get());

    // A relay that holds nothing, and one that holds more than the first part that it is told.
    for held in [MemoryStore::new(), earlier] {
        world.put_relay_back(held, true);
        parts.set(0);
        world.sync_over(&mut a, &mut framed(parts.clone())).unwrap();
        assert!(parts.get() > 1, "{} parts", parts.get());
        assert_eq!(a.replica.status(world.now_ms).unwrap().on_relay, 1);
        world.sync_over(&mut b, &mut framed(parts.clone())).unwrap();
        assert!(b.replica.row_of(&id).is_ok());
    }
    fork_and_join((world, a, b), move || framed(parts.clone()));
}
