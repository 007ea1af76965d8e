//! Check 13: bombs that a counsellor with a changed app seals in a share.

use std::io::Write;
use std::time::{Duration, Instant};

use mainstay_core::care::{RecordId, SharedBody, SharedRecord, Target};
use mainstay_core::chapter::SlotName;
use mainstay_core::engine::Alarm;
use mainstay_core::space::seal;
use mainstay_protocol::codec;
use mainstay_protocol::envelope::Header;
use mainstay_protocol::frame::{Reply, Request};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::limits::MAX_PAYLOAD_BYTES;

use super::{Vault, feed, let_in_another, served};
use crate::kit::{Pair, log, pair};

/// What one sync may take, with whatever it opens.
const PATIENCE: Duration = Duration::from_secs(10);

/// Puts a payload on the relay, under a good seal and signature, as the counsellor's `nth` record.
fn slipped_in(p: &mut Pair, nth: u8, payload: &[u8]) {
    let (share, vault) = (p.share, Vault::of(&p.world, &p.words, &p.share));
    let roster = served(&mut p.world, share, &vault.keys()).roster;
    let mut of_laptop = feed(&mut p.world, share, &p.laptop);
    let (epoch, author) = (vault.keyring.present(&roster).unwrap(), &of_laptop.author);
    // A header as any record has one, at the beginning of a chain.
    let header = Header {
        roster: roster.head(),
        epoch: epoch.id(),
        slot: vault.keyring.space_key().slot(SlotName::Record([nth; 16])),
        author: author.author_id(),
        seq: 1,
        previous: Hash([0; 32]),
        covers: vec![],
        ..of_laptop.envelopes[0].header().clone()
    };
    let made = seal::seal(&mut p.world.rng, &share, header, (epoch, author), payload).unwrap();
    let push = Request::Push { space: share, envelopes: vec![made.to_bytes().into()] };
    let reply = p.world.handle(&mut of_laptop.connection, push).remove(0);
    assert!(matches!(reply, Reply::Pushed { .. }), "the relay cannot tell: {reply:?}");
}

/// Every bomb, by name.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    // The first byte says whether what follows is compressed.
    let tagged = |tag: u8, bytes: &[u8]| [&[tag], bytes].concat();
    let squeezed = |bytes: &[u8]| tagged(1, &zstd::bulk::compress(bytes, 19).unwrap());
    let zeros = zstd::bulk::compress(&vec![0; 64 << 20], 19).unwrap();
    let mut greedy = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    greedy.window_log(27).unwrap();
    greedy.write_all(&vec![0; 64 << 20]).unwrap();
    // CBOR that promises more than there is.
    let huge = [&[0x9b][..], &u64::MAX.to_be_bytes()].concat();
    // A record as it should be, but for a body that goes down and down.
    let on_top = SharedRecord { id: RecordId::from_bytes([8; 16]), counter: 1, body: said("") };
    let body = codec::encode(&on_top.body);
    let mut deep = codec::encode(&on_top);
    deep.truncate(deep.len() - body.len());
    deep.extend(vec![0x81; 1 << 20]);
    vec![
        ("64 MiB of zeros", tagged(1, &zeros)),
        ("64 MiB of zeros, untagged", zeros),
        ("zeros in a window of 128 MiB", tagged(1, &greedy.finish().unwrap())),
        ("lists in lists", squeezed(&vec![0x81; 1 << 20])),
        ("more than there is, squeezed", squeezed(&huge)),
        ("more than there is", tagged(0, &huge)),
        ("the beginning of a frame", tagged(1, &[0x28, 0xb5, 0x2f, 0xfd])),
        ("a tag and nothing", tagged(1, &[])),
        ("a record of lists in lists", squeezed(&deep)),
        ("nothing", Vec::new()),
    ]
}

fn said(text: &str) -> SharedBody {
    SharedBody::Comment { on: Target::Plan, text: text.to_owned(), written_at_ms: 1 }
}

// Broken on purpose: `Side::open` that says nothing of what it cannot read, or ends the sync over it, made
// it fail.
#[test]
fn check_13_bombs_in_a_share_are_told_of_and_stop_nothing() {
    let mut p = pair(3600, "notes:full");
    let (_, mut ben) = let_in_another(&mut p);
    p.round();
    for (nth, (name, bomb)) in (1..).zip(bombs()) {
        assert!(bomb.len() < MAX_PAYLOAD_BYTES, "{name}");
        slipped_in(&mut p, nth, &bomb);
        // The person has it, and another counsellor, whose app opens it too.
        for reader in [&mut p.phone, &mut ben] {
            reader.replica.take_alarms();
            let started = Instant::now();
            let done = p.world.sync_all(reader).unwrap();
            assert!(started.elapsed() < PATIENCE, "{name}");
            assert!(done.failed.is_empty(), "{name}: {done:?}");
            let told = reader.replica.take_alarms();
            assert!(told.contains(&Alarm::Unreadable), "{name}: {told:?}");
        }
    }
    // The device in whose name it was done reads that it was, and all of them go on.
    p.laptop.replica.say_in(&p.share, said("it goes on"), p.world.now_ms).unwrap();
    log(&p.world, &mut p.phone, "it goes on");
    for _ in 0..2 {
        p.round();
        let done = p.world.sync_all(&mut ben).unwrap();
        assert!(done.failed.is_empty(), "{done:?}");
    }
    p.check_same(2);
    for reader in [&mut p.phone, &mut ben, &mut p.laptop] {
        let heard = reader.replica.heard(&p.share, p.world.now_ms).unwrap();
        let comments = heard.iter().filter(|heard| heard.record.body == said("it goes on"));
        assert_eq!((heard.len(), comments.count()), (3, 1));
    }
}
