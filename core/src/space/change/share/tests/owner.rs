//! An owner who goes on under other keys, and a share that is taken back.

use super::*;

fn rekeyed(world: &mut World, old: &MemberKeys, new: &MemberKeys) {
    let at = (&world.roster, &world.keyring);
    let change = rekey(&mut world.rng, at, old, new, "Sam", vec![]).unwrap();
    world.take(change);
}

#[test]
fn after_a_change_of_keys_the_old_ones_open_and_sign_nothing_new() {
    let mut world = World::new();
    world.enter(1);
    let space = *world.roster.space();
    let change = certify(&world.roster, &world.owner, &device(1, &space)).unwrap();
    world.take(change);
    let (old, new) = (member(0), member(50));
    rekeyed(&mut world, &old, &new);
    assert!(!world.roster.state().is_active(&device(1, &space).author_id()));
    let before = world.opened_by(&old).unwrap();
    assert_eq!(before.present(&world.roster).unwrap_err(), KeyringError::Missing);
    let at = (&world.roster, &world.keyring);
    assert!(is_rule(&start_share_epoch(&mut world.rng, at, &old)));
    assert!(is_rule(&certify(&world.roster, &old, &device(2, &space))));
    // The new ones do, whoever was there reads on, and slots keep their names.
    let mine = world.opened_by(&new).unwrap();
    for keyring in [&mine, &world.opened_by(&member(1)).unwrap(), &world.opened_by_root()] {
        keyring.present(&world.roster).unwrap();
        assert!(keyring.space_key() == world.keyring.space_key());
    }
    let share = world.roster.state().share.clone().unwrap();
    let (id, party) = share.owner().unwrap();
    assert_eq!(*id, new.member_id());
    assert_eq!(mine.member_name(&space, party).as_deref(), Some("Sam"));
    certify(&world.roster, &new, &device(2, &space)).unwrap();
    // Keys that were used once are not taken again.
    let at = (&world.roster, &world.keyring);
    assert!(is_rule(&rekey(&mut world.rng, at, &new, &old, "Sam", vec![])));
}

#[test]
fn an_owner_keeps_what_they_could_open_when_their_keys_change() {
    let mut world = World::new();
    world.epoch();
    let mut keyring = world.opened_by(&member(0)).unwrap();
    rekeyed(&mut world, &member(0), &member(50));
    let new = member(50);
    keyring.absorb(&world.roster, &world.wraps, new.signer(), &new.kem);
    assert_eq!(world.opens(&keyring), [true; 3]);
    let restored = world.opened_by(&new).unwrap();
    assert_eq!(world.opens(&restored), [false, false, true]);
}

#[test]
fn the_root_voids_a_thiefs_change_of_keys() {
    let mut world = World::new();
    world.enter(1);
    let safe = world.roster.head();
    // A stolen phone knew the owner's keys: it puts its own in their place and lets a friend in.
    let thief = member(66);
    rekeyed(&mut world, &member(0), &thief);
    let friend = Newcomer::member(&member(67), "friend");
    let at = (&world.roster, &world.keyring);
    let change = enter(&mut world.rng, at, &thief, &friend).unwrap();
    world.take(change);
    let at = (&world.roster, &world.keyring);
    assert!(is_rule(&start_share_epoch(&mut world.rng, at, &world.owner)), "locked out");

    let (keyring, new) = (world.opened_by_root(), member(50));
    let at = (&world.roster, &keyring);
    let change = recover_share(&mut world.rng, at, &world.root, &new, "Sam", safe).unwrap();
    world.take(change);
    let share = world.roster.state().share.clone().unwrap();
    let present: Vec<_> = share.present().map(|(id, _)| *id).collect();
    assert_eq!(present.len(), 2);
    assert!([new.member_id(), member(1).member_id()].iter().all(|id| present.contains(id)));
    for keys in [&new, &member(1)] {
        world.opened_by(keys).unwrap().present(&world.roster).unwrap();
    }
    // Neither the thief's keys nor the ones they stole open or sign anything now.
    for keys in [member(0), thief, member(67)] {
        assert!(world.opened_by(&keys).and_then(|k| k.present(&world.roster).cloned()).is_err());
        let at = (&world.roster, &world.keyring);
        assert!(is_rule(&start_share_epoch(&mut world.rng, at, &keys)));
    }
    let at = (&world.roster, &world.keyring);
    start_share_epoch(&mut world.rng, at, &new).unwrap();
}

#[test]
fn rubbish_wrapped_for_the_root_does_not_stop_it() {
    let mut world = World::new();
    let safe = world.roster.head();
    // The thief starts an epoch under another key of the space: the root's wrap holds that one.
    let present = EpochKey::from_bytes(*world.keyring.present(&world.roster).unwrap().bytes());
    let fake = Keyring::new(SpaceKey::make(&mut world.rng), present);
    let at = (&world.roster, &fake);
    let change = start_share_epoch(&mut world.rng, at, &world.owner).unwrap();
    world.take(change);
    let keyring = world.opened_by_root();
    assert!(keyring.space_key() == world.keyring.space_key(), "the oldest one counts");
    let at = (&world.roster, &keyring);
    let new = member(50);
    let change = recover_share(&mut world.rng, at, &world.root, &new, "Sam", safe).unwrap();
    world.take(change);
    let mine = world.opened_by(&new).unwrap();
    assert!(mine.space_key() == world.keyring.space_key());
}

#[test]
fn nobody_but_its_root_takes_a_share_back() {
    let mut world = World::new();
    let (other, safe) = (World::seeded(2), world.roster.head());
    let at = (&world.roster, &world.keyring);
    let new = member(50);
    let error = recover_share(&mut world.rng, at, &other.root, &new, "Sam", safe).unwrap_err();
    assert!(matches!(error, ChangeError::Rule(RosterError::Record { .. })), "{error}");
    let error = recover_share(&mut world.rng, at, &world.root, &new, "Sam", Hash([9; 32]));
    assert_eq!(error.unwrap_err(), ChangeError::Rule(RosterError::NotThisSpace));
}
