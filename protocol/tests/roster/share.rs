//! What one record of a share may do.

use mainstay_protocol::frame::Signer;
use mainstay_protocol::ids::SlotId;
use mainstay_protocol::roster::{Act, Party, Record, Role, Roster, RosterError, SealedKey};

use crate::share_world::*;
use crate::world::*;

const NO_ACT: &str = "an act stands where it may not";
const OWN_DEVICES: &str = "a counsellor only adds and takes out their own devices";
const KEY_USED: &str = "a key was used in this share before";

fn verify(acts: Vec<Act>) -> Result<Roster, RosterError> {
    Roster::verify(space(), &[sign(&Record { acts, ..founding() }, PHRASE)])
}

#[test]
fn the_root_founds_a_share_with_one_owner_and_an_epoch() {
    let roster = founded_share();
    let (owner, party) = share(&roster).owner().unwrap();
    assert_eq!((*owner, party.role), (member(OWNER), Role::Owner));
    assert_eq!(roster.state().epoch.number, 1);
    let recipients = roster.state().recipients().into_iter().map(|(to, _)| to);
    assert_eq!(recipients.collect::<Vec<_>>(), [by(OWNER), by(PHRASE)]);
    assert_eq!(roster.state().key(&by(OWNER)), Some(&key(OWNER)));
}

#[test]
fn a_share_is_founded_by_exactly_its_three_acts() {
    for acts in [
        vec![found(), share_of(OWNER)],
        vec![found(), epoch_for(1, &[OWNER]), share_of(OWNER)],
        vec![found(), share_of(OWNER), share_of(2), epoch_for(1, &[OWNER, 2])],
        vec![found(), share_of(OWNER), admit_unwrapped(0), epoch_for(1, &[OWNER])],
        vec![found(), share_of(OWNER), epoch_for(1, &[OWNER]), certify(11)],
        vec![share_of(OWNER), epoch_for(1, &[OWNER])],
    ] {
        assert!(matches!(verify(acts), Err(RosterError::Rule { number: 0, .. })));
    }
    let counsellor = Act::Share { owner: party(OWNER, Role::Counsellor) };
    let rule = "a member comes with another role than it may have";
    breaks(verify(vec![found(), counsellor, epoch_for(1, &[OWNER])]), rule);
    let rule = "an epoch is wrapped for all members and the root key";
    breaks(verify(vec![found(), share_of(OWNER), epoch_for(1, &[])]), rule);
    let rule = "an epoch's number is not the next one";
    breaks(verify(vec![found(), share_of(OWNER), epoch_for(2, &[OWNER])]), rule);
    let root = Act::Share { owner: Party { key: key(PHRASE), ..party(OWNER, Role::Owner) } };
    breaks(verify(vec![found(), root, epoch_for(1, &[OWNER])]), KEY_USED);
    let other = sign(&share_founding(), OWNER);
    assert!(matches!(
        Roster::verify(space(), &[other]),
        Err(RosterError::Record { number: 0, .. })
    ));
}

#[test]
fn acts_of_a_private_space_do_nothing_in_a_share() {
    let mut roster = two_members();
    for act in [found(), share_of(3), admit(3), remove(11), Act::Recover] {
        breaks(say(&mut roster, OWNER, vec![act]), NO_ACT);
    }
    let heal = || vec![Act::Heal { branch: roster.records_after(None) }, epoch_for(3, &[1, 2])];
    breaks(say(&mut roster.clone(), OWNER, heal()), NO_ACT);
    breaks(say(&mut roster.clone(), 2, heal()), OWN_DEVICES);
}

