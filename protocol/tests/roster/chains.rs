//! What a device makes of the chain that a relay shows.

use mainstay_protocol::roster::{Act, DeviceStatus, Merged, Record, Roster, RosterError};
use mainstay_protocol::sign::Signed;

use crate::world::*;

/// A roster and two ways on from it, each with one more record.
fn forked(left: (u8, Vec<Act>), right: (u8, Vec<Act>), devices: &[u8]) -> (Roster, Roster) {
    let base = with(devices);
    let (mut one, mut two) = (base.clone(), base);
    put(&mut one, left.0, left.1).unwrap();
    put(&mut two, right.0, right.1).unwrap();
    (one, two)
}

fn tip(roster: &Roster) -> Signed<Record> {
    roster.records_after(None).pop().unwrap()
}

#[test]
fn a_longer_chain_extends_a_roster_whole_or_in_part() {
    let mut long = with(&[1, 2]);
    put(&mut long, 1, vec![epoch(2, &[0, 1, 2])]).unwrap();
    let mut short = with(&[1]);
    assert_eq!(short.merge(&long.records_after(None)).unwrap(), Merged::Extended(2));
    assert_eq!(short, long);
    assert_eq!(short.merge(&long.records_after(None)).unwrap(), Merged::Same);
    assert_eq!(short.merge(&[]).unwrap(), Merged::Same);
    let mut part = with(&[1]);
    let after = long.records_after(Some(&part.head()));
    assert_eq!(part.merge(&after).unwrap(), Merged::Extended(2));
}

#[test]
fn a_stale_chain_is_refused() {
    let mut known = with(&[1, 2]);
    let before = known.clone();
    assert_eq!(known.merge(&with(&[1]).records_after(None)), Err(RosterError::Stale));
    assert_eq!(known.merge(&founded().records_after(None)), Err(RosterError::Stale));
    assert_eq!(known, before);
}

#[test]
fn a_fork_is_an_alarm_and_changes_nothing() {
    let (mut one, two) = forked((0, vec![admit(2)]), (1, vec![admit(3)]), &[1]);
    let before = one.clone();
    let error = one.merge(&two.records_after(None)).unwrap_err();
    assert_eq!(error, RosterError::Fork { accepted: one.head(), shown: two.head() });
    assert_eq!(one.merge(&[tip(&two)]), Err(error), "also when only the end is shown");
    assert_eq!(one, before);
}

#[test]
fn records_left_out_reordered_or_of_another_space_are_refused() {
    let long = with(&[1, 2, 3]);
    let records = long.records_after(None);
    let mut known = with(&[1]);
    let without = [&records[..2], &records[3..]].concat();
    breaks(known.merge(&without), "it does not follow the last record");
    let mut swapped = records.clone();
    swapped.swap(2, 3);
    breaks(known.merge(&swapped), "it does not follow the last record");
    assert_eq!(known.merge(&records[3..]), Err(RosterError::NotThisSpace));
    let twice = [&records[..], &records[3..]].concat();
    breaks(known.merge(&twice), "it does not follow the last record");
}

#[test]
fn a_heal_joins_both_branches_and_removals_win() {
    let left = (0, vec![remove(2), epoch_of(1, 2, &[0, 1, 3])]);
    let right = (1, vec![remove(3), admit_unwrapped(4), epoch_of(2, 2, &[0, 1, 2, 4])]);
    let (mut one, mut two) = forked(left, right, &[1, 2, 3]);
    let heal = vec![Act::Heal { branch: vec![tip(&two)] }, epoch(3, &[0, 1])];
    put(&mut one, 0, heal).unwrap();
    assert!(matches!(status(&one, 2), DeviceStatus::Removed(_)));
    assert!(matches!(status(&one, 3), DeviceStatus::Removed(_)));
    assert_eq!(*status(&one, 4), DeviceStatus::Waiting, "who let it in may be a thief");
    assert!(one.accepts_head(&two.head()), "what was made in the other branch counts");
    assert_eq!(two.merge(&one.records_after(None)).unwrap(), Merged::Replaced(1));
    assert_eq!(two, one);
}

#[test]
fn a_heal_is_signed_by_a_device_that_is_active_in_both_branches() {
    let left = (0, vec![admit(4)]);
    let right = (1, vec![remove(0), epoch_of(2, 2, &[1])]);
    let (mut one, two) = forked(left, right, &[1]);
    let heal = |devices| vec![Act::Heal { branch: vec![tip(&two)] }, epoch(2, devices)];
    let rule = "a heal is signed by a device that is active in both branches";
    breaks(put(&mut one, 0, heal(&[1, 4])), rule);
    breaks(put(&mut one, 4, heal(&[1, 4])), rule);
    put(&mut one, 1, heal(&[1])).unwrap();
    assert!(matches!(status(&one, 0), DeviceStatus::Removed(_)));
}

#[test]
fn a_heal_wraps_its_epoch_for_who_is_left_after_joining() {
    let left = (0, vec![remove(2), epoch_of(1, 2, &[0, 1])]);
    let right = (1, vec![epoch_of(2, 2, &[0, 1, 2])]);
    let (mut one, two) = forked(left, right, &[1, 2]);
    let heal = vec![Act::Heal { branch: vec![tip(&two)] }, epoch(3, &[0, 1, 2])];
    let rule = "an epoch is wrapped for all active devices and the recovery key";
    breaks(put(&mut one, 0, heal), rule);
}

#[test]
fn a_heal_without_an_epoch_or_a_branch_is_refused() {
    let (mut one, two) = forked((0, vec![admit(2)]), (1, vec![admit(3)]), &[1]);
    let bare = vec![Act::Heal { branch: vec![tip(&two)] }];
    breaks(put(&mut one, 0, bare), "a heal joins two branches and starts an epoch");
    let empty = vec![Act::Heal { branch: vec![] }, epoch(2, &[0, 1, 2])];
    breaks(put(&mut one, 0, empty), "a heal carries no branch");
    let foreign = founded();
    let mut elsewhere = foreign.clone();
    put(&mut elsewhere, 0, vec![admit(9)]).unwrap();
    put(&mut elsewhere, 0, vec![admit(8)]).unwrap();
    let off = vec![Act::Heal { branch: vec![tip(&elsewhere)] }, epoch(2, &[0, 1, 2])];
    breaks(put(&mut one, 0, off), "a heal's branch does not start on this chain");
}

#[test]
fn a_heal_holds_no_other_heal() {
    let (one, mut two) = forked((0, vec![admit(2)]), (1, vec![admit(3)]), &[1]);
    let inner = vec![Act::Heal { branch: vec![tip(&one)] }, epoch_of(2, 2, &[0, 1, 2, 3])];
    put(&mut two, 0, inner).unwrap();
    let branch = two.records_after(None)[2..].to_vec();
    let mut third = one;
    let outer = vec![Act::Heal { branch }, epoch(2, &[0, 1, 2, 3])];
    breaks(put(&mut third, 0, outer), "a heal's branch holds another heal");
}

#[test]
fn a_recovery_that_voids_a_heal_voids_the_branch_it_joined() {
    let (mut one, two) = forked((0, vec![admit(2)]), (1, vec![admit(3)]), &[1]);
    put(&mut one, 0, vec![Act::Heal { branch: vec![tip(&two)] }, epoch(2, &[0, 1, 2, 3])]).unwrap();
    assert!(one.accepts_head(&two.head()));
    one.append(&recovery(&one, 1, 5)).unwrap();
    assert!(!one.accepts_head(&two.head()));
    assert!(!one.state().members.contains_key(&author(3)));
}
