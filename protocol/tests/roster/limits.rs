//! Limits of rosters.

use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::Head;
use mainstay_protocol::ids::{EpochId, SlotId};
use mainstay_protocol::limits::*;
use mainstay_protocol::roster::{Act, Device, LastHead, SealedKey};

use crate::world::*;

#[test]
fn a_space_has_at_most_32_devices() {
    let mut roster = with(&(1..MAX_DEVICES as u8).collect::<Vec<_>>());
    breaks(put(&mut roster, 0, vec![admit(100)]), "there are too many devices");
}

#[test]
fn a_record_has_at_most_64_acts() {
    let acts = vec![remove(9); MAX_ROSTER_ACTS + 1];
    let error = put(&mut founded(), 0, acts).unwrap_err().to_string();
    assert!(error.contains("too many acts"), "{error}");
}

#[test]
fn a_record_has_at_most_64_kib() {
    let mut name = device(1);
    name.sealed_name = vec![0; MAX_ROSTER_RECORD_BYTES].into();
    let act = Act::Admit { device: name, wrap: Some(wrap(1)), succeeds: None };
    breaks(put(&mut founded(), 0, vec![act]), "it is too large");
}

#[test]
fn names_removal_heads_and_earlier_keys_are_bounded() {
    let long = Device { sealed_name: vec![0; MAX_SEALED_NAME_BYTES + 1].into(), ..device(1) };
    let act = Act::Admit { device: long, wrap: Some(wrap(1)), succeeds: None };
    breaks(put(&mut founded(), 0, vec![act]), "a device's name is too long");

    let head = Head { seq: 1, hash: Hash([1; 32]) };
    let last = vec![LastHead { slot: SlotId([1; 16]), head }; MAX_REMOVAL_HEADS + 1];
    let act = Act::Remove { author: author(1), last };
    let rule = "a removal names too many heads";
    breaks(put(&mut with(&[1]), 0, vec![act, epoch(2, &[0])]), rule);

    let Act::Epoch(mut started) = epoch(2, &[0]) else { unreachable!() };
    let earlier = SealedKey { epoch: EpochId([1; 32]), sealed: vec![1; 72].into() };
    started.previous = vec![earlier; MAX_PREVIOUS_KEYS + 1];
    let rule = "an epoch holds too many earlier keys";
    breaks(put(&mut founded(), 0, vec![Act::Epoch(started)]), rule);
}

#[test]
fn a_heal_carries_at_most_32_records() {
    let base = with(&[1]);
    let (mut one, mut two) = (base.clone(), base);
    put(&mut one, 0, vec![admit(2)]).unwrap();
    for number in 0..MAX_HEAL_RECORDS as u32 + 1 {
        put(&mut two, 1, vec![epoch_of(2, number + 2, &[0, 1])]).unwrap();
    }
    let branch = two.records_after(None)[2..].to_vec();
    let acts = vec![Act::Heal { branch }, epoch(2, &[0, 1, 2])];
    breaks(put(&mut one, 0, acts), "a heal carries too many records");
}
