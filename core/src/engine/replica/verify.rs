//! Checking what is stored against itself.

use super::Replica;
use crate::document::{EntryDoc, Row};
use crate::engine::error::EngineError;
use crate::journal::{EntryId, Month};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// An entry's document cannot be read.
    Document(EntryId),
    /// An entry's row says something else than its document. It was made again.
    Row(EntryId),
    /// An entry is counted wrongly. The count was made again.
    Count(Month),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Document(id) => {
                write!(f, "entry {id}: its document cannot be read; its row is kept")
            }
            Self::Row(id) => {
                write!(f, "entry {id}: what was shown was not what is stored; it was mended")
            }
            Self::Count(month) => {
                write!(f, "{month}: its entries were counted wrongly; it was mended")
            }
        }
    }
}

impl Replica {
    /// Opens every document, makes its row again and compares. What differs is mended.
    ///
    /// # Errors
    /// [`EngineError::Damaged`], [`EngineError::Store`].
    pub fn verify(&mut self) -> Result<Vec<Problem>, EngineError> {
        self.fold()?;
        let mut problems = Vec::new();
        for month in self.chapters() {
            self.verify_chapter(month, &mut problems)?;
        }
        Ok(problems)
    }

    fn verify_chapter(
        &mut self,
        month: Month,
        problems: &mut Vec<Problem>,
    ) -> Result<(), EngineError> {
        let mut tx = self.tx();
        let (bundle, rows) = self.gather(&tx, month)?;
        let without_documents = self.catalog.get(&month).is_some_and(|c| c.bundle.is_none());
        for doc in &bundle.docs {
            let id = EntryId::from_bytes(doc.entry);
            let Ok(document) = EntryDoc::load(&doc.saved) else {
                problems.push(Problem::Document(id));
                continue;
            };
            let row = Row::from_doc(id, &document);
            let shown = rows.binary_search_by(|row| row.id.cmp(&id)).ok().map(|at| &rows[at]);
            if shown != Some(&row) {
                problems.push(Problem::Row(id));
                self.put_doc(&mut tx, &id, &document, Default::default())?;
            }
        }
        let live = rows.iter().filter(|row| row.deleted_at.is_none()).count() as u64;
        let deleted = rows.len() as u64 - live;
        let counted = self.catalog.get(&month).map(|c| (c.live, c.deleted));
        if counted != Some((live, deleted)) && !without_documents {
            problems.push(Problem::Count(month));
            self.with_catalog(&mut tx, month, |c| (c.live, c.deleted) = (live, deleted))?;
        }
        tx.commit(&mut *self.rng)
    }
}
