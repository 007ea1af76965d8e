//! Records: each replaces what its own member said in its slot, and that is destroyed at once.

use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind};
use mainstay_protocol::frame::{Admission, Pull, Refusal, Reply, Request};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head};
use mainstay_protocol::roster::{Act, Role};

use super::kit::*;
use super::share_kit::*;
use crate::relay::{Connection, MAX_SHARE_SLOTS, RelayConfig};

fn seen_by(relay: &TestRelay, world: &World, connection: &mut Connection) -> Vec<u64> {
    let (items, ..) = pull(relay, connection, world, after(start(relay)));
    assert!(!items.iter().any(is_stub));
    numbers(&items)
}

fn is_bad(t: &mut Share, by_owner: bool, envelope: Envelope) -> String {
    let connection = if by_owner { &mut t.of_owner } else { &mut t.of_counsellor };
    match refusal(&t.relay, connection, push_request(t.world.id, &[envelope])) {
        Refusal::BadEnvelope { why } => why,
        other => panic!("{other:?}"),
    }
}

// Broken on purpose: retaining what a record replaces made it fail.
#[test]
fn a_record_destroys_what_it_replaces_at_once_also_what_the_counsellor_never_pulled() {
    let mut t = share();
    let mut shared = t.world.chain(&t.phone);
    let first = shared.record(&t.world, &[], b"first");
    push(&t.relay, &mut t.of_owner, &t.world, std::slice::from_ref(&first));
    assert_eq!(t.bodies(&[1]), [1]);
    let second = shared.record(&t.world, &[], b"second");
    push(&t.relay, &mut t.of_owner, &t.world, &[second]);
    assert_eq!(t.bodies(&[1, 2]), [2]);
    assert_eq!(seen_by(&t.relay, &t.world, &mut t.of_counsellor), [2]);
    let asked = Pull::Numbers { numbers: vec![1, 2], limit_bytes: u32::MAX };
    assert_eq!(numbers(&pull(&t.relay, &mut t.of_counsellor, &t.world, asked).0), [2]);
    let slots = Pull::Slots { slots: vec![SLOT], after: 0, stubs: true, limit_bytes: u32::MAX };
    let (items, ..) = pull(&t.relay, &mut t.of_counsellor, &t.world, slots);
    assert_eq!((numbers(&items), items.iter().any(is_stub)), (vec![2], false));
    // Sent again because the acknowledgement was lost, it does not come back.
    assert_eq!(push(&t.relay, &mut t.of_owner, &t.world, &[first])[0].number, 0);
    assert_eq!(t.bodies(&[1, 2, 3]), [2]);
}

#[test]
fn the_bytes_of_a_replaced_record_come_back_to_the_share() {
    let mut t = share();
    let used = |t: &mut Share| {
        let request = t.world.attach_as(&t.phone, t.phone.signer(), [5; 32]);
        attach(&t.relay, &mut t.of_owner, request).rules.used_bytes
    };
    let mut shared = t.world.chain(&t.phone);
    let first = shared.record(&t.world, &[], &[1; 300]);
    push(&t.relay, &mut t.of_owner, &t.world, &[first]);
    let once = used(&mut t);
    for _ in 0..100 {
        let next = shared.record(&t.world, &[], &[1; 300]);
        push(&t.relay, &mut t.of_owner, &t.world, &[next]);
    }
    assert!(used(&mut t) < once + 300, "one head covered, and longer numbers");
    let before = used(&mut t);
    while t.relay.sweep(NOW_MS * 2).unwrap() {}
    assert_eq!(used(&mut t), before, "nothing is given back twice");
}

