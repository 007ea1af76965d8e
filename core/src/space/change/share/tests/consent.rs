//! What the owner agreed to, and who can open it.

use mainstay_protocol::roster::ConsentState;

use super::*;
use crate::space::CannotOpen;
use crate::space::consent::ConsentTooLong;
use crate::space::consent::open_consent;
use crate::space::epoch::NameTooLong;

impl World {
    fn consent(&mut self, plain: &[u8]) {
        let at = (&self.roster, &self.keyring);
        let change = consent(&mut self.rng, at, &self.owner, (plain, Some(9))).unwrap();
        self.take(change);
    }

    fn agreed(&self) -> ConsentState {
        let share = self.roster.state().share.clone().unwrap();
        ConsentState::clone(share.consent.as_ref().unwrap())
    }

    fn read_by(&self, number: u8) -> Result<Vec<u8>, CannotOpen> {
        let keyring = self.opened_by(&member(number)).map_err(|_| CannotOpen)?;
        open_consent(self.roster.space(), &keyring, &self.agreed()).map(|plain| plain.to_vec())
    }
}

#[test]
fn every_member_reads_the_consent_and_the_newest_one_holds() {
    let mut world = World::new();
    world.enter(1);
    world.consent(b"moods");
    assert_eq!(world.agreed().until_ms, Some(9));
    world.consent(b"moods and plan");
    assert_eq!(world.agreed().record, world.roster.number());
    for number in [0, 1] {
        assert_eq!(world.read_by(number).unwrap(), b"moods and plan");
    }
    assert_eq!(world.read_by(9), Err(CannotOpen));
    let bytes = world.roster.records_after(None).pop().unwrap().body().to_vec();
    assert!(!bytes.windows(5).any(|window| window == b"moods"));
}

#[test]
fn a_newcomer_reads_no_consent_from_before_and_the_one_they_came_with() {
    let mut world = World::new();
    world.enter(1);
    world.consent(b"to the first");
    world.enter(2);
    assert_eq!(world.read_by(1).unwrap(), b"to the first");
    assert_eq!(world.read_by(2), Err(CannotOpen));
    let at = (&world.roster, &world.keyring);
    let newcomer = Newcomer::member(&member(3), "third");
    let terms: Terms<'_> = (b"to all three", None);
    let change = enter_with_consent(&mut world.rng, at, &world.owner, &newcomer, terms).unwrap();
    world.take(change);
    for number in [0, 1, 2, 3] {
        assert_eq!(world.read_by(number).unwrap(), b"to all three");
    }
}

#[test]
fn revoking_is_one_record_and_its_consent_is_closed_to_whoever_goes() {
    let mut world = World::new();
    world.enter(1);
    world.enter(2);
    world.enter(3);
    world.consent(b"everything");
    let before = world.roster.number();
    let gone = [1, 2].map(|number| member(number).member_id());
    let at = (&world.roster, &world.keyring);
    let terms: Terms<'_> = (b"little", Some(77));
    let change = revoke(&mut world.rng, at, &world.owner, &gone, vec![], Some(terms)).unwrap();
    world.take(change);
    assert_eq!(world.roster.number(), before + 1);
    assert_eq!(world.agreed().until_ms, Some(77));
    for number in [0, 3] {
        assert_eq!(world.read_by(number).unwrap(), b"little");
    }
    for number in [1, 2] {
        assert_eq!(world.read_by(number), Err(CannotOpen));
        let keyring = world.opened_by(&member(number)).unwrap();
        assert_eq!(keyring.present(&world.roster).unwrap_err(), KeyringError::Missing);
    }
}

#[test]
fn a_consent_of_one_record_opens_in_no_other() {
    let mut world = World::new();
    world.consent(b"moods");
    let (agreed, space) = (world.agreed(), *world.roster.space());
    open_consent(&space, &world.keyring, &agreed).unwrap();
    let later = ConsentState { record: agreed.record + 1, ..agreed.clone() };
    assert_eq!(open_consent(&space, &world.keyring, &later), Err(CannotOpen));
    world.epoch();
    let epoch = world.roster.state().epoch.id;
    let renamed = ConsentState { epoch, ..agreed.clone() };
    assert_eq!(open_consent(&space, &world.keyring, &renamed), Err(CannotOpen));
    assert_eq!(open_consent(&SpaceId([9; 32]), &world.keyring, &agreed), Err(CannotOpen));
}

#[test]
fn an_owner_without_the_present_key_consents_to_nothing() {
    let mut world = World::new();
    let stale = world.keyring.clone();
    world.epoch();
    let at = (&world.roster, &stale);
    let error = consent(&mut world.rng, at, &world.owner, (b"moods", None)).unwrap_err();
    assert_eq!(error, ChangeError::Key(KeyringError::Missing));
}

#[test]
fn what_is_too_long_is_refused_before_anything_is_made() {
    let mut world = World::new();
    let at = (&world.roster, &world.keyring);
    let long = vec![0; 8192];
    let error = consent(&mut world.rng, at, &world.owner, (&long, None)).unwrap_err();
    assert_eq!(error, ChangeError::Consent(ConsentTooLong));
    let newcomer = Newcomer::member(&member(1), &"x".repeat(201));
    let error = enter(&mut world.rng, at, &world.owner, &newcomer).unwrap_err();
    assert_eq!(error, ChangeError::Name(NameTooLong));
}
