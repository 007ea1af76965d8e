//! Check 16: an old copy of a journal, and of a counsellor's vault, shown to twelve words that know
//! nothing else.

use mainstay_core::engine::{Alarm, Checkpoint, Job, ShareStage, Witness};
use mainstay_core::space::phrase::Phrase;
use mainstay_core::sync::Local;
use mainstay_tests::sharing::{consent, seen};
use mainstay_tests::stores;
use mainstay_tests::world::{Phone, World};

use crate::kit::{DAY_MS, log, pair};

/// Paper: what was printed, read again.
fn printed(phone: &Phone) -> Checkpoint {
    phone.replica.checkpoint().unwrap().to_string().parse().unwrap()
}

/// Twelve words, and nothing else.
fn restored(world: &mut World, phrase: &Phrase) -> Phone {
    let mut new = world.restore(phrase).unwrap();
    for _ in 0..3 {
        world.sync_all(&mut new).unwrap();
    }
    new
}

// Broken on purpose: `Replica::check_against` leaving out `here.total >= other.total` made it fail.
#[test]
fn check_16_an_old_journal_shown_to_a_restore_says_as_of_when_and_every_witness_tells() {
    let mut world = World::new(3200);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    log(&world, &mut phone, "old");
    world.sync(&mut phone).unwrap();
    let (old, then_ms, early) = (stores::copy(&world.relay_store), world.now_ms, printed(&phone));
    world.now_ms += DAY_MS;
    log(&world, &mut phone, "new");
    world.sync(&mut phone).unwrap();
    let (late, honest) = (printed(&phone), stores::copy(&world.relay_store));

    world.put_relay_back(stores::copy(&old), false);
    let mut new = restored(&mut world, &phrase);
    let (here, there) = (new.replica.as_of().unwrap(), phone.replica.as_of().unwrap());
    assert_eq!(here.newest_entry_ms, Some(then_ms), "as of when is what a person can judge by");
    assert!(here.newest_entry_ms < there.newest_entry_ms && here.envelopes < there.envelopes);
    // Paper printed since, and another device's screen, tell; what was printed before cannot.
    assert_eq!(new.replica.check_against(&late).unwrap(), Witness::Older);
    assert_ne!(new.replica.check_against(&early).unwrap(), Witness::Older);
    // Another device notices at its first contact with that copy,
    // and fills it up once the person has confirmed it.
    assert!(world.sync(&mut phone).is_err());
    let alarms = phone.replica.take_alarms();
    assert!(alarms.contains(&Alarm::RelayLost), "{alarms:?}");
    new.replica.ask(Job::Confirm(phone.replica.author()));
    for _ in 0..3 {
        world.sync(&mut new).unwrap();
        world.sync(&mut phone).unwrap();
    }
    assert_ne!(new.replica.check_against(&late).unwrap(), Witness::Older);
    assert_eq!(new.replica.as_of().unwrap().newest_entry_ms, there.newest_entry_ms);

    world.put_relay_back(honest, false);
    let new = restored(&mut world, &phrase);
    assert_eq!(new.replica.check_against(&late).unwrap(), Witness::Same);

    // As many envelopes as there were say nothing, if they are others.
    world.put_relay_back(old, false);
    let mut new = restored(&mut world, &phrase);
    log(&world, &mut new, "written on the new phone");
    world.sync(&mut new).unwrap();
    assert_eq!(new.replica.check_against(&late).unwrap(), Witness::Unclear);
}

// Broken on purpose: the same made it fail.
/// A counsellor's vault is a journal without entries: what it says of its age is how many envelopes
/// and changes of devices it has had, and a checkpoint tells.
#[test]
fn check_16_an_old_vault_shown_to_a_counsellors_words_is_told_from_a_checkpoint() {
    let mut p = pair(3201, "notes:full");
    p.round();
    let (old, early) = (stores::copy(&p.world.relay_store), printed(&p.laptop));
    let (_, mut second) = p.world.counsellor();
    let also = consent("Ana", "notes:full", p.world.now_ms);
    let theirs = p.world.share(&mut second, &mut p.laptop, also).unwrap();
    log(&p.world, &mut p.phone, "since then");
    p.round();
    let (late, honest) = (printed(&p.laptop), stores::copy(&p.world.relay_store));

    p.world.put_relay_back(old, false);
    let mut new = restored(&mut p.world, &p.words);
    let known: Vec<_> = new.replica.shares(p.world.now_ms).unwrap();
    assert!(known.iter().all(|info| info.id != theirs), "the second client is not in it");
    assert_eq!(seen(&mut new, &p.share, p.world.now_ms).unwrap().len(), 1);
    assert_eq!(new.replica.check_against(&late).unwrap(), Witness::Older);
    assert_ne!(new.replica.check_against(&early).unwrap(), Witness::Older);
    let (here, there) = (new.replica.as_of().unwrap(), p.laptop.replica.as_of().unwrap());
    assert!(here.envelopes < there.envelopes);
    // The person notices at their first contact, and shares again what the copy lacks.
    p.world.sync_all(&mut p.phone).unwrap();
    assert!(p.phone.replica.take_alarms().contains(&Alarm::RelayLost));
    for _ in 0..3 {
        p.world.sync_all(&mut p.phone).unwrap();
        p.world.sync_all(&mut new).unwrap();
    }
    assert_eq!(seen(&mut new, &p.share, p.world.now_ms).unwrap().len(), 2);

    p.world.put_relay_back(honest, false);
    let mut new = restored(&mut p.world, &p.words);
    assert_eq!(new.replica.check_against(&late).unwrap(), Witness::Same);
    let known = new.replica.shares(p.world.now_ms).unwrap();
    assert!(known.iter().any(|info| info.id == theirs && info.state == ShareStage::Active));
}
