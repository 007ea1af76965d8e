//! Phones that go by several names, as they took new keys.

use mainstay_core::engine::{Alarm, DeviceInfo, EngineError, Job};
use mainstay_core::space::seal;
use mainstay_core::sync::Local;
use mainstay_protocol::envelope::{Envelope, Kind};
use mainstay_protocol::frame::{Item, ItemBody, Reply, Request};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head};
use mainstay_protocol::ids::AuthorId;
use mainstay_tests::inside::Inside;
use mainstay_tests::network::Line;
use mainstay_tests::stores;

use super::dishonest::meddling;
use super::{DAY_MS, Phone, Phrase, World, edit, log, round, rows, two};

fn active(phone: &Phone) -> Vec<DeviceInfo> {
    let mut devices = phone.replica.devices();
    devices.retain(|device| device.status == "active");
    devices
}

/// A phone of one's own, and another one whose store was put back, so that it took a new key.
fn renamed(seed: u64) -> (World, Phrase, Phone, Phone) {
    let (mut world, phrase, mut own, mut other) = two(seed);
    log(&world, &mut other, "one");
    round(&mut world, &mut [&mut other, &mut own]);
    let (old, before) = (stores::copy(&other.store), other.replica.author());
    log(&world, &mut other, "two");
    world.sync(&mut other).unwrap();
    let mut other = world.open(&old, &other.secret.clone()).unwrap();
    round(&mut world, &mut [&mut other, &mut own]);
    assert_ne!(other.replica.author(), before);
    (world, phrase, own, other)
}

// Broken on purpose: `Replica::names_to_remove` giving the shown name alone made it fail.
#[test]
fn whoever_removes_a_phone_removes_every_name_that_it_went_under() {
    let (mut world, phrase, mut own, other) = renamed(141);
    let former = other.secret.keys(&own.replica.space(), 0).author;
    assert_eq!(active(&own).len(), 2, "one line for each device");
    own.replica.ask(Job::Remove(other.replica.author()));
    world.sync(&mut own).unwrap();
    assert_eq!(active(&own).iter().map(|device| device.this).collect::<Vec<_>>(), [true]);
    let roster = Inside::new(&world.relay, &phrase, world.now_ms as u64).roster;
    assert!(!roster.state().is_active(&former.author_id()));
    let epochs = roster.state().epoch.number;
    assert_eq!(epochs, 2, "one record, one new epoch");
}

// Broken on purpose: `Replica::waiting_names` giving one name alone made it fail.
#[test]
fn whoever_confirms_a_phone_confirms_every_name_that_it_went_under() {
    let (mut world, phrase, mut own, mut other) = renamed(142);
    let mut new = world.restore(&phrase).unwrap();
    world.sync(&mut new).unwrap();
    for phone in [&own, &other] {
        new.replica.ask(Job::Confirm(phone.replica.author()));
    }
    world.sync(&mut new).unwrap();
    assert!(new.replica.devices().iter().all(|device| device.status == "active"));
    round(&mut world, &mut [&mut own, &mut other, &mut new]);
    assert_eq!(rows(&mut new), rows(&mut own));
    assert_eq!(rows(&mut new), rows(&mut other));
}

// Broken on purpose: `Replica::names_to_remove` naming this device too made it fail.
#[test]
fn whoever_removes_a_clone_of_this_phone_stays() {
    let (mut world, _, mut own, _) = two(143);
    world.sync(&mut own).unwrap();
    let mut twin = world.open(&stores::copy(&own.store), &own.secret.clone()).unwrap();
    log(&world, &mut own, "of the first");
    log(&world, &mut twin, "of the twin");
    round(&mut world, &mut [&mut own, &mut twin]);
    own.replica.ask(Job::Remove(twin.replica.author()));
    world.sync(&mut own).unwrap();
    assert!(own.replica.is_member() && world.sync(&mut twin).is_err());
    assert_eq!(rows(&mut own).len(), 2);
}

