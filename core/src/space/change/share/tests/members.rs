//! Who comes, who goes, and their devices.

use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::Head;
use mainstay_protocol::ids::SlotId;
use mainstay_protocol::roster::LastHead;

use super::*;
use crate::space::CannotOpen;
use crate::space::wrap::unwrap;

#[test]
fn a_founded_share_opens_for_its_owner_and_for_its_root() {
    let world = World::new();
    assert_eq!(*world.roster.space(), world.root.share_id());
    let (owner, root) = (world.opened_by(&member(0)).unwrap(), world.opened_by_root());
    for keyring in [&owner, &root] {
        keyring.present(&world.roster).unwrap();
        assert!(keyring.space_key() == world.keyring.space_key());
    }
    let share = world.roster.state().share.clone().unwrap();
    let (id, party) = share.owner().unwrap();
    assert_eq!(*id, member(0).member_id());
    assert_eq!(owner.member_name(world.roster.space(), party).as_deref(), Some("Sam"));
    let bytes = world.roster.records_after(None)[0].body().to_vec();
    assert!(!bytes.windows(3).any(|window| window == b"Sam"));
}

#[test]
fn a_newcomer_opens_no_epoch_from_before_they_entered() {
    let mut world = World::new();
    world.epoch();
    world.enter(1);
    world.epoch();
    world.enter(2);
    let (first, second) =
        (world.opened_by(&member(1)).unwrap(), world.opened_by(&member(2)).unwrap());
    assert_eq!(world.opens(&first), [false, false, true, true, true]);
    assert_eq!(world.opens(&second), [false, false, false, false, true]);
    assert_eq!(world.opens(&world.opened_by(&member(0)).unwrap()), [true; 5]);
    assert_eq!(world.opens(&world.opened_by_root()), [true; 5]);
    // Nor does any record hand them an earlier key under a later one.
    let earlier = world.roster.records().flat_map(|(_, _, record)| &record.acts);
    assert!(earlier.into_iter().all(|act| match act {
        Act::Epoch(epoch) => epoch.previous.is_empty(),
        _ => true,
    }));
    // They name slots as everybody does.
    assert!(second.space_key() == world.keyring.space_key());
    // And read the names that were sealed since they came.
    let share = world.roster.state().share.clone().unwrap();
    let name = |number: u8| {
        let party = share.party(&member(number).member_id()).unwrap();
        second.member_name(world.roster.space(), party)
    };
    assert_eq!(name(2).as_deref(), Some("counsellor 2"));
    assert_eq!((name(0), name(1)), (None, None));
}

#[test]
fn a_removed_member_opens_no_later_epoch() {
    let mut world = World::new();
    world.enter(1);
    world.enter(2);
    world.opened_by(&member(1)).unwrap().present(&world.roster).unwrap();
    world.leave(1);
    world.epoch();
    let gone = world.opened_by(&member(1)).unwrap();
    assert_eq!(world.opens(&gone), [false, true, true, false, false]);
    assert_eq!(gone.present(&world.roster).unwrap_err(), KeyringError::Missing);
    for keys in [member(0), member(2)] {
        world.opened_by(&keys).unwrap().present(&world.roster).unwrap();
    }
    // They come back only as somebody new.
    let at = (&world.roster, &world.keyring);
    let again = Newcomer::member(&member(1), "again");
    assert!(is_rule(&enter(&mut world.rng, at, &world.owner, &again)));
    world.enter(7);
    let back = world.opened_by(&member(7)).unwrap();
    assert_eq!(world.opens(&back), [false, false, false, false, false, true]);
}

#[test]
fn a_counsellor_goes_by_themselves_and_the_owner_shuts_the_door() {
    let mut world = World::new();
    world.enter(1);
    let change = leave_self(&world.roster, &member(1), vec![]).unwrap();
    assert!(change.epoch.is_none() && change.wraps.is_empty());
    world.take(change);
    world.epoch();
    let gone = world.opened_by(&member(1)).unwrap();
    assert_eq!(gone.present(&world.roster).unwrap_err(), KeyringError::Missing);
    assert!(is_rule(&leave_self(&world.roster, &world.owner, vec![])), "an owner stays");
}

#[test]
fn a_wrap_moved_to_another_member_space_or_epoch_does_not_open() {
    let mut world = World::new();
    world.enter(1);
    world.enter(2);
    world.epoch();
    let space = world.roster.space();
    let of = |number: u8| {
        let to = member(number).signer();
        world.wraps.iter().filter(move |wrap| wrap.to == to).cloned().collect::<Vec<_>>()
    };
    let (one, two) = (of(1), of(2));
    assert_eq!((one.len(), two.len()), (3, 2));
    let (kem, last) = (member(1).kem, one.last().unwrap());
    unwrap(space, last, &kem).unwrap();
    let moved = [
        Wrap { to: member(2).signer(), ..last.clone() },
        Wrap { to: Signer::Recovery, ..last.clone() },
        Wrap { epoch: one[0].epoch, ..last.clone() },
        Wrap { parent: one[0].parent, ..last.clone() },
        Wrap { sealed: two.last().unwrap().sealed.clone(), ..last.clone() },
    ];
    for moved in moved {
        assert_eq!(unwrap(space, &moved, &kem).unwrap_err(), CannotOpen);
    }
    let other = World::seeded(2);
    assert_eq!(unwrap(other.roster.space(), last, &kem).unwrap_err(), CannotOpen);
    // A share of other keys by the same people: its wraps are named in no record of this one.
    let keyring = Keyring::open(&world.roster, &other.wraps, member(0).signer(), &member(0).kem);
    assert_eq!(keyring.unwrap_err(), KeyringError::Missing);
}

