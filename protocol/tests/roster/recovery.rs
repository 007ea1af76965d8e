//! Taking a space back with the phrase.

use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::Head;
use mainstay_protocol::ids::SlotId;
use mainstay_protocol::roster::{
    Act, Device, DeviceStatus, LastHead, Merged, Record, Roster, RosterError,
};
use mainstay_protocol::sign::Signed;

use crate::world::*;

#[test]
fn a_recovery_voids_what_came_after_its_parent() {
    let mut roster = with(&[1, 2]);
    let dropped = roster.append(&recovery(&roster, 1, 5)).unwrap();
    assert_eq!(dropped, 1);
    assert_eq!(roster.number(), 2);
    assert!(!roster.state().members.contains_key(&author(2)), "device 2 was never let in");
}

#[test]
fn a_recovery_leaves_every_other_device_waiting() {
    let mut roster = with(&[1]);
    roster.append(&recovery(&roster, 1, 5)).unwrap();
    assert_eq!(*status(&roster, 0), DeviceStatus::Waiting);
    assert_eq!(*status(&roster, 1), DeviceStatus::Waiting);
    assert_eq!(*status(&roster, 5), DeviceStatus::Active);
    breaks(put(&mut roster, 0, vec![admit(6)]), "its signer may not act in this space");
    let wraps = &roster.state().epoch.wraps;
    assert_eq!(wraps.iter().map(|wrap| wrap.to).collect::<Vec<_>>(), [to(5), to(PHRASE)]);
}

#[test]
fn a_waiting_device_is_confirmed_with_the_keys_it_had() {
    let mut roster = with(&[1]);
    roster.append(&recovery(&roster, 1, 5)).unwrap();
    let other = Device { kem: kem(9), ..device(1) };
    let act = Act::Admit { device: other, wrap: Some(wrap(1)), succeeds: None };
    breaks(put(&mut roster, 5, vec![act]), "a waiting device is confirmed with other keys");
    put(&mut roster, 5, vec![admit(1)]).unwrap();
    assert_eq!(*status(&roster, 1), DeviceStatus::Active);
}

#[test]
fn a_waiting_device_can_be_removed_instead() {
    let mut roster = with(&[1]);
    roster.append(&recovery(&roster, 1, 5)).unwrap();
    put(&mut roster, 5, vec![remove(1), epoch(3, &[5])]).unwrap();
    assert!(matches!(status(&roster, 1), DeviceStatus::Removed(_)));
}

#[test]
fn a_thief_who_removed_the_others_is_undone_from_the_last_good_record() {
    let mut roster = with(&[1]);
    let mine = roster.clone();
    put(&mut roster, 0, vec![remove(1), epoch(2, &[0])]).unwrap();
    put(&mut roster, 0, vec![admit(7)]).unwrap();
    let taken_back = recovery(&roster, 1, 5);
    assert_eq!(roster.append(&taken_back).unwrap(), 2);
    assert_eq!(*status(&roster, 1), DeviceStatus::Waiting, "the removal is void");
    assert!(!roster.state().members.contains_key(&author(7)));
    breaks(put(&mut roster, 0, vec![admit(7)]), "its signer may not act in this space");
    // The device that was removed follows, whichever of the two it had seen.
    let mut device = mine;
    assert_eq!(device.merge(&[taken_back]).unwrap(), Merged::Extended(1));
    assert_eq!(device, roster);
}

#[test]
fn a_device_that_followed_the_thief_leaves_by_the_recovery() {
    let mut thiefs = with(&[1]);
    put(&mut thiefs, 0, vec![admit(7)]).unwrap();
    put(&mut thiefs, 0, vec![admit(8)]).unwrap();
    let taken_back = recovery(&thiefs, 1, 5);
    assert_eq!(thiefs.merge(&[taken_back]).unwrap(), Merged::Replaced(2));
}