// Broken on purpose: `Replica::recognise_own_key` doing nothing made it fail.
#[test]
fn a_phone_whose_new_key_was_listed_and_the_answer_lost_is_on_the_list_once() {
    let mut renamed = 0;
    for requests in 1..14 {
        for crashes in [false, true] {
            let (mut world, _, mut own, mut other) = two(160);
            let old = stores::copy(&other.store);
            log(&world, &mut other, "one");
            world.sync(&mut other).unwrap();
            let mut other = world.open(&old, &other.secret.clone()).unwrap();
            let before = other.replica.author();
            // The line breaks before the answer to the last of these requests.
            let mut line = Line { requests_left: Some(requests), ..Line::default() };
            let _ = world.sync_over(&mut other, &mut line);
            if crashes {
                world.crash(&mut other).unwrap();
            }
            round(&mut world, &mut [&mut other, &mut own]);
            assert_eq!(active(&own).len(), 2, "cut at request {requests}");
            renamed += u32::from(other.replica.author() != before);
        }
    }
    assert!(renamed > 10, "it did take new keys: {renamed}");
}

// Broken on purpose: `Replica::known_place` not asking for the contents made it fail.
/// Two copies of one phone, which went on differently from the same place of their chain; then the relay lost
/// everything, and the one that was ahead finds what the other one gave since, at a place that it is past.
#[test]
fn a_clone_that_is_ahead_takes_in_what_its_twin_gave_to_a_wiped_relay_before_it_replaces_it() {
    let (mut world, phrase, mut phone, mut tablet) = two(143);
    let id = log(&world, &mut phone, "one");
    world.sync(&mut phone).unwrap();
    edit(&world, &mut phone, id, "one, edited before the copy");
    let mut twin = world.open(&stores::copy(&phone.store), &phone.secret.clone()).unwrap();
    world.now_ms += 150 * DAY_MS;
    edit(&world, &mut phone, id, "one, edited on the phone");
    world.sync(&mut twin).unwrap();
    world.wipe_relay();
    world.sync(&mut tablet).unwrap();
    world.sync(&mut phone).unwrap();
    let status = phone.replica.status(world.now_ms).unwrap();
    assert_eq!((status.waiting, status.on_relay), (0, 1));
    world.sync(&mut twin).unwrap();
    assert_ne!(twin.replica.author(), phone.replica.author(), "it took another name");
    let mut new = world.restore(&phrase).unwrap();
    world.sync(&mut new).unwrap();
    assert_eq!(rows(&mut new), rows(&mut phone), "what was said to be on the relay is there");
}

// Broken on purpose: `Replica::known_place` passing over everything in a removed device's snapshots made it
// fail, and `Replica::took_key` not forgetting what was met under the former key.
/// The tablet packed the twin's branch of the chain that both copies go by, and was removed since. Under its
/// new name, the phone that removed it still finds the twin's branch by that.
#[test]
fn a_clone_that_took_another_name_follows_its_twin_from_where_a_removed_device_covered_it() {
    let (mut world, _, mut phone, mut tablet) = two(144);
    log(&world, &mut tablet, "on the tablet");
    world.sync(&mut tablet).unwrap();
    let id = log(&world, &mut phone, "one");
    let mut twin = world.open(&stores::copy(&phone.store), &phone.secret.clone()).unwrap();
    world.sync(&mut twin).unwrap();
    world.wipe_relay();
    world.sync(&mut phone).unwrap();
    world.sync(&mut tablet).unwrap();
    log(&world, &mut tablet, "on the tablet, later");
    world.sync(&mut tablet).unwrap();
    edit(&world, &mut phone, id, "one, edited");
    twin.replica.ask(Job::Remove(tablet.replica.author()));
    world.sync(&mut twin).unwrap();
    let next = twin.secret.keys(&phone.replica.space(), 1).author;
    assert_eq!(twin.replica.author(), next.author_id(), "it went on once");
    world.sync(&mut phone).unwrap();
    twin.replica.take_alarms();
    world.sync(&mut twin).unwrap();
    assert_eq!(twin.replica.take_alarms(), []);
    assert_eq!(rows(&mut twin), rows(&mut phone));
    assert_eq!(rows(&mut twin).len(), 3);
}

/// The line breaks as an entry is sent, and again as the list names the phone's next key: nothing is taken under
/// the former one any more.
#[test]
fn what_a_phone_had_not_sent_under_its_former_name_goes_under_the_new_one() {
    let mut renamed = 0;
    for sent in 3..8 {
        for asked in 4..8 {
            let (mut world, _, mut own, mut other) = two(165);
            log(&world, &mut other, "before");
            world.sync(&mut other).unwrap();
            log(&world, &mut other, "one");
            let mut line = Line { requests_left: Some(sent), ..Line::default() };
            let _ = world.sync_over(&mut other, &mut line);
            let before = other.replica.author();
            other.replica.ask(Job::Rekey);
            let mut line = Line { requests_left: Some(asked), ..Line::default() };
            let _ = world.sync_over(&mut other, &mut line);
            world.sync(&mut other).unwrap();
            renamed += u32::from(other.replica.author() != before);
            let status = other.replica.status(world.now_ms).unwrap();
            let cut = format!("cut at requests {sent} and {asked}");
            assert_eq!((status.waiting, status.on_relay), (0, 2), "{cut}");
            round(&mut world, &mut [&mut own, &mut other]);
            assert_eq!((rows(&mut own).len(), active(&own).len()), (2, 2), "{cut}");
        }
    }
    assert!(renamed > 10, "it did take new keys: {renamed}");
}

