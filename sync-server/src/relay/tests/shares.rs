//! Who does what in a share: members, their devices, and the end of a consent.

use mainstay_protocol::frame::{Admission, Pull, Refusal, Reply, Request, Signer};
use mainstay_protocol::limits::MAX_PUSH_ENVELOPES;
use mainstay_protocol::roster::{Act, Role};
use mainstay_protocol::statement::{Claim, Cursor};

use super::kit::*;
use super::share_kit::*;
use crate::relay::{Connection, RelayConfig};

fn roster_of(t: &Share, connection: &mut Connection) -> usize {
    let request = Request::Roster { space: t.world.id, known: None };
    match ask(&t.relay, connection, request) {
        Reply::Roster { records } => records.len(),
        other => panic!("no roster: {other:?}"),
    }
}

fn wraps_of(t: &Share, connection: &mut Connection) -> Vec<mainstay_protocol::roster::Wrap> {
    match ask(&t.relay, connection, Request::Wraps { space: t.world.id }) {
        Reply::Wraps { wraps } => wraps,
        other => panic!("no wraps: {other:?}"),
    }
}

fn is_refused_everything(t: &Share, connection: &mut Connection, author: &Key, why: &Refusal) {
    assert!(roster_of(t, connection) > 0);
    for request in all_requests(&t.world, &t.relay, author, 1) {
        assert_eq!(refusal(&t.relay, connection, request.clone()), *why, "{request:?}");
    }
    assert!(!t.relay.may_hear(connection, &t.world.id, NOW_MS));
}

#[test]
fn members_of_a_share_and_their_devices_read_and_write() {
    let mut t = share();
    let said = t.world.chain(&t.phone).record(&t.world, &[], b"shared");
    push(&t.relay, &mut t.of_owner, &t.world, &[said]);
    let reply = t.world.chain(&t.laptop).in_slot(8).change(&t.world, b"comment");
    push(&t.relay, &mut t.of_counsellor, &t.world, &[reply]);
    for connection in [&mut t.of_owner, &mut t.of_tablet, &mut t.of_counsellor] {
        let (items, ..) = pull(&t.relay, connection, &t.world, after(start(&t.relay)));
        assert_eq!(numbers(&items), [1, 2]);
        assert!(!items.iter().any(is_stub), "records come whole");
        assert!(t.relay.may_hear(connection, &t.world.id, NOW_MS));
    }
    for (connection, author) in [(&mut t.of_owner, &t.phone), (&mut t.of_counsellor, &t.laptop)] {
        let space = t.world.id;
        let put = Request::PutReceipt { space, receipt: t.world.receipt(author, 1) };
        assert_eq!(ask(&t.relay, connection, put), Reply::Done);
    }
    let Reply::Receipts { receipts, .. } =
        ask(&t.relay, &mut t.of_tablet, Request::Receipts { space: t.world.id, after: 0 })
    else {
        panic!("no receipts");
    };
    assert_eq!(receipts.len(), 2);
}

#[test]
fn a_counsellor_lets_nobody_in_removes_nobody_and_consents_to_nothing() {
    let mut t = share();
    let (owner, counsellor, friend) = (t.owner.clone(), t.counsellor.clone(), Key::new(66));
    let before = t.world.head();
    let epoch_id = t.world.epoch_id();
    let all = [&owner, &counsellor, &friend];
    let epoch = t.world.epoch_for(&all);
    let alone = t.world.epoch_for(&all[1..2]);
    let consent = Act::Consent { epoch: epoch_id, sealed: vec![1].into(), until_ms: None };
    for acts in [
        vec![enter(&friend), epoch.clone()],
        vec![leave(&owner), alone],
        vec![retire(&t.phone)],
        vec![epoch],
        vec![consent],
    ] {
        t.world.say(&counsellor, acts);
        let refused = refusal(&t.relay, &mut t.of_counsellor, t.world.append(before));
        assert!(matches!(refused, Refusal::BadRecord { .. }), "{refused:?}");
        t.world.records.pop();
    }
    // Nor in the owner's name.
    t.world.say(&owner, vec![certify(&friend)]);
    let append = t.world.append(before);
    assert_eq!(refusal(&t.relay, &mut t.of_counsellor, append), Refusal::NotAuthorised);
    assert_eq!(roster_of(&t, &mut connection_of(&t)), 3);
}

