//! Reading.

use std::collections::BTreeMap;

use super::Replica;
use crate::document::Row;
use crate::engine::error::EngineError;
use crate::journal::{EntryId, Month, Value};

/// The values that lost where two devices set one field differently, by field.
pub type Conflict = BTreeMap<String, Vec<Value>>;

/// One entry, with what else it could say.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The entry.
    pub row: Row,
    /// Values that lost to those shown; each can still be chosen by an edit.
    pub conflicts: Conflict,
}

impl Replica {
    /// The entries that touch a span of time (Unix milliseconds, both ends included), newest first,
    /// deleted ones left out.
    ///
    /// # Errors
    /// [`EngineError::Damaged`], [`EngineError::Store`].
    pub fn timeline(&mut self, from_ms: i64, to_ms: i64) -> Result<Vec<Row>, EngineError> {
        self.fold()?;
        let mut rows: Vec<(i64, Row)> = Vec::new();
        for month in self.months(from_ms, to_ms) {
            let tx = self.tx();
            let live = self.rows(&tx, month)?.into_iter().filter(|row| row.deleted_at.is_none());
            rows.extend(live.filter_map(|row| {
                let when = row.when()?;
                let touches = when.earliest().as_millisecond() <= to_ms
                    && when.latest().as_millisecond() >= from_ms;
                touches.then(|| (when.sort_key_ms(), row))
            }));
        }
        rows.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| y.id.cmp(&x.id)));
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// The chapters that have entries in a span of time.
    pub fn months(&self, from_ms: i64, to_ms: i64) -> Vec<Month> {
        let touching =
            self.catalog.iter().filter(|(_, c)| c.from_ms <= to_ms && c.to_ms >= from_ms);
        touching.map(|(month, _)| *month).collect()
    }

    /// All rows of a chapter, deleted ones among them, sorted by id.
    ///
    /// # Errors
    /// [`EngineError::Damaged`], [`EngineError::Store`].
    pub fn chapter_rows(&mut self, month: Month) -> Result<Vec<Row>, EngineError> {
        self.fold()?;
        let tx = self.tx();
        self.rows(&tx, month)
    }

    /// Every chapter there is, oldest first.
    pub fn chapters(&self) -> Vec<Month> {
        self.catalog.keys().copied().collect()
    }

    /// One entry's row, also of a deleted one.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`].
    pub fn row_of(&mut self, id: &EntryId) -> Result<Row, EngineError> {
        self.fold()?;
        let tx = self.tx();
        self.row(&tx, id)?.ok_or(EngineError::NoSuchEntry { id: *id })
    }

    /// One entry with what else it could say, also of a deleted one.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`].
    pub fn show(&mut self, id: &EntryId) -> Result<Shown, EngineError> {
        let row = self.row_of(id)?;
        let conflicts = match row.conflicted {
            true => {
                let tx = self.tx();
                self.doc(&tx, id)?.map(|(doc, _)| doc.conflicts()).unwrap_or_default()
            }
            false => Conflict::new(),
        };
        Ok(Shown { row, conflicts })
    }
}
