//! What can be said truthfully about where entries are.

use std::collections::BTreeSet;

use super::Replica;
use crate::engine::error::EngineError;

/// After this long without a completed sync, what the relay says may be old: 24 hours.
const STALE_MS: i64 = 24 * 3600 * 1000;

/// Where the journal's entries are. Every number rests on something that its holder signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Entries on this device that are not deleted. All of them are durable here.
    pub entries: u64,
    /// Entries, deleted ones among them, with changes that the relay has not signed for; the plan
    /// counts as one.
    pub waiting: u64,
    /// Entries that the relay has signed for, as they stand now.
    pub on_relay: u64,
    /// Entries that at least one other device of this person has confirmed, as they stand now.
    pub on_other_devices: u64,
    /// Each other device.
    pub devices: Vec<DeviceSync>,
    /// When the last sync was completed (Unix milliseconds, this device's clock).
    pub synced_ms: Option<i64>,
    /// Since when the relay has told nothing, if that is over a day or the last try failed.
    pub stale_since_ms: Option<i64>,
    /// Entries that another device has forgotten, too many at once for this one to follow before
    /// three days have passed.
    pub held: u64,
    /// Whether older history is still to come: a restore goes on, or of some chapters only the page
    /// came, because the relay lost the rest before this device had it.
    pub restoring: bool,
}

/// What one other device has confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSync {
    /// Its name.
    pub name: String,
    /// How many of the entries it has confirmed, as they stand now.
    pub confirmed: u64,
}

impl Replica {
    /// Where the journal's entries are.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn status(&mut self, now_ms: i64) -> Result<Status, EngineError> {
        self.fold()?;
        let entries: u64 = self.catalog.values().map(|catalog| catalog.live).sum();
        let (waiting, not_there) = self.waiting_counts()?;
        let devices = self.device_syncs(entries)?;
        // What came as a page says how an entry reads, not that its document is anywhere.
        let bare = if self.restoring.is_some() { 0 } else { self.bare_entries()? };
        let relay = self.relay.as_ref();
        // What a device sent counts only while it is on the list: what lies beyond its end or its
        // bound, nobody who restores reads.
        let intact = relay.is_some_and(|relay| relay.intact) && self.is_member();
        let whole = entries.saturating_sub(bare);
        let on_relay = if intact { whole.saturating_sub(not_there) } else { 0 };
        let synced_ms = relay.and_then(|relay| relay.synced_ms);
        let tried_ms = relay.and_then(|relay| relay.tried_ms);
        let old = synced_ms.is_some_and(|at| now_ms.saturating_sub(at) > STALE_MS);
        let failed = tried_ms > synced_ms;
        Ok(Status {
            entries,
            waiting: if intact { waiting } else { waiting.max(entries) },
            on_relay,
            on_other_devices: devices.iter().map(|device| device.confirmed).max().unwrap_or(0),
            devices,
            synced_ms,
            stale_since_ms: if old || failed { synced_ms.or(tried_ms) } else { None },
            held: self.held(&self.tx())?.entries(),
            restoring: self.restoring.is_some() || bare > 0,
        })
    }

    /// Entries, not deleted, of which only a page's row is here.
    fn bare_entries(&mut self) -> Result<u64, EngineError> {
        let tx = self.tx();
        let mut entries = 0;
        for month in self.catalog.keys().copied().collect::<Vec<_>>() {
            let bare = self.bare_rows(&tx, month)?;
            entries += bare.iter().filter(|row| row.deleted_at.is_none()).count() as u64;
        }
        Ok(entries)
    }

    /// How many changes wait to be sent, or for the relay's word.
    pub(crate) fn unsent(&mut self) -> Result<usize, EngineError> {
        self.fold()?;
        let tx = self.tx();
        let pending: usize = self.pending(&tx)?.values().map(Vec::len).sum();
        let forgets = self.loose_slots()?.into_iter().map(|name| self.slot(&tx, name));
        let forgets = forgets.filter(|slot| slot.as_ref().is_ok_and(|slot| slot.destroy)).count();
        let plan = usize::from(self.plan_pending(&tx)?.is_some());
        Ok(pending + plan + forgets + self.outbox()?.len() + self.unsaid()?)
    }

    /// Entries that wait; and, but for deleted ones, those together with what a snapshot may have taken off
    /// the relay that nobody here has looked into.
    fn waiting_counts(&mut self) -> Result<(u64, u64), EngineError> {
        let tx = self.tx();
        let mut ids: BTreeSet<[u8; 16]> = BTreeSet::new();
        for pending in self.pending(&tx)?.into_values().flatten() {
            ids.insert(pending.entry);
        }
        let mut plan = self.plan_pending(&tx)?.is_some();
        for (_, outgoing) in self.outbox()? {
            ids.extend(outgoing.entries.iter().map(|pending| pending.entry));
            plan |= outgoing.plan.is_some();
        }
        let waiting = ids.len() as u64 + u64::from(plan);
        for doubted in self.wanted()?.iter().filter(|wanted| wanted.doubted) {
            let name = self.slot_name(&doubted.slot);
            if let Some(month) = name.as_ref().and_then(crate::chapter::month_of) {
                ids.extend(self.rows(&tx, month)?.iter().map(|row| *row.id.as_bytes()));
            }
        }
        let mut live = 0;
        for id in &ids {
            let row = self.row(&tx, &crate::journal::EntryId::from_bytes(*id))?;
            live += u64::from(row.is_some_and(|row| row.deleted_at.is_none()));
        }
        Ok((waiting, live))
    }

    fn device_syncs(&mut self, entries: u64) -> Result<Vec<DeviceSync>, EngineError> {
        let tx = self.tx();
        let waiting: BTreeSet<[u8; 16]> = {
            let pending = self.pending(&tx)?.into_values().flatten().map(|pending| pending.entry);
            let out = self.outbox()?.into_iter().flat_map(|(_, out)| out.entries);
            pending.chain(out.map(|pending| pending.entry)).collect()
        };
        let mut devices = Vec::new();
        for author in self.other_devices() {
            let name = self.device_name(&author);
            let complete = self.seen(&tx, &author)?.is_some_and(|seen| seen.complete);
            let mut lacks = waiting.clone();
            lacks.extend(self.unconfirmed(&tx, &author)?.into_iter().filter_map(|item| item.entry));
            let mut live = 0;
            for id in &lacks {
                let row = self.row(&tx, &crate::journal::EntryId::from_bytes(*id))?;
                live += u64::from(row.is_some_and(|row| row.deleted_at.is_none()));
            }
            let confirmed = if complete { entries.saturating_sub(live) } else { 0 };
            devices.push(DeviceSync { name, confirmed });
        }
        Ok(devices)
    }
}
