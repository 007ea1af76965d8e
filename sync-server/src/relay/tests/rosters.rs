use mainstay_protocol::frame::{Refusal, Reply, Request, Signer};
use mainstay_protocol::statement::Claim;

use super::kit::*;
use crate::relay::{Registration, RelayConfig};

#[test]
fn a_record_is_appended_only_to_the_head_it_expects() {
    let mut t = two();
    let before = t.world.head();
    t.world.admit(&t.a, &Key::new(13));
    let wrong = t.world.append(mainstay_protocol::hash::Hash([1; 32]));
    assert_eq!(refusal(&t.relay, &mut t.of_a, wrong), Refusal::RosterMoved { head: before });
    for _ in 0..2 {
        // The second time, as if the acknowledgement had been lost.
        let reply = ask(&t.relay, &mut t.of_a, t.world.append(before));
        let Reply::Appended { statement } = reply else { panic!("not appended: {reply:?}") };
        assert_eq!(verified(&statement).claim, Claim::Roster(t.world.head()));
    }
    let Reply::Roster { records } =
        ask(&t.relay, &mut t.of_b, Request::Roster { space: t.world.id, known: Some(before) })
    else {
        panic!("no roster");
    };
    assert_eq!(records, t.world.records[2..]);
}

#[test]
fn an_appended_roster_is_there_after_a_restart() {
    let mut t = two();
    let before = t.world.head();
    t.world.remove(&t.a, &t.b);
    ask(&t.relay, &mut t.of_a, t.world.append(before));
    t.store.crash();
    let reopened = relay_over(t.store.clone(), RelayConfig::default(), 8);
    let mut of_a = t.world.attached(&reopened, &t.a);
    let Reply::Roster { records } =
        ask(&reopened, &mut of_a, Request::Roster { space: t.world.id, known: None })
    else {
        panic!("no roster");
    };
    assert_eq!(records, t.world.records);
}

#[test]
fn a_record_without_all_its_wraps_or_with_others_is_refused() {
    let mut t = two();
    let before = t.world.head();
    let record = t.world.remove(&t.a, &t.b);
    let wraps = t.world.wraps_of(&record);
    let mut altered = wraps.clone();
    altered[0].sealed[0] ^= 1;
    let mut long = wraps.clone();
    long[0].sealed = vec![0; 1401].into();
    for wraps in [wraps[1..].to_vec(), altered, long] {
        let request =
            Request::Append { space: t.world.id, expected: before, record: record.clone(), wraps };
        let refused = refusal(&t.relay, &mut t.of_a, request);
        assert!(matches!(refused, Refusal::BadRecord { .. }), "{refused:?}");
    }
}

#[test]
fn a_wrap_goes_to_its_recipient_alone() {
    let mut t = two();
    for (connection, key) in [(&mut t.of_a, &t.a), (&mut t.of_b, &t.b)] {
        let Reply::Wraps { wraps } =
            ask(&t.relay, connection, Request::Wraps { space: t.world.id })
        else {
            panic!("no wraps");
        };
        assert_eq!(wraps.len(), 1);
        assert!(wraps.iter().all(|wrap| wrap.to == key.signer()));
    }
}

#[test]
fn a_removed_device_reads_the_roster_and_nothing_else_and_writes_nothing() {
    let mut t = two();
    let before = t.world.head();
    let mut chain = t.world.chain(&t.b);
    t.world.remove(&t.a, &t.b);
    ask(&t.relay, &mut t.of_a, t.world.append(before));
    let envelope = chain.change(&t.world, b"late");
    let mut again = t.world.attached(&t.relay, &t.b);
    for connection in [&mut t.of_b, &mut again] {
        cannot_act(&t.relay, connection, &t.world, &envelope, t.world.receipt(&t.b, 1));
    }
}

#[test]
fn a_waiting_device_reads_the_roster_and_nothing_else_and_writes_nothing() {
    let mut t = two();
    let before = t.world.head();
    let mut of_recovery = t.world.attached_as_recovery(&t.relay);
    t.world.recover(&Key::new(14), 1);
    ask(&t.relay, &mut of_recovery, t.world.append(before));
    let envelope = t.world.chain(&t.b).change(&t.world, b"late");
    cannot_act(&t.relay, &mut t.of_b, &t.world, &envelope, t.world.receipt(&t.b, 1));
}

fn cannot_act(
    relay: &TestRelay,
    connection: &mut crate::relay::Connection,
    world: &World,
    envelope: &mainstay_protocol::envelope::Envelope,
    receipt: mainstay_protocol::sign::Signed<mainstay_protocol::receipt::Receipt>,
) {
    let space = world.id;
    let reply = ask(relay, connection, Request::Roster { space, known: None });
    assert!(matches!(reply, Reply::Roster { .. }));
    let requests = [
        push_request(space, std::slice::from_ref(envelope)),
        Request::Pull { space, pull: after(start(relay)) },
        Request::Heads { space },
        Request::Slots { space },
        Request::Wraps { space },
        Request::Receipts { space, after: 0 },
        Request::PutReceipt { space, receipt },
        Request::Subscribe { space },
    ];
    for request in requests {
        assert_eq!(refusal(relay, connection, request), Refusal::NotAuthorised);
    }
    assert!(!relay.may_hear(connection, &space, NOW_MS));
}