fn connection_of(t: &Share) -> Connection {
    t.world.attached(&t.relay, &t.phone)
}

// Broken on purpose: letting any active device append made it fail.
#[test]
fn a_members_record_comes_from_the_member_or_one_of_their_devices() {
    let mut t = share();
    let before = t.world.head();
    t.world.say(&t.owner.clone(), vec![certify(&Key::new(30))]);
    let append = || t.world.append(before);
    assert_eq!(refusal(&t.relay, &mut t.of_counsellor, append()), Refusal::NotAuthorised);
    let mut of_member = t.world.attached_member(&t.relay, &t.owner);
    let reply = ask(&t.relay, &mut of_member, append());
    assert!(matches!(reply, Reply::Appended { .. }), "{reply:?}");
    let before = t.world.head();
    t.world.say(&t.owner.clone(), vec![certify(&Key::new(31))]);
    let append = t.world.append(before);
    let mut of_device = t.world.attached(&t.relay, &t.phone);
    let reply = ask(&t.relay, &mut of_device, append);
    assert!(matches!(reply, Reply::Appended { .. }), "{reply:?}");
}

#[test]
fn a_members_key_alone_fetches_its_wraps_and_reads_nothing_else() {
    let t = share();
    let mut of_member = t.world.attached_member(&t.relay, &t.counsellor);
    let wraps = wraps_of(&t, &mut of_member);
    assert!(wraps.iter().all(|wrap| wrap.to == signer(&t.counsellor)));
    assert_eq!(wraps.len(), 1);
    for request in all_requests(&t.world, &t.relay, &t.laptop, 1) {
        if !matches!(request, Request::Wraps { .. }) {
            assert_eq!(refusal(&t.relay, &mut of_member, request), Refusal::NotAuthorised);
        }
    }
    assert_eq!(wraps_of(&t, &mut t.of_counsellor_again()), wraps, "its device gets the same");
}

impl Share {
    fn of_counsellor_again(&self) -> Connection {
        self.world.attached(&self.relay, &self.laptop)
    }
}

#[test]
fn a_newcomer_gets_no_wrap_of_an_older_epoch() {
    let mut t = share();
    let friend = Key::new(40);
    let (owner, counsellor) = (t.owner.clone(), t.counsellor.clone());
    let epoch = t.world.epoch_for(&[&owner, &counsellor, &friend]);
    t.owner_says(vec![enter(&friend), epoch]);
    let mut of_friend = t.world.attached_member(&t.relay, &friend);
    let wraps = wraps_of(&t, &mut of_friend);
    assert_eq!(wraps.iter().map(|wrap| wrap.epoch).collect::<Vec<_>>(), [t.world.epoch_id()]);
    let mut of_owner = t.world.attached_member(&t.relay, &owner);
    assert_eq!(wraps_of(&t, &mut of_owner).len(), 3);
}

#[test]
fn a_removed_counsellor_reads_the_list_of_members_and_nothing_else() {
    let mut t = share();
    let said = t.world.chain(&t.phone).record(&t.world, &[], b"shared");
    push(&t.relay, &mut t.of_owner, &t.world, &[said]);
    t.removes_the_counsellor();
    let mut again = t.world.attached(&t.relay, &t.laptop);
    let mut as_member = t.world.attached_member(&t.relay, &t.counsellor);
    let mut before = std::mem::replace(&mut t.of_counsellor, connection(5));
    for connection in [&mut before, &mut again, &mut as_member] {
        is_refused_everything(&t, connection, &t.laptop, &Refusal::NotAuthorised);
    }
    assert!(t.relay.may_hear(&t.of_owner, &t.world.id, NOW_MS));
}