/// The last snapshot of a device, signed anew with its key: it covers the first of these chains as if it went
/// on, and the other one as if it had gone otherwise.
fn signed_anew(
    world: &mut World,
    phrase: &Phrase,
    removed: &Phone,
    (further, otherwise): (AuthorId, AuthorId),
) -> (Hash, Vec<u8>) {
    let space = removed.replica.space();
    let author = removed.secret.keys(&space, 0).author;
    let mut inside = Inside::new(&world.relay, phrase, world.now_ms as u64);
    let all = inside.envelopes().into_iter().map(|(_, envelope)| envelope);
    let snapshot = |e: &Envelope| {
        let header = e.header();
        header.author == author.author_id()
            && header.kind == Kind::Snapshot
            && [further, otherwise].iter().all(|author| header.covered(author).is_some())
    };
    let honest = all.filter(snapshot).last().unwrap();
    let mut header = honest.header().clone();
    for AuthorHead { author, head } in &mut header.covers {
        if *author == further {
            *head = Head { seq: head.seq + 2, hash: Hash([7; 32]) };
        } else if *author == otherwise {
            head.hash = Hash([7; 32]);
        }
    }
    let payload = inside.open(&honest).unwrap().to_bytes();
    let epoch = inside.keyring.epoch(&header.epoch).unwrap().clone();
    let forged = seal::seal(&mut world.rng, &space, header, (&epoch, &author), &payload).unwrap();
    (honest.hash(&space), forged.to_bytes())
}

// Broken on purpose: `Replica::known_place` following such a snapshot in every chain made it fail, and following
// a former name's chain to a further place.
/// Whoever holds the key of a removed tablet signs its last snapshot anew, and a relay that helps shows both to a
/// phone that took another name and reads the feed again.
#[test]
fn what_a_removed_device_is_made_to_say_later_moves_no_chain() {
    let (mut world, phrase, mut phone, mut tablet) = two(145);
    let mut desk = world.link(&mut phone, "desk").unwrap();
    world.sync(&mut desk).unwrap();
    log(&world, &mut tablet, "on the tablet");
    world.sync(&mut tablet).unwrap();
    log(&world, &mut desk, "on the desk");
    let id = log(&world, &mut phone, "one");
    let mut twin = world.open(&stores::copy(&phone.store), &phone.secret.clone()).unwrap();
    world.sync(&mut twin).unwrap();
    world.wipe_relay();
    world.sync(&mut phone).unwrap();
    world.sync(&mut desk).unwrap();
    world.sync(&mut tablet).unwrap();
    log(&world, &mut tablet, "on the tablet, later");
    world.sync(&mut tablet).unwrap();
    let space = phone.replica.space();
    let chains = (phone.replica.author(), desk.replica.author());
    let (honest, forged) = signed_anew(&mut world, &phrase, &tablet, chains);
    let (mut removed, mut shown) = (false, 0);
    let mut line = meddling(move |request, mut replies| {
        removed |= matches!(request, Request::Append { .. });
        for reply in replies.iter_mut().filter(|_| removed) {
            let Reply::Items { items, .. } = reply else { continue };
            let is_it = |item: &Item| match &item.body {
                ItemBody::Whole(bytes) => Envelope::from_bytes(bytes).unwrap().hash(&space) == honest,
                ItemBody::Stub(_) => false,
            };
            if let Some(at) = items.iter().position(is_it) {
                let body = ItemBody::Whole(forged.clone().into());
                items.insert(at + 1, Item { body, ..items[at].clone() });
                shown += 1;
            }
        }
        replies
    });
    twin.replica.ask(Job::Remove(tablet.replica.author()));
    world.sync_over(&mut twin, &mut line).unwrap();
    assert_ne!(twin.replica.author(), phone.replica.author(), "it took another name");
    edit(&world, &mut phone, id, "one, edited");
    edit(&world, &mut phone, id, "one, edited again");
    world.sync(&mut phone).unwrap();
    log(&world, &mut desk, "on the desk, later");
    world.sync(&mut desk).unwrap();
    world.sync(&mut phone).unwrap();
    twin.replica.take_alarms();
    world.sync(&mut twin).unwrap();
    assert_eq!(twin.replica.take_alarms(), []);
    assert_eq!(rows(&mut twin), rows(&mut phone));
    assert_eq!(rows(&mut twin).len(), 5);
}

