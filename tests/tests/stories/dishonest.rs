//! A relay that lies.

use mainstay_core::engine::{Alarm, Job};
use mainstay_core::journal::Fields;
use mainstay_core::plan::{PlanEdit, Section};
use mainstay_core::sync::Local;
use mainstay_protocol::codec;
use mainstay_protocol::envelope::{Envelope, Header};
use mainstay_protocol::frame::{Item, ItemBody, Reply, Request};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::sign::Signature;
use mainstay_sync_server::feed::FeedStore;
use mainstay_tests::inside::Inside;
use mainstay_tests::network::{Line, Meddle};
use mainstay_tests::stores;

use super::{DAY_MS, log, round, rows, two};

/// A line on which the relay's answers are changed.
pub(super) fn meddling(meddle: impl FnMut(&Request, Vec<Reply>) -> Vec<Reply> + 'static) -> Line {
    Line { meddle: Some(Box::new(meddle) as Meddle), ..Line::default() }
}

/// A line on which every answer with items has these at its end, as if the feed held them too.
pub(super) fn slipping_in(envelopes: Vec<Envelope>) -> Line {
    meddling(move |_, mut replies| {
        if let Some(Reply::Items { items, .. }) = replies.last_mut() {
            let more = (10_000..).zip(&envelopes);
            items.extend(more.map(|(number, envelope)| {
                let body = ItemBody::Whole(envelope.to_bytes().into());
                Item { number, body }
            }));
        }
        replies
    })
}

/// Three syncs in which the relay takes everything and acknowledges it, and only the signature under
/// that is another one; then an honest one.
fn acknowledged_with(seed: u64, alter: fn(&mut [u8])) {
    let (mut world, _, mut a, mut b) = two(seed);
    let id = log(&world, &mut a, "waiting");
    let acknowledged = std::rc::Rc::new(std::cell::Cell::new(0));
    let counted = acknowledged.clone();
    let mut line = meddling(move |_, mut replies| {
        for reply in &mut replies {
            let Reply::Pushed { statement } = reply else { continue };
            let mut bytes = codec::encode(statement);
            let signature = bytes.len() - Signature::LEN;
            alter(&mut bytes[signature..]);
            let content = statement.peek().unwrap();
            *statement = codec::decode(&bytes).unwrap();
            assert_eq!(statement.peek().unwrap(), content, "only the signature is another");
            counted.set(counted.get() + 1);
        }
        replies
    });
    for tried in 1..=3 {
        assert!(world.sync_over(&mut a, &mut line).is_err());
        assert_eq!(acknowledged.get(), tried);
        if tried == 2 {
            world.crash(&mut a).unwrap();
        }
        let status = a.replica.status(world.now_ms).unwrap();
        assert_eq!((status.waiting, status.on_relay, status.on_other_devices), (1, 0, 0));
    }
    world.sync(&mut a).unwrap();
    let status = a.replica.status(world.now_ms).unwrap();
    assert_eq!((status.waiting, status.on_relay), (0, 1));
    round(&mut world, &mut [&mut b, &mut a]);
    assert_eq!(rows(&mut b).iter().map(|row| row.id).collect::<Vec<_>>(), [id], "and once only");
}

// Broken on purpose: `Session::statement` reading what was signed without verifying made these two
// fail.
#[test]
fn an_acknowledgement_whose_signature_was_stripped_leaves_everything_waiting() {
    acknowledged_with(6, |signature| signature.fill(0));
}

#[test]
fn an_acknowledgement_with_one_bit_of_its_signature_flipped_leaves_everything_waiting() {
    acknowledged_with(21, |signature| signature[0] ^= 1);
    acknowledged_with(22, |signature| signature[40] ^= 0x10);
}

#[test]
fn a_forged_envelope_raises_an_alarm_and_changes_nothing() {
    let (mut world, _, mut a, mut b) = two(7);
    log(&world, &mut a, "honest");
    world.sync(&mut a).unwrap();
    let mut line = meddling(|_, mut replies| {
        for reply in &mut replies {
            let Reply::Items { items, .. } = reply else { continue };
            for Item { body, .. } in items {
                let (ItemBody::Whole(bytes) | ItemBody::Stub(bytes)) = body;
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
            }
        }
        replies
    });
    let _ = world.sync_over(&mut b, &mut line);
    assert!(b.replica.take_alarms().contains(&Alarm::Forged));
    assert_eq!(rows(&mut b), []);
}

