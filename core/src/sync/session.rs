//! One sync.

use std::collections::VecDeque;

use mainstay_protocol::frame::{Refusal, Reply, Request, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{HeadsDigest, SlotHead};
use mainstay_protocol::ids::SlotId;
use mainstay_protocol::limits::MAX_FRAME_BYTES;
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::Record;
use mainstay_protocol::sign::{Signed, VerifyKey};
use mainstay_protocol::statement::Cursor;

use super::local::Local;

/// How often a sync begins anew because the list of devices moved under it, or a chain was not
/// where it should be. More means that somebody keeps changing it; the next sync goes on.
const MAX_RESTARTS: u32 = 6;

/// The first push: half a second on a slow mobile link (1 Mbit/s).
const FIRST_PUSH_BYTES: usize = 64 * 1024;
/// The least and the most that one push holds. A push is one frame, and its envelopes are framed in
/// it; the longest single envelope fits as well.
const PUSH_BYTES: std::ops::RangeInclusive<usize> = 16 * 1024..=MAX_FRAME_BYTES * 3 / 4;
const _: () = assert!(mainstay_protocol::limits::MAX_ENVELOPE_BYTES < MAX_FRAME_BYTES * 3 / 4);
/// Pushes grow while they take less than this, and shrink when they take more than twice as long:
/// a sync with a budget of two seconds must get some of them through.
const BRISK_MS: i64 = 400;

/// What can go wrong between a device and its relay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The relay refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The relay's answer does not fit the request, or is not signed by its key.
    #[error("the relay gave an answer that makes no sense ({0}); nothing was changed")]
    BadReply(&'static str),
    /// Two lists of devices cannot be joined yet: the relay has not delivered the other one's key.
    #[error(
        "the relay has not delivered the key of the other list of devices; sync another of your devices and then this one again"
    )]
    NoKey,
    /// This device is not on the list of devices, or is waiting there.
    #[error("this device is not on the journal's list of devices")]
    NotADevice,
    /// Things kept changing under the sync.
    #[error("other devices keep changing the list of devices; try again in a while")]
    Restless,
}

/// The connection that a sync runs on.
#[derive(Debug, Clone, Copy)]
pub struct Connection {
    /// The relay's key, checked against the pin.
    pub relay: VerifyKey,
    /// The exporter's output for the space; none when the connection is attached already.
    pub exporter: Option<[u8; 32]>,
}

/// What a request in flight was for.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    Attach,
    Create,
    Roster,
    Wraps,
    Receipts,
    Pull,
    Numbers,
    First,
    Names,
    RestoreSlots(Vec<SlotId>),
    Heads,
    Append(mainstay_protocol::hash::Hash),
    Push(Vec<mainstay_protocol::hash::Hash>),
    PutReceipt,
    /// What lies in slots in which the relay goes further than the device.
    Behind,
}