#[test]
fn two_devices_of_a_member_replace_each_others_records_and_may_race() {
    let mut t = share();
    let (mut phone, mut tablet) = (t.world.chain(&t.phone), t.world.chain(&t.tablet));
    let (of_phone, of_tablet) =
        (phone.record(&t.world, &[], b"phone"), tablet.record(&t.world, &[], b"tablet"));
    push(&t.relay, &mut t.of_owner, &t.world, &[of_phone]);
    push(&t.relay, &mut t.of_tablet, &t.world, &[of_tablet]);
    assert_eq!(seen_by(&t.relay, &t.world, &mut t.of_counsellor), [1, 2]);
    let joined = phone.record(&t.world, &[tablet.head()], b"both");
    push(&t.relay, &mut t.of_owner, &t.world, &[joined]);
    assert_eq!(seen_by(&t.relay, &t.world, &mut t.of_counsellor), [3]);
    assert_eq!(t.bodies(&[1, 2, 3]), [3]);
}

// Broken on purpose: without `may_cover` it fails.
#[test]
fn nobody_replaces_what_another_member_said() {
    let mut t = share();
    let mut shared = t.world.chain(&t.phone);
    let said = shared.record(&t.world, &[], b"shared");
    push(&t.relay, &mut t.of_owner, &t.world, &[said]);
    let rule = "it covers what somebody else stored";
    let theft = t.world.chain(&t.laptop).record(&t.world, &[shared.head()], b"mine");
    assert_eq!(is_bad(&mut t, false, theft), rule);
    let mut comment = t.world.chain(&t.laptop);
    let said = comment.record(&t.world, &[], b"comment");
    push(&t.relay, &mut t.of_counsellor, &t.world, &[said]);
    let theft = shared.clone().record(&t.world, &[comment.head()], b"mine");
    assert_eq!(is_bad(&mut t, true, theft), rule);
    // Nor a device that nobody knows, which would fill the slot with invented names.
    let head = Head { seq: 9, hash: Hash([9; 32]) };
    let invented = AuthorHead { author: Key::new(77).author(), head };
    let record = shared.clone().record(&t.world, &[invented], b"mine");
    assert_eq!(is_bad(&mut t, true, record), rule);
    assert_eq!(t.bodies(&[1, 2]), [1, 2]);
}

#[test]
fn nobody_writes_in_the_name_of_another_members_device() {
    let mut t = share();
    let forged = t.world.chain(&t.phone).record(&t.world, &[], b"shared");
    let push = push_request(t.world.id, std::slice::from_ref(&forged));
    assert_eq!(refusal(&t.relay, &mut t.of_counsellor, push), Refusal::NotAuthorised);
    let mut as_phone = t.world.chain(&t.laptop);
    let header = Header {
        author: t.phone.author(),
        ..as_phone.header(&t.world, Kind::Record, Chunk::WHOLE, &[], true)
    };
    let forged = as_phone.make(&t.world, header, b"x");
    is_bad(&mut t, true, forged);
}

#[test]
fn of_one_device_a_slot_never_holds_two_records() {
    let mut t = share();
    let mut shared = t.world.chain(&t.phone);
    let said = shared.record(&t.world, &[], b"1");
    push(&t.relay, &mut t.of_owner, &t.world, &[said]);
    let header = shared.header(&t.world, Kind::Record, Chunk::WHOLE, &[], true);
    let second = shared.clone().make(&t.world, header, b"2");
    let why = is_bad(&mut t, true, second);
    assert!(why.contains("does not replace the one before it"), "{why}");
    // Nor one that begins anew beside it.
    let beside = t.world.chain(&t.phone).record(&t.world, &[], b"2");
    let refused = refusal(&t.relay, &mut t.of_owner, push_request(t.world.id, &[beside]));
    assert!(matches!(refused, Refusal::OutOfOrder { head: Some(_), .. }), "{refused:?}");
}

#[test]
fn a_record_of_another_history_is_refused() {
    let mut t = share();
    let mut shared = t.world.chain(&t.phone);
    let said = shared.record(&t.world, &[], b"1");
    push(&t.relay, &mut t.of_owner, &t.world, &[said]);
    let mut tablet = t.world.chain(&t.tablet);
    let head = Head { seq: 1, hash: Hash([66; 32]) };
    let other = AuthorHead { author: t.phone.author(), head };
    let record = tablet.record(&t.world, &[other], b"2");
    let refused = refusal(&t.relay, &mut t.of_tablet, push_request(t.world.id, &[record]));
    assert!(matches!(refused, Refusal::BadEnvelope { .. }), "{refused:?}");
    let mut fork = t.world.chain(&t.phone);
    (fork.seq, fork.hash) = (1, Hash([66; 32]));
    let record = fork.record(&t.world, &[], b"2");
    let refused = refusal(&t.relay, &mut t.of_owner, push_request(t.world.id, &[record]));
    assert!(matches!(refused, Refusal::OutOfOrder { .. }), "{refused:?}");
}

