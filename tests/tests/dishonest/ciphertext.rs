//! Checks 9 to 11 and 13: what is sealed, altered; opened under two keys; sealed by clones; and bombs.

use std::collections::BTreeSet;

use mainstay_core::chapter::Payload;
use mainstay_core::engine::Alarm;
use mainstay_core::journal::When;
use mainstay_core::space::epoch::EpochKey;
use mainstay_core::space::seal;
use mainstay_core::sync::Local;
use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind};
use mainstay_protocol::frame::{Item, ItemBody, Reply, Request};
use mainstay_protocol::limits;
use mainstay_tests::inside::Inside;
use mainstay_tests::network::Line;
use mainstay_tests::stores;
use rand_core::Rng;

use super::kit::note;
use super::watch::{DAY_MS, Watch, with_items};

/// Changes what an envelope holds and leaves its header and signature.
fn with_ciphertext(item: &mut Item, change: impl FnOnce(&mut Vec<u8>)) {
    let ItemBody::Whole(bytes) = &item.body else { return };
    let envelope = Envelope::from_bytes(bytes).unwrap();
    let (all, inner) = (bytes.to_vec(), envelope.ciphertext().to_vec());
    let at = all.windows(inner.len()).position(|window| window == inner).unwrap();
    let mut changed = inner.clone();
    change(&mut changed);
    // Its length stands before it.
    let head = |length: usize| match length {
        0..24 => vec![0x40 | length as u8],
        24..256 => vec![0x58, length as u8],
        256..65536 => [&[0x59][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[0x5a][..], &(length as u32).to_be_bytes()].concat(),
    };
    let before = at - head(inner.len()).len();
    assert_eq!(all[before..at], head(inner.len()), "a byte string");
    let rest = &all[at + inner.len()..];
    let whole = [&all[..before], &head(changed.len()), &changed, rest].concat();
    item.body = ItemBody::Whole(whole.into());
}

#[test]
fn check_09_a_ciphertext_that_was_altered_is_refused_told_of_and_fetched_again() {
    type Lie = fn(&mut Vec<Item>);
    let lies: [(&str, Lie); 6] = [
        ("one bit over", |items| {
            items.iter_mut().for_each(|item| with_ciphertext(item, |bytes| bytes[30] ^= 1));
        }),
        ("cut short", |items| {
            items.iter_mut().for_each(|item| with_ciphertext(item, |b| b.truncate(b.len() - 1)));
        }),
        ("made longer", |items| {
            items.iter_mut().for_each(|item| with_ciphertext(item, |bytes| bytes.push(0)));
        }),
        ("nothing", |items| {
            items.iter_mut().for_each(|item| with_ciphertext(item, Vec::clear));
        }),
        ("swapped", |items| {
            let inner = |item: &Item| match &item.body {
                ItemBody::Whole(b) => Envelope::from_bytes(b).unwrap().ciphertext().to_vec(),
                ItemBody::Stub(_) => Vec::new(),
            };
            if items.len() > 1 {
                let (one, two) = (inner(&items[0]), inner(&items[1]));
                with_ciphertext(&mut items[0], |bytes| *bytes = two);
                with_ciphertext(&mut items[1], |bytes| *bytes = one);
            }
        }),
        ("its own twice over", |items| {
            items.iter_mut().for_each(|item| {
                with_ciphertext(item, |bytes| {
                    let again = bytes.clone();
                    bytes.extend(again);
                });
            });
        }),
    ];
    for (seed, (name, lie)) in (9000..).zip(lies) {
        let mut w = Watch::new(seed);
        let before = w.rows(1).len();
        for n in 0..3 {
            w.log(0, &format!("{name}, entry {n}"));
            w.world.now_ms += 40 * DAY_MS;
            w.sync(0, Line::default()).unwrap();
        }
        w.alarms[1].clear();
        let ended = w.sync(1, with_items(lie));
        let told = w.alarms[1].contains(&Alarm::Forged) || ended.is_err();
        assert!(told, "{name}: {ended:?} {:?}", w.alarms[1]);
        // Where two were swapped, the third is as it was.
        assert!(w.rows(1).len() <= before + 1, "{name}");
        w.honest_to_the_last();
    }
}

#[test]
fn check_09_a_snapshot_without_its_last_part_replaces_nothing() {
    let mut w = Watch::new(9100);
    // A month that fills several envelopes, as its words cannot be compressed.
    for n in 0..8 {
        let mut bytes = vec![0_u8; 20_000];
        w.world.rng.fill_bytes(&mut bytes);
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        w.log(0, &format!("{n} {text}"));
    }
    w.honest();
    w.world.now_ms += 60 * DAY_MS;
    w.honest();
    let relay = Inside::new(&w.world.relay, &w.phrase, w.world.now_ms as u64).envelopes();
    let last = relay.iter().filter(|(_, e)| e.header().chunk.count > 1);
    let last = last.filter(|(_, e)| e.header().chunk.is_last()).map(|(number, _)| *number);
    let last: Vec<u64> = last.collect();
    assert!(!last.is_empty(), "a snapshot of several parts");
    let mut new = w.world.link(&mut w.phones[0], "third").unwrap();
    let hidden = last.clone();
    let mut line = with_items(move |items| items.retain(|item| !hidden.contains(&item.number)));
    let ended = w.world.sync_over(&mut new, &mut line);
    let told = new.replica.take_alarms().contains(&Alarm::Withheld);
    assert!(told || ended.is_err(), "it does not say that all is here: {ended:?}");
    let shown = new.replica.timeline(i64::MIN, i64::MAX).unwrap().len();
    assert!(shown <= 14, "what is shown came whole");
    w.add(new);
    w.honest_to_the_last();
}

#[test]
fn check_10_what_names_an_epoch_opens_under_one_key_only() {
    let mut w = Watch::new(10_000);
    let space = w.phones[0].replica.space();
    let mut inside = Inside::new(&w.world.relay, &w.phrase, w.world.now_ms as u64);
    let envelopes = inside.envelopes();
    for (_, envelope) in &envelopes {
        let own = inside.keyring.epoch(&envelope.header().epoch).unwrap();
        assert!(seal::open(&space, envelope, own).is_ok());
        for _ in 0..50 {
            let other = EpochKey::make(&mut w.world.rng);
            assert_ne!(other.id(), own.id(), "the id is a hash of the key");
            assert!(seal::open(&space, envelope, &other).is_err());
        }
    }
    // Named after another epoch by a device that may: neither key opens it, for the header is sealed in.
    let other = EpochKey::make(&mut w.world.rng);
    let author = w.phones[0].secret.keys(&space, 0).author;
    let (_, envelope) = &envelopes[0];
    let header = Header { epoch: other.id(), ..envelope.header().clone() };
    let ciphertext = envelope.ciphertext().to_vec();
    let moved = Envelope::make(&space, header, |_| ciphertext, |input| author.sign(input));
    let own = inside.keyring.epoch(&envelope.header().epoch).unwrap();
    assert!(
        seal::open(&space, &moved, own).is_err() && seal::open(&space, &moved, &other).is_err()
    );
}

#[test]
fn check_11_clones_of_one_device_never_use_a_nonce_twice_under_one_key() {
    let mut w = Watch::new(11_000);
    w.honest();
    let (backup, secret) = (stores::copy(&w.phones[0].store), w.phones[0].secret.clone());
    let mut nonces: BTreeSet<(Vec<u8>, Vec<u8>)> = BTreeSet::new();
    let (mut count, mut at_rest) = (0, BTreeSet::new());
    for life in 0..3 {
        // The same store, the same secret, the same words at the same time, and so the same place in
        // the same chain.
        let relay = stores::copy(&w.world.relay_store);
        let mut clone = w.world.open(&stores::copy(&backup), &secret).unwrap();
        let at = jiff::Timestamp::from_millisecond(w.world.now_ms).unwrap();
        let (body, when) = (note("the same words in each life"), When::exact(at, "Europe/Berlin"));
        clone.replica.log(body, when, w.world.now_ms).unwrap();
        w.world.sync(&mut clone).unwrap();
        let mut inside = Inside::new(&w.world.relay, &w.phrase, w.world.now_ms as u64);
        for (_, envelope) in inside.envelopes() {
            let nonce = envelope.ciphertext()[..24].to_vec();
            let epoch = envelope.header().epoch.0.to_vec();
            if envelope.header().author == clone.replica.author() {
                count += usize::from(nonces.insert((epoch, nonce)));
            }
        }
        at_rest.insert(stores::bytes(&clone.store));
        if life < 2 {
            w.world.put_relay_back(relay, false);
        }
    }
    // What was there before is the same in all three; the new envelope is another one each time.
    let before = Inside::new(&w.world.relay, &w.phrase, w.world.now_ms as u64).envelopes();
    let own = before.iter().filter(|(_, e)| e.header().author == w.phones[0].replica.author());
    assert_eq!(count, own.count() + 2);
    assert_eq!(at_rest.len(), 3);
}

/// What a changed app with the journal's keys puts on the relay as the next word of its chain.
fn slipped_in(w: &mut Watch, payloads: &[Vec<u8>]) {
    let space = w.phones[1].replica.space();
    let (base, epoch, author) = w.to_go_on_from();
    let (mut seq, mut previous) = (base.header().seq, base.hash(&space));
    let mut envelopes = Vec::new();
    for payload in payloads {
        let header = Header {
            seq: seq + 1,
            previous,
            kind: Kind::Change,
            chunk: Chunk::WHOLE,
            covers: vec![],
            destroys: false,
            news: false,
            forgets: 0,
            contents: None,
            ..base.header().clone()
        };
        let made =
            seal::seal(&mut w.world.rng, &space, header, (&epoch, &author), payload).unwrap();
        (seq, previous) = (made.header().seq, made.hash(&space));
        envelopes.push(made.to_bytes().into());
    }
    let mut connection = w.world.greet_as(space, &author).unwrap().connection;
    let reply = w.world.handle(&mut connection, Request::Push { space, envelopes }).remove(0);
    assert!(matches!(reply, Reply::Pushed { .. }), "the relay cannot tell: {reply:?}");
}

#[test]
fn check_13_bombs_under_a_good_seal_are_told_of_and_stop_nothing() {
    let mut w = Watch::new(13_000);
    let zeros = vec![0_u8; 64 << 20];
    let bomb = zstd::bulk::compress(&zeros, 19).unwrap();
    assert!(bomb.len() < limits::MAX_PAYLOAD_BYTES);
    let nested = zstd::bulk::compress(&vec![0x81; 100_000], 19).unwrap();
    // CBOR that promises more than there is, in an honest frame and in a bare one.
    let huge = [&[0x9b][..], &u64::MAX.to_be_bytes()].concat();
    let good = Payload::Plan { changes: vec![0; 10].into() }.to_bytes();
    // The first byte says whether what follows is compressed.
    let tagged = |tag: u8, bytes: &[u8]| [&[tag], bytes].concat();
    let payloads = vec![
        tagged(1, &bomb),
        tagged(1, &nested),
        tagged(1, &zstd::bulk::compress(&huge, 3).unwrap()),
        tagged(0, &huge),
        tagged(0, &[]),
        tagged(1, &[0x28, 0xb5, 0x2f, 0xfd]),
        bomb,
        Vec::new(),
        good,
    ];
    slipped_in(&mut w, &payloads);
    let started = std::time::Instant::now();
    w.sync(0, Line::default()).unwrap();
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
    assert!(w.alarms[0].contains(&Alarm::Unreadable), "{:?}", w.alarms[0]);
    // The device in whose name it was done reads that it was.
    let _ = w.sync(1, Line::default());
    w.log(0, "it goes on");
    w.honest_to_the_last();
}
