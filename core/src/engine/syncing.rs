//! Driving a sync over a real connection.

use std::time::Duration;

use mainstay_protocol::frame::{Reply, Request};
use tokio::time::{Instant, timeout_at};

use super::anchor::Anchor;
use super::config::now_ms;
use super::error::EngineError;
use super::glancing::{PAUSES, pause_of, rest};
use super::handle::Engine;
use super::replica::{Alarm, Counts};
use crate::sync::{Connection, Local, Session};
use crate::transport::{TransportError, Wire};

/// How long a relay may take over one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a sync did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Entries (and the plan) that the relay signed for.
    pub sent: u64,
    /// Entries that came, new or changed.
    pub received: u64,
    /// Whether everything was done; `false` when the time ran out first.
    pub complete: bool,
    /// Batches of requests, each one turn to the relay and back.
    pub round_trips: u32,
    /// Bytes of UDP payload sent, those of a new connection's handshake included.
    pub bytes_sent: u64,
    /// Bytes of UDP payload received.
    pub bytes_received: u64,
    /// What an honest relay and honest devices never cause, since the last report;
    /// [`Engine::take_alarms`] has those of a sync that fails.
    pub alarms: Vec<Alarm>,
    /// How far a restore has come: slots fetched, slots to fetch.
    pub restoring: Option<(u32, u32)>,
    /// Records of shares that the relay signed for.
    pub shared: u64,
    /// Records of shares that came.
    pub heard: u64,
    /// Shares whose sync failed while the others went on, and why in words. Nothing is lost by it.
    pub failures: Vec<(mainstay_protocol::ids::SpaceId, String)>,
}

impl From<TransportError> for EngineError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Offline(why) => Self::Offline { why },
            TransportError::WrongKey => Self::WrongRelay,
            TransportError::Malformed => Self::BadReply { what: "no frame" },
        }
    }
}

impl Engine {
    /// Sends what waits and fetches what is new, until there is nothing left to do.
    ///
    /// # Errors
    /// [`EngineError::NoRelay`], [`EngineError::Offline`], [`EngineError::WrongRelay`],
    /// [`EngineError::Refused`], [`EngineError::NotADevice`]. What was done by then counts, and
    /// the next sync goes on from there.
    pub async fn sync(&self) -> Result<SyncReport, EngineError> {
        self.run_sync(None, &mut |_| {}).await
    }

    /// As [`Engine::sync`], telling how far it has come after each turn.
    ///
    /// # Errors
    /// As [`Engine::sync`].
    pub async fn sync_with(
        &self,
        progress: &mut (dyn FnMut(&SyncReport) + Send),
    ) -> Result<SyncReport, EngineError> {
        self.run_sync(None, progress).await
    }

    /// As [`Engine::sync`], but stops in time: for the seconds that a system grants in the
    /// background. What was done by then is kept, and the next sync goes on where it stopped.
    ///
    /// # Errors
    /// As [`Engine::sync`].
    pub async fn sync_once(&self, budget: Duration) -> Result<SyncReport, EngineError> {
        self.run_sync(Some(Instant::now() + budget), &mut |_| {}).await
    }