#[test]
fn a_share_holds_no_snapshots_and_a_private_space_no_records() {
    let mut t = share();
    let snapshot = t.world.chain(&t.phone).snapshot(&t.world, &[], 1, false).remove(0);
    assert_eq!(is_bad(&mut t, true, snapshot), "a share holds no snapshots");
    let mut two = two();
    let record = two.world.chain(&two.a).record(&two.world, &[], b"x");
    let refused = refusal(&two.relay, &mut two.of_a, push_request(two.world.id, &[record]));
    let Refusal::BadEnvelope { why } = refused else { panic!("{refused:?}") };
    assert_eq!(why, "a private space holds no records of shares");
}

#[test]
fn a_wiped_relay_takes_records_from_the_middle_of_their_chains_and_changes_from_their_start() {
    let mut t = share();
    let (mut phone, mut tablet) = (t.world.chain(&t.phone), t.world.chain(&t.tablet));
    let lost = [phone.record(&t.world, &[], b"1"), phone.record(&t.world, &[], b"2")];
    push(&t.relay, &mut t.of_owner, &t.world, &lost);
    let old = tablet.record(&t.world, &[], b"3");
    push(&t.relay, &mut t.of_tablet, &t.world, std::slice::from_ref(&old));

    let wiped = relay_over(Default::default(), RelayConfig::default(), 8);
    ask(&wiped, &mut connection(5), t.world.create(Admission::Open));
    let mut of_phone = t.world.attached(&wiped, &t.phone);
    let mut of_tablet = t.world.attached(&wiped, &t.tablet);
    let mut of_laptop = t.world.attached(&wiped, &t.laptop);
    let change = push_request(t.world.id, &[phone.clone().change(&t.world, b"x")]);
    let refused = refusal(&wiped, &mut of_phone, change);
    assert!(matches!(refused, Refusal::OutOfOrder { head: None, .. }), "{refused:?}");
    let again = phone.record(&t.world, &[tablet.head()], b"4");
    push(&wiped, &mut of_phone, &t.world, &[again]);
    assert_eq!(seen_by(&wiped, &t.world, &mut of_laptop), [1]);
    // What it replaced does not come back, by whomever it is sent.
    assert_eq!(push(&wiped, &mut of_tablet, &t.world, &[old])[0].number, 0);
    let refused = refusal(&wiped, &mut of_phone, push_request(t.world.id, &lost[..1]));
    assert!(matches!(refused, Refusal::OutOfOrder { head: Some(_), .. }), "{refused:?}");
    assert_eq!(seen_by(&wiped, &t.world, &mut of_laptop), [1]);
}

/// Pushes short records into slots with these numbers; what the relay refused with, if it did.
fn fill_slots(t: &mut Share, by_owner: bool, slots: std::ops::Range<usize>) -> Option<Refusal> {
    let (author, connection) = match by_owner {
        true => (&t.phone, &mut t.of_owner),
        false => (&t.laptop, &mut t.of_counsellor),
    };
    let all: Vec<usize> = slots.collect();
    for some in all.chunks(64) {
        let record = |number: &usize| {
            let mut chain = t.world.chain(author);
            chain.slot.0[8..].copy_from_slice(&number.to_be_bytes());
            chain.record(&t.world, &[], b"x")
        };
        let records: Vec<_> = some.iter().map(record).collect();
        if let Reply::Refused(refusal) =
            ask(&t.relay, connection, push_request(t.world.id, &records))
        {
            return Some(refusal);
        }
    }
    None
}

