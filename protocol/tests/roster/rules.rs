//! What one record may do.

use std::collections::BTreeSet;

use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::Head;
use mainstay_protocol::ids::{SlotId, SpaceId};
use mainstay_protocol::roster::{Act, Device, LastHead, Record, Roster, RosterError};

use crate::world::*;

fn verify(record: &Record, signer: u8) -> Result<Roster, RosterError> {
    Roster::verify(space(), &[sign(record, signer)])
}

#[test]
fn the_recovery_key_founds_a_space_with_one_device_and_an_epoch() {
    let roster = founded();
    assert_eq!((roster.number(), roster.state().epoch.number), (0, 1));
    assert!(roster.state().is_active(&author(0)));
    assert!(roster.accepts_head(&roster.head()));
    assert!(!roster.accepts_head(&Hash([0; 32])));
}

#[test]
fn a_founding_record_of_another_key_is_not_this_space() {
    let record = founding();
    assert!(matches!(verify(&record, 1), Err(RosterError::Record { number: 0, .. })));
    let mut foreign = founding();
    foreign.acts[0] = Act::Found { recovery: key(1), recovery_kem: kem(1) };
    assert_eq!(verify(&foreign, 1), Err(RosterError::NotThisSpace));
    let other = SpaceId([9; 32]);
    assert_eq!(Roster::verify(other, &[sign(&record, PHRASE)]), Err(RosterError::NotThisSpace));
    assert_eq!(Roster::verify(space(), &[]), Err(RosterError::NotThisSpace));
}

#[test]
fn a_founding_record_holds_exactly_its_three_acts() {
    for acts in [
        vec![],
        vec![admit_unwrapped(0), epoch(1, &[0])],
        vec![found(), admit(0), epoch(1, &[0])],
        vec![found(), admit_unwrapped(0)],
        vec![found(), epoch(1, &[0]), admit_unwrapped(0)],
        vec![found(), admit_unwrapped(0), epoch(1, &[0]), admit(1)],
    ] {
        let record = Record { acts, ..founding() };
        assert!(matches!(verify(&record, PHRASE), Err(RosterError::Rule { number: 0, .. })));
    }
    let numbered = Record { number: 1, ..founding() };
    assert!(matches!(verify(&numbered, PHRASE), Err(RosterError::Rule { .. })));
    let orphan = Record { parent: Some(Hash([1; 32])), ..founding() };
    assert!(matches!(verify(&orphan, PHRASE), Err(RosterError::Rule { .. })));
}

#[test]
fn an_active_device_lets_another_in_with_a_wrap_of_the_present_epoch() {
    let mut roster = founded();
    put(&mut roster, 0, vec![admit(1)]).unwrap();
    put(&mut roster, 1, vec![admit(2)]).unwrap();
    assert_eq!(roster.state().active().count(), 3);
}

#[test]
fn a_device_let_in_without_a_key_is_refused() {
    breaks(put(&mut founded(), 0, vec![admit_unwrapped(1)]), "an admitted device gets no key");
    let foreign = Act::Admit { device: device(1), wrap: Some(wrap(0)), succeeds: None };
    let rule = "a wrap is for somebody else than the admitted device";
    breaks(put(&mut founded(), 0, vec![foreign]), rule);
    put(&mut founded(), 0, vec![admit_unwrapped(1), epoch(2, &[0, 1])]).unwrap();
}

#[test]
fn a_record_that_does_nothing_is_refused() {
    breaks(put(&mut founded(), 0, vec![]), "it does nothing");
}

#[test]
fn a_removal_starts_an_epoch_without_the_removed_device() {
    let mut roster = with(&[1]);
    breaks(put(&mut roster, 0, vec![remove(1)]), "a removal must start an epoch");
    let before = vec![epoch(2, &[0, 1]), remove(1)];
    breaks(put(&mut roster, 0, before), "a removal must start an epoch");
    let rule = "an epoch is wrapped for all active devices and the recovery key";
    breaks(put(&mut roster, 0, vec![remove(1), epoch(2, &[0, 1])]), rule);
    put(&mut roster, 0, vec![remove(1), epoch(2, &[0])]).unwrap();
    assert!(!roster.state().is_active(&author(1)));
}