/// A phone took another name, and again as often as said; then the relay lost everything, and one that had not
/// heard of it made the journal there anew, and added to its list.
fn left_out(seed: u64, names: u32) -> (World, Phrase, Phone, Phone) {
    let (mut world, phrase, mut own, mut other) = two(seed);
    log(&world, &mut other, "before");
    round(&mut world, &mut [&mut other, &mut own]);
    for _ in 0..names {
        other.replica.ask(Job::Rekey);
        world.sync(&mut other).unwrap();
    }
    log(&world, &mut other, "under another name");
    world.sync(&mut other).unwrap();
    world.wipe_relay();
    (world, phrase, own, other)
}

// Broken on purpose: `Replica::speak_formerly` finding no name made it fail.
#[test]
fn a_phone_whose_new_name_was_lost_with_the_relay_joins_the_lists_under_its_former_one() {
    for names in 1..4 {
        let (mut world, phrase, mut own, mut other) = left_out(146, names);
        let mut third = world.link(&mut own, "third").unwrap();
        world.sync(&mut third).unwrap();
        log(&world, &mut own, "meanwhile");
        world.sync(&mut own).unwrap();
        world.sync(&mut other).unwrap();
        assert!(other.replica.take_alarms().contains(&Alarm::Healed));
        round(&mut world, &mut [&mut other, &mut own, &mut third]);
        let mut new = world.restore(&phrase).unwrap();
        world.sync(&mut new).unwrap();
        let all = rows(&mut new);
        assert_eq!(all.len(), 3, "{names} names");
        for phone in [&mut other, &mut own, &mut third] {
            assert_eq!(rows(phone), all);
            assert_eq!(active(phone).len(), 3);
            let status = phone.replica.status(world.now_ms).unwrap();
            assert_eq!((status.waiting, status.on_relay), (0, 3));
        }
    }
}

/// Where somebody was removed meanwhile, the person decides, as ever: under a former name, too.
#[test]
fn a_phone_that_speaks_under_its_former_name_asks_before_it_joins_lists_that_disagree() {
    let (mut world, _, mut own, mut other) = left_out(147, 1);
    let third = world.link(&mut own, "third").unwrap();
    own.replica.ask(Job::Remove(third.replica.author()));
    world.sync(&mut own).unwrap();
    let error = world.sync(&mut other).unwrap_err();
    assert!(matches!(error, EngineError::Roster(_)), "{error:?}");
    assert!(other.replica.take_alarms().contains(&Alarm::Fork));
    assert!(other.replica.fork().unwrap().can_heal);
    other.replica.ask_heal().unwrap();
    // Whoever only one of two such lists knows waits: so does the new name.
    assert!(matches!(world.sync(&mut other), Err(EngineError::NotADevice)));
    world.sync(&mut own).unwrap();
    own.replica.ask(Job::Confirm(other.replica.author()));
    world.sync(&mut own).unwrap();
    round(&mut world, &mut [&mut other, &mut own]);
    assert_eq!(rows(&mut own), rows(&mut other));
    assert_eq!((rows(&mut own).len(), active(&own).len()), (2, 2));
}

/// A phone that was removed on the relay's list is no device there, under whatever name.
#[test]
fn a_phone_that_was_removed_under_its_former_name_does_not_come_back_by_it() {
    let (mut world, _, mut own, mut other) = left_out(148, 1);
    world.sync(&mut own).unwrap();
    let former = other.secret.keys(&own.replica.space(), 0).author.author_id();
    own.replica.ask(Job::Remove(former));
    world.sync(&mut own).unwrap();
    assert!(world.sync(&mut other).is_err());
    assert!(!other.replica.fork().is_some_and(|fork| fork.can_heal));
    world.sync(&mut own).unwrap();
    assert_eq!((rows(&mut own).len(), active(&own).len()), (1, 1));
}
