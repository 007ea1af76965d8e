//! Limits of shares, and what a counsellor or a thief cannot reach of their room.

use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::EpochId;
use mainstay_protocol::limits::*;
use mainstay_protocol::roster::{Act, AuthorLast, KemKey, Party, Role, Roster};
use mainstay_protocol::sign::VerifyKey;

use crate::share_world::*;
use crate::world::*;

const TOO_MANY_RECORDS: &str = "there are too many records";
const TOO_MANY_DEVICES: &str = "there were too many devices over the years";

/// A key that nobody holds.
fn stranger(number: u32) -> VerifyKey {
    VerifyKey(Hash::of("stranger", &[&number.to_be_bytes()]).0)
}

fn add(number: u32) -> Act {
    Act::Certify { key: stranger(number) }
}

fn take_out(number: u32) -> Act {
    Act::Retire { author: stranger(number).author_id(), last: vec![] }
}

fn next_epoch(roster: &Roster, members: &[u8]) -> Act {
    epoch_for(roster.state().epoch.number + 1, members)
}

/// Consent after consent, until no more fits in.
fn fill(roster: &mut Roster) {
    let present = EpochId(roster.state().epoch.id.0);
    loop {
        let act = Act::Consent { epoch: present, sealed: vec![].into(), until_ms: None };
        match say(roster, OWNER, vec![act]) {
            Ok(_) => {}
            filled => return breaks(filled, TOO_MANY_RECORDS),
        }
    }
}

/// Devices added and taken out by the owner until only narrowing fits in.
fn crowd(roster: &mut Roster) {
    for number in 0.. {
        let act = if number % 2 == 0 { add(number) } else { take_out(number - 1) };
        match say(roster, OWNER, vec![act]) {
            Ok(_) => {}
            filled => return breaks(filled, "a member had too many devices over the years"),
        }
    }
}

#[test]
fn a_share_has_at_most_8_members() {
    let all = (2..=MAX_SHARE_MEMBERS as u8).collect::<Vec<_>>();
    let mut roster = share_with(&all);
    let one_more = 1 + MAX_SHARE_MEMBERS as u8;
    let epoch = next_epoch(&roster, &(1..=one_more).collect::<Vec<_>>());
    breaks(say(&mut roster, OWNER, vec![enter(one_more), epoch]), "there are too many members");
    let left = [&[1], &all[1..], &[one_more]].concat();
    let swap = vec![leave(2), enter(one_more), next_epoch(&roster, &left)];
    say(&mut roster, OWNER, swap).unwrap();
}

#[test]
fn a_member_has_at_most_16_devices_at_a_time_and_48_over_the_years() {
    let mut roster = share_with(&[2]);
    let most = MAX_MEMBER_DEVICES as u32;
    say(&mut roster, 2, (0..most).map(add).collect()).unwrap();
    breaks(say(&mut roster, 2, vec![add(most)]), "a member has too many devices");
    say(&mut roster, 2, vec![take_out(0), add(most)]).unwrap();
    for number in 1..(MAX_MEMBER_DEVICES_EVER as u32 - most) {
        say(&mut roster, 2, vec![take_out(number), add(most + number)]).unwrap();
    }
    let ever = MAX_MEMBER_DEVICES_EVER as u32;
    let rule = "a member had too many devices over the years";
    breaks(say(&mut roster, 2, vec![take_out(ever - 1), add(ever)]), rule);
    say(&mut roster, OWNER, vec![add(ever)]).unwrap();
}