#[test]
fn acts_of_a_share_do_nothing_in_a_private_space() {
    let mut roster = with(&[1]);
    let Act::Epoch(next) = epoch(2, &[0, 1]) else { unreachable!() };
    let consent = Act::Consent { epoch: next.id, sealed: vec![1].into(), until_ms: None };
    for act in [share_of(3), enter(3), leave(3), certify(3), retire(1), rekey(3), consent] {
        breaks(put(&mut roster, 0, vec![act]), NO_ACT);
    }
    let record = Record { signer: by(1), ..next_of(&roster, 1, vec![epoch(2, &[0, 1])]) };
    breaks(roster.append(&sign(&record, 1)), "its signer may not act in this space");
}

#[test]
fn no_device_signs_a_record_of_a_share() {
    let mut roster = two_members();
    for device in [11, 12] {
        let record = Record {
            signer: Signer::Device(author(device)),
            ..next_of(&roster, device, vec![certify(13)])
        };
        let rule = "a share's records are signed by its members";
        breaks(roster.append(&sign(&record, device)), rule);
    }
}

#[test]
fn a_record_that_says_nothing_is_refused() {
    for signer in [OWNER, 2] {
        breaks(say(&mut two_members(), signer, vec![]), "it does nothing");
    }
}

#[test]
fn the_owner_lets_a_counsellor_in_with_a_new_epoch() {
    let mut roster = founded_share();
    let rule = "a change of members must start an epoch";
    breaks(say(&mut roster, OWNER, vec![enter(2)]), rule);
    breaks(say(&mut roster, OWNER, vec![epoch_for(2, &[OWNER]), enter(2)]), rule);
    say(&mut roster, OWNER, vec![enter(2), epoch_for(2, &[OWNER, 2])]).unwrap();
    assert!(share(&roster).party(&member(2)).is_some());
    let rule = "a member comes with another role than it may have";
    let second = Act::Enter { member: party(3, Role::Owner) };
    breaks(say(&mut roster, OWNER, vec![second, epoch_for(3, &[OWNER, 2, 3])]), rule);
}

#[test]
fn an_epoch_of_a_share_goes_to_all_members_and_the_root_and_to_nobody_else() {
    let mut roster = two_members();
    let rule = "an epoch is wrapped for all members and the root key";
    for members in [&[OWNER][..], &[2], &[OWNER, 2, 2], &[OWNER, 2, 3]] {
        breaks(say(&mut roster, OWNER, vec![epoch_for(3, members)]), rule);
    }
    let Act::Epoch(mut rootless) = epoch_for(3, &[OWNER, 2]) else { unreachable!() };
    rootless.wraps.pop();
    breaks(say(&mut roster, OWNER, vec![Act::Epoch(rootless)]), rule);
    say(&mut roster, OWNER, vec![epoch_for(3, &[2, OWNER])]).unwrap();
}

#[test]
fn an_epoch_of_a_share_holds_no_earlier_key_so_that_a_newcomer_opens_nothing_older() {
    let mut roster = founded_share();
    let Act::Epoch(mut next) = epoch_for(2, &[OWNER, 2]) else { unreachable!() };
    let earlier = roster.state().epoch.id;
    next.previous = vec![SealedKey { epoch: earlier, sealed: vec![1; 72].into() }];
    let rule = "an epoch of a share holds no earlier keys";
    breaks(say(&mut roster, OWNER, vec![enter(2), Act::Epoch(next)]), rule);
}

#[test]
fn a_record_starts_one_epoch_and_holds_one_consent() {
    let mut roster = two_members();
    let (third, fourth) = (epoch_for(3, &[1, 2]), epoch_for(4, &[1, 2]));
    breaks(say(&mut roster, OWNER, vec![third.clone(), fourth]), "a record starts two epochs");
    let twice = vec![third.clone(), consent(&third, None), consent(&third, Some(1))];
    breaks(say(&mut roster, OWNER, twice), "it consents twice");
}

