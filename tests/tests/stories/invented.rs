//! A stolen phone that names devices which never were.

use mainstay_core::chapter::{Bundle, Payload, SlotName};
use mainstay_core::space::seal;
use mainstay_core::sync::Local;
use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head};
use mainstay_protocol::ids::AuthorId;
use mainstay_tests::inside::Inside;

use super::dishonest::slipping_in;
use super::{DAY_MS, Phone, Phrase, World, log, round, rows, two};

/// Snapshots of a chapter that a thief makes by hand: each says that it covers chains of devices that
/// never were, all others than the last one did.
fn inventing(world: &mut World, phrase: &Phrase, thief: &Phone) -> Vec<Envelope> {
    let mut inside = Inside::new(&world.relay, phrase, world.now_ms as u64);
    let space = thief.replica.space();
    let author = thief.secret.keys(&space, 0).author;
    let all = inside.envelopes().into_iter().map(|(_, envelope)| envelope);
    let own = all.into_iter().find(|e| e.header().author == author.author_id()).unwrap();
    let Some(Payload::Changes { slot: SlotName::Chapter(month), .. }) = inside.open(&own) else {
        panic!("a change of a chapter");
    };
    let bytes = Bundle::default().to_bytes().into();
    let payload = Payload::Part { slot: SlotName::Chapter(month), bytes }.to_bytes();
    let epoch = inside.keyring.epoch(&own.header().epoch).unwrap().clone();
    let mut made = vec![own];
    for number in 0..3_u8 {
        let last = made.last().unwrap();
        let (seq, previous) = (last.header().seq, last.hash(&space));
        let invented =
            |n: u8| AuthorId(*Hash::of("invented", &[&[number, n]]).0.first_chunk().unwrap());
        let mut covers: Vec<AuthorHead> = (0..100)
            .map(|n| AuthorHead { author: invented(n), head: Head { seq: 1, hash: previous } })
            .collect();
        covers.sort();
        let (kind, chunk) = (Kind::Snapshot, Chunk { index: 0, count: 1 });
        let base = last.header().clone();
        let header = Header { seq: seq + 1, previous, kind, chunk, covers, news: true, ..base };
        let sealed = seal::seal(&mut world.rng, &space, header, (&epoch, &author), &payload);
        made.push(sealed.unwrap());
    }
    made.split_off(1)
}

// Broken on purpose: `Replica::counted` counting everything made it fail.
#[test]
fn a_stolen_phone_that_names_devices_that_never_were_does_not_keep_a_chapter_from_being_packed() {
    let (mut world, phrase, mut own, mut stolen) = two(151);
    log(&world, &mut stolen, "one");
    round(&mut world, &mut [&mut stolen, &mut own]);
    let made = inventing(&mut world, &phrase, &stolen);
    world.sync_over(&mut own, &mut slipping_in(made.clone())).unwrap();
    let members = Inside::new(&world.relay, &phrase, world.now_ms as u64).roster;
    let members = &members.state().members;
    for (_, author, _) in own.replica.chain_ends().unwrap() {
        assert!(members.contains_key(&author));
    }
    for number in 0..70 {
        log(&world, &mut own, &format!("{number}"));
        world.sync(&mut own).unwrap();
    }
    world.now_ms += 45 * DAY_MS;
    world.sync(&mut own).unwrap();
    let status = own.replica.status(world.now_ms).unwrap();
    assert_eq!((status.waiting, status.on_relay, rows(&mut own).len()), (0, 71, 71));
    let mut new = world.restore(&phrase).unwrap();
    world.sync(&mut new).unwrap();
    assert_eq!(rows(&mut new).len(), 71);
}
