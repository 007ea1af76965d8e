//! Check 7: nobody is talked down to an older form.

use mainstay_core::space::seal;
use mainstay_core::sync::Local;
use mainstay_protocol::FORMAT_VERSION;
use mainstay_protocol::codec::{self, CodecError};
use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind};
use mainstay_protocol::frame::{Item, ItemBody, Refusal, Reply, Request};
use mainstay_protocol::roster::Roster;
use mainstay_protocol::sign::Signed;
use mainstay_tests::inside::Inside;

use super::watch::{Watch, lying};

#[test]
fn check_07_an_envelope_or_a_record_of_another_version_is_refused_even_from_a_device() {
    let mut w = Watch::new(7000);
    let space = w.phones[0].replica.space();
    let (own, epoch, author) = w.to_go_on_from();
    let inside = Inside::new(&w.world.relay, &w.phrase, w.world.now_ms as u64);
    let records: Vec<_> = inside.roster.records().map(|(_, signed, _)| signed.clone()).collect();
    for version in [0, FORMAT_VERSION + 1, u8::MAX] {
        let (kind, chunk) = (Kind::Change, Chunk::WHOLE);
        let (seq, previous) = (own.header().seq + 1, own.hash(&space));
        let base = own.header().clone();
        let header = Header { version, kind, chunk, seq, previous, ..base };
        let made = seal::seal(&mut w.world.rng, &space, header, (&epoch, &author), b"").unwrap();
        let bytes = made.to_bytes();
        assert!(matches!(Envelope::from_bytes(&bytes), Err(CodecError::Newer(v)) if v == version));
        let mut connection = w.world.greet_as(space, &author).unwrap().connection;
        let push = Request::Push { space, envelopes: vec![bytes.clone().into()] };
        let reply = w.world.handle(&mut connection, push).remove(0);
        assert!(matches!(reply, Reply::Refused(_)), "{reply:?}");
        // Nor does a device take it, whatever the relay serves.
        w.log(1, &format!("beside an envelope of version {version}"));
        w.sync(1, Default::default()).unwrap();
        let _ = w.sync(
            0,
            lying(move |_, mut replies| {
                if let Some(Reply::Items { items, .. }) = replies.last_mut() {
                    items
                        .push(Item { number: 10_000, body: ItemBody::Whole(bytes.clone().into()) });
                }
                replies
            }),
        );
        let key = w.phones[0].secret.keys(&space, 0).author;
        let list = |version| {
            let mut other = records.last().unwrap().peek().unwrap();
            other.version = version;
            let signed = Signed::seal(&other, |input| key.sign(input));
            [&records[..records.len() - 1], &[signed]].concat()
        };
        assert!(Roster::verify(space, &list(version)).is_err());
        assert!(Roster::verify(space, &list(FORMAT_VERSION)).is_ok(), "nothing else is wrong");
    }
    w.honest_to_the_last();
}

#[test]
fn check_07_a_relay_that_claims_to_be_old_gets_the_same_form_and_nothing_else() {
    let mut w = Watch::new(7001);
    w.log(0, "not for an older form");
    for _ in 0..3 {
        let ended = w.sync(
            0,
            lying(|_, _| {
                let why = "speak version 0".to_owned();
                vec![Reply::Refused(Refusal::Malformed { why })]
            }),
        );
        assert!(ended.is_err());
    }
    let seen = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let sent = seen.clone();
    w.sync(
        0,
        lying(move |request, replies| {
            sent.borrow_mut().push(request.clone());
            replies
        }),
    )
    .unwrap();
    let mut pushed = 0;
    for request in seen.borrow().iter() {
        assert_eq!(codec::decode::<Request>(&codec::encode(request)).unwrap(), *request);
        let Request::Push { envelopes, .. } = request else { continue };
        for bytes in envelopes {
            pushed += 1;
            assert_eq!(Envelope::from_bytes(bytes).unwrap().header().version, FORMAT_VERSION);
        }
    }
    assert_eq!(pushed, 1);
    w.honest_to_the_last();
}