#[test]
fn a_counsellor_lets_nobody_in_and_nobody_out_and_consents_to_nothing() {
    let mut roster = share_with(&[2, 3]);
    say(&mut roster, 3, vec![certify(13)]).unwrap();
    let epoch = || epoch_for(4, &[1, 2, 3]);
    for acts in [
        vec![enter(4), epoch_for(4, &[1, 2, 3, 4])],
        vec![leave(3), epoch_for(4, &[1, 2])],
        vec![leave(3)],
        vec![leave(OWNER)],
        vec![leave(2), epoch_for(4, &[1, 3])],
        vec![certify(12), leave(2)],
        vec![retire(13)],
        vec![rekey(5), epoch_for(4, &[2, 3, 5])],
        vec![epoch()],
        vec![consent(&epoch_for(3, &[]), None)],
        vec![certify(12), consent(&epoch_for(3, &[]), None)],
    ] {
        breaks(say(&mut roster, 2, acts), OWN_DEVICES);
    }
    assert_eq!(present(&roster).len(), 3);
}

#[test]
fn a_member_adds_and_takes_out_devices_of_their_own() {
    let mut roster = share_with(&[2]);
    say(&mut roster, OWNER, vec![certify(11)]).unwrap();
    say(&mut roster, 2, vec![certify(12), certify(22)]).unwrap();
    assert!(roster.state().is_active(&author(12)));
    assert_eq!(share(&roster).author_of(&author(12)), Some((member(2), Role::Counsellor)));
    let end = Act::Retire { author: author(12), last: vec![last_head(SLOT, 5)] };
    say(&mut roster, 2, vec![end]).unwrap();
    let state = roster.state();
    assert!(!state.is_active(&author(12)) && state.is_active(&author(22)));
    assert_eq!(state.admits_place(&author(12), &SLOT, 5), Some(true));
    assert_eq!(state.admits_place(&author(12), &SLOT, 6), Some(false));
    assert_eq!(state.admits_place(&author(12), &SlotId([0; 16]), 1), Some(false));
    let rule = "it takes out a device that is not there";
    breaks(say(&mut roster, 2, vec![retire(12)]), rule);
    breaks(say(&mut roster, 2, vec![retire(99)]), rule);
}

#[test]
fn the_owner_takes_out_anybodys_device() {
    let mut roster = two_members();
    say(&mut roster, OWNER, vec![retire(12), retire(11)]).unwrap();
    assert!(!roster.state().is_active(&author(11)) && !roster.state().is_active(&author(12)));
}

#[test]
fn nobody_certifies_for_somebody_else() {
    let mut roster = two_members();
    say(&mut roster, OWNER, vec![certify(13)]).unwrap();
    assert_eq!(share(&roster).author_of(&author(13)), Some((member(OWNER), Role::Owner)));
    assert!(roster.state().may_cover(&author(13), &author(11)));
    assert!(!roster.state().may_cover(&author(13), &author(12)));
}

#[test]
fn a_member_who_goes_takes_all_their_devices_with_them() {
    let mut roster = two_members();
    say(&mut roster, 2, vec![certify(22)]).unwrap();
    let acts = |epoch| {
        let last = vec![last(12, 5)];
        vec![Act::Leave { member: member(2), last }, epoch]
    };
    let rule = "an epoch is wrapped for all members and the root key";
    breaks(say(&mut roster, OWNER, acts(epoch_for(3, &[OWNER, 2]))), rule);
    breaks(say(&mut roster, OWNER, vec![leave(2)]), "a change of members must start an epoch");
    say(&mut roster, OWNER, acts(epoch_for(3, &[OWNER]))).unwrap();
    let state = roster.state();
    assert!(!state.is_active(&author(12)) && !state.is_active(&author(22)));
    assert_eq!(state.key(&by(2)), None);
    assert_eq!(state.known_key(&by(2)), Some(&key(2)));
    assert_eq!(state.admits_place(&author(12), &SLOT, 5), Some(true));
    assert_eq!(state.admits_place(&author(12), &SLOT, 6), Some(false));
    assert_eq!(state.end_of_chain(&author(22), &SLOT), Some(None));
    breaks(say(&mut roster, 2, vec![certify(32)]), "its signer may not act in this space");
    breaks(
        say(&mut roster, OWNER, vec![leave(2), epoch_for(4, &[OWNER])]),
        "it removes a member that is not there",
    );
}

