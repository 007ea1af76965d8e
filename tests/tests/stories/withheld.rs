//! A relay that withholds what others wait for.

use mainstay_core::engine::{Alarm, EngineError};
use mainstay_core::sync::Local;
use mainstay_protocol::frame::{Item, Pull, Reply, Request};
use mainstay_tests::inside::Inside;
use mainstay_tests::network::Line;
use mainstay_tests::stores;

use super::dishonest::meddling;
use super::{edit, log, note, round, rows, two};

/// A relay that leaves these numbers out, and says so many times that there is more.
fn withholding(hidden: u64, more: u32) -> Line {
    let mut left = more;
    let line = meddling(move |request, mut replies| {
        for reply in &mut replies {
            let Reply::Items { items, more, continues, .. } = reply else { continue };
            items.retain(|item: &Item| item.number != hidden);
            if matches!(request, Request::Pull { .. }) && !*continues && left > 0 {
                left -= 1;
                *more = true;
            }
        }
        replies
    });
    Line { requests_left: Some(300), ..line }
}

// Broken on purpose: `Session::answered` taking the same place of the feed for a new one made it fail.
#[test]
fn a_relay_that_shows_the_same_again_and_again_ends_the_sync() {
    let (mut world, _, mut own, mut other) = two(161);
    for text in ["one", "two", "three"] {
        log(&world, &mut other, text);
        world.sync(&mut other).unwrap();
    }
    let ended = world.sync_over(&mut own, &mut withholding(1, u32::MAX));
    let Err(EngineError::BadReply { what }) = ended else {
        panic!("it goes on: {:?}", ended.err())
    };
    assert_eq!(what, "the same part of the feed again");
    // Nothing was taken for read: an honest sync brings it.
    round(&mut world, &mut [&mut own, &mut other]);
    assert_eq!(rows(&mut own).len(), 3);
}

#[test]
fn what_waits_for_something_withheld_is_read_again_by_the_next_sync() {
    let (mut world, _, mut own, mut other) = two(162);
    for text in ["one", "two", "three"] {
        log(&world, &mut other, text);
        world.sync(&mut other).unwrap();
    }
    for _ in 0..2 {
        world.sync_over(&mut own, &mut withholding(1, 0)).unwrap();
        assert!(own.replica.take_alarms().contains(&Alarm::Withheld));
        assert!(rows(&mut own).is_empty());
    }
    world.sync(&mut own).unwrap();
    assert_eq!(rows(&mut own).len(), 3);
}

// Broken on purpose: `Replica::take_entry` without `take_stashed` made it fail.
#[test]
fn an_edit_that_comes_before_its_entry_is_taken_in_with_it() {
    let (mut world, _, mut first, mut second) = two(163);
    let mut third = world.link(&mut first, "third").unwrap();
    world.sync(&mut third).unwrap();
    let id = log(&world, &mut first, "as it was written");
    world.sync(&mut first).unwrap();
    world.sync(&mut second).unwrap();
    edit(&world, &mut second, id, "as the second phone put it");
    world.sync(&mut second).unwrap();
    // Other devices' chains may come in any order.
    let mut backwards = meddling(|_, mut replies| {
        for reply in &mut replies {
            if let Reply::Items { items, .. } = reply {
                items.reverse();
            }
        }
        replies
    });
    world.sync_over(&mut third, &mut backwards).unwrap();
    assert_eq!(rows(&mut third), rows(&mut second));
    round(&mut world, &mut [&mut third, &mut second]);
    let status = second.replica.status(world.now_ms).unwrap();
    assert!(status.devices.iter().any(|device| device.name == "third" && device.confirmed == 1));
}

// Broken on purpose: `Replica::refused_outbox` taking back alone made it fail.
/// The relay shows the phone its own entry, whose acknowledgement was lost, and hides another one, so that the
/// phone's cursor stays where it was. Then it is put back to before both, and takes another device's record.
#[test]
fn what_a_relay_had_shown_and_lost_is_given_to_it_again_although_no_cursor_tells_of_the_loss() {
    let mut shown = 0;
    for requests in 4..9 {
        let (mut world, phrase, mut own, mut other) = two(164);
        for text in ["one", "two"] {
            log(&world, &mut other, text);
            world.sync(&mut other).unwrap();
        }
        let before = stores::copy(&world.relay_store);
        log(&world, &mut own, "mine");
        // The answer to its push is lost, and then all that comes after the greeting.
        for (requests_left, last_replies) in [(requests, 0), (4, 9)] {
            let requests_left = Some(requests_left);
            let mut line = Line { requests_left, last_replies, ..withholding(1, 0) };
            let _ = world.sync_over(&mut own, &mut line);
        }
        let there = Inside::new(&world.relay, &phrase, world.now_ms as u64).envelopes().len();
        shown += u32::from(there == 3);
        world.put_relay_back(before, false);
        world.link(&mut other, "third").unwrap();
        world.sync(&mut own).unwrap();
        let status = own.replica.status(world.now_ms).unwrap();
        assert_eq!((status.waiting, status.on_relay), (0, 3), "cut at request {requests}");
        round(&mut world, &mut [&mut other, &mut own]);
        assert_eq!(rows(&mut other).len(), 3, "cut at request {requests}");
    }
    assert!(shown > 0, "it was on the relay");
}