    /// The alarms of syncs that failed, each once: such a sync has no report to show them in. To
    /// be shown beside its error.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub async fn take_alarms(&self) -> Result<Vec<Alarm>, EngineError> {
        self.worker.call(|replica| Ok(replica.take_alarms())).await
    }

    async fn run_sync(
        &self,
        deadline: Option<Instant>,
        progress: &mut (dyn FnMut(&SyncReport) + Send),
    ) -> Result<SyncReport, EngineError> {
        let mut report = SyncReport::default();
        let result = self.attempt(deadline, &mut report, progress).await;
        let config = self.config.clone();
        let through = matches!(result, Ok(()) | Err(EngineError::OutOfTime));
        let noted = self.worker.call(move |replica| {
            Anchor::note(&config, replica)?;
            // Those of a sync that failed have no report to be in; they wait for the next one, or
            // for who asks.
            let alarms = if through { replica.take_alarms() } else { Vec::new() };
            Ok((replica.counts(), alarms, replica.restore_progress()))
        });
        let (counts, alarms, restoring) = noted.await?;
        let Counts { sent, received } = counts;
        (report.sent, report.received) = (sent, received);
        (report.alarms, report.restoring) = (alarms, restoring);
        if result.is_err() {
            // What came by then, and that it failed, shall outlast an app that ends here.
            self.worker.call(|replica| replica.flush()).await?;
        }
        match result {
            Ok(()) => {
                report.complete = true;
                Ok(report)
            }
            Err(EngineError::OutOfTime) => Ok(report),
            Err(error) => Err(error),
        }
    }

    async fn attempt(
        &self,
        deadline: Option<Instant>,
        report: &mut SyncReport,
        progress: &mut (dyn FnMut(&SyncReport) + Send),
    ) -> Result<(), EngineError> {
        let mut held = in_time(deadline, async { Ok(self.wire.lock().await) }).await?;
        self.worker.call(|replica| replica.begin_sync(now_ms())).await?;
        let reused = held.as_ref().is_some_and(Wire::is_open);
        if !reused {
            *held = None;
            let address = self.relay().await?.ok_or(EngineError::NoRelay)?;
            let connecting = async { Ok(Wire::connect(&address).await?) };
            *held = Some(in_time(deadline, connecting).await.map_err(|error| match error {
                EngineError::OutOfTime => {
                    EngineError::Offline { why: "it did not answer in the time given".to_owned() }
                }
                other => other,
            })?);
        }
        let Some(wire) = held.as_ref() else { return Err(EngineError::NoRelay) };
        let result = self.everything(wire, deadline, report, progress).await;
        count_bytes(wire, report);
        wire.settle();
        if matches!(result, Err(EngineError::Offline { .. } | EngineError::BadReply { .. })) {
            *held = None;
        }
        result
    }

    /// The journal, then its shares; and the journal again where the shares brought keys for the
    /// person's other devices.
    async fn everything(
        &self,
        wire: &Wire,
        deadline: Option<Instant>,
        report: &mut SyncReport,
        progress: &mut (dyn FnMut(&SyncReport) + Send),
    ) -> Result<(), EngineError> {
        let own = self.relay().await?.ok_or(EngineError::NoRelay)?;
        let ahead = self.ask_ahead(wire, &own, deadline);
        let (done, told) = tokio::join!(self.converse(wire, deadline, report, progress), ahead);
        done?;
        let told = told?;
        // After a removal the shares go on under new keys: the person's other devices have them first.
        if self.worker.call(|replica| replica.renew_keys(now_ms())).await? {
            self.converse(wire, deadline, report, progress).await?;
        }
        self.sync_shares(wire, (&own, told), deadline, report).await?;
        match self.worker.call(|replica| replica.keys_wait()).await? {
            true => self.converse(wire, deadline, report, progress).await,
            false => Ok(()),
        }
    }

    /// The journal's own sync, again where the relay asks to wait a moment: what was done stays done.
    async fn converse(
        &self,
        wire: &Wire,
        deadline: Option<Instant>,
        report: &mut SyncReport,
        progress: &mut (dyn FnMut(&SyncReport) + Send),
    ) -> Result<(), EngineError> {
        let mut done = self.converse_once(wire, deadline, report, progress).await;
        for time in 0..PAUSES {
            let Some(pause) = done.as_ref().err().and_then(pause_of) else { break };
            rest(deadline, time, Some(pause)).await?;
            done = self.converse_once(wire, deadline, report, progress).await;
        }
        done
    }

    async fn converse_once(
        &self,
        wire: &Wire,
        deadline: Option<Instant>,
        report: &mut SyncReport,
        progress: &mut (dyn FnMut(&SyncReport) + Send),
    ) -> Result<(), EngineError> {
        let space = self.worker.call(|replica| Ok(replica.space())).await?;
        let exporter = Some(wire.exporter(&space)?);
        let mut session = Session::new(Connection { relay: wire.relay(), exporter });
        loop {
            let next = self.worker.call(move |replica| {
                let batch = session.next(replica, now_ms())?;
                Ok((session, batch))
            });
            let (returned, batch) = next.await?;
            session = returned;
            let Some(batch) = batch else { return Ok(()) };
            report.round_trips += 1;
            session = self.exchange(wire, session, &batch, deadline).await?;
            count_bytes(wire, report);
            let (counts, restoring) = self
                .worker
                .call(|replica| Ok((replica.counts(), replica.restore_progress())))
                .await?;
            (report.sent, report.received) = (counts.sent, counts.received);
            report.restoring = restoring;
            progress(report);
        }
    }

    async fn exchange(
        &self,
        wire: &Wire,
        mut session: Session,
        batch: &[Request],
        deadline: Option<Instant>,
    ) -> Result<Session, EngineError> {
        let asking = async { Ok(wire.exchange(batch).await?) };
        let mut exchange = in_time(deadline, asking).await?;
        while session.is_waiting() {
            let reply = in_time(deadline, async { Ok(exchange.next().await?) }).await?;
            let Some(reply) = reply else {
                return Err(EngineError::Offline { why: "the relay broke off".to_owned() });
            };
            session = self.take(session, reply).await?;
        }
        Ok(session)
    }

    async fn take(&self, mut session: Session, reply: Reply) -> Result<Session, EngineError> {
        let taken = self.worker.call(move |replica| {
            session.reply(replica, reply, now_ms())?;
            Ok(session)
        });
        taken.await
    }
}

/// Waits for something until the deadline, and never longer than a relay may take.
pub(super) async fn in_time<T>(
    deadline: Option<Instant>,
    what: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    let patience = Instant::now() + PATIENCE;
    let until = deadline.map_or(patience, |deadline| deadline.min(patience));
    match timeout_at(until, what).await {
        Ok(done) => done,
        Err(_) if deadline.is_some_and(|deadline| deadline <= patience) => {
            Err(EngineError::OutOfTime)
        }
        Err(_) => Err(EngineError::Offline { why: "it does not answer".to_owned() }),
    }
}

fn count_bytes(wire: &Wire, report: &mut SyncReport) {
    (report.bytes_sent, report.bytes_received) = wire.bytes();
}