#[test]
fn a_removal_names_heads_of_the_removed_members_devices_only() {
    let mut roster = two_members();
    let rule = "it names heads of a device that is not theirs";
    for other in [11, 99] {
        let removal = Act::Leave { member: member(2), last: vec![last(other, 5)] };
        breaks(say(&mut roster, OWNER, vec![removal, epoch_for(3, &[OWNER])]), rule);
    }
    let own = Act::Rekey { owner: party(3, Role::Owner), last: vec![last(12, 5)] };
    breaks(say(&mut roster, OWNER, vec![own, epoch_for(3, &[2, 3])]), rule);
}

#[test]
fn a_counsellor_leaves_alone_and_the_next_epoch_is_without_them() {
    let mut roster = two_members();
    let before = roster.state().epoch.clone();
    say(&mut roster, 2, vec![leave(2)]).unwrap();
    assert_eq!(roster.state().epoch, before);
    assert!(!roster.state().is_active(&author(12)));
    let recipients = roster.state().recipients().into_iter().map(|(to, _)| to);
    assert_eq!(recipients.collect::<Vec<_>>(), [by(OWNER), by(PHRASE)]);
    say(&mut roster, OWNER, vec![epoch_for(3, &[OWNER])]).unwrap();
}

#[test]
fn the_owner_does_not_leave() {
    let rule = "the owner cannot leave; remove the others instead";
    breaks(say(&mut two_members(), OWNER, vec![leave(OWNER), epoch_for(3, &[2])]), rule);
    breaks(say(&mut founded_share(), OWNER, vec![leave(OWNER)]), rule);
    // Nor under the keys that the same record gives them: nobody would own the share then.
    let acts = vec![rekey(3), leave(3), epoch_for(3, &[2])];
    breaks(say(&mut two_members(), OWNER, acts), rule);
}

#[test]
fn the_owner_goes_on_under_new_keys_and_the_old_devices_are_out() {
    let mut roster = two_members();
    breaks(say(&mut roster, OWNER, vec![rekey(3)]), "a change of members must start an epoch");
    let swap = Act::Rekey { owner: party(3, Role::Owner), last: vec![last(11, 5)] };
    say(&mut roster, OWNER, vec![swap, epoch_for(3, &[2, 3])]).unwrap();
    assert_eq!(share(&roster).owner().unwrap().0, &member(3));
    assert!(!roster.state().is_active(&author(11)) && roster.state().is_active(&author(12)));
    assert_eq!(roster.state().admits_place(&author(11), &SLOT, 5), Some(true));
    breaks(say(&mut roster, OWNER, vec![certify(31)]), "its signer may not act in this space");
    say(&mut roster, 3, vec![certify(31)]).unwrap();
    assert!(roster.state().may_cover(&author(31), &author(11)), "to take back what they said");
    assert!(!roster.state().may_cover(&author(31), &author(12)));
    assert!(!roster.state().may_cover(&author(12), &author(11)));
}

#[test]
fn a_change_of_keys_adds_no_device_and_comes_with_new_keys_as_owner() {
    let mut roster = two_members();
    let epoch = || epoch_for(3, &[2, 3]);
    let rule = "a record that changes the owner's keys adds no device";
    breaks(say(&mut roster, OWNER, vec![rekey(3), certify(31), epoch()]), rule);
    breaks(say(&mut roster, OWNER, vec![certify(31), rekey(3), epoch()]), rule);
    let twice = vec![rekey(3), rekey(4), epoch_for(3, &[2, 4])];
    breaks(say(&mut roster, OWNER, twice), "the owner's keys change twice");
    let lesser = Act::Rekey { owner: party(3, Role::Counsellor), last: vec![] };
    let rule = "a member comes with another role than it may have";
    breaks(say(&mut roster, OWNER, vec![lesser, epoch()]), rule);
    let half = Party { kem: kem(OWNER), ..party(3, Role::Owner) };
    let half = Act::Rekey { owner: half, last: vec![] };
    breaks(say(&mut roster, OWNER, vec![half, epoch()]), "the owner's new keys are the old ones");
}

