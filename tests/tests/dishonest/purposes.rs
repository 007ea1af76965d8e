//! Check 4: what was signed or wrapped for one purpose, presented for another. Check 5: key exchange with
//! bad input.

use mainstay_core::engine::Job;
use mainstay_core::space::change::Newcomer;
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::space::sign::AuthorKey;
use mainstay_core::space::test_kit::signing_key;
use mainstay_core::space::wrap::unwrap;
use mainstay_core::sync::Local;
use mainstay_protocol::codec;
use mainstay_protocol::envelope::{Envelope, Header};
use mainstay_protocol::frame::{Attach, Proof, Refusal, Reply, Request, Signer};
use mainstay_protocol::ids::StoreInstance;
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::{Act, Device, KemKey, Record, Wrap, WrapRef, wrap_hash};
use mainstay_protocol::sign::{Signed, purpose, signing_input};
use mainstay_protocol::statement::Statement;
use mainstay_sync_server::feed::FeedStore;
use mainstay_sync_server::relay::Connection;
use mainstay_tests::inside::Inside;
use mainstay_tests::network::Line;
use mainstay_tests::stores;
use mainstay_tests::world::EXPORTER;

use super::watch::{Watch, lying};

fn author_of(w: &Watch, phone: usize) -> AuthorKey {
    let space = w.phones[phone].replica.space();
    w.phones[phone].secret.keys(&space, 0).author
}

fn admitted(act: &Act) -> Option<Device> {
    match act {
        Act::Admit { device, .. } => Some(device.clone()),
        _ => None,
    }
}

/// Signed for each purpose in its turn, the same request is taken for the right one alone; what it changed
/// is undone.
fn counts_only_as(w: &mut Watch, key: &AuthorKey, right: &str, request: impl Fn(&str) -> Request) {
    let space = w.phones[0].replica.space();
    for purpose in purpose::ALL {
        let before = stores::copy(&w.world.relay_store);
        let mut connection = w.world.greet_as(space, key).unwrap().connection;
        let reply = w.world.handle(&mut connection, request(purpose)).remove(0);
        let refused = matches!(reply, Reply::Refused(_));
        assert_eq!(refused, purpose != right, "a signature for {purpose}: {reply:?}");
        w.world.put_relay_back(before, false);
    }
}

#[test]
fn check_04_a_relay_takes_no_signature_that_was_made_for_something_else() {
    let mut w = Watch::new(4000);
    let key = author_of(&w, 0);
    let (space, author) = (w.phones[0].replica.space(), key.author_id());
    let relay = w.world.relay.keys().relay();
    let signer = Signer::Device(author);
    let proof = Proof { exporter: EXPORTER, relay, space, signer };
    for purpose in purpose::ALL {
        let mut connection = Connection::new(Box::new(|_| EXPORTER));
        let signature = Some(key.sign_for(purpose, &proof.message()));
        let attach = Attach { space, signer, signature, cursor: None };
        let reply = w.world.handle(&mut connection, Request::Attach(attach)).remove(0);
        match purpose {
            purpose::ATTACH => assert!(matches!(reply, Reply::Attached(_)), "{reply:?}"),
            _ => assert_eq!(reply, Reply::Refused(Refusal::NotAuthorised)),
        }
    }

    let roster = w.world.greet_as(space, &key).unwrap().roster;
    let mut inside = Inside::new(&w.world.relay, &w.phrase, w.world.now_ms as u64);
    let own = inside.envelopes().into_iter().map(|(_, envelope)| envelope);
    let last = own.filter(|own| own.header().author == author).max_by_key(|e| e.header().seq);
    let last = last.unwrap();
    let wrap = {
        let (to, epoch) = (Signer::Device(relay.author_id()), last.header().epoch);
        Wrap { to, epoch, parent: Some(roster.head()), sealed: vec![7; 1000].into() }
    };
    let mut like = roster.records().flat_map(|(_, _, record)| &record.acts).filter_map(admitted);
    let device = Device { key: relay, ..like.next().unwrap() };
    let named = WrapRef { to: wrap.to, hash: wrap_hash(&wrap) };
    let record = Record {
        version: mainstay_protocol::FORMAT_VERSION,
        space,
        number: roster.number() + 1,
        parent: Some(roster.head()),
        signer,
        acts: vec![Act::Admit { device, wrap: Some(named), succeeds: None }],
    };
    counts_only_as(&mut w, &key, purpose::ROSTER, |purpose| {
        let record = Signed::seal(&record, |_| key.sign_for(purpose, &codec::encode(&record)));
        let (expected, wraps) = (roster.head(), vec![wrap.clone()]);
        Request::Append { space, expected, record, wraps }
    });
    counts_only_as(&mut w, &key, purpose::ENVELOPE, |purpose| {
        let header = Header {
            seq: last.header().seq + 1,
            previous: last.hash(&space),
            ..last.header().clone()
        };
        let ours = signing_input(purpose::ENVELOPE, &[]).len();
        let sign = |input: &[u8]| key.sign_for(purpose, &input[ours..]);
        let next = Envelope::make(&space, header, |_| last.ciphertext().to_vec(), sign);
        Request::Push { space, envelopes: vec![next.to_bytes().into()] }
    });
    let receipt = Receipt {
        version: mainstay_protocol::FORMAT_VERSION,
        space,
        author,
        counter: 1_000_000,
        instance: StoreInstance([1; 16]),
        incarnation: w.world.relay.incarnation(),
        roster_head: roster.head(),
        digest: mainstay_protocol::heads::HeadsDigest::of(&[]),
        recent: vec![],
    };
    counts_only_as(&mut w, &key, purpose::RECEIPT, |purpose| {
        let receipt = Signed::seal(&receipt, |_| key.sign_for(purpose, &codec::encode(&receipt)));
        Request::PutReceipt { space, receipt }
    });
    w.honest_to_the_last();
}

