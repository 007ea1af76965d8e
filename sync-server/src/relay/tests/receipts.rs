use mainstay_protocol::frame::{Refusal, Reply, Request};

use super::kit::*;

#[test]
fn a_receipt_is_a_register_whose_counter_must_grow() {
    let mut t = two();
    let space = t.world.id;
    let put = |receipt| Request::PutReceipt { space, receipt };
    for counter in [1, 2, 2] {
        let reply = ask(&t.relay, &mut t.of_a, put(t.world.receipt(&t.a, counter)));
        assert_eq!(reply, Reply::Done);
    }
    let old = refusal(&t.relay, &mut t.of_a, put(t.world.receipt(&t.a, 1)));
    assert!(matches!(old, Refusal::Malformed { .. }));
    let reply = ask(&t.relay, &mut t.of_b, Request::Receipts { space, after: 0 });
    let receipts = vec![t.world.receipt(&t.a, 2)];
    assert_eq!(reply, Reply::Receipts { receipts, stamp: 2 });
    let reply = ask(&t.relay, &mut t.of_b, Request::Receipts { space, after: 2 });
    assert_eq!(reply, Reply::Receipts { receipts: vec![], stamp: 2 });
}

#[test]
fn whoever_attaches_is_told_which_of_its_receipts_the_relay_holds() {
    let mut t = two();
    let space = t.world.id;
    let greet = |t: &Two, key: &Key| {
        attach(&t.relay, &mut connection(5), t.world.attach_as(key, key.signer(), [5; 32]))
            .own_receipt
    };
    assert_eq!(greet(&t, &t.a), Some(0));
    let receipt = t.world.receipt(&t.a, 7);
    ask(&t.relay, &mut t.of_a, Request::PutReceipt { space, receipt });
    assert_eq!((greet(&t, &t.a), greet(&t, &t.b)), (Some(7), Some(0)));
    let before = t.world.head();
    t.world.remove(&t.a.clone(), &t.b.clone());
    ask(&t.relay, &mut t.of_a, t.world.append(before));
    assert_eq!(greet(&t, &t.b), None, "who is out is told nothing");
}

#[test]
fn nobody_states_a_receipt_for_another_device() {
    let mut t = two();
    let space = t.world.id;
    let of_b = Request::PutReceipt { space, receipt: t.world.receipt(&t.b, 1) };
    assert_eq!(refusal(&t.relay, &mut t.of_a, of_b), Refusal::NotAuthorised);
    let (other, _) = World::found(40, 11);
    let elsewhere = Request::PutReceipt { space, receipt: other.receipt(&t.a, 1) };
    let refused = refusal(&t.relay, &mut t.of_a, elsewhere);
    assert!(matches!(refused, Refusal::Malformed { .. }));
}

#[test]
fn the_receipt_of_a_removed_device_is_not_served() {
    let mut t = two();
    let space = t.world.id;
    let receipt = t.world.receipt(&t.b, 1);
    ask(&t.relay, &mut t.of_b, Request::PutReceipt { space, receipt });
    let before = t.world.head();
    t.world.remove(&t.a, &t.b);
    ask(&t.relay, &mut t.of_a, t.world.append(before));
    let reply = ask(&t.relay, &mut t.of_a, Request::Receipts { space, after: 0 });
    assert_eq!(reply, Reply::Receipts { receipts: vec![], stamp: 1 });
}

#[test]
fn a_subscription_is_answered_by_nothing_until_something_changes() {
    let mut t = two();
    let subscribe = Request::Subscribe { space: t.world.id };
    assert!(t.relay.handle(&mut t.of_b, subscribe, NOW_MS).is_empty());
    assert_eq!(t.of_b.subscriptions().collect::<Vec<_>>(), [&t.world.id]);
    assert!(t.relay.take_changes().is_empty());
    let receipt = t.world.receipt(&t.a, 1);
    ask(&t.relay, &mut t.of_a, Request::PutReceipt { space: t.world.id, receipt });
    assert!(t.relay.take_changes().contains(&t.world.id));
}