#[test]
fn a_voided_branch_never_comes_back() {
    let mut roster = with(&[1]);
    let mut voided = roster.clone();
    put(&mut voided, 0, vec![admit(7)]).unwrap();
    roster.append(&recovery(&voided, 1, 5)).unwrap();
    let head = roster.head();
    let shown = voided.records_after(None);
    assert_eq!(roster.merge(&shown), Err(RosterError::Stale));
    assert_eq!(roster.head(), head);
    assert!(!roster.accepts_head(&voided.head()), "what was made under it does not count");
}

#[test]
fn a_second_recovery_follows_the_first_so_that_neither_can_be_put_back() {
    let base = with(&[1]);
    let (mut one, mut two) = (base.clone(), base.clone());
    one.append(&recovery(&base, 1, 5)).unwrap();
    two.append(&recovery(&base, 1, 6)).unwrap();
    let beside = recovery(&base, 1, 6);
    let rule = "another recovery comes after that record; follow the recovery instead";
    breaks(one.append(&beside), rule);
    assert!(matches!(one.merge(&two.records_after(None)), Err(RosterError::Fork { .. })));
    assert!(matches!(two.merge(&one.records_after(None)), Err(RosterError::Fork { .. })));
    let after = recovery(&one, 2, 6);
    one.append(&after).unwrap();
    assert_eq!(*status(&one, 5), DeviceStatus::Waiting);
}

#[test]
fn a_recovery_voids_no_earlier_recovery_however_far_back_it_begins() {
    let mut roster = with(&[1]);
    roster.append(&recovery(&roster, 1, 5)).unwrap();
    let rule = "another recovery comes after that record; follow the recovery instead";
    let before = recovery(&roster, 0, 6);
    breaks(roster.append(&before), rule);
    put(&mut roster, 5, vec![admit(7)]).unwrap();
    assert_eq!(roster.append(&recovery(&roster, 2, 6)).unwrap(), 1);
}

#[test]
fn whoever_had_been_removed_waits_after_a_recovery_and_counts_as_far_as_before() {
    let mut roster = with(&[1]);
    put(&mut roster, 0, vec![remove(1), epoch(2, &[0])]).unwrap();
    roster.append(&recovery(&roster, 2, 5)).unwrap();
    assert!(matches!(status(&roster, 1), DeviceStatus::Returned(_)));
    assert_eq!(roster.state().admits_place(&author(1), &SlotId([9; 16]), 1), Some(false));
    put(&mut roster, 5, vec![admit(1)]).unwrap();
    assert_eq!(*status(&roster, 1), DeviceStatus::Active);
    assert_eq!(roster.state().admits_place(&author(1), &SlotId([9; 16]), 1), Some(true));
}

// Broken on purpose: `State::admits_place` counting all that a bounded device signs made it fail.
#[test]
fn what_a_waiting_device_signs_beyond_what_is_known_counts_only_once_it_is_confirmed() {
    let (slot, known) = (SlotId([9; 16]), Head { seq: 5, hash: Hash([5; 32]) });
    let bound = || Act::Bound { author: author(1), last: vec![LastHead { slot, head: known }] };
    let mut roster = with(&[1]);
    let rule = "it bounds a device that does not wait unbounded";
    breaks(put(&mut roster, 0, vec![bound()]), rule);
    roster.append(&recovery(&roster, 1, 5)).unwrap();
    assert_eq!(roster.state().unbounded().count(), 2);
    put(&mut roster, 5, vec![bound()]).unwrap();
    breaks(put(&mut roster, 5, vec![bound()]), rule);
    assert_eq!(roster.state().unbounded().collect::<Vec<_>>(), [&author(0)]);
    let admits = |roster: &Roster, seq| roster.state().admits_place(&author(1), &slot, seq);
    assert!(status(&roster, 1).is_waiting());
    assert_eq!((admits(&roster, 5), admits(&roster, 6)), (Some(true), Some(false)));
    assert_eq!(roster.state().end_of_chain(&author(1), &slot), Some(Some(known)));

    // A second recovery changes nothing about what is known of it.
    let mut again = roster.clone();
    again.append(&recovery(&again, 3, 6)).unwrap();
    assert_eq!(admits(&again, 6), Some(false));
    let waiting = status(&roster, 1).clone();
    put(&mut roster, 5, vec![admit(1)]).unwrap();
    assert_eq!(admits(&roster, 6), Some(true));
    assert!(status(&roster, 1).admits_more_than(&waiting));
    assert!(!waiting.admits_more_than(status(&roster, 1)));
}

