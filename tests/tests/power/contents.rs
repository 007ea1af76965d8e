//! What somebody holds of a journal: each entry and each item of the plan, and how it reads.

use std::collections::BTreeMap;

use mainstay_core::document::Row;
use mainstay_core::engine::{Engine, EngineError, Replica};
use mainstay_core::journal::{EntryId, Value};
use mainstay_core::plan::{ItemId, Plan};

use crate::session::number_of;

/// How an entry or an item stands. A forgotten entry is absent, as one that never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Absent,
    /// With the text of this number.
    Live(u64),
    Deleted(u64),
}

/// What somebody holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) entries: BTreeMap<EntryId, State>,
    pub(crate) plan: BTreeMap<ItemId, State>,
}

impl Contents {
    /// Everything an engine shows.
    pub(crate) async fn of_engine(engine: &Engine) -> Result<Self, String> {
        let failed = |error: EngineError| format!("does not read: {error}");
        let mut rows = Vec::new();
        for month in engine.chapters().await.map_err(failed)? {
            rows.extend(engine.chapter(month).await.map_err(failed)?);
            rows.extend(engine.deleted(month).await.map_err(failed)?);
        }
        Self::new(&rows, &engine.plan().await.map_err(failed)?)
    }

    /// Everything a replica shows.
    pub(crate) fn of_replica(replica: &mut Replica) -> Result<Self, String> {
        let mut rows = Vec::new();
        for month in replica.chapters() {
            let found = replica.chapter_rows(month);
            rows.extend(found.map_err(|error| format!("does not read: {error}"))?);
        }
        Self::new(&rows, &replica.plan())
    }

    /// How many entries a person sees.
    pub(crate) fn live(&self) -> u64 {
        self.entries.values().filter(|state| matches!(state, State::Live(_))).count() as u64
    }

    fn new(rows: &[Row], plan: &Plan) -> Result<Self, String> {
        let mut contents = Self::default();
        for row in rows {
            let Some(Value::Str(note)) = row.fields.get("note") else {
                return Err(format!("entry {} has no text", row.id));
            };
            let number = number_of(note).ok_or(format!("entry {} has another text", row.id))?;
            let deleted = row.deleted_at.is_some();
            let state = if deleted { State::Deleted(number) } else { State::Live(number) };
            contents.entries.insert(row.id, state);
        }
        for item in plan.items.values().flatten() {
            let number = number_of(&item.text).ok_or("an item of the plan has another text")?;
            contents.plan.insert(item.id, State::Live(number));
        }
        Ok(contents)
    }
}
