//! Records of shares made by somebody hostile with real keys: whatever they say, nothing panics, and
//! what every state of a share promises still holds.

use mainstay_protocol::codec;
use mainstay_protocol::limits::{MAX_MEMBER_DEVICES, MAX_SHARE_MEMBERS};
use mainstay_protocol::roster::{Act, Record, Role, Roster, State};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::share_world::*;
use crate::world::*;

/// Any act about a handful of keys; epochs are for whom they should be or for somebody else.
fn act() -> impl Strategy<Value = Act> {
    let who = 1..8_u8;
    let members = vec(1..5_u8, 0..4);
    prop_oneof![
        who.clone().prop_map(enter),
        who.clone().prop_map(leave),
        who.clone().prop_map(rekey),
        who.clone().prop_map(certify),
        who.clone().prop_map(retire),
        who.prop_map(share_of),
        (1..6_u32, members).prop_map(|(number, members)| epoch_for(number, &members)),
        (1..6_u32, any::<Option<u64>>())
            .prop_map(|(number, until)| consent(&epoch_for(number, &[]), until)),
        Just(Act::Recover),
        Just(found()),
    ]
}

fn signer() -> impl Strategy<Value = u8> {
    prop_oneof![4 => 1..8_u8, 1 => Just(PHRASE)]
}

/// The right epoch after `acts`, so that some of them come through.
fn with_epoch(roster: &Roster, mut acts: Vec<Act>) -> Vec<Act> {
    let mut present: Vec<u8> =
        (1..8).filter(|n| share(roster).party(&member(*n)).is_some()).collect();
    for act in &acts {
        match act {
            Act::Enter { member } => present.extend((1..8).find(|n| key(*n) == member.key)),
            Act::Leave { member: gone, .. } => present.retain(|n| member(*n) != *gone),
            Act::Rekey { owner, .. } => {
                let old = share(roster).owner().map(|(id, _)| *id);
                present.retain(|n| Some(member(*n)) != old);
                present.extend((1..8).find(|n| key(*n) == owner.key));
            }
            _ => {}
        }
    }
    acts.push(epoch_for(roster.state().epoch.number + 1, &present));
    acts
}

fn holds(state: &State) {
    let share = state.share.as_ref().unwrap();
    assert!(state.members.is_empty());
    let owners = share.present().filter(|(_, party)| party.role == Role::Owner);
    assert_eq!(owners.count(), 1);
    assert!(share.present().count() <= MAX_SHARE_MEMBERS);
    for (id, _) in share.present() {
        let living = share.authors.iter().filter(|(a, s)| s.member == *id && share.is_active(a));
        assert!(living.count() <= MAX_MEMBER_DEVICES);
    }
    let keys = share.parties.values().map(|state| &state.party.key);
    let keys = keys.chain(share.authors.values().map(|state| &state.key));
    let mut keys: Vec<_> = keys.chain([&state.recovery]).collect();
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), all, "a key is used twice");
    for (author, of) in &share.authors {
        let gone = share.party(&of.member).is_none();
        assert!(!gone || of.ended.is_some(), "a device outlives its member");
        assert_eq!(
            state.key(&mainstay_protocol::frame::Signer::Device(*author)).is_some(),
            of.ended.is_none()
        );
    }
}

/// What a counsellor's record may change: their own devices, and whether they are in.
fn counsellor_changed_only_their_own(before: &State, after: &State, signer: u8) {
    let (was, is) = (before.share.as_ref().unwrap(), after.share.as_ref().unwrap());
    assert_eq!((&before.epoch, &was.consent), (&after.epoch, &is.consent));
    for (id, party) in &is.parties {
        assert!(*id == member(signer) || was.parties.get(id) == Some(party));
    }
    for (author, state) in &is.authors {
        assert!(state.member == member(signer) || was.authors.get(author) == Some(state));
    }
}

proptest! {
    #[test]
    fn whatever_members_of_a_share_say_its_promises_hold(
        records in vec((signer(), vec(act(), 0..4), any::<bool>()), 1..24),
    ) {
        let mut roster = share_with(&[2]);
        for (signer, acts, helped) in records {
            let acts = if helped { with_epoch(&roster, acts) } else { acts };
            let before = roster.clone();
            let owner = *share(&roster).owner().unwrap().0;
            if say(&mut roster, signer, acts).is_err() {
                prop_assert_eq!(&roster, &before);
                continue;
            }
            holds(roster.state());
            if signer != PHRASE && member(signer) != owner {
                counsellor_changed_only_their_own(before.state(), roster.state(), signer);
            }
        }
        let sparse = Roster::verify_sparse(space(), &roster.records_after(None)).unwrap();
        prop_assert_eq!(sparse.state(), roster.state());
    }

    #[test]
    fn records_of_a_share_altered_and_signed_again_do_not_panic(
        which in any::<prop::sample::Index>(),
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        signer in signer(),
    ) {
        let roster = two_members();
        let next = epoch_for(3, &[1, 2]);
        let bodies = [
            vec![certify(13), retire(11)],
            vec![enter(3), epoch_for(3, &[1, 2, 3])],
            vec![leave(2), epoch_for(3, &[1]), consent(&epoch_for(3, &[]), Some(5))],
            vec![rekey(3), epoch_for(3, &[2, 3])],
            vec![Act::Recover, rekey(3), epoch_for(3, &[2, 3])],
            vec![consent(&next, None), next],
        ];
        let record = next_of(&roster, signer, bodies[which.index(bodies.len())].clone());
        let mut bytes = codec::encode(&record);
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(altered) = codec::decode::<Record>(&bytes)
            && roster.clone().append(&sign(&altered, signer)).is_ok()
        {
            let mut followed = roster;
            followed.append(&sign(&altered, signer)).unwrap();
            holds(followed.state());
        }
    }
}