#[test]
fn check_04_a_device_takes_no_statement_that_the_relay_signed_as_something_else() {
    let mut w = Watch::new(4001);
    let relay = signing_key(&[1; 32]);
    assert_eq!(relay.verify_key(), w.world.relay.keys().relay(), "the relay of a test");
    w.log(0, "to be acknowledged");
    for purpose in purpose::ALL.iter().filter(|purpose| **purpose != purpose::STATEMENT) {
        let relay = relay.clone();
        let line = lying(move |_, mut replies| {
            for reply in &mut replies {
                if let Reply::Pushed { statement } = reply {
                    let said: Statement = statement.peek().unwrap();
                    let signature = relay.sign_for(purpose, &codec::encode(&said));
                    *statement = Signed::seal(&said, |_| signature);
                }
            }
            replies
        });
        assert!(w.sync(0, line).is_err(), "{purpose}");
        let status = w.phones[0].replica.status(w.world.now_ms).unwrap();
        assert_eq!((status.waiting, status.on_relay), (1, 6), "{purpose}");
    }
    w.honest_to_the_last();
}

/// Keys that nobody agreed on: nothing, all ones, a point of small order in the classical half.
fn bad_keys(good: &KemKey) -> Vec<KemKey> {
    let mut small = good.0.to_vec();
    let from = small.len() - 32;
    small[from..].fill(0);
    let mut one = small.clone();
    one[from] = 1;
    let mut short = good.0.to_vec();
    short.pop();
    let all = [vec![0; good.0.len()], vec![0xff; good.0.len()], small, one, short, Vec::new()];
    all.into_iter().map(|bytes| KemKey(bytes.into())).collect()
}

#[test]
fn check_05_a_newcomer_with_a_bad_key_is_not_let_in_and_stops_nothing() {
    let mut w = Watch::new(5000);
    let space = w.phones[0].replica.space();
    let before = w.phones[0].replica.devices().len();
    let good = DeviceSecret::make(&mut w.world.rng).keys(&space, 0);
    for bad in bad_keys(good.kem.public()) {
        let keys = DeviceSecret::make(&mut w.world.rng).keys(&space, 0);
        let newcomer = Newcomer { kem: bad, ..Newcomer::own(&keys, "nobody") };
        w.phones[0].replica.ask(Job::Admit(newcomer));
        let _ = w.sync(0, Line::default());
        w.log(0, "it goes on");
        w.sync(0, Line::default()).unwrap();
        assert_eq!(w.phones[0].replica.devices().len(), before);
    }
    w.honest_to_the_last();
}

