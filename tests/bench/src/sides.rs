//! The same journal on each side.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use mainstay_core::engine::{Backend, Engine, SyncReport};
use mainstay_core::journal::Value;
use mainstay_core::plan::{PlanEdit, Section};
use mainstay_core::space::phrase::Phrase;

use crate::data::Journal;
use crate::phones::{Desk, size_of};
use crate::rows::Rows;
use crate::stats::{seconds, times};
use crate::table::Table;
use crate::{BACKENDS, label};

/// One journal of Mainstay's.
pub(crate) struct Phone {
    pub(crate) backend: Backend,
    pub(crate) engine: Engine,
    pub(crate) phrase: Phrase,
    pub(crate) dir: PathBuf,
}

/// The journal in each store of Mainstay's, and in SQLite.
pub(crate) struct Sides {
    pub(crate) phones: Vec<Phone>,
    pub(crate) rows: Rows,
    pub(crate) rows_path: PathBuf,
}

impl Sides {
    /// Puts a journal into each store, and syncs it.
    pub(crate) async fn build(desk: &Desk, journal: &Journal, table: &mut Table) -> Result<Self> {
        let rows_path = desk.path(&format!("{}.sqlite", journal.years));
        // Closed once, so that the log is folded into the file.
        drop(Rows::build(&rows_path, journal)?);
        let rows_bytes = size_of(&rows_path);
        let mut cells = vec![journal.years.to_string(), "SQLite".to_owned()];
        cells.extend(["-"; 4].map(str::to_owned));
        cells.extend([megabytes(rows_bytes), "1".to_owned()]);
        table.row(cells);
        let mut phones = Vec::new();
        for backend in BACKENDS {
            phones.push(build_one(desk, journal, backend, rows_bytes, table).await?);
        }
        Ok(Self { phones, rows: Rows::open(&rows_path)?, rows_path })
    }
}

async fn build_one(
    desk: &Desk,
    journal: &Journal,
    backend: Backend,
    rows_bytes: u64,
    table: &mut Table,
) -> Result<Phone> {
    let name = format!("{}-{}", journal.years, crate::name_of(backend));
    let (engine, phrase) = desk.phone(&name, backend).await?;
    let dir = desk.path(&name);
    let begun = Instant::now();
    engine.import(journal.entries.clone()).await?;
    let importing = begun.elapsed();
    let begun = Instant::now();
    for (at, note) in &journal.edits {
        let patch = [("note".to_owned(), Some(Value::Str(note.clone())))].into();
        engine.edit(journal.entries[*at].id, patch).await?;
    }
    let id = engine.new_item_id().await?;
    let (section, text) = (Section::Reasons, "my daughter".to_owned());
    let details = Default::default();
    engine.edit_plan(PlanEdit::Add { id, section, text, details, position: None }).await?;
    let editing = begun.elapsed();
    let begun = Instant::now();
    let report: SyncReport = engine.sync().await?;
    let syncing = begun.elapsed();
    engine.suspend().await?;
    let bytes = size_of(&dir);
    engine.resume().await?;
    table.row(vec![
        journal.years.to_string(),
        label(backend),
        format!("{} s", seconds(importing)),
        format!("{} s", seconds(editing)),
        format!("{} s", seconds(syncing)),
        format!("{} MB, {} turns", megabytes(report.bytes_sent), report.round_trips),
        megabytes(bytes),
        times(bytes as f64, rows_bytes as f64),
    ]);
    Ok(Phone { backend, engine, phrase, dir })
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}
