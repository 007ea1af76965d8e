//! Envelopes, stubs and headers.

use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind, Stub};
use mainstay_protocol::heads::{AuthorHead, Head};
use mainstay_protocol::limits::MAX_SEQ;

use crate::Samples;
use crate::values::*;

fn change() -> Header {
    Header {
        version: 1,
        roster: HASH,
        epoch: wrap().epoch,
        slot: SLOT,
        author: key().author_id(),
        seq: 300,
        previous: HASH,
        kind: Kind::Change,
        chunk: Chunk::WHOLE,
        covers: vec![],
        destroys: false,
        news: false,
        forgets: 0,
        contents: None,
    }
}

fn snapshot() -> Header {
    let covers = vec![AuthorHead { author: AUTHOR, head: HEAD }];
    let chunk = Chunk { index: 2, count: 3 };
    Header { kind: Kind::Snapshot, chunk, covers, destroys: true, forgets: 3, ..change() }
}

fn record() -> Header {
    let own = AuthorHead { author: key().author_id(), head: Head { seq: 299, hash: HASH } };
    let mut covers = vec![AuthorHead { author: AUTHOR, head: HEAD }, own];
    covers.sort();
    Header { kind: Kind::Record, covers, destroys: true, ..change() }
}

fn envelope(header: Header) -> Envelope {
    Envelope::make(&SPACE, header, |_| b"ciphertext".to_vec(), sign)
}

#[test]
fn envelopes_keep_their_bytes_and_verify() {
    let mut samples = Samples::new("envelopes.hex");
    let says = Header { contents: Some(HASH), ..snapshot() };
    let headers = [
        ("change", change()),
        ("snapshot", snapshot()),
        ("snapshot_contents", says),
        ("record", record()),
    ];
    for (name, header) in headers {
        let absent = u8::from(header.contents.is_none());
        samples.add_without_last(&format!("header_{name}"), &header, absent);
        let envelope = envelope(header);
        let (bytes, stub) = (envelope.to_bytes(), envelope.stub().to_bytes());
        assert_eq!(Envelope::from_bytes(&bytes).unwrap(), envelope);
        assert_eq!(Stub::from_bytes(&stub).unwrap(), *envelope.stub());
        for newer in [crate::samples::with_new_field(&bytes, 0), bytes.clone()] {
            let envelope = Envelope::from_bytes(&newer).unwrap();
            envelope.verify(&SPACE, &key()).unwrap();
        }
        let newer = Stub::from_bytes(&crate::samples::with_new_field(&stub, 0)).unwrap();
        newer.verify(&SPACE, &key()).unwrap();
        samples.add_bytes(&format!("envelope_{name}"), bytes);
        samples.add_bytes(&format!("stub_{name}"), stub);
        samples.add_bytes(&format!("hash_{name}"), envelope.hash(&SPACE).0.to_vec());
        samples.add_bytes(&format!("aad_{name}"), envelope.additional_data(&SPACE));
    }
    samples.add_fixed("kind_change", &Kind::Change);
    samples.add_fixed("kind_snapshot", &Kind::Snapshot);
    samples.add_fixed("kind_record", &Kind::Record);
    samples.add("chunk", &Chunk { index: 2, count: 3 });
    samples.check();
}

#[test]
fn an_envelope_verifies_for_its_space_its_author_and_its_bytes_only() {
    let whole = envelope(snapshot());
    let other = mainstay_protocol::ids::SpaceId([0; 32]);
    whole.verify(&other, &key()).unwrap_err();
    let elsewhere = envelope(Header { author: AUTHOR, ..change() });
    elsewhere.verify(&SPACE, &key()).unwrap_err();
    let bytes = whole.to_bytes();
    let mut believed = 0;
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        if let Ok(altered) = Envelope::from_bytes(&flipped) {
            believed += usize::from(altered.verify(&SPACE, &key()).is_ok());
        }
    }
    assert_eq!(believed, 0);
}

#[test]
fn a_record_is_whole_and_replaces_the_one_before_it_in_its_chain() {
    let first = Header { seq: 1, covers: vec![], ..record() };
    for header in [record(), first, Header { news: true, ..record() }] {
        Envelope::from_bytes(&envelope(header).to_bytes()).unwrap();
    }
}

#[test]
fn headers_that_make_no_sense_are_refused() {
    let head =
        |author| AuthorHead { author: mainstay_protocol::ids::AuthorId([author; 16]), head: HEAD };
    let far = |seq| AuthorHead { head: Head { seq, ..HEAD }, ..head(1) };
    let wrong = [
        Header { seq: MAX_SEQ + 1, ..change() },
        Header { covers: vec![far(MAX_SEQ + 1)], ..snapshot() },
        Header { covers: vec![far(u64::MAX)], ..snapshot() },
        Header { version: 2, ..change() },
        Header { version: 0, ..change() },
        Header { seq: 0, ..change() },
        Header { destroys: true, ..change() },
        Header { forgets: 1, ..change() },
        Header { destroys: false, ..snapshot() },
        Header { covers: vec![head(1)], ..change() },
        Header { chunk: Chunk { index: 0, count: 2 }, ..change() },
        Header { chunk: Chunk { index: 3, count: 3 }, ..snapshot() },
        Header { chunk: Chunk { index: 0, count: 0 }, ..snapshot() },
        Header { chunk: Chunk { index: 0, count: 257 }, ..snapshot() },
        Header { chunk: Chunk { index: 2, count: 3 }, seq: 2, ..snapshot() },
        Header { covers: vec![head(2), head(1)], ..snapshot() },
        Header { covers: vec![head(1), head(1)], ..snapshot() },
        Header { covers: (0..129).map(head).collect(), ..snapshot() },
        Header { chunk: Chunk { index: 0, count: 2 }, ..record() },
        Header { destroys: false, ..record() },
        Header { forgets: 1, ..record() },
        Header { covers: record().covers.into_iter().rev().collect(), ..record() },
        Header { covers: vec![head(1)], ..record() },
        Header { covers: vec![], ..record() },
        Header { seq: 301, ..record() },
        Header { previous: mainstay_protocol::hash::Hash([1; 32]), ..record() },
        Header { seq: 1, ..record() },
    ];
    for header in wrong {
        let made = envelope(header.clone());
        assert!(Envelope::from_bytes(&made.to_bytes()).is_err(), "{header:?}");
        assert!(Stub::from_bytes(&made.stub().to_bytes()).is_err(), "{header:?}");
    }
}