// Broken on purpose: telling everybody where the feed stands made it fail.
#[test]
fn a_removed_counsellor_is_not_told_when_and_how_much_others_write() {
    let mut t = share();
    t.removes_the_counsellor();
    let said = t.world.chain(&t.phone).record(&t.world, &[], b"shared");
    push(&t.relay, &mut t.of_owner, &t.world, &[said]);
    let mut gone = connection(5);
    let request = t.world.attach_as(&t.laptop, t.laptop.signer(), [5; 32]);
    let told = attach(&t.relay, &mut gone, request);
    assert_eq!(told.cursor, Cursor::start(t.relay.incarnation()));
    assert_eq!((told.receipts, told.rules.used_bytes), (0, 0));
    assert_eq!(told.roster, t.world.head());
}

#[test]
fn a_device_that_was_taken_out_is_out_and_its_members_other_devices_stay() {
    let mut t = share();
    t.owner_says(vec![retire(&t.tablet.clone())]);
    let mut before = std::mem::replace(&mut t.of_tablet, connection(5));
    is_refused_everything(&t, &mut before, &t.tablet, &Refusal::NotAuthorised);
    pull(&t.relay, &mut t.of_owner, &t.world, after(start(&t.relay)));
}

#[test]
fn a_counsellor_who_left_by_themselves_is_out_at_once() {
    let mut t = share();
    let before = t.world.head();
    let counsellor = t.counsellor.clone();
    t.world.say(&counsellor, vec![leave(&counsellor)]);
    for _ in 0..2 {
        // The second time, as if the acknowledgement had been lost.
        let reply = ask(&t.relay, &mut t.of_counsellor, t.world.append(before));
        assert!(matches!(reply, Reply::Appended { .. }), "{reply:?}");
    }
    let mut gone = std::mem::replace(&mut t.of_counsellor, connection(5));
    is_refused_everything(&t, &mut gone, &t.laptop, &Refusal::NotAuthorised);
}

