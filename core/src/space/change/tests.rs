//! Roster records made with real keys, and what members can open after each.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::space::device::DeviceSecret;
use crate::space::phrase::Phrase;
use mainstay_protocol::ids::{EpochId, SpaceId};
use mainstay_protocol::roster::{DeviceStatus, Merged};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// A space with its recovery phrase, and devices by number.
struct World {
    rng: ChaCha20Rng,
    recovery: Recovery,
    roster: Roster,
    wraps: Vec<Wrap>,
    keyring: Keyring,
}

fn keys(number: u8, space: &SpaceId, generation: u32) -> DeviceKeys {
    DeviceSecret::make(&mut ChaCha20Rng::from_seed([number; 32])).keys(space, generation)
}

impl World {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let recovery = Recovery::derive(&Phrase::make(&mut rng));
        let first = keys(0, &recovery.space_id(), 0);
        let Founded { roster, wraps, keyring } =
            found(&mut rng, &recovery, &first, "first phone").unwrap();
        Self { rng, recovery, roster, wraps, keyring }
    }

    fn device(&self, number: u8) -> DeviceKeys {
        keys(number, self.roster.space(), 0)
    }

    fn take(&mut self, change: Change) {
        self.roster.append(&change.record).unwrap();
        self.wraps.extend(change.wraps);
        change.epoch.into_iter().for_each(|epoch| self.keyring.add(epoch));
    }

    fn admit(&mut self, number: u8) {
        let newcomer = Newcomer::own(&self.device(number), &format!("phone {number}"));
        let signer = self.device(0).author;
        let at = (&self.roster, &self.keyring);
        let change = admit(&mut self.rng, at, &signer, &newcomer).unwrap();
        self.take(change);
    }

    fn remove(&mut self, number: u8) {
        let (signer, gone) = (self.device(0).author, self.device(number).author.author_id());
        let at = (&self.roster, &self.keyring);
        let change = remove(&mut self.rng, at, &signer, vec![(gone, vec![])]).unwrap();
        self.take(change);
    }

    fn epoch(&mut self) {
        let signer = self.device(0).author;
        let at = (&self.roster, &self.keyring);
        let change = start_epoch(&mut self.rng, at, &signer).unwrap();
        self.take(change);
    }

    fn epochs(&self) -> Vec<EpochId> {
        let started = |act: &Act| match act {
            Act::Epoch(epoch) => Some(epoch.id),
            _ => None,
        };
        self.roster.records().flat_map(|(_, _, r)| r.acts.iter().filter_map(started)).collect()
    }

    /// What a device has that knows nothing but roster and wraps.
    fn opened_by(&self, keys: &DeviceKeys) -> Result<Keyring, KeyringError> {
        let me = Signer::Device(keys.author.author_id());
        Keyring::open(&self.roster, &self.wraps, me, &keys.kem)
    }

    fn opened_by_phrase(&self) -> Keyring {
        let kem = self.recovery.kem();
        Keyring::open(&self.roster, &self.wraps, Signer::Recovery, kem).unwrap()
    }
}

#[test]
fn a_founded_space_opens_for_its_device_and_for_the_phrase() {
    let world = World::new();
    let device = world.opened_by(&world.device(0)).unwrap();
    let phrase = world.opened_by_phrase();
    for keyring in [&device, &phrase] {
        keyring.present(&world.roster).unwrap();
        assert!(keyring.space_key() == world.keyring.space_key());
    }
    let member = &world.roster.state().members[&world.device(0).author.author_id()];
    let name = device.device_name(world.roster.space(), &member.device);
    assert_eq!(name.as_deref(), Some("first phone"));
    assert!(!format!("{:?}", member.device).contains("first phone"));
}

#[test]
fn a_new_device_reads_every_epoch_before_it() {
    let mut world = World::new();
    world.epoch();
    world.epoch();
    world.admit(1);
    world.epoch();
    let keyring = world.opened_by(&world.device(1)).unwrap();
    assert_eq!(world.epochs().len(), 4);
    assert!(world.epochs().iter().all(|epoch| keyring.epoch(epoch).is_some()));
}