/// One sync, from greeting to receipt.
pub struct Session {
    pub(super) connection: Connection,
    pub(super) in_flight: VecDeque<Asked>,
    pub(super) restarts: u32,
    pub(super) greeted: bool,
    pub(super) unknown_space: bool,
    pub(super) pulled: bool,
    /// How far the feed was read in this sync, also where something waits and the device's cursor
    /// stays behind.
    pub(super) place: Option<Cursor>,
    /// The feed was read once more, because bodies that it announced are gone.
    pub(super) read_again: bool,
    /// The bodies asked for last; asking for the same again would bring nothing.
    pub(super) asked_wanted: Vec<u64>,
    pub(super) compared: bool,
    /// The digest of the relay's heads, as it told it in its greeting.
    pub(super) heads_told: Option<HeadsDigest>,
    /// Slots in which the relay goes further, as the comparison showed, the first of them from here on.
    pub(super) behind: Vec<SlotId>,
    pub(super) behind_after: u64,
    pub(super) asked_wraps: bool,
    pub(super) feed: Option<Cursor>,
    pub(super) heads: Vec<SlotHead>,
    pub(super) receipts: Option<(Vec<Signed<Receipt>>, u64)>,
    pub(super) receipt_sent: bool,
    /// The relay refused the receipt: another one waits for the next sync.
    pub(super) receipt_refused: bool,
    /// The relay lost something: the greeting's other answers are about what is no more.
    pub(super) regreet: bool,
    /// The head of the list of devices, as the relay told it in its greeting.
    pub(super) told: Option<Hash>,
    /// Records that came so far; more of them are to be asked for after this one.
    pub(super) records: Vec<Signed<Record>>,
    pub(super) more_roster: Option<Hash>,
    /// For whom this connection has been shown to speak.
    pub(super) proved: Option<Signer>,
    /// The relay shows a branch of the list of devices that this device is about to join with its
    /// own. Until then, what was sealed under it cannot be judged, and is not taken in.
    pub(super) forked: bool,
    /// The relay refused an envelope once, and it was made anew.
    pub(super) pushed_anew: bool,
    /// The relay was told the whole list of devices because it was behind.
    pub(super) taught: bool,
    /// The relay was told the list, and has another one: it may know the device under a former name alone.
    pub(super) other_list: bool,
    /// Which part of that list the relay is told next, and whether others follow.
    pub(super) part: usize,
    pub(super) more_parts: bool,
    pub(super) done: bool,
    /// What one push may hold on this connection.
    pub(super) push_bytes: usize,
    /// When the last batch was handed out.
    asked_ms: i64,
}

