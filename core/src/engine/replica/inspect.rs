//! What tests and rescue tools may look at: documents as they are stored.

use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::heads::Head;
use mainstay_protocol::ids::AuthorId;

use super::Replica;
use super::records::Slot;
use crate::chapter::SlotName;
use crate::engine::error::EngineError;
use crate::engine::vault::Table;
use crate::journal::EntryId;

impl Replica {
    /// An entry's document as saved bytes; `None` when it is not here.
    ///
    /// # Errors
    /// [`EngineError::Damaged`], [`EngineError::Store`].
    pub fn document(&mut self, id: &EntryId) -> Result<Option<Vec<u8>>, EngineError> {
        self.fold()?;
        let tx = self.tx();
        self.saved(&tx, id)
    }

    /// The plan's document as saved bytes.
    pub fn plan_document(&self) -> Vec<u8> {
        self.plan.save()
    }

    /// Where every chain ends that this device knows, sorted.
    ///
    /// # Errors
    /// [`EngineError::Damaged`], [`EngineError::Store`].
    pub fn chain_ends(&self) -> Result<Vec<(SlotName, AuthorId, Head)>, EngineError> {
        let mut ends = Vec::new();
        self.tx().scan(&self.vault.table(Table::Slot), &mut |_, bytes| {
            let slot: Slot = codec::decode(&bytes)?;
            ends.extend(slot.chains.iter().map(|chain| (slot.name, chain.author, chain.head)));
            Ok(ControlFlow::Continue(()))
        })?;
        ends.sort_by_key(|(name, author, _)| (*name, *author));
        Ok(ends)
    }
}