// Broken on purpose: `Replica::verified` skipping `admits_place` made it fail.
#[test]
fn what_a_removed_phone_pushes_is_refused_by_devices_even_if_the_relay_serves_it() {
    let (mut world, phrase, mut a, mut b) = two(12);
    let kept = log(&world, &mut b, "before the removal");
    round(&mut world, &mut [&mut b, &mut a]);
    let (before, twin) = (stores::copy(&world.relay_store), stores::copy(&a.store));
    a.replica.ask(Job::Remove(b.replica.author()));
    world.sync(&mut a).unwrap();
    let honest = stores::copy(&world.relay_store);

    // A relay that never heard of the removal takes what the removed phone pushes.
    world.put_relay_back(before, false);
    log(&world, &mut b, "too late");
    world.sync(&mut b).unwrap();
    let removed = b.replica.author();
    let mut inside = Inside::new(&world.relay, &phrase, world.now_ms as u64);
    let pushed: Vec<Envelope> = inside.envelopes().into_iter().map(|(_, pushed)| pushed).collect();
    let pushed: Vec<_> = pushed.into_iter().filter(|e| e.header().author == removed).collect();
    assert_eq!(pushed.len(), 2);
    let mut unknowing = world.open(&twin, &a.secret.clone()).unwrap();
    world.sync(&mut unknowing).unwrap();
    assert_eq!(rows(&mut unknowing).len(), 2, "whoever knows of no removal takes it");

    world.put_relay_back(honest, false);
    world.sync_over(&mut a, &mut slipping_in(pushed.clone())).unwrap();
    let mut new = world.restore(&phrase).unwrap();
    world.sync_over(&mut new, &mut slipping_in(pushed)).unwrap();
    for phone in [&mut a, &mut new] {
        assert_eq!(rows(phone).iter().map(|row| row.id).collect::<Vec<_>>(), [kept]);
    }
    assert!(world.sync(&mut b).is_err());
}

/// The same envelope with another header, under the signature that it had.
fn with_header(space: &SpaceId, envelope: &Envelope, header: Header) -> Envelope {
    let bytes = envelope.to_bytes();
    let signature = *bytes.last_chunk().unwrap();
    let ciphertext = envelope.ciphertext().to_vec();
    Envelope::make(space, header, |_| ciphertext, |_| Signature(signature))
}

/// Two envelopes change places: each is shown in the other's slot, at the other's place.
fn swapped(space: &SpaceId, items: &mut [Item]) -> bool {
    let whole = |item: &Item| match &item.body {
        ItemBody::Whole(bytes) => Envelope::from_bytes(bytes).ok(),
        ItemBody::Stub(_) => None,
    };
    let all: Vec<Envelope> = items.iter().filter_map(whole).collect();
    let [one, other] = &all[..] else { return false };
    assert_ne!(one.header().slot, other.header().slot);
    let moved = [
        with_header(space, one, other.header().clone()),
        with_header(space, other, one.header().clone()),
    ];
    for (item, envelope) in items.iter_mut().zip(moved) {
        item.body = ItemBody::Whole(envelope.to_bytes().into());
    }
    true
}

