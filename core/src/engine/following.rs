//! Live: what is logged on one device appears on the others at once, while the app is in front.

use std::time::Duration;

use mainstay_protocol::frame::{Refusal, Reply, Request, Signer};
use rand_core::Rng;

use super::arriving::attach;
use super::config::system_rng;
use super::error::EngineError;
use super::handle::Engine;
use super::syncing::{SyncReport, in_time};
use crate::sync::Local;
use crate::transport::Exchange;

/// The first pause after the relay could not be reached, and the longest. Each is twice the one
/// before it; a random part of up to a half keeps devices from coming back all at once.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Changes within this time go in one sync.
const GATHER: Duration = Duration::from_millis(200);

/// What [`Engine::follow`] tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum Live {
    /// A sync was completed.
    Synced(SyncReport),
    /// The relay cannot be reached at the moment; everything is safe here.
    Waiting {
        /// Why.
        why: EngineError,
        /// After this time it is tried again.
        retry_in: Duration,
    },
}

/// A subscription that is open, and whether something happened before it was.
struct Subscription {
    exchange: Exchange,
    missed: bool,
}

impl Engine {
    /// Keeps this device and the relay in step until the future is dropped: what comes is fetched as
    /// the relay announces it, what is logged here is sent at once. For an app in front only: it
    /// keeps a connection alive (a packet every 22 s). The connection is made again by itself,
    /// sooner first and then more seldom. Returns after [`Engine::suspend`].
    ///
    /// # Errors
    /// What no second try would change: [`EngineError::NoRelay`], [`EngineError::WrongRelay`],
    /// [`EngineError::NotADevice`], [`EngineError::Roster`], and others of [`Engine::sync`].
    pub async fn follow(&self, mut tell: impl FnMut(Live) + Send) -> Result<(), EngineError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let why = match self.follow_once(&mut tell, &mut pause).await {
                Ok(()) => continue,
                Err(EngineError::Closed) => return Ok(()),
                Err(why) if may_pass(&why) => why,
                Err(why) => return Err(why),
            };
            let retry_in = match &why {
                EngineError::Refused(Refusal::RateLimited { retry_after_ms }) => {
                    pause.max(Duration::from_millis(*retry_after_ms))
                }
                _ => pause + pause.mul_f64(f64::from(system_rng().next_u32() % 512) / 1024.0),
            };
            tell(Live::Waiting { why, retry_in });
            tokio::time::sleep(retry_in).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Follows over one subscription, until it ends.
    async fn follow_once(
        &self,
        tell: &mut (impl FnMut(Live) + Send),
        pause: &mut Duration,
    ) -> Result<(), EngineError> {
        let mut revisions = self.revisions();
        tell(Live::Synced(self.sync().await?));
        let mut subscription = self.subscribe().await?;
        *pause = FIRST_PAUSE;
        let mut left = self.unsent().await?;
        loop {
            if !std::mem::take(&mut subscription.missed) {
                tokio::select! {
                    news = subscription.exchange.next() => match news? {
                        Some(Reply::News) => {}
                        Some(Reply::Refused(refusal)) => return Err(refusal.into()),
                        Some(_) => return Err(EngineError::BadReply { what: "no news" }),
                        None => return Err(EngineError::Offline { why: "the relay broke off".into() }),
                    },
                    changed = revisions.changed() => {
                        changed.map_err(|_| EngineError::Closed)?;
                        // A sync counts as a change too; what it left behind must wait for more.
                        let unsent = self.unsent().await?;
                        if unsent == 0 || unsent == left {
                            continue;
                        }
                    }
                }
                tokio::time::sleep(GATHER).await;
            }
            tell(Live::Synced(self.sync().await?));
            left = self.unsent().await?;
        }
    }

    async fn unsent(&self) -> Result<usize, EngineError> {
        self.worker.call(|replica| replica.unsent()).await
    }

    /// Subscribes on the connection that the last sync left.
    async fn subscribe(&self) -> Result<Subscription, EngineError> {
        let held = self.wire.lock().await;
        let gone = || EngineError::Offline { why: "the connection was closed".into() };
        let wire = held.as_ref().ok_or_else(gone)?;
        let known = self.worker.call(|replica| {
            let place = (replica.cursor(), replica.roster_head(), replica.receipts_stamp());
            Ok((replica.space(), replica.author_key(), place))
        });
        let (space, author, known) = known.await?;
        let request = attach(wire, (space, Signer::Device(author.author_id())), &author)?;
        let batch = [request, Request::Subscribe { space }];
        let asking = async {
            let mut exchange = wire.exchange(&batch).await?;
            let answer = exchange.next().await?;
            Ok((exchange, answer))
        };
        match in_time(None, asking).await? {
            (exchange, Some(Reply::Attached(now))) => {
                let place = (Some(now.cursor), now.roster, now.receipts);
                Ok(Subscription { exchange, missed: place != known })
            }
            (_, Some(Reply::Refused(refusal))) => Err(refusal.into()),
            (_, Some(_)) => Err(EngineError::BadReply { what: "an answer to another question" }),
            (_, None) => Err(gone()),
        }
    }
}

/// Whether a later try may go better.
fn may_pass(why: &EngineError) -> bool {
    use EngineError as E;
    match why {
        E::Offline { .. } | E::BadReply { .. } | E::Restless | E::OutOfTime => true,
        E::Refused(refusal) => {
            matches!(refusal, Refusal::RateLimited { .. } | Refusal::Unavailable)
        }
        _ => false,
    }
}
