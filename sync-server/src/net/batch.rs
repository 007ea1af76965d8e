//! One stream: a batch of requests, carried out one after the other.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use mainstay_protocol::codec;
use mainstay_protocol::frame::{self, PREFIX_BYTES, Refusal, Reply, Request};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits::MAX_BATCH_REQUESTS;
use quinn::{ReadExactError, RecvStream, SendStream, VarInt};
use tokio::sync::{mpsc, watch};

use crate::feed::FeedStore;
use crate::net::answer::{self, NoRoom, Reserved};
use crate::net::connection::Peer;
use crate::net::{limit, now_ms};

/// How long a client may take to send one frame, or to take the end of a batch.
const FRAME_TIME: Duration = Duration::from_secs(30);
/// Changes within this time are one piece of news.
const NEWS_PAUSE: Duration = Duration::from_millis(200);

/// Why a stream ends before its batch does; the client has gone, or was too slow.
struct Gone;

/// What the client says next.
enum Next {
    Request(Request),
    Unreadable(String),
    End,
}

/// The code under which a connection is closed whose client does not read.
const READS_NOTHING: VarInt = VarInt::from_u32(1);

/// The frames that answer one request.
struct Answer {
    frames: Vec<Vec<u8>>,
    refused: bool,
}

impl Answer {
    fn of(replies: Vec<Reply>) -> Self {
        let refused = replies.iter().any(|reply| matches!(reply, Reply::Refused(_)));
        Self { frames: replies.into_iter().map(|reply| codec::encode(&reply)).collect(), refused }
    }

    fn bytes(&self) -> usize {
        self.frames.iter().map(Vec::len).sum()
    }
}

type Heard = HashMap<SpaceId, watch::Receiver<()>>;

pub(super) async fn serve<S: FeedStore + 'static>(
    peer: Arc<Peer<S>>,
    mut send: SendStream,
    mut receive: RecvStream,
    working: mpsc::Sender<()>,
) {
    let mut unread = None;
    let subscribed = match work(&peer, &mut send, &mut receive, &mut unread).await {
        Ok(subscribed) => subscribed,
        Err(Gone) => return,
    };
    if let Some((space, heard)) = subscribed {
        // A subscription does not keep the relay from stopping.
        drop((working, unread));
        tell_news(&peer, &mut send, space, heard).await;
        let _ = send.finish();
        return;
    }
    let _ = send.finish();
    // Until the client has everything, the relay is not done.
    let _ = in_time(send.stopped()).await;
    drop(unread);
}

/// `unread` is the room of the answer that was written last.
async fn work<S: FeedStore + 'static>(
    peer: &Arc<Peer<S>>,
    send: &mut SendStream,
    receive: &mut RecvStream,
    unread: &mut Option<Reserved>,
) -> Result<Option<(SpaceId, watch::Receiver<()>)>, Gone> {
    let _turn = peer.batches.acquire().await.map_err(|_| Gone)?;
    let mut heard = Heard::new();
    for _ in 0..MAX_BATCH_REQUESTS {
        let request = match next(receive).await? {
            Next::Request(request) => request,
            Next::Unreadable(why) => return refuse(peer, send, Refusal::Malformed { why }).await,
            Next::End => return Ok(None),
        };
        if let Err(wait) = check_rate(peer, &request) {
            let retry_after_ms = wait.as_millis() as u64 + 1;
            return refuse(peer, send, Refusal::RateLimited { retry_after_ms }).await;
        }
        *unread = None;
        let (own, all) = (&peer.answers, &peer.shared.answers);
        *unread = match answer::reserve(own, all, &request, answer::ROOM_TIME).await {
            Ok(room) => room,
            Err(NoRoom) => {
                tracing::debug!("an answer was put off: others wait to be read");
                let retry_after_ms = answer::ASK_AGAIN_MS;
                return refuse(peer, send, Refusal::RateLimited { retry_after_ms }).await;
            }
        };
        let subscription = prepare_to_hear(peer, &request, &mut heard);
        let answer = handle(peer, request).await;
        if let Some(room) = unread {
            room.shrink(answer.bytes());
        }
        for frame in answer.frames {
            write(peer, send, &frame).await?;
        }
        match subscription {
            _ if answer.refused => return Ok(None),
            Some(space) => return Ok(heard.remove(&space).map(|heard| (space, heard))),
            None => {}
        }
    }
    match next(receive).await? {
        Next::End => Ok(None),
        _ => {
            let why = "too many requests in one batch".into();
            refuse(peer, send, Refusal::Malformed { why }).await
        }
    }
}