// Broken on purpose: not looking at the clock made it fail.
#[test]
fn a_consent_ends_by_the_relays_clock_for_the_counsellor_and_not_for_the_owner() {
    let mut t = share();
    t.consents();
    let said = t.world.chain(&t.phone).record(&t.world, &[], b"shared");
    push(&t.relay, &mut t.of_owner, &t.world, &[said]);
    let answer = |t: &Share, connection: &mut Connection, request: &Request, now_ms| {
        let mut replies = t.relay.handle(connection, request.clone(), now_ms);
        match replies.pop() {
            Some(Reply::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    };
    let mut counsellor = std::mem::replace(&mut t.of_counsellor, connection(5));
    let mut owner = std::mem::replace(&mut t.of_owner, connection(5));
    for request in all_requests(&t.world, &t.relay, &t.laptop, 1) {
        assert_eq!(answer(&t, &mut counsellor, &request, END_MS), None, "{request:?}");
    }
    assert!(t.relay.may_hear(&counsellor, &t.world.id, END_MS));
    for request in all_requests(&t.world, &t.relay, &t.laptop, 2) {
        let refused = answer(&t, &mut counsellor, &request, END_MS + 1);
        assert_eq!(refused, Some(Refusal::Expired), "{request:?}");
    }
    assert!(!t.relay.may_hear(&counsellor, &t.world.id, END_MS + 1));
    assert_eq!(roster_of(&t, &mut counsellor), 4);
    for request in all_requests(&t.world, &t.relay, &t.phone, 1) {
        assert_eq!(answer(&t, &mut owner, &request, END_MS + 1), None, "{request:?}");
    }
    assert!(t.relay.may_hear(&owner, &t.world.id, END_MS + 1));

    // The person shares again.
    t.of_owner = owner;
    let epoch = t.world.epoch_id();
    t.owner_says(vec![Act::Consent { epoch, sealed: vec![2].into(), until_ms: None }]);
    let pulled = Request::Pull { space: t.world.id, pull: after(start(&t.relay)) };
    assert_eq!(answer(&t, &mut counsellor, &pulled, END_MS + 1), None);
}

#[test]
fn after_the_end_a_counsellor_still_takes_out_a_device_and_leaves_and_adds_none() {
    let mut t = share();
    t.consents();
    let counsellor = t.counsellor.clone();
    let append = |t: &mut Share, acts| {
        let before = t.world.head();
        t.world.say(&counsellor, acts);
        t.relay.handle(&mut t.of_counsellor, t.world.append(before), END_MS + 1).remove(0)
    };
    let refused = append(&mut t, vec![certify(&Key::new(50))]);
    assert_eq!(refused, Reply::Refused(Refusal::Expired));
    t.world.records.pop();
    let laptop = t.laptop.clone();
    let taken = append(&mut t, vec![retire(&laptop)]);
    assert!(matches!(taken, Reply::Appended { .. }), "{taken:?}");
    let left = append(&mut t, vec![leave(&counsellor.clone())]);
    assert!(matches!(left, Reply::Appended { .. }), "{left:?}");
}

#[test]
fn a_relay_rolled_back_learns_the_longer_list_of_a_share() {
    let mut t = share();
    let old = relay_over(Default::default(), RelayConfig::default(), 8);
    ask(&old, &mut connection(5), t.world.create(Admission::Open));
    t.removes_the_counsellor();
    let mut as_before = t.world.attached(&old, &t.laptop);
    pull(&old, &mut as_before, &t.world, after(start(&old)));
    let reply = ask(&old, &mut connection(5), t.world.create(Admission::Open));
    let Reply::Created { statement, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(verified(&statement).claim, Claim::Roster(t.world.head()));
    let pulled = Request::Pull { space: t.world.id, pull: after(start(&old)) };
    assert_eq!(refusal(&old, &mut as_before, pulled), Refusal::NotAuthorised);
    let mut of_owner = t.world.attached(&old, &t.phone);
    let request = t.world.attach_as(&t.phone, t.phone.signer(), [5; 32]);
    assert!(!attach(&old, &mut of_owner, request).lacks_wraps);
}

#[test]
fn a_relay_that_learnt_a_list_without_its_wraps_says_so() {
    let mut t = share();
    let old = relay_over(Default::default(), RelayConfig::default(), 8);
    ask(&old, &mut connection(5), t.world.create(Admission::Open));
    t.removes_the_counsellor();
    let Request::Create { space, records, admission, .. } = t.world.create(Admission::Open) else {
        unreachable!()
    };
    let create = Request::Create { space, records, wraps: vec![], admission };
    ask(&old, &mut connection(5), create);
    let request = t.world.attach_as(&t.phone, t.phone.signer(), [5; 32]);
    assert!(attach(&old, &mut connection(5), request).lacks_wraps);
}

#[test]
fn a_share_is_there_after_a_restart_and_again_after_a_wipe() {
    let mut t = share();
    t.consents();
    let reopened = relay_over(t.store.clone(), RelayConfig::default(), 8);
    let wiped = relay_over(Default::default(), RelayConfig::default(), 7);
    let reply = ask(&wiped, &mut connection(5), t.world.create(Admission::Open));
    assert!(matches!(reply, Reply::Created { .. }), "{reply:?}");
    for relay in [&reopened, &wiped] {
        let mut of_laptop = t.world.attached(relay, &t.laptop);
        let pull = Request::Pull { space: t.world.id, pull: after(start(relay)) };
        let late = relay.handle(&mut of_laptop, pull, END_MS + 1);
        assert_eq!(late, [Reply::Refused(Refusal::Expired)]);
        let mut of_phone = t.world.attached(relay, &t.phone);
        let said = t.world.chain(&t.phone).record(&t.world, &[], b"shared");
        push(relay, &mut of_phone, &t.world, &[said]);
    }
}

#[test]
fn the_root_takes_a_share_back_on_the_relay() {
    let mut t = share();
    let (thief, mine) = (t.owner.clone(), Key::new(60));
    let before = t.world.records.len();
    let friend = Key::new(66);
    let epoch = t.world.epoch_for(&[&thief, &t.counsellor.clone(), &friend]);
    t.owner_says(vec![enter(&friend), epoch]);
    let stolen = t.world.head();
    t.world.records.truncate(before);
    t.world.epoch -= 1;
    let epoch = t.world.epoch_for(&[&mine, &t.counsellor.clone()]);
    let rekey = Act::Rekey { owner: party(&mine, Role::Owner), last: vec![] };
    let root = t.world.recovery.clone();
    let acts = vec![Act::Recover, rekey, epoch];
    let record = t.world.record(&root, Signer::Recovery, Some(before - 1), acts);
    t.world.records.push(record);
    let append = || t.world.append(stolen);
    assert_eq!(refusal(&t.relay, &mut t.of_owner, append()), Refusal::NotAuthorised);
    let mut of_root = t.world.attached_as_recovery(&t.relay);
    let reply = ask(&t.relay, &mut of_root, append());
    assert!(matches!(reply, Reply::Appended { .. }), "{reply:?}");
    let pulled = Request::Pull { space: t.world.id, pull: after(start(&t.relay)) };
    assert_eq!(refusal(&t.relay, &mut t.of_owner, pulled.clone()), Refusal::NotAuthorised);
    t.relay.handle(&mut t.of_counsellor, pulled, NOW_MS);
    let mut of_mine = t.world.attached_member(&t.relay, &mine);
    assert_eq!(wraps_of(&t, &mut of_mine).len(), 1);
}

// Broken on purpose: a quota for every record and for every envelope made it fail.
#[test]
fn a_counsellor_who_fills_a_share_prevents_no_retraction_and_no_removal() {
    let config = RelayConfig { quota_bytes: 100_000, ..RelayConfig::default() };
    let mut t = share_with(config);
    let mut shared = t.world.chain(&t.phone);
    let said = shared.record(&t.world, &[], &[1; 2000]);
    push(&t.relay, &mut t.of_owner, &t.world, &[said]);
    let mut flood = t.world.chain(&t.laptop).in_slot(8);
    let mut filler = |t: &mut Share, size| {
        let envelope = flood.clone().change(&t.world, &vec![1; size]);
        let request = push_request(t.world.id, std::slice::from_ref(&envelope));
        match ask(&t.relay, &mut t.of_counsellor, request) {
            Reply::Pushed { .. } => {
                (flood.seq, flood.hash) = (flood.seq + 1, envelope.hash(&t.world.id));
                true
            }
            Reply::Refused(Refusal::Quota { .. }) => false,
            other => panic!("{other:?}"),
        }
    };
    for size in [10_000, 1000, 1] {
        while filler(&mut t, size) {}
    }
    let full = |refused| matches!(refused, Refusal::Quota { .. });
    let more = t.world.chain(&t.phone).in_slot(9).record(&t.world, &[], &[1; 300]);
    assert!(full(refusal(&t.relay, &mut t.of_owner, push_request(t.world.id, &[more]))));
    let longer = shared.clone().record(&t.world, &[], &[1; 3000]);
    assert!(full(refusal(&t.relay, &mut t.of_owner, push_request(t.world.id, &[longer]))));

    let retraction = shared.record(&t.world, &[], &[0; 256 + 40]);
    push(&t.relay, &mut t.of_owner, &t.world, &[retraction]);
    assert_eq!(t.bodies(&[1]), [0; 0]);
    while filler(&mut t, 1) {}
    let before = t.world.head();
    let (owner, counsellor, friend) = (t.owner.clone(), t.counsellor.clone(), Key::new(30));
    let epoch = t.world.epoch_for(&[&owner, &counsellor, &friend]);
    t.world.say(&owner, vec![enter(&friend), epoch]);
    assert!(full(refusal(&t.relay, &mut t.of_owner, t.world.append(before))));
    t.world.records.pop();
    t.world.epoch -= 1;
    t.removes_the_counsellor();
}

#[test]
fn a_device_of_a_share_never_pulls_by_number_what_was_destroyed() {
    let mut t = share();
    let mut shared = t.world.chain(&t.phone);
    let all: Vec<_> =
        (0..MAX_PUSH_ENVELOPES as u8).map(|n| shared.record(&t.world, &[], &[n; 300])).collect();
    push(&t.relay, &mut t.of_owner, &t.world, &all);
    let asked: Vec<u64> = (1..=all.len() as u64).collect();
    let by_number = Pull::Numbers { numbers: asked.clone(), limit_bytes: u32::MAX };
    let (items, ..) = pull(&t.relay, &mut t.of_counsellor, &t.world, by_number);
    assert_eq!(numbers(&items), [all.len() as u64]);
    assert_eq!(t.bodies(&asked), [all.len() as u64]);
}
