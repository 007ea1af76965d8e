//! How much room a roster has, and what a thief cannot reach of it.

use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::EpochId;
use mainstay_protocol::limits::*;
use mainstay_protocol::roster::{Act, Roster, RosterError};

use crate::world::*;

const TOO_MANY_RECORDS: &str = "there are too many records";
const TOO_MANY_DEVICES: &str = "there were too many devices over the years";

/// Epoch after epoch by `signer` until no more fits in; `active` are all that take part.
fn fill(roster: &mut Roster, signer: u8, active: &[u8]) {
    loop {
        let number = roster.state().epoch.number + 1;
        match put(roster, signer, vec![epoch_of(9, number, active)]) {
            Ok(_) => {}
            filled => return breaks(filled, TOO_MANY_RECORDS),
        }
    }
}

/// Lets in and removes keys that nobody holds until no more fits in.
fn crowd(roster: &mut Roster, signer: u8) {
    for number in 0.. {
        // `world` knows 200 keys.
        let mut stranger = device(1);
        let salt = roster.number() * 10_000 + number;
        stranger.key.0[..4].copy_from_slice(&salt.to_be_bytes());
        let gone = Act::Remove { author: stranger.author(), last: vec![] };
        let admit = Act::Admit { device: stranger, wrap: None, succeeds: None };
        let next = roster.state().epoch.number + 1;
        let Act::Epoch(mut next) = epoch(next, &[signer]) else { unreachable!() };
        next.id = EpochId(Hash::of("test", &[&salt.to_be_bytes()]).0);
        match put(roster, signer, vec![admit, gone, Act::Epoch(next)]) {
            Ok(_) => {}
            filled => return breaks(filled, TOO_MANY_DEVICES),
        }
    }
}

fn recover(roster: &mut Roster, newcomer: u8) -> Result<usize, RosterError> {
    let recovery = recovery(roster, roster.number(), newcomer);
    roster.append(&recovery)
}

fn remove_next(
    roster: &mut Roster,
    signer: u8,
    gone: u8,
    left: &[u8],
) -> Result<usize, RosterError> {
    let number = roster.state().epoch.number + 1;
    put(roster, signer, vec![remove(gone), epoch(number, left)])
}

// Broken on purpose: `Room::records` giving all room to every record made these fail.
#[test]
fn a_roster_that_a_thief_has_filled_takes_removals_of_active_devices_and_nothing_else() {
    let mut roster = with(&[1, 2]);
    fill(&mut roster, 1, &[0, 1, 2]);
    assert_eq!(roster.records().count(), MAX_ORDINARY_RECORDS);
    breaks(put(&mut roster, 1, vec![admit(3)]), TOO_MANY_RECORDS);
    let number = roster.state().epoch.number + 1;
    let swap = vec![remove(2), admit_unwrapped(3), epoch(number, &[0, 1, 3])];
    breaks(put(&mut roster, 1, swap), TOO_MANY_RECORDS);

    remove_next(&mut roster, 1, 2, &[0, 1]).unwrap();
    remove_next(&mut roster, 0, 1, &[0]).unwrap();
    breaks(put(&mut roster, 0, vec![admit(4)]), TOO_MANY_RECORDS);
}

#[test]
fn removing_everybody_who_can_be_there_does_not_use_up_the_room_for_removals() {
    let all: Vec<u8> = (0..MAX_DEVICES as u8).collect();
    let mut roster = with(&all[1..]);
    fill(&mut roster, 1, &all);
    for gone in (2..MAX_DEVICES as u8).rev() {
        let left: Vec<u8> = (0..gone).collect();
        remove_next(&mut roster, 1, gone, &left).unwrap();
    }
    remove_next(&mut roster, 0, 1, &[0]).unwrap();
}

#[test]
fn after_a_recovery_of_a_filled_roster_devices_are_confirmed_let_in_and_removed() {
    let mut roster = with(&[1, 2]);
    fill(&mut roster, 1, &[0, 1, 2]);
    remove_next(&mut roster, 1, 0, &[1, 2]).unwrap();
    recover(&mut roster, 10).unwrap();
    put(&mut roster, 10, vec![admit(2)]).unwrap();
    put(&mut roster, 10, vec![admit(11)]).unwrap();
    // A thief among the waiting is removed, as it still has room.
    remove_next(&mut roster, 10, 1, &[2, 10, 11]).unwrap();
}

#[test]
fn thief_after_thief_fills_it_and_the_phrase_always_comes_after() {
    let mut roster = with(&[1]);
    let (mut thief, mut active) = (1, vec![0, 1]);
    for newcomer in 0..ROSTER_RECORDS_FOR_RECOVERIES as u8 {
        fill(&mut roster, thief, &active);
        let full = roster.records().count();
        assert!(full <= MAX_ROSTER_RECORDS - ROSTER_RECORDS_FOR_RECOVERIES + newcomer as usize);
        thief = 100 + newcomer;
        recover(&mut roster, thief).unwrap();
        active = vec![thief];
    }
}

#[test]
fn devices_are_let_in_up_to_a_limit_and_by_a_recovery_beyond_it() {
    let mut roster = founded();
    crowd(&mut roster, 0);
    assert_eq!(roster.state().members.len(), MAX_ORDINARY_MEMBERS);
    breaks(put(&mut roster, 0, vec![admit(150)]), TOO_MANY_DEVICES);
    recover(&mut roster, 10).unwrap();
    put(&mut roster, 10, vec![admit(150)]).unwrap();
    put(&mut roster, 10, vec![admit(0)]).unwrap();
}

#[test]
fn a_roster_holds_at_most_1024_records_even_of_the_phrase() {
    let mut roster = with(&[1]);
    fill(&mut roster, 1, &[0, 1]);
    for number in roster.records().count()..MAX_ROSTER_RECORDS {
        recover(&mut roster, 2 + (number % 2) as u8).unwrap();
    }
    breaks(recover(&mut roster, 4), TOO_MANY_RECORDS);
}