async fn refuse<S, T>(
    peer: &Peer<S>,
    send: &mut SendStream,
    refusal: Refusal,
) -> Result<Option<T>, Gone> {
    write(peer, send, &codec::encode(&Reply::Refused(refusal))).await?;
    Ok(None)
}

/// Carries a request out on a blocking thread. A panic there costs this request only.
async fn handle<S: FeedStore + 'static>(peer: &Arc<Peer<S>>, request: Request) -> Answer {
    let unavailable = || Answer::of(vec![Reply::Refused(Refusal::Unavailable)]);
    let Ok(_turn) = peer.shared.work.acquire().await else { return unavailable() };
    let working = peer.clone();
    let done = tokio::task::spawn_blocking(move || {
        let relay = &working.shared.relay;
        let mut connection = working.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let replies = relay.handle(&mut connection, request, now_ms());
        drop(connection);
        Answer::of(replies)
    });
    let answer = done.await.unwrap_or_else(|_| {
        tracing::error!("a request failed in an unforeseen way; please report this");
        unavailable()
    });
    for space in peer.shared.relay.take_changes() {
        peer.shared.news.tell(&space);
    }
    answer
}

fn check_rate<S: FeedStore>(peer: &Peer<S>, request: &Request) -> Result<(), Duration> {
    limit::check(&peer.rate)?;
    match request {
        Request::Create { .. } | Request::PutLetter { .. } | Request::Letters { .. } => {
            peer.shared.limits.check_anonymous(peer.quic.remote_address())
        }
        _ => Ok(()),
    }
}

/// Listens from the attachment on, so that nothing between it and the subscription is missed.
/// Returns the space of a subscription.
fn prepare_to_hear<S>(peer: &Peer<S>, request: &Request, heard: &mut Heard) -> Option<SpaceId> {
    let (space, subscribes) = match request {
        Request::Attach(attach) => (attach.space, false),
        Request::Subscribe { space } => (*space, true),
        _ => return None,
    };
    heard.entry(space).or_insert_with(|| peer.shared.news.listen(&space));
    subscribes.then_some(space)
}

async fn tell_news<S: FeedStore + 'static>(
    peer: &Arc<Peer<S>>,
    send: &mut SendStream,
    space: SpaceId,
    mut heard: watch::Receiver<()>,
) {
    let mut closing = peer.shared.closing.clone();
    let stopped = send.stopped();
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            changed = heard.changed() => if changed.is_err() { return },
            _ = closing.wait_for(|closing| *closing) => return,
            _ = &mut stopped => return,
        }
        let hearer = peer.clone();
        let may_hear = tokio::task::spawn_blocking(move || {
            let connection = hearer.connection.lock().unwrap_or_else(PoisonError::into_inner);
            hearer.shared.relay.may_hear(&connection, &space, now_ms())
        });
        let news = codec::encode(&Reply::News);
        if !may_hear.await.unwrap_or(false) || write(peer, send, &news).await.is_err() {
            return;
        }
        tokio::time::sleep(NEWS_PAUSE).await;
    }
}

async fn next(receive: &mut RecvStream) -> Result<Next, Gone> {
    let mut prefix = [0; PREFIX_BYTES];
    match in_time(receive.read_exact(&mut prefix)).await? {
        Ok(()) => {}
        Err(ReadExactError::FinishedEarly(0)) => return Ok(Next::End),
        Err(_) => return Err(Gone),
    }
    let length = match frame::length(prefix) {
        Ok(length) => length,
        Err(error) => return Ok(Next::Unreadable(error.to_string())),
    };
    let mut bytes = vec![0; length];
    in_time(receive.read_exact(&mut bytes)).await?.map_err(|_| Gone)?;
    Ok(match codec::decode::<Request>(&bytes) {
        Ok(request) => Next::Request(request),
        Err(error) => Next::Unreadable(error.to_string()),
    })
}

/// Writes one frame. A client that does not take it in time is disconnected, so that nothing waits
/// for it any more.
async fn write<S>(peer: &Peer<S>, send: &mut SendStream, frame: &[u8]) -> Result<(), Gone> {
    let prefix = frame::prefix(frame).map_err(|error| {
        tracing::error!(%error, "a reply does not fit into a frame");
        Gone
    })?;
    let written = async {
        send.write_all(&prefix).await.map_err(|_| Gone)?;
        send.write_all(frame).await.map_err(|_| Gone)
    };
    let taken = tokio::time::timeout(peer.shared.limits.reader_time(), written).await;
    taken.unwrap_or_else(|_| {
        tracing::debug!("a client that did not read was disconnected");
        peer.quic.close(READS_NOTHING, b"nothing was read for too long");
        Err(Gone)
    })
}

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, Gone> {
    tokio::time::timeout(FRAME_TIME, work).await.map_err(|_| Gone)
}
