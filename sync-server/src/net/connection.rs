//! Accepting connections and their streams.

use std::sync::{Arc, Mutex};

use mainstay_protocol::frame::Proof;
use quinn::{Endpoint, Incoming};
use tokio::sync::{Semaphore, mpsc};

use crate::feed::FeedStore;
use crate::net::answer::Room;
use crate::net::seats::{Crowd, Seat};
use crate::net::{Shared, answer, batch};
use crate::relay::Connection;

/// Batches of one connection at work at one time; subscriptions that wait do not count.
const MAX_BATCHES_AT_WORK: usize = 8;

/// One connection's part in its batches.
pub(super) struct Peer<S> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) quic: quinn::Connection,
    pub(super) connection: Mutex<Connection>,
    pub(super) rate: governor::DefaultDirectRateLimiter,
    pub(super) batches: Semaphore,
    /// Answers on this connection that are not read yet.
    pub(super) answers: Room,
}

pub(super) async fn accept<S: FeedStore + 'static>(
    endpoint: Endpoint,
    shared: Arc<Shared<S>>,
    working: mpsc::Sender<()>,
) {
    let mut closing = shared.closing.clone();
    loop {
        let incoming = tokio::select! {
            incoming = endpoint.accept() => incoming,
            _ = closing.wait_for(|closing| *closing) => return,
        };
        let Some(incoming) = incoming else { return };
        let (open, limits) = (endpoint.open_connections(), &shared.limits);
        let from = incoming.remote_address();
        let full = open >= limits.max_connections();
        if full || limits.crowds(from) == Crowd::Full || !limits.may_connect(from) {
            tracing::debug!("a connection beyond the limits was refused");
            incoming.refuse();
            continue;
        }
        // An address that is not shown to be the sender's own may cost little, also the one who has it.
        let crowded = open >= limits.max_connections() / 2 || limits.crowds(from) == Crowd::Half;
        if crowded && incoming.may_retry() {
            let _ = incoming.retry();
            continue;
        }
        let seat = limits.sit(from);
        tokio::spawn(serve(incoming, seat, shared.clone(), working.clone()));
    }
}

async fn serve<S: FeedStore + 'static>(
    incoming: Incoming,
    _seat: Seat,
    shared: Arc<Shared<S>>,
    working: mpsc::Sender<()>,
) {
    let Ok(quic) = incoming.await else {
        tracing::debug!("a handshake failed");
        return;
    };
    tracing::debug!("a connection begins");
    let exported = quic.clone();
    let exporter = move |space: &mainstay_protocol::ids::SpaceId| {
        let mut output = [0; 32];
        // It fails only for outputs of absurd length; zeros would never verify.
        let done =
            exported.export_keying_material(&mut output, Proof::EXPORTER_LABEL, space.as_bytes());
        if done.is_err() {
            tracing::error!("the TLS library exports no keying material");
        }
        output
    };
    let mut closing = shared.closing.clone();
    let peer = Arc::new(Peer {
        rate: shared.limits.of_connection(),
        shared,
        quic: quic.clone(),
        connection: Mutex::new(Connection::new(Box::new(exporter))),
        batches: Semaphore::new(MAX_BATCHES_AT_WORK),
        answers: Room::new(answer::ANSWER_BYTES_PER_CONNECTION),
    });
    loop {
        let stream = tokio::select! {
            stream = quic.accept_bi() => stream,
            _ = closing.wait_for(|closing| *closing) => break,
        };
        let Ok((send, receive)) = stream else { break };
        tokio::spawn(batch::serve(peer.clone(), send, receive, working.clone()));
    }
    drop(working);
    // The batches at work need the connection; they end it by ending.
    drop(peer);
    quic.closed().await;
    tracing::debug!("a connection ends");
}