#[test]
fn a_member_adds_their_devices_and_the_owner_takes_out_anybodys() {
    let mut world = World::new();
    world.enter(1);
    world.enter(2);
    let space = *world.roster.space();
    for (whose, number) in [(0, 10), (1, 11), (2, 12)] {
        let change = certify(&world.roster, &member(whose), &device(number, &space)).unwrap();
        world.take(change);
        assert!(world.roster.state().is_active(&device(number, &space).author_id()));
    }
    let again = certify(&world.roster, &member(1), &device(12, &space));
    assert!(is_rule(&again), "a device is one member's");
    let (own, others) = (device(11, &space).author_id(), device(12, &space).author_id());
    assert!(is_rule(&retire(&world.roster, &member(1), &others, vec![])));
    let (slot, head) = (SlotId([1; 16]), Head { seq: 3, hash: Hash([1; 32]) });
    let last = vec![LastHead { slot, head }];
    let change = retire(&world.roster, &member(1), &own, last).unwrap();
    world.take(change);
    let change = retire(&world.roster, &world.owner, &others, vec![]).unwrap();
    world.take(change);
    let state = world.roster.state();
    assert!(!state.is_active(&own) && !state.is_active(&others));
    assert_eq!(state.end_of_chain(&own, &slot), Some(Some(head)));
    assert!(is_rule(&certify(&world.roster, &member(1), &device(11, &space))));
}

#[test]
fn a_counsellor_lets_nobody_in_and_out_and_consents_to_nothing() {
    let mut world = World::new();
    world.enter(1);
    world.enter(2);
    let (rng, at, me) = (&mut world.rng, (&world.roster, &world.keyring), member(1));
    let other = member(2).member_id();
    assert!(is_rule(&enter(rng, at, &me, &Newcomer::member(&member(3), "friend"))));
    assert!(is_rule(&leave(rng, at, &me, &other, vec![])));
    assert!(is_rule(&revoke(rng, at, &me, &[other], vec![], Some((b"all", None)))));
    assert!(is_rule(&start_share_epoch(rng, at, &me)));
    assert!(is_rule(&consent(rng, at, &me, (b"all", None))));
    assert!(is_rule(&rekey(rng, at, &me, &member(3), "me", vec![])));
    // A stranger does not even sign.
    assert!(is_rule(&certify(at.0, &member(9), &device(1, at.0.space()))));
}

#[test]
fn the_records_of_private_spaces_and_shares_do_not_mix() {
    let mut world = World::new();
    let device = DeviceSecret::make(&mut world.rng).keys(world.roster.space(), 0);
    let change = certify(&world.roster, &world.owner, &device.author.verify_key()).unwrap();
    world.take(change);
    let at = (&world.roster, &world.keyring);
    let rng = &mut world.rng;
    let newcomer = Newcomer::own(&device, "phone");
    assert!(is_rule(&crate::space::change::admit(rng, at, &device.author, &newcomer)));
    assert!(is_rule(&crate::space::change::start_epoch(rng, at, &device.author)));
}

#[test]
fn heads_are_named_for_those_who_go_and_nobody_else() {
    let mut world = World::new();
    let space = *world.roster.space();
    for number in [1, 2] {
        world.enter(number);
        let change = certify(&world.roster, &member(number), &device(number, &space)).unwrap();
        world.take(change);
    }
    let last = |number: u8, slot: u8| AuthorLast {
        author: device(number, &space).author_id(),
        last: LastHead { slot: SlotId([slot; 16]), head: Head { seq: 2, hash: Hash([3; 32]) } },
    };
    let at = (&world.roster, &world.keyring);
    let one = member(1).member_id();
    let wrong = revoke(&mut world.rng, at, &world.owner, &[one], vec![last(2, 1)], None);
    assert_eq!(wrong.unwrap_err(), ChangeError::NoMember);
    let both = [one, member(2).member_id()];
    let heads = vec![last(1, 1), last(2, 2)];
    let change = revoke(&mut world.rng, at, &world.owner, &both, heads, None).unwrap();
    world.take(change);
    let state = world.roster.state();
    let end = |number: u8, slot: u8| {
        let author = device(number, &space).author_id();
        state.end_of_chain(&author, &SlotId([slot; 16])).unwrap().map(|head| head.seq)
    };
    assert_eq!([end(1, 1), end(1, 2), end(2, 1), end(2, 2)], [Some(2), None, None, Some(2)]);
}