#[test]
fn a_removed_device_may_not_act_and_its_chains_end_where_the_removal_says() {
    let mut roster = with(&[1]);
    let (slot, head) = (SlotId([4; 16]), Head { seq: 5, hash: Hash([5; 32]) });
    let removal = Act::Remove { author: author(1), last: vec![LastHead { slot, head }] };
    put(&mut roster, 0, vec![removal, epoch(2, &[0])]).unwrap();
    breaks(put(&mut roster, 1, vec![admit(2)]), "its signer may not act in this space");
    let state = roster.state();
    assert_eq!(state.admits_place(&author(1), &slot, 5), Some(true));
    assert_eq!(state.admits_place(&author(1), &slot, 6), Some(false));
    assert_eq!(state.admits_place(&author(1), &SlotId([0; 16]), 1), Some(false));
    assert_eq!(state.admits_place(&author(0), &slot, 99), Some(true));
    assert_eq!(state.admits_place(&author(9), &slot, 1), None);
}

#[test]
fn only_a_device_that_is_there_can_be_removed() {
    let rule = "it removes a device that is not there";
    breaks(put(&mut founded(), 0, vec![remove(1), epoch(2, &[0])]), rule);
    let mut roster = with(&[1]);
    put(&mut roster, 0, vec![remove(1), epoch(2, &[0])]).unwrap();
    breaks(put(&mut roster, 0, vec![remove(1), epoch(3, &[0])]), rule);
}

#[test]
fn the_last_device_cannot_be_removed() {
    let acts = vec![remove(0), epoch(2, &[])];
    breaks(put(&mut founded(), 0, acts), "it would leave no device");
}

#[test]
fn a_device_never_comes_back_under_an_old_key() {
    let mut roster = with(&[1]);
    let rule = "a device comes back only under a new key";
    breaks(put(&mut roster, 0, vec![admit(1)]), rule);
    put(&mut roster, 0, vec![remove(1), epoch(2, &[0])]).unwrap();
    breaks(put(&mut roster, 0, vec![admit(1)]), rule);
}

#[test]
fn an_epoch_is_wrapped_for_exactly_the_active_devices_and_the_recovery_key() {
    let rule = "an epoch is wrapped for all active devices and the recovery key";
    let mut roster = with(&[1]);
    for devices in [&[0][..], &[], &[0, 1, 2], &[0, 1, 1]] {
        breaks(put(&mut roster, 0, vec![epoch(2, devices)]), rule);
    }
    put(&mut roster, 0, vec![epoch(2, &[1, 0])]).unwrap();
}

#[test]
fn the_recovery_key_cannot_be_left_out() {
    let Act::Epoch(mut started) = epoch(2, &[0]) else { unreachable!() };
    started.wraps.retain(|wrap| wrap.to != Signer::Recovery);
    let rule = "an epoch is wrapped for all active devices and the recovery key";
    breaks(put(&mut founded(), 0, vec![Act::Epoch(started)]), rule);
}

#[test]
fn epochs_are_counted_and_each_has_a_key_of_its_own() {
    let mut roster = founded();
    for number in [0, 1, 3] {
        let acts = vec![epoch(number, &[0])];
        breaks(put(&mut roster, 0, acts), "an epoch's number is not the next one");
    }
    let Act::Epoch(mut same) = epoch(2, &[0]) else { unreachable!() };
    same.id = roster.state().epoch.id;
    let rule = "an epoch has the key of the one before it";
    breaks(put(&mut roster, 0, vec![Act::Epoch(same)]), rule);
    put(&mut roster, 0, vec![epoch(2, &[0])]).unwrap();
}

