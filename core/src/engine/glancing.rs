//! One question for all shares: is anything new? Where nothing is, it rides along with the journal's
//! own first turn, so that a sync of two hundred clients takes one.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::frame::{Refusal, Reply, Request};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits::MAX_BATCH_REQUESTS;
use tokio::time::Instant;

use super::config::now_ms;
use super::error::EngineError;
use super::handle::Engine;
use super::replica::Glance;
use super::syncing::{SyncReport, in_time};
use crate::transport::Wire;

/// What the relay said of shares that were asked about. A share whose question was refused is not in.
type Answers = BTreeMap<SpaceId, Reply>;

/// What came of one round of questions, and for how long the relay asks to wait with the rest.
#[derive(Default)]
struct Answered {
    answers: Answers,
    pause: Option<Duration>,
}

/// What it said while something else was under way, and since when that holds.
#[derive(Default)]
pub(super) struct Told {
    said: Answered,
    asked_ms: i64,
}

/// A longer pause than this is told, and not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often a relay that asks to wait is asked the same again.
pub(super) const PAUSES: u32 = 5;
/// Added to the first pause, and twice as much to each one after it: 1.5 s in all.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

impl Engine {
    /// Asks about the shares of the journal's relay in which nothing waits here, while the journal's
    /// own sync is under way. What fails here is no failure: those shares are asked about again.
    pub(super) async fn ask_ahead(
        &self,
        wire: &Wire,
        own: &RelayAddress,
        deadline: Option<Instant>,
    ) -> Result<Told, EngineError> {
        let standing = self.worker.call(|replica| replica.standing_shares()).await?;
        let same =
            by_relay(standing).into_iter().filter(|(address, _)| is_same_relay(address, own));
        let shares = same.flat_map(|(_, shares)| shares).collect();
        let (_, quiet) = self.glance(wire, shares).await?;
        let asked_ms = now_ms();
        let said = in_time(deadline, ask_all(wire, &quiet)).await.unwrap_or_default();
        Ok(Told { said, asked_ms })
    }

    /// The shares in which something is new, or where something waits here. The relay is asked about
    /// all those at once that only it can tell of, unless it was `told` already: an answer is compared
    /// with what this device holds now, so that one that is out of date only costs a sync.
    pub(super) async fn busy_shares(
        &self,
        wire: &Wire,
        (shares, told): (Vec<SpaceId>, Told),
        deadline: Option<Instant>,
        report: &mut SyncReport,
    ) -> Result<Vec<SpaceId>, EngineError> {
        let (mut busy, quiet) = self.glance(wire, shares).await?;
        let (known, mut unknown): (Vec<_>, Vec<_>) =
            quiet.into_iter().partition(|(share, _)| told.said.answers.contains_key(share));
        busy.extend(self.still_busy(known, told.said.answers, told.asked_ms).await?);
        let mut pause = told.said.pause;
        for time in 0..PAUSES {
            if unknown.is_empty() {
                break;
            }
            rest(deadline, time, pause).await?;
            report.round_trips += 1;
            let said = in_time(deadline, ask_all(wire, &unknown)).await?;
            let (known, left): (Vec<_>, Vec<_>) =
                unknown.into_iter().partition(|(share, _)| said.answers.contains_key(share));
            busy.extend(self.still_busy(known, said.answers, now_ms()).await?);
            (unknown, pause) = (left, said.pause);
            if pause.is_none() {
                break;
            }
        }
        // What the relay refused is told by the share's own sync.
        busy.extend(unknown.into_iter().map(|(share, _)| share));
        Ok(busy)
    }

    /// Of shares that were asked about, those in which something is new.
    async fn still_busy(
        &self,
        asked: Vec<(SpaceId, Request)>,
        mut answers: Answers,
        asked_ms: i64,
    ) -> Result<Vec<SpaceId>, EngineError> {
        let answers: Vec<_> =
            asked.into_iter().map(|(share, _)| (share, answers.remove(&share))).collect();
        self.worker.call(move |replica| replica.glanced(answers, asked_ms)).await
    }

