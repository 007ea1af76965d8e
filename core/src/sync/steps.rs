//! What a sync asks for next, and what it does with the answers.

use mainstay_protocol::frame::{Pull, Reply, Request, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::SlotId;
use mainstay_protocol::limits::{
    MAX_FETCH_NUMBERS, MAX_FETCH_SLOTS, MAX_PULL_BYTES, MAX_ROSTER_RECORDS,
};
use mainstay_protocol::roster::{Record, record_hash};
use mainstay_protocol::sign::Signed;
use mainstay_protocol::statement::{Claim, Cursor, Statement};
use minicbor::bytes::ByteVec;

use super::SyncError;
use super::local::{Local, RestoreAsk, ShownRoster, attach};
use super::session::{Asked, Session};

type Batch = Vec<(Asked, Request)>;

impl Session {
    pub(super) fn step<L: Local>(
        &mut self,
        local: &mut L,
        now_ms: i64,
    ) -> Result<Option<Batch>, L::Error> {
        if self.done {
            return Ok(None);
        }
        let space = local.space();
        if self.unknown_space {
            return Ok(Some(vec![self.create(local)?]));
        }
        if let Some(known) = self.more_roster.take() {
            let request = Request::Roster { space, known: Some(known) };
            return Ok(Some(vec![(Asked::Roster, request)]));
        }
        if self.forked {
            return self.heal(local);
        }
        if self.greeted && local.speaks_formerly() {
            // There are no two lists any more: another device joined them.
            local.speak_presently();
            (self.other_list, self.regreet) = (false, false);
            self.restart()?;
        }
        if std::mem::take(&mut self.regreet) {
            self.restart()?;
        }
        if !self.greeted {
            return Ok(Some(self.greeting(local, now_ms)));
        }
        if !local.is_member() {
            return Err(SyncError::NotADevice.into());
        }
        if local.roster_is_stale() {
            // What was passed over comes again, and counts now or never.
            self.read_anew();
            self.asked_wraps = false;
            let known = Some(local.roster_head());
            return Ok(Some(vec![(Asked::Roster, Request::Roster { space, known })]));
        }
        if local.lacks_key() && !self.asked_wraps {
            self.asked_wraps = true;
            return Ok(Some(vec![(Asked::Wraps, Request::Wraps { space })]));
        }
        if is_member_alone(local) {
            // Nothing is served to it before the list names it.
            let append = local.next_append()?.ok_or(SyncError::NotADevice)?;
            return Ok(Some(vec![as_append(append)?]));
        }
        if let Some(batch) = self.wanted(local)? {
            return Ok(Some(batch));
        }
        match local.restore_next()? {
            Some(RestoreAsk::Names) => {
                return Ok(Some(vec![(Asked::Names, Request::Slots { space })]));
            }
            Some(RestoreAsk::Slots(slots, after)) => {
                let asked = Asked::RestoreSlots(slots.clone());
                let pull = Pull::Slots { slots, after, stubs: false, limit_bytes: MAX_PULL_BYTES };
                return Ok(Some(vec![(asked, Request::Pull { space, pull })]));
            }
            None => {}
        }
        if !self.pulled {
            let cursor = self
                .place
                .or(local.cursor())
                .or(self.feed.map(|feed| Cursor::start(feed.incarnation)));
            let cursor = cursor.ok_or(SyncError::BadReply("no place in the feed"))?;
            return Ok(Some(vec![(Asked::Pull, pull_after(space, cursor))]));
        }
        if !self.compared && (!local.intact() || self.disagrees(local)?) {
            self.heads.clear();
            return Ok(Some(vec![(Asked::Heads, Request::Heads { space })]));
        }
        if !self.behind.is_empty() {
            return Ok(Some(vec![self.catch_up(space)]));
        }
        if let (Some((receipts, stamp)), Some(feed)) = (self.receipts.take(), self.feed) {
            local.take_receipts(&receipts, feed.incarnation, stamp)?;
        }
        if let Some(append) = local.next_append()? {
            return Ok(Some(vec![as_append(append)?]));
        }
        self.push(local, now_ms)
    }

    /// Whether the relay's chains, read to their end, are not this device's. Where one of the two lacks
    /// something that no number and no chain tells of (the last word of a chain that the relay kept to
    /// itself for a while), this does.
    /// Asked once for each greeting: what this device pushes after it is in its own heads only.
    fn disagrees<L: Local>(&mut self, local: &mut L) -> Result<bool, L::Error> {
        let (Some(told), Some(feed)) = (self.heads_told.take(), self.feed) else {
            return Ok(false);
        };
        // Something came in between: what was told is about another moment.
        if self.place.or(local.cursor()) != Some(feed) {
            return Ok(false);
        }
        Ok(!local.agrees(&told)?)
    }

    /// Asks for what lies in slots in which the relay goes further.
    fn catch_up(&mut self, space: mainstay_protocol::ids::SpaceId) -> (Asked, Request) {
        let slots = self.behind.iter().take(MAX_FETCH_SLOTS).copied().collect();
        let (after, limit_bytes) = (self.behind_after, MAX_PULL_BYTES);
        let pull = Pull::Slots { slots, after, stubs: false, limit_bytes };
        (Asked::Behind, Request::Pull { space, pull })
    }

    /// Notes how much of what was behind has come.
    fn caught_up(&mut self, last: Option<(SlotId, u64)>) {
        let Some((slot, number)) = last else {
            let asked = self.behind.len().min(MAX_FETCH_SLOTS);
            self.behind.drain(..asked);
            self.behind_after = 0;
            return;
        };
        let at = self.behind.iter().position(|behind| *behind == slot).unwrap_or(self.behind.len());
        self.behind.drain(..at);
        self.behind_after = number;
    }

    /// Joins the branch that the relay shows with this device's; then everything is asked for anew.
    fn heal<L: Local>(&mut self, local: &mut L) -> Result<Option<Batch>, L::Error> {
        if let Some(append) = local.heal()? {
            return Ok(Some(vec![as_append(append)?]));
        }
        if std::mem::replace(&mut self.asked_wraps, true) {
            return Err(SyncError::NoKey.into());
        }
        Ok(Some(vec![(Asked::Wraps, Request::Wraps { space: local.space() })]))
    }

    fn greeting<L: Local>(&mut self, local: &mut L, now_ms: i64) -> Batch {
        let space = local.space();
        let speaker = local.speaker();
        let exporter = self.connection.exporter.filter(|_| self.proved != Some(speaker));
        let mut batch = vec![
            (Asked::Attach, attach(local, exporter, &self.connection.relay)),
            (Asked::Roster, Request::Roster { space, known: Some(local.roster_head()) }),
        ];
        if is_member_alone(local) {
            return batch;
        }
        let after = local.receipts_stamp();
        batch.push((Asked::Receipts, Request::Receipts { space, after }));
        if let Some(first) = local.restore_first(now_ms) {
            batch.extend(first.into_iter().map(|request| (Asked::First, request)));
        } else if let Some(cursor) = local.cursor() {
            batch.push((Asked::Pull, pull_after(space, cursor)));
        }
        batch
    }

    fn wanted<L: Local>(&mut self, local: &mut L) -> Result<Option<Batch>, L::Error> {
        let mut numbers = local.wanted()?;
        if numbers.is_empty() {
            // All of them came. If the feed is read again and they are wanted anew (they lie on the other
            // branch of this device's own chain), they are asked for anew.
            self.asked_wanted.clear();
            return Ok(None);
        }
        numbers.truncate(MAX_FETCH_NUMBERS);
        if self.asked_wanted == numbers {
            // A device that replaced them since the feed was read says so in the feed.
            if !std::mem::replace(&mut self.read_again, true) {
                self.read_anew();
            } else if self.pulled && local.end_wanted()? {
                self.read_anew();
                self.compared = false;
            }
            return Ok(None);
        }
        self.asked_wanted.clone_from(&numbers);
        let pull = Pull::Numbers { numbers, limit_bytes: MAX_PULL_BYTES };
        Ok(Some(vec![(Asked::Numbers, Request::Pull { space: local.space(), pull })]))
    }

    fn push<L: Local>(&mut self, local: &mut L, now_ms: i64) -> Result<Option<Batch>, L::Error> {
        let space = local.space();
        let out = local.outgoing(now_ms, self.push_bytes)?;
        let mut batch = Vec::new();
        if !out.envelopes.is_empty() {
            let (hashes, envelopes): (Vec<Hash>, Vec<ByteVec>) =
                out.envelopes.into_iter().map(|(hash, bytes)| (hash, bytes.into())).unzip();
            batch.push((Asked::Push(hashes), Request::Push { space, envelopes }));
        }
        if out.all
            && !self.receipt_sent
            && !self.receipt_refused
            && let Some(receipt) = local.receipt()?
        {
            self.receipt_sent = !batch.is_empty();
            batch.push((Asked::PutReceipt, Request::PutReceipt { space, receipt }));
        }
        if batch.is_empty() {
            local.finished(now_ms)?;
            self.done = true;
            return Ok(None);
        }
        Ok(Some(batch))
    }

    pub(super) fn answered<L: Local>(
        &mut self,
        local: &mut L,
        asked: Asked,
        reply: Reply,
        now_ms: i64,
    ) -> Result<(), L::Error> {
        match (asked, reply) {
            (Asked::Receipts | Asked::Pull | Asked::First, _) if self.forked => {}
            (Asked::Attach, Reply::Attached(attached)) => {
                self.proved = Some(local.speaker());
                self.greeted = true;
                local.heard_clock(attached.now_ms);
                self.feed = Some(attached.cursor);
                self.told = Some(attached.roster);
                self.heads_told = attached.heads;
                local.heard_receipts(attached.receipts);
                if let Some(counter) = attached.own_receipt {
                    local.heard_own_receipt(counter);
                }
                local.relay_lacks_wraps(attached.lacks_wraps);
                let knows = local.cursor();
                if knows.is_some() && !attached.recognised {
                    local.relay_lost(&attached.cursor)?;
                    self.regreet = true;
                    // The greeting's pull names a place that is none; its refusal begins anew.
                    self.compared = false;
                }
            }
            (Asked::Create, Reply::Created { grant, statement }) => {
                self.statement(local, &statement)?;
                if self.was_last_part() {
                    local.created(grant)?;
                    self.restart()?;
                }
            }
            (Asked::Roster, Reply::Roster { records }) => self.take_roster(local, records)?,
            (Asked::Wraps, Reply::Wraps { wraps }) => local.take_wraps(&wraps)?,
            (Asked::Receipts, Reply::Receipts { .. }) if self.regreet => {}
            (Asked::Receipts, Reply::Receipts { receipts, stamp }) => {
                self.receipts = Some((receipts, stamp));
            }
            (Asked::Pull, Reply::Items { items, continues, more, cursor }) => {
                local.take_items(items, Some(cursor), now_ms)?;
                // Who says that there is more has shown something new: else this would never end.
                if self.place.replace(cursor).is_some_and(|at| at.number >= cursor.number) && more {
                    return Err(SyncError::BadReply("the same part of the feed again").into());
                }
                if !continues && !more {
                    self.pulled = true;
                    local.end_pull()?;
                }
            }
            (Asked::Numbers, Reply::Items { items, .. }) => {
                local.take_items(items, None, now_ms)?
            }
            (Asked::First, Reply::Items { items, .. }) => local.take_items(items, None, now_ms)?,
            (Asked::First | Asked::Names, Reply::Slots { slots }) => {
                local.take_slots(slots, now_ms)?
            }
            (Asked::RestoreSlots(asked), Reply::Items { items, continues, more, .. }) => {
                let last = items.last().and_then(place);
                local.take_items(items, None, now_ms)?;
                let stopped = last.filter(|_| more || continues);
                if stopped.is_some() || !continues {
                    local.restored_to(&asked, stopped)?;
                }
            }
            (Asked::Heads, Reply::Heads { heads, statement }) => {
                self.heads.extend(heads);
                if self.heads.len() > mainstay_protocol::limits::MAX_HEADS {
                    return Err(SyncError::BadReply("more chains than a space may have").into());
                }
                if let Some(statement) = statement {
                    local.compare_heads(
                        &std::mem::take(&mut self.heads),
                        &statement,
                        &self.connection.relay,
                    )?;
                    self.compared = true;
                    (self.behind, self.behind_after) = (local.behind()?, 0);
                    if self.behind.is_empty() {
                        local.end_comparison()?;
                    }
                }
            }
            (Asked::Behind, Reply::Items { items, continues, more, .. }) => {
                let before = (self.behind.len(), self.behind_after);
                let last = items.last().and_then(place);
                local.take_items(items, None, now_ms)?;
                if more || continues {
                    self.caught_up(last);
                } else {
                    self.caught_up(None);
                }
                // Who says that there is more has shown something new: else this would never end.
                let (slots, after) = (self.behind.len(), self.behind_after);
                if slots > before.0 || (slots == before.0 && after <= before.1) {
                    return Err(SyncError::BadReply("the same part of a slot again").into());
                }
                if self.behind.is_empty() {
                    local.end_pull()?;
                    local.end_comparison()?;
                }
            }
            (Asked::Append(head), Reply::Appended { statement }) => {
                if self.statement(local, &statement)?.claim != Claim::Roster(head) {
                    return Err(SyncError::BadReply("a statement about another record").into());
                }
                let before = local.speaker();
                local.appended()?;
                if local.speaker() != before || self.forked {
                    (self.forked, self.other_list) = (false, false);
                    // Under its new key, the device has to introduce itself anew.
                    self.regreet = true;
                }
                self.receipt_sent = false;
            }
            (Asked::Push(hashes), Reply::Pushed { statement }) => {
                let stated = self.statement(local, &statement)?;
                let Claim::Stored(stored) = &stated.claim else {
                    return Err(SyncError::BadReply("a statement about something else").into());
                };
                if stored.iter().map(|stored| stored.envelope).ne(hashes) {
                    return Err(SyncError::BadReply("a statement about other envelopes").into());
                }
                local.stored(stored, stated.cursor)?;
            }
            (Asked::PutReceipt, Reply::Done) => local.receipt_stored()?,
            _ => return Err(SyncError::BadReply("an answer to another question").into()),
        }
        Ok(())
    }

    /// Takes in records of the list of devices. A long list comes in several answers, and means
    /// something only as a whole: what was asked along with it is asked again then.
    fn take_roster<L: Local>(
        &mut self,
        local: &mut L,
        shown: Vec<Signed<Record>>,
    ) -> Result<(), L::Error> {
        let last = shown.last().map(record_hash);
        let follows = !self.records.is_empty();
        self.records.extend(shown);
        if self.records.len() > MAX_ROSTER_RECORDS {
            return Err(SyncError::BadReply("more records than a list may have").into());
        }
        if let Some(last) = last.filter(|last| Some(*last) != self.told) {
            self.in_flight.clear();
            self.more_roster = Some(last);
            return Ok(());
        }
        self.greeted &= !follows;
        match local.take_roster(&std::mem::take(&mut self.records))? {
            ShownRoster::Behind if self.taught => {
                return Err(SyncError::BadReply("an old list of devices").into());
            }
            ShownRoster::Behind if local.may_teach() => self.teach(),
            ShownRoster::Behind => return Err(SyncError::NotADevice.into()),
            ShownRoster::Forked => self.forked = true,
            ShownRoster::Taken => {}
        }
        Ok(())
    }

    /// A statement counts only with the relay's signature, and about this space.
    fn statement<L: Local>(
        &self,
        local: &L,
        signed: &Signed<Statement>,
    ) -> Result<Statement, SyncError> {
        let stated = signed.verify(&self.connection.relay);
        let stated =
            stated.map_err(|_| SyncError::BadReply("a statement that the relay did not sign"))?;
        match stated.space == local.space() {
            true => Ok(stated),
            false => Err(SyncError::BadReply("a statement about another space")),
        }
    }
}

/// Whether the device speaks for its member in a share, as the list does not name it yet.
fn is_member_alone<L: Local>(local: &L) -> bool {
    matches!(local.speaker(), Signer::Member(_))
}

fn as_append(append: Request) -> Result<(Asked, Request), SyncError> {
    let Request::Append { record, .. } = &append else {
        return Err(SyncError::BadReply("no append was made"));
    };
    Ok((Asked::Append(mainstay_protocol::roster::record_hash(record)), append))
}

fn pull_after(space: mainstay_protocol::ids::SpaceId, cursor: Cursor) -> Request {
    Request::Pull { space, pull: Pull::After { cursor, limit_bytes: MAX_PULL_BYTES } }
}

/// The slot and number of an item.
fn place(item: &mainstay_protocol::frame::Item) -> Option<(mainstay_protocol::ids::SlotId, u64)> {
    use mainstay_protocol::envelope::{Envelope, Stub};
    use mainstay_protocol::frame::ItemBody;
    let slot = match &item.body {
        ItemBody::Whole(bytes) => Envelope::from_bytes(bytes).ok()?.header().slot,
        ItemBody::Stub(bytes) => Stub::from_bytes(bytes).ok()?.header().slot,
    };
    Some((slot, item.number))
}