#[test]
fn the_recovery_key_reads_and_recovers_and_does_nothing_else() {
    let mut t = two();
    let mut of_recovery = t.world.attached_as_recovery(&t.relay);
    let (items, ..) = pull(&t.relay, &mut of_recovery, &t.world, after(start(&t.relay)));
    assert!(items.is_empty());
    let push = push_request(t.world.id, &[t.world.chain(&t.a).change(&t.world, b"x")]);
    assert_eq!(refusal(&t.relay, &mut of_recovery, push), Refusal::NotAuthorised);
    let before = t.world.head();
    t.world.admit(&t.a, &Key::new(13));
    let append = t.world.append(before);
    assert_eq!(refusal(&t.relay, &mut of_recovery, append), Refusal::NotAuthorised);
}

#[test]
fn a_recovery_voids_what_a_thief_appended_and_their_wraps() {
    let mut t = two();
    let (phone, thief) = (Key::new(14), t.b.clone());
    let before = t.world.head();
    t.world.remove(&thief, &t.a);
    ask(&t.relay, &mut t.of_b, t.world.append(before));
    let stolen = t.world.head();
    let mut of_recovery = t.world.attached_as_recovery(&t.relay);
    t.world.recover(&phone, 1);
    let reply = ask(&t.relay, &mut of_recovery, t.world.append(stolen));
    assert!(matches!(reply, Reply::Appended { .. }), "{reply:?}");

    let reopened = relay_over(t.store.clone(), RelayConfig::default(), 8);
    let mut of_phone = t.world.attached(&reopened, &phone);
    let all = Request::Roster { space: t.world.id, known: None };
    let Reply::Roster { records } = ask(&reopened, &mut of_phone, all) else {
        panic!("no roster");
    };
    assert_eq!(records, t.world.records);
    let Reply::Wraps { wraps } =
        ask(&reopened, &mut of_phone, Request::Wraps { space: t.world.id })
    else {
        panic!("no wraps");
    };
    assert_eq!(wraps.len(), 1);
    let pull = Request::Pull { space: t.world.id, pull: after(start(&reopened)) };
    assert_eq!(refusal(&t.relay, &mut t.of_b, pull), Refusal::NotAuthorised);
}

#[test]
fn nobody_without_the_recovery_key_replays_an_old_recovery() {
    let mut t = two();
    let before = t.world.head();
    let phone = Key::new(14);
    let mut of_recovery = t.world.attached_as_recovery(&t.relay);
    let recovery = t.world.recover(&phone, 1);
    let wraps = t.world.wraps_of(&recovery);
    ask(&t.relay, &mut of_recovery, t.world.append(before));
    let recovered = t.world.head();
    t.world.admit(&phone, &Key::new(15));
    let mut of_phone = t.world.attached(&t.relay, &phone);
    ask(&t.relay, &mut of_phone, t.world.append(recovered));
    let replay =
        Request::Append { space: t.world.id, expected: t.world.head(), record: recovery, wraps };
    assert_eq!(refusal(&t.relay, &mut of_phone, replay), Refusal::NotAuthorised);
}

#[test]
fn a_full_space_can_still_be_recovered_and_takes_nothing_else() {
    let config =
        RelayConfig { quota_bytes: 1, registration: Registration::Open, ..RelayConfig::default() };
    let mut t = two_with(config);
    let before = t.world.head();
    let push = push_request(t.world.id, &[t.world.chain(&t.a).change(&t.world, b"x")]);
    let full = Refusal::Quota { quota_bytes: 1 };
    assert_eq!(refusal(&t.relay, &mut t.of_a, push), full);
    t.world.admit(&t.a, &Key::new(13));
    let append = t.world.append(before);
    assert_eq!(refusal(&t.relay, &mut t.of_a, append), full);
    let mut of_recovery = t.world.attached_as_recovery(&t.relay);
    t.world.recover(&Key::new(14), 1);
    let reply = ask(&t.relay, &mut of_recovery, t.world.append(before));
    assert!(matches!(reply, Reply::Appended { .. }));
    assert_eq!(Signer::Recovery, t.world.records[2].peek().unwrap().signer);
    // And what is known of the others can be said.
    let before = t.world.head();
    t.world.bound(&Key::new(14), &t.b);
    let mut of_new = t.world.attached(&t.relay, &Key::new(14));
    let reply = ask(&t.relay, &mut of_new, t.world.append(before));
    assert!(matches!(reply, Reply::Appended { .. }));
}

// Broken on purpose: `Connection::author` asking only whether the author has proved itself made it
// fail.
#[test]
fn a_waiting_device_writes_nothing_on_a_connection_that_speaks_for_an_active_one_too() {
    let mut t = two();
    let (before, new) = (t.world.head(), Key::new(14));
    let mut chain = t.world.chain(&t.b);
    let of_the_old_list = chain.clone().change(&t.world, b"late");
    t.world.recover(&new, 1);
    let mut both = t.world.attached_as_recovery(&t.relay);
    ask(&t.relay, &mut both, t.world.append(before));
    for key in [&t.b, &new] {
        attach(&t.relay, &mut both, t.world.attach_as(key, key.signer(), [5; 32]));
    }
    for late in [of_the_old_list, chain.change(&t.world, b"late")] {
        let refused = refusal(&t.relay, &mut both, push_request(t.world.id, &[late]));
        assert_eq!(refused, Refusal::NotAuthorised);
    }
    let own = t.world.chain(&new).change(&t.world, b"active");
    push(&t.relay, &mut both, &t.world, &[own]);
}
