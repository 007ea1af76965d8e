//! What tests and rescue tools may look at: documents as they are stored.

use super::Replica;
use crate::engine::error::EngineError;
use crate::journal::EntryId;

impl Replica {
    /// An entry's document as saved bytes; `None` when it is not here.
    ///
    /// # Errors
    /// [`EngineError::Damaged`], [`EngineError::Store`].
    pub fn document(&mut self, id: &EntryId) -> Result<Option<Vec<u8>>, EngineError> {
        self.fold()?;
        let tx = self.tx();
        Ok(self.doc(&tx, id)?.map(|(doc, _)| doc.save()))
    }

    /// The plan's document as saved bytes.
    pub fn plan_document(&self) -> Vec<u8> {
        self.plan.save()
    }
}
