//! Checks 28 and 29 of a dishonest network: nothing is resumed, and nothing that was sent once counts when
//! it is sent again. (28, of the relay's rules: `tests/tests/dishonest/transport.rs`.)
#![allow(clippy::unwrap_used)]

mod common;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::client::{Client, configured, connect, connect_with, hybrid};
use common::config;
use common::person::Person;
use mainstay_protocol::ALPN;
use mainstay_protocol::frame::{Admission, Pull, Reply, Request};
use mainstay_protocol::limits::MAX_PULL_BYTES;
use mainstay_protocol::statement::Cursor;
use mainstay_sync_server::Server;
use quinn::Endpoint;
use rustls::NamedGroup;
use rustls::client::{
    ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;
use tokio::net::UdpSocket;

/// Counts the tickets that a server gives.
#[derive(Debug, Default)]
struct Tickets(AtomicUsize);

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        assert_eq!(ticket.max_early_data_size(), 0);
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_28_a_relay_gives_no_tickets_so_that_nobody_comes_back_on_one() {
    let (_dir, config) = config();
    let server = Server::bind(&config).await.unwrap();
    let at = server.address();
    let tickets = Arc::new(Tickets::default());
    let mut tls = configured(&at, hybrid(), &[&rustls::version::TLS13], ALPN);
    tls.resumption = Resumption::store(tickets.clone());
    tls.enable_early_data = true;
    let endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let client = connect_with(&at, endpoint, tls).await.unwrap();
    let mut person = Person::new(28);
    let device = person.device.clone();
    let attach = client.attach(&person, &device, None);
    let replies =
        client.ask(&[person.create(Admission::Open), attach, person.push(b"words")]).await;
    assert!(matches!(replies.last(), Some(Reply::Pushed { .. })), "{replies:?}");
    // Tickets come after the handshake; they would be here by now.
    assert_eq!(tickets.0.load(Ordering::Relaxed), 0);
}

/// Somebody between a client and the relay who keeps every datagram of the client.
async fn recorder(relay: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<Vec<u8>>>>) {
    let front = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let back = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    back.connect(relay).await.unwrap();
    let place = front.local_addr().unwrap();
    let kept: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let (tell, client) = tokio::sync::watch::channel(None);
    let (up, down, keep) = (back.clone(), front.clone(), kept.clone());
    tokio::spawn(async move {
        let mut buffer = vec![0; 65536];
        while let Ok((length, from)) = front.recv_from(&mut buffer).await {
            tell.send_replace(Some(from));
            keep.lock().unwrap().push(buffer[..length].to_vec());
            let _ = up.send(&buffer[..length]).await;
        }
    });
    tokio::spawn(async move {
        let mut buffer = vec![0; 65536];
        while let Ok(length) = back.recv(&mut buffer).await {
            let to = *client.borrow();
            if let Some(to) = to {
                let _ = down.send_to(&buffer[..length], to).await;
            }
        }
    });
    (place, kept)
}

/// The number of the feed's last item.
async fn feed_length(client: &Client, person: &Person) -> usize {
    let attach = client.attach(person, &person.device, None);
    let Some(Reply::Attached(attached)) = client.ask(&[attach]).await.pop() else { panic!("out") };
    let cursor = Cursor::start(attached.cursor.incarnation);
    let pull = Pull::After { cursor, limit_bytes: MAX_PULL_BYTES };
    let replies = client.ask(&[Request::Pull { space: person.space, pull }]).await;
    let items = replies.iter().map(|reply| match reply {
        Reply::Items { items, .. } => items.len(),
        other => panic!("{other:?}"),
    });
    items.sum()
}

/// A connection that was closed is forgotten after three probe timeouts (RFC 9000, section 10.2), which
/// are well below this on loopback.
const AFTER_DRAINING: Duration = Duration::from_millis(1500);

#[tokio::test(flavor = "multi_thread")]
async fn check_29_flights_that_are_sent_again_change_nothing_and_are_answered_by_nobody() {
    let (_dir, config) = config();
    let server = Server::bind(&config).await.unwrap();
    let mut at = server.address();
    let (place, kept) = recorder(server.local_addr()).await;
    let direct = at.clone();
    at.port = place.port();
    let mut person = Person::new(29);
    let client = connect(&at).await;
    let device = person.device.clone();
    let attach = client.attach(&person, &device, None);
    client.ask(&[person.create(Admission::Open), attach]).await;
    for word in 0..5_u8 {
        let replies = client.ask(&[person.push(&[word; 300])]).await;
        assert!(matches!(replies[..], [Reply::Pushed { .. }]), "{replies:?}");
    }
    let witness = connect(&direct).await;
    assert_eq!(feed_length(&witness, &person).await, 5);
    client.quic.close(0_u32.into(), b"");
    let flights = kept.lock().unwrap().clone();
    assert!(flights.len() > 8, "{} datagrams", flights.len());
    // From where they came and from elsewhere, in order and backwards, three times each.
    let elsewhere = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let relay = server.local_addr();
    let mut backwards = flights.clone();
    backwards.reverse();
    for pause in [Duration::ZERO, AFTER_DRAINING] {
        // At first the old connection takes them; once it is forgotten, the relay's door does.
        tokio::time::sleep(pause).await;
        for flight in flights.iter().chain(&backwards).cycle().take(flights.len() * 6) {
            elsewhere.send_to(flight, relay).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(feed_length(&witness, &person).await, 5, "nothing came twice");
    }
    // The relay goes on, and the person with it.
    let again = connect(&direct).await;
    let attach = again.attach(&person, &device, None);
    let replies = again.ask(&[attach, person.push(b"one more")]).await;
    assert!(matches!(replies.last(), Some(Reply::Pushed { .. })), "{replies:?}");
    assert_eq!(feed_length(&again, &person).await, 6);
}
