//! A roster that keeps few states decides as one that keeps them all, and takes far less memory.

use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::EpochId;
use mainstay_protocol::roster::{Act, Device, Roster};

use crate::world::*;

/// A chain with many devices, at the end of which every record is small.
fn cheap_to_send() -> Roster {
    let mut roster = with(&(1..31).collect::<Vec<_>>());
    for number in 0..20_u32 {
        let mut stranger: Device = device(1);
        stranger.key.0[..4].copy_from_slice(&number.to_be_bytes());
        let gone = Act::Remove { author: stranger.author(), last: vec![] };
        let admit = Act::Admit { device: stranger, wrap: None, succeeds: None };
        let all = (0..31).collect::<Vec<_>>();
        let Act::Epoch(mut next) = epoch(number + 2, &all) else { unreachable!() };
        next.id = EpochId(Hash::of("test", &[&number.to_be_bytes()]).0);
        put(&mut roster, 0, vec![admit, gone, Act::Epoch(next)]).unwrap();
    }
    let epochs = roster.state().epoch.number;
    let others = (1..31).map(remove).chain([epoch(epochs + 1, &[0])]).collect();
    put(&mut roster, 0, others).unwrap();
    for number in 2..460 {
        put(&mut roster, 0, vec![epoch(epochs + number, &[0])]).unwrap();
    }
    roster
}

// Broken on purpose: keeping the state after every record made it fail (11 times the bytes).
#[test]
fn a_list_that_is_cheap_to_send_takes_at_most_six_times_its_bytes_on_a_relay() {
    let records = cheap_to_send().records_after(None);
    let sent: usize = records.iter().map(|record| record.body().len() + 70).sum();
    let sparse = Roster::verify_sparse(space(), &records).unwrap();
    let times = sparse.held_bytes() as f64 / sent as f64;
    assert!(times < 6.0, "{times} times the bytes that were sent");
}

#[test]
fn a_roster_that_keeps_few_states_says_the_same_of_every_record() {
    let whole = cheap_to_send();
    let sparse = Roster::verify_sparse(space(), &whole.records_after(None)).unwrap();
    assert_eq!(whole.state(), sparse.state());
    for (hash, ..) in whole.records() {
        assert!(sparse.accepts_head(hash));
        assert_eq!(whole.state_at(hash), sparse.state_at(hash));
    }
}

#[test]
fn a_roster_that_keeps_few_states_follows_a_recovery_from_any_record() {
    let whole = cheap_to_send();
    for after in [0, 17, 31, 45, 333, 500] {
        let recovery = recovery(&whole, after, 100);
        let mut sparse = Roster::verify_sparse(space(), &whole.records_after(None)).unwrap();
        let mut other = whole.clone();
        assert_eq!(sparse.append(&recovery), other.append(&recovery));
        assert_eq!(sparse.state(), other.state());
    }
}

#[test]
fn a_roster_that_keeps_few_states_joins_a_branch_that_parts_far_back() {
    let mut one = with(&[1, 2]);
    let mut two = one.clone();
    put(&mut two, 1, vec![remove(2), epoch_of(9, 2, &[0, 1])]).unwrap();
    let parted = one.head();
    for number in 2..80 {
        put(&mut one, 0, vec![epoch(number, &[0, 1, 2])]).unwrap();
    }
    let branch = two.records_after(Some(&parted));
    let heal = next(&one, 1, vec![Act::Heal { branch }, epoch(80, &[0, 1])]);
    let heal = sign(&heal, 1);
    let mut sparse = Roster::verify_sparse(space(), &one.records_after(None)).unwrap();
    sparse.append(&heal).unwrap();
    one.append(&heal).unwrap();
    for number in 81..120 {
        put(&mut one, 0, vec![epoch(number, &[0, 1])]).unwrap();
        sparse.append(one.records_after(None).last().unwrap()).unwrap();
    }
    for (hash, ..) in one.records() {
        assert_eq!(one.state_at(hash), sparse.state_at(hash));
    }
}
