//! What goes out in a share: made at the moment of pushing, of what the list, the consent and the
//! journal say then. Nothing that was projected waits anywhere but in an envelope whose fate is
//! unknown; one that was refused is projected again.

use std::collections::BTreeSet;

use mainstay_protocol::envelope::{Chunk, Header, Kind};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::Head;
use mainstay_protocol::ids::SlotId;
use mainstay_protocol::limits::MAX_PUSH_ENVELOPES;

use super::register::{Register, Said, Sent};
use super::side::Side;
use super::{Replica, Share};
use crate::care::{
    CareLimits, Consent, RecordId, SharedBody, SharedPlan, SharedRecord, due_ms, project,
};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::journal::EntryId;
use crate::space::seal;
use crate::sync::Outgone;

/// Records that one share holds at a time: a chain each, of at most
/// [`mainstay_protocol::limits::MAX_HEADS`], with room for a second device's. The newest entries go
/// first; [`super::ShareInfo::left_out`] tells how many found no room.
pub(super) const MAX_SHARED_RECORDS: usize = 16_384;

/// Under what everything is projected.
#[allow(clippy::large_enum_variant)] // One is made for each sync.
enum Terms {
    /// Nothing may be said now: nobody is there, the consent is on its way, or it has expired.
    Silence,
    /// The share is over: everything is taken back.
    Nothing,
    Consent(Consent),
}

impl Share {
    fn terms(&self, now_ms: i64) -> Terms {
        if self.book.ended_ms.is_some() {
            return if self.readers().is_empty() { Terms::Nothing } else { Terms::Silence };
        }
        let now = u64::try_from(now_ms).unwrap_or(0);
        let relay = self.relay_ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
        let state = self.roster.state().share.as_ref();
        let over = state.is_some_and(|state| state.has_expired(now) || state.has_expired(relay));
        match (&self.book.consent, self.given()) {
            (Some(wanted), Some(given))
                if *wanted == given
                    && !over
                    && !self.readers().is_empty()
                    && self.strangers().is_empty() =>
            {
                Terms::Consent(given)
            }
            _ => Terms::Silence,
        }
    }

    /// A name for the terms: under other ones everything is compared anew.
    fn terms_id(&self, terms: &Terms) -> [u8; 32] {
        let consent = match terms {
            Terms::Silence => Vec::new(),
            Terms::Nothing => b"nothing".to_vec(),
            Terms::Consent(consent) => consent.to_bytes().unwrap_or_default(),
        };
        let mut choices = Vec::new();
        for (entry, choice) in &self.book.choices {
            choices.extend_from_slice(entry.as_bytes());
            choices.push(*choice as u8);
        }
        Hash::of("terms of a share", &[&consent, &choices]).0
    }
}