    /// Parts the shares in which something waits here from those that only the relay can tell of.
    async fn glance(
        &self,
        wire: &Wire,
        shares: Vec<SpaceId>,
    ) -> Result<(Vec<SpaceId>, Vec<(SpaceId, Request)>), EngineError> {
        let mut exporters = Vec::new();
        for share in shares {
            exporters.push((share, wire.exporter(&share)?));
        }
        let relay = wire.relay();
        let glances = self.worker.call(move |replica| {
            // What goes wrong in one is told by its own sync, and keeps no other back.
            let glance = |(share, exporter)| {
                let glance = replica.glance(&share, exporter, &relay, now_ms());
                glance.unwrap_or((share, Glance::Busy))
            };
            Ok(exporters.into_iter().map(glance).collect::<Vec<_>>())
        });
        let (mut busy, mut quiet) = (Vec::new(), Vec::new());
        for (share, glance) in glances.await? {
            match glance {
                Glance::Busy => busy.push(share),
                Glance::Ask(request) => quiet.push((share, request)),
            }
        }
        Ok((busy, quiet))
    }
}

/// The answers to attachments, as far as they came: a refusal ends its batch, and what comes after it
/// is looked at by itself. All batches are on their way before the first answer is read.
async fn ask_all(wire: &Wire, quiet: &[(SpaceId, Request)]) -> Result<Answered, EngineError> {
    let mut asked = Vec::new();
    for some in quiet.chunks(MAX_BATCH_REQUESTS) {
        let requests: Vec<Request> = some.iter().map(|(_, request)| request.clone()).collect();
        asked.push((some, wire.exchange(&requests).await?));
    }
    let mut answered = Answered::default();
    for (some, mut exchange) in asked {
        for (share, _) in some {
            match exchange.next().await? {
                Some(reply @ Reply::Attached(_)) => {
                    answered.answers.insert(*share, reply);
                }
                Some(Reply::Refused(refusal)) => {
                    let pause = pause_of(&EngineError::Refused(refusal));
                    answered.pause = answered.pause.max(pause);
                }
                _ => {}
            }
        }
    }
    Ok(answered)
}

/// For how long a relay asks to wait that is asked too much at once, where that is worth waiting for:
/// two hundred clients are many questions in one second.
pub(super) fn pause_of(error: &EngineError) -> Option<Duration> {
    let EngineError::Refused(Refusal::RateLimited { retry_after_ms }) = error else { return None };
    Some(Duration::from_millis(*retry_after_ms)).filter(|pause| *pause <= LONGEST_PAUSE)
}

/// Waits as long as the relay asks, which is until it takes one more question, and longer each time: a
/// batch is several. Not beyond the deadline.
pub(super) async fn rest(
    deadline: Option<Instant>,
    time: u32,
    pause: Option<Duration>,
) -> Result<(), EngineError> {
    let Some(pause) = pause else { return Ok(()) };
    let pause = pause + FIRST_PAUSE * 2_u32.pow(time);
    in_time(deadline, async {
        tokio::time::sleep(pause).await;
        Ok(())
    })
    .await
}

/// Shares under the address of their relay; those whose address cannot be read are left out.
pub(super) fn by_relay(live: Vec<(SpaceId, String)>) -> Vec<(RelayAddress, Vec<SpaceId>)> {
    let mut by_relay: BTreeMap<String, Vec<SpaceId>> = BTreeMap::new();
    for (share, relay) in live {
        by_relay.entry(relay).or_default().push(share);
    }
    let parsed = by_relay.into_iter().map(|(relay, shares)| Some((relay.parse().ok()?, shares)));
    parsed.flatten().collect()
}

/// Whether two addresses are of one relay: its key tells, not its name.
pub(super) fn is_same_relay(one: &RelayAddress, other: &RelayAddress) -> bool {
    one.pins.iter().any(|pin| other.pins.contains(pin))
}