#[test]
fn names_consents_keys_and_heads_are_bounded() {
    let mut roster = two_members();
    let long = Party {
        sealed_name: vec![0; MAX_SEALED_NAME_BYTES + 1].into(),
        ..party(3, Role::Counsellor)
    };
    let acts = vec![Act::Enter { member: long }, epoch_for(3, &[1, 2, 3])];
    breaks(say(&mut roster, OWNER, acts), "a member's name is too long");
    let short = Party { kem: KemKey(vec![1; 32].into()), ..party(3, Role::Counsellor) };
    let acts = vec![Act::Enter { member: short }, epoch_for(3, &[1, 2, 3])];
    breaks(say(&mut roster, OWNER, acts), "a key-exchange key has the wrong length");

    let epoch = roster.state().epoch.id;
    let of = |len| Act::Consent { epoch, sealed: vec![0; len].into(), until_ms: None };
    breaks(
        say(&mut roster, OWNER, vec![of(MAX_SEALED_CONSENT_BYTES + 1)]),
        "a consent is too long",
    );
    say(&mut roster, OWNER, vec![of(MAX_SEALED_CONSENT_BYTES)]).unwrap();

    let slots = |count: usize| {
        (0..count).map(|at| {
            let mut slot = [0; 16];
            slot[..8].copy_from_slice(&at.to_be_bytes());
            last_head(mainstay_protocol::ids::SlotId(slot), 1)
        })
    };
    let rule = "a removal names too many heads";
    let heads = slots(MAX_REMOVAL_HEADS + 1).collect();
    let acts = vec![Act::Retire { author: author(12), last: heads }];
    breaks(say(&mut roster, OWNER, acts), rule);
    let of_12 = |last| AuthorLast { author: author(12), last };
    let heads = slots(MAX_REMOVAL_HEADS + 1).map(of_12).collect();
    let acts = vec![Act::Leave { member: member(2), last: heads }, epoch_for(3, &[1])];
    breaks(say(&mut roster, OWNER, acts), rule);
}

#[test]
fn a_counsellor_signs_a_bounded_number_of_records() {
    let mut roster = two_members();
    say(&mut roster, 2, vec![retire(12)]).unwrap();
    // As many as they can: every device in two records.
    let mut signed = 2;
    for number in 0.. {
        if let Err(error) = say(&mut roster, 2, vec![add(number)]) {
            breaks::<()>(Err(error), "a member had too many devices over the years");
            break;
        }
        say(&mut roster, 2, vec![take_out(number)]).unwrap();
        signed += 2;
    }
    assert_eq!(signed, 2 * MAX_MEMBER_DEVICES_EVER);
    say(&mut roster, 2, vec![leave(2)]).unwrap();
    say(&mut roster, OWNER, vec![certify(31), epoch_for(3, &[1])]).unwrap();
}

#[test]
fn counsellors_get_at_no_record_that_the_owner_needs() {
    let mut roster = two_members();
    let fits = MAX_ORDINARY_RECORDS - SHARE_RECORDS_FOR_THE_OWNER;
    while roster.records().count() < fits {
        let present = roster.state().epoch.id;
        let act = Act::Consent { epoch: present, sealed: vec![].into(), until_ms: None };
        say(&mut roster, OWNER, vec![act]).unwrap();
    }
    breaks(say(&mut roster, 2, vec![certify(22)]), TOO_MANY_RECORDS);
    say(&mut roster, OWNER, vec![certify(31)]).unwrap();
}

#[test]
fn where_ordinary_records_end_the_owner_still_takes_back_and_the_root_comes_after() {
    let mut roster = two_members();
    while roster.records().count() < MAX_ORDINARY_RECORDS {
        let present = roster.state().epoch.id;
        let act = Act::Consent { epoch: present, sealed: vec![].into(), until_ms: None };
        say(&mut roster, OWNER, vec![act]).unwrap();
    }
    breaks(say(&mut roster, OWNER, vec![certify(31)]), TOO_MANY_RECORDS);
    breaks(say(&mut roster, OWNER, vec![enter(3), epoch_for(3, &[1, 2, 3])]), TOO_MANY_RECORDS);
    say(&mut roster, OWNER, vec![retire(12)]).unwrap();
    let next = epoch_for(3, &[1]);
    say(&mut roster, OWNER, vec![leave(2), next.clone(), consent(&next, None)]).unwrap();
    fill(&mut roster);
    assert_eq!(roster.records().count(), MAX_ORDINARY_RECORDS + SHARE_RECORDS_FOR_NARROWING);
    breaks(say(&mut roster, OWNER, vec![rekey(3), epoch_for(4, &[3])]), TOO_MANY_RECORDS);
    roster.append(&take_back(&roster, roster.number(), 3, &[])).unwrap();
    say(&mut roster, 3, vec![certify(31)]).unwrap();
    say(&mut roster, 3, vec![enter(4), epoch_for(5, &[3, 4])]).unwrap();
}

