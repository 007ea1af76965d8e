//! Writing: one durable insert, then the documents follow.

use std::ops::ControlFlow;

use mainstay_protocol::codec;
use serde_json::Map;

use super::Replica;
use super::docs::entry_key;
use super::records::{Intent, Pending};
use crate::document::EntryDoc;
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::Table;
use crate::journal::{Entry, EntryBody, EntryId, Fields, Patch, Value, When};

impl Replica {
    /// Logs an entry. When this returns it is durable.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] naming the field and its limit; [`EngineError::Store`].
    pub fn log(
        &mut self,
        body: EntryBody,
        when: When,
        now_ms: i64,
    ) -> Result<EntryId, EngineError> {
        let id = EntryId::make(when.month(), &mut *self.rng);
        let entry = Entry::typed(id, body, when, timestamp(now_ms));
        entry.validate()?;
        let fields = fields_to_json(&entry.to_fields());
        let actor = self.bytes16();
        self.intend(&Intent::Create { id: *id.as_bytes(), actor, now_ms, fields: fields.into() })?;
        Ok(id)
    }

    /// Changes fields of an entry; `None` takes a field away. When this returns it is durable.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`], [`EngineError::Invalid`], [`EngineError::StillRestoring`].
    pub fn edit(&mut self, id: EntryId, patch: &Patch, now_ms: i64) -> Result<(), EngineError> {
        self.fold()?;
        let mut fields = self.existing(&id)?;
        crate::journal::apply(&mut fields, patch);
        Entry::from_fields(id, &fields)?.validate()?;
        let (actor, patch) = (self.bytes16(), patch_to_json(patch).into());
        self.intend(&Intent::Edit { id: *id.as_bytes(), actor, now_ms, patch })
    }

    /// Hides an entry everywhere; [`Replica::restore_deleted`] brings it back.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`], [`EngineError::StillRestoring`].
    pub fn delete(&mut self, id: EntryId, now_ms: i64) -> Result<(), EngineError> {
        self.set_deleted(id, Some(now_ms), now_ms)
    }

    /// Brings a deleted entry back.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`], [`EngineError::StillRestoring`].
    pub fn restore_deleted(&mut self, id: EntryId, now_ms: i64) -> Result<(), EngineError> {
        self.set_deleted(id, None, now_ms)
    }

    fn set_deleted(
        &mut self,
        id: EntryId,
        deleted_ms: Option<i64>,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        self.fold()?;
        self.existing(&id)?;
        let actor = self.bytes16();
        self.intend(&Intent::Delete { id: *id.as_bytes(), actor, now_ms, deleted_ms })
    }

    /// Forgets an entry for ever, here and everywhere. There is no way back.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`].
    pub fn forget(&mut self, id: EntryId, now_ms: i64) -> Result<(), EngineError> {
        self.fold()?;
        if !self.tx().has(&entry_key(&self.vault, Table::Doc, &id))? {
            self.row_of(&id)?;
        }
        self.intend(&Intent::Forget { id: *id.as_bytes(), now_ms })
    }

    /// Makes documents and rows of what was logged. Called right after each write and at the next
    /// open. What it makes is kept in memory and reaches the store with the next commit that is no
    /// intent's, or when there is enough of it; the intent goes with it.
    ///
    /// # Errors
    /// [`EngineError::Store`], [`EngineError::Document`].
    pub fn fold(&mut self) -> Result<(), EngineError> {
        while self.unfolded {
            let intents = self.intents()?;
            if intents.is_empty() {
                self.unfolded = false;
            }
            for (place, intent) in intents {
                let mut tx = self.tx();
                self.fold_one(&mut tx, &intent)?;
                tx.delete(&self.vault.ordinal(Table::Intent, place))?;
                match intent {
                    // What is forgotten leaves the store at once.
                    Intent::Forget { .. } => tx.commit_lazily(&mut *self.rng)?,
                    _ => tx.fold(&mut *self.rng)?,
                }
            }
        }
        // A month has begun: those before it are packed, also where nobody ever syncs.
        match self.tidy_at.take() {
            Some(now_ms) => self.tidy(now_ms),
            None => Ok(()),
        }
    }

    fn intents(&self) -> Result<Vec<(u64, Intent)>, EngineError> {
        const AT_ONCE: usize = 256;
        let mut intents = Vec::new();
        self.tx().scan(&self.vault.table(Table::Intent), &mut |name, bytes| {
            let place: [u8; 8] = name
                .try_into()
                .map_err(|_| EngineError::damaged("an intent's key is malformed"))?;
            intents.push((u64::from_be_bytes(place), codec::decode(&bytes)?));
            Ok(match intents.len() < AT_ONCE {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })
        })?;
        Ok(intents)
    }

