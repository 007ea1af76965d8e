//! The QUIC listener: connections, streams, their limits, and the way to an orderly end.
//!
//! Each bidirectional stream is a batch of requests, see [`mainstay_protocol::frame`]. Requests run
//! on blocking threads, because the store waits for the disk.

mod answer;
mod batch;
mod connection;
mod limit;
mod news;
mod seats;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use quinn::{Endpoint, VarInt};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use crate::feed::{FeedError, FeedStore};
use crate::relay::Relay;
use crate::server::ServeError;
use answer::Room;
use limit::Limits;
use news::News;

pub use limit::NetConfig;

/// How long requests at work may take to finish when the relay stops.
const DRAIN: Duration = Duration::from_secs(8);
/// How long the connections may take to say goodbye after that.
const GOODBYE: Duration = Duration::from_secs(1);
/// How often what has had its time is forgotten.
const SWEEP: Duration = Duration::from_secs(60);
/// Requests at work at one time, each each making one answer; see [`answer`] for its size.
const MAX_REQUESTS_AT_WORK: usize = 256;

/// What all connections share.
struct Shared<S> {
    relay: Arc<Relay<S>>,
    limits: Limits,
    news: News,
    work: Semaphore,
    /// Answers that are not read yet.
    answers: Room,
    closing: watch::Receiver<bool>,
    /// Dropped last, when the store is closed.
    _open: mpsc::Sender<()>,
}

/// A listener at work.
#[derive(Debug)]
pub(crate) struct Listener {
    endpoint: Endpoint,
    local_addr: SocketAddr,
    closing: watch::Sender<bool>,
    /// Ends when no batch is at work any more.
    batches: mpsc::Receiver<()>,
    /// Ends when the store is closed.
    open: mpsc::Receiver<()>,
    tasks: Vec<JoinHandle<()>>,
}

/// Listens for connections to `relay`.
pub(crate) fn listen<S: FeedStore + 'static>(
    relay: Arc<Relay<S>>,
    listen: SocketAddr,
    config: &NetConfig,
) -> Result<Listener, ServeError> {
    let failed = |source| ServeError::Listen { listen, source };
    let endpoint = Endpoint::server(tls::server_config(relay.keys(), config)?, listen);
    let endpoint = endpoint.map_err(failed)?;
    let local_addr = endpoint.local_addr().map_err(failed)?;
    let (closing, is_closing) = watch::channel(false);
    let (working, batches) = mpsc::channel(1);
    let (is_open, open) = mpsc::channel(1);
    let shared = Arc::new(Shared {
        relay,
        limits: Limits::new(config),
        news: News::default(),
        work: Semaphore::new(MAX_REQUESTS_AT_WORK),
        answers: Room::new(answer::ANSWER_BYTES),
        closing: is_closing,
        _open: is_open,
    });
    let sweeping = tokio::spawn(sweep(shared.clone()));
    let accepting = tokio::spawn(connection::accept(endpoint.clone(), shared, working));
    let tasks = vec![sweeping, accepting];
    Ok(Listener { endpoint, local_addr, closing, batches, open, tasks })
}

impl Listener {
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    pub(crate) async fn shutdown(mut self) {
        self.closing.send_replace(true);
        if tokio::time::timeout(DRAIN, self.batches.recv()).await.is_err() {
            tracing::warn!("some requests did not finish in time; their clients will ask again");
        }
        self.endpoint.close(VarInt::from_u32(0), b"the relay stops");
        let goodbye = async {
            self.endpoint.wait_idle().await;
            self.open.recv().await
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.endpoint.close(VarInt::from_u32(0), b"the relay stops");
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn sweep<S: FeedStore + 'static>(shared: Arc<Shared<S>>) {
    let mut ticks = tokio::time::interval(SWEEP);
    let mut closing = shared.closing.clone();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = closing.wait_for(|closing| *closing) => return,
        }
        shared.limits.forget_the_idle();
        let relay = shared.relay.clone();
        let swept = tokio::task::spawn_blocking(move || sweep_all(&relay));
        if let Ok(Err(error)) = swept.await {
            tracing::error!(%error, "the relay's store failed");
        }
    }
}

fn sweep_all<S: FeedStore>(relay: &Relay<S>) -> Result<(), FeedError> {
    while relay.sweep(now_ms())? {}
    Ok(())
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}