// Broken on purpose: giving everybody all slots made it fail.
#[test]
fn counsellors_leave_half_of_a_shares_slots_to_its_owner() {
    let mut t = share();
    let half = MAX_SHARE_SLOTS / 2;
    assert_eq!(fill_slots(&mut t, false, 0..half), None);
    let refused = fill_slots(&mut t, false, half..half + 1);
    assert!(matches!(refused, Some(Refusal::BadEnvelope { .. })), "{refused:?}");
    assert_eq!(fill_slots(&mut t, true, half..half + 1), None);
    let slots = || Request::Slots { space: t.world.id };
    let Reply::Slots { slots: named } = ask(&t.relay, &mut t.of_counsellor, slots()) else {
        panic!("no slots");
    };
    assert_eq!(named.len(), half + 1);
    assert_eq!(fill_slots(&mut t, true, half + 1..12_001), None);
    // Half of them would look like all.
    let slots = Request::Slots { space: t.world.id };
    let refused = refusal(&t.relay, &mut t.of_counsellor, slots);
    assert!(matches!(refused, Refusal::Malformed { .. }), "{refused:?}");
}

// Broken on purpose: comparing members alone made it fail.
#[test]
fn an_owner_under_new_keys_takes_back_what_they_said_under_the_old_ones() {
    let mut t = share();
    let mut before = t.world.chain(&t.phone);
    let said = before.record(&t.world, &[], b"shared");
    push(&t.relay, &mut t.of_owner, &t.world, &[said]);
    let (mine, new_phone, counsellor) = (Key::new(60), Key::new(61), t.counsellor.clone());
    let epoch = t.world.epoch_for(&[&mine, &counsellor]);
    let rekey = Act::Rekey { owner: party(&mine, Role::Owner), last: vec![] };
    t.owner_says(vec![rekey, epoch]);
    let head = t.world.head();
    t.world.say(&mine, vec![certify(&new_phone)]);
    let mut of_mine = t.world.attached_member(&t.relay, &mine);
    ask(&t.relay, &mut of_mine, t.world.append(head));
    let mut of_phone = t.world.attached(&t.relay, &new_phone);
    let retraction = t.world.chain(&new_phone).record(&t.world, &[before.head()], b"");
    push(&t.relay, &mut of_phone, &t.world, &[retraction]);
    assert_eq!(t.bodies(&[1, 2]), [2]);
    let late = before.record(&t.world, &[], b"thief");
    let refused = refusal(&t.relay, &mut t.of_owner, push_request(t.world.id, &[late]));
    assert_eq!(refused, Refusal::NotAuthorised);
}

#[test]
fn what_was_stored_stays_when_a_member_goes() {
    let mut t = share();
    let comment = t.world.chain(&t.laptop).record(&t.world, &[], b"comment");
    push(&t.relay, &mut t.of_counsellor, &t.world, &[comment]);
    t.removes_the_counsellor();
    assert_eq!(seen_by(&t.relay, &t.world, &mut t.of_owner), [1]);
    let late = t.world.chain(&t.phone).in_slot(8).record(&t.world, &[], b"under the new epoch");
    push(&t.relay, &mut t.of_owner, &t.world, &[late]);
}

// Broken on purpose: without `finish_coverings` before a pull it fails.
#[test]
fn a_relay_that_stopped_before_destroying_serves_the_replaced_record_to_nobody() {
    let mut t = share();
    let mut shared = t.world.chain(&t.phone);
    let first = shared.record(&t.world, &[], b"first");
    push(&t.relay, &mut t.of_owner, &t.world, &[first]);
    let retraction = shared.record(&t.world, &[], b"");
    t.store.fail_after(1);
    let refused = refusal(&t.relay, &mut t.of_owner, push_request(t.world.id, &[retraction]));
    assert_eq!(refused, Refusal::Unavailable);
    t.store.crash();
    t.relay = relay_over(t.store.clone(), RelayConfig::default(), 9);
    let mut of_laptop = t.world.attached(&t.relay, &t.laptop);
    assert_eq!(seen_by(&t.relay, &t.world, &mut of_laptop), [2]);
    assert_eq!(t.bodies(&[1, 2]), [2]);
}