impl Session {
    /// A sync over a connection.
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            in_flight: VecDeque::new(),
            restarts: 0,
            greeted: false,
            unknown_space: false,
            pulled: false,
            place: None,
            read_again: false,
            asked_wanted: Vec::new(),
            compared: false,
            heads_told: None,
            behind: Vec::new(),
            behind_after: 0,
            asked_wraps: false,
            feed: None,
            heads: Vec::new(),
            receipts: None,
            receipt_sent: false,
            receipt_refused: false,
            regreet: false,
            told: None,
            records: Vec::new(),
            more_roster: None,
            proved: None,
            forked: false,
            pushed_anew: false,
            taught: false,
            other_list: false,
            part: 0,
            more_parts: false,
            done: false,
            push_bytes: FIRST_PUSH_BYTES,
            asked_ms: 0,
        }
    }

    /// The next batch of requests; `None` when the sync is complete. To be called once all replies
    /// to the batch before have been taken, or its stream has ended.
    ///
    /// # Errors
    /// What the device or the relay says.
    pub fn next<L: Local>(
        &mut self,
        local: &mut L,
        now_ms: i64,
    ) -> Result<Option<Vec<Request>>, L::Error> {
        let batch = self.step(local, now_ms)?;
        self.asked_ms = now_ms;
        Ok(batch.map(|batch| {
            let (asked, requests): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            self.in_flight = asked.into();
            requests
        }))
    }

    /// Takes one reply.
    ///
    /// # Errors
    /// What the device or the relay says. The sync has failed then; what was taken in stays.
    pub fn reply<L: Local>(
        &mut self,
        local: &mut L,
        reply: Reply,
        now_ms: i64,
    ) -> Result<(), L::Error> {
        if self.in_flight.is_empty() && self.more_roster.is_some() {
            // About a list of devices that is not whole yet; it is asked again.
            return Ok(());
        }
        let asked = self.in_flight.front().cloned();
        let asked = asked.ok_or(SyncError::BadReply("more answers than requests"))?;
        if let Reply::Refused(refusal) = reply {
            self.in_flight.clear();
            return self.refused(local, &asked, refusal);
        }
        let continues = match &reply {
            Reply::Items { continues, .. } => *continues,
            Reply::Heads { statement, .. } => statement.is_none(),
            _ => false,
        };
        if !continues {
            self.in_flight.pop_front();
        }
        if matches!(asked, Asked::Push(_)) {
            self.pace(now_ms);
        }
        self.answered(local, asked, reply, now_ms)
    }

    /// Whether the relay still owes answers to the last batch.
    pub fn is_waiting(&self) -> bool {
        !self.in_flight.is_empty()
    }

    fn refused<L: Local>(
        &mut self,
        local: &mut L,
        asked: &Asked,
        refusal: Refusal,
    ) -> Result<(), L::Error> {
        match (asked, &refusal) {
            // Who waits has no keys to give with the list, and would lock out those who have: it is
            // theirs to tell the relay.
            (Asked::Attach, Refusal::UnknownSpace) if !local.is_member() => {
                return Err(SyncError::NotADevice.into());
            }
            (Asked::Attach, Refusal::UnknownSpace) => {
                self.unknown_space = true;
                local.space_unknown()?;
            }
            (Asked::Create, Refusal::SpaceExists) => {
                if self.was_last_part() {
                    self.other_list = true;
                    self.restart()?;
                }
            }
            // A relay that was rolled back may not know this device yet.
            (Asked::Attach, Refusal::NotAuthorised) if !self.taught && local.is_member() => {
                self.teach();
            }
            // It was told the list, and holds another one: of a device that had not heard of this name.
            (Asked::Attach, Refusal::NotAuthorised)
                if self.other_list && local.is_member() && local.speak_formerly() =>
            {
                // It attaches again: nothing has begun yet, and each name is tried once.
            }
            // The list that came along names the device under another key than it attached with: a
            // certificate whose answer was lost, or an owner who goes on under new keys.
            (asked, Refusal::NotAuthorised)
                if !matches!(asked, Asked::Attach)
                    && local.is_member()
                    && self.proved != Some(local.speaker()) =>
            {
                self.restart()?;
            }
            (_, Refusal::NotAuthorised) => return Err(SyncError::NotADevice.into()),
            (Asked::Append(_), Refusal::RosterMoved { .. }) => self.restart()?,
            (Asked::Append(_), Refusal::BadRecord { .. }) => {
                local.append_refused();
                return Err(SyncError::Refused(refusal).into());
            }
            (Asked::Push(_), Refusal::RosterMoved { .. }) => {
                local.take_back()?;
                self.restart()?;
            }
            // What it names has moved, maybe: it is made anew, once.
            (Asked::Push(_), Refusal::BadEnvelope { .. }) => {
                local.take_back()?;
                local.heads_differ()?;
                self.compared = false;
                if std::mem::replace(&mut self.pushed_anew, true) {
                    return Err(SyncError::Refused(refusal).into());
                }
                self.restart()?;
            }
            (Asked::Push(_), Refusal::OutOfOrder { slot, author, head }) => {
                local.take_back()?;
                local.out_of_order(*slot, *author, *head)?;
                self.restart()?;
            }
            // The greeting may have named a further place, which the relay does recognise.
            (Asked::Pull, Refusal::CursorUnknown { .. }) => {
                local.place_unknown()?;
                self.restart()?;
            }
            (Asked::PutReceipt, _) => {
                self.receipt_refused = true;
            }
            _ => return Err(SyncError::Refused(refusal).into()),
        }
        Ok(())
    }

    /// Fits the next push to how long the last one took.
    fn pace(&mut self, now_ms: i64) {
        let took = now_ms.saturating_sub(self.asked_ms);
        let next = match took {
            ..BRISK_MS => self.push_bytes * 2,
            t if t > 2 * BRISK_MS => self.push_bytes / 2,
            _ => self.push_bytes,
        };
        self.push_bytes = next.clamp(*PUSH_BYTES.start(), *PUSH_BYTES.end());
    }

    /// The relay is to be told the whole list of devices.
    pub(super) fn teach(&mut self) {
        self.unknown_space = true;
        self.taught = true;
    }

    /// The feed is to be read once more, from where the device stands.
    pub(super) fn read_anew(&mut self) {
        (self.pulled, self.place) = (false, None);
    }

    pub(super) fn restart(&mut self) -> Result<(), SyncError> {
        self.restarts += 1;
        self.greeted = false;
        self.forked = false;
        self.read_anew();
        self.behind.clear();
        self.asked_wanted.clear();
        self.asked_wraps = false;
        self.receipt_sent = false;
        match self.restarts <= MAX_RESTARTS {
            true => Ok(()),
            false => Err(SyncError::Restless),
        }
    }
}
