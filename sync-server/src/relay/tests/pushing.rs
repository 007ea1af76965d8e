use mainstay_protocol::envelope::{Chunk, Kind};
use mainstay_protocol::frame::{Refusal, Request};
use mainstay_protocol::heads::Head;
use mainstay_protocol::ids::EpochId;
use mainstay_store::StoreError;

use super::kit::*;
use crate::relay::RelayConfig;

#[test]
fn envelopes_get_numbers_in_strict_order_and_the_same_number_again() {
    let mut t = two();
    let mut chain = t.world.chain(&t.a);
    let envelopes = [chain.change(&t.world, b"1"), chain.change(&t.world, b"2")];
    let first = push(&t.relay, &mut t.of_a, &t.world, &envelopes);
    assert_eq!(first.iter().map(|stored| stored.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(push(&t.relay, &mut t.of_a, &t.world, &envelopes), first);
    assert_eq!(t.relay.take_changes().into_iter().collect::<Vec<_>>(), [t.world.id]);
    push(&t.relay, &mut t.of_a, &t.world, &envelopes);
    assert!(t.relay.take_changes().is_empty(), "nothing new is no news");
}

#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    let mut t = two();
    let envelope = t.world.chain(&t.a).change(&t.world, b"1");
    let stored = push(&t.relay, &mut t.of_a, &t.world, std::slice::from_ref(&envelope));
    t.store.crash();
    let reopened = relay_over(t.store.clone(), RelayConfig::default(), 8);
    let mut of_a = t.world.attached(&reopened, &t.a);
    assert_eq!(push(&reopened, &mut of_a, &t.world, &[envelope]), stored);
}

#[test]
fn a_push_that_cannot_be_stored_is_not_acknowledged_and_nothing_of_it_stays() {
    let mut t = two();
    let mut chain = t.world.chain(&t.a);
    let envelopes = [chain.change(&t.world, b"1"), chain.change(&t.world, b"2")];
    t.store.fail_after(0);
    let refused = refusal(&t.relay, &mut t.of_a, push_request(t.world.id, &envelopes));
    assert_eq!(refused, Refusal::Unavailable);
    let store: &dyn mainstay_store::Store = &t.store;
    assert!(matches!(store.flush(), Ok(()) | Err(StoreError::Stopped)));
    t.store.crash();
    let stored = push(&t.relay, &mut t.of_a, &t.world, &envelopes);
    assert_eq!(stored[1].number, 2);
}

#[test]
fn one_bad_envelope_keeps_the_whole_push_out() {
    let mut t = two();
    let mut chain = t.world.chain(&t.a);
    let good = chain.change(&t.world, b"1");
    chain.change(&t.world, b"2");
    let gap = chain.change(&t.world, b"3");
    let refused = refusal(&t.relay, &mut t.of_a, push_request(t.world.id, &[good.clone(), gap]));
    let head = Some(Head { seq: 1, hash: good.hash(&t.world.id) });
    let out_of_order = Refusal::OutOfOrder { slot: SLOT, author: t.a.author(), head };
    assert_eq!(refused, out_of_order);
    let (items, ..) = pull(&t.relay, &mut t.of_a, &t.world, after(start(&t.relay)));
    assert!(items.is_empty());
}

#[test]
fn an_envelope_that_forks_its_chain_is_refused_with_the_head_the_relay_has() {
    let mut t = two();
    let (mut chain, mut fork) = (t.world.chain(&t.a), t.world.chain(&t.a));
    let first = chain.change(&t.world, b"1");
    push(&t.relay, &mut t.of_a, &t.world, std::slice::from_ref(&first));
    let other_first = fork.change(&t.world, b"other");
    let other_second = fork.change(&t.world, b"other");
    for envelope in [other_first, other_second] {
        let refused = refusal(&t.relay, &mut t.of_a, push_request(t.world.id, &[envelope]));
        let Refusal::OutOfOrder { head, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(head, Some(Head { seq: 1, hash: first.hash(&t.world.id) }));
    }
}

#[test]
fn nobody_pushes_for_another_device() {
    let mut t = two();
    let envelope = t.world.chain(&t.b).change(&t.world, b"1");
    let refused = refusal(&t.relay, &mut t.of_a, push_request(t.world.id, &[envelope]));
    assert_eq!(refused, Refusal::NotAuthorised);
}

#[test]
fn a_forged_or_mangled_envelope_is_refused() {
    let mut t = two();
    let chain = t.world.chain(&t.a);
    let header = chain.header(&t.world, Kind::Change, Chunk::WHOLE, &[], false);
    let mut forger = t.world.chain(&t.b);
    let forged = forger.make(&t.world, header, b"1");
    let mut bytes = chain.clone().change(&t.world, b"1").to_bytes();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mangled = Request::Push { space: t.world.id, envelopes: vec![bytes.into()] };
    for request in [push_request(t.world.id, &[forged]), mangled] {
        let refused = refusal(&t.relay, &mut t.of_a, request);
        assert!(
            matches!(refused, Refusal::BadEnvelope { .. } | Refusal::NotAuthorised),
            "{refused:?}"
        );
    }
}

#[test]
fn an_envelope_under_an_old_roster_is_refused_unless_it_is_known_already() {
    let mut t = two();
    let mut chain = t.world.chain(&t.a);
    let known = chain.change(&t.world, b"known");
    let stored = push(&t.relay, &mut t.of_a, &t.world, std::slice::from_ref(&known));
    let late = chain.change(&t.world, b"late");
    let before = t.world.head();
    t.world.admit(&t.a, &Key::new(13));
    ask(&t.relay, &mut t.of_a, t.world.append(before));
    assert_eq!(push(&t.relay, &mut t.of_a, &t.world, &[known]), stored);
    let refused = refusal(&t.relay, &mut t.of_a, push_request(t.world.id, &[late]));
    assert_eq!(refused, Refusal::RosterMoved { head: t.world.head() });
}

#[test]
fn an_envelope_under_another_epoch_is_refused() {
    let mut t = two();
    let mut chain = t.world.chain(&t.a);
    let mut header = chain.header(&t.world, Kind::Change, Chunk::WHOLE, &[], false);
    header.epoch = EpochId([99; 32]);
    let envelope = chain.make(&t.world, header, b"1");
    let refused = refusal(&t.relay, &mut t.of_a, push_request(t.world.id, &[envelope]));
    assert!(matches!(refused, Refusal::BadEnvelope { .. }));
}

#[test]
fn more_envelopes_than_a_push_may_hold_are_refused() {
    let mut t = two();
    let mut chain = t.world.chain(&t.a);
    let envelopes: Vec<_> = (0..65).map(|_| chain.change(&t.world, b"x")).collect();
    let refused = refusal(&t.relay, &mut t.of_a, push_request(t.world.id, &envelopes));
    assert!(matches!(refused, Refusal::Malformed { .. }));
    assert_eq!(push(&t.relay, &mut t.of_a, &t.world, &envelopes[..64]).len(), 64);
}

#[test]
fn a_space_beyond_its_quota_stores_nothing_more() {
    let mut t = two_with(RelayConfig { quota_bytes: 20_000, ..RelayConfig::default() });
    let mut chain = t.world.chain(&t.a);
    let small = chain.change(&t.world, b"1");
    push(&t.relay, &mut t.of_a, &t.world, std::slice::from_ref(&small));
    let large = chain.change(&t.world, &[1; 20_000]);
    let both = push_request(t.world.id, &[small.clone(), large]);
    assert_eq!(refusal(&t.relay, &mut t.of_a, both), Refusal::Quota { quota_bytes: 20_000 });
    push(&t.relay, &mut t.of_a, &t.world, &[small]);
}
