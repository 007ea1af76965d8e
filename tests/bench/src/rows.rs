//! The same entries in SQLite: one table, an indexed time, the rest as JSON.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use mainstay_core::journal::Entry;
use rusqlite::{Connection, params};

use crate::data::{Journal, edited, line};

/// A SQLite file that makes every transaction durable.
pub(crate) struct Rows(Connection);

impl Rows {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        Ok(Self(connection))
    }

    /// A new file with these lines, all in one transaction; tells how long that took.
    pub(crate) fn bulk(path: &Path, lines: &[(&Entry, String)]) -> Result<(Self, Duration)> {
        let rows = Self::open(path)?;
        let begun = Instant::now();
        rows.0.execute_batch(
            "BEGIN; CREATE TABLE entry (id BLOB PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
             CREATE INDEX entry_at ON entry (at);",
        )?;
        for (entry, body) in lines {
            rows.put(entry, body)?;
        }
        rows.0.execute_batch("COMMIT")?;
        Ok((rows, begun.elapsed()))
    }

    /// A new file that holds a journal with its edits.
    pub(crate) fn build(path: &Path, journal: &Journal) -> Result<Self> {
        let lines: Vec<_> = journal.entries.iter().map(|entry| (entry, line(entry))).collect();
        let (rows, _) = Self::bulk(path, &lines)?;
        for (at, note) in &journal.edits {
            rows.put(&journal.entries[*at], &edited(&journal.entries[*at], note))?;
        }
        Ok(rows)
    }

    /// Puts one row; outside a transaction it is durable on return.
    pub(crate) fn put(&self, entry: &Entry, body: &str) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            )?
            .execute(params![entry.id.as_bytes(), entry.when.sort_key_ms(), body])?;
        Ok(())
    }

    /// The entries of a span of time, newest first, decoded.
    pub(crate) fn timeline(&self, from_ms: i64, to_ms: i64) -> Result<Vec<serde_json::Value>> {
        let mut query =
            self.0.prepare("SELECT body FROM entry WHERE at BETWEEN ? AND ? ORDER BY at DESC")?;
        let mut rows = query.query(params![from_ms, to_ms])?;
        let mut decoded = Vec::new();
        while let Some(row) = rows.next()? {
            decoded.push(serde_json::from_str(row.get_ref(0)?.as_str()?)?);
        }
        Ok(decoded)
    }
}