#[test]
fn a_removed_device_gets_no_new_key() {
    let mut world = World::new();
    world.admit(1);
    let before = world.opened_by(&world.device(1)).unwrap();
    before.present(&world.roster).unwrap();
    world.remove(1);
    let after = world.opened_by(&world.device(1)).unwrap();
    assert_eq!(after.present(&world.roster).unwrap_err(), KeyringError::Missing);
    world.opened_by(&world.device(0)).unwrap().present(&world.roster).unwrap();
    world.opened_by_phrase().present(&world.roster).unwrap();
}

#[test]
fn a_removed_device_comes_back_under_its_next_key_only() {
    let mut world = World::new();
    world.admit(1);
    world.remove(1);
    let signer = world.device(0).author;
    let at = (&world.roster, &world.keyring);
    let old = Newcomer::own(&world.device(1), "found again");
    let error = admit(&mut world.rng, at, &signer, &old).unwrap_err();
    assert!(matches!(error, ChangeError::Rule(RosterError::Rule { .. })), "{error}");
    let again = keys(1, world.roster.space(), 1);
    let newcomer = Newcomer::own(&again, "found again");
    let change = admit(&mut world.rng, at, &signer, &newcomer).unwrap();
    world.take(change);
    world.opened_by(&again).unwrap().present(&world.roster).unwrap();
}

#[test]
fn a_thief_who_removed_everybody_loses_to_the_phrase() {
    let mut world = World::new();
    world.admit(1);
    let safe = world.roster.head();
    // Device 0 is the thief's: it removes device 1 and starts an epoch.
    world.remove(1);
    let thiefs = world.roster.state().epoch.id;
    let keyring = world.opened_by_phrase();
    let newcomer = Newcomer::own(&world.device(2), "new phone");
    let at = (&world.roster, &keyring);
    let change = recover(&mut world.rng, at, &world.recovery, safe, &newcomer).unwrap();
    world.take(change);
    let state = world.roster.state();
    assert_ne!(state.epoch.id, thiefs);
    assert_eq!(state.active().count(), 1);
    let waiting = world.device(1).author.author_id();
    assert_eq!(state.members[&waiting].status, DeviceStatus::Waiting);
    let thief = world.opened_by(&world.device(0)).unwrap();
    thief.present(&world.roster).unwrap_err();
    let mut mine = world.opened_by(&world.device(2)).unwrap();
    mine.present(&world.roster).unwrap();

    // The person confirms their other device, which can read on; the thief's stays outside.
    let signer = world.device(2).author;
    let change = confirm(&mut world.rng, (&world.roster, &mine), &signer, &[waiting]).unwrap();
    world.take(change);
    world.opened_by(&world.device(1)).unwrap().present(&world.roster).unwrap();
    assert!(!world.roster.state().is_active(&world.device(0).author.author_id()));
    mine.absorb(&world.roster, &[], Signer::Recovery, world.recovery.kem());
    let again = confirm(&mut world.rng, (&world.roster, &mine), &signer, &[waiting]).unwrap_err();
    assert_eq!(again, ChangeError::NoDevice);
}

#[test]
fn rubbish_wrapped_for_the_recovery_key_does_not_stop_a_recovery() {
    let mut world = World::new();
    let safe = world.roster.head();
    // The thief starts an epoch whose wrap for the recovery key holds another key of the space.
    let fake = Keyring::new(SpaceKey::make(&mut world.rng), {
        let present = world.keyring.present(&world.roster).unwrap();
        EpochKey::from_bytes(*present.bytes())
    });
    let at = (&world.roster, &fake);
    let change = start_epoch(&mut world.rng, at, &keys(0, at.0.space(), 0).author).unwrap();
    world.take(change);
    let keyring = world.opened_by_phrase();
    assert!(keyring.space_key() == world.keyring.space_key(), "the oldest one counts");
    assert_eq!(keyring.present(&world.roster).unwrap_err(), KeyringError::Missing);
    let newcomer = Newcomer::own(&world.device(2), "new phone");
    let at = (&world.roster, &keyring);
    let change = recover(&mut world.rng, at, &world.recovery, safe, &newcomer).unwrap();
    world.take(change);
    world.opened_by(&world.device(2)).unwrap().present(&world.roster).unwrap();
}

