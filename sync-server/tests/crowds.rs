//! One client, or one address, takes no more than its share.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::client::{connect, hybrid, try_connect};
use common::config;
use common::person::Person;
use mainstay_protocol::ALPN;
use mainstay_protocol::frame::{Admission, Pull, Reply, Request};
use mainstay_protocol::limits::MAX_PULL_BYTES;
use mainstay_sync_server::Server;

/// Long enough for anything here, far less than what a relay waits by default.
const SOON: Duration = Duration::from_secs(10);

// Broken on purpose: not counting the connections of an address made it fail.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_holds_no_more_connections_than_its_share() {
    let (_dir, mut config) = config();
    config.net.connections_per_address = 3;
    let server = Server::bind(&config).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(connect(&server.address()).await);
    }
    let one_more = || async {
        let at = server.address();
        try_connect(&at, hybrid(), &[&rustls::version::TLS13], ALPN).await
    };
    let Err(refused) = one_more().await else { panic!("a fourth connection was let in") };
    assert!(refused.contains("refused"), "{refused}");
    // One that ends makes room for another.
    held.pop().unwrap().quic.close(0_u32.into(), b"");
    let again = async {
        while one_more().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, again).await.unwrap();
}

// Broken on purpose: ending only the stream of a client that does not read made it fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_for_much_and_reads_nothing_is_disconnected() {
    let (_dir, mut config) = config();
    config.net.reader_timeout_s = 1;
    let server = Server::bind(&config).await.unwrap();
    let client = connect(&server.address()).await;
    let mut person = Person::new(10);
    let attach = client.attach(&person, &person.device.clone(), None);
    let mut requests = vec![person.create(Admission::Open), attach];
    requests.extend((0..12).map(|_| person.push(&[1; 100_000])));
    let replies = client.ask(&requests).await;
    let Some(Reply::Attached(attached)) = replies.get(1) else { panic!("{replies:?}") };
    let pull = Pull::After { cursor: attached.cursor, limit_bytes: MAX_PULL_BYTES };
    let pull = Request::Pull { space: person.space, pull };
    // Ten times a million bytes: more than the client's own buffers take without being read.
    let (_send, _unread) = client.begin(&vec![pull; 10]).await;
    let closed = tokio::time::timeout(SOON, client.quic.closed()).await.unwrap().to_string();
    assert!(closed.contains("nothing was read for too long"), "{closed}");
    // Others are served.
    let other = connect(&server.address()).await;
    let attach = other.attach(&person, &person.device.clone(), None);
    let replies = other.ask(&[attach]).await;
    assert!(matches!(replies[..], [Reply::Attached(_)]), "{replies:?}");
}
