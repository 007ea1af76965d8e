//! Checks 26, 27 and 30: proofs passed on, pins, key logs. Checks 28 and 29 are about the relay's side of
//! the transport and lie there (`sync-server/tests/flights.rs`); what of 28 is about a connection that was
//! open before is here.

use std::process::Command;
use std::time::Duration;

use mainstay_core::engine::{Backend, Engine, EngineError, Job};
use mainstay_core::space::test_kit::signing_key;
use mainstay_core::sync::Local;
use mainstay_protocol::frame::{Attach, Proof, Pull, Refusal, Reply, Request, Signer};
use mainstay_protocol::limits::MAX_PULL_BYTES;
use mainstay_protocol::sign::purpose;
use mainstay_protocol::statement::Cursor;
use mainstay_sync_server::relay::Connection;
use mainstay_tests::network::Line;
use mainstay_tests::world::EXPORTER;

use super::kit::{self, Desk, note};
use super::watch::Watch;

#[test]
fn check_26_a_proof_is_worth_nothing_on_another_connection_and_at_another_relay() {
    let mut w = Watch::new(26_000);
    let space = w.phones[0].replica.space();
    let key = w.phones[0].secret.keys(&space, 0).author;
    let signer = Signer::Device(key.author_id());
    let relay = w.world.relay.keys().relay();
    let another_relay = signing_key(&[7; 32]).verify_key();
    let another_space = mainstay_protocol::ids::SpaceId([3; 32]);
    let good = Proof { exporter: EXPORTER, relay, space, signer };
    let mut tried = 0;
    for proof in [
        // Made on a connection to whoever passes it on.
        Proof { exporter: [1; 32], ..good.clone() },
        // Made for the relay that passes it on.
        Proof { relay: another_relay, ..good.clone() },
        Proof { space: another_space, ..good.clone() },
        Proof { signer: Signer::Recovery, ..good.clone() },
        Proof { signer: Signer::Device(w.phones[1].replica.author()), ..good.clone() },
        good.clone(),
    ] {
        let mut connection = Connection::new(Box::new(|_| EXPORTER));
        let signature = Some(key.sign_for(purpose::ATTACH, &proof.message()));
        let attach = Attach { space, signer, signature, cursor: None };
        let reply = w.world.handle(&mut connection, Request::Attach(attach)).remove(0);
        match proof == good {
            true => assert!(matches!(reply, Reply::Attached(_)), "{reply:?}"),
            false => assert_eq!(reply, Reply::Refused(Refusal::NotAuthorised), "{proof:?}"),
        }
        tried += 1;
    }
    assert_eq!(tried, 6);
    w.look();
}

/// The other way round: nobody in the middle has a phone talk to them, as the next check shows; so there
/// is nothing to pass on.
async fn refused_everywhere(backend: Backend) {
    let desk = Desk::new().await;
    let (phone, phrase) = desk.phone("first", backend).await;
    phone.log(note("not for another relay"), kit::days_ago(0)).await.unwrap();
    let other = Desk::new().await;
    // The right place with another key, and another place with the right words about it.
    let mut address = desk.relay.address();
    address.port = other.relay.local_addr().port();
    phone.set_relay(address.clone()).await.unwrap();
    let wrong = |ended: Result<(), EngineError>| {
        assert!(matches!(ended, Err(EngineError::WrongRelay)), "{ended:?}");
    };
    wrong(phone.sync().await.map(|_| ()));
    wrong(phone.sync_once(Duration::from_secs(5)).await.map(|_| ()));
    let followed = tokio::time::timeout(Duration::from_secs(20), phone.follow(|_| ())).await;
    wrong(followed.expect("it ends"));
    wrong(phone.invite_device(Duration::from_secs(600)).await.map(|_| ()));
    let restored = Engine::restore(desk.config("new", backend), &phrase, &address).await;
    wrong(restored.map(|_| ()));
    assert_eq!(phone.status().await.unwrap().on_relay, 0);
    // The relay that was meant gets it all.
    phone.set_relay(desk.relay.address()).await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(phone.status().await.unwrap().on_relay, 1);
    let got = kit::folder_bytes(&other.dir.path().join("relay"));
    assert!(!kit::finds(&got, b"not for another relay"));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_27_whatever_a_phone_does_with_a_relay_it_asks_for_the_pinned_key() {
    refused_everywhere(Backend::Redb).await;
}

/// Where connections are made: one place, which checks the pin. Another transport has to come past here.
#[test]
fn check_27_there_is_one_place_that_opens_connections() {
    let core = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src");
    let mut found = Vec::new();
    let mut folders = vec![core];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let opens = ["Endpoint::client", "TcpStream", "UdpSocket", "ClientConfig::builder"];
            if opens.iter().any(|what| text.contains(what)) {
                found.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    assert_eq!(found, ["tls.rs", "wire.rs"]);
}

#[test]
fn check_28_a_connection_that_was_open_before_a_removal_gets_nothing_after_it() {
    let mut w = Watch::new(28_000);
    let third = w.link("third");
    w.honest();
    let space = w.phones[0].replica.space();
    let key = w.phones[third].secret.keys(&space, 0).author;
    let mut open = w.world.greet_as(space, &key).unwrap().connection;
    let cursor = Cursor::start(w.world.relay.incarnation());
    let pull = Pull::After { cursor, limit_bytes: MAX_PULL_BYTES };
    let pull = Request::Pull { space, pull };
    let reply = w.world.handle(&mut open, pull.clone()).remove(0);
    assert!(matches!(reply, Reply::Items { .. }), "{reply:?}");
    w.phones[0].replica.ask(Job::Remove(key.author_id()));
    w.sync(0, Line::default()).unwrap();
    w.phones.pop();
    for request in [pull, Request::Heads { space }, Request::Slots { space }] {
        let reply = w.world.handle(&mut open, request).remove(0);
        assert_eq!(reply, Reply::Refused(Refusal::NotAuthorised));
    }
    let now_ms = w.world.now_ms as u64;
    assert!(!w.world.relay.may_hear(&open, &space, now_ms), "nor is it told of news");
    w.honest_to_the_last();
}

/// Started again by the check below, with a file named where other programs write their keys.
#[tokio::test(flavor = "multi_thread")]
async fn the_child_of_check_30() {
    if std::env::var_os("MAINSTAY_CHECK_30").is_none() {
        return;
    }
    let desk = Desk::new().await;
    let (phone, phrase) = desk.phone("first", Backend::Redb).await;
    phone.log(note("over a connection"), kit::days_ago(0)).await.unwrap();
    phone.sync().await.unwrap();
    let address = desk.relay.address();
    let new = Engine::restore(desk.config("new", Backend::Redb), &phrase, &address);
    new.await.unwrap().sync().await.unwrap();
    println!("two phones have synced");
}

#[test]
fn check_30_nobody_writes_the_keys_of_a_connection_down() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys");
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "transport::the_child_of_check_30", "--nocapture"])
        .env("MAINSTAY_CHECK_30", "1")
        .env("SSLKEYLOGFILE", &file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("two phones have synced"), "{said}");
    let written = std::fs::read(&file).unwrap_or_default();
    assert!(written.is_empty(), "{} bytes of keys", written.len());
}