#[test]
fn a_recovery_replaces_a_branch_that_it_never_saw() {
    let (mut one, mut two) = (with(&[1]), with(&[1]));
    put(&mut one, 0, vec![admit(2)]).unwrap();
    put(&mut two, 1, vec![admit(3)]).unwrap();
    two.append(&recovery(&two, 2, 5)).unwrap();
    assert_eq!(two.clone().merge(&one.records_after(None)), Err(RosterError::Stale));
    assert_eq!(one.merge(&two.records_after(None)).unwrap(), Merged::Replaced(1));
    put(&mut two, 5, vec![admit(1)]).unwrap();
    let voided = vec![Act::Heal { branch: one_before() }, epoch(3, &[1, 5])];
    breaks(put(&mut two, 1, voided), "a heal joins a branch that a recovery has voided");
}

/// The branch that device 0 made.
fn one_before() -> Vec<Signed<Record>> {
    let mut one = with(&[1]);
    put(&mut one, 0, vec![admit(2)]).unwrap();
    one.branch_from(&with(&[1]))
}

#[test]
fn only_the_recovery_key_recovers_and_it_does_nothing_else() {
    let roster = with(&[1]);
    let acts = || vec![Act::Recover, admit_unwrapped(5), epoch(2, &[5])];
    let forged = next(&roster, 0, acts());
    breaks(roster.clone().append(&sign(&forged, 0)), "an act stands where it may not");
    let stolen = next(&roster, PHRASE, acts());
    let error = roster.clone().append(&sign(&stolen, 0)).unwrap_err();
    assert!(matches!(error, RosterError::Record { .. }), "{error}");
    let other = next(&roster, PHRASE, vec![admit(5)]);
    breaks(roster.clone().append(&sign(&other, PHRASE)), "the recovery key only recovers");
    for acts in [
        vec![Act::Recover],
        vec![Act::Recover, admit(5), epoch(2, &[5])],
        vec![Act::Recover, admit_unwrapped(5)],
        vec![Act::Recover, admit_unwrapped(5), epoch(2, &[5]), admit(6)],
    ] {
        let record = next(&roster, PHRASE, acts);
        let rule = "a recovery admits one device and starts an epoch";
        breaks(roster.clone().append(&sign(&record, PHRASE)), rule);
    }
    let all = next(&roster, PHRASE, vec![Act::Recover, admit_unwrapped(5), epoch(2, &[5, 0, 1])]);
    let rule = "an epoch is wrapped for all active devices and the recovery key";
    breaks(roster.clone().append(&sign(&all, PHRASE)), rule);
}

#[test]
fn a_recovery_is_counted_from_its_own_parent() {
    let roster = with(&[1, 2]);
    let record = recovery(&roster, 0, 5).peek().unwrap();
    let wrong = Record { number: 3, ..record };
    let rule = "its number is not one more than its parent's";
    breaks(roster.clone().append(&sign(&wrong, PHRASE)), rule);
}

#[test]
fn a_restored_roster_verifies_from_its_records_alone() {
    let mut roster = with(&[1, 2]);
    roster.append(&recovery(&roster, 1, 5)).unwrap();
    put(&mut roster, 5, vec![admit(1)]).unwrap();
    let again = Roster::verify(space(), &roster.records_after(None)).unwrap();
    assert_eq!(again, roster);
}