#[test]
fn thief_after_thief_fills_a_share_and_the_root_always_comes_after() {
    let mut roster = founded_share();
    for round in 0..SHARE_MEMBERS_FOR_RECOVERIES as u8 {
        let owner = if round == 0 { OWNER } else { 100 + round - 1 };
        loop {
            let present = roster.state().epoch.id;
            let act = Act::Consent { epoch: present, sealed: vec![].into(), until_ms: None };
            if let Err(error) = say(&mut roster, owner, vec![act]) {
                breaks::<()>(Err(error), TOO_MANY_RECORDS);
                break;
            }
        }
        roster.append(&take_back(&roster, roster.number(), 100 + round, &[])).unwrap();
    }
    assert!(roster.records().count() < MAX_ROSTER_RECORDS);
}

#[test]
fn members_come_and_go_up_to_a_limit_and_the_root_beyond_it() {
    let mut roster = founded_share();
    for number in 0.. {
        let newcomer = Party { key: stranger(number), ..party(2, Role::Counsellor) };
        let gone = Act::Leave { member: newcomer.member(), last: vec![] };
        let acts = vec![Act::Enter { member: newcomer }, gone, next_epoch(&roster, &[OWNER])];
        if let Err(error) = say(&mut roster, OWNER, acts) {
            breaks::<()>(Err(error), "there were too many members over the years");
            break;
        }
    }
    let ever = MAX_SHARE_MEMBERS_EVER - SHARE_MEMBERS_FOR_RECOVERIES;
    assert_eq!(share(&roster).parties.len(), ever);
    roster.append(&take_back(&roster, roster.number(), 3, &[])).unwrap();
    say(&mut roster, 3, vec![certify(31)]).unwrap();
}

#[test]
fn devices_of_all_members_together_are_bounded_and_a_recovery_opens_room() {
    let mut roster = founded_share();
    let mut owner = OWNER;
    // A thief who changes the owner's keys again and again, each time with as many devices as fit.
    for round in 0.. {
        let first = round * 100;
        let mut result = Ok(0);
        for third in 0..3 {
            let from = first + third * 16;
            let acts = (from..from + 16).map(add).collect();
            result = result.and_then(|_| say(&mut roster, owner, acts));
            let acts = (from..from + 16).map(take_out).collect();
            result = result.and_then(|_| say(&mut roster, owner, acts));
        }
        if result.is_err() {
            breaks(result, TOO_MANY_DEVICES);
            break;
        }
        let next = 100 + round as u8;
        let swap = vec![rekey(next), next_epoch(&roster, &[next])];
        say(&mut roster, owner, swap).unwrap();
        owner = next;
    }
    assert_eq!(share(&roster).authors.len(), MAX_ORDINARY_SHARE_DEVICES);
    roster.append(&take_back(&roster, roster.number(), 3, &[])).unwrap();
    say(&mut roster, 3, (0..SHARE_DEVICES_PER_RECOVERY as u32).map(|n| add(90_000 + n)).collect())
        .unwrap();
    breaks(say(&mut roster, 3, vec![take_out(90_000), add(99_000)]), TOO_MANY_DEVICES);
}

#[test]
fn a_device_that_one_member_added_often_leaves_others_their_room() {
    let mut roster = share_with(&[2]);
    crowd(&mut roster);
    say(&mut roster, 2, vec![certify(12)]).unwrap();
}
