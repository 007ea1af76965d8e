//! Comparing this device with what another one stated.

use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::hash::Hash;

use super::records::Slot;
use super::{Alarm, Replica};
use crate::engine::checkpoint::{Checkpoint, Witness};
use crate::engine::error::EngineError;
use crate::engine::vault::Table;

/// How new the journal on this device is, by what its devices signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AsOf {
    /// How many changes the list of devices has had.
    pub roster: u32,
    /// How many envelopes the journal has had, as far as this device knows.
    pub envelopes: u64,
    /// The latest moment that any entry is about (Unix milliseconds); none without entries. Nothing
    /// on the wire tells a time, so this is what a person can judge by.
    pub newest_entry_ms: Option<i64>,
}

impl Replica {
    /// How new the journal on this device is.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn as_of(&self) -> Result<AsOf, EngineError> {
        let filled = self.catalog.values().filter(|catalog| catalog.live > 0);
        Ok(AsOf {
            roster: self.roster.number(),
            envelopes: self.total()?,
            newest_entry_ms: filled.map(|catalog| catalog.to_ms).max(),
        })
    }

    /// Where the journal stands on this device.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn checkpoint(&self) -> Result<Checkpoint, EngineError> {
        let (number, head) = (self.roster.number(), self.roster.head());
        Ok(Checkpoint::new(number, &head, self.total()?, &self.tally.digest.0))
    }

    /// Whether this device holds what another one did.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn check_against(&self, other: &Checkpoint) -> Result<Witness, EngineError> {
        let here = self.checkpoint()?;
        let knows = self.roster.records().any(|(hash, ..)| other.names(hash));
        Ok(match knows && here.total >= other.total && self.restoring.is_none() {
            true if here.heads == other.heads => Witness::Same,
            true => Witness::Unclear,
            false => Witness::Older,
        })
    }

    /// Whether this store knows a list of devices that it once had, by its number and last record.
    /// `false`: it is an older copy of itself. A recovery voids records, and explains their absence.
    pub(crate) fn has_had(&self, number: u32, head: &Hash) -> bool {
        use mainstay_protocol::frame::Signer;
        let voided = |number: u32| {
            let mut later = self.roster.records().skip(1);
            later.any(|(_, _, r)| r.signer == Signer::Recovery && r.number <= number)
        };
        self.roster.accepts_head(head) || voided(number)
    }

    /// Says that this store is an older copy of itself.
    pub(crate) fn alarm_old(&mut self) {
        self.alarm(Alarm::OldStore);
    }

    /// The length of all chains together.
    fn total(&self) -> Result<u64, EngineError> {
        let mut total = 0_u64;
        self.tx().scan(&self.vault.table(Table::Slot), &mut |_, bytes| {
            let slot: Slot = codec::decode(&bytes)?;
            total = slot.chains.iter().fold(total, |sum, c| sum.saturating_add(c.head.seq));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(total)
    }
}