// Broken on purpose: `Replica::unstash` putting every document, also where nothing was added to it, made it fail.
/// The relay lost an entry whose edit had come, and everything else. Another phone, which never had the entry,
/// brings the month.
#[test]
fn an_edit_whose_entry_was_lost_makes_no_entry_of_its_own() {
    let (mut world, _, mut first, mut second) = two(165);
    let mut third = world.link(&mut first, "third").unwrap();
    let other = log(&world, &mut first, "another one of that month");
    round(&mut world, &mut [&mut first, &mut second, &mut third]);
    let backup = stores::copy(&first.store);
    let id = log(&world, &mut first, "to be lost");
    world.sync(&mut first).unwrap();
    let hidden = first.replica.cursor().unwrap().number;
    world.sync(&mut second).unwrap();
    edit(&world, &mut second, id, "to be lost, edited");
    world.sync(&mut second).unwrap();
    world.sync_over(&mut third, &mut withholding(hidden, 0)).unwrap();
    assert_eq!(rows(&mut third).len(), 1);
    world.wipe_relay();
    world.sync(&mut third).unwrap();
    let mut first = world.open(&backup, &first.secret.clone()).unwrap();
    edit(&world, &mut first, other, "another one, edited");
    world.now_ms += 45 * super::DAY_MS;
    for _ in 0..2 {
        world.sync(&mut first).unwrap();
        world.sync(&mut third).unwrap();
    }
    for phone in [&mut first, &mut third] {
        assert_eq!(rows(phone).len(), 1);
        assert_eq!(phone.replica.status(world.now_ms).unwrap().entries, 1);
        assert_eq!(phone.replica.document(&id).unwrap(), None);
        assert_eq!(phone.replica.verify().unwrap(), []);
    }
    // The one that has it brings it after all, and the edit with it.
    round(&mut world, &mut [&mut second, &mut first, &mut third]);
    for phone in [&mut first, &mut third] {
        assert_eq!(rows(phone), rows(&mut second));
        assert_eq!(rows(phone).len(), 2);
    }
}

// Broken on purpose: `RelayView::doubt_feed` never doing so made it fail.
/// The relay announces what lies there under each other's numbers. What the phone then asks for is another thing,
/// however often.
#[test]
fn a_body_that_was_announced_at_a_wrong_place_comes_once_the_relay_is_honest() {
    let (mut world, _, mut own, mut other) = two(166);
    let id = log(&world, &mut other, "one");
    round(&mut world, &mut [&mut other, &mut own]);
    edit(&world, &mut other, id, "one, edited");
    world.now_ms += 45 * super::DAY_MS;
    world.sync(&mut other).unwrap();
    let mut line = meddling(|request, mut replies| {
        for reply in &mut replies {
            let (Request::Pull { pull: Pull::After { .. }, .. }, Reply::Items { items, .. }) =
                (request, reply)
            else {
                continue;
            };
            let numbers: Vec<u64> = items.iter().map(|item| item.number).rev().collect();
            items.iter_mut().zip(numbers).for_each(|(item, number)| item.number = number);
        }
        replies
    });
    world.sync_over(&mut own, &mut line).unwrap();
    assert_eq!(note(&mut own, &id), "one".into(), "it was asked for where it is not");
    assert!(own.replica.take_alarms().contains(&Alarm::Withheld));
    world.now_ms += 3600 * 1000;
    world.sync(&mut own).unwrap();
    assert_eq!(own.replica.take_alarms(), []);
    assert_eq!(note(&mut own, &id), "one, edited".into());
    let status = own.replica.status(world.now_ms).unwrap();
    assert_eq!((status.waiting, status.on_relay), (0, 1));
    let mut line = Line::default();
    world.sync_over(&mut own, &mut line).unwrap();
    world.sync_over(&mut own, &mut line).unwrap();
    assert!(line.requests <= 8, "{} requests with nothing new", line.requests);
}