// Broken on purpose: `Replica::verified` without `stub.verify` made it fail.
#[test]
fn envelopes_that_the_relay_swaps_between_slots_count_nowhere() {
    let (mut world, _, mut a, mut b) = two(13);
    log(&world, &mut a, "of a month");
    let (section, text) = (Section::Reasons, "of the plan".to_owned());
    let (id, details) = (a.replica.new_item_id(), Fields::new());
    let add = PlanEdit::Add { id, section, text, details, position: None };
    a.replica.edit_plan(&add, world.now_ms).unwrap();
    world.sync(&mut a).unwrap();
    let space = a.replica.space();
    let swaps = std::rc::Rc::new(std::cell::Cell::new(0));
    let counted = swaps.clone();
    let mut line = meddling(move |_, mut replies| {
        for reply in &mut replies {
            if let Reply::Items { items, .. } = reply {
                counted.set(counted.get() + u32::from(swapped(&space, items)));
            }
        }
        replies
    });
    let _ = world.sync_over(&mut b, &mut line);
    assert!(swaps.get() > 0);
    assert!(b.replica.take_alarms().contains(&Alarm::Forged));
    assert!(rows(&mut b).is_empty() && b.replica.plan().is_empty());
    let status = a.replica.status(world.now_ms).unwrap();
    assert_eq!(status.on_other_devices, 0, "nobody confirms what was not taken");
}

/// The answers to questions about slots, exchanged: whole and honest envelopes of another slot.
#[test]
fn a_restore_that_is_answered_with_other_slots_mixes_nothing_up() {
    let (mut world, phrase, mut a, _) = two(14);
    for month in 0..4 {
        for n in 0..3 {
            log(&world, &mut a, &format!("{n} of month {month}"));
        }
        world.now_ms += 31 * DAY_MS;
        world.sync(&mut a).unwrap();
    }
    let mut new = world.restore(&phrase).unwrap();
    let mut kept: Option<Vec<Item>> = None;
    let mut line = meddling(move |request, mut replies| {
        let slots = matches!(request, Request::Pull { pull, .. } if format!("{pull:?}").starts_with("Slots"));
        if let (true, Some(Reply::Items { items, .. })) = (slots, replies.last_mut()) {
            let other = kept.replace(items.clone());
            *items = other.unwrap_or_default();
        }
        replies
    });
    let _ = world.sync_over(&mut new, &mut line);
    for row in rows(&mut new) {
        assert!(rows(&mut a).contains(&row));
    }
    // It was lied to about what there is; whatever else comes later is taken for what it is.
    log(&world, &mut a, "after the lie");
    let _ = world.sync(&mut a);
    let _ = world.sync(&mut new);
    assert_eq!(new.replica.verify().unwrap(), []);
}

#[test]
fn a_removed_phone_cannot_put_something_else_where_its_chain_ended() {
    let (mut world, phrase, mut own, mut lost) = two(113);
    round(&mut world, &mut [&mut lost, &mut own]);
    let (before, its_store) = (stores::copy(&world.relay_store), stores::copy(&lost.store));
    let kept = log(&world, &mut lost, "before the removal");
    round(&mut world, &mut [&mut lost, &mut own]);
    let removed = lost.replica.author();
    own.replica.ask(Job::Remove(removed));
    world.sync(&mut own).unwrap();
    // The relay keeps what the removed phone makes of an older list, and slips it in.
    let honest = stores::copy(&world.relay_store);
    world.put_relay_back(before, false);
    let mut again = world.open(&its_store, &lost.secret.clone()).unwrap();
    log(&world, &mut again, "too late");
    world.sync(&mut again).unwrap();
    let mut inside = Inside::new(&world.relay, &phrase, world.now_ms as u64);
    let mut late: Vec<Envelope> = inside.envelopes().into_iter().map(|(_, e)| e).collect();
    late.retain(|envelope| envelope.header().author == removed);
    assert!(!late.is_empty());
    world.put_relay_back(honest, false);
    world.sync_over(&mut own, &mut slipping_in(late)).unwrap();
    assert_eq!(rows(&mut own).iter().map(|row| row.id).collect::<Vec<_>>(), [kept]);
}

#[test]
fn a_relay_that_always_lacks_keys_does_not_fill_the_list_of_devices() {
    let (mut world, _, mut own, _) = two(121);
    for _ in 0..30 {
        let mut line = meddling(|_, mut replies| {
            for reply in &mut replies {
                if let Reply::Attached(attached) = reply {
                    attached.lacks_wraps = true;
                }
            }
            replies
        });
        world.sync_over(&mut own, &mut line).unwrap();
    }
    let records = world.relay.store().records(&own.replica.space()).unwrap();
    assert!(records.len() < 20, "{} records", records.len());
}