impl Side<'_> {
    /// What is to be pushed: what was sent and has no answer, or what is sealed now.
    pub(super) fn give(&mut self, now_ms: i64, limit: usize) -> Result<Outgone, EngineError> {
        let mut waiting = self.journal.sent(&self.share.id)?;
        if waiting.is_empty() && self.share.is_listed() {
            self.seal_some(now_ms, limit)?;
            waiting = self.journal.sent(&self.share.id)?;
        }
        let (mut bytes, mut out) = (0, Outgone { all: true, envelopes: Vec::new() });
        for sent in waiting {
            bytes += sent.envelope.len();
            let full = out.envelopes.len() == MAX_PUSH_ENVELOPES || bytes > limit;
            if full && !out.envelopes.is_empty() {
                out.all = false;
                break;
            }
            out.envelopes.push((sent.hash, sent.envelope.into()));
        }
        out.all &= self.share.due.as_ref().is_none_or(|(_, due)| due.is_empty());
        Ok(out)
    }

    /// Seals up to a bound, and makes it durable before any of it is sent.
    fn seal_some(&mut self, now_ms: i64, limit: usize) -> Result<(), EngineError> {
        if self.share.owns()
            && self.journal.restoring.is_none()
            && let Terms::Consent(consent) = self.share.terms(now_ms)
        {
            self.take_edits(&consent)?;
        }
        self.settle_opened(now_ms)?;
        let mut tx = self.journal.tx();
        let (mut bytes, mut count) = (0, 0);
        for slot in self.journal.to_say(&self.share.id)? {
            if count == MAX_PUSH_ENVELOPES || bytes > limit {
                break;
            }
            let place = (&self.share.my_side(), &slot);
            let Some(mut register) = self.journal.register(&tx, &self.share.id, place)? else {
                continue;
            };
            let again = register.winner().filter(|_| register.lost).map(|said| said.record.clone());
            let Some(record) = register.pending.clone().or(again) else { continue };
            let record = SharedRecord::from_bytes(&record)
                .map_err(|_| EngineError::damaged("a record of a share"))?;
            if self.share.owns() && is_projected(&record.body) {
                continue; // Made anew below.
            }
            bytes += self.seal_record(&mut tx, &mut register, &record)?;
            count += 1;
        }
        if self.share.owns() && self.journal.restoring.is_none() {
            let terms = self.share.terms(now_ms);
            if !matches!(terms, Terms::Silence) {
                bytes += self.seal_plan_view(&mut tx, &terms, now_ms)?;
                self.seal_entries(&mut tx, &terms, (bytes, count), limit, now_ms)?;
            }
        }
        self.journal.put_share(&mut tx, self.share)?;
        tx.commit(&mut *self.journal.rng)
    }

    fn seal_entries(
        &mut self,
        tx: &mut Tx,
        terms: &Terms,
        (mut bytes, mut count): (usize, usize),
        limit: usize,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        // What the person chose while this sync was under way counts as well.
        let now = self.share.terms_id(terms);
        let mut due = match self.share.due.take() {
            Some((then, due)) if then == now => due,
            _ => self.find_due(terms)?,
        };
        while let Some(slot) = self.share.strays.pop() {
            bytes += self.take_stray_back(tx, &slot)?;
        }
        while count < MAX_PUSH_ENVELOPES && bytes <= limit {
            let Some(entry) = due.pop_last() else { break };
            let (body, waits) = self.projection(tx, terms, &entry, now_ms)?;
            match waits {
                true => self.journal.touch_one(tx, &self.share.id, &entry)?,
                false => self.journal.untouch(tx, &self.share.id, &entry)?,
            }
            let sealed = self.say_entry(tx, &entry, body)?;
            bytes += sealed;
            count += usize::from(sealed > 0);
        }
        if due.is_empty() {
            self.share.view.compared = Some(now);
        }
        self.share.due = Some((now, due));
        Ok(())
    }

    /// The entries whose projection may differ from what was said last.
    fn find_due(&mut self, terms: &Terms) -> Result<BTreeSet<EntryId>, EngineError> {
        let mut due: BTreeSet<EntryId> =
            self.journal.touched(&self.share.id)?.into_iter().collect();
        if self.share.view.compared == Some(self.share.terms_id(terms)) {
            return Ok(due);
        }
        for month in self.journal.chapters() {
            due.extend(self.journal.chapter_rows(month)?.into_iter().map(|row| row.id));
        }
        let said = self.journal.registers(&self.share.id)?;
        self.share.room = MAX_SHARED_RECORDS.saturating_sub(said.len());
        self.share.left_out = 0;
        due.extend(said.iter().filter_map(|register| Some(EntryId::from_bytes(register.entry?))));
        let records = due.iter().map(|entry| self.share.record_of(entry));
        let known: BTreeSet<SlotId> = records
            .chain([self.share.plan_record()])
            .map(|record| self.share.slot_of(&record))
            .collect();
        let stray = |register: &&Register| {
            let record = register.record().filter(|_| register.side == self.share.my_side());
            let open = |record: SharedRecord| match record.body {
                SharedBody::Entry(_) => true,
                // Taken back before this device knew the entry, and the relay lost the word of it.
                SharedBody::Gone => register.lost,
                _ => false,
            };
            record.is_some_and(open) && !known.contains(&register.slot)
        };
        self.share.strays = said.iter().filter(stray).map(|register| register.slot).collect();
        Ok(due)
    }

    /// What is to be said of an entry, and whether it may be said later: it has a delay.
    fn projection(
        &mut self,
        tx: &Tx,
        terms: &Terms,
        entry: &EntryId,
        now_ms: i64,
    ) -> Result<(Option<SharedBody>, bool), EngineError> {
        let Terms::Consent(consent) = terms else { return Ok((None, false)) };
        let row = self.journal.row(tx, entry)?;
        let Some(row) = row.filter(|_| !self.journal.is_forgotten(entry)) else {
            return Ok((None, false));
        };
        let choice = self.share.book.choice(entry);
        // What releases something waits for both clocks.
        let now_ms = self.share.relay_ms.map_or(now_ms, |relay_ms| now_ms.min(relay_ms));
        let waits = due_ms(&row, consent).is_some_and(|due| due > now_ms);
        Ok((project(&row, consent, now_ms, choice).map(SharedBody::Entry), waits))
    }

    /// Says what an entry is now, if that is not what was said last.
    fn say_entry(
        &mut self,
        tx: &mut Tx,
        entry: &EntryId,
        body: Option<SharedBody>,
    ) -> Result<usize, EngineError> {
        let id = self.share.record_of(entry);
        self.say(tx, id, Some(*entry.as_bytes()), body)
    }

    fn plan_view(&self, terms: &Terms, now_ms: i64) -> Result<Option<SharedBody>, EngineError> {
        let Terms::Consent(consent) = terms else { return Ok(None) };
        Ok(self.plan_under(consent, now_ms)?.map(SharedBody::Plan))
    }

    /// Whether what stands of the plan is not what it is now.
    fn plan_differs(&self, terms: &Terms, now_ms: i64) -> Result<bool, EngineError> {
        let slot = self.share.slot_of(&self.share.plan_record());
        let place = (&self.share.my_side(), &slot);
        let stands = self.journal.register(&self.journal.tx(), &self.share.id, place)?;
        let stands = stands.and_then(|register| register.record()).map(|record| record.body);
        let stands = stands.filter(|body| *body != SharedBody::Gone);
        Ok(stands != self.plan_view(terms, now_ms)?)
    }

    fn seal_plan_view(
        &mut self,
        tx: &mut Tx,
        terms: &Terms,
        now_ms: i64,
    ) -> Result<usize, EngineError> {
        let (id, mut body) = (self.share.plan_record(), self.plan_view(terms, now_ms)?);
        if self.plan_differs(terms, now_ms)?
            && let Some(SharedBody::Plan(SharedPlan { editing: Some(editing), .. })) = &mut body
        {
            editing.version = self.plan_version();
        }
        self.say(tx, id, None, body)
    }

    /// Publishes the next state of one of the owner's records, unless it stands already. `None`
    /// takes back what was said; where nothing was, nothing is.
    fn say(
        &mut self,
        tx: &mut Tx,
        id: RecordId,
        entry: Option<[u8; 16]>,
        body: Option<SharedBody>,
    ) -> Result<usize, EngineError> {
        let slot = self.share.slot_of(&id);
        let found = self.journal.register(tx, &self.share.id, (&self.share.my_side(), &slot))?;
        let before = found.as_ref().and_then(Register::record);
        let body = match (body, &before) {
            (Some(body), _) => body,
            (None, Some(_)) => SharedBody::Gone,
            (None, None) => return Ok(0),
        };
        let lost = found.as_ref().is_some_and(|register| register.lost);
        // Several devices may have said the same; then it stands once more, over all of them.
        let one = found.as_ref().is_none_or(|register| register.said.len() <= 1);
        if one && !lost && before.as_ref().is_some_and(|before| before.body == body) {
            if let Some(mut register) = found.filter(|register| register.entry != entry) {
                register.entry = entry;
                self.journal.put_register(tx, &self.share.id, &register)?;
            }
            return Ok(0);
        }
        if found.is_none() {
            let Some(room) = self.share.room.checked_sub(1) else {
                self.share.left_out += 1;
                return Ok(0);
            };
            self.share.room = room;
        }
        let mut register = found.unwrap_or_else(|| Register::new(slot, self.share.my_side()));
        register.entry = entry;
        // It covers all that this side said, so it stands also where a counter cannot grow.
        let counter = before.map_or(1, |before| (before.counter + 1).min(CareLimits::COUNTER_MAX));
        self.seal_record(tx, &mut register, &SharedRecord { id, counter, body })
    }

    /// Seals a record at the end of this device's chain in its slot, in place of all that its
    /// member said there.
    fn seal_record(
        &mut self,
        tx: &mut Tx,
        register: &mut Register,
        record: &SharedRecord,
    ) -> Result<usize, EngineError> {
        let Ok(payload) = record.to_bytes() else {
            // It is too large for one envelope.
            self.share.left_out += 1;
            return Ok(0);
        };
        let share = &mut *self.share;
        let author = share.me.author.author_id();
        let epoch = share.keyring.present(&share.roster)?.clone();
        let end = register.head(&author);
        let header = Header {
            version: mainstay_protocol::FORMAT_VERSION,
            roster: share.roster.head(),
            epoch: epoch.id(),
            slot: register.slot,
            author,
            seq: end.map_or(1, |head| head.seq + 1),
            previous: end.map_or(Hash([0; 32]), |head| head.hash),
            kind: Kind::Record,
            chunk: Chunk::WHOLE,
            covers: register.covers_of(share.roster.state(), &author),
            destroys: true,
            news: false,
            forgets: 0,
            contents: None,
        };
        let seq = header.seq;
        let keys = (&epoch, &share.me.author);
        let sealed = seal::seal(&mut *self.journal.rng, &share.id, header, keys, &payload)?;
        let head = Head { seq, hash: sealed.hash(&share.id) };
        register.advance(&mut share.view.tally, &author, head);
        (register.pending, register.lost) = (None, false);
        register.said =
            vec![Said { author, head, counter: record.counter, record: payload.into() }];
        let envelope = sealed.to_bytes();
        let length = envelope.len();
        let sent = Sent { envelope: envelope.into(), hash: head.hash, slot: register.slot };
        self.journal.put_register(tx, &share.id, register)?;
        self.journal.put_sent(tx, &share.id, &sent)?;
        Ok(length)
    }

    /// What was sent and has no answer, or was refused, is not sent again: what is to be said by now
    /// takes its place, whether it arrived or not. A chain never goes back.
    pub(super) fn take_all_back(&mut self) -> Result<(), EngineError> {
        let (id, side) = (self.share.id, self.share.my_side());
        let mut tx = self.journal.tx();
        for sent in self.journal.sent(&id)? {
            self.journal.drop_sent(&mut tx, &id, &sent.slot)?;
            let found = self.journal.register(&tx, &id, (&side, &sent.slot))?;
            let Some(mut register) = found else { continue };
            register.lost = true;
            if let Some(entry) = register.entry {
                self.journal.touch_one(&mut tx, &id, &EntryId::from_bytes(entry))?;
            }
            self.journal.put_register(&mut tx, &id, &register)?;
        }
        self.share.due = None;
        self.journal.put_share(&mut tx, self.share)?;
        tx.commit(&mut *self.journal.rng)
    }

    /// Takes back a record that stands for no entry of this journal: a former device forged it.
    fn take_stray_back(&mut self, tx: &mut Tx, slot: &SlotId) -> Result<usize, EngineError> {
        let place = (&self.share.my_side(), slot);
        let found = self.journal.register(tx, &self.share.id, place)?;
        let Some(mut register) = found else { return Ok(0) };
        let Some(record) = register.record() else { return Ok(0) };
        let counter = (record.counter + 1).min(CareLimits::COUNTER_MAX);
        let gone = SharedRecord { id: record.id, counter, body: SharedBody::Gone };
        self.seal_record(tx, &mut register, &gone)
    }
}

