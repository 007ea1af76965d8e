//! A real relay on real files over real QUIC, on loopback.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::client::{Client, connect, hybrid, next, try_connect};
use common::config;
use common::person::{Key, Person};
use mainstay_protocol::ALPN;
use mainstay_protocol::address::Pin;
use mainstay_protocol::frame::{Admission, Pull, Refusal, Reply, Request};
use mainstay_protocol::statement::{Claim, Cursor};
use mainstay_sync_server::config::Config;
use mainstay_sync_server::relay::Registration;
use mainstay_sync_server::{Server, invite};
use rustls::crypto::aws_lc_rs::kx_group;

async fn created(config: &Config, person: &Person) -> (Server, Client) {
    let server = Server::bind(config).await.unwrap();
    let client = connect(&server.address()).await;
    let replies = client.ask(&[person.create(Admission::Open)]).await;
    assert!(matches!(replies[..], [Reply::Created { .. }]), "{replies:?}");
    (server, client)
}

fn pull(person: &Person, cursor: Cursor) -> Request {
    let pull = Pull::After { cursor, limit_bytes: 1 << 20 };
    Request::Pull { space: person.space, pull }
}

fn attached(reply: &Reply) -> (Cursor, bool) {
    let Reply::Attached(attached) = reply else { panic!("{reply:?}") };
    (attached.cursor, attached.recognised)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_connection_pushes_another_pulls_after_a_restart() {
    let (_dir, config) = config();
    let mut person = Person::new(10);
    let (server, client) = created(&config, &person).await;
    let key = person.device.clone();
    let batch =
        [client.attach(&person, &key, None), person.push(b"first"), person.push(&[7; 100_000])];
    let replies = client.ask(&batch).await;
    let (start, _) = attached(&replies[0]);
    let Reply::Pushed { statement } = &replies[2] else { panic!("{replies:?}") };
    let statement = statement.verify(&client.relay()).unwrap();
    assert!(matches!(statement.claim, Claim::Stored(stored) if stored[0].number == 2));
    server.shutdown().await;

    let server = Server::bind(&config).await.unwrap();
    let client = connect(&server.address()).await;
    let batch = [client.attach(&person, &key, Some(statement.cursor)), pull(&person, start)];
    let replies = client.ask(&batch).await;
    assert_eq!(attached(&replies[0]), (statement.cursor, true));
    let numbers: Vec<u64> = replies[1..]
        .iter()
        .flat_map(|reply| match reply {
            Reply::Items { items, .. } => items.iter().map(|item| item.number),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refusal_the_rest_of_a_batch_is_not_carried_out() {
    let (_dir, config) = config();
    let mut person = Person::new(10);
    let (_server, client) = created(&config, &person).await;
    let key = person.device.clone();
    let stranger = client.attach(&person, &Key::new(99), None);
    let replies = client.ask(&[stranger, person.push(b"x")]).await;
    assert_eq!(replies, [Reply::Refused(Refusal::NotAuthorised)]);
    let elsewhere = connect(&_server.address()).await;
    let stolen = client.attach(&person, &key, None);
    let replies = elsewhere.ask(&[stolen]).await;
    assert_eq!(replies, [Reply::Refused(Refusal::NotAuthorised)], "proofs are bound to TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_relay_keeps_its_address_and_recognises_no_old_cursor() {
    let (_dir, mut config) = config();
    config.relay.registration = Registration::Invited;
    let mut person = Person::new(10);
    let key = person.device.clone();
    let server = Server::bind(&config).await.unwrap();
    let pins = server.address().pins;
    let client = connect(&server.address()).await;
    let uninvited = client.ask(&[person.create(Admission::Open)]).await;
    assert_eq!(uninvited, [Reply::Refused(Refusal::InvitationNeeded)]);
    let invitation = invite(&config, u64::MAX).unwrap();
    let replies = client.ask(&[person.create(Admission::Invited(invitation))]).await;
    let [Reply::Created { grant, .. }] = &replies[..] else { panic!("{replies:?}") };
    let replies = client.ask(&[client.attach(&person, &key, None), person.push(b"x")]).await;
    let Reply::Pushed { statement } = &replies[1] else { panic!("{replies:?}") };
    let cursor = statement.verify(&client.relay()).unwrap().cursor;
    server.shutdown().await;

    std::fs::remove_dir_all(&config.data).unwrap();
    let server = Server::bind(&config).await.unwrap();
    assert_eq!(server.address().pins, pins);
    assert_eq!(pins, [Pin::of(&client.relay())]);
    let client = connect(&server.address()).await;
    let unknown = client.ask(&[client.attach(&person, &key, Some(cursor))]).await;
    assert_eq!(unknown, [Reply::Refused(Refusal::UnknownSpace)]);
    let create = person.create(Admission::Granted(grant.clone()));
    let attach = client.attach(&person, &key, Some(cursor));
    let replies = client.ask(&[create, attach, pull(&person, cursor)]).await;
    assert!(!attached(&replies[1]).1);
    assert!(matches!(replies[2], Reply::Refused(Refusal::CursorUnknown { .. })));
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.metadata().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_restored_from_a_backup_get_a_new_incarnation() {
    let (dir, config) = config();
    let person = Person::new(10);
    let key = person.device.clone();
    let (server, client) = created(&config, &person).await;
    let (cursor, _) = attached(&client.ask(&[client.attach(&person, &key, None)]).await[0]);
    server.shutdown().await;
    copy(&config.data, &dir.path().join("backup"));

    let recognised = async |new_incarnation| {
        let mut config = config.clone();
        config.new_incarnation = new_incarnation;
        let server = Server::bind(&config).await.unwrap();
        let client = connect(&server.address()).await;
        let replies = client.ask(&[client.attach(&person, &key, Some(cursor))]).await;
        server.shutdown().await;
        attached(&replies[0]).1
    };
    assert!(recognised(false).await, "a restart changes nothing");
    std::fs::remove_dir_all(&config.data).unwrap();
    copy(&dir.path().join("backup"), &config.data);
    assert!(!recognised(false).await, "an older backup is noticed");
    assert!(!recognised(true).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_hears_of_what_comes_after_its_attachment() {
    let (_dir, config) = config();
    let mut person = Person::new(10);
    let (server, writer) = created(&config, &person).await;
    let key = person.device.clone();
    let reader = connect(&server.address()).await;
    let attach = reader.attach(&person, &key, None);
    let subscribe = Request::Subscribe { space: person.space };
    let (_send, mut news) = reader.begin(&[attach, subscribe]).await;
    assert!(matches!(next(&mut news).await, Some(Reply::Attached(_))));
    tokio::time::sleep(Duration::from_millis(100)).await;
    for text in [b"one", b"two"] {
        writer.ask(&[writer.attach(&person, &key, None), person.push(text)]).await;
        let heard = tokio::time::timeout(Duration::from_secs(5), next(&mut news)).await.unwrap();
        assert_eq!(heard, Some(Reply::News));
    }
    let nothing = tokio::time::timeout(Duration::from_millis(500), next(&mut news)).await;
    assert!(nothing.is_err(), "no news without a change");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_tls_1_3_with_x25519mlkem768_and_our_protocol_is_spoken() {
    let (_dir, config) = config();
    let server = Server::bind(&config).await.unwrap();
    let at = server.address();
    let tls13 = &[&rustls::version::TLS13];
    let mut classical = hybrid();
    classical.kx_groups = vec![kx_group::X25519, kx_group::SECP256R1];
    assert!(try_connect(&at, classical, tls13, ALPN).await.is_err());
    assert!(try_connect(&at, hybrid(), tls13, b"h3").await.is_err());
    let mut other = at.clone();
    other.pins = vec![Pin([0; 32])];
    assert!(try_connect(&other, hybrid(), tls13, ALPN).await.is_err());
    assert!(try_connect(&at, hybrid(), tls13, ALPN).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_asks_too_much_is_told_to_wait() {
    let (_dir, mut config) = config();
    config.net.requests_per_second = std::num::NonZeroU32::MIN;
    let person = Person::new(10);
    let (_server, client) = created(&config, &person).await;
    let attach = client.attach(&person, &person.device, None);
    let replies = client.ask(&vec![attach; 30]).await;
    let waits = |r: &&Reply| matches!(r, Reply::Refused(Refusal::RateLimited { retry_after_ms }) if *retry_after_ms > 0);
    assert_eq!(replies.iter().filter(waits).count(), 1);
    assert!(replies.len() <= 11);
}
