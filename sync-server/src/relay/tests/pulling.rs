use mainstay_protocol::codec::encode;
use mainstay_protocol::envelope::{Envelope, Stub};
use mainstay_protocol::frame::{ItemBody, Pull, Refusal, Reply, Request};
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::SlotId;
use mainstay_protocol::statement::Claim;

use super::kit::*;

/// 20 changes of about 10 kB, then a snapshot that covers the first.
fn filled() -> Two {
    let mut t = two();
    let mut a = t.world.chain(&t.a);
    let first = a.change(&t.world, &[0; 10_000]);
    push(&t.relay, &mut t.of_a, &t.world, &[first]);
    let covers = [a.head()];
    for number in 0..19 {
        let change = a.change(&t.world, &[number; 10_000]);
        push(&t.relay, &mut t.of_a, &t.world, &[change]);
    }
    let snapshot = a.snapshot(&t.world, &covers, 1, false);
    push(&t.relay, &mut t.of_a, &t.world, &snapshot);
    t
}

#[test]
fn a_pull_comes_in_frames_of_64_kib_each_with_the_place_it_leads_to() {
    let mut t = filled();
    let pull = Pull::After { cursor: start(&t.relay), limit_bytes: 1 << 20 };
    let replies = t.relay.handle(&mut t.of_a, Request::Pull { space: t.world.id, pull }, NOW_MS);
    assert!(replies.len() > 3);
    let mut expected = 2;
    for (index, reply) in replies.iter().enumerate() {
        assert!(encode(reply).len() <= 64 * 1024 + 256);
        let Reply::Items { items, continues, more, cursor } = reply else { panic!("{reply:?}") };
        assert_eq!((*continues, *more), (index + 1 < replies.len(), false));
        for item in items {
            assert_eq!(item.number, expected);
            expected += 1;
        }
        assert_eq!(cursor.number, expected - 1);
        let request = Request::Pull { space: t.world.id, pull: after(*cursor) };
        let next = t.relay.handle(&mut t.of_b, request, NOW_MS);
        assert!(matches!(next[0], Reply::Items { .. }), "each cursor is a place of the feed");
    }
    assert_eq!(expected, 22);
}

#[test]
fn a_pull_stops_at_its_byte_limit_says_so_and_is_resumed_without_loss() {
    let mut t = filled();
    let (mut cursor, mut seen) = (start(&t.relay), vec![]);
    loop {
        let asked = Pull::After { cursor, limit_bytes: 25_000 };
        let (items, next, more) = pull(&t.relay, &mut t.of_a, &t.world, asked);
        assert!(items.len() <= 2);
        seen.extend(numbers(&items));
        cursor = next;
        if !more {
            break;
        }
    }
    assert_eq!(seen, (2..=21).collect::<Vec<_>>());
    let (items, same, more) = pull(&t.relay, &mut t.of_a, &t.world, after(cursor));
    assert_eq!((items.len(), same, more), (0, cursor, false));
}

#[test]
fn at_least_one_item_comes_whatever_the_limit() {
    let mut t = filled();
    let asked = Pull::After { cursor: start(&t.relay), limit_bytes: 0 };
    let (items, _, more) = pull(&t.relay, &mut t.of_a, &t.world, asked);
    assert_eq!((items.len(), more), (1, true));
}

#[test]
fn snapshots_come_as_stubs_after_a_cursor_and_whole_by_number_or_slot() {
    let mut t = filled();
    let (items, ..) = pull(&t.relay, &mut t.of_a, &t.world, after(start(&t.relay)));
    let (stubs, whole): (Vec<_>, Vec<_>) = items.iter().partition(|item| is_stub(item));
    assert_eq!((stubs.len(), whole.len()), (1, 19));
    let ItemBody::Stub(stub) = &stubs[0].body else { panic!("no stub") };
    let stub = Stub::from_bytes(stub).unwrap();
    stub.verify(&t.world.id, &t.a.public()).unwrap();

    let by_number = Pull::Numbers { numbers: vec![21, 1, 99], limit_bytes: u32::MAX };
    let (items, ..) = pull(&t.relay, &mut t.of_a, &t.world, by_number);
    assert_eq!(numbers(&items), [21, 1]);
    let ItemBody::Whole(bytes) = &items[0].body else { panic!("not whole") };
    let envelope = Envelope::from_bytes(bytes).unwrap();
    assert_eq!(envelope.hash(&t.world.id), stub.hash(&t.world.id));

    for stubs in [true, false] {
        let slots = vec![SlotId([1; 16]), SLOT];
        let by_slot = Pull::Slots { slots, after: 0, stubs, limit_bytes: u32::MAX };
        let (items, ..) = pull(&t.relay, &mut t.of_a, &t.world, by_slot);
        assert_eq!(numbers(&items), (2..=21).collect::<Vec<_>>());
        assert_eq!(items.iter().any(is_stub), stubs);
    }
}

#[test]
fn slots_come_in_the_order_asked_for_and_resume_within_the_first() {
    let mut t = two();
    let mut chains = [t.world.chain(&t.a), t.world.chain(&t.a)];
    chains[1].slot = SlotId([1; 16]);
    for _ in 0..2 {
        for chain in &mut chains {
            let change = chain.change(&t.world, b"x");
            push(&t.relay, &mut t.of_a, &t.world, &[change]);
        }
    }
    let mut ask_for = |slots: &[SlotId], after| {
        let slots = slots.to_vec();
        let asked = Pull::Slots { slots, after, stubs: true, limit_bytes: u32::MAX };
        numbers(&pull(&t.relay, &mut t.of_a, &t.world, asked).0)
    };
    assert_eq!(ask_for(&[SLOT, chains[1].slot], 0), [1, 3, 2, 4]);
    assert_eq!(ask_for(&[SLOT, chains[1].slot], 1), [3, 2, 4]);
}

#[test]
fn too_many_slots_or_numbers_in_one_pull_are_refused() {
    let mut t = two();
    let slots = Pull::Slots { slots: vec![SLOT; 65], after: 0, stubs: true, limit_bytes: 1 };
    let numbers = Pull::Numbers { numbers: vec![1; 257], limit_bytes: 1 };
    for pull in [slots, numbers] {
        let request = Request::Pull { space: t.world.id, pull };
        assert!(matches!(refusal(&t.relay, &mut t.of_a, request), Refusal::Malformed { .. }));
    }
}

#[test]
fn the_heads_of_all_chains_come_with_a_signed_digest() {
    let mut t = two();
    let (mut a, mut b) = (t.world.chain(&t.a), t.world.chain(&t.b));
    let (of_a, of_b) = (a.change(&t.world, b"1"), b.change(&t.world, b"2"));
    push(&t.relay, &mut t.of_a, &t.world, &[of_a]);
    push(&t.relay, &mut t.of_b, &t.world, &[of_b]);
    let reply = ask(&t.relay, &mut t.of_a, Request::Heads { space: t.world.id });
    let Reply::Heads { heads, statement: Some(statement) } = reply else { panic!("{reply:?}") };
    assert_eq!(heads.len(), 2);
    assert!(heads.is_sorted());
    assert!(heads.iter().any(|head| head.head == b.head().head));
    assert_eq!(verified(&statement).claim, Claim::Heads(HeadsDigest::of(&heads)));
}