#[test]
fn a_healed_fork_keeps_the_keys_of_both_branches_readable() {
    let mut world = World::new();
    world.admit(1);
    world.admit(2);
    world.admit(3);
    let fork = world.roster.clone();
    // Device 1 removes device 2 in one branch, device 0 removes device 3 in the other.
    let gone = world.device(2).author.author_id();
    let keyring = world.opened_by(&world.device(1)).unwrap();
    let signer = world.device(1).author;
    let other = remove(&mut world.rng, (&fork, &keyring), &signer, vec![(gone, vec![])]).unwrap();
    world.remove(3);
    world.wraps.extend(other.wraps.clone());
    world.keyring.add(other.epoch.unwrap());
    let signer = world.device(0).author;
    let at = (&world.roster, &world.keyring);
    let healed = heal(&mut world.rng, at, &signer, vec![other.record.clone()]).unwrap();
    world.take(healed);
    let active: Vec<_> = world.roster.state().active().map(|(author, _)| *author).collect();
    let expected = [0, 1].map(|number| world.device(number).author.author_id());
    assert_eq!(active.len(), 2);
    assert!(expected.iter().all(|author| active.contains(author)));
    // Device 1, which followed the other branch, takes the healed one over and reads everything.
    let mut theirs = fork;
    theirs.append(&other.record).unwrap();
    let shown = world.roster.records_after(None);
    assert!(matches!(theirs.merge(&shown).unwrap(), Merged::Replaced(1)));
    let keyring = world.opened_by(&world.device(1)).unwrap();
    assert!(world.epochs().iter().all(|epoch| keyring.epoch(epoch).is_some()));
    world.opened_by(&world.device(2)).unwrap().present(&world.roster).unwrap_err();
    world.opened_by(&world.device(3)).unwrap().present(&world.roster).unwrap_err();
}

#[test]
fn wraps_that_the_roster_does_not_name_are_passed_over() {
    let mut world = World::new();
    let parent = world.roster.head();
    world.admit(1);
    let me = world.device(1);
    // A wrap that opens perfectly well: the present epoch under the right parent, with another key
    // of the space. But no record names it.
    let present = world.keyring.present(&world.roster).unwrap();
    let forged = crate::space::wrap::wrap(
        &mut world.rng,
        world.roster.space(),
        Signer::Device(me.author.author_id()),
        me.kem.public(),
        Some(parent),
        (present, &SpaceKey::from_bytes([1; 32])),
    )
    .unwrap();
    crate::space::wrap::unwrap(world.roster.space(), &forged, &me.kem).unwrap();
    let honest = std::mem::replace(&mut world.wraps, vec![forged]);
    assert_eq!(world.opened_by(&me).unwrap_err(), KeyringError::Missing);
    world.wraps.extend(honest);
    let keyring = world.opened_by(&me).unwrap();
    assert!(keyring.space_key() == world.keyring.space_key());
}

#[test]
fn somebody_elses_key_opens_nothing() {
    let world = World::new();
    let (mine, other) = (world.device(0), world.device(7));
    let me = Signer::Device(mine.author.author_id());
    let opened = Keyring::open(&world.roster, &world.wraps, me, &other.kem);
    assert_eq!(opened.unwrap_err(), KeyringError::Broken);
}

#[test]
fn a_keyring_survives_being_stored() {
    let mut world = World::new();
    world.epoch();
    let stored = Keyring::from_bytes(&world.keyring.to_bytes()).unwrap();
    assert!(stored.space_key() == world.keyring.space_key());
    assert!(world.epochs().iter().all(|epoch| stored.epoch(epoch).is_some()));
    assert_eq!(Keyring::from_bytes(&[0; 33]).unwrap_err(), KeyringError::Damaged);
    assert_eq!(Keyring::from_bytes(&[]).unwrap_err(), KeyringError::Damaged);
    assert!(format!("{stored:?}").contains("EpochKey([redacted])"));
}

#[test]
fn a_device_without_the_present_key_cannot_let_anybody_in() {
    let mut world = World::new();
    world.admit(1);
    let stale = world.opened_by(&world.device(1)).unwrap();
    world.epoch();
    let signer = world.device(1).author;
    let newcomer = Newcomer::own(&world.device(2), "tablet");
    let error = admit(&mut world.rng, (&world.roster, &stale), &signer, &newcomer).unwrap_err();
    assert_eq!(error, ChangeError::Key(KeyringError::Missing));
}
