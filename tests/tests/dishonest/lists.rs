//! Check 2: records of the list of devices added, left out, turned round, told again; a removed device
//! put back.

use std::collections::BTreeSet;

use mainstay_core::engine::{Alarm, DeviceInfo, Job, Replica};
use mainstay_core::space::change::Newcomer;
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::space::test_kit::signing_key;
use mainstay_core::sync::Local;
use mainstay_protocol::codec;
use mainstay_protocol::frame::{Reply, Request, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::roster::{Act, Device, Record, Roster, WrapRef, record_hash};
use mainstay_protocol::sign::{Signature, Signed};
use mainstay_tests::inside::Inside;
use mainstay_tests::network::Line;

use super::watch::{Watch, lying};

type Records = Vec<Signed<Record>>;

fn listed(w: &Watch, phone: usize) -> BTreeSet<(String, &'static str)> {
    let line = |info: DeviceInfo| (info.name, info.status);
    w.phones[phone].replica.devices().into_iter().map(line).collect()
}

fn true_list(w: &Watch) -> Records {
    let inside = Inside::new(&w.world.relay, &w.phrase, w.world.now_ms as u64);
    inside.roster.records().map(|(_, signed, _)| signed.clone()).collect()
}

/// A relay that greets with this list's head, and shows this list.
fn showing(list: Records) -> Line {
    lying(move |request, mut replies| {
        for reply in &mut replies {
            match (request, reply) {
                (Request::Attach(_), Reply::Attached(attached)) => {
                    attached.roster = list.last().map_or(attached.roster, record_hash);
                }
                (Request::Roster { known, .. }, Reply::Roster { records }) => {
                    let at = list.iter().position(|r| Some(record_hash(r)) == *known);
                    *records = list[at.map_or(0, |at| at + 1)..].to_vec();
                }
                _ => {}
            }
        }
        replies
    })
}

/// A record that lets a key of the relay's in, as whoever is named, under a signature of its own or one
/// that an honest record bore. Nothing but the signature is wrong with those of a device and of the words.
fn intruders(w: &mut Watch, list: &Records) -> Vec<Records> {
    let relay = signing_key(&[66; 32]);
    let last = list.last().unwrap();
    let (space, owner) = (w.phones[0].replica.space(), w.phones[0].replica.author());
    let mut like = list.iter().filter_map(|signed| {
        signed.peek().unwrap().acts.into_iter().find_map(|act| match act {
            Act::Admit { device, .. } => Some(device),
            _ => None,
        })
    });
    let device = Device { key: relay.verify_key(), ..like.next_back().unwrap() };
    let wrap = WrapRef { to: Signer::Device(relay.author_id()), hash: Hash([1; 32]) };
    let admits = |signer| Record {
        version: mainstay_protocol::FORMAT_VERSION,
        space,
        number: list.len() as u32,
        parent: Some(record_hash(last)),
        signer,
        acts: vec![Act::Admit { device: device.clone(), wrap: Some(wrap), succeeds: None }],
    };
    let recovers = {
        let inside = Inside::new(&w.world.relay, &w.phrase, w.world.now_ms as u64);
        let keys = (&inside.roster, &inside.keyring);
        let secret = DeviceSecret::make(&mut w.world.rng);
        let newcomer = Newcomer::own(&secret.keys(&space, 0), "an intruder");
        let recovery = Recovery::derive(&w.phrase);
        let change = Replica::draft_recovery(&mut w.world.rng, keys, &recovery, &newcomer);
        change.unwrap().record
    };
    let with = |signed| [&list[..], &[signed]].concat();
    // Signed by whom they name, they count.
    let key = w.phones[0].secret.keys(&space, 0).author;
    let honest = Signed::seal(&admits(Signer::Device(owner)), |input| key.sign(input));
    for honest in [honest, recovers.clone()] {
        Roster::verify(space, &with(honest)).unwrap();
    }
    let borrowed = Signature(*codec::encode(last).last_chunk().unwrap());
    let records = [
        admits(Signer::Device(owner)),
        recovers.peek().unwrap(),
        admits(Signer::Device(relay.author_id())),
    ];
    let forged = |record: &Record| {
        [Signed::seal(record, |input| relay.sign(input)), Signed::seal(record, |_| borrowed)]
    };
    records.iter().flat_map(forged).map(with).collect()
}

#[test]
fn check_02_a_list_of_devices_that_was_altered_changes_nothing() {
    let mut w = Watch::new(2000);
    let third = w.link("third");
    w.honest();
    let before = listed(&w, 1);
    let list = true_list(&w);
    let mut lies = intruders(&mut w, &list);
    assert!(list.len() >= 3);
    for at in 0..list.len() - 1 {
        let mut short = list.clone();
        short.remove(at);
        let mut turned = list.clone();
        turned.swap(at, at + 1);
        let mut twice = list.clone();
        twice.insert(at, list[at].clone());
        lies.extend([short, turned, twice]);
    }
    for (number, lie) in lies.into_iter().enumerate() {
        let told = Roster::verify(w.phones[1].replica.space(), &lie);
        assert!(told.is_err(), "lie {number} is told from the truth by whoever joins, too");
        // Of a list that it knows, a device is shown what follows: it may see nothing of the lie.
        let _ = w.sync(1, showing(lie));
        assert_eq!(listed(&w, 1), before, "lie {number}");
    }
    w.log(third, "after all that");
    w.honest_to_the_last();
}

#[test]
fn check_02_a_list_from_before_a_removal_brings_no_device_back() {
    let mut w = Watch::new(2001);
    let third = w.link("third");
    w.honest();
    let old = true_list(&w);
    let author = w.phones[third].replica.author();
    w.phones[0].replica.ask(Job::Remove(author));
    w.sync(0, Line::default()).unwrap();
    w.sync(1, Line::default()).unwrap();
    let removed = w.phones.pop().unwrap();
    let before = listed(&w, 1);
    assert!(before.contains(&("third".to_owned(), "removed")));
    for keep in 1..=old.len() {
        let _ = w.sync(1, showing(old[..keep].to_vec()));
        assert_eq!(listed(&w, 1), before, "{keep} records of the old list");
    }
    // What is written since is sealed under a key that the removed device never got.
    w.log(1, "after the removal");
    w.honest();
    w.phones.push(removed);
    let taken = w.sync(third, showing(old.clone()));
    assert!(taken.is_err(), "{taken:?}");
    assert_eq!(w.rows(third).len(), 6, "it has what it had, and no more");
    w.phones.pop();
    // The record that let it in, shown once more as if it were new, is no record of this list.
    let again = [&true_list(&w)[..], &old[old.len() - 1..]].concat();
    assert!(w.sync(1, showing(again)).is_err());
    assert_eq!(listed(&w, 1), before);
    assert!(!w.alarms[1].contains(&Alarm::Healed), "nothing was joined");
    w.honest_to_the_last();
}