#[test]
fn check_05_a_wrap_with_bad_input_gives_no_key_and_stops_nothing() {
    let mut w = Watch::new(5001);
    let third = w.link("third");
    w.honest();
    // A new epoch, whose key the second phone has to fetch.
    let author = w.phones[third].replica.author();
    w.phones[0].replica.ask(Job::Remove(author));
    w.sync(0, Line::default()).unwrap();
    w.phones.pop();
    w.log(0, "under the new key");
    w.sync(0, Line::default()).unwrap();
    let told = std::rc::Rc::new(std::cell::Cell::new(0));
    for lie in 0..6 {
        let told = told.clone();
        let line = lying(move |_, mut replies| {
            for reply in &mut replies {
                let Reply::Wraps { wraps } = reply else { continue };
                for wrap in wraps {
                    told.set(told.get() + 1);
                    let mut sealed = wrap.sealed.to_vec();
                    let half = 1088.min(sealed.len());
                    match lie {
                        0 => sealed.fill(0),
                        1 => sealed.fill(0xff),
                        // The classical half's public key: a point of small order.
                        2 => sealed[half..(half + 32).min(1120)].fill(0),
                        3 => sealed.truncate(1119),
                        4 => sealed.clear(),
                        _ => sealed[..half].fill(0),
                    }
                    wrap.sealed = sealed.into();
                }
            }
            replies
        });
        let _ = w.sync(1, line);
        assert_eq!(w.rows(1).len(), 6, "lie {lie}: nothing is read under a key that never came");
    }
    assert!(told.get() >= 6, "{} lies were told", told.get());
    w.honest_to_the_last();
}

/// Check 8: all devices and the words gone, what the relay and everybody else has opens nothing.
#[test]
fn check_08_without_a_device_and_without_the_words_there_is_no_other_way_in() {
    let mut w = Watch::new(8000);
    w.honest();
    let space = w.phones[0].replica.space();
    let inside = Inside::new(&w.world.relay, &w.phrase, w.world.now_ms as u64);
    let named = inside.roster.records().flat_map(|(.., record)| record.acts.clone());
    let named = named.flat_map(|act| match act {
        Act::Epoch(epoch) => epoch.wraps,
        Act::Admit { wrap, .. } => wrap.into_iter().collect(),
        _ => Vec::new(),
    });
    let store = w.world.relay.store();
    let wraps = named.filter_map(|wrap| store.wrap(&space, &wrap.to, &wrap.hash).unwrap());
    let wraps: Vec<_> = wraps.collect();
    assert!(wraps.len() >= 3, "for two devices and for the words");
    let opens = |kem: &_| wraps.iter().filter(|wrap| unwrap(&space, wrap, kem).is_ok()).count();
    assert!(opens(Recovery::derive(&w.phrase).kem()) > 0, "the words do open some");
    for _ in 0..20 {
        let other = Phrase::make(&mut w.world.rng);
        assert_ne!(Recovery::derive(&other).space_id(), space);
        assert_eq!(opens(Recovery::derive(&other).kem()), 0);
        let stranger = DeviceSecret::make(&mut w.world.rng).keys(&space, 0);
        assert_eq!(opens(&stranger.kem), 0);
        let key = Recovery::derive(&other).signing().clone();
        for (signer, key) in [
            (Signer::Recovery, key.clone()),
            (Signer::Device(w.phones[0].replica.author()), key),
            (Signer::Device(stranger.author.author_id()), stranger.author.clone()),
            // The relay itself, with both of its keys.
            (Signer::Recovery, signing_key(&[1; 32])),
            (Signer::Device(w.phones[0].replica.author()), signing_key(&[2; 32])),
        ] {
            let sign = |message: &[u8]| key.sign_for(purpose::ATTACH, message);
            assert!(w.world.greet(space, signer, sign).is_err());
        }
    }
    w.look();
}