    fn fold_one(&mut self, tx: &mut Tx, intent: &Intent) -> Result<(), EngineError> {
        match intent {
            Intent::Create { id, actor, now_ms, fields } => {
                let id = EntryId::from_bytes(*id);
                let doc = EntryDoc::create(*actor, *now_ms, &json_to_fields(fields)?)?;
                if !self.catalog.contains_key(&id.month()) {
                    self.tidy_at = Some(*now_ms);
                }
                self.add_new(tx, &id, &doc)
            }
            Intent::Edit { id, actor, now_ms, patch } => {
                let patch = json_to_patch(patch)?;
                self.change(tx, id, |doc| Ok(doc.edit(*actor, *now_ms, &patch)?))
            }
            Intent::Delete { id, actor, now_ms, deleted_ms } => {
                self.change(tx, id, |doc| Ok(doc.set_deleted(*actor, *now_ms, *deleted_ms)?))
            }
            Intent::Forget { id, now_ms } => {
                let under = self.roster.head();
                self.forget_here(tx, &EntryId::from_bytes(*id), under, Some(*now_ms))
            }
        }
    }

    /// Adds a document that is new, unless it is known or was forgotten. Tells whether it was new
    /// by leaving it pending.
    pub(super) fn add_new(
        &mut self,
        tx: &mut Tx,
        id: &EntryId,
        doc: &EntryDoc,
    ) -> Result<(), EngineError> {
        if self.is_forgotten(id) || self.doc(tx, id)?.is_some() {
            return Ok(());
        }
        self.put_doc(tx, id, doc, Default::default())?;
        self.mark_pending(tx, id, Default::default())
    }

    fn change(
        &mut self,
        tx: &mut Tx,
        id: &[u8; 16],
        edit: impl FnOnce(&mut EntryDoc) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let id = EntryId::from_bytes(*id);
        // Forgotten meanwhile: the edit goes the way of the entry.
        let Some((mut doc, record)) = self.doc(tx, &id)? else { return Ok(()) };
        let before = doc.heads();
        edit(&mut doc)?;
        self.put_doc(tx, &id, &doc, record.from)?;
        self.mark_pending(tx, &id, before)
    }

    /// Remembers that an entry has changes beyond `sent`, unless it has unsent ones already.
    pub(super) fn mark_pending(
        &self,
        tx: &mut Tx,
        id: &EntryId,
        sent: crate::document::Heads,
    ) -> Result<(), EngineError> {
        let key = entry_key(&self.vault, Table::Pending, id);
        match tx.has(&key)? {
            true => Ok(()),
            false => tx.put(&key, &Pending { entry: *id.as_bytes(), sent }),
        }
    }

    /// Remembers that nobody has an entry's changes beyond `sent`, although they were sent or wait
    /// on the ground that earlier ones were. Of two different grounds neither is safe: then the
    /// whole document goes.
    pub(super) fn mark_again(
        &self,
        tx: &mut Tx,
        id: &EntryId,
        sent: crate::document::Heads,
    ) -> Result<(), EngineError> {
        let key = entry_key(&self.vault, Table::Pending, id);
        let waits = tx.get::<Pending>(&key)?.filter(|pending| pending.sent != sent);
        let sent = if waits.is_some() { Default::default() } else { sent };
        tx.put(&key, &Pending { entry: *id.as_bytes(), sent })
    }

    fn intend(&mut self, intent: &Intent) -> Result<(), EngineError> {
        let mut tx = self.tx();
        tx.put(&self.vault.ordinal(Table::Intent, self.next_intent), intent)?;
        tx.commit_alone(&mut *self.rng)?;
        self.next_intent += 1;
        self.unfolded = true;
        self.revision += 1;
        Ok(())
    }

    /// The fields of an entry whose document is here.
    fn existing(&mut self, id: &EntryId) -> Result<Fields, EngineError> {
        let tx = self.tx();
        match self.doc(&tx, id)? {
            Some((doc, _)) => Ok(doc.fields()),
            None if self.row(&tx, id)?.is_some() => Err(EngineError::StillRestoring),
            None => Err(EngineError::NoSuchEntry { id: *id }),
        }
    }
}

pub(super) fn timestamp(now_ms: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(now_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn fields_to_json(fields: &Fields) -> Vec<u8> {
    let map: Map<_, _> = fields.iter().map(|(n, v)| (n.clone(), v.clone().into())).collect();
    serde_json::Value::Object(map).to_string().into_bytes()
}

fn patch_to_json(patch: &Patch) -> Vec<u8> {
    let list = patch.iter().map(|(name, value)| {
        let value: Vec<serde_json::Value> = value.iter().map(|v| v.clone().into()).collect();
        serde_json::Value::Array(vec![name.clone().into(), value.into()])
    });
    serde_json::Value::Array(list.collect()).to_string().into_bytes()
}

fn json_to_fields(bytes: &[u8]) -> Result<Fields, EngineError> {
    let map: Map<String, serde_json::Value> =
        serde_json::from_slice(bytes).map_err(|_| EngineError::damaged("an intent's fields"))?;
    Ok(map.into_iter().map(|(name, value)| (name, Value::from(value))).collect())
}

fn json_to_patch(bytes: &[u8]) -> Result<Patch, EngineError> {
    let list: Vec<(String, Vec<serde_json::Value>)> =
        serde_json::from_slice(bytes).map_err(|_| EngineError::damaged("an intent's patch"))?;
    Ok(list
        .into_iter()
        .map(|(name, value)| (name, value.into_iter().next().map(Value::from)))
        .collect())
}
