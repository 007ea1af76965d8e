//! A thief fills the list of devices.

use mainstay_core::engine::{Alarm, Job};
use mainstay_core::space::change;
use mainstay_core::space::keyring::Keyring;
use mainstay_core::sync::Local;
use mainstay_protocol::frame::{Refusal, Reply, Request, Signer};
use mainstay_protocol::ids::AuthorId;
use mainstay_protocol::limits::MAX_ORDINARY_RECORDS;
use mainstay_protocol::sign::Signed;
use mainstay_tests::world::{Phone, World};

use super::{log, round, rows, two};

/// Appends epoch after epoch as this phone until the rules let in no more; its app is another one.
/// Asserts that the relay refuses one more, too.
fn fill(world: &mut World, thief: &Phone) {
    let space = thief.replica.space();
    let keys = thief.secret.keys(&space, 0);
    let mut met = world.greet_as(space, &keys.author).unwrap();
    let me = Signer::Device(keys.author.author_id());
    let mut keyring = Keyring::open(&met.roster, &met.wraps, me, &keys.kem).unwrap();
    let mut last = None;
    loop {
        let mut rng = world.fork_rng();
        let drafted = change::start_epoch(&mut *rng, (&met.roster, &keyring), &keys.author);
        let Ok(change) = drafted else { break };
        let append = Request::Append {
            space,
            expected: met.roster.head(),
            record: change.record.clone(),
            wraps: change.wraps.clone(),
        };
        let replies = world.handle(&mut met.connection, append);
        assert!(matches!(replies[..], [Reply::Appended { .. }]), "{replies:?}");
        met.roster.append(&change.record).unwrap();
        keyring.add(change.epoch.unwrap());
        last = Some(change.record);
    }
    assert!(met.roster.number() + 1 >= MAX_ORDINARY_RECORDS as u32);
    // What the thief's own copy of the rules would not draft, the relay does not take.
    let mut record = last.unwrap().peek().unwrap();
    record.number = met.roster.number() + 1;
    record.parent = Some(met.roster.head());
    let record = Signed::seal(&record, |input| keys.author.sign(input));
    let append = Request::Append { space, expected: met.roster.head(), record, wraps: vec![] };
    let replies = world.handle(&mut met.connection, append);
    let [Reply::Refused(Refusal::BadRecord { why })] = &replies[..] else { panic!("{replies:?}") };
    assert!(why.contains("too many records"), "{why}");
}

fn status(phone: &Phone, author: &AuthorId) -> &'static str {
    let devices = phone.replica.devices();
    devices.iter().find(|device| device.author == *author).unwrap().status
}

#[test]
fn a_thief_who_has_filled_the_list_of_devices_is_removed_all_the_same() {
    let (mut world, _, mut a, b) = two(119);
    fill(&mut world, &b);
    let thief = b.replica.author();
    a.replica.ask(Job::Remove(thief));
    world.sync(&mut a).unwrap();
    assert_eq!(status(&a, &thief), "removed");
    let id = log(&world, &mut a, "life goes on");
    world.sync(&mut a).unwrap();
    assert_eq!(rows(&mut a)[0].id, id);
}

// Broken on purpose: a `drop_job` that forgets removals made it fail.
#[test]
fn a_removal_that_is_refused_is_told_and_tried_again_and_the_words_open_room_for_it() {
    let (mut world, phrase, mut a, mut b) = two(120);
    let kept = log(&world, &mut b, "of the second phone");
    round(&mut world, &mut [&mut a, &mut b]);
    let mut third = world.restore_as(&phrase, "third").unwrap();
    world.sync(&mut third).unwrap();
    let (first, second) = (a.replica.author(), b.replica.author());
    third.replica.ask(Job::Confirm(first));
    world.sync(&mut third).unwrap();
    fill(&mut world, &a);

    // Among those who wait there may be many; only who takes part is removed from a full list.
    third.replica.ask(Job::Remove(second));
    assert!(world.sync(&mut third).is_err());
    for _ in 0..2 {
        assert!(third.replica.take_alarms().contains(&Alarm::NotRemoved));
        log(&world, &mut third, "not held up by it");
        world.sync(&mut third).unwrap();
        assert_eq!(third.replica.status(world.now_ms).unwrap().waiting, 0);
    }
    third.replica.ask(Job::Remove(first));
    world.sync(&mut third).unwrap();
    assert_eq!((status(&third, &first), status(&third, &second)), ("removed", "waiting"));

    let mut fourth = world.restore_as(&phrase, "fourth").unwrap();
    world.sync(&mut fourth).unwrap();
    fourth.replica.ask(Job::Confirm(third.replica.author()));
    world.sync(&mut fourth).unwrap();
    // The list is another one: it goes through now, without being asked for again.
    world.sync(&mut third).unwrap();
    assert_eq!(status(&third, &second), "removed");
    round(&mut world, &mut [&mut fourth, &mut third]);
    assert!(rows(&mut fourth).iter().any(|row| row.id == kept));
    assert_eq!(rows(&mut fourth).len(), 3);
    third.replica.take_alarms();
    world.sync(&mut third).unwrap();
    assert!(!third.replica.take_alarms().contains(&Alarm::NotRemoved));
}