impl Register {
    /// Whether what is to be said here is made from the journal.
    pub(super) fn is_projected(&self) -> bool {
        self.pending.is_none() && self.record().is_some_and(|record| is_projected(&record.body))
    }
}

/// Whether a body is made from the journal, and made anew whenever it is said.
pub(super) fn is_projected(body: &SharedBody) -> bool {
    matches!(body, SharedBody::Entry(_) | SharedBody::Plan(_) | SharedBody::Gone)
}

impl Share {
    /// The name that an entry has in this share: nobody but the owner can tell which it is.
    pub(super) fn record_of(&self, entry: &EntryId) -> RecordId {
        RecordId::from_bytes(self.namer().record_id(entry.as_bytes()))
    }

    pub(super) fn plan_record(&self) -> RecordId {
        RecordId::from_bytes(self.namer().plan_record_id())
    }
}

impl Share {
    /// Whether it has ended and everything was taken back.
    pub(super) fn is_compared_with_nothing(&self) -> bool {
        self.view.compared == Some(self.terms_id(&Terms::Nothing))
    }
}

impl Side<'_> {
    /// Whether everything that may be said has been: under the present terms, of the present journal.
    pub(super) fn is_settled(&mut self, now_ms: i64) -> Result<bool, EngineError> {
        let wanted = &self.share.book.consent;
        let given = wanted.is_some() && *wanted == self.share.given();
        Ok(!self.share.owns() || (given && !self.has_due(now_ms)?))
    }

    /// Whether nothing that is made from the journal may be said now.
    pub(super) fn is_silent(&self, now_ms: i64) -> bool {
        matches!(self.share.terms(now_ms), Terms::Silence)
    }

    /// Whether an entry, or the plan, may have to be said anew.
    pub(super) fn has_due(&mut self, now_ms: i64) -> Result<bool, EngineError> {
        if !self.share.owns() || self.journal.restoring.is_some() {
            return Ok(false);
        }
        let terms = self.share.terms(now_ms);
        if matches!(terms, Terms::Silence) {
            return Ok(false);
        }
        if self.share.view.compared != Some(self.share.terms_id(&terms)) {
            return Ok(true);
        }
        let tx = self.journal.tx();
        for entry in self.journal.touched(&self.share.id)? {
            if !self.projection(&tx, &terms, &entry, now_ms)?.1 {
                return Ok(true);
            }
        }
        self.plan_differs(&terms, now_ms)
    }
}

impl Replica {
    /// What everybody in the share sees of the entries, as it would be pushed now.
    pub(super) fn preview_of(
        &mut self,
        share: &Share,
        now_ms: i64,
    ) -> Result<Vec<SharedRecord>, EngineError> {
        let Some(consent) = share.book.consent.clone().filter(|_| share.book.ended_ms.is_none())
        else {
            return Ok(Vec::new());
        };
        let mut records = Vec::new();
        for month in self.chapters() {
            for row in self.chapter_rows(month)? {
                let choice = share.book.choice(&row.id);
                if let Some(entry) = project(&row, &consent, now_ms, choice) {
                    let id = share.record_of(&row.id);
                    records.push(SharedRecord { id, counter: 0, body: SharedBody::Entry(entry) });
                }
            }
        }
        Ok(records)
    }
}