#[test]
fn an_act_of_another_record_kind_is_refused() {
    let rule = "an act stands where it may not";
    for act in [found(), Act::Recover, Act::Heal { branch: vec![] }] {
        breaks(put(&mut founded(), 0, vec![epoch(2, &[0]), act]), rule);
    }
    breaks(put(&mut founded(), 0, vec![Act::Recover]), rule);
}

#[test]
fn a_record_counts_from_its_parent() {
    let roster = founded();
    let good = next(&roster, 0, vec![admit(1)]);
    for number in [0, 2, u32::MAX] {
        let record = Record { number, ..good.clone() };
        let rule = "its number is not one more than its parent's";
        breaks(roster.clone().append(&sign(&record, 0)), rule);
    }
    for parent in [None, Some(Hash([1; 32]))] {
        let record = Record { parent, ..good.clone() };
        breaks(roster.clone().append(&sign(&record, 0)), "it does not follow the last record");
    }
    let foreign = Record { space: SpaceId([1; 32]), ..good };
    assert_eq!(roster.clone().append(&sign(&foreign, 0)), Err(RosterError::NotThisSpace));
}

#[test]
fn a_record_signed_by_somebody_else_is_refused_and_changes_nothing() {
    let mut roster = with(&[1]);
    let before = roster.clone();
    let record = next(&roster, 0, vec![admit(2)]);
    let error = roster.append(&sign(&record, 1)).unwrap_err();
    assert!(matches!(error, RosterError::Record { number: 2, .. }), "{error}");
    let stranger = next(&roster, 9, vec![admit(2)]);
    breaks(roster.append(&sign(&stranger, 9)), "its signer may not act in this space");
    assert_eq!(roster, before);
}

#[test]
fn a_record_of_a_newer_version_says_so() {
    let mut roster = founded();
    let record = Record { version: 2, ..next(&roster, 0, vec![admit(1)]) };
    let error = roster.append(&sign(&record, 0)).unwrap_err();
    assert!(error.to_string().contains("update the app"), "{error}");
}

#[test]
fn a_key_exchange_key_of_the_wrong_length_is_refused() {
    let short = Device { kem: mainstay_protocol::roster::KemKey(vec![1; 32].into()), ..device(1) };
    let act = Act::Admit { device: short, wrap: Some(wrap(1)), succeeds: None };
    breaks(put(&mut founded(), 0, vec![act]), "a key-exchange key has the wrong length");
}

// Broken on purpose: `Step::succeed` without asking for the signer made it fail.
#[test]
fn a_device_takes_a_new_name_itself_and_both_are_one_device() {
    let mut roster = with(&[1]);
    let go_on = |from, number| Act::Admit {
        device: device(number),
        wrap: Some(wrap(number)),
        succeeds: Some(author(from)),
    };
    let rule = "a device takes a new name itself, and once";
    breaks(put(&mut roster, 0, vec![go_on(1, 7)]), rule);
    breaks(put(&mut roster, 1, vec![go_on(1, 0)]), rule);
    put(&mut roster, 1, vec![go_on(1, 7)]).unwrap();
    put(&mut roster, 7, vec![go_on(7, 8)]).unwrap();
    let names = [1, 7, 8].map(author);
    for name in &names {
        assert!(roster.state().names_of(name).iter().eq(BTreeSet::from(names).iter()));
    }
    assert_eq!(roster.state().names_of(&author(0)), BTreeSet::from([author(0)]));
    assert!(roster.state().is_former(&author(7)) && !roster.state().is_former(&author(8)));
    // A recovery and the person's word change nothing about that.
    roster.append(&recovery(&roster, roster.number(), 5)).unwrap();
    put(&mut roster, 5, vec![admit(7)]).unwrap();
    assert_eq!(roster.state().names_of(&author(1)).len(), 3);
    assert!(!roster.state().is_former(&author(7)), "it stands where its later name does not");
}