#[test]
fn a_consent_replaces_the_one_before_and_is_sealed_under_the_present_epoch() {
    let mut roster = two_members();
    let (present, next) = (epoch_for(2, &[1, 2]), epoch_for(3, &[1, 2]));
    say(&mut roster, OWNER, vec![consent(&present, Some(1000))]).unwrap();
    let given = share(&roster).consent.clone().unwrap();
    assert_eq!((given.record, given.until_ms), (roster.number(), Some(1000)));
    assert!(!share(&roster).has_expired(1000) && share(&roster).has_expired(1001));
    let rule = "a consent is not sealed under the present epoch";
    breaks(say(&mut roster, OWNER, vec![consent(&next, None)]), rule);
    breaks(say(&mut roster, OWNER, vec![consent(&present, None), next.clone()]), rule);
    breaks(say(&mut roster, OWNER, vec![next.clone(), consent(&present, None)]), rule);
    say(&mut roster, OWNER, vec![next.clone(), consent(&next, None)]).unwrap();
    assert!(!share(&roster).has_expired(u64::MAX));
    let after = epoch_for(4, &[1, 2]);
    say(&mut roster, OWNER, vec![after]).unwrap();
    assert_eq!(share(&roster).consent.as_ref().unwrap().epoch, given_epoch(&next), "it stays");
}

fn given_epoch(act: &Act) -> mainstay_protocol::ids::EpochId {
    let Act::Epoch(epoch) = act else { unreachable!() };
    epoch.id
}

#[test]
fn removal_epoch_and_consent_stand_in_one_record() {
    let mut roster = share_with(&[2, 3]);
    let next = epoch_for(4, &[1, 3]);
    let acts = vec![leave(2), next.clone(), consent(&next, Some(9))];
    say(&mut roster, OWNER, acts).unwrap();
    assert_eq!(present(&roster).len(), 2);
}

#[test]
fn no_key_is_used_twice_and_none_comes_back() {
    let mut roster = share_with(&[2, 3]);
    say(&mut roster, 2, vec![certify(12)]).unwrap();
    say(&mut roster, 2, vec![retire(12)]).unwrap();
    say(&mut roster, OWNER, vec![leave(3), epoch_for(4, &[1, 2])]).unwrap();
    for used in [12, 2, 3, OWNER, PHRASE] {
        for signer in [OWNER, 2] {
            breaks(say(&mut roster, signer, vec![certify(used)]), KEY_USED);
        }
        let entry = vec![enter(used), epoch_for(5, &[1, 2])];
        breaks(say(&mut roster, OWNER, entry), KEY_USED);
        let swap =
            Act::Rekey { owner: Party { kem: kem(77), ..party(used, Role::Owner) }, last: vec![] };
        breaks(say(&mut roster, OWNER, vec![swap, epoch_for(5, &[1, 2])]), KEY_USED);
    }
    breaks(say(&mut roster, 2, vec![certify(13), certify(13)]), KEY_USED);
    let both = vec![enter(4), enter(4), epoch_for(5, &[1, 2, 4])];
    breaks(say(&mut roster, OWNER, both), KEY_USED);
}

#[test]
fn a_record_signed_by_another_member_is_refused_and_changes_nothing() {
    let mut roster = two_members();
    let before = roster.clone();
    let record = next_of(&roster, OWNER, vec![retire(12)]);
    let error = roster.append(&sign(&record, 2)).unwrap_err();
    assert!(matches!(error, RosterError::Record { .. }), "{error}");
    breaks(say(&mut roster, 9, vec![certify(19)]), "its signer may not act in this space");
    assert_eq!(roster, before);
}
