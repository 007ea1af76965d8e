//! Which relay a replica syncs with, and how a sync and a restore begin.

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::statement::Cursor;

use super::log::timestamp;
use super::records::{RelayView, Restoring};
use super::{Counts, Replica};
use crate::engine::error::EngineError;
use crate::journal::Month;

impl Replica {
    /// Sets the relay to sync with. Another relay than before is filled from the start.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn set_relay(&mut self, address: &RelayAddress) -> Result<(), EngineError> {
        let text = address.to_string();
        if self.relay.as_ref().is_some_and(|relay| relay.address == text) {
            return Ok(());
        }
        let same_key = self
            .relay_address()
            .is_some_and(|old| old.pins.iter().any(|p| address.pins.contains(p)));
        match &mut self.relay {
            Some(relay) if same_key => relay.address = text,
            _ => {
                self.replace_outbox()?;
                self.relay = Some(RelayView::new(text));
                self.forget_receipts()?;
                let mut tx = self.tx();
                self.lose_wanted(&mut tx)?;
                tx.commit(&mut *self.rng)?;
            }
        }
        let mut tx = self.tx();
        self.put_relay(&mut tx)?;
        tx.commit(&mut *self.rng)
    }

    /// The relay that was set.
    pub fn relay_address(&self) -> Option<RelayAddress> {
        self.relay.as_ref().and_then(|relay| relay.address.parse().ok())
    }

    /// Keeps an invitation to register, for the next sync.
    ///
    /// # Errors
    /// [`EngineError::NoRelay`].
    pub fn set_invitation(&mut self, invitation: Vec<u8>) -> Result<(), EngineError> {
        let relay = self.relay.as_mut().ok_or(EngineError::NoRelay)?;
        relay.invitation = Some(invitation.into());
        let mut tx = self.tx();
        self.put_relay(&mut tx)?;
        tx.commit(&mut *self.rng)
    }

    /// A restore begins: what the relay holds now is fetched newest first, then what came since.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn begin_restore(&mut self, from: Cursor) -> Result<(), EngineError> {
        if let Some(relay) = &mut self.relay {
            relay.intact = true;
        }
        self.restoring = Some(Restoring { from, slots: None, after: 0, done: 0 });
        let mut tx = self.tx();
        self.put_restoring(&mut tx)?;
        self.put_relay(&mut tx)?;
        tx.commit(&mut *self.rng)
    }

    /// Slots fetched and slots still to fetch, while a restore goes on and knows them.
    pub fn restore_progress(&self) -> Option<(u32, u32)> {
        let restoring = self.restoring.as_ref()?;
        Some((restoring.done, restoring.slots.as_ref()?.len() as u32))
    }

    /// A sync begins.
    ///
    /// # Errors
    /// [`EngineError::NoRelay`], [`EngineError::Store`].
    pub fn begin_sync(&mut self, now_ms: i64) -> Result<(), EngineError> {
        self.fold()?;
        self.counts = Counts::default();
        self.intake = Default::default();
        let relay = self.relay.as_mut().ok_or(EngineError::NoRelay)?;
        relay.tried_ms = Some(now_ms);
        let mut tx = self.tx();
        self.put_relay(&mut tx)?;
        tx.commit_lazily(&mut *self.rng)
    }

    /// What the sync has moved so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn view(&self) -> Result<&RelayView, EngineError> {
        self.relay.as_ref().ok_or(EngineError::NoRelay)
    }

    /// The chapters that a person looks at first.
    pub(super) fn first_months(now_ms: i64) -> [Month; 2] {
        let month = Month::of(timestamp(now_ms));
        [month, month.prev()]
    }
}
