//! Taking in many entries at once.

use super::Replica;
use crate::document::EntryDoc;
use crate::engine::error::EngineError;
use crate::journal::Entry;

/// Entries per durable commit: enough to make a sync to disk cheap, few enough for the batch limit
/// even if each had the longest note.
const AT_ONCE: usize = 32;

/// Loose documents between two rounds of packing: they take room that the store never gives back,
/// some 1.5 MB.
const LOOSE_AT_MOST: usize = 1024;

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Entries that were new.
    pub added: usize,
    /// Entries that were here already, or had been forgotten.
    pub known: usize,
}

impl Replica {
    /// Adds entries that are not here yet; importing twice adds nothing. Durable on return.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for the first entry that breaks a limit, with nothing of its batch
    /// added; [`EngineError::Store`].
    pub fn import(&mut self, entries: &[Entry], now_ms: i64) -> Result<Imported, EngineError> {
        self.fold()?;
        let mut imported = Imported::default();
        let mut loose = 0;
        for batch in entries.chunks(AT_ONCE) {
            batch.iter().try_for_each(Entry::validate)?;
            let mut tx = self.tx();
            for entry in batch {
                let known = self.is_forgotten(&entry.id) || self.row(&tx, &entry.id)?.is_some();
                if known {
                    imported.known += 1;
                    continue;
                }
                let actor = self.bytes16();
                let doc = EntryDoc::create(actor, now_ms, &entry.to_fields())?;
                self.add_new(&mut tx, &entry.id, &doc)?;
                imported.added += 1;
            }
            tx.commit(&mut *self.rng)?;
            loose += batch.len();
            if loose > LOOSE_AT_MOST {
                self.tidy(now_ms)?;
                loose = 0;
            }
        }
        self.tidy(now_ms)?;
        self.vault.store().flush()?;
        Ok(imported)
    }
}
